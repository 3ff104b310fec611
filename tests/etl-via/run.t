#!/bin/sh
# etl-via in an incremental pipeline: the run row has its counts, the loader
# stores the checkpoint at the end of the stream, and nothing is stored if the
# command fails or the run is stopped.
# shellcheck disable=SC2016 # the pipelines' own $
. tests/support/lib.sh

API_TOKEN=secret
export API_TOKEN
api_start --items 300
extract='etl-extract --checkpoint items --cursor-field /ts --since-param since \
    --start 2000-01-01T00:00:00Z --paginate since --size limit=50 \
    --records /items --auth bearer "$API_BASE_URL/items"'
load='etl-transform --std -f "$TOP/examples/items-api/items.jq" |
    etl-load --ddl "$TOP/examples/items-api/items.sql" --table items --key id'
run() {
	rc=0
	API_BASE_URL=$api/auth TOP=$top timeout -k 5 60 etl-run --db "$db" \
	    --name items -c "$extract | etl-via $1 | $load" \
	    >"$scratch/out" 2>"$scratch/err" || rc=$?
}
stored() {
	sql "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM
	    dead_letters), value, version FROM etl_checkpoints" 2>&1
}
counts() {
	sql 'SELECT stages FROM pipeline_runs ORDER BY id DESC LIMIT 1' |
	    jq -c '.[] | select(.stage == "via") | [.in, .out, .dropped]'
}

for kind in sqlite postgresql; do
	db_new $kind
	run cat
	is "$kind: a run through etl-via cat exits with 0" 0 $rc
	rows=$(sql 'SELECT count(*) FROM items')
	value=$(sql 'SELECT value FROM etl_checkpoints')
	sql 'DELETE FROM items' >/dev/null
	etl-checkpoint clear --db "$db" items
	before=$(stored)

	run "sh -c 'cat; exit 3'"
	is "$kind: a command that exits with 3 makes the run exit with 69" \
	    69 $rc
	is "$kind: a command that fails: rows, letters and checkpoint stay" \
	    "$before" "$(stored)"
	is "$kind: a command that fails: the status of the run is failed" \
	    failed "$(sql 'SELECT status
	    FROM pipeline_runs ORDER BY id DESC LIMIT 1')"
	run "sh -c 'cat; kill -9 \$\$'"
	is "$kind: a command that is killed: exit code 69, nothing is stored" \
	    "69 $before" \
	    "$rc $(stored)"
	# The run is stopped while the command holds all records.
	API_BASE_URL=$api/auth TOP=$top etl-run --db "$db" --name items -c \
	    "$extract | etl-via sh -c 'cat >/dev/null; echo \$\$ >$scratch/pid; exec sleep 60' | $load" \
	    >"$scratch/out" 2>"$scratch/err" &
	pid=$!
	ok "$kind: the command has read all of its input" \
	    wait_until 30 test -s "$scratch/pid"
	kill -TERM $pid
	rc=0
	wait $pid 2>/dev/null || rc=$?
	is "$kind: a run stopped by TERM exits with 143" 143 $rc
	is "$kind: a run stopped by TERM stores nothing" "$before" "$(stored)"
	ok "$kind: a run stopped by TERM leaves no process of the command" \
	    wait_until 20 sh -c \
	    "! kill -0 $(cat "$scratch/pid")"
	rm "$scratch/pid"

	run "sort"
	is "$kind: a run through etl-via sort exits with 0" 0 $rc
	is "$kind: sort: all rows are loaded and the checkpoint is the same" \
	    "$rows $value" \
	    "$(sql 'SELECT count(*) FROM items') $(sql 'SELECT value
	    FROM etl_checkpoints')"
	is "$kind: sort: the run counts as many records out as in" "true" \
	    "$(counts | jq '.[0] == .[1] and .[2] == 0 and .[0] > 0')"
	run "--ok 0,1 grep nothing"
	is "$kind: a command that drops all records: the run exits with 0" 0 $rc
	like "$kind: a command that drops all records: all count as dropped" \
	    '^\[([0-9]+),0,\1\]$' "$(counts)"
done
done_testing
