#!/bin/sh
# What a filter, a signal or a full disk does to the processes.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh

# With sanitizers, too, memory that is out is told to the program.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}allocator_may_return_null=1
export ASAN_OPTIONS

# t ARG...: as in filter.t.
t() {
	: >"$scratch/3"
	limit=60 status etl-transform --max-rejects 1000 \
	    --rejects "$scratch/3" "$@" <"$scratch/in"
	jq -r '"\(.code) \(.origin.line) \(.message)"' "$scratch/3" \
	    >"$scratch/rej"
}
children() {
	cat "/proc/$1/task/$1/children" 2>/dev/null
}
gone() {
	for pid in "$@"; do
		! kill -0 "$pid" 2>/dev/null || return 1
	done
}

# Each is one reject, and the rest goes on.
seq 1 9 | sed 's/.*/{"a":&}/' >"$scratch/in"
all=$(grep -v 5 "$scratch/in")
while IFS='|' read -r code filter; do
	is "$filter" 0 "$(t --time-limit 400ms --memory-limit 200MiB \
	    "if .a == 5 then $filter else . end")"
	is 'the others pass' "$all" "$(cat "$scratch/out")"
	is "code and line" "$code 5" "$(cut -d' ' -f1,2 "$scratch/rej")"
done <<'EOF'
timeout|def f: f; f
timeout|("x" | until(false; gsub("^x"; "x")))
timeout|last(repeat(1))
timeout|[range(1e9)]
timeout|(reduce range(1e9) as $i (""; . + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))
filter|(1e300 | todate)
EOF
is 'deep' 0 "$(t 'if .a == 5 then {a: (reduce range(1e6) as $i (.; [.]))}
    else . end')"
is 'is one reject' 'filter 5' "$(cut -d' ' -f1,2 "$scratch/rej")"
is 'others pass' "$all" "$(cat "$scratch/out")"
is 'all of them' 0 "$(t '1e300 | todate')"
is 'in order' "$(seq 1 9)" "$(cut -d' ' -f2 "$scratch/rej")"
is 'a limit names itself' 0 "$(t --time-limit 200ms 'select(.a == 1) |
    def f: f; f')"
is 'time' 'timeout 1 the filter took longer than --time-limit 0.2s' \
    "$(cat "$scratch/rej")"
is 'memory' 0 "$(t --time-limit 55s \
    --memory-limit 50MiB 'select(.a == 1) | [range(1e9)]')"
is 'says so' "timeout 1 the filter needs more memory than --memory-limit $((
    50 * 1048576))" "$(cat "$scratch/rej")"
in_memory 'memory: no more than that' 100000 1000000 \
    etl-transform --time-limit 55s --memory-limit 50MiB --max-rejects 9 \
    --rejects /dev/null 'select(.a == 1) | [range(1e9)]' <"$scratch/in"
python3 -c 'for _ in range(3):
    print("{\"a\":\"%s\"}" % ("\\\"" * (8388608 - 4)))' >"$scratch/large"
in_memory 'large rejects: memory' 65536 1000000 etl-transform \
    --max-rejects 9 --rejects "$scratch/aside" 'error("x")' <"$scratch/large"
jq -r .raw "$scratch/aside" >"$scratch/raw"
ok 'large rejects: byte for byte' cmp "$scratch/large" "$scratch/raw"
rm "$scratch/large" "$scratch/aside" "$scratch/raw"
# whole FILTER: with any memory the record of $scratch/in comes out as
# $scratch/wanted, or not at all.
whole() {
	wrong=
	for mib in 2 3 4 5 6 8 10 11 12 13 14 16 18 20; do
		rc=$(t --std --memory-limit ${mib}MiB "$1")
		case $rc$(cut -d' ' -f1 "$scratch/rej") in
		0) cmp -s "$scratch/out" "$scratch/wanted" ;;
		0timeout) ! test -s "$scratch/out" ;;
		*) false ;;
		esac || wrong="$wrong $mib"
	done
	is "whole or not at all: $1" '' "$wrong"
}
text=$(head -c 4000000 /dev/zero | tr '\0' x)
printf '{"a":"\\u0058%s"}\n' "$text" >"$scratch/in"
printf '{"a":"X%s"}\n' "$text" >"$scratch/wanted"
whole '{a}'
printf '{"a":" X%s"}\n' "$text" >"$scratch/in"
whole '.a |= normalize_text'
printf '{"a":"x%s"}\n' "$text" >"$scratch/in"
whole '.a |= title_case'
text=
seq 1 200000 | awk '{ printf "%s%d.0", NR == 1 ? "{\"a\":[" : ",", $1 }
    END { print "]}" }' >"$scratch/in"
