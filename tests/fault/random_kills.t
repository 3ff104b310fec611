#!/bin/sh
# Whole pipelines, killed at random moments: SEED=n repeats those of a run.
exec sh tests/fault/sweep.sh -r "${SWEEP_TIMES:-2}"
