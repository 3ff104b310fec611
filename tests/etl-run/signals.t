#!/bin/sh
# shellcheck disable=SC2016
# Signals and time-outs reach the whole process group; the row tells.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"

row() {
	sql "SELECT status, error_message FROM pipeline_runs
	    WHERE pipeline = '$1' ORDER BY id DESC LIMIT 1"
}
# begin NAME COMMAND: in the background, where sh ignores INT and QUIT; the
# script says when it is there.
begin() {
	rm -f ready
	env --default-signal etl-run --name "$1" -c "$2" >out 2>err &
	pid=$!
	wait_until 20 test -s ready
}
ended() {
	rc=0
	wait "$pid" || rc=$?
}
# A signal between dash's fork and exec would be lost on the child.
sleeping() {
	[ "$(pgrep -fxc 'sleep 31[.]7')" -ge 2 ]
}
# quick SECONDS FUNCTION: in one of three tries it takes less, for a loaded
# machine takes its time.
quick() {
	for _ in 1 2 3; do
		start=$(date +%s%N)
		$2
		took=$((($(date +%s%N) - start) / 1000000))
		[ $took -ge $(($1 * 1000)) ] || return 0
	done
	return 1
}
# left NUMBER: what still sleeps so long, and should not.
left() {
	pgrep -fx "sleep $1[.]7" || :
}
for sig in TERM=15 INT=2 HUP=1 QUIT=3; do
	code=$((128 + ${sig#*=})) sig=${sig%=*}
	begin s 'trap "echo got >>said; exit 3" TERM INT HUP QUIT
	    echo ready >ready; sleep 31.7 | sleep 31.7'
	wait_until 20 sleeping
	kill -"$sig" "$pid"
	ended
	is "$sig: dies of it" $code "$rc"
	is "$sig: the row" "failed|stopped by SIG$sig" "$(row s)"
	like "$sig: one line" "^etl-run: s: failed in .*stopped by SIG$sig" \
	    "$(cat err)"
done
is 'the script got each' 4 "$(wc -l <said | tr -d ' ')"
is 'no process is left' '' "$(left 31)"

two_signals() {
	begin s 'trap "" TERM; echo ready >ready; sleep 32.7; sleep 32.7'
	kill "$pid"
	sleep 0.3
	kill "$pid"
	ended
}
ok 'the second signal kills at once' quick 4 two_signals
is 'and is the end' 143 "$rc"
is 'no process is left by it' '' "$(left 32)"

late() {
	rc=$(status etl-run --name t --timeout 300ms -c 'sleep 33.7 | sleep 33.7')
}
ok 'a time-out ends a run in time' quick 4 late
is 'its status' 75 "$rc"
is 'its row' 'failed|stopped after 300ms (--timeout)' "$(row t)"
is 'no process is left after it' '' "$(left 33)"
start=$(date +%s%N)
is 'a time-out of what ignores TERM' 75 "$(status etl-run --name t \
    --timeout 300ms -c 'trap "" TERM; setsid sleep 34.7 &
    timeout 60 sleep 34.7 & sleep 34.7; sleep 34.7')"
took=$((($(date +%s%N) - start) / 1000000))
ok "kills after five seconds ($took ms)" test $took -ge 5300 -a $took -lt 30000
is 'all of them' '' "$(left 34)"
is 'a time-out of what is stopped' 75 "$(status etl-run --name t \
    --timeout 300ms -c 'kill -STOP $$')"

# Before there is a run: the script is still read, from a pipe or a person.
mkfifo script
env --default-signal etl-run - <script >out 2>err &
pid=$!
exec 7>script
wait_until 20 sh -c "ps -o comm=,stat= -p $pid | grep -q '^etl-run *S'"
kill "$pid"
ok 'TERM ends one that reads its script' wait_until 10 sh -c \
    "! ps -o stat= -p $pid | grep -q '^[^Z]'"
exec 7>&-
ended
is 'and is what it dies of' 143 "$rc"

# What the script leaves behind belongs to the run.
is 'a stage in the background' 0 "$(status etl-run --name bg -c \
    '(sleep 0.5; echo late >late) & exit 0')"
is 'is waited for' late "$(cat late)"

begin s 'echo ready >ready; exec sleep 35.7'
kill -TSTP "$pid"
ok 'TSTP stops the pipeline' wait_until 20 sh -c \
    'ps -o stat= -p $(pgrep -fx "sleep 35[.]7") | grep -q ^T'
ok 'and etl-run' wait_until 20 sh -c "ps -o stat= -p $pid | grep -q ^T"
kill -CONT "$pid"
ok 'CONT continues it' wait_until 20 sh -c \
    'ps -o stat= -p $(pgrep -fx "sleep 35[.]7") | grep -q ^S'
kill "$pid"
ended
is 'then TERM ends it' 143 $rc

# Also what has left the process group, as timeout(1) does.
is 'a stage with a group of its own' 0 "$(status etl-run --name bg -c \
    'timeout 30 sh -c "sleep 0.7; echo late >later" & exit 0')"
is 'is waited for' late "$(cat later)"
is 'its time-out' 75 "$(status etl-run --name t --timeout 300ms -c \
    'timeout 60 sleep 38.7 | cat')"
is 'ends it' '' "$(left 38)"
begin s 'setsid sleep 38.7 & timeout 60 sleep 38.7 & echo ready >ready; wait'
wait_until 20 sh -c '[ "$(pgrep -fxc "sleep 38[.]7")" -eq 2 ]'
kill "$pid"
ended
is 'TERM' 143 "$rc"
is 'ends it, also in a session of its own' '' "$(left 38)"
is 'the row' 'failed|stopped by SIGTERM' "$(row s)"

# But what has gone away from the script is on its own.
free_daemon() {
	is_status=$(status etl-run --name daemon -c \
	    'sh -c "echo \$\$ >daemon; sleep 0.5; exec setsid sleep 30" & :')
	kill "$(cat daemon)" && alive=yes || alive=no
}
ok 'a daemon that leaves its session after the script is not waited for' \
    quick 20 free_daemon
is 'and not killed' '0 yes' "$is_status $alive"
etl-run --every 500ms --timeout 400ms --name left -c '[ -e again ] ||
    { : >again; setsid sleep 39.7 </dev/null >/dev/null 2>&1 & exit 0; }
    echo >>timed; sleep 9' 2>err &
pid=$!
wait_until 20 grep -q 'stopped after' err
kill "$pid"
ended
ok 'nor by the time-out of a later run' kill "$(left 39)"

# Ignored from above stays ignored, by nohup(1) for one.
rm -f ready
nohup etl-run --name hup -c 'echo ready >ready; sleep 1; echo end' \
    >out 2>err &
pid=$!
wait_until 20 test -s ready
kill -HUP $pid
rc=0; wait $pid || rc=$?
is 'nohup' "0 end" "$rc $(cat out)"
is 'SIGPIPE is default for the stages' 0 \
    "$(status python3 -c 'import subprocess, sys, signal
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
sys.exit(subprocess.call(["etl-run", "-c",
    "grep -q \"SigIgn:.*0$\" /proc/self/status"], restore_signals=False))')"

# A signal before the script began.
begin s 'echo ready >ready; exit 0'
ended
is 'a short run' 0 $rc
done_testing
