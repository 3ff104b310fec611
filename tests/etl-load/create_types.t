#!/bin/sh
# etl-load --create: a database as the source says the types of its columns.
. tests/support/lib.sh
cd "$scratch"

# types [TABLE]: prints the columns of t with their types.
types() {
	case $db in
	sqlite:*) sql "SELECT name, type FROM pragma_table_info('${1:-t}')
	    ORDER BY cid" ;;
	*) sql "SELECT attname, format_type(atttypid, atttypmod)
	    FROM pg_attribute WHERE attrelid = '${1:-t}'::regclass
	    AND attnum > 0 ORDER BY attnum" ;;
	esac | sed 's/timestamp with time zone/timestamptz/
	    s/ without time zone//' | tr '\n' ' '
}
new() {
	db_new "$1"
	to=$db
}
# load OPTION...: loads stdin into t of a database and prints the exit code.
load() {
	status etl-load --db "$to" --table t --create --max-rejects 100% \
	    --rejects rejects "$@"
}
# copy [STAGE...]: copies the table t from $from to $to and prints the exit code.
copy() {
	etl-extract --stream s --table t "$from" 2>err.extract |
	    "${@:-cat}" 2>err.stage | load
}
# rows: the table as records, in order of the column id.
rows() {
	etl-extract --query 'SELECT * FROM t ORDER BY id' "$1" 2>&1
}
mark() {
	printf '%s\n' '{"@etl":"begin","v":1,"id":"x'$$-"$((serial += 1))"'","stages":["x"]}' "$1"
	shift
	printf '%s\n' "$@"
	printf '%s\n' '{"@etl":"end","stages":[{"stage":"x","in":0,"out":'$#',"dropped":0,"rejected":0}]}'
}
serial=0

# A table of PostgreSQL with each type that the mark has a word for.
db_new postgresql
from=$db
sql "CREATE TABLE t (id integer PRIMARY KEY, small smallint, big bigint,
    price numeric(14,4), plain numeric, f4 real, f8 double precision,
    flag boolean, d date, tm time, at timestamp, atz timestamptz, txt text,
    vc varchar(20), ch char(4), u uuid, j json, jb jsonb, b bytea,
    none numeric(9,2), day_text text, net inet, list integer[])"
sql "INSERT INTO t VALUES
    (1, -32768, 9223372036854775807, 1234567890.1234, 0.10, 0.1, 1e300, true,
    '2026-01-31', '10:15:00.5', '2026-01-31 10:15:00', '2026-01-31 10:15:00+02',
    'a', 'b', 'c', '0f0e0d0c-0000-4000-8000-000000000001', '[1,\"x\"]',
    '{\"a\": 1.50}', '\\x00ff', NULL, '2026-01-31', '10.0.0.1', '{1,2}'),
    (2, 7, 7, 5, 12345678901234567890.5, 16777216, 0.5, false, '9999-12-31',
    '23:59:59', '1999-12-31 23:59:59.123456', '2026-01-31 10:15:00.000001Z',
    '', '', '', '0f0e0d0c-0000-4000-8000-000000000002', '\"s\"', 'null',
    '', NULL, 'x', '::1', NULL)"
wanted='id|integer small|smallint big|bigint price|numeric(14,4) plain|numeric f4|real f8|double precision flag|boolean d|date tm|time at|timestamp atz|timestamptz txt|text vc|text ch|text u|uuid j|jsonb jb|jsonb b|bytea none|numeric(9,2) day_text|text net|text list|jsonb '
is 'the mark columns stands after begin and names the types' \
    '{"@etl":"columns","columns":{"id":"integer","small":"smallint","big":"bigint","price":"numeric(14,4)","plain":"numeric","f4":"real","f8":"double precision","flag":"boolean","d":"date","tm":"time","at":"timestamp","atz":"timestamptz","txt":"text","vc":"text","ch":"text","u":"uuid","j":"jsonb","jb":"jsonb","b":"bytea","none":"numeric(9,2)","day_text":"text"}}' \
    "$(etl-extract --stream s --table t "$from" | sed -n 2p)"
