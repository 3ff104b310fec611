#!/bin/sh
# What can go wrong with a service: tried again how often, and said how.
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
shown() {
	like "$1: said" "$2" "$(cat "$scratch/err")"
	is "$1: in one line" 1 "$(wc -l <"$scratch/err")"
	like "$1: with the URL" "^etl-extract: $api/[^ ]*posts\?_limit=3: " \
	    "$(cat "$scratch/err")"
	is "$1: no record" 0 "$(records)"
}

# Transient: tried again, and good in the end or given up with 75.
for code in 408 425 429 500 502 503 504 599; do
	is "$code twice" 0 "$(fetch "status/$code/2")"
	is "$code twice: calls" 3 "$(calls)"
	is "$code twice: records" 3 "$(records)"
	is "$code always" 75 "$(fetch "status/$code")"
	is "$code always: calls" 4 "$(calls)"
	shown "$code always" "after 4 tries: status $code: \{\"message\": \"fault\"\}"
done
for fault in cut/100 cutchunk/100 cutgzip badgzip reset; do
	is "$fault once" 0 "$(fetch "$fault/1")"
	is "$fault once: calls" 2 "$(calls)"
	is "$fault once: each record once" 3 "$(sort -u "$scratch/out" | wc -l)"
	is "$fault once: no more" 3 "$(records)"
	is "$fault always" 75 "$(fetch "$fault")"
done
is 'cut' 75 "$(fetch cut/100 --retries 1)"
is 'cut: calls' 2 "$(calls)"
shown 'cut' 'after 2 tries: the answer was cut short'
is 'cut gzip' 75 "$(fetch cutgzip)"
shown 'cut gzip' 'the answer.s gzip data was cut short'
is 'bad gzip' 75 "$(fetch badgzip)"
shown 'bad gzip' 'the answer.s gzip data is broken'
is 'slow' 75 "$(fetch slow/5000 --timeout 100ms --retries 1)"
is 'slow: calls' 2 "$(calls)"
shown 'slow' 'after 2 tries: .*timed out'
is 'slow once' 0 "$(fetch slow/5000/1 --timeout 500ms)"
is 'stalled once' 0 "$(fetch stall/50/1 --timeout 500ms)"
is 'stalled once: each record once' 3 "$(records)"
is 'drip' 75 "$(fetch drip --timeout 300ms --retries 0)"
is 'drip: calls' 1 "$(calls)"
shown 'drip' 'timed out'
is 'no more calls' 75 "$(fetch quota --backoff 1ms..3s --retries 1)"
is 'no more calls: calls' 2 "$(calls)"
shown 'no more calls' 'after 2 tries: status 403: .*rate limit'

# For good: one call.
for pair in 400:69 401:77 402:69 403:77 404:66 405:69 410:66 422:69 304:76; do
	code=${pair%:*}
	is "$code" "${pair#*:}" "$(fetch "status/$code")"
	is "$code: calls" 1 "$(calls)"
	like "$code: said" "_limit=3: status $code: " "$(cat "$scratch/err")"
done
is 'controls in a body' 69 "$(fetch bad-body/422)"
is 'controls: escaped' '422: \u001b[31mred\u001b[0m \u001b]0;title\u0007 bell\u0007\r\n\tc1 \u009b31m bidi \u202e line \u2028 bad \xff\x80 then text' \
    "$(grep -o '422: .* then text' "$scratch/err")"
is 'controls: 200 bytes' '' "$(grep -o 'END' "$scratch/err")"
shown 'controls' 'the place where it ends can be seen as w$'
is 'garbage' 76 "$(fetch garbage)"
is 'garbage: calls' 1 "$(calls)"
shown 'garbage' 'not JSON .*<!DOCTYPE html>.n<html>.*u001b'
is 'empty' 76 "$(fetch empty)"
shown 'empty' 'the answer is empty$'
is 'scalar' 76 "$(fetch scalar)"
shown 'scalar' 'no array of records .*--records POINTER.*: 42$'
is 'JSON that ends too early' 76 "$(fetch 'body/%5B%7B%22a%22:1')"
is 'JSON that ends too early: tried again' 4 "$(calls)"
is 'gzip bomb' 76 "$(fetch bomb/100)"
is 'gzip bomb: calls' 1 "$(calls)"
shown 'gzip bomb' 'the answer is larger than --max-body$'
is 'largest body' 0 "$(fetch bomb/2 --max-body 2097154)"
is 'larger by one' 76 "$(fetch bomb/2 --max-body 2097153)"

