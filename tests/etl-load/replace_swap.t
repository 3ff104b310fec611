#!/bin/sh
# --mode replace without --replace-by: on PostgreSQL the loader fills a new table and
# puts it in the place of the old one.  SQLite deletes the rows, which looks the same.
. tests/support/lib.sh
. tests/etl-load/old_rows.sh

load() {
	rm -f "$scratch/aside"
	status etl-load -v --db "$db" --table t --mode replace \
	    --backoff 1ms..5ms --rejects "$scratch/aside" "$@" <"$scratch/in"
}
rows() {
	sql 'SELECT k, n FROM t ORDER BY k' | xargs
}
# causes: the rejects, without what differs from run to run.
causes() {
	jq -c 'del(.occurrence, .at)' "$scratch/aside"
}
# dump: the definitions of all that is in the database.
dump() {
	pg_dump -s "$db" | sed '/restrict /d'
}

for kind in sqlite postgresql; do
	k=$kind:
	db_new $kind
	sql "CREATE TABLE t (k text PRIMARY KEY NOT NULL, n int CHECK (n < 100));
	    INSERT INTO t VALUES ('a', 1), ('b', 2)"
	put '{"k":"b","n":3}' '{"k":"c","n":4}'
	is "$k exit code 0" 0 "$(load)"
	is "$k the table has the records and nothing else" 'b|3 c|4' "$(rows)"
	is "$k -v counts the removed rows" '2 2 0 2' "$(counts)"
	put '{"k":"d","n":5}' '{"k":"d","n":6}' '{"k":"e","n":200}' '{}' \
	    '{"k":"f","n":7}'
	is "$k rejected records: exit code 0" 0 "$(load --max-rejects 3)"
	is "$k rejected records: the others replace the rows" \
	    'd|5 f|7 5 2 3 2' "$(rows) $(counts)"
	put '{"k":"x","n":200}'
	refuses 65 'no record is inserted' 'empty.*--allow-empty' \
	    --max-rejects 100%
	stream cut '{"k":"e","n":5}' | head -n 2 >"$scratch/in"
	refuses 75 'a stream that was cut' 'nothing was loaded'
	: >"$scratch/in"
	is "$k --allow-empty: exit code 0" 0 "$(load --allow-empty)"
	is "$k --allow-empty: the table is empty" '' "$(rows)"
done

# The rest is about PostgreSQL.  Everything that the table has stays.
db_new postgresql
k=postgresql:
role=etl_swap_$$ other=etl_swap_other_$$
for name in $role $other; do
	sql "CREATE ROLE $name"
	at_exit "psql -Xq -d postgres -c 'DROP ROLE IF EXISTS $name'"
	at_exit "psql -Xq -d '$db' -c 'DROP OWNED BY $name CASCADE'"
done
psql -Xq -v ON_ERROR_STOP=1 -v role=$role -v other=$other -d "$db" \
    -f tests/etl-load/everything.sql 2>"$scratch/sql.err" ||
    diag "$(cat "$scratch/sql.err")"
sql "CREATE TABLE t (k int, n int); SELECT setval('s.\"the numbers\"', 50)" \
    >"$scratch/out"
put '{"k":1,"n":1}'
is "$k the control tables are made" 0 "$(load)"
dump >"$scratch/before"
load_everything() {
	status etl-load -v --db "$db" --table s.t --mode replace --rejects \
	    "$scratch/aside" --max-rejects 100% <"$scratch/in"
}
put '{"name":"a","p":1}' '{"name":"b","p":2,"up":53}' \
    '{"name":"c","id":200,"span":"[1,3)","doc":{"a":1}}'
is "$k a table with everything: exit code 0" 0 "$(load_everything)"
is "$k a table with everything: numbers go on where they were" \
    '53|3|a| 56|4|b|53 200|5|c|' \
    "$(sql 'SELECT id, ser, name, up FROM s.t ORDER BY id' | xargs)"
dump >"$scratch/after"
is "$k a table with everything: pg_dump shows the same definitions" '' \
    "$(diff "$scratch/before" "$scratch/after")"
