#!/bin/sh
# Loads, replays and commands that a person types run at the same time, chosen
# at random and killed at random moments: each record is stored once.  CROWD=60
# sets the seconds for each database and mode.  SEED=N repeats the choices, but
# not the moments.
. tests/support/lib.sh
for kind in sqlite postgresql; do
	for mode in append upsert ignore; do
		[ -n "${CROWD:-}" ] || [ $mode = append ] || continue
		trial tests/fault/crowd.py $kind $mode "${CROWD:-5}"
	done
done
done_testing
