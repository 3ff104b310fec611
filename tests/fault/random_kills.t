#!/bin/sh
# Whole pipelines killed at random moments; SEED=n repeats those of a run.
exec sh tests/fault/sweep.sh -r 4 '*/append' '*/marks-*' '*/replay' \
    '*/run-extract' '*/items' '*/drip-marks'
