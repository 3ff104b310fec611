#!/bin/sh
# PostgreSQL and SQLite as sources: the rows of --query and --table, what is
# refused, the messages, and incremental runs.
. tests/support/lib.sh
cd "$scratch"

# extract [OPTION...]: reads $db and prints the exit status.
extract() {
	status etl-extract "$@" "$db"
}
# rows SQL: prints the records of a query.
rows() {
	extract --query "$1" >rc
	cat out
	[ "$(cat rc)" = 0 ] || cat err
}
# message: prints the message without the name of the program and of $db.
message() {
	sed "s/^etl-extract: //; s,^[a-z]*:[^ ]*: ,," err
}
# inc [OPTION...]: an incremental run with the state file state.json.
inc() {
	extract --checkpoint c --state file:state.json --rejects rejects "$@"
}
ids() {
	sed -nE 's/^\{"id":([0-9]+).*/\1/p' out | tr '\n' ' '
}
# marks: prints the values of the checkpoint marks in the output.
marks() {
	sed -nE 's/^\{"@etl":"checkpoint",.*"value":"([^"]*)",.*/\1/p' out
}
# save: stores the last checkpoint of the output, as etl-checkpoint save does.
save() {
	etl-checkpoint save --marked --state file:state.json <out >/dev/null
}

