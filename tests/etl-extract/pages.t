#!/bin/sh
# Paging: which pages are requested, which records come out, and with which
# bytes.
. tests/support/lib.sh
api_start

# take_requests: prints the requests since the last call, and forgets them.
take_requests() {
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
# records BODY [OPTION...]: reads one page with exactly these bytes.
records() {
	text=$(body "$1")
	shift
	status etl-extract "$@" "$api/fault/body/$text"
}

is '--total succeeds' 0 "$(page --size _limit=20 --total header:X-Total-Count \
    "$api/posts")"
is '--total: the five pages of 100 records are requested, no sixth' \
    '/posts?_limit=20&_page=1
/posts?_limit=20&_page=2
/posts?_limit=20&_page=3
/posts?_limit=20&_page=4
/posts?_limit=20&_page=5' "$(take_requests)"
curl -s "$api/posts?_limit=100" | python3 -c '
import json, re, sys
text, at = sys.stdin.read(), 1
d = json.JSONDecoder()
while True:                     # drop white space only between tokens
	while text[at] in " \n,":
		at += 1
	if text[at] == "]":
		break
	end = d.raw_decode(text, at)[1]
	print(re.sub(r"(\"(?:[^\"\\]|\\.)*\")|\s+", r"\1", text[at:end]))
	at = end' >"$scratch/wanted"
take_requests >/dev/null
is 'the records have the bytes of the answers without white space' \
    '' "$(cmp "$scratch/wanted" "$scratch/out" 2>&1)"

is 'paging without --total succeeds' 0 "$(page --size _limit=20 "$api/posts")"
is 'without --total pages are requested up to an empty one' \
    6 "$(take_requests | wc -l)"
is 'without --total the same records come out' \
    '' "$(cmp "$scratch/wanted" "$scratch/out")"
is 'paging with a short last page succeeds' \
    0 "$(page --size _limit=30 "$api/posts")"
is 'with a short last page the same records come out' \
    '' "$(cmp "$scratch/wanted" \
    "$scratch/out")"
is 'after a short page one more page is requested' '/posts?_limit=30&_page=5' \
    "$(take_requests | tail -n 1)"
is '--first 4 succeeds' 0 "$(page --first 4 --size _limit=30 "$api/posts")"
is '--first 4 gives the records from page 4 on' 10 "$(wc -l <"$scratch/out")"
is '--first 4 requests the pages 4 and 5' '/posts?_limit=30&_page=4
/posts?_limit=30&_page=5' "$(take_requests)"
is 'pages 6 and 7 have the same length' \
    "$(curl -s "$api/posts?_limit=1&_page=6" | wc -c)" \
    "$(curl -s "$api/posts?_limit=1&_page=7" | wc -c)"
is 'two pages of the same length are not taken as repeated' \
    1 "$(page --first 6 --size _limit=1 \
    --max-pages 2 "$api/posts")"
is 'the records of two pages of the same length come out' \
    2 "$(wc -l <"$scratch/out")"
is '--first with --total succeeds' 0 "$(page --first 2 --size _limit=60 \
    --total header:x-total-count "$api/posts")"
is '--first with --total gives the rest without a warning' '40 ' \
    "$(wc -l <"$scratch/out") $(cat "$scratch/err")"
take_requests >/dev/null
is 'a URL without paging succeeds' \
    0 "$(status etl-extract "$api/posts?_limit=3")"
is 'a URL without paging gives the records of its answer' \
    "$(head -n 3 "$scratch/wanted")" \
    "$(cat "$scratch/out")"
is 'a URL without paging is requested unchanged' \
    '/posts?_limit=3' "$(take_requests)"
is '--into header:NAME that the service ignores exits with 76' \
    76 "$(status etl-extract --paginate page --into \
    header:X-Page "$api/posts?_limit=3")"
is '--into header:NAME sends this header' \
    '/posts?_limit=3 x-page' "$(take_requests | head -n 1)"
like 'a repeated page: the message says to check --into' \
    'posts\?_limit=3: page 2 has the same records as page 1: check that the service knows the parameter of --into$' \
    "$(cat "$scratch/err")"
is 'a repeated page: the records of the first page come out' \
    3 "$(wc -l <"$scratch/out")"

is 'a URL that has the page parameter is accepted' 0 "$(page --size _limit=50 \
    "$api/posts?_page=7&a=b%20c&_page=8&_pages=1#top")"
is 'the page parameter of the URL is replaced, other bytes stay' \
    '/posts?a=b%20c&_pages=1&_limit=50&_page=1' \
    "$(take_requests | head -n 1)"
is '--query-param may be repeated' \
    0 "$(page --query-param 'q=a b&c' --query-param q=é \
    --size _limit=100 --total header:x-total-count "$api/posts")"
is '--query-param is encoded and keeps its order' \
    '/posts?q=a%20b%26c&q=%C3%A9&_limit=100&_page=1' "$(take_requests)"

# Totals that change, are wrong, or are missing.
is 'a total larger than the data succeeds' \
    0 "$(page --size _limit=50 --total header:x-total-count \
    "$api/fault/total/120/posts")"
like 'a total larger than the data causes a warning with both numbers' \
    'warning: .*_page=3: this page is empty, but only 100 of 120 records have come$' \
    "$(cat "$scratch/err")"
is 'a total that shrinks succeeds' \
    0 "$(page --size _limit=20 --total header:x-total-count \
    "$api/fault/on/_page=3/fault/total/50/posts")"
is 'after a total has shrunk the last one counts' 60 "$(wc -l <"$scratch/out")"
is 'a total that grows succeeds' \
    0 "$(page --size _limit=20 --total header:x-total-count \
    "$api/fault/on/_page=1/fault/total/20/1/posts")"
is 'a total that is reached on page 1 ends the paging' \
    20 "$(wc -l <"$scratch/out")"
is 'answers without the total succeed' 0 "$(page --size _limit=20 \
    --total header:x-total-count "$api/fault/total/-/posts")"
is 'answers without the total are read up to an empty page' \
    100 "$(wc -l <"$scratch/out")"
is 'a total that is not a number exits with 76' \
    76 "$(page --total header:x-total-count \
    "$api/fault/total/many/posts")"
like 'a total that is not a number: the message shows it' \
    'the page has "many" there, which is not a number of records: check' \
    "$(cat "$scratch/err")"
is 'a total of 0 succeeds' 0 "$(page --total header:x-total-count \
    "$api/fault/total/0/posts?_limit=0")"
take_requests >/dev/null
is '--total /POINTER takes the total from the body' \
    0 "$(page --total /meta/total \
    "$api/fault/body/$(body '{"meta":{"total":2.0},"data":[{"a":1},{"a":2}]}')")"
is 'a total in the body that is reached ends the paging' \
    1 "$(take_requests | wc -l)"
is 'a total of null in the body exits with 76 at a repeated page' \
    76 "$(page --total /meta \
    "$api/fault/body/$(body '{"meta":null,"data":[{"a":1},{"a":2}]}')")"
is 'a total of null is unknown: a second page is requested' \
    2 "$(take_requests | wc -l)"
is 'a total that is a string in the body exits with 76' 76 "$(page --total /n \
    "$api/fault/body/$(body '{"n":"2","data":[{"a":1},{"a":2}]}')")"
take_requests >/dev/null

is '--max-pages before the last page exits with 1' \
    1 "$(page --size _limit=20 --max-pages 2 "$api/posts")"
is '--max-pages 2 requests two pages' 2 "$(take_requests | wc -l)"
is '--max-pages 2: the records of two pages come out' \
    40 "$(wc -l <"$scratch/out")"
like '--max-pages 2: the message says that pages may follow' \
    '_page=2: stopped by --max-pages 2: more pages may follow' \
    "$(cat "$scratch/err")"
is '--max-pages that the pages do not exceed exits with 0' \
    0 "$(page --size _limit=50 --max-pages 2 \
    --total header:x-total-count "$api/posts")"
is 'a service that repeats a page without end exits with 76' \
    76 "$(page --size _limit=20 "$api/fault/endless/posts")"
like 'a service that repeats a page: the message names both pages' \
    '_page=2: page 2 has the same records as page 1: ' \
    "$(cat "$scratch/err")"
is 'endless pages of new records end by --max-pages with 1' \
    1 "$(page --size _limit=20 --max-pages 30 \
    "$api/fault/endless-new/posts")"
is 'endless pages of new records: 30 pages come out' \
    600 "$(wc -l <"$scratch/out")"

# The place of the records in an answer, and their bytes.
is 'numbers, escapes and white space of any form are accepted' \
    0 "$(records ' [ {"a" : 1.0,
	"b":[1e400, -0 , 12345678901234567890, 0.10 , 1E+2 ],
	"c" : "\u00e9\/ \ud83d\ude00  é" , "c": "\ud800 \u0000" , " d" :{ } }
