#!/bin/sh
# --batch-each: one request for several records; its answers are joined to the
# records by their ids.
. tests/support/lib.sh
api_start

# batch PARAMETERS OPTION... <records: the request has /listed?ids=...PARAMETERS.
batch() {
	: >"$api_log_file"
	rm -f "$scratch/r"
	parameters=$1
	shift
	status etl-extract --backoff 1ms..5ms --rejects "$scratch/r" \
	    --each "$api/listed?ids={ids}$parameters" --as a "$@"
}
requests() {
	api_log | sed 's/^GET //'
}
rejects() {
	jq -r '"\(.code) \(.pointer) \(.http_status // 0) \(.retryable // false
	    ) \(.origin.line)"' "$scratch/r"
}
# ids ID...: a record for each ID, which is JSON.
ids() {
	printf '{"id":%s}\n' "$@"
}
# out: for each record of the output its id and the name in its answer.
out() {
	jq -j '"\(.id)=\(.a.name? // .a) "' "$scratch/out"
}

# The join.
is 'five records in batches of two are accepted' \
    0 "$(ids 1 2 3 4 5 | batch '' --batch-each 2)"
is 'each request asks for two records, the last one for the rest' \
    '/listed?ids=1,2
/listed?ids=3,4
/listed?ids=5' "$(requests)"
is 'each record gets its own answer, in the order of the input' \
    '1=n1 2=n2 3=n3 4=n4 5=n5 ' "$(out)"
is 'the bytes of a record stay, and its answer is its last member' \
    0 "$(printf '%s\n' ' { "b" : 1.0 , "id" :"x", "c":"\u00e9\/é"  } ' |
    batch '' --batch-each 9)"
is 'the answer is added in compact form' \
    '{ "b" : 1.0 , "id" :"x", "c":"\u00e9\/é"  ,"a":{"id":"x","name":"nx"}}' \
    "$(cat "$scratch/out")"
is 'batches of one record are accepted' \
    0 "$(ids 1 2 | batch '' --batch-each 1)"
is 'batches of one record: each record has its answer' '1=n1 2=n2 ' "$(out)"
is 'batches of one record: each record makes a request' 2 \
    "$(requests | wc -l)"
is 'an empty input is accepted' 0 "$(batch '' --batch-each 2 </dev/null)"
is 'an empty input makes no request' 0 "$(requests | wc -l)"
is 'records with the same id are accepted' \
    0 "$(ids 7 '"7"' 8 7 | batch '' --batch-each 9)"
is 'an id that several records have is asked for once' \
    '/listed?ids=7,8' "$(requests)"
is 'each of the records with the same id gets the answer' \
    '7=n7 7=n7 8=n8 7=n7 ' "$(out)"
is 'ids that are strings, numbers and booleans are accepted' \
    0 "$(ids '"a b"' -15 true '"é,/?&="' | batch '' --batch-each 9)"
is 'ids are percent-encoded in the URL' \
    '/listed?ids=a%20b,-15,true,%C3%A9%2C%2F%3F%26%3D' "$(requests)"
is 'an id with a comma that the service takes for two ids: the others come out' \
    'a b=na b -15=n-15 true=ntrue ' "$(out)"
is 'an id with a comma that the service takes for two ids is rejected' \
    'http null 200 false 4' "$(rejects)"
is 'with {+ids} ids with reserved characters are accepted' \
    0 "$(: >"$api_log_file"; ids '"a:/b#"' 7 '"x&ids=9"' 8 | status etl-extract \
    --each "$api/listed?ids={+ids}" --as a --batch-each 9)"
is 'the characters that end the list are encoded: the ids after them are sent' \
    '/listed?ids=a:/b%23,7,x%26ids=9,8' "$(requests)"
is '--ids and --match are accepted' 0 "$(printf '%s\n' \
    '{"id":9,"u":{"k":1}}' '{"u":{"k":"x"}}' | batch '&member=key' \
    --batch-each 9 --ids /u/k --match key)"
is '--ids names the id in a record, --match the one in an answer' \
    '{"id":9,"u":{"k":1},"a":{"key":1,"name":"n1"}}
{"u":{"k":"x"},"a":{"key":"x","name":"nx"}}' "$(cat "$scratch/out")"
is '--records is accepted' 0 "$(ids 1 2 | batch '&wrap=1' --batch-each 9 \
    --records /data/items)"
