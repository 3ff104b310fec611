#!/bin/sh
# HTTP/2: libcurl uses it with TLS where the server offers it. The server of this
# test (http2.py) speaks nothing else.
. tests/support/lib.sh
api_start

cd "$scratch"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=me \
    -addext subjectAltName=IP:127.0.0.1 -keyout key -out cert 2>/dev/null
cd "$top"
/usr/bin/python3 tests/etl-extract/http2.py "$scratch/ready" "$scratch/cert" \
    "$scratch/key" >/dev/null 2>"$scratch/h2.err" &
at_exit "kill $! 2>/dev/null; wait $! 2>/dev/null"
if ! wait_until 10 test -s "$scratch/ready"; then
	echo "Bail out! http2.py: $(cat "$scratch/h2.err")"
	exit 1
fi
h2=https://127.0.0.1:$(cat "$scratch/ready")
extract() {
	status etl-extract --cacert "$scratch/cert" --backoff 1ms..5ms "$@"
}

# The same bytes as with HTTP/1.1.
curl -s "$api/posts?_limit=100" >"$scratch/posts.json"
curl -s "$api/paged?n=300000&size=300000" >"$scratch/long.json"
etl-extract "$api/posts?_limit=100" >"$scratch/posts"
etl-extract "$api/paged?n=300000&size=300000" >"$scratch/long"
for page in posts long; do
	is "$page: a page can be read over HTTP/2" 0 \
	    "$(extract "$h2/file$scratch/$page.json")"
	is "$page: HTTP/2 gives the same bytes as HTTP/1.1" '' \
	    "$(cmp "$scratch/$page" "$scratch/out" 2>&1)"
done
etl-extract --cacert "$scratch/cert" "$h2/file$scratch/long.json" |
    { sleep 2; cat; } >"$scratch/slow"
is 'a reader that sleeps gets the same bytes' '' \
    "$(cmp "$scratch/long" "$scratch/slow" 2>&1)"
before=$(extract "$h2/connections" >/dev/null; jq .n "$scratch/out")
is 'three pages use one connection' $((before + 1)) \
    "$(extract "$h2/file$scratch/posts.json" "$h2/file$scratch/posts.json" \
    "$h2/connections" >/dev/null; tail -n 1 "$scratch/out" | jq .n)"

# With --jobs each request has a connection of its own, so that an answer which
# waits for its turn holds up no other one.
for name in long posts long long posts long; do
	echo "{\"name\":\"$name\"}"
done >"$scratch/names"
for jobs in 1 4; do
	is "--jobs $jobs: requests over HTTP/2 succeed" 0 "$(extract --jobs \
	    $jobs --each "$h2/file$scratch/{name}.json" --count-as n \
	    <"$scratch/names")"
	mv "$scratch/out" "$scratch/out.$jobs"
done
is 'over HTTP/2, 4 jobs give the records of one' '' \
    "$(cmp "$scratch/out.1" "$scratch/out.4" 2>&1)"

# Header names come in lower case.
is 'link: the pages can be read' 0 \
    "$(extract --paginate link "$h2/pages?page=1")"
is 'link: it names the next page' '1 2 3' \
    "$(jq .page "$scratch/out" | xargs)"
state=$scratch/state.json
etag() {
	: >"$scratch/err"
	extract --checkpoint c --state "file:$state" --cursor-field /ts \
	    --since-param since --start 0 --conditional --stream s \
	    "$h2/etag" >/dev/null
	etl-checkpoint save --marked --state "file:$state" <"$scratch/out" \
	    >"$scratch/saved"
	jq -r '.["@etl"] // .n' "$scratch/saved" | xargs
}
is 'etag: the first run reads the page' 'begin 1 checkpoint end' "$(etag)"
like 'etag: the validator is stored' '\\"v1\\"' "$(cat "$state")"
unlike 'etag: the next run reads nothing' ' 1 ' "$(etag)"
like 'etag: the next run says that the page is unchanged' 'unchanged|304' \
    "$(cat "$scratch/err")"
is 'retry-after: 0 is tried again' 0 \
    "$(extract "$h2/status/503/retry-after/0")"
is 'retry-after: a wait beyond --backoff exits with 75' 75 \
    "$(extract --retries 9 "$h2/status/429/retry-after/999")"
like 'retry-after: the message says when to come back' \
    'the service asks to wait until' "$(cat "$scratch/err")"
for header in 'ratelimit/%22a%22%3Br%3D0%3Bt%3D999' \
    'ratelimit/limit%3D1%2C%20remaining%3D0%2C%20reset%3D999'; do
	is "$header: the next request would wait too long" 75 \
	    "$(extract "$h2/header/$header" "$h2/file$scratch/posts.json")"
	is "$header: the page before comes out" '{"n":1}' \
	    "$(cat "$scratch/out")"
done
is 'x-total-count: the total is read' 0 "$(extract --paginate page \
    --into query:p --total header:X-Total-Count "$h2/header/x-total-count/1")"
is 'x-total-count: it ends the pages' 1 "$(wc -l <"$scratch/out")"

# A stream that ends in the middle of a body is requested again.
for how in refused internal cancel goaway close; do
	for at in -1 0 1 20000 1000000; do
		is "$how after $at bytes: the page is read" 0 \
		    "$(extract "$h2/reset/$how/$at$scratch/long.json")"
		is "$how after $at bytes: each record comes out once" '' \
		    "$(cmp "$scratch/long" "$scratch/out" 2>&1)"
	done
	is "$how without a retry exits with 75" 75 \
	    "$(extract --retries 0 "$h2/reset/$how/20001$scratch/long.json")"
done
jq -nc '[range(40000) | {id: ., pad: ("x" * 1000)}]' >"$scratch/large.json"
# shellcheck disable=SC2016 # The inner shell expands it.
in_memory 'a page of 40 MiB that a slow reader takes needs little memory' \
    25000 150000 sh -c 'etl-extract --cacert "$0" "$1" | { sleep 1; cat; }' \
    "$scratch/cert" "$h2/file$scratch/large.json"
done_testing
