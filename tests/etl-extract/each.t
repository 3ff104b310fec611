#!/bin/sh
# --each: a request for each record; the answer goes into the record, or the
# record becomes a reject.
. tests/support/lib.sh
api_start

# each TEMPLATE OPTION... <records
each() {
	: >"$api_log_file"
	rm -f "$scratch/r"
	template=$1
	shift
	status etl-extract --backoff 1ms..5ms --rejects "$scratch/r" \
	    --each "$template" "$@"
}
requests() {
	api_log | sed 's/^GET //'
}
rejects() {
	jq -r '"\(.code) \(.pointer) \(.http_status // 0) \(.retryable // false
	    ) \(.origin.line)"' "$scratch/r"
}
comments="$api/posts/{id}/comments"

# The answer becomes the last member; all other bytes of the record stay.
printf '%s\n' '{"id":1}' ' { "b" : 1.0 , "id" :"2", "c":"\u00e9\/é"  } ' \
    '' '{"id":"x","x":[1e400,{"id":9}]}' >"$scratch/in"
is '--count-as is accepted' 0 "$(each "$comments" --count-as n <"$scratch/in")"
is '--count-as adds a last member and keeps the bytes of the record' \
    '{"id":1,"n":5}
{ "b" : 1.0 , "id" :"2", "c":"\u00e9\/é"  ,"n":5}
{"id":"x","x":[1e400,{"id":9}],"n":0}' "$(cat "$scratch/out")"
is 'each record makes one request' '/posts/1/comments
/posts/2/comments
/posts/x/comments' "$(requests)"
is '--as is accepted' \
    0 "$(echo '{"id":7}' | each "$api/posts/{id}" --as 'po"st')"
is '--as adds the answer in compact form under an escaped name' \
    "{\"id\":7,\"po\\\"st\":$(curl -s "$api/posts/7" |
    jq -c .)}" "$(cat "$scratch/out")"
is '--as adds the elements of an answer that is an array' \
    35 "$(echo '{"id":7}' | each "$comments" --as c >/dev/null
    jq '.c[4].id' "$scratch/out")"
is '--as and --count-as may be given together' \
    0 "$(echo '{"id":7}' | each "$comments" --as c --count-as n)"
is '--as comes before --count-as in the record' \
    '["id","c","n"]' "$(jq -c keys_unsorted \
    "$scratch/out")"
is 'an empty object is accepted' \
    0 "$(echo '{ }' | each "$api/posts?_limit=2" --count-as n)"
is 'an empty object gets the new member only' '{"n":2}' "$(cat "$scratch/out")"
data=$api/fault/body/%7B%22m%22:1,%22d%22:%5B1,%202%5D%7D
is '--count-as accepts an object with one array' \
    0 "$(echo '{}' | each "$data" --count-as n)"
is '--count-as counts the one array of an object' \
    '{"n":2}' "$(cat "$scratch/out")"
is '--records chooses the part of the answer' \
    0 "$(echo '{}' | each "$data" --records /d --as d)"
is '--as adds the part that --records chooses' \
    '{"d":[1,2]}' "$(cat "$scratch/out")"
is '--as accepts a number as the answer' \
    0 "$(echo '{}' | each "$api/fault/scalar/posts" --as v)"
is '--as adds a number as it is' '{"v":42}' "$(cat "$scratch/out")"
is '--count-as accepts an answer of 70,000 records' \
    0 "$(echo '{}' | each "$api/fault/endless-new/posts?_limit=70000" \
    --count-as n)"
is '--count-as counts 70,000 records' '{"n":70000}' "$(cat "$scratch/out")"
is 'an empty input is no error' 0 "$(each "$comments" --count-as n </dev/null)"
is 'a last record without LF is read' '{"id":1,"n":5}' "$(printf '{"id":1}' |
    each "$comments" --count-as n >/dev/null; cat "$scratch/out")"

# A request that fails makes a reject of its record, and the run goes on.
printf '{"id":%s}\n' 1 1068 2 >"$scratch/in"
is 'a 404 for one record does not end the run' \
    0 "$(each "$comments" --count-as n <"$scratch/in")"
