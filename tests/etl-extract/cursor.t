#!/bin/sh
# Paging by offset, by cursor and by links: each place from which the next page
# is taken and to which it goes, when paging ends, and loops.
. tests/support/lib.sh
api_start
paged=$api/paged

# extract OPTION...: prints the exit code; the log has only its requests.
extract() {
	: >"$api_log_file"
	status etl-extract --backoff 1ms..5ms "$@"
}
requests() {
	api_log | sed 's,/paged,,'
}
# whole LABEL REQUESTS OPTION...: all 50 records come, by these requests.
whole() {
	label=$1 wanted=$2
	shift 2
	is "$label: exits with 0" 0 "$(extract "$@")"
	is "$label: all records come out in order" "$(seq 50)" \
	    "$(jq .id "$scratch/out")"
	is "$label: these requests are made" "$wanted" "$(requests)"
	is "$label: no message is printed" '' "$(cat "$scratch/err")"
}
# fails LABEL CODE RECORDS ERE OPTION...: fails after so many records.
fails() {
	label=$1 code=$2 records=$3 say=$4
	shift 4
	is "$label: exits with $code" "$code" "$(extract "$@")"
	is "$label: $records records come out before" "$records" \
	    "$(wc -l <"$scratch/out")"
	like "$label: the message says why" "$say" "$(cat "$scratch/err")"
}

# Each place of a cursor.
whole 'a cursor from /POINTER to query:' 'GET ?size=20
GET ?size=20&cursor=20
GET ?size=20&cursor=40' \
    --paginate cursor --next /next_cursor --into query:cursor "$paged?size=20"
whole 'a cursor from last:, with --more' 'GET ?size=20
GET ?size=20&cursor=20
GET ?size=20&cursor=40' --paginate cursor --next last:/id --into query:cursor \
    --more /has_more "$paged?size=20"
whole 'a cursor from last:, without --more' 'GET ?size=25
GET ?size=25&cursor=25
GET ?size=25&cursor=50' --paginate cursor --next last:/id --into query:cursor \
    "$paged?size=25"
whole 'a text cursor to body:, with --body' 'POST ?size=20 body={"q":[1]}
POST ?size=20 body={"q":[1],"after":"20"}
POST ?size=20 body={"q":[1],"after":"40"}' --paginate cursor \
    --next /paging/after --into body:/after --body '{"q":[1]}' "$paged?size=20"
whole 'a number as cursor to body:, in place of a member' \
    'PUT ?size=20 body={ "after": null, "q": 1 }
PUT ?size=20 body={ "after": 20, "q": 1 }
PUT ?size=20 body={ "after": 40, "q": 1 }' --paginate cursor \
    --next /next_cursor --into body:/after --body '{ "after": null, "q": 1 }' \
    --method PUT "$paged?size=20"
whole 'a cursor to body:, without --body' 'POST ?size=20 body={}
POST ?size=20 body={"after":20}
POST ?size=20 body={"after":40}' --paginate cursor --next /next_cursor \
    --into body:/after "$paged?size=20"
whole 'a cursor from header: to header:' 'GET ?size=20
GET ?size=20 x-cursor
GET ?size=20 x-cursor' --paginate cursor --next header:x-next-cursor \
    --into header:X-Cursor "$paged?size=20"
whole 'a relative URL from /POINTER to url' 'GET ?size=20
GET ?size=20&cursor=20
GET ?size=20&cursor=40' --paginate cursor --next /next --into url \
    "$paged?size=20"
whole 'a URL from link to url' 'GET ?size=20
GET ?size=20&cursor=20
GET ?size=20&cursor=40' --paginate cursor --next link --into url \
    "$paged?size=20"
whole '--paginate link; --size and --query-param are only in the first URL' \
    'GET ?a=b&size=20
GET ?a=b&size=20&cursor=20
GET ?a=b&size=20&cursor=40' --paginate link --size size=20 \
    --query-param a=b "$paged"
whole '--paginate link with absolute URLs' "GET ?size=20&link=$api
GET ?size=20&link=$api&cursor=20
GET ?size=20&link=$api&cursor=40" --paginate link "$paged?size=20&link=$api"
whole '--paginate offset to query:' 'GET ?size=20&offset=0
GET ?size=20&offset=20
GET ?size=20&offset=40
GET ?size=20&offset=50' --paginate offset --into query:offset "$paged?size=20"
whole '--paginate offset adds the records that came, not --size' \
    'GET ?size=20&limit=30&offset=0
GET ?size=20&limit=30&offset=20
GET ?size=20&limit=30&offset=40' --paginate offset --into query:offset \
    --size limit=30 --total /total "$paged?size=20"
whole '--paginate offset to body:, with --more' \
    'POST ?size=20 body={"after":0}
POST ?size=20 body={"after":20}
POST ?size=20 body={"after":40}' --paginate offset --into body:/after \
    --more /has_more "$paged?size=20"
is '--first sets the first offset' '0 45' "$(extract --paginate offset \
    --into query:offset --first 45 "$paged") $(jq .id "$scratch/out" |
    head -n 1 | xargs expr -1 +)"

# When paging ends.
for end in null false %22%22; do
	is "a next cursor of $end ends the paging" '0 3' "$(extract --paginate \
	    cursor --next /next_cursor --into query:cursor \
	    "$paged?size=20&end=$end") $(requests | wc -l)"
done
is 'a total that is reached ends the paging by cursor' '0 20 1' \
    "$(extract --paginate cursor --next /next_cursor --into query:cursor \
    --total /total "$paged?size=20&total=10") $(wc -l <"$scratch/out"
    ) $(requests | wc -l)"