# Both databases.
for kind in sqlite postgresql; do
	db_new $kind
	rm -f state.json rejects long
	sql "CREATE TABLE t (id integer, name text)"
	sql "INSERT INTO t VALUES (1, 'a'), (2, 'b\"c'), (3, NULL)"
	is "$kind: --query writes each row as a record, in the order of its columns" \
	    '{"id":1,"name":"a"}
{"id":2,"name":"b\"c"}
{"id":3,"name":null}' "$(rows 'SELECT id, name FROM t ORDER BY id')"
	is "$kind: --table writes all rows of the table" \
	    '0 3' "$(extract --table t) $(wc -l <out | tr -d ' ')"
	is "$kind: a query with a comment and a semicolon at its end is read" \
	    '{"id":3}' "$(rows 'SELECT max(id) AS id FROM t; -- the last')"
	is "$kind: a query without rows writes nothing" '' \
	    "$(rows 'SELECT id FROM t WHERE id > 9')"
	is "$kind: a row longer than --max-record is a reject too_long" \
	    '0 0 too_long' "$(extract --max-record 1KiB --rejects long \
	    --max-rejects 100% --query "SELECT '$(printf '%2000s' x)' AS x"
	    ) $(wc -l <out | tr -d ' ') $(sed -E 's/.*"code":"([a-z_]+)".*/\1/' long)"
	is "$kind: a stream has begin, columns, the rows and end" '6 end' \
	    "$(extract --stream s --query 'SELECT * FROM t' >rc; wc -l <out | tr -d ' '
	    ) $(sed -nE '$s/.*"@etl":"([a-z]+)".*/\1/p' out)"

	while IFS='|' read -r what query; do
		is "$kind: $what is refused before anything is written" \
		    '78 0' "$(extract --stream s --query "$query"
		    ) $(grep -c '^{"id"' out)"
	done <<-'CASES'
		a mistyped table|SELECT * FROM nothing
		a mistyped word|SELEC 1 AS id
		an empty query|-- nothing
		two statements|SELECT 1 AS id; SELECT 2 AS id
		a query and a statement that writes|SELECT 1 AS id; DROP TABLE t
		INSERT|INSERT INTO t VALUES (4, 'd')
		DELETE with RETURNING|DELETE FROM t RETURNING id
		CREATE TABLE|CREATE TABLE u (id integer)
		COMMIT|COMMIT
		two columns of one name|SELECT id, name, id FROM t
		a parameter without a name|SELECT * FROM t WHERE id = $1
		:since without --checkpoint|SELECT * FROM t WHERE id >= :since
	CASES
	is "$kind: nothing of this has changed the table" 3 \
	    "$(sql 'SELECT count(*) FROM t')"
	extract --query 'SELECT id, name, id FROM t' >rc
	is "$kind: the message names the column that comes twice" \
	    '--query: two columns have the name id: give one of them another name with AS' \
	    "$(message)"
	extract --query "SELECT id, 'é' AS x
	FROM t WHERE nme = 1" >rc
	like "$kind: the message says line and column of the error" \
	    '^--query: line 2, column 15: .*no such column: nme|^--query: line 2, column 15: .*column "nme" does not exist' \
	    "$(message)"
	is "$kind: --table with a table that is not there exits with 78" \
	    78 "$(extract --table nothing)"
	like "$kind: its message names the table" '^--table nothing: ' "$(message)"
	is "$kind: a name in SQL quotes is one name, and a dot parts schema and table" \
	    '0 0' "$(sql 'CREATE TABLE "a.b" (x text)'; extract --table '"a.b"'
	    ) $(extract --table "$([ $kind = sqlite ] && echo main || echo public).t")"
	is "$kind: neither --query nor --table exits with 64" 64 "$(extract)"
	is "$kind: both of them exit with 64" 64 \
	    "$(extract --table t --query 'SELECT 1')"
	is "$kind: --format exits with 64" 64 "$(extract --table t --format ndjson)"

	# Incremental runs.
	q='SELECT id, name FROM t WHERE id >= :since ORDER BY id'
	is "$kind: :since without a checkpoint and without --start exits with 78" \
	    78 "$(inc --cursor-field /id --query "$q")"
	like "$kind: the message says to give --start" 'give --start' "$(message)"
	is "$kind: --start is the value of :since, which is compared as a number" \
	    '0 2 3 ' "$(inc --cursor-field /id --start 2 --query "$q") $(ids)"
	is "$kind: the checkpoint is the highest value" 3 "$(marks)"
	save
	sql "INSERT INTO t VALUES (20, 'x')"
	is "$kind: the next run starts at the stored checkpoint" \
	    '0 3 20 ' "$(inc --cursor-field /id --query "$q") $(ids)"
	is "$kind: --lookback is subtracted from :since" \
	    '0 2 3 20 ' "$(inc --cursor-field /id --lookback 1 --query "$q") $(ids)"
	is "$kind: :until is the upper bound" '0 3 ' "$(inc --cursor-field /id \
	    --until 20 --query 'SELECT id FROM t WHERE id >= :since AND id < :until'
	    ) $(ids)"
	is "$kind: --until without :until in the query exits with 78" \
	    78 "$(inc --cursor-field /id --until 20 --query "$q")"
	is "$kind: :until in the query without --until exits with 78" \
	    78 "$(inc --cursor-field /id \
	    --query 'SELECT id FROM t WHERE id >= :since AND id < :until')"
	is "$kind: a query without :since exits with 78" 78 \
	    "$(inc --cursor-field /id --query 'SELECT id FROM t')"
	is "$kind: a cursor that is not a column of the query exits with 78" \
	    78 "$(inc --cursor-field /changed --query "$q")"
	like "$kind: the message names the column" \
	    'no column of the result has the name changed' "$(message)"
	is "$kind: --since-param exits with 64" 64 \
	    "$(inc --cursor-field /id --since-param s --query "$q")"
	is "$kind: :since in a string, a comment or a name is no parameter" \
	    '0 {"a":":since","":since":":until","id":20}' "$(inc --cursor-field /id \
	    --query "SELECT ':since' AS a, ':until' AS \":since\", id -- :until
	    FROM t /* :until */ WHERE id > :since" |
	    sed 's/$/ /' | tr -d '\n'; grep '"id":20' out |
	    sed 's/"":since"/"":since/; s/^{"a":":since",":since"/{"a":":since","":since"/')"

	# --table.
	rm -f state.json
	sql "CREATE TABLE e (id integer, at text, tag text)"
	sql "INSERT INTO e VALUES (3, '2026-01-03', 'B'), (1, '2026-01-01', 'a'),
	    (2, '2026-01-02', NULL), (4, NULL, 'c')"
	is "$kind: --table reads in the order of the cursor, without null cursors" \
	    '0 1 2 3 ' "$(inc --cursor-field /at --table e) $(ids)"
	like "$kind: a warning says that rows with a null cursor are never read" \
	    "warning: --table e: some rows have no value in the column at " \
	    "$(cat err)"
	is "$kind: its last checkpoint is the highest value" 2026-01-03 \
	    "$(marks | tail -n 1)"
	save
	is "$kind: the next run reads from the checkpoint on, which is included" \
	    '0 3 ' "$(inc --cursor-field /at --table e) $(ids)"
	is "$kind: --until is the upper bound, which is left out" \
	    '0 1 2 ' "$(inc --cursor-field /at --since 2026-01-01 \
	    --until 2026-01-03 --table e) $(ids)"
	rm -f state.json
	is "$kind: a text cursor is ordered by its bytes" \
	    '0 3 1 4 ' "$(inc --cursor-field /tag --table e) $(ids)"
	rm -f state.json
	sql "CREATE TABLE many (id integer, x text)"
	sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 25000) INSERT INTO many SELECT i / 2, 'x' FROM n"
	is "$kind: --table writes a checkpoint after 10,000 records, where the cursor rises" \
	    '0 5000 10000 12500' "$(inc --cursor-field /id --table many) $(marks |
	    tr '\n' ' ' | sed 's/ $//')"
	is "$kind: each checkpoint stands after all records up to it" '' \
	    "$(awk -F'[:,]' '/^{"@etl":"checkpoint"/ { match($0, /"value":"[0-9]+"/)
	    low = substr($0, RSTART + 9, RLENGTH - 10) + 0; next }
	    /^{"id"/ && $2 <= low && low != "" { print }' out)"

	# --lookback on times without a zone and on dates.
	sql "CREATE TABLE b (id integer, at timestamp, d date)"
	sql "INSERT INTO b VALUES (1, '2026-01-01 10:00:00', '2026-01-01'),
	    (2, '2026-01-31 23:59:50', '2026-01-31'),
	    (3, '2026-02-01 00:00:00.5', '2026-02-01')"
	for column in at d; do
		rm -f state.json
		inc --cursor-field /$column --table b >rc
		save
		is "$kind: --lookback is subtracted from a value of the column $column" \
		    '0 2 3 ' "$(inc --cursor-field /$column --lookback 11s \
		    --table b) $(ids)"
	done
done

# Values of PostgreSQL.
db_new postgresql
sql "CREATE TABLE years (id int, a timestamp, b timestamptz, c date, d timestamp[]);
    INSERT INTO years VALUES (1, '10000-01-01', '10000-01-01', '10000-01-01',
    '{10000-01-01}'), (2, '294276-12-31 23:59:59.999999',
    '123456-12-31 23:59:59.5', '5874897-12-31', '{294276-12-31,infinity}'),
    (3, '0044-03-15 BC', '4713-01-01 BC', '4713-01-01 BC', '{0044-03-15 BC}'),
    (4, 'infinity', '-infinity', 'infinity', NULL);
    CREATE TABLE years_again (LIKE years)"
extract --table years >rc
is 'etl-load loads the years that etl-extract wrote: exit code' 0 "$(cp out in
    status etl-load --db "$db" --table years_again --rejects rejects <in)"
