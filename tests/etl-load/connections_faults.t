#!/bin/sh
# --connections and other sessions: two loads of the same keys, a connection that
# is terminated in the middle of its share.
. tests/support/lib.sh
. tests/support/hold.sh

# records N V: N records in random order, the same in each run.
records() {
	seq "$1" | sed "s/.*/{\"id\":&,\"v\":\"$2\"}/" |
	    shuf --random-source="$top/tests/support/lib.sh"
}
# over OPTION...: loads standard input into table t over three connections.
over() {
	etl-load --db "$db" --table t --key id --connections 3 --batch 300 \
	    --backoff 1ms..5ms -v "$@"
}
message() {
	grep -v 'plain NDJSON' "$1"
}

db_new postgresql
sql 'CREATE TABLE t (id int PRIMARY KEY, v text)'

# Each load locks the same rows in another order. After a deadlock the share is
# loaded again.
for round in 1 2; do
	records 3000 a | over >"$scratch/out" 2>"$scratch/first" &
	first=$!
	rc=0
	records 3000 b | tac | over 2>"$scratch/second" || rc=$?
	is "round $round: the second of two loads of the same keys succeeds" \
	    0 $rc
	rc=0
	wait $first || rc=$?
	is "round $round: the first of two loads of the same keys succeeds" \
	    0 $rc
	is "round $round: each row is there, with the value of one load" \
	    '3000|3000' "$(sql "SELECT count(*), count(*) FILTER (WHERE
		v IN ('a', 'b')) FROM t")"
	for load in first second; do
		like "round $round: the $load load counts each record once" \
		    '^etl-load: t in .*: 3000 in, ' \
		    "$(message "$scratch/$load")"
	done
done

# is_waiting: a connection of the load waits for a lock.
is_waiting() {
	sql "SELECT 'waits' FROM pg_stat_activity WHERE $sessions_here
	    AND application_name = 'etl-load' AND wait_event_type = 'Lock'" |
	    grep -q waits
}
# load_that_waits: loads 200 records, of which row 100 is locked by hold().
load_that_waits() {
	(
		exec 8>&-
		seq 200 | sed 's/.*/{"id":&,"v":"new"}/' | over 2>"$scratch/err"
	) &
	loader=$!
	wait_until 10 is_waiting
}
finish() {
	rc=0
	wait $loader || rc=$?
	is "$1: the load succeeds" 0 $rc
	is "$1: all rows have the new value" '200|200' "$(sql "SELECT
	    count(*), count(*) FILTER (WHERE v = 'new') FROM t")"
	like "$1: each record is counted once" \
	    ': 200 in, 0 inserted, 200 updated, 0 unchanged' \
	    "$(message "$scratch/err")"
}

# A deadlock for certain: the other session has row 100, and then wants the
# rows that the waiting connection has. It never looks for a deadlock, so the
# server ends the transaction of the load.
sql "TRUNCATE t; INSERT INTO t SELECT n, 'old' FROM generate_series(1, 200) n"
hold "SET deadlock_timeout = '1h'" 'BEGIN' \
    'SELECT 1 FROM t WHERE id = 100 FOR UPDATE'
load_that_waits
printf '%s;\n' 'SELECT count(*) FROM (SELECT FROM t FOR UPDATE) q' COMMIT >&8
release
finish 'a deadlock'
is 'a deadlock: there was one' 1 "$(sql "SELECT deadlocks > 0
    FROM pg_stat_database WHERE datname = current_database()" | grep -c t)"

# One of the three connections is terminated in the middle of its share.
sql "UPDATE t SET v = 'old'"
hold 'BEGIN' 'SELECT 1 FROM t WHERE id = 100 FOR UPDATE'
load_that_waits
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'etl-load' AND wait_event_type = 'Lock'
    AND $sessions_here" >"$scratch/out"
release
finish 'a connection is terminated'

# The connection is cut when the server has committed a share, and before the
# answer comes. Of three shares and the state, the third COMMIT is a share's.
sql "UPDATE t SET v = 'old'"
mkdir "$scratch/cut"
"$etl_build/tests/cutter" after 3 0 "$scratch/cut" >"$scratch/cutter" &
cutter=$!
at_exit "kill $cutter"
wait_until 10 test -S "$scratch/cut/.s.PGSQL.1"
straight=$db
db="$db?host=$scratch/cut&port=1&sslmode=disable"
seq 200 | sed 's/.*/{"id":&,"v":"new"}/' | over 2>"$scratch/err" &
loader=$!
db=$straight
finish 'the answer to the COMMIT of a share is lost'
is 'the answer to the COMMIT of a share is lost: it was' cut \
    "$(cat "$scratch/cutter")"
done_testing
