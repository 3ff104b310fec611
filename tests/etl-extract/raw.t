#!/bin/sh
# Answers with unusual bytes: which are accepted, refused or retried.
. tests/support/lib.sh
raw=$scratch/raw
mkdir "$raw"
python3 tests/etl-extract/raw.py "$scratch/port" "$raw" 2>/dev/null &
at_exit "kill $! 2>/dev/null"
wait_until 10 test -s "$scratch/port"
url=http://127.0.0.1:$(cat "$scratch/port")

# answer NAME HEADERS: makes the answer of /NAME; its body is on stdin.
answer() {
	{
		printf 'HTTP/1.1 200 OK\r\n%b\r\n' "$2"
		cat
	} >"$raw/$1"
}
get() {
	: >"$raw/log"
	name=$1
	shift
	status etl-extract --backoff 1ms..2ms --retries 2 "$@" "$url/$name"
}
calls() {
	wc -l <"$raw/log"
}
# bad NAME CODE REQUESTS ERE [RECORDS]: the answer of /NAME gives this exit code
# after this number of requests, and a message. The records before the fault come
# out once, also if the request was repeated.
bad() {
	rm -f "$scratch/r"
	is "$1: the answer gives exit code $2" \
	    "$2" "$(get "$1" --max-rejects 9 --rejects "$scratch/r")"
	is "$1: the number of requests is $3" "$3" "$(calls)"
	like "$1: the message names the cause" "/$1: $4" "$(cat "$scratch/err")"
	is "$1: each record before the fault comes out once" \
	    "${5-}" "$(cat "$scratch/out")"
}

echo '[{"a":1}]' | answer closed ''
is 'a body that ends with the connection is accepted' 0 "$(get closed)"
is 'a body that ends with the connection gives its record' \
    '{"a":1}' "$(cat "$scratch/out")"
echo '[{"a":1}]' | answer text 'Content-Type: text/html; charset=latin1\r\n'
is 'JSON with the content type of HTML is read' \
    '0 {"a":1}' "$(get text) $(cat "$scratch/out")"
echo '<html>' | answer html 'Content-Type: application/json\r\n'
bad html 76 1 'the answer is not JSON'
echo '{"a":1}' | gzip | answer binary 'Content-Type: application/json\r\n'
bad binary 76 1 'the answer is not JSON'
{
	printf '{"data":[{"a":1}],"'
	head -c 70000 /dev/zero | tr '\0' n
	printf '":1}'
} >"$scratch/long"
answer long-name '' <"$scratch/long"
bad long-name 76 1 'the answer has a member name that is longer than 64 KiB, at byte 19' \
    '{"a":1}'
printf '[{"a":1},{"a"' | answer closed-early ''
bad closed-early 76 3 'gave up after 3 tries: the JSON ends too early: ' '{"a":1}'
# cut NAME TEXT [RECORDS]: the answer has no length that would show that it is
# cut.
cut() {
	printf '%b' "$2" | answer "$1" ''
	bad "$1" 76 3 'gave up after 3 tries: the JSON ends too early: ' \
	    "${3-{\"a\":1\}}"
}
cut in-character '[{"a":1},{"a":"\0303'
cut in-character-of-four '[{"a":1},{"a":"\0360\0237\0230'
cut in-escape '[{"a":1},{"a":"\\u00e'
cut in-pair '[{"a":1},{"a":"\\ud83d\\u'
cut in-name '{"d":[{"a":1}],"\0303'
cut behind-a-bad-record '[{"a":"\0377"},{"a":1' ''
is 'a record that is rejected before a cut is rejected once' \
    encoding "$(jq -r .code "$scratch/r")"
rm "$raw/log"
is 'JSON that ends too early in an answer of --each is a reject' \
    0 "$(echo '{}' | status etl-extract \
    --retries 1 --backoff 1ms..2ms --rejects "$scratch/r" \
    --each "$url/in-character" --as a)"
