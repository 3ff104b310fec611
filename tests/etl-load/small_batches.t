#!/bin/sh
# Small batches on PostgreSQL: the staging table (a temporary table) stays from
# batch to batch, and each batch merges its own rows alone.
. tests/support/lib.sh

db_new postgresql
sql 'CREATE TABLE t (k int PRIMARY KEY, v int CHECK (v >= 0), seen int)'
# load FILTER OPTION...: loads 20,000 records, made by FILTER, and prints counts.
load() {
	filter=$1
	shift
	seq 20000 | jq -c "$filter" | etl-load -v --db "$db" --table t --key k \
	    --flush 100s --max-rejects 100% --rejects /dev/null "$@" 2>&1 |
	    grep -o '[0-9]* inserted.*'
}
is 'each of 200 batches inserts its rows once' \
    '20000 inserted, 0 updated, 0 unchanged, 0 superseded, 0 rejected' \
    "$(load '{k: (. * 7919 % 20011), v: .}' --batch 100)"
is 'a second load finds all rows unchanged' \
    '0 inserted, 0 updated, 20000 unchanged, 0 superseded, 0 rejected' \
    "$(load '{k: (. * 7919 % 20011), v: .}' --batch 1500)"
is 'refused records and equal keys leave nothing for the next batch' \
    '0 inserted, 17800 updated, 0 unchanged, 2000 superseded, 200 rejected' \
    "$(load '{k: ((. - (if . % 10 == 0 then 1 else 0 end)) * 7919 % 20011),
	v: (if . % 100 == 7 then -1 else . + 1 end)}' --batch 500)"
is 'the last record of a key is stored' 0 \
    "$(sql 'SELECT count(*) FROM generate_series(10, 20000, 10) AS i
	JOIN t ON k = (i - 1) * 7919 % 20011 WHERE v <> i + 1')"

# Several tables: each has a staging table of its own.
sql "CREATE TABLE a (k int PRIMARY KEY, v int);
    CREATE TABLE b (name text PRIMARY KEY, v text);
    CREATE SEQUENCE made;
    CREATE FUNCTION note_table() RETURNS event_trigger LANGUAGE plpgsql AS
    \$\$ BEGIN PERFORM nextval('made'); END \$\$;
    CREATE EVENT TRIGGER note_table ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE AS') EXECUTE FUNCTION note_table()"
is 'a load of 40 batches into two tables: exit code 0' 0 "$(seq 2000 | jq -c '
    if . % 2 == 0 then {t: "a", k: ., v: .}
    else {t: "b", name: "n\(. % 500)", v: "v\(.)"} end' |
    status etl-load --db "$db" --table-from /t --tables a=a:k,b=b:name \
	--batch 50 --flush 100s 2>/dev/null)"
is 'each table has the last value of each key' '1000 1001000 250 v1999' \
    "$(sql 'SELECT count(*), sum(v) FROM a' | tr '|' ' ') $(sql 'SELECT
    count(*), max(v) FROM b' | tr '|' ' ')"
is 'the staging table of each table is made once, not for each batch' 2 \
    "$(sql 'SELECT last_value FROM made')"
done_testing
