#!/bin/sh
# A value comes back from the table as it was, or its record is rejected with
# the code `range`.  --lossy stores what the database makes of the value.
. tests/support/lib.sh

load() {
	rc=0
	timeout 60 etl-load --db "$db" --table v --max-rejects 100% "$@" \
	    >"$scratch/out" 2>"$scratch/err" 3>"$scratch/rejects" || rc=$?
	is "$kind: a load of the values exits with 0" 0 $rc
}
codes() { jq -r '"\(.code) \(.pointer)"' "$scratch/rejects"; }

# Reads lines COLUMN VALUE and writes records with the members id and COLUMN.
records() {
	awk '{ column = $1; sub(/^[a-z0-9]* /, "")
	    printf "{\"id\":%d,\"%s\":%s}\n", NR, column, $0 }'
}

kind=postgresql
db_new postgresql
sql "CREATE DOMAIN cents AS numeric(6,2);
CREATE DOMAIN price AS cents CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b numeric(6,2));
CREATE TYPE plain AS (a int, b text);
CREATE TABLE v (id int PRIMARY KEY, na name, ch \"char\", vc varchar(3),
    bp char(3), vb varbit(3), bi bit(3), nu numeric(6,2), nn numeric(6,-2),
    mo money, d date, ti time(3), tz timetz, ts timestamp, t0 timestamptz(0),
    tt timestamptz, iv interval, ivd interval day, ff real, f8 float8, o oid,
    pr price, an numeric(6,2)[], ad date[], ap price[], dr daterange,
    pa pair, pl plain, av varchar(3)[], m8 macaddr8, j jsonb, js json)"
cat >"$scratch/bad" <<'END'
na "1234567890123456789012345678901234567890123456789012345678901234"
na "é12345678901234567890123456789012345678901234567890123456789012"
ch "é"
ch "ab"
vc "abc "
vc "éé  "
vc "abc\u0020"
vb "1010"
bi "10"
nu 12.3456
nu "12.3456"
nu 1234567e-3
nu " 1.001 "
nn 150
mo 12.345
mo "$1,234.567"
d "2026-01-01T10:00:00Z"
d "2026-01-01T00:00:00Z"
d "2026-01-01 00:00"
d "2026-01-01Z"
d "2026-01-01 +02"
d "2026-01-01 CEST"
d "20260101T101530"
d "20260101 101530"
d "J2451187.5"
d "today"
d "\u006eow"
ti "10:00:00.1234"
ti "10:00:00+02"
ti "10:00:00 CET"
ti "2026-01-01 10:00:00"
ti "23:59:60"
tz "2026-01-01 10:00+02"
tz "10:00:00.1234567+02"
ts "2026-01-01T10:00:00+02:00"
ts "2026-01-01T10:00:00-05"
ts "2026-01-01 10:00 America/New_York"
ts "20260101T101530-05"
ts "2026-01-01T10:00:00.1234567"
ts "now"
t0 "2026-01-01T10:00:00.5Z"
tt "2026-01-01T10:00:00.1234567Z"
tt "2026-01-01T23:59:60Z"
tt "tomorrow"
iv "1.0000001 seconds"
iv "P1.33Y"
iv "1.0005 us"
ivd "1 day 3 hours"
ivd "1 day 02:00"
ff 16777217
ff "16777217"
f8 9007199254740993
f8 -123456789012345678901
o -1
o "-1"
pr 1.234
an [1.5,2.345]
an "{1.5,2.345}"
an [[1.5],["2.345"]]
ad ["2026-01-01","2026-01-01T10:00:00Z"]
ad "{2026-01-01,\"2026-01-01 10:00\"}"
ap [1.234]
av ["abc "]
av "{\"abc \"}"
dr "[2026-01-01 10:00,2026-01-02)"
pa "(1,2.345)"
m8 "08:00:2b:01:02:03"
END
records <"$scratch/bad" >"$scratch/in"
load --key id <"$scratch/in"
is 'postgresql: a value that would change is rejected with the code range' \
    "$(sed 's/^\([a-z0-9]*\) .*/range \/\1/' "$scratch/bad" | sort)" \
    "$(codes | sort)"
