#!/bin/sh
# --lock-timeout and --statement-timeout: how long the loader waits for another
# session, and how long a statement may run.
. tests/support/lib.sh
. tests/support/hold.sh

records() {
	seq "$1" "$2" | sed 's/.*/{"id":&,"v":"x"}/'
}
load() {
	records 1 20 | limit=20 status etl-load --db "$db" --table t --key id \
	    --backoff 1ms..5ms "$@"
}
rows() {
	sql 'SELECT count(*) FROM t'
}

for kind in postgresql sqlite; do
	db_new $kind
	sql 'CREATE TABLE t (id integer PRIMARY KEY, v text)'
	case $kind in
	sqlite) lock='BEGIN IMMEDIATE' ;;
	*) lock='BEGIN; LOCK TABLE t IN EXCLUSIVE MODE' ;;
	esac
	hold "$lock"
	is "$kind: the table is locked for longer than the limit: exit code 75" \
	    75 "$(load --lock-timeout 300ms --retries 2)"
	like "$kind: the message names the option and its value" \
	    'kept a lock for longer than --lock-timeout 300ms' \
	    "$(cat "$scratch/err")"
	began=$(date +%s%N)
	is "$kind: no retries: exit code 75" 75 \
	    "$(load --lock-timeout 200ms --retries 0)"
	ok "$kind: no retries: the load ends within 5 seconds" \
	    test $((($(date +%s%N) - began) / 1000000)) -lt 5000
	release
	is "$kind: nothing is stored while the table is locked" 0 "$(rows)"

	hold "$lock"
	{ sleep 1; printf 'ROLLBACK;\n' >&8; } &
	is "$kind: the lock is free after some tries: exit code 0" 0 \
	    "$(load --lock-timeout 200ms --retries 40 --backoff 50ms..100ms)"
	is "$kind: the lock is free after some tries: all records are rows" 20 \
	    "$(rows)"
	release
	is "$kind: 0s is no limit" 0 "$(load --lock-timeout 0s)"
	is "$kind: a word is no duration: exit code 64" 64 \
	    "$(load --lock-timeout soon)"
done

# PostgreSQL.  A reader's lock stops the loader when it reads the table's columns.
db_new postgresql
sql 'CREATE TABLE t (id integer PRIMARY KEY, v text)'
hold 'BEGIN' 'LOCK TABLE t IN ACCESS EXCLUSIVE MODE'
is 'the table may not even be read: exit code 75' 75 \
    "$(load --lock-timeout 200ms --retries 1)"
like 'the table may not even be read: the message names the option' \
    'longer than --lock-timeout 200ms' "$(cat "$scratch/err")"
release
for mode in 'append' 'ignore --key id' 'delete-insert --scope v --complete' \
    'replace --replace-by delete --complete' \
    'replace --replace-by truncate --complete'; do
	sql "TRUNCATE t; INSERT INTO t VALUES (0, 'x')"
	hold 'BEGIN' 'LOCK TABLE t IN EXCLUSIVE MODE'
	# shellcheck disable=SC2086
	is "--mode $mode: a locked table: exit code 75, and the row stays" '75 1' \
	    "$(records 1 5 | limit=20 status etl-load --db "$db" --table t \
	    --backoff 1ms..5ms --retries 1 --lock-timeout 200ms \
	    --mode $mode) $(rows)"
	release
done
# One row is locked: the batch is tried again, then this record is judged alone.
sql "TRUNCATE t; INSERT INTO t VALUES (7, 'old')"
hold 'BEGIN' "UPDATE t SET v = 'other' WHERE id = 7"
is 'one row stays locked: its record is a reject, the others are rows' '0 20 1' \
    "$(load --lock-timeout 200ms --retries 1 --rejects "$scratch/rejects") $(
    rows) $(grep -c '"sqlstate":"55P03"' "$scratch/rejects")"
release

sql 'TRUNCATE t;
    CREATE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(5);
	RETURN NULL; END $$ LANGUAGE plpgsql;
    CREATE TRIGGER slow AFTER INSERT ON t EXECUTE FUNCTION slow()'
is 'a statement runs longer than its limit: exit code 75' 75 \
    "$(load --statement-timeout 300ms --retries 0)"
like 'a statement runs longer than its limit: the message names the option' \
    'longer than --statement-timeout 300ms' "$(cat "$scratch/err")"
is 'a statement runs longer than its limit: no row' 0 "$(rows)"
sql 'DROP TRIGGER slow ON t'
cat >"$scratch/dump.sql" <<'EOS'
SET statement_timeout = 0;
SET lock_timeout = 0;
EOS
hold 'BEGIN' 'LOCK TABLE t IN EXCLUSIVE MODE'
is 'the script of --ddl sets other limits: those of the options count' 75 \
    "$(load --ddl "$scratch/dump.sql" --lock-timeout 200ms --retries 0)"
release

# SQLite: the limit of a statement.
db_new sqlite
sql 'CREATE TABLE t (id integer PRIMARY KEY, v text);
    CREATE TRIGGER slow AFTER INSERT ON t BEGIN
	SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
	    SELECT i + 1 FROM n WHERE i < 1000000000) SELECT i FROM n);
    END'
is 'SQLite: a statement runs longer than its limit: exit code 75' 75 \
    "$(load --statement-timeout 300ms --retries 1)"
like 'SQLite: a statement runs longer than its limit: the message says so' \
    'longer than --statement-timeout 300ms' "$(cat "$scratch/err")"
is 'SQLite: a statement runs longer than its limit: no row' 0 "$(rows)"
done_testing
