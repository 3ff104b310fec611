#!/bin/sh
# kill -9 of the loader at random moments of a saved stream, again and again,
# and two replays of the same letters at once.
. tests/support/lib.sh
. tests/etl-load/marked.sh

seed=${SEED:-$(date +%s)}
echo "# SEED=$seed"
# pause LEAST: that and up to 60 ms more.
pause() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	sleep "$(printf '0.%03d' $((seed / 65536 % 60 + $1)))"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	least=5
	[ $kind = sqlite ] || least=80
	sql 'CREATE TABLE t (k text, n int); CREATE UNIQUE INDEX tk ON t (k)'
	sql 'CREATE TABLE log (k text, n int)'
	points s
	for n in $(seq 40); do
		rec "{\"k\":\"a$n\",\"n\":$n}" "{\"k\":\"b$n\",\"n\":$n}"
		[ $((n % 10)) -ne 0 ] || bad "x$n" 1
		[ $((n % 8)) -ne 0 ] || rec "{\"k\":\"c$n\",\"n\":\"x\"}"
		mark "$n"
	done
	end
	kills=0
	while [ $kills -lt 12 ]; do
		etl-load --db "$db" --table log --batch 1 <"$scratch/in" \
		    2>"$scratch/err" &
		pid=$!
		pause $least
		kill -9 $pid 2>/dev/null || :
		wait $pid 2>/dev/null || :
		kills=$((kills + 1))
		at="${at:-} $(sql 'SELECT seq FROM etl_loads' 2>/dev/null || :)"
	done
	echo "# $k killed at boundary$at"
	at=
	is "$k killed $kills times, then not" 0 \
	    "$(load --table log --batch 1)"
	is "$k each record once" '80|80|1640' "$(sql 'SELECT count(*),
	    count(DISTINCT k), sum(n) FROM log')"
	is "$k checkpoint, a move for each mark" '40|40' "$(checkpoint)"
	is "$k letters once" '9|9' "$(sql 'SELECT count(*), sum(attempts)
	    FROM dead_letters')"
	is "$k ledger" '41|40|40|1' "$(ledger s)"
	is "$k counts" '{"in":85,"inserted":80,"rejected":5}' "$(sql "SELECT
	    counts FROM etl_loads" | jq -c '.[1] | {in, inserted, rejected}')"

	# Both have read the same letters.
	stream letters
	for n in $(seq 60); do
		bad "l$n" 1
	done
	end
	load --max-rejects 100% >"$scratch/out"
	for who in one two; do
		stream "$who" '"replay":true,"stage":"extract",'
		for n in $(seq 60); do
			rec "{\"k\":\"$n\",\"n\":1}"
			resolve "l$n" 1 0
		done
		end
		mv "$scratch/in" "$scratch/$who"
	done
	for who in one two; do
		{
			rc=0
			etl-load --db "$db" --table t --mode append \
			    --batch 7 --backoff 1ms..9ms <"$scratch/$who" \
			    2>"$scratch/err.$who" || rc=$?
			echo $rc >"$scratch/rc.$who"
		} &
		pids="${pids:-} $!"
	done
	# shellcheck disable=SC2086 # a word each
	wait $pids
	pids=
	is "$k two replays: one is late" '0 75' \
	    "$(cat "$scratch/rc.one" "$scratch/rc.two" | sort -n | paste -sd ' ')"
	is "$k two replays: each row once" '60|60' \
	    "$(sql 'SELECT count(*), sum(n) FROM t')"
	is "$k two replays: each letter resolved" '60' "$(sql "SELECT count(*)
	    FROM dead_letters WHERE status = 'resolved'
	    AND resolved_upto = 1")"
done
done_testing
