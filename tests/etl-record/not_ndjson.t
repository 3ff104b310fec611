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

is 'etl-transform that rejects both of two records exits with 0' 0 \
    "$(status etl-transform 'error("no")' <good 3>rejects)"
is 'etl-transform warns that all records were rejected and names the causes' \
    'etl-transform: warning: all 2 records were rejected: 2 filter: no (line 1: {"id":1})' \
    "$(cat err)"
is 'etl-transform that rejects the only record exits with 0' 0 \
    "$(head -n 1 good | status etl-transform 'error("no")' 3>rejects)"
like 'etl-transform warns that the only record was rejected' \
    'warning: the only record was rejected: 1 filter: no' \
    "$(cat err)"
is 'etl-transform that rejects one of two records exits with 0' 0 \
    "$(status etl-transform 'if .id == 1 then error("no") else . end' <good \
    3>rejects)"
is 'etl-transform that rejects one of two records prints no warning' \
    '' "$(cat err)"
is 'etl-transform that rejects one record and drops one exits with 0' 0 \
    "$(status etl-transform 'if .id == 1 then error("no") else empty end' \
    <good 3>rejects)"
is 'etl-transform that rejects one record and drops one prints no warning' \
    '' "$(cat err)"
is 'etl-transform with empty input exits with 0' \
    0 "$(status etl-transform . </dev/null 3>rejects)"
is 'etl-transform with empty input prints no warning' '' "$(cat err)"
echo '{"nope":1}' >bad
is 'etl-load that rejects the only record exits with 0' \
    0 "$(status sh load.sh <bad)"
like 'etl-load warns that the only record was rejected' \
    '^etl-load: warning: the only record was rejected: 1 schema: ' \
    "$(cat err)"
is 'a pipeline whose etl-transform rejects all records exits with 0' 0 \
    "$(status etl-run --db "$db" --name x -c '
    etl-transform --plain "error(\"no\")" <good | etl-load --table t')"
is 'in a pipeline only the stage that rejects all records warns' \
    'etl-transform: warning: all 2 records were rejected: 2 filter: no (line 1: {"id":1})' \
    "$(cat err)"

# check_advice ERE FILE: both programs say what FILE looks like and how to
# convert it; ERE matches this advice.
check_advice() {
	is "etl-transform exits with 0 for $1" 0 "$(filter <"$2")"
	like "etl-transform says what the input looks like: $1" \
	    "; the input is not NDJSON .*, it looks like $1" "$(cat err)"
	is "etl-load exits with 0 for $1" 0 "$(status sh load.sh <"$2")"
	like "etl-load says what the input looks like: $1" \
	    "it looks like $1" "$(cat err)"
}
printf 'id,name\n1,x\n2,y\n' >x.csv
check_advice 'CSV: .*etl-extract --format csv' x.csv
printf 'id;name\n1;x\n' >x.scsv
check_advice "CSV with semicolons: .*--format csv --delimiter ';'" x.scsv
printf 'id\tname\n1\tx\n' >x.tsv
check_advice 'TSV: .*etl-extract --format tsv' x.tsv
printf '[{"id":1},{"id":2}]\n' >line.json
check_advice 'a JSON array: .*etl-extract --format json' line.json
printf '[\n{"id":1},\n{"id":2}]\n' >pretty.json
check_advice 'a JSON array: .*etl-extract --format json' pretty.json
jq '.[0]' line.json >object.json
check_advice 'JSON over several lines: .*--format json' object.json
gzip -c good >good.gz
check_advice 'gzip: .*gzip -dc' good.gz
printf '<!DOCTYPE html>\n<html>\n' >x.html
check_advice HTML x.html
printf '<?xml version="1.0"?>\n' >x.xml
check_advice XML x.xml
iconv -t UTF-16 good >good.utf16
check_advice 'UTF-16: .*iconv -f UTF-16' good.utf16
is 'etl-extract --format ndjson of a CSV file exits with 0' 0 \
    "$(status etl-extract --format ndjson x.csv 3>rejects)"
like 'etl-extract --format ndjson says that the file looks like CSV' \
    'it looks like CSV' "$(cat err)"
is 'CSV input and nowhere to write rejects: etl-transform exits with 65' \
    65 "$(status etl-transform . <x.csv)"
like 'nowhere to write rejects: the message says the input looks like CSV' \
    'nowhere to write rejects.*it looks like CSV' \
    "$(cat err)"
seq -f '%g,x' 30 >long.csv
is 'CSV input and more rejects than the limit: etl-transform exits with 1' \
    1 "$(filter <long.csv)"
like 'more rejects than the limit: the message says the input looks like CSV' \
    'more than --max-rejects 50%.*it looks like CSV' \
    "$(cat err)"

printf '%s\n' 'hello' >word
is 'etl-transform with a plain word as input exits with 0' 0 "$(filter <word)"
unlike 'a plain word looks like no known format' 'looks like' "$(cat err)"
{ cat good; echo 'a,b'; } >mixed
is 'etl-transform with a bad last line exits with 0' 0 "$(filter <mixed)"
is 'a bad line after good ones causes no warning' '' "$(cat err)"
is 'a filter whose outputs are no objects exits with 0' \
    0 "$(status etl-transform 1 <good \
    3>rejects)"
unlike 'a filter whose outputs are no objects says nothing of a format' \
    'looks like' "$(cat err)"
printf '{"%s":1,\n' "$(printf %0100d 1)" >long
is 'etl-transform with a long broken line exits with 0' 0 "$(filter <long)"
unlike 'a long broken line does not look like JSON over several lines' \
    'looks like' "$(cat err)"
printf '{"a":,}\n' >broken
is 'etl-transform with a broken object exits with 0' 0 "$(filter <broken)"
unlike 'a broken object does not look like JSON over several lines' \
    'looks like' "$(cat err)"
done_testing
