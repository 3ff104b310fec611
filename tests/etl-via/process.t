#!/bin/sh
# The command as a process: any pattern of reading and writing, back-pressure,
# bounded memory, signals and file descriptors.
# shellcheck disable=SC2016 # the commands' own $
. tests/support/lib.sh

cd "$scratch"
begin='{"@etl":"begin","v":1,"id":"b1","stages":["extract"]}'
# stream N: a marked stream of N records of about 40 bytes each.
stream() {
	echo "$begin"
	seq 1 "$1" | sed 's/.*/{"n":&,"text":"some text or other"}/'
	printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":0}]}\n' "$1"
}
# wait_for_pid: waits up to 30 seconds for $pid; its exit status is in $rc.
has_exited() {
	[ ! -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}
wait_for_pid() {
	wait_until 30 has_exited "$pid" || kill -9 "$pid"
	rc=0
	wait "$pid" 2>/dev/null || rc=$?
}
reject='{"@etl":"reject","v":1,"id":"i","stage":"extract","code":"parse","raw":"{"}'
stream 50000 >large
grep '"n"' large >records
via() {
	limit=30 status etl-via "$@" <"${in:-large}"
}
out_counts() {
	tail -n 1 out | jq -c '.stages[1] | [.in, .out, .dropped]'
}

# pattern.py HOW SIZE: a command that reads and writes in the pattern HOW.
cat >pattern.py <<'EOP'
import os, sys
how, size = sys.argv[1], int(sys.argv[2])
if how == "echo":               # reads and writes SIZE bytes at a time
    while data := os.read(0, size):
        while data:
            data = data[os.write(1, data[:size]):]
elif how == "first":            # writes SIZE bytes, then reads all
    line = b'{"first":1}\n'
    for i in range(size // len(line)):
        os.write(1, line)
    while os.read(0, 65536):
        pass
elif how == "last":             # reads all, then writes it SIZE times
    data = sys.stdin.buffer.read()
    sys.stdout.buffer.write(data * size)
elif how == "more":             # writes each line SIZE times
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(line * size)
EOP
pattern() {
	via python3 pattern.py "$@"
}
for size in 1000 4096 65537 3000000; do
	is "a command that reads and writes $size bytes at a time succeeds" \
	    0 "$(pattern echo $size)"
	is "$size bytes at a time: every record comes out unchanged" \
	    "$(cksum <records)" \
	    "$(grep '"n"' out | cksum)"
done
is 'a command that reads all input before it writes succeeds' \
    0 "$(pattern last 3)"
is 'a command that reads all input first: the counts are right' \
    '[50000,150000,0]' "$(out_counts)"
is 'a command that writes 3 MB before it reads succeeds' \
    0 "$(pattern first 3000000)"
is 'a command that writes 3 MB before it reads: the counts are right' \
    '[50000,250000,0]' "$(out_counts)"
is 'a command that writes ten lines for each record succeeds' \
    0 "$(pattern more 10)"
is 'a command that writes ten lines for each record: counts are right' \
    '[50000,500000,0]' "$(out_counts)"
is 'a slow reader of the output gets every record' \
    "$(cksum <records)" "$(etl-via cat <large |
    { sleep 0.3; cat; } | grep '"n"' | cksum)"
is 'a slow writer of the input loses no record' \
    "$(cksum <records)" "$({ head -n 3 large; sleep 0.3
    sed 1,3d large; } | etl-via cat 2>err | grep '"n"' | cksum)"
{
	echo "$begin"
	for n in 1 2 3; do
		printf '{"n":%d,"t":"' $n
		head -c 3000000 /dev/zero | tr '\0' x
		echo '"}'
	done
	printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":3,"dropped":0,"rejected":0}]}\n'
} >wide
in=wide
is 'records of 3 MB pass' 0 "$(via sort -r)"
is 'all records of 3 MB come out, in the order of the command' '[3,3,0] 3 2 1' \
    "$(out_counts) $(cut -c 1-6 out | grep -o '[0-9]' | paste -sd' ')"
