#!/bin/sh
# --each: a request for each record, and what becomes of the record.
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
asked() {
	api_log | sed 's/^GET //'
}
rejects() {
	jq -r '"\(.code) \(.pointer) \(.http_status // 0) \(.retryable // false
	    ) \(.origin.line)"' "$scratch/r"
}
comments="$api/posts/{id}/comments"

# The answer goes in as the last member; all else stays as it was.
printf '%s\n' '{"id":1}' ' { "b" : 1.0 , "id" :"2", "c":"\u00e9\/é"  } ' \
    '' '{"id":"x","x":[1e400,{"id":9}]}' >"$scratch/in"
is 'count' 0 "$(each "$comments" --count-as n <"$scratch/in")"
is 'count: records' '{"id":1,"n":5}
{ "b" : 1.0 , "id" :"2", "c":"\u00e9\/é"  ,"n":5}
{"id":"x","x":[1e400,{"id":9}],"n":0}' "$(cat "$scratch/out")"
is 'count: requests' '/posts/1/comments
/posts/2/comments
/posts/x/comments' "$(asked)"
is 'as' 0 "$(echo '{"id":7}' | each "$api/posts/{id}" --as 'po"st')"
is 'as: compact' "{\"id\":7,\"po\\\"st\":$(curl -s "$api/posts/7" |
    jq -c .)}" "$(cat "$scratch/out")"
is 'as a list' 35 "$(echo '{"id":7}' | each "$comments" --as c >/dev/null
    jq '.c[4].id' "$scratch/out")"
is 'both' 0 "$(echo '{"id":7}' | each "$comments" --as c --count-as n)"
is 'both: in this order' '["id","c","n"]' "$(jq -c keys_unsorted \
    "$scratch/out")"
is 'empty object' 0 "$(echo '{ }' | each "$api/posts?_limit=2" --count-as n)"
is 'empty object: filled' '{"n":2}' "$(cat "$scratch/out")"
data=$api/fault/body/%7B%22m%22:1,%22d%22:%5B1,%202%5D%7D
is 'records member' 0 "$(echo '{}' | each "$data" --count-as n)"
is 'records member: counted' '{"n":2}' "$(cat "$scratch/out")"
is 'records' 0 "$(echo '{}' | each "$data" --records /d --as d)"
is 'records: taken' '{"d":[1,2]}' "$(cat "$scratch/out")"
is 'a scalar answer' 0 "$(echo '{}' | each "$api/fault/scalar/posts" --as v)"
is 'a scalar answer: taken' '{"v":42}' "$(cat "$scratch/out")"
is 'many' 0 "$(echo '{}' | each "$api/fault/endless-new/posts?_limit=70000" \
    --count-as n)"
is 'many: counted' '{"n":70000}' "$(cat "$scratch/out")"
is 'no input' 0 "$(each "$comments" --count-as n </dev/null)"
is 'no last newline' '{"id":1,"n":5}' "$(printf '{"id":1}' |
    each "$comments" --count-as n >/dev/null; cat "$scratch/out")"

# A child that fails is its parent's reject, and the run goes on.
printf '{"id":%s}\n' 1 1068 2 >"$scratch/in"
is '404' 0 "$(each "$comments" --count-as n <"$scratch/in")"
is '404: the others' '{"id":1,"n":5}
{"id":2,"n":5}' "$(cat "$scratch/out")"
is '404: reject' 'http null 404 false 2' "$(rejects)"
is '404: raw' '{"id":1068}' "$(jq -r .raw "$scratch/r")"
like '404: message' "$api/posts/1068/comments: status 404: " \
    "$(jq -r .message "$scratch/r")"
is '404: stage' extract "$(jq -r .stage "$scratch/r")"
for case in status/410:410:false:1 status/422:422:false:1 \
    status/503:503:true:2 status/429:429:true:2 garbage:200:false:1 \
    cut/10:200:true:2 slow/5000:0:true:2 reset:0:true:2; do
	fault=${case%%:*} rest=${case#*:}
	is "$fault" 0 "$(printf '{"i":%s}\n' 1 2 3 |
	    each "$api/fault/on/i%3D2/fault/on/i=2/fault/$fault/posts?i={i}" \
	    --count-as n --retries 1 --timeout 1s)"
	is "$fault: the others" '1 3 ' "$(jq -j '"\(.i) "' "$scratch/out")"
	is "$fault: reject" "http null ${rest%%:*} $(echo "$rest" |
	    cut -d: -f2) 2" "$(rejects)"
	# A connection kept alive that is reset is made anew by libcurl.
	[ "$fault" = reset ] ||
	    is "$fault: requests" "$((2 + ${rest##*:}))" "$(asked | wc -l)"
done
is 'twice 503' 0 "$(echo '{"i":1}' |
    each "$api/fault/status/503/2/posts?i={i}" --count-as n)"
is 'twice 503: three calls' 3 "$(asked | wc -l)"

# What concerns all records ends the run, with no record lost to a reject.
printf '{"id":%s}\n' 1 2 3 >"$scratch/in"
is '401' 77 "$(each "$api/auth/posts/{id}/comments" --count-as n \
    <"$scratch/in")"
