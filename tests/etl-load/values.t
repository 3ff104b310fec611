#!/bin/sh
# Each JSON value is stored exactly in a column of each type, or its record is
# rejected.
. tests/support/lib.sh

load() {
	rc=0
	timeout 60 etl-load --db "$db" --table v --max-rejects 100% "$@" \
	    >"$scratch/out" 2>"$scratch/err" 3>"$scratch/rejects" || rc=$?
	is "$kind: a load of the values exits with 0" 0 $rc
}

kind=sqlite
db_new sqlite
sql 'CREATE TABLE v (id INTEGER PRIMARY KEY, i INTEGER, r REAL,
    n NUMERIC(20, 5), b BOOLEAN, t TEXT, at TIMESTAMP, j JSON, y BLOB, x)'
cat >"$scratch/in" <<'END'
{"id":1,"i":9223372036854775807,"r":0.1,"n":12.50,"b":true,"t":"a\nb\u00e9\"\\","at":"2020-02-29T23:59:60.5+02:00","j":{"a": [1.0,"\u0041"]},"y":"\\x00fF","x":1}
{"id":2,"i":"-5","r":"1e3","n":"7","b":"off","t":12.50,"at":"2020-01-01","j":"s","y":"hé","x":"1"}
{"id":3,"i":5.0,"r":1,"n":1e2,"b":0,"t":true,"at":"12:30","j":null,"y":null,"x":0.1234567890123456789}
{"id":4,"i":1e3,"t":{"a" : 1},"at":1600000000,"j":[],"x":[1, 2]}
{"id":5,"at":"2021-01-01T24:00:00.0+12:00"}
END
load --key id <"$scratch/in"
is 'sqlite: no record with fitting values is rejected' \
    '' "$(cat "$scratch/rejects")"
