#!/bin/sh
# Marked streams without checkpoints: when etl-load commits, which dead letters
# it stores, what the ledger says, and what a cut or broken stream leaves.
. tests/support/lib.sh

stream=0
# begin [STAGE]: starts a new stream in $scratch/in; its id is s$stream.
begin() {
	stream=$((stream + 1))
	printf '{"@etl":"begin","v":1,"id":"s%d","stream":"x","stages":["%s"]}\n' \
	    $stream "${1:-extract}" >"$scratch/in"
}
put() {
	printf '%s\n' "$@" >>"$scratch/in"
}
# end OUT REJECTED: the mark end with these counts of the stage extract.
end() {
	put "{\"@etl\":\"end\",\"stages\":[{\"stage\":\"extract\",\"in\":0,\"out\":$1,\"dropped\":0,\"rejected\":$2}]}"
}
# reject ID N: a reject of the stage extract, the Nth occurrence of letter ID.
reject() {
	put "{\"@etl\":\"reject\",\"v\":1,\"id\":\"$1\",\"occurrence\":\"run/extract.$1/$2\",\"stage\":\"extract\",\"code\":\"parse\",\"message\":\"no\",\"raw\":\"zz\"}"
}
load() {
	case " $* " in *" --table "*) ;; *) set -- --table t "$@" ;; esac
	status etl-load --db "$db" "$@" <"$scratch/in"
}
# letters: prints stage, code, attempts and status of each dead letter.
letters() {
	sql 'SELECT stage, code, attempts, status FROM dead_letters
	    ORDER BY stage, code'
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'
	sql 'CREATE TABLE log (n int, m text)'

	begin
	put '{"k":"a","n":1}'
	reject aa 1
	put '{"k":"b","n":"x"}' '{"k":"a","n":2}' '{"k":"c","n":1}'
	end 4 1
	is "$k upsert of a marked stream exits with 0" 0 "$(load --key k -v)"
	is "$k upsert of a marked stream stores its rows" 'a|2
c|1' "$(sql 'SELECT * FROM t ORDER BY k')"
	is "$k both the source's and the loader's reject become letters" \
	    'extract|parse|1|open
load|type|1|open' "$(letters)"
	case $kind in
	sqlite) raw="CAST(raw AS TEXT)" ;;
	*) raw="convert_from(raw, 'UTF8')" ;;
	esac
	is "$k the dead letter has the bytes of the record" \
	    '{"k":"b","n":"x"}' \
	    "$(sql "SELECT $raw FROM dead_letters WHERE stage = 'load'")"
	is "$k the ledger has the counts of both stages" \
	    '[{"stage":"extract","in":0,"out":4,"dropped":0,"rejected":1},{"stage":"load","in":4,"inserted":2,"updated":0,"unchanged":0,"superseded":1,"skipped":0,"deleted":0,"rejected":1}]' \
	    "$(sql "SELECT counts FROM etl_loads WHERE stream_id = 's$stream'" |
	    jq -c .)"
	is "$k the ledger says that the stream has ended" \
	    1 "$(sql "SELECT count(*) FROM etl_loads
	    WHERE stream_id = 's$stream' AND ended")"
	is "$k a second load of a saved stream exits with 0" \
	    0 "$(load --key k -v)"
	like "$k a second load of a saved stream says that it skips all records" \
	    'loaded before: its 4 records were skipped' \
	    "$(cat "$scratch/err")"
	case $kind in
	sqlite) other=MAIN.T ;;
	*) other='"public".T' ;;
	esac
	is "$k a second load by another name of the table exits with 0" \
	    0 "$(load --key k -v \
	    --table "$other")"
	like "$k a second load by another name of the table skips all records" \
	    'loaded before: its 4 records were skipped' "$(cat "$scratch/err")"
	sed -i 's/"a","n":2}/&\n{"k":"z","n":1}/; s/"out":4/"out":5/' \
	    "$scratch/in"
	is "$k another stream with the same id: etl-load exits with 76" \
	    76 "$(load --key k)"
	like "$k another stream with the same id: the message compares the counts" \
	    'loaded before with 4 records, but this one has 5' \
	    "$(cat "$scratch/err")"
	for run in 2 3 4 5; do
		begin
		reject aa $run
		put '{"k":"b","n":"x"}'
		end 1 1
		is "$k run $run with the same bad records exits with 0" \
		    0 "$(load --key k --max-rejects 100%)"
	done
	is "$k a record rejected in five runs is one letter with 5 attempts" \
	    'extract|parse|5|open