is 'JSON that ends too early in an answer of --each is retried' 2 "$(calls)"
printf '[{"a":1}]' | answer long 'Content-Length: 100\r\n'
bad long 75 3 'gave up after 3 tries: the answer was cut short' '{"a":1}'
printf '9\r\n[{"a":1}]\r\n' | answer chunk 'Transfer-Encoding: chunked\r\n'
bad chunk 75 3 'gave up after 3 tries: the answer was cut short' '{"a":1}'
printf 'zz\r\n[]\r\n' | answer chunk-size 'Transfer-Encoding: chunked\r\n'
is 'a broken chunk size exits with 75' 75 "$(get chunk-size)"
: >"$raw/nothing"
bad nothing 75 3 'gave up after 3 tries: Empty reply'
printf '[{"a":1}]' >"$raw/old"
bad old 76 1 'not HTTP: '

# Content encodings: only gzip, applied once, is accepted.
gz='Content-Encoding: gzip\r\n'
echo '[{"a":1}]' | gzip >"$scratch/gz"
answer gzip "$gz" <"$scratch/gz"
is 'a gzip body is unpacked' '0 {"a":1}' "$(get gzip) $(cat "$scratch/out")"
printf '[{"a"' | gzip >"$scratch/gz1"
printf ':1}]' | gzip | cat "$scratch/gz1" - | answer members \
    'content-encoding:  GZip  \r\n'
is 'a gzip body of two members is unpacked' \
    '0 {"a":1}' "$(get members) $(cat "$scratch/out")"
head -c 12 "$scratch/gz" | answer gzip-cut "$gz"
bad gzip-cut 75 3 'gave up after 3 tries: the answer.s gzip data was cut short'
head -c -8 "$scratch/gz" | answer gzip-tail "$gz"
bad gzip-tail 75 3 'gave up after 3 tries: the answer.s gzip data was cut short' \
    '{"a":1}'
echo '[]' | answer gzip-not "$gz"
bad gzip-not 75 3 'gave up after 3 tries: the answer.s gzip data is broken'
gzip <"$scratch/gz" | answer gzip-twice 'Content-Encoding: gzip, gzip\r\n'
bad gzip-twice 76 1 'the answer.s Content-Encoding is not supported'
echo '[]' | answer brotli 'Content-Encoding: br\r\n'
bad brotli 76 1 'the answer.s Content-Encoding is not supported'
echo '[{"a":1}]' | answer identity 'Content-Encoding: identity\r\n'
is 'Content-Encoding identity is accepted' \
    '0 {"a":1}' "$(get identity) $(cat "$scratch/out")"

# Status lines and headers.
{
	printf 'HTTP/1.1 103 Early Hints\r\nX-Total-Count: 9\r\n\r\n'
	printf 'HTTP/1.1 200 OK\r\nX-Total-Count: 1\r\nContent-Length: 9\r\n'
	printf '\r\n[{"a":1}]'
} >"$raw/early"
is 'the headers of 103 Early Hints are ignored' \
    '0 {"a":1}' "$(status etl-extract --paginate page \
    --into query:p --total header:x-total-count "$url/early") $(cat \
    "$scratch/out")"
yes 'X-Fill: 0123456789012345678901234567890123456789012345678901234' |
    head -n 6000 | sed 's/$/\r/' >"$scratch/fill"
{
	printf 'HTTP/1.1 200 OK\r\n'
	cat "$scratch/fill"
	printf '\r\n[]'
} >"$raw/head"
is 'headers of 300 KB exit with 76' 76 "$(get head)"
printf 'HTTP/1.1 204 No Content\r\n\r\n' >"$raw/none"
is '204 No Content gives no record and no error' \
    '0 ' "$(get none) $(cat "$scratch/out")"
