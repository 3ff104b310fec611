#!/bin/sh
# point.sh io|memory SHARE [CASE...], or io|memory CASE CALL:N:HOW: points.py
# by hand; see points.sh.
. tests/support/lib.sh
. tests/fault/points.sh
points_start
/usr/bin/python3 tests/fault/points.py "$@"