is 'the records beside one with a 404 come out' '{"id":1,"n":5}
{"id":2,"n":5}' "$(cat "$scratch/out")"
is 'a 404 makes a reject with the status and the line' \
    'http null 404 false 2' "$(rejects)"
is 'the reject of a 404 keeps the bytes of the record' \
    '{"id":1068}' "$(jq -r .raw "$scratch/r")"
like 'the reject of a 404 names the URL and the status' \
    "$api/posts/1068/comments: status 404: " \
    "$(jq -r .message "$scratch/r")"
is 'the reject of a 404 names the stage extract' \
    extract "$(jq -r .stage "$scratch/r")"
for case in status/410:410:false:1 status/422:422:false:1 \
    status/503:503:true:2 status/429:429:true:2 garbage:200:false:1 \
    cut/10:200:true:2 slow/5000:0:true:2 reset:0:true:2; do
	fault=${case%%:*} rest=${case#*:}
	is "$fault: a failure at one record does not end the run" \
	    0 "$(printf '{"i":%s}\n' 1 2 3 |
	    each "$api/fault/on/i%3D2/fault/on/i=2/fault/$fault/posts?i={i}" \
	    --count-as n --retries 1 --timeout 1s)"
	is "$fault: the other records come out" \
	    '1 3 ' "$(jq -j '"\(.i) "' "$scratch/out")"
	is "$fault: the reject has the status and whether a retry may help" \
	    "http null ${rest%%:*} $(echo "$rest" |
	    cut -d: -f2) 2" "$(rejects)"
	# libcurl itself repeats a request on a reused connection.
	[ "$fault" = reset ] ||
	    is "$fault: the failed request is repeated only if that may help" \
	        "$((2 + ${rest##*:}))" "$(requests | wc -l)"
done
is 'a request that succeeds after two 503 is no reject' 0 "$(echo '{"i":1}' |
    each "$api/fault/status/503/2/posts?i={i}" --count-as n)"
is 'a request that succeeds after two 503 was sent three times' \
    3 "$(requests | wc -l)"

# A failure that every record would have ends the run and makes no reject.
printf '{"id":%s}\n' 1 2 3 >"$scratch/in"
is 'a 401 ends the run with 77' \
    77 "$(each "$api/auth/posts/{id}/comments" --count-as n \
    <"$scratch/in")"
is 'a 401 ends the run after one request' 1 "$(requests | wc -l)"
is 'a 401 makes no reject' '' "$(cat "$scratch/r")"
is 'a 403 ends the run with 77' \
    77 "$(each "$api/fault/status/403/posts/{id}" --as p <"$scratch/in")"
is 'a Retry-After beyond --backoff ends the run with 75' \
    75 "$(each "$api/fault/retry-after/9/429/999/posts/{id}" \
    --as p <"$scratch/in")"
is 'a Retry-After beyond --backoff: one request is sent' 1 "$(requests | wc -l)"
is 'a server that is not running ends the run with 75' \
    75 "$(each 'http://127.0.0.1:1/{id}' --as p <"$scratch/in")"
is 'https to a port without TLS ends the run with 75' \
    75 "$(each "https://${api#http://}/{id}" --as p --retries 1 \
    <"$scratch/in")"
is 'https to a port without TLS makes no reject' '' "$(cat "$scratch/r")"
is 'a server that cannot be reached makes no reject' '' "$(cat "$scratch/r")"
is 'too many failed requests end the run with 1' \
    1 "$(jq -nc 'range(30) | {id: 2000}' |
    each "$comments" --count-as n)"
is 'too many failed requests end the run after 20 rejects' \
    20 "$(wc -l <"$scratch/r")"

