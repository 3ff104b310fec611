#!/bin/sh
# PostgreSQL: usual values of usual types go to the server in the binary format of
# COPY, all others as text. The rows and the rejects are the same in both formats.
. tests/support/lib.sh

db_new postgresql
columns='i2 smallint, i4 integer, i8 bigint, b boolean, f float8, t text,
    v varchar(5), c char(4), j json, jb jsonb, d date, ts timestamp,
    tz timestamptz, ms timestamptz(3), u uuid'
# A trigger of the statement notes the format of a COPY directly into the table.
sql "CREATE TABLE t (); CREATE TABLE formats (format text);
    CREATE FUNCTION note_format() RETURNS trigger LANGUAGE plpgsql AS
    \$\$ BEGIN INSERT INTO formats
    SELECT CASE WHEN current_query() LIKE '%BINARY%' THEN 'binary' ELSE 'text' END;
    RETURN NULL; END \$\$"
# new_table: makes an empty t, with a column n that has no binary form.
new_table() {
	sql "DROP TABLE t; TRUNCATE formats;
	CREATE TABLE t (k int PRIMARY KEY, n numeric, $columns);
	CREATE TRIGGER note_format AFTER INSERT ON t
	FOR EACH STATEMENT EXECUTE FUNCTION note_format()"
}
new_table

# Records with each value of each column. The times are those of many years.
/usr/bin/python3 - >"$scratch/values.ndjson" <<'END'
import datetime
import json
import random
random.seed(7)
values = {
    "i2": [0, 1, -1, 32767, -32768, 5.0, 1e2],
    "i4": [0, -1, 2147483647, -2147483648, 3e5],
    "i8": [0, 9223372036854775807, -9223372036854775808, 1e15],
    "b": [True, False],
    "f": [0, 0.0, 1, -1.5, 0.1, 1e300, 1e-300, 1.7976931348623157e308,
          3.141592653589793, 123456789012345],
    "t": ["", "a", "a\tb\nc\\d\"", "naïve \U0001f600", "x" * 5000, 12.50, True,
          {"a": [1, "\\N"]}, ["\\."], "\\N", "\\."],
    "v": ["", "abcde", "ü    ", 12345],
    "c": ["", "ab", "abcd", 1],
    "j": [1, "a\\", None, {"b": 1, "a": [1.50, "\u00e9"]}, [], True],
    "jb": [1, "a\"", {"b": 1, "a": [1.50, "\u00e9"]}, [], 1e5, "x" * 3000],
    "d": ["2000-01-01", "1999-12-31", "0001-01-01", "9999-12-31",
          "2024-02-29"],
    "ts": ["2000-01-01T00:00:00", "1999-12-31 23:59:59.999999",
           "2026-01-30T10:15:30Z", "0001-01-01T00:00:00.000001"],
    "tz": ["2000-01-01T00:00:00Z", "2026-01-30T10:15:30.123456Z",
           "2026-01-30T10:15:30.1+02:00", "2026-01-30T00:15:30-11:30",
           "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00",
           "1900-03-01 12:00:00"],
    "ms": ["2026-01-30T10:15:30.123Z", "2026-01-30T10:15:30.120000Z"],
    "u": ["5f64afb4-1c3b-4d58-9d2a-0123456789ab",
          "5F64AFB4-1C3B-4D58-9D2A-0123456789AB"],
}
for _ in range(1500):
    at = datetime.datetime(1, 1, 2) + datetime.timedelta(
        seconds=random.randrange(9998 * 365 * 86400),
        microseconds=random.choice([0, 1000 * random.randrange(1000),
                                    random.randrange(1000000)]))
    values["ts"].append(at.isoformat())
    values["tz"].append(at.isoformat() + random.choice(
        ["Z", "", "+05:45", "-03:00"]))
    values["d"].append(at.date().isoformat())
k = 0
for i in range(max(len(v) for v in values.values())):
    k += 1
    print(json.dumps({"k": k, **{c: v[i % len(v)] if i % 7 or c == "b" else None
                                 for c, v in values.items()}}))
END
is 'there are many records' 1 "$(($(wc -l <"$scratch/values.ndjson") > 1500))"
# rows: a line for each row of t, without the column n.
rows() {
	sql 'ALTER TABLE t DROP COLUMN n'
	sql 'SELECT r::text FROM t AS r WHERE k > 0 ORDER BY k'
	new_table
}
# load OPTION...: loads the records on stdin and prints the counts.
load() {
	etl-load -v --db "$db" --table t --flush 100s --max-rejects 100% \
	    --rejects "$scratch/rejects" "$@" 2>&1 | grep -o '[0-9]* inserted.*'
}
all=$(wc -l <"$scratch/values.ndjson")
done="$all inserted, 0 updated, 0 unchanged, 0 superseded, 0 rejected"
for batch in 100 10000; do
	is "binary, batches of $batch: the counts" "$done" \
	    "$(load --key k --batch $batch <"$scratch/values.ndjson")"
	rows >"$scratch/binary.$batch"
	# A numeric has no binary form, so all rows after the first one are text.
	is "text, batches of $batch: the counts" "$((all + 1)) ${done#* }" \
	    "$({ echo '{"k":0,"n":1.5}'; cat "$scratch/values.ndjson"; } |
		load --key k --batch $batch)"
	rows >"$scratch/text.$batch"
	is "batches of $batch: the rows are the same in both formats" '' \
	    "$(diff "$scratch/binary.$batch" "$scratch/text.$batch" | head -n 4)"
done
is 'the rows of both sizes are the same' '' \
    "$(diff "$scratch/binary.100" "$scratch/binary.10000" | head -n 4)"

