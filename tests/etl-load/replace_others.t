#!/bin/sh
# --mode replace on PostgreSQL beside other sessions: some read the table, lock it or
# change its definition while the new table is filled.
. tests/support/lib.sh
. tests/etl-load/old_rows.sh

db_new postgresql
k=postgresql:
load() {
	status etl-load -v --db "$db" --table t --mode replace \
	    --backoff 1ms..5ms "$@" <"$scratch/in"
}
rows() {
	sql 'SELECT k, n FROM t ORDER BY k' | xargs
}

# session: starts a session of psql that reads its statements from descriptor 9.
session() {
	rm -f "$scratch/fifo"
	mkfifo "$scratch/fifo"
	psql -XAtq -d "$db" <"$scratch/fifo" >"$scratch/session" 2>&1 &
	session=$!
	exec 9>"$scratch/fifo"
}
# says TEXT...: the session executes the statements.
says() {
	: >"$scratch/session"
	printf '%s;\n' "$@" "SELECT 'done'" >&9
	wait_until 20 grep -q '^done' "$scratch/session"
}
session_ends() {
	exec 9>&-
	wait $session || :
}
# waiting N: N sessions wait for an advisory lock.
waiting() {
	[ "$(sql "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
	    AND NOT granted AND $locks_here")" = "$1" ]
}
# while_it_fills COMMAND...: starts a load, runs COMMAND while the new table is
# filled, and sets rc to the exit code of the load.
while_it_fills() {
	session
	says 'SELECT pg_advisory_lock(42)'
	etl-load -v --db "$db" --table t --mode replace --backoff 1ms..5ms \
	    <"$scratch/in" 2>"$scratch/err" 9>&- &
	loader=$!
	wait_until 20 waiting 1
	"$@"
	says 'SELECT pg_advisory_unlock(42)'
	rc=0
	wait $loader || rc=$?
	session_ends
}
sql "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    PERFORM pg_advisory_xact_lock(42); RETURN NEW; END \$\$;
    CREATE TABLE t (k text PRIMARY KEY, n int);
    CREATE TRIGGER wait BEFORE INSERT ON t FOR EACH STATEMENT
    EXECUTE FUNCTION wait(); CREATE ROLE etl_others_$$;
    INSERT INTO t VALUES ('a', 1)"
at_exit "psql -Xq -d postgres -c 'DROP ROLE IF EXISTS etl_others_$$'"
at_exit "psql -Xq -d '$db' -c 'DROP OWNED BY etl_others_$$ CASCADE'"

put '{"k":"b","n":2}'
waits_or_has_written() {
	[ "$(sql "SELECT count(*) FROM pg_locks WHERE NOT granted
	    AND mode = 'RowExclusiveLock' AND $locks_here")" = 1 ] ||
	    ! kill -0 "$writer" 2>/dev/null
}
read_and_write() {
	is "$k while the new table is filled, others read the old rows" 'a|1' \
	    "$(rows)"
	psql -Xq -d "$db" -c "UPDATE t SET n = 9" 9>&- &
	writer=$!
	wait_until 20 waits_or_has_written
}
while_it_fills read_and_write
wait "$writer" || :
is "$k the load succeeds, and another session has waited to write" \
    '0 b|9' "$rc $(rows)"

changed() {
	sql "$1"
}
# change LABEL STATUS SQL ERE SQL: somebody executes SQL while the table is filled.
change() {
	while_it_fills changed "$3"
	is "$k $1: exit code $2" "$2" $rc
	like "$k $1: the message says why" "$4" "$(cat "$scratch/err")"
	is "$k $1: the table is unchanged" 'b|9' "$(rows)"
	sql "$5"
}
change 'rights are granted while the load runs' 75 \
    "GRANT SELECT ON t TO etl_others_$$" 'was changed while the load ran' \
    "REVOKE ALL ON t FROM etl_others_$$"
change 'a view is made while the load runs' 78 'CREATE VIEW v AS SELECT * FROM t' \
    'view public.v' 'DROP VIEW v'
change 'a function with its row type is made while the load runs' 78 \
    'CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$' \
    'function public.f' 'DROP FUNCTION f'

# Statements that lock the table wait for the load, and then find the new table.
later() {
	psql -Xq -d "$db" -c "$1" >"$scratch/later" 2>&1 9>&- &
	later=$!
}
put '{"k":"c","n":3}'
while_it_fills later 'ALTER TABLE t ADD z int'
wait "$later" || :
is "$k a column that is added meanwhile is added to the new table" \
    '0 c|3|' "$rc $(sql 'SELECT k, n, z FROM t')"
while_it_fills later 'DROP TABLE t'
wait "$later" || :
is "$k a table that is dropped meanwhile is dropped after the load" '0 ' \
    "$rc $(sql "SELECT to_regclass('t')")"

