#!/bin/sh
# --mode cdc with --map and --empty-as-null: the pointers begin at the row of a
# change, and the key may be inside it.
. tests/support/lib.sh
. tests/etl-load/changes.sh

rows() {
	sql "SELECT k, n, a, coalesce(b, 'null') FROM t ORDER BY k, n" | xargs
}
fill() {
	sql "DELETE FROM t; INSERT INTO t VALUES ('x', 1, 1, 'one'),
	    ('x', 2, 2, 'two'), ('y', 1, 3, 'three')"
}
mapped() {
	loads "$@" --map k=/key/k --map b=/more/b --empty-as-null
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text, n int, a int, b text, PRIMARY KEY (k, n))'

	fill
	put '{"operation":"INSERT","data":{"key":{"k":"z"},"n":1,"a":7,"more":{"b":"new"}}}' \
	    '{"operation":"UPDATE","data":{"key":{"k":"x"},"n":1,"a":9}}' \
	    '{"operation":"UPDATE","data":{"key":{"k":"x"},"n":2,"more":{"b":""}}}' \
	    '{"operation":"DELETE","data":{"key":{"k":"y"},"n":1,"more":{"b":"q"},"a":1}}'
	mapped 'a key inside the row' '4 1 2 0 0 0 1 0 0' \
	    'x|1|9|one x|2|2|null z|1|7|new'

	fill
	put '{"op":"u","before":{"key":{"k":"x"},"n":1},"after":{"a":5}}' \
	    '{"op":"u","before":{"key":{"k":"x"}},"after":{"n":2,"more":{"b":"n"}}}' \
	    '{"op":"u","before":{"key":{"k":"y"}},"after":{"key":{"k":""},"n":1,"a":4}}' \
	    '{"op":"d","before":{"key":{"k":"y"}},"after":{"n":1}}'
	mapped 'a key that only the row before has' '4 0 2 0 0 0 1 0 1' \
	    'x|1|5|one x|2|2|n'
	is "$k an empty key is null, also if the row before has a key" \
	    'required /after/key/k' "$(rejects)"

	fill
	put '{"op":"u","before":{"key":{"k":"x"},"n":1},"after":{"key":{"k":"w"},"n":1,"a":5}}' \
	    '{"op":"u","before":{"key":{"k":"w"}},"after":{"key":{"k":"v"},"n":1,"more":{"b":"m"}}}' \
	    '{"op":"u","before":{"key":{"k":""},"n":5},"after":{"key":{"k":"y"},"n":1,"a":6}}' \
	    '{"op":"u","before":{"key":{"k":"y"},"n":1},"after":{"key":{"k":"y"},"n":1,"a":8}}'
	mapped 'a changed key inside the row' '4 0 4 0 0 0 0 0 0' \
	    'v|1|5|m x|2|2|two y|1|8|three'

	fill
	put '{"operation":"UPDATE","data":{"key":{"k":"x"},"n":1,"more":{"b":"__debezium_unavailable_value"}}}' \
	    '{"operation":"UPDATE","data":{"key":{"k":"x"},"n":2,"a":6}}' \
	    '{"operation":"UPDATE","data":{"key":{"k":"x"},"n":2,"k":"z"}}' \
	    '{"operation":"DELETE","before":{"n":2}}' \
	    '{"operation":"DELETE","before":{"key":{"k":"x"},"n":"2x"}}'
	mapped 'absent values and rejects' '5 0 1 1 0 0 0 0 3' \
	    'x|1|1|one x|2|6|two y|1|3|three'
	is "$k the rejects have pointers into the change" \
	    'schema /data/k required /before/key/k type /before/n' \
	    "$(rejects | sed 's/constraint/type/')"

	fill
	put '{"op":"u","before":{"n":2,"key":{"k":"x\ud800"}},"after":{"key":{"k":"x"},"n":2,"a":5}}'
	mapped 'an old key that no column can hold' '1 0 0 0 0 0 0 0 1' \
	    'x|1|1|one x|2|2|two y|1|3|three'
	is "$k a reject of an old key has the pointer of --map" \
	    'encoding /before/key/k' "$(rejects)"

	fill
	put '{"op":"u","before":{"key":{"k":"x"},"n":1},"after":{"a":5}}' \
	    '{"op":"d","before":{"key":{"k":"x"},"n":2}}'
	loads 'a pointer does not look into the row before' \
	    '2 0 1 0 0 0 1 0 0' 'x|1|5|one y|1|3|three' \
	    --map k=/key/k --map b=/n

	# Column n takes the member k, and column k the member n.
	fill
	put '{"op":"u","before":{"n":"x","k":1},"after":{"n":"y","k":2,"a":5}}' \
	    '{"op":"u","before":{"n":"y","k":2},"after":{"b":"p"}}' \
	    '{"op":"d","before":{"n":"x","k":2}}'
	loads 'two columns of the key exchanged' '3 0 2 0 0 0 1 0 0' \
	    'y|1|3|three y|2|5|p' --map n=/k --map k=/n
done
done_testing
