#!/bin/sh
# etl-transform FILTER FILE ...: reads the files instead of standard input.
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

is 'etl-transform reads a file' 0 "$(t . a)"
is 'all records of the file come out' '1 2 ' "$(ids)"
is 'etl-transform reads several files' 0 "$(t . a empty b c)"
is 'files are read in their order, also if a last line has no LF' \
    '1 2 3 4 ' "$(ids)"
is 'a file may be given twice' 0 "$(t . c c)"
is 'a file given twice is read twice' '4 4 ' "$(ids)"
is 'the operand - is standard input' 0 \
    "$(echo '{"id":9}' | status etl-transform . c - b)"
is 'standard input is read in its place between the files' '4 9 3 ' "$(ids)"
echo '.id += 1' >filter.jq
is 'with -f all operands are files' 0 "$(t -f filter.jq c b)"
is 'with -f the filter is that of the file' '5 4 ' "$(ids)"
is 'an option may follow the files' 0 "$(t . c --std)"
is 'the file before an option is read' '4 ' "$(ids)"
is 'empty files are no error' 0 "$(t . empty empty)"
is 'empty files give no record' '' "$(ids)"
seq 100000 | sed 's/.*/{"id":&}/' >many
is 'large files are no error' 0 "$(t . many many)"
is 'large files are read to their end' 200000 "$(wc -l <out | tr -d ' ')"

is 'the filter rejects records of two files' \
    0 "$(t 'if .id != 1 then error("no")
    else . end' a b)"
is 'each reject names the file, the line and the byte offset' \
    '["file","a",3,10,"{\"id\":2}"] ["file","b",1,0,"{\"id\":3}"] ' \
    "$(jq -c '[.origin | .kind, .uri, .line, .offset] + [.raw]' rejects |
    tr '\n' ' ')"
is 'a reject with nowhere to go exits with 65' \
    65 "$(status etl-transform 'error("no")' a)"
like 'the message of a reject with nowhere to go names file and line' \
    '^etl-transform: a: line 1: no \(filter\): .*nowhere to write' "$(cat err)"
is 'lines longer than --max-record become rejects' \
    0 "$(t --max-record 8 'error("no")' c b a)"
is 'the reject of a line that is too long names its file' 'c b a a ' \
    "$(jq -r .origin.uri rejects | tr '\n' ' ')"

is 'a missing file exits with 66' 66 "$(t . a none)"
is 'a missing file ends etl-transform before any record comes out' \
    '' "$(cat out)"
like 'the message names the missing file' \
    '^etl-transform: none: No such file' "$(cat err)"
is 'a directory as an operand exits with 66' 66 "$(t . a .)"
like 'the message says that the operand is a directory' \
    '^etl-transform: \.: is a directory$' "$(cat err)"
cp a in
is 'an input file as --rejects exits with 64' \
    64 "$(status etl-transform --rejects in . in)"
like 'the message says that the --rejects file is an input too' \
    '--rejects in: this is an input too' "$(cat err)"
is 'the input file given as --rejects is unchanged' '' "$(cmp a in 2>&1)"

cp a both
# shellcheck disable=SC2094 # one file as input and output is tested
{ rc=0; etl-transform . both >>both 2>err || rc=$?; }
is 'an input file that is standard output too exits with 64' 64 $rc
like 'the message says that the input is standard output too' \
    '^etl-transform: both: is standard output too' "$(cat err)"
is 'the input file that is standard output too is unchanged' \
    '' "$(cmp a both 2>&1)"
mkfifo fifo
rc=0; timeout 1 etl-transform . fifo 2>err || rc=$?
is 'a signal ends the wait for a writer of a FIFO' 124 $rc
unlike 'a signal in the wait for a writer prints no "Interrupted"' \
    'Interrupted' "$(cat err)"

# Marked streams in files.
db_new sqlite
sql 'CREATE TABLE t (id int PRIMARY KEY)'
etl-extract --stream s --format ndjson a >marked
is 'a marked stream saved in a file is read' 0 "$(t . marked)"
is 'the marks of a saved stream pass' 'begin end' \
    "$(jq -r 'select(has("@etl"))["@etl"]' out | tr '\n' ' ' | sed 's/ $//')"
cp marked torn
sed -i '$d' torn
is 'a cut stream in a file exits with 75' 75 "$(t . torn)"
echo '{"@etl":"end"' >>torn
is 'a broken mark in a file exits with 76' 76 "$(t . a torn)"
like 'the message of a broken mark names the file' \
    '^etl-transform: torn: line [0-9]+: ' "$(cat err)"
is 'a run may read files with etl-transform' \
    0 "$(status etl-run --db "$db" --name r -c \
    'etl-transform . a b c | etl-load --table t --key id')"
is 'in a run several files make one stream' '4|4' \
    "$(sql 'SELECT records_extracted, records_loaded FROM pipeline_runs')"
done_testing
