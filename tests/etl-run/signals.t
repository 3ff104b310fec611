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
	wait_until 5 test -s ready
}
ended() {
	rc=0
	wait "$pid" || rc=$?
}
# A signal between dash's fork and exec would be lost on the child.
sleeping() {
	[ "$(pgrep -fxc 'sleep 31[.]7')" -ge 2 ]
}
for sig in TERM=15 INT=2 HUP=1 QUIT=3; do
	code=$((128 + ${sig#*=})) sig=${sig%=*}
	begin s 'trap "echo got >>said; exit 3" TERM INT HUP QUIT
	    echo ready >ready; sleep 31.7 | sleep 31.7'
	wait_until 5 sleeping
	kill -"$sig" "$pid"
	ended
	is "$sig: dies of it" $code $rc
	is "$sig: the row" "failed|stopped by SIG$sig" "$(row s)"
	like "$sig: one line" "^etl-run: s: failed in .*stopped by SIG$sig" \
	    "$(cat err)"
done
is 'the script got each' 4 "$(wc -l <said | tr -d ' ')"
is 'no process is left' '' "$(pgrep -f 'sleep 31[.]7' || :)"

begin s 'trap "" TERM; echo ready >ready; sleep 32.7; sleep 32.7'
start=$(date +%s)
kill "$pid"
sleep 0.3
kill "$pid"
ended
is 'the second signal kills' 143 $rc
ok 'at once' test $(($(date +%s) - start)) -le 2
is 'no process is left by it' '' "$(pgrep -f 'sleep 32[.]7' || :)"

start=$(date +%s)
is 'a time-out' 75 "$(status etl-run --name t --timeout 300ms -c \
    'sleep 33.7 | sleep 33.7')"
ok 'ends in time' test $(($(date +%s) - start)) -le 2
is 'its row' 'failed|stopped after 300ms (--timeout)' "$(row t)"
is 'no process is left after it' '' "$(pgrep -f 'sleep 33[.]7' || :)"
start=$(date +%s)
is 'a time-out of what ignores TERM' 75 "$(status etl-run --name t \
    --timeout 300ms -c 'trap "" TERM; sleep 34.7; sleep 34.7')"
took=$(($(date +%s) - start))
ok "kills after five seconds ($took)" test $took -ge 5 -a $took -le 7
is 'a time-out of what is stopped' 75 "$(status etl-run --name t \
    --timeout 300ms -c 'kill -STOP $$')"

# What the script leaves behind belongs to the run.
is 'a stage in the background' 0 "$(status etl-run --name bg -c \
    '(sleep 0.5; echo late >late) & exit 0')"
is 'is waited for' late "$(cat late)"

begin s 'echo ready >ready; exec sleep 35.7'
kill -TSTP "$pid"
ok 'TSTP stops the pipeline' wait_until 5 sh -c \
    'ps -o stat= -p $(pgrep -f "sleep 35[.]7") | grep -q ^T'
ok 'and etl-run' wait_until 5 sh -c "ps -o stat= -p $pid | grep -q ^T"
kill -CONT "$pid"
ok 'CONT continues it' wait_until 5 sh -c \
    'ps -o stat= -p $(pgrep -f "sleep 35[.]7") | grep -q ^S'
kill "$pid"
ended
is 'then TERM ends it' 143 $rc

start=$(date +%s)
is 'a daemon that leaves the group after the script' 0 "$(status etl-run \
    --name daemon -c 'sh -c "echo \$\$ >daemon; sleep 0.5; exec setsid sleep 30" & :')"
ok 'is not waited for' test $(($(date +%s) - start)) -lt 5
ok 'and not killed' kill "$(cat daemon)"

# Ignored from above stays ignored, by nohup(1) for one.
rm -f ready
nohup etl-run --name hup -c 'echo ready >ready; sleep 1; echo end' \
    >out 2>err &
pid=$!
wait_until 5 test -s ready
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
