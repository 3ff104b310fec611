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
done
done_testing
