#!/bin/sh
# A server that accepts a connection and never answers, or a host that drops all
# packets: a signal ends each program at once, in whatever step it waits.  The
# time of libpq's connect_timeout holds for each address; after that time the
# program tries the next address.
. tests/support/lib.sh
cd "$scratch"
unset PGCONNECT_TIMEOUT

# server NAME [HOW [N]]: starts a silent server (silent.py); its port is in $port.
server() {
	made=$1
	shift
	python3 "$top/tests/fault/silent.py" "$scratch/$made" "$@" \
	    >"$made.log" 2>&1 &
	at_exit "kill $! 2>/dev/null"
	if ! wait_until 20 grep -q . "$made/port"; then
		echo "Bail out! silent.py: $(cat "$made.log")"
		exit 1
	fi
	port=$(cat "$made/port")
}
# wait_for_connections NAME N: waits until server NAME accepted N connections.
wait_for_connections() {
	wait_until 20 sh -c "[ \"\$(wc -l <$1/taken)\" -ge $2 ]"
}
count_connections() {
	wc -l <"$1/taken"
}
signal_status() {
	case $1 in INT) echo 130 ;; TERM) echo 143 ;; esac
}
# wait_until_ended: waits some seconds until the program has ended by itself.
wait_until_ended() {
	timeout 30 tail --pid="$pid" -f /dev/null
}
# ends_by_signal WHAT SIGNAL: sends SIGNAL; the program must end of it at once.
ends_by_signal() {
	kill -"$2" $pid
	rc=yes
	wait_until_ended || rc=no
	is "$1: the program ends at once" yes $rc
	[ $rc = yes ] || kill -9 $pid
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	is "$1: the signal is the cause of the end" "$(signal_status "$2")" $rc
}
# connect_timeout=600: no time-out ends a program before the test gives up.
url() {
	echo "postgresql://127.0.0.1:$port/x?connect_timeout=600&gssencmode=disable"
}
seq 3 | sed 's/.*/{"id":&}/' >records

n=0
server silent
for signal in TERM INT; do
	for command in 'load --table t' 'dlq list' 'dlq put' \
	    'run -c "touch ran"' 'checkpoint list' 'status --run 1'; do
		eval "set -- $command"
		program=etl-$1
		shift
		n=$((n + 1))
		env --default-signal DATABASE_URL="$(url)" "$program" "$@" \
		    <records >out 2>err &
		pid=$!
		ok "etl-$command, $signal: the program connects to the server" \
		    wait_for_connections silent $n
		ends_by_signal "etl-$command, $signal" $signal
	done
done
ok 'etl-run runs no script before it has a connection' test ! -e ran

# A loader that reads from a pipe whose writer is still running.
mkfifo in
env --default-signal etl-load --db "$(url)" --table t <in 2>err &
pid=$!
exec 8>in
cat records >&8
ok 'a loader that reads a pipe: the program connects' \
    wait_for_connections silent $((n + 1))
ends_by_signal 'a loader that reads a pipe' TERM
exec 8>&-

# Three other silent servers: "full" drops the connection attempts, "refuse"
# refuses the first connection and is silent on the second, with which libpq
# asks for the reason, and "mute" lets the client in and then stops answering.
server full full
count_attempts() {
	grep -ci ":$(printf '%04X' "$port") 02 " /proc/net/tcp || :
}
has_new_attempt() {
	[ "$(count_attempts)" -gt "$before" ]
}
before=$(count_attempts)
env --default-signal etl-load --db "$(url)" --table t <records 2>err &
pid=$!
ok 'a host that drops all packets: the program tries to connect' \
    wait_until 20 has_new_attempt
ends_by_signal 'a host that drops all packets' TERM
full=$port
server refuse refuse
env --default-signal etl-load --db "$(url)" --table t <records 2>err &
pid=$!
ok 'a server that refuses, then is silent: the program connects again' \
    wait_for_connections refuse 2
ends_by_signal 'a server that refuses, then is silent' TERM
server mute mute
env --default-signal etl-load --db "$(url)" --table t <records 2>err &
pid=$!
ok 'a server that is silent after the login: the program connects' \
    wait_for_connections mute 1
ends_by_signal 'a server that is silent after the login' TERM

# The script of a run has ended and etl-run has not yet updated the row.  If a
# signal arrives then, etl-run updates the row before it ends, if the server
# answers.
# signal_at_end_of_run HOW: sends TERM while the server of kind HOW is silent.
signal_at_end_of_run() {
	db_new postgresql
	server "$1" "$1" 2
	env --default-signal etl-run --name last -c true --db \
	    "postgresql://127.0.0.1:$port/${db##*/}?connect_timeout=600" \
	    2>err &
	pid=$!
	ok "the end of a run, server $1: etl-run connects again" \
	    wait_for_connections "$1" 2
	ends_by_signal "the end of a run, server $1" TERM
}
signal_at_end_of_run nth
is 'a signal at the end of a run: the row is still set to success' success \
    "$(sql 'SELECT status FROM pipeline_runs')"
