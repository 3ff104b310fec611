#!/bin/sh
# Redirects: which are followed, and that nothing of the user's leaves the
# origin (scheme, host and port) that it was given for.
. tests/support/lib.sh
api_start
one=$api one_log=$api_log_file
api_start
two=$api two_log=$api_log_file

esc() {
	printf '%s' "$1" | sed 's/%/%25/g; s,/,%2F,g; s/?/%3F/g; s/#/%23/g; s/ /%20/g'
}
# through CODE TARGET [OPTION...]: from the first API to TARGET.
through() {
	: >"$one_log"
	: >"$two_log"
	url="$one/fault/redirect/$1/$(esc "$2")/posts?_limit=3"
	shift 2
	status etl-extract --backoff 1ms..2ms "$@" "$url"
}
log() {
	cut -d' ' -f3- "$1"
}

for code in 301 302 303 307 308; do
	is "$code" 0 "$(through $code /posts)"
	is "$code: records" 3 "$(wc -l <"$scratch/out")"
done
is 'relative' 0 "$(through 302 ../../../../posts)"
is 'relative: where' 'GET /posts?_limit=3' "$(log "$one_log" | tail -n 1)"
is 'no Location' 76 "$(status etl-extract "$one/fault/status/302/posts")"
like 'no Location: said' 'status 302 .* no Location header$' "$(cat "$scratch/err")"
is '300 is none' 76 "$(status etl-extract "$one/fault/status/300/posts")"
is 'each page from the start' 0 "$(through 302 /posts --paginate page \
    --into query:_page --size _limit=50 --total header:x-total-count)"
is 'each page from the start: calls' 4 "$(wc -l <"$one_log")"

# What is not followed.
for to in file:///etc/passwd ftp://127.0.0.1/x gopher://127.0.0.1/; do
	is "$to" 77 "$(through 302 "$to")"
	like "$to: said" "redirect to $to.*: it is not http or https" \
	    "$(cat "$scratch/err")"
	is "$to: nothing left" '' "$(cat "$scratch/out")"
done
is 'data:' 76 "$(through 302 data:,x)"
is 'no URL' 76 "$(through 302 'http://a b/')"
is 'loop' 76 "$(: >"$one_log"; status etl-extract --backoff 1ms..2ms \
    "$one/fault/loop/posts")"
like 'loop: said' 'more than 10 redirects' "$(cat "$scratch/err")"
is 'loop: calls' 11 "$(wc -l <"$one_log")"

# Credentials: to the same origin yes, to another one no.
secret=q7sUper5ecret
export secret
printf 'X-From-File: %s\n\nPrivate-Token: %s\n' $secret $secret \
    >"$scratch/headers"
give() {
	to=$1
	shift
	through 302 "$to" --header 'Cookie: a=b' --header 'X-Api-Key: k' \
	    --header "@$scratch/headers" --secret env:secret "$@"
}
all='cookie x-api-key x-from-file private-token'
for kind in bearer basic header:X-Auth header:Authorization query:key; do
	[ $kind != basic ] || secret=user:$secret
	is "$kind: same origin" 0 "$(give /posts --auth $kind)"
	is "$kind: other origin" 0 "$(give "$two/posts" --auth $kind)"
	is "$kind: nothing sent to it" "GET /posts?_limit=3" "$(log "$two_log")"
	like "$kind: but to the first" "$all" "$(log "$one_log")"
	secret=q7sUper5ecret
done
is 'same origin gets it all' 0 "$(give /posts --auth bearer)"
is 'same origin gets it all: log' \
    "GET /posts?_limit=3 $all authorization=Bearer" \
    "$(log "$one_log" | tail -n 1)"
is 'page header, other origin' 76 "$(through 302 "$two/posts" \
    --paginate page --into header:X-Page)"
is 'page header, other origin: not sent' 2 \
    "$(log "$two_log" | grep -cx 'GET /posts?_limit=3')"
is 'back again' 0 "$(give "$two/fault/redirect/302/$(esc "$one/posts")/posts" \
    --auth bearer)"
is 'back again: still without' 'GET /posts?_limit=3' \
    "$(log "$one_log" | tail -n 1)"
is 'on in the other origin' 0 "$(give \
    "$two/fault/redirect/302/$(esc /posts)/posts" --auth bearer)"
is 'on in the other origin: still without' 'GET /posts?_limit=3' \
    "$(log "$two_log" | tail -n 1)"
is 'other host name, same port' 0 "$(give \
    "http://localhost:${one##*:}/posts" --auth bearer)"
is 'other host name: nothing sent to it' 'GET /posts?_limit=3' \
    "$(log "$one_log" | tail -n 1)"

# A query secret: out of the query, and not under another name.
is 'query secret' 0 "$(give "$two/posts?b=1&key=$secret&c=2" --auth query:key)"
is 'query secret: dropped' 'GET /posts?b=1&c=2' "$(log "$two_log")"
is 'query secret, renamed' 77 "$(give "$two/posts?b=$secret" --auth query:key)"
is 'query secret, renamed: not sent' '' "$(log "$two_log")"
unlike 'query secret, renamed: not shown' $secret "$(cat "$scratch/err")"
is 'query secret, same origin' 0 "$(give '/posts?b=1' --auth query:key)"
is 'query secret, same origin: sent again' \
    "GET /posts?b=1&key=$secret $all" "$(log "$one_log" | tail -n 1)"
is 'user in a target' 0 "$(give "http://u:p@${two#http://}/posts" \
    --auth bearer)"
is 'user in a target: not sent' 'GET /posts?_limit=3' "$(log "$two_log")"

# TLS: to https and never back; a certificate that nobody vouches for.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$scratch/key" \
    -out "$scratch/cert" 2>/dev/null
api_start --cert "$scratch/cert" --key "$scratch/key"
tls=https://localhost:${api##*:}
SSL_CERT_FILE=$scratch/cert
export SSL_CERT_FILE
is 'https' 0 "$(status etl-extract "$tls/posts?_limit=3")"
is 'https: records' 3 "$(wc -l <"$scratch/out")"
is 'to https' 0 "$(give "$tls/posts" --auth bearer)"
is 'to https: nothing sent to it' 'GET /posts?_limit=3' \
    "$(api_log | tail -n 1)"
is 'https to http' 77 "$(status etl-extract \
    "$tls/fault/redirect/302/$(esc "$one/posts")/posts")"
like 'https to http: said' 'from https to http' "$(cat "$scratch/err")"
is 'wrong name' 77 "$(status etl-extract "https://127.0.0.1:${api##*:}/posts")"
like 'wrong name: said' 'https://127.0.0.1:[0-9]*/posts: TLS: .*127.0.0.1' \
    "$(cat "$scratch/err")"
unset SSL_CERT_FILE
: >"$api_log_file"
is 'self-signed' 77 "$(status etl-extract "$tls/posts")"
like 'self-signed: said' 'TLS: .*self[- ]signed' "$(cat "$scratch/err")"
unlike 'self-signed: no retry' 'tries' "$(cat "$scratch/err")"
is 'http on a TLS port' 75 "$(status etl-extract --retries 0 \
    "https://${one#http://}/posts")"
done_testing