is '--records names the place of the answers' '1=n1 2=n2 ' "$(out)"
is '--count-as is accepted' 0 "$(ids 1 2 | batch '&lacks=2' --batch-each 9 \
    --count-as n --missing null)"
is '--count-as adds the number of answers' \
    '{"id":1,"a":{"id":1,"name":"n1"},"n":1}
{"id":2,"a":null,"n":0}' "$(cat "$scratch/out")"
for template in '/listed/{ids}' '/listed{/ids}' '/listed{?ids}' \
    '/listed?x=1{&ids}' '/listed?ids={+ids}' '/listed?ids={ids}&x=é#f'; do
	is "the template $template is accepted" 0 "$(ids 1 '"b"' |
	    status etl-extract --each "$api$template" --as a --batch-each 9)"
	is "the template $template: each record has its answer" '1=n1 b=nb ' \
	    "$(out)"
done

# No answer, several answers, and answers that nobody asked for.
is 'a record without an answer does not end the run' \
    0 "$(ids 1 2 3 | batch '&lacks=2' --batch-each 9)"
is 'a record without an answer: the others come out' '1=n1 3=n3 ' "$(out)"
is 'a record without an answer is a reject' 'http null 200 false 2' \
    "$(rejects)"
is 'the message names the id' 'the answer has no record with the id 2' \
    "$(jq -r .message "$scratch/r")"
is 'the reject has the bytes of the record' '{"id":2}' \
    "$(jq -r .raw "$scratch/r")"
is '--missing null is accepted' \
    0 "$(ids 1 2 3 | batch '&lacks=2' --batch-each 9 --missing null)"
is '--missing null adds null' '1=n1 2=null 3=n3 ' "$(out)"
is '--missing reject is the default' \
    0 "$(ids 1 2 3 | batch '&lacks=2' --batch-each 9 --missing reject)"
is '--missing reject rejects' 'http null 200 false 2' "$(rejects)"
is 'a record with two answers does not end the run' \
    0 "$(ids 1 2 3 | batch '&twice=2' --batch-each 9)"
is 'a record with two answers is a reject' 'http null 200 false 2' \
    "$(rejects)"
like 'the message says how to take both' \
    'has 2 records with the id 2: to take all of them give --many' \
    "$(jq -r .message "$scratch/r")"
is '--many is accepted' 0 "$(ids 1 2 3 | batch '&twice=2&lacks=3' \
    --batch-each 9 --many --missing null --count-as n)"
is '--many makes each answer an array, and --missing null is null' \
    '{"id":1,"a":[{"id":1,"name":"n1"}],"n":1}
{"id":2,"a":[{"id":2,"name":"n2"},{"id":2,"name":"n2"}],"n":2}
{"id":3,"a":null,"n":0}' "$(cat "$scratch/out")"
is 'answers that nobody asked for do not end the run' \
    0 "$(ids 1 2 3 | batch '&extra=8,9' --batch-each 2)"
is 'answers that nobody asked for are ignored' '1=n1 2=n2 3=n3 ' "$(out)"
is 'a warning counts them and names one' \
    'etl-extract: warning: the answers had 4 records with an id that was not asked for, for example 8: they were ignored: check that the service knows the parameter of {ids}' \
    "$(cat "$scratch/err")"
is 'a wrong --match does not end the run' \
    0 "$(ids 1 2 | batch '' --batch-each 2 --match key)"
like 'a wrong --match: the message says what to check' \
    'no record with the id 1, and 2 of its records have no valid member key: check --match' \
    "$(jq -r .message "$scratch/r")"

# Records that cannot be asked for.
printf '%s\n' '{"a":1}' '{"id":1}' '{"id":null}' '{"x":1}' '{"id":[1]}' \
    '{"id":{}}' '{"id":""}' '{"id":"\u0000"}' '{"id":"\ud800"}' \
    '{"id":1,"id":2}' '[1]' '{"id":1' '{"id":2}' >"$scratch/in"
is 'records without a valid id do not end the run' \
    0 "$(batch '' --batch-each 20 --max-rejects 100% <"$scratch/in")"
