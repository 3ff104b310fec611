#!/bin/sh
# A share of the crash matrix on SQLite with a rollback journal: every 23rd
# call, and others tomorrow.
exec sh tests/fault/sweep.sh -e 23 -o "$(date +%j)" sqlite
