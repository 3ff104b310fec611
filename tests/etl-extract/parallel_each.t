#!/bin/sh
# --jobs for --each: several requests are under way at once, and the output is
# that of one request at a time.
. tests/support/lib.sh
. tests/etl-extract/alike.sh
api_start
runs=0 limit=15

# same LABEL TEMPLATE OPTION...: compares the runs with 1, 2 and 8 jobs, which read
# $scratch/in. Each run has URLs of its own, because the API counts how often it
# gets one; the number of the run is cut from messages.
same() {
	label=$1 template=$2
	shift 2
	for n in 1 2 8; do
		runs=$((runs + 1))
		: >"$api_log_file"
		rm -f "$scratch/r"
		status etl-extract --backoff 1ms..3s --jobs $n --rejects \
		    "$scratch/r" --max-rejects 100% --query-param run=$runs \
		    --each "$template" --as a --count-as n "$@" \
		    <"$scratch/in" >"$scratch/code"
		mv "$scratch/out" "$scratch/out.$n"
		[ ! -e "$scratch/r" ] || jq -c '[.code, .message, .origin,
		    .raw, .http_status, .retryable]' "$scratch/r" \
		    >>"$scratch/err"
		cat "$scratch/code" "$scratch/err" |
		    sed "s/run=$runs/run=N/g; s/until [^,]*,/until T,/" \
		    >"$scratch/said.$n"
	done
	alike "$label"
}
faulty() {
	label=$1 fault=$2
	shift 2
	same "$label" "$api/fault/on/%2F5%2Fcomments/fault/$fault/posts/{id}/comments" \
	    "$@"
}
connections() {
	cut -d' ' -f2 "$api_log_file" | sort -u | wc -l
}

seq 1 30 | sed 's/.*/{"id":&}/' >"$scratch/in"
same 'all answers are well' "$api/fault/slow/20/posts/{id}/comments"
is 'all answers are well: all records come out' 30 "$(wc -l <"$scratch/out.8")"
is 'no request is made in vain' 30 "$(api_log | wc -l)"
is 'eight requests are under way at once, on connections that are kept open' 8 \
    "$(connections)"
faulty 'a request fails once' status/503/1
faulty 'a connection is reset once' reset/1
faulty 'an answer is cut once' cut/200/1
faulty 'an answer is slow' slow/300
faulty 'an answer is missing' status/404
faulty 'an answer always fails' status/503 --retries 1
faulty 'an answer is not JSON' garbage
faulty 'an answer is refused' status/403
faulty 'an answer is ignored' status/404 --on 404=ignore
faulty 'an answer is rejected' status/403 --on 403=reject
faulty 'a request must wait' retry-after/1/429/1
faulty 'a request must wait too long' retry-after/1/429/3600
faulty 'an answer is too large' body/%5B%22aaaaaaaaaaaaaaaaaaaaaa%22%5D \
    --max-body 20

printf '%s\n' '{"id":1}' '{"id":' '' '[]' '{"id":2,"a":1}' '{"x":1}' \
    '{"id":3}' '{"id":null}' '{"id":4,"id":4}' '{"id":5}' >"$scratch/in"
printf '{"id":6,"t":"%070000d"}\n{"id":7}' 0 >>"$scratch/in"
same 'records that make no request' "$api/posts/{id}/comments" \
    --max-record 64KiB
is 'only the other records make requests' 4 "$(api_log | wc -l)"
: >"$scratch/in"
same 'an empty input' "$api/posts/{id}/comments"

# Marks come out where they stood.
{
	echo '{"@etl":"begin","v":1,"id":"b","stages":["extract"]}'
	seq 1 9 | sed 's/.*/{"id":&}/'
	echo '{"@etl":"checkpoint","name":"c","seq":1,"from":null,"version":0,"value":"9","stages":[{"stage":"extract","in":0,"out":9,"dropped":0,"rejected":0}]}'
	seq 10 12 | sed 's/.*/{"id":&}/'
	echo '{"@etl":"end","seq":1,"stages":[{"stage":"extract","in":0,"out":12,"dropped":0,"rejected":0}]}'
} >"$scratch/in"
same 'a stream with marks' "$api/posts/{id}/comments"
is 'a checkpoint mark stands behind the records that it covers' 11 \
    "$(grep -n '"checkpoint"' "$scratch/out.8" | cut -d: -f1)"
sed 5q "$scratch/in" >"$scratch/cut"
mv "$scratch/cut" "$scratch/in"
same 'a stream that is cut' "$api/posts/{id}/comments"
echo '{"@etl":"failed","stage":"extract","code":75,"message":"no"}' \
    >>"$scratch/in"
same 'a stream that has failed' "$api/posts/{id}/comments"
echo '{"@etl":"end"' >>"$scratch/in"
same 'a stream with a broken mark' "$api/posts/{id}/comments"

# A record leaves as soon as its answer is here, while the input is still open.
mkfifo "$scratch/fifo"
: >"$api_log_file"
etl-extract --jobs 8 --each "$api/fault/slow/300/posts/{id}/comments" \
    --count-as n <"$scratch/fifo" >"$scratch/out" &
pid=$!
exec 7>"$scratch/fifo"
echo '{"id":1}' >&7
wait_until 30 grep -q 'posts/1/' "$api_log_file"
echo '{"id":2}' >&7
ok 'a record that comes while a request is under way is requested' \
    wait_until 30 grep -q 'posts/2/' "$api_log_file"
ok 'records leave while the input is open' wait_until 30 grep -q '"id":2' \
    "$scratch/out"
between=$(awk 'NR == 1 { at = $1 } END { print $1 - at }' "$api_log_file")
ok "the second request does not wait for the first ($between ms)" \
    test "$between" -lt 250
exec 7>&-
wait $pid

# The limits of the run hold for all requests together.
seq 1 20 | sed 's/.*/{"id":&}/' >"$scratch/in"
: >"$api_log_file"
is '--rate is accepted with --jobs' 0 "$(status etl-extract --jobs 8 \
    --rate 20/s --each "$api/fault/slow/200/posts/{id}/comments" \
    --count-as n <"$scratch/in")"
took=$(duration)
ok "--rate: 20 requests at 20 a second take 950 ms ($took ms)" \
    test "$took" -ge 900
: >"$api_log_file"
is '--max-time ends the run' 75 "$(status etl-extract --jobs 4 --max-time 500ms \
    --each "$api/fault/slow/200/posts/{id}/comments" --count-as n \
    <"$scratch/in")"
ok '--max-time: no request follows' test "$(api_log | wc -l)" -le 12
in_memory '8 answers of 60 MiB need less than 32 MiB' 32768 131072 \
    sh -c "etl-extract --jobs 8 --on 404=ignore --each \
    '$api/fault/endless-new/posts?_limit=300000&x={id}' --count-as n \
    --max-body 4MiB --rejects '$scratch/r' <'$scratch/in'"
is '--jobs is refused with --delay' 64 "$(status etl-extract --jobs 2 \
    --delay 1s --each "$api/posts/{id}" --as a </dev/null)"
is '257 jobs are refused' 64 "$(status etl-extract --jobs 257 \
    --each "$api/posts/{id}" --as a </dev/null)"
done_testing
