#!/bin/sh
# SQLite: several records are inserted by one statement. The rows, the counts
# and the rejects are those of a load that inserts each record for itself.
. tests/support/lib.sh

# numbers FROM TO [MORE]: one record for each number.
numbers() {
	seq "$1" "$2" | sed "s/.*/{\"id\":&,\"a\":\"a&\"${3:-}}/"
}

# load NAME DDL COUNTS OPTION...: loads $scratch/in twice: in one batch, and
# with --batch 1, where no record can wait for others. COUNTS: in, inserted,
# updated, unchanged, superseded, skipped and rejected of the former.
load() {
	name=$1
	counts=$3
	printf '%s\n' "$2" >"$scratch/ddl"
	shift 3
	for way in together alone; do
		db=sqlite:$scratch/$way.db
		rm -f "$scratch/$way".*
		sqlite3 "$scratch/$way.db" <"$scratch/ddl"
		batch=10000
		[ $way = together ] || batch=1
		is "$name, $way: exit code 0" 0 "$(status etl-load -v \
		    --db "$db" --table t --batch $batch --max-rejects 100% \
		    --rejects "$scratch/$way.rejects" "$@" <"$scratch/in")"
		[ $way = alone ] || is "$name: the counts" "$counts" "$(sed -En \
		    's/.*: ([0-9]+) in, ([0-9]+) inserted, ([0-9]+) updated, ([0-9]+) unchanged, ([0-9]+) superseded,( ([0-9]+) skipped,)? ([0-9]+) rejected.*/\1 \2 \3 \4 \5 0\7 \8/p' \
		    "$scratch/err")"
		sqlite3 "$scratch/$way.db" 'SELECT rowid, * FROM t' \
		    >"$scratch/$way.rows"
		sed -E 's/"(id|at|run|occurrence)":"[^"]*",?//g' \
		    "$scratch/$way.rejects" >"$scratch/$way.said" 2>/dev/null ||
			: >"$scratch/$way.said"
	done
	same "$name: the rows" "$scratch/alone.rows" "$scratch/together.rows"
	same "$name: the rejects" "$scratch/alone.said" "$scratch/together.said"
}
same() {
	rc=0
	cmp -s "$2" "$3" || rc=$?
	check "$1" $rc
	[ $rc = 0 ] || diff "$2" "$3" | head -n 10 | sed 's/^/#   /' >&2
}

keyed='CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b TEXT);'
numbers 1 100 >"$scratch/in"
load 'new keys' "$keyed" '100 100 0 0 0 0 0' --key id
load 'no key' 'CREATE TABLE t (id INT, a TEXT);' '100 100 0 0 0 0 0'
load 'a time column' "$keyed" '100 100 0 0 0 0 0' --key id --compare a
load 'rows that exist' "$keyed
    INSERT INTO t VALUES (40, 'a40', NULL), (41, 'x', 'y');" \
    '100 98 1 1 0 0 0' --key id
load 'rows that exist are left alone' "$keyed
    INSERT INTO t VALUES (40, 'a40', NULL), (41, 'x', 'y');" \
    '100 98 0 0 0 02 0' --key id --mode ignore
load 'all rows exist' "$keyed
    INSERT INTO t SELECT value, 'a' || value, NULL
    FROM generate_series(1, 100);" '100 0 0 100 0 0 0' --key id
load 'ON CONFLICT REPLACE' "CREATE TABLE t (id INT PRIMARY KEY
    ON CONFLICT REPLACE, a TEXT, b TEXT); INSERT INTO t VALUES (9, 'x', 'y');" \
    '100 99 1 0 0 0 0' --key id
load 'ON CONFLICT IGNORE' "CREATE TABLE t (id INT PRIMARY KEY,
    a TEXT NOT NULL ON CONFLICT IGNORE CHECK (a <> 'a50'));" \
    '100 99 0 0 0 0 1' --key id
load 'ON CONFLICT ROLLBACK' "CREATE TABLE t (id INT PRIMARY KEY,
    a TEXT, CHECK (a <> 'a50') ON CONFLICT ROLLBACK);" \
    '100 99 0 0 0 0 1' --key id
load 'a trigger that leaves records out' "$keyed
    CREATE TRIGGER g BEFORE INSERT ON t WHEN NEW.id % 7 = 0
    BEGIN SELECT RAISE(IGNORE); END;" '100 86 0 14 0 0 0' --key id
load 'a trigger that counts' "$keyed CREATE TABLE n (n);
    CREATE TRIGGER g BEFORE INSERT ON t
    BEGIN UPDATE t SET b = NEW.id WHERE id = NEW.id - 1; END;" \
    '100 100 0 0 0 0 0' --key id
load 'another unique column' "CREATE TABLE t (id INT PRIMARY KEY, a TEXT,
    UNIQUE (a)); INSERT INTO t VALUES (-1, 'a70');" \
    '100 99 0 0 0 0 1' --key id
