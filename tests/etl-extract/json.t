#!/bin/sh
# JSON files: which values are the records, broken values, and memory.
. tests/support/lib.sh

run() {
	rm -f "$scratch/r"
	status etl-extract --max-rejects 100 --rejects "$scratch/r" "$@"
}
# json TEXT [OPTION...]: reads a JSON file with exactly these bytes.
json() {
	printf '%s' "$1" >"$scratch/in.json"
	shift
	run "$@" "$scratch/in.json"
}
out() {
	cat "$scratch/out"
}
# rejects: the code, place and bytes of each reject.
rejects() {
	jq -r '"\(.code) \(.origin.kind) \(.origin.index) \(.origin.offset
	    ) \(.raw)"' "$scratch/r"
}
in=$scratch/in.json

# Which values are the records.
is 'a top-level array is read' \
    0 "$(json ' [ {"a" : 1.0,
    "b":[1e400, -0 ,{ "c":"\u00e9\/ é ]}"} ] } , {} ,{"d":"\\"}] ')"
is 'the elements of a top-level array are the records' \
    '{"a":1.0,"b":[1e400,-0,{"c":"\u00e9\/ é ]}"}]}
{}
{"d":"\\"}' "$(out)"
is 'top-level values that follow one another are read' \
    0 "$(json '{"a":1}{"a":2} {"a":3}
{"a":4}')"
is 'each top-level value is a record' '{"a":1}
{"a":2}
{"a":3}
{"a":4}' "$(out)"
is 'top-level arrays and objects may follow one another' \
    '0 {"a":1}{"a":2}{"a":3}' "$(json '[{"a":1},{"a":2}]
[] {"a":3}') $(out | tr -d '\n')"
is 'an empty file gives no record' '0 ' "$(json '') $(out)"
is 'an empty array gives no record' '0 ' "$(json '[]') $(out)"
is 'a byte order mark is skipped' '0 {"a":1}' \
    "$(json "$(printf '\357\273\277{"a":1}')") $(out)"
is 'JSON comes from standard input with --format json' '{"a":1}' \
    "$(printf '[{"a":1}]' | etl-extract --format json -)"
is 'JSON in gzip and in UTF-16 is read' '0 {"a":"é"}' "$(printf '[{"a":"é"}]' |
    iconv -f UTF-8 -t UTF-16 | gzip >"$scratch/u.json.gz"
    run --encoding utf-16 "$scratch/u.json.gz") $(out)"
is '--source-file adds the path to each record' "0 {\"a\":1,\"f\":\"$in\"}
{\"f\":\"$in\"}" "$(json '[{"a":1},{ }]' --source-file f) $(out)"
is '--source-file: a record that has the member is a reject' \
    '0 duplicate_member' "$(json '[{"f":1}]' --source-file f) $(jq -r .code \
    "$scratch/r")"

# --records.
is '--records names the array of the records' '0 {"a":1}
{"a":2}' "$(json '{"x":[{"b":1}],"d":{"x":[0],"i":[{"a":1},{"a":2}]},"z":1}' \
    --records /d/i) $(out)"
is '--records goes through arrays and escaped names' '0 {"x":[]}' \
    "$(json '{"a":[[9],{"b~/\"":[{"x":[]}]}],"c":[]}' \
    --records '/a/1/b~0~1"') $(out)"
is 'a name in the file may have escapes' '0 {"x":1}' \
    "$(json '{"\u0061b":[{"x":1}]}' --records /ab) $(out)"
is '--records with an empty pointer is the top-level array' '0 {"a":1}' \
    "$(json '[{"a":1}]' --records '') $(out)"
is '--records is looked for in each top-level value' '0 {"a":1}{"a":2}' \
    "$(json '{"d":[{"a":1}]}{"d":[{"a":2}]}' --records /d) $(out |
    tr -d '\n')"
is 'an object at --records is one record' '0 {"a":1}' \
    "$(json '{"d":{"a":1},"e":[]}' --records /d) $(out)"