is 'a plain stream has records alone' 2 \
    "$(etl-extract --table t "$from" | wc -l | tr -d ' ')"
is 'a query without such a column has no mark' 0 \
    "$(etl-extract --stream s --query "SELECT inet '::1' AS net" "$from" |
    grep -c columns)"
new postgresql
is 'PostgreSQL to PostgreSQL: exit code 0' 0 "$(copy)"
is 'PostgreSQL to PostgreSQL: the types stay' "$wanted" "$(types)"
is 'PostgreSQL to PostgreSQL: the values stay' "$(rows "$from")" "$(rows "$to")"
new postgresql
is 'through etl-transform: exit code 0' 0 "$(copy etl-transform .)"
is 'through etl-transform: the types stay' "$wanted" "$(types)"
new postgresql
is 'through etl-transform --engine jq: exit code 0' 0 \
    "$(copy etl-transform --engine jq .)"
is 'through etl-transform --engine jq: the types stay' "$wanted" "$(types)"
new postgresql
is 'through etl-via: exit code 0' 0 "$(copy etl-via cat)"
is 'through etl-via: the types stay' "$wanted" "$(types)"
cat >same.py <<'EOP'
from etlstage import run
run("same", lambda record: record)
EOP
new postgresql
is 'through a stage in Python: exit code 0' 0 \
    "$(copy env PYTHONPATH="$top/examples/python-stage" python3 same.py)"
is 'through a stage in Python: the types stay' "$wanted" "$(types)"
is 'etl-checkpoint save --no-marks leaves the mark out' 2 \
    "$(etl-extract --checkpoint c --state file:s.json --cursor-field /id \
    --table t "$from" | etl-checkpoint save --no-marks --state file:s.json |
    wc -l | tr -d ' ')"

# The values decide where the type does not fit them.
new postgresql
is 'a stage that changes values: exit code 0' 0 "$(copy etl-transform \
    '{id: (.id * 3000000000), small: "x", price: (.price / 8), d: "soon",
    flag: 2, at: (.at + "Z"), u: 7, b: "z", txt: 1, renamed: .plain, f8}')"
is 'a stage that changes values: their own types; renamed columns too' \
    'id|bigint small|text price|numeric d|text flag|bigint at|timestamptz u|bigint b|text txt|bigint renamed|numeric f8|double precision ' \
    "$(types)"
is 'a stage that changes values: all records are loaded' 2 \
    "$(sql 'SELECT count(*) FROM t')"
new postgresql
is '--map, --columns and --touch: exit code 0' 0 "$(etl-extract --stream s \
    --query 'SELECT id, price, at, jb FROM t' "$from" | load --key id \
    --touch at --map cost=/price --map price=/jb/a --map id=/id)"
is '--map takes the type of the member; a column that an option sets keeps its own' \
    'cost|numeric(14,4) price|numeric id|integer at|timestamptz ' \
    "$(types | sed 's/^at|timestamptz \(.*\)$/\1at|timestamptz /')"
new postgresql
like '--plan shows the types' '"price" numeric\(14,4\)' \
    "$(etl-extract --stream s --table t "$from" |
    etl-load --db "$to" --table t --create --plan 2>&1)"
new postgresql
sql 'CREATE TABLE t (id integer PRIMARY KEY)'
is '--evolve: exit code 0' 0 "$(etl-extract --stream s \
    --query 'SELECT id, price, at, u FROM t' "$from" |
    status etl-load --db "$to" --table t --key id --evolve)"
is '--evolve: new columns get the types, too' \
    'id|integer price|numeric(14,4) at|timestamp u|uuid ' "$(types)"

# Infinite values, and SQLite as the target.
db_new postgresql
special=$db
sql "CREATE TABLE t (id integer, n numeric, p numeric(5,1), f real, d date,
    at timestamp)"
