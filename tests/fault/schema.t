#!/bin/sh
# The table changes between runs and during one: what does not fit is told
# before any row (78), or is a reject of the record; never a cached plan's
# complaint, and never a row in part.
. tests/support/lib.sh

begin() {
	rm -f "$scratch/fifo"
	mkfifo "$scratch/fifo"
	etl-load --db "$db" --table t --key id --batch 2 --flush 1h \
	    --backoff 1ms..20ms --max-rejects 100% --rejects "$scratch/rejects" \
	    <"$scratch/fifo" 2>"$scratch/err" &
	pid=$!
	exec 8>"$scratch/fifo"
}
ends() {
	exec 8>&-
	rc=0
	wait $pid || rc=$?
}
put() {
	seq "$1" "$2" | sed 's/.*/{"id":&,"v":"some text","n":1}/' >&8
}
has() {
	[ "$(sql 'SELECT count(*) FROM t')" = "$1" ]
}
codes() {
	[ ! -e "$scratch/rejects" ] || jq -r .code "$scratch/rejects" | sort |
	    uniq -c | tr -s ' \n' ' '
}
table() {
	db_new $kind
	rm -f "$scratch/rejects"
	sql 'CREATE TABLE t (id integer PRIMARY KEY, v text, n integer)'
}
# during WHAT STATEMENT: four records, the change, four more.
during() {
	table
	begin
	put 1 4
	ok "$kind, $1: the first are there" wait_until 10 has 4
	for statement in "$2" ${3:+"$3"}; do
		sql "$statement" >"$scratch/sql"
	done
	put 5 8
	ends
	unlike "$kind, $1: no complaint of a plan" 'cached plan|SQLITE_SCHEMA' \
	    "$(cat "$scratch/err")"
	told="$rc|$(sql 'SELECT count(*) FROM t')|$(codes)"
}

for kind in sqlite postgresql; do
	# Between runs: before any row.
	table
	sql 'ALTER TABLE t RENAME COLUMN id TO other'
	is "$kind: the key is gone" 78 "$(echo '{"id":1}' | status etl-load \
	    --db "$db" --table t --key id)"
	is "$kind: the key is gone: no row" 0 "$(sql 'SELECT count(*) FROM t')"
	sql 'DROP TABLE t'
	is "$kind: the table is gone" 78 "$(echo '{"id":1}' | status etl-load \
	    --db "$db" --table t --key id)"
	table
	sql 'ALTER TABLE t DROP COLUMN n'
	is "$kind: a column is gone" 0 "$(printf '%s\n' '{"id":1,"n":1}' \
	    '{"id":2,"v":"x"}' | status etl-load --db "$db" --table t \
	    --key id --rejects "$scratch/rejects")"
	is "$kind: a column is gone: a reject, and the other" '1 schema 2' \
	    "$(codes | sed 's/^ //')$(sql 'SELECT id FROM t')"

	# During one.
	during 'a column more' 'ALTER TABLE t ADD COLUMN m integer DEFAULT 7'
	is "$kind, a column more" '0|8|' "$told"
	is "$kind, a column more: has its default" 8 \
	    "$(sql 'SELECT count(*) FROM t WHERE m = 7')"

	during 'a column gone' 'ALTER TABLE t DROP COLUMN n'
	like "$kind, a column gone: rejects, or a plain end" \
	    '^78\|4\|$|^0\|4\| 4 (schema|constraint) $' "$told"

	during 'the table gone' 'ALTER TABLE t RENAME TO u' \
	    'CREATE TABLE t (id integer PRIMARY KEY, v text, n integer)'
	like "$kind, another table of that name" '^(0|75|78)\|(4|0)\|$' "$told"

	case $kind in
	postgresql)
		during 'NOT NULL and narrower' 'ALTER TABLE t
		    ALTER COLUMN v TYPE varchar(9),
		    ADD COLUMN must integer NOT NULL DEFAULT 1'
		is "$kind, narrower but wide enough" '0|8|' "$told"
		during 'a type that does not fit' 'ALTER TABLE t
		    ALTER COLUMN v TYPE integer USING 1'
		like "$kind, a type that does not fit: rejects" \
		    '^0\|4\| 4 (type|constraint|range) $|^(78|75)\|4\|$' "$told"
		during 'new NOT NULL' 'ALTER TABLE t ADD COLUMN must integer
		    NOT NULL DEFAULT 1' 'ALTER TABLE t ALTER COLUMN must
		    DROP DEFAULT'
		is "$kind, a new NOT NULL: rejects" '0|4| 4 constraint ' "$told"
		;;
	sqlite)
		during 'a new CHECK' 'ALTER TABLE t ADD COLUMN c integer
		    CHECK (id < 5)'
		is "$kind, a new CHECK: rejects" '0|4| 4 constraint ' "$told"
		;;
	esac
done
done_testing