, {} ] ')"
is 'numbers and escapes come out as served, white space goes' \
    '{"a":1.0,"b":[1e400,-0,12345678901234567890,0.10,1E+2],"c":"\u00e9\/ \ud83d\ude00  é","c":"\ud800 \u0000"," d":{}}
{}' "$(cat "$scratch/out")"
is 'an object with one array needs no --records' \
    0 "$(records '{"n":2,"x":{"y":[1]},"data":[{"a":1}]}')"
is 'the one array of an object has the records' \
    '{"a":1}' "$(cat "$scratch/out")"
is 'an object with two arrays exits with 78' \
    78 "$(records '{"errors":[],"data":[{"a":1}]}')"
like 'two arrays: the message names both and --records' \
    'two arrays, "errors" and "data": .*--records' \
    "$(cat "$scratch/err")"
is '--records chooses one of two arrays' \
    0 "$(records '{"errors":[],"data":[{"a":1}]}' \
    --records /data)"
is '--records gives the records of the chosen array' \
    '{"a":1}' "$(cat "$scratch/out")"
is '--records accepts a pointer through arrays and escaped names' \
    0 "$(records '{"a":[{"b~/":[{"x":[]}]}],"c":[]}' \
    --records /a/0/b~0~1)"
is '--records finds the array at a deep pointer' \
    '{"x":[]}' "$(cat "$scratch/out")"
