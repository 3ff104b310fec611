#!/bin/sh
# Marked streams: what commits when, dead letters, the ledger, cut streams.
. tests/support/lib.sh

stream=0
# begin [STAGE]: a new stream's first line; what follows goes to $scratch/in.
begin() {
	stream=$((stream + 1))
	printf '{"@etl":"begin","v":1,"id":"s%d","stream":"x","stages":["%s"]}\n' \
	    $stream "${1:-extract}" >"$scratch/in"
}
put() {
	printf '%s\n' "$@" >>"$scratch/in"
}
# end OUT REJECTED
end() {
	put "{\"@etl\":\"end\",\"stages\":[{\"stage\":\"extract\",\"in\":0,\"out\":$1,\"dropped\":0,\"rejected\":$2}]}"
}
reject() {
	put "{\"@etl\":\"reject\",\"v\":1,\"id\":\"$1\",\"occurrence\":\"run/extract.$1/$2\",\"stage\":\"extract\",\"code\":\"parse\",\"message\":\"no\",\"raw\":\"zz\"}"
}
load() {
	case " $* " in *" --table "*) ;; *) set -- --table t "$@" ;; esac
	status etl-load --db "$db" "$@" <"$scratch/in"
}
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
	is "$k upsert" 0 "$(load --key k -v)"
	is "$k upsert: rows" 'a|2
c|1' "$(sql 'SELECT * FROM t ORDER BY k')"
	is "$k upsert: letters" 'extract|parse|1|open
load|type|1|open' "$(letters)"
	case $kind in
	sqlite) raw="CAST(raw AS TEXT)" ;;
	*) raw="convert_from(raw, 'UTF8')" ;;
	esac
	is "$k upsert: raw bytes" '{"k":"b","n":"x"}' \
	    "$(sql "SELECT $raw FROM dead_letters WHERE stage = 'load'")"
	is "$k upsert: counts" '[{"stage":"extract","in":0,"out":4,"dropped":0,"rejected":1},{"stage":"load","in":4,"inserted":2,"updated":0,"unchanged":0,"superseded":1,"skipped":0,"deleted":0,"rejected":1}]' \
	    "$(sql "SELECT counts FROM etl_loads WHERE stream_id = 's$stream'" |
	    jq -c .)"
	is "$k upsert: ended" 1 "$(sql "SELECT count(*) FROM etl_loads
	    WHERE stream_id = 's$stream' AND ended")"
	is "$k a saved stream is loaded once" 0 "$(load --key k -v)"
	like "$k a saved stream says so" 'loaded before: its 4 records were skipped' \
	    "$(cat "$scratch/err")"
	case $kind in
	sqlite) other=MAIN.T ;;
	*) other='"public".T' ;;
	esac
	is "$k by another name of the table" 0 "$(load --key k -v \
	    --table "$other")"
	like "$k by another name of the table: it is the same one" \
	    'loaded before: its 4 records were skipped' "$(cat "$scratch/err")"
	sed -i 's/"a","n":2}/&\n{"k":"z","n":1}/; s/"out":4/"out":5/' \
	    "$scratch/in"
	is "$k another stream of its id" 76 "$(load --key k)"
	like "$k another stream of its id: why" 'loaded before with 4 records, but this one has 5' \
	    "$(cat "$scratch/err")"
	for run in 2 3 4 5; do
		begin
		reject aa $run
		put '{"k":"b","n":"x"}'
		end 1 1
		is "$k run $run" 0 "$(load --key k --max-rejects 100%)"
	done
	is "$k letters once, each time told" 'extract|parse|5|open