is 'each of them has its code, pointer and line, in the order of the input' \
    'duplicate_member /a 0 false 1
required /id 0 false 3
required /id 0 false 4
type /id 0 false 5
type /id 0 false 6
range /id 0 false 7
encoding /id 0 false 8
encoding /id 0 false 9
duplicate_member null 0 false 10
type null 0 false 11
parse null 0 false 12' "$(rejects)"
is 'only the records with an id are asked for' '/listed?ids=1,2' "$(requests)"
is 'the records with an id come out' '1=n1 2=n2 ' "$(out)"
is 'a batch without any id makes no request' 0 "$(ids null null |
    batch '' --batch-each 2 --max-rejects 100% >/dev/null; requests | wc -l)"
is 'the pointer of --ids is that of the reject' '/u/k' "$(ids 1 |
    batch '' --batch-each 2 --ids /u/k --max-rejects 9 >/dev/null
    jq -r .pointer "$scratch/r")"
is 'an id that changes the path of the URL is rejected' 'range range 3' \
    "$(ids '"."' '".."' 3 | status etl-extract --rejects "$scratch/path" \
    --each "$api/listed/{ids}" --as a --batch-each 9 --max-rejects 9 \
    >/dev/null; jq -r .code "$scratch/path" | xargs) $(jq .id "$scratch/out")"

# Long URLs, large records and large answers.
jq -nc 'range(30) | {id: ("\(.)" + "x" * 5000)}' >"$scratch/in"
is 'ids too long for one URL do not end the run' \
    0 "$(batch '' --batch-each 100 --record-to "$scratch/long" <"$scratch/in")"
is 'ids too long for one URL: all records have their answers' 30 \
    "$(jq -c 'select(.a.name == "n" + .id)' "$scratch/out" | wc -l)"
# asked DIR: how many ids the first request of a recording has.
asked() {
	sed 's/[^,]//g; q' "$1/000001.http" | awk '{ print length + 1 }'
}
is 'a batch ends before its URL is longer than 64 KiB' 13 \
    "$(asked "$scratch/long")"
most=$((65536 - $(printf %s "$api/listed?ids=" | wc -c)))
# two N M: two records with ids that take N and M bytes of a URL.
two() {
	jq -nc '$ARGS.positional[] | {id: ("é" * 10 + "x" * (. - 60))}' \
	    --jsonargs "$@"
}
rm -rf "$scratch/long"
is 'two ids that just fit into a URL are asked for at once' '0 2' \
    "$(two 1000 $((most - 1001)) | batch '' --batch-each 9 \
    --record-to "$scratch/long") $(asked "$scratch/long")"
rm -rf "$scratch/long"
is 'two ids of one byte more are asked for by two requests' '0 1' \
    "$(two 1000 $((most - 1000)) | batch '' --batch-each 9 \
    --record-to "$scratch/long") $(asked "$scratch/long")"
rm -rf "$scratch/long"
is 'a parameter leaves less room for the ids' '0 1' \
    "$(two 1000 $((most - 1004)) | batch '' --batch-each 9 \
    --query-param ab= --record-to "$scratch/long") $(asked "$scratch/long")"
is 'an id that is too long by itself is rejected' '0 range /id 0 false 2' \
    "$(two 100 70000 200 | batch '' --batch-each 9) $(rejects)"
is 'an id that is too long by itself: the others are asked for' 1 \
    "$(requests | wc -l)"
is '--query-param too long for any URL exits with 64' \
    64 "$(ids 1 | batch '' --batch-each 9 --query-param \
    "a=$(printf '%65536s' '')")"
is 'a record too long with its answer is rejected' \
    '0 too_long null 0 false 2' "$(ids 1 222222 3 | batch '' --batch-each 9 \
    --max-record 40) $(rejects)"
is 'an answer larger than --max-body is asked for in parts' 0 \
    "$(ids 1 2 3 4 5 | batch '&pad=1000' --batch-each 9 --max-body 2500)"
is 'an answer larger than --max-body: all records have their answers' 5 \
    "$(wc -l <"$scratch/out")"
