#!/bin/sh
# --max-rejects: which programs stop, when, and what the message and etl-status
# say about the causes.
. tests/support/lib.sh
cd "$scratch"

# records GOOD BAD: writes GOOD records with a number n and BAD records without.
records() {
	seq "$1" | sed 's/.*/{"id":&,"n":1}/'
	seq -f %.0f 1001 "$((1000 + $2))" | sed 's/.*/{"id":&}/'
}
# lines GOOD BAD: writes GOOD records and BAD lines that are not JSON.
lines() {
	seq "$1" | sed 's/.*/{"id":&,"n":1}/'
	seq "$2" | sed 's/.*/{x&/'
}
filter='if .n then . else error("no n") end'
cat >copy.sh <<'EOS'
while read -r line; do
	echo "$line"
done
EOS

# stops LABEL CODE GOOD BAD [OPTION...]: each program exits with CODE if it
# accepts GOOD records and rejects BAD ones.
stops() {
	label=$1 code=$2
	records "$3" "$4" >records.ndjson
	lines "$3" "$4" >lines.ndjson
	shift 4
	is "etl-transform, $label: exit code $code" "$code" \
	    "$(status etl-transform "$filter" "$@" <records.ndjson 3>rejects)"
	is "etl-extract, $label: exit code $code" "$code" \
	    "$(status etl-extract lines.ndjson "$@" 3>rejects)"
	is "etl-extract of a marked stream, $label: exit code $code" "$code" \
	    "$(status etl-extract --stream s lines.ndjson "$@" 3>rejects)"
	is "etl-via, $label: exit code $code" "$code" \
	    "$(status etl-via --plain "$@" sh copy.sh <lines.ndjson 3>rejects)"
	for kind in sqlite postgresql; do
		db_new $kind
		sql 'CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)'
		is "etl-load, $kind, $label: exit code $code" "$code" \
		    "$(status etl-load --db "$db" --table t "$@" \
		    <records.ndjson 3>rejects)"
		is "etl-load --batch 1, $kind, $label: exit code $code" "$code" \
		    "$(status etl-load --db "$db" --table t --batch 1 \
		    --mode ignore "$@" <records.ndjson 3>rejects)"
	done
}
stops 'all 4 records rejected' 0 0 4
stops 'all 5 records rejected' 1 0 5
stops '3 of 5 records rejected' 1 2 3
stops '2 of 5 records rejected' 0 3 2
stops 'all 5 records rejected, --max-rejects 100%' 0 0 5 --max-rejects 100%
stops '1 of 5 records rejected, --max-rejects 10%' 1 4 1 --max-rejects 10%
stops '2 of 2 records rejected, --max-rejects 1' 1 0 2 --max-rejects 1

records 2 3 >records.ndjson
is 'a program that stops at the end of a plain stream: exit code 1' 1 \
    "$(status etl-transform "$filter" <records.ndjson 3>rejects)"
is 'the good records of a plain stream that is stopped at its end are written' \
    "$(records 2 0)" "$(cat out)"
{ records 0 9; records 11 0; } >late
is 'good records after 9 bad ones: the percentage counts from 20 records on' \
    0 "$(status etl-transform "$filter" <late 3>rejects)"
records 0 3 >records.ndjson
for name in a b c; do
	etl-extract --stream $name records.ndjson
done >saved
is 'the records of several saved streams in one input are not added up' \
    0 "$(status etl-transform "$filter" <saved 3>rejects)"
records 0 9 >records.ndjson
etl-extract --stream s records.ndjson | sed '$d' >cut.stream
is 'a stream that was cut off before 20 records exits with 75, not 1' \
    75 "$(status etl-transform "$filter" <cut.stream 3>rejects)"

