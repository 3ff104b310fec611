#!/bin/sh
# Random records are loaded into random tables. model.py computes which rows and
# counts must result.
. tests/support/lib.sh

for kind in sqlite postgresql; do
	db_new $kind
	ok "$kind: rows and counts of random loads are those of model.py" \
	    timeout 100 python3 tests/etl-load/model.py "$db" 1 "${ROUNDS:-20}"
done
done_testing