is '--records with an empty pointer is the whole answer' \
    0 "$(records '[{"a":1}]' --records '')"
is 'null at --records is accepted' \
    0 "$(records '{"data":null}' --records /data)"
is 'null at --records gives no record' '' "$(cat "$scratch/out")"
is 'an answer without an array exits with 76' 76 "$(records '{"error":"no"}')"
like 'an answer without an array: the message shows it' \
    'no array of records .*--records POINTER.*: \{"error":"no"\}$' \
    "$(cat "$scratch/err")"
is 'nothing at --records exits with 76' \
    76 "$(records '{"data":[]}' --records /items)"
like 'nothing at --records: the message names the pointer' \
    "no array of records at --records '/items': " \
    "$(cat "$scratch/err")"
is 'an object at --records exits with 76' \
    76 "$(records '{"data":{}}' --records /data)"
is 'an empty array is no error' 0 "$(records '[]')"
is 'several URLs are read' 0 "$(status etl-extract "$api/posts?_limit=1" \
    "$api/posts?_limit=1")"
is 'the records of several URLs all come out' 2 "$(wc -l <"$scratch/out")"

# Elements that are not records.
is 'elements that are not records do not fail' \
    0 "$(records '[{"a":1}, 2, [ 3 ], {"@etl": "x"},
    {"\u0040etl":"y"}, "z", {"b":2}]' --rejects "$scratch/r" --max-rejects 9)"
is 'the records between bad elements come out' '{"a":1}
{"b":2}' "$(cat "$scratch/out")"
is 'each bad element is a reject with code, page and index' \
    'type http 1 2 false 2
type http 1 3 false [3]
reserved http 1 4 false {"@etl":"x"}
reserved http 1 5 false {"\u0040etl":"y"}
type http 1 6 false "z"' "$(jq -r '"\(.code) \(.origin.kind) \(.origin.page
    ) \(.origin.index) \(.retryable // false) \(.raw)"' "$scratch/r")"
is 'the origin of a reject has URL, page and index' \
    '["index","kind","page","uri"]' \
    "$(jq -c '.origin | keys' "$scratch/r" | sort -u)"
rm "$scratch/r"
open=$(printf '%0255d' 0 | sed 's/0/[/g') close=$(printf '%0255d' 0 |
    sed 's/0/]/g')
is 'elements that are broken inside do not fail' 0 "$(records "$(printf \
    '[{"a":1,"b":"\377"},{"c":"\\x"},{"d":"a\001b\\"c"},{"n\\u006f":[%s%s]},\n{"e":"\303\251"}]' \
    "$open" "$close")" --rejects "$scratch/r" --max-rejects 9)"
is 'the record after broken elements comes out' \
    '{"e":"é"}' "$(cat "$scratch/out")"
is 'each broken element is a reject with its code and index' \
    'encoding 1 parse 2 parse 3 depth 4 ' "$(jq -j \
    '"\(.code) \(.origin.index) "' "$scratch/r")"
is 'the reject of a broken element keeps its bytes' \
    '{"a":1,"b":"\377"}' "$(sed -n 1p "$scratch/r" |
    jq -r .raw_base64 | base64 -d | sed 's/\xff/\\377/')"
is 'bytes between elements that are not JSON exit with 76' \
    76 "$(records '[{"a":1},{"b":"é"} x]')"
like 'bytes between elements: the message names the byte offset' \
    'not JSON \(.*at byte 21' "$(cat "$scratch/err")"
is 'a reject with nowhere to go exits with 65' 65 "$(records '[{},1]')"
like 'a reject with nowhere to go: the message names page and record' \
    '^etl-extract: page 1, record 2: .* \(type\): .* nowhere to write' \
    "$(cat "$scratch/err")"
rm -f "$scratch/r"
is 'a record longer than --max-record does not fail' \
    0 "$(records '[{"a":"123456789"},{"a":"12345678"}]' \
    --max-record 16 --rejects "$scratch/r")"
is 'the record of the length --max-record comes out' \
    '{"a":"12345678"}' "$(cat "$scratch/out")"
is 'the reject of a record that is too long has its hash and length' \
    "$(printf '{"a":"123456789"}' | sha256sum |
    cut -d' ' -f1) 17" "$(jq -r '"\(.sha256) \(.bytes)"' "$scratch/r")"
done_testing
