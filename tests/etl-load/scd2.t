#!/bin/sh
# --mode scd2: the table keeps a row for each value that a key has had.
. tests/support/lib.sh
. tests/etl-load/marked.sh

# plain LINE...: makes plain input.
plain() {
	printf '%s\n' "$@" >"$scratch/in"
}
# scd2 OPTION...: loads $scratch/in with the time of change `at`.
scd2() {
	rm -f "$scratch/aside"
	load --mode scd2 --key k --as-of at --rejects "$scratch/aside" \
	    --max-rejects 100% "$@"
}
# counts: the numbers of records inserted, updated, unchanged and rejected.
counts() {
	sed -n 's/.* in, \([0-9]*\) inserted, \([0-9]*\) updated, \([0-9]*\) unchanged, 0 superseded, \([0-9]*\) rejected$/\1 \2 \3 \4/p' \
	    "$scratch/err"
}
# days COLUMN: SQL for the day of a time.
days() {
	case $db in
	sqlite:*) echo "substr($1, 6, 5)" ;;
	*) echo "to_char($1, 'MM-DD')" ;;
	esac
}
# rows [TABLE]: the values and times of the rows; ! stands before current rows.
rows() {
	sql "SELECT CASE WHEN is_current THEN '!' ELSE '' END || v || ' ' ||
	    $(days valid_from) || ' ' || coalesce($(days valid_to), '-')
	    FROM ${1:-t} ORDER BY k, valid_from" | paste -sd, | sed 's/,/, /g'
}
rejects() {
	jq -r '.code + " " + (.pointer // "-")' "$scratch/aside" | paste -sd,
}
# refuses STATUS LABEL ERE OPTION...: the load fails and changes nothing.
refuses() {
	wanted=$1 label=$2 ere=$3
	shift 3
	is "$k $label: exit code $wanted" "$wanted" \
	    "$(load --mode scd2 --key k "$@")"
	like "$k $label: the message says why" "$ere" "$(cat "$scratch/err")"
}
make_table() {
	sql "CREATE TABLE t ($id k int NOT NULL, v text, w text, z text
	    DEFAULT 'zz', valid_from $time NOT NULL, valid_to $time,
	    is_current boolean NOT NULL)"
}
index='CREATE UNIQUE INDEX t_current ON t (k) WHERE is_current'

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	case $kind in
	sqlite) id='id INTEGER PRIMARY KEY,' time=text ;;
	*) id='id serial PRIMARY KEY,' time=timestamptz ;;
	esac
	make_table

	# The index.
	plain '{"k":1,"v":"a","at":"2026-01-01"}'
	refuses 78 'no index of the current rows' 'CREATE UNIQUE INDEX'
	sql "CREATE UNIQUE INDEX other ON t (k, v) WHERE is_current;
	    CREATE UNIQUE INDEX past ON t (k) WHERE NOT is_current;
	    CREATE INDEX plain ON t (k) WHERE is_current"
	refuses 78 'only other indexes' 'CREATE UNIQUE INDEX'
	sed -n 's/.*makes it: //p' "$scratch/err" >"$scratch/index"
	sql "DROP INDEX other; DROP INDEX past; DROP INDEX plain"
	sql "$(cat "$scratch/index")"
	is "$k the statement of the message makes the index: exit code 0" \
	    0 "$(scd2)"
	is "$k the record of a new key is a current row" '!a 01-01 -' "$(rows)"

	# The rules.
	plain '{"k":1,"v":"b","at":"2026-03-01T00:00:00Z"}' \
	    '{"k":1,"v":"c","at":"2026-05-01 02:00:00+02:00"}'
	is "$k two changes in one batch: exit code 0" 0 "$(scd2)"
	is "$k each change ends a row and inserts the next one" \
	    'a 01-01 03-01, b 03-01 05-01, !c 05-01 -' "$(rows)"
	is "$k both records are counted as updated" '0 2 0 0' "$(counts)"
	is "$k the same records again: exit code 0" 0 "$(scd2)"
	is "$k the same records again change nothing" \
	    '0 0 2 0 a 01-01 03-01, b 03-01 05-01, !c 05-01 -' \
	    "$(counts) $(rows)"
	plain '{"k":1,"v":"c","at":"2026-06-01"}'
	is "$k a later record with the same values: exit code 0" 0 "$(scd2)"
	is "$k a later record with the same values changes nothing" \
	    '0 0 1 0 a 01-01 03-01, b 03-01 05-01, !c 05-01 -' \
	    "$(counts) $(rows)"
	plain '{"k":1,"v":"d","at":"2026-05-01"}' '{"k":1,"v":"e","at":"2026-05-01"}'
	is "$k records with the time of the current row: exit code 0" 0 "$(scd2)"
	is "$k the last record with this time gives the values of the row" \
	    '0 2 0 0 a 01-01 03-01, b 03-01 05-01, !e 05-01 -' \
	    "$(counts) $(rows)"
	plain '{"k":1,"v":"late","at":"2026-02-01"}' \
	    '{"k":1,"v":"first","at":"2025-12-01"}' \
	    '{"k":1,"v":"bb","at":"2026-03-01"}'
	is "$k late records: exit code 0" 0 "$(scd2)"
	is "$k late records are inserted at their place in the history" \
	    '0 3 0 0 first 12-01 01-01, a 01-01 02-01, late 02-01 03-01, bb 03-01 05-01, !e 05-01 -' \
	    "$(counts) $(rows)"

	# Columns.
	sql 'DELETE FROM t'
	plain '{"k":1,"v":"a","w":"x","z":"y","at":"2026-01-01"}' \
	    '{"k":1,"v":"b","at":"2026-02-01"}' \
	    '{"k":1,"w":null,"at":"2026-03-01"}' \
	    '{"k":1,"w":"late","at":"2026-01-15"}'
	is "$k records that lack members: exit code 0" 0 "$(scd2)"
	is "$k a row has the values of the row before in the other columns" \
	    'a|x|y,a|late|y,b|x|y,b||y' \
	    "$(sql 'SELECT v, w, z FROM t ORDER BY valid_from' | paste -sd,)"
	is "$k each row has a surrogate key of its own" 4 \
	    "$(sql 'SELECT count(DISTINCT id) FROM t')"
	sql 'DELETE FROM t'
	plain '{"k":1,"v":"a","w":"x","at":"2026-01-01"}' \
	    '{"k":1,"v":"a","w":"y","at":"2026-02-01"}' \
	    '{"k":1,"v":"b","w":"z","at":"2026-03-01"}'
	is "$k --compare: exit code 0" 0 "$(scd2 --compare v)"
	is "$k --compare: a change of another column is no change" \
	    '1 1 1 0 a 01-01 03-01, !b 03-01 -' "$(counts) $(rows)"
	sql 'DELETE FROM t; ALTER TABLE t ADD at text'
	plain '{"k":1,"v":"a","at":"2026-01-01"}'
	is "$k the member of --as-of is a column too: exit code 0" 0 "$(scd2)"
	is "$k the member of --as-of is stored in its column" \
	    '2026-01-01 !a 01-01 -' "$(sql 'SELECT at FROM t') $(rows)"
	is "$k the member of --as-of is no member without a column" \
	    '0 0 0 1 0 0 0 1 0 0' "$(scd2 --columns k,v) $(counts
	    ) $(scd2 --map at=/v) $(counts)"
	sql "UPDATE t SET at = '2026-01-01'"
	plain '{"k":1,"v":"b","valid_from":"2026-02-01"}'
	is "$k --as-of valid_from: exit code 0" 0 "$(scd2 --as-of valid_from)"
	is "$k the member of --as-of may be named like a history column" \
	    'a 01-01 02-01, !b 02-01 -' "$(rows)"

	# Records that are rejected.
	plain '{"k":1,"v":"a","at":"x"}' '{"k":1,"v":"a"}' \
	    '{"k":1,"v":"a","at":null}' '{"k":1,"v":"a","at":20260530}' \
	    '{"k":1,"v":"a","at":"12:00"}' \
	    '{"k":1,"v":"a","at":"2026-02-30"}' \
	    '{"k":1,"v":"a","at":"2026-01-01T00:00:00.1234567Z"}' \
	    '{"k":1,"at":"2026-04-01","is_current":true}' \
	    '{"k":null,"at":"2026-04-01"}' '{"v":"a","at":"2026-04-01"}'
	is "$k bad records: exit code 0" 0 "$(scd2)"
	is "$k bad records are rejected with the member at fault" \
	    'type /at,required /at,required /at,type /at,type /at,type /at,range /at,schema /is_current,required /k,required /k' \
	    "$(rejects)"
	is "$k bad records change nothing" 'a 01-01 02-01, !b 02-01 -' "$(rows)"
	plain '{"k":2,"v":"a","at":"2026-01-01T00:00:00.1234567Z"}'
	is "$k --lossy cuts digits of the second: exit code 0" \
	    '0 1 0 0 0' "$(scd2 --lossy) $(counts)"

	# Without --as-of, no time follows the last one that SQLite can write.
	if [ $kind = sqlite ]; then
		sql 'DELETE FROM t'
		plain '{"k":1,"v":"a","at":"9999-12-31T23:59:59.999999Z"}'
		is "$k the last time that there is: exit code 0" 0 "$(scd2)"
		plain '{"k":1,"v":"b"}'
		load --mode scd2 --key k --rejects "$scratch/none" \
		    --max-rejects 100% >"$scratch/code"
		is "$k a change after the last time gets no row before it" \
		    '!a 12-31 -' "$(rows)"
		like "$k a change after the last time: the message says why" \
		    'a later change cannot have a row' \
		    "$(cat "$scratch/err" "$scratch/none")"
	fi

	# The time of the transaction.
	sql 'DELETE FROM t'
	plain '{"k":1,"v":"a"}' '{"k":1,"v":"b"}' '{"k":1,"v":"b"}' \
	    '{"k":1,"v":"a"}'
	is "$k without --as-of: exit code 0" 0 "$(load --mode scd2 --key k)"
	is "$k without --as-of each change has a row" '1 2 1 0 a,b,a' \
	    "$(counts) $(sql 'SELECT v FROM t ORDER BY valid_from' | paste -sd,)"
	is "$k without --as-of each row begins when the row before ends" 2 \
	    "$(sql 'SELECT count(*) FROM t AS a JOIN t AS b
	    ON a.valid_to = b.valid_from AND a.valid_from < a.valid_to')"
	is "$k without --as-of the time is the present one" 0 \
	    "$(case $kind in
	    sqlite) sql "SELECT count(*) FROM t WHERE abs(julianday(valid_from)
		- julianday('now')) > 0.01" ;;
	    *) sql "SELECT count(*) FROM t WHERE valid_from NOT BETWEEN
		now() - interval '10min' AND now()" ;;
	    esac)"

	# --touch and --seen.
	sql 'DELETE FROM t; ALTER TABLE t ADD x text'
	plain '{"k":1,"v":"a","at":"2026-01-01"}'
	is "$k a row without --touch" 0 "$(scd2)"
	plain '{"k":1,"v":"b","at":"2026-02-01"}'
	is "$k --touch: exit code 0" 0 "$(scd2 --touch x)"
	is "$k --touch sets the column in the row that ends and in the next one" \
	    2 "$(sql 'SELECT count(x) FROM t')"
	sql 'UPDATE t SET x = NULL'
	is "$k --seen: exit code 0" 0 "$(scd2 --seen x)"
	is "$k --seen sets the column in the row that is left alone" b \
	    "$(sql 'SELECT v FROM t WHERE x IS NOT NULL')"

	# Other names and types.
	sql 'DROP TABLE t; CREATE TABLE t (k int NOT NULL, v text, since date
	    NOT NULL, until date, now boolean NOT NULL,
	    PRIMARY KEY (k, since)); CREATE UNIQUE INDEX c ON t (k)
	    WHERE now = true'
	plain '{"k":1,"v":"a","at":"2026-01-01"}' \
	    '{"k":1,"v":"b","at":"2026-02-01"}' \
	    '{"k":1,"v":"b","at":"2026-02-01T01:00:00Z"}'
	is "$k columns of other names: exit code 0" 0 "$(scd2 \
	    --valid-from since --valid-to until --current now)"
	is "$k columns of other names have the history" \
	    'a|2026-01-01|2026-02-01,b|2026-02-01|' \
	    "$(sql 'SELECT v, since, until FROM t ORDER BY since' | paste -sd,)"
	is "$k a time within a day is rejected if the column has days" \
	    'range /at' "$(rejects)"
	plain '{"k":1,"v":"c"}' '{"k":1,"v":"d"}'
	is "$k days without --as-of: exit code 0" 0 "$(load --mode scd2 --key k \
	    --valid-from since --valid-to until --current now)"
	is "$k days without --as-of: a day has one row, with its last values" \
	    d "$(sql "SELECT v FROM t WHERE v > 'b'")"

	# Tables and options that do not fit.
	refuses 78 'a column that the table lacks' 'no column "valid_from"'
	refuses 78 'a column of the key' 'part of the key' --valid-from k
	refuses 78 'two equal columns' 'three columns' --valid-from since \
	    --valid-to since --current now
	refuses 78 'a column of another type' 'must have the same type' \
	    --valid-from since --valid-to v --current now
	refuses 78 'a column that is not boolean' 'must be boolean' \
	    --valid-from since --valid-to until --current v
	refuses 78 '--compare of a history column' 'sets column "until"' \
	    --valid-from since --valid-to until --current now --compare until
	refuses 78 '--touch of a history column' 'sets column "until"' \
	    --valid-from since --valid-to until --current now --touch until
	is "$k no --key: exit code 64" 64 "$(load --mode scd2)"
	is "$k --as-of in another mode: exit code 64" 64 "$(load --as-of at)"
	sql 'DROP TABLE t'
	sql "CREATE TABLE t (k int, v text, valid_from $time, valid_to $time
	    NOT NULL, is_current boolean); $index"
	refuses 78 'an end that cannot be null' 'NOT NULL'

	# Marked streams.
	sql 'DROP TABLE t'
	id='' make_table
	sql "$index"
	stream whole
	rec '{"k":1,"v":"a","at":"2026-01-01"}' '{"k":1,"v":"b","at":"2026-02-01"}'
	is "$k a stream that is cut: exit code 75" 75 "$(scd2 --batch 1)"
	is "$k a stream that is cut changes nothing" '' "$(rows)"
	end
	is "$k a stream with its end: exit code 0" 0 "$(scd2 --batch 1)"
	is "$k a stream with its end is loaded" 'a 01-01 02-01, !b 02-01 -' \
	    "$(rows)"
	is "$k the same stream again: exit code 0" 0 "$(scd2)"
	is "$k the same stream again is skipped" 'a 01-01 02-01, !b 02-01 -' \
	    "$(rows)"
	checkpoint_stream parts
	rec '{"k":2,"v":"a","at":"2026-01-01"}'
	checkpoint_mark 1
	rec '{"k":2,"v":"b","at":"2026-02-01"}'
	is "$k a stream with checkpoints that is cut: exit code 75" \
	    75 "$(scd2 --batch 1)"
	is "$k a stream is loaded up to its last checkpoint" \
	    'a 01-01 02-01, !b 02-01 -, !a 01-01 -' "$(rows)"
	checkpoint_mark 2
	end
	is "$k the whole stream: exit code 0" 0 "$(scd2 --batch 1)"
	is "$k the rest of the stream is loaded" \
	    'a 01-01 02-01, !b 02-01 -, a 01-01 02-01, !b 02-01 -' "$(rows)"
	stream back '"lookback":true,'
	rec '{"k":2,"v":"a","at":"2026-01-01"}'
	end
	refuses 78 'etl-extract --lookback without --as-of' 'give --as-of'
	is "$k etl-extract --lookback with --as-of: exit code 0" \
	    '0 0 0 1 0' "$(scd2) $(counts)"
	[ $kind = postgresql ] || continue

	# An identity column as the key, and beside it.
	sql 'DROP TABLE t'
	make_table
	sql "$index; ALTER TABLE t ALTER k ADD GENERATED ALWAYS AS IDENTITY,
	    ADD n int GENERATED ALWAYS AS IDENTITY"
	plain '{"k":1,"v":"a","at":"2026-01-01"}' \
	    '{"k":1,"v":"b","at":"2026-02-01"}' \
	    '{"k":1,"v":"c","at":"2026-01-15"}' \
	    '{"k":1,"v":"d","at":"2026-01-15"}'
	for size in 10 1; do
		sql 'DELETE FROM t'
		is "$k the key is an identity column, --batch $size" \
		    '0 1 3 0 0' "$(scd2 --columns k,v --batch $size) $(counts)"
		is "$k the key is an identity column, --batch $size: the rows" \
		    'a 01-01 01-15, d 01-15 02-01, !b 02-01 -' "$(rows)"
	done
	refuses 78 'an identity column that is not the key' 'not in the key' \
	    --columns k,v,n --as-of at
done
done_testing
