#!/bin/sh
# point.sh io|memory SHARE [CASE...]
# point.sh io|memory CASE CALL:N:HOW
# Runs points.py with these arguments: every SHARE-th fault, or one.  See points.sh.
. tests/support/lib.sh
. tests/fault/points.sh
points_start
/usr/bin/python3 tests/fault/points.py "$@"
