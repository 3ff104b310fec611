#!/bin/sh
# etl-checkpoint get, set, clear and list work on both databases and on a state
# file.
. tests/support/lib.sh
. tests/support/hold.sh
cd "$scratch"

odd='@orders
a b
'"'"'; DROP TABLE etl_checkpoints; --
%s%n
é☃😀'
evil=$(printf 'a\033]0;x\007\302\233\342\200\256b')

for kind in sqlite postgresql file; do
	case $kind in
	file) where=--state=file:$scratch/state.json ;;
	*) db_new $kind; where=--db=$db ;;
	esac
	place=${where#--*=}
	place=${place#file:}
	[ $kind != postgresql ] || place=postgresql://
	ck() { verb=$1; shift; etl-checkpoint "$verb" "$where" "$@"; }
	is "$kind: list without checkpoints exits with 0, prints nothing" \
	    '0 0' \
	    "$(status ck list) $(wc -c <out | tr -d ' ')"
	timeout 20 script -qec "etl-checkpoint list '$where'" tty </dev/null \
	    >/dev/null
	like "$kind: list on a terminal says that there is no checkpoint" \
	    "^etl-checkpoint: list: no checkpoint in $place" \
	    "$(grep -a etl-checkpoint: tty)"
	is "$kind: get of an unknown checkpoint exits with 1" 1 \
	    "$(status ck get posts)"
	like "$kind: get names the unknown checkpoint and the place" \
	    "^etl-checkpoint: posts: no such checkpoint in $place" \
	    "$(cat err)"
	is "$kind: get of an unknown checkpoint prints no value" '' "$(cat out)"
	is "$kind: clear of an unknown checkpoint exits with 1" 1 \
	    "$(status ck clear posts)"
	like "$kind: clear names the unknown checkpoint and the place" \
	    "^etl-checkpoint: posts: no such checkpoint in $place" \
	    "$(cat err)"
	is "$kind: set exits with 0" 0 \
	    "$(status ck set posts 2026-05-30T00:00:00Z)"
	is "$kind: set prints nothing" '' "$(cat out err)"
	is "$kind: get exits with 0" 0 "$(status ck get posts)"
	is "$kind: get prints the value and a newline" \
	    '2026-05-30T00:00:00Z\n$' \
	    "$(sed 's/$/\\n$/' out | tr -d '\n')"
	is "$kind: set of another value exits with 0" 0 \
	    "$(status ck set -- posts -17.50)"
	is "$kind: clear exits with 0" 0 "$(status ck clear posts)"
	is "$kind: get of a cleared checkpoint exits with 1" 1 \
	    "$(status ck get posts)"
	like "$kind: get says that the cleared checkpoint has no value" \
	    'posts: this checkpoint has no value' "$(cat err)"
	is "$kind: each set and clear raises the version" \
	    '{"name":"posts","value":null,"version":3}' \
	    "$(ck list --json | jq -c '{name, value, version}')"
	like "$kind: list shows a cleared checkpoint as (none)" \
	    '^posts +3 .* \(none\)$' \
	    "$(ck list)"
	printf '%s\n' "$odd" | while read -r name; do
		ck set "$name" "value of $name"
		[ "$(ck get "$name")" = "value of $name" ] || echo "$name"
	done >wrong
	is "$kind: checkpoints with odd names keep their values" '' \
	    "$(cat wrong)"
	is "$kind: list prints all seven checkpoints" 7 \
	    "$(ck list | wc -l | tr -d ' ')"
	case $kind in
	file) sorted="cat" ;;
	*) sorted="sort" ;;
	esac
	is "$kind: list sorts by name, or as in the state file" \
	    "$({ echo posts; printf '%s\n' "$odd"; } | $sorted)" \
	    "$(ck list --json | jq -r .name)"
	ck set "$evil" "$evil"
	is "$kind: get in a script prints the bytes unchanged" "$evil" \
	    "$(ck get "$evil")"
	ck list >out && ck list --json >>out
	unlike "$kind: list writes no control characters" \
	    "$(printf '[\001-\010\013-\037]|\302\233|\342\200\256')" \
	    "$(cat out)"
	is "$kind: list --json decodes to the original value" "$evil" \
	    "$(ck list --json | jq -r 'select(.name | startswith("a\u001b")) |
	    .value')"
	timeout 20 script -qec "etl-checkpoint get '$where' '$evil'" tty \
	    </dev/null >/dev/null
	like "$kind: get on a terminal escapes control characters" \
	    '^a\\u001b\]0;x\\u0007\\u009b\\u202eb' "$(grep '^a' tty)"
	long=$(printf '%0512d' 0)
	is "$kind: set takes a name of 512 bytes" 0 "$(status ck set "$long" 1)"
	is "$kind: set of a name of 513 bytes exits with 64" 64 \
	    "$(status ck set "${long}0" 1)"
	is "$kind: set of an empty name exits with 64" 64 \
	    "$(status ck set '' 1)"
	is "$kind: set of a name that is not UTF-8 exits with 64" 64 \
	    "$(status ck set "$(printf '\377')" 1)"
	is "$kind: set of an empty value exits with 64" 64 \
	    "$(status ck set posts '')"
	is "$kind: set of a value that is not UTF-8 exits with 64" 64 \
	    "$(status ck set posts "$(printf 'a\303')")"
	big=$(head -c 100000 /dev/zero | tr '\0' x)
	is "$kind: set takes a value of 100000 bytes" 0 \
	    "$(status ck set big "$big")"
	is "$kind: get prints the large value unchanged" "$big" "$(ck get big)"
	rc=0; ck get big >/dev/full 2>err || rc=$?
	is "$kind: get to a full standard output exits with 74" 74 $rc
	rc=0; ck list >&- 2>err || rc=$?
	is "$kind: list with a closed standard output exits with 74" 74 $rc
	is "$kind: list exits with 141 if its reader closes the pipe" 141 \
	    "$(bash -c '{ sleep 0.2
	    etl-checkpoint list "$1"; } | true; echo ${PIPESTATUS[0]}' - \
	    "$where")"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		ck set many $i &
	done
	wait
	is "$kind: ten sets at once raise the version ten times" 10 \
	    "$(ck list --json |
	    jq 'select(.name == "many") | .version')"
