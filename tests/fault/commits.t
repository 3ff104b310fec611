#!/bin/sh
# COMMITs whose outcome the client never hears: a line cut before or after the
# server has done it, and one that arrives late.  ROUNDS=50 is the long version,
# SEED=N the same cuts again.
. tests/support/lib.sh
SCRATCH=$scratch CUTTER=$etl_build/tests/cutter
export SCRATCH CUTTER

seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
rc=0
/usr/bin/python3 tests/fault/commits.py "${ROUNDS:-1}" "$seed" \
    >"$scratch/commits" 2>&1 || rc=$?
check "nothing lost, nothing twice: $(tail -n 1 "$scratch/commits")" $rc
grep rounds "$scratch/commits" | sed 's/^/# /'
[ $rc -eq 0 ] || diag "$(grep -v rounds "$scratch/commits")"
done_testing
