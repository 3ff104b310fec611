#!/bin/sh
# Paging: which pages are asked for, which records leave, and with which bytes.
. tests/support/lib.sh
api_start

# The requests since the last look.
asked() {
	api_log | sed 's/^GET //'
	: >"$api_log_file"
}
page() {
	status etl-extract --backoff 1ms..5ms --paginate page \
	    --into query:_page "$@"
}
body() {
	printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'
}
# records BODY [OPTION...]: one page with just these bytes.
records() {
	text=$(body "$1")
	shift
	status etl-extract "$@" "$api/fault/body/$text"
}

is 'total' 0 "$(page --size _limit=20 --total header:X-Total-Count \
    "$api/posts")"
is 'total: five pages, no sixth' '/posts?_limit=20&_page=1
/posts?_limit=20&_page=2
/posts?_limit=20&_page=3
/posts?_limit=20&_page=4
/posts?_limit=20&_page=5' "$(asked)"
curl -s "$api/posts?_limit=100" | python3 -c '
import json, re, sys
text, at = sys.stdin.read(), 1
d = json.JSONDecoder()
while True:                     # white space between tokens, and only that
	while text[at] in " \n,":
		at += 1
	if text[at] == "]":
		break
	end = d.raw_decode(text, at)[1]
	print(re.sub(r"(\"(?:[^\"\\]|\\.)*\")|\s+", r"\1", text[at:end]))
	at = end' >"$scratch/wanted"
asked >/dev/null
is 'all bytes' '' "$(cmp "$scratch/wanted" "$scratch/out" 2>&1)"

is 'no total' 0 "$(page --size _limit=20 "$api/posts")"
is 'no total: until an empty page' 6 "$(asked | wc -l)"
is 'no total: the same records' '' "$(cmp "$scratch/wanted" "$scratch/out")"
is 'a short page is no end' 0 "$(page --size _limit=30 "$api/posts")"
is 'a short page: the same records' '' "$(cmp "$scratch/wanted" \
    "$scratch/out")"
is 'a short page: one more request' '/posts?_limit=30&_page=5' \
    "$(asked | tail -n 1)"
is 'first' 0 "$(page --first 4 --size _limit=30 "$api/posts")"
is 'first: records' 10 "$(wc -l <"$scratch/out")"
is 'first: pages' '/posts?_limit=30&_page=4
/posts?_limit=30&_page=5' "$(asked)"
is 'two pages as long' "$(curl -s "$api/posts?_limit=1&_page=6" | wc -c)" \
    "$(curl -s "$api/posts?_limit=1&_page=7" | wc -c)"
is 'two pages as long: no page repeats' 1 "$(page --first 6 --size _limit=1 \
    --max-pages 2 "$api/posts")"
is 'two pages as long: both leave' 2 "$(wc -l <"$scratch/out")"
is 'first and total' 0 "$(page --first 2 --size _limit=60 \
    --total header:x-total-count "$api/posts")"
is 'first and total: the rest, no warning' '40 ' \
    "$(wc -l <"$scratch/out") $(cat "$scratch/err")"
asked >/dev/null
is 'one page only' 0 "$(status etl-extract "$api/posts?_limit=3")"
is 'one page only: records' "$(head -n 3 "$scratch/wanted")" \
    "$(cat "$scratch/out")"
is 'one page only: request' '/posts?_limit=3' "$(asked)"
is 'into a header' 76 "$(status etl-extract --paginate page --into \
    header:X-Page "$api/posts?_limit=3")"
is 'into a header: sent' '/posts?_limit=3 x-page' "$(asked | head -n 1)"
like 'page repeats' 'posts\?_limit=3: page 2 has the same records as page 1: check that the service knows the parameter of --into$' \
    "$(cat "$scratch/err")"
is 'page repeats: first page left' 3 "$(wc -l <"$scratch/out")"

is 'page number is replaced in the URL' 0 "$(page --size _limit=50 \
    "$api/posts?_page=7&a=b%20c&_page=8&_pages=1#top")"
is 'page number: the URL' '/posts?a=b%20c&_pages=1&_limit=50&_page=1' \
    "$(asked | head -n 1)"
is 'parameters' 0 "$(page --query-param 'q=a b&c' --query-param q=é \
    --size _limit=100 --total header:x-total-count "$api/posts")"
