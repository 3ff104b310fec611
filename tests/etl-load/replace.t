#!/bin/sh
# --mode replace --replace-by: the loader deletes all rows of the table and inserts the
# records, in one transaction.
. tests/support/lib.sh
. tests/etl-load/old_rows.sh

load() {
	rm -f "$scratch/aside"
	status etl-load -v --db "$db" --table t --mode replace \
	    --backoff 1ms..5ms --replace-by "$way" \
	    --rejects "$scratch/aside" --marked "$@" <"$scratch/in"
}
rows() {
	sql 'SELECT k, n FROM t ORDER BY k' | xargs
}
fill() {
	sql "DELETE FROM t; INSERT INTO t (k, n) VALUES ('a', 1), ('b', 2)"
}

for kind in sqlite postgresql; do
	for way in delete truncate; do
		k="$kind, $way:"
		db_new $kind
		sql "CREATE TABLE t (k text PRIMARY KEY, n int CHECK (n < 100));
		    CREATE VIEW v AS SELECT n FROM t"
		fill
		put '{"k":"b","n":3}' '{"k":"c","n":4}'
		is "$k exit code 0" 0 "$(load)"
		is "$k the table has the records and nothing else" \
		    'b|3 c|4' "$(rows)"
		is "$k -v counts the removed rows" '2 2 0 2' "$(counts)"
		is "$k a view of the table shows the new rows" '3 4' \
		    "$(sql 'SELECT n FROM v ORDER BY n' | xargs)"
		put '{"k":"d","n":5}' '{"k":"d","n":6}' '{"k":"e","n":200}' \
		    '{"k":"f","n":7}'
		is "$k rejected records: exit code 0" 0 \
		    "$(load --max-rejects 2)"
		is "$k rejected records: the others replace the rows" \
		    'd|5 f|7 4 2 2 2' "$(rows) $(counts)"
		seq 3000 | jq -c '{k: "k\(.)", n: 1}' >"$scratch/in"
		is "$k 3000 records in parts: exit code 0" 0 \
		    "$(load --batch 100)"
		is "$k 3000 records in parts: all are there" '3000 3000 0 2' \
		    "$(counts)"

		fill
		put '{"k":"x","n":200}'
		refuses 65 'no record is inserted' 'empty.*--allow-empty' \
		    --max-rejects 100%
		: >"$scratch/in"
		refuses 65 'an empty file' 'empty.*--allow-empty'
		is "$k --allow-empty: exit code 0" 0 "$(load --allow-empty)"
		is "$k --allow-empty: the table is empty" '' "$(rows)"

		fill
		{
			stream one '{"k":"c","n":3}'
			stream two '{"k":"d","n":4}'
		} >"$scratch/in"
		is "$k a second stream in the input: exit code 78" \
		    78 "$(load)"
		is "$k a second stream in the input: the first one is loaded" \
		    'c|3' "$(rows)"
		stream cut '{"k":"e","n":5}' | head -n 2 >"$scratch/in"
		refuses 75 'a stream that was cut' 'nothing was loaded'
		put '{"k":"e","n":5}'
		rc=0
		sed '' "$scratch/in" | etl-load --db "$db" --table t \
		    --mode replace --replace-by $way 2>"$scratch/err" || rc=$?
		is "$k plain input from a pipe: exit code 65" 65 $rc
		is "$k plain input from a pipe: the table is unchanged" \
		    'c|3' "$(rows)"
		for first in '' '| etl-transform . |'; do
			put '{"k":"e","n":5}' '{"k":"f","n":6}'
			rc=0
			(read -r _ && eval "${first#|} etl-load --db $db \
			    --table t --mode replace --replace-by $way") \
			    <"$scratch/in" 2>"$scratch/err" || rc=$?
			is "$k a file of which a program has read a part $first exit code 65" \
			    65 $rc
			is "$k a file that was read in part $first the table is unchanged" \
			    'c|3' "$(rows)"
		done
		put '{"@etl":"begin","v":1,"id":"r","replay":true,"stage":"transform","stages":["extract"]}'
		refuses 78 'a replay' 'replay'

		sql "CREATE TABLE child (k text REFERENCES t ON DELETE CASCADE)"
		fill
		put '{"k":"a","n":9}'
		refuses 78 'a table whose rows another table refers to' child
		sql 'DROP TABLE child'
		is "$k the options are checked: exit code 64" '64 64 64' \
		    "$(load --scope k) $(load --key k) $(load --replace-by x)"
	done
	is "$kind: --allow-empty with another mode: exit code 64" \
	    64 "$(status etl-load --db "$db" --table t --allow-empty \
	    <"$scratch/in")"
