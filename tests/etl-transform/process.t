#!/bin/sh
# The processes of etl-transform when a filter runs away or crashes, a signal
# arrives, or a disk is full.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh

# Also with sanitizers an allocation that fails must return NULL.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}allocator_may_return_null=1
export ASAN_OPTIONS

# transform ARG...: prints the exit status of etl-transform on the input in; its
# output is in out, its rejects are in rej as "CODE LINE MESSAGE".
transform() {
	: >"$scratch/3"
	limit=60 status etl-transform --max-rejects 1000 \
	    --rejects "$scratch/3" "$@" <"$scratch/in"
	jq -r '"\(.code) \(.origin.line) \(.message)"' "$scratch/3" \
	    >"$scratch/rej"
}
children() {
	cat "/proc/$1/task/$1/children" 2>/dev/null
}
have_exited() {
	for pid in "$@"; do
		! kill -0 "$pid" 2>/dev/null || return 1
	done
}

# A record at which the filter runs away or crashes is one reject, and the
# other records pass.
seq 1 9 | sed 's/.*/{"a":&}/' >"$scratch/in"
all=$(grep -v 5 "$scratch/in")
while IFS='|' read -r code filter; do
	is "a filter that runs away or crashes exits with 0: $filter" \
	    0 "$(transform --time-limit 400ms --memory-limit 200MiB \
	    "if .a == 5 then $filter else . end")"
	is 'the records beside one that broke the filter pass' \
	    "$all" "$(cat "$scratch/out")"
	is "the record that broke the filter is a reject $code 5" \
	    "$code 5" "$(cut -d' ' -f1,2 "$scratch/rej")"
done <<'EOF'
timeout|def f: f; f
timeout|("x" | until(false; gsub("^x"; "x")))
timeout|last(repeat(1))
timeout|[range(1e9)]
timeout|[range(1000000000)]
timeout|(reduce range(1e9) as $i (""; . + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))
filter|(1e300 | todate)
EOF
is 'a filter that makes a value 1,000,000 levels deep succeeds' \
    0 "$(transform --time-limit 60s \
    'if .a == 5 then {a: (reduce range(1e6) as $i (.; [.]))}
    else . end')"
is 'a value that is too deep is one reject' \
    'filter 5' "$(cut -d' ' -f1,2 "$scratch/rej")"
is 'the records beside one that is made too deep pass' \
    "$all" "$(cat "$scratch/out")"
is 'a filter that crashes at every record succeeds' \
    0 "$(transform '1e300 | todate')"
is 'the rejects of nine crashes are in the order of the input' \
    "$(seq 1 9)" "$(cut -d' ' -f2 "$scratch/rej")"
is 'a filter that exceeds --time-limit succeeds with a reject' \
    0 "$(transform --time-limit 200ms 'select(.a == 1) |
    def f: f; f')"
is 'the message names --time-limit and its value' \
    'timeout 1 the filter took longer than --time-limit 0.2s' \
    "$(cat "$scratch/rej")"
is 'a filter that exceeds --memory-limit succeeds with a reject' \
    0 "$(transform --time-limit 55s \
    --memory-limit 50MiB 'select(.a == 1) | [range(1e9)]')"
is 'the message names --memory-limit and its value' \
    "timeout 1 the filter needs more memory than --memory-limit $((
    50 * 1048576))" "$(cat "$scratch/rej")"
for engine in auto jq; do
	in_memory "--engine $engine stays near --memory-limit" 100000 1000000 \
	    etl-transform --engine $engine --time-limit 55s \
	    --memory-limit 50MiB --max-rejects 9 --rejects /dev/null \
	    'select(.a == 1) | [range(1000000000)]' <"$scratch/in"
done
python3 -c 'for _ in range(3):
    print("{\"a\":\"%s\"}" % ("\\\"" * (8388608 - 4)))' >"$scratch/large"
in_memory 'rejects of 8 MB take bounded memory' 65536 1000000 etl-transform \
    --max-rejects 9 --rejects "$scratch/aside" 'error("x")' <"$scratch/large"
