#!/bin/sh
# Random records with arrays are loaded by --nested. nested_model.py computes
# which rows, rejects and counts must result.
. tests/support/lib.sh
SCRATCH=$scratch
export SCRATCH

seed=$(random_seed)
echo "# SEED=$seed"
for kind in sqlite postgresql; do
	db_new $kind
	ok "$kind: loads by --nested give what nested_model.py computes" \
	    timeout 100 python3 tests/etl-load/nested_model.py "$db" "$seed" \
	    "${ROUNDS:-6}"
done
done_testing
