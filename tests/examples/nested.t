#!/bin/sh
# examples/nested: orders with items come, come again with other items, and one
# has an item that cannot be loaded.
. tests/support/lib.sh

pipeline=$top/examples/nested/pipeline.sh
run() {
	status sh "$pipeline" "$scratch/orders.ndjson"
}
costs() {
	sql 'SELECT id, customer, sum(price) FROM orders JOIN order_items ON
	    order_id = id GROUP BY id, customer ORDER BY id' | xargs
}
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sed -n 's/^    \({.*\)/\1/p' "$top/examples/nested/README.md" \
	    >"$scratch/orders.ndjson"
	echo '{"id":8,"customer":"Bob","items":[{"sku":"tea","price":4}]}' \
	    >>"$scratch/orders.ndjson"
	is "$k orders with items are loaded" '0 7|Ann|7.5 8|Bob|4' \
	    "$(run) $(costs)"
	is "$k the items have their place, the tags their text" \
	    '0|tea 1|jam gift' "$(sql 'SELECT _index, sku FROM order_items
	    WHERE order_id = 7 ORDER BY 1' | xargs) $(sql \
		'SELECT value FROM order_tags')"
	echo '{"id":7,"customer":"Ann","items":[{"sku":"tea","price":1}]}' \
	    >"$scratch/orders.ndjson"
	is "$k an order comes again with other items" '0 7|Ann|1 8|Bob|4' \
	    "$(run) $(costs)"
	is "$k it has no tags any more" '' "$(sql 'SELECT * FROM order_tags')"
	printf '%s\n' '{"id":8,"customer":"Bo","items":[{"sku":"x","price":-1}]}' \
	    '{"id":9,"customer":"Cid","items":[{"sku":"x","price":1}]}' \
	    >"$scratch/orders.ndjson"
	is "$k as a run of etl-run, with an item that cannot be loaded" 0 \
	    "$(status etl-run --name orders "$pipeline" \
		"$scratch/orders.ndjson")"
	is "$k its order stays as it was, and the others are loaded" \
	    '7|Ann|1 8|Bob|4 9|Cid|1' "$(costs)"
	like "$k the letter leads to the item" '^constraint /items/0' \
	    "$(etl-dlq list --json | jq -r '"\(.code) \(.pointer)"')"
done
done_testing
