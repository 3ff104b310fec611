# shellcheck shell=sh
# Functions that print the lines of marked streams, for the tests of this
# folder. A test includes lib.sh first.
# shellcheck disable=SC2154 # what lib.sh sets

# begin ID [MEMBERS]: the mark begin.
begin() {
	printf '{"@etl":"begin","v":1,"id":"%s","stream":"s","checkpoint":"c"%s,"stages":["extract"]}\n' \
	    "$1" "${2:-}"
}
# boundary KIND MEMBERS OUT [REJECTED]: a mark with the counts of extract.
boundary() {
	printf '{"@etl":"%s"%s,"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":%d}]}\n' \
	    "$1" "$2" "$3" "${4:-0}"
}
# checkpoint SEQ FROM VERSION VALUE OUT [REJECTED]: FROM is a JSON value.
checkpoint() {
	boundary checkpoint ",\"name\":\"c\",\"seq\":$1,\"from\":$2,\"version\":$3,\"value\":\"$4\"" \
	    "$5" "${6:-0}"
}
# record N...: a record with the id N for each N.
record() {
	for n; do
		printf '{"id":%d,"title":"t%d"}\n' "$n" "$n"
	done
}
# reject N...: a reject of the stage extract for each N.
reject() {
	for n; do
		printf '{"@etl":"reject","v":1,"id":"i%d","occurrence":"o/extract.0000/%d","stage":"extract","code":"parse","message":"m","raw":"{%d"}\n' \
		    "$n" "$n" "$n"
	done
}
# stream_first [ID]: the stream of an earlier run, with row 1, letter 1 and the
# checkpoint value 1. Afterwards the checkpoint has version 1.
stream_first() {
	begin "${1:-first}"
	record 1
	reject 1
	checkpoint 1 null 0 1 1 1
	boundary end ',"seq":1' 1 1
}
# stream_next [ID]: the stream that is tested, with rows 2 to 6, letters 2 and 3
# and the checkpoint values 3 and 5.
stream_next() {
	begin "${1:-next}"
	record 2
	reject 2
	record 3
	checkpoint 1 '"1"' 1 3 2 1
	record 4
	reject 3
	record 5
	checkpoint 2 '"1"' 1 5 4 2
	record 6
	boundary end ',"seq":2' 5 2
}
# stored: prints rows|letters|occurrences|value|version.
stored() {
	sql "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM dead_letters),
	    (SELECT COALESCE(sum(attempts), 0) FROM dead_letters), value, version
	    FROM etl_checkpoints WHERE name = 'c'" 2>&1
}
# What stored prints before stream_next, after its first segment, and after all
# of it.
before='1|1|1|1|1'
# shellcheck disable=SC2034
middle='3|2|2|3|2' whole='6|3|3|5|2'
# new_database KIND: creates a database and loads stream_first into it.
new_database() {
	db_new "$1"
	sql 'CREATE TABLE t(id integer PRIMARY KEY, title text)'
	stream_first "first$dbs" |
	    etl-load --db "$db" --table t --key id 2>"$scratch/first.err"
	[ "$(stored)" = "$before" ] || diag 'before:' "$(stored)"
}
