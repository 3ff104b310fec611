#!/bin/sh
# --mode ignore: existing rows stay as they are. If two records have the same
# key, the first one is inserted. The other records are counted as skipped.
. tests/support/lib.sh

# load NAME COUNTS OPTION...: loads $scratch/in. COUNTS are the numbers of
# records in, inserted, skipped and rejected.
load() {
	name=$1
	counts=$2
	shift 2
	is "$name: exit code 0" \
	    0 "$(status etl-load -v --db "$db" --table t \
	    --mode ignore --rejects "$scratch/aside" "$@" <"$scratch/in")"
	is "$name: -v has the right counts" "$counts" "$(sed -n \
	    's/.*: \([0-9]*\) in, \([0-9]*\) inserted, 0 updated, 0 unchanged, 0 superseded, \([0-9]*\) skipped, \([0-9]*\) rejected$/\1 \2 \3 \4/p' \
	    "$scratch/err")"
}
rows() {
	sql 'SELECT k, n, s FROM t ORDER BY k'
}
put() {
	printf '%s\n' "$@" >"$scratch/in"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int CHECK (n < 100), s text,
	    at timestamptz)'
	put '{"k":"a","n":1}' '{"k":"b","n":1}' '{"k":"a","n":2}'
	load "$k two records with one key" '3 2 1 0' --key k
	is "$k the first of two records with the same key is inserted" 'a|1|
b|1|' "$(rows)"
	put '{"k":"a","n":3}' '{"k":"c","n":3}'
	load "$k no --key, the table has a primary key" '2 1 1 0'
	is "$k a record whose key exists leaves the row unchanged" 'a|1|
b|1|
c|3|' "$(rows)"

	# Records with different members, then bad records among good ones.
	sql 'DELETE FROM t'
	put '{"k":"a","s":"first"}' '{"k":"a","n":2}' '{"n":1,"k":"b","s":"x"}' \
	    '{"k":"b"}' '{"k":"c","n":1}'
	load "$k records with different members" '5 3 2 0'
	is "$k records with different members: the first of each key is inserted" \
	    'a||first
b|1|x
c|1|' "$(rows)"
	sql 'DELETE FROM t'
	put '{"k":"a","n":200}' '{"k":"a","n":2}' '{"k":"a","n":3}' \
	    '{"k":"b","n":"x"}' '{"k":"b","n":5,"s":"y"}' '{"n":1}'
	load "$k bad and good records with the same keys" '6 2 1 3'
	is "$k the first record that the table accepts is inserted" 'a|2|
b|5|y' "$(rows)"
	is "$k the rejects of bad records have the right codes" 'constraint
required
type' "$(jq -r .code "$scratch/aside" | sort)"
	rm "$scratch/aside"

	# 3000 records with 1000 keys: the second load writes nothing.
	seq 3000 | jq -c '{k: "\(. % 1000)", n: 1}' >"$scratch/in"
	sql 'DELETE FROM t'
	load "$k 3000 records with 1000 keys" \
	    '3000 1000 2000 0' --batch 400 --touch at
	load "$k the same 3000 records again" \
	    '3000 0 3000 0' --batch 400 --touch at
	is "$k --touch sets the time in each of the 1000 inserted rows" \
	    '1000|1000' \
	    "$(sql 'SELECT count(*), count(at) FROM t')"

	# The ledger (table etl_loads) has the counts of a marked stream.
	{
		echo '{"@etl":"begin","v":1,"id":"i","stages":["extract"]}'
		printf '%s\n' '{"k":"1","n":7}' '{"k":"new","n":7}'
		echo '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}'
	} >"$scratch/in"
	load "$k a marked stream" '2 1 1 0'
	is "$k the ledger counts the skipped record of a marked stream" \
	    '{"stage":"load","in":2,"inserted":1,"updated":0,"unchanged":0,"superseded":0,"skipped":1,"deleted":0,"rejected":0}' \
	    "$(sql "SELECT counts FROM etl_loads" | jq -c '.[1]')"

	is "$k --mode ignore with --seen is a usage error (64)" \
	    64 "$(status etl-load --db "$db" --table t --key k \
	    --mode ignore --seen at <"$scratch/in")"
	is "$k --mode ignore with --compare is a usage error (64)" \
	    64 "$(status etl-load --db "$db" --table t --key k \
	    --mode ignore --compare n <"$scratch/in")"
done
done_testing