# The loader counts the records that earlier programs have dropped, too.
for kind in sqlite postgresql; do
	db_new $kind
	sql 'CREATE TABLE t (id int PRIMARY KEY, n int)'
	is "etl-load, $kind: 3 rejects, 2 rows and 50 dropped records: exit code 0" \
	    0 "$(seq 55 | sed 's/.*/{"id":&}/' | status etl-run --db "$db" \
	    --name many -c "etl-transform --plain 'if .id <= 2 then . elif
	    .id <= 5 then error(\"no\") else empty end' | etl-load --table t")"
	sql 'DELETE FROM t'
	is "etl-load, $kind: --max-rejects 5% judges all 55 records, not only 5" \
	    1 "$(seq 55 | sed 's/.*/{"id":&}/' | status etl-run --db "$db" \
	    --name many -c "etl-transform --plain 'if .id <= 2 then . elif
	    .id <= 5 then error(\"no\") else empty end' |
	    etl-load --table t --max-rejects 5%")"
	like "etl-load, $kind: the message counts the dropped records" \
	    '^etl-load: 3 of 55 records were rejected' "$(cat err)"
done

# What a stopped run says, and what etl-status says later.
seq 30 | jq -c '{id: ., text: ("x" * 200 + "\u001b[31m")}' >long.ndjson
many='error("cause " + ([limit(.id % 22; repeat("x"))] | join("-")))'
for kind in sqlite postgresql; do
	db_new $kind
	sql 'CREATE TABLE t (id int PRIMARY KEY, text text)'
	is "$kind: a run that rejects all 30 records exits with 1" \
	    1 "$(status etl-run --db "$db" --name many -c \
	    "etl-extract long.ndjson | etl-transform '$many' --max-rejects 29 |
	    etl-load --table t")"
	cp err stopped
	like "$kind: the message says that nothing past the last commit is stored" \
	    '30 of 30 .* --max-rejects 29; .* nothing past its last commit:$' \
	    "$(cat stopped)"
	is "$kind: the message has a line for each of 20 causes" \
	    20 "$(grep -c '^  [1-9] filter: cause .*(line [0-9]' stopped)"
	like "$kind: the message has the number of rejects of further causes" \
	    '^  [0-9]+ others$' "$(cat stopped)"
	like "$kind: the example of a cause is the start of its record" \
	    '\(line 2: \{"id":1,"text":"xxxx.*\.\.\.\)$' "$(cat stopped)"
	is "$kind: no line of the message is longer than 300 bytes" '' \
	    "$(awk 'length > 300' stopped)"
	etl-status --db "$db" --run 1 >report
	is "$kind: etl-status --run shows the same lines as the message" \
	    "$(grep '^  [1-9]' stopped)" \
	    "$(sed -n '/^message/,/^$/p' report | grep '^  [1-9]')"
	like "$kind: etl-status says that nothing past the last commit is stored" \
	    '^message .* nothing past its last commit:$' "$(cat report)"

	is "$kind: a run whose loader rejects all records exits with 1" \
	    1 "$(status etl-run --db "$db" --name many -c \
	    "seq 9 | sed 's/.*/{\"no\":&}/' | etl-load --plain --table t")"
	like "$kind: the loader's message: nothing past its last commit is stored" \
	    '^etl-load: 9 of 9 .*50%; nothing past the last commit was stored:' \
	    "$(cat err)"
	like "$kind: etl-status shows the loader's causes" '^  9 schema: .*line 1: ' \
	    "$(etl-status --db "$db" --run 2)"
	is "$kind: nothing is stored: no row, no letter" '0 0' \
	    "$(sql 'SELECT count(*) FROM t') $(sql \
	    'SELECT count(*) FROM dead_letters')"
done

is 'a plain stream stopped by --max-rejects: exit code 1' 1 \
    "$(status etl-transform "$filter" <records.ndjson 3>rejects)"
like 'a plain stream: the message says that earlier output may be loaded' \
    '50%; records that it wrote before .* may be loaded:$' "$(cat err)"
printf '{"id":1,"x":"\033[31m\\u0007"}\n%.0s' 1 2 3 4 5 >escapes
is 'control characters in records and messages: exit code 1' 1 \
    "$(status etl-transform 'error("\u001b[31m")' <escapes 3>rejects)"
is 'control characters are escaped in the causes' 0 \
    "$(tr -d '\n' <err | LC_ALL=C grep -c '[[:cntrl:]]' || :)"
done_testing