printf 'HTTP/1.1 200 OK\r\n\r\n \n\t ' >"$raw/blank"
bad blank 76 1 'the answer is empty'
printf 'HTTP/1.1 302 Found\r\nLocation: \t /closed \t\r\n\r\n' >"$raw/blanks"
is 'white space around a Location is ignored' 0 "$(get blanks)"
printf 'HTTP/1.1 302 Found\r\nLocation:\r\n\r\n' >"$raw/nowhere"
is 'an empty Location exits with 76' 76 "$(get nowhere)"
printf 'HTTP/1.1 404 Gone\r\nContent-Encoding: br\r\n\r\n\001' >"$raw/missing"
bad missing 66 1 'status 404: '

# The status alone shows an error, whatever the body is.
echo no | answer broken-gzip "$gz"
sed -i '1s/200 OK/404 Gone/' "$raw/broken-gzip"
bad broken-gzip 66 1 'status 404: '
printf 'HTTP/1.1 404 Gone\r\nContent-Length: 9\r\n\r\nno' >"$raw/short-error"
bad short-error 66 1 'status 404: no$'

# Headers that are too large, in a trailer, or not valid.
yes 'HTTP/1.1 103 Early Hints|Link: <a>|' | head -n 9000 | tr '|' '\n' |
    sed 's/$/\r/' >"$raw/hints"
bad hints 76 1 'the answer.s headers are too large'
printf '5\r\n[{}]\n\r\n0\r\nX-Total-Count: 1\r\n\r\n' | answer trailer \
    'Transfer-Encoding: chunked\r\n'
is 'a total in a trailer is ignored' \
    '76 {}' "$(status etl-extract --paginate page \
    --into query:p --total header:x-total-count "$url/trailer") $(cat \
    "$scratch/out")"
printf 'HTTP/1.1 302 Found\r\nLocation: %s/clos ed\r\n\r\n' "$url" \
    >"$raw/space"
get space >/dev/null
is 'a space in a Location is encoded' 'space clos%20ed' "$(tr '\n' ' ' \
    <"$raw/log" | sed 's/ clos%20ed .*/ clos%20ed/;s/ $//')"
printf 'HTTP/1.1 302 Found\r\nLocation: http://b\303\274cher.example/\r\n\r\n' \
    >"$raw/idn"
bad idn 76 1 'status 302 is a redirect, but its Location'
is 'a host name that is not ASCII exits with 64' \
    64 "$(status etl-extract 'http://bücher.example/')"
like 'a host name that is not ASCII: the message says to write xn--' \
    'write its xn-- form' "$(cat "$scratch/err")"

# An answer cut at any byte gives an exit code that allows a retry.
head -c 7 "$scratch/gz" >"$scratch/gz.1"
{
	printf '7\r\n'
	cat "$scratch/gz.1"
	printf '\r\n%x;ext="v"\r\n' $(($(wc -c <"$scratch/gz") - 7))
	tail -c +8 "$scratch/gz"
	printf '\r\n0\r\nX-Trailer: 1\r\n\r\n'
} | answer all "$gz"'Transfer-Encoding: chunked\r\n'
size=$(wc -c <"$raw/all") n=0 odd=
while [ $n -lt $((size - 1)) ]; do
	head -c $n "$raw/all" >"$raw/part"
	rc=$(status etl-extract --stream s --retries 1 --backoff 1ms..1ms \
	    "$url/part")
	records=$(grep -c '^{"a"' "$scratch/out" || :)
	[ "$rc" = 75 ] && [ "$records" -le 1 ] || odd="$odd $n:$rc:$records"
	! grep -q '"@etl":"end"' "$scratch/out" || odd="$odd $n:end"
	n=$((n + 1))
done
is "an answer cut at any of $size bytes exits with 75, its record comes once" \
    '' "$odd"
is 'the same answer uncut gives its record' \
    '0 {"a":1}' "$(get all) $(cat "$scratch/out")"

# A server that accepts no connection because its queue is full.
cat >"$scratch/full.py" <<'EOF'
import socket, sys, time
s = socket.create_server(("127.0.0.1", 0), backlog=0)
peers = [socket.socket() for _ in range(4)]
for p in peers:
    p.setblocking(False)
    p.connect_ex(s.getsockname())
