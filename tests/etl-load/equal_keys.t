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
    ' in, 1 inserted, 0 updated, 0 unchanged, 0 superseded, 1 rejected
1|10000|x
2|5|b' "$(printf '%s\n' '{"k":2,"v":4,"w":null}' '{"k":2,"v":5,"w":"b"}' |
	load t)"
is 'a CHECK judges each record of a key' \
    ' in, 1 inserted, 0 updated, 0 unchanged, 1 superseded, 1 rejected
1|3|c' "$(printf '%s\n' '{"k":1,"v":1,"w":"a"}' '{"k":1,"v":-1,"w":"b"}' \
    '{"k":1,"v":3,"w":"c"}' | load c)"
is 'the row has the members of all records with its key' \
    ' in, 1 inserted, 1 updated, 0 unchanged, 3 superseded, 0 rejected
1|9|d
2|8|e' "$(printf '%s\n' '{"k":1,"w":"a"}' '{"k":2,"v":7}' '{"k":2,"w":"e"}' \
    '{"k":1,"v":9,"w":"d"}' '{"k":2,"v":8}' | load c)"
done_testing