load|type|5|open' "$(letters)"

	# Upsert without checkpoints commits after each --batch records, so the
	# records of a cut stream are stored.
	begin
	put '{"k":"d","n":1}' '{"k":"e","n":1}' '{"k":"f","n":1}'
	is "$k upsert of a cut stream: etl-load exits with 75" \
	    75 "$(load --key k --batch 2)"
	like "$k upsert of a cut stream: the message says that it was cut off" \
	    'etl-load: .*cut off' "$(cat "$scratch/err")"
	is "$k upsert of a cut stream: all records that came are stored" \
	    3 "$(sql "SELECT count(*) FROM t
	    WHERE k IN ('d', 'e', 'f')")"
	is "$k upsert of a cut stream: the ledger says that it has not ended" \
	    0 "$(sql "SELECT count(*) FROM etl_loads
	    WHERE stream_id = 's$stream' AND ended")"
	end 3 0
	is "$k upsert of the complete stream afterwards exits with 0" \
	    0 "$(load --key k --batch 2)"

	# Append without checkpoints commits only once, at the mark end.
	begin
	seq 30000 | jq -c '{n: .}' >>"$scratch/in"
	is "$k append of a cut stream: etl-load exits with 75" \
	    75 "$(load --table log --batch 100)"
	is "$k append of a cut stream: nothing is stored" \
	    0 "$(sql 'SELECT count(*) FROM log')"
	end 30000 0
	is "$k append of the complete stream exits with 0" \
	    0 "$(load --table log)"
	is "$k append of the complete stream stores each record once" \
	    '30000|450015000' \
	    "$(sql 'SELECT count(*), sum(n) FROM log')"
	is "$k a second append of the same stream exits with 0" \
	    0 "$(load --table log)"
	is "$k a second append of the same stream inserts no row" 30000 \
	    "$(sql 'SELECT count(*) FROM log')"
	is "$k the same stream into a second table: etl-load exits with 0" \
	    0 "$(sql 'CREATE TABLE log2 (n int, m text)'
	    load --table log2)"
	is "$k the same stream into a second table: all records are stored" \
	    30000 "$(sql 'SELECT count(*) FROM log2')"
	if [ $kind = postgresql ]; then
		sql 'CREATE SCHEMA o; CREATE TABLE o.log (n int, m text)'
		is "$k the same stream into a table of another schema: exit code 0" \
		    0 "$(
		    export PGOPTIONS='-c search_path=o,public'
		    load --table log)"
		is "$k the same stream into a table of another schema: all are stored" \
		    30000 \
		    "$(sql 'SELECT count(*) FROM o.log')"
	fi
	begin
	end 0 0
	is "$k an empty marked stream: etl-load exits with 0" \
	    0 "$(load --table log)"
	is "$k an empty marked stream: the ledger says that it has ended" \
	    1 "$(sql "SELECT count(*) FROM
	    etl_loads WHERE stream_id = 's$stream' AND ended")"

	# If the counts of a stream are wrong or a mark is not allowed, nothing
	# of the stream is stored.
	sql 'DELETE FROM t'
	begin
	put '{"k":"a","n":1}'
	end 2 0
	is "$k a record of the stream was lost: etl-load exits with 76" \
	    76 "$(load --key k)"
	is "$k a record of the stream was lost: nothing is stored" 0 \
	    "$(sql 'SELECT count(*) FROM t')"
	begin
	put '{"k":"a","n":1}'
	end 1 1
	is "$k a reject of the stream was lost: etl-load exits with 76" \
	    76 "$(load --key k)"
	is "$k a reject of the stream was lost: nothing is stored" 0 \
	    "$(sql 'SELECT count(*) FROM t')"
	begin
	put '{"k":"a","n":1}' '{"@etl":"checkpoint","name":"x","seq":1,"from":null,"version":0,"value":"1","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}'
	is "$k a mark checkpoint, but begin names none: etl-load exits with 76" \
	    76 "$(load --key k)"
	like "$k a mark checkpoint, but begin names none: the message says so" \
	    'it is a checkpoint, but the mark begin names no checkpoint' \
	    "$(cat "$scratch/err")"

	# An earlier stage failed and wrote the mark failed.
	begin
	put '{"k":"a","n":1}' '{"@etl":"failed","stage":"extract","code":66,"message":"http://x: 404"}'
	is "$k upsert, an earlier stage failed with 66: etl-load exits with 66" \
	    66 "$(load --key k)"
	like "$k upsert, an earlier stage failed: the message has its cause" \
	    'etl-load: extract: http://x: 404' \
	    "$(cat "$scratch/err")"
	is "$k upsert, an earlier stage failed: the record before is stored" \
	    1 "$(sql 'SELECT count(*) FROM t')"
	begin
	put '{"n":1}' '{"@etl":"failed","stage":"extract","code":66,"message":"http://x: 404"}'
	is "$k append, an earlier stage failed with 66: etl-load exits with 66" \
	    66 "$(load --table log)"
	is "$k append, an earlier stage failed: nothing is stored" 30000 \
	    "$(sql 'SELECT count(*) FROM log')"
	sql 'DELETE FROM t'
	begin
	put '{"k":"a","n":1}' '{"@etl":"failed","stage":"extract","code":1,"message":"too many"}'
	is "$k an earlier stage stopped at its limit: etl-load exits with 1" \
	    1 "$(load --key k)"
	is "$k an earlier stage stopped at its limit: nothing is stored" \
	    0 "$(sql 'SELECT count(*) FROM t')"

	# Plain input may end with the mark failed too.
	echo '{"k":"a","n":1}' >"$scratch/in"
	put '{"@etl":"failed","stage":"mine","code":69,"message":"gone"}'
	is "$k plain input with failed, --single-transaction: its exit code 69" \
	    69 \
	    "$(load --key k --single-transaction)"
	is "$k plain input with failed, --single-transaction: nothing is stored" \
	    '0 etl-load: nothing was loaded: mine: gone' \
	    "$(sql 'SELECT count(*) FROM t') $(cat "$scratch/err")"
	is "$k plain input with the mark failed: etl-load exits with its code 69" \
	    69 "$(load --key k)"
	is "$k plain input with the mark failed: the record before is stored" \
	    '1 etl-load: mine: gone' \
	    "$(sql 'SELECT count(*) FROM t') $(cat "$scratch/err")"
	sql 'DELETE FROM t'

	# --max-rejects counts the rejects of earlier stages too. If it is
	# exceeded, neither rows nor dead letters are stored.
	letters=$(letters)
	begin
	put '{"k":"a","n":1}'
	reject bb 1
	put '{"k":"b","n":"x"}'
	end 2 1
	is "$k one reject of the source and one of the loader exceed the limit 1" \
	    1 "$(load --key k --max-rejects 1)"
	like "$k limit of rejects exceeded: the message has the source's cause" \
	    '1 parse: no .zz.*' \
	    "$(tr '\n' ' ' <"$scratch/err")"
	is "$k limit of rejects exceeded: no row and no letter is stored" \
	    "0 $letters" \
	    "$(sql 'SELECT count(*) FROM t') $(letters)"
	is "$k two rejects do not exceed --max-rejects 2: etl-load exits with 0" \
	    0 "$(load --key k --max-rejects 2)"

	# Rejects that go to a file, and reject lines in plain input.
	before=$(letters)
	begin
	put '{"k":"a","n":"x"}' '{"k":"b","n":1}'
	end 2 0
	is "$k a marked stream with --rejects: etl-load exits with 0" \
	    0 "$(load --key k --rejects "$scratch/aside.$kind")"
	is "$k --rejects writes the reject to the file and stores no letter" \
	    "1 $before" \
	    "$(wc -l <"$scratch/aside.$kind") $(letters)"
	echo '{"k":"p","n":1}' >"$scratch/in"
	reject cc 1
	is "$k plain input with a reject line: etl-load exits with 0" \
	    0 "$(load --key k)"
	is "$k a reject line in plain input becomes a dead letter" 1 "$(sql \
	    "SELECT attempts FROM dead_letters WHERE reject_id = 'cc'")"
	for code in '' '"code":7,' '"code":"",'; do
		begin
		put '{"k":"c","n":1}'
		reject ff 1
		end 1 1
		sed -i "s/\"code\":\"parse\",/$code/" "$scratch/in"
		is "$k a reject with '$code' as code: etl-load exits with 65" \
		    65 "$(load --key k)"
		like "$k a reject with '$code' as code: the message says what is wrong" \
		    'not a reject line: "code" must be a string' \
		    "$(cat "$scratch/err")"
		is "$k a reject with '$code' as code: nothing is stored" 0 \
		    "$(sql "SELECT count(*) FROM t WHERE k = 'c'")"
	done
	echo '{"k":"p","n":1}' >"$scratch/in"
	end 1 0
	is "$k a mark end without begin: etl-load exits with 76" \
	    76 "$(load --key k)"

	# Inside a run of etl-run, etl-load commits only while the row of the run
	# has the status running.
	sql 'DELETE FROM t'
	begin
	put '{"k":"a","n":1}' '{"k":"b","n":"x"}'
	end 2 0
	run=11111111-2222-4333-8444-555555555555
	in_run() {
		ETL_RUN=$run ETL_PIPELINE=p DATABASE_URL=$db
		export ETL_RUN ETL_PIPELINE DATABASE_URL
		load --key k
		unset ETL_RUN ETL_PIPELINE DATABASE_URL
	}
	is "$k inside a run without a row: etl-load exits with 75" \
	    75 "$(in_run)"
	sql "INSERT INTO pipeline_runs (run, pipeline, attempt, started_at,
	    renewed_at, status) VALUES ('$run', 'p', 1, '2026-01-01T00:00:00Z',
	    '2026-01-01T00:00:00Z', 'failed')"
	is "$k inside a run that has failed: etl-load exits with 75" \
	    75 "$(in_run)"
	is "$k inside a run that has failed: nothing is stored" \
	    0 "$(sql 'SELECT count(*) FROM t')"
	sql "UPDATE pipeline_runs SET status = 'running'"
	is "$k inside a running run: etl-load exits with 0" 0 "$(in_run)"
	is "$k inside a running run: ledger and letter name the run" \
	    "$run|1 1" "$(sql "SELECT run, batch
	    FROM etl_loads WHERE stream_id = 's$stream'") $(sql "SELECT
	    count(*) FROM dead_letter_attempts AS a JOIN pipeline_runs AS r
	    ON r.id = a.pipeline_run_id WHERE r.run = '$run'")"

	# The input consists of two saved streams, one after the other.
	begin
	put '{"k":"x1","n":1}'
	end 1 0
	cp "$scratch/in" "$scratch/first"
	begin
	put '{"k":"x2","n":"x"}' '{"k":"x3","n":1}'
	end 2 0
	cat "$scratch/in" >>"$scratch/first"
	cp "$scratch/first" "$scratch/in"
	is "$k two streams in one input: etl-load exits with 0" \
	    0 "$(load --key k -v)"
	is "$k two streams in one input: the ledger has both as ended" \
	    2 "$(sql "SELECT count(*) FROM
	    etl_loads WHERE ended AND stream_id IN
	    ('s$stream', 's$((stream - 1))')")"
	like "$k two streams in one input: -v prints the sum of the counts" \
	    '3 in, 2 inserted,.* 1 rejected' \
	    "$(cat "$scratch/err")"
	is "$k the same two streams again: etl-load exits with 0" \
	    0 "$(load --key k -v)"
	like "$k the same two streams again: all records are skipped" \
	    '^etl-load: 3 records were skipped: they were loaded before$' \
	    "$(cat "$scratch/err")"
	begin
	put '{"k":"x4","n":1}'
	end 1 0
	cat "$scratch/in" >>"$scratch/first"
	begin
	put '{"k":"x5","n":1}'
	cat "$scratch/in" >>"$scratch/first"
	cp "$scratch/first" "$scratch/in"
	is "$k the last of four streams is cut: etl-load exits with 75" 75 \
	    "$(load --key k --single-transaction)"
	is "$k the last of four streams is cut: the third is stored" 1 \
	    "$(sql "SELECT count(*) FROM t WHERE k IN ('x4', 'x5')")"
	like "$k the last of four streams is cut: nothing of it is stored" \
	    '^etl-load: nothing of the last stream was loaded: .*cut off' \
	    "$(cat "$scratch/err")"

	# A line of 9 MB between two short lines. etl-load keeps a batch in parts
	# of about 8 MiB, so this line is larger than a part.
	sql 'CREATE TABLE large (k int PRIMARY KEY, m text)'
	large_lines() {
		printf '{"k":1}\n{"k":2,"m":"%09000000d"}\n{"k":3}\n' 0
	}
	large_lines >"$scratch/in"
	is "$k plain input with a line of 9 MB: etl-load exits with 0" \
	    0 "$(load --table large --key k -v)"
	like "$k plain input with a line of 9 MB: all records are inserted" \
	    '3 in, 3 inserted' \
	    "$(cat "$scratch/err")"
	begin
	large_lines >>"$scratch/in"
	reject dd 1
	end 3 1
	is "$k a marked stream with a line of 9 MB: etl-load exits with 0" \
	    0 "$(load --table large --key k -v)"
	like "$k a marked stream with a line of 9 MB: all rows are unchanged" \
	    '3 in, .* 3 unchanged' \
	    "$(cat "$scratch/err")"

	# --flush commits when its time has passed. It waits neither for the end
	# of the input nor for a next record after blank lines.
	mkfifo "$scratch/fifo.$kind"
	etl-load --db "$db" --table t --key k --flush 100ms \
	    <"$scratch/fifo.$kind" &
	pid=$!
	exec 8>"$scratch/fifo.$kind"
	printf '{"k":"soon","n":1}\n\n \n' >&8
	row_is_stored() {
		[ "$(sql "SELECT count(*) FROM t WHERE k = 'soon'")" = 1 ]
	}
	ok "$k --flush 100ms stores a record while the input is still open" \
	    wait_until 30 row_is_stored
	exec 8>&-
	wait $pid
	rm "$scratch/fifo.$kind"
done
done_testing
