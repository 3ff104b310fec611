#!/bin/sh
# etl-load --evolve: adds columns for new members and widens columns.
. tests/support/lib.sh
. tests/support/hold.sh

# load OPTION...: prints the exit code; the input is $scratch/in.
load() {
	: >"$scratch/rejects"
	status etl-load --db "$db" --table t --evolve --max-rejects 100% \
	    --rejects "$scratch/rejects" "$@" <"$scratch/in"
}
put() {
	printf '%s\n' "$@" >"$scratch/in"
}
rejects() {
	jq -r '"\(.code) \(.pointer)"' "$scratch/rejects" | tr '\n' ' '
}
# types: prints the columns of t with their types.
types() {
	case $db in
	sqlite:*) sql "SELECT name, type FROM pragma_table_info('t')
	    ORDER BY cid" ;;
	*) sql "SELECT attname, format_type(atttypid, atttypmod)
	    FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0
	    ORDER BY attnum" ;;
	esac | tr '\n' ' '
}
table() {
	sql 'DROP TABLE IF EXISTS t CASCADE' 2>"$scratch/drop" ||
	    sql 'DROP TABLE IF EXISTS t'
	sql "CREATE TABLE t ($1)"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	bool=boolean json=jsonb
	[ $kind = postgresql ] || bool=BOOLEAN json=JSON

	table 'id int PRIMARY KEY, v text'
	put '{"id":1,"v":"a"}' '{"id":2,"new":true}' \
	    '{"id":3,"list":[1],"new":null}' '{"id":4,"none":null}'
	is "$k new members: exit code 0" 0 "$(load --key id)"
	is "$k a new member gets a column of its type" \
	    "new|$bool list|$json none|text" \
	    "$(types | cut -d' ' -f3- | sed 's/TEXT/text/; s/ $//')"
	is "$k new members: all records of the batch are loaded" \
	    '1|a|| 2||1| 3|||[1] 4||| ' "$(sql "SELECT id, v,
	    CASE WHEN new THEN 1 END, list FROM t ORDER BY id" | tr '\n' ' ')"
	like "$k a line names each column that is added" \
	    'table t: --evolve has added column "list"' "$(cat "$scratch/err")"
	put '{"id":5,"v":"x","new":false}'
	is "$k a second load: exit code 0, and no line" 0 \
	    "$(load --key id)$(cat "$scratch/err")"

	# A name that no column can have.
	table 'id int PRIMARY KEY'
	name=$(head -c 70000 /dev/zero | tr '\0' n)
	put '{"id":1}' "{\"id\":2,\"$name\":1}" '{"id":3,"v":1}'
	is "$k a member name of 70 KB: exit code 0" 0 "$(load --key id)"
	is "$k a member name of 70 KB: the record is rejected" 'schema 2' \
	    "$(jq -r '"\(.code) \(.origin.line)"' "$scratch/rejects")"
	is "$k a member name of 70 KB: the others are loaded" \
	    '1| 3|1 ' "$(sql 'SELECT id, v FROM t ORDER BY id' | tr '\n' ' ')"
	put "{\"id\":2,\"$name\":1}"
	is "$k --extra error and such a name: exit code 65" 65 "$(status etl-load \
	    --db "$db" --table t --key id --extra error <"$scratch/in")"
	like "$k --extra error and such a name: the message says why" \
	    '/n{100,}[.]{3}: .*column' "$(cat "$scratch/err")"
	is "$k --create and such a name: exit code 78" 78 "$(status etl-load \
	    --db "$db" --table u --create <"$scratch/in")"
	like "$k --create and such a name: the message says why" \
	    'n{100}[.]{3}: the name of a table or column has at most' \
	    "$(cat "$scratch/err")"

	# Several batches, and a stream that is one transaction.
	for mode in '--key id --batch 3' '--single-transaction --batch 3' \
	    '--mode replace --batch 3' '--mode mirror --key id' \
	    '--mode delete-insert --scope v'; do
		table 'id int PRIMARY KEY, v text'
		seq -f '{"id":%.0f,"v":"a"}' 1 20 >"$scratch/in"
		put_more='{"id":21,"v":"b","n":1}
{"id":22,"v":"b","n":2,"m":"x"}
{"id":23,"v":"b"}
{"id":24,"v":"b","o":0.5}'
		echo "$put_more" >>"$scratch/in"
		# shellcheck disable=SC2086
		is "$k $mode: exit code 0" 0 "$(load $mode)"
		is "$k $mode: each record is loaded once, with its new members" \
		    '24|2|1|1' "$(sql 'SELECT count(*), count(n), count(m),
		    count(o) FROM t')$(rejects)"
	done

	# Records that are rejects all the same.
	table 'id int PRIMARY KEY, v text, CHECK (id < 100)'
	put '{"id":1,"":1}' '{"id":2,"a\u0000b":1}' '{"id":100}' \
	    '{"v":"no key"}' '{"id":3,"V":1}'
	is "$k hostile members: exit code 0" 0 "$(load --key id)"
	is "$k a name with NUL is not taken for the name before the NUL" \
	    'table t has no column whose name begins with "a" and contains \u0000' \
	    "$(jq -r 'select(.origin.line == 2).message' "$scratch/rejects")"
	if [ $kind = sqlite ]; then
		is "$k a member that no column can have makes the record a reject" \
		    '0 id v schema / schema null constraint null required /id schema /V ' \
		    "$(sql 'SELECT count(*) FROM t') $(types |
		    sed 's/|[^ ]*//g')$(rejects)"
	else
		is "$k a member that no column can have makes the record a reject" \
		    '1 id v V' \
		    "$(sql 'SELECT count(*) FROM t') $(types |
		    sed 's/|[^ ]*//g; s/ $//')"
		put '{"id":4,"xmin":1}' '{"id":5,"etl.n":1}' \
		    "{\"id\":6,\"$(printf %064d 0)\":1}"
		is "$k names of the server: exit code 0" 0 "$(load --key id)"
		is "$k names of the server make the record a reject" \
		    '1 id v V' "$(sql 'SELECT count(*) FROM t') $(types |
		    sed 's/|[^ ]*//g; s/ $//')"
	fi
	table 'id int PRIMARY KEY'
	jq -nc '[range(5000) | {"key": "c\(.)", "value": .}] + [{"key": "id",
	    "value": 1}] | from_entries, {"id": 2, "ok": 1}' >"$scratch/in"
	is "$k a record with 5,000 members: exit code 0" 0 "$(load --key id)"
	is "$k a record with more new members than a load may add adds none" \
	    'id ok 1' "$(types | sed 's/|[^ ]*//g')$(sql 'SELECT count(*) FROM t')"
	jq -nc 'range(150) | {"id": (. + 10), ("c\(.)"): 1}' >"$scratch/in"
	is "$k 150 new members in 150 records: exit code 0" 0 \
	    "$(load --key id --batch 20)"
	is "$k one load adds 100 columns at most; other records are rejects" \
	    '100 50' "$(sql 'SELECT count(*) FROM t WHERE ok IS NULL') $(
	    wc -l <"$scratch/rejects" | tr -d ' ')"

	# Other options.
	table 'id int PRIMARY KEY, v text'
	put '{"id":1,"w":1}'
	is "$k --extra ignore: exit code 0" 0 "$(load --key id --extra ignore)"
	is "$k --columns: exit code 0" 0 "$(load --key id --columns id,v)"
	is "$k --extra and --columns say what becomes of members: no column is added" \
	    'id v schema /w' "$(types | sed 's/|[^ ]*//g')$(rejects | sed 's/ $//')"
	put '{"op":"c","after":{"id":7,"w":1}}' \
	    '{"op":"u","before":{"id":7},"after":{"id":7,"x":"y"}}' \
	    '{"op":"d","before":{"id":9,"gone":1}}'
	is "$k --mode cdc: exit code 0" 0 "$(load --key id --mode cdc)"
	is "$k --mode cdc: members of the row in a change get columns" \
	    'id v w x 7|1|y' \
	    "$(types | sed 's/|[^ ]*//g')$(sql 'SELECT id, w, x FROM t
	    WHERE id = 7')$(rejects)"
	is "$k --plan: exit code 0" 0 "$(load --key id --plan)"
	like "$k --plan: other members get columns" \
	    '^other members get a column' "$(cat "$scratch/out")"
	table 'id int PRIMARY KEY, n int'
	put '{"id":1,"n":"x","a":true}' '{"id":2,"n":1,"b":{}}' 'no JSON' \
	    '{"id":3,"a":null}' '{"id":4,"c.\"d":0.5}'
	before=$(types)
	is "$k --plan with new members: exit code 0" 0 "$(load --key id --plan)"
	is "$k --plan changes nothing" "$before" "$(types)"
	sed -n '/^statements of --evolve/,/^$/{
		/^[sA]/!d; /^statements/!p; }' "$scratch/out" >"$scratch/alter"
	like "$k --plan says which records it has read" \
	    '^statements of --evolve, as far as the first 5 records show:$' \
	    "$(cat "$scratch/out")"
	is "$k --plan has an ALTER TABLE" 1 \
	    "$(grep -c 'ALTER TABLE .*ADD COLUMN .*"a" BOOLEAN' -i "$scratch/alter")"
	load --key id >/dev/null
	loaded=$(types)
	table 'id int PRIMARY KEY, n int'
	sql "$(cat "$scratch/alter")"
	is "$k the statements of --plan are those of the load" "$loaded" \
	    "$(types)"
	is "$k --plan of a table that takes all records: exit code 0" 0 \
	    "$(load --key id --plan)"
	like "$k --plan of a table that takes all records has no ALTER TABLE" \
	    '^none$' "$(grep -A1 '^statements of --evolve' "$scratch/out")"
	is "$k --plan with --columns: exit code 0" 0 \
	    "$(put '{"id":9,"new":1}'; load --key id --columns id --plan)"
	like "$k --plan with --columns adds no column" '^none$' \
	    "$(grep -A1 '^statements of --evolve' "$scratch/out")"
	sql 'DROP TABLE t'
	put '{"id":1,"v":1}' '{"id":2,"w":1}'
	is "$k --create --evolve: exit code 0" 0 "$(load --key id --create)"
	put '{"id":1,"z":1}'
	is "$k --create --evolve on the table: exit code 0" 0 \
	    "$(load --key id --create)"
	is "$k --create and --evolve go together" 'id v w z ' \
	    "$(types | sed 's/|[^ ]*//g')"
