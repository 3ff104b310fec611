#!/bin/sh
# --mode cdc: random changes are loaded into random tables. changes_model.py
# computes which rows, rejects and counts must result.
. tests/support/lib.sh

db_new postgresql
trial tests/etl-load/changes_model.py "$scratch/lite" "$db" "${ROUNDS:-15}"
done_testing