open(sys.argv[1], "w").write("%d\n" % s.getsockname()[1])
time.sleep(60)
EOF
python3 "$scratch/full.py" "$scratch/full" &
at_exit "kill $! 2>/dev/null"
wait_until 10 grep -q . "$scratch/full"
full=http://127.0.0.1:$(cat "$scratch/full")
is 'a server with a full queue exits with 75' \
    75 "$(limit=10 status etl-extract --connect-timeout 200ms \
    --backoff 1ms..2ms --retries 1 "$full/x")"
like 'a server with a full queue: the message names the time-out' \
    'after 2 tries: .*[Tt]ime' "$(cat "$scratch/err")"
is '--each: a server with a full queue exits with 75' \
    75 "$(echo '{"id":1}' | limit=10 status \
    etl-extract --connect-timeout 200ms --retries 0 --each "$full/{id}" --as a)"

# A public service must not redirect etl-extract to a private address. This
# machine does not have these addresses: fake_addresses.so maps them to
# loopback addresses.
echo '[{"a":1}]' | answer near ''
dir=$scratch/far
mkdir "$dir"
# serve_at LOOPBACK: starts a server; its port is in $port.
serve_at() {
	rm -f "$dir/port"
	python3 tests/etl-extract/raw.py "$dir/port" "$raw" "$1" \
	    >/dev/null 2>&1 &
	at_exit "kill $! 2>/dev/null"
	wait_until 10 test -s "$dir/port"
	port=$(cat "$dir/port")
}
# redirect_to URL: the answer of /to redirects to URL.
redirect_to() {
	printf 'HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n' "$1" \
	    >"$raw/to"
}
# extract_public ARG...: runs etl-extract with fake_addresses.so.
extract_public() {
	status env LD_PRELOAD="$etl_build/tests/fake_addresses.so" \
	    ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" \
	    etl-extract --retries 0 --timeout 2s "$@"
}
near='etl-extract: .*redirect from a public address to a private one'
serve_at 127.0.1.1
public=http://203.0.113.1:$port
serve_at 127.0.1.2
private=http://10.1.2.3:$port
redirect_to "$private/near"
is 'a redirect from a public to a private address exits with 77' \
    77 "$(extract_public "$public/to")"
like 'a redirect to a private address: the message says so' \
    "$near" "$(cat "$scratch/err")"
serve_at 127.0.1.3
redirect_to "http://169.254.169.254:$port/near"
is 'a redirect from a public to a link-local address exits with 77' \
    77 "$(extract_public "$public/to")"
like 'a redirect to a link-local address: the message says so' \
    "$near" "$(cat "$scratch/err")"
serve_at 127.0.0.1
redirect_to "http://127.0.0.1:$port/near"
is 'a redirect from a public to a loopback address exits with 77' \
    77 "$(extract_public "$public/to")"
like 'a redirect to a loopback address: the message says so' \
    "$near" "$(cat "$scratch/err")"
redirect_to "$public/near"
is 'a redirect from a public to a public address is followed' '0 {"a":1}' \
    "$(extract_public "$public/to") $(cat "$scratch/out")"
is 'a redirect from a private to a public address is followed' '0 {"a":1}' \
    "$(extract_public "$private/to") $(cat "$scratch/out")"
printf 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]' >"$raw/kept"
redirect_to "$private/kept"
is 'a redirect to private over an open connection exits with 77' 77 \
    "$(extract_public "$private/kept" "$public/to")"
like 'a redirect over an open connection: the message says so' \
    "$near" "$(cat "$scratch/err")"

# A host that was public once stays public, although its name is given a private
# address later (DNS rebinding). Both addresses are this server.
serve_at 0.0.0.0
rebinding() {
	rm -f "$raw/request"
	REBIND_AFTER=$raw/request extract_public "$@"
}
is 'a name that has a public address is read' '0 {"a":1}' "$(rebinding \
    "http://rebind.example:$port/near") $(cat "$scratch/out")"
is 'a name that gets a private address in the run exits with 77' 77 \
    "$(rebinding --paginate page --into query:p \
    "http://rebind.example:$port/near")"