done

# SQLite: a column keeps its type.
db=sqlite:$scratch/1.db kind=sqlite
table 'id int PRIMARY KEY, n integer'
put '{"id":1,"n":"x"}' '{"id":2,"n":12345678901234567890}' '{"id":3,"n":4}'
is 'sqlite: values that do not fit a column: exit code 0' 0 "$(load --key id)"
is 'sqlite: a column is not widened: such records are rejects' \
    'type /n range /n 3|4' "$(rejects)$(sql 'SELECT * FROM t')"
put '{"id":1,"a":true,"b":{},"c":0.5,"d":"x"}'
sql 'DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY) STRICT'
is 'sqlite: a STRICT table: exit code 0' 0 "$(load --key id)"
is 'sqlite: a STRICT table gets columns of its types' \
    'id|INT a|ANY b|TEXT c|REAL d|TEXT 1|1|{}|0.5|x' \
    "$(types)$(sql 'SELECT * FROM t')"

# PostgreSQL: types are widened.
db_new postgresql
table 'id int PRIMARY KEY, s smallint, i int DEFAULT 5, b bigint, n numeric(4,1),
    f float8, r real, o boolean, d date, t timestamptz, u uuid'
put '{"id":1,"s":1,"i":2,"b":3,"n":4.5,"f":0.30000000000000004,"r":0.1,"o":true,"d":"2026-01-31","t":"2026-01-31T10:00:00.5Z"}'
is 'values that fit: exit code 0, and nothing is changed' 0 \
    "$(load --key id)$(cat "$scratch/err")"
