#!/bin/sh
# PostgreSQL: another session changes the type of a column between two batches. The
# values of the later batches are stored like those of the earlier ones.
. tests/support/lib.sh

db_new postgresql
fifo=$scratch/fifo
mkfifo "$fifo"
has_two_rows() {
	[ "$(sql 'SELECT count(*) FROM a')" = 2 ]
}
# alter FROM TO VALUE OPTION...: loads two records, alters the column, and loads two
# more. Prints the exit code and the values.
alter() {
	from=$1 to=$2 value=$3
	shift 3
	sql "CREATE TABLE a (k int PRIMARY KEY, v $from)"
	timeout 60 etl-load --db "$db" --table a --batch 2 "$@" <"$fifo" 2>/dev/null &
	pid=$!
	exec 9>"$fifo"
	printf '{"k":%d,"v":%s}\n' 1 "$value" 2 "$value" >&9
	wait_until 20 has_two_rows
	sql "ALTER TABLE a ALTER v TYPE $to USING v::text::$to"
	printf '{"k":%d,"v":%s}\n' 3 "$value" 4 "$value" >&9
	exec 9>&-
	rc=0
	wait $pid || rc=$?
	echo "$rc $(sql 'SELECT count(*), count(DISTINCT v::text) FROM a' | tr '|' ' ')"
	sql 'DROP TABLE a'
}
for mode in append 'upsert --key k'; do
	while read -r from to value; do
		# shellcheck disable=SC2086
		is "$mode, $from becomes $to: the values stay" '0 4 1' \
		    "$(alter "$from" "$to" "$value" --mode $mode)"
	done <<'END'
bigint text 1
bigint text 4702111234474983745
bigint float8 1
bigint numeric 1
int bigint 5
float8 text 2.5
boolean text true
timestamptz text "2026-01-30 10:15:30+00"
text json 1
jsonb text 1
END
done
is 'append, text becomes jsonb: the values stay' '0 4 1' \
    "$(alter text jsonb 1 --mode append)"
done_testing