done
is 'no temporary file is left beside the state file' state.json \
    "$(find . -name '*state*' | sed 's,^\./,,')"

# list holds no database open while its reader is slow.
nothing_open() {
	case $db in
	sqlite:*) [ "$(sqlite3 "${db#sqlite:}" \
	    'PRAGMA wal_checkpoint(TRUNCATE)')" = '0|0|0' ] ;;
	*) [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE datname =
	    current_database() AND application_name = 'etl-checkpoint'")" -eq 0 ]
	    ;;
	esac
}
for kind in sqlite postgresql; do
	db_new $kind
	etl-checkpoint set --db "$db" n1 1
	sql "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 50) INSERT INTO etl_checkpoints (name, value, version,
	    updated_at) SELECT 'n' || i, '$big', 1, (SELECT updated_at FROM
	    etl_checkpoints) FROM n"
	rm -f slow
	mkfifo slow
	etl-checkpoint list --json --db "$db" >slow & pid=$!
	exec 4<slow
	IFS= read -r first <&4
	like "$kind: list prints its first line to a slow reader" '"n1"' \
	    "$first"
	etl-checkpoint set --db "$db" other 1
	ok "$kind: list holds no database open while its reader waits" \
	    wait_until 10 nothing_open
	is "$kind: the waiting list is still running" 0 "$(status kill -0 $pid)"
	is "$kind: list prints the rest when its reader goes on" 49 \
	    "$(cat <&4 | jq -r .name | wc -l |
	    tr -d ' ')"
	exec 4<&-
	rc=0; { wait $pid || rc=$?; } 2>/dev/null
	is "$kind: list to a slow reader exits with 0" 0 $rc
done

