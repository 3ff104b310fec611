#!/bin/sh
# Which value each column gets: the options --map, --columns, --extra,
# --empty-as-null and --bytes, and columns that the database generates.
. tests/support/lib.sh

# load OPTION...: prints the exit code; the input is $scratch/in.
load() {
	: >"$scratch/rejects"
	status etl-load -v --db "$db" --table t --max-rejects 100% \
	    --rejects "$scratch/rejects" "$@" <"$scratch/in"
}
put() {
	printf '%s\n' "$@" >"$scratch/in"
}
rejects() {
	jq -r '"\(.code) \(.pointer)"' "$scratch/rejects"
}
# table COLUMNS: makes the table t anew.
table() {
	sql 'DROP TABLE IF EXISTS t' 2>/dev/null
	sql "CREATE TABLE t ($1)"
}
# refuses STATUS LABEL ERE OPTION...: the load fails before it changes anything.
refuses() {
	wanted=$1 label=$2 ere=$3
	shift 3
	is "$k $label: exit code $wanted" "$wanted" "$(load "$@")"
	like "$k $label: the message says why" "$ere" "$(cat "$scratch/err")"
	is "$k $label: the table stays empty" 0 "$(sql 'SELECT count(*) FROM t')"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	json=JSON
	[ $kind = sqlite ] || json=jsonb

	table "id int PRIMARY KEY, name text, city text, n int, tags $json"
	put '{"id":1,"name":"a","who":{"at":{"city":"Bonn"},"n":"7"},"list":[1,{"x":[2,3]}]}' \
	    '{"id":2,"name":"b","who":{"at":{}},"list":[]}' \
	    '{"id":3,"name":"c","who":"x","list":{"1":{"x":5}}}' \
	    '{"id":4,"name":"d","who":{"at":{"city":null}}}'
	is "$k --map: exit code 0" 0 "$(load --key id --map city=/who/at/city \
	    --map n=/who/n --map tags=/list/1/x)"
	is "$k --map: a column gets the value at its pointer, or its default" \
	    "1|a|Bonn|7|[2,3]
2|b|||
3|c|||5
4|d|||" "$(sql "SELECT id, name, city, n, replace(CAST(tags AS text), ' ', '')
	    FROM t ORDER BY id")"
	is "$k --map: a member into which a pointer leads is no unknown member" \
	    '' "$(rejects)"
	put '{"id":1,"who":{"n":8}}'
	is "$k --map: a second load: exit code 0" 0 "$(load --key id \
	    --map n=/who/n --map city=/who/at/city)"
	is "$k --map: a column without a value at its pointer is left alone" \
	    'Bonn|8' "$(sql 'SELECT city, n FROM t WHERE id = 1')"

	table "id int PRIMARY KEY, name text, two text"
	put '{"k":{"id":1},"a/b":{"c~d":"x"},"name":"y"}' \
	    '{"k":{"id":null},"a/b":{"c~d":"x"}}' '{"k":{},"a/b":1}' \
	    '{"k":{"id":"x"}}' '{"k":{"id":4},"a/b":{"c~d":"\u0000"}}' \
	    '{"k":{"id":5,"id":6}}' '{"k":{"id":6},"name":"y","z":1}' \
	    '{"k":{"id":7},"id":8}'
	is "$k --map of a key column: exit code 0" 0 "$(load --key id \
	    --map id=/k/id --map two=/a~1b/c~0d --map name=/a~1b/c~0d \
	    --extra ignore)"
	is "$k --map: two columns get the value of one pointer" \
	    '1|x|x
6||
7||' "$(sql 'SELECT id, name, two FROM t ORDER BY id')"
	is "$k --map: a reject has the pointer of --map" \
	    'required /k/id
required /k/id
type /k/id
encoding /a~1b/c~0d
duplicate_member null' "$(rejects | sed 's/encoding.*/encoding \/a~1b\/c~0d/')"
	like "$k --map: the message about a missing key names the pointer" \
	    'the record has no "/k/id", which is part of the key' \
	    "$(jq -r .message "$scratch/rejects")"
	put '{"k":{"id":9},"id":10}' '{"k":{"id":9},"name":"z"}' \
	    '{"k":{"id":9},"y":1}'
	is "$k --map without --extra: exit code 0" 0 "$(load --key id \
	    --map id=/k/id)"
	is "$k --map: a member of the name of a mapped column is unknown" \
	    'schema /id
schema /y' "$(rejects)"
	like "$k --map: the reject says that the column has another value" \
	    'another value' "$(jq -r .message "$scratch/rejects")"

	# The letter of a reject is found by the key that --map gives.
	{
		echo '{"@etl":"begin","v":1,"id":"s1","stages":["extract"]}'
		echo '{"k":{"id":"no"}}'
		echo '{"k":{"id":11},"name":[1],"y":2}'
		echo '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}'
	} >"$scratch/in"
	is "$k --map: a stream with rejects: exit code 0" 0 "$(status etl-load \
	    --db "$db" --table t --key id --map id=/k/id --max-rejects 100% \
	    <"$scratch/in")"
	is "$k --map: a dead letter has the key that the pointer gives" \
	    '["no"]
[11]' "$(etl-dlq --db "$db" export | jq -c '.origin.key | fromjson')"

	put '{"id":1,"name":"a","two":"b"}' '{"id":2,"name":"a"}'
	sql 'DELETE FROM t'
	is "$k --columns: exit code 0" 0 "$(load --columns id,name)"
	is "$k --columns: a member of another column is unknown" \
	    'schema /two' "$(rejects)"
	is "$k --columns --extra ignore: exit code 0" 0 "$(load --key id \
	    --columns ' name , id ' --extra ignore)"
	is "$k --columns: the other columns get their defaults" \
	    '1|a|
2|a|' "$(sql 'SELECT id, name, two FROM t ORDER BY id')"
	put '{"id":3,"x":{"y":"z"}}'
	is "$k --columns with --map: exit code 0" 0 "$(load --key id \
	    --columns id --map two=/x/y)"
	is "$k --columns: the columns of --map are loaded too" \
	    '3||z' "$(sql 'SELECT id, name, two FROM t WHERE id = 3')"

	put '{"id":4}' '{"id":5,"x":1}' '{"id":6}'
	is "$k --extra error: exit code 65" 65 "$(load --key id --extra error)"
	like "$k --extra error: the message names the line and the member" \
	    'line 2: /x: ' "$(cat "$scratch/err")"
	is "$k --extra error: nothing of the batch is committed" \
	    3 "$(sql 'SELECT count(*) FROM t')"
	is "$k --extra error: no record is rejected" '' "$(rejects)"
	put '{"id":4,"x":1}' '{"y":[1],"id":5,"x":2}'
	is "$k --extra ignore: exit code 0" 0 "$(load --key id --extra ignore)"
	is "$k --extra ignore: the records are loaded without these members" \
	    5 "$(sql 'SELECT count(*) FROM t')"

	for type in $json text; do
		table "id int PRIMARY KEY, name text, rest $type, g int"
		put '{"id":1,"x":{"a": 1.50},"name":"a","y":"\u00e9\"","rest":2}' \
		    '{"id":2}' '{"k":[1, 2],"id":3,"name":null}'
		is "$k --extra COLUMN ($type): exit code 0" 0 "$(load --key id \
		    --extra rest --columns id,name)"
		is "$k --extra COLUMN ($type): it gets the other members" \
		    '1 {"rest":2,"x":{"a":1.5},"y":"é\""}
2 {}
3 {"k":[1,2]}' "$(sql "SELECT id || ' ' || CAST(rest AS text) FROM t
		    ORDER BY id" | while read -r id object; do
			# jq 1.7 would keep the spelling 1.50.
			echo "$id $(echo "$object" |
			    jq -cS 'if .x then .x.a += 0 else . end')"
		done)"
	done
	is "$k --extra COLUMN: a text column keeps the order and the spelling" \
	    '{"x":{"a":1.50},"y":"\u00e9\"","rest":2}' \
	    "$(sql 'SELECT rest FROM t WHERE id = 1')"
	put '{"id":1,"name":"b"}'
	is "$k --extra COLUMN again: exit code 0" 0 "$(load --key id \
	    --extra rest)"
	is "$k --extra COLUMN: without other members it is an empty object" \
	    '{}' "$(sql 'SELECT rest FROM t WHERE id = 1')"
	put '{"id":4,"x":1,"x":2,"\u0078":3,"name":"c","name":"d"}'
	is "$k --extra COLUMN, members twice: exit code 0" 0 "$(load --key id \
	    --extra rest --duplicate-members last)"
	is "$k --extra COLUMN: of two members of one name the last counts" \
	    'd|{"\u0078":3}' "$(sql 'SELECT name, rest FROM t WHERE id = 4')"
	put '{"id":5,"x":{"a":1,"b":2},"y":7}'
	is "$k --extra COLUMN with --map: exit code 0" 0 "$(load --key id \
	    --extra rest --map name=/x/a --map g=/y)"
	is "$k --extra COLUMN: it gets a member of which --map takes a part" \
	    '1|7|{"x":{"a":1,"b":2}}' \
	    "$(sql 'SELECT name, g, rest FROM t WHERE id = 5')"

	table 'id text PRIMARY KEY, s text, n int, d date'
	put '{"id":"1","s":"","n":"","d":""}' '{"id":"","s":"x"}' \
	    '{"id":"2","s":" ","n":0}'
	is "$k --empty-as-null: exit code 0" 0 "$(load --key id --empty-as-null)"
	is "$k --empty-as-null: an empty string is NULL in every column" \
	    '1|||