is 'null at --records is no record' '0 ' \
    "$(json '{"d":null}' --records /d) $(out)"
is 'nothing at --records exits with 65' 65 "$(json '{"d":[]}' --records /e)"
like 'nothing at --records: the message names the pointer' \
    "in.json: a value .* has nothing at --records '/e'" \
    "$(cat "$scratch/err")"
is 'the member of --records twice exits with 65' \
    '65 {"a":1}' "$(json '{"d":[{"a":1}],"d":[{"a":2}]}' --records /d) $(out)"
like 'the member of --records twice: the message names the place' \
    "in.json: the file has the member at --records '/d' twice, the second time at byte 20" \
    "$(cat "$scratch/err")"
is '--records that is no JSON Pointer exits with 64' 64 "$(json '[]' \
    --records d)"
printf '{"a":1}\n' >"$scratch/x.ndjson"
is '--records for NDJSON exits with 64' \
    64 "$(run --records /d "$scratch/x.ndjson")"

# One object with one array member.
note() {
	sed -n 's/.*: the file is one object.* give --records //p' \
	    "$scratch/err"
}
is 'one object is one record' '0 {"n":1,"it/em":[{"a":1}],"o":{"x":[]}}' \
    "$(json '{"n":1,"it/em":[{"a":1}],"o":{"x":[]}}') $(out)"
is 'one object: a line says which --records reads its array' \
    '/it~1em' "$(note)"
is 'one object without an array: no line about --records' \
    '0 ' "$(json '{"n":1}') $(note)"
is 'one object with two arrays: no line about --records' \
    '0 ' "$(json '{"n":[],"m":[]}') $(note)"
is 'two objects with an array: no line about --records' \
    '0 ' "$(json '{"n":[]}{"n":[]}') $(note)"
is 'an element of an array: no line about --records' \
    '0 ' "$(json '[{"n":[]}]') $(note)"
is 'one object above --max-record is a reject, and the line names its array' \
    '0 too_long /data' "$(json "{\"t\":1,\"data\":[$(seq -s, 30000)]}" \
    --max-record 1KiB) $(jq -r .code "$scratch/r") $(note)"

# Values that are no records.
cat >"$in" <<'END'
[{"a":1}, 2, [ 3 ], {"@etl": "x"}, "z]", {"b":01}, tru, {"b":"\x"},
{"c" 1}, {"d":"]"}]
END
is 'elements that are no records do not fail' 0 "$(run "$in")"
is 'the records between other elements come out' '{"a":1}
{"d":"]"}' "$(out)"
is 'each other element is a reject with its place and its bytes' \
    'type file 2 10 2
type file 3 13 [ 3 ]
reserved file 4 20 {"@etl": "x"}
type file 5 35 "z]"
parse file 6 41 {"b":01}
parse file 7 51 tru
parse file 8 56 {"b":"\x"}
parse file 9 68 {"c" 1}' "$(rejects)"
deep=$(printf '%0257d' 0 | sed 's/0/[/g')
close=$(printf '%0257d' 0 | sed 's/0/]/g')
is 'elements that are nested too deep or are not UTF-8 do not fail' 0 \
    "$(json "$(printf '[%s%s,{"a":"\377"},{"a":1}]' "$deep" "$close")")"
is 'elements that are nested too deep or are not UTF-8 are rejects' \
    'depth encoding {"a":1}' "$(jq -r .code "$scratch/r" | tr '\n' ' ')$(out)"
is 'a reject with nowhere to go exits with 65' \
    65 "$(status etl-extract "$in")"
like 'a reject with nowhere to go: the message names file and record' \
    "^etl-extract: $in: record 1: .*\(depth\)" "$(cat "$scratch/err")"
is 'a record longer than --max-record does not fail' \
    0 "$(json '[{"a":"123456789"},{"a":"12345678"}]' --max-record 16)"
