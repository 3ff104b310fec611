#!/bin/sh
# A share of the crash matrix on SQLite with a write-ahead log: every 31st
# call, and others tomorrow.
exec sh tests/fault/sweep.sh -e 31 -o "$(date +%j)" sqlite-wal
