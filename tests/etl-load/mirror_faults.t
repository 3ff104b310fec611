#!/bin/sh
# --mode mirror with tables of many kinds, and when something goes wrong: the table
# is as before the load or as after it, and no row whose record came is deleted.
. tests/support/lib.sh
. tests/etl-load/old_rows.sh

load() {
	rm -f "$scratch/aside"
	status etl-load -v --db "$db" --table t --mode mirror \
	    --backoff 1ms..5ms --max-rejects 100% \
	    --rejects "$scratch/aside" "$@" <"$scratch/in"
}
rows() {
	sql 'SELECT k, n FROM t ORDER BY n' | xargs
}
# table COLUMNS: makes a table with the rows 1 to 3.
table() {
	sql "CREATE TABLE t ($1); INSERT INTO t (k, n) VALUES ('a', 1), ('b', 2),
	    ('c', 3)"
	put '{"k":"a","n":1}' '{"k":"b","n":2}'
}
# start_late OPTION...: starts a load that waits for its input.
start_late() {
	etl-load --db "$db" --table t --mode mirror --complete "$@" \
	    <"$scratch/fifo.$kind" 2>"$scratch/late" &
	late=$!
	exec 9>"$scratch/fifo.$kind"
	wait_until 10 sh -c "[ \$(ls /proc/$late/fd | wc -l) -gt 4 ]" || :
	sleep .3
}
# give_late RECORD...: gives the load its input; sets $rc to its exit status.
give_late() {
	printf '%s\n' "$@" >&9
	exec 9>&-
	rc=0
	wait $late || rc=$?
}
removed() {
	sed -n 's/.*, \([0-9]*\) removed$/\1/p' "$scratch/err"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind

	# Keys.
	table 'k text UNIQUE, n int'
	sql 'INSERT INTO t VALUES (NULL, 4)'
	is "$k a key that is NULL: the row is deleted like others" \
	    '0 a|1 b|2' "$(load --key k) $(rows)"
	sql 'DROP TABLE t'
	table 'k text, n int, PRIMARY KEY (k, n)'
	put '{"k":"a","n":1}' '{"n":2,"k":"b"}' '{"k":"c","n":4}'
	is "$k a key of two columns" '0 a|1 b|2 c|4 1' "$(load) $(rows) $(removed)"
	put '{"k":"a","n":1}' '{"k":"b"}' '{"k":"c","n":4}'
	refuses 65 'a record with half of the key' '1 rejected record whose key cannot be read'
	sql 'DROP TABLE t; CREATE TABLE t (k numeric PRIMARY KEY, n int);
	    INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)'
	put '{"k":1.0,"n":1}' '{"k":2e0,"n":2}'
	is "$k numbers in another spelling are the same key" '0 2 1' \
	    "$(load) $(sql 'SELECT count(*) FROM t') $(removed)"
	sql 'DROP TABLE t; CREATE TABLE t (k int PRIMARY KEY, n int, m text);
	    INSERT INTO t (k, n) VALUES (-5, -1), (7, 2), (2147483647, 3)'
	put '{"k":-5}' '{"k":7,"n":9}' '{"k":"x","n":9}'
	refuses 65 'a key that does not fit the column' '1 rejected record whose key cannot be read'
	put '{"k":-5}' '{"k":7,"n":9}'
	is "$k integers as keys" '0 -5|-1 7|9' "$(load) $(rows)"
	sql 'DROP TABLE t'

	# Many rows are deleted.
	sql 'CREATE TABLE t (k int PRIMARY KEY, n int, p int REFERENCES t);
	    CREATE INDEX by_p ON t (p)'
	case $kind in
	sqlite) sql "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1
		FROM r WHERE i < 250000) INSERT INTO t SELECT i, i,
		CASE WHEN i % 2 = 0 THEN i - 1 END FROM r" ;;
	*) sql "INSERT INTO t SELECT i, i, CASE WHEN i % 2 = 0 THEN i - 1 END
		FROM generate_series(1, 250000) AS i" ;;
	esac
	seq 5 10000 245000 | jq -c '{k: .}' >"$scratch/in"
	in_memory "$k 249975 rows are deleted in less than 32 MiB" \
	    32768 1000000 etl-load --db "$db" --table t --mode mirror \
	    --max-deletes 100% <"$scratch/in"
	is "$k the rows that came stay" "25 5 240005" \
	    "$(sql 'SELECT count(*), min(k), max(k) FROM t' | tr '|' ' ')"
	sql 'DROP TABLE t'

	# Other tables.
	table 'k text PRIMARY KEY, n int, gone timestamp'
	sql "CREATE TABLE child (k text REFERENCES t ON DELETE CASCADE);
	    INSERT INTO child VALUES ('c')"
	refuses 78 'a table whose deleted rows delete rows of another table' child
	is "$k --soft-delete changes no row of the other table" '0 1 c' \
	    "$(load --soft-delete gone) $(removed) $(sql 'SELECT k FROM child')"
	sql "DROP TABLE child; UPDATE t SET gone = NULL;
	    CREATE TABLE child (k text REFERENCES t);
	    INSERT INTO child VALUES ('c')"
	refuses 65 'a row to which another table refers' \
	    'rows that did not come in the input cannot be deleted|FOREIGN KEY|foreign key'
	sql 'DROP TABLE child; DROP TABLE t'

	# Triggers.
	table 'k text PRIMARY KEY, n int'
	case $kind in
	sqlite)
		sql "CREATE TRIGGER small AFTER INSERT ON t BEGIN UPDATE t
		    SET k = lower(NEW.k) WHERE k = NEW.k; END;
		    CREATE TABLE log (k text); CREATE TRIGGER gone
		    AFTER DELETE ON t BEGIN INSERT INTO log VALUES (OLD.k);
		    END"
		;;
	*)
		sql "CREATE FUNCTION small() RETURNS trigger LANGUAGE plpgsql AS
		    \$\$ BEGIN NEW.k = lower(NEW.k); RETURN NEW; END \$\$;
		    CREATE TRIGGER small BEFORE INSERT ON t FOR EACH ROW
		    EXECUTE FUNCTION small(); CREATE TABLE log (k text);
		    CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS
		    \$\$ BEGIN INSERT INTO log VALUES (OLD.k); RETURN NULL;
		    END \$\$; CREATE TRIGGER gone AFTER DELETE ON t FOR EACH ROW
		    EXECUTE FUNCTION log()"
		;;
	esac
	put '{"k":"a","n":1}' '{"k":"b","n":2}' '{"k":"X","n":3}'
	refuses 78 'a trigger that changes a key' 'no rows with their keys'
	put '{"k":"a","n":1}' '{"k":"b","n":2}' '{"k":"x","n":3}'
	is "$k triggers run for the deleted rows" '0 c' \
	    "$(load) $(sql 'SELECT k FROM log')"
	sql 'DROP TABLE t'

	# A table that is altered, and two loads at the same time.
	table 'k text PRIMARY KEY, n int'
	mkfifo "$scratch/fifo.$kind"
	start_late
	sql 'ALTER TABLE t ADD COLUMN more text'
	give_late '{"k":"a","n":1}' '{"k":"b","n":7}'
	is "$k a column is added while the load runs" '0 a|1 b|7' "$rc $(rows)"
	start_late --max-deletes 100%
	put '{"k":"a","n":20}'
	is "$k the second of two loads: exit code 0" 0 "$(load)"
	give_late '{"k":"b","n":10}'
	is "$k the first of two loads, which ends last: exit code 75" 75 $rc
	is "$k the rows of the load that was faster stay" 'a|20' "$(rows)"
	sql 'DROP TABLE t'