jq -r .raw "$scratch/aside" >"$scratch/raw"
ok 'rejects of 8 MB keep their bytes' cmp "$scratch/large" "$scratch/raw"
rm "$scratch/large" "$scratch/aside" "$scratch/raw"
# whole_or_rejected FILTER: with each memory limit the record of $scratch/in
# comes out as $scratch/wanted, or it is rejected.
whole_or_rejected() {
	for engine in auto jq; do
		wrong=
		for mib in 2 3 4 5 6 8 10 11 12 13 14 16 18 20; do
			rc=$(transform --std --engine $engine \
			    --memory-limit ${mib}MiB "$1")
			case $rc$(cut -d' ' -f1 "$scratch/rej") in
			0) cmp -s "$scratch/out" "$scratch/wanted" ;;
			0timeout) ! test -s "$scratch/out" ;;
			*) false ;;
			esac || wrong="$wrong $mib"
		done
		is "with --engine $engine at each memory limit a record is whole or rejected: $1" \
		    '' "$wrong"
	done
}
text=$(head -c 4000000 /dev/zero | tr '\0' x)
printf '{"a":"\\u0058%s"}\n' "$text" >"$scratch/in"
printf '{"a":"X%s"}\n' "$text" >"$scratch/wanted"
whole_or_rejected '{a}'
printf '{"a":" X%s"}\n' "$text" >"$scratch/in"
whole_or_rejected '.a |= normalize_text'
printf '{"a":"x%s"}\n' "$text" >"$scratch/in"
whole_or_rejected '.a |= title_case'
text=
seq 1 200000 | awk '{ printf "%s%d.0", NR == 1 ? "{\"a\":[" : ",", $1 }
    END { print "]}" }' >"$scratch/in"
cp "$scratch/in" "$scratch/wanted"
whole_or_rejected .
seq 1 9 | sed 's/.*/{"a":&}/' >"$scratch/in"
is 'a filter with endless output at one record succeeds' \
    0 "$(transform 'if .a == 5 then range(1e9) | {a: .} else . end')"
is 'endless output is one reject with the code timeout' \
    'timeout 5' "$(cut -d' ' -f1,2 "$scratch/rej")"
is 'the records beside one with endless output pass' \
    "$all" "$(cat "$scratch/out")"
seq 1 5000 | sed 's/.*/{"a":&}/' >"$scratch/in"
is 'a filter that crashes at ten of 5,000 records succeeds' \
    0 "$(transform 'if .a % 500 == 7 then 1e300 | todate
    elif .a % 3 == 0 then ., . elif .a % 5 == 0 then empty else . end')"
seq 1 5000 | awk '$1 % 500 == 7 { next } { print "{\"a\":" $1 "}" }
    $1 % 3 == 0 { print "{\"a\":" $1 "}" }' | awk -F '[:}]' '
    $2 % 5 || $2 % 3 == 0' >"$scratch/wanted"
ok 'records around ten crashes stay in order' \
    cmp "$scratch/wanted" "$scratch/out"
is 'ten crashes make ten rejects' 10 "$(grep -c '^filter' "$scratch/rej")"

# Each record comes out before the next one goes in.
mkfifo "$scratch/to" "$scratch/from"
etl-transform --std '.b = (.a | to_int)' <"$scratch/to" >"$scratch/from" \
    3>"$scratch/3" &
pid=$!
at_exit "kill -9 $pid 2>/dev/null"
exec 7>"$scratch/to" 8<"$scratch/from"
for i in 1 2 3; do
	echo "{\"a\":\"$i\"}" >&7
	is "record $i comes out before the next one goes in" \
	    "{\"a\":\"$i\",\"b\":$i}" \
	    "$(timeout 10 head -n 1 <&8)"
done

# The worker process is killed while it waits, later while it has a record.
keeper=$(children $pid | tr -d ' ')
worker=$(children "$keeper" | tr -d ' ')
kill -9 "$worker"
echo '{"a":"4"}' >&7
is 'a worker killed while it waits is replaced and loses no record' \
    '{"a":"4","b":4}' \
    "$(timeout 10 head -n 1 <&8)"
exec 7>&-
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'etl-transform exits with 0 after its idle worker was killed' 0 $rc
is 'a worker killed while it waits makes no reject' '' "$(cat "$scratch/3")"
ok 'keeper and worker exit with etl-transform' \
    wait_until 30 have_exited "$keeper" "$worker"
