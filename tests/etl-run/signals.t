#!/bin/sh
# shellcheck disable=SC2016
# Signals and time-outs end the whole process group of a run, and the row says
# so.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"

row() {
	sql "SELECT status, error_message FROM pipeline_runs
	    WHERE pipeline = '$1' ORDER BY id DESC LIMIT 1"
}
# begin NAME COMMAND: starts a run in the background and waits until its script
# has made the file ready. sh ignores INT and QUIT in the background, so env
# resets them.
begin() {
	rm -f ready
	env --default-signal etl-run --name "$1" -c "$2" >out 2>err &
	pid=$!
	wait_until 20 test -s ready
}
wait_for_end() {
	rc=0
	{ wait "$pid" || rc=$?; } 2>/dev/null
}
# Wait for both processes: a signal between fork and exec of dash would not
# reach the child.
sleeping() {
	[ "$(pgrep -fxc 'sleep 31[.]7')" -ge 2 ]
}
# quick SECONDS FUNCTION: one of three tries takes less than SECONDS. On a
# loaded machine the others may take longer.
quick() {
	for _ in 1 2 3; do
		start=$(date +%s%N)
		$2
		took=$((($(date +%s%N) - start) / 1000000))
		[ $took -ge $(($1 * 1000)) ] || return 0
	done
	return 1
}
# still_sleeping NUMBER: the processes "sleep NUMBER.7" that are still running.
still_sleeping() {
	pgrep -fx "sleep $1[.]7" || :
}
for sig in TERM=15 INT=2 HUP=1 QUIT=3; do
	code=$((128 + ${sig#*=})) sig=${sig%=*}
	begin s 'trap "echo got >>said; exit 3" TERM INT HUP QUIT
	    echo ready >ready; sleep 31.7 | sleep 31.7'
	wait_until 20 sleeping
	kill -"$sig" "$pid"
	wait_for_end
	is "$sig: etl-run ends by the signal" $code "$rc"
	is "$sig: the row names the signal" \
	    "failed|stopped by SIG$sig" "$(row s)"
	like "$sig: etl-run prints a line with the signal" \
	    "^etl-run: s: failed in .*stopped by SIG$sig" \
	    "$(cat err)"
done
is 'the script received all four signals' 4 "$(wc -l <said | tr -d ' ')"
is 'no process is left after the four signals' '' "$(still_sleeping 31)"

two_signals() {
	begin s 'trap "" TERM; echo ready >ready; sleep 32.7; sleep 32.7'
	kill "$pid"
	sleep 0.3
	kill "$pid"
	wait_for_end
}
ok 'a second SIGTERM kills the run at once' quick 4 two_signals
is 'etl-run exits with 143 after the second SIGTERM' 143 "$rc"
is 'no process is left after the second SIGTERM' '' "$(still_sleeping 32)"

run_until_timeout() {
	rc=$(status etl-run --name t --timeout 300ms -c 'sleep 33.7 | sleep 33.7')
}
ok 'a time-out ends a run within 4 seconds' quick 4 run_until_timeout
is 'a run that times out exits with 75' 75 "$rc"
is 'the row names the time-out' 'failed|stopped after 300ms (--timeout)' \
    "$(row t)"
is 'no process is left after the time-out' '' "$(still_sleeping 33)"
start=$(date +%s%N)
is 'a script that ignores SIGTERM times out with 75' 75 \
    "$(status etl-run --name t \
    --timeout 300ms -c 'trap "" TERM; setsid sleep 34.7 &
    timeout 60 sleep 34.7 & sleep 34.7; sleep 34.7')"
took=$((($(date +%s%N) - start) / 1000000))
ok "the script is killed after five seconds ($took ms)" \
    test $took -ge 5300 -a $took -lt 30000
is 'all processes of the killed script are gone' '' "$(still_sleeping 34)"
is 'a script that is stopped by SIGSTOP times out with 75' 75 \
    "$(status etl-run --name t \
    --timeout 300ms -c 'kill -STOP $$')"

# SIGTERM also ends an etl-run that still reads its script, from a pipe or from
# a terminal.
mkfifo script
env --default-signal etl-run - <script >out 2>err &
pid=$!
exec 7>script
wait_until 20 sh -c "ps -o comm=,stat= -p $pid | grep -q '^etl-run *S'"
kill "$pid"
ok 'SIGTERM ends an etl-run that reads its script' wait_until 10 sh -c \
    "! ps -o stat= -p $pid | grep -q '^[^Z]'"
exec 7>&-
wait_for_end
is 'an etl-run that reads its script exits with 143' 143 "$rc"

# A run lasts until the stages in the background have exited.
is 'a script with a stage in the background exits with 0' 0 \
    "$(status etl-run --name bg -c \
    '(sleep 0.5; echo late >late) & exit 0')"
is 'etl-run waits for the stage in the background' late "$(cat late)"

begin s 'echo ready >ready; exec sleep 35.7'
kill -TSTP "$pid"
ok 'SIGTSTP stops the script' wait_until 20 sh -c \
    'ps -o stat= -p $(pgrep -fx "sleep 35[.]7") | grep -q ^T'
ok 'SIGTSTP stops etl-run' \
    wait_until 20 sh -c "ps -o stat= -p $pid | grep -q ^T"
kill -CONT "$pid"
ok 'SIGCONT continues the script' wait_until 20 sh -c \
    'ps -o stat= -p $(pgrep -fx "sleep 35[.]7") | grep -q ^S'
kill "$pid"
wait_for_end
is 'SIGTERM ends the continued run with 143' 143 $rc

# A stage that has left the process group, as timeout(1) does, belongs to the
# run too.
is 'a script with a stage in its own group exits with 0' 0 \
    "$(status etl-run --name bg -c \
    'timeout 30 sh -c "sleep 0.7; echo late >later" & exit 0')"
is 'etl-run waits for a stage in its own process group' late "$(cat later)"
is 'a stage in its own process group times out with 75' 75 \
    "$(status etl-run --name t --timeout 300ms -c \
    'timeout 60 sleep 38.7 | cat')"
is 'the time-out ends a stage in its own process group' '' \
    "$(still_sleeping 38)"
begin s 'setsid sleep 38.7 & timeout 60 sleep 38.7 & echo ready >ready; wait'
wait_until 20 sh -c '[ "$(pgrep -fxc "sleep 38[.]7")" -eq 2 ]'
kill "$pid"
wait_for_end
is 'a run with a stage in its own session exits with 143' 143 "$rc"
is 'SIGTERM ends also a stage in its own session' '' "$(still_sleeping 38)"
is 'the row names SIGTERM' 'failed|stopped by SIGTERM' "$(row s)"

# A daemon that leaves its session after the script has exited does not belong
# to the run.
free_daemon() {
	is_status=$(status etl-run --name daemon -c \
	    'sh -c "echo \$\$ >daemon; sleep 0.5; exec setsid sleep 30" & :')
	kill "$(cat daemon)" && alive=yes || alive=no
}
ok 'etl-run does not wait for a daemon that leaves its session' \
    quick 20 free_daemon
is 'the daemon is not killed when the run ends' '0 yes' "$is_status $alive"
etl-run --every 500ms --timeout 400ms --name left -c '[ -e again ] ||
    { : >again; setsid sleep 39.7 </dev/null >/dev/null 2>&1 & exit 0; }
    echo >>timed; sleep 9' 2>err &
pid=$!
wait_until 20 grep -q 'stopped after' err
kill "$pid"
wait_for_end
ok 'the time-out of a later run does not kill the daemon' \
    kill "$(still_sleeping 39)"

# A signal that the caller ignores stays ignored, for example under nohup(1).
rm -f ready
nohup etl-run --name hup -c 'echo ready >ready; sleep 1; echo end' \
    >out 2>err &
pid=$!
wait_until 20 test -s ready
kill -HUP $pid
rc=0; { wait $pid || rc=$?; } 2>/dev/null
is 'SIGHUP does not end an etl-run under nohup' "0 end" "$rc $(cat out)"
is 'SIGPIPE has its default action in the script' 0 \
    "$(status python3 -c 'import subprocess, sys, signal
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
sys.exit(subprocess.call(["etl-run", "-c",
    "grep -q \"SigIgn:.*0$\" /proc/self/status"], restore_signals=False))')"

# A run whose script exits at once.
begin s 'echo ready >ready; exit 0'
wait_for_end
is 'a short run exits with 0' 0 $rc
done_testing
