#!/bin/sh
# The command as a process: every pattern of buffering, back-pressure, memory,
# signals, descriptors.
# shellcheck disable=SC2016 # the commands' own $
. tests/support/lib.sh

cd "$scratch"
begin='{"@etl":"begin","v":1,"id":"b1","stages":["extract"]}'
# stream N FILE: N records, about 40 bytes each.
stream() {
	echo "$begin"
	seq 1 "$1" | sed 's/.*/{"n":&,"text":"some text or other"}/'
	printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":0}]}\n' "$1"
}
# ended: waits for $pid, bounded; its status in $rc.
gone() {
	[ ! -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}
ended() {
	wait_until 30 gone "$pid" || kill -9 "$pid"
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

# reads and writes BYTES: CMD in Python with these sizes, in this order.
cat >pattern.py <<'EOP'
import os, sys
how, size = sys.argv[1], int(sys.argv[2])
if how == "echo":               # reads and writes in pieces of this size
    while data := os.read(0, size):
        while data:
            data = data[os.write(1, data[:size]):]
elif how == "first":            # writes this much before it reads anything
    line = b'{"first":1}\n'
    for i in range(size // len(line)):
        os.write(1, line)
    while os.read(0, 65536):
        pass
elif how == "last":             # reads all, and then writes this much of each
    data = sys.stdin.buffer.read()
    sys.stdout.buffer.write(data * size)
elif how == "more":             # many lines for each that it reads
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(line * size)
EOP
pattern() {
	via python3 pattern.py "$@"
}
for size in 1000 4096 65537 3000000; do
	is "pieces of $size" 0 "$(pattern echo $size)"
	is "pieces of $size: every byte" "$(cksum <records)" \
	    "$(grep '"n"' out | cksum)"
done
is 'all read first' 0 "$(pattern last 3)"
is 'all read first: counts' '[50000,150000,0]' "$(out_counts)"
is '3 MB written first, nothing read' 0 "$(pattern first 3000000)"
is '3 MB written first: counts' '[50000,250000,0]' "$(out_counts)"
is 'ten for one' 0 "$(pattern more 10)"
is 'ten for one: counts' '[50000,500000,0]' "$(out_counts)"
is 'to a slow reader' "$(cksum <records)" "$(etl-via cat <large |
    { sleep 0.3; cat; } | grep '"n"' | cksum)"
is 'of a slow writer' "$(cksum <records)" "$({ head -n 3 large; sleep 0.3
    sed 1,3d large; } | etl-via cat | grep '"n"' | cksum)"
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
is 'wide records' 0 "$(via sort -r)"
is 'wide records: all of them' '[3,3,0] 3 2 1' \
    "$(out_counts) $(cut -c 1-6 out | grep -o '[0-9]' | paste -sd' ')"
in=large

# feed: its input is 4; out and err are new.
feed() {
	pid=$!
	rm -f out err
	exec 4>fifo
}

# Nothing waits: begin and rejects come although CMD says nothing, and what it
# says comes while the input is open.
mkfifo fifo
etl-via sort <fifo >out 2>err &
feed
printf '%s\n' "$begin" '{"n":2}' >&4
ok 'begin passes at once' wait_until 20 grep -q '"via"' out
echo "$reject" >&4
ok 'a reject passes at once' wait_until 20 grep -q '"reject"' out
is 'sort holds its records' 0 "$(grep -c '"n"' out || :)"
sed -n '$p' large | sed 's/50000/1/' >&4
exec 4>&-
ended
is 'and the stream is whole' "0 end" "$rc $(tail -n 1 out | jq -r '."@etl"')"
etl-via sed -u 's/2/3/' <fifo >out 2>err &
feed
printf '%s\n' "$begin" '{"n":2}' >&4
ok 'a record passes at once' wait_until 20 grep -q '"n":3' out

# A stop signal ends CMD and what it started.
kill -TERM $pid
ended
exec 4>&-
is 'TERM: dies of it' 143 $rc
like 'TERM: says so' '"failed".*"code":75,.*TERM' "$(tail -n 1 out)"
etl-via sh -c 'sleep 600 & echo $$ $! >pids; sleep 600; :' <fifo >out 2>err &
feed
echo "$begin" >&4
ok 'CMD has children' wait_until 20 test -s pids
kill -TERM $pid
ended
exec 4>&-
read -r parent child <pids
ok 'TERM: CMD has gone' wait_until 20 gone "$parent"
ok 'TERM: its child too' wait_until 20 gone "$child"
like 'TERM while it only waits' '"failed".*TERM' "$(tail -n 1 out)"
etl-via sh -c 'trap "" TERM; sleep 60 & echo $$ $! >pids; echo "{}"; wait' \
    <fifo >out 2>err &