is 'postgresql: no value that would change is stored' \
    0 "$(sql 'SELECT count(*) FROM v')"
like 'postgresql: the message names the column, its type and --lossy' \
    'column "d" \(date\).*2026-01-01T10:00:00Z.*--lossy' \
    "$(jq -r 'select(.pointer == "/d").message' "$scratch/rejects" | head -1)"

# jsonb would drop members.
cat >"$scratch/twice" <<'END'
j {"a":{"b":1,"b":2}}
j [{"b":1,"\u0062":2}]
js {"a":{"b":1,"b":2}}
END
records <"$scratch/twice" >"$scratch/in2"
load --key id <"$scratch/in2"
is 'postgresql: a deep object with two members of one name is rejected' \
    'duplicate_member null
duplicate_member null
duplicate_member null' "$(codes)"
load --key id --duplicate-members last <"$scratch/in2"
is 'postgresql: --duplicate-members last lets jsonb keep the last member' \
    '{"a": {"b": 2}}
[{"b": 2}]' "$(sql 'SELECT j FROM v WHERE j IS NOT NULL
    ORDER BY id')"
sql 'DELETE FROM v'

# The server itself refuses the bit strings, so they stay rejects.
grep -v '"vb"\|"bi"\|"ch":"é"' "$scratch/in" >"$scratch/lossy"
load --key id --lossy <"$scratch/lossy"
is 'postgresql: --lossy rejects no value that the database changes' \
    '' "$(cat "$scratch/rejects")"
is 'postgresql: --lossy stores what the database makes of each value' \
    '12.35 abc 2026-01-01 10:00:00.123 1 day 1.6777216e+07' "$(sql "SELECT
    (SELECT min(nu) FROM v WHERE nu > 12), (SELECT min(vc) FROM v),
    (SELECT min(d) FROM v WHERE d > '2000-01-01'), (SELECT max(ti) FROM v WHERE ti < '20:00'
    AND ti > '10:00'), (SELECT min(ivd) FROM v), (SELECT max(ff) FROM v)" | tr '|' ' ')"

sql 'DELETE FROM v'
cat >"$scratch/good" <<'END'
na "123456789012345678901234567890123456789012345678901234567890123"
ch "a"
ch ""
vc "abc"
vc "a  "
vc "ééé"
bp "ab "
bp "ab        "
vb "101"
bi "101"
nu 12.34
nu 12.3400
nu "1234.5e-1"
nu 12.3E+1
nu "NaN"
nn 15e2
nn 1500
mo 12.34
mo "$1,234.500"
d "2026-01-01"
d "20260101"
d 20260101
d " Jan 5, 2026 "
d "Thu 5 January 2026 AD"
d "2026/1/5"
d "2026.123"
d "J2451187"
d "-infinity"
d "epoch"
ti "10:00"
ti "10:00:00.1230"
ti "10:00 PM"
ti "101530"
ti "24:00:00"
ti "10:00Z"
tz "10:00:00.123456+02:00"
ts "2026-01-01T10:00:00"
ts "2026-01-01T10:00:00Z"
ts "2026-01-01T10:00:00+00:00"
ts "2026-01-01 10:00 UTC"
ts "2026-01-01"
ts "20260101T101530.123456"
ts "Jan 5 10:00:00 2026"
ts "infinity"
t0 "2026-01-01T10:00:00.000Z"
tt "2026-01-01T10:00:00.123456000+02:00"
tt "2026-01-01T10:00:00.123456-02:30"
tt "2026-01-01 10:00 America/New_York"
iv "1.000001 seconds"
iv "1.5 years"
iv "P1Y2M3DT4H5M6.5S"
iv "1 day 02:03:04.123456"
iv "-1 year -2 mons +3 days -04:05:06"
ivd "3 days"
ff 16777216
ff 0.1
ff 123456789.5
ff "1e30"
f8 9007199254740992
f8 -123456789012345680000
f8 99999999999999991611392
f8 1e23
f8 "Infinity"
o 4294967295
pr 1.20
an [1.5,null,2.30]
an "{1.5,NULL,\"2.30\"}"
ad ["2026-01-01"]
ap "{1.25}"
av ["a  ","ab"]
dr "[2026-01-01,2026-01-02)"
dr "empty"
pl "(1,abc)"
m8 "08:00:2b:01:02:03:04:05"
j {"a":[{"b":1.50},{"b":1e2}]}
END
records <"$scratch/good" >"$scratch/in"
load --key id <"$scratch/in"
is 'postgresql: a value that the column keeps is stored' \
    '' "$(cat "$scratch/rejects")"
