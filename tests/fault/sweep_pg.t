#!/bin/sh
# A share of the crash matrix on PostgreSQL: every second pipeline, with a kill
# before every 229th system call.  The day of the year chooses them.
exec sh tests/fault/sweep.sh -p 2 -e 229 -o "$(date +%-j)" postgresql
