#!/bin/sh
# A share of the crash matrix on SQLite with a write-ahead log: every second
# pipeline, with a kill before every 197th system call.  The day of the year
# chooses them.
exec sh tests/fault/sweep.sh -p 2 -e 197 -o "$(date +%-j)" sqlite-wal
