#!/bin/sh
# A share of the crash matrix on SQLite with a write-ahead log: every third pipeline, with a
# kill before every 907th system call.  The day of the year chooses the pipelines,
# so that the three sweeps together take each pipeline once a day.
exec sh tests/fault/sweep.sh -p 3 -e 907 -o "$(($(date +%-j) + 2))" sqlite-wal
