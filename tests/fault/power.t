#!/bin/sh
# The power fails: see power.py.  CUTS=5000 is the long version, SEED=N the same
# cuts again.
. tests/support/lib.sh
SCRATCH=$scratch
ASAN_OPTIONS=detect_leaks=0     # which cannot work under strace
export SCRATCH ASAN_OPTIONS
seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
rc=0
/usr/bin/python3 tests/fault/power.py "${CUTS:-400}" "$seed" \
    >"$scratch/cuts" 2>&1 || rc=$?
check "what is synced is there: $(tail -n 1 "$scratch/cuts")" $rc
[ $rc -eq 0 ] || diag "$(cat "$scratch/cuts")"
done_testing