is 'etl-load loads the years that etl-extract wrote: all rows are equal' '' \
    "$(sql 'TABLE years EXCEPT TABLE years_again'; cat rejects 2>/dev/null)"
value() {
	printf '%s\n' "$1" >want
	is "PostgreSQL: $2 becomes $1" "{\"v\":$1}" "$(rows "SELECT $2 AS v")"
}
while IFS='|' read -r want expression; do
	value "$want" "$expression"
done <<'CASES'
123456789012345678901234567890.10|123456789012345678901234567890.10
9223372036854775807|9223372036854775807::int8
-32768|(-32768)::int2
0.1|0.1::float8
1e+300|1e300::float8
-0|'-0'::float8
0.33333334|(1.0 / 3)::float4
"NaN"|'NaN'::float8
"Infinity"|'Infinity'::float8
"-Infinity"|'-Infinity'::float4
"NaN"|'NaN'::numeric
"Infinity"|'Infinity'::numeric
true|true
false|false
null|NULL::int
"a\"b\\c"|'a"b\c'
"\\x00ff"|'\x00ff'::bytea
"2026-01-02"|date '2026-01-02'
"2026-01-02T03:04:05.123456"|timestamp '2026-01-02 03:04:05.123456'
"2026-01-02T01:04:05+00:00"|timestamptz '2026-01-02 03:04:05+02'
"infinity"|'infinity'::timestamptz
"0044-03-15T00:00:00+00:00 BC"|timestamptz '0044-03-15 00:00:00+00 BC'
"03:04:05"|time '03:04:05'
"1 day 02:00:00"|interval '26 h' - interval '24 h' + interval '1 d'
{"b":1.50,"a":[1,2]}|'{"b": 1.50, "a": [1, 2]}'::json
{"a":1.50}|'{"a": 1.50}'::jsonb
[1,null,3]|ARRAY[1, NULL, 3]
[[1,2],[3,4]]|'{{1,2},{3,4}}'::int[]
["a,b","c\"d",null]|ARRAY['a,b', 'c"d', NULL]
["2026-01-02T03:04:05+00:00"]|ARRAY[timestamptz '2026-01-02 03:04:05+00']
["NaN",1.10]|ARRAY['NaN', 1.10]
{"f1":1,"f2":"x"}|ROW(1, 'x'::text)
"[1,5)"|int4range(1, 5)
"0b1a2c3d-0000-4000-8000-000000000001"|'0b1a2c3d-0000-4000-8000-000000000001'::uuid
"192.168.0.1/24"|'192.168.0.1/24'::inet
CASES
sql "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN small AS int"
value '"ok"' "'ok'::mood"
value 7 '7::small'
is 'PostgreSQL: a json value with line breaks is one line' '{"v":{"a":1}}' \
    "$(rows "SELECT '{
  \"a\": 1}'::json AS v")"