# Records that the template or the field does not fit.
cat >"$scratch/in" <<'EOF'
{"a":1}
{"id":null}
{"id":{"x":1}}
{"id":[1]}
{"id":".."}
{"id":"."}
{"id":""}
{"id":"\u0000"}
{"id":"\ud800"}
{"id":1,"n":2}
{"id":1,"id":2}
{"id":1,"n":null}
[1]
{"id":1
{"@etl2":"x","id":true}
EOF
is 'records that do not fit the template do not end the run' \
    0 "$(each "$comments" --count-as n --max-rejects 100% \
    <"$scratch/in")"
is 'the record that fits the template comes out' \
    '{"@etl2":"x","id":true,"n":0}' \
    "$(cat "$scratch/out")"
is 'each unfit record has its code, pointer and line' 'required /id 0 false 1
required /id 0 false 2
type /id 0 false 3
type /id 0 false 4
range /id 0 false 5
range /id 0 false 6
range /id 0 false 7
encoding /id 0 false 8
encoding /id 0 false 9
duplicate_member /n 0 false 10
duplicate_member null 0 false 11
duplicate_member /n 0 false 12
type null 0 false 13
parse null 0 false 14' "$(rejects)"
is 'unfit records make no request' '/posts/true/comments' "$(requests)"
is 'the pointer of a missing member is escaped' '/a~1b' "$(echo '{}' |
    each "$api/{a/b}" --as x >/dev/null; jq -r .pointer "$scratch/r")"
is 'a record too long with its answer does not end the run' \
    0 "$(echo '{"id":1}' |
    each "$comments" --as c --max-record 100)"
is 'a record too long with its answer has the code too_long' \
    'too_long null 0 false 1' "$(rejects)"
is 'the reject of too long an answer keeps the bytes of the record' \
    '{"id":1}' "$(jq -r .raw "$scratch/r")"

# A member too long for a URL makes a reject of its record; etl-extract does
# not request a shortened URL, and the next records are read.
# ids N...: for each N a record with an id of N characters.
ids() {
	jq -nc '$ARGS.positional[] | {id: ("x" * .), b: 1}' --jsonargs "$@"
}
is 'a member too long for a URL does not end the run' 0 "$(ids 70000 1 | each \
    "$api/posts/1/comments?x={id}&b={b}" --count-as n)"
is 'a member too long for a URL has the code range' \
    'range /id 0 false 1' "$(rejects)"
is 'a member too long for a URL makes no request' \
    '/posts/1/comments?x=x&b=1' "$(requests)"
is 'an escaped member too long for a URL does not end the run' \
    0 "$(ids 70000 1 | sed 's/"x/"\\u0078/' |
    each "$api/posts/{id}/{b}" --as p --retries 0)"
is 'an escaped member too long for a URL makes no request' \
    /posts/x/1 "$(requests)"
most=$((65536 - $(printf %s "$api/posts/1/comments?x=" | wc -c)))
for n in -1 0 1; do
	is "a URL of 64 KiB + $n bytes does not end the run" \
	    0 "$(ids $((most + n)) 1 | each \
	    "$api/posts/1/comments?x={id}" --count-as n --retries 0)"
	is "the record after a URL of 64 KiB + $n bytes comes out" \
	    x "$(tail -n 1 "$scratch/out" |
	    jq -r .id)"
	is "a secret with a URL of 64 KiB + $n bytes does not end the run" \
	    0 "$(export API_TOKEN=abc
	    ids $((most + n)) 1 | each "$api/posts/1/comments?x={id}" \
	    --count-as n --retries 0 --auth query:key)"
	is "a parameter, URL of 64 KiB + $n bytes: the run does not end" \
	    0 "$(ids $((most - 4 + n)) 1 | each \
	    "$api/posts/1/comments?x={id}" --count-as n --retries 0 \
	    --query-param a=b)"
done
is 'a parameter that makes the URL too long: the code is range' \
    'range /id 0 false 1' "$(rejects)"
is '--query-param too long for any URL exits with 64' \
    64 "$(each "$api/{id}" --as x --query-param \
    "a=$(printf '%65536s' '')" </dev/null)"
is 'a reject with nowhere to go exits with 65' \
    65 "$(echo '{}' | status etl-extract --each "$comments" \
    --count-as n)"

