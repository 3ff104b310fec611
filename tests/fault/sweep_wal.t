#!/bin/sh
# A share of the crash matrix on SQLite with a write-ahead log; which calls
# differs from day to day.
exec sh tests/fault/sweep.sh -e "${SWEEP_EVERY:-5}" -o "$(date +%j)" sqlite-wal