is 'postgresql: each kept value has a row' \
    "$(wc -l <"$scratch/good")" "$(sql 'SELECT count(*) FROM v')"

# Settings of the role or the database change how PostgreSQL reads values.
name=${db##*/}
sql "ALTER DATABASE $name SET array_nulls = off;
ALTER DATABASE $name SET DateStyle = 'SQL, DMY';
ALTER DATABASE $name SET IntervalStyle = 'sql_standard';
ALTER DATABASE $name SET TimeZone = 'Asia/Tokyo';
ALTER DATABASE $name SET timezone_abbreviations = 'India';
ALTER DATABASE $name SET bytea_output = 'escape';
ALTER DATABASE $name SET extra_float_digits = -10;
ALTER DATABASE $name SET xmloption = 'document';
ALTER DATABASE $name SET transform_null_equals = on"
sql 'DROP TABLE v; CREATE TABLE v (id int PRIMARY KEY, a text[], d date,
    i interval, t timestamptz, x xml, f float8)'
printf '%s\n' '{"id":1,"a":["x",null],"d":"03-02-01","i":"-1 2:03:04",
    "t":"2026-01-01 10:00 IST","x":"a<b/>","f":0.1234567890123456}' |
    tr -d '\n' >"$scratch/in"
load --key id <"$scratch/in"
is 'postgresql: settings of the database do not change how values are read' \
    '2003-02-01|2|t|-1 days +02:03:04|2026-01-01 08:00:00+00|a<b/>|t' \
    "$(PGOPTIONS='-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres' \
    sql "SELECT d, array_length(a, 1), a[2] IS NULL, i, t, x,
    f = 0.1234567890123456::float8 FROM v")"

kind=sqlite
db_new sqlite
sql 'CREATE TABLE v (id INTEGER PRIMARY KEY, r REAL, n NUMERIC, s STRING)'
cat >"$scratch/bad" <<'END'
r 9007199254740993
r "9007199254740993"
r -123456789012345678901
n 0.1234567890123456789
n 12345678901234567890
s "007"
END
records <"$scratch/bad" >"$scratch/in"
load --key id <"$scratch/in"
is 'sqlite: a value that would change is rejected' \
    'range /r
range /r
range /r
range /n
range /n
type /s' "$(codes)"
load --key id --lossy <"$scratch/in"
is 'sqlite: --lossy rejects no value that SQLite changes' \
    '' "$(cat "$scratch/rejects")"
is 'sqlite: --lossy stores what SQLite makes of each value' \
    '9007199254740992
9007199254740992
-1.23456789012346e+20
0.123456789012346
1.23456789012346e+19
7' "$(sql "SELECT CASE WHEN r > 0 THEN printf('%d', r) ELSE
    coalesce(r, n, s) END FROM v")"
sql 'DELETE FROM v'
cat >"$scratch/good" <<'END'
r 9007199254740992
r -123456789012345680000
r 1e23
r 0.12345678901234567890
r 9007199254740993.0
END
records <"$scratch/good" >"$scratch/in"
load --key id <"$scratch/in"
is 'sqlite: a REAL column rounds a number with a fraction or an exponent' \
    '' "$(cat "$scratch/rejects")"
done_testing
