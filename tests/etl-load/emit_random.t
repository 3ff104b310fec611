#!/bin/sh
# Random loads with --emit keep a copy of a table up to date (emit_model.py).
. tests/support/lib.sh
SCRATCH=$scratch
export SCRATCH

for kind in sqlite postgresql; do
	db_new $kind
	ok "$kind: --emit changes, read by --mode cdc, keeps a copy equal" \
	    timeout 100 python3 tests/etl-load/emit_model.py "$db" \
	    "${SEED:-1}" "${ROUNDS:-6}"
done
done_testing
