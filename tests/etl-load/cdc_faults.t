#!/bin/sh
# --mode cdc, when something goes wrong: each change is applied once, in its order,
# and a change that the table refuses is a reject.
. tests/support/lib.sh
. tests/etl-load/changes.sh

rows() {
	sql "SELECT id, a FROM t ORDER BY id" | xargs
}
# table [MORE]: makes table t with the rows 1 and 2.
table() {
	sql "DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY,
	    a int CHECK (a < 100) ${1:-}); INSERT INTO t (id, a) VALUES (1, 1),
	    (2, 2)" 2>/dev/null
}
# change OPERATION ID [A]: prints a change.
change() {
	printf '{"operation":"%s","data":{"id":%d%s}}\n' "$1" "$2" \
	    "${3:+,\"a\":$3}"
}
# mark KIND N [SEQ]: prints the mark checkpoint or end after N records.
mark() {
	printf '{"@etl":"%s",' "$1"
	[ "$1" = end ] || printf '"name":"c","from":null,"version":0,"value":"%d",' \
	    "$2"
	printf '%s"stages":[{"stage":"extract","in":0,"out":%d,' \
	    "${3:+\"seq\":$3,}" "$2"
	echo '"dropped":0,"rejected":0}]}'
}
begin='{"@etl":"begin","v":1,"id":"i","stages":["extract"]}'
move='{"operation":"UPDATE","data":{"id":3},"before":{"id":1}}'

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind

	# Streams that break off, and streams that come again.
	table
	put "$begin" "$move" "$(change INSERT 1 5)"
	is "$k a stream without checkpoints that breaks off: exit code 75" \
	    75 "$(load --batch 1)"
	is "$k a stream without checkpoints that breaks off changes nothing" \
	    '1|1 2|2' "$(rows)"
	mark end 2 >>"$scratch/in"
	loads 'the whole stream' '2 1 1 0 0 0 0 0 0' '1|5 2|2 3|1' --batch 1
	is "$k the same stream again: exit code 0" 0 "$(load)"
	is "$k the same stream again is skipped" '1|5 2|2 3|1' "$(rows)"
	table
	{
		echo "$begin" | sed 's/"i"/"j","checkpoint":"c"/'
		echo "$move"
		change INSERT 1 5
		mark checkpoint 2 1
		change DELETE 2
	} >"$scratch/in"
	is "$k a stream with checkpoints that breaks off: exit code 75" \
	    75 "$(load --batch 1)"
	is "$k the changes before its last checkpoint are applied" \
	    '1|5 2|2 3|1' "$(rows)"
	{
		mark checkpoint 3 2
		mark end 3 2
	} >>"$scratch/in"
	is "$k the whole stream with checkpoints: exit code 0" 0 "$(load)"
	is "$k no change is applied twice" '1|5 3|1' "$(rows)"

	# Records that the table refuses.
	table
	seq 3 1002 | while read -r i; do
		change INSERT "$i" $((i == 500 ? 100 : i % 100))
	done >"$scratch/in"
	change DELETE 501 >>"$scratch/in"
	is "$k one bad record of 1,001: exit code 0" 0 "$(load)"
	is "$k one bad record of 1,001 is one reject" '1001 999 0 0 0 0 1 0 1' \
	    "$(counts)"
	table
	seq 10000 | while read -r i; do
		change UPDATE $((i % 3000)) 100
	done >"$scratch/in"
	is "$k 10,000 bad records take little time" 0 "$(limit=60
	    load --batch 10000)"
	is "$k 10,000 bad records are 10,000 rejects" '10000 0 0 0 0 0 0 0 10000' \
	    "$(counts)"
	table
	seq 2000 | while read -r i; do
		change UPDATE 1 $((i % 100))
	done >"$scratch/in"
	loads '2,000 changes of one row in a batch' '2000 0 1999 1 0 0 0 0 0' \
	    '1|0 2|2'

	# Foreign keys.
	for when in '' 'DEFERRABLE INITIALLY DEFERRED'; do
		table
		sql "CREATE TABLE child (id int REFERENCES t $when);
		    INSERT INTO child VALUES (1)"
		{
			change DELETE 1
			change DELETE 2
			echo "$move"
			change UPDATE 1 7
		} >"$scratch/in"
		loads "a row that another one refers to ${when:-at once}" \
		    '4 0 1 0 0 0 1 0 2' '1|7'
		sql 'DROP TABLE child'
	done
	table ', parent int REFERENCES t DEFERRABLE INITIALLY DEFERRED'
	put '{"op":"c","after":{"id":4,"parent":5}}' \
	    '{"op":"c","after":{"id":5,"parent":1}}'
	loads 'a row that refers to a later row is a reject' \
	    '2 1 0 0 0 0 0 0 1' '1|1 2|2 5|'

	# The order of changes of different rows.
	table ', u int UNIQUE'
	put '{"op":"u","after":{"id":1,"u":1}}' '{"op":"d","before":{"id":1}}' \
	    '{"op":"u","after":{"id":2,"u":1}}' '{"op":"c","after":{"id":3,"u":1}}' \
	    '{"op":"u","after":{"id":2,"u":null}}' \
	    '{"op":"c","after":{"id":4,"u":1}}'
	loads 'a deleted or updated row frees its value of a unique index' \
	    '6 1 3 0 0 0 1 0 1' '2|2 4|'

	sql 'UPDATE t SET u = id'
	put '{"op":"c","after":{"id":5,"u":2}}' '{"op":"d","before":{"id":2}}'
	loads 'a value of a unique index is free only after the delete' \
	    '2 0 0 0 0 0 1 0 1' '4|'

	# Large changes, in parts of one transaction.
	table ', b text'
	for i in 1 2 3; do
		printf '{"op":"u","after":{"id":1,"a":%d,"b":"%9000000s"}}\n' $i ''
		echo '{"op":"d","before":{"id":2}}'
		printf '{"op":"c","after":{"id":2,"a":%d}}\n' $((10 * i))
	done >"$scratch/in"
	loads 'changes of one row in several parts of a transaction' \
	    '9 3 3 0 0 0 3 0 0' '1|3 2|30' --single-transaction

	# A replay of a rejected change.
	table
	{
		echo "$begin" | sed 's/"i"/"r"/'
		change UPDATE 1 100
		change UPDATE 2 50
		mark end 2
	} >"$scratch/in"
	is "$k a change is rejected: exit code 0" 0 "$(status etl-load \
	    --db "$db" --table t --mode cdc --max-rejects 1 <"$scratch/in")"
	is "$k the letter has the key of the row" '[1] constraint' \
	    "$(etl-dlq --db "$db" list --json |
	    jq -r '(.origin.key | tostring) + " " + .code')"
	sql 'UPDATE t SET a = 3'
	etl-dlq --db "$db" replay | sed 's/\\"a\\":100/\\"a\\":60/; s/"a":100/"a":60/' \
	    >"$scratch/in"
	is "$k the replay applies the change: exit code 0" 0 "$(status etl-load \
	    --db "$db" --table t --mode cdc --replay-over --marked \
	    <"$scratch/in")"
	is "$k the replay has applied the change alone" '1|60 2|3' "$(rows)"
