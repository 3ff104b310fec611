#!/bin/sh
# The mock API does what the tests that use it believe.
. tests/support/lib.sh
api_start

get() {
	timeout 20 curl -sS "$@" 2>"$scratch/curl.err"
}
code() {
	rc=0
	get -o "$scratch/body" -D "$scratch/head" -w '%{http_code}' "$@" || rc=$?
	[ $rc -eq 0 ] || echo " curl $rc"
}
header() {
	tr -d '\r' <"$scratch/head" | sed -n "s/^$1: //Ip"
}

is 'a page' 200 "$(code "$api/posts?_page=2&_limit=20")"
is 'total' 100 "$(header x-total-count)"
is 'records' 20 "$(jq length "$scratch/body")"
is 'from' 21 "$(jq '.[0].id' "$scratch/body")"
like 'link' "<$api/posts\?_page=3&_limit=20>; rel=\"next\"" "$(header link)"
is 'all posts are JSON' 100 "$(get "$api/posts?_limit=100" | jq length)"
is 'last page, no next' '' "$(code "$api/posts?_page=5&_limit=20" >/dev/null
    header link | grep next || :)"
is 'past the end' '[]' "$(get "$api/posts?_page=6&_limit=20" | jq -c .)"
is 'comments' '5 7 35' "$(get "$api/posts/7/comments" |
    jq -r '"\(length) \(.[0].postId) \(.[4].id)"')"
is 'all comments' 500 "$(get "$api/comments?_limit=1000" | jq length)"
is 'one post' 9 "$(get "$api/posts/9" | jq .id)"
is 'no such post' 404 "$(code "$api/posts/101")"
is 'no such post, comments' 404 "$(code "$api/posts/1068/comments")"
is 'no number, comments' '[]' "$(get "$api/posts/abc/comments" | jq -c .)"
is 'gzip' 10 "$(get --compressed "$api/posts" | jq length)"
is 'gzip is asked for' "$(printf '\037\213')" \
    "$(get -H 'Accept-Encoding: gzip' "$api/posts" | head -c 2)"

f=$api/fault
is 'status, first' 503 "$(code "$f/status/503/2/posts?_page=1")"
is 'status, second' 503 "$(code "$f/status/503/2/posts?_page=1")"
is 'status, then good' 200 "$(code "$f/status/503/2/posts?_page=1")"
is 'status, another url' 503 "$(code "$f/status/503/2/posts?_page=2")"
is 'status, always' 500 "$(code "$f/status/500/posts")"
is 'retry-after' 429 "$(code "$f/retry-after/1/429/-7/posts")"
is 'retry-after, value' -7 "$(header retry-after)"
is 'retry-after, then' 200 "$(code "$f/retry-after/1/429/-7/posts")"
is 'retry-after, date' 503 "$(code "$f/retry-after/1/503/date+2/posts")"
like 'retry-after, a date' 'GMT$' "$(header retry-after)"
is 'cut' '200 curl 18' "$(code "$f/cut/100/posts")"
is 'cut, bytes' 100 "$(wc -c <"$scratch/body")"
is 'cut once' '200 curl 18' "$(code "$f/cut/100/1/posts")"
is 'cut no more' 200 "$(code "$f/cut/100/1/posts")"
is 'cut in chunks' '200 curl 18' "$(code "$f/cutchunk/100/posts")"
code -H 'Accept-Encoding: gzip' "$f/cutgzip/posts" >/dev/null
is 'cut gzip' 'unexpected end of file' \
    "$(gzip -dc <"$scratch/body" 2>&1 >/dev/null | sed -n 's/.*: //p')"
like 'bad gzip' 'curl (23|61)' "$(code --compressed "$f/badgzip/posts")"
is 'bomb' "$((3 * 1048576 + 2))" \
    "$(get --compressed "$f/bomb/3/posts" | wc -c)"
