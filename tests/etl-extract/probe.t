#!/bin/sh
# --probe: the command that it prints reads all records, and the lines before it
# say how sure each part is.
. tests/support/lib.sh
api_start

body() {
	printf '%s/fault/body/%s' "$api" "$(printf '%s' "$1" |
	    od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')"
}
probe() {
	: >"$api_log_file"
	status etl-extract --probe --backoff 1ms..5ms "$@"
}
# command_options: prints the options of the command of the last probe, without
# its URL and without the --backoff of probe().
command_options() {
	sed -n "s/^etl-extract *//p" "$scratch/out" |
	    sed "s, *'*http.*,,; s,--backoff 1ms..5ms *,,"
}
# reads_all LABEL OPTIONS URL [OPTION...]: the command has these options, and
# reads 50 records.
reads_all() {
	label=$1 options=$2 url=$3
	shift 3
	is "$label: exits with 0 after one request" '0 1' \
	    "$(probe "$@" "$url") $(api_log | wc -l)"
	is "$label: the command has these options" "$options" \
	    "$(command_options)"
	cp "$scratch/out" "$scratch/command"
	is "$label: the command reads all records" '0 50' \
	    "$(status sh "$scratch/command") $(wc -l <"$scratch/out")"
	cp "$scratch/command" "$scratch/out"
}
# finds LABEL ANSWER OPTIONS [LINE...]: the options for an answer, and lines that
# begin with #.
finds() {
	is "$1: exits with 0" 0 "$(probe "$(body "$2")")"
	is "$1: the command has these options" "$3" "$(command_options)"
	label=$1
	shift 3
	for line; do
		like "$label: it says: $line" "^# $line" "$(cat "$scratch/out")"
	done
}

reads_all 'a Link header' '--paginate link' "$api/paged"
like 'a Link header: paging is sure' \
    '^# paging: sure: the Link header names the next page$' \
    "$(cat "$scratch/out")"
reads_all 'one page' '' "$api/paged?size=60"
like 'one page: the total says that it is all' \
    '^# paging: sure: all records are in this answer$' "$(cat "$scratch/out")"
reads_all 'a given size' '--size size=20 --paginate link' "$api/paged" \
    --size size=20
is 'a page parameter in the URL' 0 "$(probe "$api/items?page=1&limit=20")"
is 'a page parameter in the URL: the pages are numbered' \
    '--paginate page --into query:page --total /total' "$(command_options)"

finds 'names with escapes' \
    '{"a\u002fb \u00e9":{"rows\"~":[{"id":1},{"id":2}]},"\u0000":[{"id":3}],"a\tb":[{"id":3}]}' \
    '--records '"'/a~1b é/rows\"~0'" 'records: sure: /a~1b é/rows"~0 has 2 records'
finds 'a URL of the next page' \
    '{"results":[{"id":1}],"next":"http:\/\/h\/?c=2"}' \
    '--paginate cursor --next /next --into url' \
    'records: sure: /results has 1 record$' \
    'paging: sure: /next has the URL of the next page$'
finds 'a URL of the next page in HAL' \
    '{"items":[{"id":1}],"_links":{"next":{"href":"/x?page=2"}}}' \
    '--paginate cursor --next /_links/next/href --into url'
finds 'a token of the next page' \
    '{"items":[{"id":1}],"next_page_token":"abc","x":[1]}' \
    '--records /items --paginate cursor --next /next_page_token --into query:page_token' \
    'paging: likely: /next_page_token looks like the cursor' \
    'its place: a guess: the answer does not say which parameter'
finds 'a cursor as at HubSpot' \
    '{"results":[{"id":"1"}],"paging":{"next":{"after":"10","link":"?after=10"}}}' \
    '--paginate cursor --next /paging/next/after --into query:after'
finds 'pages that go on after the last id' \
    '{"data":[{"id":"a"}],"has_more":true}' \
    '--paginate cursor --next last:/id --into query:starting_after --more /has_more' \
    'more pages: sure: /has_more is true$'
finds 'a total above the records' '{"data":[{"id":1}],"meta":{"total":7}}' \
    '--paginate page --into query:page --total /meta/total' \
    'paging: a guess: ' 'total: likely: /meta/total is 7$'
finds 'records in an inner object' \
    '{"errors":[],"response":{"items":[{"a":1},{"a":2}]}}' \
    '--records /response/items' \
    'records: sure: /response/items has 2 records$'
finds 'two arrays of objects' '{"data":[{"a":1}],"included":[{"a":2}]}' \
    '--records /data' 'records: likely: /data has 1 record, but other arrays'
finds 'an empty page' '{"items":[]}' '' 'records: a guess: /items has 0 records'
finds 'a time of change' \
    '[{"id":1,"updated_at":"2026-05-01T00:00:00Z","created_at":"2026-04-01T00:00:00Z"}]' \
    '' 'cursor field: likely: /updated_at is a time: .* --cursor-field /updated_at'
# shellcheck disable=SC2016 # no shell may expand it
finds 'names that a shell or a terminal would obey' \
    "$(printf '{"a$(id)'"'"'\302\233":{"x":[{"b":1}]}}')" \
    "--records '/a\$(id)'\\''\\u009b/x'"

bad() {
	want=$1 say=$2
	shift 2
	is "$* exits with $want" "$want" "$(probe "$@")"
	like "$*: the message says why" "$say" "$(cat "$scratch/err")"
	is "$*: standard output stays empty" '' "$(cat "$scratch/out")"
}
bad 76 'the answer has no array, so --probe finds no records' "$api/posts/1"
bad 76 'the answer is not JSON' "$api/fault/garbage/posts"
bad 66 'status 404' "$api/nosuch"
bad 64 '--probe needs exactly one SOURCE' "$api/posts" "$api/posts"
bad 64 '--probe needs exactly one SOURCE' file.ndjson
bad 64 'give only options for requests with it' --paginate link "$api/posts"

API_TOKEN=secret
export API_TOKEN
is 'a probe can send a secret' 0 "$(probe --auth bearer --header 'X-Key: k3y' \
    --header "@/dev/null" "$api/auth/posts")"
is 'options for requests are part of the command, values of headers are not' \
    "--header 'X-Key: ...' --header @/dev/null --auth bearer --paginate link" \
    "$(command_options)"
unlike 'a probe does not print the secret' 'k3y' "$(cat "$scratch/out")"
is 'a probe takes options with numbers, durations and sizes' 0 "$(probe \
    --on 404=fail --on 410=ignore --delay 1ms --timeout 5s --retries 2 \
    --max-body 1MiB "$api/posts")"
is 'these options are part of the command, with the units of the program' \
    '--on 404=fail --on 410=ignore --delay 1ms --timeout 5000ms --retries 2 --max-body 1048576 --paginate link' \
    "$(command_options)"
is 'the command accepts these options' 0 \
    "$(cp "$scratch/out" "$scratch/command"; status sh "$scratch/command")"
done_testing