put '{"id":2,"s":70000,"i":3000000000,"b":12345678901234567890,"n":1234567.25,"f":9007199254740993,"r":16777217}'
is 'numbers that are too large: exit code 0' 0 "$(load --key id)"
is 'integers become bigint or numeric, and floats and numeric(p,s) numeric' \
    'id|integer s|bigint i|bigint b|numeric n|numeric f|numeric r|numeric o|boolean d|date t|timestamp with time zone u|uuid ' \
    "$(types)"
is 'numbers that are too large are loaded, and old values are as before' \
    '1|1|2|3|4.5|0.30000000000000004|0.1
2|70000|3000000000|12345678901234567890|1234567.25|9007199254740993|16777217' \
    "$(sql 'SELECT id, s, i, b, n, f, r FROM t ORDER BY id')$(rejects)"
put '{"id":3,"s":"x","o":"perhaps","d":"soon","t":[1],"u":"no"}' \
    '{"id":3,"s":1.5,"i":"a","b":"c","n":{},"f":true,"o":"y"}'
is 'values of other types: exit code 0' 0 "$(load --key id)"
is 'columns become text, except those of types that --evolve does not know' \
    'id|integer s|text i|text b|text n|text f|text r|numeric o|text d|text t|text u|uuid type /u ' \
    "$(types)$(rejects)"
