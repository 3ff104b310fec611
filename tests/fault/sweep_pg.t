#!/bin/sh
# A share of the crash matrix on PostgreSQL: every third pipeline, with a
# kill before every 1009th system call.  The day of the year chooses the pipelines,
# so that the three sweeps together take each pipeline once a day.
exec sh tests/fault/sweep.sh -p 3 -e 1009 -o "$(date +%-j)" postgresql
