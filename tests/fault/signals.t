#!/bin/sh
# Each program gets each signal that ends it, once and twice: the program ends in
# time, with the status of that signal, and has written whole lines and whole
# batches only.  A program that is stopped and continued loses nothing.
. tests/support/lib.sh
cd "$scratch"
api_start --posts 20
export API_BASE_URL="$api"
stream='{"@etl":"begin","v":1,"id":"b","checkpoint":"p","stages":["extract"]}
{"id":1,"v":"x"}'
# is_started PROGRAM: the process $pid executes PROGRAM, and env no longer. Before
# that, the shell lets the process ignore INT and QUIT.
is_started() {
	case $(readlink "/proc/$pid/exe") in
	*/"$1") ;;
	*) return 1 ;;
	esac
}
# start_program PROGRAM...: sends it a mark and a record; it then waits for more
# input, which the test holds open on descriptor 8.
start_program() {
	rm -f fifo out
	mkfifo fifo
	env --default-signal "$@" <fifo >out 2>err &
	pid=$!
	exec 8>fifo
	printf '%s\n' "$stream" >&8
	ok "$1 is started" wait_until 30 is_started "$1"
}
a_run_has_begun() {
	sql "SELECT 'begun' FROM pipeline_runs WHERE status = 'running'" \
	    2>/dev/null | grep -q begun
}
# wait_until_ended: waits 30 seconds at most for the program to end by itself.
wait_until_ended() {
	timeout 30 tail --pid="$pid" -f /dev/null
}
signal_status() {
	case $1 in HUP) echo 129 ;; INT) echo 130 ;; QUIT) echo 131 ;; TERM) echo 143 ;; esac
}
programs='etl-extract --stream s -|etl-transform .|etl-via cat|etl-checkpoint save --state file:s.json|etl-load --table t|etl-dlq put|etl-run -c "sleep 60"'
for kind in sqlite postgresql; do
	db_new $kind
	export DATABASE_URL="$db"
	sql 'CREATE TABLE t (id integer PRIMARY KEY, v text)'
	[ $kind = sqlite ] || programs='etl-load --table t|etl-dlq put|etl-run -c "sleep 60"'
	for signal in TERM INT HUP QUIT; do
		old=$IFS
		IFS='|'
		for command in $programs; do
			IFS=$old
			eval "set -- $command"
			for times in once twice; do
				case $signal-$times in
				HUP-twice | INT-twice) continue ;;
				esac
				start_program "$@"
				sleep 0.15
				kill -$signal $pid
				[ $times = once ] || kill -$signal $pid \
				    2>/dev/null || :
				what="$kind, $1, $signal $times"
				ok "$what: the program ends in time" \
				    wait_until_ended
				exec 8>&-
				rc=0
				{ wait $pid || rc=$?; } 2>/dev/null
				is "$what: the signal is the cause of the end" \
				    "$(signal_status $signal)" $rc
				unlike "$what: the output has no end mark and no torn line" \
				    '"@etl":"end"|^[^{]|[^}]$' \
				    "$(grep . out || echo '{}')"
			done
		done
		IFS=$old
	done
	is "$kind: programs that a signal ended load nothing" \
	    0 "$(sql 'SELECT count(*) FROM t')"
	# Of the runs before, a signal may have ended all before they began.
	start_program etl-run -c 'sleep 60'
	ok "$kind: etl-run writes that its run has begun" \
	    wait_until 30 a_run_has_begun
	kill -TERM $pid
	exec 8>&-
	{ wait $pid || :; } 2>/dev/null
	is "$kind: each run that a signal ended has the status failed" failed \
	    "$(sql 'SELECT DISTINCT status FROM pipeline_runs')"

	# The stages are stopped for longer than their time-outs, then continued.
	for i in 1 2 3; do
		set -- etl-extract --paginate page --into query:_page --size \
		    _limit=2 --delay 20ms --timeout 2s --connect-timeout 2s \
		    --backoff 1ms..5ms "$api/posts"
		sql 'DELETE FROM t'
		rm -f f1 f2
		mkfifo f1 f2
		"$@" >f1 2>err1 &
		one=$!
		etl-transform --time-limit 2s '{id: (.id | tonumber? // 99), v: .title}' \
		    <f1 >f2 2>err2 3>rejects &
		two=$!
		etl-load --table t --key id --flush 50ms --max-rejects 100% \
		    <f2 2>err3 3>>rejects &
		three=$!
		sleep 0.1
		kill -STOP $one $two $three
		sleep 2.5
		case $i in
		1) kill -CONT $one $two $three ;;
		2) kill -CONT $three $two $one ;;
		3) kill -CONT $two; sleep 0.2; kill -CONT $one $three ;;
		esac
		rc=
		for pid in $one $two $three; do
			status=0
			wait "$pid" || status=$?
			rc="$rc$status "
		done
		is "$kind: stages stopped and continued succeed ($i)" \
		    '0 0 0 ' "$rc"
		is "$kind: stages stopped and continued lose no record ($i)" \
		    20 \
		    "$(($(sql 'SELECT count(*) FROM t') + $(wc -l <rejects)))"
	done
done
# All processes of etl-transform are stopped while the filter works on a record, for
# longer than --time-limit: the time that they were stopped does not count. The
# filter writes a message that is longer than a pipe holds, so it is in the middle of
# its record from the first byte of the message until the test reads the others.
echo '{"id":1}' >one
rm -f fifo
mkfifo fifo
setsid etl-transform --time-limit 5s \
    '{n: ("x" * 200000 | debug | length)}' <one >out 2>fifo 3>rejects &
pid=$!
at_exit "kill -9 -$pid 2>/dev/null"
exec 8<fifo
is 'the filter works on its record before it is stopped' '[' \
    "$(dd bs=1 count=1 <&8 2>err)"
sleep 0.5       # so that the parent has seen more than once that the filter works
kill -STOP -$pid
sleep 5.3
is 'a filter that is stopped writes nothing' 0 "$(wc -c <out)"
kill -CONT -$pid
sleep 0.5       # so that the parent looks at the time before the filter ends
is 'the rest of the message of the filter' 200013 "$(wc -c <&8)"
exec 8<&-
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'a filter stopped for longer than --time-limit succeeds' 0 $rc
is 'a filter stopped for longer than --time-limit writes its record' \
    '{"n":200000}' \
    "$(cat out rejects)"
done_testing
