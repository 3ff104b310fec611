#!/bin/sh
# After a power failure everything that a program synced is there: see power.py.
# CUTS=5000 is the long version; SEED=N repeats the cuts of a run that printed N.
. tests/support/lib.sh
ASAN_OPTIONS=detect_leaks=0     # the leak checker does not work under strace
export ASAN_OPTIONS
trial tests/fault/power.py "${CUTS:-400}"
done_testing