is 'a record longer than --max-record is a reject with length and hash' \
    "$(printf '{"a":"123456789"}' | sha256sum | cut -d' ' -f1) 17 1 1" \
    "$(jq -r '"\(.sha256) \(.bytes) \(.origin.index) \(.origin.offset)"' \
    "$scratch/r")"
is 'the record of the length --max-record comes out' \
    '{"a":"12345678"}' "$(out)"
{
	printf '[{"a":"'
	head -c 3000000 /dev/zero | tr '\0' x
	printf '"},{"a":2}]'
} >"$in"
is 'a record of megabytes does not fail' 0 "$(run --max-record 100KiB "$in")"
is 'a record of megabytes is a reject with length, hash and first bytes' \
    "3000008 65536 $(tail -c +2 "$in" | head -c 3000008 | sha256sum |
    cut -d' ' -f1)" \
    "$(jq -r '"\(.bytes) \(.raw | length) \(.sha256)"' "$scratch/r")"
is 'the record after one of megabytes comes out' '{"a":2}' "$(out)"

# The text is cut or broken outside of the records.
# bad LABEL TEXT ERE [OPTION...]: exits with 65 after the record {"a":1}.
bad() {
	name=$1 text=$2 why=$3
	shift 3
	is "$name exits with 65" 65 "$(json "$text" "$@")"
	is "$name: the records before it come out" '{"a":1}' "$(out)"
	like "$name: the message names file and place" "in.json: $why" \
	    "$(cat "$scratch/err")"
}
cut='the JSON ends too early, after'
bad 'an array that is cut after a record' '[{"a":1}' "$cut 8 bytes"
bad 'an array that is cut after a comma' '[{"a":1},' "$cut 9 bytes"
bad 'an array that is cut in a record' '[{"a":1},{"a":"x' "$cut 16 bytes"
bad 'an array that is cut in a number' '[{"a":1},2' "$cut 10 bytes"
bad 'an array that is cut in an escape' '[{"a":1},"\"' "$cut 12 bytes"
bad 'a value that is cut' '{"a":1}{"a"' "$cut 11 bytes"
bad 'an object that is cut after its array' '{"d":[{"a":1}],"n' \
    "$cut 17 bytes" --records /d
bad 'bytes between records' '[{"a":1} x]' \
    'not JSON: expected a comma or the end, at byte 10:'
bad 'two commas' '[{"a":1},,{"a":2}]' 'not JSON: expected a value, at byte 10:'
bad 'a comma at the end' '[{"a":1},]' 'not JSON: expected a value, at byte 10:'
bad 'a bracket of the other kind' '[{"a":1},{"a":[2}]' \
    'not JSON: a bracket that does not fit, at byte 17:'
bad 'text after the value' '[{"a":1}] x' 'not JSON: expected a value, at byte 11:'
bad 'a name without a colon' '{"d":[{"a":1}],"n" 1}' \
    'not JSON: expected a colon, at byte 20:' --records /d
bad 'a name that is no string' '{"d":[{"a":1}],n:1}' \
    'not JSON: expected a member name, at byte 16:' --records /d
is 'a broken file does not keep the others from being read' '65 {"a":1}{"b":2}' \
    "$(printf '{"b":2}' >"$scratch/good.json"
    printf '[{"a":1}' >"$in"
    run --stream s "$in" "$scratch/good.json") $(grep -v @etl "$scratch/out" |
    tr -d '\n')"
is 'a broken file: the stream has no end' failed \
    "$(tail -n 1 "$scratch/out" | jq -r '.["@etl"]')"

