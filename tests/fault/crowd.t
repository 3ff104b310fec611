#!/bin/sh
# Loads, replays and what people do by hand, all at once and at random, killed
# at random: each record is there once.  CROWD=60 is for so many seconds each,
# SEED=N the same choices again, though not at the same moments.
. tests/support/lib.sh
SCRATCH=$scratch
export SCRATCH

seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
for kind in sqlite postgresql; do
	for mode in append upsert ignore; do
		[ -n "${CROWD:-}" ] || [ $mode = append ] || continue
		rc=0
		/usr/bin/python3 tests/fault/crowd.py $kind $mode \
		    "${CROWD:-5}" "$seed" >"$scratch/crowd" 2>&1 || rc=$?
		check "$(tail -n 1 "$scratch/crowd")" $rc
		[ $rc -eq 0 ] || diag "$(cat "$scratch/crowd")"
	done
done
done_testing
