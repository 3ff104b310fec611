#!/bin/sh
# A share of the crash matrix on SQLite with a rollback journal: every 21st
# call, and others tomorrow.
exec sh tests/fault/sweep.sh -e 21 -o "$(date +%j)" sqlite
