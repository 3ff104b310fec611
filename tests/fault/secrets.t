#!/bin/sh
# The token of the API and the password of the database appear in no message, no
# table, no file that the programs write and no argument of a process, whether
# the command succeeds or fails.  (tests/etl-extract/auth.t checks core files.)
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
# Records, again and again, the arguments of all processes of this test, which
# are the processes whose working directory is $scratch.
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
		    >>messages 2>&1 || :
	done
	API_TOKEN=wrong-$token-too FROM=$api/auth/posts DATABASE_URL=$url \
	    etl-run --name p flow.sh >>messages 2>&1 || :
	DATABASE_URL=$url etl-dlq list >>messages 2>&1 || :
	DATABASE_URL=$url etl-dlq show 1 >>messages 2>&1 || :
	DATABASE_URL=$url etl-status --run 1 >>messages 2>&1 || :
	case $kind in
	sqlite) sqlite3 "${db#sqlite:}" .dump >>dump ;;
	*) pg_dump -d "${db##*/}" >>dump ;;
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
		is "$program, ${address##*@}: the program exits with an error" \
		    1 \
		    "$(grep -cE '^(64|69|75|77|78)$' rc)"
		cat out err >>messages
	done
done
kill $watcher
ok 'there are messages, a database dump and arguments to search' \
    test -s messages -a -s dump \
    -a -s arguments
for what in messages dump arguments; do
	is "no API token in the file $what" '' "$(grep -n "$token" "$what" |
	    grep -v -e --secret -e 'the secret of env:' | head -n 3)"
	is "no database password in the file $what" \
	    '' "$(grep -n "$password" "$what" |
	    head -n 3)"
done
is 'no token or password in the lock files of etl-run' \
    '' "$(grep -rlE "$token|$password" "$XDG_STATE_HOME"/etl-run || :)"
done_testing