is '401: one call' 1 "$(asked | wc -l)"
is '401: no reject' '' "$(cat "$scratch/r")"
is '403' 77 "$(each "$api/fault/status/403/posts/{id}" --as p <"$scratch/in")"
is 'asked to wait' 75 "$(each "$api/fault/retry-after/9/429/999/posts/{id}" \
    --as p <"$scratch/in")"
is 'asked to wait: one call' 1 "$(asked | wc -l)"
is 'no server' 75 "$(each 'http://127.0.0.1:1/{id}' --as p <"$scratch/in")"
is 'no TLS there' 75 "$(each "https://${api#http://}/{id}" --as p --retries 1 \
    <"$scratch/in")"
is 'no TLS there: no reject' '' "$(cat "$scratch/r")"
is 'no server: no reject' '' "$(cat "$scratch/r")"
is 'too many rejects' 1 "$(jq -nc 'range(30) | {id: 2000}' |
    each "$comments" --count-as n)"
is 'too many rejects: after twenty' 20 "$(wc -l <"$scratch/r")"

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
is 'unfit records' 0 "$(each "$comments" --count-as n --max-rejects 90% \
    <"$scratch/in")"
is 'unfit records: the good one' '{"@etl2":"x","id":true,"n":0}' \
    "$(cat "$scratch/out")"
is 'unfit records: rejects' 'required /id 0 false 1
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
is 'unfit records: no request' '/posts/true/comments' "$(asked)"
is 'required: the pointer is escaped' '/a~1b' "$(echo '{}' |
    each "$api/{a/b}" --as x >/dev/null; jq -r .pointer "$scratch/r")"
is 'too long with its answer' 0 "$(echo '{"id":1}' |
    each "$comments" --as c --max-record 100)"
is 'too long with its answer: reject' 'too_long null 0 false 1' "$(rejects)"
is 'too long with its answer: raw' '{"id":1}' "$(jq -r .raw "$scratch/r")"

# A member too long for a URL: its record is a reject, nothing cut is asked
# for, and the others follow.  ids N...: a record for each, its id so long.
ids() {
	jq -nc '$ARGS.positional[] | {id: ("x" * .), b: 1}' --jsonargs "$@"
}
is 'too long for a URL' 0 "$(ids 70000 1 | each \
    "$api/posts/1/comments?x={id}&b={b}" --count-as n)"
is 'too long for a URL: reject' 'range /id 0 false 1' "$(rejects)"
is 'too long for a URL: requests' '/posts/1/comments?x=x&b=1' "$(asked)"
is 'escapes, too long' 0 "$(ids 70000 1 | sed 's/"x/"\\u0078/' |
    each "$api/posts/{id}/{b}" --as p --retries 0)"
is 'escapes, too long: requests' /posts/x/1 "$(asked)"
most=$((65536 - $(printf %s "$api/posts/1/comments?x=" | wc -c)))
for n in -1 0 1; do
	is "URL of 64 KiB $n" 0 "$(ids $((most + n)) 1 | each \
	    "$api/posts/1/comments?x={id}" --count-as n --retries 0)"
	is "URL of 64 KiB $n: the next" x "$(tail -n 1 "$scratch/out" |
	    jq -r .id)"
	is "with a secret $n" 0 "$(export API_TOKEN=abc
	    ids $((most + n)) 1 | each "$api/posts/1/comments?x={id}" \
	    --count-as n --retries 0 --auth query:key)"
	is "with a parameter $n" 0 "$(ids $((most - 4 + n)) 1 | each \
	    "$api/posts/1/comments?x={id}" --count-as n --retries 0 \
	    --query-param a=b)"
done
is 'with a parameter: reject' 'range /id 0 false 1' "$(rejects)"
is 'parameters too long' 64 "$(each "$api/{id}" --as x --query-param \
    "a=$(printf '%65536s' '')" </dev/null)"
is 'reject nowhere' 65 "$(echo '{}' | status etl-extract --each "$comments" \
    --count-as n)"

# URI templates: the examples of RFC 6570, sections 3.2.2 to 3.2.9.
values='{"var":"value","hello":"Hello World!","half":"50%","who":"fred",
"base":"http://example.com/home/","path":"/foo/bar","dub":"me/too","v":"6",
"x":1024,"y":768,"empty":"","dom":"example.com","é":"ü","t":true}'
values=$(echo "$values" | tr -d '\n')
# expand TEMPLATE: the path and query that are asked for, after /x.
expand() {
	: >"$api_log_file"
	echo "$values" | etl-extract --each "$api/x$1" --as z --max-rejects 1 \
	    3>/dev/null >/dev/null
	asked | sed 's,^/x,,'
}
while read -r template wanted; do
	is "template $template" "$wanted" "$(expand "$template")"
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
/{#var} /
?q=é{?é} ?q=%C3%A9?%C3%A9=%C3%BC
?a=%41%zz ?a=%41%25zz
EOF
# Whether a "?" with nothing after it is sent depends on the libcurl.
: >"$api_log_file"
curl -s "$api/x?" >/dev/null
is 'template ?{empty}' "$(asked)" "/x$(expand '?{empty}')"
is 'query parameters are added' 0 "$(echo '{"id":1}' |
    each "$comments?x={id}" --count-as n --query-param a=b)"
