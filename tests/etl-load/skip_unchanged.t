#!/bin/sh
# PostgreSQL: after a chunk of which most rows were unchanged, the statement of
# the next chunk leaves out the rows that are equal to their row in the table.
# Counts, rejects and rows are the same as without this.
. tests/support/lib.sh

db_new postgresql
# xmax shows which rows an upsert has locked: those that it did not leave out.
table='k int PRIMARY KEY, n text NOT NULL, v numeric, w text'
sql "CREATE TABLE t ($table)"
# load FILTER OPTION...: makes records of the numbers on stdin by FILTER, loads
# them into t, and prints the counts.
load() {
	filter=$1
	shift
	jq -c "$filter" | etl-load -v --db "$db" --table t --key k --flush 100s \
	    --max-rejects 100% --rejects "$scratch/rejects" "$@" 2>&1 |
	    grep -o '[0-9]* inserted.*'
}
row='{k: ., n: "name \(.)", v: (. / 4), w: null}'
is 'the rows are inserted' \
    '8000 inserted, 0 updated, 0 unchanged, 0 superseded, 0 rejected' \
    "$(seq 8000 | load "$row")"

for batch in 200 2000; do
	sql "UPDATE t SET w = w WHERE xmax <> 0"
	is "batches of $batch, nothing changed" \
	    '0 inserted, 0 updated, 8000 unchanged, 0 superseded, 0 rejected' \
	    "$(seq 8000 | load "$row" --batch $batch)"
	is "batches of $batch: only the first locks its rows" $batch \
	    "$(sql "SELECT count(*) FROM t WHERE xmax <> 0")"
done

# The first 2,000 records are unchanged. Of the others each tenth has another
# value, each tenth has NULL, and each tenth is new.
some='if . <= 2000 then '"$row"' else
    {k: (if . % 10 == 3 then . + 10000 else . end), n: "name \(.)",
    v: (if . % 10 == 1 then 0.25 elif . % 10 == 2 then null else . / 4 end),
    w: null} end'
is 'changed and new rows among unchanged ones' \
    '600 inserted, 1200 updated, 6200 unchanged, 0 superseded, 0 rejected' \
    "$(seq 8000 | load "$some" --batch 200)"
is 'changed and new rows have their values' '600 600 600' \
    "$(sql "SELECT count(*) FILTER (WHERE v = 0.25 AND k > 1),
    count(*) FILTER (WHERE v IS NULL),
    count(*) FILTER (WHERE k > 8000) FROM t" | tr '|' ' ')"
is 'a second load finds the rows unchanged' \
    '0 inserted, 0 updated, 8000 unchanged, 0 superseded, 0 rejected' \
    "$(seq 8000 | load "$some" --batch 200)"
is 'a number with other digits after the point is another value' \
    '0 inserted, 200 updated, 400 unchanged, 0 superseded, 0 rejected' \
    "$(seq 4 4 2400 | load "if . > 1600 then
    {k: ., n: \"name \(.)\", v: \"\(. / 4).0\", w: null} else $row end" \
	--batch 200)"

# Equal keys in a chunk whose other rows are unchanged: the last one counts,
# also if it equals the row that the table had before the chunk.
is 'equal keys: a changed record, and one that is equal to the row' \
    '0 inserted, 0 updated, 400 unchanged, 1 superseded, 0 rejected' \
    "$({ seq 300; echo 300.5; seq 301 400; } | load 'if . == 300 then
    {k: ., n: "x", v: 0, w: null} else floor | '"$row"' end' --batch 200)"
is 'equal keys: the row has the values of the last record' 'name 300|75' \
    "$(sql "SELECT n, v::int FROM t WHERE k = 300")"

# A record whose key has a row is judged as an update of this row.  One that leaves
# the row as it is cannot be refused, one that changes the row can.
is 'records without a member for NOT NULL leave their rows as they are' \
    '0 inserted, 0 updated, 600 unchanged, 0 superseded, 0 rejected' \
    "$(seq 600 | load 'if . > 400 then {k: ., v: (. / 4), w: null} else
    '"$row"' end' --batch 200)"
is 'records without a member for NOT NULL and without a row are rejected' \
    '0 inserted, 0 updated, 400 unchanged, 0 superseded, 200 rejected' \
    "$(seq 600 | load 'if . > 400 then {k: (. + 9000), v: (. / 4), w: null}
    else '"$row"' end' --batch 200)"
is 'NULL for NOT NULL is rejected' \
    '0 inserted, 0 updated, 400 unchanged, 0 superseded, 200 rejected' \
    "$(seq 600 | load 'if . > 400 then {k: ., n: null, v: (. / 4), w: null}
    else '"$row"' end' --batch 200)"
is 'NULL for NOT NULL changes nothing if --compare does not name it' \
    '0 inserted, 0 updated, 600 unchanged, 0 superseded, 0 rejected' \
    "$(seq 600 | load 'if . > 400 then {k: ., n: null, v: (. / 4), w: null}
    else '"$row"' end' --batch 200 --compare v)"
sql "CREATE DOMAIN filled AS text CHECK (VALUE IS NOT NULL);
    ALTER TABLE t ADD d filled DEFAULT 'd'; ALTER TABLE t ALTER d DROP DEFAULT"
is 'a domain refuses NULL' \
    '0 inserted, 0 updated, 0 unchanged, 0 superseded, 400 rejected' \
    "$(seq 400 | load "$row + {d: null}" --batch 200)"
is 'a record without a member for the domain leaves its row as it is' \
    '0 inserted, 0 updated, 400 unchanged, 0 superseded, 0 rejected' \
    "$(seq 400 | load "$row" --batch 200)"
done_testing
