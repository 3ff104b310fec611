#!/bin/sh
# --batch changes neither which records are loaded nor which are rejected, in
# SQLite and in PostgreSQL. ROUNDS is the number of random streams.
. tests/support/lib.sh

db_new postgresql
trial tests/etl-load/differential.py "$scratch/d.db" "$db" "${ROUNDS:-60}"
done_testing
