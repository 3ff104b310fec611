#!/bin/sh
# A share of the crash matrix on SQLite with a rollback journal: a kill before
# every 197th system call.  The day of the year chooses which calls these are.
exec sh tests/fault/sweep.sh -e 197 -o "$(date +%j)" sqlite
