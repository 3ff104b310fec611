#!/bin/sh
# Files and standard input: what leaves, what is a reject, and where it was.
. tests/support/lib.sh

read_in() {
	rm -f "$scratch/r"
	status etl-extract --rejects "$scratch/r" "$@"
}
rejects() {
	jq -r '"\(.code) \(.origin.kind) \(.origin.uri) \(.origin.line
	    ) \(.origin.offset)"' "$scratch/r"
}
in=$scratch/in.ndjson

printf '%s\n' '{"a":1.0,"b":"\u00e9\/ é","c":1e400}' '' \
    '  { "a" : 12345678901234567890 , "a" : -0 }' \
    '{"c":"\ud800","n":"\u0000"}' "$(printf '{"x":1}\r')" >"$in"
printf '{"last":true}' >>"$in"
wanted='{"a":1.0,"b":"\u00e9\/ é","c":1e400}
{"a":12345678901234567890,"a":-0}
{"c":"\ud800","n":"\u0000"}
{"x":1}
{"last":true}'
is 'file' 0 "$(read_in "$in")"
is 'file: records' "$wanted" "$(cat "$scratch/out")"
is 'file: no reject' '' "$(cat "$scratch/r")"
is 'standard input' 0 "$(read_in - <"$in")"
is 'standard input: records' "$wanted" "$(cat "$scratch/out")"
is 'through a pipe' "$wanted" "$(etl-extract - <"$in" | etl-extract -)"
cp "$in" "$scratch/in.jsonl"
cp "$in" "$scratch/in.txt"
is '.jsonl' 0 "$(read_in "$scratch/in.jsonl")"
is 'another suffix' 64 "$(read_in "$scratch/in.txt")"
like 'another suffix: said' 'in.txt: .*--format ndjson' "$(cat "$scratch/err")"
is '--format' 0 "$(read_in --format ndjson "$scratch/in.txt")"
is '--format: records' "$wanted" "$(cat "$scratch/out")"
is 'unknown format' 64 "$(read_in --format csv "$in")"
is 'format of a URL' 64 "$(read_in --format ndjson http://127.0.0.1:1/)"
is 'several' 0 "$(read_in "$in" - "$in" <"$scratch/in.jsonl")"
is 'several: in order' 15 "$(wc -l <"$scratch/out")"
is 'no such file' 66 "$(read_in "$scratch/no.ndjson")"
like 'no such file: said' \
    '^etl-extract: .*/no.ndjson: No such file or directory$' \
    "$(cat "$scratch/err")"
mkdir "$scratch/dir.ndjson"
is 'a directory' 66 "$(read_in "$scratch/dir.ndjson")"
is 'unknown scheme' 64 "$(read_in ftp://127.0.0.1/x)"
is 'mistyped second' 64 "$(read_in "$in" "$scratch/in.txt")"
is 'mistyped second: no record' '' "$(cat "$scratch/out")"
: >"$scratch/empty.ndjson"
is 'empty' 0 "$(read_in "$scratch/empty.ndjson")"
is 'empty: nothing' '' "$(cat "$scratch/out")"
printf '\n\n  \n' >"$scratch/empty.ndjson"
is 'blank lines' 0 "$(read_in "$scratch/empty.ndjson")"
is 'blank lines: nothing' '' "$(cat "$scratch/out" "$scratch/r")"

# Lines that are no records.
{
	printf '{"ok":1}\n{"a":1\n\n[1]\n7\n{"b":"\377"}\n{"@etl":"end"}\n'
	printf '{"c":"x\000y"}\n{"d":01}\n{"ok":2} {"ok":3}\n{"ok":4}\n'
	printf '{ "\\u0040etl" : 1}\nnull'
} >"$in"
is 'broken lines' 0 "$(read_in --max-rejects 100 "$in")"
is 'broken lines: the others' '{"ok":1}
{"ok":4}' "$(cat "$scratch/out")"
is 'broken lines: rejects' "parse file $in 2 9
type file $in 4 17
type file $in 5 21
encoding file $in 6 23
reserved file $in 7 33
parse file $in 8 48
parse file $in 9 60
parse file $in 10 69
reserved file $in 12 96
type file $in 13 115" "$(rejects)"
jq -r '.raw // empty' "$scratch/r" >"$scratch/raw"
is 'broken lines: raw text' '{"a":1
[1]
7
{"@etl":"end"}' "$(head -n 4 "$scratch/raw")"
is 'broken lines: raw bytes' '7b2262223a22ff227d' "$(jq -r \
    'select(.code == "encoding").raw_base64' "$scratch/r" | base64 -d |
    od -An -tx1 | tr -d ' ')"