# A definition that changes before the first record comes, and after the table was
# opened.
new_table() {
	sql "DROP TABLE IF EXISTS t, u; CREATE TABLE t (k text PRIMARY KEY, n int);
	    INSERT INTO t VALUES ('a', 1)" 2>"$scratch/notices"
}
# before_it_fills SQL: executes SQL when the load has opened the table, and sets rc.
before_it_fills() {
	new_table
	rm -f "$scratch/input"
	mkfifo "$scratch/input"
	etl-load -v --db "$db" --table t --mode replace --complete \
	    <"$scratch/input" 2>"$scratch/err" &
	loader=$!
	exec 8>"$scratch/input"
	printf '{"k":"d","n":4}\n' >&8
	wait_until 20 opened
	sql "$1" 8>&-
	exec 8>&-
	rc=0
	wait $loader || rc=$?
}
# opened: the session of the load waits for its next statement.
opened() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE datname =
	    current_database() AND application_name LIKE 'etl-load%' AND
	    state = 'idle' AND query LIKE '%etl_scopes%'")" = 1 ]
}
before_it_fills 'ALTER TABLE t ADD z int DEFAULT 5'
is "$k a column is added before the end of the input: exit code and row" \
    '0 d|4|5' "$rc $(sql 'SELECT * FROM t')"
before_it_fills 'ALTER TABLE t DROP n'
is "$k a column is dropped before the end of the input: exit code 78" 78 $rc
before_it_fills 'ALTER TABLE t RENAME TO u'
is "$k the table is renamed before the end of the input: exit code and rows" \
    '78 a|1' "$rc $(sql 'SELECT * FROM u')"
before_it_fills 'CREATE VIEW v AS SELECT * FROM t'
is "$k a view is made before the end of the input: exit code and rows" \
    '78 a|1' "$rc $(sql 'SELECT * FROM t')"
sql 'DROP VIEW v'

# A reader that keeps the table locked: the loader tries again, and gives up.
new_table
put '{"k":"e","n":5}'
session
says BEGIN 'SELECT * FROM t'
is "$k a transaction keeps on reading: exit code 75" 75 \
    "$(PGOPTIONS='-c lock_timeout=300' load 9>&-)"
like "$k a transaction keeps on reading: the message says why" \
    'other sessions kept the table' "$(cat "$scratch/err")"
is "$k a transaction keeps on reading: the table is unchanged" 'a|1' "$(rows)"
load 9>&- >"$scratch/status" &
loader=$!
swaps() {
	[ "$(sql "SELECT count(*) FROM pg_locks WHERE NOT granted
	    AND mode = 'AccessExclusiveLock' AND $locks_here")" = 1 ]
}
wait_until 20 swaps
is "$k a reader that comes while the loader waits can read" 'a|1' "$(rows)"
says COMMIT
wait $loader
is "$k when the transaction ends, the tables are swapped" '0 e|5' \
    "$(cat "$scratch/status") $(rows)"
session_ends

# Readers and two loaders at the same time.  Each load writes rows with one number.
cat >"$scratch/check.sql" <<'EOS'
SELECT count(*) = 300 AND min(n) = max(n) AND
    (SELECT count(*) FROM t WHERE k > '') = 300 FROM t;
EOS
records() {
	seq 300 | jq -c "{k: \"k\\(.)\", n: $1}"
}
records 0 >"$scratch/in"
load >"$scratch/status"
yes "$(cat "$scratch/check.sql")" | head -n 100000 >"$scratch/reads.sql"
for reader in 1 2; do
	timeout 60 psql -XAtq -d "$db" -f "$scratch/reads.sql" \
	    >"$scratch/read.$reader" 2>&1 &
	eval "reader_$reader=$!"
done
done_loads=0 lost=0
for n in 1 2 3 4 5 6 7 8 9 10; do
	for side in 1 2; do
		records $n$side >"$scratch/in.$side"
		etl-load --db "$db" --table t --mode replace \
		    <"$scratch/in.$side" 2>"$scratch/err.$side" &
		eval "side_$side=$!"
	done
	for side in 1 2; do
		rc=0
		eval "wait \$side_$side" || rc=$?
		case $rc in
		0) done_loads=$((done_loads + 1)) ;;
		75) lost=$((lost + 1)) ;;
		*) diag "exit code $rc" "$(cat "$scratch/err.$side")" ;;
		esac
	done
done
# shellcheck disable=SC2154
kill "$reader_1" "$reader_2" 2>/dev/null || :
wait "$reader_1" "$reader_2" 2>/dev/null || :
ok "$k of two loads at the same time at least one succeeds" test \
    $done_loads -ge 10
is "$k of two loads at the same time each succeeds or exits with 75" 20 \
    $((done_loads + lost))
diag "$done_loads loads, $(cat "$scratch"/read.[12] | wc -l) reads"
is "$k readers see all rows of one load, and nothing else" t \
    "$(cat "$scratch"/read.[12] | sort -u)"
is "$k no table is left over" t \
    "$(sql "SELECT relname FROM pg_class WHERE relname ~ '^(t\$|etl_new)'")"
done_testing