cp "$scratch/in" "$scratch/wanted"
whole .
seq 1 9 | sed 's/.*/{"a":&}/' >"$scratch/in"
is 'made too much' 0 "$(t 'if .a == 5 then range(1e9) | {a: .} else . end')"
is 'a limit too' 'timeout 5' "$(cut -d' ' -f1,2 "$scratch/rej")"
is 'others pass too' "$all" "$(cat "$scratch/out")"
seq 1 5000 | sed 's/.*/{"a":&}/' >"$scratch/in"
is 'order across many deaths' 0 "$(t 'if .a % 500 == 7 then 1e300 | todate
    elif .a % 3 == 0 then ., . elif .a % 5 == 0 then empty else . end')"
seq 1 5000 | awk '$1 % 500 == 7 { next } { print "{\"a\":" $1 "}" }
    $1 % 3 == 0 { print "{\"a\":" $1 "}" }' | awk -F '[:}]' '
    $2 % 5 || $2 % 3 == 0' >"$scratch/wanted"
ok 'is kept' cmp "$scratch/wanted" "$scratch/out"
is 'ten died' 10 "$(grep -c '^filter' "$scratch/rej")"

# Records come out as they come in.
mkfifo "$scratch/to" "$scratch/from"
etl-transform --std '.b = (.a | to_int)' <"$scratch/to" >"$scratch/from" \
    3>"$scratch/3" &
pid=$!
at_exit "kill -9 $pid 2>/dev/null"
exec 7>"$scratch/to" 8<"$scratch/from"
for i in 1 2 3; do
	echo "{\"a\":\"$i\"}" >&7
	is "record $i comes at once" "{\"a\":\"$i\",\"b\":$i}" \
	    "$(timeout 10 head -n 1 <&8)"
done

# The worker is killed while it waits, then while it holds a record.
keeper=$(children $pid | tr -d ' ')
worker=$(children "$keeper" | tr -d ' ')
kill -9 "$worker"
echo '{"a":"4"}' >&7
is 'killed idle: nothing is lost' '{"a":"4","b":4}' \
    "$(timeout 10 head -n 1 <&8)"
exec 7>&-
rc=0
wait $pid || rc=$?
is 'ends well' 0 $rc
is 'no reject' '' "$(cat "$scratch/3")"
ok 'no process is left' wait_until 5 gone "$keeper" "$worker"
exec 8<&-

# start FILTER: in the background, its first record taken.
start() {
	mkfifo "$scratch/in$1"
	etl-transform --time-limit 50s "$2" <"$scratch/in$1" \
	    >"$scratch/out$1" 2>"$scratch/err$1" 3>"$scratch/3$1" &
	pid=$!
	exec 7>"$scratch/in$1"
	printf '{"a":1}\n{"a":2}\n{"a":3}\n' >&7
	ok "$1: its worker runs" wait_until 10 worker_of $pid
	keeper=$(children $pid | tr -d ' ')
	worker=$(children "$keeper" | tr -d ' ')
	at_exit "kill -9 $pid 2>/dev/null"
}
worker_of() {
	keeper=$(children "$1" | tr -d ' ')
	[ -n "$keeper" ] && [ -n "$(children "$keeper")" ]
}
finish() {
	exec 7>&-
	rc=0
	wait $pid || rc=$?
}
busy='if .a == 2 then def f: f; f else . end'
start held "$busy"
sleep 0.5
kill -9 "$worker"
finish
is 'killed at work: ends well' 0 $rc
is 'the others pass' '{"a":1}
{"a":3}' "$(cat "$scratch/outheld")"
is 'it is the one reject' 'filter 2 Killed' "$(jq -r \
    '"\(.code) \(.origin.line) \(.message | split(": ")[1])"' \
    "$scratch/3held")"

start keeper "$busy"
sleep 0.3
kill -9 "$keeper"
finish
is 'its keeper killed: try later' 75 $rc
like 'says so' '^etl-transform: .*killed' "$(cat "$scratch/errkeeper")"
ok 'no worker is left' wait_until 5 gone "$worker"

