#!/bin/sh
# Promise 1: at each stage, records in = passed + dropped + rejected; the records
# out of a stage are the records in of the next one; and the counts of the loader
# add up.  This holds in complete and in failed runs.
. tests/support/lib.sh

# Prints one line for each count of a run's stages that does not add up.  A
# source has no input.  A stage may write several records for one, so its "out"
# is not compared with its "in".
cat >"$scratch/sums.jq" <<'EOF'
def num: . // 0;
(.[] | select(.stage != "load")
    | select(.in > 0 and (.dropped + .rejected > .in or
        (.dropped + .rejected == .in and .out > 0)))
    | "\(.stage): \(.in) in, \(.out) out, \(.dropped) dropped, \(.rejected) rejected"),
([.[] | select(.stage != "load")] as $s
    | range(1; $s | length)
    | select($s[. - 1].out != $s[.].in)
    | "\($s[. - 1].stage) \($s[. - 1].out) out, \($s[.].stage) \($s[.].in) in"),
(.[] | select(.stage == "load")
    | select(.in != .inserted + .updated + .unchanged + .superseded
        + (.skipped | num) + (.deleted | num) + .rejected)
    | "load: \(tojson)"),
([.[] | select(.stage != "load")][-1] as $last
    | .[] | select(.stage == "load" and $last != null and .in != $last.out)
    | "\($last.stage) \($last.out) out, load \(.in) in")
EOF

stages() {
	sql "SELECT stages FROM pipeline_runs ORDER BY id DESC LIMIT 1"
}

# run NAME SCRIPT: runs SCRIPT with etl-run and $db; exit status in $rc.
run() {
	printf '%s\n' "$2" >"$scratch/flow.sh"
	rc=0
	API_BASE_URL=$api timeout 60 etl-run --db "$db" --name "$1" \
	    "$scratch/flow.sh" >"$scratch/out" 2>"$scratch/err" || rc=$?
}

exits_and_adds_up() {
	is "$1: etl-run exits with $2" "$2" $rc
	is "$1: the counts of all stages add up" \
	    '' "$(stages | jq -r -f "$scratch/sums.jq")"
}

# counts STAGE MEMBERS: prints these members of the stage's counts.
counts() {
	stages | jq -r --arg s "$1" ".[] | select(.stage == \$s) | [$2] | join(\" \")"
}

# shellcheck disable=SC2016
extract='etl-extract --paginate page --into query:_page --size _limit=20 \
    "$API_BASE_URL/posts"'
table='CREATE TABLE t (k integer PRIMARY KEY, v text NOT NULL)'
load='etl-load --table t --key k --batch 30 --flush 1h'
# Of the 100 posts, number 13 has no title and the id of number 41 is not a
# number.  The filter drops every tenth post, writes two records for every other
# even one, and makes 7 different keys.
# shellcheck disable=SC2016
filter='if (.id | type) == "string" and .id == "abc" then error("no number")
    elif (.id | tonumber) % 10 == 0 then empty
    else (range(if (.id | tonumber) % 2 == 0 then 2 else 1 end) as $i
	| {k: ((.id | tonumber) % 7), v: .title}) end'

api_start --posts 100
for kind in sqlite postgresql; do
	db_new $kind
	sql "$table"
	run several "$extract | etl-transform '$filter' | $load"
	exits_and_adds_up "$kind, a filter with several outputs and equal keys" 0
	is "$kind: etl-transform counts in, out, dropped and rejected" \
	    '100 129 10 1' \
	    "$(counts transform '.in, .out, .dropped, .rejected')"
	is "$kind: etl-load takes every record and rejects one without title" \
	    '129 7 1' \
	    "$(counts load '.in, .inserted, .rejected')"
	isnt "$kind: etl-load counts equal keys in a batch as superseded" 0 \
	    "$(counts load .superseded)"
	is "$kind: the row of the run has the sums of the stages" \
	    '100|35|2|10' "$(sql 'SELECT records_extracted,
	    records_loaded, rejected, dropped FROM pipeline_runs')"

	run again "$extract | etl-transform '$filter' | $load"
	exits_and_adds_up "$kind, the same run again" 0

	db_new $kind
	sql "$table"
	run broken "$extract | etl-transform '$filter' |
	    { head -n 60; exit 1; } | $load"
	isnt "$kind, stream cut by a foreign filter: the run fails" 0 $rc
	is "$kind, stream cut by a foreign filter: the counts of all stages add up" \
	    '' \
	    "$(stages | jq -r -f "$scratch/sums.jq")"

	run many "$extract | etl-transform --max-rejects 0 '$filter' | $load"
	exits_and_adds_up "$kind, stopped by --max-rejects" 1

	run eaten "$extract | grep -v '\"id\":50' | etl-transform '$filter' |
	    $load"
	is "$kind, a foreign filter drops a record: the run exits with 76" \
	    76 $rc
	like "$kind, a foreign filter drops a record: the message names etl-via" \
	    'etl-via' \
	    "$(cat "$scratch/err")"
	is "$kind: the ledger has no ended stream of the failed runs" \
	    0 "$(sql "SELECT count(*) FROM etl_loads
	    WHERE ended AND run IN (SELECT run FROM pipeline_runs
	    WHERE pipeline IN ('broken', 'many', 'eaten'))")"
done
done_testing
