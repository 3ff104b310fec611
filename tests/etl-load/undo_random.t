#!/bin/sh
# Random loads with --keep-before are undone. undo_model.py computes from dumps of
# the table which rows must result, and which undo must be refused.
. tests/support/lib.sh
SCRATCH=$scratch
export SCRATCH

for kind in sqlite postgresql; do
	db_new $kind
	ok "$kind: --undo gives exactly the rows back that a load has changed" \
	    timeout 100 python3 tests/etl-load/undo_model.py "$db" \
	    "${SEED:-1}" "${ROUNDS:-6}"
done
done_testing
