#!/bin/sh
# For each type of column: a value that etl-load stores is the value that
# etl-extract gives back, or its record is a reject.
. tests/support/lib.sh

# round_trip LABEL: loads the values of the list $scratch/list into the table v and
# reads them back.
round_trip() {
	python3 tests/etl-load/round_trip.py records "$scratch/list" >"$scratch/in"
	: >"$scratch/rejects"
	is "$1: a load exits with 0" 0 "$(status etl-load --db "$db" \
	    --table v --max-rejects 100% --rejects "$scratch/rejects" \
	    <"$scratch/in")"
	is "$1: etl-extract reads the table" 0 "$(status etl-extract \
	    --query 'SELECT * FROM v' "$db")"
	is "$1: each value comes back, or its record is a reject" '' \
	    "$(python3 tests/etl-load/round_trip.py compare "$scratch/list" \
	    "$scratch/out" "$scratch/rejects")"
}

db_new postgresql
sql "CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('ok', 'so so');
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE TYPE pair AS (a int, b text);
CREATE TYPE deep AS (p pair, at timestamptz, list pair[], n numeric(6,2),
    raw bytea, j jsonb);
CREATE TYPE note AS (raw bytea, b text);
CREATE DOMAIN named_pair AS pair CHECK ((VALUE).a > 0);
CREATE TYPE span AS RANGE (subtype = int4);
CREATE DOMAIN strange AS jsonb;
CREATE TABLE v (id int, i2 int2, i4 int4, i8 int8, nu numeric,
    n2 numeric(12,2), f4 float4, f8 float8, mo money, bo boolean, te text,
    vc varchar(3), ch char(3), ci citext, da date, ti time, tz timetz,
    ts timestamp, tt timestamptz, iv interval, uu uuid, ip inet, js json,
    jb jsonb, by bytea, en mood, sm small, ir int4range, dr daterange,
    tr tstzrange, mr int4multirange, ai int[], an numeric[], ab boolean[],
    ate text[], ada date[], att timestamptz[], auu uuid[], aip inet[],
    ajb jsonb[], aby bytea[], aen mood[], asm small[], air int4range[],
    pa pair, apa pair[], de deep, np named_pair, nt note, sp span,
    st strange, ast strange[])"