in=large

# feed: the test writes to descriptor 4 the input of the process just started
# ($pid); out and err are new.
feed() {
	pid=$!
	rm -f out err
	exec 4>fifo
}

# etl-via holds nothing back: begin and rejects pass although the command has
# written nothing, and output of the command passes while the input is open.
mkfifo fifo
etl-via sort <fifo >out 2>err &
feed
printf '%s\n' "$begin" '{"n":2}' >&4
ok 'the mark begin passes before the command writes anything' \
    wait_until 20 grep -q '"via"' out
echo "$reject" >&4
ok 'a reject passes before the command writes anything' \
    wait_until 20 grep -q '"reject"' out
is 'the records wait in sort until the input ends' 0 "$(grep -c '"n"' out || :)"
sed -n '$p' large | sed 's/50000/1/' >&4
exec 4>&-
wait_for_pid
is 'sort writes its records after the input ends: the stream has its end' \
    "0 end" "$rc $(tail -n 1 out | jq -r '."@etl"')"
etl-via sed -u 's/2/3/' <fifo >out 2>err &
feed
printf '%s\n' "$begin" '{"n":2}' >&4
ok 'a record passes at once if the command does not hold it' \
    wait_until 20 grep -q '"n":3' out

# A stop signal ends the command and the processes that it started.
kill -TERM $pid
wait_for_pid
exec 4>&-
is 'etl-via stopped by TERM exits by this signal (143)' 143 $rc
like 'the stream ends with a failed mark of code 75 that names TERM' \
    '"failed".*"code":75,.*TERM' "$(tail -n 1 out)"
etl-via sh -c 'sleep 600 & echo $$ $! >pids; sleep 600; :' <fifo >out 2>err &
feed
echo "$begin" >&4
ok 'the command has started a child process' wait_until 20 test -s pids
kill -TERM $pid
wait_for_pid
exec 4>&-
read -r parent child <pids
ok 'TERM ends the command' wait_until 20 has_exited "$parent"
ok 'TERM ends the child process of the command' \
    wait_until 20 has_exited "$child"
like 'TERM while the command only waits: a failed mark names TERM' \
    '"failed".*TERM' "$(tail -n 1 out)"
etl-via sh -c 'trap "" TERM; sleep 60 & echo $$ $! >pids; echo "{}"; wait' \
    <fifo >out 2>err &
feed
echo "$begin" >&4
ok 'a command that ignores TERM is running' wait_until 20 grep -q '{}' out
kill -TERM $pid
wait_for_pid
exec 4>&-
is 'a command that ignores TERM is killed: etl-via exits with 143' 143 $rc
read -r parent child <pids
ok 'the child process of a command that ignores TERM is killed' \
    wait_until 20 has_exited "$child"

# The command exits, or closes its input, while etl-via waits for input.
etl-via sh -c 'exit 7' <fifo >out 2>err &
feed
echo "$begin" >&4
wait_for_pid
exec 4>&-
is 'a command that fails ends etl-via with 69 before more input comes' 69 $rc
etl-via sh -c 'head -n 1 >&2; exit 0' <fifo >out 2>err &
feed
printf '%s\n' "$begin" '{"n":1}' >&4
wait_until 20 grep -q n err
printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}\n' >&4
exec 4>&-
wait_for_pid
is 'a command that exits after it read all its input is no error' 0 $rc
etl-via sh -c 'head -n 1 >&2; exit 0' <fifo >out 2>err &
feed
printf '%s\n' "$begin" '{"n":1}' >&4
wait_until 20 grep -q n err
printf '{"n":2}\n' >&4
wait_for_pid
exec 4>&-
is 'a command that exits and leaves one record unread is an error (69)' 69 $rc
etl-via sh -c 'exec <&-; echo "{}"; sleep 60' <fifo >out 2>err &
feed
echo "$begin" >&4
ok 'a command that has closed its input is running' \
    wait_until 20 grep -q '{}' out
