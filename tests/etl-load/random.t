#!/bin/sh
# Random records into random tables: rows and counts as a model has them.
. tests/support/lib.sh

for kind in sqlite postgresql; do
	db_new $kind
	ok "$kind: rows and counts of the model" \
	    timeout 100 python3 tests/etl-load/model.py "$db" 1 "${ROUNDS:-20}"
done
done_testing
