#!/bin/sh
# A share of the crash matrix on SQLite with a rollback journal: those pipelines
# that the other two sweeps leave out today, with a kill before every 197th
# system call.  The day of the year chooses them.
exec sh tests/fault/sweep.sh -p 2 -e 197 -o "$(($(date +%-j) + 1))" sqlite
