#!/bin/sh
# A share of the crash matrix on SQLite with a rollback journal: every 17th
# call, and others tomorrow.
exec sh tests/fault/sweep.sh -e 17 -o "$(date +%j)" sqlite
