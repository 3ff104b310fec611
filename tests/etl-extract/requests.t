#!/bin/sh
# How requests are made: --on, --rate, --max-time, and the way to the server by
# --unix-socket, --proxy and TLS options.
. tests/support/lib.sh
api_start

extract() {
	: >"$api_log_file"
	status etl-extract --backoff 1ms..5ms "$@"
}
calls() {
	api_log | wc -l
}
# peer_start KIND [ARG...]: starts a server; sets $place, its port or socket.
peers=0
peer_start() {
	peers=$((peers + 1))
	python3 tests/etl-extract/peer.py "$scratch/peer.$peers" "$@" \
	    </dev/null >/dev/null 2>"$scratch/peer.err" &
	at_exit "kill $! 2>/dev/null"
	wait_until 10 test -s "$scratch/peer.$peers" ||
	    diag "$(cat "$scratch/peer.err")"
	place=$(cat "$scratch/peer.$peers")
}
bad() {
	want=$1 say=$2
	shift 2
	is "$* exits with $want" "$want" "$(extract "$@" "$api/posts")"
	like "$*: the message says why" "$say" "$(cat "$scratch/err")"
	is "$*: no request is made" 0 "$(calls)"
}

# --on: pages.
f=$api/fault
is '--on 404=ignore: a page with this status is empty' '0 ' \
    "$(extract --on 404=ignore "$f/status/404/posts") $(cat "$scratch/out")"
is '--on 404=ignore ends pages by number' '0 20 3' "$(extract --on 404=ignore \
    --paginate page --into query:_page --size _limit=10 \
    "$f/on/_page=3/fault/status/404/posts") $(wc -l <"$scratch/out") $(calls)"
is '--on 404=ignore ends pages by cursor' '0 10 2' "$(extract \
    --on 404=ignore --paginate cursor --next /next_cursor --into query:cursor \
    "$f/on/cursor=10/fault/status/404/paged") $(wc -l <"$scratch/out"
    ) $(calls)"
is '--on 503=fail: one request, exit code 75' '75 1' \
    "$(extract --on 503=fail "$f/status/503/posts") $(calls)"
is '--on 404=retry: the request is repeated' '0 3' \
    "$(extract --on 404=retry "$f/status/404/2/posts") $(calls)"
is '--on 404=retry: after the last try the exit code is 75' '75 4' \
    "$(extract --on 404=retry "$f/status/404/posts") $(calls)"
is '--on 202=retry: a status 2xx can be repeated, too' '0 2 10' \
    "$(extract --on 202=retry "$f/status/202/1/posts") $(calls
    ) $(wc -l <"$scratch/out")"
is '--on 202=fail exits with 76' '76 1' \
    "$(extract --on 202=fail "$f/status/202/posts") $(calls)"
is 'the last --on for a status counts' '0 1' "$(extract --on 404=retry \
    --on 500=fail --on 404=ignore "$f/status/404/posts") $(calls)"
bad 64 '--on 404: it must have the form' --on 404
bad 64 '--on 4xx=fail: it must have the form' --on 4xx=fail
bad 64 '--on 100=fail: it must have the form' --on 100=fail
bad 64 '--on ignor: .* did you mean ignore\?$' --on 404=ignor
bad 64 '--on 302=ignore: an answer with this status is a redirect' \
    --on 302=ignore
bad 64 '--on 404=reject needs --each' --on 404=reject

# --on: a request for each record.
each() {
	printf '{"id":1}\n{"id":2}\n{"id":3}\n' | status etl-extract \
	    --backoff 1ms..5ms --each "$f/on/%2Fposts%2F2/fault/$1/posts/{id}" \
	    --as a --rejects "$scratch/r" --max-rejects 9 --on "$2"
}
is '--on 401=reject with --each: exits with 0' 0 "$(each status/401 401=reject)"
is '--on 401=reject with --each: only this record is rejected' \
    '{"id":1 {"id":3 http 401' "$(cut -c 1-7 "$scratch/out" | xargs -d '\n'
    ) $(jq -r '"\(.code) \(.http_status)"' "$scratch/r")"
is '--on 404=ignore with --each: the record passes with null' \
    '0 {"id":2,"a":null}' "$(each status/404 404=ignore) $(sed -n 2p \
    "$scratch/out")"
is '--on 404=fail with --each: the run ends' '66 1' \
    "$(each status/404 404=fail) $(wc -l <"$scratch/out")"

# --rate and --max-time.
began=$(date +%s%N)
is '--rate 20/s with five requests exits with 0' 0 "$(extract --rate 20/s \
    --paginate page --into query:_page --size _limit=25 "$api/posts")"
took=$((($(date +%s%N) - began) / 1000000))
ok "--rate 20/s: five requests take 200 ms at least ($took ms)" \
    test $took -ge 200
is '--rate counts retries' '0 3' \
    "$(extract --rate 1000/s "$f/status/503/2/posts") $(calls)"
for rate in 0/s 5 x/s 5/d 1000001/s ''; do
	bad 64 "--rate $rate: it must be a number of requests" --rate "$rate"
