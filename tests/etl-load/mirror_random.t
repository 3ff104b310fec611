#!/bin/sh
# Random records are mirrored into random tables. mirror_model.py computes which
# rows, marks, counts and exit codes must result.
. tests/support/lib.sh
SCRATCH=$scratch
export SCRATCH

for kind in sqlite postgresql; do
	db_new $kind
	ok "$kind: loads by --mode mirror give what mirror_model.py computes" \
	    timeout 100 python3 tests/etl-load/mirror_model.py "$db" 1 \
	    "${ROUNDS:-6}"
done
done_testing