is 'sqlite: each value is stored exactly' \
"1|9223372036854775807|0.1|12.5|1|'a' || char(10) || 'bé\"\\'|2020-02-29T23:59:60.5+02:00|{\"a\":[1.0,\"\\u0041\"]}|X'00FF'|1
2|-5|1000.0|7|0|'12.50'|2020-01-01|\"s\"|X'68C3A9'|'1'
3|5|1.0|100|0|'true'|12:30||NULL|'0.1234567890123456789'
4|1000||||'{\"a\":1}'|1600000000|[]|NULL|'[1,2]'
5|||||NULL|2021-01-01T24:00:00.0+12:00||NULL|NULL" "$(sql "SELECT id, i, r, n, b,
    replace(quote(t), char(10), ''' || char(10) || '''), at, j, quote(y),
    quote(x) FROM v ORDER BY id")"
cat >"$scratch/in" <<'END'
{"i":1.5}
{"i":9223372036854775808}
{"i":true}
{"i":"5x"}
{"r":"x"}
{"r":1e400}
{"n":0.1234567890123456789}
{"n":[]}
{"b":2}
{"b":"maybe"}
{"at":"2021-02-29"}
{"at":"yesterday"}
{"at":"2021-01-01T25:00:00Z"}
{"at":"2021-01-01T24:00:00.01Z"}
{"y":5}
{"y":"\\x0"}
END
load <"$scratch/in"
is 'sqlite: a value that does not fit its column is rejected' 'type /i null
range /i null
type /i null
type /i null
type /r null
range /r null
range /n null
type /n null
type /b null
type /b null
type /at null
type /at null
type /at null
type /at null
type /y null
type /y null' "$(jq -r '"\(.code) \(.pointer) \(.sqlstate)"' \
    "$scratch/rejects")"
is 'sqlite: the rejects have the bytes of the records' "$(cat "$scratch/in")" \
    "$(jq -r .raw "$scratch/rejects")"

# In columns of a type that SQLite does not know, it turns texts that look like
# numbers into numbers. etl-load rejects values that would change.
sql 'ALTER TABLE v RENAME TO plain;
CREATE TABLE v (id INTEGER PRIMARY KEY, s STRING, j JSON, at TIMESTAMP)'
cat >"$scratch/in" <<'END'
{"id":1,"s":"12","j":-9223372036854775808,"at":1.0}
{"id":2,"s":"-0.5","j":1.50,"at":1600000000}
{"id":3,"s":"1e","j":"7","at":"12:30"}
{"id":4,"s":"+","j":[1.50],"at":"2020-01-01"}
{"id":5,"s":"5\u00a0","j":true}
{"id":6,"s":"0x10"}
{"id":7,"s":""}
{"id":8,"s":12.50}
END
load <"$scratch/in"
is 'sqlite: unknown types: values that SQLite does not change are stored' \
"1|'12'|-9223372036854775808|1
2|'-0.5'|1.5|1600000000
3|'1e'|'\"7\"'|'12:30'
4|'+'|'[1.50]'|'2020-01-01'
5|'5 '|'true'|NULL
6|'0x10'|NULL|NULL
7|''|NULL|NULL
8|'12.5'|NULL|NULL" "$(sql "SELECT id, quote(CAST(s AS TEXT)), quote(j),
    quote(at) FROM v ORDER BY id")"
is 'sqlite: unknown types: no value that stays as it is is rejected' \
    '' "$(cat "$scratch/rejects")"
cat >"$scratch/in" <<'END'
{"s":"007"}
{"s":"1.10"}
{"s":" 5 "}
{"s":"+5"}
{"s":".5"}
{"s":"5."}
{"s":"1234e56"}
{"s":"-0"}
{"s":"12345678901234567890123456789012"}
{"s":12345678901234567890123456789012}
{"j":12345678901234567890}
{"j":0.1234567890123456789}
{"j":1e400}
{"at":1.00000000000000000001}
END
load <"$scratch/in"
is 'sqlite: unknown types: values that SQLite would change are rejected' \
    'type /s
type /s
type /s
type /s
type /s
type /s
type /s
type /s
type /s
range /s
range /j
range /j
range /j
range /at' "$(jq -r '"\(.code) \(.pointer)"' "$scratch/rejects")"
sql 'DROP TABLE v; CREATE TABLE v (id INTEGER PRIMARY KEY, s ANY) STRICT'
echo '{"id":1,"s":"007"}' >"$scratch/in"
load <"$scratch/in"
is 'sqlite: a STRICT table stores a text of digits as it is' \
    "'007'" "$(sql 'SELECT quote(s) FROM v')"
sql 'DROP TABLE v; ALTER TABLE plain RENAME TO v'

# Columns of bytes from hex digits of many lengths, with a text column beside
# them.
python3 -c '
for n in range(1, 3000, 37):
    print("{\"id\":%d,\"t\":\"\\u00e9%s\",\"y\":\"\\\\x%s\"}"
        % (10000 + n, "t" * 20, "5a" * n))' >"$scratch/in"
load --key id <"$scratch/in"
is 'sqlite: hex digits of each length become their bytes' \
    '82|82' "$(sql "SELECT count(*), sum(t = 'é' ||
    'tttttttttttttttttttt' AND y = CAST(replace(hex(zeroblob(id - 10000)),
    '00', 'Z') AS BLOB)) FROM v WHERE id > 10000")"

kind=postgresql
db_new postgresql
sql "CREATE TYPE mood AS ENUM ('ok');
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE TABLE v (id int PRIMARY KEY, s smallint, i bigint, r float8,
    n numeric(20, 5), m numeric, b boolean, t text, c varchar(3),
    at timestamptz, d date, j jsonb, js json, y bytea, u uuid, e mood,
    sm small, ai int[], at2 text[], aj jsonb[], ip inet)"
cat >"$scratch/in" <<'END'
{"id":1,"s":5.0,"i":9223372036854775807,"r":0.1,"n":12.50,"m":0.1234567890123456789,"b":true,"t":"a\tb\n\\N\\.","c":"é12","at":"2020-02-29T23:59:59.5+02:00","d":"2020-01-01","j":{"a": [1.0,"\u0041\\"]},"js":{"a": 1},"y":"\\x00fF","u":"6f1c0000-0000-0000-0000-000000000000","e":"ok","sm":9,"ai":[1,null,3],"at2":["a,\"\\","",null,"NULL"],"aj":[{"a":"b\"c"},"s",null],"ip":"10.0.0.1"}
{"id":2,"s":"7","r":"1e3","b":"off","t":12.50,"at":"2020-01-01 10:00","j":"s","y":"hé","ai":"{4,5}","at2":[]}
{"id":3,"t":{"a" : "x\\y"},"b":1,"j":null,"ai":[[1,2],[3,4]],"at2":["x","y"]}
{"id":4,"y":"\u005cx0A"}
{"id":5,"y":"\n\u0000\u00e9\\x"}
{"id":6,"y":"\\x"}
{"id":7,"y":"\\"}
END
load --key id <"$scratch/in"
is 'postgresql: no record with fitting values is rejected' \
    '' "$(cat "$scratch/rejects")"
is 'postgresql: each value is stored exactly' \
    '1|5|9223372036854775807|0.1|12.50000|0.1234567890123456789|t|"a\tb\n\\N\\."|é12|2020-02-29 21:59:59.5+00|2020-01-01|{"a": [1.0, "A\\"]}|{"a":1}|\x00ff|6f1c0000-0000-0000-0000-000000000000|ok|9|{1,NULL,3}|["a,\"\\", "", null, "NULL"]|[{"a": "b\"c"}, "s", null]|10.0.0.1
2|7||1000|||f|"12.50"||2020-01-01 10:00:00+00||"s"||\x68c3a9||||{4,5}|[]||
3||||||t|"{\"a\":\"x\\\\y\"}"||||||||||{{1,2},{3,4}}|["x", "y"]||' \
    "$(PGTZ=UTC sql "SELECT id, s, i, r, n, m, b, to_json(t), c, at, d, j, js,
    y, u, e, sm, ai, to_json(at2)::jsonb, to_jsonb(aj), ip FROM v
    WHERE id < 4 ORDER BY id")"
is 'postgresql: strings with escapes become the right bytes' '\x0a
\x0a00c3a95c78
\x
\x5c' "$(sql 'SELECT y FROM v WHERE id > 3 ORDER BY id')"
cat >"$scratch/in" <<'END'
{"id":11,"s":40000}
{"id":12,"s":"x"}
{"id":13,"c":"1234"}
{"id":14,"at":"yesterdai"}
{"id":15,"d":"2021-02-29"}
{"id":16,"u":"zz"}
{"id":17,"e":"sad"}
{"id":18,"sm":10}
{"id":19,"ai":[1,"x"]}
{"id":20,"j":"a\u0000"}
{"id":21,"b":"maybe"}
{"id":22,"y":"\\x0"}
{"id":23,"r":1e400}
{"id":24,"n":1e30}
END
load --key id <"$scratch/in"
is 'postgresql: a value that does not fit its column is rejected' \
    '11 range /s 22003
12 type /s 22P02
13 range /c 22001
14 type /at 22007
15 type /d 22008
16 type /u 22P02
17 type /e 22P02
18 constraint /sm 23514
19 type /ai 22P02
20 encoding /j null
21 type /b 22P02
22 type /y 22023
23 range /r 22003
24 range /n 22003' "$(jq -r '"\(.raw | capture("id\":(?<n>[0-9]+)").n) \(.code) \(.pointer) \(.sqlstate)"' \
    "$scratch/rejects" | sort -n)"
