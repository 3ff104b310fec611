#!/bin/sh
# get, set, clear and list: on both databases and on a file.
. tests/support/lib.sh
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
	is "$kind: an empty list" '0 0' \
	    "$(status ck list) $(wc -c <out | tr -d ' ')"
	timeout 20 script -qec "etl-checkpoint list '$where'" tty </dev/null \
	    >/dev/null
	like "$kind: an empty list, on a terminal" \
	    "^etl-checkpoint: list: no checkpoint in $place" \
	    "$(grep -a etl-checkpoint: tty)"
	is "$kind: get of none" 1 "$(status ck get posts)"
	like "$kind: says so" \
	    "^etl-checkpoint: posts: no such checkpoint in $place" \
	    "$(cat err)"
	is "$kind: and prints nothing" '' "$(cat out)"
	is "$kind: clear of none" 1 "$(status ck clear posts)"
	like "$kind: says so as well" \
	    "^etl-checkpoint: posts: no such checkpoint in $place" \
	    "$(cat err)"
	is "$kind: set" 0 "$(status ck set posts 2026-05-30T00:00:00Z)"
	is "$kind: says nothing" '' "$(cat out err)"
	is "$kind: get" 0 "$(status ck get posts)"
	is "$kind: the value and LF" '2026-05-30T00:00:00Z\n$' \
	    "$(sed 's/$/\\n$/' out | tr -d '\n')"
	is "$kind: set again" 0 "$(status ck set -- posts -17.50)"
	is "$kind: clear" 0 "$(status ck clear posts)"
	is "$kind: get of a cleared one" 1 "$(status ck get posts)"
	like "$kind: says that it was" 'posts: has no value' "$(cat err)"
	is "$kind: versions go up" '{"name":"posts","value":null,"version":3}' \
	    "$(ck list --json | jq -c '{name, value, version}')"
	like "$kind: list of one without" '^posts +3 .* \(none\)$' \
	    "$(ck list)"
	printf '%s\n' "$odd" | while read -r name; do
		ck set "$name" "value of $name"
		[ "$(ck get "$name")" = "value of $name" ] || echo "$name"
	done >wrong
	is "$kind: odd names" '' "$(cat wrong)"
	is "$kind: all are listed" 7 "$(ck list | wc -l | tr -d ' ')"
	case $kind in
	file) sorted="cat" ;;
	*) sorted="sort" ;;
	esac
	is "$kind: in the file's order, or by name" \
	    "$({ echo posts; printf '%s\n' "$odd"; } | $sorted)" \
	    "$(ck list --json | jq -r .name)"
	ck set "$evil" "$evil"
	is "$kind: a script gets the bytes" "$evil" "$(ck get "$evil")"
	ck list >out && ck list --json >>out
	unlike "$kind: a list obeys nothing" \
	    "$(printf '[\001-\010\013-\037]|\302\233|\342\200\256')" \
	    "$(cat out)"
	is "$kind: and JSON is the same text" "$evil" \
	    "$(ck list --json | jq -r 'select(.name | startswith("a\u001b")) |
	    .value')"
	timeout 20 script -qec "etl-checkpoint get '$where' '$evil'" tty \
	    </dev/null >/dev/null
	like "$kind: a terminal is shown it" \
	    '^a\\u001b\]0;x\\u0007\\u009b\\u202eb' "$(grep '^a' tty)"
	long=$(printf '%0512d' 0)
	is "$kind: a name of 512 bytes" 0 "$(status ck set "$long" 1)"
	is "$kind: and one more" 64 "$(status ck set "${long}0" 1)"
	is "$kind: an empty name" 64 "$(status ck set '' 1)"
	is "$kind: a name that is no UTF-8" 64 \
	    "$(status ck set "$(printf '\377')" 1)"
	is "$kind: an empty value" 64 "$(status ck set posts '')"
	is "$kind: a value that is no UTF-8" 64 \
	    "$(status ck set posts "$(printf 'a\303')")"
	big=$(head -c 100000 /dev/zero | tr '\0' x)
	is "$kind: a large value" 0 "$(status ck set big "$big")"
	is "$kind: comes back" "$big" "$(ck get big)"
	rc=0; ck get big >/dev/full 2>err || rc=$?
	is "$kind: a full disk" 74 $rc
	rc=0; ck list >&- 2>err || rc=$?
	is "$kind: stdout closed" 74 $rc
	is "$kind: a reader that leaves" 141 "$(bash -c '{ sleep 0.2
	    etl-checkpoint list "$1"; } | true; echo ${PIPESTATUS[0]}' - \
	    "$where")"
	# Ten at once: each is counted.
	for i in 1 2 3 4 5 6 7 8 9 10; do
		ck set many $i &
	done
	wait
	is "$kind: ten at once" 10 "$(ck list --json |
	    jq 'select(.name == "many") | .version')"