# shellcheck disable=SC2016 # The inner shell expands it.
in_memory 'records of 1 MiB do not wait for a batch of 1,000' 100000 300000 \
    sh -c 'jq -nc "range(100) | {id: 1, pad: (\"x\" * 1048576)}" |
    etl-extract --each "$0/listed?ids={ids}" --count-as n --batch-each 1000' \
    "$api"

# Requests that fail.
is 'a refused batch is asked for in parts' \
    0 "$(ids 1 2 3 4 5 6 7 8 | batch '&bad=6' --batch-each 8)"
is 'of a refused batch only the record at fault is rejected' \
    'http null 400 false 6' "$(rejects)"
is 'of a refused batch all other records come out' \
    '1=n1 2=n2 3=n3 4=n4 5=n5 7=n7 8=n8 ' "$(out)"
is 'a refused batch is asked for by halves' '8 4 4 2 1 1 2' \
    "$(requests | sed 's/&.*//; s/[^,]//g' | awk '{ print length + 1 }' |
    xargs)"
is 'a service that takes fewer ids gets fewer' \
    0 "$(ids 1 2 3 4 5 6 7 8 | batch '&most=3' --batch-each 8)"
is 'a service that takes fewer ids: all records come out' \
    '1=n1 2=n2 3=n3 4=n4 5=n5 6=n6 7=n7 8=n8 ' "$(out)"
# fault PATH OPTION...: of three batches of two, the second one meets a fault.
fault() {
	fault=$1
	shift
	: >"$api_log_file"
	rm -f "$scratch/r"
	ids 1 2 3 4 5 6 | status etl-extract --backoff 1ms..5ms --retries 1 \
	    --timeout 1s --rejects "$scratch/r" --max-rejects 9 --batch-each 2 \
	    --as a --each "$api/fault/on/ids%3D3/$fault/listed?ids={ids}" "$@"
}
for case in status/503:503:true cut/10:200:true garbage:200:false \
    slow/5000:0:true reset:0:true; do
	name=${case%%:*} wanted=$(echo "${case#*:}" | tr : ' ')
	is "$name: a batch that fails does not end the run" \
	    0 "$(fault "fault/$name")"
	is "$name: the records of the other batches come out" \
	    '1=n1 2=n2 5=n5 6=n6 ' "$(out)"
	is "$name: each record of the batch is a reject" \
	    "http null $wanted 3
http null $wanted 4" "$(rejects)"
done
is 'a batch that succeeds after two 503 is no reject' 0 "$(ids 1 2 |
    status etl-extract --backoff 1ms..5ms --batch-each 2 --as a \
    --each "$api/fault/status/503/2/listed?ids={ids}")"
is 'a batch that succeeds after two 503: each record has its answer' \
    '1=n1 2=n2 ' "$(out)"
is 'an answer that was cut and came again is accepted' 0 "$(ids 1 2 |
    status etl-extract --backoff 1ms..5ms --batch-each 2 --as a \
    --each "$api/fault/cut/40/1/listed?ids={ids}")"
is 'an answer that was cut and came again gives each record once' \
    '1=n1 2=n2 ' "$(out)"
is '--on 503=ignore adds null to the records of the batch' \
    '0 1=n1 2=n2 3=null 4=null 5=n5 6=n6 ' \
    "$(fault fault/status/503 --on 503=ignore) $(out)"
is '--on 503=reject rejects the records' '0 503 503' \
    "$(fault fault/status/503 --on 503=reject) $(
    jq -r .http_status "$scratch/r" | xargs)"
is '--on 400=reject rejects only the record at fault' '0 400 2' \
    "$(ids 1 2 3 | batch '&bad=2' --batch-each 9 --on 400=reject) $(
    jq -r '"\(.http_status) \(.origin.line)"' "$scratch/r")"
is '--on 503=fail ends the run' 75 "$(fault fault/status/503 --on 503=fail)"
is '--on 503=fail: the batch before it comes out' '1=n1 2=n2 ' "$(out)"
is 'status 204 leaves the records without an answer' '0 http 204' \
    "$(ids 1 | status etl-extract --batch-each 2 --as a --rejects "$scratch/r" \
    --each "$api/fault/status/204/listed?ids={ids}") $(
    jq -r '"\(.code) \(.http_status)"' "$scratch/r")"