for signal in TERM:15 HUP:1 KILL:9; do
	number=${signal#*:} signal=${signal%:*}
	start "$signal" "$busy"
	sleep 0.3
	before=$(date +%s%N)
	kill -s "$signal" $pid
	finish
	is "$signal: dies of it" $((128 + number)) $rc
	ok "$signal: within two seconds" \
	    test $(($(date +%s%N) - before)) -lt 2000000000
	ok "$signal: nobody is left" wait_until 5 gone "$keeper" "$worker"
	is "$signal: whole lines only" "$(grep -c '^{.*}$' \
	    "$scratch/out$signal" || :)" "$(wc -l <"$scratch/out$signal")"
done

# Nobody reads what it writes.
yes '{"a":"01234567890123456789012345678901234567890123456789"}' |
    head -n 50000 >"$scratch/in"
mkfifo "$scratch/full"
etl-transform . <"$scratch/in" >"$scratch/full" 2>"$scratch/err" &
pid=$!
at_exit "kill -9 $pid 2>/dev/null"
exec 8<"$scratch/full"
written() {
	sed -n 's/^wchar: //p' "/proc/$pid/io"
}
blocks() {
	before=$(written)
	sleep 1
	[ "$before" -gt 60000 ] && [ "$before" -eq "$(written)" ]
}
ok 'its output blocks' wait_until 10 blocks
kill -TERM $pid
rc=0
wait $pid || rc=$?
is 'TERM: dies of it' 143 $rc
is 'TERM: says why' 'etl-transform: stopped by signal TERM while the reader of'\
' standard output was blocked' "$(cat "$scratch/err")"
exec 8<&-

start stop "$busy"
kill -STOP $pid
sleep 0.3
kill -CONT $pid
kill -9 "$worker"
finish
is 'stopped and continued' 0 $rc

# What a large output took is given back before the next record.
mkfifo "$scratch/large"
etl-transform --memory-limit 0 '("x" * .n) as $x | range(4) | {p: $x}' \
    <"$scratch/large" >"$scratch/out" &
pid=$!
at_exit "kill -9 $pid 2>/dev/null"
exec 7>"$scratch/large"
printf '{"n":15000000}\n{"n":1}\n' >&7
all_out() {
	[ "$(wc -l <"$scratch/out")" -eq 8 ]
}
ok 'a large output' wait_until 60 all_out
shared=$(sed -n 's/^RssShmem:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
ok "takes no memory behind it ($shared KiB)" test "$shared" -lt 8000
exec 7>&-
wait $pid

# Many errors do not make a worker grow: a sanitizer's own memory aside.
mkfifo "$scratch/many"
etl-transform --max-rejects 100% 'error({no: .})' <"$scratch/many" \
    >/dev/null 3>"$scratch/3" &
pid=$!
at_exit "kill -9 $pid 2>/dev/null"
exec 7>"$scratch/many"
awk 'BEGIN { for (i = 0; i < 50000; i++) print "{\"a\":\"" i "\"}" }' >&7
all_there() {
	[ "$(wc -l <"$scratch/3")" -eq 50000 ]
}
ok '50,000 errors' wait_until 60 all_there
keeper=$(children $pid | tr -d ' ')
peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' \
    "/proc/$(children "$keeper" | tr -d ' ')/status")
case $etl_build in
*/san) most=1000000 ;;
*) most=12000 ;;
esac
ok "their worker took $peak KiB, less than $most" test "$peak" -lt $most
exec 7>&-
rc=0
wait $pid || rc=$?
is 'all is well' 0 $rc

# Descriptors.
echo '{"a":1}' >"$scratch/in"
for fd in '3>&-' '3</dev/null' '3</dev/null 0</dev/null'; do
	is "$fd: no reject, no matter" 0 \
	    "$(status sh -c "etl-transform . $fd" <"$scratch/in")"
	is "$fd: the first reject is fatal" 65 "$(status sh -c \
	    "etl-transform error <'$scratch/in' ${fd%% *}")"
done
like 'says what to do' '3>>rejects' "$(cat "$scratch/err")"
for n in 8 10 11 12 16; do
	case $(status sh -c "ulimit -n $n; etl-transform ." <"$scratch/in") in
	0 | 74 | 75) check "with $n descriptors" 0 ;;
	*) check "with $n descriptors" 1 ;;
	esac
done
is '3>&1' 0 "$(status sh -c 'etl-transform --max-rejects 9 error 3>&1' \
    <"$scratch/in")"
like 'in the stream' '^{"@etl":"reject"' "$(cat "$scratch/out")"
is 'full disk' 74 "$(status sh -c 'etl-transform . >/dev/full' \
    <"$scratch/in")"
is 'full disk of rejects' 74 "$(status sh -c 'etl-transform error 3>/dev/full' \
    <"$scratch/in")"
is 'stdout closed' 74 "$(status sh -c 'etl-transform . >&-' <"$scratch/in")"
is 'stdin closed' 74 "$(status sh -c 'etl-transform . <&-')"
is 'stderr closed' 0 "$(status sh -c 'etl-transform debug 2>&-' \
    <"$scratch/in")"
yes '{"a":1}' | head -n 300000 >"$scratch/in"
is 'a reader that leaves' '{"a":1}' "$(etl-transform . <"$scratch/in" \
    2>"$scratch/err" | head -n 1)"
is 'is no error' '' "$(cat "$scratch/err")"
is 'nor with SIGPIPE ignored' '{"a":1}' "$(trap '' PIPE; etl-transform . \
    <"$scratch/in" 2>"$scratch/err" | head -n 1)"
is 'quiet' '' "$(cat "$scratch/err")"
is 'a limit of file size' 74 "$(status sh -c 'ulimit -f 1; trap "" XFSZ
    etl-transform . >"$1"' - "$scratch/big" <"$scratch/in")"
is 'too many rejects' 1 "$(status etl-transform --max-rejects 5 \
    --rejects /dev/null error <"$scratch/in")"
is 'half of them' 1 "$(status etl-transform --rejects /dev/null error \
    <"$scratch/in")"
done_testing