is 'broken lines: from stdin' 0 "$(read_in --max-rejects 100 - <"$in")"
is 'broken lines: from stdin, where' 'parse stdin - 2 9' "$(rejects |
    head -n 1)"
is 'limit of rejects' 1 "$(read_in --max-rejects 3 "$in")"
is 'limit of rejects: four are written' 4 "$(wc -l <"$scratch/r")"
is 'bad limit' 64 "$(read_in --max-rejects x "$in")"

# The longest record.
printf '{"a":"12345678"}\n{"a":"123456789"}\n{"a":1}\n' >"$in"
is 'longest' 0 "$(read_in --max-record 16 "$in")"
is 'longest: the others' '{"a":"12345678"}
{"a":1}' "$(cat "$scratch/out")"
is 'longest: reject' "too_long file $in 2 17" "$(rejects)"
is 'longest: its bytes' "17 $(printf '{"a":"123456789"}' | sha256sum |
    cut -d' ' -f1)" "$(jq -r '"\(.bytes) \(.sha256)"' "$scratch/r")"
deep=$(printf '%0257d' 0 | sed 's/0/[/g')$(printf '%0257d' 0 | sed 's/0/]/g')
echo "{\"deep\":$deep}" >"$in"
is 'deep' 0 "$(read_in --max-rejects 100 "$in")"
is 'deep: reject' "depth file $in 1 0" "$(rejects)"

printf '%s\n' '{"@etl":"begin","v":1,"id":"a","stages":["x"]}' '{"a":1}' \
    '{"@etl":"end","stages":[{"stage":"x","in":0,"out":1,"dropped":0,"rejected":0}]}' \
    >"$in"
is 'a stream' 0 "$(read_in --max-rejects 2 "$in")"
is 'a stream: its marks are data' '{"a":1} 2' \
    "$(cat "$scratch/out") $(rejects | grep -c '^reserved ')"
like 'a stream: what to do is told' 'in.ndjson: is a marked stream' \
    "$(cat "$scratch/err")"
sed 1d "$in" >"$in.2" && mv "$in.2" "$in"
is 'a mark later' 0 "$(read_in --max-rejects 2 "$in")"
is 'a mark later: no more than a reject' '' "$(cat "$scratch/err")"
printf '\357\273\277{"a":1}\n{"a":2}\n' >"$in"
is 'a byte order mark' 0 "$(read_in --max-rejects 1 "$in")"
like 'a byte order mark: is called by its name' '^not JSON: found a byte order mark ' \
    "$(jq -r .message "$scratch/r")"

# What is rejected of a file is not its next records: one file twice is what
# is tested.
printf 'x\n{"a":2}\n' >"$in"
cp "$in" "$in.2"
is 'rejects into the source' 64 \
    "$(status etl-extract --max-rejects 100% --rejects "$in" "$in")"
like 'rejects into the source: says so' 'rejects would be written into this' \
    "$(cat "$scratch/err")"
# shellcheck disable=SC2094
is 'rejects into the source by descriptor 3' 64 "$(ulimit -f 2000
    status etl-extract --max-rejects 100% "$in" 3>>"$in")"
# shellcheck disable=SC2094
is 'rejects into standard input' 64 "$(ulimit -f 2000
    status etl-extract --max-rejects 100% --rejects "$in" - <"$in")"
ok 'rejects into the source: nothing is written' cmp "$in.2" "$in"

# Streams at once.
mkfifo "$scratch/fifo"
etl-extract - <"$scratch/fifo" >"$scratch/streamed" &
pid=$!
exec 4>"$scratch/fifo"
echo '{"id":1}' >&4
ok 'streams' wait_until 5 test -s "$scratch/streamed"
exec 4>&-
wait $pid
mkfifo "$scratch/silent"
is 'a stop before the writer comes' 143 "$(status timeout --preserve-status \
    -k 5 0.3 etl-extract --format ndjson "$scratch/silent")"
is 'a stop before the writer comes: said' \
    'etl-extract: stopped by signal TERM' "$(cat "$scratch/err")"
done_testing
