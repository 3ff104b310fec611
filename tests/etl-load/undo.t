#!/bin/sh
# --keep-before keeps the old values of the rows that a load changes, and --undo gives
# them back.  undo_random.t compares both with a model.
. tests/support/lib.sh
. tests/etl-load/marked.sh

# keep OPTION...: loads $scratch/in with --keep-before and prints the exit status.
keep() {
	load --keep-before "$@"
}
# undo RUN OPTION...: prints the exit status.
undo() {
	run=$1
	shift
	status etl-load --db "$db" --table t --undo "$run" "$@" </dev/null
}
# run_id: the run that the last load with -v has named.
run_id() {
	sed -n 's/.* --undo \([^ ]*\) .*/\1/p' "$scratch/err"
}
rows() {
	sql 'SELECT * FROM t ORDER BY 1, 2' | xargs
}
lines() {
	printf '%s\n' "$@" >"$scratch/in"
}
# fill: four rows.
fill() {
	sql "DELETE FROM t; INSERT INTO t (k, n) VALUES ('a', 1), ('b', 2),
	    ('c', 3)"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'

	# One load.
	fill
	lines '{"k":"a","n":7}' '{"k":"d","n":4}' '{"k":"b","n":2}'
	is "$k a load with --keep-before: exit code 0" 0 "$(keep --key k)"
	id=$(run_id)
	is "$k one row is kept for each changed row" '2 1' "$(sql 'SELECT
	    count(*), sum(CASE WHEN before IS NULL THEN 1 ELSE 0 END)
	    FROM etl_before' | tr '|' ' ')"
	is "$k --undo with the begin of the run: exit code 0" \
	    0 "$(undo "${id%????????????????}" -v)"
	like "$k --undo -v says what it has done" \
	    "run $id is undone in t: 1 row deleted, 1 row changed back, 0 rows inserted again" \
	    "$(cat "$scratch/err")"
	is "$k --undo: the rows are those before the load" 'a|1 b|2 c|3' \
	    "$(rows)"
	is "$k --undo deletes the values that were kept" 0 \
	    "$(sql 'SELECT count(*) FROM etl_before')"
	is "$k a second --undo of the run: exit code 1" 1 "$(undo "$id")"
	like "$k a second --undo says that the run was undone" \
	    'was undone before: nothing was changed' "$(cat "$scratch/err")"
	is "$k --undo of a run that is not there: exit code 1" 1 \
	    "$(undo 00000000-)"
	like "$k --undo of a run that is not there: the message says why" \
	    'keeps no old values of such a run for table t' "$(cat "$scratch/err")"

	# A later change.
	keep --key k >/dev/null
	id=$(run_id)
	sql "UPDATE t SET n = 8 WHERE k = 'a'"
	is "$k --undo if a row was changed since: exit code 65" 65 "$(undo "$id")"
	like "$k the message names the key of this row" \
	    'rows are no longer as the run has left them.*"t?a"' \
	    "$(cat "$scratch/err")"
	unlike "$k the message names no other row" '"t?d"' \
	    "$(cat "$scratch/err")"
	is "$k a refused --undo changes nothing" 'a|8 b|2 c|3 d|4' "$(rows)"
	sql "UPDATE t SET n = 7 WHERE k = 'a'; DELETE FROM t WHERE k = 'd'"
	is "$k --undo if an inserted row was deleted since: exit code 65" \
	    65 "$(undo "$id")"
	sql "INSERT INTO t VALUES ('d', 4)"
	is "$k --undo if the rows are as the run has left them: exit code 0" \
	    '0 a|1 b|2 c|3' "$(undo "$id") $(rows)"

	# A marked stream with a checkpoint.
	fill
	checkpoint_stream s1-long-id
	rec '{"k":"a","n":5}'
	checkpoint_mark 1
	rec '{"k":"e","n":5}' '{"k":"a","n":6}'
	checkpoint_mark 2
	end
	is "$k a stream with checkpoints: exit code 0" 0 \
	    "$(keep --key k --batch 1)"
	is "$k two batches of a run keep one row for each changed row" 2 \
	    "$(sql 'SELECT count(*) FROM etl_before')"
	is "$k --undo with the begin of a stream: exit code 0" 0 "$(undo s1)"
	like "$k --undo warns that the checkpoint was not moved back" \
	    'checkpoint posts was not moved back' "$(cat "$scratch/err")"
	is "$k --undo of two batches gives the first values back" \
	    'a|1 b|2 c|3' "$(rows)"
	is "$k --undo deletes the stream's row of the ledger" '' "$(ledger s1-long-id)"
	is "$k --undo leaves the checkpoint" '2|2' "$(checkpoint)"
	is "$k the stream can be loaded again after --undo" \
	    '0 a|6 b|2 c|3 e|5' "$(keep --key k --no-checkpoint) $(rows)"
	is "$k a stream that was loaded again can be undone again" \
	    '0 a|1 b|2 c|3' "$(undo s1-long-id) $(rows)"
	version=2 from='"2"'
	checkpoint_stream s2
	version=2 from='"2"'
	rec '{"k":"a","n":5}'
	checkpoint_mark 3
	end
	keep --key k >/dev/null
	is "$k a checkpoint that has moved since: --with-checkpoint exits with 65" \
	    65 "$(etl-checkpoint --db "$db" set posts 9
	    undo s2 --with-checkpoint)"
	is "$k then nothing is undone" 'a|5 b|2 c|3' "$(rows)"
	undo s2 >/dev/null
	checkpoint_stream s3
	version=4 from='"9"'
	rec '{"k":"a","n":5}'
	checkpoint_mark 10
	end
	keep --key k >/dev/null
	is "$k --with-checkpoint: exit code 0" 0 "$(undo s3 --with-checkpoint)"
	is "$k --with-checkpoint gives the checkpoint its old value" '9|6' \
	    "$(checkpoint)"

	# Each batch moves the checkpoint.
	version=6 from='"9"'
	checkpoint_stream s4
	version=6 from='"9"'
	rec '{"k":"a","n":6}'
	checkpoint_mark 11
	rec '{"k":"b","n":6}'
	checkpoint_mark 12
	end
	keep --key k --batch 1 >/dev/null
	is "$k a load of several batches moves the checkpoint" '12|8' "$(checkpoint)"
	is "$k --with-checkpoint after several batches: exit code 0" 0 \
	    "$(undo s4 --with-checkpoint)"
	is "$k --with-checkpoint gives the value before the first batch" '9|9' \
	    "$(checkpoint)"
	is "$k --undo again: exit code 1" 1 "$(undo s4 --with-checkpoint)"

	# A stream whose first part another run has loaded.
	fill
	stream cut '"checkpoint":"posts2",'
	name=posts2
	rec '{"k":"a","n":5}'
	checkpoint_mark 1
	cp "$scratch/in" "$scratch/first"
	rec '{"k":"b","n":5}'
	checkpoint_mark 2
	end
	cp "$scratch/in" "$scratch/all"
	cp "$scratch/first" "$scratch/in"
	load --key k >/dev/null
	cp "$scratch/all" "$scratch/in"
	is "$k the rest of a stream: exit code 0" 0 "$(keep --key k)"
	undo cut >/dev/null
	is "$k --undo of the rest leaves the first part" 'a|5 b|2 c|3' "$(rows)"
	like "$k --undo of the rest says that --again is needed" \
	    'to load the stream again, give --again' "$(cat "$scratch/err")"

	# Runs.
	fill
	sql 'DELETE FROM etl_before_runs; DELETE FROM etl_before'
	for n in 1 2 3; do
		lines "{\"k\":\"r\",\"n\":$n}" "{\"k\":\"r$n\",\"n\":$n}"
		keep --key k --keep-runs 2 >/dev/null
		eval "id$n=$(run_id)"
	done
	is "$k --keep-runs 2 keeps the values of the last two runs" '2 4' \
	    "$(sql 'SELECT (SELECT count(*) FROM etl_before_runs),
	    (SELECT count(*) FROM etl_before)' | tr '|' ' ')"
	# shellcheck disable=SC2154
	is "$k a run whose values are deleted cannot be undone" 1 "$(undo "$id1")"
	# shellcheck disable=SC2154
	is "$k a run is not undone before a later one that changed its rows" \
	    65 "$(undo "$id2")"
	# shellcheck disable=SC2154
	is "$k runs can be undone from the last to the first" \
	    '0 0 a|1 b|2 c|3 r|1 r1|1' "$(undo "$id3") $(undo "$id2") $(rows)"
	sql "UPDATE etl_before_runs SET run = 'x' || number, status = 'kept'"
	is "$k a begin that several runs have: exit code 64" 64 "$(undo x)"

	# A row that another session changes between two batches of a run.
	fill
	stream twice '"checkpoint":"posts3",'
	name=posts3
	rec '{"k":"a","n":5}'
	checkpoint_mark 1
	cp "$scratch/in" "$scratch/first"
	rec '{"k":"a","n":7}'
	checkpoint_mark 2
	end
	first_is_loaded() {
		[ "$(rows)" = 'a|5 b|2 c|3' ]
	}
	{
		cat "$scratch/first"
		wait_until 20 first_is_loaded
		sql "UPDATE t SET n = 6 WHERE k = 'a'"
		sed "1,$(wc -l <"$scratch/first")d" "$scratch/in"
	} | etl-load --db "$db" --table t --key k --keep-before --batch 1 \
	    --flush 1ms
	is "$k another session changes a row between two batches: it is loaded" \
	    'a|7 b|2 c|3' "$(rows)"
	is "$k another session changes a row between two batches: no undo" 65 \
	    "$(undo twice)"

	# Tables.
	sql 'DROP TABLE t; CREATE TABLE t (k text, n int)'
	lines '{"k":"a","n":1}'
	is "$k append to a table without a primary key: exit code 78" 78 \
	    "$(keep)"
	sql 'CREATE UNIQUE INDEX t_k ON t (k)'
	is "$k --key with a unique index is enough" '0 0' \
	    "$(keep --key k) $(undo "$(run_id)")"
	is "$k --mode replace: exit code 64" 64 "$(keep --mode replace)"
	is "$k --with-checkpoint without --undo: exit code 64" 64 \
	    "$(load --with-checkpoint)"
	is "$k --undo with an empty name: exit code 64" 64 "$(undo '')"
	sql "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, up int
	    REFERENCES t, n int); INSERT INTO t VALUES (1, NULL, 1), (2, 1, 1)"
	lines '{"operation":"UPDATE","data":{"id":2,"up":null}}' \
	    '{"operation":"DELETE","data":{"id":1}}' \
	    '{"operation":"INSERT","data":{"id":9,"n":1}}' \
	    '{"operation":"INSERT","data":{"id":8,"up":9}}'
	is "$k changes of rows that refer to each other: exit code 0" 0 \
	    "$(keep --mode cdc)"
	is "$k rows that refer to each other are undone" '0 1||1 2|1|1' \
	    "$(undo "$(run_id)") $(rows)"
	lines '{"id":2,"n":5}'
	keep --key id >/dev/null
	id=$(run_id)
	sql 'ALTER TABLE t ADD COLUMN more int'
	is "$k --undo after the table was altered: exit code 65" 65 \
	    "$(undo "$id")"
	like "$k --undo after the table was altered: the message says so" \
	    'other columns than when the run loaded it' "$(cat "$scratch/err")"

	# History.
	case $kind in
	sqlite) time=text flag=int is_true=' = 1' ;;
	*) time=timestamptz flag=boolean is_true= ;;
	esac
	sql "DROP TABLE t; CREATE TABLE t (k text, n int, valid_from $time,
	    valid_to $time, is_current $flag, PRIMARY KEY (k, valid_from));
	    CREATE UNIQUE INDEX t_c ON t (k) WHERE is_current$is_true"
	lines '{"k":"a","n":1,"at":"2026-01-01T00:00:00Z"}' \
	    '{"k":"b","n":1,"at":"2026-01-01T00:00:00Z"}'
	is "$k --mode scd2: exit code 0" 0 \
	    "$(keep --mode scd2 --key k --as-of at)"
	first=$(rows)
	lines '{"k":"a","n":2,"at":"2026-02-01T00:00:00Z"}' \
	    '{"k":"a","n":3,"at":"2025-02-01T00:00:00Z"}'
	is "$k --mode scd2 --missing close: exit code 0" 0 \
	    "$(keep --mode scd2 --key k --as-of at --missing close)"
	isnt "$k --mode scd2: the rows have changed" "$first" "$(rows)"
	is "$k --undo of history gives the old rows" "0 $first" \
	    "$(undo "$(run_id)") $(rows)"
