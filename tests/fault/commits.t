#!/bin/sh
# COMMITs whose outcome the client does not receive: the connection is cut
# before or after the server commits, or the COMMIT arrives late.  No record is
# lost and none is stored twice.  ROUNDS=50 is the long version; SEED=N repeats
# the cuts of a run that printed N.
. tests/support/lib.sh
CUTTER=$etl_build/tests/cutter
export CUTTER
trial tests/fault/commits.py "${ROUNDS:-1}"
sed '$d; s/^/# /' "$scratch/trial"
done_testing