done

# Keys that are equal though their bytes differ.
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	case $kind in
	sqlite) type='text COLLATE NOCASE' ;;
	*)
		type=citext
		sql 'CREATE EXTENSION citext'
		;;
	esac
	sql "CREATE TABLE t (id $type PRIMARY KEY, a int);
	    INSERT INTO t VALUES ('Ann', 1), ('Bob', 2)"
	put '{"operation":"UPDATE","data":{"id":"ann","a":5}}' \
	    '{"operation":"UPDATE","data":{"id":"ANN","a":5}}' \
	    '{"operation":"DELETE","data":{"id":"bOB"}}' \
	    '{"operation":"INSERT","data":{"id":"bob","a":7}}' \
	    '{"operation":"UPDATE","data":{"id":"BOB"},"before":{"id":"bob"}}'
	is "$k equal keys of other bytes: exit code 0" 0 "$(load)"
	is "$k equal keys of other bytes: the counts" '5 1 2 1 0 0 1 0 0' \
	    "$(counts)"
	is "$k equal keys of other bytes: the rows" 'Ann|5 BOB|7' "$(rows)"
done

# PostgreSQL alone.
k=postgresql:
db_new postgresql
table
sql "CREATE ROLE cdc_$$ LOGIN; GRANT SELECT, INSERT, UPDATE ON t TO cdc_$$"
at_exit "psql -Xq -c 'DROP ROLE cdc_$$' 2>/dev/null"
at_exit "psql -Xq -d '$db' -c 'DROP OWNED BY cdc_$$'"
owner=$db
db="$owner?options=-crole%3Dcdc_$$"
{
	change UPDATE 1 7
	change DELETE 2
} >"$scratch/in"
is "$k a role without the right DELETE: exit code 77" 77 "$(load)"
ok "$k a role without the right DELETE: nothing is rejected" \
    test ! -s "$scratch/aside"