load|type|5|open' "$(letters)"

	# By batch, also between marks; what comes is stored before the end.
	begin
	put '{"k":"d","n":1}' '{"k":"e","n":1}' '{"k":"f","n":1}'
	is "$k cut upsert" 75 "$(load --key k --batch 2)"
	like "$k cut upsert: why" 'etl-load: .*cut off' "$(cat "$scratch/err")"
	is "$k cut upsert: rows stay" 3 "$(sql "SELECT count(*) FROM t
	    WHERE k IN ('d', 'e', 'f')")"
	is "$k cut upsert: not ended" 0 "$(sql "SELECT count(*) FROM etl_loads
	    WHERE stream_id = 's$stream' AND ended")"
	end 3 0
	is "$k the whole of it" 0 "$(load --key k --batch 2)"

	# Append: once, at end.
	begin
	seq 30000 | jq -c '{n: .}' >>"$scratch/in"
	is "$k cut append" 75 "$(load --table log --batch 100)"
	is "$k cut append: nothing" 0 "$(sql 'SELECT count(*) FROM log')"
	end 30000 0
	is "$k append" 0 "$(load --table log)"
	is "$k append: rows" '30000|450015000' \
	    "$(sql 'SELECT count(*), sum(n) FROM log')"
	is "$k append again" 0 "$(load --table log)"
	is "$k append again: no row twice" 30000 \
	    "$(sql 'SELECT count(*) FROM log')"
	is "$k a second table" 0 "$(sql 'CREATE TABLE log2 (n int, m text)'
	    load --table log2)"
	is "$k a second table: rows" 30000 "$(sql 'SELECT count(*) FROM log2')"
	if [ $kind = postgresql ]; then
		sql 'CREATE SCHEMA o; CREATE TABLE o.log (n int, m text)'
		is "$k its name in another schema" 0 "$(
		    export PGOPTIONS='-c search_path=o,public'
		    load --table log)"
		is "$k its name in another schema: rows" 30000 \
		    "$(sql 'SELECT count(*) FROM o.log')"
	fi
	begin
	end 0 0
	is "$k an empty stream" 0 "$(load --table log)"
	is "$k an empty stream has ended" 1 "$(sql "SELECT count(*) FROM
	    etl_loads WHERE stream_id = 's$stream' AND ended")"

	# A broken stream moves nothing.
	sql 'DELETE FROM t'
	begin
	put '{"k":"a","n":1}'
	end 2 0
	is "$k a record was lost" 76 "$(load --key k)"
	is "$k a record was lost: nothing stored" 0 \
	    "$(sql 'SELECT count(*) FROM t')"
	begin
	put '{"k":"a","n":1}'
	end 1 1
	is "$k a reject was lost" 76 "$(load --key k)"
	is "$k a reject was lost: nothing stored" 0 \
	    "$(sql 'SELECT count(*) FROM t')"
	begin
	put '{"k":"a","n":1}' '{"@etl":"checkpoint","name":"x","seq":1,"from":null,"version":0,"value":"1","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}'
	is "$k a checkpoint" 76 "$(load --key k)"
	like "$k a checkpoint: why" 'it is a checkpoint, but the mark begin names no checkpoint' \
	    "$(cat "$scratch/err")"

	# A stage before has failed.
	begin
	put '{"k":"a","n":1}' '{"@etl":"failed","stage":"extract","code":66,"message":"http://x: 404"}'
	is "$k failed" 66 "$(load --key k)"
	like "$k failed: the first cause" 'etl-load: extract: http://x: 404' \
	    "$(cat "$scratch/err")"
	is "$k failed: upsert keeps" 1 "$(sql 'SELECT count(*) FROM t')"
	begin
	put '{"n":1}' '{"@etl":"failed","stage":"extract","code":66,"message":"http://x: 404"}'
	is "$k failed, append" 66 "$(load --table log)"
	is "$k failed, append: nothing" 30000 \
	    "$(sql 'SELECT count(*) FROM log')"
	sql 'DELETE FROM t'
	begin
	put '{"k":"a","n":1}' '{"@etl":"failed","stage":"extract","code":1,"message":"too many"}'
	is "$k stopped by a limit" 1 "$(load --key k)"
	is "$k stopped by a limit: nothing" 0 "$(sql 'SELECT count(*) FROM t')"

	# Plain input can say so too.
	echo '{"k":"a","n":1}' >"$scratch/in"
	put '{"@etl":"failed","stage":"mine","code":69,"message":"gone"}'
	is "$k plain, all or nothing, failed" 69 \
	    "$(load --key k --single-transaction)"
	is "$k plain, all or nothing, failed: nothing" \
	    '0 etl-load: nothing was loaded: mine: gone' \
	    "$(sql 'SELECT count(*) FROM t') $(cat "$scratch/err")"
	is "$k plain, failed" 69 "$(load --key k)"
	is "$k plain, failed: what came before" '1 etl-load: mine: gone' \
	    "$(sql 'SELECT count(*) FROM t') $(cat "$scratch/err")"
	sql 'DELETE FROM t'

	# The limit counts the stream's rejects too; letters go with the rows.
	letters=$(letters)
	begin
	put '{"k":"a","n":1}'
	reject bb 1
	put '{"k":"b","n":"x"}'
	end 2 1
	is "$k limit" 1 "$(load --key k --max-rejects 1)"
	like "$k limit: causes of both" '1 parse: no .zz.*' \
	    "$(tr '\n' ' ' <"$scratch/err")"
	is "$k limit: no row, no letter" "0 $letters" \
	    "$(sql 'SELECT count(*) FROM t') $(letters)"
	is "$k limit not reached" 0 "$(load --key k --max-rejects 2)"

	# Rejects aside, and those of a plain stream.
	before=$(letters)
	begin
	put '{"k":"a","n":"x"}' '{"k":"b","n":1}'
	end 2 0
	is "$k aside" 0 "$(load --key k --rejects "$scratch/aside.$kind")"
	is "$k aside: a line, no letter" "1 $before" \
	    "$(wc -l <"$scratch/aside.$kind") $(letters)"
	echo '{"k":"p","n":1}' >"$scratch/in"
	reject cc 1
	is "$k reject marks of plain input" 0 "$(load --key k)"
	is "$k reject marks of plain input: stored" 1 "$(sql \
	    "SELECT attempts FROM dead_letters WHERE reject_id = 'cc'")"
	for code in '' '"code":7,' '"code":"",'; do
		begin
		put '{"k":"c","n":1}'
		reject ff 1
		end 1 1
		sed -i "s/\"code\":\"parse\",/$code/" "$scratch/in"
		is "$k a reject with '$code' for its code" 65 "$(load --key k)"
		like "$k a reject with '$code' for its code: why" \
		    'not a reject line: "code" must be a string' \
		    "$(cat "$scratch/err")"
		is "$k a reject with '$code' for its code: nothing" 0 \
		    "$(sql "SELECT count(*) FROM t WHERE k = 'c'")"
	done
	echo '{"k":"p","n":1}' >"$scratch/in"
	end 1 0
	is "$k end before begin" 76 "$(load --key k)"

	# Inside a run: only while its row says running.
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
	is "$k no such run" 75 "$(in_run)"
	sql "INSERT INTO pipeline_runs (run, pipeline, attempt, started_at,
	    renewed_at, status) VALUES ('$run', 'p', 1, '2026-01-01T00:00:00Z',
	    '2026-01-01T00:00:00Z', 'failed')"
	is "$k a run that is over" 75 "$(in_run)"
	is "$k a run that is over: nothing" 0 "$(sql 'SELECT count(*) FROM t')"
	sql "UPDATE pipeline_runs SET status = 'running'"
	is "$k a run" 0 "$(in_run)"
	is "$k a run: its ledger, letter" "$run|1 1" "$(sql "SELECT run, batch
	    FROM etl_loads WHERE stream_id = 's$stream'") $(sql "SELECT
	    count(*) FROM dead_letter_attempts AS a JOIN pipeline_runs AS r
	    ON r.id = a.pipeline_run_id WHERE r.run = '$run'")"

	# Two saved streams, one after the other.
	begin
	put '{"k":"x1","n":1}'
	end 1 0
	cp "$scratch/in" "$scratch/first"
	begin
	put '{"k":"x2","n":"x"}' '{"k":"x3","n":1}'
	end 2 0
	cat "$scratch/in" >>"$scratch/first"
	cp "$scratch/first" "$scratch/in"
	is "$k two streams" 0 "$(load --key k -v)"
	is "$k two streams: both have ended" 2 "$(sql "SELECT count(*) FROM
	    etl_loads WHERE ended AND stream_id IN
	    ('s$stream', 's$((stream - 1))')")"
	like "$k two streams: summary" '3 in, 2 inserted,.* 1 rejected' \
	    "$(cat "$scratch/err")"
	is "$k two streams once more" 0 "$(load --key k -v)"
	like "$k two streams once more: all are skipped" \
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
	is "$k a stream more, and one cut off" 75 \
	    "$(load --key k --single-transaction)"
	is "$k a stream more, and one cut off: the former is there" 1 \
	    "$(sql "SELECT count(*) FROM t WHERE k IN ('x4', 'x5')")"
	like "$k a stream more, and one cut off: of which nothing is" \
	    '^etl-load: nothing of the last stream was loaded: .*cut off' \
	    "$(cat "$scratch/err")"

	# A line as large as a chunk of a batch, behind another one.
	sql 'CREATE TABLE large (k int PRIMARY KEY, m text)'
	large() {
		printf '{"k":1}\n{"k":2,"m":"%09000000d"}\n{"k":3}\n' 0
	}
	large >"$scratch/in"
	is "$k a large line" 0 "$(load --table large --key k -v)"
	like "$k a large line: counts" '3 in, 3 inserted' \
	    "$(cat "$scratch/err")"
	begin
	large >>"$scratch/in"
	reject dd 1
	end 3 1
	is "$k a large line of a stream" 0 "$(load --table large --key k -v)"
	like "$k a large line of a stream: counts" '3 in, .* 3 unchanged' \
	    "$(cat "$scratch/err")"

	# Rows are there when the flush is due, not when the input ends, nor when
	# the next one comes behind blank lines.
	mkfifo "$scratch/fifo.$kind"
	etl-load --db "$db" --table t --key k --flush 100ms \
	    <"$scratch/fifo.$kind" &
	pid=$!
	exec 8>"$scratch/fifo.$kind"
	printf '{"k":"soon","n":1}\n\n \n' >&8
	is_there() {
		[ "$(sql "SELECT count(*) FROM t WHERE k = 'soon'")" = 1 ]
	}
	ok "$k flush" wait_until 5 is_there
	exec 8>&-
	wait $pid
	rm "$scratch/fifo.$kind"
done
done_testing
