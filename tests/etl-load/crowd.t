#!/bin/sh
# Four loaders load the same keys, each in another order. None of them fails
# because of a deadlock with another one.
# shellcheck disable=SC2016
. tests/support/lib.sh

# crowd LABEL TABLE OPTION...: runs the four loaders on the files in.1 to in.4.
crowd() {
	name=$1
	table=$2
	shift 2
	for i in 1 2 3 4; do
		(
			rc=0
			timeout 60 etl-load --db "$db" --table "$table" \
			    --key k --batch 500 --backoff 10ms..50ms "$@" \
			    <"$scratch/in.$i" 2>"$scratch/err.$i" || rc=$?
			echo $rc >"$scratch/rc.$i"
		) &
	done
	wait
	is "$name: all four loaders exit with 0" '0 0 0 0' \
	    "$(cat "$scratch"/rc.? | paste -sd ' ')"
	is "$name: each key has one row" 2000 \
	    "$(sql "SELECT count(*) FROM $table")"
	grep -hv 'plain NDJSON' "$scratch"/err.? >&2 || :
}

# make FILTER: writes the four files; $i is the number of the file.
make() {
	for i in 1 2 3 4; do
		seq 2000 | jq -c --argjson i $i "$1" |
		    shuf --random-source="$scratch/random.$i" >"$scratch/in.$i"
	done
}

for i in 1 2 3 4; do
	yes $i | head -n 100000 >"$scratch/random.$i"
done
db_new postgresql
sql 'CREATE TABLE t (k int PRIMARY KEY, v int, w int)'
make '{k: ., v: (. * $i)}'
crowd 'records with the same members, --retries 0' t --retries 0
crowd 'rows that exist, --retries 0' t --retries 0
make '{k: .} + if . % 3 == 0 then {v: $i} elif . % 3 == 1 then {w: $i}
    else {v: 1, w: $i} end'
crowd 'records with different members' t
sql 'CREATE TABLE u (k int PRIMARY KEY, v int, u int UNIQUE)'
make '{k: ., v: $i, u: .}'
crowd 'a table with a second unique index' u

# Every role may take the advisory lock of the table, and keep it.
sql 'DELETE FROM u'
sql "SELECT pg_advisory_lock(6648940::int8 << 32 | 'u'::regclass::oid::int8);
    SELECT pg_sleep(60)" >/dev/null 2>&1 &
holder=$!
wait_until 10 sh -c "psql -XAtq -d '$db' -c \"SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND $locks_here\" | grep 1"
began=$(date +%s)
is 'a session that keeps the lock of the table does not stop a load' '0 2000' \
    "$(limit=40 status etl-load --db "$db" --table u --key k --batch 500 \
    <"$scratch/in.1") $(sql 'SELECT count(*) FROM u')"
ok 'the loader waits for the lock only once, and only for 10 seconds' \
    test $(($(date +%s) - began)) -lt 20
like 'a session that keeps the lock of the table: one warning' \
    '^etl-load: warning: table u: another session keeps the advisory lock' \
    "$(cat "$scratch/err")"
is 'the setting lock_timeout of the role stays as it is in the load' 7s "$(
    sql "CREATE TABLE k (k int PRIMARY KEY,
        l text DEFAULT current_setting('lock_timeout'))"
    echo '{"k":1}' | PGOPTIONS='-c lock_timeout=7s' etl-load --db "$db" \
        --table k --key k 2>/dev/null; sql 'SELECT l FROM k')"
sql "SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND $locks_here" >/dev/null
wait $holder || :
done_testing
