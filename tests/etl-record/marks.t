#!/bin/sh
# Streams as etl-record(5) has them, through the programs: what a filter that
# knows nothing of marks does to them, what is saved and loaded again, and
# which exit status comes out at the end.
. tests/support/lib.sh

cd "$scratch"
seq 1 20 | sed 's/.*/{"id":&,"title":"t&"}/' >rows.ndjson
{ sed 10q rows.ndjson; echo '{"id":1,'; sed 1,10d rows.ndjson; } >bad.ndjson
echo 'CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, title TEXT);' >t.sql

# through COMMANDS: from etl-extract --stream into a new table; $rc, $n rows.
through() {
	db_new sqlite
	rc=0
	DATABASE_URL=$db timeout 30 sh -c "
	    etl-extract --stream s ${2:-bad.ndjson} | $1 |
	    etl-load --ddl t.sql --table t --key id" 2>err || rc=$?
	n=$(sql 'SELECT count(*) FROM t' 2>&1 || :)
	ended=$(sql 'SELECT count(*) FROM etl_loads WHERE ended' 2>&1 || :)
}

through cat
is 'whole: status' 0 $rc
is 'whole: rows' 20 "$n"
is 'whole: ended' 1 "$ended"
is 'whole: the dead letter' '{"id":1,' \
    "$(sql 'SELECT CAST(raw AS TEXT) FROM dead_letters')"

through 'etl-transform . | etl-transform "select(.id % 2 == 0)"'
is 'two filters of a name: status' 0 $rc
is 'two filters of a name: rows' 10 "$n"
like 'two filters of a name: counts' \
    '"stage":"transform.2","in":20,"out":10,"dropped":10,"rejected":0' \
    "$(sql 'SELECT counts FROM etl_loads')"

through "grep -v '\"id\":7,'"
is 'a lost record: status' 76 $rc
is 'a lost record: not ended' 0 "$ended"
like 'a lost record: says where' \
    '1 records were lost between extract, .* and load.* etl-via' "$(cat err)"

through "grep -v '\"reject\"'"
is 'a lost reject: status' 76 $rc
like 'a lost reject: says whose' \
    'stage extract wrote 1 reject lines .*, but 0 arrived' "$(cat err)"

through "sed 's/.*\"id\":7,.*/&\n&/'"
is 'a record twice: status' 76 $rc
like 'a record twice: says so' '1 records were added' "$(cat err)"

through "jq -c 'select(.[\"@etl\"] != \"begin\")'"
is 'begin taken away: status' 76 $rc

through "jq -c 'select(.[\"@etl\"] != \"end\")'"
is 'end taken away: status' 75 $rc
is 'end taken away: not ended' 0 "$ended"
like 'end taken away: says so' 'cut off' "$(cat err)"

through "sed 's/\"v\":1,\"id\"/\"v\":2,\"id\"/'"
is 'a newer version: status' 76 $rc

printf '%s\n' 's/^{"@etl":"end"/{ "\\u0040etl" :"end"/' >spell.sed
through 'sed -f spell.sed | etl-transform .'
is 'an end mark spelled otherwise: status' 0 $rc
is 'an end mark spelled otherwise: ended' 1 "$ended"

through 'etl-transform "{"'
is 'a filter that does not compile: its status at the end' 78 $rc
is 'a filter that does not compile: not ended' 0 "$ended"
like 'a filter that does not compile: told by the loader too' \
    '^etl-load: transform: ' "$(cat err)"

through 'etl-transform . --max-rejects 0' rows.ndjson
is 'no rejects, none allowed: status' 0 $rc
through 'etl-transform "if .id == 9 then error(\"nine\") else . end" \
    --max-rejects 0' rows.ndjson
is 'a limit upstream: status' 1 $rc
like 'a limit upstream: the cause' \
    '^etl-load: transform: 1 of .* 1 filter: nine \(line [0-9]+: ' "$(cat err)"
is 'a limit upstream: nothing past the last commit, no letter' 0 \
    "$(sql 'SELECT count(*) FROM dead_letters' 2>&1)"

through "etl-transform '{\"@etl\":\"end\",\"stages\":[]}'" rows.ndjson
is 'a filter that forges marks: they are rejects' 1 $rc
like 'a filter that forges marks: reserved' 'reserved' "$(cat err)"

etl-extract --stream s rows.ndjson >one
sed 's/"id":/&10/' rows.ndjson >more.ndjson
etl-extract --stream s more.ndjson >two
load() {
	DATABASE_URL=$db etl-load --ddl t.sql --table t --key id
}
db_new sqlite
rc=0
cat one two | load 2>err || rc=$?
is 'two saved streams: status' 0 $rc
is 'two saved streams: rows' 40 "$(sql 'SELECT count(*) FROM t')"
db_new sqlite
rc=0
sed '$d' two | cat one - | load 2>err || rc=$?
is 'the second one is cut: status' 75 $rc
is 'the second one is cut: the first one has ended' 1 \
    "$(sql 'SELECT count(*) FROM etl_loads WHERE ended')"
db_new sqlite
rc=0
{ cat one; echo '{"id":99}'; } | load 2>err || rc=$?
is 'a record after end: status' 76 $rc

# What is longer than --max-record as a reject is still a mark.
{ printf '{"id":1,"title":"'; head -c 90000 /dev/zero | tr '\0' '"'; } >long.ndjson
through 'etl-transform . --max-record 100KiB' long.ndjson
is 'a reject longer than a record: status' 0 $rc
is 'a reject longer than a record: its bytes' 90017 \
    "$(sql 'SELECT length(raw) FROM dead_letters')"

# A stop signal: whole lines, and the stages after it hear why.
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
wait $pid || rc=$?
is 'TERM: dies of it' 143 $rc
like 'TERM: the last line' '"failed".*"code":75,.*TERM' "$(tail -n 1 out)"
is 'TERM: only whole lines' "$(wc -l <out)" "$(jq -c . out | wc -l)"
cd "$top"
done_testing
