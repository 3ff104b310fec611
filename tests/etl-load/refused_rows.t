#!/bin/sh
# A record that PostgreSQL refuses costs little: the other records of its batch
# are loaded by few statements.  The rows and rejects are those of loading the
# records one by one.
. tests/support/lib.sh

db_new postgresql
# A trigger counts the statements, also those that are rolled back.
sql "CREATE SEQUENCE statements;
    CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS
	\$\$ BEGIN PERFORM nextval('statements'); RETURN NULL; END \$\$"

# table COLUMNS: makes the table t, whose statements are counted.
table() {
	sql "SET client_min_messages = error;
	    DROP TABLE IF EXISTS t; CREATE TABLE t ($1);
	    CREATE TRIGGER counts BEFORE INSERT ON t FOR EACH STATEMENT
		EXECUTE FUNCTION counts();
	    SELECT setval('statements', 1, false)" >/dev/null
}

# load OPTION...: loads the lines of standard input into t and prints the counts,
# the rejects and a digest of the rows.
load() {
	etl-load -v --db "$db" --table t --max-rejects 100% "$@" \
	    3>"$scratch/rejects" 2>&1 | grep -o '[0-9]* inserted.*' || :
	jq -c '[.code, .sqlstate, .pointer, .message, .origin.line]' \
	    "$scratch/rejects"
	sql "SELECT count(*), sum(k), min(t::text), max(t::text) FROM t"
}

# statements: prints how many statements have written to t.
statements() {
	sql "SELECT CASE WHEN is_called THEN last_value ELSE 0 END
	    FROM statements"
}

# records N BAD MEMBER: prints N records; in record BAD v is MEMBER.
records() {
	seq "$1" | jq -c --argjson bad "$2" --argjson v "$3" \
	    '{k: ., v: (if . == $bad then $v else . % 7 end), w: "x"}'
}

columns='k int, v int CHECK (v >= 0), w text'
for way in "append|$columns|-1|" \
    "upsert|k int PRIMARY KEY, v int CHECK (v >= 0), w text|-1|--key k" \
    "ignore|k int PRIMARY KEY, v int CHECK (v >= 0), w text|-1|--key k --mode ignore"
do
	IFS='|' read -r name of v options <<-END
	$way
	END
	table "$of"
	records 10000 4321 "$v" >"$scratch/in"
	# shellcheck disable=SC2086
	load $options <"$scratch/in" >"$scratch/out"
	like "$name: a record that a CHECK refuses is the only reject" \
	    '^9999 inserted.* 1 rejected$' "$(head -n 1 "$scratch/out")"
	like "$name: the reject has its SQLSTATE and message" \
	    '^\["constraint","23514",.*t_v_check' "$(cat "$scratch/out")"
	is "$name: all other records are in the table" \
	    "9999|$((10000 * 10001 / 2 - 4321))" \
	    "$(tail -n 1 "$scratch/out" | cut -d '|' -f 1-2)"
	ok "$name: the other records are not written one by one" \
	    test "$(statements)" -lt 800
done
table "$columns"
records 10000 4321 -1 | load >/dev/null
ok 'append: few statements load the others' test "$(statements)" -lt 40

sql 'CREATE TABLE parent (v int PRIMARY KEY);
    INSERT INTO parent SELECT generate_series(0, 6)'
table 'k int, v int REFERENCES parent, w text'
records 10000 4321 9 | load >"$scratch/out"
like 'a foreign key, whose error names no line, refuses one record' \
    "^\\[\"constraint\",\"23503\",.*t_v_fkey" "$(cat "$scratch/out")"
is 'the records around it are loaded' 9999 \
    "$(tail -n 1 "$scratch/out" | cut -d '|' -f 1)"
ok 'few statements find this record' test "$(statements)" -lt 150

table "$columns"
records 10000 4321 '"x"' | load >"$scratch/out"
like 'a value of another type is a reject with its pointer' \
    '^\["type","22P02","/v",' "$(cat "$scratch/out")"
ok 'few statements load the others' test "$(statements)" -lt 40

table 'k int, v int, w text) PARTITION BY RANGE (v'
sql 'CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (0) TO (3);
    CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (3) TO (7)'
records 10000 4321 9 | load >"$scratch/out"
like 'a record for no partition is the only reject' \
    '^\["constraint","23514",.*4321\]$' "$(cat "$scratch/out")"

# Statements of more than 100 rows are refused, but no record is the cause.
table "$columns"
sql "CREATE FUNCTION small() RETURNS trigger LANGUAGE plpgsql AS
	\$\$ BEGIN IF (SELECT count(*) > 100 FROM n) THEN RAISE 'too many';
	END IF; RETURN NULL; END \$\$;
    CREATE TRIGGER small AFTER INSERT ON t REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION small()"
is 'an error that goes away without other records is no reject' \
    '3000 inserted, 0 updated, 0 unchanged, 0 superseded, 0 rejected' \
    "$(records 3000 0 0 | load | head -n 1)"

table "$columns"
seq 3000 | jq -c '{k: ., v: -1}' | load >"$scratch/out"
like 'if every record is refused, every record is a reject' \
    '^0 inserted.* 3000 rejected$' "$(cat "$scratch/out")"
ok 'then the work grows as the number of records' \
    test "$(statements)" -lt 9000

# The same records in one batch, and in batches of one record.
table 'k int, v int CHECK (v >= 0), u int UNIQUE, w text'
seq 400 | jq -c '{k: ., u: (if . % 97 == 5 then . - 4 else . end)} +
    (if . % 50 == 7 then {v: -1} elif . % 90 == 11 then {v: "x"}
	else {v: .} end) + (if . % 3 == 0 then {w: "y"} else {} end)' \
    >"$scratch/mixed"
jq -c 'del(.w)' "$scratch/mixed" >"$scratch/one"
seq 400 | jq -c '{k: ., u: (if . == 199 then 195 else . end),
    v: (if . == 7 then -1 else . end)} +
    (if . % 3 == 0 then {w: "y"} else {} end)' >"$scratch/few"
for input in one mixed few; do
	for batch in 1 10000; do
		sql 'TRUNCATE t'
		load --batch $batch <"$scratch/$input" >"$scratch/$batch"
		sql 'SELECT * FROM t ORDER BY k' >>"$scratch/$batch"
	done
	ok "a batch of all records gives what batches of one record give ($input)" \
	    cmp "$scratch/1" "$scratch/10000"
done

# As many rows as there are good records must be in the new table.
table 'k int PRIMARY KEY, v int CHECK (v >= 0), w text'
sql "INSERT INTO t VALUES (0, 0, 'old'); DROP TRIGGER counts ON t"
records 10000 4321 -1 | load --mode replace --complete >"$scratch/out"
like 'replace: the reject has the name of the table' \
    'relation ."t." violates' "$(cat "$scratch/out")"
is 'replace: the other records replace the rows' 9999 \
    "$(tail -n 1 "$scratch/out" | cut -d '|' -f 1)"
done_testing