sql "INSERT INTO t VALUES (1, 'NaN', 'NaN', '-Infinity', 'infinity',
    '-infinity')"
plain=$from from=$special
new postgresql
is 'NaN and infinity: exit code 0' 0 "$(copy)"
is 'NaN and infinity: the types stay' \
    'id|integer n|numeric p|numeric(5,1) f|real d|date at|timestamp ' "$(types)"
is 'NaN and infinity: the values stay' "$(rows "$from")" "$(rows "$to")"
new sqlite
is 'NaN and infinity on SQLite: exit code 0' '0 1' \
    "$(copy) $(sql 'SELECT count(*) FROM t')"
from=$plain
new sqlite
is 'PostgreSQL to SQLite: exit code 0' 0 "$(copy)"
is 'PostgreSQL to SQLite: the types' \
    'id|INTEGER small|INTEGER big|INTEGER price|NUMERIC(14,4) plain|TEXT f4|REAL f8|REAL flag|BOOLEAN d|TEXT tm|TEXT at|TEXT atz|TEXT txt|TEXT vc|TEXT ch|TEXT u|TEXT j|JSON jb|JSON b|BLOB none|NUMERIC(9,2) day_text|TEXT net|TEXT list|JSON ' \
    "$(types)"
is 'PostgreSQL to SQLite: the values stay' \
    '1234567890.1234|0.10|2026-01-31T10:15:00|00FF' \
    "$(sql 'SELECT price, plain, at, hex(b) FROM t WHERE id = 1')"
new sqlite
sql 'CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT'
is '--evolve of a STRICT table: exit code 0' 0 "$(etl-extract --stream s \
    --query 'SELECT id, price, b FROM t' "$from" |
    status etl-load --db "$to" --table t --key id --evolve)"
is '--evolve of a STRICT table: types that it allows' \
    'id|INTEGER price|ANY b|BLOB ' "$(types)"

# SQLite as the source: the declared types.
db_new sqlite
from=$db
sql "CREATE TABLE t (id INTEGER PRIMARY KEY, price DECIMAL(14,4), n NUMERIC,
    flag BOOLEAN, d DATE, at DATETIME, ts TIMESTAMP,
    tz TIMESTAMP WITH TIME ZONE, u UUID, r REAL, vc VARCHAR(9), b BLOB,
    wrong DATE, odd DECIMAL(5,1), pt POINT, j JSON)"
sql "INSERT INTO t VALUES (1, 12.5, 1, 1, '2026-01-31', '2026-01-31 10:15:00',
    '2026-01-31T10:15:00.5', '2026-01-31 10:15:00+00:00',
    '0f0e0d0c-0000-4000-8000-000000000001', 1, '2026-01-31', x'00ff', 1769854500,
    0.30000000000000004, 'x', '[1]'), (2, 9999999999.9999, 2.5, 0, NULL, NULL,
    NULL, NULL, NULL, 2.5, 'x', NULL, 5, 1, 'y', '{}')"
new postgresql
is 'SQLite to PostgreSQL: exit code 0' 0 "$(copy)"
is 'SQLite to PostgreSQL: the declared types, if the values fit them' \
    'id|bigint price|numeric(14,4) n|numeric flag|boolean d|date at|timestamp ts|timestamp tz|timestamptz u|uuid r|double precision vc|text b|bytea wrong|bigint odd|numeric pt|text j|text ' \
    "$(types)"
is 'SQLite to PostgreSQL: the values stay' \
    '1|12.5000|1|t|2026-01-31|2026-01-31 10:15:00|2026-01-31 10:15:00.5|t|\x00ff
2|9999999999.9999|2.5|f|||||' \
    "$(sql "SELECT id, price, n, flag, d, at, ts,
    tz = '2026-01-31T10:15:00Z', b FROM t ORDER BY id")"