put '{"id":3,"s":"x","o":"perhaps","d":"soon","t":[1]}'
is 'the same record without the bad value: exit code 0' 0 "$(load --key id)"
is 'old values become text as etl-extract writes them' \
    '1|2|4.5|true|2026-01-31|2026-01-31T10:00:00.5+00:00
3|a|{}|perhaps|soon|[1]' "$(sql "SELECT id, i, n, o, d, t FROM t
    WHERE id <> 2 ORDER BY id")$(rejects)"
table 'id int PRIMARY KEY, n int'
sql 'CREATE VIEW w AS SELECT n FROM t'
put '{"id":1,"n":"x"}'
is 'a view that uses the column: exit code 78' 78 "$(load --key id)"
like 'a view that uses the column: one message says why' \
    '--evolve: table t: .*rule _RETURN on view w depends on column "n"; drop it' \
    "$(cat "$scratch/err")"
is 'a view that uses the column: nothing is changed or loaded' 'integer|0' \
    "$(types | sed 's/.*n|//; s/ $//')|$(sql 'SELECT count(*) FROM t')"
sql 'DROP VIEW w'
hold 'BEGIN' 'LOCK TABLE t IN ACCESS SHARE MODE'
is 'the table is locked for longer than --lock-timeout: exit code 75' 75 \
    "$(load --key id --lock-timeout 300ms --retries 0)"
release
is 'after the lock is gone the next load alters the table: exit code 0' 0 \
    "$(load --key id --lock-timeout 3s)"
# What the plan finds by itself is what the load does.
for value in 3000000000 12345678901234567890 1.5 true '"x"' '[1]' null '"7"' 7; do
	for type in smallint integer bigint 'numeric(30,5)' float8 boolean date; do
		table "id int PRIMARY KEY, n $type"
		put "{\"id\":1,\"n\":$value}"
		load --key id --plan >/dev/null
		planned=$(sed -n 's/^ALTER TABLE.* TYPE \([a-z]*\).*/\1/p' \
		    "$scratch/out")
		[ -n "$planned" ] || continue
		load --key id >/dev/null
		is "$type, $value: the type of the plan is that of the load" \
		    "id|integer n|$planned " "$(types)"
	done
done
table 'id int PRIMARY KEY, n int, b bigint'
put '{"id":1,"n":3000000000,"b":12345678901234567890}'
is 'numbers that are too large, --plan: exit code 0' 0 "$(load --key id --plan)"
like 'numbers that are too large: the plan widens the columns' \
    'ALTER COLUMN "n" TYPE bigint, ALTER COLUMN "b" TYPE numeric' \
    "$(cat "$scratch/out")"
# While the loader waits for its lock, another session makes the column text.
table 'id int PRIMARY KEY, n bigint'
psql -XAtqd "$db" -c "BEGIN; LOCK TABLE t IN ACCESS SHARE MODE;
    DO 'BEGIN FOR i IN 1..200 LOOP
	EXIT WHEN EXISTS (SELECT FROM pg_locks
	    WHERE NOT granted AND relation = ''t''::regclass
	    AND $(echo "$locks_here" | sed "s/'/''/g"));
	PERFORM pg_sleep(.05);
    END LOOP; END'; ALTER TABLE t ALTER n TYPE text;
    INSERT INTO t VALUES (2, 'abc'); COMMIT" >"$scratch/lock" &
wait_until 10 sh -c "psql -XAtqd '$db' -c \"SELECT 1 FROM pg_locks
    WHERE relation = 't'::regclass AND $locks_here\" | grep 1"
put '{"id":1,"n":1.5}'
is 'another session widens the column first: exit code 0' 0 \
    "$(load --key id)"
wait
is 'a column that another session has made text is not made narrower' \
    'id|integer n|text 1|1.5 2|abc ' \
    "$(types)$(sql 'SELECT id, n FROM t ORDER BY id' | tr '\n' ' ')"
# Several loaders alter the table at once.
table 'id int PRIMARY KEY, n int'
for i in 1 2 3 4; do
	jq -nc "range(40) | {id: (. * 4 + $i), n: (if . > 20 then \"x\" else 3000000000 end),
	    (\"c\(. / 10 | floor)\"): .}" |
	    etl-load --db "$db" --table t --key id --evolve --batch 5 \
	    2>"$scratch/err.$i" || cat "$scratch/err.$i" >>"$scratch/failed" &
done
wait
is 'four loaders alter one table at once: all records are loaded' \
    '160|40|160' "$(sql 'SELECT count(*), count(c3), count(n) FROM t')$(
    cat "$scratch/failed" 2>"$scratch/cat" || :)"
done_testing
