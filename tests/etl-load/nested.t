#!/bin/sh
# --nested: the elements of an array in a record are rows of another table.
. tests/support/lib.sh
. tests/etl-load/marked.sh

shop='CREATE TABLE orders (id int PRIMARY KEY, who text);
    CREATE TABLE order_items (order_id int NOT NULL REFERENCES orders,
	_index int, sku text NOT NULL, price numeric CHECK (price > 0),
	PRIMARY KEY (order_id, _index));
    CREATE TABLE tags (orders_id int, value text)'

# load OPTION...: loads $scratch/in. Prints the exit code.
load() {
	rm -f "$scratch/rejects"
	status etl-load -v --db "$db" --backoff 1ms..5ms --max-rejects 100% \
	    --rejects "$scratch/rejects" --marked "$@" \
	    <"$scratch/in" 2>"$scratch/err"
}
orders() {
	load --table orders --key id --nested order_items=/items \
	    --nested tags=/meta/tags "$@"
}
# rejected: line, code and pointer of each reject.
rejected() {
	[ ! -e "$scratch/rejects" ] || jq -r \
	    '"\(.origin.line) \(.code) \(.pointer // "-")"' "$scratch/rejects"
}
rows() {
	sql "SELECT * FROM $1" | sort -t'|' -n | paste -sd ' '
}
# nested_counts: the lines of -v about the tables of --nested.
nested_counts() {
	sed -n 's/^etl-load: table \(.* removed\)$/\1/p' "$scratch/err"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql "$shop"
	cat >"$scratch/in" <<-'X'
	{"id":1,"who":"a","items":[{"sku":"x","price":1},{"sku":"y"}],"meta":{"tags":["p","q"]}}
	{"id":2,"items":[]}
	{"items":[{"sku":"z","order_id":3,"_index":0}],"id":3}
	X
	is "$k records with arrays: exit code 0" 0 "$(orders)"
	is "$k the records are in their table" '1|a 2| 3|' "$(rows orders)"
	is "$k the elements of objects have key, place and members" \
	    '1|0|x|1 1|1|y| 3|0|z|' "$(rows order_items)"
	is "$k other elements are in the column value" '1|p 1|q' "$(rows tags)"
	is "$k -v prints the rows of each array" \
	    'order_items: 3 rows of /items inserted, 0 old rows removed
tags: 2 rows of /meta/tags inserted, 0 old rows removed' "$(nested_counts)"
	like "$k the sum is that of the records" ' 3 in, 3 inserted, ' \
	    "$(cat "$scratch/err")"

	cat >"$scratch/in" <<-'X'
	{"id":1,"items":[{"sku":"new"}]}
	{"id":2,"items":null}
	{"id":3}
	X
	is "$k the records come again with other elements: exit code 0" 0 \
	    "$(orders)"
	is "$k their rows replace the old ones" '1|0|new|' "$(rows order_items)"
	is "$k an absent array has no rows either" '' "$(rows tags)"
	like "$k the records count as unchanged" ' 3 unchanged' \
	    "$(cat "$scratch/err")"
	is "$k the old rows are counted" \
	    'order_items: 1 rows of /items inserted, 3 old rows removed
tags: 0 rows of /meta/tags inserted, 2 old rows removed' "$(nested_counts)"

	cat >"$scratch/in" <<-'X'
	{"id":4,"items":[{"sku":"ok"},{"sku":"x","price":-1}]}
	{"id":5,"items":[{"sku":"x"},{"sku":"x"},{"price":1}]}
	{"id":6,"items":{"sku":"x"}}
	{"id":7,"items":[{"sku":"x","color":"red"}]}
	{"id":8,"items":[{"sku":"x"},{"sku":"x","order_id":9}]}
	{"id":9,"items":[{"sku":"x","_index":1}]}
	{"id":10,"items":["x"]}
	{"id":11,"items":[{"sku":"x"}],"meta":{"tags":"p"}}
	{"id":12,"items":[{"sku":"x","price":"much"}]}
	{"id":13,"items":[{"sku":"good"}]}
	{"id":13,"who":1e999,"items":[{"sku":"x\u0000"}]}
	X
	is "$k elements that cannot be rows: exit code 0" 0 "$(orders)"
	is "$k the record of each is a reject with a pointer to the element" \
	    "1 constraint /items/1
2 constraint /items/2/sku
3 type /items
4 schema /items/0/color
5 schema /items/1/order_id
6 schema /items/0/_index
7 schema /items/0
8 type /meta/tags
9 type /items/0/price
11 encoding /items/0/sku" "$(rejected)"
	is "$k nothing of these records is loaded" '1|a 2| 3| 13|' \
	    "$(rows orders)"
	is "$k nothing of their elements is loaded" '1|0|new| 13|0|good|' \
	    "$(rows order_items)"
	is "$k the reject has the bytes of the whole record" \
	    "$(sed -n 2p "$scratch/in")" \
	    "$(jq -r 'select(.origin.line == 2).raw' "$scratch/rejects")"
	is "$k a reject of a database error has its SQLSTATE" \
	    "$([ $kind = sqlite ] || echo 23502)" \
	    "$(jq -r 'select(.origin.line == 2) | .sqlstate // ""' \
		"$scratch/rejects")"
	like "$k the message names the table" '^table order_items: ' \
	    "$(jq -r 'select(.origin.line == 1).message' "$scratch/rejects")"

	# A key that comes several times, in one batch and in several.
	for batch in 1 2 100; do
		sql 'DELETE FROM order_items'
		printf '{"id":%d,"items":[%s]}\n' 1 '{"sku":"a"},{"sku":"b"}' \
		    2 '{"sku":"c"}' 1 '{"sku":"d"}' 2 '' 1 '{"sku":"e"}' \
		    1 '{"sku":"bad","price":0}' >"$scratch/in"
		is "$k batches of $batch: the elements of the last good record remain" \
		    '0 1|0|e| 6 constraint /items/0' \
		    "$(orders --batch $batch) $(rows order_items) $(rejected |
			sed 's,0/price,0,')"
		like "$k batches of $batch: each written and deleted row counts" \
		    'order_items: 5 rows of /items inserted, 4 old rows' \
		    "$(nested_counts)"
	done
	is "$k one transaction: the same" '0 1|0|e|' \
	    "$(orders --batch 1 --single-transaction) $(rows order_items)"

	# An array that is written in several parts.
	jq -nc '{id: 1, items: [range(25000) | {sku: "s\(.)"}]},
	    {id: 2, items: [range(12000) | {sku: "s\(.)"}]}' >"$scratch/in"
	is "$k long arrays: exit code 0" 0 "$(orders)"
	is "$k all elements are loaded" '1|25000|24999