# A replay gives the bytes of the rejected records.
counts='"stages":[{"stage":"replay","in":0,"out":0,"dropped":0,"rejected":0}]'
replayed() {
	printf '%s\n' '{"@etl":"begin","v":1,"id":"-","replay":true,"stage":"extract","stages":["replay"]}' \
	    '{"@etl":"raw","id":"b","origin":{"kind":"file","uri":"x.json","index":3},"raw":"{ \"a\" : 1,\n\"b\":[2]}"}' \
	    '{"@etl":"raw","id":"c","raw":"{\"a\":01}"}' \
	    '{"@etl":"raw","id":"d","raw":"{\"a\":"}' \
	    "{\"@etl\":\"end\",$counts}" |
	    status etl-extract --format json --records /d --max-rejects 9 -
}
is 'a replay of JSON records is read' 0 "$(replayed)"
is 'a replay: --records does not apply to a record, white space goes' \
    '{"a":1,"b":[2]}' "$(jq -c 'select(.["@etl"] == null)' "$scratch/out")"
is 'a replay: records that are still wrong are rejects again' 'parse parse ' \
    "$(jq -j 'select(.["@etl"] == "reject") | .code + " "' "$scratch/out")"
is 'a replay: no line about --records is printed' '' "$(note)"

# A signal in the middle of a file: whole records only, and no end of the stream.
mkfifo "$scratch/fifo"
etl-extract --stream s --format json - <"$scratch/fifo" >"$scratch/now" \
    2>"$scratch/err" &
pid=$!
exec 4>"$scratch/fifo"
printf '[{"a":1},{"a":2},{"a"' >&4
wait_until 30 sh -c "test \$(wc -l <'$scratch/now') -eq 3"
kill $pid
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
exec 4>&-
is 'TERM in the wait for JSON ends etl-extract' 143 $rc
is 'TERM in the wait for JSON: whole records, and a mark failed' \
    '{"a":1} {"a":2} failed' "$(jq -c 'select(.a)' "$scratch/now" |
    tr '\n' ' ')$(tail -n 1 "$scratch/now" | jq -r '.["@etl"]')"

# Records leave as they come, and memory does not depend on the file.
etl-extract --format json - <"$scratch/fifo" >"$scratch/now" &
pid=$!
exec 4>"$scratch/fifo"
printf '{"d":1}[{"a":1}, {"b"' >&4
ok 'records come out before the next byte of the input' \
    wait_until 30 sh -c "test \$(wc -l <'$scratch/now') -eq 2"
printf ':2}]' >&4
exec 4>&-
wait $pid
is 'the rest comes out when it has come' '{"d":1}
{"a":1}
{"b":2}' "$(cat "$scratch/now")"
{
	printf '{"big":"'
	head -c 30000000 /dev/zero | tr '\0' x
	printf '","d":['
	yes '{"a":1,"b":[1,2,3]},' | head -n 1500000
	printf '{"a":2}],"n":['
	yes '[[]],' | head -n 3000000
	printf '0]}'
} >"$in"
in_memory 'a file of 70 MB is read with --records in 16 MiB' 16384 120000 \
    etl-extract --records /d "$in"
is 'a file of 70 MB: every record comes out' \
    1500001 "$(etl-extract --records /d "$in" | wc -l)"

# Member names that no memory is reserved for. Only names on the way to the records
# have a limit.
name=$(head -c 70000 /dev/zero | tr '\0' n)
for escaped in "$name" "\\u006e$name"; do
	printf '{"d":[{"a":1}],"%s":[{"a":2}],"e":[{"a":3}]}' "$escaped" >"$in"
	is 'a member name of 70 KB before the records exits with 65' 65 \
	    "$(run --records /e "$in")"
	like 'a member name of 70 KB before the records: the message says where' \
	    'in.json: the member name at byte 16 is longer than 64 KiB' \
	    "$(cat "$scratch/err")"
	is 'a member name of 70 KB after the records: they come out' '65{"a":1}' \
	    "$(run --records /d "$in")$(out)"
done
printf '[{"%s":1}]' "$name" >"$in"
is 'a member name of 70 KB in a record' '0 70006' \
    "$(run "$in") $(tr -d '\n' <"$scratch/out" | wc -c)"

# The records are those that Python reads.
trial tests/etl-extract/json_random.py
done_testing
