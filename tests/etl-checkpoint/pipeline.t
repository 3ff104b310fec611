#!/bin/sh
# A pipeline without a loader is killed and started again at random, with and
# without marks: every record and every reject is written at least once, and
# after the last run none is missing.
. tests/support/lib.sh
cd "$scratch"
api_start --items 40
seed=$(date +%N | sed 's/^0*//')
diag "seed $seed"

pipeline() {
	{ etl-extract --checkpoint items --state file:state.json \
	    --cursor-field /ts --since-param since --paginate since \
	    --size limit=10 --backoff 1ms..5ms "$api/items" |
	  etl-transform '.value |= (. * 1)' |
	  etl-checkpoint save ${marks:+--no-marks} --state file:state.json \
	    >>kept
	} 3>>rejects 2>>told
}
cat >run.sh <<S
$(sed -n '/^pipeline() {/,/^}/p' "$top/tests/etl-checkpoint/pipeline.t")
api=$api marks=\$1
pipeline
S
n=40 killed=0 ended=0
awk -v seed="$seed" 'BEGIN {
	srand(seed)
	for (i = 0; i < 30; i++)
		print i % 3 ? rand() ^ 2 * 0.1 : rand() * 0.4
}' >pauses
while read -r pause; do
	n=$((n + 10))
	curl -s "$api/control/items/$n" >/dev/null
	setsid sh run.sh "$([ $((n % 20)) -eq 0 ] || echo no)" </dev/null &
	pid=$!
	sleep "$pause"
	kill -9 -$pid 2>/dev/null || :
	rc=0
	wait $pid 2>/dev/null || rc=$?
	[ $rc -eq 0 ] && ended=$((ended + 1)) || killed=$((killed + 1))
done <pauses
diag "$killed killed, $ended ended"
ok 'more than three runs were killed' test $killed -gt 3
is 'the last run exits with 0' 0 "$(status pipeline)"
ids() {
	sed -nE 's/^\{"id":([0-9]+),.*/\1/p' kept
	grep '^{"@etl":"reject"' rejects | jq -r '.raw | fromjson | .id // empty'
}
is 'every record is in the output or in the rejects' \
    "$(curl -s "$api/items?limit=100000" |
    jq '.items[].id // empty' | sort -nu)" "$(ids | sort -nu)"
is 'no record or mark is appended to a torn line' 0 \
    "$(grep -cE '.\{"(@etl|id)"' kept || :)"
size=$(grep -c '^{"id"' kept)
is 'another run exits with 0' 0 "$(status pipeline)"
ok 'another run writes at most three records again' \
    test "$(grep -c '^{"id"' kept)" -le $((size + 3))
is 'no temporary file is left beside the state file' 'state.json' \
    "$(find . -name '*state.json*' |
    sed 's,^\./,,')"

# save ends a torn last line of its output file, and leaves a complete line
# alone.
one='{"@etl":"begin","v":1,"id":"b","checkpoint":"c","stages":[]}'
printf '{"torn' >torn
printf '%s\n' "$one" '{"@etl":"end","stages":[]}' >in
etl-checkpoint save --marked --state file:s.json <in >>torn
is 'save ends a torn line with a newline' '{"torn' "$(head -n 1 torn)"
is 'the output of save begins after the torn line' "$(cut -c1-20 in)" \
    "$(sed 1d torn | cut -c1-20)"
etl-checkpoint save --marked --state file:s.json <in >>torn
is 'save adds no newline after a complete line' 5 "$(wc -l <torn | tr -d ' ')"
done_testing
