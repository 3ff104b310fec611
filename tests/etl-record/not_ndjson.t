#!/bin/sh
# If all records are rejected, a line on standard error says so; if the input is
# not NDJSON, the line says what the input looks like and how to convert it.
. tests/support/lib.sh
cd "$scratch"

db_new sqlite
sql 'CREATE TABLE t (id int)'
printf '{"id":1}\n{"id":2}\n' >good
filter() {
	status etl-transform . 3>rejects
}
cat >load.sh <<S
etl-load --db "$db" --table t 3>rejects
S

is 'a filter that rejects all of a few records succeeds' 0 \
    "$(status etl-transform 'error("no")' <good 3>rejects)"
is 'a warning gives the causes' \
    'etl-transform: warning: all 2 records were rejected: 2 filter: no (line 1: {"id":1})' \
    "$(cat err)"
is 'a filter that rejects the only record' 0 \
    "$(head -n 1 good | status etl-transform 'error("no")' 3>rejects)"
like 'the warning says so' 'warning: the only record was rejected: 1 filter: no' \
    "$(cat err)"
is 'a filter that rejects one of two records' 0 \
    "$(status etl-transform 'if .id == 1 then error("no") else . end' <good \
    3>rejects)"
is 'nothing is printed' '' "$(cat err)"
is 'a filter that drops the others' 0 \
    "$(status etl-transform 'if .id == 1 then error("no") else empty end' \
    <good 3>rejects)"
is 'neither' '' "$(cat err)"
is 'no record at all' 0 "$(status etl-transform . </dev/null 3>rejects)"
is 'neither is anything printed' '' "$(cat err)"
echo '{"nope":1}' >bad
is 'a loader that rejects all records' 0 "$(status sh load.sh <bad)"
like 'warns too' '^etl-load: warning: the only record was rejected: 1 schema: ' \
    "$(cat err)"
is 'of a marked stream the stage that rejects warns' 0 \
    "$(status etl-run --db "$db" --name x -c '
    etl-transform --plain "error(\"no\")" <good | etl-load --table t')"
is 'the loader does not' \
    'etl-transform: warning: all 2 records were rejected: 2 filter: no (line 1: {"id":1})' \
    "$(cat err)"

# looks LIKE FILE: both programs say what the file looks like.
looks() {
	is "$1: etl-transform ends" 0 "$(filter <"$2")"
	like "$1: and says what the input looks like" \
	    "; the input is not NDJSON .*, it looks like $1" "$(cat err)"
	is "$1: etl-load ends" 0 "$(status sh load.sh <"$2")"
	like "$1: and says it too" "it looks like $1" "$(cat err)"
}
printf 'id,name\n1,x\n2,y\n' >x.csv
looks 'CSV: .*mlr --icsv' x.csv
printf 'id;name\n1;x\n' >x.scsv
looks 'CSV with semicolons: .*mlr --icsv --ifs semicolon' x.scsv
printf 'id\tname\n1\tx\n' >x.tsv
looks 'TSV: .*mlr --itsv' x.tsv
printf '[{"id":1},{"id":2}]\n' >line.json
looks 'a JSON array: .*jq -c' line.json
jq . line.json >pretty.json
looks 'a JSON array: .*jq -c' pretty.json
jq '.[0]' line.json >object.json
looks 'JSON over several lines: .*jq -c \.' object.json
gzip -c good >good.gz
looks 'gzip: .*gzip -dc' good.gz
printf '<!DOCTYPE html>\n<html>\n' >x.html
looks HTML x.html
printf '<?xml version="1.0"?>\n' >x.xml
looks XML x.xml
iconv -t UTF-16 good >good.utf16
looks 'UTF-16: .*iconv -f UTF-16' good.utf16
is 'etl-extract says it' 0 \
    "$(status etl-extract --format ndjson x.csv 3>rejects)"
like 'too' 'it looks like CSV' "$(cat err)"
is 'with nowhere to write rejects' 65 "$(status etl-transform . <x.csv)"
like 'the message says it' 'nowhere to write rejects.*it looks like CSV' \
    "$(cat err)"
seq -f '%g,x' 30 >long.csv
is 'more rejects than --max-rejects' 1 "$(filter <long.csv)"
like 'the failure says it' 'more than --max-rejects 50%.*it looks like CSV' \
    "$(cat err)"

printf '%s\n' 'hello' >word
is 'a word' 0 "$(filter <word)"
unlike 'is no known format' 'looks like' "$(cat err)"
{ cat good; echo 'a,b'; } >mixed
is 'a bad line later' 0 "$(filter <mixed)"
is 'is a reject like others' '' "$(cat err)"
is 'a filter that makes no objects' 0 "$(status etl-transform 1 <good \
    3>rejects)"
unlike 'says nothing of the format of its input' 'looks like' "$(cat err)"
printf '{"%s":1,\n' "$(printf %0100d 1)" >long
is 'a long broken line' 0 "$(filter <long)"
unlike 'is not taken for JSON over several lines' 'looks like' "$(cat err)"
printf '{"a":,}\n' >broken
is 'a broken object' 0 "$(filter <broken)"
unlike 'is not taken for JSON over several lines' 'looks like' "$(cat err)"
done_testing