tab=$(printf '\t')
sed "s/ | /$tab/g" <<'END' >"$scratch/list"
i2 | 32767
i2 | -32768
i2 | 32768 | !range
i2 | "5" | 5
i2 | 1e3 | 1000
i2 | 1.5 | !type
i4 | 2147483647
i4 | 2147483648 | !range
i8 | 9223372036854775807
i8 | -9223372036854775808
i8 | 9223372036854775808 | !range
i8 | true | !type
nu | 12345678901234567890.12345678901234567890
nu | 1e40 | 10000000000000000000000000000000000000000
nu | "0.1" | 0.1
nu | "NaN"
nu | 0.00000000000000000001
n2 | 1.25
n2 | 1.255 | !range
n2 | 99999999999 | !range
f4 | 1.5
f4 | 16777216
f4 | 16777217 | !range
f4 | 1e39 | !range
f8 | 0.1
f8 | 1e308
f8 | 1e309 | !range
f8 | 9007199254740993 | !range
f8 | "Infinity"
mo | "$1,234.50"
mo | 12.34 | "$12.34"
mo | 12.345 | !range
bo | true
bo | "no" | false
bo | 2 | !type
te | "a\tb\n\\N\\.é\"'"
te | ""
te | 12.50 | "12.50"
te | {"a": 1} | "{\"a\":1}"
te | "a\u0000" | !encoding
te | "\ud800" | !encoding
vc | "é12"
vc | "1234" | !range
vc | "123 " | !range
ch | "ab" | "ab "
ch | "abcd" | !range
ci | "Anna"
da | "2026-01-30"
da | "0044-03-15 BC"
da | "2026-01-30T00:00:00Z" | !range
da | "2026-02-30" | !type
ti | "10:15:30.123456"
ti | "10:15:30.1234567" | !range
tz | "10:15:30+02"
ts | "2026-01-30T10:15:30.123456"
ts | "2026-01-30 10:15:30" | "2026-01-30T10:15:30"
ts | "2026-01-30T10:15:30+02:00" | !range
tt | "2026-01-30T10:15:30.5+00:00"
tt | "2026-01-30T10:15:30+02:00" | "2026-01-30T08:15:30+00:00"
tt | "2026-01-30 10:15:30+02" | "2026-01-30T08:15:30+00:00"
tt | "infinity"
tt | "today" | !range
iv | "1 year 2 mons 3 days 04:05:06.789"
iv | "P1DT2H" | "1 day 02:00:00"
iv | "1.0000001 seconds" | !range
uu | "6f1c0000-0000-0000-0000-000000000000"
uu | "zz" | !type
ip | "10.0.0.1/8"
ip | "::1"
ip | "10.0.0.256" | !type
js | {"b":1.50,"a":[1,null,"x"]}
js | "s"
jb | {"a":[1.50,12345678901234567890]}
jb | 5
jb | {"a":"\u0000"} | !encoding
by | "\\x00ff"
by | "\\x00FF" | "\\x00ff"
by | "A" | "\\x41"
by | "\\x0" | !type
en | "so so"
en | "bad" | !type
sm | 9
sm | 10 | !constraint
ir | "[1,5)"
ir | "(1,5]" | "[2,6)"
ir | "empty"
ir | [1,5] | !type
ir | "[5,1]" | !type
dr | "[2026-01-30,)"
tr | "[\"2026-01-30 10:15:30+00\",)"
mr | "{[1,3),[5,7)}"
ai | [1,null,3]
ai | []
ai | [[1,2],[3,4]]
ai | "{4,5}" | [4,5]
ai | [1,"x"] | !type
ai | {"a":1} | !type
ai | {} | !type
ai | [{}] | !type
ai | [[1],{}] | !type
ate | {} | !type
ate | [{}] | ["{}"]
air | {} | !type
air | [[1,5]] | !type
sp | "[1,5)"
sp | [1,5] | !type
st | [1, 5]
st | {}
ast | [{}, [1, 5]]
ast | {} | !type
mr | [] | !type
mr | {} | !type
mr | "{}"
apa | {} | !type
de | {"list":{}} | !type
an | [1.50,12345678901234567890.5]
ab | [true,false,null]
ate | ["a,\"\\","",null,"NULL","{}"]
ada | ["2026-01-30"]
ada | ["2026-01-30T00:00:00Z"] | !range
att | ["2026-01-30T10:15:30+02:00"] | ["2026-01-30T08:15:30+00:00"]
auu | ["6f1c0000-0000-0000-0000-000000000000"]
aip | ["10.0.0.1"]
ajb | [{"a":"b\"c"},"s",[1],null]
aby | ["\\x00ff","A"] | ["\\x00ff","\\x41"]
aen | ["ok","so so"]
asm | [1,10] | !constraint
air | ["[1,5)"]
pa | {"a":1,"b":"x y\"\\(,"}
pa | {"b":"","a":null}
pa | {} | {"a":null,"b":null}
pa | "(7,w)" | {"a":7,"b":"w"}
pa | {"a":1,"c":2} | !schema
pa | {"a":"x"} | !type
pa | {"b":"a\u0000"} | !encoding
pa | [1,"x"] | !type
apa | [{"a":1,"b":null},{"a":null,"b":"NULL"},null]
apa | [{"x":1}] | !schema
de | {"p":{"a":1,"b":"\"q\" \\ it's"},"at":"2026-01-30T10:15:30+00:00","list":[{"a":1,"b":"x,\"y"},{"a":2,"b":"\\"}],"n":1.25,"raw":"\\x00ff","j":{"k":[1,"\"\\"]}}
de | {"n":1.255} | !range
de | {"list":[{"a":1,"b":2,"c":3}]} | !schema
de | {"p":{"A":1}} | !schema
np | {"a":1,"b":"z"}
np | {"a":0} | !constraint
END
round_trip postgresql
cat <<'END' >"$scratch/in"
{"id":1,"de":{"raw":"AP8="},"aby":["AP8=",null]}
{"id":2,"de":{"raw":"\\x00"}}
{"id":3,"aby":["AP8"]}
{"id":4,"aby":"{AP8=}"}
{"id":5,"nt":"(AP8=,x)"}
END
sql 'TRUNCATE v'
is 'postgresql --bytes base64: exit code 0' 0 "$(status etl-load --db "$db" \
    --table v --bytes base64 --max-rejects 100% --rejects "$scratch/rejects.64" \
    <"$scratch/in")"
