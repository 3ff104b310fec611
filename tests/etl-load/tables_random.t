#!/bin/sh
# Random records of several tables are loaded by --tables. tables_model.py
# computes which rows, rejects and counts must result.
. tests/support/lib.sh
SCRATCH=$scratch
export SCRATCH

seed=$(random_seed)
echo "# SEED=$seed"
for kind in sqlite postgresql; do
	db_new $kind
	ok "$kind: loads by --tables give what tables_model.py computes" \
	    timeout 100 python3 tests/etl-load/tables_model.py "$db" "$seed" \
	    "${ROUNDS:-8}"
done
done_testing