is 'status 204 with --missing null adds null' '0 1=null ' \
    "$(ids 1 | status etl-extract --batch-each 2 --as a --missing null \
    --each "$api/fault/status/204/listed?ids={ids}") $(out)"
is 'a 401 ends the run with 77' 77 "$(ids 1 2 | status etl-extract \
    --batch-each 2 --as a --each "$api/auth/listed?ids={ids}")"
is 'a server that is not running ends the run with 75' 75 "$(ids 1 2 |
    status etl-extract --batch-each 2 --as a --backoff 1ms..5ms \
    --each 'http://127.0.0.1:1/?ids={ids}')"
is 'an answer without an array rejects the records' '0 http http' \
    "$(ids 1 2 | batch '' --records /x --batch-each 2 --max-rejects 9) $(
    jq -r .code "$scratch/r" | xargs)"
is '--method and --body are sent with each batch' '0 POST POST' \
    "$(ids 1 2 3 | batch '' --batch-each 2 --body '{"x":1}') $(
    api_log | cut -d' ' -f1 | xargs)"
is '--rate holds for the requests, not for the records' 0 \
    "$(jq -nc 'range(400) | {id: .}' | limit=10 batch '' --batch-each 100 \
    --rate 10/s)"
is '--record-to records the answers' 0 "$(ids 1 2 3 | batch '' --batch-each 2 \
    --record-to "$scratch/dir")"
cp "$scratch/out" "$scratch/first"
is '--replay-from gives the same bytes' '0 ' "$(ids 1 2 3 | batch '' \
    --batch-each 2 --replay-from "$scratch/dir") $(
    cmp "$scratch/first" "$scratch/out" 2>&1)"

# {ids} in --body. post PARAMETERS BODY OPTION... <records
post() {
	: >"$api_log_file"
	rm -f "$scratch/r"
	url="$api/listed?$1" text=$2
	shift 2
	status etl-extract --backoff 1ms..5ms --rejects "$scratch/r" \
	    --each "$url" --body "$text" --as a "$@"
}
bodies() {
	api_log | sed 's/^[^ ]* [^ ]* body=//'
}
form='Content-Type: application/x-www-form-urlencoded'
is 'ids in a JSON body are accepted' 0 \
    "$(ids 1 2 3 | post in=json '{"ids":[{ids}]}' --batch-each 2)"
is 'each body lists the ids of its records' '{"ids":[1,2]}
{"ids":[3]}' "$(bodies)"
is 'ids in a JSON body: each record has its answer' '1=n1 2=n2 3=n3 ' "$(out)"
hostile() {
	ids '"],\"x\":[\""' '"{ids}"' '"a,b"' '"\\\n\u001f"' -0.5E+400 true \
	    123456789012345678901234567890 '"7"' 7 '"é/\u00e9"'
}
is 'hostile ids in a JSON body are accepted' 0 "$(hostile |
    post in=json '{"a":{"b":1},"ids":[{ids}],"c":"}{"}' --batch-each 99)"
is 'a JSON body has each id as one value: a string stays a string' \
    '{"a":{"b":1},"ids":["],\"x\":[\"","{ids}","a,b","\\\n\u001f",-0.5E+400,true,123456789012345678901234567890,"7","é/é"],"c":"}{"}' \
    "$(bodies)"
is 'each record with a hostile id has its answer, with the bytes of its line' \
    "$(hostile | sed 's/}$//')" "$(sed 's/,"a":{"id":.*//' "$scratch/out")"
is 'ids in a form are accepted' 0 "$(ids '"a&ids=9"' '"{ids}"' '"é%+ ;"' 7 |
    post in=form 'x=1&ids={ids}&y={}' --header "$form; charset=utf-8" \
    --batch-each 99)"
is 'ids in a form are percent-encoded, with commas between them' \
    'x=1&ids=a%26ids%3D9,%7Bids%7D,%C3%A9%25%2B%20%3B,7&y={}' "$(bodies)"
is 'ids in a form: each record has its answer' \
    'a&ids=9=na&ids=9 {ids}=n{ids} é%+ ;=né%+ ; 7=n7 ' "$(out)"
printf '{"ids": [0, {ids}]}\n' >"$scratch/body"
is '--body @FILE is accepted' 0 "$(ids 1 '"b"' | post in=json \
    "@$scratch/body" --method PUT --batch-each 9 \
    --header 'content-type: application/vnd.api+json')"
