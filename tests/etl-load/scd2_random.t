#!/bin/sh
# --mode scd2 against a model, with random streams. ROUNDS is their number.
. tests/support/lib.sh

db_new postgresql
trial tests/etl-load/scd2.py "$scratch/d.db" "$db" "${ROUNDS:-25}"
done_testing
