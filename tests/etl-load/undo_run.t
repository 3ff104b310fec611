#!/bin/sh
# shellcheck disable=SC2016
# --undo RUN without --table undoes the run in all its tables, or in none.
. tests/support/lib.sh
. tests/etl-load/marked.sh
cd "$scratch"

# run SCRIPT: executes it as a run; $id is its uuid, $number its number.
run() {
	etl-run --name p -c "$1" 2>run.err || cat run.err
	id=$(sql 'SELECT run FROM pipeline_runs ORDER BY id DESC LIMIT 1')
	number=$(sql 'SELECT max(id) FROM pipeline_runs')
}
undo() {
	status etl-load --undo "$@" </dev/null
}
# rows: those of both tables.
rows() {
	echo "$(sql 'SELECT * FROM up ORDER BY 1' | xargs), $(sql \
	    'SELECT * FROM of ORDER BY 1' | xargs)"
}
# loads TABLE RECORD...: prints a command of a script, which loads the records.
loads() {
	table=$1
	shift
	name=records.$(find . -name 'records.*' | wc -l).ndjson
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$name"
	[ $# -gt 0 ] || : >"$name"
	echo "etl-extract $name | etl-load --key id ${keep---keep-before} \
	    --table '$table' ${options-}"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	for action in 'NO ACTION' CASCADE 'SET NULL'; do
		sql "CREATE TABLE up (id int PRIMARY KEY, n int);
		    CREATE TABLE of (id int PRIMARY KEY, up int
		    REFERENCES up ON DELETE $action);
		    INSERT INTO up VALUES (1, 1), (2, 2), (3, 3);
		    INSERT INTO of VALUES (1, 1), (2, 2), (3, 3)"
		before=$(rows)

		# Rows that are inserted, changed and refer to each other.
		a="$(loads up '{"id":1,"n":7}' '{"id":4,"n":4}')
		    $(loads of '{"id":4,"up":4}' '{"id":5,"up":4}')"
		run "$a"
		isnt "$k ON DELETE $action: the run has changed both tables" \
		    "$before" "$(rows)"
		is "$k ON DELETE $action: --undo with its number: exit code 0" \
		    0 "$(undo "$number" -v)"
		is "$k ON DELETE $action: both tables are as before" \
		    "$before" "$(rows)"
		is "$k ON DELETE $action: a line for each table says so" \
		    "etl-load: run $id is undone in of: 2 rows deleted, 0 rows changed back, 0 rows inserted again
etl-load: run $id is undone in up: 1 row deleted, 1 row changed back, 0 rows inserted again" \
		    "$(cat err)"
		is "$k ON DELETE $action: a second time: exit code 1" 1 \
		    "$(undo "$number")"
		like "$k ON DELETE $action: the message says that it was undone" \
		    "run $id was undone before: nothing was changed" "$(cat err)"

		# Rows that a mirror deletes, the referring ones first. It refuses
		# a table whose foreign keys delete or change rows.
		if [ "$action" = 'NO ACTION' ]; then
			options='--mode mirror --max-deletes 100%'
			run "$(loads of '{"id":1,"up":1}')
			    $(loads up '{"id":1,"n":1}' '{"id":9,"n":9}')
			    $(loads of '{"id":1,"up":9}')"
			unset options
			is "$k two mirrors have deleted rows" '1|1 9|9, 1|9' \
			    "$(rows)"
			is "$k --undo with the uuid: exit code 0" 0 \
			    "$(undo "$id")"
			is "$k all rows are there again" "$before" "$(rows)"
		fi
		sql 'DROP TABLE of; DROP TABLE up; DELETE FROM etl_before;
		    DELETE FROM etl_before_runs'
	done

	sql 'CREATE TABLE up (id int PRIMARY KEY, n int);
	    CREATE TABLE of (id int PRIMARY KEY, up int)'
	a="$(loads up '{"id":1,"n":1}')
	    $(loads of '{"id":1,"up":1}')"

	# All or nothing.
	run "$a"
	sql 'UPDATE of SET up = 2'
	is "$k a row of one table was changed since: exit code 65" 65 \
	    "$(undo "$id")"
	like "$k the message names this table" 'table of: rows are no longer' \
	    "$(cat err)"
	is "$k nothing is undone in the other table" '1|1, 1|2' "$(rows)"
	is "$k --table undoes the run in one table" '0 , 1|2' \
	    "$(undo "$id" --table up) $(rows)"
	sql 'UPDATE of SET up = 1'
	is "$k then --undo undoes it in the table that is left" '0 , ' \
	    "$(undo "$id") $(rows)"

	# A load without --keep-before.
	sql 'CREATE TABLE other (id int PRIMARY KEY, n int)'
	run "$a
	    $(keep='' loads other '{"id":2,"n":2}')"
	is "$k a table was loaded without --keep-before: exit code 65" 65 \
	    "$(undo "$id")"
	like "$k the message names it and says what to do" \
	    'has also loaded table other, without --keep-before: nothing was undone; .*--table' \
	    "$(cat err)"
	is "$k nothing is undone" '1|1, 1|1' "$(rows)"
	is "$k the other tables can be undone one by one" '0 0 , ' \
	    "$(undo "$id" --table up) $(undo "$id" --table of) $(rows)"
	run "$a
	    $(keep='' loads other)
	    $(keep='' loads other '{"id":2,"n":2}')"
	is "$k a load without --keep-before that changed nothing does not count" \
	    '0 , ' "$(undo "$id") $(rows)"

	# Names of runs.
	run "$a"
	is "$k --undo with a run of no number and no id: exit code 1" 1 \
	    "$(undo 9999)"
	like "$k the message says that no old values are kept" \
	    '9999: .* keeps no old values of such a run: it was loaded without' \
	    "$(cat err)"
	sql "UPDATE pipeline_runs SET run = '77777e' || run WHERE run = '$id'"
	sql "UPDATE etl_before_runs SET run = '77777e' || run WHERE run = '$id'"
	sql "UPDATE etl_before SET run = '77777e' || run WHERE run = '$id'"
	is "$k few digits are a number and not the start of an id: exit code 64" \
	    64 "$(undo 77777)"
	like "$k the message names the run and says what to do" \
	    "77777: no run has this number, but the id of run 77777e$id starts with it: .*at least 8 characters" \
	    "$(cat err)"
	is "$k then nothing is undone" '1|1, 1|1' "$(rows)"
	is "$k the start of an id may be short: exit code 0" '0 , ' \
	    "$(undo 77777e) $(rows)"

	# Checkpoints of several tables.
	for t in up of; do
		stream "of-$t" "\"checkpoint\":\"$t\","
		name=$t
		rec '{"id":1}'
		checkpoint_mark 1
		end
		mv in in.$t
	done
	run 'for t in up of; do
	    etl-load --key id --keep-before --marked --table $t <in.$t
	done'
	is "$k both tables and checkpoints have moved" '1|, 1| 1|1 1|1' \
	    "$(rows) $(sql "SELECT value, version
	    FROM etl_checkpoints WHERE name IN ('up', 'of')" | xargs)"
	is "$k --with-checkpoint undoes the run: exit code 0" 0 \
	    "$(undo "$id" --with-checkpoint)"
	is "$k the checkpoints of both tables are moved back" '|2 |2' \
	    "$(sql "SELECT value, version
	    FROM etl_checkpoints WHERE name IN ('up', 'of')" | xargs)"

	# A table that has gone.
	run "$a"
	sql 'DROP TABLE of'
	is "$k a table of the run has gone: exit code 78" 78 "$(undo "$id")"
	like "$k the message says how to undo the others" \
	    '[.]of in .*name each of them with --table' "$(cat err)"
	is "$k --table undoes the others" 0 "$(undo "$id" --table up)"
done

# Names of tables: in another schema, with dots and quotes, and found on the path.
sql 'CREATE SCHEMA s; CREATE TABLE s.up (id int PRIMARY KEY, n int);
    CREATE TABLE "a.b""C" (id int PRIMARY KEY, n int);
    DROP TABLE up; CREATE TABLE up (id int PRIMARY KEY, n int)'
run "$(loads s.up '{"id":1,"n":1}')
    $(loads up '{"id":1,"n":1}')
    $(loads '"a.b""C"' '{"id":1,"n":1}')"
is 'postgresql: three tables are loaded' '1 1 1' "$(sql 'SELECT
    (SELECT count(*) FROM s.up), (SELECT count(*) FROM up),
    (SELECT count(*) FROM "a.b""C")' | tr '|' ' ')"
is 'postgresql: another search_path finds the same tables: exit code 0' 0 \
    "$(status env PGOPTIONS='-c search_path=s,public' etl-load --undo "$id" \
    --control-schema public </dev/null)"
is 'postgresql: all three are as before' '0 0 0' "$(sql 'SELECT
    (SELECT count(*) FROM s.up), (SELECT count(*) FROM up),
    (SELECT count(*) FROM "a.b""C")' | tr '|' ' ')"
done_testing
