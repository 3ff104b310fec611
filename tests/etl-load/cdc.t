#!/bin/sh
# --mode cdc: the loader applies the changes of a source, in order, to the rows of
# a table.
. tests/support/lib.sh
. tests/etl-load/changes.sh

# rows: prints $columns of $from.
rows() {
	sql "SELECT $columns FROM $from ORDER BY id" | xargs
}
fill() {
	sql "DELETE FROM t; INSERT INTO t (id, a, b) VALUES (1, 1, 'x'),
	    (2, 2, 'y')"
}

for kind in sqlite postgresql; do
	k="$kind:" columns='id, a, b' from=t
	db_new $kind
	sql "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL,
	    b text DEFAULT 'none', c int CHECK (c < 100))"

	# The forms of a change.
	fill
	put '{"operation":"INSERT","data":{"id":3,"a":3,"b":"z"}}' \
	    '{"operation":"update","data":{"id":1,"a":9}}' \
	    '{"operation":"Delete","data":{"id":2,"a":5}}'
	loads 'operation and data' '3 1 1 0 0 0 1 0 0' '1|9|x 3|3|z'
	fill
	put '{"op":"c","before":null,"after":{"id":3,"a":3,"b":"z"},"ts_ms":1}' \
	    '{"op":"r","before":null,"after":{"id":4,"a":4,"b":"z"},"source":{}}' \
	    '{"op":"u","before":{"id":1,"a":1},"after":{"id":1,"a":9,"b":"x"}}' \
	    '{"op":"d","before":{"id":2,"a":5},"after":null}'
	loads "Debezium's envelope" '4 2 1 0 0 0 1 0 0' '1|9|x 3|3|z 4|4|z'
	fill
	put '{"schema":{"x":1},"payload":{"op":"c","after":{"id":3,"a":3}}}' \
	    '{"schema":{},"payload":{"before":{"id":1},"after":null,"op":"d"}}'
	loads "Debezium's envelope in a payload" '2 1 0 0 0 0 1 0 0' \
	    '2|2|y 3|3|none'
	fill
	put null ' null ' '{"schema":null,"payload":null}' \
	    '{"operation":"DELETE","data":null,"before":{"id":1}}'
	loads 'tombstones are skipped' '4 0 0 0 0 3 1 0 0' '2|2|y'

	# Rows that are there, or not.
	fill
	put '{"operation":"INSERT","data":{"id":1,"a":7}}' \
	    '{"operation":"INSERT","data":{"id":2,"a":2}}' \
	    '{"operation":"UPDATE","data":{"id":3,"a":3}}' \
	    '{"operation":"UPDATE","data":{"id":2,"b":"y"}}' \
	    '{"operation":"DELETE","data":{"id":9}}'
	loads 'an update of no row inserts it, a delete of no row is missed' \
	    '5 1 1 2 0 0 0 1 0' '1|7|x 2|2|y 3|3|none'
	fill
	put '{"operation":"UPDATE","data":{"id":3,"a":3}}' \
	    '{"operation":"UPDATE","data":{"id":2,"a":4}}' \
	    '{"operation":"DELETE","data":{"id":9}}' \
	    '{"operation":"UPDATE","data":{"id":8,"a":1},"before":{"id":7}}' \
	    '{"operation":"DELETE","data":{"id":1}}'
	loads '--strict' '5 0 1 0 0 0 1 0 3' '2|4|y' --strict
	is "$k --strict: a change without a row is a reject" \
	    'constraint - constraint - constraint -' "$(rejects)"
	like "$k --strict: the message says so" \
	    'has no row with this key, which the record updates .--strict' \
	    "$(jq -r .message "$scratch/aside" | head -n 1)"

	# The order.
	fill
	put '{"operation":"INSERT","data":{"id":3,"a":3,"b":"z"}}' \
	    '{"operation":"UPDATE","data":{"id":3,"a":4}}' \
	    '{"operation":"DELETE","data":{"id":3}}' \
	    '{"operation":"DELETE","data":{"id":1}}' \
	    '{"operation":"INSERT","data":{"id":1,"a":5}}' \
	    '{"operation":"DELETE","data":{"id":2}}' \
	    '{"operation":"DELETE","data":{"id":2}}'
	loads 'changes of one row in one batch' '7 2 1 0 0 0 3 1 0' '1|5|none'
	fill
	loads 'the same changes in batches of one' '7 2 1 0 0 0 3 1 0' \
	    '1|5|none' --batch 1
	fill
	put '{"operation":"UPDATE","data":{"id":1,"b":null}}' \
	    '{"operation":"UPDATE","data":{"b":"q"},"before":{"id":2,"b":"y"}}'
	loads 'a partial update leaves absent members alone' \
	    '2 0 2 0 0 0 0 0 0' '1|1| 2|2|q'
	fill
	put '{"op":"u","after":{"id":1,"a":3,"b":"__debezium_unavailable_value"}}' \
	    '{"op":"u","after":{"id":2,"a":4,"b":"z"}}' \
	    '{"op":"u","after":{"id":1,"a":5,"b":"__debezium_unavailable_value"}}'
	loads 'a large value that Debezium does not know stays' \
	    '3 0 3 0 0 0 0 0 0' '1|5|x 2|4|z'

	# Updates that change the key.
	fill
	put '{"operation":"UPDATE","data":{"id":5,"b":"n"},"before":{"id":1}}' \
	    '{"operation":"UPDATE","data":{"id":5,"a":6}}' \
	    '{"op":"u","before":{"id":5},"after":{"id":6,"a":6,"b":"m"}}' \
	    '{"operation":"INSERT","data":{"id":1,"a":8}}'
	loads 'a changed key, and later changes of the row' \
	    '4 1 3 0 0 0 0 0 0' '1|8|none 2|2|y 6|6|m'
	fill
	put '{"operation":"UPDATE","data":{"id":5,"a":1},"before":{"id":4}}' \
	    '{"operation":"UPDATE","data":{"id":2,"a":3},"before":{"id":7}}'
	loads 'a changed key of no row: the row of the new key is written' \
	    '2 1 1 0 0 0 0 0 0' '1|1|x 2|3|y 5|1|none'
	fill
	put '{"operation":"UPDATE","data":{"id":2,"a":1},"before":{"id":1}}' \
	    '{"operation":"DELETE","data":{"id":1}}'
	loads 'a changed key that another row has is a reject' \
	    '2 0 0 0 0 0 1 0 1' '2|2|y'
	is "$k a changed key that another row has: the code" \
	    constraint "$(rejects | cut -d' ' -f1)"

	# Rejects.
	fill
	put '{"operation":"MERGE","data":{"id":1}}' '{"op":"t"}' '{"id":1,"a":2}' \
	    '{"operation":"UPDATE","data":{"id":1,"zz":2}}' \
	    '{"op":"u","after":{"id":1,"a":"x"}}' \
	    '{"payload":{"op":"u","after":{"id":1,"a":"\u0000"}}}' \
	    '{"payload":{"op":"u","after":[1]}}' '{"payload":[1]}' \
	    '{"operation":"INSERT","data":{"a":1}}' \
	    '{"operation":"DELETE","before":{"id":null},"data":{}}' \
	    '{"operation":"DELETE","before":null}' '{"operation":5}' \
	    '{"operation":"UPDATE","data":{"id":8},"before":{"id":"x"}}' \
	    '{"operation":"UPDATE","data":{"id":1,"c":100}}' \
	    '{"operation":"INSERT","data":{"id":9,"a":null}}' '[null]' nul \
	    '{"operation":"UPDATE"}' '{"operation":"INSERT","data":{"id":4,"a":4}}'
	is "$k rejects: exit code 0" 0 "$(load)"
	is "$k rejects: the other records are loaded" '1|1|x 2|2|y 4|4|none' \
	    "$(rows)"
	is "$k rejects: the counts" '19 1 0 0 0 0 0 0 18' "$(counts)"
	is "$k rejects: codes, and pointers into the record" 'schema /operation
