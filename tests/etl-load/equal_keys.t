#!/bin/sh
# Equal keys in one batch on PostgreSQL: the result is that of loading the
# records one by one, and usual batches need few statements.
. tests/support/lib.sh

db_new postgresql
# load TABLE: loads the lines of standard input and prints counts and rows.
load() {
	etl-load -v --db "$db" --table "$1" --key k --max-rejects 100% \
	    --rejects /dev/null 2>&1 | grep -o ' in, .* superseded, .*' || :
	sql "SELECT * FROM $1 ORDER BY k"
}

sql 'CREATE TABLE t (k int PRIMARY KEY, v int, w text NOT NULL);
    CREATE TABLE c (k int PRIMARY KEY, v int CHECK (v >= 0), w text)'
seq 10000 | jq -c '{k: 1, v: ., w: "x"}' >"$scratch/in"
load t <"$scratch/in" >/dev/null
load t <"$scratch/in" >"$scratch/out"
is 'the last of 10,000 records with one key is stored' '1|10000|x' \
    "$(tail -n 1 "$scratch/out")"
ok 'its row is not written once for each record' test 10 -gt \
    "$(sql "SELECT pg_stat_get_tuples_updated('t'::regclass)")"
is 'a NULL that its column refuses is a reject, also before a good record' \
    ' in, 1 inserted, 0 updated, 0 unchanged, 2 superseded, 1 rejected
1|10000|x
2|5|b' "$(printf '%s\n' '{"k":2,"v":2,"w":"a"}' '{"k":2,"v":3,"w":"a"}' \
    '{"k":2,"v":4,"w":null}' '{"k":2,"v":5,"w":"b"}' | load t)"
is 'a CHECK judges each record of a key' \
    ' in, 1 inserted, 0 updated, 0 unchanged, 2 superseded, 1 rejected
1|3|c' "$(printf '%s\n' '{"k":1,"v":1,"w":"a"}' '{"k":1,"v":2,"w":"a"}' \
    '{"k":1,"v":-1,"w":"b"}' '{"k":1,"v":3,"w":"c"}' | load c)"
is 'the row has the members of all records with its key' \
    ' in, 1 inserted, 1 updated, 0 unchanged, 3 superseded, 0 rejected
1|9|d
2|8|e' "$(printf '%s\n' '{"k":1,"w":"a"}' '{"k":2,"v":7}' '{"k":2,"w":"e"}' \
    '{"k":1,"v":9,"w":"d"}' '{"k":2,"v":8}' | load c)"

# load_in_batches FILTER: loads 6,000 records into b with --batch 2000 and prints
# the counts. The column x has the transaction that inserted the row.
sql 'CREATE TABLE b (k int PRIMARY KEY, v int CHECK (v >= 0),
    x text DEFAULT pg_current_xact_id()::text)'
load_in_batches() {
	seq 6000 | jq -c "$1" | etl-load -v --db "$db" --table b --key k \
	    --batch 2000 --flush 100s 2>&1 | grep -o '[0-9]* inserted.*'
}
is 'after a batch with 2,000 equal keys that a CHECK may refuse, the batches have 500 records' \
    '1 inserted, 8 updated, 0 unchanged, 5991 superseded, 0 rejected' \
    "$(load_in_batches '{k: 0, v: .}')"
is 'without such keys they soon have 2,000 records again' '500 1000 2000' \
    "$(load_in_batches 'if . <= 2500 then {k: 0, v: .} else {k: ., v: .} end' \
	>/dev/null; sql 'SELECT count(*) FROM b WHERE k > 0 GROUP BY x
	    ORDER BY min(k)' | paste -sd ' ')"
sql 'CREATE TABLE u (k uuid PRIMARY KEY, v int)'
seq 1000 | jq -c '{k: "00000000-0000-0000-0000-000000000001", v: .}' |
    load u >/dev/null
ok 'equal keys of the type uuid are merged by one statement' test 2 -gt \
    "$(sql "SELECT pg_stat_get_tuples_updated('u'::regclass)")"
done_testing
