#!/bin/sh
# --undo does not delete rows of other loads by ON DELETE CASCADE.
. tests/support/lib.sh
. tests/etl-load/marked.sh

# keep TABLE RECORD...: loads the records with --keep-before; $id is the run.
keep() {
	table=$1
	shift
	printf '%s\n' "$@" | etl-load --db "$db" --table "$table" --mode upsert \
	    --keep-before -v 2>"$scratch/err"
	id=$(sed -n 's/.* --undo \([^ ]*\) .*/\1/p' "$scratch/err")
}
undo() {
	status etl-load --db "$db" --table "$1" --undo "$2" </dev/null
}
rows() {
	sql 'SELECT a, up FROM "of t" ORDER BY 1' | xargs
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	for action in CASCADE 'SET NULL' 'SET DEFAULT'; do
		sql "CREATE TABLE t (a int, b int, UNIQUE (b), PRIMARY KEY (a));
		    CREATE TABLE \"of t\" (a int PRIMARY KEY, up int DEFAULT 1
		    REFERENCES t (b) ON DELETE $action);
		    INSERT INTO t VALUES (1, 1); INSERT INTO \"of t\"
		    VALUES (1, 1)"
		keep t '{"a":2,"b":5}' '{"a":3,"b":6}'
		first=$id
		keep '"of t"' '{"a":5,"up":5}'
		is "$k ON DELETE $action, and a row refers to one of the run: exit code 65" \
		    65 "$(undo t "$first")"
		like "$k ON DELETE $action: the message names the table and the action" \
		    "table .?of t.? refer to rows .* with ON DELETE $action:" \
		    "$(cat "$scratch/err")"
		is "$k ON DELETE $action: all rows are as before" '2 1|1 5|5' \
		    "$(sql 'SELECT count(*) FROM t WHERE a > 1') $(rows)"
		is "$k ON DELETE $action: the runs are undone from the last to the first" \
		    '0 0 1|1' "$(undo '"of t"' "$id") $(undo t "$first") $(rows)"
		sql 'DROP TABLE "of t"; DROP TABLE t'
	done

	# A table that refers to itself.
	sql 'CREATE TABLE t (a int PRIMARY KEY, up int REFERENCES t
	    ON DELETE CASCADE)'
	keep t '{"a":1}' '{"a":2,"up":1}'
	is "$k rows of the run refer to each other: exit code 0" 0 \
	    "$(undo t "$id")"
	keep t '{"a":1}'
	sql 'INSERT INTO t VALUES (3, 1)'
	is "$k another row of the same table refers to one: exit code 65" 65 \
	    "$(undo t "$id")"
	is "$k another row of the same table refers to one: both stay" 2 \
	    "$(sql 'SELECT count(*) FROM t')"

	# A key of two columns, to the primary key without names.
	sql 'DROP TABLE t; CREATE TABLE t (a text, b int, n int,
	    PRIMARY KEY (b, a)); CREATE TABLE u (x int, y text, FOREIGN KEY
	    (x, y) REFERENCES t ON DELETE CASCADE)'
	keep t '{"a":"x","b":1}' '{"a":"x","b":2}'
	sql "INSERT INTO u VALUES (1, 'x')"
	is "$k a key of two columns: exit code 65" 65 "$(undo t "$id")"
	sql 'UPDATE u SET x = NULL'
	is "$k a key with NULL refers to no row: exit code 0" 0 "$(undo t "$id")"

	# The run has inserted both rows, and another session has changed one.
	sql 'DROP TABLE u; DROP TABLE t; CREATE TABLE t (a int PRIMARY KEY);
	    CREATE TABLE u (b int PRIMARY KEY, a int REFERENCES t
	    ON DELETE CASCADE, v text)'
	ok "$k a run loads two tables" env DATABASE_URL="$db" etl-run --name p \
	    -c 'echo "{\"a\":1}" | etl-extract - |
	    etl-load --table t --mode upsert --keep-before &&
	    echo "{\"b\":1,\"a\":1}" | etl-extract - |
	    etl-load --table u --mode upsert --keep-before'
	id=$(etl-status --db "$db" --json --run last | jq -r .run)
	sql "UPDATE u SET v = 'by hand'"
	is "$k a row of the run that was changed refers to another: exit code 65" \
	    65 "$(status etl-load --db "$db" --undo "$id" </dev/null)"
	is "$k the undo of its parent alone: exit code 65" 65 "$(undo t "$id")"
	is "$k the changed row and its parent stay" '1|1|by hand 1' \
	    "$(sql 'SELECT * FROM u') $(sql 'SELECT * FROM t')"
	sql 'UPDATE u SET v = NULL'
	is "$k as the run has left them, both are deleted: exit code 0" '0 0' \
	    "$(status etl-load --db "$db" --undo "$id" </dev/null) $(sql \
	    'SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u)')"
done

# SQLite compares a foreign key as the column to which it refers, and table names
# in any letters.
db_new sqlite
for of in 'text integer 1' 'integer text 1' 'text_COLLATE_NOCASE text Ab'; do
	# shellcheck disable=SC2086
	set -- $of
	sql "CREATE TABLE t (a $(echo "$1" | tr _ ' ') PRIMARY KEY);
	    CREATE TABLE u (a $2 REFERENCES T ON DELETE CASCADE)"
	case $3 in
	1) keep t '{"a":1}' ;;
	*) keep t "{\"a\":\"$3\"}" ;;
	esac
	sql "PRAGMA foreign_keys = on; INSERT INTO u VALUES (lower('$3'))"
	is "sqlite: a $2 refers to a $1: exit code 65" 65 "$(undo t "$id")"
	is "sqlite: a $2 refers to a $1: the row stays" 1 \
	    "$(sql 'SELECT count(*) FROM u')"
	sql 'DROP TABLE u; DROP TABLE t'
done
done_testing