exec 8<&-

# start NAME FILTER: etl-transform in the background, with three records to
# read; its process ids are in pid, keeper and worker.
start() {
	mkfifo "$scratch/in$1"
	etl-transform --time-limit 50s "$2" <"$scratch/in$1" \
	    >"$scratch/out$1" 2>"$scratch/err$1" 3>"$scratch/3$1" &
	pid=$!
	exec 7>"$scratch/in$1"
	printf '{"a":1}\n{"a":2}\n{"a":3}\n' >&7
	ok "$1: the worker process is running" wait_until 10 worker_of $pid
	keeper=$(children $pid | tr -d ' ')
	worker=$(children "$keeper" | tr -d ' ')
	at_exit "kill -9 $pid 2>/dev/null"
}
worker_of() {
	keeper=$(children "$1" | tr -d ' ')
	[ -n "$keeper" ] && [ -n "$(children "$keeper")" ]
}
close_input_and_wait() {
	exec 7>&-
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
}
busy='if .a == 2 then def f: f; f else . end'
# computes: the worker has used 0.2 s: it has come to the second record, whose
# filter has no end.
computes() {
	[ "$(awk '{ print $14 + $15 }' "/proc/$worker/stat")" -ge 20 ]
}
start held "$busy"
wait_until 30 computes
kill -9 "$worker"
close_input_and_wait
is 'a worker killed at a record does not end etl-transform' 0 $rc
is 'the records beside one whose worker was killed pass' '{"a":1}
{"a":3}' "$(cat "$scratch/outheld")"
is 'the record whose worker was killed is the one reject' \
    'filter 2 Killed' "$(jq -r \
    '"\(.code) \(.origin.line) \(.message | split(": ")[1])"' \
    "$scratch/3held")"

start keeper "$busy"
sleep 0.3
kill -9 "$keeper"
close_input_and_wait
is 'a killed keeper process makes etl-transform exit with 75' 75 $rc
like 'the message says that the keeper process was killed' \
    '^etl-transform: .*killed' "$(cat "$scratch/errkeeper")"
ok 'the worker exits when its keeper process was killed' \
    wait_until 30 have_exited "$worker"

for signal in TERM:15 HUP:1 KILL:9; do
	number=${signal#*:} signal=${signal%:*}
	start "$signal" "$busy"
	sleep 0.3
	before=$(date +%s%N)
	kill -s "$signal" $pid
	close_input_and_wait
	is "$signal: etl-transform exits by this signal" $((128 + number)) $rc
	ok "$signal: etl-transform exits long before the --time-limit of 50 s" \
	    test $(($(date +%s%N) - before)) -lt 20000000000
	ok "$signal: keeper and worker exit too" \
	    wait_until 30 have_exited "$keeper" "$worker"
	is "$signal: only whole lines were written" "$(grep -c '^{.*}$' \
	    "$scratch/out$signal" || :)" "$(wc -l <"$scratch/out$signal")"
done

# The reader of standard output does not read.
yes '{"a":"01234567890123456789012345678901234567890123456789"}' |
    head -n 50000 >"$scratch/in"
mkfifo "$scratch/full"
etl-transform . <"$scratch/in" >"$scratch/full" 2>"$scratch/err" &
pid=$!
at_exit "kill -9 $pid 2>/dev/null"
exec 8<"$scratch/full"
bytes_written() {
	sed -n 's/^wchar: //p' "/proc/$pid/io"
}
is_blocked() {
	before=$(bytes_written)
	sleep 1
	[ "$before" -gt 60000 ] && [ "$before" -eq "$(bytes_written)" ]
}
ok 'etl-transform is blocked by a reader that does not read' \
    wait_until 10 is_blocked
kill -TERM $pid
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'TERM ends etl-transform while its output is blocked' 143 $rc
is 'TERM: the message says that the reader blocked standard output' \
    'etl-transform: stopped by signal TERM while the program that'\
' reads standard output did not read' "$(cat "$scratch/err")"
exec 8<&-

start stop "$busy"
kill -STOP $pid
sleep 0.3
kill -CONT $pid
kill -9 "$worker"
close_input_and_wait
is 'etl-transform goes on after STOP and CONT' 0 $rc

# The shared memory of a large output is freed before the next record.
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
ok 'outputs of 60 MB in all come out' wait_until 60 all_out
shared=$(sed -n 's/^RssShmem:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
ok "a large output leaves no shared memory in use ($shared KiB)" \
    test "$shared" -lt 8000
exec 7>&-
wait $pid

# Many errors do not make a worker grow; a sanitizer has memory of its own, so
# its bound is higher.
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
ok '50,000 errors make 50,000 rejects' wait_until 60 all_there
keeper=$(children $pid | tr -d ' ')
peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' \
    "/proc/$(children "$keeper" | tr -d ' ')/status")
case $etl_build in
*/san) most=1000000 ;;
*) most=12000 ;;
esac
ok "50,000 errors: the worker took $peak KiB, less than $most" \
    test "$peak" -lt $most