is 'postgresql: the rejects have the bytes of the records' \
    "$(cat "$scratch/in")" \
    "$(jq -r .raw "$scratch/rejects" | sort)"

# Each element of an array is converted like a value for a column of its type,
# also if the type is a domain.
sql "DROP TABLE v; CREATE DOMAIN doc AS jsonb; CREATE DOMAIN docs AS json[];
CREATE TABLE v (id int, y bytea, ay bytea[], ad doc[], d docs, ai int[])"
cat >"$scratch/in" <<'END'
{"id":1,"ay":["a\\\\b","\\001","\\x00fF","","\"é",null]}
{"id":2,"ad":["5",5,{"a":[1]},[1, 2],"s",null],"d":["5",[1, 2],"\"\\"]}
{"id":3,"ai":[5.0,1e3,null,"7"]}
{"id":4,"ai":[[5.0],[1e3]]}
{"id":5,"y":{"a": "\\\\"},"ay":[{"a": "\\\\"}]}
{"id":6,"y":"","ai":[]}
END
load <"$scratch/in"
is 'postgresql: no record with fitting array elements is rejected' \
    '' "$(cat "$scratch/rejects")"
is 'postgresql: each array element is stored exactly' \
    '1||{"\\x615c5c62","\\x5c303031","\\x00ff","\\x","\\x22c3a9",NULL}|||