db=$owner
is "$k a role without the right DELETE: nothing is loaded" '1|1 2|2' "$(rows)"
sql "GRANT DELETE ON t TO cdc_$$; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON t TO cdc_$$ USING (id <> 2) WITH CHECK (a < 50)"
db="$owner?options=-crole%3Dcdc_$$"
{
	change UPDATE 1 60
	change UPDATE 1 7
	change DELETE 2
	change UPDATE 2 8
} >"$scratch/in"
is "$k row policies: exit code 0" 0 "$(load)"
is "$k row policies: refused rows are rejects, a hidden row is missed" \
    '4 0 1 0 0 0 0 1 2' "$(counts)"
db=$owner
is "$k row policies: the rows" '1|7 2|2' "$(rows)"

# A trigger sees the changes one by one, in their order.
sql "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a int);
    CREATE TABLE seen (n serial, op text, id int, rows int);
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    IF TG_OP = 'DELETE' AND OLD.a = 13 THEN
	RAISE EXCEPTION 'a row with 13 stays';
    END IF;
    INSERT INTO seen (op, id, rows) SELECT TG_OP, coalesce(NEW.id, OLD.id),
	count(*) FROM t; RETURN NULL; END \$\$;
    CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW
    EXECUTE FUNCTION f()"
{
	change INSERT 1 1
	change INSERT 2 2
	change UPDATE 1 3
	change DELETE 1
} >"$scratch/in"
loads 'a trigger for each row' '4 2 1 0 0 0 1 0 0' '2|2'
is "$k a trigger sees each change with the rows of that moment" \
    'INSERT|1|1 INSERT|2|2 UPDATE|1|2 DELETE|1|1' \
    "$(sql 'SELECT op, id, rows FROM seen ORDER BY n' | xargs)"
{
	change UPDATE 2 13
	change DELETE 2
	change INSERT 3 1
} >"$scratch/in"
loads 'a trigger that refuses a DELETE' '3 1 1 0 0 0 0 0 1' '2|13 3|1'

# A partitioned table: an update may move a row to another partition.
sql "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a int)
    PARTITION BY RANGE (id);
    CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (10);
    CREATE TABLE high PARTITION OF t FOR VALUES FROM (10) TO (20)"
{
	change INSERT 1 1
	change INSERT 2 2
	echo '{"operation":"UPDATE","data":{"id":11},"before":{"id":1}}'
	change UPDATE 2 3
	change INSERT 30 1
	change DELETE 2
} >"$scratch/in"
loads 'a partitioned table' '6 2 2 0 0 0 1 0 1' '11|1'
done_testing