2| |0|' "$(sql 'SELECT id, s, n, d FROM t ORDER BY id')"
	is "$k --empty-as-null: an empty key is a reject" \
	    'required /id' "$(rejects)"
	is "$k without --empty-as-null: exit code 0" 0 "$(load --key id)"
	is "$k without --empty-as-null: an empty string is a text" \
	    ' x' "$(sql "SELECT id || ' ' || s FROM t WHERE id = ''")"

	bytes=bytea
	[ $kind = postgresql ] || bytes=BLOB
	table "id int, y $bytes"
	put '{"id":1,"y":"AP8="}' '{"id":2,"y":"\u0041Q\/\/"}' '{"id":3,"y":""}' \
	    '{"id":4,"y":null}' '{"id":5,"y":"AP8"}' '{"id":6,"y":"A=8="}' \
	    '{"id":7,"y":7}' '{"id":8,"y":"\\x41"}' '{"id":9}'
	is "$k --bytes base64: exit code 0" 0 "$(load --bytes base64)"
	case $kind in
	sqlite) hex="SELECT id, lower(hex(y)) FROM t ORDER BY id" ;;
	*) hex="SELECT id, encode(y, 'hex') FROM t ORDER BY id" ;;
	esac
	is "$k --bytes base64: a string becomes the bytes that it stands for" \
	    '1|00ff
