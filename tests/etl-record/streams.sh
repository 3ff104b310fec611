# shellcheck shell=sh
# Streams by hand, for the tests of this folder; lib.sh comes before.
# shellcheck disable=SC2154 # what lib.sh sets

# begin ID [MEMBERS]
begin() {
	printf '{"@etl":"begin","v":1,"id":"%s","stream":"s","checkpoint":"c"%s,"stages":["extract"]}\n' \
	    "$1" "${2:-}"
}
# boundary KIND MEMBERS OUT [REJECTED]
boundary() {
	printf '{"@etl":"%s"%s,"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":%d}]}\n' \
	    "$1" "$2" "$3" "${4:-0}"
}
# checkpoint SEQ FROM VERSION VALUE OUT [REJECTED]: FROM is a JSON value.
checkpoint() {
	boundary checkpoint ",\"name\":\"c\",\"seq\":$1,\"from\":$2,\"version\":$3,\"value\":\"$4\"" \
	    "$5" "${6:-0}"
}
# record N...
record() {
	for n; do
		printf '{"id":%d,"title":"t%d"}\n' "$n" "$n"
	done
}
# reject N...: of extract.
reject() {
	for n; do
		printf '{"@etl":"reject","v":1,"id":"i%d","occurrence":"o/extract.0000/%d","stage":"extract","code":"parse","message":"m","raw":"{%d"}\n' \
		    "$n" "$n" "$n"
	done
}
# The run before: row 1, letter 1, checkpoint 1, version 1.
stream_first() {
	begin "${1:-first}"
	record 1
	reject 1
	checkpoint 1 null 0 1 1 1
	boundary end ',"seq":1' 1 1
}
# The one under test: rows 2 to 6, letters 2 and 3, checkpoints 3 and 5.
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
# What is stored: rows, letters by attempts, value|version.
stored() {
	sql "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM dead_letters),
	    (SELECT COALESCE(sum(attempts), 0) FROM dead_letters), value, version
	    FROM etl_checkpoints WHERE name = 'c'" 2>&1
}
before='1|1|1|1|1'
# shellcheck disable=SC2034
middle='3|2|2|3|2' whole='6|3|3|5|2'
# table: a new database of KIND after the first stream.
table() {
	db_new "$1"
	sql 'CREATE TABLE t(id integer PRIMARY KEY, title text)'
	stream_first "first$dbs" |
	    etl-load --db "$db" --table t --key id 2>"$scratch/first.err"
	[ "$(stored)" = "$before" ] || diag 'before:' "$(stored)"
}
