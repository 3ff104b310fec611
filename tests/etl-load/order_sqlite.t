#!/bin/sh
# SQLite: if the keys of a batch are not in order, the next batches are stored in
# the order of the key. This changes neither the rows nor the rejects.
. tests/support/lib.sh

# load NAME DDL QUERY OPTION...: loads $scratch/in in batches of 50, of which
# those after the first may be sorted, and in one batch, which is not sorted.
# The result of QUERY and the rejects must be the same.
load() {
	name=$1
	printf '%s\n' "$2" >"$scratch/ddl"
	query=$3
	shift 3
	for batch in 10000 50; do
		rm -f "$scratch/$batch".*
		sqlite3 "$scratch/$batch.db" <"$scratch/ddl"
		is "$name, batches of $batch: exit code 0" 0 "$(status etl-load \
		    --db "sqlite:$scratch/$batch.db" --table t --key id \
		    --batch $batch --max-rejects 100% \
		    --rejects "$scratch/$batch.rejects" "$@" <"$scratch/in")"
		sqlite3 "$scratch/$batch.db" "$query" >"$scratch/$batch.rows"
		jq -c '[.code, .message, .origin.line, .raw]' \
		    "$scratch/$batch.rejects" >"$scratch/$batch.said"
	done
	ok "$name: the rows" cmp "$scratch/10000.rows" "$scratch/50.rows"
	ok "$name: the rejects" cmp "$scratch/10000.said" "$scratch/50.said"
}
rows='SELECT count(*) > 250, * FROM t ORDER BY id'

awk 'BEGIN { for (i = 1; i <= 800; i++) {
	key = i * 7919 % 311
	printf "{\"id\":%d,\"k\":\"%s%d\",\"v\":\"%d\"}\n", key - 100,
	    i % 3 ? "k" : "K", key, i
	if (i % 97 == 0)
		print "{\"id\":\"x\"}\n{\"id\":" key ",\"v\":{"
} }' >"$scratch/in"
load 'integers' 'CREATE TABLE t (id INT PRIMARY KEY, k TEXT, v TEXT)' "$rows"
is 'integers: the last of equal keys wins' 800 \
    "$(sqlite3 "$scratch/50.db" 'SELECT max(v + 0) FROM t')"
load 'INTEGER PRIMARY KEY' \
    'CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT, v TEXT)' "$rows"
load 'numbers of rows that the table has given' 'CREATE TABLE t (
    n INTEGER PRIMARY KEY, id INT UNIQUE, k TEXT, v TEXT)' 'SELECT * FROM t'
load 'another unique column' 'CREATE TABLE t (id INT PRIMARY KEY,
    k TEXT UNIQUE, v TEXT)' 'SELECT * FROM t'

sed -i 's/"id":\([0-9-]*\),"k":"\([^"]*\)"/"k":\1,"id":"\2"/' "$scratch/in"
load 'texts' 'CREATE TABLE t (id TEXT PRIMARY KEY, k INT, v TEXT)' "$rows"
load 'texts, WITHOUT ROWID' 'CREATE TABLE t (id TEXT PRIMARY KEY, k INT,
    v TEXT) WITHOUT ROWID' "$rows"
load 'texts without case' 'CREATE TABLE t (id TEXT COLLATE NOCASE PRIMARY KEY,
    k INT, v TEXT)' "$rows"

# The numbers of the rows show the order in which they were inserted.
seq 200 -1 1 | sed 's/.*/{"id":&}/' >"$scratch/in"
load 'descending keys' 'CREATE TABLE t (id INT PRIMARY KEY)' \
    'SELECT * FROM t ORDER BY id'
is 'descending keys: only the first batch is stored as it came' \
    '200 151 101 150 51 100 1 50' "$(sqlite3 "$scratch/50.db" \
    'SELECT id FROM t WHERE rowid % 50 IN (0, 1) ORDER BY rowid' |
    tr '\n' ' ' | sed 's/ $//')"
# commits NAME COUNT OPTION...: loads 80000 records as a marked stream into small
# pages, and tests how many batches that makes; the mark `end` is one of them.
commits() {
	name=$1 count=$2
	shift 2
	rm -f "$scratch/c.db"*
	sqlite3 "$scratch/c.db" 'PRAGMA page_size = 1024;
	    CREATE TABLE t (id TEXT PRIMARY KEY, k TEXT)'
	is "$name: exit code 0" 0 "$(status etl-load --db "sqlite:$scratch/c.db" \
	    --table t --key id --flush 1h "$@" <"$scratch/in")"
	is "$name: all rows" 80000 \
	    "$(sqlite3 "$scratch/c.db" 'SELECT count(DISTINCT id) FROM t')"
	is "$name: $count batches" "$count" \
	    "$(sqlite3 "$scratch/c.db" 'SELECT batch FROM etl_loads')"
}
# records STEP: the keys are in order if STEP is 1, else in another order.
records() {
	awk -v step="$1" 'BEGIN {
		print "{\"@etl\":\"begin\",\"v\":1,\"id\":\"s\"," \
		    "\"stages\":[\"extract\"]}"
		for (i = 1; i <= 80000; i++)
			printf "{\"id\":\"%030d\",\"k\":\"\"}\n", i * step % 80021
		print "{\"@etl\":\"end\",\"stages\":[{\"stage\":\"extract\"," \
		    "\"in\":0,\"out\":80000,\"dropped\":0,\"rejected\":0}]}"
	}' >"$scratch/in"
}
records 1
commits 'keys in order' 9
records 31397
commits 'keys not in order: after two batches, larger ones' 6
commits 'keys not in order, --batch' 9 --batch 10000
BATCH_SIZE=10000
export BATCH_SIZE
commits 'keys not in order, BATCH_SIZE' 9
done_testing