is '--body @FILE: the ids are put into the text of the file' \
    'PUT /listed?in=json body={"ids": [0, 1,"b"]}' "$(api_log | xargs -0)"
is 'ids in a body: --ids and --match are accepted' 0 "$(printf '%s\n' \
    '{"id":9,"u":{"k":1}}' '{"u":{"k":"x"}}' | post 'in=json&member=key' \
    '{"ids":[{ids}]}' --batch-each 9 --ids /u/k --match key)"
is 'ids in a body: --match joins the answers' '{"key":1,"name":"n1"}
{"key":"x","name":"nx"}' "$(jq -c .a "$scratch/out")"
is 'a refused body is asked for by halves' '0 1=n1 2=n2 4=n4 ' "$(ids 1 2 3 4 |
    post 'in=json&bad=3' '{"ids":[{ids}]}' --batch-each 4) $(out)"
is 'of a refused body only the record at fault is rejected' \
    'http null 400 false 3' "$(rejects)"
is 'a retry sends the same body' '0 {"ids":[1,2]} {"ids":[1,2]} {"ids":[3]}' \
    "$(: >"$api_log_file"; ids 1 2 3 | status etl-extract --batch-each 2 \
    --backoff 1ms..5ms --as a --body '{"ids":[{ids}]}' \
    --each "$api/fault/status/503/1/listed?in=json") $(bodies |
    paste -sd' ')"
is 'a retry: each record has its answer' '1=n1 2=n2 3=n3 ' "$(out)"
rm -rf "$scratch/dir"
is 'ids in a body: --record-to records' 0 "$(ids 1 2 3 | post in=json \
    '{"ids":[{ids}]}' --batch-each 2 --record-to "$scratch/dir")"
cp "$scratch/out" "$scratch/first"
is 'ids in a body: --replay-from gives the same bytes without a request' \
    '0  ' "$(ids 1 2 3 | post in=json '{"ids":[{ids}]}' --batch-each 2 \
    --header "@$scratch/absent" --replay-from "$scratch/dir") $(cmp "$scratch/first" "$scratch/out" 2>&1
    ) $(api_log)"
rm -rf "$scratch/dir"
is 'ids in a form: --record-to records' 0 "$(ids 1 2 | post in=form \
    'ids={ids}' --batch-each 2 --header "$form" --record-to "$scratch/dir")"
is 'ids in a form: --replay-from needs no header' '0 1=n1 2=n2 ' "$(ids 1 2 |
    post in=form 'ids={ids}' --batch-each 2 --replay-from "$scratch/dir") $(
    out)"
is 'a body has room for ids that no URL could hold' '0 5000' \
    "$(jq -nc 'range(5000) | {id: "id-of-record-\(.)"}' >"$scratch/in"
    post in=json '{"ids":[{ids}]}' --batch-each 5000 <"$scratch/in") $(
    wc -l <"$scratch/out")"
is 'a body has room for ids that no URL could hold: one request' 1 \
    "$(bodies | wc -l)"
is 'records without a valid id are rejected, the others are asked for' \
    '0 {"ids":[1]}' "$(ids null '[1]' '""' '"\u0000"' '"\ud800"' 1 |
    post in=json '{"ids":[{ids}]}' --batch-each 9 --max-rejects 9) $(bodies)"
is 'records without a valid id have the codes of the page' \
    'required type range encoding encoding' \
    "$(jq -r .code "$scratch/r" | xargs)"
is 'records without an id at all make no request' '0 0' "$(ids null |
    post in=json '{"ids":[{ids}]}' --batch-each 9 --max-rejects 9) $(
    api_log | wc -l)"
for body in '{"ids":{ids}}' '{"ids":"{ids}"}' '{"ids":["{ids}"]}' '{ids}' \
    '{"ids":["\{ids},"x"]}' '{"a":{ids}:1}' '{{ids}:1}' '{"ids":[{ids}]' \
    '{"ids":[{ids}],"x":[{ids}]}' '{"ids":[{+ids}]}' 'ids={ids}'; do
	is "the body $body is refused with 64" '64 0' "$(ids 1 |
	    post in=json "$body" --batch-each 9) $(api_log | wc -l)"