is 'parameters: encoded, in order' \
    '/posts?q=a%20b%26c&q=%C3%A9&_limit=100&_page=1' "$(asked)"

# Totals that change, are wrong, or are not there.
is 'total too large' 0 "$(page --size _limit=50 --total header:x-total-count \
    "$api/fault/total/120/posts")"
like 'total too large: warned' \
    'warning: .*_page=3: this page is empty, but only 100 of 120 records have come$' \
    "$(cat "$scratch/err")"
is 'total shrinks' 0 "$(page --size _limit=20 --total header:x-total-count \
    "$api/fault/on/_page=3/fault/total/50/posts")"
is 'total shrinks: the last one counts' 60 "$(wc -l <"$scratch/out")"
is 'total grows' 0 "$(page --size _limit=20 --total header:x-total-count \
    "$api/fault/on/_page=1/fault/total/20/1/posts")"
is 'total said to be reached' 20 "$(wc -l <"$scratch/out")"
is 'total missing on a page' 0 "$(page --size _limit=20 \
    --total header:x-total-count "$api/fault/total/-/posts")"
is 'total missing: until an empty page' 100 "$(wc -l <"$scratch/out")"
is 'total garbage' 76 "$(page --total header:x-total-count \
    "$api/fault/total/many/posts")"
like 'total garbage: said' 'not a number of records: many$' \
    "$(cat "$scratch/err")"
is 'total zero' 0 "$(page --total header:x-total-count \
    "$api/fault/total/0/posts?_limit=0")"
asked >/dev/null
is 'total in the body' 0 "$(page --total /meta/total \
    "$api/fault/body/$(body '{"meta":{"total":2.0},"data":[{"a":1},{"a":2}]}')")"
is 'total in the body: one request' 1 "$(asked | wc -l)"
is 'total null in the body' 76 "$(page --total /meta \
    "$api/fault/body/$(body '{"meta":null,"data":[{"a":1},{"a":2}]}')")"
is 'total null: asked again' 2 "$(asked | wc -l)"
is 'total a text' 76 "$(page --total /n \
    "$api/fault/body/$(body '{"n":"2","data":[{"a":1},{"a":2}]}')")"
asked >/dev/null

is 'max pages' 1 "$(page --size _limit=20 --max-pages 2 "$api/posts")"
is 'max pages: two' 2 "$(asked | wc -l)"
is 'max pages: records' 40 "$(wc -l <"$scratch/out")"
like 'max pages: said' '_page=2: stopped by --max-pages 2: more pages may follow' \
    "$(cat "$scratch/err")"
is 'max pages that suffice' 0 "$(page --size _limit=50 --max-pages 2 \
    --total header:x-total-count "$api/posts")"
is 'endless' 76 "$(page --size _limit=20 "$api/fault/endless/posts")"
like 'endless: told' '_page=2: page 2 has the same records as page 1: ' \
    "$(cat "$scratch/err")"
is 'endless, new records' 1 "$(page --size _limit=20 --max-pages 30 \
    "$api/fault/endless-new/posts")"
is 'endless, new records: as many pages' 600 "$(wc -l <"$scratch/out")"

# Where the records are, and their bytes.
is 'numbers, escapes and white space' 0 "$(records ' [ {"a" : 1.0,
	"b":[1e400, -0 , 12345678901234567890, 0.10 , 1E+2 ],
	"c" : "\u00e9\/ \ud83d\ude00  é" , "c": "\ud800 \u0000" , " d" :{ } }
, {} ] ')"
is 'numbers, escapes and white space: as served' \
    '{"a":1.0,"b":[1e400,-0,12345678901234567890,0.10,1E+2],"c":"\u00e9\/ \ud83d\ude00  é","c":"\ud800 \u0000"," d":{}}
{}' "$(cat "$scratch/out")"
is 'the one array' 0 "$(records '{"n":2,"x":{"y":[1]},"data":[{"a":1}]}')"
is 'the one array: its records' '{"a":1}' "$(cat "$scratch/out")"
is 'two arrays' 78 "$(records '{"errors":[],"data":[{"a":1}]}')"
like 'two arrays: named' 'two arrays, "errors" and "data": .*--records' \
    "$(cat "$scratch/err")"
