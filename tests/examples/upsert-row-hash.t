#!/bin/sh
# examples/patterns/upsert-row-hash: an export comes again, spelled in another way,
# and then with a product that has changed.
. tests/support/lib.sh

pipeline=$top/examples/patterns/upsert-row-hash/pipeline.sh
rows() {
	sql 'SELECT sku, name FROM products ORDER BY sku' | xargs
}
changed_at() {
	sql "SELECT changed_at FROM products WHERE sku = 'a'"
}
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	printf '%s\n' '{"sku":"a","name":"Chair","price":5,"attributes":{"x":1,"y":2},"exported_at":"2026-05-30T12:00:00Z"}' \
	    '{"sku":"b","name":"Table","price":9.50,"attributes":null,"exported_at":"2026-05-30T12:00:00Z"}' \
	    >"$scratch/in.ndjson"
	is "$k the first export" '0 a|Chair b|Table' \
	    "$(status sh "$pipeline" "$scratch/in.ndjson") $(rows)"
	before=$(changed_at)
	printf '%s\n' '{"exported_at":"2026-05-31T12:00:00Z","price":5.00,"name":"Ch\u0061ir","attributes":{"y":2.0,"x":1},"sku":"a"}' \
	    '{"sku":"b","name":"Desk","price":9.5,"attributes":null,"exported_at":"2026-05-31T12:00:00Z"}' \
	    >"$scratch/in.ndjson"
	is "$k the next export renames one product" '0 a|Chair b|Desk' \
	    "$(status sh "$pipeline" "$scratch/in.ndjson") $(rows)"
	is "$k the other one, spelled in another way, has not changed" \
	    "$before" "$(changed_at)"
	is "$k as a run of etl-run" 0 "$(status etl-run --name products \
	    "$pipeline" "$scratch/in.ndjson")"
	like "$k the run has updated no row" '^load +2 +0 +0 +2 ' \
	    "$(etl-status --run 1)"
done
done_testing