2|12000|11999' "$(sql 'SELECT order_id, count(*), max(_index)
	    FROM order_items GROUP BY 1 ORDER BY 1')"

	# Several tables.
	sql 'CREATE TABLE people (name text PRIMARY KEY, order_items text);
	    CREATE TABLE mails (people_name text, value text)'
	cat >"$scratch/in" <<-'X'
	{"t":"order","id":7,"items":[{"sku":"x"}]}
	{"t":"man","name":"Bo","mails":["a@b","c@d"]}
	{"t":"order","id":8,"items":[{"sku":"x","price":0}]}
	X
	is "$k --tables: exit code 0" 0 "$(load --table-from /t \
	    --tables 'order=orders:id,man=people:name' \
	    --nested order:order_items=/items --nested '"man":mails=/mails')"
	is "$k --tables: each array has its table" '7|0|x| Bo|a@b Bo|c@d' \
	    "$(sql 'SELECT * FROM order_items WHERE order_id = 7') $(rows mails)"
	is "$k --tables: a bad element rejects its record" \
	    '3 constraint /items/0' "$(rejected)"

	# A column of the array's name takes the array too.
	sql 'CREATE TABLE docs (id int PRIMARY KEY, lines text);
	    CREATE TABLE lines (docs_id int, n int)'
	echo '{"id":1,"lines":[{"n":1}]}' >"$scratch/in"
	is "$k a parent with a column of the array's name has both" \
	    '0 1|[{"n":1}] 1|1' "$(load --table docs --key id \
	    --nested lines=/lines) $(rows docs) $(rows lines)"

	# Options that hold for elements.
	echo '{"id":2,"lines":[{"n":1,"x":2},{"n":""}]}' >"$scratch/in"
	is "$k --extra ignore and --empty-as-null hold for elements" \
	    '0 1|1 2| 2|1' "$(load --table docs --key id --extra ignore \
	    --empty-as-null --nested lines=/lines) $(rows lines)"
	echo '{"id":2,"lines":[{"n":1,"x":2}]}' >"$scratch/in"
	is "$k --extra error holds for elements" 65 "$(load --table docs \
	    --key id --extra error --nested lines=/lines)"

	# A replay: the elements that were refused are accepted later.
	sql 'DELETE FROM order_items; DELETE FROM orders'
	stream one
	rec '{"id":1,"items":[{"sku":"x","price":0}]}' '{"id":2}'
	end
	is "$k a marked stream: exit code 0" 0 "$(status etl-load --db "$db" \
	    --table orders --key id --nested order_items=/items \
	    --max-rejects 100% <"$scratch/in")"
	is "$k the letter is of the record" 'orders|open|/items/0' \
	    "$(sql 'SELECT target, status, pointer FROM dead_letters' |
		sed 's,0/price,0,')"
	case $kind in
	sqlite) sql 'PRAGMA writable_schema = 1; UPDATE sqlite_schema
	    SET sql = replace(sql, '"'price > 0', 'price >= 0'"')' ;;
	*) sql 'ALTER TABLE order_items
	    DROP CONSTRAINT order_items_price_check' ;;
	esac
	etl-dlq replay --db "$db" >"$scratch/in"
	is "$k its replay is loaded with its elements" '0 1|0|x|0 resolved' \
	    "$(status etl-load --db "$db" --table orders --key id \
		--nested order_items=/items --marked <"$scratch/in") $(rows \
		order_items) $(sql 'SELECT status FROM dead_letters')"

	# --create and --plan.
	sql 'DROP TABLE order_items; DROP TABLE tags; DROP TABLE orders'
	printf '%s\n' '{"id":1,"items":[],"meta":{"tags":[1,"a"],"x":1}}' \
	    '{"id":2,"items":[{"sku":"x","price":1.5},{"sku":null,"at":"2026-01-02"}]}' \
	    >"$scratch/in"
	etl-load --db "$db" --table orders --key id --create --plan \
	    --nested order_items=/items <"$scratch/in" >"$scratch/plan"
	is "$k --plan with --create names both tables" \
	    'table: orders (made by --create from the first 2 records)