is 'postgresql --bytes base64: also bytes in arrays and composite values' \
    '\x00ff|{"\\x00ff",NULL}' "$(sql 'SELECT (de).raw, aby FROM v')"
is 'postgresql --bytes base64: other values inside others are rejects' \
    'type /de
type /aby
type /aby
type /nt' "$(jq -r '"\(.code) \(.pointer)"' "$scratch/rejects.64")"

# The columns may also be loaded by way of the temporary table, and by key.
sql 'ALTER TABLE v ADD PRIMARY KEY (id)'
for mode in upsert ignore; do
	sql 'TRUNCATE v'
	python3 tests/etl-load/round_trip.py records "$scratch/list" >"$scratch/in"
	: >"$scratch/rejects"
	is "postgresql, $mode: a load exits with 0" 0 "$(status etl-load \
	    --db "$db" --table v --mode $mode --max-rejects 100% \
	    --rejects "$scratch/rejects" <"$scratch/in")"
	etl-extract --query 'SELECT * FROM v' "$db" >"$scratch/out"
	is "postgresql, $mode: each value comes back, or is a reject" '' \
	    "$(python3 tests/etl-load/round_trip.py compare "$scratch/list" \
	    "$scratch/out" "$scratch/rejects")"
done
is 'postgresql: values that were read back are unchanged rows' \
    'unchanged' "$(etl-load -v --db "$db" --table v --key id \
    <"$scratch/out" 2>&1 | sed -n \
    's/.*: \([0-9]*\) in, 0 inserted, 0 updated, \1 unchanged, .*/unchanged/p')"

db_new sqlite
sql 'CREATE TABLE v (id INTEGER PRIMARY KEY, i INTEGER, r REAL, n NUMERIC,
    dc DECIMAL(12, 2), b BOOLEAN, t TEXT, vc VARCHAR(3), at TIMESTAMP, d DATE,
    j JSON, y BLOB, x, st STRING, uu UUID)'
sed "s/ | /$tab/g" <<'END' >"$scratch/list"
i | 9223372036854775807
i | -9223372036854775808
i | 9223372036854775808 | !range
i | -9223372036854775809 | !range
i | 1e3 | 1000
i | "7" | 7
i | 1.5 | !type
i | "x" | !type
r | 0.1
r | 1e400 | !range
r | 9007199254740993 | !range
r | "1e5" | 100000
n | 12.50
n | 9223372036854775807
n | 9223372036854775808 | !range
n | 0.1234567890123456789 | !range
dc | 1234567890.12
dc | 12345678901234567890.12 | !range
b | true | 1
b | "no" | 0
b | 2 | !type
t | "a\tb\n\\é"
t | "007"
t | 9223372036854775808 | "9223372036854775808"
t | {"a": 1} | "{\"a\":1}"
t | "\u0000" | !encoding
vc | "abcd"
at | "2026-01-30T10:15:30.5+02:00"
at | "2026-01-30 10:15:30"
at | 1600000000
at | 9223372036854775808 | !range
at | "tomorrow" | !type
d | "2026-01-30"
d | "2026-02-30" | !type
j | {"a":[1.50,9223372036854775808]} | "{\"a\":[1.50,9223372036854775808]}"
j | 9223372036854775808 | !range
y | "\\x00ff"
y | "A" | "\\x41"
y | 5 | !type
x | "1"
x | 1.5
x | 9223372036854775807
st | "abc"
st | "007" | !type
st | 9223372036854775808 | !range
uu | "6f1c0000-0000-0000-0000-000000000000"
uu | "12345678901234567890123456789012" | !type
END
round_trip sqlite
sql 'DROP TABLE v; CREATE TABLE v (id INTEGER PRIMARY KEY, i INT, n INTEGER,
    r REAL, t TEXT, y BLOB, a ANY) STRICT'
sed "s/ | /$tab/g" <<'END' >"$scratch/list"
i | 9223372036854775807
i | 9223372036854775808 | !range
n | 5.0 | 5
n | "x" | !type
r | 5
r | 9007199254740993 | !range
t | "007"
t | 5 | "5"
y | "\\x00ff"
y | true | !type
a | "007"
a | 1.5
a | 9223372036854775807
END
round_trip 'sqlite, STRICT'
done_testing
