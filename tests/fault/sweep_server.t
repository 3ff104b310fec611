#!/bin/sh
# Kills sessions of a PostgreSQL server, or restarts it, while pipelines run.
# The test starts this server itself.
exec sh tests/support/with-pg.sh "${ETL_BUILD:-build}/sweep_server.log" \
    sh tests/fault/sweep.sh -r 2 -c '*/append' '*/upsert' '*/marks-append' \
    '*/replay' '*/run-extract'