like 'a name that gets a private address: the message says so' \
    'a host that had a public address before' "$(cat "$scratch/err")"
is '--each: a name that gets a private address ends the run with 77' 77 \
    "$(printf '{"id":1}\n{"id":2}\n' | rebinding --as a \
    --each "http://rebind.example:$port/near?{id}")"
is '--each: the private address is not read' \
    '{"id":1,"a":[{"a":1}]}' "$(cat "$scratch/out")"

# From the first public address on, no redirect leads to a private one, also if
# the user's own server is private.
redirect_to "http://203.0.113.1:$port/back"
printf 'HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n' \
    "http://10.1.2.3:$port/near" >"$raw/back"
is 'private, public, private: exits with 77' 77 \
    "$(extract_public "http://127.0.0.1:$port/to")"
like 'private, public, private: the message says so' \
    "$near" "$(cat "$scratch/err")"

# Link-local addresses need to be in the URL that the user gave.
is 'a link-local address that the user gave is read' '0 {"a":1}' "$(
    extract_public "http://169.254.169.254:$port/near") $(cat "$scratch/out")"
is '--each: a link-local address in the template is read' \
    '0 {"id":1,"a":[{"a":1}]}' "$(echo '{"id":1}' | extract_public --as a \
    --each "http://169.254.169.254:$port/near?{id}") $(cat "$scratch/out")"
link_local='refused a link-local address'
for to in 169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 \
    169.254.43518 '[::ffff:169.254.169.254]' '[::ffff:a9fe:a9fe]' '[fe80::1]' \
    '[64:ff9b::a9fe:a9fe]' metadata.example; do
	redirect_to "http://$to:$port/near"
	is "a redirect from a private address to $to exits with 77" 77 \
	    "$(extract_public "http://127.0.0.1:$port/to")"
	like "a redirect from a private address to $to: the message says so" \
	    "$link_local" "$(cat "$scratch/err")"
done
is 'a name of the user with a link-local address exits with 77' 77 \
    "$(extract_public "http://metadata.example:$port/near")"
like 'a name with a link-local address: the message says what to do' \
    "$link_local.*give etl-extract a URL with the address" "$(cat "$scratch/err")"
printf '%s\r\n' 'HTTP/1.1 200 OK' \
    "Link: <http://169.254.169.254:$port/near>; rel=\"next\"" '' \
    '[{"a":1}]' >"$raw/linked"
is 'a link to a link-local address exits with 77' 77 "$(extract_public \
    --paginate link "http://127.0.0.1:$port/linked")"

# A proxy makes the connections, so the address in a URL is checked before.
proxy=http://127.0.0.1:$port
mkdir -p "$raw/http:/api.example"
for to in 10.1.2.3 127.0.0.1 '[::1]' 169.254.169.254 localhost a.localhost. \
    2130706433; do
	printf 'HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n' \
	    "http://$to:1/near" >"$raw/http:/api.example/to"
	: >"$raw/log"
	is "a redirect to $to behind a proxy exits with 77" 77 \
	    "$(status etl-extract --retries 0 --proxy "$proxy" \
	    http://api.example/to)"
	is "a redirect to $to behind a proxy: the proxy is not asked" \
	    http://api.example/to "$(cat "$raw/log")"
	is "a redirect to $to behind http_proxy exits with 77" 77 \
	    "$(http_proxy=$proxy status etl-extract --retries 0 \
	    http://api.example/to)"
done
mkdir -p "$raw/http:/b.example"
cp "$raw/near" "$raw/http:/b.example/near"
printf 'HTTP/1.1 302 Found\r\nLocation: http://b.example/near\r\n\r\n' \
    >"$raw/http:/api.example/to"
is 'a redirect to another name behind a proxy is followed' '0 {"a":1}' \
    "$(status etl-extract --retries 0 --proxy "$proxy" http://api.example/to
    ) $(cat "$scratch/out")"