signal_at_end_of_run after
is 'a server that stays silent: the row of the run stays running' running \
    "$(sql 'SELECT status FROM pipeline_runs')"
like 'a server that stays silent: a message says that the row is not updated' \
    'its row still says running: cannot connect: stopped by SIGTERM before' \
    "$(cat err)"

# The user's connect_timeout counts, here 2 seconds.
# times_out NAME COMMAND...: COMMAND ends with 75 after little more than 2
# seconds; its message gives the cause and the address $at.
times_out() {
	what=$1
	shift
	start=$(date +%s%N)
	is "$what: the program exits with 75" 75 "$(limit=20 status "$@")"
	ms=$((($(date +%s%N) - start) / 1000000))
	ok "$what: the program waits at least 2 seconds ($ms ms)" \
	    test $ms -ge 2000
	ok "$what: the program waits less than 10 seconds" test $ms -lt 10000
	like "$what: the message names the address and the time-out" \
	    "^$1: .*cannot connect: .*$at.*no answer within 2 seconds \\(connect_timeout\\)\$" \
	    "$(cat err)"
}
port=$(cat silent/port)
at="port $port failed"
times_out 'connect_timeout=2' etl-status --run 1 \
    --db "postgresql://127.0.0.1:$port/x?connect_timeout=2"
times_out 'connect_timeout=1, which libpq raises to 2' etl-checkpoint list \
    --db "host=127.0.0.1 port=$port connect_timeout=1"
export PGCONNECT_TIMEOUT=2
times_out 'PGCONNECT_TIMEOUT=2' \
    etl-dlq list --db "postgresql://127.0.0.1:$port/x"
port=$full
at="port $port failed"
times_out 'a host that drops all packets' \
    etl-dlq list --db "postgresql://127.0.0.1:$port/x"
unset PGCONNECT_TIMEOUT
is 'a connect_timeout that is not a number ends with 78' \
    78 "$(status etl-status --run 1 \
    --db "postgresql://127.0.0.1:$port/x?connect_timeout=soon")"
like 'a connect_timeout that is not a number: the message names it' \
    'invalid integer value "soon" .*connect_timeout' \
    "$(cat err)"
# 0 and -1 mean no limit.  Without the option the limit is 30 seconds.
port=$(cat silent/port)
for value in 0 -1; do
	is "connect_timeout=$value: the program still waits after 3 seconds" \
	    124 "$(limit=3 status \
	    etl-status --run 1 --db "postgresql://127.0.0.1:$port/x?connect_timeout=$value")"
done
is 'no connect_timeout: the program still waits after 3 seconds' \
    124 "$(limit=3 status \
    etl-status --run 1 --db "postgresql://127.0.0.1:$port/x")"

# The time-out holds for each address; then the program tries the next one.
db_new postgresql
sql 'CREATE TABLE t (id integer)'
base=${db##*/}
silent=$(cat silent/port)
full=$(cat full/port)
before=$(count_connections silent)
is 'the third of three addresses answers: the loader succeeds' \
    0 "$(limit=20 status etl-load --table t --db \
    "host=127.0.0.1,127.0.0.1,$PGHOST port=$silent,$full,$PGPORT dbname=$base connect_timeout=2" \
    <records)"
is 'the third of three addresses answers: all records are loaded' \
    3 "$(sql 'SELECT count(*) FROM t')"
is 'the third of three addresses answers: the first is tried once' 1 \
    "$(($(count_connections silent) - before))"
is 'addresses given by hostaddr: the loader tries the second one' \
    0 "$(limit=20 status etl-load --table t --db \
    "host=here,there hostaddr=127.0.0.1,127.0.0.1 port=$silent,$PGPORT dbname=$base connect_timeout=2" \
    <records)"
is 'no address answers: the loader exits with 75' \
    75 "$(limit=20 status etl-load --table t --retries 0 \
    --db "host=127.0.0.1,/nowhere,127.0.0.1 port=$silent,1,$full connect_timeout=2" \
    <records)"
for port in $silent $full; do
	like "no address answers: the message names the time-out of port $port" \
	    "port $port.*no answer within 2 s" \
	    "$(cat err)"
done
like 'no address answers: the message names the missing socket' \
    '/nowhere.*No such file' "$(cat err)"
socket=$scratch/s
mkdir "$socket"
python3 -c "
import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind('$socket/.s.PGSQL.7')
s.listen(5)
time.sleep(600)" &
at_exit "kill $! 2>/dev/null"
wait_until 10 test -S "$socket/.s.PGSQL.7"
at='s/.s.PGSQL.7" failed'
times_out 'a silent Unix socket' \
    etl-dlq list --db "host=$socket port=7 connect_timeout=2"
is 'a silent Unix socket, then a server: the program uses the server' \
    0 "$(limit=20 status etl-dlq list --db \
    "host=$socket,$PGHOST port=7,$PGPORT dbname=$base connect_timeout=2")"
done_testing