2|010fff
3|
4|
9|' "$(sql "$hex")"
	is "$k --bytes base64: any other value is a reject" 'type /y
type /y
type /y
type /y' "$(rejects)"
	table "id int, y $bytes, name text"
	put '{"id":1,"y":"AP8=","name":"x"}' '{"id":2,"y":"AP8"}' \
	    '{"id":3,"y":"AP8="}'
	load --bytes base64 >/dev/null
	is "$k --bytes base64: the record after a reject has only its members" \
	    "3|" "$(sql 'SELECT id, name FROM t WHERE id = 3')"

	table 'id int PRIMARY KEY, name text UNIQUE, n int'
	put '{"id":1,"m":""}'
	refuses 64 '--map without a pointer' 'COLUMN=POINTER' --map name
	refuses 64 '--map with a wrong pointer' 'COLUMN=POINTER' --map name=/~2
	refuses 64 '--bytes octal' 'hex or base64' --bytes octal
	refuses 78 '--map of no column' 'did you mean name' --map nam=/m
	refuses 78 '--map of one column twice' 'named twice' --map n=/a \
	    --map n=/b
	refuses 78 '--columns with an unknown name' 'no column "x"' --columns id,x
	refuses 78 '--columns with a name twice' 'named twice' --columns id,id
	refuses 78 '--columns without the key' 'does not name column "id"' \
	    --columns name --key id
	refuses 78 '--columns with the column of --touch' '--touch sets' \
	    --columns id,n --touch n --key id
	# The text is needed twice, and is longer than any buffer of before.
	sql 'CREATE TABLE twice (a text, b text, n int)'
	python3 -c 'print("{\"x\":\"" + "y\\n" * 150000 + "\",\"n\":1}")' \
	    >"$scratch/long"
	for n in 1 2; do
		is "$k two columns of --scope from one pointer, load $n: exit code 0" \
		    0 "$(status etl-load --db "$db" --table twice --mode \
		    delete-insert --scope a,b --map a=/x --map b=/x \
		    <"$scratch/long")"
	done
	is "$k two columns of --scope from one pointer: the row was replaced" \
	    '1|1' "$(sql "SELECT count(*), sum(CASE WHEN a = b AND
	    length(a) = 300000 THEN 1 ELSE 0 END) FROM twice")"
	refuses 78 '--newer-by of the column of --extra' 'same column' \
	    --key id --newer-by name --extra name
	refuses 64 '--mode cdc with --extra COLUMN' 'used with --mode cdc' \
	    --mode cdc --extra name
	refuses 78 '--extra of no column' 'no column "ignor' --extra ignor
	refuses 78 '--extra of a column of numbers' 'JSON or text' --extra n
	refuses 78 '--extra of a key' 'part of the key' --extra name --key name \
	    --mode ignore
	refuses 78 '--extra and --map of one column' 'same column' --extra name \
	    --map name=/m
	# The values of one pointer are longer together than the record.
	table 'a text, b text, c text, d text'
	escaped=$(printf '%02000d' 0 | sed 's/0/\\n\\u00e9/g')
	put "{\"x\":\"$escaped\"}"
	is "$k --map of one long value: exit code 0" 0 "$(load --mode \
	    delete-insert --complete --scope a,b,c --map a=/x --map b=/x \
	    --map c=/x --map d=/x)"
	is "$k four columns get one long value" '4000|1|1|1' \
	    "$(sql 'SELECT length(a), count(*), sum(CASE WHEN a = b THEN 1 END),
	    sum(CASE WHEN c = d AND b = c THEN 1 END) FROM t GROUP BY a')"

	case $kind in
	sqlite) computed='int GENERATED ALWAYS AS (n * 2)' ;;
	*) computed='int GENERATED ALWAYS AS (n * 2) STORED' ;;
	esac
	table "id int PRIMARY KEY, n int, g $computed"
	put '{"id":1,"n":3}' '{"id":2,"n":3,"g":6}'
	is "$k a computed column: exit code 0" 0 "$(load --key id)"
	is "$k a computed column is left out" '1|3|6' "$(sql 'SELECT * FROM t')"
	is "$k a member for a computed column is a reject" \
	    'schema /g' "$(rejects)"
	is "$k a computed column with --extra ignore: exit code 0" \
	    0 "$(load --key id --extra ignore)"
	is "$k --extra ignore leaves out a member for a computed column" \
	    '1|3|6