put '{"name":"a","id":1}' '{"name":"b","id":1}' '{"name":"no","p":99}' \
    '{"name":"c","id":3,"span":"[1,9)"}' '{"name":"d","id":4,"span":"[2,3)"}' \
    '{"name":"e","p":8}' '{"name":null}' '{"id":9,"up":77}'
is "$k a table with everything, and bad records: exit code 0" 0 \
    "$(load_everything)"
dump >"$scratch/after"
is "$k bad records: pg_dump shows the same definitions" '' \
    "$(diff "$scratch/before" "$scratch/after")"
cp "$scratch/aside" "$scratch/aside.swap"
is "$k bad records: the others are there" '1 3' \
    "$(sql 'SELECT id FROM s.t ORDER BY id' | xargs)"
causes >"$scratch/swap.causes"
rm -f "$scratch/aside"
is "$k bad records, deleted and inserted: exit code 0" 0 "$(status etl-load \
    --db "$db" --table s.t --mode replace --replace-by delete --rejects \
    "$scratch/aside" --max-rejects 100% <"$scratch/in")"
is "$k bad records get the causes that the old table would give" \
    "$(causes)" "$(cat "$scratch/swap.causes")"

# A server may keep options of its own beside those of a user, and the new table
# has others, or none.  This one stands for an option that no version knows yet.
sql "SET allow_system_table_mods = on; UPDATE pg_attribute
    SET attoptions = array_append(attoptions, 'made_by_server=7')
    WHERE attrelid = 's.t'::regclass AND attnum > 0"
put '{"name":"a","p":1}'
is "$k options of the server: exit code 0" 0 "$(load_everything)"
is "$k options of the server are not copied, those of the user are" \
    'n_distinct=-0.5' "$(sql "SELECT o FROM pg_attribute, unnest(attoptions)
    AS o WHERE attrelid = 's.t'::regclass AND o !~ 'attver'")"

# Hostile names, and objects of other roles with the names of PostgreSQL's.
# shellcheck disable=SC2016
sql 'CREATE SCHEMA "s ""x; y"; CREATE SCHEMA evil;
    CREATE FUNCTION evil.length(varchar) RETURNS int IMMUTABLE LANGUAGE sql
        RETURN 0;
    CREATE FUNCTION evil.same(varchar, varchar) RETURNS boolean IMMUTABLE
        LANGUAGE sql RETURN true;
    CREATE OPERATOR evil.= (LEFTARG = varchar, RIGHTARG = varchar,
        FUNCTION = evil.same);
    CREATE TABLE "s ""x; y"."t; DROP TABLE t" (
        "k""; --" varchar(9) CONSTRAINT "pk; ""x" PRIMARY KEY,
        n int CHECK (length("k""; --") < 8) DEFAULT length($$a $$));
    CREATE INDEX "i; %s %I 1$" ON "s ""x; y"."t; DROP TABLE t" (n)
        WHERE "k""; --" = $$a$$::varchar'
dump >"$scratch/before"
put '{"k\"; --":"a"}' '{"k\"; --":"a"}' '{"k\"; --":"12345678"}' \
    '{"k\"; --":"b","n":1}'
is "$k hostile names: exit code 0" 0 "$(PGOPTIONS='-c search_path=evil,public' \
    status etl-load --db "$db" --table '"s ""x; y"."t; DROP TABLE t"' \
    --mode replace --rejects "$scratch/aside" --max-rejects 100% \
    <"$scratch/in")"
dump >"$scratch/after"
is "$k hostile names: pg_dump shows the same definitions" '' \
    "$(diff "$scratch/before" "$scratch/after")"
is "$k hostile names: the good records are there" 'a|2 b|1' \
    "$(sql 'SELECT * FROM "s ""x; y"."t; DROP TABLE t" ORDER BY 1' | xargs)"

# Triggers run for the records; row policies that hold are refused.
sql "CREATE TABLE logged (n int); CREATE FUNCTION judge() RETURNS trigger
    LANGUAGE plpgsql AS \$\$ BEGIN
    IF NEW.n = 50 THEN RAISE 'not fifty'; END IF;
    IF NEW.n = 60 THEN RETURN NULL; END IF;
    NEW.n = NEW.n + 100; RETURN NEW; END \$\$;
    CREATE TRIGGER judge BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION judge()"
