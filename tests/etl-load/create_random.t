#!/bin/sh
# etl-load --create with random records: all are loaded, and come back.
. tests/support/lib.sh

for kind in sqlite postgresql; do
	db_new $kind
	[ $kind = postgresql ] || db=sqlite:$scratch/create.db
	trial tests/etl-load/create_random.py "${ROUNDS:-40}" "$db"
done
done_testing
