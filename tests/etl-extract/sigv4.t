#!/bin/sh
# --aws-sigv4: a server that checks signatures accepts the requests, and neither
# the secret nor the session token is seen elsewhere.
. tests/support/lib.sh
python3 tests/etl-extract/sigv4.py "$scratch/port" </dev/null >/dev/null \
    2>"$scratch/server.err" &
at_exit "kill $! 2>/dev/null"
wait_until 10 test -s "$scratch/port"
server=http://127.0.0.1:$(cat "$scratch/port")
api_start
AWS_ACCESS_KEY_ID=AKID AWS_SECRET_ACCESS_KEY='sesame/+=key'
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
unset AWS_SESSION_TOKEN AWS_REGION

extract() {
	status etl-extract --retries 0 --aws-sigv4 aws:amz:eu-1:s3 "$@"
}
# signed LABEL [OPTION...] PATH
signed() {
	label=$1
	shift
	is "$label: the server accepts the signature" 0 "$(extract "$@")"
	[ "$(jq -r '.scope[0]' "$scratch/out" 2>/dev/null)" = eu-1 ] ||
	    diag "$(cat "$scratch/out" "$scratch/err")"
}

signed 'a path' "$server/bucket/a%20b.json"
is 'region and service are those of the option' '["eu-1","s3"]' \
    "$(jq -c .scope "$scratch/out")"
signed 'query parameters' "$server/bucket?prefix=a/b+c%2fd&list-type=2&B=&a"
is 'query parameters are sent sorted and encoded' \
    '/bucket?B=&a=&list-type=2&prefix=a%2Fb%20c%2Fd' \
    "$(jq -r .url "$scratch/out")"
signed 'parameters with one name' "$server/b?a=2&a=1&a-b=1&a=10"
is 'parameters with one name are sorted by their values' \
    '/b?a=1&a=10&a=2&a-b=1' "$(jq -r .url "$scratch/out")"
signed 'an empty query' "$server/b?"
signed 'a body' --body '{"a": 1}' --header 'X-Key:  a  b' "$server/b"
dd if=/dev/zero bs=1M count=2 2>/dev/null | tr '\0' 'a' >"$scratch/body"
signed 'a body of 2 MiB' --body "@$scratch/body" "$server/b"
# libcurl 7.88 signs a name behind those that it is the start of.
signed 'no header of the user' "$server/b"
is 'a signed request does not ask for JSON' '["*/*"] gzip' \
    "$(jq -r '"\(.accept | tojson) \(.encoding)"' "$scratch/out")"
signed 'Accept of the user' --header 'Accept: text/csv' "$server/b"
is 'with it no Accept-Encoding is sent' '["text/csv"] null' \
    "$(jq -r '"\(.accept | tojson) \(.encoding)"' "$scratch/out")"
signed 'Accept-Encoding of the user' --header 'accept-encoding: identity' \
    "$server/b"
signed 'other headers' --header 'B: 1' --header 'Ab: 2' --header 'A_b: 3' \
    --header 'Az: 4' --header 'X-A: 5' "$server/b"
# refuses HEADER HEADER...
refuses() {
	for header; do
		set -- "$@" --header "$header"
		shift
	done
	is "$*: exit code 64" 64 "$(extract "$@" "$server/b")"
	like "$*: the message names the headers" \
	    'the headers .* and .* cannot be signed together' "$(cat "$scratch/err")"
}
refuses 'Accept: a' 'Accept-Encoding: b'
refuses 'X-A-B: a' 'x-a: b'
refuses 'X-A1: a' 'X-A: b'
refuses 'X-A: a' 'x-a: b'
refuses 'X-Amz-Date-2: a'
refuses 'X-Amz: a'
refuses 'X-Amz-Content-Sha256: a'
AWS_SESSION_TOKEN="session-token-long"
export AWS_SESSION_TOKEN
signed 'a session token' "$server/b"
is 'the session token is sent' session-token-long \
    "$(jq -r .token "$scratch/out")"
AWS_REGION=eu-2
export AWS_REGION
is 'AWS_REGION gives the region' '0 eu-2' "$(status etl-extract \
    --aws-sigv4 aws:amz "$server/b") $(jq -r '.scope[0]' "$scratch/out")"
is 'a region in the option overrides AWS_REGION' '0 eu-1' \
    "$(extract "$server/b") $(jq -r '.scope[0]' "$scratch/out")"
printf 'sesame/+=key\n' >"$scratch/secret"
chmod 600 "$scratch/secret"
is '--secret may give the secret' 0 "$(AWS_SECRET_ACCESS_KEY='' extract \
    --secret "file:$scratch/secret" "$server/b")"
is 'a wrong secret exits with 77' 77 "$(AWS_SECRET_ACCESS_KEY=wrong-secret \
    extract "$server/b")"

# Other origins, and what messages show.
: >"$api_log_file"
is 'a next page at another origin is read' 0 "$(api2=$api; extract \
    --paginate link "$api2/paged?n=20&link=http://localhost:${api##*:}")"
is 'the first origin gets the signature, another origin does not' \
    'GET /paged authorization x-amz-content-sha256 x-amz-date x-amz-security-token
GET /paged' "$(api_log | sed 's/?[^ ]*//; s/=[^ ]*//' | awk '{
    printf "%s %s", $1, $2; n = 0
    for (i = 3; i <= NF; i++) h[n++] = $i
    for (i = 0; i < n; i++) for (k = i + 1; k < n; k++)
	if (h[k] < h[i]) { t = h[i]; h[i] = h[k]; h[k] = t }
    for (i = 0; i < n; i++) printf " %s", h[i]
    print "" }')"
for text in 'sesame%2F+=key' session-token-long; do
	is "an answer with $text exits with 76" 76 \
	    "$(extract "$api/fault/body/%7B%22a%22:%22$text%22%7D")"
	unlike "the message about an answer with $text does not show it" \
	    'sesame|session-token' "$(sed 's,^[^ ]* [^ ]* ,,' "$scratch/err")"
done
unset AWS_REGION
bad() {
	want=$1 say=$2
	shift 2
	is "$* exits with $want" "$want" "$(status etl-extract "$@" "$server/b")"
	like "$*: the message says why" "$say" "$(cat "$scratch/err")"
}
for provider in aws '' :amz aws: a:b:c:d:e 'aws:a z'; do
	bad 64 'it must have the form PROVIDER:NAME' --aws-sigv4 "$provider"
done
is 'without a region in option, variable and host the exit code is 78' 78 \
    "$(status etl-extract --aws-sigv4 aws:amz "http://localhost:${server##*:}/")"
like 'without a region the message says what to give' \
    '--aws-sigv4 needs a region and a service, such as' "$(cat "$scratch/err")"
for AWS_REGION in 'a:b' 'a b' "a
x: y"; do
	export AWS_REGION
	bad 78 'AWS_REGION is not the name of a region' --aws-sigv4 aws:amz
done
unset AWS_REGION
for AWS_ACCESS_KEY_ID in 'a:b' 'a b' "a
x: y"; do
	bad 78 'AWS_ACCESS_KEY_ID does not have the id of a key' \
	    --aws-sigv4 aws:amz:r:s3
done
bad 64 '--auth and --aws-sigv4: give only one' --aws-sigv4 aws:amz --auth bearer
unset AWS_ACCESS_KEY_ID
bad 78 'AWS_ACCESS_KEY_ID does not have the id of a key' --aws-sigv4 aws:amz
unset AWS_SECRET_ACCESS_KEY
bad 78 'env:AWS_SECRET_ACCESS_KEY: the variable is not set' --aws-sigv4 aws:amz
done_testing
