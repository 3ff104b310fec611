#!/bin/sh
# shellcheck disable=SC2016
# A schedule (--every): its grid of start times, the slots that a long run
# skips, and --jitter.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"

# record_ticks N COMMAND OPTION...: runs a schedule until it has started N runs,
# then sends TERM. Each run appends its start time in ms to the file ticks. Sets
# rc.
record_ticks() {
	n=$1 command=$2
	shift 2
	rm -f ticks
	etl-run "$@" -c "echo \$((\$(date +%s%N) / 1000000)) >>ticks; $command" \
	    2>err &
	pid=$!
	wait_until 30 sh -c "[ \$(wc -l <ticks) -ge $n ]" || :
	kill -TERM $pid
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
}
# series LABEL AWK N COMMAND OPTION...: AWK prints what is wrong with the start
# times. A loaded machine starts runs late, so one correct series of five tries
# is enough.
series() {
	label=$1 awk=$2
	shift 2
	for _ in 1 2 3 4 5; do
		record_ticks "$@"
		bad=$(awk "$awk" ticks)
		[ -n "$bad" ] || break
	done
	is "$label" '' "$bad"
}

series 'runs start on the grid of --every, however long they take' \
    'NR == 1 { first = $1 }
    { off = ($1 - first) % 400; if (off > 150 && off < 350) print }' \
    5 'sleep 0.2; exit 5' --every 400ms --name e
is 'SIGTERM ends a schedule with 143' 143 "$rc"
n=$(wc -l <ticks | tr -d ' ')
is 'a schedule goes on after failed runs, each with a line' "$n" \
    "$(grep -c '^etl-run: e: failed' err)"
is 'each run of a schedule has a trace of its own' 1 \
    "$(sql "SELECT count(DISTINCT traceparent) = count(*)
    FROM pipeline_runs WHERE pipeline = 'e'")"

series 'slots that pass during a long run are skipped' 'NR > 1 &&
    $1 - last < 120 { print "burst", $1 - last } NR > 1 { gap = $1 - last }
    NR == 2 && (gap < 700 || gap > 1100) { print "second after", gap }
    { last = $1 }' 5 '[ $(wc -l <ticks) -gt 1 ] || sleep 0.7' --every 200ms --name slow
series 'runs that are longer than --every never overlap' 'NR > 1 &&
    $1 - last < 500 { print "overlap", $1 - last } { last = $1 }' \
    3 'sleep 0.5' --every 200ms --name long

# Eight random delays below 300 ms are within 30 ms of each other only once in
# 10^7 series.
series '--jitter delays each run by a random time' 'NR == 1 { first = $1 }
    { at = ($1 - first + 3150) % 300; if (NR == 1 || at < min) min = at
    if (at > max) max = at } END { if (max - min < 30) print max - min
    if ($1 - first > 300 * (NR + 1) + 150) print "drift", $1 - first }' \
    8 : --every 300ms --jitter 300ms --name j
is '--jitter with a single run exits with 0' 0 \
    "$(status etl-run --jitter 200ms -c :)"
etl-run --jitter 3650d --name never -c 'echo ran' >out 2>err &
pid=$!
sleep 0.3
ok 'etl-run holds no lock while it waits for --jitter' etl-run --name never -c :
kill -TERM $pid
rc=0; { wait $pid || rc=$?; } 2>/dev/null
is 'SIGTERM ends the wait for --jitter with 143' 143 $rc
is 'a run that is stopped in that wait has no row' '|1' \
    "$(cat out)|$(sql "SELECT count(*) FROM pipeline_runs
    WHERE pipeline = 'never'")"
is '--jitter longer than --every exits with 64' 64 \
    "$(status etl-run --every 1s --jitter 2s -c :)"

etl-run --every 60s --name free -c ': >ran' 2>/dev/null &
pid=$!
wait_until 20 test -e ran
ok 'a schedule holds no lock between its runs' \
    wait_until 20 etl-run --name free -c :
kill $pid
{ wait $pid || :; } 2>/dev/null

# The clock is set back by ten days between two runs, and then far forward.
fake=$(faketime -f +0 sh -c 'echo "$LD_PRELOAD"')
# set_clock OFFSET: replaces the file that libfaketime reads by a rename, so that
# a process never reads an empty file.
set_clock() {
	echo "$1" >clock.new
	mv clock.new clock
}
set_clock +0
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 \
    LD_PRELOAD=$fake FAKETIME_TIMESTAMP_FILE=$scratch/clock \
    FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 etl-run --every 300ms \
    --name clock -c 'echo >>clocked' 2>err &
pid=$!
runs_reach() {
	[ "$(wc -l <clocked)" -ge "$1" ]
}
wait_until 20 runs_reach 2
set_clock -10d
ok 'a clock that is set back does not stop a schedule' \
    wait_until 20 runs_reach 5
set_clock +3650d
n=$(wc -l <clocked | tr -d ' ')
ok 'a clock that is set forward does not stop a schedule' \
    wait_until 20 runs_reach $((n + 3))
kill $pid
{ wait $pid || :; } 2>/dev/null
is 'a later run has an earlier start: the clock was set back' 1 \
    "$(sql "SELECT max(a.started_at > b.started_at) FROM
    pipeline_runs a JOIN pipeline_runs b ON a.id < b.id
    WHERE a.pipeline = 'clock' AND b.pipeline = 'clock'")"

# SIGTERM during a scheduled run: the script may finish, the row names the
# signal, and no other run starts.
rm -f ran
etl-run --every 100ms --name up -c 'trap "echo up >>wound; exit 0" TERM
    echo >>ran; sleep 5 & wait' 2>err &
pid=$!
wait_until 20 test -s ran
kill $pid
rc=0; { wait $pid || rc=$?; } 2>/dev/null
is 'SIGTERM during a scheduled run lets the script finish' '143 up' \
    "$rc $(cat wound)"
is 'the row says that SIGTERM stopped the run' 'failed|stopped by SIGTERM' \
    "$(sql "SELECT status,
    error_message FROM pipeline_runs WHERE pipeline = 'up'")"
done_testing