done
is '--max-time ends a slow run with 75' '75 20' "$(extract --max-time 500ms \
    --delay 400ms --paginate page --into query:_page --size _limit=10 \
    "$api/posts") $(wc -l <"$scratch/out")"
like '--max-time: the message says so' \
    '^etl-extract: stopped by --max-time' "$(cat "$scratch/err")"
is '--max-time ends a slow answer' 75 "$(extract --max-time 300ms \
    "$f/slow/5000/posts")"
like '--max-time of a slow answer: the message has the URL' \
    "^etl-extract: $f/slow/5000/posts: stopped by --max-time" \
    "$(cat "$scratch/err")"
is '--max-time ends a page that drips' 75 "$(extract --max-time 500ms \
    "$f/drip/posts")"
like '--max-time of a page that drips: the message says so' \
    'stopped by --max-time' "$(cat "$scratch/err")"
is '--max-time ends retries' 75 "$(status etl-extract --max-time 300ms \
    --retries 99 --backoff 200ms..200ms "$f/status/503/posts")"

# The way to the server.
peer_start unix "$scratch/socket"
is '--unix-socket connects to the socket' '0 /a?b' "$(extract --unix-socket \
    "$scratch/socket" 'http://h.invalid/a?b') $(jq -r .url "$scratch/out")"
is '--unix-socket that is not there exits with 75' 75 "$(extract \
    --unix-socket "$scratch/nosuch" http://h.invalid/)"
like '--unix-socket that is not there: the message names the socket and the cause' \
    "--unix-socket $scratch/nosuch: cannot connect: No such file" \
    "$(cat "$scratch/err")"
long=/$(printf '%0107d' 0)
is '--unix-socket with a path that is too long exits with 64' 64 "$(extract \
    --unix-socket "$long" http://h.invalid/)"
like '--unix-socket with a path that is too long: the message says so' \
    '--unix-socket: .* 107 bytes' "$(cat "$scratch/err")"
peer_start tcp
is '--proxy sends the request to the proxy' '0 http://h.invalid/a false' \
    "$(extract --proxy "127.0.0.1:$place" http://h.invalid/a
    ) $(jq -r '"\(.url) \(.password)"' "$scratch/out")"
is '--proxy with a password sends it to the proxy' '0 true' \
    "$(extract --proxy "http://me:sesame@127.0.0.1:$place" http://h.invalid/a
    ) $(jq -r .password "$scratch/out")"
like '--proxy with a password: a warning says that others see it' \
    'warning: --proxy: other users can see' "$(cat "$scratch/err")"
unlike '--proxy with a password: no message shows it' sesame \
    "$(cat "$scratch/err")"
is '--probe with such a --proxy exits with 0' 0 "$(extract --probe \
    --proxy "http://me:sesame@127.0.0.1:$place" http://h.invalid/a)"
like 'the command of --probe has the proxy without its password' \
    "--proxy http://...@127.0.0.1:$place " "$(cat "$scratch/out")"
unlike 'the output of --probe has no password' sesame "$(cat "$scratch/out")"
is '--proxy that is no URL exits with 78' 78 \
    "$(extract --proxy 'http://me:sesame@:x/' http://h.invalid/a)"
like '--proxy that is no URL: the message names the option' \
    '--proxy does not hold the URL of a proxy' "$(cat "$scratch/err")"
unlike '--proxy that is no URL: the message does not show its password' \
    sesame "$(cat "$scratch/err")"

cd "$scratch"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=me \
    -addext subjectAltName=IP:127.0.0.1 -keyout key -out cert 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other \
    -keyout other.key -out other.cert 2>/dev/null
mkdir ca
cp cert ca/me.pem
openssl rehash ca
cd "$top"
peer_start tls "$scratch/cert" "$scratch/key" "$scratch/cert"
tls=https://127.0.0.1:$place/
is 'a certificate that is not trusted exits with 77' 77 "$(extract "$tls")"
is '--cacert, --cert and --key: the server knows the client' '0 me' \
    "$(extract --cacert "$scratch/cert" --cert "$scratch/cert" \
    --key "$scratch/key" "$tls") $(jq -r .client "$scratch/out")"
is '--capath trusts the authorities in a directory' 0 "$(extract --capath \
    "$scratch/ca" --cert "$scratch/cert" --key "$scratch/key" "$tls")"
is '--cacert overrides SSL_CERT_FILE' 0 "$(SSL_CERT_FILE=$scratch/other.cert \
    extract --cacert "$scratch/cert" --cert "$scratch/cert" \
    --key "$scratch/key" "$tls")"
is 'without --cert such a server cannot be read' 75 \
    "$(extract --retries 0 --cacert "$scratch/cert" "$tls")"
is 'a --key of another certificate exits with 78' 78 "$(extract --cacert \
    "$scratch/cert" --cert "$scratch/cert" --key "$scratch/other.key" "$tls")"
bad 66 "$scratch/nosuch: No such file" --cacert "$scratch/nosuch"
bad 66 "$scratch/nosuch: No such file" --cert "$scratch/nosuch"
done_testing
