#!/bin/sh
# A loader of a saved stream is killed with SIGKILL at random moments, twelve
# times. Two replays of the same dead letters run at the same time. In both
# cases each record is loaded once.
. tests/support/lib.sh
. tests/etl-load/marked.sh

seed=${SEED:-$(date +%s)}
echo "# SEED=$seed"
# measure FILE: how many microseconds a load of FILE into an empty table takes.
measure() {
	begin=$(date +%s%N)
	etl-load --db "$db" --table "log" --marked --batch 1 <"$1" 2>"$scratch/err"
	echo $((($(date +%s%N) - begin) / 1000))
}
# pause LEAST RANGE: sleeps LEAST microseconds and up to RANGE more.
pause() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	sleep "$(printf '%d.%06d' 0 $((seed / 65536 % $2 + $1)))"
}

create_tables() {
	db_new $kind
	sql 'CREATE TABLE t (k text, n int); CREATE UNIQUE INDEX tk ON t (k);
	    CREATE TABLE log (k text, n int)'
}

for kind in sqlite postgresql; do
	k="$kind:"
	create_tables
	checkpoint_stream empty
	end
	least=$(measure "$scratch/in")
	checkpoint_stream s
	for n in $(seq 200); do
		rec "{\"k\":\"a$n\",\"n\":$n}" "{\"k\":\"b$n\",\"n\":$n}"
		[ $((n % 10)) -ne 0 ] || reject "x$n" 1
		[ $((n % 8)) -ne 0 ] || rec "{\"k\":\"c$n\",\"n\":\"x\"}"
		checkpoint_mark "$n"
	done
	end
	# A kill comes after the start, within a sixteenth of the time of a load.
	range=$((($(measure "$scratch/in") - least) / 16 + 1))
	create_tables
	kills=0
	while [ $kills -lt 12 ]; do
		etl-load --db "$db" --table log --marked --batch 1 <"$scratch/in" \
		    2>"$scratch/err" &
		pid=$!
		pause "$least" "$range"
		kill -9 $pid 2>/dev/null || :
		wait $pid 2>/dev/null || :
		kills=$((kills + 1))
		at="${at:-} $(sql 'SELECT seq FROM etl_loads' 2>/dev/null || :)"
	done
	echo "# $k killed at boundary$at"
	at=
	is "$k after $kills SIGKILLs the next load of the stream exits with 0" \
	    0 \
	    "$(load --table log --batch 1)"
	is "$k after the SIGKILLs each record has one row" \
	    '400|400|40200' "$(sql 'SELECT count(*),
	    count(DISTINCT k), sum(n) FROM log')"
	is "$k after the SIGKILLs the checkpoint has moved once for each mark" \
	    '200|200' "$(checkpoint)"
	is "$k after the SIGKILLs each dead letter has one occurrence" \
	    '45|45' "$(sql 'SELECT count(*), sum(attempts)
	    FROM dead_letters')"
	is "$k after the SIGKILLs the ledger has one batch for each boundary" \
	    '201|200|200|1' "$(ledger s)"
	is "$k after the SIGKILLs the ledger counts each record once" \
	    '{"in":425,"inserted":400,"rejected":25}' "$(sql "SELECT
	    counts FROM etl_loads" | jq -c '.[1] | {in, inserted, rejected}')"

	# Two replays have read the same dead letters. One of them resolves the
	# letters, the other one loses the race and exits with 75.
	stream letters
	for n in $(seq 60); do
		reject "l$n" 1
	done
	end
	load --max-rejects 100% >"$scratch/out"
	for id in one two; do
		stream "$id" '"replay":true,"stage":"extract",'
		for n in $(seq 60); do
			rec "{\"k\":\"$n\",\"n\":1}"
			resolve "l$n" 1 0
		done
		end
		mv "$scratch/in" "$scratch/$id"
	done
	for id in one two; do
		{
			rc=0
			etl-load --db "$db" --table t --mode append \
			    --marked --batch 7 --backoff 1ms..9ms <"$scratch/$id" \
			    2>"$scratch/err.$id" || rc=$?
			echo $rc >"$scratch/rc.$id"
		} &
		pids="${pids:-} $!"
	done
	# shellcheck disable=SC2086 # a word each
	wait $pids
	pids=
	is "$k two replays: one exits with 0, the other one with 75" '0 75' \
	    "$(cat "$scratch/rc.one" "$scratch/rc.two" | sort -n | paste -sd ' ')"
	is "$k two replays: each record is inserted once" '60|60' \
	    "$(sql 'SELECT count(*), sum(n) FROM t')"
	is "$k two replays: all letters are resolved" \
	    '60' "$(sql "SELECT count(*)
	    FROM dead_letters WHERE status = 'resolved'
	    AND resolved_upto = 1")"
done
done_testing
