#!/bin/sh
# A server that takes a connection and says nothing, or a host that drops what
# comes: a signal ends each program at once, whatever it waits for; the time
# that libpq's connect_timeout gives is for each address, and then the next one
# is tried.
. tests/support/lib.sh
cd "$scratch"
unset PGCONNECT_TIMEOUT

# server NAME [HOW [N]]: a silent one, its port in $port.
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
# takes NAME N: it has taken N connections, or more.
takes() {
	wait_until 20 sh -c "[ \"\$(wc -l <$1/taken)\" -ge $2 ]"
}
taken() {
	wc -l <"$1/taken"
}
number() {
	case $1 in INT) echo 130 ;; TERM) echo 143 ;; esac
}
# ended: it has, by itself, within seconds.
ended() {
	timeout 8 tail --pid="$pid" -f /dev/null
}
# dies WHAT SIGNAL: by it, at once.
dies() {
	kill -"$2" $pid
	rc=yes
	ended || rc=no
	is "$1: it ends" yes $rc
	[ $rc = yes ] || kill -9 $pid
	rc=0
	wait $pid || rc=$?
	is "$1: of the signal" "$(number "$2")" $rc
}
# No time-out would end them before the test gives up.
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
		ok "etl-$command, $signal: it connects" takes silent $n
		dies "etl-$command, $signal" $signal
	done
done
ok 'and no script was run' test ! -e ran

# In a pipe, which is longer than the wait: nobody else is harmed.
mkfifo in
env --default-signal etl-load --db "$(url)" --table t <in 2>err &
pid=$!
exec 8>in
cat records >&8
ok 'in a pipe: it connects' takes silent $((n + 1))
dies 'in a pipe' TERM
exec 8>&-

# Not taken; refused, and asked again for the reason; let in and left there.
server full full
asked() {
	grep -ci ":$(printf '%04X' "$port") 02 " /proc/net/tcp || :
}
one_more() {
	[ "$(asked)" -gt "$before" ]
}
before=$(asked)
env --default-signal etl-load --db "$(url)" --table t <records 2>err &
pid=$!
ok 'a host that drops all: it connects' wait_until 20 one_more
dies 'a host that drops all' TERM
full=$port
server refuse refuse
env --default-signal etl-load --db "$(url)" --table t <records 2>err &
pid=$!
ok 'no place, and silent: it connects again' takes refuse 2
dies 'no place, and silent' TERM
server mute mute
env --default-signal etl-load --db "$(url)" --table t <records 2>err &
pid=$!
ok 'let in, and not a word more: it connects' takes mute 1
dies 'let in, and not a word more' TERM

# The run is over, its row not yet: that is done before it dies, if there is
# somebody to do it.
# over HOW: a run whose row finds no answer at first.
over() {
	db_new postgresql
	server "$1" "$1" 2
	env --default-signal etl-run --name last -c true --db \
	    "postgresql://127.0.0.1:$port/${db##*/}?connect_timeout=600" \
	    2>err &
	pid=$!
	ok "a run that is over, $1: it connects" takes "$1" 2
	dies "a run that is over, $1" TERM
}
over nth
is 'a run that is over: its row says so' success \
    "$(sql 'SELECT status FROM pipeline_runs')"
over after
is 'a server that stays silent: the row is as it was' running \
    "$(sql 'SELECT status FROM pipeline_runs')"
like 'a server that stays silent: this is told' \
    'its row still says running: cannot connect: SIGTERM came before' \
    "$(cat err)"

# The time is what the user says, and 2 seconds are not 30, nor none.
# late NAME COMMAND...: 75 after 2 seconds and a bit, and why; $at is where.
late() {
	what=$1
	shift
	start=$(date +%s%N)
	is "$what: 75" 75 "$(limit=20 status "$@")"
	ms=$((($(date +%s%N) - start) / 1000000))
	ok "$what: not before its time ($ms ms)" test $ms -ge 2000
	ok "$what: and not much later" test $ms -lt 10000
	like "$what: says so" \
	    "^$1: .*cannot connect: .*$at.*no answer within 2 seconds \\(connect_timeout\\)\$" \
	    "$(cat err)"
}
port=$(cat silent/port)
at="port $port failed"
late 'connect_timeout=2' etl-status --run 1 \
    --db "postgresql://127.0.0.1:$port/x?connect_timeout=2"
late 'connect_timeout=1, which is 2' etl-checkpoint list \
    --db "host=127.0.0.1 port=$port connect_timeout=1"
export PGCONNECT_TIMEOUT=2
late 'PGCONNECT_TIMEOUT=2' etl-dlq list --db "postgresql://127.0.0.1:$port/x"
port=$full
at="port $port failed"
late 'a host that drops all' etl-dlq list --db "postgresql://127.0.0.1:$port/x"
unset PGCONNECT_TIMEOUT
is 'no number' 78 "$(status etl-status --run 1 \
    --db "postgresql://127.0.0.1:$port/x?connect_timeout=soon")"
like 'no number: says so' 'invalid integer value "soon" .*connect_timeout' \
    "$(cat err)"
# Without a limit, and without one that is told, it waits.
port=$(cat silent/port)
for value in 0 -1; do
	is "connect_timeout=$value: it waits" 124 "$(limit=3 status \
	    etl-status --run 1 --db "postgresql://127.0.0.1:$port/x?connect_timeout=$value")"
done
is 'no connect_timeout: 30 seconds' 124 "$(limit=3 status \
    etl-status --run 1 --db "postgresql://127.0.0.1:$port/x")"

# The time is for each address, and the next one is taken.
db_new postgresql
sql 'CREATE TABLE t (id integer)'
base=${db##*/}
silent=$(cat silent/port)
full=$(cat full/port)
before=$(taken silent)
is 'the third answers' 0 "$(limit=20 status etl-load --table t --db \
    "host=127.0.0.1,127.0.0.1,$PGHOST port=$silent,$full,$PGPORT dbname=$base connect_timeout=2" \
    <records)"
is 'the third answers: all is loaded' 3 "$(sql 'SELECT count(*) FROM t')"
is 'the third answers: the first was asked once' 1 \
    "$(($(taken silent) - before))"
is 'by hostaddr' 0 "$(limit=20 status etl-load --table t --db \
    "host=here,there hostaddr=127.0.0.1,127.0.0.1 port=$silent,$PGPORT dbname=$base connect_timeout=2" \
    <records)"
is 'nobody answers' 75 "$(limit=20 status etl-load --table t --retries 0 \
    --db "host=127.0.0.1,/nowhere,127.0.0.1 port=$silent,1,$full connect_timeout=2" \
    <records)"
for port in $silent $full; do
	like "nobody answers: $port" "port $port.*no answer within 2 s" \
	    "$(cat err)"
done
like 'nobody answers: the socket' '/nowhere.*No such file' "$(cat err)"
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
late 'a silent socket' etl-dlq list --db "host=$socket port=7 connect_timeout=2"
is 'a silent socket, then a server' 0 "$(limit=20 status etl-dlq list --db \
    "host=$socket,$PGHOST port=7,$PGPORT dbname=$base connect_timeout=2")"
done_testing
