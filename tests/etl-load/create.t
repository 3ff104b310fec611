#!/bin/sh
# etl-load --create: makes the table from the first records.
. tests/support/lib.sh

# load OPTION...: prints the exit code; the input is $scratch/in.
load() {
	: >"$scratch/rejects"
	status etl-load -v --db "$db" --table t --create --max-rejects 100% \
	    --rejects "$scratch/rejects" "$@" <"$scratch/in"
}
put() {
	printf '%s\n' "$@" >"$scratch/in"
}
rejects() {
	jq -r '"\(.code) \(.pointer)"' "$scratch/rejects"
}
drop() {
	sql 'DROP TABLE IF EXISTS t' 2>"$scratch/drop.err"
}
# types: prints the columns of t with their types.
types() {
	case $db in
	sqlite:*) sql "SELECT name, type, \"notnull\", pk
	    FROM pragma_table_info('t') ORDER BY cid" ;;
	*) sql "SELECT attname, format_type(atttypid, atttypmod),
	    attnotnull::int, coalesce((SELECT array_position(conkey, attnum)
	    FROM pg_constraint WHERE conrelid = attrelid AND contype = 'p'), 0)
	    FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0
	    ORDER BY attnum" ;;
	esac | tr '\n' ' '
}
no_table() {
	case $db in
	sqlite:*) sql "SELECT count(*) FROM sqlite_schema WHERE name = 't'" ;;
	*) sql "SELECT count(to_regclass('t'))" ;;
	esac
}
# refuses STATUS LABEL ERE OPTION...: the load fails and makes no table.
refuses() {
	wanted=$1 label=$2 ere=$3
	shift 3
	is "$k $label: exit code $wanted" "$wanted" "$(load "$@")"
	like "$k $label: the message says why" "$ere" "$(cat "$scratch/err")"
	is "$k $label: no table is made" 0 "$(no_table)"
}
# on SQLITE POSTGRESQL: prints what is wanted of this kind of database.
on() {
	if [ $kind = sqlite ]; then echo "$1"; else echo "$2"; fi
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind

	put '{"id":1,"flag":true,"n":-5,"wide":12345678901234567890,"x":0.5,"digits":0.12345678901234567890,"day":"2026-01-31","at":"2026-01-31T10:15:00.5+02:00","name":"a","list":[1],"none":null}' \
	    '{"late":{"a":1},"id":2,"flag":false,"n":7,"x":2,"mixed":1}' \
	    '{"id":3,"mixed":"x","list":"y","at":null}'
	refuses 78 'a temporary table' 'would be lost when etl-load ends' \
	    --key id --table "$(on temp pg_temp).t"
	is "$k each type of value: exit code 0" 0 "$(load --key id)"
	is "$k each member gets a column of its type, in the order of appearance; the key is the primary key" \
	    "$(on 'id|INTEGER|1|1 flag|BOOLEAN|0|0 n|INTEGER|0|0 wide|TEXT|0|0 x|REAL|0|0 digits|TEXT|0|0 day|TEXT|0|0 at|TEXT|0|0 name|TEXT|0|0 list|JSON|0|0 none|TEXT|0|0 late|JSON|0|0 mixed|TEXT|0|0 ' \
	    'id|bigint|1|1 flag|boolean|0|0 n|bigint|0|0 wide|numeric|0|0 x|numeric|0|0 digits|numeric|0|0 day|date|0|0 at|timestamp with time zone|0|0 name|text|0|0 list|jsonb|0|0 none|text|0|0 late|jsonb|0|0 mixed|text|0|0 ')" \
	    "$(types)"
	is "$k each type of value: all records are loaded" '3 ' \
	    "$(sql 'SELECT count(*) FROM t') $(rejects)"
	is "$k no digit of a number is lost" \
	    '12345678901234567890|0.12345678901234567890' \
	    "$(sql 'SELECT wide, digits FROM t WHERE id = 1')"
	put '{"id":3,"name":"z"}' '{"id":4,"n":"x"}' '{"id":5,"other":1}' \
	    '{"id":null}' '{"name":"no key"}'
	is "$k a second load: exit code 0" 0 "$(load --key id)"
	is "$k a table that exists is used as it is: records that contradict it are rejects" \
	    'type /n schema /other required /id required /id z' \
	    "$(rejects | tr '\n' ' ')$(sql 'SELECT name FROM t WHERE id = 3')"

	# Mixed values: each type that follows must take all values of the column.
	drop
	put '{"a":1,"b":1,"c":9007199254740993,"d":true,"e":"2026-01-31","f":1,"g":1e400,"h":1.5e3000}' \
	    '{"a":1.5,"b":true,"c":0.5,"d":[],"e":"2026-01-31T00:00:00Z","f":{"x":2},"g":1,"h":1}'
	is "$k mixed values: exit code 0" 0 "$(load)"
	is "$k a column gets a type that holds all its values" \
	    "$(on 'a|REAL|0|0 b|TEXT|0|0 c|NUMERIC|0|0 d|JSON|0|0 e|TEXT|0|0 f|JSON|0|0 g|TEXT|0|0 h|TEXT|0|0 ' \
	    'a|numeric|0|0 b|text|0|0 c|numeric|0|0 d|jsonb|0|0 e|text|0|0 f|jsonb|0|0 g|numeric|0|0 h|text|0|0 ')" \
	    "$(types)"
	is "$k mixed values: all records are loaded" 2 \
	    "$(sql 'SELECT count(*) FROM t')$(rejects)"
	# Times that timestamptz would change, and texts that are almost times.
	drop
	put '{"a":"2026-01-31T10:15:00.1234567Z","b":"2026-06-30T23:59:60Z","c":"0000-01-01","d":"2026-02-30","e":"2026-01-31T10:15:00","f":"2026-01-31 10:15:00Z","g":"2026-01-31T10:15:00+20:00","h":"10:15:00"}'
	is "$k texts that are no RFC 3339 time, or have no exact one: exit code 0" \
	    0 "$(load)"
	is "$k texts that are no RFC 3339 time, or have no exact one, get text columns" \
	    'a|text|0|0 b|text|0|0 c|text|0|0 d|text|0|0 e|text|0|0 f|text|0|0 g|text|0|0 h|text|0|0 ' \
	    "$(types | tr '[:upper:]' '[:lower:]')"

	# The size of a batch, marks and --flush do not change the sample.
	drop
	{
		echo '{"@etl":"begin","version":1,"id":"s1","stages":["x"]}'
		seq -f '{"id":%.0f,"v":1}' 1 500
		echo '{"id":501,"v":0.5,"w":"x"}'
	} | sed 1d >"$scratch/in"
	is "$k --batch 10: exit code 0" 0 "$(load --key id --batch 10 --flush 0s)"
	is "$k the sample goes beyond the first batch" \
	    "$(on 'id|INTEGER|1|1 v|REAL|0|0 w|TEXT|0|0 ' \
	    'id|bigint|1|1 v|numeric|0|0 w|text|0|0 ')" "$(types)"
	is "$k --batch 10: all records are loaded" 501 \
	    "$(sql 'SELECT count(*) FROM t')"
	drop
	{
		seq -f '{"id":%.0f,"v":1}' 1 10000
		echo '{"id":10001,"v":0.5}'
	} >"$scratch/in"
	is "$k 10,001 records: exit code 0" 0 "$(load --key id)"
	is "$k a record after the first 10,000 that contradicts the types is a reject" \
	    '10000|type /v' "$(sql 'SELECT count(*) FROM t')|$(rejects)"
	drop
	: >"$scratch/rejects"
	{
		echo '{"id":1}'
		wait_until 10 sql 'SELECT 1 FROM t' || echo '{"id":"late"}'
		echo '{"id":2,"v":"too late"}'
	} | etl-load --db "$db" --table t --create --key id --max-rejects 100% \
	    --rejects "$scratch/rejects" 2>"$scratch/err" || :
	is "$k after one second the table is made from the records that came" \
	    '1|schema /v' "$(sql 'SELECT count(*) FROM t')|$(rejects)"

	# Options that name columns.
	drop
	put '{"k":{"id":7},"a":"x","b":1,"c":2}' '{"k":{"id":8},"z":0}'
	is "$k --map, --columns, --extra and columns that options set: exit code 0" \
	    0 "$(load --map id=/k/id --map gone=/k/gone --columns 'a, b' \
	    --key id --extra rest --touch touched --seen seen)"
	is "$k --map, --columns, --extra and columns that options set get columns" \
	    "$(on 'a|TEXT|0|0 b|INTEGER|0|0 id|INTEGER|1|1 gone|TEXT|0|0 rest|JSON|0|0 touched|TEXT|0|0 seen|TEXT|0|0 ' \
	    'a|text|0|0 b|bigint|0|0 id|bigint|1|1 gone|text|0|0 rest|jsonb|0|0 touched|timestamp with time zone|0|0 seen|timestamp with time zone|0|0 ')" \
	    "$(types)"
	is "$k --extra COLUMN takes the members without a column" \
	    '7|x|1|{"c":2}
8|||{"z":0}' "$(sql "SELECT id, a, b, replace(CAST(rest AS text), ' ', '')
	    FROM t ORDER BY id" | sed 's/"k":{[^}]*},//; s/,"k":{[^}]*}//')"
	drop
	put '{"k":{"id":7},"a":"x"}'
	is "$k --map without --columns: exit code 0" 0 "$(load --map id=/k/id)"
	is "$k a member into which a pointer leads gets no column of its own" \
	    'a id' "$(types | sed 's/|[^ ]*//g; s/ $//; s/ with time zone//g')"
	drop
	put '{"a":1,"b":2,"v":""}'
	is "$k a key of two columns: exit code 0" 0 \
	    "$(load --key 'b, a' --empty-as-null)"
	is "$k a key of two columns is the primary key in the order of --key" \
	    "$(on 'a|INTEGER|1|2 b|INTEGER|1|1 v|TEXT|0|0 ' \
	    'a|bigint|1|2 b|bigint|1|1 v|text|0|0 ')" "$(types)"

	# Modes.
	drop
	put '{"op":"c","after":{"id":1,"v":0.5}}' \
	    '{"operation":"UPDATE","data":{"id":1,"w":"__debezium_unavailable_value"}}' \
	    '{"payload":{"op":"u","before":{"id":1},"after":{"id":2,"w":3}}}' \
	    'null' '{"operation":"DELETE","data":{"id":9}}'
	is "$k --mode cdc: exit code 0" 0 \
	    "$(load --mode cdc --key id --soft-delete gone)"
	is "$k --mode cdc: the types come from the rows in the changes" \
	    "$(on 'id|INTEGER|1|1 v|REAL|0|0 w|INTEGER|0|0 gone|TEXT|0|0 ' \
	    'id|bigint|1|1 v|numeric|0|0 w|bigint|0|0 gone|timestamp with time zone|0|0 ')" \
	    "$(types)"
	is "$k --mode cdc: the changes are applied" '2|0.5|3' \
	    "$(sql 'SELECT id, v, w FROM t WHERE gone IS NULL')$(rejects)"
	drop
	put '{"id":1,"v":"a","at":"2026-01-01T00:00:00Z"}' \
	    '{"id":1,"v":"b","at":"2026-02-01T00:00:00Z"}'
	is "$k --mode scd2: exit code 0" 0 \
	    "$(load --mode scd2 --key id --as-of at --valid-to until)"
	is "$k --mode scd2: the history's columns and primary key are made" \
	    "$(on 'id|INTEGER|1|1 v|TEXT|0|0 valid_from|TEXT|1|2 until|TEXT|0|0 is_current|BOOLEAN|0|0 ' \
	    'id|bigint|1|1 v|text|0|0 valid_from|timestamp with time zone|1|2 until|timestamp with time zone|0|0 is_current|boolean|0|0 ')" \
	    "$(types)"
	is "$k --mode scd2: a change ends the row before it" 'a b' \
	    "$(sql 'SELECT v FROM t ORDER BY valid_from' | tr '\n' ' ' |
	    sed 's/ $//')"
	for mode in 'append' 'ignore --key id' 'mirror --key id' 'replace' \
	    'replace --replace-by delete' 'delete-insert --scope v'; do
		drop
		# shellcheck disable=SC2086
		is "$k --mode $mode: exit code 0" 0 "$(load --mode $mode)"
		is "$k --mode $mode: the table is made and filled" \
		    "$(case $mode in *key*) echo 1 ;; *) echo 2 ;; esac)" \
		    "$(sql 'SELECT count(*) FROM t')"
	done

	# What cannot be made.
	drop
	refuses 78 'a keyed mode without --key' 'primary key with --key' \
	    --mode upsert
	refuses 78 '--key that no record has' \
	    'has the member "iid", which --key names.*id' --key iid
	refuses 78 '--scope that no record has' '--scope names' \
	    --mode delete-insert --scope nowhere
	refuses 78 'an option that does not fit the table' 'part of the key' \
	    --key id --touch id
	: >"$scratch/in"
	is "$k empty input: exit code 0" 0 "$(load --key id)"
	like "$k empty input: a line says that there is no table" \
	    'has not made table t' "$(cat "$scratch/err")"
	refuses 65 'empty input in a mode that needs a complete stream' \
	    'no record came' --mode replace --allow-empty
	refuses 65 'empty input with --expect' 'no record came' \
	    --expect 'rows>=0'
	put 'x' '[1]' '{}'
	refuses 65 'no good record' 'none of the first 3 records'
	put '{"":1}'
	refuses 78 'an empty name' 'not empty and without NUL'
	put '{"a\u0000b":1}'
	refuses 78 'a name with NUL' 'without NUL'
	if [ $kind = sqlite ]; then
		put '{"Id":1}' '{"iD":1}'
		refuses 78 'names that differ in case' \
		    '"Id" and "iD" differ only in case'
	else
		long=$(printf %064d 0 | tr 0 x)
		put "{\"$long\":1}"
		refuses 78 'a name that the server would cut' 'at most 63 bytes'
		put '{"etl.n":1}'
		refuses 78 'a name that etl-load uses' 'begin with etl'
		put '{"xmin":1}'
		refuses 78 'a name of the server' 'system column'
		put '{"id":1}'
		rc=$(status etl-load --db "$db" --table nowhere.t --create \
		    <"$scratch/in")
		is "$k a schema that does not exist: exit code 78" 78 "$rc"
	fi
	jq -nc '[range(2001) | {"key": "c\(.)", "value": .}] | from_entries' \
	    >"$scratch/in"
	refuses 78 'too many columns' 'would have 2001 columns, but the database allows'
	put '{"a\"; DROP TABLE x; --":1,"select":2,"é €":3,"a.b":4}'
	is "$k hostile names: exit code 0" 0 "$(load --key 'a.b')"
	is "$k hostile names are stored as plain names" \
	    'a"; DROP TABLE x; --,select,é €,a.b' "$(types |
	    sed -E 's/\|[A-Za-z]+\|[0-9]\|[0-9] /,/g; s/,$//')"

	# Two loaders at once: the one that comes second uses the table.
	drop
	seq -f '{"id":%.0f,"v":"x"}' 1 300 >"$scratch/a"
	seq -f '{"id":%.0f,"v":"x"}' 301 600 >"$scratch/b"
	for part in a b; do
		etl-load --db "$db" --table t --key id --create \
		    <"$scratch/$part" 2>"$scratch/err.$part" || echo failed
	done >"$scratch/both" &
	etl-load --db "$db" --table t --key id --create <"$scratch/a" \
	    2>"$scratch/err" || echo failed >>"$scratch/both"
	wait $!
	is "$k several loaders make one table, and all load their records" 600 \
	    "$(cat "$scratch/both")$(sql 'SELECT count(*) FROM t')"

	# A marked stream without records still moves its checkpoint.
	drop
	printf '' >"$scratch/empty.ndjson"
	is "$k a marked stream without records: exit code 0" '0 0' \
	    "$(status etl-extract --stream s "$scratch/empty.ndjson") $(
	    status etl-load --db "$db" --table t --key id --create \
	    <"$scratch/out")"
done

# Names of control tables, in a database that has none yet.
put '{"id":1}'
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	for name in etl_control etl_loads dead_letters dead_letter_attempts \
	    pipeline_runs etl_checkpoints etl_files etl_before \
	    etl_before_runs etl_scopes ETL_LOADS; do
		rc=$(status etl-load --db "$db" --table $name --create \
		    <"$scratch/in")
		is "$k --create does not make the control table $name" 78 "$rc"
	done
	like "$k the message advises another name" \
	    'ETL_LOADS.*control table.*another name' "$(cat "$scratch/err")"
	etl-extract --stream s - <"$scratch/in" >"$scratch/stream"
	is "$k the programs can make their control tables" 0 "$(status \
	    etl-load --db "$db" --table t --create <"$scratch/stream")"
done
done_testing
