#!/bin/sh
# Input that ends in the middle of a record: the modes that delete rows load
# nothing of it.  In the other modes the last line is a reject.
# shellcheck disable=SC2086 # $mode is several words
. tests/support/lib.sh
cd "$scratch"

for i in 1 2 3 4; do
	echo "{\"id\":$i,\"v\":\"ä\"}"
done >whole.ndjson
{
	echo id,v
	printf '%s\n' 1,ä 2,ä 3,ä 4,ä
} >whole.csv
head -c -1 whole.ndjson >no_newline.ndjson
head -c -1 whole.csv >no_newline.csv
# Cut after a comma, in a character and in a name; a value that is no object; and
# a line that is too long to be looked at.
head -c -9 whole.ndjson >comma.ndjson
head -c -5 whole.ndjson >character.ndjson
head -c -11 whole.ndjson >name.ndjson
{ head -n 3 whole.ndjson; printf '5'; } >number.ndjson
{ head -n 3 whole.ndjson; printf '{"id":9,"v":"%070000d"}' 0; } >long.ndjson
head -c -2 whole.csv >character.csv
head -c -4 whole.csv >fields.csv

# loads STATUS ROWS LABEL COMMAND: runs COMMAND inside etl-run with one row, 9, in
# the table, and compares the exit code and the rows.
loads() {
	sql 'DELETE FROM t'
	sql "INSERT INTO t VALUES (9, 'old')"
	is "$k $mode: $3" "$1 $2" "$(: >r; status etl-run -c "$4") $(sql \
	    'SELECT id FROM t ORDER BY id' | xargs)"
}
for kind in sqlite postgresql; do
	k=$kind
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sql 'CREATE TABLE t (id int PRIMARY KEY, v text)'
	for mode in replace 'mirror --max-deletes 100%' \
	    'delete-insert --scope v --scope-value old'; do
		into="etl-load --table t --mode $mode --max-rejects 100%"
		for file in comma character name number; do
			loads 65 9 "$file, etl-extract" \
			    "etl-extract $file.ndjson | $into"
		done
		for file in character fields; do
			loads 65 9 "$file, etl-extract of a CSV file" \
			    "etl-extract $file.csv | $into"
		done
		loads 65 9 'among several files' \
		    "etl-extract whole.csv character.csv | $into"
		loads 65 9 'through other programs' "etl-extract comma.ndjson |
		    etl-transform . | etl-via cat | $into"
		loads 65 9 'etl-transform' "etl-transform . <name.ndjson | $into"
		loads 65 9 'etl-load' "$into <name.ndjson"
		loads 65 9 'a line that is too long' \
		    "etl-extract --max-record 1KiB long.ndjson | $into"
		loads 65 9 '--complete' \
		    "cat name.ndjson | $into --plain --complete"
		loads 65 9 '--final-newline require' "etl-extract \
		    --final-newline require no_newline.csv | $into"
		for file in whole.ndjson whole.csv no_newline.ndjson no_newline.csv
		do
			loads 0 '1 2 3 4' "$file is loaded" \
			    "etl-extract $file | $into"
		done
		loads 0 '1 2 3 4' 'etl-load of a file without a newline' \
		    "$into <no_newline.ndjson"
		loads 0 '1 2 3 4' '--final-newline require of a whole file' \
		    "etl-extract --final-newline require whole.csv | $into"
	done
	is "$k plain input: exit code 65" 65 "$(status etl-load --table t \
	    --mode replace --rejects r <name.ndjson)"
	like "$k plain input: the message names the line" \
	    '^etl-load: standard input: line 4: the input was cut off' "$(cat err)"
	etl-extract --stream s --rejects r --max-rejects 100% ./comma.ndjson >saved
	is "$k a saved stream: the mark end names file and line" \
	    '"./comma.ndjson: line 4"' "$(tail -n 1 saved | jq .cut)"
	is "$k a saved stream: exit code 65" \
	    65 "$(status etl-load --table t --mode replace <saved)"
	like "$k a saved stream: the message names file and line" \
	    '^etl-load: ./comma.ndjson: line 4: the input was cut' "$(cat err)"
	mode=upsert
	loads 0 '1 2 3 9' 'the last line is a reject' \
	    'etl-extract comma.ndjson | etl-load --table t'
	is "$k upsert: the reject is a dead letter" 1 \
	    "$(etl-dlq list --json | wc -l)"
done
done_testing