is 'two arrays, one chosen' 0 "$(records '{"errors":[],"data":[{"a":1}]}' \
    --records /data)"
is 'two arrays, one chosen: its records' '{"a":1}' "$(cat "$scratch/out")"
is 'deep pointer' 0 "$(records '{"a":[{"b~/":[{"x":[]}]}],"c":[]}' \
    --records /a/0/b~0~1)"
is 'deep pointer: its records' '{"x":[]}' "$(cat "$scratch/out")"
is 'the whole' 0 "$(records '[{"a":1}]' --records '')"
is 'null is none' 0 "$(records '{"data":null}' --records /data)"
is 'null is none: nothing' '' "$(cat "$scratch/out")"
is 'no array' 76 "$(records '{"error":"no"}')"
like 'no array: shown' 'no array of records .*--records POINTER.*: \{"error":"no"\}$' \
    "$(cat "$scratch/err")"
is 'nothing there' 76 "$(records '{"data":[]}' --records /items)"
like 'nothing there: said' "no array of records at --records '/items': " \
    "$(cat "$scratch/err")"
is 'no array there' 76 "$(records '{"data":{}}' --records /data)"
is 'empty array' 0 "$(records '[]')"
is 'several sources' 0 "$(status etl-extract "$api/posts?_limit=1" \
    "$api/posts?_limit=1")"
is 'several sources: in order' 2 "$(wc -l <"$scratch/out")"

# What is no record.
is 'elements that are none' 0 "$(records '[{"a":1}, 2, [ 3 ], {"@etl": "x"},
    {"\u0040etl":"y"}, "z", {"b":2}]' --rejects "$scratch/r")"
is 'elements that are none: the others' '{"a":1}
{"b":2}' "$(cat "$scratch/out")"
is 'elements that are none: rejects' \
    'type http 1 2 false 2
type http 1 3 false [3]
reserved http 1 4 false {"@etl":"x"}
reserved http 1 5 false {"\u0040etl":"y"}
type http 1 6 false "z"' "$(jq -r '"\(.code) \(.origin.kind) \(.origin.page
    ) \(.origin.index) \(.retryable // false) \(.raw)"' "$scratch/r")"
is 'elements that are none: origin' '["index","kind","page","uri"]' \
    "$(jq -c '.origin | keys' "$scratch/r" | sort -u)"
rm "$scratch/r"
open=$(printf '%0255d' 0 | sed 's/0/[/g') close=$(printf '%0255d' 0 |
    sed 's/0/]/g')
is 'broken inside' 0 "$(records "$(printf \
    '[{"a":1,"b":"\377"},{"c":"\\x"},{"d":"a\001b\\"c"},{"n\\u006f":[%s%s]},\n{"e":"\303\251"}]' \
    "$open" "$close")" --rejects "$scratch/r")"
is 'broken inside: the other' '{"e":"é"}' "$(cat "$scratch/out")"
is 'broken inside: rejects' 'encoding 1 parse 2 parse 3 depth 4 ' "$(jq -j \
    '"\(.code) \(.origin.index) "' "$scratch/r")"
is 'broken inside: raw' '{"a":1,"b":"\377"}' "$(sed -n 1p "$scratch/r" |
    jq -r .raw_base64 | base64 -d | sed 's/\xff/\\377/')"
is 'broken between' 76 "$(records '[{"a":1},{"b":"é"} x]')"
like 'broken between: said' 'not JSON \(.*at byte 21' "$(cat "$scratch/err")"
is 'reject nowhere' 65 "$(records '[{},1]')"
like 'reject nowhere: said' \
    '^etl-extract: page 1, record 2: .* \(type\): .* nowhere to write' \
    "$(cat "$scratch/err")"
rm -f "$scratch/r"
is 'too long' 0 "$(records '[{"a":"123456789"},{"a":"12345678"}]' \
    --max-record 16 --rejects "$scratch/r")"
is 'too long: the other' '{"a":"12345678"}' "$(cat "$scratch/out")"
is 'too long: its hash' "$(printf '{"a":"123456789"}' | sha256sum |
    cut -d' ' -f1) 17" "$(jq -r '"\(.sha256) \(.bytes)"' "$scratch/r")"
done_testing
