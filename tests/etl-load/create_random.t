#!/bin/sh
# etl-load --create with random records: all are loaded, and come back.
. tests/support/lib.sh

fast_folder
for kind in sqlite postgresql; do
	db_new $kind
	[ $kind = postgresql ] || db=sqlite:$fast_folder/create.db
	trial tests/etl-load/create_random.py "${ROUNDS:-40}" "$db"
done
done_testing
