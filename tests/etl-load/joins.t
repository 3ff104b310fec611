#!/bin/sh
# PostgreSQL: the joins of a load with many records take a time that grows with their
# number, also if the statistics of the table say that it is empty.
. tests/support/lib.sh
limit=40 # for each load; a nested loop of 60000 rows takes minutes

records() {
	seq 60000 | sed "s/.*/{\"id\":&,\"a\":$1}/"
}
# load OPTION...: loads the records of its input in one batch.
load() {
	status etl-load --db "$db" --table t --batch 60000 "$@"
}
# empty: deletes all rows and lets the statistics say that the table is empty.
empty() {
	sql 'INSERT INTO t (id, a) SELECT -g, g FROM generate_series(1, 2000) AS g;
	    DELETE FROM t; ANALYZE t'
}

db_new postgresql
sql 'CREATE TABLE t (id int, a int, valid_from timestamptz, valid_to timestamptz,
    is_current boolean) WITH (autovacuum_enabled = false);
    CREATE UNIQUE INDEX ON t (id) WHERE is_current'
empty
is '--mode scd2, 60000 new keys: exit code 0' 0 "$(records 1 | load --mode scd2 \
    --key id)"
is '--mode scd2, 60000 changed rows: exit code 0' 0 "$(records 2 | load --mode scd2 \
    --key id)"
is '--mode scd2, 60000 equal rows: exit code 0' 0 "$(records 2 | load --mode scd2 \
    --key id)"
is '--mode scd2: the rows of the history' '60000|1|f
60000|2|t' "$(sql 'SELECT count(*), a, is_current FROM t GROUP BY 2, 3 ORDER BY 2')"

sql 'DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a int, seen timestamptz)
    WITH (autovacuum_enabled = false)'
empty
is '--seen, 60000 new rows: exit code 0' 0 "$(records 1 | load --key id --seen seen)"
is '--seen, 60000 equal rows: exit code 0' 0 "$(records 1 | load --key id --seen seen)"
is '--newer-by, 60000 newer rows: exit code 0' 0 "$(records 0 | load --key id \
    --newer-by a)"
is '--mode cdc, 60000 updates: exit code 0' 0 "$(records 3 |
    sed 's/.*/{"operation":"UPDATE","data":&}/' | load --mode cdc)"
is '--mode cdc: the rows' 60000 "$(sql 'SELECT count(*) FROM t WHERE a = 3')"
is '--mode cdc, 60000 deletes: exit code 0' 0 "$(records 3 |
    sed 's/.*/{"operation":"DELETE","before":&}/' | load --mode cdc)"
is '--mode cdc: no row is left' 0 "$(sql 'SELECT count(*) FROM t')"
done_testing