done
for url in '/listed?ids={ids}' '/{id}'; do
	is "{ids} in the body and $url: the template is refused with 64" 64 \
	    "$(ids 1 | status etl-extract --each "$api$url" --as a \
	    --body '[{ids}]' --batch-each 9)"
done
for type in 'Content-Type: text/xml' 'Content-Type:'; do
	is "{ids} in a body with the header $type is refused with 64" 64 \
	    "$(ids 1 | post in=json '[{ids}]' --batch-each 9 --header "$type")"
done
is 'a body and a URL without {ids} are refused with 64' 64 \
    "$(ids 1 | post in=json '[1]' --batch-each 9)"

# Streams: a mark ends the batch before it, and no record passes a mark.
counts='"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":0}]'
{
	echo '{"@etl":"begin","v":1,"id":"x","checkpoint":"c","stages":["extract"]}'
	ids 1 2 3
	# shellcheck disable=SC2059
	printf '{"@etl":"checkpoint","name":"c","seq":1,"from":null,"version":0,"value":"1",'"$counts"'}\n' 3
	ids 4 null 5 6
	# shellcheck disable=SC2059
	printf '{"@etl":"end","seq":1,'"$counts"'}\n' 7
} >"$scratch/marked"
is 'a marked stream passes' 0 "$(batch '' --batch-each 9 --max-rejects 9 \
    --marked <"$scratch/marked")"
is 'a mark ends the batch before it' '/listed?ids=1,2,3
/listed?ids=4,5,6' "$(requests)"
is 'marks and records keep their order' 'begin 1 2 3 checkpoint 4 5 6 end' \
    "$(jq -r '.["@etl"] // .id' "$scratch/out" | xargs)"
is 'the mark end has the counts of this stage' '7 6 1' \
    "$(tail -n 1 "$scratch/out" | jq -r '.stages[1] |
    "\(.in) \(.out) \(.rejected)"')"
is 'a reject goes into the stream at its place' \
    '4 reject 5 6' "$(status etl-extract --each "$api/listed?ids={ids}" \
    --as a --batch-each 9 --max-rejects 9 --marked \
    <"$scratch/marked" >/dev/null
    sed 1,5d "$scratch/out" | jq -r '.["@etl"] // .id' | head -n 4 | xargs)"
is 'a stream that is cut off exits with 75' 75 \
    "$(head -n 3 "$scratch/marked" | batch '' --batch-each 9)"
is 'a stream that is cut off: its records come out' '1 2' \
    "$(jq -r '.id' "$scratch/out" | sed 1d | head -n 2 | xargs)"

# Dead letters of this stage are replayed as raw marks.
db_new sqlite
# shellcheck disable=SC2016 # The inner shell expands it.
run='etl-extract --stream s "$1" | etl-extract --stage batch \
    --each "$2" --as a --batch-each 9 --max-rejects 9 |
    etl-load --db "$3" --table t --key id'
ids 1 2 3 4 >"$scratch/in.ndjson"
sql 'CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)'
is 'records without an answer become letters' 0 "$(status sh -c "$run" - \
    "$scratch/in.ndjson" "$api/listed?ids={ids}&lacks=2,4" "$db")"
is 'the others are loaded' '1 3' "$(sql 'SELECT id FROM t ORDER BY 1' | xargs)"
# shellcheck disable=SC2016
replay='etl-dlq replay --db "$1" --target "" | etl-extract --stage batch \
    --each "$2" --as a --batch-each 9 --max-rejects 9 |
    etl-load --db "$1" --table t --key id'
is 'a replay succeeds' 0 "$(status sh -c "$replay" - "$db" \
    "$api/listed?ids={ids}&lacks=4")"
is 'a replay loads the records that have an answer now' '1 2 3' \
    "$(sql 'SELECT id FROM t ORDER BY 1' | xargs)"
is 'a record that has no answer again stays a letter' 1 \
    "$(etl-dlq list --db "$db" | grep -c 'id 4')"