# URI templates: the examples of RFC 6570, sections 3.2.2 to 3.2.9.
values='{"var":"value","hello":"Hello World!","half":"50%","who":"fred",
"base":"http://example.com/home/","path":"/foo/bar","dub":"me/too","v":"6",
"x":1024,"y":768,"empty":"","dom":"example.com","é":"ü","t":true}'
values=$(echo "$values" | tr -d '\n')
# expand TEMPLATE: the path and query of the request, behind /x.
expand() {
	: >"$api_log_file"
	echo "$values" | etl-extract --each "$api/x$1" --as z --max-rejects 1 \
	    3>/dev/null >/dev/null
	requests | sed 's,^/x,,'
}
while read -r template wanted; do
	is "the template $template expands to $wanted" \
	    "$wanted" "$(expand "$template")"
done <<'EOF'
/{var} /value
/{hello} /Hello%20World%21
/{half} /50%25
/O{var}X /OvalueX
?{x,y} ?1024,768
?{x,hello,y} ?1024,Hello%20World%21,768
/{+var} /value
/{+hello} /Hello%20World!
/{+half} /50%25
?{+base}index ?http://example.com/home/index
/here?ref={+path} /here?ref=/foo/bar
/up{+path}{var}/here /up/foo/barvalue/here
/{+x,hello,y} /1024,Hello%20World!,768
/X{.var} /X.value
/X{.x,y} /X.1024.768
/www{.dom} /www.example.com
{/var,x}/here /value/1024/here
{;v,empty,who} ;v=6;empty;who=fred
{;hello} ;hello=Hello%20World%21
{?x,y} ?x=1024&y=768
{?x,y,empty} ?x=1024&y=768&empty=
?fixed=yes{&x} ?fixed=yes&x=1024
{&x,y,empty} &x=1024&y=768&empty=
/{t} /true
?q=é{?é} ?q=%C3%A9?%C3%A9=%C3%BC
?a=%41%zz ?a=%41%25zz
EOF
# The version of libcurl decides whether a "?" with an empty query is sent.
: >"$api_log_file"
curl -s "$api/x?" >/dev/null
is 'the template ?{empty} makes the same request as curl does' \
    "$(requests)" "/x$(expand '?{empty}')"
is '--query-param is accepted with --each' 0 "$(echo '{"id":1}' |
    each "$comments?x={id}" --count-as n --query-param a=b)"
is '--query-param is added to the query of the template' \
    '/posts/1/comments?x=1&a=b' \
    "$(requests)"

is 'a template may not make a path segment ..' 'range' "$(echo '{"id":"."}' |
    each "$api/posts/{.id}" --as x >/dev/null; jq -r .code "$scratch/r")"

# Templates and options that cannot work are refused before a record is read.
for bad in '{+url}/x' 'http://{host}/x' 'http://h{id}/' '/posts/{id}' \
    'posts' "$api/{id" "$api/id}" "$api/{}" "$api/{a,}" "$api/{id:3}" \
    "$api/{id*}" 'http://h:99999/{id}' 'http://u:p@h/{id}' "$api/{=id}" "$api/{{id}}" "$api/{,id}" \
    "$api/{#id}" "$api/#{id}" "$api/{id}#{id}" "$api/#a{?id}"; do
	is "the template $bad is refused with 64" \
	    64 "$(each "$bad" --as x </dev/null)"
done
like 'a name in the fragment, which is not sent: the message says so' \
    '#\{id\}: a \{NAME\} behind # is in the fragment .*: put it before the #$' \
    "$(status etl-extract --each "$api/#{id}" --as x </dev/null >/dev/null
    cat "$scratch/err")"
is 'a fragment behind the last name changes no request' /1 "$(: >"$api_log_file"
    echo '{"id":1}' | each "$api/{id}#top" --as x >/dev/null; requests)"
is '--each without --as and --count-as exits with 64' \
    64 "$(each "$comments" </dev/null)"
is '--as and --count-as with the same name exit with 64' \
    64 "$(each "$comments" --as a --count-as a </dev/null)"
is '--as @etl exits with 64' 64 "$(echo '{}' | each "$comments" --as @etl)"
is '--count-as with a name that is not UTF-8 exits with 64' \
    64 "$(echo '{}' | each "$comments" \
    --count-as "$(printf '\377')")"
