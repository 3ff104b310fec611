#!/bin/sh
# A share of the crash matrix on PostgreSQL: every 43rd
# call, and others tomorrow.
exec sh tests/fault/sweep.sh -e 43 -o "$(date +%j)" postgresql