2|||{"\"5\"",5,"{\"a\": [1]}","[1, 2]","\"s\"",NULL}|{"\"5\"","[1,2]","\"\\\"\\\\\""}|
3|||||{5,1000,NULL,7}
4|||||{{5},{1000}}
5|\x7b2261223a225c5c5c5c227d|{"\\x7b2261223a225c5c5c5c227d"}|||
6|\x||||{}' "$(sql 'SELECT * FROM v ORDER BY id')"

# The same spellings of integers, and the same texts that are no dates, on both
# databases.
for kind in sqlite postgresql; do
	db_new $kind
	sql 'CREATE TABLE v (id int PRIMARY KEY, i bigint, r double precision,
	    n numeric(20, 4), d date, t timestamp)'
	cat >"$scratch/in" <<-'END'
	{"id":1,"i":"+2","r":"+2.5","n":" +2.5 "}
	{"id":2,"i":"02","r":"02.5","n":"02.5"}
	{"id":3,"i":" 3","r":" 3 ","n":"\t3"}
	{"id":4,"i":"-07 ","r":"-.5","n":"5."}
	END
	load --key id <"$scratch/in"
	is "$kind: numbers in texts may have blanks, a sign and zeros" \
	    '1|2|2.50|2.50 2|2|2.50|2.50 3|3|3.00|3.00 4|-7|-0.50|5.00' "$(sql "SELECT id, i,
	    $(case $kind in sqlite) echo "printf('%.2f', r), printf('%.2f', n)" ;;
	    *) echo 'r::numeric(9, 2), n::numeric(9, 2)' ;; esac)
	    FROM v ORDER BY id" | xargs)"
	cat >"$scratch/in" <<-'END'
	{"i":1e30}
	{"i":-1.5e400}
	{"i":1e999999999999999999999}
	{"i":9223372036854775808.0}
	{"i":"99999999999999999999"}
	{"i":9007199254740993.5}
	{"i":1e-400}
	{"i":"+ 1"}
	{"i":"--1"}
	{"i":"+"}
	{"i":" "}
	{"d":"abc"}
	{"d":"n/a"}
	{"d":true}
	{"d":""}
	{"d":"2026-02-30"}
	{"d":"2026-13-01"}
	{"t":"soon"}
	{"t":"2026-01-01T25:00:00Z"}
	END
	load <"$scratch/in"
	is "$kind: the codes of values that do not fit" \
	    '5 range /i 6 type /i 6 type /d 2 type /t' \
	    "$(jq -r '"\(.code) \(.pointer)"' "$scratch/rejects" | uniq -c | xargs)"
	is "$kind: the message shows what a date looks like" 8 \
	    "$(grep -c 'like 2026-01-31, 10:15:00 or 2026-01-31T10:15:00Z' \
	    "$scratch/rejects")"
done
done_testing