mkdir -p "$raw/http:/10.1.2.3"
cp "$raw/near" "$raw/http:/10.1.2.3/near"
is 'a private URL of the user behind a proxy is read' '0 {"a":1}' \
    "$(status etl-extract --retries 0 --proxy "$proxy" http://10.1.2.3/near
    ) $(cat "$scratch/out")"

# The headers of the user replace those of etl-extract, from any source.
# accepts OPTION...: prints the headers Accept... that are sent.
accepts() {
	get closed "$@" >/dev/null
	tr -d '\r' <"$raw/request" | grep -i '^accept'
}
is 'etl-extract sends its own Accept and Accept-Encoding' \
    'Accept: application/json
Accept-Encoding: gzip' "$(accepts)"
printf 'accept: a/b\nX: y\nACCEPT-Encoding: identity\n' >"$scratch/h"
is 'headers of --header @FILE replace the own headers' \
    "$(grep -iv x: "$scratch/h")" \
    "$(accepts --header "@$scratch/h")"
is 'a header of --header replaces the own one' 'Accept-Encoding: gzip
accept: a/b' "$(accepts --header 'accept: a/b')"
is 'an empty header of --header is sent empty' 'Accept-Encoding: gzip
Accept:' "$(accepts --header 'Accept:' | sed 's/ *$//')"

# Memory depends on the size of the answer, not on the number of its values.
jq -nc '[range(400000) | {a: 1, b: 2, c: 3}]' | answer small-records ''
in_memory 'an answer of 400,000 small records takes bounded memory' \
    40000 120000 etl-extract "$url/small-records"

# An answer that repeats the secret, in another form or in part.
# echoed NAME AUTH SECRET TEXT: the message does not show the answer TEXT.
echoed() {
	printf 'HTTP/1.1 400 Bad\r\n\r\n%s' "$4" >"$raw/$1"
	is "a secret in the answer, $1: exit code 69" 69 "$(T=$3; export T
	    status etl-extract --auth "$2" --secret env:T "$url/$1")"
	is "a secret in the answer, $1: the message does not show the answer" \
	    '(not shown: the answer contains the secret)' "$(sed 's/.*: status 400: //' "$scratch/err")"
}
long=$(jq -nr '[range(900)] | map(tostring) | add')
echoed in-base64 basic 'u:p/w' "'$(printf u:p/w | base64)'"
echoed in-json bearer 'a/b"c\d' "'"'a\/b\"c\\d'"'"
echoed longer-than-looked-at bearer "$long" "'$long'"
echoed cut-off bearer 's3cr t' "'s3cr"

# The body of an error answer has no end: it is cut at a size.
for status in 404:66 503:75 302:76; do
	name=endless-${status%:*}
	printf 'HTTP/1.1 %s X\r\n\r\nwhy it failed ' "${status%:*}" >"$raw/$name"
	is "an endless body of status ${status%:*} has the exit code of the status" \
	    "${status#*:}" \
	    "$(limit=10 get "$name" --timeout 30s --retries 0)"
done
like 'an endless body of an error: the message has its start' \
    'status 404: why it failed xxx' \
    "$(limit=10 get endless-404 --timeout 30s >/dev/null; cat "$scratch/err")"
printf 'HTTP/1.1 404 X\r\nContent-Encoding: gzip\r\n\r\n' >"$raw/endless-gzip"
head -c 300 /dev/zero | gzip -c | head -c 20 >>"$raw/endless-gzip"
is 'an endless gzip body of an error has the exit code of the status' \
    66 "$(limit=10 get endless-gzip --timeout 30s --retries 0)"

printf 'HTTP/1.1 302 Found\r\nLocation: ftp://h/?%0187d%s\r\n\r\n' 0 s3cret \
    >"$raw/to"
is 'a secret in a refused redirect exits with 77' 77 "$(T=s3cret; export T
    status etl-extract --auth bearer --secret env:T "$url/to")"
unlike 'a secret in a refused redirect is not in the message' \
    s3 "$(cat "$scratch/err")"
done_testing
