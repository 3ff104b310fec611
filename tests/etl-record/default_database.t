#!/bin/sh
# Without --db and DATABASE_URL the database is ./etl.db. The program that
# creates it says so, once.
. tests/support/lib.sh
unset DATABASE_URL
note='DATABASE_URL is not set, using ./etl.db'

# creates PROGRAM COMMAND: the first command says so, the second one does not.
creates() {
	mkdir "$scratch/$1"
	cd "$scratch/$1"
	echo '{"id":1}' >in.ndjson
	echo 'CREATE TABLE IF NOT EXISTS t (id int)' >t.sql
	: >rejects
	is "$1 creates etl.db" 0 "$(status sh -c "$2")"
	is "$1 says which file it uses" "$1: $note" "$(grep "$1" "$scratch/err")"
	ok "$1: the file exists" test -s etl.db
	is "$1 uses it again" 0 "$(status sh -c "$2")"
	is "$1 prints nothing the second time" '' "$(cat "$scratch/err")"
	rm -f etl.db*
	is "$1 with DATABASE_URL" 0 \
	    "$(DATABASE_URL=sqlite:x.db status sh -c "$2")"
	is "$1 with DATABASE_URL prints nothing" '' "$(cat "$scratch/err")"
	cd - >/dev/null
}
creates etl-load 'etl-load --ddl t.sql --table t <in.ndjson'
creates etl-run 'etl-run --name x -c "etl-load --ddl t.sql --table t \
    <in.ndjson"'
creates etl-checkpoint 'etl-checkpoint set c 1'
creates etl-dlq 'etl-dlq put rejects'

cd "$scratch/etl-run"
is 'a dry run' 0 "$(status etl-run --dry-run --name x -c :)"
unlike 'creates nothing and prints no such line' 'is not set' \
    "$(cat "$scratch/err")"
for command in 'etl-status' 'etl-dlq list' 'etl-checkpoint list'; do
	# shellcheck disable=SC2086
	is "$command only reads" 0 "$(status $command)"
	is "$command prints no such line" '' "$(cat "$scratch/err")"
	is "$command creates nothing" '' "$(ls etl.db 2>/dev/null || :)"
done
done_testing