is 'PostgreSQL: all rows are of one moment, and the transaction is read-only' \
    '{"a":"repeatable read","b":"on"}' "$(rows "SELECT
    current_setting('transaction_isolation') AS a,
    current_setting('transaction_read_only') AS b")"

# Values of SQLite.
db_new sqlite
while IFS='|' read -r want expression; do
	is "SQLite: $expression becomes $want" "{\"v\":$want}" \
	    "$(rows "SELECT $expression AS v")"
done <<'CASES'
9223372036854775807|9223372036854775807
1.0|1.0
0.1|0.1
1e+300|1e300
"Infinity"|9e999
"-Infinity"|-9e999
"a\u0000b"|'a' || char(0) || 'b'
"\\x00ff"|x'00ff'
null|NULL
CASES

# Failures while rows come.
db_new postgresql
sql 'CREATE TABLE n AS SELECT i FROM generate_series(1, 50000) AS i'
is 'PostgreSQL: a query that fails while its rows come ends with 65' \
    65 "$(extract --query 'SELECT 1 / (40000 - i) AS x FROM n')"
is 'PostgreSQL: the rows before the failure are written' 39999 \
    "$(wc -l <out | tr -d ' ')"
is 'PostgreSQL: a statement that the server may accept later ends with 75' \
    75 "$(PGOPTIONS='-c statement_timeout=200' extract \
    --query 'SELECT pg_sleep(30)')"
is 'PostgreSQL: a lost connection ends with 75' 75 "$(extract --stream s \
    --query 'SELECT i, CASE WHEN i = 30000
    THEN pg_terminate_backend(pg_backend_pid()) END AS x FROM n')"
like 'PostgreSQL: the stream then ends with the mark failed' \
    '^\{"@etl":"failed",.*"code":75' "$(tail -n 1 out)"
role=etl_sql_nobody_$$
sql "CREATE ROLE $role LOGIN"
at_exit "dropuser --if-exists $role"
is 'PostgreSQL: a table that may not be read ends with 77' 77 \
    "$(PGOPTIONS="-c role=$role" extract --query 'SELECT * FROM n')"
is 'PostgreSQL: a function that writes ends with 78' 78 \
    "$(sql 'CREATE SEQUENCE s'; extract --query "SELECT nextval('s')")"
is 'PostgreSQL: a server that cannot be reached ends with 75' 75 \
    "$(status etl-extract --backoff 1ms..5ms --table t postgresql://u:geheim@127.0.0.1:1/x)"
like 'the message says why' 'cannot connect: .*refused' "$(cat err)"
like 'a password on the command line is warned of' 'warning: .*PGPASSFILE' \
    "$(cat err)"