table: order_items (elements of the array at /items in records of table orders)' \
	    "$(grep ^table: "$scratch/plan")"
	like "$k --plan says where the key comes from" \
	    'orders_id .*<- the key of the record in table orders' \
	    "$(cat "$scratch/plan")"
	is "$k --create makes the child tables too: exit code 0" 0 \
	    "$(orders --create)"
	is "$k the child tables have the key and the members" \
	    '2|0|x|1.5| 2|1|||2026-01-02 1|0|1 1|1|a' \
	    "$(rows order_items) $(rows tags)"
	is "$k a member with more than the array gets a column" \
	    '{"tags":[1,"a"],"x":1}' \
	    "$(sql 'SELECT meta FROM orders WHERE id = 1' | jq -cS .)"
	is "$k --plan with the tables: exit code 0" 0 "$(orders --plan)"
	sql 'DROP TABLE tags'
	is "$k only a child table is missing: exit code 0" \
	    '0 1|0|1 1|1|a' "$(orders --create) $(rows tags)"
	sql 'DROP TABLE tags; DROP TABLE order_items; DROP TABLE orders'
	is "$k --create with a mistyped pointer: exit code 65" 65 \
	    "$(load --table orders --key id --create \
		--nested order_items=/itmes)"
	like "$k the message offers the array that is there" \
	    'did you mean /items\?' "$(cat "$scratch/err")"
	is "$k the parent was not made either: exit code 0" '0 1 2' \
	    "$(orders --create) $(sql 'SELECT id FROM orders ORDER BY 1' |
		xargs)"
	is "$k the parent has no column for the array" '' \
	    "$(sql 'SELECT items FROM orders' 2>/dev/null | xargs)"
	sql 'DROP TABLE tags; DROP TABLE order_items; DROP TABLE orders'

	# What is refused.
	sql "$shop; CREATE TABLE no (x int); CREATE TABLE other (a int
	    REFERENCES orders, b int REFERENCES orders, n int)"
	is "$k a child table without a column for the key: exit code 78" 78 \
	    "$(load --table orders --key id --nested no=/items)"
	like "$k the message says which column to add" 'a column "orders_id"' \
	    "$(cat "$scratch/err")"
	is "$k a child table with two foreign keys to its parent: exit code 78" \
	    78 "$(load --table orders --key id --nested other=/items)"
	is "$k a table that does not exist: exit code 78" 78 \
	    "$(load --table orders --key id --nested nope=/items)"
	is "$k a table for two arrays: exit code 64" 64 "$(load \
	    --table orders --key id --nested tags=/a --nested tags=/b)"
	sql 'CREATE TABLE notes (order_id int, place int, FOREIGN KEY
	    (order_id, place) REFERENCES order_items ON DELETE CASCADE)'
	is "$k rows of another table would be deleted: exit code 78" 78 \
	    "$(orders)"
	like "$k the message names that table" 'table notes refers to' \
	    "$(cat "$scratch/err")"
	sql 'DROP TABLE notes'
	echo '{"id":1}' >"$scratch/in"
	is "$k no record has the array: exit code 0, with a warning" \
	    '0 2' "$(orders) $(grep -c 'no record had a value at /' \
	    "$scratch/err")"

	# Foreign keys that are checked at the end of the transaction.
	sql 'DROP TABLE order_items; CREATE TABLE skus (id int PRIMARY KEY);
	    CREATE TABLE order_items (order_id int
	    NOT NULL REFERENCES orders DEFERRABLE INITIALLY DEFERRED,
	    sku int REFERENCES skus DEFERRABLE INITIALLY DEFERRED);
	    INSERT INTO skus VALUES (1)'
	printf '{"id":%d,"items":[{"sku":%d}]}\n' 1 1 2 9 3 1 >"$scratch/in"
	is "$k deferred foreign keys: exit code 0" 0 "$(orders)"
	is "$k deferred foreign keys: only the record of the missing row is rejected" \
	    '2 constraint 1|1 3|1' "$(rejected | sed 's, /.*,,') $(rows \
	    order_items)"
