#!/bin/sh
# Redirects: which are followed, and that no secret or header of the user is
# sent to another origin (scheme, host and port) than the one it was given for.
. tests/support/lib.sh
api_start
one=$api one_log=$api_log_file
api_start
two=$api two_log=$api_log_file

percent_encode() {
	printf '%s' "$1" | sed 's/%/%25/g; s,/,%2F,g; s/?/%3F/g; s/#/%23/g; s/ /%20/g'
}
# redirected CODE TARGET [OPTION...]: reads a URL of the first API that is
# redirected to TARGET.
redirected() {
	: >"$one_log"
	: >"$two_log"
	url="$one/fault/redirect/$1/$(percent_encode "$2")/posts?_limit=3"
	shift 2
	status etl-extract --backoff 1ms..2ms "$@" "$url"
}
requests_in() {
	cut -d' ' -f3- "$1"
}

for code in 301 302 303 307 308; do
	is "a redirect $code is followed" 0 "$(redirected $code /posts)"
	is "a redirect $code gives the records of its target" \
	    3 "$(wc -l <"$scratch/out")"
done
is 'a relative redirect is followed' 0 "$(redirected 302 ../../../../posts)"
is 'a relative redirect is resolved against the URL' \
    'GET /posts?_limit=3' "$(requests_in "$one_log" | tail -n 1)"
is 'a redirect without a Location exits with 76' \
    76 "$(status etl-extract "$one/fault/status/302/posts")"
like 'a redirect without a Location: the message says so' \
    'status 302 .* no Location header$' "$(cat "$scratch/err")"
is 'status 300 is not followed and exits with 76' \
    76 "$(status etl-extract "$one/fault/status/300/posts")"
is 'paging through a redirect succeeds' \
    0 "$(redirected 302 /posts --paginate page \
    --into query:_page --size _limit=50 --total header:x-total-count)"
is 'each page is requested at the original URL and redirected' \
    4 "$(wc -l <"$one_log")"

# Redirects that are not followed.
for to in file:///etc/passwd ftp://127.0.0.1/x gopher://127.0.0.1/; do
	is "a redirect to $to exits with 77" 77 "$(redirected 302 "$to")"
	like "a redirect to $to: the message says why" \
	    "redirect to $to.*: it is not http or https" \
	    "$(cat "$scratch/err")"
	is "a redirect to $to gives no record" '' "$(cat "$scratch/out")"
done
is 'a redirect to a data: URL exits with 76' 76 "$(redirected 302 data:,x)"
is 'a redirect to an invalid URL exits with 76' \
    76 "$(redirected 302 'http://a b/')"
is 'a redirect loop exits with 76' \
    76 "$(: >"$one_log"; status etl-extract --backoff 1ms..2ms \
    "$one/fault/loop/posts")"
like 'a redirect loop: the message says more than 10 redirects' \
    'more than 10 redirects' "$(cat "$scratch/err")"
is 'a redirect loop ends after 11 requests' 11 "$(wc -l <"$one_log")"

# Credentials are sent to the same origin, but not to another one.
secret=q7sUper5ecret
export secret
printf 'X-From-File: %s\n\nPrivate-Token: %s\n' $secret $secret \
    >"$scratch/headers"
# with_credentials TARGET [OPTION...]: redirected with headers and a secret.
with_credentials() {
	to=$1
	shift
	redirected 302 "$to" --header 'Cookie: a=b' --header 'X-Api-Key: k' \
	    --header "@$scratch/headers" --secret env:secret "$@"
}
all='cookie x-api-key x-from-file private-token'
for kind in bearer basic header:X-Auth header:Authorization query:key; do
	[ $kind != basic ] || secret=user:$secret
	is "$kind: a redirect within the origin succeeds" \
	    0 "$(with_credentials /posts --auth $kind)"
	is "$kind: a redirect to another origin succeeds" \
	    0 "$(with_credentials "$two/posts" --auth $kind)"
	is "$kind: the other origin gets no header of the user" \
	    "GET /posts?_limit=3" "$(requests_in "$two_log")"
	like "$kind: the first origin gets the headers of the user" \
	    "$all" "$(requests_in "$one_log")"
	secret=q7sUper5ecret
done
is 'a redirect within the origin with all headers succeeds' \
    0 "$(with_credentials /posts --auth bearer)"
is 'a redirect within the origin sends all headers again' \
    "GET /posts?_limit=3 $all authorization=Bearer" \
    "$(requests_in "$one_log" | tail -n 1)"
is '--into header: with a redirect to another origin exits with 76' \
    76 "$(redirected 302 "$two/posts" \
    --paginate page --into header:X-Page)"
is 'another origin does not get the header of --into' 2 \
    "$(requests_in "$two_log" | grep -cx 'GET /posts?_limit=3')"
is 'a redirect to another origin and back succeeds' \
    0 "$(with_credentials "$two/fault/redirect/302/$(percent_encode "$one/posts")/posts" \
    --auth bearer)"