printf '%s\n' '{"@etl":"begin","v":1,"id":"-","replay":true,"stage":"batch","stages":["replay"]}' \
    '{"@etl":"raw","id":"b","raw":"{\"id\":5}"}' \
    '{"@etl":"raw","id":"b","raw":"{\"id\":\n6}"}' \
    '{"@etl":"resolve","id":"b","seq":1,"seen":1,"upto":0,"stages":[{"stage":"replay","in":0,"out":2,"dropped":0,"rejected":0}]}' \
    '{"@etl":"end","seq":1,"stages":[{"stage":"replay","in":0,"out":2,"dropped":0,"rejected":0}]}' \
    >"$scratch/raw"
is 'raw marks are records, and one with a line feed is rejected at its place' \
    '0 begin 5 reject resolve end' "$(status etl-extract --stage batch \
    --each "$api/listed?ids={ids}" --as a --batch-each 9 --max-rejects 9 \
    --marked <"$scratch/raw") $(jq -r '.["@etl"] // .id' "$scratch/out" | xargs)"

# A slow input.
mkfifo "$scratch/fifo"
slow() {
	: >"$scratch/streamed"
	etl-extract --each "$api/listed?ids={ids}" --as a --batch-each 100 \
	    "$@" <"$scratch/fifo" >"$scratch/streamed" 2>/dev/null &
	pid=$!
	exec 4>"$scratch/fifo"
	ids 1 2 >&4
}
begun=$(date +%s%N)
slow
ok 'a slow input: two records do not wait for a hundred' \
    wait_until 30 grep -q '"id":2,"a"' "$scratch/streamed"
took=$((($(date +%s%N) - begun) / 1000000))
ok "they wait for one second ($took ms)" test $took -ge 900
ids 3 >&4
exec 4>&-
wait $pid
is 'a slow input: all records come out' 3 "$(wc -l <"$scratch/streamed")"
slow --flush 100ms
ok '--flush 100ms: two records come out' \
    wait_until 30 grep -q '"id":2,"a"' "$scratch/streamed"
exec 4>&-
wait $pid
slow --flush 60s
sleep 2
is '--flush 60s: two records wait for more than two seconds' '' \
    "$(cat "$scratch/streamed")"
exec 4>&-
begun=$(date +%s%N)
wait $pid
took=$((($(date +%s%N) - begun) / 1000000))
ok "the end of the input ends a batch ($took ms)" test $took -lt 30000
is 'the end of the input ends a batch: the records come out' 2 \
    "$(wc -l <"$scratch/streamed")"
: >"$api_log_file"
is '--flush 0s is accepted' 0 "$(jq -nc 'range(1000) | {id: .}' >"$scratch/in"
    batch '' --batch-each 100 --flush 0s <"$scratch/in")"
is '--flush 0s: input that has come makes full batches' 10 \
    "$(requests | wc -l)"
slow --flush 60s
sleep 0.2
kill $pid
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
exec 4>&-
is 'a signal ends the wait for a batch' 143 $rc

# Options that cannot work.
refused() {
	label=$1
	shift
	is "$label exits with 64" 64 "$(status etl-extract "$@" </dev/null)"
}
each="--each $api/{ids} --as a --batch-each 2"
refused '--batch-each 0' --each "$api/{ids}" --as a --batch-each 0
refused '--batch-each x' --each "$api/{ids}" --as a --batch-each x
refused '--batch-each without --each' --batch-each 2 "$api/posts"
refused '--batch-each without --as and --count-as' --each "$api/{ids}" \
    --batch-each 2
refused '--batch-each with --jobs' --jobs 2 --each "$api/{ids}" --as a \
    --batch-each 2
for template in '/' '/{id}' '/{ids}/{id}' '/{ids}{?ids}' '/{ids,id}' '/{id,ids}' \
    '{#ids}' '/#{ids}' '/{idsx}'; do
	refused "--batch-each with the template $template" \
	    --each "$api$template" --as a --batch-each 2
done
for option in '--ids /x' '--match x' '--missing null' --many '--flush 1s'; do
	# shellcheck disable=SC2086
	refused "$option without --batch-each" --each "$api/{id}" --as a $option
done
for option in '--missing no' '--ids x' '--ids /~2'; do
	# shellcheck disable=SC2086
	refused "$option" $each $option
done
# shellcheck disable=SC2086
refused '--ids with the whole record' $each --ids ''
done_testing
