#!/bin/sh
# OAuth 2 client credentials: when a token is fetched, failures of the token
# server, and that no message shows the secret or the token.
. tests/support/lib.sh
secret='s3cr/t+of me'
api_start --token 's3cr%2Ft%2Bof%20me'
SECRET=$secret
export SECRET

# extract TOKEN_PATH PATH [OPTION...]
extract() {
	: >"$api_log_file"
	token=$1 path=$2
	shift 2
	status etl-extract --backoff 1ms..5ms --auth oauth2 \
	    --token-url "$api$token" --client-id 'me + you' \
	    --secret env:SECRET "$@" "$api$path"
}
# fails LABEL CODE REQUESTS ERE TOKEN_PATH [OPTION...]
fails() {
	label=$1 code=$2 requests=$3 say=$4 token=$5
	shift 5
	is "$label: exits with $code" "$code" \
	    "$(extract "$token" /oauth/1/posts "$@")"
	is "$label: so many requests are sent" "$requests" "$(api_log | wc -l)"
	like "$label: the message names the token server and says why" \
	    "^etl-extract: $api/oauth/1/posts: .*the token server $api/.*$say" \
	    "$(cat "$scratch/err")"
	unlike "$label: no message has the secret or a token" \
	    's3cr|token-[0-9]|bWUlMjAl' "$(cat "$scratch/err")"
}

is 'a token is fetched and sent' 0 "$(extract /token /oauth/1/posts)"
is 'the token is fetched with the id and the secret of the client' \
    'POST /token authorization=Basic body=grant_type=client_credentials
GET /oauth/1/posts authorization=Bearer' "$(api_log)"
is '--scope is sent with the request for a token' \
    '0 POST /token authorization=Basic body=grant_type=client_credentials&scope=a%20b%26c' \
    "$(extract /token /oauth/0/posts --scope 'a b&c') $(api_log | head -n 1)"
is 'all pages are read with one token' '0 1' "$(extract '/token?expires=3600' \
    /oauth/0/posts --paginate page --into query:_page --size _limit=25
    ) $(api_log | grep -c token)"
is 'a token is renewed before it expires' '0 3' "$(extract '/token?expires=1' \
    /oauth/0/posts --paginate page --into query:_page --size _limit=50 \
    --delay 950ms) $(api_log | grep -c token)"
is 'expires_in may be a text' '0 3' "$(extract '/token?expires=%221%22' \
    /oauth/0/posts --paginate page --into query:_page --size _limit=50 \
    --delay 950ms) $(api_log | grep -c token)"
is 'a second 401 exits with 77' 77 "$(extract /token /oauth/99/posts)"
is 'after a 401 the token is renewed once' 'POST GET POST GET' \
    "$(api_log | cut -d' ' -f1 | xargs)"
like 'a second 401: the message names --auth and where the secret is from' \
    'status 401: .*does not accept --auth oauth2 with the secret of env:SECRET' \
    "$(cat "$scratch/err")"
is 'a renewed token may be enough' '0 4' "$(
    extract /token "/oauth/$(curl -s -u 'me%20%2B%20you:s3cr%2Ft%2Bof%20me' \
    -d grant_type=client_credentials "$api/token" |
    sed 's/.*token-\([0-9]*\).*/\1/' | xargs expr 2 +)/posts"
    ) $(api_log | wc -l)"
first=$api first_log=$api_log_file
api_start
other=$api other_log=$api_log_file
api=$first api_log_file=$first_log
is 'a redirect to another origin is followed' 0 "$(extract /token \
    "/fault/redirect/302/$(echo "$other" | sed 's,/,%2F,g')%2Fposts/x")"
is 'another origin does not get the token' 'GET /posts' \
    "$(cut -d' ' -f3- "$other_log")"

f=/fault
fails 'status 400' 77 1 'status 400: ' "$f/status/400/token"
fails 'status 401' 77 1 'status 401: ' "$f/status/401/token"
fails 'status 500' 75 4 'status 500: ' "$f/status/500/token"
fails 'a redirect' 76 1 'status 302' "$f/redirect/302/%2Ftoken"
fails 'no answer' 75 4 '.' "$f/reset/token"
fails 'an answer that does not come' 75 2 'timed out|[Tt]imeout' \
    "$f/slow/9000/token" --timeout 200ms --retries 1
fails 'half of an answer, and then nothing' 75 2 'timed out|[Tt]imeout' \
    "$f/stall/5/token" --timeout 200ms --retries 1
fails 'an answer that is cut' 75 4 '.' "$f/cut/10/token"
fails 'an empty answer' 76 1 'no token that can be used: not JSON' \
    "$f/empty/token"
fails 'an HTML answer' 76 1 'no token that can be used: not JSON' \
    "$f/garbage/token"
fails 'an answer that is a number' 76 1 'not an object' "$f/scalar/token"
fails 'an answer without a token' 76 1 'access_token is not a text' \
    '/token?text={}'
fails 'an answer with an empty token' 76 1 'access_token is not a text' \
    '/token?text={%22access_token%22:%22%22}'
fails 'a token with a line end' 76 1 'characters that a header cannot have' \
    '/token?text={%22access_token%22:%22tok%5Cr%5Cn%22}'
fails 'a token of another type' 76 1 'token_type is not Bearer' \
    '/token?type=mac'
is 'a token server that answers after two failures is enough' '0 4' \
    "$(extract "$f/status/503/2/token" /oauth/0/posts) $(api_log | wc -l)"
SECRET=wrong-secret-wrong
fails 'a client that the token server does not know' 77 1 \
    'status 401: .*not shown: the answer contains the secret' /token

SECRET=$secret
is 'an answer that shows the token is not printed' 76 "$(extract \
    "/token?text={%22access_token%22:%22token-9-long-enough%22}" \
    '/fault/body/%7B%22a%22:%22token-9-long-enough%22%7D')"
unlike 'the message about an answer with the token does not show it' \
    token-9 "$(cat "$scratch/err")"
printf '{"id":1}\n{"id":2}\n' >"$scratch/in"
is 'with --each a token server that fails ends the run' 77 "$(status \
    etl-extract --auth oauth2 --token-url "$api$f/status/400/token" \
    --client-id x --secret env:SECRET --each "$api/posts/{id}" --as a \
    --rejects "$scratch/r" <"$scratch/in")"

bad() {
	say=$1
	shift
	is "$* exits with 64" 64 "$(status etl-extract "$@" "$api/posts")"
	like "$*: the message says why" "$say" "$(cat "$scratch/err")"
}
bad '--auth oauth2 needs --token-url URL and --client-id ID' --auth oauth2
bad 'need --auth oauth2' --token-url http://h/
bad 'need --auth oauth2' --auth bearer --client-id x
bad 'need --auth oauth2' --scope x
for url in h ftp://h/ http://me:pw@h/; do
	bad '--token-url: ' --auth oauth2 --client-id x --token-url $url
done
done_testing