put '{"k":1,"n":1}' '{"k":2,"n":50}' '{"k":3,"n":60}' '{"k":4,"n":4}'
is "$k a trigger that changes, refuses and skips rows: exit code 0" 0 \
    "$(load --max-rejects 1)"
is "$k a trigger that changes, refuses and skips rows: rows and reject" \
    '1|101 4|104 not fifty' "$(rows) $(causes | grep -o 'not fifty')"
sql 'DROP TRIGGER judge ON t'

# The server ends the transaction in the middle: the old rows stay.
full() {
	put '{"k":1,"n":1}' '{"k":2,"n":2}'
	before=$(rows)
	rc=$(load --retries 1)
	ok "$k $1: the load fails" test "$rc" -ne 0
	ok "$k $1: no record is rejected" test ! -s "$scratch/aside"
	is "$k $1: the table is unchanged" "$before" "$(rows)"
	is "$k $1: no other table is left" '' \
	    "$(sql "SELECT relname FROM pg_class WHERE relname LIKE 'etl_new%'")"
}
sql "CREATE FUNCTION full(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \$\$
    BEGIN IF \$1 = 2 THEN RAISE 'disk full' USING ERRCODE = '53100'; END IF;
    RETURN \$1; END \$\$; CREATE INDEX by_full ON t (full(n))"
full 'the disk is full while the indexes are made'
sql "DROP INDEX by_full; ALTER TABLE t ADD CONSTRAINT c CHECK (full(n) > 0)"
full 'the disk is full while the new table is filled'
sql "ALTER TABLE t DROP CONSTRAINT c; CREATE OR REPLACE FUNCTION full(int)
    RETURNS int IMMUTABLE LANGUAGE plpgsql AS \$\$ BEGIN IF \$1 = 2 THEN
    PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN \$1; END \$\$; CREATE INDEX by_full ON t (full(n))"
full 'the session is ended while the indexes are made'
sql 'DROP INDEX by_full'

# What a new table cannot keep is refused before any work.
cannot() {
	sql "SET client_min_messages = error; $2"
	put '{"k":1,"n":2}'
	before=$(rows)
	is "$k $1: exit code 78" 78 "$(load)"
	like "$k $1: the message names it" "$3" "$(cat "$scratch/err")"
	is "$k $1: the table is unchanged" "$before" "$(rows)"
	sql "SET client_min_messages = error; $4"
}
sql 'ALTER TABLE t ADD PRIMARY KEY (k)'
cannot 'a view' 'CREATE VIEW v AS SELECT n FROM t' 'view public.v' 'DROP VIEW v'
cannot 'a view that groups by the primary key' \
    'CREATE MATERIALIZED VIEW m AS SELECT k, n FROM t GROUP BY k' \
    'materialized view public.m' 'DROP MATERIALIZED VIEW m'
cannot 'a foreign key of another table' \
    'CREATE TABLE child (k int CONSTRAINT up REFERENCES t)' \
    'constraint up on table public.child' 'DROP TABLE child'
cannot 'a function with the row type' \
    'CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$' \
    'function public.f' 'DROP FUNCTION f'
cannot 'a function that reads the table' \
    'CREATE FUNCTION f() RETURNS bigint RETURN (SELECT count(*) FROM t)' \
    'function public.f' 'DROP FUNCTION f'
cannot 'a column of the row type' 'CREATE TABLE c (x t, y t[])' \
    'column x of table public.c, .*column y of table public.c,' 'DROP TABLE c'
cannot 'a table that inherits' 'CREATE TABLE heir () INHERITS (t)' \
    'heir inherits' 'DROP TABLE heir'
cannot 'a rule' 'CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING' \
    'rule r on table public.t' 'DROP RULE r ON t'
cannot 'a publication of all tables' 'CREATE PUBLICATION p FOR ALL TABLES' \
    'publication p' 'DROP PUBLICATION p'
cannot 'a publication of the schema' \
    'CREATE PUBLICATION p FOR TABLES IN SCHEMA public' 'publication p' \
    'DROP PUBLICATION p'