schema /op
schema -
schema /data/zz
type /after/a
encoding /payload/after/a
type /payload/after
type /payload
required /data/id
required /before/id
required /before
schema /operation
type /before/id
constraint -
constraint -
type -
parse -
required /data' "$(jq -r '.code + " " + (.pointer // "-")' "$scratch/aside" |
	    sed 's,^constraint .*,constraint -,')"
	like "$k a truncate: the message says what to do" \
	    'emptied its table .*--mode replace' \
	    "$(sed -n 2p "$scratch/aside" | jq -r .message)"

	# --soft-delete.
	sql "ALTER TABLE t ADD gone timestamp"
	sql "CREATE VIEW marked AS SELECT id, a, b,
	    CASE WHEN gone IS NULL THEN 'live' ELSE 'gone' END AS s FROM t"
	columns="$columns, s" from=marked
	fill
	put '{"operation":"DELETE","data":{"id":1}}' \
	    '{"operation":"DELETE","data":{"id":1}}' \
	    '{"operation":"DELETE","data":{"id":2}}' \
	    '{"operation":"DELETE","data":{"id":3}}'
	loads '--soft-delete marks the rows' '4 0 0 0 0 0 2 2 0' \
	    '1|1|x|gone 2|2|y|gone' --soft-delete gone
	put '{"operation":"INSERT","data":{"id":1,"a":1}}' \
	    '{"operation":"UPDATE","data":{"id":2,"b":"n"}}' \
	    '{"operation":"UPDATE","data":{"id":2,"b":"n"}}'
	loads '--soft-delete: a row that comes again is not marked' \
	    '3 0 2 1 0 0 0 0 0' '1|1|x|live 2|2|n|live' --soft-delete gone
	columns='id, a, b' from=t

	# A key of two columns, one of which changes.
	sql "DROP VIEW marked; DROP TABLE t; CREATE TABLE t (id int, a text,
	    b int, PRIMARY KEY (id, a)); INSERT INTO t VALUES (1, 'p', 1),
	    (1, 'q', 2)"
	put '{"operation":"UPDATE","data":{"a":"r","b":3},"before":{"id":1,"a":"p"}}' \
	    '{"operation":"UPDATE","data":{"id":2},"before":{"id":1,"a":"q"}}' \
	    '{"operation":"UPDATE","data":{"id":4,"a":"q"},"before":{"id":2}}' \
	    '{"operation":"DELETE","data":{"id":1},"before":{"a":"r"}}'
	loads 'a key of two columns' '4 0 3 0 0 0 1 0 0' '4|q|2'

	# A key of bytes: the bytes of AAED are the first ones of AAED!.
	case $kind in sqlite) bytes=blob ;; *) bytes=bytea ;; esac
	sql "DROP TABLE t; CREATE TABLE t (id $bytes PRIMARY KEY, a int, b int)"
	put '{"operation":"INSERT","data":{"id":"AAED","a":1}}' \
	    '{"operation":"UPDATE","data":{"id":"AAEE"},"before":{"id":"AAED!"}}' \
	    '{"operation":"UPDATE","data":{"id":"AAEF"},"before":{"id":"!!!!"}}' \
	    '{"operation":"DELETE","before":{"id":"AAED!"}}'
	columns='hex(id), a'
	[ "$kind" = sqlite ] || columns="encode(id, 'hex'), a"
	loads '--bytes base64: an old key of another form' '4 1 0 0 0 0 0 0 3' \
	    '000103|1' --bytes base64
	is "$k --bytes base64: its reject points to the old key" \
	    'type /before/id type /before/id type /before/id' "$(rejects)"
	columns='id, a, b'

	# A key that is only spelled otherwise: the row keeps its values, and an
	# update that changes nothing is counted as unchanged.
	case $kind in sqlite) any='text COLLATE NOCASE' ;; *) any=citext ;; esac
	[ "$kind" = sqlite ] || sql 'CREATE EXTENSION citext'
	sql "DROP TABLE t; CREATE TABLE t (id numeric(9, 1), a $any, b int,
	    PRIMARY KEY (id, a))"
	for strict in '' --strict; do
		sql "DELETE FROM t; INSERT INTO t VALUES (5, 'A', 1), (7, 'B', 1),
		    (8, 'C', 1)"
		put '{"op":"u","before":{"id":5.0,"a":"A","b":1},"after":{"id":5,"a":"A","b":1}}' \
		    '{"op":"u","before":{"id":"5","a":"a"},"after":{"id":5e0,"a":"\u0041"}}' \
		    '{"op":"u","before":{"id":7.0,"a":"B"},"after":{"id":7,"a":"b"}}' \
		    '{"op":"u","before":{"id":8.0,"a":"c"},"after":{"id":8,"a":"C","b":2}}'
		loads "a key in another spelling${strict:+, }$strict" \
		    '4 0 2 2 0 0 0 0 0' "$([ $kind = sqlite ] &&
		    echo '5|A|1 7|b|1 8|C|2' || echo '5.0|A|1 7.0|b|1 8.0|C|2')" \
		    $strict
	done
	put '{"op":"u","before":{"id":9,"a":"x"},"after":{"id":7,"a":"b","b":1}}'
	loads '--strict: no row has the old key' '1 0 0 0 0 0 0 0 1' \
	    "$([ $kind = sqlite ] && echo '5|A|1 7|b|1 8|C|2' ||
	    echo '5.0|A|1 7.0|b|1 8.0|C|2')" --strict

	# --seen, --touch and --compare.
	sql "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a int, b text,
	    at timestamp, seen timestamp);
	    INSERT INTO t (id, a, b) VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z')"
	put '{"operation":"UPDATE","data":{"id":1,"a":1,"b":"other"}}' \
	    '{"operation":"UPDATE","data":{"id":2,"a":5}}' \
	    '{"operation":"DELETE","data":{"id":3}}'
	loads '--compare, --touch and --seen' '3 0 1 1 0 0 1 0 0' \
	    '1|1|x 2|5|y' --compare a --touch at --seen seen
	is "$k --touch sets the changed row, --seen both" '0|1 1|1' \
	    "$(sql "SELECT CASE WHEN at IS NULL THEN 0 ELSE 1 END,
	    CASE WHEN seen IS NULL THEN 0 ELSE 1 END FROM t ORDER BY id" | xargs)"
	is "$k --strict needs --mode cdc: exit code 64" 64 \
	    "$(load --mode upsert --strict)"
done
done_testing
