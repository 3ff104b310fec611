#!/bin/sh
# --mode delete-insert, when something goes wrong: the table has its old rows, or
# all new rows of the scopes.
. tests/support/lib.sh
. tests/etl-load/old_rows.sh

load() {
	rm -f "$scratch/aside"
	status etl-load -v --db "$db" --table t --mode delete-insert \
	    --backoff 1ms..5ms --max-rejects 100% \
	    --rejects "$scratch/aside" "$@" <"$scratch/in"
}
rows() {
	sql 'SELECT day, n FROM t ORDER BY day, n' | xargs
}
fill() {
	sql "DELETE FROM t; INSERT INTO t (day, n) VALUES ('a', 1), ('b', 2)"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (day text, n int CHECK (n < 100))'

	# The limit of rejects.
	fill
	put '{"day":"a","n":200}' '{"day":"b","n":3}'
	is "$k more rejects than --max-rejects: exit code 1" \
	    1 "$(load --scope day --max-rejects 0)"
	is "$k more rejects than --max-rejects: the table is unchanged" \
	    'a|1 b|2' "$(rows)"

	# Several streams in one input: each one is a load of its own.
	{
		stream one '{"day":"a","n":5}'
		stream two '{"day":"a","n":6}'
		stream three '{"day":"c","n":7}'
	} >"$scratch/in"
	is "$k three streams in one input: exit code 0" 0 "$(load --scope day)"
	is "$k a later stream replaces the scope of an earlier one" \
	    'a|6 b|2 c|7' "$(rows)"
	is "$k -v adds up the counts of the streams" '3 3 0 2' "$(counts)"
	is "$k a stream that was loaded is not loaded again with others: 0" \
	    0 "$({ stream one '{"day":"a","n":5}'
	    stream four '{"day":"c","n":8}'; } >"$scratch/in"
	    load --scope day)"
	is "$k only the stream that was not loaded before is loaded" \
	    'a|6 b|2 c|8' "$(rows)"
	is "$k --again loads a stream a second time: exit code 0" \
	    0 "$(stream one '{"day":"a","n":5}' >"$scratch/in"
	    load --scope day --again)"
	is "$k --again replaces the scope" 'a|5 b|2 c|8' "$(rows)"

	# Each stream would empty the scopes of --scope-value.
	{
		stream five '{"day":"a","n":7}'
		stream six '{"day":"d","n":9}'
	} >"$scratch/in"
	is "$k --scope-value and a second stream: exit code 78" \
	    78 "$(load --scope day --scope-value a)"
	is "$k --scope-value and a second stream: the first one is loaded" \
	    'a|7 b|2 c|8' "$(rows)"

	# The first part of a stream was loaded in another mode.
	for mode in 'delete-insert --scope n' 'replace --replace-by delete'; do
		sql 'DELETE FROM t; DELETE FROM etl_loads'
		first_read 3 >"$scratch/in"
		is "$k $mode: a cut stream is loaded with --mode append: 75" 75 \
		    "$(status etl-load --db "$db" --table t \
		    --no-checkpoint <"$scratch/in")"
		first_read >"$scratch/in"
		# shellcheck disable=SC2086
		is "$k $mode: then the whole stream: exit code 0" 0 \
		    "$(status etl-load --db "$db" --table t --mode $mode \
		    --no-checkpoint <"$scratch/in")"
		is "$k $mode: the table has all records of the stream" \
		    'a|1 b|2' "$(rows)"
	done

	# Plain input inside etl-run, from a pipe: etl-load makes the mark end
	# itself, which says nothing about the input.
	fill
	put '{"day":"a","n":9}'
	is "$k inside etl-run, --plain from a pipe: exit code 65" 65 \
	    "$(status etl-run --db "$db" --name p -c \
	    "cat '$scratch/in' | etl-load --plain --table t \
	    --mode delete-insert --scope day")"
	is "$k inside etl-run, --plain from a pipe: the table is unchanged" \
	    'a|1 b|2' "$(rows)"
	for first in 'etl-transform --plain .' 'etl-extract --stream p -'; do
		is "$k inside etl-run, $first from a pipe: exit code 65" 65 \
		    "$(status etl-run --db "$db" --name p -c \
		    "cat '$scratch/in' | $first | etl-load --table t \
		    --mode delete-insert --scope day")"
		is "$k inside etl-run, $first from a pipe: the table is unchanged" \
		    'a|1 b|2' "$(rows)"
		is "$k inside etl-run, $first from a file: exit code 0" 0 \
		    "$(status etl-run --db "$db" --name p -c \
		    "$first <'$scratch/in' | etl-load --table t \
		    --mode delete-insert --scope day")"
		fill
	done
	is "$k inside etl-run, the output of etl-via: exit code 0" 0 \
	    "$(status etl-run --db "$db" --name p -c \
	    "etl-via cat '$scratch/in' </dev/null | etl-load --table t \
	    --mode delete-insert --scope day")"
	fill
	is "$k inside etl-run, from a file: exit code 0" 0 \
	    "$(status etl-run --db "$db" -v --name p -c \
	    "etl-load --table t --mode delete-insert --scope day \
	    <'$scratch/in'")"
	like "$k the line of etl-run has the removed rows" ', 1 removed' \
	    "$(cat "$scratch/err")"
	is "$k inside etl-run, from a file: the scope is replaced" \
	    'a|9 b|2' "$(rows)"

	# Many scopes.
	sql "DELETE FROM t; CREATE INDEX by_day ON t (day)"
	seq 60000 | jq -c '{day: "d\(.)", n: 1}' >"$scratch/in"
	is "$k 60000 scopes: exit code 0" 0 "$(load --scope day --batch 5000)"
	# Old statistics: the planner takes the table for empty.
	[ $kind = sqlite ] || sql "UPDATE pg_class SET reltuples = 0,
	    relpages = 1 WHERE relname = 't'"
	is "$k 60000 scopes a second time: exit code 0" \
	    0 "$(load --scope day --batch 5000)"
	is "$k 60000 scopes: each row is replaced once" \
	    '60000 60000 0 60000' "$(counts)"
	{
		echo '{"day":"d7","n":2}'
		seq 60000 | jq -c '{day: "e\(.)", n: 1}'
		echo '{"day":"d7","n":3}'
	} >"$scratch/in"
	is "$k a scope whose records are far apart: exit code 0" \
	    0 "$(load --scope day --batch 5000)"
	is "$k a scope whose records are far apart has both records" \
	    '2 3' "$(sql "SELECT n FROM t WHERE day = 'd7' ORDER BY n" | xargs)"

	# Foreign keys that are checked at the commit.
	sql "DROP TABLE t; CREATE TABLE t (day text PRIMARY KEY, n int);
	    INSERT INTO t VALUES ('a', 1);
	    CREATE TABLE child (day text REFERENCES t
		DEFERRABLE INITIALLY DEFERRED);
	    INSERT INTO child VALUES ('a')"
	put '{"day":"a","n":2}'
	is "$k a deferred foreign key to the table: exit code 78" \
	    78 "$(load --scope day)"
	like "$k a deferred foreign key to the table: the message says so" \
	    'INITIALLY DEFERRED' "$(cat "$scratch/err")"
	is "$k a deferred foreign key to the table: no row is deleted" \
	    'a|1' "$(rows)"
	sql 'DROP TABLE child; DROP TABLE t'

	# Triggers run for the deleted and the inserted rows.
	sql "CREATE TABLE t (day text, n int); CREATE TABLE told (what text);
	    INSERT INTO t VALUES ('a', 1), ('a', 2)"
	case $kind in
	sqlite)
		sql "CREATE TRIGGER gone AFTER DELETE ON t BEGIN
			INSERT INTO told VALUES ('-' || OLD.n); END;
		    CREATE TRIGGER came AFTER INSERT ON t BEGIN
			INSERT INTO told VALUES ('+' || NEW.n); END"
		;;
	*)
		sql "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
		    \$\$ BEGIN IF TG_OP = 'DELETE' THEN
			INSERT INTO told VALUES ('-' || OLD.n); ELSE
			INSERT INTO told VALUES ('+' || NEW.n); END IF;
			RETURN NULL; END \$\$;
		    CREATE TRIGGER tell AFTER INSERT OR DELETE ON t
			FOR EACH ROW EXECUTE FUNCTION tell()"
		;;
	esac
	put '{"day":"a","n":3}'
	is "$k a table with triggers: exit code 0" 0 "$(load --scope day)"
	is "$k the triggers see the deleted and the inserted rows" \
	    '+3 -1 -2' "$(sql 'SELECT what FROM told ORDER BY what' | xargs)"
