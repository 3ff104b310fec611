#!/bin/sh
# --nested: the column of the record's key in a child table, and keys that the
# parent takes as equal although they are written in different ways.
. tests/support/lib.sh

# load PARENT CHILD: makes the columns k and p_k of these types, then loads
# $scratch/in. Prints the exit code.
load() {
	sql 'DROP TABLE IF EXISTS c; DROP TABLE IF EXISTS p'
	sql "CREATE TABLE p (k $1, PRIMARY KEY (k));
	    CREATE TABLE c (p_k $2, value text)"
	status etl-load --db "$db" --table p --key k --nested c=/v \
	    <"$scratch/in" 2>"$scratch/err"
}
rows() {
	sql 'SELECT * FROM p ORDER BY 1; SELECT * FROM c ORDER BY 1, 2' |
	    paste -sd ' '
}
refused='column "p_k" of table c .* compares values in another way than "k"'

db_new sqlite
printf '%s\n' '{"k":"A","v":[1]}' '{"k":"a","v":[2]}' '{"k":"b","v":[3]}' \
    >"$scratch/in"
for child in text 'text COLLATE NOCASE' 'varchar(9) REFERENCES p'; do
	is "the parent ignores case, the child is $child: no old row stays" \
	    '0 A b a|2 b|3' "$(load 'text COLLATE NOCASE' "$child") $(rows)"
done
is 'only the child ignores case: no row of another key is deleted' \
    '0 A a b A|1 a|2 b|3' "$(load text 'text COLLATE NOCASE') $(rows)"
sql 'DROP TABLE p; DROP TABLE c; CREATE TABLE p (a int, k text,
	PRIMARY KEY (a, k COLLATE NOCASE)); CREATE TABLE c (p_k text,
	p_a int, value text)'
printf '%s\n' '{"a":1,"k":"A","v":[1]}' '{"a":2,"k":"a","v":[2]}' \
    '{"a":1,"k":"a","v":[3]}' >"$scratch/in"
is 'a key of two columns: no old row stays' '0 1|A 2|a a|1|3 a|2|2' \
    "$(status etl-load --db "$db" --table p --key a,k --nested c=/v \
	<"$scratch/in") $(rows)"
printf '%s\n' '{"k":1,"v":[1]}' '{"k":1.0,"v":[2]}' >"$scratch/in"
is 'the parent has integers, the child too' '0 1 1|2' \
    "$(load int bigint) $(rows)"
is 'the parent has integers, the child texts: exit code 78' 78 \
    "$(load int text)"
like 'the message names both columns' "$refused" "$(cat "$scratch/err")"

db_new postgresql
sql "CREATE EXTENSION citext; CREATE COLLATION ci (provider = icu,
    locale = 'und-u-ks-level2', deterministic = false);
    CREATE DOMAIN number AS int"
for types in int:bigint number:int 'numeric:numeric(9,2)' uuid:uuid \
    'timestamp(0):timestamp' 'text:varchar(9)' citext:citext \
    'text COLLATE ci:text COLLATE ci' 'text COLLATE "C":text COLLATE "POSIX"'
do
	: >"$scratch/in"
	is "the parent has $types: exit code 0" 0 \
	    "$(load "${types%%:*}" "${types#*:}")"
done
for types in int:text numeric:int numeric:text citext:text text:citext \
    'text COLLATE ci:text' 'char(4):text' 'oid:bigint'; do
	is "the parent has $types: exit code 78" 78 \
	    "$(load "${types%%:*}" "${types#*:}")"
	like "the parent has $types: the message names both columns" \
	    "$refused" "$(cat "$scratch/err")"
done
printf '%s\n' '{"k":"A","v":[1]}' '{"k":"a","v":[2]}' >"$scratch/in"
for type in citext 'text COLLATE ci'; do
	is "both have $type: no old row stays" '0 A a|2' \
	    "$(load "$type" "$type") $(rows)"
done
done_testing