feed
echo "$begin" >&4
ok 'CMD that ignores TERM runs' wait_until 20 grep -q '{}' out
kill -TERM $pid
ended
exec 4>&-
is 'is killed all the same' 143 $rc
read -r parent child <pids
ok 'and its child too' wait_until 20 gone "$child"

# CMD is gone, by its own will or not, while no input comes.
etl-via sh -c 'exit 7' <fifo >out 2>err &
feed
echo "$begin" >&4
ended
exec 4>&-
is 'a failure is told before the next record' 69 $rc
etl-via sh -c 'head -n 1 >&2; exit 0' <fifo >out 2>err &
feed
printf '%s\n' "$begin" '{"n":1}' >&4
wait_until 20 grep -q n err
printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}\n' >&4
exec 4>&-
ended
is 'one that ends early, all read, is well' 0 $rc
etl-via sh -c 'head -n 1 >&2; exit 0' <fifo >out 2>err &
feed
printf '%s\n' "$begin" '{"n":1}' >&4
wait_until 20 grep -q n err
printf '{"n":2}\n' >&4
ended
exec 4>&-
is 'one more record, unread' 69 $rc
etl-via sh -c 'exec <&-; echo "{}"; sleep 60' <fifo >out 2>err &
feed
echo "$begin" >&4
ok 'one that closes its input runs' wait_until 20 grep -q '{}' out
echo '{"n":1}' >&4
ended
exec 4>&-
is 'it is not waited for' \
    '69 etl-via: sh: did not read all of its input: the command must read every record' \
    "$rc $(cat err)"

# The reader of our output goes.
rc=0
{ etl-via yes '{}' <large 2>err || echo $? >rc; } | head -n 1 >out
is 'nobody reads: dies of SIGPIPE, quietly' '141 ' "$(cat rc) $(cat err)"
is 'a full disk' 74 "$(rc=0; etl-via cat <large >/dev/full 2>err ||
    rc=$?; echo $rc)"
is 'a closed output' 74 "$(rc=0; etl-via cat <large >&- 2>err ||
    rc=$?; echo $rc)"
is 'a closed input' 74 "$(rc=0; etl-via cat <&- >out 2>err || rc=$?
    echo $rc)"

# What CMD finds.
is 'SIGPIPE and SIGXFSZ are at their defaults in it' 0 "$(limit=30 status \
    env --ignore-signal=PIPE --ignore-signal=XFSZ etl-via sh -c '
	grep SigIgn /proc/self/status >&2; cat' <large)"
is 'SIGPIPE and SIGXFSZ: not ignored' 0 \
    $((0x$(sed -n 's/^SigIgn:[^0-9a-f]*//p' err) & 0x1001000))
is 'an ignored SIGCHLD does no harm' 0 \
    "$(limit=30 status env --ignore-signal=CHLD etl-via cat <large)"
look='ls /proc/self/fd >&2; cat'
plain=$(sh -c "$look" <records 2>&1 >out | paste -sd' ')
is 'descriptors: none of ours' "$plain" \
    "$(etl-via sh -c "$look" <large 2>&1 >out | paste -sd' ')"
is 'descriptor 3 is not given on' "$plain " \
    "$(etl-via sh -c "$look" <large 2>&1 >out 3>three |
    paste -sd' ') $(cat three)"
is 'nor one that is standard output' 0 "$(status sh -c '
    etl-via sh -c "ls -l /proc/self/fd/3 >&2; cat" <large 3>&1')"
unlike 'nor one that is standard output: a folder' 'pipe|/out' "$(cat err)"
is 'its stderr is ours' 'hello' "$(etl-via sh -c 'cat; echo hello >&2' \
    <large 2>&1 >out)"

# Memory is bounded, whichever side does not move.  FILE of records without
# end; kB of its largest memory, once it takes no more.
still() {
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
	ok "a $side that takes nothing: it takes no more" wait_until 20 still $pid
	most=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' /proc/$pid/status)
	case $ETL_BUILD in
	*san*) bound=200000 ;;
	*) bound=16000 ;;
	esac
	ok "a $side that takes nothing: $most kB" test "$most" -lt $bound
	kill -TERM $pid
	exec 5<&-
	ended
	kill $feeder 2>/dev/null || :
	wait $feeder 2>/dev/null || :
done
cd "$top"
done_testing