is 'the first origin gets no headers after a way back' 'GET /posts?_limit=3' \
    "$(requests_in "$one_log" | tail -n 1)"
is 'a second redirect within the other origin succeeds' 0 "$(with_credentials \
    "$two/fault/redirect/302/$(percent_encode /posts)/posts" --auth bearer)"
is 'a second redirect in the other origin sends no headers' \
    'GET /posts?_limit=3' \
    "$(requests_in "$two_log" | tail -n 1)"
is 'a redirect to another host name on the same port succeeds' \
    0 "$(with_credentials \
    "http://localhost:${one##*:}/posts" --auth bearer)"
is 'another host name on the same port gets no headers' 'GET /posts?_limit=3' \
    "$(requests_in "$one_log" | tail -n 1)"

# A query secret is removed from the query of another origin, and it is not
# sent under another name.
is 'a target with the query secret in its own parameter succeeds' \
    0 "$(with_credentials "$two/posts?b=1&key=$secret&c=2" --auth query:key)"
is 'the query secret is removed for another origin' \
    'GET /posts?b=1&c=2' "$(requests_in "$two_log")"
is 'a target with the query secret in another parameter exits with 77' \
    77 "$(with_credentials "$two/posts?b=$secret" --auth query:key)"
is 'a query secret in another parameter is not sent' \
    '' "$(requests_in "$two_log")"
unlike 'a query secret in another parameter is not in the message' \
    $secret "$(cat "$scratch/err")"
is 'a query secret within the origin succeeds' \
    0 "$(with_credentials '/posts?b=1' --auth query:key)"
is 'a query secret within the origin is sent again' \
    "GET /posts?b=1&key=$secret $all" "$(requests_in "$one_log" | tail -n 1)"
is 'a target with user and password succeeds' \
    0 "$(with_credentials "http://u:p@${two#http://}/posts" \
    --auth bearer)"
is 'user and password of a target are not sent' \
    'GET /posts?_limit=3' "$(requests_in "$two_log")"

# TLS: a redirect to https is followed, a redirect back to http is not; a
# certificate must be trusted and have the right name.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$scratch/key" \
    -out "$scratch/cert" 2>/dev/null
api_start --cert "$scratch/cert" --key "$scratch/key"
tls=https://localhost:${api##*:}
SSL_CERT_FILE=$scratch/cert
export SSL_CERT_FILE
is 'https with a trusted certificate succeeds' \
    0 "$(status etl-extract "$tls/posts?_limit=3")"
is 'https gives the records' 3 "$(wc -l <"$scratch/out")"
is 'a redirect from http to https succeeds' \
    0 "$(with_credentials "$tls/posts" --auth bearer)"
is 'a redirect from http to https sends no headers' 'GET /posts?_limit=3' \
    "$(api_log | tail -n 1)"
is 'a redirect from https to http exits with 77' 77 "$(status etl-extract \
    "$tls/fault/redirect/302/$(percent_encode "$one/posts")/posts")"
like 'a redirect from https to http: the message says so' \
    'from https to http' "$(cat "$scratch/err")"
is 'a certificate for another name exits with 77' \
    77 "$(status etl-extract "https://127.0.0.1:${api##*:}/posts")"
like 'a certificate for another name: the message names URL and host' \
    'https://127.0.0.1:[0-9]*/posts: TLS: .*127.0.0.1' \
    "$(cat "$scratch/err")"
unset SSL_CERT_FILE
: >"$api_log_file"
is 'a self-signed certificate exits with 77' \
    77 "$(status etl-extract "$tls/posts")"
like 'a self-signed certificate: the message says so' \
    'TLS: .*self[- ]signed' "$(cat "$scratch/err")"
unlike 'a self-signed certificate is not retried' \
    'tries' "$(cat "$scratch/err")"
is 'https to a port without TLS exits with 75' \
    75 "$(status etl-extract --retries 0 \
    "https://${one#http://}/posts")"

# No TLS version below 1.2, even where the configuration of OpenSSL allows it.
cat >"$scratch/openssl.cnf" <<'END'
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = old
[old]
MinProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
END
# from_tls MINOR: reads from a server that speaks only TLS 1.MINOR.
from_tls() {
	OPENSSL_CONF=$scratch/openssl.cnf SSL_CERT_FILE=$scratch/cert \
	    status etl-extract --retries 0 \
	    "https://localhost:$(cat "$scratch/tls.$1")/"
}
for minor in 1 2; do
	OPENSSL_CONF=$scratch/openssl.cnf python3 tests/etl-extract/tls_version.py \
	    "$scratch/tls.$minor" "$scratch/cert" "$scratch/key" $minor &
	at_exit "kill $! 2>/dev/null"
	wait_until 10 test -s "$scratch/tls.$minor"
done
is 'a server that speaks only TLS 1.2 is read' 0 "$(from_tls 2)"
is 'a server that speaks only TLS 1.1 is not read' 75 "$(from_tls 1)"
like 'a server that speaks only TLS 1.1: the message names the cause' \
    'protocol version|unsupported protocol' "$(cat "$scratch/err")"
done_testing
