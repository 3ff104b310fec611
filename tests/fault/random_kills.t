#!/bin/sh
# Kills whole pipelines at random moments.  SEED=N repeats a run that printed N.
# The day of the year chooses one more of the modes of etl-load.
set -- tables history mirror undone emitted
shift $(($(date +%-j) % $#))
exec sh tests/fault/sweep.sh -r 1 '*/append' '*/marks-*' '*/replay' \
    '*/run-extract' '*/items' '*/drip-marks' "*/$1"
