#!/bin/sh
# Promise 1: in = passed + dropped + rejected at each stage, what it put out is
# what the next one took, and the loader's sum, in whole and in failed runs.
. tests/support/lib.sh

# What of the stages of a run does not add up, one a line.  A source has no
# input; a stage that gives several records for one shows only its in.
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

# run NAME SCRIPT: etl-run in $db; status in $rc.
run() {
	printf '%s\n' "$2" >"$scratch/flow.sh"
	rc=0
	API_BASE_URL=$api timeout 60 etl-run --db "$db" --name "$1" \
	    "$scratch/flow.sh" >"$scratch/out" 2>"$scratch/err" || rc=$?
}

adds_up() {
	is "$1: status" "$2" $rc
	is "$1: everything adds up" '' "$(stages | jq -r -f "$scratch/sums.jq")"
}

# One stage's counts, in the order asked for.
counts() {
	stages | jq -r --arg s "$1" ".[] | select(.stage == \$s) | [$2] | join(\" \")"
}

# shellcheck disable=SC2016
extract='etl-extract --paginate page --into query:_page --size _limit=20 \
    "$API_BASE_URL/posts"'
table='CREATE TABLE t (k integer PRIMARY KEY, v text NOT NULL)'
load='etl-load --table t --key k --batch 30 --flush 1h'
# Of 100 posts 13 has no title and 41 no number; every tenth is dropped, of
# the others every even one gives two records, and keys repeat after 7.
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
	adds_up "$kind, several outputs and equal keys" 0
	is "$kind: transform" '100 129 10 1' \
	    "$(counts transform '.in, .out, .dropped, .rejected')"
	is "$kind: load takes all, and rejects what has no title" '129 7 1' \
	    "$(counts load '.in, .inserted, .rejected')"
	isnt "$kind: equal keys in a batch are superseded" 0 \
	    "$(counts load .superseded)"
	is "$kind: the run row" '100|35|2|10' "$(sql 'SELECT records_extracted,
	    records_loaded, rejected, dropped FROM pipeline_runs')"

	run again "$extract | etl-transform '$filter' | $load"
	adds_up "$kind, once more" 0

	db_new $kind
	sql "$table"
	run broken "$extract | etl-transform '$filter' |
	    { head -n 60; exit 1; } | $load"
	isnt "$kind, cut by a foreign filter: status" 0 $rc
	is "$kind, cut by a foreign filter: adds up" '' \
	    "$(stages | jq -r -f "$scratch/sums.jq")"

	run many "$extract | etl-transform --max-rejects 0 '$filter' | $load"
	adds_up "$kind, stopped by a limit" 1

	run eaten "$extract | grep -v '\"id\":50' | etl-transform '$filter' |
	    $load"
	is "$kind, a filter eats a record: status" 76 $rc
	like "$kind, a filter eats a record: who and how many" 'etl-via' \
	    "$(cat "$scratch/err")"
	is "$kind, no load has ended" 0 "$(sql "SELECT count(*) FROM etl_loads
	    WHERE ended AND run IN (SELECT run FROM pipeline_runs
	    WHERE pipeline IN ('broken', 'many', 'eaten'))")"
done
done_testing
