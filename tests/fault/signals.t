#!/bin/sh
# Each signal that asks to end, once and twice, and each program: it dies of
# that signal, in time, with whole lines and whole batches; a program stopped
# and continued goes on as if nothing had been.
. tests/support/lib.sh
cd "$scratch"
api_start --posts 20
export API_BASE_URL="$api"
stream='{"@etl":"begin","v":1,"id":"b","checkpoint":"p","stages":["extract"]}
{"id":1,"v":"x"}'
# begin PROGRAM...: it has read a record, and waits for the next on 8.
begin() {
	rm -f fifo out
	mkfifo fifo
	env --default-signal "$@" <fifo >out 2>err &
	pid=$!
	exec 8>fifo
	printf '%s\n' "$stream" >&8
}
# ended: it has, by itself, within the seconds of ok's command.
ended() {
	timeout 3 tail --pid="$pid" -f /dev/null
}
number() {
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
				begin "$@"
				sleep 0.15
				kill -$signal $pid
				[ $times = once ] || kill -$signal $pid \
				    2>/dev/null || :
				what="$kind, $1, $signal $times"
				ok "$what: it ends" ended
				exec 8>&-
				rc=0
				wait $pid || rc=$?
				is "$what: of the signal" "$(number $signal)" $rc
				unlike "$what: no end mark, no torn line" \
				    '"@etl":"end"|^[^{]|[^}]$' \
				    "$(grep . out || echo '{}')"
			done
		done
		IFS=$old
	done
	is "$kind: nothing is loaded" 0 "$(sql 'SELECT count(*) FROM t')"
	is "$kind: each run has its end" failed \
	    "$(sql 'SELECT DISTINCT status FROM pipeline_runs')"

	# Stopped for longer than any of their waits, then continued.
	for i in 1 2 3; do
		set -- etl-extract --paginate page --into query:_page --size \
		    _limit=2 --delay 20ms --timeout 500ms --connect-timeout 300ms \
		    --backoff 1ms..5ms "$api/posts"
		sql 'DELETE FROM t'
		rm -f f1 f2
		mkfifo f1 f2
		"$@" >f1 2>err1 &
		one=$!
		etl-transform --time-limit 500ms '{id: (.id | tonumber? // 99), v: .title}' \
		    <f1 >f2 2>err2 3>rejects &
		two=$!
		etl-load --table t --key id --flush 50ms --max-rejects 100% \
		    <f2 2>err3 3>>rejects &
		three=$!
		sleep 0.1
		kill -STOP $one $two $three
		sleep 0.8
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
		is "$kind: stopped and continued ($i)" '0 0 0 ' "$rc"
		is "$kind: stopped and continued ($i): all is there" 20 \
		    "$(($(sql 'SELECT count(*) FROM t') + $(wc -l <rejects)))"
	done
done
# All processes of a filter are stopped while it is at work on a record, for
# longer than a record may take: the time that they stood is not the filter's.
echo '{"id":1}' >one
setsid etl-transform --time-limit 4s \
    '{n: ([limit(600000; repeat(1))] | length)}' <one >out 2>err 3>rejects &
pid=$!
at_exit "kill -9 -$pid 2>/dev/null"
at_work() {
	# shellcheck disable=SC2046
	set -- $(pgrep -g "$pid" | sed 's,.*,/proc/&/stat,')
	awk '$14 >= 20 { n++ } END { exit n == 0 }' "$@"
}
ok 'the filter is at work' wait_until 10 at_work
kill -STOP -$pid
sleep 4.3
is 'and so it is while it is stopped' 0 "$(wc -c <out)"
kill -CONT -$pid
rc=0
wait $pid || rc=$?
is 'a filter stopped at work and continued' 0 $rc
is 'a filter stopped at work and continued: its record' '{"n":600000}' \
    "$(cat out rejects)"
done_testing
