#!/bin/sh
# The SQL files: both dialects have the same files with their statements in the
# same order, and a comment after the name of each statement says what it is for.
. tests/support/lib.sh

# statements FILE: prints the names of its statements, in order.
statements() {
	sed -n 's/^-- name: //p' "$1"
}
# common A B: prints the statements of A that B has too, in the order of A.
common() {
	statements "$2" >"$scratch/other"
	statements "$1" | grep -Fxf "$scratch/other" || :
}
# without_purpose FILE: prints statements whose name has no comment after it.
without_purpose() {
	awk '/^-- name: / { name = $3; next }
	name != "" { if (!/^-- /) print name; name = "" }
	END { if (name != "") print name }' "$1"
}

is 'both SQL dialects have the same files' \
    "$(cd sql/postgresql && ls)" "$(cd sql/sqlite && ls)"
for file in sql/postgresql/*.sql; do
	other=sql/sqlite/${file##*/}
	is "${file##*/}: both dialects have their common statements in the same order" \
	    "$(common "$file" "$other")" "$(common "$other" "$file")"
done
for file in sql/*/*.sql; do
	ok "$file: the file has statements" test -n "$(statements "$file")"
	is "$file: each statement has a comment after its name" '' \
	    "$(without_purpose "$file")"
	is "$file: no line has more than 80 columns" \
	    '' "$(grep -nE '^.{81}' "$file" || :)"
done
# of_all_databases: prints the places of tests that read the locks or the sessions
# of all databases of the server, which other tests use too.
of_all_databases() {
	grep -rnE -A3 '(FROM|JOIN) (pg_catalog\.)?pg_(locks|stat_activity)' tests \
	    --include=*.t --include=*.sh --include=*.py | awk '
	function done() {
		if (place != "" && !ok)
			print place
		place = ""
		ok = 0
	}
	/^--$/ { done(); next }
	/FROM pg_(locks|stat_activity)/ { done(); place = $1 }
	/_here|current_database|usename = |pid IN / { ok = 1 }
	END { done() }'
}
is 'no test reads the locks or sessions of other tests' '' "$(of_all_databases)"
is 'no two statements of a dialect have the same name' \
    '' "$(for dialect in sql/*/; do
	cat "$dialect"*.sql | sed -n 's/^-- name: //p' | sort | uniq -d
done)"

# unqualified FILE...: prints the words before "(" that are neither SQL syntax nor
# a name with its schema.  A function without its schema may be one of another
# role (man/etl.7).  The first sed removes comments, texts and quoted names.
unqualified() {
	sed -E "s/--.*//; s/'([^']|'')*'//g; s/\"[^\"]*\"//g" "$@" |
	    sed -E 's/(INTO|TABLE|REFERENCES|EXISTS|ON|INDEX) [{}a-z_.]+ ?\(//g;
	    s/(COPY|AS c|AS d) [{}a-z_.]* ?\(//g; s/AS [a-z]+\(/(/g' |
	    grep -oE '[A-Za-z_.{}]+ ?\(' | sed 's/ *($//' | grep -vE '^pg_catalog\.' |
	    grep -vxE '[A-Z_]+|coalesce|extract|least|position|substring' | sort -u
}
is 'the functions of all PostgreSQL statements have their schema' '' \
    "$(unqualified sql/postgresql/*.sql)"
# The tables that the statements name: those of the programs, and those that a load
# makes for its session.
db_new postgresql
DATABASE_URL=$db ETL_CONTROL_SCHEMA=public etl-status >/dev/null
is 'the operators of all PostgreSQL statements have exactly the types of their operands, or their schema' \
    '' "$(PGDATABASE=${db##*/} /usr/bin/python3 tests/support/operators.py \
    sql/postgresql/*.sql 2>&1)"
# inexact STATEMENT: what operators.py says about a statement.
inexact() {
	printf -- '-- name: one\n%s\n' "$1" >"$scratch/one.sql"
	PGDATABASE=${db##*/} /usr/bin/python3 tests/support/operators.py \
	    "$scratch/one.sql" | sed 's/.*: one: //'
}
class="'pg_class'::regclass"
# shellcheck disable=SC2016
for condition in "oid = $class" "oid IN ($class)" 'oid = 1' \
    "oid = ANY (ARRAY[$class])" "oid <> ALL (SELECT $class)" \
    "CASE oid WHEN $class THEN true END" "oid IS DISTINCT FROM $class" \
    "(oid, relname) < ($class, 'a'::name)" "relname || 'a' LIKE 'b'" \
    "NULLIF(oid, $class) IS NULL" "'{}'::jsonb ? 'a'" 'reltype = $1::regtype'; do
	like "an operator that pg_catalog does not have for its types is found: $condition" \
	    'taken from pg_catalog' \
	    "$(inexact "SELECT FROM pg_catalog.pg_class WHERE $condition")"
done
# shellcheck disable=SC2016
for condition in "oid OPERATOR(pg_catalog.=) $class" "oid = $class::oid" \
    "oid IN ($class, $class)" "relname = 'a'" "relname = 'a'::text" \
    "relkind IN ('a', 'b')" 'relname = $1' "pg_catalog.now() - interval '1 day' \
    > pg_catalog.now()"; do
	is "an operator that nobody can replace is not found: $condition" '' \
	    "$(inexact "SELECT FROM pg_catalog.pg_class WHERE $condition")"
done
is 'the tables of the PostgreSQL catalog have their schema' '' "$(
    grep -rnE '(FROM|JOIN) pg_[a-bd-su-z]' sql/postgresql src lib || :)"
# c_unqualified FILE...: the same for the statements in C texts.  A lower-case word
# before "(" is a function.  "m" is the name of a subquery; instr, length and substr
# are in statements for SQLite.
c_unqualified() {
	sed -E 's/\\"|%[suz]+/ /g' "$@" | grep -oE '"[^"]*"' |
	    grep -oE '[a-z_.]+\(' | grep -vE '^pg_catalog\.' |
	    grep -vxE '(coalesce|greatest|least|position|m|instr|length|substr)\(' | sort -u
}
is 'the functions of PostgreSQL statements in C have their schema' '' \
    "$(c_unqualified src/etl-load/pg/*.c \
    src/etl-load/commit.c src/etl-load/replace.c src/etl-load/mirror.c \
    src/etl-load/stream.c src/etl-load/ledger.c src/etl-load/open.c \
    src/etl-load/workers.c lib/db/db.c lib/db/pg.c \
    lib/control/letters_list.c lib/control/control.c)"
# These files have messages with parentheses, or statements for SQLite too.
is 'the functions without schema in C are those of SQLite, and of messages' 'count(
etl_image(
etl_value(
julianday(
max(
null(
time(
typeof(
unique(' "$(c_unqualified src/etl-load/expect.c src/etl-load/images.c \
    src/etl-load/target.c)"
is 'only db_on_commit() says what becomes of a temporary table: a pool must drop it' \
    'lib/db/db.c
sql/postgresql/letters.sql' "$(grep -rlE 'ON COMMIT (DELETE|PRESERVE)' sql src lib/db |
    sort)"
done_testing