db_new sqlite
from=$plain to=$db
copy >rc
from=$to
new postgresql
is 'PostgreSQL to SQLite to PostgreSQL: exit code 0' '0 0' "$(cat rc) $(copy)"
is 'PostgreSQL to SQLite to PostgreSQL: the values stay' \
    "$(db=$plain; sql "SELECT id, price, plain, f8, flag, d, at, u, b, txt
    FROM t ORDER BY id" | sed 's/\(31\) /\1T/g')" \
    "$(sql "SELECT id, price, plain, f8, flag, d, at, u, b, txt
    FROM t ORDER BY id" | sed 's/\(31\) /\1T/g')"

# Marks that another program has written.
new postgresql
sql 'CREATE TABLE x (id integer)'
while IFS='|' read -r what type; do
	mark '{"@etl":"columns","columns":{"v":"'"$type"'","gone":"date"}}' \
	    '{"v":1}' >in
	is "a type with $what: exit code 0" 0 "$(load <in)"
	is "a type with $what is ignored" 'v|bigint 1' \
	    "$(types)$(sql "SELECT count(to_regclass('x'))")"
	sql 'DROP TABLE t'
done <<'CASES'
a statement behind it|integer); DROP TABLE x; --
a statement behind numeric|numeric(14,4)); DROP TABLE x; --
a huge precision|numeric(99999999999,4)
a precision beyond the limit|numeric(1001,1)
a scale beyond the precision|numeric(3,4)
a negative scale|numeric(3,-1)
no scale|numeric(3)
blanks|numeric( 3, 1)
zeros|numeric(03,1)
capital letters|NUMERIC
no letters|
a name that no program knows|geometry
CASES
while IFS='|' read -r what mark; do
	mark "$mark" '{"v":1}' >in
	is "$what: exit code 76" 76 "$(load <in)"
	like "$what: the message says why" 'broken (columns )?mark' "$(cat err)"
	is "$what: etl-transform refuses the mark, too" 76 \
	    "$(status etl-transform . <in)"
	is "$what: no table is made" 0 "$(sql "SELECT count(to_regclass('t'))")"
done <<'CASES'
a mark without columns|{"@etl":"columns"}
a mark with an array|{"@etl":"columns","columns":["v"]}
a type that is a number|{"@etl":"columns","columns":{"v":1}}
a type that is an object|{"@etl":"columns","columns":{"v":{"type":"date"}}}
a type with a NUL|{"@etl":"columns","columns":{"v":"date\u0000"}}
a name with a NUL|{"@etl":"columns","columns":{"v\u0000w":"date"}}
a column twice|{"@etl":"columns","columns":{"v":"date","v":"date"}}
a mark that is no JSON|{"@etl":"columns","columns":{"v":"date"}}}
CASES
/usr/bin/python3 - >in <<'EOP'
import json
print('{"@etl":"begin","v":1,"id":"many","stages":["x"]}')
print(json.dumps({"@etl": "columns", "columns":
    {"v": "smallint", **{"c%d" % i: "text" for i in range(100000)}}}))
print('{"v":1}')
print('{"@etl":"end","stages":[{"stage":"x","in":0,"out":1,"dropped":0,'
    '"rejected":0}]}')
EOP
is 'a mark with 100,000 columns: exit code 0' 0 "$(limit=20 load <in)"
is 'a mark with 100,000 columns: only the first ones count' 'v|smallint ' \
    "$(types)"
sql 'DROP TABLE t'
{
	mark '{"@etl":"columns","columns":{"v":"integer","w":"integer"}}' \
	    '{"v":1,"w":1}'
	mark '{"@etl":"columns","columns":{"v":"smallint","w":"integer"}}' \
	    '{"v":2,"w":2}'
} >in
is 'two sources: exit code 0' 0 "$(load <in)"
is 'two sources with different types for a column: the values decide' \
    'v|bigint w|integer ' "$(types)"
done_testing
