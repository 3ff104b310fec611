#!/bin/sh
# Marked streams through whole pipelines: etl-load finds what a filter that
# knows nothing of marks has lost, loads saved streams, and exits with the
# status of the stage that failed first.
. tests/support/lib.sh

cd "$scratch"
seq 1 20 | sed 's/.*/{"id":&,"title":"t&"}/' >rows.ndjson
{ sed 10q rows.ndjson; echo '{"id":1,'; sed 1,10d rows.ndjson; } >bad.ndjson
echo 'CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, title TEXT);' >t.sql

# load_through COMMANDS [FILE]: loads FILE through COMMANDS into a new table.
# Sets $rc, $n (the number of rows) and $ended (1 if the stream has ended).
load_through() {
	db_new sqlite
	rc=0
	DATABASE_URL=$db timeout 30 sh -c "
	    etl-extract --stream s ${2:-bad.ndjson} | $1 |
	    etl-load --ddl t.sql --table t --key id" 2>err || rc=$?
	n=$(sql 'SELECT count(*) FROM t' 2>&1 || :)
	ended=$(sql 'SELECT count(*) FROM etl_loads WHERE ended' 2>&1 || :)
}

load_through cat
is 'an unchanged stream: etl-load exits with 0' 0 $rc
is 'an unchanged stream: all records are stored' 20 "$n"
is 'an unchanged stream: the ledger says that it has ended' 1 "$ended"
is 'an unchanged stream: the dead letter has the bytes of the bad line' \
    '{"id":1,' \
    "$(sql 'SELECT CAST(raw AS TEXT) FROM dead_letters')"

load_through 'etl-transform . | etl-transform "select(.id % 2 == 0)"'
is 'two etl-transform in one pipeline: exit code 0' 0 $rc
is 'two etl-transform in one pipeline: the records they pass are stored' 10 "$n"
like 'two etl-transform in one pipeline: the second is counted as transform.2' \
    '"stage":"transform.2","in":20,"out":10,"dropped":10,"rejected":0' \
    "$(sql 'SELECT counts FROM etl_loads')"

load_through "grep -v '\"id\":7,'"
is 'a filter loses a record: etl-load exits with 76' 76 $rc
is 'a filter loses a record: the ledger says the stream has not ended' \
    0 "$ended"
like 'a filter loses a record: the message says between which stages' \
    '1 records were lost between extract, .* and load.*etl-via' "$(cat err)"

load_through "grep -v '\"reject\"'"
is 'a filter loses a reject: etl-load exits with 76' 76 $rc
like 'a filter loses a reject: the message names the stage that wrote it' \
    'stage extract wrote 1 reject lines .*, but 0 arrived' "$(cat err)"

load_through "sed 's/.*\"id\":7,.*/&\n&/'"
is 'a filter repeats a record: etl-load exits with 76' 76 $rc
like 'a filter repeats a record: the message says so' \
    '1 records were added' "$(cat err)"

load_through "jq -c 'select(.[\"@etl\"] != \"begin\")'"
is 'a filter removes the mark begin: etl-load exits with 76' 76 $rc

load_through "jq -c 'select(.[\"@etl\"] != \"end\")'"
is 'a filter removes the mark end: etl-load exits with 75' 75 $rc
is 'a filter removes the mark end: the ledger says it has not ended' 0 "$ended"
like 'a filter removes the mark end: the message says the input was cut off' \
    'cut off' "$(cat err)"

load_through "sed 's/\"v\":1,\"id\"/\"v\":2,\"id\"/'"
is 'a stream of a newer version: etl-load exits with 76' 76 $rc

printf '%s\n' 's/^{"@etl":"end"/{ "\\u0040etl" :"end"/' >spell.sed
load_through 'sed -f spell.sed | etl-transform .'
is 'a mark end with blanks and escape sequences: exit code 0' 0 $rc
is 'a mark end with blanks and escape sequences: the stream has ended' \
    1 "$ended"

load_through 'etl-transform "{"'
is 'a jq filter that does not compile: etl-load exits with 78 too' 78 $rc
is 'a jq filter that does not compile: the stream has not ended' 0 "$ended"
like 'a jq filter that does not compile: etl-load prints the cause too' \
    '^etl-load: transform: ' "$(cat err)"

load_through 'etl-transform . --max-rejects 0' rows.ndjson
is 'no rejects with --max-rejects 0: exit code 0' 0 $rc
load_through 'etl-transform "if .id == 9 then error(\"nine\") else . end" \
    --max-rejects 0' rows.ndjson
is 'etl-transform stops at --max-rejects: etl-load exits with 1' 1 $rc
like 'etl-transform stops at --max-rejects: etl-load prints the cause' \
    'etl-load: transform: 1 of .*:   1 filter: nine \(line [0-9]+: ' \
    "$(tr '\n' ' ' <err)"
is 'etl-transform stops at --max-rejects: no dead letter is stored' 0 \
    "$(sql 'SELECT count(*) FROM dead_letters' 2>&1)"

load_through "etl-transform '{\"@etl\":\"end\",\"stages\":[]}'" rows.ndjson
is 'a jq filter that writes marks: the limit of rejects stops it' 1 $rc
like 'a jq filter that writes marks: its rejects have the code reserved' \
    'reserved' "$(cat err)"

etl-extract --stream s rows.ndjson >one
sed 's/"id":/&10/' rows.ndjson >more.ndjson
etl-extract --stream s more.ndjson >two
load() {
	DATABASE_URL=$db etl-load --ddl t.sql --table t --key id
}
db_new sqlite
rc=0
cat one two | load 2>err || rc=$?
is 'two saved streams in one input: exit code 0' 0 $rc
is 'two saved streams in one input: the records of both are stored' \
    40 "$(sql 'SELECT count(*) FROM t')"
db_new sqlite
rc=0
sed '$d' two | cat one - | load 2>err || rc=$?
is 'the second of two streams is cut: etl-load exits with 75' 75 $rc
is 'the second of two streams is cut: the first one has ended' 1 \
    "$(sql 'SELECT count(*) FROM etl_loads WHERE ended')"
db_new sqlite
rc=0
{ cat one; echo '{"id":99}'; } | load 2>err || rc=$?
is 'a record after the mark end: etl-load exits with 76' 76 $rc

# A reject line may be longer than --max-record, because --max-record limits
# only records.
{ printf '{"id":1,"title":"'; head -c 90000 /dev/zero | tr '\0' '"'; } >long.ndjson
load_through 'etl-transform . --max-record 100KiB' long.ndjson
is 'a reject line longer than --max-record: etl-load exits with 0' 0 $rc
is 'a reject line longer than --max-record: all bytes are stored' 90017 \
    "$(sql 'SELECT length(raw) FROM dead_letters')"

# A stage that gets SIGTERM writes only whole lines. Its last line is the mark
# failed, which tells the later stages the cause.
mkfifo in
etl-transform . <in >out 2>err &
pid=$!
{
	head -n 5 one
	printf '{"id":'
	wait_until 10 grep -q '"id":4' out
	kill -TERM $pid
	wait_until 10 grep -q failed out
} >in
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'SIGTERM: etl-transform exits with 143' 143 $rc
like 'SIGTERM: the last line is the mark failed with the signal as cause' \
    '"failed".*"code":75,.*TERM' "$(tail -n 1 out)"
is 'SIGTERM: each line of the output is complete' \
    "$(wc -l <out)" "$(jq -c . out | wc -l)"
cd "$top"
done_testing