done

# Triggers of the table.
db_new postgresql
sql "CREATE TABLE t (k text PRIMARY KEY, n int, at timestamptz);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN new.at := clock_timestamp(); RETURN new; END';
    CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW
    EXECUTE FUNCTION touch(); INSERT INTO t VALUES ('a', 1, NULL)"
lines '{"k":"a","n":2}'
keep --key k >/dev/null
id=$(run_id)
is 'a trigger that changes the rows again: --undo exits with 65' 65 "$(undo "$id")"
like 'a trigger that changes the rows again: the message says so' \
    'because a trigger' "$(cat "$scratch/err")"
sql 'ALTER TABLE t DISABLE TRIGGER touch'
is 'without the trigger the load is undone' '0 a|1|' "$(undo "$id") $(rows)"
# Prints "NAME NAME-OF-ARGUMENT" for each long option of the help.
options_with_arguments() {
	etl-load --help | sed -n 's/^  \(-.,\)\{0,1\} *\(--[a-z-]*\) \([^ ]*\).*/\2 \3/p'
}
# argument NAME: prints a value that an option with such an argument takes.
argument() {
	case $1 in
	DURATION) echo 1s ;;
	?*) echo 1 ;;
	esac
}
db_new sqlite
sql 'CREATE TABLE t (k text PRIMARY KEY)'
options_with_arguments >"$scratch/options"
ok 'the help lists the options of loads' \
    test "$(wc -l <"$scratch/options")" -gt 50