is 'stall' '200 curl 28' "$(code -m 1 "$f/stall/10/posts")"
is 'drip' '200 curl 28' "$(code -m 2 "$f/drip/posts")"
is 'drip, one a second' 1 "$(wc -c <"$scratch/body")"
is 'slow' '000 curl 28' "$(code -m 1 "$f/slow/3000/posts")"
is 'slow, but comes' 200 "$(code "$f/slow/300/posts")"
like 'reset' '000 curl 5[26]' "$(code "$f/reset/1/posts")"
is 'reset once' 200 "$(code "$f/reset/1/posts")"
like 'garbage' '<html>' "$(get "$f/garbage/posts")"
is 'empty' '' "$(get "$f/empty/posts")"
is 'scalar' 42 "$(get "$f/scalar/posts")"
is 'body' '{"a":1}' "$(get "$f/body/%7B%22a%22:1%7D")"
is 'endless, same' 1 "$(get "$f/endless/posts?_page=77" | jq '.[0].id')"
is 'endless, new' 761 "$(get "$f/endless-new/posts?_page=77" | jq '.[0].id')"
is 'no total' '' "$(code "$f/total/-/posts" >/dev/null
    header x-total-count)"
is 'wrong total' 7 "$(code "$f/total/7/posts" >/dev/null
    header x-total-count)"
is 'redirect' 301 "$(code "$f/redirect/301/%2Fposts?_page=3")"
is 'redirect, where' '/posts?_page=3' "$(header location)"
is 'redirect, followed' 21 "$(get -L "$f/redirect/307/%2Fposts?_page=3" |
    jq '.[0].id')"
is 'loop' "/fault/loop/posts" "$(code "$f/loop/posts" >/dev/null
    header location)"
is 'bad body' 422 "$(code "$f/bad-body/422/posts")"
is 'bad body has an escape' "$(printf '\033')" "$(head -c 1 "$scratch/body")"
is 'quota' 403 "$(code "$f/quota/posts")"
is 'quota, header' 0 "$(header x-ratelimit-remaining)"
is 'on, another page' 200 "$(code "$f/on/_page=2/fault/status/500/posts?_page=1")"
is 'on, this page' 500 "$(code "$f/on/_page=2/fault/status/500/posts?_page=2")"
is 'two faults' '503 curl 18' "$(code "$f/status/503/fault/cut/5/posts")"
is 'no such fault' 501 "$(code "$f/nonsense/posts")"
is 'auth missing' 401 "$(code "$api/auth/posts")"
is 'auth wrong' 401 "$(code -H 'Authorization: Bearer no' "$api/auth/posts")"
is 'auth right' 200 "$(code -H 'Authorization: Bearer secret' \
    -H 'X-Api-Key: k' -H 'Cookie: a=b' "$api/auth/posts?q=1")"
is 'log' 'GET /auth/posts?q=1 authorization=Bearer x-api-key cookie' \
    "$(api_log | tail -n 1)"
unlike 'log has no secret' 'secret' "$(cat "$api_log_file")"

first=$api
api_start --posts 100000
isnt 'another origin' "$first" "$api"
is 'many posts' '1000 100000' "$(get "$api/posts?_page=100&_limit=1000" |
    jq -r '"\(length) \(.[-1].id)"')"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -keyout "$scratch/key" -out "$scratch/cert" 2>/dev/null
api_start --cert "$scratch/cert" --key "$scratch/key"
is 'TLS' 10 "$(get -k "$api/posts" | jq length)"
is 'TLS, not trusted' '000 curl 60' "$(code "$api/posts")"
ok 'ends on TERM' kill "$api_pid"
ok 'is gone' wait_until 5 sh -c "! kill -0 $api_pid"
sh -c '"$1"/tests/mock-api --port-file "$2" >/dev/null 2>&1 & echo $! >"$3"
    exec sleep 0.3' - "$etl_build" "$scratch/p" "$scratch/pid"
ok 'ends with its parent' wait_until 5 sh -c "! kill -0 $(cat "$scratch/pid")"
done_testing
