#!/bin/sh
# Failures of a service: which are retried and how often, the exit codes and
# the messages.
. tests/support/lib.sh
api_start

# fetch FAULT [OPTION...]: one page of three posts through that fault.
fetch() {
	: >"$api_log_file"
	fault=$1
	shift
	status etl-extract --backoff 1ms..20ms "$@" "$api/fault/$fault/posts?_limit=3"
}
calls() {
	api_log | wc -l
}
records() {
	wc -l <"$scratch/out"
}
# fails_without_records LABEL ERE: the message of the last fetch, which wrote
# no record.
fails_without_records() {
	like "$1: the message names the cause" "$2" "$(cat "$scratch/err")"
	is "$1: the message has one line" 1 "$(wc -l <"$scratch/err")"
	like "$1: the message names the URL" \
	    "^etl-extract: $api/[^ ]*posts\?_limit=3: " \
	    "$(cat "$scratch/err")"
	is "$1: no record comes out" 0 "$(records)"
}

# Transient failures are retried: the request succeeds in the end, or
# etl-extract gives up with 75.
for code in 408 425 429 500 502 503 504 599; do
	is "$code twice: etl-extract retries and succeeds" \
	    0 "$(fetch "status/$code/2")"
	is "$code twice: three requests are sent" 3 "$(calls)"
	is "$code twice: the records come out once" 3 "$(records)"
	is "$code always: etl-extract gives up with 75" \
	    75 "$(fetch "status/$code")"
	is "$code always: four requests are sent" 4 "$(calls)"
	fails_without_records "$code always" "after 4 tries: status $code: \{\"message\": \"fault\"\}"
done
for fault in cut/100 cutchunk/100 cutgzip badgzip reset; do
	is "$fault once: etl-extract retries and succeeds" \
	    0 "$(fetch "$fault/1")"
	is "$fault once: two requests are sent" 2 "$(calls)"
	is "$fault once: every record comes out" \
	    3 "$(sort -u "$scratch/out" | wc -l)"
	is "$fault once: no record comes out twice" 3 "$(records)"
	is "$fault always: etl-extract gives up with 75" 75 "$(fetch "$fault")"
done
is 'an answer that is cut short exits with 75' 75 "$(fetch cut/100 --retries 1)"
is 'an answer that is cut short is requested again' 2 "$(calls)"
fails_without_records 'an answer that is cut short' \
    'after 2 tries: the answer was cut short'
is 'gzip data that are cut short exit with 75' 75 "$(fetch cutgzip)"
fails_without_records 'gzip data that are cut short' \
    'the answer.s gzip data was cut short'
is 'gzip data that are broken exit with 75' 75 "$(fetch badgzip)"
fails_without_records 'gzip data that are broken' \
    'the answer.s gzip data is broken'
is 'an answer slower than --timeout exits with 75' \
    75 "$(fetch slow/5000 --timeout 100ms --retries 1)"
is 'an answer slower than --timeout is requested again' 2 "$(calls)"
fails_without_records 'an answer slower than --timeout' \
    'after 2 tries: .*timed out'
is 'an answer slower than --timeout once: the retry succeeds' \
    0 "$(fetch slow/5000/1 --timeout 500ms)"
is 'an answer that stalls once: the retry succeeds' \
    0 "$(fetch stall/50/1 --timeout 500ms)"
is 'an answer that stalls once: each record comes out once' 3 "$(records)"
is 'an answer that drips longer than --timeout exits with 75' \
    75 "$(fetch drip --timeout 300ms --retries 0)"
is 'an answer that drips with --retries 0 is requested once' 1 "$(calls)"
fails_without_records 'an answer that drips longer than --timeout' 'timed out'
is 'an exceeded rate limit (403) exits with 75' \
    75 "$(fetch quota --backoff 1ms..3s --retries 1)"
is 'an exceeded rate limit (403) is retried' 2 "$(calls)"
fails_without_records 'an exceeded rate limit (403)' \
    'after 2 tries: status 403: .*rate limit'

# Permanent failures are not retried.
for pair in 400:69 401:77 402:69 403:77 404:66 405:69 410:66 422:69 304:76; do
	code=${pair%:*}
	is "status $code exits with ${pair#*:}" \
	    "${pair#*:}" "$(fetch "status/$code")"
	is "status $code is not retried" 1 "$(calls)"
	like "status $code is in the message" \
	    "_limit=3: status $code: " "$(cat "$scratch/err")"
