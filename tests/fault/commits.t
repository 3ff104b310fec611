#!/bin/sh
# COMMITs whose outcome the client never hears: a line cut before or after the
# server has done it, and one that arrives late; nothing is lost, nothing there
# twice.  ROUNDS=50 is the long version, SEED=N the same cuts again.
. tests/support/lib.sh
CUTTER=$etl_build/tests/cutter
export CUTTER
trial tests/fault/commits.py "${ROUNDS:-1}"
sed '$d; s/^/# /' "$scratch/trial"
done_testing