cannot 'rights that another role granted' "GRANT SELECT ON t TO $role WITH GRANT
    OPTION; SET ROLE $role; GRANT SELECT ON t TO $other" "$role granted" \
    "REVOKE ALL ON t FROM $role CASCADE"
cannot 'a policy of another table' "CREATE TABLE o (k int); CREATE POLICY p ON o
    USING (k IN (SELECT k FROM t))" 'policy p on table public.o' 'DROP TABLE o'
cannot 'an extension' "CREATE EXTENSION citext; ALTER EXTENSION citext ADD TABLE t" \
    'extension citext' 'ALTER EXTENSION citext DROP TABLE t'
cannot 'a constraint with the whole row' \
    'ALTER TABLE t ADD CONSTRAINT whole CHECK (t IS NOT NULL)' \
    'cannot make a new table like it.*--replace-by delete or' 'ALTER TABLE t DROP CONSTRAINT whole'
cannot 'a disabled foreign key' 'CREATE TABLE up (k int PRIMARY KEY);
    ALTER TABLE t ADD CONSTRAINT up FOREIGN KEY (n) REFERENCES up NOT VALID;
    ALTER TABLE t DISABLE TRIGGER ALL' 'constraint up' 'DROP TABLE up CASCADE'
cannot 'a column that cannot be copied' "SET allow_system_table_mods = on;
    UPDATE pg_attribute SET attstattarget = 20000
    WHERE attrelid = 't'::regclass AND attname = 'n'" \
    'would differ from it \(column 2 n integer .*--replace-by delete or' \
    'ALTER TABLE t ALTER n SET STATISTICS -1'
sql "SET allow_system_table_mods = on; UPDATE pg_attribute
    SET attstattarget = 20000 WHERE attrelid = 't'::regclass AND attname = 'n'"
is "$k a column that cannot be copied is refused before a record is read" \
    "$(head -n 1 "$scratch/in")" "$({ etl-load --db "$db" --table t \
    --mode replace 2>"$scratch/err" || :; head -n 1; } <"$scratch/in")"
sql 'ALTER TABLE t ALTER n SET STATISTICS -1'
sql 'CREATE TABLE parts (k int, n int) PARTITION BY LIST (k);
    CREATE TABLE part PARTITION OF parts DEFAULT'
for table in parts part; do
	is "$k table $table, which is partitioned or a partition: exit code 78" \
	    78 "$(status etl-load --db "$db" --table $table --mode replace \
	    <"$scratch/in")"
	like "$k table $table: the message says why" 'partition|inherits' \
	    "$(cat "$scratch/err")"
done
sql "GRANT SELECT, INSERT ON t TO $role"
is "$k a role that does not own the table: exit code 77" 77 \
    "$(PGOPTIONS="-c role=$role" load --no-checkpoint)"
like "$k a role that does not own the table: the message says what to do" \
    'only the owner.*--replace-by delete' "$(cat "$scratch/err")"
sql "ALTER TABLE t OWNER TO $other; GRANT $other TO $role;
    GRANT CREATE ON SCHEMA public TO $other, $role;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO $role, $other;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO $role, $other;
    REVOKE ALL ON t FROM $role"
is "$k a role that is a member of the owner: exit code 0" 0 \
    "$(PGOPTIONS="-c role=$role" load)"
sql "CREATE POLICY p ON t USING (n > 1); ALTER TABLE t ENABLE ROW LEVEL SECURITY"
is "$k row policies, which do not hold for the owner: exit code 0" 0 \
    "$(PGOPTIONS="-c role=$other" load)"
sql 'ALTER TABLE t FORCE ROW LEVEL SECURITY'
is "$k row policies that hold for the owner too: exit code 78" 78 \
    "$(PGOPTIONS="-c role=$other" load)"
like "$k row policies that hold for the owner too: the message names them" \
    'row policies that hold' "$(cat "$scratch/err")"
is "$k the owner stays" $other \
    "$(sql "SELECT relowner::regrole FROM pg_class WHERE oid = 't'::regclass")"
done_testing
