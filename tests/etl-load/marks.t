#!/bin/sh
# Streams with checkpoints: what commits where, what is loaded once, and what
# a broken one leaves.
. tests/support/lib.sh
. tests/etl-load/marked.sh

rows() {
	sql "SELECT k, n FROM ${1:-t} ORDER BY k, n" | tr '\n' ' '
}
clear_all() {
	sql 'DELETE FROM t; DELETE FROM log; DELETE FROM etl_checkpoints;
	    DELETE FROM dead_letter_attempts; DELETE FROM dead_letters'
}
# three ID: three checkpoints, a record behind each, two bad ones.
three() {
	points "$1"
	rec '{"k":"a","n":1}'
	bad aa 1
	rec '{"k":"b","n":1}'
	mark 1
	rec '{"k":"c","n":1}' '{"k":"d","n":"x"}'
	mark 2
	bad bb 1
	rec '{"k":"a","n":2}'
	mark 3
	rec '{"k":"e","n":1}'
	end
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'
	sql 'CREATE TABLE log (k text, n int)'

	# The whole of it, in each mode; then nothing a second time.
	for mode in append upsert ignore; do
		case $mode in
		append) table=log a='a|1 a|2' ;;
		upsert) table=t a='a|2' ;;
		ignore) table=t a='a|1' ;;
		esac
		three "$mode"
		set -- --table "$table" --mode "$mode" --batch 1
		is "$k $mode" 0 "$(load "$@")"
		is "$k $mode: rows" "$a b|1 c|1 e|1 " "$(rows "$table")"
		is "$k $mode: checkpoint" '3|3' "$(checkpoint)"
		is "$k $mode: ledger, a commit for each boundary" '4|3|3|1' \
		    "$(ledger "$mode")"
		is "$k $mode: letters" '3|1' "$(sql \
		    'SELECT count(*), max(attempts) FROM dead_letters')"
		before=$(rows "$table"; checkpoint; letters; ledger "$mode")
		is "$k $mode: a second time" 0 "$(load "$@")"
		like "$k $mode: it says so" 'loaded before: its 6 records were skipped' \
		    "$(cat "$scratch/err")"
		is "$k $mode: a second time changes nothing" "$before" \
		    "$(rows "$table"; checkpoint; letters; ledger "$mode")"
		clear_all
	done

	# Segments share a commit; it is never cut between boundaries.
	three share
	is "$k one commit" 0 "$(load --table log)"
	is "$k one commit: ledger" '1|3|1|1' "$(ledger share)"
	is "$k one commit: counts of all" '[{"stage":"extract","in":0,"out":6,"dropped":0,"rejected":2},{"stage":"load","in":6,"inserted":5,"updated":0,"unchanged":0,"superseded":0,"skipped":0,"deleted":0,"rejected":1}]' \
	    "$(sql "SELECT counts FROM etl_loads WHERE stream_id = 'share'" |
	    jq -c .)"
	clear_all
	three share3
	is "$k batches of 3" 0 "$(load --table log --batch 3)"
	is "$k batches of 3: at boundaries" '3|3|2|1' "$(ledger share3)"
	clear_all
	three single
	head -n 9 "$scratch/in" >"$scratch/cut"
	is "$k cut, in one transaction" 75 "$(status etl-load --db "$db" \
	    --table log --single-transaction --batch 1 <"$scratch/cut")"
	is "$k cut, in one transaction: nothing" '' "$(rows log; checkpoint)"
	is "$k in one transaction" 0 \
	    "$(load --table log --single-transaction --batch 1)"
	is "$k in one transaction: once" '1|3|1|1' "$(ledger single)"
	clear_all

	# Loaded half-way, and gone on with: counts go on too.
	three half
	head -n 9 "$scratch/in" >"$scratch/cut"
	is "$k half of it" 75 "$(status etl-load --db "$db" --table log \
	    --batch 1 <"$scratch/cut")"
	is "$k half of it: whole segments" 'a|1 b|1 c|1  2|2' \
	    "$(rows log) $(checkpoint)"
	is "$k half of it: counts" '[{"stage":"extract","in":0,"out":4,"dropped":0,"rejected":1},{"stage":"load","in":4,"inserted":3,"updated":0,"unchanged":0,"superseded":0,"skipped":0,"deleted":0,"rejected":1}]' \
	    "$(sql "SELECT counts FROM etl_loads WHERE stream_id = 'half'" |
	    jq -c .)"
	is "$k the rest" 0 "$(load --table log --batch 1)"
	like "$k the rest: it says so" 'first 4 records of this stream were' \
	    "$(cat "$scratch/err")"
	is "$k the rest: rows, checkpoint, ledger" \
	    'a|1 a|2 b|1 c|1 e|1  3|3 4|3|3|1' \
	    "$(rows log) $(checkpoint) $(ledger half)"
	is "$k the rest: counts of all" '6 5 1' "$(sql "SELECT counts FROM
	    etl_loads WHERE stream_id = 'half'" |
	    jq -r '.[1] | "\(.in) \(.inserted) \(.rejected)"')"
	# The same name, other contents.
	sql "UPDATE etl_loads SET ended = $([ $kind = sqlite ] && echo 0 ||
	    echo false), seq = 2 WHERE stream_id = 'half'"
	is "$k another stream of that name" 76 "$(load --table log)"
	like "$k another stream: why" 'not the stream whose first part was loaded before' "$(cat "$scratch/err")"
	is "$k once more, on purpose" 0 "$(load --table log --again)"
	is "$k once more: rows twice, no checkpoint moved" \
	    'a|1 a|1 a|2 a|2 b|1 b|1 c|1 c|1 e|1 e|1  3|3' \
	    "$(rows log) $(checkpoint)"
	is "$k once more: a letter's own occurrence, no other's" '1|1|2' \
	    "$(sql 'SELECT attempts FROM dead_letters ORDER BY attempts' |
	    paste -sd '|')"
	clear_all

	# What nothing stands behind is committed when the flush is due.
	three flush
	mkfifo "$scratch/fifo.$kind"
	etl-load --db "$db" --table log --flush 200ms \
	    <"$scratch/fifo.$kind" 2>"$scratch/err" &
	pid=$!
	at_exit "kill $pid 2>/dev/null"
	exec 8>"$scratch/fifo.$kind"
	head -n 5 "$scratch/in" >&8
	is_there() {
		[ "$(rows log)" = 'a|1 b|1 ' ]
	}
	ok "$k flush of a boundary" wait_until 5 is_there
	sed -n 6,10p "$scratch/in" >&8
	sleep 0.5
	is "$k no flush behind it" 'a|1 b|1  1|1' "$(rows log) $(checkpoint)"
	sed -n 11p "$scratch/in" >&8
	is_next() {
		[ "$(checkpoint)" = '3|2' ]
	}
	ok "$k the next boundary, at once" wait_until 5 is_next
	sed 1,11d "$scratch/in" >&8
	exec 8>&-
	rc=0
	wait $pid || rc=$?
	is "$k the end comes" '0 a|1 a|2 b|1 c|1 e|1 ' "$rc $(rows log)"
	clear_all

	# Each of two runs that overlap; the one that is second changes nothing.
	for mode in append upsert ignore; do
		three "first $mode"
		cp "$scratch/in" "$scratch/first"
		points "second $mode"
		rec '{"k":"z","n":"x"}' '{"k":"a","n":9}'
		bad cc 1
		mark 9
		rec '{"k":"y","n":9}'
		end
		cp "$scratch/in" "$scratch/second"
		is "$k race, $mode" 0 "$(status etl-load --db "$db" --table t \
		    --mode $mode --max-rejects 100% --batch 1 \
		    <"$scratch/second")"
		cp "$scratch/first" "$scratch/in"
		before=$(rows; checkpoint; letters
		    sql 'SELECT * FROM etl_loads')
		is "$k race, $mode: lost" 75 "$(load --mode $mode)"
		like "$k race, $mode: why" 'checkpoint posts: lost the race' \
		    "$(cat "$scratch/err")"
		is "$k race, $mode: nothing changed" "$before" \
		    "$(rows; checkpoint; letters
		    sql 'SELECT * FROM etl_loads')"
		clear_all
	done
	# In the middle: the second batch of the first run is too late.
	three slow
	mkfifo "$scratch/slow.$kind"
	etl-load --db "$db" --table log --batch 1 <"$scratch/slow.$kind" \
	    2>"$scratch/err" &
	pid=$!
	at_exit "kill $pid 2>/dev/null"
	exec 8>"$scratch/slow.$kind"
	head -n 5 "$scratch/in" >&8
	ok "$k a slow run's first segment" wait_until 5 is_there
	sql "UPDATE etl_checkpoints SET version = version + 1"
	sed 1,5d "$scratch/in" >&8
	exec 8>&-
	rc=0
	wait $pid || rc=$?
	is "$k a slow run loses" '75 a|1 b|1  1|2' \
	    "$rc $(rows log) $(checkpoint)"
	clear_all
	# A batch that moves nothing looks too.
	points still
	mark 5
	end
	load >"$scratch/out"
	points tail
	version=1
	mark 6
	rec '{"k":"a","n":1}'
	end
	sed '$d' "$scratch/in" >"$scratch/cut"
	status etl-load --db "$db" --table log --batch 1 <"$scratch/cut" \
	    >"$scratch/out"
	sql "UPDATE etl_checkpoints SET version = version + 1"
	is "$k a batch without a mark loses" 75 "$(load --table log)"
	is "$k a batch without a mark: nothing" '' "$(rows log)"
	clear_all

	# Nor may it where no mark ever comes.
	points nomark
	rec '{"k":"a","n":1}'
	end
	is "$k no mark" '0 a|1  ' \
	    "$(load --table log) $(rows log) $(checkpoint)"
	points nomark2
	rec '{"k":"b","n":1}'
	end
	mkfifo "$scratch/nomark.$kind"
	etl-load --db "$db" --table log <"$scratch/nomark.$kind" \
	    2>"$scratch/err" &
	pid=$!
	at_exit "kill $pid 2>/dev/null"
	exec 8>"$scratch/nomark.$kind"
	head -n 2 "$scratch/in" >&8
	sleep 0.5
	sql "INSERT INTO etl_checkpoints (name, version, updated_at)
	    VALUES ('posts', 1, '2026-01-01T00:00:00Z')"
	tail -n 1 "$scratch/in" >&8
	exec 8>&-
	rc=0
	wait $pid || rc=$?
	is "$k no mark, and moved meanwhile" '75 a|1 ' "$rc $(rows log)"
	clear_all

	# Nor may an old stream in which nothing was new put old over new.
	points moves
	rec '{"k":"a","n":2}'
	mark 5
	end
	is "$k what is new" 0 "$(load --key k)"
	points stale
	rec '{"k":"a","n":1}'
	last='"version":0,'
	end
	is "$k no mark, moved before it was read" 75 "$(load --key k)"
	like "$k no mark, moved before: why" 'checkpoint posts: lost the race' \
	    "$(cat "$scratch/err")"
	points late
	rec '{"k":"a","n":1}'
	last='"version":1,'
	end
	is "$k no mark, not moved" 0 "$(load --key k)"
	clear_all

	# A tail that is longer than what is held in memory at once.
	points long
	seq 1500 | jq -c '{n: .}' >>"$scratch/in"
	out=1500
	mark 1
	seq 1501 6000 | jq -c '{n: .}' >>"$scratch/in"
	for flush in 1h 0ms; do
		is "$k a long tail, $flush" 75 \
		    "$(load --table log --batch 2000 --flush $flush)"
		is "$k a long tail, $flush: dropped" '1500|1125750 1|1' \
		    "$(sql 'SELECT count(*), sum(n) FROM log') $(checkpoint)"
		clear_all
		sql 'DELETE FROM etl_loads'
	done

	# A row that was cleared: version goes on, and none is made anew.
	points cleared
	version=4
	mark 1
	end
	is "$k no row where one was" 75 "$(load)"
	is "$k no row where one was: none now" '' "$(checkpoint)"

	# Eight loaders of one saved stream: nothing twice.
	three eight
	for n in 1 2 3 4 5 6 7 8; do
		{
			rc=0
			etl-load --db "$db" --table log --batch 1 \
			    <"$scratch/in" 2>"$scratch/err.$n" || rc=$?
			echo $rc >"$scratch/rc.$n"
		} &
		pids="${pids:-} $!"
	done
	# shellcheck disable=SC2086 # a word each
	wait $pids
	pids=
	is "$k eight at once: rows" 'a|1 a|2 b|1 c|1 e|1 ' "$(rows log)"
	is "$k eight at once: checkpoint, ledger" '3|3 4|3|3|1' \
	    "$(checkpoint) $(ledger eight)"
	is "$k eight at once: one at least, others 75" '' \
	    "$(cat "$scratch"/rc.? | sort -u | grep -vx -e 0 -e 75)"
	clear_all

	# Behind tee, the second loader.
	three tee
	sql 'CREATE TABLE copy (k text PRIMARY KEY, n int)'
	is "$k the second first" 0 "$(load --table copy --key k \
	    --no-checkpoint --batch 1)"
	is "$k no checkpoint, only its own letter" ' load' "$(checkpoint) $(sql \
	    'SELECT stage FROM dead_letters')"
	is "$k the first" 0 "$(load --table log)"
	is "$k the first: checkpoint" '3|1' "$(checkpoint)"
	is "$k both have the rows" 'a|2 b|1 c|1 e|1 ' "$(rows copy)"
	# The same row id: both loaders reject the same bytes, of two tables.
	is "$k letters" '4' "$(sql 'SELECT sum(attempts) FROM dead_letters')"
	three tee2
	version=1
	sed 's/"version":0/"version":1/' "$scratch/in" >"$scratch/tee"
	mkfifo "$scratch/tee.$kind"
	etl-load --db "$db" --table copy --key k --no-checkpoint \
	    <"$scratch/tee.$kind" 2>"$scratch/err2" &
	pid=$!
	rc=0
	tee "$scratch/tee.$kind" <"$scratch/tee" |
	    etl-load --db "$db" --table log || rc=$?
	wait $pid || rc=$?
	is "$k through tee" '0 3|2' "$rc $(checkpoint)"
	clear_all

	# Half of it one way, the rest in the other: letters would be missing, or
	# the checkpoint not be the one expected, for good.
	half() {
		case $1 in
		with) set -- "$2" --no-checkpoint ;;
		*) set -- "$2" ;;
		esac
		rc=0
		in=$1
		shift
		etl-load --db "$db" --table log "$@" <"$scratch/$in" \
		    2>"$scratch/err" || rc=$?
		echo "$rc $(rows log) $(checkpoint) $(letters | grep -c halves)"
	}
	for way in without with; do
		points "halves $way"
		rec '{"k":"a","n":1}'
		bad halves 1
		mark 1
		cp "$scratch/in" "$scratch/half"
		rec '{"k":"b","n":1}'
		mark 2
		cp "$scratch/in" "$scratch/more"
		end
		case $way in
		without) other=with moved='1|1 1' all='2|2 1' ;;
		with) other=without moved=' 0' all=' 0' ;;
		esac
		is "$k half $way" "75 a|1  $moved" "$(half $way half)"
		for in in more in; do
			is "$k half $way, $in $other" "78 a|1  $moved" \
			    "$(half "$other" $in)"
			like "$k half $way, $in $other: why" "up to mark 1\\) was \
loaded $way --no-checkpoint: load the rest $way it too" "$(cat "$scratch/err")"
		done
		is "$k half $way, the rest too" "0 a|1 b|1  $all" \
		    "$(half $way in)"
		clear_all
	done

	# Marks that are forged, of another order, or do not belong here.
	wrong() {
		end
		is "$k $1" "$2" "$(load --table log)"
		like "$k $1: why" "$3" "$(cat "$scratch/err")"
		is "$k $1: nothing" '' "$(rows log; checkpoint)"
	}
	points w1
	rec '{"k":"a","n":1}'
	name=other
	mark 1
	wrong 'another name' 76 'another name than'
	stream w2
	rec '{"k":"a","n":1}'
	mark 1
	wrong 'not announced' 76 'the mark begin names no checkpoint'
	points w3
	rec '{"k":"a","n":1}'
	mark 1
	version=1
	mark 2
	wrong 'another version' 76 'from or version'
	points w4
	rec '{"k":"a","n":1}'
	mark 1
	from='"1"'
	mark 2
	wrong 'another from' 76 'from or version'
	points w5
	rec '{"k":"a","n":1}'
	mark 1
	seq=0
	mark 1
	wrong 'seq repeated' 76 'seq does not go up'
	points w0
	rec '{"k":"a","n":1}'
	seq=-1
	mark 1
	seq=0
	wrong 'seq 0' 76 'its seq is 0, but seq starts at 1'
	points w6
	rec '{"k":"a","n":1}'
	mark 1
	seq=7
	wrong 'the last mark was lost' 76 'some were lost'
	points w7
	rec '{"k":"a","n":1}'
	mark 1
	put '{"k":"smuggled","n":1}'
	mark 2
	wrong 'a record too many' 76 'added between extract'
	points w8
	rec '{"k":"a","n":1}'
	out=2
	mark 1
	wrong 'a record too few' 76 'lost between extract'
	points w9
	rec '{"k":"a","n":1}'
	rejected=1
	mark 1
	wrong 'a reject line too few' 76 'wrote 1 reject lines'
	points w10
	rec '{"k":"a","n":1}'
	resolve aa 1 0
	wrong 'a resolve in no replay' 76 'not say that this is a replay'
	points w17
	bad aa 1
	aside=',"aside":2251799813685248' rejected=2251799813685249
	mark 1
	aside=
	wrong 'a count of 2^51' 76 'broken checkpoint mark: rejected'
	stream w11 '"lookback":true,"checkpoint":"posts",'
	rec '{"k":"a","n":1}'
	mark 1
	wrong 'lookback in append' 78 'would insert these records twice: give etl-load --key'
	stream w12 "\"checkpoint\":\"$(printf '%0600d' 1)\","
	wrong 'a name too long' 76 'longer than'
	points w13
	rec '{"k":"a","n":1}'
	mark 1
	put '{"@etl":"failed","stage":"extract","code":1,"message":"many"}'
	is "$k a stop by a limit" '1 ' \
	    "$(load --table log) $(rows log; checkpoint)"
	points w14
	rec '{"k":"a","n":1}'
	mark 1
	bad aa 1
	rec '{"k":"b","n":1}' '{"k":"c","n":"x"}'
	put '{"@etl":"failed","stage":"extract","code":66,"message":"404"}'
	is "$k failed upstream: whole segments, and no letter of the tail" \
	    '66 a|1 1|1' \
	    "$(load --table log) $(rows log)$(checkpoint; letters)"
	points w15
	rec '{"k":"z","n":1}'
	mark 1
	put '{"@etl":"failed","stage":"extract","code":66,"message":"404"}'
	is "$k failed upstream, and the tail cannot be loaded: the first cause" \
	    '66 a|1 ' "$(load --table log) $(rows log)"
	like "$k failed upstream: both are told" \
	    'etl-load: extract: 404; loading .* failed too: .* lost the race' \
	    "$(cat "$scratch/err")"
	points w16
	rec '{"k":"z","n":1}'
	mark 1
	is "$k cut, and the tail cannot be loaded: its own cause" '1 a|1 ' \
	    "$(sed 's/"n":1/"m":1/' "$scratch/in" >"$scratch/in2"
	    mv "$scratch/in2" "$scratch/in"
	    load --table log --max-rejects 0) $(rows log)"
	clear_all
done
done_testing
