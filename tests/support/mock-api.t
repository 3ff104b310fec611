#!/bin/sh
# The mock API (plan.h, items.h, posts.h) serves what the other tests rely on.
. tests/support/lib.sh
api_start

get() {
	timeout 20 curl -sS "$@" 2>"$scratch/curl.err"
}
http_status() {
	rc=0
	get -o "$scratch/body" -D "$scratch/head" -w '%{http_code}' "$@" || rc=$?
	[ $rc -eq 0 ] || echo " curl $rc"
}
header() {
	tr -d '\r' <"$scratch/head" | sed -n "s/^$1: //Ip"
}

is '_page and _limit give a page' \
    200 "$(http_status "$api/posts?_page=2&_limit=20")"
is 'a page has the header x-total-count' 100 "$(header x-total-count)"
is '_limit=20 gives 20 records' 20 "$(jq length "$scratch/body")"
is 'page 2 of 20 records starts at id 21' 21 "$(jq '.[0].id' "$scratch/body")"
like 'a page has a Link header to the next page' \
    "<$api/posts\?_page=3&_limit=20>; rel=\"next\"" "$(header link)"
is 'all posts are JSON' 100 "$(get "$api/posts?_limit=100" | jq length)"
is 'the last page has no link to a next page' \
    '' "$(http_status "$api/posts?_page=5&_limit=20" >/dev/null
    header link | grep next || :)"
is 'a page after the last one is an empty array' \
    '[]' "$(get "$api/posts?_page=6&_limit=20" | jq -c .)"
is 'a post has 5 comments' '5 7 35' "$(get "$api/posts/7/comments" |
    jq -r '"\(length) \(.[0].postId) \(.[4].id)"')"
is 'all posts together have 500 comments' \
    500 "$(get "$api/comments?_limit=1000" | jq length)"
is '/posts/9 gives post 9' 9 "$(get "$api/posts/9" | jq .id)"
is 'a post that does not exist gives 404' 404 "$(http_status "$api/posts/101")"
is 'the comments of a post that does not exist give 404' \
    404 "$(http_status "$api/posts/1068/comments")"
is 'the comments of an id that is not a number are empty' \
    '[]' "$(get "$api/posts/abc/comments" | jq -c .)"
is 'a gzip response decompresses to 10 records' \
    10 "$(get --compressed "$api/posts" | jq length)"
is 'with Accept-Encoding: gzip the body is gzip data' "$(printf '\037\213')" \
    "$(get -H 'Accept-Encoding: gzip' "$api/posts" | head -c 2)"

f=$api/fault
is 'fault status/503/2: the first request gets 503' \
    503 "$(http_status "$f/status/503/2/posts?_page=1")"
is 'fault status/503/2: the second request gets 503' \
    503 "$(http_status "$f/status/503/2/posts?_page=1")"
is 'fault status/503/2: the third request gets 200' \
    200 "$(http_status "$f/status/503/2/posts?_page=1")"
is 'fault status/503/2: another URL has a count of its own' \
    503 "$(http_status "$f/status/503/2/posts?_page=2")"
is 'fault status/500 without a count always gives 500' \
    500 "$(http_status "$f/status/500/posts")"
is 'fault retry-after gives its status' \
    429 "$(http_status "$f/retry-after/1/429/-7/posts")"
is 'fault retry-after sends its value in the header' -7 "$(header retry-after)"
is 'fault retry-after with count 1: the second request gets 200' \
    200 "$(http_status "$f/retry-after/1/429/-7/posts")"
is 'fault retry-after with a date gives its status' \
    503 "$(http_status "$f/retry-after/1/503/date+2/posts")"
like 'fault retry-after with a date sends an HTTP date' \
    'GMT$' "$(header retry-after)"
is 'fault cut closes the connection before the end of the body' \
    '200 curl 18' "$(http_status "$f/cut/100/posts")"
is 'fault cut/100 sends 100 bytes' 100 "$(wc -c <"$scratch/body")"
is 'fault cut/100/1 cuts the first response' \
    '200 curl 18' "$(http_status "$f/cut/100/1/posts")"
is 'fault cut/100/1 sends the second response whole' \
    200 "$(http_status "$f/cut/100/1/posts")"
is 'fault cutchunk cuts a chunked body' \
    '200 curl 18' "$(http_status "$f/cutchunk/100/posts")"
http_status -H 'Accept-Encoding: gzip' "$f/cutgzip/posts" >/dev/null
is 'fault cutgzip sends gzip data without its end' 'unexpected end of file' \
    "$(gzip -dc <"$scratch/body" 2>&1 >/dev/null | sed -n 's/.*: //p')"
like 'fault badgzip sends gzip data that does not decompress' \
    'curl (23|61)' "$(http_status --compressed "$f/badgzip/posts")"
is 'fault bomb/3 decompresses to 3 MiB' "$((3 * 1048576 + 2))" \
    "$(get --compressed "$f/bomb/3/posts" | wc -c)"
is 'fault stall sends nothing after its bytes' \
    '200 curl 28' "$(http_status -m 1 "$f/stall/10/posts")"
