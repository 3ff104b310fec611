#!/bin/sh
# shellcheck disable=SC2016
# A schedule: its grid, what a long run leaves out, what jitter does.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"

# ticks N COMMAND OPTION...: N runs or more of a schedule, each with its start
# in ms in the file ticks, then TERM; the status in rc.
ticks() {
	n=$1 command=$2
	shift 2
	rm -f ticks
	etl-run "$@" -c "echo \$((\$(date +%s%N) / 1000000)) >>ticks; $command" \
	    2>err &
	pid=$!
	wait_until 30 sh -c "[ \$(wc -l <ticks) -ge $n ]" || :
	kill -TERM $pid
	rc=0
	wait $pid || rc=$?
}
# A loaded machine starts a run late, which no program can help: so one good
# series of five is wanted.
# series NAME AWK N COMMAND OPTION...: AWK prints what is wrong of the ticks.
series() {
	what=$1 awk=$2
	shift 2
	for _ in 1 2 3 4 5; do
		ticks "$@"
		bad=$(awk "$awk" ticks)
		[ -n "$bad" ] || break
	done
	is "$what" '' "$bad"
}

series 'runs stay on the grid, whatever they take' 'NR == 1 { first = $1 }
    { off = ($1 - first) % 400; if (off > 150 && off < 350) print }' \
    5 'sleep 0.2; exit 5' --every 400ms --name e
is 'a schedule ends by TERM' 143 "$rc"
n=$(wc -l <ticks | tr -d ' ')
is 'a failing run does not end it: each has its line' "$n" \
    "$(grep -c '^etl-run: e: failed' err)"
is 'and its trace' 1 "$(sql "SELECT count(DISTINCT traceparent) = count(*)
    FROM pipeline_runs WHERE pipeline = 'e'")"

series 'what a long run passes is left out, not made up for' 'NR > 1 &&
    $1 - last < 120 { print "burst", $1 - last } NR > 1 { gap = $1 - last }
    NR == 2 && (gap < 700 || gap > 1100) { print "second after", gap }
    { last = $1 }' 5 '[ $(wc -l <ticks) -gt 1 ] || sleep 0.7' --every 200ms --name slow
series 'runs that are all too long never overlap' 'NR > 1 &&
    $1 - last < 500 { print "overlap", $1 - last } { last = $1 }' \
    3 'sleep 0.5' --every 200ms --name long

# Eight offsets of 300 ms within 30 of each other: once in 10^7.
series 'jitter: each run a random time after its slot' 'NR == 1 { first = $1 }
    { at = ($1 - first + 3150) % 300; if (NR == 1 || at < min) min = at
    if (at > max) max = at } END { if (max - min < 30) print max - min
    if ($1 - first > 300 * (NR + 1) + 150) print "drift", $1 - first }' \
    8 : --every 300ms --jitter 300ms --name j
is 'jitter of a single run' 0 "$(status etl-run --jitter 200ms -c :)"
etl-run --jitter 3650d --name never -c 'echo ran' >out 2>err &
pid=$!
sleep 0.3
ok 'it holds no lock meanwhile' etl-run --name never -c :
kill -TERM $pid
rc=0; wait $pid || rc=$?
is 'and ends by TERM' 143 $rc
is 'without a run' '|1' "$(cat out)|$(sql "SELECT count(*) FROM pipeline_runs
    WHERE pipeline = 'never'")"
is 'jitter past the interval' 64 \
    "$(status etl-run --every 1s --jitter 2s -c :)"

etl-run --every 60s --name free -c ': >ran' 2>/dev/null &
pid=$!
wait_until 20 test -e ran
ok 'between its runs a schedule leaves the name free' \
    wait_until 20 etl-run --name free -c :
kill $pid
wait $pid || :

# The clock set back by ten days between two runs, and then far forward.
fake=$(faketime -f +0 sh -c 'echo "$LD_PRELOAD"')
echo +0 >clock
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 \
    LD_PRELOAD=$fake FAKETIME_TIMESTAMP_FILE=$scratch/clock \
    FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 etl-run --every 300ms \
    --name clock -c 'echo >>clocked' 2>err &
pid=$!
clocked() {
	[ "$(wc -l <clocked)" -ge "$1" ]
}
wait_until 20 clocked 2
echo -10d >clock
ok 'a clock set back does not hold a schedule' wait_until 20 clocked 5
echo +3650d >clock
n=$(wc -l <clocked | tr -d ' ')
ok 'nor does one set forward' wait_until 20 clocked $((n + 3))
kill $pid
wait $pid || :
is 'and it was set' 1 "$(sql "SELECT max(a.started_at > b.started_at) FROM
    pipeline_runs a JOIN pipeline_runs b ON a.id < b.id
    WHERE a.pipeline = 'clock' AND b.pipeline = 'clock'")"

# TERM in a run: it is wound up, its row says so, and no other begins.
rm -f ran
etl-run --every 100ms --name up -c 'trap "echo up >>wound; exit 0" TERM
    echo >>ran; sleep 5 & wait' 2>err &
pid=$!
wait_until 20 test -s ran
kill $pid
rc=0; wait $pid || rc=$?
is 'TERM in a run' '143 up' "$rc $(cat wound)"
is 'which is wound up' 'failed|stopped by SIGTERM' "$(sql "SELECT status,
    error_message FROM pipeline_runs WHERE pipeline = 'up'")"
done_testing