done

# Values that PostgreSQL calls equal although they are spelled differently.
while read -r type one other; do
	sql "DROP TABLE IF EXISTS p, c; CREATE TABLE p (k $type PRIMARY KEY);
	    CREATE TABLE c (p_k $type REFERENCES p, value int)" </dev/null
	printf '{"k":%s,"v":[%d]}\n' "$one" 1 "$other" 2 "$one" 3 "$other" 4 \
	    >"$scratch/in"
	is "postgresql: keys of type $type in two spellings are one key" '0 4' \
	    "$(load --table p --key k --nested c=/v) $(sql 'SELECT value FROM c' \
	    </dev/null)"
done <<'E'
numeric 1 1.00
uuid "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11" "a0eebc999c0b4ef8bb6d6bb9bd380a11"
E

# Usage.
db=sqlite:$scratch/none.db
: >"$scratch/in"
for args in '--nested items' '--nested items=x' '--nested =/x' \
    '--nested a=/x --nested b=/x' '--nested a=/x --nested b=/x/0/y' \
    '--nested a=/x --mode mirror' '--nested a=/x --mode append' \
    '--nested a=/x --newer-by b' '--nested a=/x --connections 2' \
    '--nested a=/x --keep-before' '--nested a=/x --emit rows' \
    '--nested a=/x --evolve'; do
	case $args in
	*append*) key= ;;
	*) key='--key id' ;;
	esac
	# shellcheck disable=SC2086
	is "$args: exit code 64" 64 "$(load --table t $key $args)"
done
is '--nested without a NAME of --tables: exit code 64' 64 \
    "$(load --table-from /t --tables a=a:k --nested c=/x)"
is '--nested with an unknown NAME: exit code 64' 64 \
    "$(load --table-from /t --tables a=a:k --nested b:c=/x)"
done_testing
