#!/bin/sh
# A pipeline without a loader, with marks and without, killed and started again
# at will: every record has gone out, and every reject, at least once; then
# nothing comes again.
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
ok 'some were killed' test $killed -gt 3
is 'the last run' 0 "$(status pipeline)"
ids() {
	sed -nE 's/^\{"id":([0-9]+),.*/\1/p' kept
	grep '^{"@etl":"reject"' rejects | jq -r '.raw | fromjson | .id // empty'
}
is 'all have gone out' "$(curl -s "$api/items?limit=100000" |
    jq '.items[].id // empty' | sort -nu)" "$(ids | sort -nu)"
is 'what was torn is on lines of its own' 0 "$(grep -cE '.\{"(@etl|id)"' kept || :)"
size=$(grep -c '^{"id"' kept)
is 'once more' 0 "$(status pipeline)"
ok 'brings no more than the newest again' \
    test "$(grep -c '^{"id"' kept)" -le $((size + 3))
is 'nothing is left beside' 'state.json' "$(find . -name '*state.json*' |
    sed 's,^\./,,')"

# A torn line is ended; a whole one, and what is no file, is left alone.
one='{"@etl":"begin","v":1,"id":"b","checkpoint":"c","stages":[]}'
printf '{"torn' >torn
printf '%s\n' "$one" '{"@etl":"end","stages":[]}' >in
etl-checkpoint save --state file:s.json <in >>torn
is 'a torn line is ended' '{"torn' "$(head -n 1 torn)"
is 'and what comes begins after it' "$(cut -c1-20 in)" \
    "$(sed 1d torn | cut -c1-20)"
etl-checkpoint save --state file:s.json <in >>torn
is 'a whole one is left alone' 5 "$(wc -l <torn | tr -d ' ')"
done_testing