is 'without a key: the counts' "$done" \
    "$(load --batch 100 <"$scratch/values.ndjson")"
is 'without a key: all batches are binary' 'binary' \
    "$(sql 'SELECT DISTINCT format FROM formats')"
is 'without a key: the rows are the same' '' \
    "$(rows | diff - "$scratch/text.100" | head -n 4)"

# Values without a binary form, and those that the server refuses.
cat >"$scratch/odd.ndjson" <<'END'
{"k":1,"i8":"5"}
{"k":2,"f":-0.0}
{"k":3,"f":4.9e-324}
{"k":4,"f":"NaN"}
{"k":5,"b":"yes"}
{"k":6,"t":"a\u0000b"}
{"k":7,"jb":{"a":"\u0000"}}
{"k":8,"d":"January 8, 2026"}
{"k":9,"d":"2026-02-30"}
{"k":10,"ts":"infinity"}
{"k":11,"tz":"2026-01-30T24:00:00Z"}
{"k":12,"tz":"2026-01-30 10:15:30 Europe/Berlin"}
{"k":13,"u":"{5f64afb41c3b4d589d2a0123456789ab}"}
{"k":14,"v":"abcdef"}
{"k":15,"c":"abcde"}
{"k":16,"tz":"2026-13-01T00:00:00Z"}
{"k":17,"d":"0000-01-01"}
END
# odd OPTION...: loads each of these records alone, then prints rows and rejects.
odd() {
	rm -f "$scratch/rejects"
	while read -r line; do
		{ printf '%s' "$1"; echo "$line"; } | load --key k >/dev/null
	done <"$scratch/odd.ndjson"
	jq -c '[.code, .pointer, .message, .raw]' "$scratch/rejects"
	rows
}
odd '' >"$scratch/odd.alone"
odd '{"k":0,"n":1.5}
' >"$scratch/odd.text"
is 'odd values: rows and rejects are the same as without the binary format' '' \
    "$(diff "$scratch/odd.alone" "$scratch/odd.text" | head -n 6)"
is 'odd values: some are stored, some refused' '1 1' \
    "$(awk '/^\(/ { rows = 1 } /^\[/ { rejects = 1 }
    END { print rows, rejects }' "$scratch/odd.alone")"

# The format changes in the middle of a chunk, and rows are refused in both parts.
numbers='{k: ., v: (if . == 10 or . == 1499 or . == 1502 or . == 2900 then "toolong"
    else "v" end), i4: (if . == 1500 then "5" else . end)}'
for key in '' '--key k'; do
	rm -f "$scratch/rejects"
	# shellcheck disable=SC2086
	is "the format changes${key:+, $key}: the counts" \
	    '2996 inserted, 0 updated, 0 unchanged, 0 superseded, 4 rejected' \
	    "$(seq 3000 | jq -c "$numbers" | load $key)"
	is "the format changes${key:+, $key}: the rejects" \
	    '10 /v 1499 /v 1502 /v 2900 /v' \
	    "$(jq -r '"\(.origin.line) \(.pointer)"' "$scratch/rejects" | paste -sd ' ')"
	is "the format changes${key:+, $key}: the rows" '2996 4495589 5' \
	    "$(sql "SELECT count(*), sum(k) FILTER (WHERE i4 = k OR k = 1500),
	    sum(i4) FILTER (WHERE k = 1500) FROM t" | tr '|' ' ')"
	new_table
done

# A column gets another type between two batches. Then the bytes of its values
# stand for other values, or for none.
fifo=$scratch/fifo
mkfifo "$fifo"
has_two_rows() {
	[ "$(sql 'SELECT count(*) FROM a')" = 2 ]
}
# alter FROM TO VALUE OPTION...: loads two records, alters the column, and loads two
# more. Prints the exit code and the values.
alter() {
	from=$1 to=$2 value=$3
	shift 3
	sql "CREATE TABLE a (k int PRIMARY KEY, v $from)"
	timeout 60 etl-load --db "$db" --table a --batch 2 "$@" <"$fifo" 2>/dev/null &
	pid=$!
	exec 9>"$fifo"
	printf '{"k":%d,"v":%s}\n' 1 "$value" 2 "$value" >&9
	wait_until 20 has_two_rows
	sql "ALTER TABLE a ALTER v TYPE $to USING v::text::$to"
	printf '{"k":%d,"v":%s}\n' 3 "$value" 4 "$value" >&9
	exec 9>&-
	rc=0
	wait $pid || rc=$?
	echo "$rc $(sql 'SELECT count(*), count(DISTINCT v::text) FROM a' | tr '|' ' ')"
	sql 'DROP TABLE a'
}
for mode in append 'upsert --key k'; do
	while read -r from to value; do
		# shellcheck disable=SC2086
		is "$mode, $from becomes $to: the values stay" '0 4 1' \
		    "$(alter "$from" "$to" "$value" --mode $mode)"
	done <<'END'
bigint text 1
bigint text 4702111234474983745
bigint float8 1
bigint numeric 1
int bigint 5
float8 text 2.5
boolean text true
timestamptz text "2026-01-30 10:15:30+00"
text json 1
jsonb text 1
END
done
is 'append, text becomes jsonb: the values stay' '0 4 1' \
    "$(alter text jsonb 1 --mode append)"

sql "ALTER TABLE t DROP COLUMN n"
like '--plan names the format' 'FROM STDIN \(FORMAT BINARY\);' \
    "$(echo '{"k":1,"t":"a"}' | etl-load --db "$db" --table t --key k --plan)"
unlike '--plan: --mode cdc copies text' \
    'FORMAT BINARY' "$(echo '{"k":1,"t":"a"}' |
    etl-load --db "$db" --table t --mode cdc --key k --plan)"
done_testing
