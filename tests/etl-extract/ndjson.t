#!/bin/sh
# Files and standard input: which records come out, which lines are rejects,
# and the origin of each reject.
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
is 'etl-extract reads a file' 0 "$(read_in "$in")"
is 'a file: white space goes, all other bytes of a record stay' \
    "$wanted" "$(cat "$scratch/out")"
is 'a file: none of its records is rejected' '' "$(cat "$scratch/r")"
is 'etl-extract reads standard input for -' 0 "$(read_in - <"$in")"
is 'standard input: white space goes, all other bytes stay' \
    "$wanted" "$(cat "$scratch/out")"
is 'two etl-extract in a pipe keep the records' \
    "$wanted" "$(etl-extract - <"$in" | etl-extract -)"
cp "$in" "$scratch/in.jsonl"
cp "$in" "$scratch/in.txt"
is 'a file .jsonl is read' 0 "$(read_in "$scratch/in.jsonl")"
is 'a file with another suffix exits with 64' 64 "$(read_in "$scratch/in.txt")"
like 'another suffix: the message says to give --format ndjson' \
    'in.txt: .*--format ndjson' "$(cat "$scratch/err")"
is '--format ndjson accepts a file with another suffix' \
    0 "$(read_in --format ndjson "$scratch/in.txt")"
is '--format ndjson reads the records of a file' \
    "$wanted" "$(cat "$scratch/out")"
is '--format tsv reads the same file as TSV' 0 "$(read_in --format tsv "$in")"
is '--format for the URL of a database exits with 64' \
    64 "$(read_in --format ndjson --query x postgresql://127.0.0.1:1/)"
is 'several files and standard input are read' \
    0 "$(read_in "$in" - "$in" <"$scratch/in.jsonl")"
is 'the records of several sources all come out' 15 "$(wc -l <"$scratch/out")"
is 'a missing file exits with 66' 66 "$(read_in "$scratch/no.ndjson")"
like 'a missing file: the message names it' \
    '^etl-extract: .*/no.ndjson: No such file or directory$' \
    "$(cat "$scratch/err")"
mkdir "$scratch/dir.ndjson"
is 'a directory exits with 66' 66 "$(read_in "$scratch/dir.ndjson")"
is 'a URL that is not http or https exits with 64' \
    64 "$(read_in ftp://127.0.0.1/x)"
is 'a second file with a wrong suffix exits with 64' \
    64 "$(read_in "$in" "$scratch/in.txt")"
is 'a second file with a wrong suffix: no record of the first is read' \
    '' "$(cat "$scratch/out")"
: >"$scratch/empty.ndjson"
is 'an empty file is no error' 0 "$(read_in "$scratch/empty.ndjson")"
is 'an empty file gives no record' '' "$(cat "$scratch/out")"
printf '\n\n  \n' >"$scratch/empty.ndjson"
is 'a file of blank lines is no error' 0 "$(read_in "$scratch/empty.ndjson")"
is 'a file of blank lines gives neither record nor reject' \
    '' "$(cat "$scratch/out" "$scratch/r")"

# Lines that are not records.
{
	printf '{"ok":1}\n{"a":1\n\n[1]\n7\n{"b":"\377"}\n{"@etl":"end"}\n'
	printf '{"c":"x\000y"}\n{"d":01}\n{"ok":2} {"ok":3}\n{"ok":4}\n'
	printf '{ "\\u0040etl" : 1}\nnull'
} >"$in"
is 'broken lines within --max-rejects do not fail' \
    0 "$(read_in --max-rejects 100 "$in")"
is 'the records between broken lines come out' '{"ok":1}
{"ok":4}' "$(cat "$scratch/out")"
is 'each broken line is a reject with code, file, line and offset' \
    "parse file $in 2 9
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
is 'the reject of a broken line keeps its text' '{"a":1
[1]
7
{"@etl":"end"}' "$(head -n 4 "$scratch/raw")"
is 'the reject of a line that is not UTF-8 keeps its bytes in base64' \
    '7b2262223a22ff227d' "$(jq -r \
    'select(.code == "encoding").raw_base64' "$scratch/r" | base64 -d |
    od -An -tx1 | tr -d ' ')"
is 'broken lines on standard input do not fail' \
    0 "$(read_in --max-rejects 100 - <"$in")"
is 'the reject of a line of standard input has line and offset' \
    'parse stdin - 2 9' "$(rejects |
    head -n 1)"