is 'a --next inside of the records exits with 78' 78 "$(extract --paginate \
    cursor --next /data/9/id --into query:cursor "$paged?size=20")"
is 'a missing --more leaves it to the cursor' '0 50' "$(extract --paginate \
    cursor --next /next_cursor --into query:cursor --more /has_more \
    "$paged?says=0") $(wc -l <"$scratch/out")"
is '--more link ends pages by number' '0 3' "$(extract --paginate page \
    --into query:_page --more link "$api/posts?_limit=40"
    ) $(api_log | wc -l)"
fails '--max-pages with cursors' 1 20 'stopped by --max-pages 2' \
    --paginate cursor --next /next_cursor --into query:cursor --max-pages 2 \
    "$paged"
fails 'an empty page that names a next page ends the paging with a warning' \
    0 20 'warning: .*cursor=20: the page is empty, .*give --more$' --paginate \
    cursor --next /next_cursor --into query:cursor "$paged?size=20&empty=20"
is 'with a true --more, paging goes on after an empty page' '0 30' \
    "$(extract --paginate cursor --next /next_cursor --into query:cursor \
    --more /has_more "$paged?size=20&empty=20") $(wc -l <"$scratch/out")"
fails 'a full first page without a next page causes a warning' 0 10 \
    'warning: .*the first page is full, but it names no next page' --paginate \
    cursor --next /nxt --into query:cursor --size size=10 "$paged"

# What cannot be a next page.
fails 'the last record without the value of last:' 76 10 \
    '/paged: --next last:/uid: the last record of the page has no such value' \
    --paginate cursor --next last:/uid --into query:cursor "$paged"
fails 'a true --more without a cursor' 76 10 'says that more pages follow' \
    --paginate cursor --next /nxt --into query:cursor --more /has_more "$paged"
fails 'an object as cursor' 76 10 \
    '--next /paging: the page has an object there, but a cursor must be' \
    --paginate cursor --next /paging --into query:cursor "$paged"
fails 'a next URL that is not valid' 76 10 \
    "the URL of the next page is not valid: 'http://h:x/paged" --paginate link \
    "$paged?link=http://h:x"
fails 'a next URL with another scheme' 77 10 \
    'refused the next page at ftp://h/paged.*: it is not http or https' \
    --paginate link "$paged?link=ftp://h"
fails 'a body that has no object for the cursor' 78 0 \
    '--into body:/a/b: the body of --body has no object for this member' \
    --paginate cursor --next /next_cursor --into body:/a/b "$paged"
fails 'a body that is not JSON' 78 0 \
    '--body: it must be JSON to take the value of --into: .* at byte 1' \
    --paginate cursor --next /next_cursor --into body:/a --body 'q' "$paged"

# Loops.
fails 'a cursor that came four pages ago' 76 50 \
    "cursor=40: the pages lead in a loop: .* '10'" --paginate cursor \
    --next /next_cursor --into query:cursor "$paged?n=99&loop=50"
is 'a loop of cursors: no page is requested twice' '' \
    "$(requests | sort | uniq -d)"
fails 'a URL that came two pages ago' 76 30 \
    "the pages lead in a loop: .*cursor=10'" --paginate link "$paged?loop=30"
fails 'a service that ignores the cursor' 76 10 \
    'page 2 has the same records as page 1: check .* --into' --paginate cursor \
    --next /next_cursor --into query:page "$paged"
is 'a marked stream before a loop has its records and no end' \
    'begin failed 30' "$(extract --stream s --paginate link "$paged?loop=30" \
    >"$scratch/code"; jq -r '."@etl" // empty' "$scratch/out" | xargs
    ) $(grep -c '"id":[0-9]*}$' "$scratch/out")"

# Another origin: neither headers nor the secret nor the body go there.
first=$api
api_start --token other
other=$api
API_TOKEN=sesame-sesame
export API_TOKEN
is 'pages of another origin are read' 0 "$(status etl-extract --auth bearer \
    --header 'X-Key: k' --paginate link "$first/paged?size=30&link=$other")"
is 'another origin gets neither the headers nor the secret' \
    "GET /paged?size=30&link=$other&cursor=30" "$(api_log)"
is 'another origin does not get the body' 77 "$(status etl-extract \
    --paginate link --body '{}' "$first/paged?size=30&link=$other")"
like 'another origin and a body: the message says why' \
    'refused the next page at .*another origin must not get the body' \
    "$(cat "$scratch/err")"
is 'a secret in a next URL of another origin is refused' 77 "$(status \
    etl-extract --auth query:key --paginate link \
    "$first/paged?link=$other/$API_TOKEN")"
unlike 'the message about a secret in a next URL does not show it' sesame \
    "$(cat "$scratch/err")"
: >"$api_log_file"
is 'a secret in the query: all pages are read' '0 60' "$(status etl-extract \
    --auth query:key --paginate link --stream s "$other/paged?n=60&size=30"
    ) $(grep -c '"id":[0-9]*}$' "$scratch/out")"
is 'a secret in the query is once in each URL, although links repeat it' \
    "GET /paged?n=60&size=30&key=$API_TOKEN
GET /paged?n=60&size=30&cursor=30&key=$API_TOKEN" "$(api_log)"
is 'a loop of URLs with a secret exits with 76' 76 "$(status etl-extract \
    --auth query:key --paginate link --stream s "$other/paged?loop=30")"
unlike 'no output has the secret that the links repeat' sesame \
    "$(cat "$scratch/out" "$scratch/err")"
done_testing