done
is 'an error body with control characters exits with 69' \
    69 "$(fetch bad-body/422)"
is 'the message escapes control and bidirectional characters' \
    '422: \u001b[31mred\u001b[0m \u001b]0;title\u0007 bell\u0007\r\n\tc1 \u009b31m bidi \u202e line \u2028 bad \xff\x80 then text' \
    "$(grep -o '422: .* then text' "$scratch/err")"
is 'the message shows the first 200 bytes of a body only' \
    '' "$(grep -o 'END' "$scratch/err")"
fails_without_records 'an error body with control characters' \
    'the place where it ends can be seen as w$'
is 'an answer that is HTML exits with 76' 76 "$(fetch garbage)"
is 'an answer that is HTML is not retried' 1 "$(calls)"
fails_without_records 'an answer that is HTML' \
    'not JSON .*<!DOCTYPE html>.n<html>.*u001b'
is 'an empty answer exits with 76' 76 "$(fetch empty)"
fails_without_records 'an empty answer' 'the answer is empty$'
is 'an answer that is a number exits with 76' 76 "$(fetch scalar)"
fails_without_records 'an answer that is a number' \
    'no array of records .*--records POINTER.*: 42$'
is 'JSON that ends too early exits with 76' 76 "$(fetch 'body/%5B%7B%22a%22:1')"
is 'JSON that ends too early is retried' 4 "$(calls)"
is 'a gzip bomb exits with 76' 76 "$(fetch bomb/100)"
is 'a gzip bomb is not retried' 1 "$(calls)"
fails_without_records 'a gzip bomb' \
    'the answer.s gzip data becomes more than 200 times as long when it is decomp'
is 'gzip data of 63 MiB is accepted' 0 "$(fetch bomb/63)"
is 'a gzip bomb with --max-ratio 2000 is accepted' 0 \
    "$(fetch bomb/100 --max-ratio 2000)"
# each FAULT OPTION...: a request for one record.
each() {
	fault=$1
	shift
	echo '{}' | status etl-extract --backoff 1ms..20ms --rejects \
	    "$scratch/r" --each "$api/fault/$fault/posts" --count-as n "$@"
}
is '--each: a body as long as --max-body is accepted' \
    '0 {"n":0}' "$(each bomb/2 --max-body 2097154) $(cat "$scratch/out")"
is '--each: a body one byte longer than --max-body does not fail' \
    0 "$(each bomb/2 --max-body 2097153)"
like '--each: a body one byte longer than --max-body rejects its record' \
    'the answer is larger than --max-body: raise it' \
    "$(jq -r .message "$scratch/r" | tail -n 1)"

in_memory 'a gzip bomb takes bounded memory' 16384 120000 \
    etl-extract "$api/fault/bomb/100/posts"

# Retry-After is obeyed in each form, unless the wait exceeds --backoff.
is 'Retry-After in seconds: the retry succeeds' \
    0 "$(fetch retry-after/1/429/1 --backoff 1ms..1s)"
is 'Retry-After in seconds: two requests are sent' 2 "$(calls)"
waited=$(awk '{ if (NR > 1) print $1 - last; last = $1 }' "$api_log_file")
ok "Retry-After of one second is waited for ($waited ms)" test "$waited" -ge 990
is 'Retry-After of 0 seconds: the retry succeeds' \
    0 "$(fetch retry-after/1/503/0)"
is 'Retry-After as a date: the retry succeeds' \
    0 "$(fetch retry-after/1/503/date+1 --backoff 1ms..3s)"
is 'Retry-After as a past date: the retry succeeds' \
    0 "$(fetch retry-after/1/503/date-100)"
for value in -1 garbage 1.5 0x1 '1%20s' 'Fri,%2099%20Nov%202026%2000:00:00%20GMT'; do
	is "Retry-After of $value is ignored: the retry succeeds" \
	    0 "$(fetch "retry-after/1/503/$value")"
	is "Retry-After of $value is ignored: two requests are sent" \
	    2 "$(calls)"
done
is 'Retry-After longer than --backoff exits with 75' \
    75 "$(fetch retry-after/9/429/3600 --backoff 1ms..2s)"
