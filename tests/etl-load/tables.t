#!/bin/sh
# --table-from and --tables: the records of one stream are loaded into several
# tables, each record into the table that it names.
. tests/support/lib.sh
. tests/etl-load/marked.sh

customers_and_orders='CREATE TABLE customers (id int PRIMARY KEY, name text);
    CREATE TABLE orders (id int PRIMARY KEY,
	customer int REFERENCES customers, total numeric)'
both=customer=customers:id,order=orders:id

# shop OPTION...: loads $scratch/in. Prints the exit code.
shop() {
	rm -f "$scratch/rejects"
	status etl-load -v --db "$db" --table-from /type --backoff 1ms..5ms \
	    --max-rejects 100% --rejects "$scratch/rejects" --marked "$@" \
	    <"$scratch/in" 2>"$scratch/err"
}
# counts: the counts of each table and of all tables that are not 0.
counts() {
	sed -n 's/^etl-load: \([^:]*tables\{0,1\}[^:]*\): \(.* in,.*\)/\1: \2/p
	    s/^etl-load: \([0-9]* tables\) in [^ ]*: \(.*\)/\1: \2/p' \
	    "$scratch/err" | sed 's/, 0 [a-z]*//g; s/: 0 in$/: nothing/'
}
# rejected: line, target, code and pointer of each reject.
rejected() {
	jq -r '"\(.origin.line) \(.target) \(.code) \(.pointer // "-")"' \
	    "$scratch/rejects"
}
rows() {
	sql "SELECT * FROM $1" | sort | paste -sd ' '
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql "$customers_and_orders; CREATE TABLE log (type text, line text)"
	cat >"$scratch/in" <<-'X'
	{"type":"order","id":1,"customer":7,"total":3.5}
	{"type":"customer","id":7,"name":"a"}
	{"type":"nope","id":7}
	{"id":7}
	{"type":3,"id":7}
	not JSON
	{"type":"order","id":2,"customer":8,"total":3.5}
	{"type":"order","id":3,"customer":"z","total":3.5}
	{"type":"c\u0075stomer","id":7,"name":"b"}
	{"type":"customer","id":9,"name":"c","more":1}
	X
	is "$k a stream with records of two tables: exit code 0" \
	    0 "$(shop --tables $both)"
	is "$k each record is in the table that it names" \
	    '7|b 1|7|3.5' "$(rows customers) $(rows orders)"
	is "$k -v prints the counts of each table and those of all" \
	    'table customers: 3 in, 1 inserted, 1 superseded, 1 rejected
table orders: 3 in, 1 inserted, 2 rejected
2 tables: 10 in, 2 inserted, 1 superseded, 7 rejected' "$(counts)"
	is "$k the reject lines come in the order of the input and name the table" \
	    '3 /type schema /type
4 /type schema /type
5 /type schema /type
6 /type parse -
7 orders constraint -
8 orders type /customer
10 customers schema /more' "$(rejected)"
	is "$k the rejects of records without a table say why" \
	    '--tables has no table of the name "nope"
the record has no value at /type, which says which table it belongs to (--table-from)
the value says which table the record belongs to (--table-from), but it is not a string' \
	    "$(jq -r 'select(.pointer == "/type").message' "$scratch/rejects")"

	echo '{"type":"lo,g","line":"x"}' >"$scratch/in"
	is "$k a quoted NAME with a comma: exit code 0" \
	    0 "$(shop --tables customer=customers --tables '"lo,g"="log"')"
	is "$k a column with the name of the member at the pointer gets its value" \
	    'lo,g|x' "$(rows log)"
	echo '{"meta":{"table":"log"},"line":"y"}' >"$scratch/in"
	is "$k a pointer into an object: exit code 0" \
	    0 "$(shop --table-from /meta/table --tables log=log)"
	is "$k a pointer into an object finds the table" \
	    'lo,g|x |y' "$(rows log)"
	for list in a= =log a 'log,' 'a=log,,' 'a=log,' a=log: 'a=log:,b=log' '"a"b=log' \
	    'a=log:type+' 'a=log:+type'; do
		is "$k --tables $list: exit code 64" \
		    64 "$(shop --tables "$list")"
	done
	is "$k a NAME that is given twice: exit code 64" \
	    64 "$(shop --tables a=log,a=orders)"
	is "$k a table that is given twice: exit code 64" \
	    64 "$(shop --tables a=log,b=log)"
	is "$k --tables with --table: exit code 64" \
	    64 "$(shop --tables a=log --table log)"
	is "$k --tables with --key: exit code 64" \
	    64 "$(shop --tables $both --key id)"
	is "$k --tables without --table-from: exit code 64" 64 \
	    "$(status etl-load --db "$db" --tables a=log <"$scratch/in")"
	is "$k --table-from without --tables: exit code 64" 64 \
	    "$(shop --table log)"
	is "$k --table-from without a JSON Pointer: exit code 64" 64 \
	    "$(shop --table-from type --tables a=log)"
	is "$k keys with --mode append: exit code 64" \
	    64 "$(shop --tables $both --mode append)"
	etl-load --plan --db "$db" --table-from /type --tables $both \
	    >"$scratch/plan" </dev/null
	is "$k --plan names each table and who names it" \
	    "table: customers (records that name customer)
table: orders (records that name order)" \
	    "$(grep ^table: "$scratch/plan")"
	for option in --create --evolve --keep-before '--emit rows' '--undo 1'
	do
		# shellcheck disable=SC2086
		is "$k --tables with $option: exit code 64" \
		    64 "$(shop --tables $both $option)"
	done
	is "$k a table that does not exist: exit code 78" \
	    78 "$(shop --tables $both,x=none)"
	is "$k a column that one of the tables lacks: exit code 78" \
	    78 "$(shop --tables $both --touch name)"

	# The order of foreign keys.
	sql 'DELETE FROM orders; DELETE FROM customers'
	printf '{"type":"%s","id":1,"%s":1}\n' order customer customer name \
	    >"$scratch/in"
	is "$k tables that refer to tables named before them: exit code 0" \
	    0 "$(shop --tables $both)"
	is "$k a record may refer to a row that comes later in the batch" \
	    '1|1 1|1|' "$(rows customers) $(rows orders)"
	sql 'DELETE FROM orders; DELETE FROM customers'
	is "$k tables that refer to tables named after them: exit code 0" \
	    0 "$(shop --tables order=orders:id,customer=customers:id)"
	is "$k a record that refers to a table named later is rejected" \
	    '1 orders constraint -' "$(rejected)"
	sql 'DROP TABLE orders; DELETE FROM customers;
	    CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES
		customers DEFERRABLE INITIALLY DEFERRED, up int REFERENCES
		orders DEFERRABLE INITIALLY DEFERRED)'
	printf '{"type":"%s","id":%d,"%s":%d}\n' order 1 up 2 customer 1 name 1 \
	    order 3 customer 9 order 2 customer 1 order 4 up 9 >"$scratch/in"
	for list in $both order=orders:id,customer=customers:id; do
		sql 'DELETE FROM orders; DELETE FROM customers'
		is "$k deferred foreign keys, $list: exit code 0" \
		    0 "$(shop --tables "$list")"
		is "$k deferred foreign keys, $list: the records with a missing row are rejected" \
		    "$(case $list in
			cust*) echo '3 orders constraint 5 orders constraint' ;;
			*) echo '1 orders constraint 3 orders constraint 4 orders constraint 5 orders constraint' ;;
		    esac)" "$(rejected | sed 's/ [^ ]*$//' | paste -sd ' ')"
	done

	# One transaction covers all tables.
	db_new $kind
	sql "$customers_and_orders; CREATE TABLE log (id int PRIMARY KEY)"
	printf '{"type":"%s","id":%d,"%s":2}\n' customer 2 name order 1 customer \
	    >"$scratch/in"
	is "$k a test that fails in the second table: exit code 1" 1 \
	    "$(shop --tables $both --expect 'null(id)<1%' \
		--expect 'max(id)>=2')"
	is "$k the message names the table" 1 \
	    "$(grep -c 'table orders: 1' "$scratch/err")"
	is "$k nothing is in any table" '' "$(rows customers)$(rows orders)"
	printf '{"type":"%s","id":%d,"%s":1}\n' customer 1 name order 1 customer \
	    >"$scratch/in"
	is "$k tests that hold in each table: exit code 0" 0 \
	    "$(shop --tables $both --expect 'unique(id)' --expect 'rows>=2')"

	# Streams: the ledger has one row for all tables.
	stream one
	rec '{"type":"customer","id":1,"name":"1"}' \
	    '{"type":"order","id":1,"customer":1}'
	end
	is "$k a marked stream: exit code 0" 0 "$(shop --tables $both)"
	is "$k the ledger has one row, with the sorted names of the tables" \
	    'customers,orders' "$(sql 'SELECT target FROM etl_loads')"
	is "$k the stream again, with the tables in another order: exit code 0" \
	    0 "$(shop --tables order=orders:id,customer=customers:id)"
	is "$k its records are skipped" 1 \
	    "$(grep -c 'its 2 records were skipped' "$scratch/err")"
	checkpoint_stream two
	rec '{"type":"customer","id":2,"name":"b"}' '{"type":"x"}'
	checkpoint_mark 1
	rec '{"type":"order","id":2,"customer":2}'
	is "$k a stream that is cut after a checkpoint: exit code 75" \
	    75 "$(shop --tables $both --batch 1)"
	is "$k each table has the rows before the checkpoint" \
	    '1|1 2|b 1|1|' "$(rows customers) $(rows orders)"
	checkpoint_mark 2
	end
	is "$k the whole stream: exit code 0" 0 "$(shop --tables $both)"
	is "$k the rest of the records is loaded" \
	    '1|1 2|b 1|1| 2|2|' "$(rows customers) $(rows orders)"

	# Dead letters and their replay.
	stream three
	rec '{"type":"order","id":3,"customer":3}' '{"type":"buyer","id":3}'
	end
	load --table-from /type --tables $both --max-rejects 100% >/dev/null
	is "$k a letter has its table, or the pointer if no table is known" \
	    '/type schema orders constraint' \
	    "$(sql 'SELECT target, code FROM dead_letters ORDER BY target' |
		tr '|' ' ' | paste -sd ' ')"
	sql "INSERT INTO customers VALUES (3, 'c')"
	for target in orders /type; do
		etl-dlq replay --db "$db" --target $target >"$scratch/in"
		is "$k a replay of the letters of $target: exit code 0" 0 \
		    "$(load --table-from /type --tables $both,buyer=log \
			--max-rejects 100%)"
	done
	is "$k the replayed letters are resolved" \
	    'resolved resolved' \
	    "$(sql 'SELECT status FROM dead_letters' | paste -sd ' ')"
	is "$k the records are in their tables" '3|3|3' \
	    "$(sql 'SELECT id, customer FROM orders WHERE id = 3')|$(rows log)"
done
done_testing