done

# SQLite: tables of other kinds.
db_new sqlite
table 'k text PRIMARY KEY COLLATE NOCASE, n int'
put '{"k":"A","n":1}' '{"k":"B","n":7}'
is 'the collation NOCASE: keys that differ in case are the same' \
    '0 a|1 b|7' "$(load) $(rows)"
sql 'DROP TABLE t'
sql "CREATE TABLE t (k text COLLATE NOCASE, n int, rowid int, PRIMARY KEY (n, k))
    WITHOUT ROWID; INSERT INTO t VALUES ('a', 1, 1), ('b', 2, 2), ('c', 3, 3)"
put '{"k":"A","n":1}' '{"k":"b","n":2}'
is 'a table WITHOUT ROWID' '0 a|1 b|2' "$(load) $(rows)"
sql "DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY, n int, ROWID int, oid text);
    INSERT INTO t VALUES ('a', 1, 1, 'x'), ('b', 2, 1, 'x'), ('c', 3, 1, 'x')"
put '{"k":"b","n":2}' '{"k":"d","n":4,"oid":"x"}'
is 'columns with names of the rowid' '0 b|2 d|4' \
    "$(load --max-deletes 3) $(rows)"
sql 'DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY, n int, rowid int, oid int,
    _rowid_ int)'
is 'columns with all names of the rowid: exit code 78' 78 "$(load)"
sql 'DROP TABLE t'
table 'id integer PRIMARY KEY, k text UNIQUE, n int'
put '{"k":"a","n":1,"id":9}' '{"k":"b","n":2,"id":1}' '{"k":"b","n":2,"id":8}'
is 'records that change the rowid of their rows' '0 9|a 8|b' \
    "$(load --key k) $(sql 'SELECT id, k FROM t ORDER BY k' | xargs)"
sql 'DROP TABLE t'
table 'k text, n int'
sql 'CREATE UNIQUE INDEX u ON t (k COLLATE NOCASE)'
put '{"k":"A","n":1}' '{"k":"b","n":2}'
refuses 78 'an index that compares keys in another way than the column' \
    'no rows with their keys' --key k