exec 7>&-
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is '50,000 errors within --max-rejects exit with 0' 0 $rc

# Standard descriptors and file descriptor 3 that are closed, full, read-only
# or too few.
echo '{"a":1}' >"$scratch/in"
for fd in '3>&-' '3</dev/null' '3</dev/null 0</dev/null'; do
	is "$fd: no descriptor for rejects is no error without rejects" 0 \
	    "$(status sh -c "etl-transform . $fd" <"$scratch/in")"
	is "$fd: a reject with nowhere to go exits with 65" 65 "$(status sh -c \
	    "etl-transform error <'$scratch/in' ${fd%% *}")"
done
like 'the message says how to give a file for rejects' \
    '3>>rejects' "$(cat "$scratch/err")"
for n in 8 10 11 12 16; do
	case $(status sh -c "ulimit -n $n; etl-transform ." <"$scratch/in") in
	0 | 74 | 75) check "$n descriptors: exit code 0, 74 or 75" \
	    0 ;;
	*) check "$n descriptors: exit code 0, 74 or 75" 1 ;;
	esac
done
is 'rejects may go to standard output with 3>&1' \
    0 "$(status sh -c 'etl-transform --max-rejects 9 error 3>&1' \
    <"$scratch/in")"
like '3>&1 writes the reject to standard output' \
    '^{"@etl":"reject"' "$(cat "$scratch/out")"
is 'a full disk at standard output exits with 74' \
    74 "$(status sh -c 'etl-transform . >/dev/full' \
    <"$scratch/in")"
is 'a full disk at file descriptor 3 exits with 74' \
    74 "$(status sh -c 'etl-transform error 3>/dev/full' \
    <"$scratch/in")"
is 'a closed standard output exits with 74' \
    74 "$(status sh -c 'etl-transform . >&-' <"$scratch/in")"
is 'a closed standard input exits with 74' \
    74 "$(status sh -c 'etl-transform . <&-')"
is 'a closed standard error is no error' \
    0 "$(status sh -c 'etl-transform debug 2>&-' \
    <"$scratch/in")"
yes '{"a":1}' | head -n 300000 >"$scratch/in"
is 'a reader may close the pipe after one line' \
    '{"a":1}' "$(etl-transform . <"$scratch/in" \
    2>"$scratch/err" | head -n 1)"
is 'a reader that closes the pipe causes no message' '' "$(cat "$scratch/err")"
is 'a reader may close the pipe while SIGPIPE is ignored' \
    '{"a":1}' "$(trap '' PIPE; etl-transform . \
    <"$scratch/in" 2>"$scratch/err" | head -n 1)"
is 'a closed pipe causes no message while SIGPIPE is ignored' \
    '' "$(cat "$scratch/err")"
is 'a limit of file size exits with 74' \
    74 "$(status sh -c 'ulimit -f 1; trap "" XFSZ
    etl-transform . >"$1"' - "$scratch/big" <"$scratch/in")"
is 'more rejects than --max-rejects exit with 1' \
    1 "$(status etl-transform --max-rejects 5 \
    --rejects /dev/null error <"$scratch/in")"
is 'a stream that is rejected from the start exits with 1' \
    1 "$(status etl-transform --rejects /dev/null error \
    <"$scratch/in")"
done_testing