2|3|6' "$(sql 'SELECT * FROM t ORDER BY id')"
	sql 'DELETE FROM t'
	refuses 78 '--columns with a computed column' 'generated by the database' \
	    --columns id,g
	refuses 78 '--map of a computed column' 'generated by the database' \
	    --map g=/n
	for mode in upsert mirror; do
		refuses 78 "$mode without the primary key in --columns" \
		    'no record sets column "id" of the primary key' \
		    --mode $mode --columns n
	done

	table 'day text, n int'
	put '{"at":{"day":"a"},"n":1}' '{"at":{"day":""},"n":2}'
	sql "INSERT INTO t VALUES ('a', 0), ('b', 0), (NULL, 0), ('c', 0)"
	is "$k a mapped scope: exit code 0" 0 "$(load --mode delete-insert \
	    --complete --scope day --map day=/at/day --empty-as-null \
	    --scope-value c)"
	is "$k a scope is read at the pointer of --map; --scope-value gives it" \
	    'a|1
b|0
|2' "$(sql 'SELECT * FROM t ORDER BY day IS NULL, day')"
done

k=postgresql:
for always in ALWAYS 'BY DEFAULT'; do
	table "id int GENERATED $always AS IDENTITY PRIMARY KEY, n int"
	for mode in append upsert ignore; do
		sql 'TRUNCATE t RESTART IDENTITY'
		put '{"id":7,"n":1}' '{"id":9,"n":"x"}' '{"id":8,"n":2}'
		is "$k --columns with an identity $always, $mode: exit code 0" \
		    0 "$(load --mode $mode --columns id,n)"
		is "$k --columns with an identity $always, $mode: it is loaded" \
		    '7|1
8|2' "$(sql 'SELECT * FROM t ORDER BY id')"
	done
	put '{"id":7,"n":5}' '{"id":6,"n":6}'
	is "$k an identity $always as the key: exit code 0" 0 "$(load --key id \
	    --columns id --map n=/n)"
	is "$k an upsert finds rows by an identity $always" '6|6
7|5
8|2' "$(sql 'SELECT * FROM t ORDER BY id')"
done
table 'id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int UNIQUE'
put '{"n":1}' '{"id":7,"n":2}'
is "$k a table with an identity: exit code 0" 0 "$(load)"
is "$k an identity column is left out" '1|1' "$(sql 'SELECT * FROM t')"
is "$k a member for an identity column is a reject" 'schema /id' "$(rejects)"
sql 'DELETE FROM t'
refuses 78 'an upsert that would change an identity' 'does not let an update' \
    --key n --columns id,n
put '{"id":5,"n":4}' '{"id":6,"n":4}'
is "$k --mode ignore with an identity that is no key: exit code 0" 0 \
    "$(load --mode ignore --key n --columns id,n)"
is "$k --mode ignore with an identity that is no key inserts it" \
    '5|4' "$(sql 'SELECT * FROM t')"
done_testing