is '--each with a SOURCE exits with 64' \
    64 "$(each "$comments" --as a - </dev/null)"
is '--each with --paginate exits with 64' \
    64 "$(each "$comments" --as a --paginate page --into query:p \
    </dev/null)"
is '--as without --each exits with 64' 64 "$(status etl-extract --as a -)"

# A record comes out before the next one is read.
mkfifo "$scratch/fifo"
etl-extract --each "$comments" --count-as n <"$scratch/fifo" \
    >"$scratch/streamed" &
pid=$!
exec 4>"$scratch/fifo"
echo '{"id":1}' >&4
ok 'a record comes out before the next one goes in' \
    wait_until 30 test -s "$scratch/streamed"
exec 4>&-
wait $pid
printf '{"id":%s}\n' 1 2 >"$scratch/in"
etl-extract --each "$comments" --count-as n --delay 60s <"$scratch/in" \
    >"$scratch/left" 2>/dev/null &
pid=$!
ok 'a record comes out before the wait of --delay' \
    wait_until 30 grep -qx '{"id":1,"n":5}' \
    "$scratch/left"
kill $pid
{ wait $pid || :; } 2>/dev/null
: >"$api_log_file"
printf '{"id":%s}\n' 1 2 3 |
    etl-extract --each "$comments" --count-as n --delay 100ms >/dev/null
is 'all requests use one connection' \
    1 "$(cut -d' ' -f2 "$api_log_file" | sort -u | wc -l)"
is '--delay waits between any two requests' \
    'yes yes ' "$(awk '{ if (NR > 1) printf "%s ",
    ($1 - last >= 99 ? "yes" : $1 - last); last = $1 }' "$api_log_file")"

# In a marked stream begin and end pass and get this stage and its counts.
printf '%s\n' '{"@etl":"begin","v":1,"id":"x","stages":["extract"]}' \
    '{"id":1}' '{"id":1068}' '{"id":2}' \
    '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":3,"dropped":0,"rejected":0}]}' \
    >"$scratch/marked"
is 'a marked stream passes, rejects included' \
    0 "$(status etl-extract --each "$comments" --count-as n \
    <"$scratch/marked")"
is 'the marks and the reject are in the stream in order' \
    'begin record reject record end' \
    "$(jq -r '.["@etl"] // "record"' "$scratch/out" | tr '\n' ' ' |
    sed 's/ $//')"
is 'the mark begin names the stage extract.2' \
    '["extract","extract.2"]' "$(head -n 1 "$scratch/out" |
    jq -c .stages)"
is 'the mark end has the counts of extract.2' \
    '{"stage":"extract.2","in":3,"out":2,"dropped":0,"rejected":1}' \
    "$(tail -n 1 "$scratch/out" | jq -c '.stages[1]')"
is 'the reject names the stage and keeps the record' \
    'extract.2 http {"id":1068}' "$(sed -n 3p \
    "$scratch/out" | jq -r '"\(.stage) \(.code) \(.raw)"')"
is 'a 401 in a marked stream exits with 77' \
    77 "$(status etl-extract --each "$api/auth/{id}" --as a \
    <"$scratch/marked")"
is 'a 401 in a marked stream: a failed mark ends the stream' \
    'begin failed ' "$(jq -j \
    '"\(.["@etl"] // "record") "' "$scratch/out")"
is 'a 401 in a marked stream: the failed mark has the code 77' \
    77 "$(tail -n 1 "$scratch/out" | jq .code)"
is 'a cut stream exits with 75' 75 "$(head -n 2 "$scratch/marked" |
    status etl-extract --each "$comments" --count-as n)"
is 'in a run --each without --as exits with 64' 64 "$(ETL_RUN=r; export ETL_RUN
    status etl-extract --each "$comments" <"$scratch/marked")"
is 'in a run --each without --as writes a failed mark' failed "$(tail -n 1 \
    "$scratch/out" | jq -r '.["@etl"]')"
done_testing