is 'Retry-After longer than --backoff: no retry is sent' 1 "$(calls)"
fails_without_records 'Retry-After longer than --backoff' \
    'status 429: the service asks to wait until 20[0-9-]{8}T[0-9:]{8}Z, longer'
is 'Retry-After with a date beyond --backoff exits with 75' \
    75 "$(fetch retry-after/9/503/date+600)"
is 'Retry-After with a date beyond --backoff: no retry is sent' 1 "$(calls)"
is 'Retry-After of 10^12 seconds exits with 75' \
    75 "$(fetch retry-after/9/503/1000000000000)"
fails_without_records 'Retry-After of 10^12 seconds' \
    'wait until a hundred years from now, longer than --backoff allows$'
is 'Retry-After of 10^30 seconds exits with 75' 75 \
    "$(fetch retry-after/9/503/1000000000000000000000000000000)"
is 'Retry-After of 2^64 seconds exits with 75' \
    75 "$(fetch retry-after/9/503/18446744073709551616)"
is 'Retry-After of 2^64 seconds: no retry is sent' 1 "$(calls)"

# The number of retries.
is '--retries 0 exits with 75 at the first 503' \
    75 "$(fetch status/503 --retries 0)"
is '--retries 0 sends one request' 1 "$(calls)"
fails_without_records '--retries 0' 'posts\?_limit=3: status 503: '
is 'MAX_RETRIES=1 gives up with 75' \
    75 "$(MAX_RETRIES=1; export MAX_RETRIES; fetch status/503)"
is 'MAX_RETRIES=1 sends two requests' 2 "$(calls)"
is 'MAX_RETRIES that is not a number exits with 78' \
    78 "$(MAX_RETRIES=x; export MAX_RETRIES
    fetch status/503)"
is '--retries with MAX_RETRIES set gives up with 75' \
    75 "$(MAX_RETRIES=1; export MAX_RETRIES
    fetch status/503 --retries 2)"
is '--retries takes precedence over MAX_RETRIES' 3 "$(calls)"
is 'INITIAL_BACKOFF and MAX_BACKOFF set the waits between retries' \
    75 "$(INITIAL_BACKOFF=1ms MAX_BACKOFF=2ms
    export INITIAL_BACKOFF MAX_BACKOFF
    limit=20 status etl-extract --retries 6 "$api/fault/status/503/posts")"

# No connection can be made.
is 'a server that is not running exits with 75' \
    75 "$(status etl-extract --backoff 1ms..2ms http://127.0.0.1:1/x)"
like 'a server that is not running: the message names URL and tries' \
    '^etl-extract: http://127.0.0.1:1/x: gave up after 4 tries: ' \
    "$(cat "$scratch/err")"
is 'a host name that does not resolve exits with 75' \
    75 "$(status etl-extract --backoff 1ms..2ms http://nohost.invalid/)"
like 'a host name that does not resolve: the message names the host' \
    'after 4 tries: .*nohost.invalid' "$(cat "$scratch/err")"

# The records of the pages before a failure have been written, each once.
is 'a failure on page 3 exits with 75' \
    75 "$(status etl-extract --backoff 1ms..2ms \
    --paginate page --into query:_page --size _limit=10 \
    "$api/fault/on/_page=3/fault/status/503/posts")"
is 'a failure on page 3: the records of two pages come out' 20 "$(records)"
is 'a page 3 that is cut once is read again' \
    0 "$(status etl-extract --backoff 1ms..2ms \
    --paginate page --into query:_page --size _limit=10 \
    "$api/fault/on/_page=3/fault/cut/500/1/posts")"
is 'a page 3 that is cut once: all records come out' \
    100 "$(sort -u "$scratch/out" | wc -l)"

# All requests use one connection; --delay waits between any two requests.
: >"$api_log_file"
status etl-extract --delay 100ms --paginate page --into query:_page \
    --size _limit=40 "$api/posts" >/dev/null
is 'all pages use one connection' \
    1 "$(cut -d' ' -f2 "$api_log_file" | sort -u | wc -l)"
is '--delay waits between any two requests' \
    'yes yes yes ' "$(awk '{ if (NR > 1) printf "%s ",
    ($1 - last >= 99 ? "yes" : $1 - last); last = $1 }' "$api_log_file")"
done_testing