while read -r option name; do
	case $option in
	--db | --control-schema | --table | --undo | --with-checkpoint | \
	    --lock-timeout | --statement-timeout | --retries | --backoff | \
	    --verbose | --help | --version)
		continue
		;;
	--tables | --table-from) why='--table' ;;
	*) why="--undo reads no records, so $option cannot be used with it" ;;
	esac
	value=$(argument "$name")
	set -- "$option" ${value:+"$value"}
	is "--undo refuses $option: exit code 64" 64 "$(undo x "$@")"
	like "--undo refuses $option: the message says so" \
	    "$why" "$(cat "$scratch/err")"
done <"$scratch/options"
is 'the options of --undo are not refused' 1 "$(undo x --with-checkpoint \
    --lock-timeout 1s --statement-timeout 1s --retries 1 --backoff 1s..2s \
    --verbose)"
is 'BATCH_SIZE in the environment does not concern --undo' 1 \
    "$(BATCH_SIZE=7 undo x)"
db_new sqlite
sql "CREATE TABLE t (k text PRIMARY KEY, n int, at int);
    CREATE TRIGGER later AFTER INSERT ON t BEGIN
    UPDATE t SET at = coalesce(at, 0) + 1 WHERE k = new.k; END;
    CREATE TRIGGER other AFTER UPDATE OF n ON t BEGIN
    DELETE FROM t WHERE k = 'z'; END;
    INSERT INTO t VALUES ('z', 1, 7), ('a', 1, 7)"