done
is 'nothing is left beside the file' state.json \
    "$(find . -name '*state*' | sed 's,^\./,,')"

# Who reads a list may take his time: nothing is open meanwhile.
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
	like "$kind: a list has begun" '"n1"' "$first"
	etl-checkpoint set --db "$db" other 1
	ok "$kind: its database is closed" wait_until 10 nothing_open
	is "$kind: it is still there" 0 "$(status kill -0 $pid)"
	is "$kind: and gives the rest" 49 "$(cat <&4 | jq -r .name | wc -l |
	    tr -d ' ')"
	exec 4<&-
	rc=0; wait $pid || rc=$?
	is "$kind: whole" 0 $rc
done

# A run that moved it last, and says running.
for kind in sqlite postgresql; do
	db_new $kind
	etl-checkpoint set --db "$db" posts 1
	sql "INSERT INTO pipeline_runs (started_at, renewed_at, status,
	    pipeline, run) VALUES ('2026-05-30T00:00:00Z',
	    '2026-05-30T00:00:00Z', 'running', 'posts', 'r1')"
	sql "UPDATE etl_checkpoints SET run = 'r1'"
	is "$kind: set under a run" 0 "$(status etl-checkpoint set --db "$db" \
	    posts 2)"
	like "$kind: warns" 'warning: the run that wrote this checkpoint last is still' \
	    "$(cat err)"
	is "$kind: set once more does not" '0 ' \
	    "$(status etl-checkpoint set --db "$db" posts 2) $(cat err)"
	# Whoever has the row is waited for: BEGIN .. COMMIT of 1 s.
	case $kind in
	sqlite)
		{ echo "BEGIN IMMEDIATE; UPDATE etl_checkpoints SET value = 'l';"
		  sleep 1; echo 'COMMIT;'; } | sqlite3 -cmd '.timeout 9000' \
		    "${db#sqlite:}" & ;;
	*)
		{ echo "BEGIN; UPDATE etl_checkpoints SET value = 'l';"
		  sleep 1; echo 'COMMIT;'; } | psql -qX "$db" >/dev/null & ;;
	esac
	sleep 0.4
	is "$kind: a transaction in flight" 0 \
	    "$(status etl-checkpoint set --db "$db" posts mine)"
	wait
	is "$kind: came first" mine "$(etl-checkpoint get --db "$db" posts)"
done

DATABASE_URL=sqlite:$scratch/by-env.db
export DATABASE_URL
etl-checkpoint set e 1
is 'DATABASE_URL' 1 "$(sqlite3 by-env.db 'SELECT value FROM etl_checkpoints')"
etl-checkpoint set --state file:e.json e 2
is '--state wins over it' '1 2' "$(etl-checkpoint get e) $(etl-checkpoint \
    get --state file:e.json e)"
for bad in 'get' 'get a b' 'set a' 'set' 'set a b c' 'clear' 'list a' \
    'odd' '' 'get --json a' 'get --db x --state file:y a' \
    'get --state y a' 'get --state file: a' 'get --state http://x a' \
    'get --max-record 1 a' 'save' 'save --db sqlite:x' \
    'save --state file:x a' 'save --state file:x --json'; do
	# shellcheck disable=SC2086
	is "usage: $bad" 64 "$(status etl-checkpoint $bad)"
done
unset DATABASE_URL
mkdir empty
for command in list 'get a' 'clear a'; do
	# shellcheck disable=SC2086
	is "no such file: $command" 66 \
	    "$(status etl-checkpoint $command --db sqlite:empty/x.db)"
	like 'is told' 'etl-checkpoint: sqlite:empty/x.db: no such file.*--db' \
	    "$(cat err)"
done
is 'the default, without a file' 0 "$(cd empty && status etl-checkpoint list)"
for command in 'get a' 'clear a'; do
	# shellcheck disable=SC2086
	is "the default, without a file: $command" 1 \
	    "$(cd empty && status etl-checkpoint $command)"
	like 'is told' 'a: no such checkpoint in sqlite:etl\.db$' "$(cat err)"
done
is 'nothing was made' '' "$(ls empty)"
is 'set makes it' 0 "$(cd empty && status etl-checkpoint set a 1)"
is 'and it can be read' 1 "$(cd empty && etl-checkpoint get a)"
is 'a password in an argument' 75 "$(status etl-checkpoint get \
    --db postgresql://u:geheim@127.0.0.1:1/x a)"
like 'is warned of' 'warning: --db' "$(cat err)"
unlike 'and not shown' geheim "$(cat err)"
done_testing