is 'query parameters are added: request' '/posts/1/comments?x=1&a=b' \
    "$(asked)"

is 'a dot before a dot' 'range' "$(echo '{"id":"."}' |
    each "$api/posts/{.id}" --as x >/dev/null; jq -r .code "$scratch/r")"

# What cannot work is told before any record is read.
for bad in '{+url}/x' 'http://{host}/x' 'http://h{id}/' '/posts/{id}' \
    'posts' "$api/{id" "$api/id}" "$api/{}" "$api/{a,}" "$api/{id:3}" \
    "$api/{id*}" 'http://h:99999/{id}' 'http://u:p@h/{id}' "$api/{=id}" "$api/{{id}}" "$api/{,id}"; do
	is "template $bad" 64 "$(each "$bad" --as x </dev/null)"
done
is 'neither --as nor --count-as' 64 "$(each "$comments" </dev/null)"
is 'the same field' 64 "$(each "$comments" --as a --count-as a </dev/null)"
is 'a mark as field' 64 "$(echo '{}' | each "$comments" --as @etl)"
is 'a field that is no UTF-8' 64 "$(echo '{}' | each "$comments" \
    --count-as "$(printf '\377')")"
is 'a SOURCE too' 64 "$(each "$comments" --as a - </dev/null)"
is 'paging' 64 "$(each "$comments" --as a --paginate page --into query:p \
    </dev/null)"
is 'without --each' 64 "$(status etl-extract --as a -)"

# Records stream: the first leaves before the second comes.
mkfifo "$scratch/fifo"
etl-extract --each "$comments" --count-as n <"$scratch/fifo" \
    >"$scratch/streamed" &
pid=$!
exec 4>"$scratch/fifo"
echo '{"id":1}' >&4
ok 'streams' wait_until 5 test -s "$scratch/streamed"
exec 4>&-
wait $pid
printf '{"id":%s}\n' 1 2 >"$scratch/in"
etl-extract --each "$comments" --count-as n --delay 60s <"$scratch/in" \
    >"$scratch/left" 2>/dev/null &
pid=$!
ok 'a record leaves before the delay' wait_until 5 grep -qx '{"id":1,"n":5}' \
    "$scratch/left"
kill $pid
{ wait $pid || :; } 2>/dev/null
: >"$api_log_file"
printf '{"id":%s}\n' 1 2 3 |
    etl-extract --each "$comments" --count-as n --delay 100ms >/dev/null
is 'one connection' 1 "$(cut -d' ' -f2 "$api_log_file" | sort -u | wc -l)"
is 'delay' 'yes yes ' "$(awk '{ if (NR > 1) printf "%s ",
    ($1 - last >= 99 ? "yes" : $1 - last); last = $1 }' "$api_log_file")"

# In a marked stream: begin and end pass, with this stage and its counts.
printf '%s\n' '{"@etl":"begin","v":1,"id":"x","stages":["extract"]}' \
    '{"id":1}' '{"id":1068}' '{"id":2}' \
    '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":3,"dropped":0,"rejected":0}]}' \
    >"$scratch/marked"
is 'marked' 0 "$(status etl-extract --each "$comments" --count-as n \
    <"$scratch/marked")"
is 'marked: what is written' 'begin record reject record end' \
    "$(jq -r '.["@etl"] // "record"' "$scratch/out" | tr '\n' ' ' |
    sed 's/ $//')"
is 'marked: stages' '["extract","extract.2"]' "$(head -n 1 "$scratch/out" |
    jq -c .stages)"
is 'marked: counts' \
    '{"stage":"extract.2","in":3,"out":2,"dropped":0,"rejected":1}' \
    "$(tail -n 1 "$scratch/out" | jq -c '.stages[1]')"
is 'marked: the reject' 'extract.2 http {"id":1068}' "$(sed -n 3p \
    "$scratch/out" | jq -r '"\(.stage) \(.code) \(.raw)"')"
is 'marked, fails' 77 "$(status etl-extract --each "$api/auth/{id}" --as a \
    <"$scratch/marked")"
is 'marked, fails: said' 'begin failed ' "$(jq -j \
    '"\(.["@etl"] // "record") "' "$scratch/out")"
is 'marked, fails: code' 77 "$(tail -n 1 "$scratch/out" | jq .code)"
is 'cut stream' 75 "$(head -n 2 "$scratch/marked" |
    status etl-extract --each "$comments" --count-as n)"
is 'bad options, marked' 64 "$(ETL_RUN=r; export ETL_RUN
    status etl-extract --each "$comments" <"$scratch/marked")"
is 'bad options, marked: the next stage hears' failed "$(tail -n 1 \
    "$scratch/out" | jq -r '.["@etl"]')"
done_testing