done

# A server that ends the session in the middle, and roles without rights.
db_new postgresql
sql "CREATE TABLE t (day text, n int);
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
	IF NEW.n = 7 AND nextval('cuts') = 1 THEN
	    PERFORM pg_terminate_backend(pg_backend_pid());
	END IF; RETURN NEW; END \$\$;
    CREATE SEQUENCE cuts;
    CREATE TRIGGER cut BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION cut()"
fill
put '{"day":"a","n":6}' '{"day":"a","n":7}' '{"day":"x","n":8}'
is 'the session is ended in the middle of a load: exit code 0' \
    0 "$(load --scope day)"
is 'the load is repeated as a whole' 'a|6 a|7 b|2 x|8' "$(rows)"
is 'the rows are counted once' '3 3 0 1' "$(counts)"
fill
sql 'ALTER SEQUENCE cuts RESTART'
is 'the session is ended and there are no retries: exit code 75' \
    75 "$(load --scope day --retries 0)"
is 'the old rows stay' 'a|1 b|2' "$(rows)"

sql "DROP TABLE t; CREATE TABLE t (day text, n int) PARTITION BY LIST (day);
    CREATE TABLE ta PARTITION OF t FOR VALUES IN ('a');
    CREATE TABLE tb PARTITION OF t FOR VALUES IN ('b')"
fill
put '{"day":"a","n":6}' '{"day":"z","n":7}'
is 'a partitioned table: exit code 0' 0 "$(load --scope day)"
is 'a row for no partition is rejected, the others are replaced' \
    'a|6 b|2 2 1 1 1' "$(rows) $(counts)"

role=etl_scope_$$
sql "DROP TABLE t; CREATE TABLE t (day text, n int); CREATE ROLE $role LOGIN;
    GRANT SELECT, INSERT ON t TO $role;
    GRANT CREATE ON SCHEMA public TO $role"
at_exit "psql -Xq -d postgres -c 'DROP ROLE IF EXISTS $role'"
at_exit "psql -Xq -d '$db' -c 'DROP OWNED BY $role CASCADE'"
fill
put '{"day":"a","n":6}'
is 'a role that may not delete: exit code 77' 77 "$(PGOPTIONS="-c role=$role" \
    load --scope day)"
like 'a role that may not delete: the message names the table' \
    'table t: .*permission denied' "$(cat "$scratch/err")"
is 'a role that may not delete: the table is unchanged' 'a|1 b|2' "$(rows)"
done_testing
