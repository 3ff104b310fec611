#!/bin/sh
# Without --db and DATABASE_URL the database is ./etl.db. The program that
# creates this file prints a line about it; later commands print nothing.
. tests/support/lib.sh
unset DATABASE_URL
note='DATABASE_URL is not set, using ./etl.db'

# check_creation PROGRAM COMMAND: runs COMMAND twice. Only the first one creates
# etl.db and says so.
check_creation() {
	mkdir "$scratch/$1"
	cd "$scratch/$1"
	echo '{"id":1}' >in.ndjson
	echo 'CREATE TABLE IF NOT EXISTS t (id int)' >t.sql
	: >rejects
	is "$1 without a database exits with 0" 0 "$(status sh -c "$2")"
	is "$1 without a database says that it uses etl.db" \
	    "$1: $note" "$(grep "$1" "$scratch/err")"
	ok "$1 creates the file etl.db" test -s etl.db
	is "$1 with an existing etl.db exits with 0" 0 "$(status sh -c "$2")"
	is "$1 with an existing etl.db prints nothing" \
	    '' "$(cat "$scratch/err")"
	rm -f etl.db*
	is "$1 with DATABASE_URL exits with 0" 0 \
	    "$(DATABASE_URL=sqlite:x.db status sh -c "$2")"
	is "$1 with DATABASE_URL prints nothing" '' "$(cat "$scratch/err")"
	cd - >/dev/null
}
check_creation etl-load 'etl-load --ddl t.sql --table t <in.ndjson'
check_creation etl-run 'etl-run --name x -c "etl-load --ddl t.sql --table t \
    <in.ndjson"'
check_creation etl-checkpoint 'etl-checkpoint set c 1'
check_creation etl-dlq 'etl-dlq put rejects'

cd "$scratch/etl-run"
is 'etl-run --dry-run without a database exits with 0' \
    0 "$(status etl-run --dry-run --name x -c :)"
unlike 'etl-run --dry-run prints no line about etl.db' 'is not set' \
    "$(cat "$scratch/err")"
for command in 'etl-status' 'etl-dlq list' 'etl-checkpoint list'; do
	# shellcheck disable=SC2086
	is "$command without a database exits with 0" 0 "$(status $command)"
	is "$command without a database prints no line about etl.db" \
	    '' "$(cat "$scratch/err")"
	is "$command without a database creates no etl.db" \
	    '' "$(ls etl.db 2>/dev/null || :)"
done
done_testing