is 'more rejects than --max-rejects exit with 1' \
    1 "$(read_in --max-rejects 3 "$in")"
is 'the reject that exceeds --max-rejects is written too' \
    4 "$(wc -l <"$scratch/r")"
is '--max-rejects x exits with 64' 64 "$(read_in --max-rejects x "$in")"

# Records that are too long or too deep.
printf '{"a":"12345678"}\n{"a":"123456789"}\n{"a":1}\n' >"$in"
is 'a record longer than --max-record does not fail' \
    0 "$(read_in --max-record 16 "$in")"
is 'the records up to --max-record come out' '{"a":"12345678"}
{"a":1}' "$(cat "$scratch/out")"
is 'a record longer than --max-record has the code too_long' \
    "too_long file $in 2 17" "$(rejects)"
is 'the reject of a record that is too long has its length and hash' \
    "17 $(printf '{"a":"123456789"}' | sha256sum |
    cut -d' ' -f1)" "$(jq -r '"\(.bytes) \(.sha256)"' "$scratch/r")"
deep=$(printf '%0257d' 0 | sed 's/0/[/g')$(printf '%0257d' 0 | sed 's/0/]/g')
echo "{\"deep\":$deep}" >"$in"
is 'a record that is too deep does not fail' \
    0 "$(read_in --max-rejects 100 "$in")"
is 'a record that is too deep has the code depth' \
    "depth file $in 1 0" "$(rejects)"

printf '%s\n' '{"@etl":"begin","v":1,"id":"a","stages":["x"]}' '{"a":1}' \
    '{"@etl":"end","stages":[{"stage":"x","in":0,"out":1,"dropped":0,"rejected":0}]}' \
    >"$in"
is 'a saved marked stream within --max-rejects does not fail' \
    0 "$(read_in --max-rejects 2 "$in")"
is 'the marks of a saved stream are rejects, its records come out' '{"a":1} 2' \
    "$(cat "$scratch/out") $(rejects | grep -c '^reserved ')"
like 'the message says that the file is a marked stream' \
    'in.ndjson: is a marked stream' \
    "$(cat "$scratch/err")"
sed 1d "$in" >"$in.2" && mv "$in.2" "$in"
is 'a mark after the first line does not fail' \
    0 "$(read_in --max-rejects 2 "$in")"
is 'a mark after the first line causes no message' '' "$(cat "$scratch/err")"
printf '\357\273\277{"a":1}\n{"a":2}\n' >"$in"
is 'a byte order mark within --max-rejects does not fail' \
    0 "$(read_in --max-rejects 1 "$in")"
like 'the reject of a byte order mark names it' \
    '^not JSON: found a byte order mark ' \
    "$(jq -r .message "$scratch/r")"

# Rejects must not be appended to the file that is being read.
printf 'x\n{"a":2}\n' >"$in"
cp "$in" "$in.2"
is '--rejects with a source file exits with 64' 64 \
    "$(status etl-extract --max-rejects 100% --rejects "$in" "$in")"
like '--rejects with a source file: the message says so' \
    'rejects would be written into this' \
    "$(cat "$scratch/err")"
# shellcheck disable=SC2094
is 'file descriptor 3 on a source file exits with 64' 64 "$(ulimit -f 2000
    status etl-extract --max-rejects 100% "$in" 3>>"$in")"
# shellcheck disable=SC2094
is '--rejects with the file on standard input exits with 64' \
    64 "$(ulimit -f 2000
    status etl-extract --max-rejects 100% --rejects "$in" - <"$in")"
ok 'a source file given for rejects stays unchanged' cmp "$in.2" "$in"

# Records are written before the input ends.
mkfifo "$scratch/fifo"
etl-extract - <"$scratch/fifo" >"$scratch/streamed" &
pid=$!
exec 4>"$scratch/fifo"
echo '{"id":1}' >&4
ok 'a record comes out before the next one goes in' \
    wait_until 30 test -s "$scratch/streamed"
exec 4>&-
wait $pid
mkfifo "$scratch/silent"
is 'a signal ends the wait for a writer of a FIFO' \
    143 "$(status timeout --preserve-status \
    -k 5 0.3 etl-extract --format ndjson "$scratch/silent")"
is 'a signal in the wait for a writer: the message names it' \
    'etl-extract: stopped by signal TERM' "$(cat "$scratch/err")"
done_testing
