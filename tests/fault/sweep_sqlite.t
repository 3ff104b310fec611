#!/bin/sh
# A share of the crash matrix on SQLite with a rollback journal: a kill before
# every 97th system call.  The day of the year chooses which calls these are.
exec sh tests/fault/sweep.sh -e 97 -o "$(date +%j)" sqlite
