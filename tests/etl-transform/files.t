#!/bin/sh
# etl-transform FILTER FILE ...: reads files in place of standard input.
. tests/support/lib.sh
cd "$scratch"

printf '{"id":1}\n\n{"id":2}\n' >a
printf '{"id":3}' >b
printf '{"id":4}\n' >c
: >empty
t() {
	status etl-transform "$@" 3>rejects </dev/null
}
ids() {
	jq .id "$scratch/out" | tr '\n' ' '
}

is 'one file is read' 0 "$(t . a)"
is 'all of it' '1 2 ' "$(ids)"
is 'several files are read' 0 "$(t . a empty b c)"
is 'in their order, also if the last line of one has no end' '1 2 3 4 ' "$(ids)"
is 'a file is read twice' 0 "$(t . c c)"
is 'if it is given twice' '4 4 ' "$(ids)"
is 'standard input is -' 0 \
    "$(echo '{"id":9}' | status etl-transform . c - b)"
is 'between files' '4 9 3 ' "$(ids)"
echo '.id += 1' >filter.jq
is 'with -f all operands are files' 0 "$(t -f filter.jq c b)"
is 'and the filter is that of the file' '5 4 ' "$(ids)"
is 'options may follow' 0 "$(t . c --std)"
is 'the file' '4 ' "$(ids)"
is 'empty files' 0 "$(t . empty empty)"
is 'have no records' '' "$(ids)"
seq 100000 | sed 's/.*/{"id":&}/' >many
is 'large files' 0 "$(t . many many)"
is 'are read whole' 200000 "$(wc -l <out | tr -d ' ')"

is 'a record of a file is rejected' 0 "$(t 'if .id != 1 then error("no")
    else . end' a b)"
is 'its reject names the file, the line and the byte' \
    '["file","a",3,10,"{\"id\":2}"] ["file","b",1,0,"{\"id\":3}"] ' \
    "$(jq -c '[.origin | .kind, .uri, .line, .offset] + [.raw]' rejects |
    tr '\n' ' ')"
is 'with nowhere to write rejects' 65 "$(status etl-transform 'error("no")' a)"
like 'the message names the file and the line' \
    '^etl-transform: a: line 1: no \(filter\): .*nowhere to write' "$(cat err)"
is 'a line that is too long' 0 "$(t --max-record 8 'error("no")' c b a)"
is 'has its file too' 'c b a a ' \
    "$(jq -r .origin.uri rejects | tr '\n' ' ')"

is 'a file that is missing' 66 "$(t . a none)"
is 'fails before anything is read' '' "$(cat out)"
like 'the message names it' '^etl-transform: none: No such file' "$(cat err)"
is 'a directory' 66 "$(t . a .)"
like 'is no input' '^etl-transform: \.: is a directory$' "$(cat err)"
cp a in
is 'an input as --rejects' 64 "$(status etl-transform --rejects in . in)"
like 'is refused' '--rejects in: this is an input too' "$(cat err)"
is 'and unchanged' '' "$(cmp a in 2>&1)"

cp a both
# shellcheck disable=SC2094 # that is what is tested
{ rc=0; etl-transform . both >>both 2>err || rc=$?; }
is 'an input that is standard output too' 64 $rc
like 'is refused' '^etl-transform: both: is standard output too' "$(cat err)"
is 'and unchanged' '' "$(cmp a both 2>&1)"
mkfifo fifo
rc=0; timeout 1 etl-transform . fifo 2>err || rc=$?
is 'a FIFO that nobody opens for writing: a signal ends the wait' 124 $rc
unlike 'without a stray message' 'Interrupted' "$(cat err)"

# Marked streams.
db_new sqlite
sql 'CREATE TABLE t (id int PRIMARY KEY)'
etl-extract --stream s --format ndjson a >marked
is 'a saved stream is read' 0 "$(t . marked)"
is 'with its marks' 'begin end' \
    "$(jq -r 'select(has("@etl"))["@etl"]' out | tr '\n' ' ' | sed 's/ $//')"
cp marked torn
sed -i '$d' torn
is 'a stream that was cut' 75 "$(t . torn)"
echo '{"@etl":"end"' >>torn
is 'a broken mark' 76 "$(t . a torn)"
like 'the message names the file' '^etl-transform: torn: line [0-9]+: ' "$(cat err)"
is 'files in a run' 0 "$(status etl-run --db "$db" --name r -c \
    'etl-transform . a b c | etl-load --table t --key id')"
is 'are one stream' '4|4' \
    "$(sql 'SELECT records_extracted, records_loaded FROM pipeline_runs')"
done_testing