# The run that wrote the checkpoint last has a row that says running.
for kind in sqlite postgresql; do
	db_new $kind
	etl-checkpoint set --db "$db" posts 1
	sql "INSERT INTO pipeline_runs (started_at, renewed_at, status,
	    pipeline, run) VALUES ('2026-05-30T00:00:00Z',
	    '2026-05-30T00:00:00Z', 'running', 'posts', 'r1')"
	sql "UPDATE etl_checkpoints SET run = 'r1'"
	is "$kind: set exits with 0 if the last writer is still running" 0 \
	    "$(status etl-checkpoint set --db "$db" \
	    posts 2)"
	like "$kind: set warns that the last writer is still running" \
	    'warning: the run that wrote this checkpoint last is still' \
	    "$(cat err)"
	is "$kind: a second set prints no warning" '0 ' \
	    "$(status etl-checkpoint set --db "$db" posts 2) $(cat err)"
	# set waits for a transaction that holds the row for another second.
	case $kind in sqlite) begin='BEGIN IMMEDIATE' ;; *) begin=BEGIN ;; esac
	hold "$begin" "UPDATE etl_checkpoints SET value = 'l'"
	{ sleep 1; echo 'COMMIT;' >&8; } &
	is "$kind: set waits for a transaction that holds the row" 0 \
	    "$(status etl-checkpoint set --db "$db" posts mine)"
	release
	is "$kind: the value of set replaces that of the transaction" mine \
	    "$(etl-checkpoint get --db "$db" posts)"
done

DATABASE_URL=sqlite:$scratch/by-env.db
export DATABASE_URL
etl-checkpoint set e 1
is 'DATABASE_URL selects the database' 1 \
    "$(sqlite3 by-env.db 'SELECT value FROM etl_checkpoints')"
etl-checkpoint set --state file:e.json e 2
is '--state wins over DATABASE_URL' '1 2' \
    "$(etl-checkpoint get e) $(etl-checkpoint \
    get --state file:e.json e)"
for bad in 'get' 'get a b' 'set a' 'set' 'set a b c' 'clear' 'list a' \
    'odd' '' 'get --json a' 'get --db x --state file:y a' \
    'get --state y a' 'get --state file: a' 'get --state http://x a' \
    'get --max-record 1 a' 'save' 'save --db sqlite:x' \
    'save --state file:x a' 'save --state file:x --json'; do
	# shellcheck disable=SC2086
	is "etl-checkpoint $bad exits with 64" 64 \
	    "$(status etl-checkpoint $bad)"
done
unset DATABASE_URL
mkdir empty
for command in list 'get a' 'clear a'; do
	# shellcheck disable=SC2086
	is "$command with a missing database file exits with 66" 66 \
	    "$(status etl-checkpoint $command --db sqlite:empty/x.db)"
	like 'the message names the missing file and --db' \
	    'etl-checkpoint: sqlite:empty/x.db: no such file.*--db' \
	    "$(cat err)"
done
is 'list without the default database exits with 0' 0 \
    "$(cd empty && status etl-checkpoint list)"
for command in 'get a' 'clear a'; do
	# shellcheck disable=SC2086
	is "$command without the default database exits with 1" 1 \
	    "$(cd empty && status etl-checkpoint $command)"
	like 'the message names the default database etl.db' \
	    'a: no such checkpoint in sqlite:etl\.db$' "$(cat err)"
done
is 'none of these commands creates a database file' '' "$(ls empty)"
is 'set creates the default database' 0 \
    "$(cd empty && status etl-checkpoint set a 1)"
is 'get prints the value from the created database' 1 \
    "$(cd empty && etl-checkpoint get a)"
is 'get from an unreachable server exits with 75' 75 \
    "$(status etl-checkpoint get \
    --db postgresql://u:geheim@127.0.0.1:1/x a)"
like 'the message warns of a password on the command line' 'warning: --db' \
    "$(cat err)"
unlike 'the message does not show the password' geheim "$(cat err)"
done_testing
