#!/bin/sh
# --record-to writes the answers without secrets; --replay-from gives the same
# output without the service.
. tests/support/lib.sh
api_start
dir=$scratch/dir

# recorded LABEL OPTION... URL: records a run; a replay gives the same bytes and
# the same exit code and makes no request. recorded_empty: of a run that gives no
# records.
recorded() {
	recorded_empty "$@"
	ok "$1: records come out" test -s "$scratch/out"
}
recorded_empty() {
	label=$1
	shift
	rm -rf "$dir"
	code=$(status etl-extract --backoff 1ms..5ms --record-to "$dir" "$@")
	cp "$scratch/out" "$scratch/first"
	: >"$api_log_file"
	is "$label: the replay has the same exit code" "$code" "$(status \
	    etl-extract --backoff 1ms..5ms --replay-from "$dir" "$@")"
	is "$label: the replay has the same bytes" '' \
	    "$(cmp "$scratch/first" "$scratch/out" 2>&1)"
	is "$label: the replay makes no request" '' "$(api_log)"
}
files() {
	find "$dir" -type f -printf '%f\n' | sort | xargs
}

recorded 'pages' --paginate page --into query:_page --size _limit=40 \
    "$api/posts"
is 'each answer is a file' \
    '000001.http 000002.http 000003.http 000004.http' "$(files)"
is 'a file has the request, the status, the headers and the decoded body' \
    "GET $api/posts?_limit=40&_page=2 200 content-type: application/json; 40" \
    "$(sed -n '1,2p' "$dir/000002.http" | xargs) $(grep -io \
    'content-type: application/json;' "$dir/000002.http" | tr 'CT' 'ct'
    ) $(sed '1,/^$/d' "$dir/000002.http" | jq length)"
is 'only the owner can read directory and files' '700 600' \
    "$(stat -c %a "$dir" "$dir/000001.http" | xargs)"
recorded 'links and a redirect' --paginate link \
    "$api/fault/redirect/302/%2Fpaged?size=20"
recorded 'a body and a cursor' --paginate cursor --next /paging/after \
    --into body:/after --body '{}' "$api/paged"
recorded 'retries' "$api/fault/status/503/2/posts"
is 'answers with an error status are recorded' '000001.http 000002.http 000003.http' \
    "$(files)"
recorded 'an answer that was cut and came again' "$api/fault/cut/100/1/posts"
is 'an answer that was cut is not recorded' 000001.http "$(files)"
recorded 'a run that fails' --paginate page --into query:_page \
    "$api/fault/on/_page=2/fault/status/404/posts"
recorded 'a long page' "$api/paged?n=60000&size=60000"
recorded_empty 'a status that is to be retried' --on 200=retry --retries 1 \
    "$api/posts"
recorded_empty 'a status that is ignored' --on 200=ignore "$api/posts"
is 'an ignored answer is recorded whole' 10 \
    "$(sed '1,/^$/d' "$dir/000001.http" | jq length)"
recorded_empty 'an answer that is not JSON' "$api/fault/garbage/posts"
is 'an answer that is not JSON exits with 76' 76 "$code"
printf '{"id":1}\n{"id":200}\n{"id":2}\n' >"$scratch/in"
each() {
	status etl-extract --each "$api/posts/{id}" --as post --max-rejects 9 \
	    --rejects "$scratch/r" "$@" <"$scratch/in"
}
rm -rf "$dir"
is '--each can be recorded' 0 "$(each --record-to "$dir")"
cp "$scratch/out" "$scratch/first"
: >"$api_log_file"
is '--each can be replayed' '0 0' \
    "$(each --replay-from "$dir") $(api_log | wc -l)"
is 'a replay of --each has the same bytes' '' \
    "$(cmp "$scratch/first" "$scratch/out" 2>&1)"

# Secrets.
for how in bearer query:key header:X-Key; do
	API_TOKEN=sesame-open
	export API_TOKEN
	rm -rf "$dir"
	is "--auth $how: a run can be recorded" 0 "$(status etl-extract \
	    --auth $how --paginate link --record-to "$dir" \
	    "$api/paged?size=20")"
	cp "$scratch/out" "$scratch/first"
	is "--auth $how: no recording has the secret or a cookie" 0 \
	    "$(cat "$dir"/* | grep -c 'sesame\|biscuit')"
	unset API_TOKEN
	is "--auth $how: a replay needs no secret" 0 "$(status etl-extract \
	    --auth $how --paginate link --replay-from "$dir" \
	    "$api/paged?size=20")"
	is "--auth $how: a replay has the same bytes" '' \
	    "$(cmp "$scratch/first" "$scratch/out" 2>&1)"
done
API_TOKEN='9},{'
export API_TOKEN
rm -rf "$dir"
is 'a long page can be recorded without a secret in it' 0 "$(status \
    etl-extract --auth bearer --record-to "$dir" \
    "$api/paged?n=60000&size=60000")"
curl -s "$api/paged?n=60000&size=60000" | sed 's/9},{/***/g' \
    >"$scratch/masked"
sed '1,/^$/d' "$dir/000001.http" >"$scratch/body"
is 'a long page: each copy of the secret is masked, and nothing else' '' \
    "$(cmp "$scratch/masked" "$scratch/body" 2>&1)"
unset API_TOKEN
api_start
SECRET=secret
export SECRET
rm -rf "$dir"
oauth() {
	status etl-extract --auth oauth2 --client-id 'me + you' --secret \
	    env:SECRET --token-url "$api/token" "$@" "$api/oauth/1/posts"
}
is '--auth oauth2: a run can be recorded' 0 "$(oauth --record-to "$dir")"
is '--auth oauth2: the answer with the token is not recorded' \
    '000001.http 0' "$(files) $(grep -c token- "$dir/000001.http")"
unset SECRET
is '--auth oauth2: a replay needs no secret' 0 "$(oauth --replay-from "$dir")"

# What cannot be replayed or recorded.
replay() {
	status etl-extract --backoff 1ms..5ms --replay-from "$dir" "$@"
}
is 'another request than the recorded one exits with 78' 78 \
    "$(replay "$api/posts")"
like 'another request: the message names both' \
    "000001.http: this is the answer to GET $api/oauth/1/posts, but the request is GET $api/posts: give the options" \
    "$(cat "$scratch/err")"
is 'another method is another request' 78 \
    "$(replay --method POST "$api/oauth/1/posts")"
is 'more requests than were recorded exit with 66' 66 \
    "$(replay "$api/oauth/1/posts" "$api/oauth/1/posts")"
is 'what was recorded comes out before' 10 "$(wc -l <"$scratch/out")"
is 'a directory without a recording exits with 66' 66 \
    "$(status etl-extract --replay-from "$scratch" "$api/posts")"
is 'a directory that has a recording is not overwritten' 73 \
    "$(status etl-extract --record-to "$dir" "$api/posts")"
like 'a directory with a recording: the message says what to do' \
    'already has a recording: give another one' "$(cat "$scratch/err")"
is 'a directory that cannot be made exits with 73' 73 \
    "$(status etl-extract --record-to "$scratch/no/dir" "$api/posts")"
is '--record-to and --replay-from together exit with 64' 64 \
    "$(status etl-extract --record-to a --replay-from b "$api/posts")"
cp "$dir/000001.http" "$scratch/whole"
for n in 0 1 20 60; do
	head -c $n "$scratch/whole" >"$dir/000001.http"
	is "a recording that was cut to $n bytes exits with 78" 78 \
	    "$(replay "$api/oauth/1/posts")"
done
done_testing
