#!/bin/sh
# A share of the crash matrix on PostgreSQL: a kill before every 113th system
# call.  The day of the year chooses which calls these are.
exec sh tests/fault/sweep.sh -e 113 -o "$(date +%j)" postgresql
