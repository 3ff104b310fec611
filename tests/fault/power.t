#!/bin/sh
# The power fails, and what is synced is there: see power.py.  CUTS=5000 is the
# long version, SEED=N the same cuts again.
. tests/support/lib.sh
ASAN_OPTIONS=detect_leaks=0     # which cannot work under strace
export ASAN_OPTIONS
trial tests/fault/power.py "${CUTS:-400}"
done_testing
