#!/bin/sh
# The target table changes between runs and during a run.  If the loader can no
# longer load, it exits with 78 before it stores a row; a record that no longer
# fits is rejected.  No error of a cached query plan appears.
. tests/support/lib.sh

start_loader() {
	rm -f "$scratch/fifo"
	mkfifo "$scratch/fifo"
	etl-load --db "$db" --table t --key id --batch 2 --flush 1h \
	    --backoff 1ms..20ms --max-rejects 100% --rejects "$scratch/rejects" \
	    <"$scratch/fifo" 2>"$scratch/err" &
	pid=$!
	exec 8>"$scratch/fifo"
}
close_input_and_wait() {
	exec 8>&-
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
}
send_records() {
	seq "$1" "$2" | sed 's/.*/{"id":&,"v":"some text","n":1}/' >&8
}
has_rows() {
	[ "$(sql 'SELECT count(*) FROM t')" = "$1" ]
}
reject_codes() {
	[ ! -e "$scratch/rejects" ] || jq -r .code "$scratch/rejects" | sort |
	    uniq -c | tr -s ' \n' ' '
}
create_table() {
	db_new $kind
	rm -f "$scratch/rejects"
	sql 'CREATE TABLE t (id integer PRIMARY KEY, v text, n integer)'
}
# during NAME STATEMENT...: sends four records, runs STATEMENTs, sends four more;
# $told is "exit status|rows|counts of reject codes".
during() {
	create_table
	start_loader
	send_records 1 4
	ok "$kind, $1: the four records before the change are rows" \
	    wait_until 10 has_rows 4
	for statement in "$2" ${3:+"$3"}; do
		sql "$statement" >"$scratch/sql"
	done
	send_records 5 8
	close_input_and_wait
	unlike "$kind, $1: no error of a cached plan is printed" \
	    'cached plan|SQLITE_SCHEMA' \
	    "$(cat "$scratch/err")"
	told="$rc|$(sql 'SELECT count(*) FROM t')|$(reject_codes)"
}

for kind in sqlite postgresql; do
	# The table changes between runs.
	create_table
	sql 'ALTER TABLE t RENAME COLUMN id TO other'
	is "$kind, no key column: etl-load exits with 78" \
	    78 "$(echo '{"id":1}' | status etl-load \
	    --db "$db" --table t --key id)"
	is "$kind, no key column: etl-load stores no row" \
	    0 "$(sql 'SELECT count(*) FROM t')"
	sql 'DROP TABLE t'
	is "$kind, no table: etl-load exits with 78" \
	    78 "$(echo '{"id":1}' | status etl-load \
	    --db "$db" --table t --key id)"
	create_table
	sql 'ALTER TABLE t DROP COLUMN n'
	is "$kind, no column n: etl-load succeeds" \
	    0 "$(printf '%s\n' '{"id":1,"n":1}' \
	    '{"id":2,"v":"x"}' | status etl-load --db "$db" --table t \
	    --key id --rejects "$scratch/rejects")"
	is "$kind, no column n: a record with n is rejected, the other is a row" \
	    '1 schema 2' \
	    "$(reject_codes | sed 's/^ //')$(sql 'SELECT id FROM t')"

	# The table changes during a run.
	during 'a column more' 'ALTER TABLE t ADD COLUMN m integer DEFAULT 7'
	is "$kind, a column more: all eight records are rows" '0|8|' "$told"
	is "$kind, a column more: each row has the default of the column" 8 \
	    "$(sql 'SELECT count(*) FROM t WHERE m = 7')"

	during 'a column gone' 'ALTER TABLE t DROP COLUMN n'
	like "$kind, a column gone: the last four records are rejects, or the exit is 78" \
	    '^78\|4\|$|^0\|4\| 4 (schema|constraint) $' "$told"

	during 'the table gone' 'ALTER TABLE t RENAME TO u' \
	    'CREATE TABLE t (id integer PRIMARY KEY, v text, n integer)'
	like "$kind, the table replaced: all of the last four records are rows, or none" \
	    '^(0|75|78)\|(4|0)\|$' "$told"

	case $kind in
	postgresql)
		during 'NOT NULL and narrower' 'ALTER TABLE t
		    ALTER COLUMN v TYPE varchar(9),
		    ADD COLUMN must integer NOT NULL DEFAULT 1'
		is "$kind, NOT NULL and narrower: records that still fit are rows" \
		    '0|8|' "$told"
		during 'a type that does not fit' 'ALTER TABLE t
		    ALTER COLUMN v TYPE integer USING 1'
		like "$kind, a type that does not fit: the last four are rejects, or an exit" \
		    '^0\|4\| 4 (type|constraint|range) $|^(78|75)\|4\|$' "$told"
		during 'new NOT NULL' 'ALTER TABLE t ADD COLUMN must integer
		    NOT NULL DEFAULT 1' 'ALTER TABLE t ALTER COLUMN must
		    DROP DEFAULT'
		is "$kind, new NOT NULL: the last four records are rejects" \
		    '0|4| 4 constraint ' "$told"
		;;
	sqlite)
		during 'a new CHECK' 'ALTER TABLE t ADD COLUMN c integer
		    CHECK (id < 5)'
		is "$kind, a new CHECK: the last four records are rejects" \
		    '0|4| 4 constraint ' "$told"
		;;
	esac
done
done_testing
