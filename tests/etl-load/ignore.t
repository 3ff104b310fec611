#!/bin/sh
# --mode ignore: rows that are there stay as they are, of records that come
# twice the first one counts, and what is passed over is counted.
. tests/support/lib.sh

# load NAME COUNTS OPTION...: records of $scratch/in; counts are in, inserted,
# skipped, rejected.
load() {
	name=$1
	counts=$2
	shift 2
	is "$name: status" 0 "$(status etl-load -v --db "$db" --table t \
	    --mode ignore --rejects "$scratch/aside" "$@" <"$scratch/in")"
	is "$name: counts" "$counts" "$(sed -n \
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
	load "$k first" '3 2 1 0' --key k
	is "$k the first of a key counts" 'a|1|
b|1|' "$(rows)"
	put '{"k":"a","n":3}' '{"k":"c","n":3}'
	load "$k the primary key" '2 1 1 0'
	is "$k what is there stays" 'a|1|
b|1|
c|3|' "$(rows)"

	# Records of several forms, and bad ones among them.
	sql 'DELETE FROM t'
	put '{"k":"a","s":"first"}' '{"k":"a","n":2}' '{"n":1,"k":"b","s":"x"}' \
	    '{"k":"b"}' '{"k":"c","n":1}'
	load "$k forms" '5 3 2 0'
	is "$k forms: rows" 'a||first
b|1|x
c|1|' "$(rows)"
	sql 'DELETE FROM t'
	put '{"k":"a","n":200}' '{"k":"a","n":2}' '{"k":"a","n":3}' \
	    '{"k":"b","n":"x"}' '{"k":"b","n":5,"s":"y"}' '{"n":1}'
	load "$k bad ones" '6 2 1 3'
	is "$k bad ones: the first that the table takes" 'a|2|
b|5|y' "$(rows)"
	is "$k bad ones: codes" 'constraint
required
type' "$(jq -r .code "$scratch/aside" | sort)"
	rm "$scratch/aside"

	# Thousands, again: nothing is written.
	seq 3000 | jq -c '{k: "\(. % 1000)", n: 1}' >"$scratch/in"
	sql 'DELETE FROM t'
	load "$k many" '3000 1000 2000 0' --batch 400 --touch at
	load "$k many again" '3000 0 3000 0' --batch 400 --touch at
	is "$k many: touched" '1000|1000' \
	    "$(sql 'SELECT count(*), count(at) FROM t')"

	# In a marked stream the count is in the ledger.
	{
		echo '{"@etl":"begin","v":1,"id":"i","stages":["extract"]}'
		printf '%s\n' '{"k":"1","n":7}' '{"k":"new","n":7}'
		echo '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}'
	} >"$scratch/in"
	load "$k stream" '2 1 1 0'
	is "$k stream: ledger" '{"stage":"load","in":2,"inserted":1,"updated":0,"unchanged":0,"superseded":0,"skipped":1,"deleted":0,"rejected":0}' \
	    "$(sql "SELECT counts FROM etl_loads" | jq -c '.[1]')"

	is "$k --seen" 64 "$(status etl-load --db "$db" --table t --key k \
	    --mode ignore --seen at <"$scratch/in")"
	is "$k --compare" 64 "$(status etl-load --db "$db" --table t --key k \
	    --mode ignore --compare n <"$scratch/in")"
done
done_testing
