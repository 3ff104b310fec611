#!/bin/sh
# A full disk below an SQLite database, in the modes and options of etl-load that
# write several tables, delete rows or keep old values.  The load exits with 74, the
# rows are as before, and the same load stores everything once there is room.
# shellcheck disable=SC2016
. tests/support/lib.sh
. tests/fault/small_disk.sh

text='some text to fill the disk with, and some more of it'
# loads DB: runs etl-load with $options on $scratch/in. Prints the exit code.
loads() {
	# shellcheck disable=SC2086
	status etl-load --db "sqlite:$1" $options <"$scratch/in"
}
# rows DB: the rows of the tables of this test.
rows() {
	for table in $(sqlite3 "$1" "SELECT name FROM sqlite_master
	    WHERE type = 'table' AND length(name) = 1 ORDER BY 1"); do
		echo "$table:"
		sqlite3 "$1" "SELECT * FROM $table ORDER BY 1, 2"
	done
}
begins=0
# make_stream: makes a marked stream of $scratch/records.
make_stream() {
	begins=$((begins + 1))
	printf '{"@etl":"begin","v":1,"id":"s%d","stages":["extract"]}\n' \
	    $begins | cat - "$scratch/records" >"$scratch/in"
	printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":0}]}\n' \
	    "$(wc -l <"$scratch/records")" >>"$scratch/in"
}
# full LABEL: the load on the full disk, and then with room.  The tables are in
# $scratch/old.db.
full() {
	fresh
	cp "$scratch/old.db" "$disk/x.db"
	cp "$scratch/old.db" "$scratch/new.db"
	rows "$disk/x.db" >"$scratch/before"
	rc=$(loads "$disk/x.db")
	fails_with_74 "$1" etl-load 'full|No space'
	resize_disk 16m         # to read the database needs room, too
	rows "$disk/x.db" >"$scratch/after"
	ok "$1: the rows are as before" cmp "$scratch/before" "$scratch/after"
	is "$1: the database is sound" ok \
	    "$(sqlite3 "$disk/x.db" 'PRAGMA integrity_check')"
	is "$1: once there is room the load succeeds" 0 "$(loads "$disk/x.db")"
	is "$1: the load on another disk" 0 "$(loads "$scratch/new.db")"
	rows "$disk/x.db" >"$scratch/after"
	rows "$scratch/new.db" >"$scratch/wanted"
	ok "$1: the rows are those of a load on a disk with room" \
	    cmp "$scratch/wanted" "$scratch/after"
	isnt "$1: the load changes rows" "$(cat "$scratch/before")" \
	    "$(cat "$scratch/after")"
}
# tables SQL: makes $scratch/old.db.
tables() {
	rm -f "$scratch/old.db"
	sqlite3 "$scratch/old.db" "$1" >"$scratch/made"
}
records() {
	seq 3000 | jq -c --arg v "$text" "$1" >"$scratch/records"
	make_stream
}
few='WITH n(id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM n WHERE id < 50)'

t="CREATE TABLE t (id integer PRIMARY KEY, v text);
    INSERT INTO t $few SELECT id, 'old' FROM n"
tables "$t"
records 'if . < 20 then {operation: "DELETE", data: {id: .}}
    else {operation: "UPDATE", data: {id: ., v: $v}} end'
options='--table t --mode cdc'
full '--mode cdc'

records '{id: (. + 20), v: $v}'
options='--table t --mode mirror --key id --max-deletes 100%'
full '--mode mirror'
options='--table t --mode delete-insert --scope id'
full '--mode delete-insert'
options='--table t --mode replace'
full '--mode replace'
options='--table t --key id --single-transaction --keep-before'
full '--keep-before'

tables "CREATE TABLE h (id integer, v text, valid_from text, valid_to text,
    is_current int, PRIMARY KEY (id, valid_from));
    CREATE UNIQUE INDEX h_current ON h (id) WHERE is_current = 1;
    INSERT INTO h $few SELECT id, 'old', '2026-01-01T00:00:00.000000Z',
    NULL, 1 FROM n"
records '{id: (. + 20), v: $v, at: "2026-02-01T00:00:00Z"}'
options='--table h --mode scd2 --key id --as-of at'
full '--mode scd2'

tables "CREATE TABLE a (id integer PRIMARY KEY, v text);
    CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a, v text);
    INSERT INTO a VALUES (1, 'old'); INSERT INTO b VALUES (1, 1, 'old')"
records '{t: "a", id: ., v: $v}, {t: "b", id: ., a: ., v: $v}'
options='--table-from /t --tables a=a:id,b=b:id --single-transaction'
full '--tables'

tables "CREATE TABLE p (id text PRIMARY KEY COLLATE NOCASE, v text);
    CREATE TABLE c (p_id text COLLATE NOCASE, position int, n int, v text);
    INSERT INTO p VALUES ('K1', 'old'); INSERT INTO c VALUES ('K1', 0, 7, 'old')"
records '{id: "k\(.)", v: $v, list: [{n: ., v: $v}, {n: 1}]}'
options='--table p --key id --nested c=/list --single-transaction'
full '--nested'

# --undo needs room to give the old values back.
fresh
resize_disk 16m
cp "$scratch/old.db" "$disk/x.db"
sqlite3 "$disk/x.db" "$t; UPDATE t SET v = printf('%.*c', 900, 'o')"
rows "$disk/x.db" >"$scratch/before"
seq 50 | jq -c '{id: ., v: "new"}' >"$scratch/records"
make_stream
options='--table t --key id --keep-before'
is '--undo: the load before it' 0 "$(loads "$disk/x.db")"
rows "$disk/x.db" >"$scratch/loaded"
undo() {
	status etl-load --db "sqlite:$disk/x.db" --table t --undo "s$begins" \
	    </dev/null
}
dd if=/dev/zero of="$disk/more" bs=1k 2>"$scratch/dd" || :
rc=$(undo)
fails_with_74 '--undo' etl-load 'full|No space'
rm "$disk/more"
rows "$disk/x.db" >"$scratch/after"
ok '--undo: the rows are as before' cmp "$scratch/loaded" "$scratch/after"
is '--undo: once there is room the load is undone' 0 "$(undo)"
rows "$disk/x.db" >"$scratch/after"
ok '--undo: the rows are those before the load' \
    cmp "$scratch/before" "$scratch/after"
is '--undo: the database is sound' ok \
    "$(sqlite3 "$disk/x.db" 'PRAGMA integrity_check')"
done_testing