unlike 'no message has the password' geheim "$(cat err)"
is 'SQLite: a file that is not there ends with 66, and is not made' '66 no' \
    "$(status etl-extract --table t sqlite:none.db) $(
    [ -e none.db ] && echo yes || echo no)"
is 'SQLite: a file that is not there: the message is about the SOURCE' \
    'etl-extract: sqlite:none.db: no such file: check the path of the database' \
    "$(cat err)"
db_new sqlite
like 'a name that no table can have: the message names the option' \
    '^etl-extract: --table: a.b.c: not the name of a table' \
    "$(extract --table a.b.c; cat err)"
sql 'CREATE TABLE j (id integer, doc text);
    INSERT INTO j VALUES (1, '"'{}'"'), (2, '"'{'"')'
sum=$(cksum <"${db#sqlite:}")
is 'SQLite: a query that fails while its rows come ends with 65' \
    '65 1' "$(extract --query "SELECT id, json_extract(doc, '\$.a') AS a FROM j"
    ) $(wc -l <out | tr -d ' ')"
is 'SQLite: the file of the source is not changed' "$sum" \
    "$(cksum <"${db#sqlite:}")"

# Bounds that the server cannot type by itself.
db_new postgresql
rm -f state.json
sql "CREATE TABLE o AS SELECT 1 AS id, timestamptz '2026-01-01 00:00+00' AS at
    UNION ALL SELECT 2, '2026-01-01 01:00+00'"
is 'PostgreSQL: :since has the type of the cursor in an expression' \
    '0 2 ' "$(inc --cursor-field /at --start 2026-01-01T01:30:00Z --query \
    "SELECT id, at FROM o WHERE at >= :since - interval '1 hour'") $(ids)"
is 'PostgreSQL: :since may be the argument of a function that takes another type' \
    '0 2 ' "$(inc --cursor-field /id --start 42 --query \
    'SELECT id FROM o WHERE id >= length(:since)') $(ids)"
is 'PostgreSQL: :since may be used twice, and cast' '0 2 ' "$(inc \
    --cursor-field /at --start 2026-01-01T00:30:00Z --query \
    'SELECT id, at FROM o WHERE at >= :since AND at::date >= :since::date'
    ) $(ids)"
is 'PostgreSQL: --table refuses a cursor of a type that sorts in another way' \
    78 "$(sql 'CREATE TABLE ip (a inet)'; inc --cursor-field /a --table ip)"
is 'PostgreSQL: --table finds a table that is written in another case' \
    '0 2' "$(extract --table O) $(wc -l <out | tr -d ' ')"
is 'PostgreSQL: a view is read like a table' '0 1' \
    "$(sql 'CREATE VIEW w AS SELECT 1 AS id'; extract --table w
    ) $(wc -l <out | tr -d ' ')"

# Streaming.
# shellcheck disable=SC2016 # $1 and $2 are those of the inner shell
for kind in sqlite postgresql; do
	db_new $kind
	big="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < 1000000) SELECT i, 'some text of a row' AS x FROM n"
	in_memory "$kind: a million rows need less than 24 MiB" 24576 65536 \
	    etl-extract --query "$big" "$db"
	is "$kind: if the reader goes, etl-extract ends at once" 0 "$(limit=20 status \
	    sh -c 'etl-extract --query "$1" "$2" | head -n 1' - "$big" "$db")"
