#!/bin/sh
# Streams with checkpoints: etl-load commits only at boundaries, loads each
# record once, and stores nothing of a segment that is broken or incomplete.
. tests/support/lib.sh
. tests/etl-load/marked.sh

rows() {
	sql "SELECT k, n FROM ${1:-t} ORDER BY k, n" | tr '\n' ' '
}
clear_all() {
	sql 'DELETE FROM t; DELETE FROM log; DELETE FROM etl_checkpoints;
	    DELETE FROM dead_letter_attempts; DELETE FROM dead_letters'
}
# stream_of_three_checkpoints ID: a stream with three marks checkpoint, six
# records, of which etl-load rejects one, and two rejects of the source.
stream_of_three_checkpoints() {
	checkpoint_stream "$1"
	rec '{"k":"a","n":1}'
	reject aa 1
	rec '{"k":"b","n":1}'
	checkpoint_mark 1
	rec '{"k":"c","n":1}' '{"k":"d","n":"x"}'
	checkpoint_mark 2
	reject bb 1
	rec '{"k":"a","n":2}'
	checkpoint_mark 3
	rec '{"k":"e","n":1}'
	end
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'
	sql 'CREATE TABLE log (k text, n int)'

	# The stream is loaded in each mode. A second load of the same stream
	# changes nothing.
	for mode in append upsert ignore; do
		case $mode in
		append) table=log a='a|1 a|2' ;;
		upsert) table=t a='a|2' ;;
		ignore) table=t a='a|1' ;;
		esac
		stream_of_three_checkpoints "$mode"
		set -- --table "$table" --mode "$mode" --batch 1
		is "$k $mode: etl-load exits with 0" 0 "$(load "$@")"
		is "$k $mode: the rows of all accepted records are stored" \
		    "$a b|1 c|1 e|1 " "$(rows "$table")"
		is "$k $mode: the checkpoint has moved to the value of the last mark" \
		    '3|3' "$(checkpoint)"
		is "$k $mode: --batch 1 commits once for each of the four boundaries" \
		    '4|3|3|1' \
		    "$(ledger "$mode")"
		is "$k $mode: three dead letters have one occurrence each" \
		    '3|1' "$(sql \
		    'SELECT count(*), max(attempts) FROM dead_letters')"
		before=$(rows "$table"; checkpoint; letters; ledger "$mode")
		is "$k $mode: a second load of the stream exits with 0" \
		    0 "$(load "$@")"
		like "$k $mode: a second load says that 6 records were skipped" \
		    'loaded before: its 6 records were skipped' \
		    "$(cat "$scratch/err")"
		is "$k $mode: a second load changes nothing in the database" \
		    "$before" \
		    "$(rows "$table"; checkpoint; letters; ledger "$mode")"
		clear_all
	done

	# One transaction may contain several segments, but never a part of one.
	stream_of_three_checkpoints share
	is "$k default --batch: etl-load exits with 0" 0 "$(load --table log)"
	is "$k default --batch: all segments are committed in one batch" \
	    '1|3|1|1' "$(ledger share)"
	is "$k default --batch: the ledger has the counts of all segments" \
	    '[{"stage":"extract","in":0,"out":6,"dropped":0,"rejected":2},{"stage":"load","in":6,"inserted":5,"updated":0,"unchanged":0,"superseded":0,"skipped":0,"deleted":0,"rejected":1}]' \
	    "$(sql "SELECT counts FROM etl_loads WHERE stream_id = 'share'" |
	    jq -c .)"
	clear_all
	stream_of_three_checkpoints share3
	is "$k --batch 3: etl-load exits with 0" \
	    0 "$(load --table log --batch 3)"
	is "$k --batch 3: etl-load commits three times, each at a boundary" \
	    '3|3|2|1' "$(ledger share3)"
	clear_all
	stream_of_three_checkpoints single
	head -n 9 "$scratch/in" >"$scratch/cut"
	is "$k a cut stream, --single-transaction: etl-load exits with 75" \
	    75 "$(status etl-load --db "$db" \
	    --table log --single-transaction --marked --batch 1 \
	    <"$scratch/cut")"
	is "$k a cut stream, --single-transaction: nothing is stored" \
	    '' "$(rows log; checkpoint)"
	is "$k --single-transaction: etl-load exits with 0" 0 \
	    "$(load --table log --single-transaction --batch 1)"
	is "$k --single-transaction commits the stream in one batch" \
	    '1|3|1|1' "$(ledger single)"
	clear_all

	# The stream is cut, and a second load continues after the last
	# committed boundary. The counts in the ledger continue too.
	stream_of_three_checkpoints half
	head -n 9 "$scratch/in" >"$scratch/cut"
	is "$k a cut stream: etl-load exits with 75" \
	    75 "$(status etl-load --db "$db" --table log \
	    --marked --batch 1 <"$scratch/cut")"
	is "$k a cut stream: the two complete segments are stored" \
	    'a|1 b|1 c|1  2|2' \
	    "$(rows log) $(checkpoint)"
	is "$k a cut stream: the ledger counts the complete segments" \
	    '[{"stage":"extract","in":0,"out":4,"dropped":0,"rejected":1},{"stage":"load","in":4,"inserted":3,"updated":0,"unchanged":0,"superseded":0,"skipped":0,"deleted":0,"rejected":1}]' \
	    "$(sql "SELECT counts FROM etl_loads WHERE stream_id = 'half'" |
	    jq -c .)"
	is "$k the load of the rest exits with 0" \
	    0 "$(load --table log --batch 1)"
	like "$k the load of the rest says that 4 records were loaded before" \
	    'first 4 records of this stream were' \
	    "$(cat "$scratch/err")"
	is "$k the load of the rest completes rows, checkpoint and ledger" \
	    'a|1 a|2 b|1 c|1 e|1  3|3 4|3|3|1' \
	    "$(rows log) $(checkpoint) $(ledger half)"
	is "$k the load of the rest: the ledger has the counts of both loads" \
	    '6 5 1' "$(sql "SELECT counts FROM
	    etl_loads WHERE stream_id = 'half'" |
	    jq -r '.[1] | "\(.in) \(.inserted) \(.rejected)"')"
	# The ledger says that the stream stopped at mark 2, but with counts that
	# do not fit this stream.
	sql "UPDATE etl_loads SET ended = $([ $kind = sqlite ] && echo 0 ||
	    echo false), seq = 2 WHERE stream_id = 'half'"
	is "$k another stream with the id of a half-loaded one: exit code 76" \
	    76 "$(load --table log)"
	like "$k another stream with the same id: the message says so" \
	    'not the stream whose first part was loaded before' "$(cat "$scratch/err")"
	is "$k --again: etl-load exits with 0" 0 "$(load --table log --again)"
	is "$k --again inserts the rows again and moves no checkpoint" \
	    'a|1 a|1 a|2 a|2 b|1 b|1 c|1 c|1 e|1 e|1  3|3' \
	    "$(rows log) $(checkpoint)"
	is "$k --again adds an occurrence only to the loader's own letter" \
	    '1|1|2' \
	    "$(sql 'SELECT attempts FROM dead_letters ORDER BY attempts' |
	    paste -sd '|')"
	clear_all

	# When the time of --flush has passed, etl-load commits up to the last
	# boundary, but only if no record has come after this boundary.
	stream_of_three_checkpoints flush
	mkfifo "$scratch/fifo.$kind"
	etl-load --db "$db" --table log --flush 200ms \
	    <"$scratch/fifo.$kind" 2>"$scratch/err" &
	pid=$!
	at_exit "kill $pid 2>/dev/null"
	exec 8>"$scratch/fifo.$kind"
	head -n 5 "$scratch/in" >&8
	first_segment_loaded() {
		[ "$(rows log)" = 'a|1 b|1 ' ]
	}
	ok "$k --flush commits at a boundary with no record after it" \
	    wait_until 30 first_segment_loaded
	sed -n 6,10p "$scratch/in" >&8
	ok "$k --flush: the loader has read a part of a segment" \
	    wait_until 30 reads_next $pid
	sleep 0.3       # longer than --flush
	is "$k --flush commits nothing in the middle of a segment" \
	    'a|1 b|1  1|1' "$(rows log) $(checkpoint)"
	sed -n 11p "$scratch/in" >&8
	second_commit_done() {
		[ "$(checkpoint)" = '3|2' ]
	}
	ok "$k after the time of --flush the next boundary commits at once" \
	    wait_until 30 second_commit_done
	sed 1,11d "$scratch/in" >&8
	exec 8>&-
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	is "$k after --flush the end of the stream is loaded, exit code 0" \
	    '0 a|1 a|2 b|1 c|1 e|1 ' "$rc $(rows log)"
	clear_all

	# Two runs read the same checkpoint. The first one to load moves the
	# checkpoint; the second one loses the race and changes nothing.
	for mode in append upsert ignore; do
		stream_of_three_checkpoints "first $mode"
		cp "$scratch/in" "$scratch/first"
		checkpoint_stream "second $mode"
		rec '{"k":"z","n":"x"}' '{"k":"a","n":9}'
		reject cc 1
		checkpoint_mark 9
		rec '{"k":"y","n":9}'
		end
		cp "$scratch/in" "$scratch/second"
		is "$k race, $mode: the first run exits with 0" \
		    0 "$(status etl-load --db "$db" --table t \
		    --mode $mode --max-rejects 100% --marked --batch 1 \
		    <"$scratch/second")"
		cp "$scratch/first" "$scratch/in"
		before=$(rows; checkpoint; letters
		    sql 'SELECT * FROM etl_loads')
		is "$k race, $mode: the second run exits with 75" \
		    75 "$(load --mode $mode --max-rejects 100%)"
		like "$k race, $mode: the second run names the version" \
		    'checkpoint posts: its version is' \
		    "$(cat "$scratch/err")"
		is "$k race, $mode: the second run changes nothing" "$before" \
		    "$(rows; checkpoint; letters
		    sql 'SELECT * FROM etl_loads')"
		clear_all
	done
	# Another process moves the checkpoint between two batches of a slow run.
	stream_of_three_checkpoints slow
	mkfifo "$scratch/slow.$kind"
	etl-load --db "$db" --table log --batch 1 <"$scratch/slow.$kind" \
	    2>"$scratch/err" &
	pid=$!
	at_exit "kill $pid 2>/dev/null"
	exec 8>"$scratch/slow.$kind"
	head -n 5 "$scratch/in" >&8
	ok "$k a slow run commits its first segment" \
	    wait_until 30 first_segment_loaded
	sql "UPDATE etl_checkpoints SET version = version + 1"
	sed 1,5d "$scratch/in" >&8
	exec 8>&-
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	is "$k a slow run: after another process moved the checkpoint it exits with 75" \
	    '75 a|1 b|1  1|2' \
	    "$rc $(rows log) $(checkpoint)"
	clear_all
	# The last batch has no mark checkpoint and moves no checkpoint, but
	# etl-load checks the version of the stored checkpoint too.
	checkpoint_stream still
	checkpoint_mark 5
	end
	load >"$scratch/out"
	checkpoint_stream tail
	version=1
	checkpoint_mark 6
	rec '{"k":"a","n":1}'
	end
	sed '$d' "$scratch/in" >"$scratch/cut"
	status etl-load --db "$db" --table log --marked --batch 1 <"$scratch/cut" \
	    >"$scratch/out"
	sql "UPDATE etl_checkpoints SET version = version + 1"
	is "$k a batch without a mark checkpoint loses the race too: exit code 75" \
	    75 "$(load --table log)"
	is "$k a batch without a mark checkpoint that lost the race stores nothing" \
	    '' "$(rows log)"
	clear_all

	# A stream that names a checkpoint but has no mark checkpoint is refused
	# too if another process has created the checkpoint meanwhile.
	checkpoint_stream nomark
	rec '{"k":"a","n":1}'
	end
	is "$k a stream without a mark checkpoint is loaded and stores none" \
	    '0 a|1  ' \
	    "$(load --table log) $(rows log) $(checkpoint)"
	checkpoint_stream nomark2
	rec '{"k":"b","n":1}'
	end
	mkfifo "$scratch/nomark.$kind"
	etl-load --db "$db" --table log <"$scratch/nomark.$kind" \
	    2>"$scratch/err" &
	pid=$!
	at_exit "kill $pid 2>/dev/null"
	exec 8>"$scratch/nomark.$kind"
	head -n 2 "$scratch/in" >&8
	ok "$k no mark: the loader has read the begin of the stream" \
	    wait_until 30 reads_next $pid
	sql "INSERT INTO etl_checkpoints (name, version, updated_at)
	    VALUES ('posts', 1, '2026-01-01T00:00:00Z')"
	tail -n 1 "$scratch/in" >&8
	exec 8>&-
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	is "$k no mark, another process created the checkpoint: exit code 75" \
	    '75 a|1 ' "$rc $(rows log)"
	clear_all

	# The mark end carries the version of the checkpoint that was read. So
	# an old stream without a mark checkpoint cannot overwrite new rows.
	checkpoint_stream moves
	rec '{"k":"a","n":2}'
	checkpoint_mark 5
	end
	is "$k a stream with a mark checkpoint stores the new row" \
	    0 "$(load --key k)"
	checkpoint_stream stale
	rec '{"k":"a","n":1}'
	last='"version":0,'
	end
	is "$k an old stream without a mark checkpoint: etl-load exits with 75" \
	    75 "$(load --key k)"
	like "$k an old stream without a mark: the message names the version" \
	    'checkpoint posts: its version is' \
	    "$(cat "$scratch/err")"
	checkpoint_stream late
	rec '{"k":"a","n":1}'
	last='"version":1,'
	end
	is "$k a current stream without a mark checkpoint: etl-load exits with 0" \
	    0 "$(load --key k)"
	clear_all

	# The stream is cut after 4500 records that follow the last mark. These
	# are more records than one batch (--batch 2000).
	checkpoint_stream long
	seq 1500 | jq -c '{n: .}' >>"$scratch/in"
	out=1500
	checkpoint_mark 1
	seq 1501 6000 | jq -c '{n: .}' >>"$scratch/in"
	for flush in 1h 0ms; do
		is "$k a long incomplete segment, --flush $flush: etl-load exits with 75" \
		    75 \
		    "$(load --table log --batch 2000 --flush $flush)"
		is "$k a long incomplete segment, --flush $flush: none of it is stored" \
		    '1500|1125750 1|1' \
		    "$(sql 'SELECT count(*), sum(n) FROM log') $(checkpoint)"
		clear_all
		sql 'DELETE FROM etl_loads'
	done

	# The stream expects version 4 of the checkpoint, but the row of the
	# checkpoint was deleted. etl-load does not create the row again.
	checkpoint_stream cleared
	version=4
	checkpoint_mark 1
	end
	is "$k the row of the checkpoint was deleted: etl-load exits with 75" \
	    75 "$(load)"
	is "$k the deleted row of the checkpoint is not created again" \
	    '' "$(checkpoint)"

	# Eight loaders load the same saved stream at the same time. Each record
	# is loaded once.
	stream_of_three_checkpoints eight
	for n in 1 2 3 4 5 6 7 8; do
		{
			rc=0
			etl-load --db "$db" --table log --marked --batch 1 \
			    <"$scratch/in" 2>"$scratch/err.$n" || rc=$?
			echo $rc >"$scratch/rc.$n"
		} &
		pids="${pids:-} $!"
	done
	# shellcheck disable=SC2086 # a word each
	wait $pids
	pids=
	is "$k eight loaders of one stream: each record is inserted once" \
	    'a|1 a|2 b|1 c|1 e|1 ' "$(rows log)"
	is "$k eight loaders of one stream: each boundary is committed once" \
	    '3|3 4|3|3|1' \
	    "$(checkpoint) $(ledger eight)"
	is "$k eight loaders of one stream: each exits with 0 or 75" '' \
	    "$(cat "$scratch"/rc.? | sort -u | grep -vx -e 0 -e 75)"
	clear_all

	# Two loaders load one stream into two tables, first one after the other,
	# then at the same time through tee. One of them has --no-checkpoint.
	stream_of_three_checkpoints tee
	sql 'CREATE TABLE copy (k text PRIMARY KEY, n int)'
	is "$k two tables: the load with --no-checkpoint exits with 0" \
	    0 "$(load --table copy --key k \
	    --no-checkpoint --batch 1)"
	is "$k --no-checkpoint stores no checkpoint but all reject lines" \
	    ' extract 2,load 1,' "$(checkpoint) $(sql \
	    "SELECT stage || ' ' || count(*) FROM dead_letters
	    GROUP BY stage ORDER BY stage" | tr '\n' ',')"
	is "$k two tables: the load without --no-checkpoint exits with 0" \
	    0 "$(load --table log)"
	is "$k two tables: the load without --no-checkpoint moves the checkpoint" \
	    '3|1' "$(checkpoint)"
	is "$k two tables: the table of --no-checkpoint has the rows" \
	    'a|2 b|1 c|1 e|1 ' "$(rows copy)"
	# Both loaders reject the same record: together with the two rejects of
	# the source, the letters have four occurrences.
	is "$k two tables: the dead letters have four occurrences" \
	    '4' "$(sql 'SELECT sum(attempts) FROM dead_letters')"
	stream_of_three_checkpoints tee2
	version=1
	sed 's/"version":0/"version":1/' "$scratch/in" >"$scratch/tee"
	mkfifo "$scratch/tee.$kind"
	etl-load --db "$db" --table copy --key k --no-checkpoint \
	    <"$scratch/tee.$kind" 2>"$scratch/err2" &
	pid=$!
	rc=0
	tee "$scratch/tee.$kind" <"$scratch/tee" |
	    etl-load --db "$db" --table log || rc=$?
	{ wait $pid || rc=$?; } 2>/dev/null
	is "$k two loaders through tee exit with 0 and move the checkpoint once" \
	    '0 3|2' "$rc $(checkpoint)"
	clear_all

	# One half of a stream is loaded with --no-checkpoint and the other half
	# without it. etl-load refuses this: the part with --no-checkpoint was
	# loaded without a check that no other run has moved the checkpoint.
	# load_part with|without FILE: with --no-checkpoint or without it.
	load_part() {
		case $1 in
		with) set -- "$2" --no-checkpoint ;;
		*) set -- "$2" ;;
		esac
		rc=0
		in=$1
		shift
		etl-load --db "$db" --table log --marked "$@" <"$scratch/$in" \
		    2>"$scratch/err" || rc=$?
		echo "$rc $(rows log) $(checkpoint) $(letters | grep -c halves)"
	}
	for way in without with; do
		checkpoint_stream "halves $way"
		rec '{"k":"a","n":1}'
		reject halves 1
		checkpoint_mark 1
		cp "$scratch/in" "$scratch/half"
		rec '{"k":"b","n":1}'
		checkpoint_mark 2
		cp "$scratch/in" "$scratch/more"
		end
		case $way in
		without) other=with moved='1|1 1' all='2|2 1' ;;
		with) other=without moved=' 1' all=' 1' ;;
		esac
		is "$k first part $way --no-checkpoint: it is stored, exit code 75" \
		    "75 a|1  $moved" "$(load_part $way half)"
		for in in more in; do
			is "$k rest ($in) $other --no-checkpoint is refused, exit code 78" \
			    "78 a|1  $moved" \
			    "$(load_part "$other" $in)"
			like "$k rest ($in) $other --no-checkpoint: the message says what to do" \
			    "up to mark 1\\) was \
loaded $way --no-checkpoint: load the rest $way it too" "$(cat "$scratch/err")"
		done
		is "$k the rest $way --no-checkpoint is loaded, exit code 0" \
		    "0 a|1 b|1  $all" \
		    "$(load_part $way in)"
		clear_all
	done

	# Marks that are forged, in the wrong order, or not allowed here.
	# check_refused WHAT STATUS ERE: loads a stream with this fault.
	check_refused() {
		end
		is "$k $1: etl-load exits with $2" "$2" "$(load --table log)"
		like "$k $1: the message says so" "$3" "$(cat "$scratch/err")"
		is "$k $1: nothing is stored" '' "$(rows log; checkpoint)"
	}
	checkpoint_stream w1
	rec '{"k":"a","n":1}'
	name=other
	checkpoint_mark 1
	check_refused 'a mark with another name than begin has' \
	    76 'another name than'
	stream w2
	rec '{"k":"a","n":1}'
	checkpoint_mark 1
	check_refused 'a mark checkpoint, but begin names none' \
	    76 'the mark begin names no checkpoint'
	checkpoint_stream w3
	rec '{"k":"a","n":1}'
	checkpoint_mark 1
	version=1
	checkpoint_mark 2
	check_refused 'a mark with another version than the mark before' \
	    76 'from or version'
	checkpoint_stream w4
	rec '{"k":"a","n":1}'
	checkpoint_mark 1
	from='"1"'
	checkpoint_mark 2
	check_refused 'a mark with another "from" than the mark before' \
	    76 'from or version'
	checkpoint_stream w5
	rec '{"k":"a","n":1}'
	checkpoint_mark 1
	seq=0
	checkpoint_mark 1
	check_refused 'two marks with the same seq' 76 'seq does not go up'
	checkpoint_stream w0
	rec '{"k":"a","n":1}'
	seq=-1
	checkpoint_mark 1
	seq=0
	check_refused 'a mark with seq 0' 76 'its seq is 0, but seq starts at 1'
	checkpoint_stream w6
	rec '{"k":"a","n":1}'
	checkpoint_mark 1
	seq=7
	check_refused 'the last mark checkpoint is missing' 76 'some marks were lost'
	checkpoint_stream w7
	rec '{"k":"a","n":1}'
	checkpoint_mark 1
	put '{"k":"smuggled","n":1}'
	checkpoint_mark 2
	check_refused 'one record more than the mark counts' \
	    76 'added between extract'
	checkpoint_stream w8
	rec '{"k":"a","n":1}'
	out=2
	checkpoint_mark 1
	check_refused 'one record fewer than the mark counts' \
	    76 'lost between extract'
	checkpoint_stream w9
	rec '{"k":"a","n":1}'
	rejected=1
	checkpoint_mark 1
	check_refused 'one reject fewer than the mark counts' \
	    76 'wrote 1 reject lines'
	checkpoint_stream w10
	rec '{"k":"a","n":1}'
	resolve aa 1 0
	check_refused 'a mark resolve in a stream that is no replay' \
	    76 'not say that this is a replay'
	checkpoint_stream w17
	reject aa 1
	aside=',"aside":2251799813685248' rejected=2251799813685249
	checkpoint_mark 1
	aside=
	check_refused 'a mark with a count above 2^51' \
	    76 'broken checkpoint mark .*"rejected"'
	stream w11 '"lookback":true,"checkpoint":"posts",'
	rec '{"k":"a","n":1}'
	checkpoint_mark 1
	check_refused 'mode append with a stream that reads records again' \
	    78 'would insert these records twice: give etl-load --key'
	stream w12 "\"checkpoint\":\"$(printf '%0600d' 1)\","
	check_refused 'a checkpoint name of 600 characters' 76 'longer than'
	checkpoint_stream w13
	rec '{"k":"a","n":1}'
	checkpoint_mark 1
	put '{"@etl":"failed","stage":"extract","code":1,"message":"many"}'
	is "$k the source stopped at its limit of rejects: exit code 1, nothing stored" \
	    '1 ' \
	    "$(load --table log) $(rows log; checkpoint)"
	checkpoint_stream w14
	rec '{"k":"a","n":1}'
	checkpoint_mark 1
	reject aa 1
	rec '{"k":"b","n":1}' '{"k":"c","n":"x"}'
	put '{"@etl":"failed","stage":"extract","code":66,"message":"404"}'
	is "$k the source failed: complete segments are stored, no later letter" \
	    '66 a|1 1|1' \
	    "$(load --table log) $(rows log)$(checkpoint; letters)"
	checkpoint_stream w15
	rec '{"k":"z","n":1}'
	checkpoint_mark 1
	put '{"@etl":"failed","stage":"extract","code":66,"message":"404"}'
	is "$k the source failed and the load too: exit code of the source" \
	    '66 a|1 ' "$(load --table log) $(rows log)"
	like "$k the source failed and the load too: the message names both causes" \
	    'etl-load: extract: 404; loading .* failed too: .* its version is' \
	    "$(cat "$scratch/err")"
	checkpoint_stream w16
	rec '{"k":"z","n":1}'
	checkpoint_mark 1
	is "$k a cut stream and a failed load: exit code of the load" '1 a|1 ' \
	    "$(sed 's/"n":1/"m":1/' "$scratch/in" >"$scratch/in2"
	    mv "$scratch/in2" "$scratch/in"
	    load --table log --max-rejects 0) $(rows log)"
	clear_all
done
done_testing
