#!/bin/sh
# Headers that say how many requests a service still accepts.
. tests/support/lib.sh
api_start
second='X-RateLimit-Remaining:%200/fault/header/X-RateLimit-Reset:%20'
old='RateLimit-Remaining:%200/fault/header/RateLimit-Reset:%20'

# extract HEADER STATUS [OPTION...]: the first request gets HEADER, and STATUS.
extract() {
	: >"$api_log_file"
	header=$1 code=$2
	shift 2
	status etl-extract --backoff 1ms..2s --paginate page --into query:_page \
	    --size _limit=50 --total header:x-total-count "$@" \
	    "$api/fault/on/_page=1/fault/header/$header/fault/status/$code/1/posts"
}
# waits LABEL HEADER: after a 429, the next request comes a second later.
waits() {
	is "$1: a status 429 is retried" 0 "$(extract "$2" 429 --max-pages 9)"
	ok "$1: the retry comes a second later" apart 900
}
apart() {
	cut -d' ' -f1 "$api_log_file" | awk -v least="$1" '
	NR == 2 { apart = $1 - last } { last = $1 }
	END { exit !(apart >= least) }'
}
now=$(date +%s)
waits 'RateLimit with r and t' 'RateLimit:%20"a;r=9,b";r=5;t=0,%20"c";r=0;t=1'
waits 'RateLimit with remaining and reset' \
    'RateLimit:%20limit=9,%20remaining=0,%20reset=1'
waits 'RateLimit with a comma at its end' \
    'RateLimit:%20limit=9,%20remaining=0,%20reset=1,'
waits 'RateLimit-Remaining and RateLimit-Reset' "${old}1"
waits 'X-RateLimit-Remaining and X-RateLimit-Reset' "${second}1"
is 'RateLimit with the longest of several waits exits with 75' 75 \
    "$(extract 'RateLimit:%20"a";r=0;t=1,%20"b";r=0;t=30' 429)"
is 'X-RateLimit-Reset as a time in seconds' 75 \
    "$(extract "$second$((now + 100))" 429)"
is 'X-RateLimit-Reset as a time in milliseconds' 75 \
    "$(extract "$second$((now + 100))000" 429)"
like 'the message says when to come back' \
    "wait until $(date -u -d "@$((now + 100))" +%Y-%m-%dT%H:%M)" \
    "$(cat "$scratch/err")"
is 'a time that has passed is not waited for' 0 \
    "$(extract "$second$((now - 100))" 429)"
is 'Retry-After overrides the other headers' 0 "$(status etl-extract \
    --backoff 1ms..2s "$api/fault/retry-after/1/429/0/fault/header/${second}99/posts")"

# The header comes with a page: the next page is requested later.
pages() {
	: >"$api_log_file"
	header=$1
	shift
	status etl-extract --backoff 1ms..2s --paginate page --into query:_page \
	    --size _limit=50 --total header:x-total-count "$@" \
	    "$api/fault/on/_page=1/fault/header/$header/posts"
}
is 'a page that says that no requests are left: all pages are read' '0 100' \
    "$(pages 'RateLimit:%20"a";r=0;t=1') $(wc -l <"$scratch/out")"
ok 'the next page is requested when requests are left again' apart 900
is 'a page that says to wait beyond --backoff exits with 75' '75 50 1' \
    "$(pages 'RateLimit:%20"a";r=0;t=30') $(wc -l <"$scratch/out"
    ) $(api_log | wc -l)"
like 'the message about a wait between pages says when to come back' \
    'posts\?_limit=50&_page=2: the rate limit of the service is used up: the service asks to wait until 20..-' \
    "$(cat "$scratch/err")"
is 'such a wait after the last page does not matter' 0 \
    "$(pages 'RateLimit:%20"a";r=0;t=30' --size _limit=100)"
for header in 'RateLimit:%20' 'RateLimit:%20;;,,=' 'RateLimit:%20"a' \
    'RateLimit:%20"a";r=x;t=30' 'RateLimit:%20"a";r=1;t=30' \
    'X-RateLimit-Remaining:%200' 'X-RateLimit-Remaining:%20-1'; do
	is "$header: the next page is requested at once" '0 2' \
	    "$(pages "$header") $(api_log | wc -l)"
done
done_testing