done
# Rows that are too long. A row of up to twice --max-record is read, and its
# reject has the length and the hash of all its bytes.
for kind in sqlite postgresql; do
	db_new $kind
	sql "CREATE TABLE w (id integer, a text, b text)"
	case $kind in
	sqlite) repeat="replace(hex(zeroblob(%d / 2)), '00', 'xy')" ;;
	*) repeat="repeat('xy', %d / 2)" ;;
	esac
	for row in 1:3000000 2:20 3:1200000; do
		# shellcheck disable=SC2059
		sql "INSERT INTO w VALUES (${row%:*},
		    $(printf "$repeat" "${row#*:}"), 'b')"
	done
	rm -f long
	is "$kind: a row of more than --max-record is a reject, the others are read" \
	    '0 2' "$(extract --max-record 2MiB --rejects long --max-rejects 9 \
	    --table w) $(wc -l <out | tr -d ' ')"
	is "$kind: its reject has the length and the hash of the whole row" \
	    "3000023 $({ printf '{"id":1,"a":"'; head -c 3000000 /dev/zero |
	    sed 's/\x00\x00/xy/g'; printf '","b":"b"}'; } | sha256sum |
	    cut -d' ' -f1)" "$(jq -r '"\(.bytes) \(.sha256)"' long)"
	is "$kind: a row of more than twice --max-record ends the run with 65" \
	    '65 0' "$(extract --max-record 1MiB --rejects long --max-rejects 9 \
	    --table w) $(wc -l <out | tr -d ' ')"
	like "$kind: the message names the row and says what to do" \
	    'row 1, .* longer than 2097152 bytes, twice --max-record: leave it' \
	    "$(cat err)"
	is "$kind: a marked stream with such a row ends in failed" 65 \
	    "$(extract --max-record 1MiB --rejects long --stream s --table w \
	    >rc; sed -nE '$s/.*"failed".*"code":([0-9]+).*/\1/p' out)"
	big=$(
		# shellcheck disable=SC2059
		printf "$repeat" 300000000
	)
	in_memory "$kind: a value of 300 MB needs less than 280 MiB" \
	    286720 1500000 etl-extract --query "SELECT 1 AS id, $big AS x" "$db"
	is "$kind: a value of 300 MB ends the run with 65" 65 \
	    "$(extract --query "SELECT 1 AS id, $big AS x")"
	many=$(for i in 1 2 3 4 5 6 7 8 9 10; do
		# shellcheck disable=SC2059
		printf ", $repeat AS c$i" 30000000
	done)
	in_memory "$kind: ten values of 30 MB need less than 280 MiB" \
	    286720 1500000 etl-extract --query "SELECT 1 AS id$many" "$db"
	is "$kind: a row of ten values of 30 MB ends the run with 65" 65 \
	    "$(extract --query "SELECT 1 AS id$many")"
	like "$kind: a row of ten values: the message names the row" \
	    'row 1, .* longer than 33554432 bytes' "$(cat err)"
done

# A file of SQLite from a stranger: its views are not trusted.
db_new sqlite
sql "CREATE TABLE t (id integer, \"a b\" text); INSERT INTO t VALUES (1, 'x');
    CREATE VIEW plain AS SELECT id, upper(\"a b\") AS a, (SELECT max(value)
    FROM json_each('[1,2]')) AS j FROM t;
    CREATE VIEW unsafe AS SELECT name FROM pragma_table_info('t')"
is 'SQLite: a view with usual functions is read' '0 {"id":1,"a":"X","j":2}' \
    "$(extract --table plain) $(cat out)"
is 'SQLite: a view that looks into the connection is refused with 78' \
    '78 0' "$(extract --table unsafe) $(wc -c <out | tr -d ' ')"
like 'SQLite: the message names what the view uses' \
    'unsafe use of .*pragma_table_info' "$(cat err)"
is 'SQLite: the query of the user may use the same' '{"name":"id"}
{"name":"a b"}' "$(rows "SELECT name FROM pragma_table_info('t')")"

# The server sends what fills its buffer of 8 KiB, not each row by itself.
db_new postgresql
is 'PostgreSQL: a row leaves while the server works on a later one' \
    '{"i":1,"x":"x"}' "$(timeout 20 etl-extract --query \
    "SELECT i, repeat('x', CASE i WHEN 2 THEN 20000 ELSE 1 END) AS x
    FROM generate_series(1, 3) AS i
    WHERE i < 3 OR pg_sleep(60) IS NOT NULL" "$db" 2>/dev/null |
    { read -r line; echo "$line"; })"
etl-extract --stream s --query 'SELECT pg_sleep(60)' "$db" >out 2>err &
pid=$!
sleeping="SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep.60.'
    AND state = 'active' AND pid <> pg_backend_pid() AND $sessions_here"
sleeps() {
	[ "$(sql "$sleeping")" = "$1" ]
}
wait_until 10 sleeps 1
kill "$pid"
rc=0
{ wait "$pid" || rc=$?; } 2>/dev/null
is 'PostgreSQL: SIGTERM ends a run that waits for the server' 143 $rc
ok 'PostgreSQL: and cancels its query' wait_until 30 sleeps 0
done_testing