# PostgreSQL: tables of other kinds.
db_new postgresql
sql 'CREATE EXTENSION citext'
table 'k citext PRIMARY KEY, n int'
put '{"k":"A","n":1}' '{"k":"B","n":7}'
is 'citext: keys that differ in case are the same' '0 a|1 b|7' "$(load) $(rows)"
sql "DROP TABLE t; CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2',
    deterministic = false)"
table 'k text COLLATE nocase PRIMARY KEY, n int'
put '{"k":"A","n":1}' '{"k":"B","n":7}'
is 'a collation that is not deterministic' '0 a|1 b|7' "$(load) $(rows)"
sql 'DROP TABLE t'
table 'k text, n int'
sql 'CREATE UNIQUE INDEX u ON t (k COLLATE nocase)'
put '{"k":"A","n":1}' '{"k":"b","n":2}'
refuses 78 'an index that compares keys in another way than the column' \
    'no rows with their keys' --key k
sql "DROP TABLE t; CREATE TABLE t (k text, n int, gone date, PRIMARY KEY (k))
    PARTITION BY LIST (k);
    CREATE TABLE ta PARTITION OF t FOR VALUES IN ('a');
    CREATE TABLE tb PARTITION OF t FOR VALUES IN ('b', 'c', 'x')
    PARTITION BY HASH (k);
    CREATE TABLE tb0 PARTITION OF tb FOR VALUES WITH (MODULUS 1, REMAINDER 0);
    INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)"
put '{"k":"a","n":1}' '{"k":"b","n":9}' '{"k":"z","n":3}'
is 'a partitioned table, and a row for no partition' '0 a|1 b|9 1' \
    "$(load) $(rows) $(removed)"
put '{"k":"b","n":9}'
is 'a partitioned table: soft deletes' '0 a' "$(load --soft-delete gone
    ) $(sql 'SELECT k FROM t WHERE gone = current_date')"
sql 'DROP TABLE t'
table 'k text PRIMARY KEY, n int'
sql 'CREATE TABLE heir () INHERITS (t)'
refuses 78 'a table from which another one inherits' heir
sql 'DROP TABLE heir'

role=etl_mirror_$$
sql "CREATE ROLE $role LOGIN; GRANT SELECT, INSERT, UPDATE ON t TO $role;
    GRANT CREATE ON SCHEMA public TO $role"
at_exit "psql -Xq -d postgres -c 'DROP ROLE IF EXISTS $role'"
at_exit "psql -Xq -d '$db' -c 'DROP OWNED BY $role CASCADE'"
as_role() {
	PGOPTIONS="-c role=$role" load "$@"
}
is 'a role that may not delete: exit code 77' 77 "$(as_role)"
like 'a role that may not delete: the message names the table' \
    'table t: .*permission denied' "$(cat "$scratch/err")"
sql "GRANT ALL ON ALL TABLES IN SCHEMA public TO $role;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO $role; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
    CREATE POLICY seen ON t TO $role USING (n <> 4);
    INSERT INTO t VALUES ('d', 4)"
is 'rows that a policy hides from the role stay' '0 1 a|1 b|2 d|4' \
    "$(as_role) $(removed) $(rows)"
sql "ALTER TABLE t DISABLE ROW LEVEL SECURITY; DROP TABLE t"

# A trigger keeps rows, and a session that ends in the middle.
table 'k text PRIMARY KEY, n int'
sql "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    RETURN NULL; END \$\$; CREATE TRIGGER keep BEFORE DELETE ON t FOR EACH ROW
    WHEN (OLD.n = 3) EXECUTE FUNCTION keep(); INSERT INTO t VALUES ('e', 5)"
is 'a row that a trigger keeps is not counted' '0 1 a|1 b|2 c|3' \
    "$(load) $(removed) $(rows)"
sql "DROP TRIGGER keep ON t; CREATE SEQUENCE cuts;
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    IF nextval('cuts') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());
    END IF; RETURN OLD; END \$\$; CREATE TRIGGER cut BEFORE DELETE ON t
    FOR EACH ROW EXECUTE FUNCTION cut()"
is 'the session ends while rows are deleted, without retries: exit code 75' \
    '75 a|1 b|2 c|3' "$(load --retries 0) $(rows)"
sql 'ALTER SEQUENCE cuts RESTART'
is 'the session ends while rows are deleted: the load is repeated as a whole' \
    '0 1 a|1 b|2' "$(load) $(removed) $(rows)"
# Old statistics: the planner takes the table for empty.
sql 'DROP TRIGGER cut ON t; DELETE FROM t'
seq 60000 | sed 's/.*/{"k":"&","n":1}/' >"$scratch/in"
is '60000 records into an empty table: exit code 0' 0 "$(load)"
sql "UPDATE pg_class SET reltuples = 0, relpages = 1 WHERE relname = 't'"
is '60000 records, and the planner takes the table for empty: exit code 0' \
    '0 0' "$(load) $(removed)"
done_testing