load 'all columns have defaults or triggers' "CREATE TABLE t (id INTEGER
    PRIMARY KEY AUTOINCREMENT, a TEXT UNIQUE, at TEXT DEFAULT 'x',
    twice AS (a || a) STORED);" '100 100 0 0 0 0 0' --key a --columns a \
    --extra ignore

# A record is refused in the middle of a group. Without a key, a record that the
# statement has kept and the loader stores again would be in the table twice.
{
	numbers 1 150
	numbers 100 110
	numbers 151 400 | sed 's/7,/7,"b":1,/'
	numbers 390 500
} >"$scratch/in"
load 'refused by a unique column' 'CREATE TABLE t (id INT, a TEXT UNIQUE,
    b INT);' '522 500 0 0 0 0 22'
load 'refused by two constraints' 'CREATE TABLE t (id INT UNIQUE, a TEXT,
    b INT NOT NULL DEFAULT 0 CHECK (b = 0 OR id % 3 = 0));' '522 484 0 0 0 0 38'
load 'refused by a number that is there' 'CREATE TABLE t (id INTEGER
    PRIMARY KEY, a TEXT, b INT);' '522 500 0 0 0 0 22'
load 'refused, with AUTOINCREMENT' 'CREATE TABLE t (n INTEGER PRIMARY KEY
    AUTOINCREMENT, id INT, a TEXT UNIQUE, b INT);' '522 500 0 0 0 0 22'
numbers 1 500 | sed 's/"a":"a/"a":"/; 0~80s/"}/["}/' >"$scratch/in"
load 'refused by a function' "CREATE TABLE t (id INT, a TEXT,
    b AS (json_extract(a, '\$')) STORED);" '500 494 0 0 0 0 6'
load 'refused by a function, keys' "CREATE TABLE t (id INT PRIMARY KEY,
    a TEXT CHECK (json_extract(a, '\$') > 0));" '500 494 0 0 0 0 6' --key id
numbers 1 100 >"$scratch/in"

load 'rows of another table' "PRAGMA foreign_keys = ON;
    CREATE TABLE p (id INT PRIMARY KEY);
    INSERT INTO p SELECT value FROM generate_series(1, 90);
    CREATE TABLE t (id INT PRIMARY KEY REFERENCES p, a TEXT);" \
    '100 90 0 0 0 0 10' --key id
load 'rows of another table, deferred' "CREATE TABLE p (id INT PRIMARY KEY);
    INSERT INTO p SELECT value FROM generate_series(11, 100);
    CREATE TABLE t (id INT PRIMARY KEY REFERENCES p
    DEFERRABLE INITIALLY DEFERRED, a TEXT);" '100 90 0 0 0 0 10' --key id
for when in '' 'DEFERRABLE INITIALLY DEFERRED'; do
	seq 1 100 | sed 's/.*/{"id":&,"a":&}/; 60s/"a":[0-9]*/"a":600/' \
	    >"$scratch/in"
	load "rows of the same table $when" "CREATE TABLE t (id INT PRIMARY KEY,
	    a INT REFERENCES t $when);" '100 99 0 0 0 0 1' --key id
done

{
	numbers 1 40
	numbers 41 80 ',"b":"b"'
	numbers 81 150 | sed '0~2s/}/,"b":"tab\\t, \\u00e9"}/'
	numbers 151 200 ',"b":"\\"quoted\\""'
} >"$scratch/in"
load 'records with different members, texts with escapes' "$keyed" \
    '200 200 0 0 0 0 0' --key id
{
	numbers 1 40
	echo '{"id":41,"a":{'
	numbers 42 60
	echo '{"id":61,"c":"no column"}'
	numbers 62 80 ',"b":null'
	printf '{"id":81,"a":"%05000d\\n"}\n' 1
	numbers 82 120
	printf '%s\n' '{"id":"x","a":"line' 'break"}'
	numbers 121 200 ',"b":"\\n"'
} >"$scratch/in"
load 'rejects between them, a long record' "$keyed" \
    '202 198 0 0 0 0 4' --key id

# 2 of 5 keys come again; --batch 1 counts them as updated.
awk 'BEGIN { for (i = 1; i <= 500; i++)
    printf "{\"id\":%d,\"a\":\"a%d\"}\n", i % 5 < 2 ? i % 90 : i, i }' \
    >"$scratch/in"
load 'equal keys' "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)" \
    '500 336 0 0 164 0 0' --key id

# 400 columns: a group of few records; 1900 columns: no group.
for n in 400 1900; do
	awk -v n=$n 'BEGIN { for (i = 1; i <= 12; i++) {
		printf "{\"id\":%d", i
		for (c = 1; c < n; c++)
			printf ",\"c%d\":%d", c, i * c
		print "}"
	} }' >"$scratch/in"
	load "$n columns" "CREATE TABLE t (id INT PRIMARY KEY$(seq 1 $((n - 1)) |
	    sed 's/^/, c/' | tr -d '\n'))" '12 12 0 0 0 0 0' --key id
done
done_testing
