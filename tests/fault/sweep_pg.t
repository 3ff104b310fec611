#!/bin/sh
# A share of the crash matrix on PostgreSQL: a kill before every 229th system
# call.  The day of the year chooses which calls these are.
exec sh tests/fault/sweep.sh -e 229 -o "$(date +%j)" postgresql