before=$(rows)
lines '{"k":"a","n":2}' '{"k":"b","n":2}'
is 'SQLite: triggers change rows of the table: exit code 0' 0 "$(keep --key k)"
is 'SQLite: the triggers have changed rows' 'a|2|8 b|2|1' "$(rows)"
id=$(run_id)
is 'SQLite: --undo exits with 65 if a trigger changes rows again' 65 "$(undo "$id")"
sql 'DROP TRIGGER later'
is 'SQLite: what triggers have changed is undone too' "0 $before" \
    "$(undo "$id") $(rows | tr '\n' ' ' | sed 's/ $//')"
sql 'DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY, n int UNIQUE ON CONFLICT REPLACE)'
is 'SQLite: a table with ON CONFLICT REPLACE: exit code 78' 78 "$(keep --key k)"
sql "DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY, n int);
    INSERT INTO t VALUES ('z', 7);
    CREATE TRIGGER again AFTER INSERT ON t WHEN new.k = 'b' BEGIN
    INSERT OR REPLACE INTO t VALUES ('z', 9); END"
is 'SQLite: a trigger with OR REPLACE, whose deletes leave no trace: exit code 78' \
    '78 z|7' "$(keep --key k) $(rows)"
like 'SQLite: a trigger with OR REPLACE: the message names it' \
    'the trigger again makes SQLite replace rows' "$(cat "$scratch/err")"
sql 'DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY COLLATE NOCASE, n int)
    WITHOUT ROWID'
sql "INSERT INTO t VALUES ('a', 1)"
lines '{"operation":"UPDATE","data":{"k":"A","n":2},"before":{"k":"a"}}'
is 'SQLite: the spelling of a key changes in a table WITHOUT ROWID' '0 A|2' \
    "$(keep --mode cdc) $(rows)"
is 'SQLite: --undo gives the key its old spelling' '0 a|1' \
    "$(undo "$(run_id)") $(rows)"

