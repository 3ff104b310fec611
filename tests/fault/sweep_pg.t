#!/bin/sh
# A share of the crash matrix on PostgreSQL: every 21st
# call, and others tomorrow.
exec sh tests/fault/sweep.sh -e 21 -o "$(date +%j)" postgresql