done

# What only PostgreSQL has.
db_new postgresql
k=postgresql:
sql "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY, k text, n int);
    CREATE INDEX by_k ON t (k); GRANT SELECT ON t TO public;
    COMMENT ON TABLE t IS 'kept'"
fill
put '{"k":"c","n":3}'
for way in delete truncate; do
	is "$k $way: exit code 0" 0 "$(load)"
done
is "$k index, rights, comment and identity of the table are kept" \
    'by_k t kept 4' "$(sql "SELECT (SELECT indexrelid::regclass FROM pg_index
    WHERE indrelid = 't'::regclass), has_table_privilege('public', 't',
    'SELECT'), obj_description('t'::regclass), max(id) FROM t" | tr '|' ' ')"

# A DELETE would also delete the rows of a table that inherits from this one.
sql 'CREATE TABLE heir (extra text) INHERITS (t);
    CREATE TABLE parts (k text, n int) PARTITION BY LIST (k);
    CREATE TABLE part PARTITION OF parts DEFAULT'
refuses 78 'a table from which another one inherits' 'heir inherits'
sql 'DROP TABLE heir'
is "$k a partitioned table: exit code 0" 0 "$(status etl-load --db "$db" \
    --table parts --mode replace --replace-by delete <"$scratch/in")"

# Another session sees the old rows until the commit.
way=delete
sql "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    PERFORM pg_advisory_xact_lock(42); RETURN NEW; END \$\$;
    CREATE TRIGGER wait BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION wait()"
mkfifo "$scratch/lock"
psql -XAtq -d "$db" <"$scratch/lock" >"$scratch/locked" &
locker=$!
exec 9>"$scratch/lock"
echo 'SELECT 1 FROM pg_advisory_lock(42);' >&9
wait_until 10 test -s "$scratch/locked"
put '{"k":"d","n":4}'
etl-load --db "$db" --table t --mode replace --replace-by delete \
    <"$scratch/in" 2>"$scratch/err" &
loader=$!
waits() {
	[ "$(sql "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
	    AND NOT granted AND $locks_here")" = 1 ]
}
ok "$k the load is in the middle of its transaction" wait_until 10 waits
is "$k delete: another session then reads the old rows" 'c|3' "$(rows)"
echo 'SELECT pg_advisory_unlock(42);' >&9
exec 9>&-
wait $loader $locker || :
is "$k delete: after the commit it reads the new rows" 'd|4' "$(rows)"

role=etl_replace_$$
sql "DROP TRIGGER wait ON t; CREATE ROLE $role;
    GRANT SELECT, INSERT, DELETE ON t TO $role"
at_exit "psql -Xq -d postgres -c 'DROP ROLE IF EXISTS $role'"
at_exit "psql -Xq -d '$db' -c 'DROP OWNED BY $role CASCADE'"
PGOPTIONS="-c role=$role"
export PGOPTIONS
way=truncate
is "$k a role that may not truncate: exit code 77" 77 "$(load)"
like "$k a role that may not truncate: the message names --replace-by delete" \
    'TRUNCATE.*--replace-by delete' "$(cat "$scratch/err")"
unset PGOPTIONS
sql "REVOKE DELETE ON t FROM $role"
way=delete
is "$k a role that may not delete: exit code 77" 77 \
    "$(PGOPTIONS="-c role=$role" load)"
is "$k the table is unchanged" 'd|4' "$(rows)"

# TRUNCATE would delete rows that the role does not see.
sql "GRANT TRUNCATE ON t TO $role; CREATE POLICY p ON t USING (n > 5);
    ALTER TABLE t ENABLE ROW LEVEL SECURITY"
way=truncate
is "$k truncate, a policy hides rows from the role: exit code 78" 78 \
    "$(PGOPTIONS="-c role=$role" load)"
like "$k truncate, a policy hides rows: the message says why" \
    'row policies hide from this role' "$(cat "$scratch/err")"
is "$k truncate, a policy hides rows: the table is unchanged" 'd|4' "$(rows)"
done_testing