# Inside etl-run the run is that of etl-run.
for kind in sqlite postgresql; do
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'
	cat >"$scratch/pipe.sh" <<-'EOS'
	#!/bin/sh
	echo '{"k":"a","n":1}' | etl-load --table t --key k --keep-before --plain
	echo '{"k":"a","n":2}{"k":"b","n":1}' | sed 's/}{/}\n{/' |
	    etl-load --table t --key k --keep-before --plain
	EOS
	chmod +x "$scratch/pipe.sh"
	is "$kind: two loads of a run: exit code 0" 0 \
	    "$(status env DATABASE_URL="$db" etl-run --name p "$scratch/pipe.sh")"
	is "$kind: --undo undoes all loads of a run" '0 ' \
	    "$(undo "$(sql 'SELECT run FROM pipeline_runs')") $(rows)"
	for id in one two; do
		stream $id
		rec '{"k":"a","n":1}'
		end
		cp "$scratch/in" "$scratch/$id"
	done
	cat >"$scratch/pipe.sh" <<-'EOS'
	#!/bin/sh
	set -e
	etl-load --table t --key k --keep-before <"$1/one"
	etl-load --table t --undo "$ETL_RUN"
	etl-load --table t --key k --keep-before <"$1/two"
	etl-load --table t --undo "$ETL_RUN"
	EOS
	is "$kind: a run that was undone and loads another stream is undone again" \
	    '0 ' "$(status env DATABASE_URL="$db" etl-run --name p \
	    "$scratch/pipe.sh" "$scratch") $(rows)"
done

# The command that -v prints.
undo_command() {
	sed -n 's/^etl-load: to undo this load.*: etl-load/etl-load/p' \
	    "$scratch/err"
}
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	[ $kind = postgresql ] || db="sqlite:$scratch/it's a.db"
	sql 'CREATE TABLE "my t" (k text PRIMARY KEY, n int)'
	lines '{"k":"a","n":1}'
	keep --table 'my t' --key k --control-schema "$(
	    [ $kind = sqlite ] && echo main || echo public)" >/dev/null
	is "$k the printed command undoes the load when it is pasted" '0 0' \
	    "$(status eval "$(undo_command)") $(sql 'SELECT count(*)
	    FROM "my t"')"
	in_run="etl-load --keep-before --table 'my t' --key k -v"
	is "$k a load inside etl-run: exit code 0" 0 \
	    "$(status etl-run --db "$db" --name p -c "$in_run" <"$scratch/in")"
	is "$k the command that is printed inside etl-run works outside" '0 0' \
	    "$(status env -u DATABASE_URL sh -c "$(undo_command)") $(sql \
	    'SELECT count(*) FROM "my t"')"
done
role=etl_undo_$$ plain=$db
sql "CREATE ROLE $role LOGIN SUPERUSER PASSWORD 'geheim'"
at_exit "dropuser --if-exists $role"
db=postgresql://$role:geheim@/${plain#postgresql:///}
keep --table 'my t' --key k >/dev/null
like 'a URL with a password: the message names DATABASE_URL instead' \
    'undo this load, with its URL in DATABASE_URL: etl-load --undo [^ ]+ --table' \
    "$(cat "$scratch/err")"
unlike 'a URL with a password: the password is not printed' 'geheim' \
    "$(cat "$scratch/err")"
is 'the printed command undoes the load with the URL in DATABASE_URL' '0 0' \
    "$(DATABASE_URL=$db status sh -c "$(undo_command)") $(sql \
    'SELECT count(*) FROM "my t"')"

# Another load deletes the images of the run (--keep-runs) while a batch begins.
db_new postgresql
sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'
stream race '"checkpoint":"posts",'
rec '{"k":"a","n":5}'
checkpoint_mark 1
cp "$scratch/in" "$scratch/first"
rec '{"k":"a","n":7}'
checkpoint_mark 2
end
row_is_loaded() {
	[ "$(rows)" = 'a|5' ]
}
is_deleting() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity
	    WHERE datname = current_database()
	    AND wait_event = 'PgSleep'")" = 1 ]
}
rc=$({
	cat "$scratch/first"
	wait_until 20 row_is_loaded
	sql "BEGIN; UPDATE etl_before_runs SET status = 'dropped';
	    SELECT pg_sleep(1); DELETE FROM etl_before;
	    DELETE FROM etl_before_runs; COMMIT" >"$scratch/deleted" &
	wait_until 20 is_deleting
	sed "1,$(wc -l <"$scratch/first")d" "$scratch/in"
	wait
} | status etl-load --db "$db" --table t --key k --keep-before --batch 1 \
    --flush 1ms)
is 'a batch whose run is being deleted waits, and fails with 65' '65 a|5' \
    "$rc $(rows)"
is 'no images are stored for a run that was deleted' 0 \
    "$(sql 'SELECT count(*) FROM etl_before')"
sql "CREATE TABLE heir (PRIMARY KEY (k)) INHERITS (t)"
lines '{"k":"b","n":5}'
is 'a table from which another one inherits: exit code 78' 78 "$(keep --key k)"
done_testing
