#!/bin/sh
# Loads, replays and what people do by hand, all at once and at random, killed
# at random: each record is there once.  CROWD=60 is for so many seconds each,
# SEED=N the same choices again, though not at the same moments.
. tests/support/lib.sh
for kind in sqlite postgresql; do
	for mode in append upsert ignore; do
		[ -n "${CROWD:-}" ] || [ $mode = append ] || continue
		trial tests/fault/crowd.py $kind $mode "${CROWD:-5}"
	done
done
done_testing