in_memory 'bomb: memory' 65536 400000 \
    etl-extract "$api/fault/bomb/100/posts"

# Retry-After: obeyed, in every form, but not for ever.
is 'seconds' 0 "$(fetch retry-after/1/429/1 --backoff 1ms..1s)"
is 'seconds: calls' 2 "$(calls)"
waited=$(awk '{ if (NR > 1) print $1 - last; last = $1 }' "$api_log_file")
ok "seconds: waited ($waited ms)" test "$waited" -ge 990
is 'zero' 0 "$(fetch retry-after/1/503/0)"
is 'date' 0 "$(fetch retry-after/1/503/date+1 --backoff 1ms..3s)"
is 'date gone by' 0 "$(fetch retry-after/1/503/date-100)"
for value in -1 garbage 1.5 0x1 '1%20s' 'Fri,%2099%20Nov%202026%2000:00:00%20GMT'; do
	is "garbage $value: own backoff" 0 "$(fetch "retry-after/1/503/$value")"
	is "garbage $value: calls" 2 "$(calls)"
done
is 'too long' 75 "$(fetch retry-after/9/429/3600 --backoff 1ms..2s)"
is 'too long: one call' 1 "$(calls)"
shown 'too long' \
    'status 429: the service asks to wait until 20[0-9-]{8}T[0-9:]{8}Z, longer'
is 'too long a date' 75 "$(fetch retry-after/9/503/date+600)"
is 'too long a date: one call' 1 "$(calls)"
is '10^12 seconds' 75 "$(fetch retry-after/9/503/1000000000000)"
shown '10^12 seconds' 'wait until a hundred years from now, longer than --backoff allows$'
is '10^30 seconds' 75 \
    "$(fetch retry-after/9/503/1000000000000000000000000000000)"
is '2^64 seconds' 75 "$(fetch retry-after/9/503/18446744073709551616)"
is '2^64 seconds: one call' 1 "$(calls)"

# The number of tries.
is 'retries 0' 75 "$(fetch status/503 --retries 0)"
is 'retries 0: calls' 1 "$(calls)"
shown 'retries 0' 'posts\?_limit=3: status 503: '
is 'MAX_RETRIES' 75 "$(MAX_RETRIES=1; export MAX_RETRIES; fetch status/503)"
is 'MAX_RETRIES: calls' 2 "$(calls)"
is 'MAX_RETRIES is bad' 78 "$(MAX_RETRIES=x; export MAX_RETRIES
    fetch status/503)"
is 'an option wins' 75 "$(MAX_RETRIES=1; export MAX_RETRIES
    fetch status/503 --retries 2)"
is 'an option wins: calls' 3 "$(calls)"
is 'INITIAL_BACKOFF' 75 "$(INITIAL_BACKOFF=1ms MAX_BACKOFF=2ms
    export INITIAL_BACKOFF MAX_BACKOFF
    limit=8 status etl-extract --retries 6 "$api/fault/status/503/posts")"

# No service, no host.
is 'no server' 75 "$(status etl-extract --backoff 1ms..2ms http://127.0.0.1:1/x)"
like 'no server: said' '^etl-extract: http://127.0.0.1:1/x: gave up after 4 tries: ' \
    "$(cat "$scratch/err")"
is 'no host' 75 "$(status etl-extract --backoff 1ms..2ms http://nohost.invalid/)"
like 'no host: said' 'after 4 tries: .*nohost.invalid' "$(cat "$scratch/err")"

# Records of the pages before a failure have left, each once.
is 'failure on page 3' 75 "$(status etl-extract --backoff 1ms..2ms \
    --paginate page --into query:_page --size _limit=10 \
    "$api/fault/on/_page=3/fault/status/503/posts")"
is 'failure on page 3: two pages' 20 "$(records)"
is 'page 3 cut once' 0 "$(status etl-extract --backoff 1ms..2ms \
    --paginate page --into query:_page --size _limit=10 \
    "$api/fault/on/_page=3/fault/cut/500/1/posts")"
is 'page 3 cut once: all' 100 "$(sort -u "$scratch/out" | wc -l)"

# One connection for all, --delay between any two requests.
: >"$api_log_file"
status etl-extract --delay 100ms --paginate page --into query:_page \
    --size _limit=40 "$api/posts" >/dev/null
is 'one connection' 1 "$(cut -d' ' -f2 "$api_log_file" | sort -u | wc -l)"
is 'delay' 'yes yes yes ' "$(awk '{ if (NR > 1) printf "%s ",
    ($1 - last >= 99 ? "yes" : $1 - last); last = $1 }' "$api_log_file")"
done_testing