is 'fault drip does not end within 2 seconds' \
    '200 curl 28' "$(http_status -m 2 "$f/drip/posts")"
is 'fault drip sends one byte a second' 1 "$(wc -c <"$scratch/body")"
is 'fault slow/3000 sends nothing for a second' \
    '000 curl 28' "$(http_status -m 1 "$f/slow/3000/posts")"
is 'fault slow/300 answers after its delay' \
    200 "$(http_status "$f/slow/300/posts")"
like 'fault reset/1 resets the first connection' \
    '000 curl 5[26]' "$(http_status "$f/reset/1/posts")"
is 'fault reset/1 answers the second request' \
    200 "$(http_status "$f/reset/1/posts")"
like 'fault garbage sends HTML' '<html>' "$(get "$f/garbage/posts")"
is 'fault empty sends an empty body' '' "$(get "$f/empty/posts")"
is 'fault scalar sends the number 42' 42 "$(get "$f/scalar/posts")"
is 'fault body sends the decoded text' \
    '{"a":1}' "$(get "$f/body/%7B%22a%22:1%7D")"
is 'fault endless sends page 1 for any page' \
    1 "$(get "$f/endless/posts?_page=77" | jq '.[0].id')"
is 'fault endless-new sends new records on any page' \
    761 "$(get "$f/endless-new/posts?_page=77" | jq '.[0].id')"
is 'fault total/- leaves out x-total-count' \
    '' "$(http_status "$f/total/-/posts" >/dev/null
    header x-total-count)"
is 'fault total/7 sends 7 as x-total-count' \
    7 "$(http_status "$f/total/7/posts" >/dev/null
    header x-total-count)"
is 'fault redirect/301 gives 301' \
    301 "$(http_status "$f/redirect/301/%2Fposts?_page=3")"
is 'fault redirect keeps the query in the Location header' \
    '/posts?_page=3' "$(header location)"
is 'fault redirect/307 leads to the target' \
    21 "$(get -L "$f/redirect/307/%2Fposts?_page=3" |
    jq '.[0].id')"
is 'fault loop redirects to itself' \
    "/fault/loop/posts" "$(http_status "$f/loop/posts" >/dev/null
    header location)"
is 'fault bad-body/422 gives 422' 422 "$(http_status "$f/bad-body/422/posts")"
is 'fault bad-body sends an escape character' \
    "$(printf '\033')" "$(head -c 1 "$scratch/body")"
http_status "$f/header/X-A:%20b/posts" >/dev/null
is 'fault header sends its header' b "$(header x-a)"
is 'fault quota gives 403' 403 "$(http_status "$f/quota/posts")"
is 'fault quota sends x-ratelimit-remaining 0' \
    0 "$(header x-ratelimit-remaining)"
is 'fault on/TEXT does not change a URL without TEXT' \
    200 "$(http_status "$f/on/_page=2/fault/status/500/posts?_page=1")"
is 'fault on/TEXT changes a URL with TEXT' \
    500 "$(http_status "$f/on/_page=2/fault/status/500/posts?_page=2")"
is 'two faults in one path both happen' \
    '503 curl 18' "$(http_status "$f/status/503/fault/cut/5/posts")"
is 'an unknown fault gives 501' 501 "$(http_status "$f/nonsense/posts")"
is '/auth without a token gives 401' 401 "$(http_status "$api/auth/posts")"
is '/auth with a wrong token gives 401' \
    401 "$(http_status -H 'Authorization: Bearer no' "$api/auth/posts")"
is '/auth with the right token gives 200' \
    200 "$(http_status -H 'Authorization: Bearer secret' \
    -H 'X-Api-Key: k' -H 'Cookie: a=b' "$api/auth/posts?q=1")"
is 'the log has the request and the names of its secret headers' \
    'GET /auth/posts?q=1 authorization=Bearer x-api-key cookie' \
    "$(api_log | tail -n 1)"
unlike 'the log does not have the token' 'secret' "$(cat "$api_log_file")"

first=$api
api_start --posts 100000
isnt 'a second mock API has another origin' "$first" "$api"
is '--posts 100000 serves 100000 posts' \
    '1000 100000' "$(get "$api/posts?_page=100&_limit=1000" |
    jq -r '"\(length) \(.[-1].id)"')"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -keyout "$scratch/key" -out "$scratch/cert" 2>/dev/null
api_start --cert "$scratch/cert" --key "$scratch/key"
is '--cert and --key serve TLS' 10 "$(get -k "$api/posts" | jq length)"
is 'curl does not trust the self-signed certificate' \
    '000 curl 60' "$(http_status "$api/posts")"
ok 'SIGTERM can be sent to the mock API' kill "$api_pid"
ok 'SIGTERM ends the mock API' wait_until 30 sh -c "! kill -0 $api_pid"
sh -c '"$1"/tests/mock-api --port-file "$2" >/dev/null 2>&1 & echo $! >"$3"
    exec sleep 0.3' - "$etl_build" "$scratch/p" "$scratch/pid"
ok 'the mock API ends when its parent has ended' \
    wait_until 30 sh -c "! kill -0 $(cat "$scratch/pid")"
done_testing
