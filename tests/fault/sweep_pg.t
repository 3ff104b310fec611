#!/bin/sh
# A share of the crash matrix on PostgreSQL: a kill before every 71st system call.
# The day of the year chooses which calls these are.
exec sh tests/fault/sweep.sh -e 71 -o "$(date +%j)" postgresql