echo '{"n":1}' >&4
wait_for_pid
exec 4>&-
is 'a command that has closed its input fails etl-via without a wait' \
    '69 etl-via: sh: did not read all of its input: the command must read every record' \
    "$rc $(cat err)"

# Standard output is closed by its reader, is full, or was never open.
rc=0
{ etl-via yes '{}' <large 2>err || echo $? >rc; } | head -n 1 >out
is 'if the reader exits, SIGPIPE ends etl-via without a message' \
    '141 ' "$(cat rc) $(cat err)"
is 'a full disk at standard output exits with 74' \
    74 "$(rc=0; etl-via cat <large >/dev/full 2>err ||
    rc=$?; echo $rc)"
is 'a closed standard output exits with 74' \
    74 "$(rc=0; etl-via cat <large >&- 2>err ||
    rc=$?; echo $rc)"
is 'a closed standard input exits with 74' \
    74 "$(rc=0; etl-via cat <&- >out 2>err || rc=$?
    echo $rc)"

# The signal actions and file descriptors that the command inherits.
is 'a command runs if etl-via inherited ignored SIGPIPE and SIGXFSZ' \
    0 "$(limit=30 status \
    env --ignore-signal=PIPE --ignore-signal=XFSZ etl-via sh -c '
	grep SigIgn /proc/self/status >&2; cat' <large)"
is 'the command has the default action for SIGPIPE and SIGXFSZ' 0 \
    $((0x$(sed -n 's/^SigIgn:[^0-9a-f]*//p' err) & 0x1001000))
is 'etl-via succeeds if it inherited an ignored SIGCHLD' 0 \
    "$(limit=30 status env --ignore-signal=CHLD etl-via cat <large)"
look='ls /proc/self/fd >&2; cat'
plain=$(sh -c "$look" <records 2>&1 >out | paste -sd' ')
is 'the command inherits no descriptor that etl-via opened' "$plain" \
    "$(etl-via sh -c "$look" <large 2>&1 >out | paste -sd' ')"
is 'the command does not inherit file descriptor 3' "$plain " \
    "$(etl-via sh -c "$look" <large 2>&1 >out 3>three |
    paste -sd' ') $(cat three)"
is 'etl-via succeeds if file descriptor 3 is standard output' \
    0 "$(status sh -c '
    etl-via sh -c "ls -l /proc/self/fd/3 >&2; cat" <large 3>&1')"
unlike 'a file descriptor 3 that is standard output is not inherited' \
    'pipe|/out' "$(cat err)"
is 'the standard error of the command is that of etl-via' \
    'hello' "$(etl-via sh -c 'cat; echo hello >&2' \
    <large 2>&1 >out)"

# Memory is bounded if the command or the reader of the output reads nothing:
# the input has no end, and once etl-via has stopped reading it, its largest
# resident size (in kB) is compared.
# reads_no_more PID: the process has read nothing for 0.3 seconds.
reads_no_more() {
	a=$(grep rchar "/proc/$1/io")
	sleep 0.3
	[ "$a" = "$(grep rchar "/proc/$1/io")" ]
}
endless() {
	echo "$begin"
	yes '{"n":1,"text":"some text or other, again and again"}'
}
mkfifo in out.fifo
for side in CMD reader; do
	endless >in 2>/dev/null &
	feeder=$!
	if [ $side = CMD ]; then
		etl-via sleep 60 <in >out.fifo 2>err &
	else
		etl-via cat <in >out.fifo 2>err &
	fi
	pid=$!
	exec 5<out.fifo
	ok "a $side that reads nothing: etl-via stops reading its input" \
	    wait_until 20 reads_no_more $pid
	most=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' /proc/$pid/status)
	case $ETL_BUILD in
	*san*) bound=200000 ;;
	*) bound=16000 ;;
	esac
	ok "a $side that reads nothing: etl-via uses only $most kB" \
	    test "$most" -lt $bound
	kill -TERM $pid
	exec 5<&-
	wait_for_pid
	kill $feeder 2>/dev/null || :
	wait $feeder 2>/dev/null || :
done
cd "$top"
done_testing
