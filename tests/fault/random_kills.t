#!/bin/sh
# Kills whole pipelines at random moments.  SEED=N repeats a run that printed N.
exec sh tests/fault/sweep.sh -r 2 '*/append' '*/marks-*' '*/replay' \
    '*/run-extract' '*/items' '*/drip-marks'
