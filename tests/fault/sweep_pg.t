#!/bin/sh
# A share of the crash matrix on PostgreSQL: every 23rd
# call, and others tomorrow.
exec sh tests/fault/sweep.sh -e 23 -o "$(date +%j)" postgresql
