#!/bin/sh
# Secrets stand in no message, no table, no file of the programs' own, no
# argument of a process: the API's token, and the database's
# password, when things go well and when they go wrong.  (No core either:
# tests/etl-extract/auth.t.)
. tests/support/lib.sh
cd "$scratch"
api_start --posts 20
token=secret password=Pa55-w0rd-of-mine
API_TOKEN=$token
export API_TOKEN
cat >flow.sh <<'END'
etl-extract --auth bearer --paginate page --into query:_page --size _limit=5 \
    --delay 20ms "$FROM" |
etl-transform '{id, title} | if .id == 3 then error("no") else . end' |
etl-load --table t --max-rejects 100%
END
# The words of all processes of ours, which are where we are, again and again.
watch_arguments() {
	while :; do
		ps -o args= -p "$(find /proc -maxdepth 2 -name cwd \
		    -lname "$scratch" 2>/dev/null | cut -d / -f 3 |
		    paste -s -d ,)" |
		    grep -E '^(etl-|([^ ]*/)?sh ([^ ]* )*(\./)?flow\.sh)' || :
		sleep 0.05
	done >>arguments &
	watcher=$!
	at_exit "kill $watcher 2>/dev/null"
}
watch_arguments
for kind in sqlite postgresql; do
	db_new $kind
	sql 'CREATE TABLE t (id text, title text)'
	url=$db
	if [ $kind = postgresql ]; then
		role=etl_test_$$
		sql "CREATE ROLE $role LOGIN SUPERUSER PASSWORD '$password'"
		at_exit "psql -XAtq -d postgres -c 'DROP OWNED BY $role' \
		    -c 'DROP ROLE $role' >/dev/null 2>&1"
		url="$db?user=$role&password=$password"
	fi
	for from in "$api/auth/posts" "$api/auth/none" "$api/fault/status/500/posts" \
	    "http://127.0.0.1:1/posts"; do
		FROM=$from DATABASE_URL=$url etl-run -v --name p flow.sh \
		    >>said 2>&1 || :
	done
	API_TOKEN=wrong-$token-too FROM=$api/auth/posts DATABASE_URL=$url \
	    etl-run --name p flow.sh >>said 2>&1 || :
	DATABASE_URL=$url etl-dlq list >>said 2>&1 || :
	DATABASE_URL=$url etl-dlq show 1 >>said 2>&1 || :
	DATABASE_URL=$url etl-status --run 1 >>said 2>&1 || :
	case $kind in
	sqlite) sqlite3 "${db#sqlite:}" .dump >>stored ;;
	*) pg_dump -d "${db##*/}" >>stored ;;
	esac
done
for address in "postgresql://me:$password@127.0.0.1:1/x" \
    "postgresql://me:$password@nohost.invalid/x" \
    "postgresql://me:$password@127.0.0.1:1/x?nonsense=1" \
    "postgresql://me:$password@[::1/x" \
    "postgresql://127.0.0.1:1/x?user=me&password=$password"; do
	for program in 'etl-load --retries 0 --table t' 'etl-dlq list' \
	    'etl-run -c :' 'etl-checkpoint list' 'etl-status --run 1'; do
		# shellcheck disable=SC2086
		DATABASE_URL=$address status $program </dev/null >rc
		is "$program, ${address##*@}: fails" 1 \
		    "$(grep -cE '^(64|69|75|77|78)$' rc)"
		cat out err >>said
	done
done
kill $watcher
ok 'something was said, stored and seen' test -s said -a -s stored \
    -a -s arguments
for what in said stored arguments; do
	is "no token in what was $what" '' "$(grep -n "$token" "$what" |
	    grep -v -e --secret -e 'the secret of env:' | head -n 3)"
	is "no password in what was $what" '' "$(grep -n "$password" "$what" |
	    head -n 3)"
done
is 'nor in what lies about' '' "$(grep -rlE "$token|$password" /tmp/etl-run-"$(id -u)" \
    2>/dev/null || :)"
done_testing
