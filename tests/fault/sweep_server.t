#!/bin/sh
# The server is killed below pipelines that run, a server of this test's own.
exec sh tests/support/with-pg.sh "${ETL_BUILD:-build}/sweep_server.log" \
    sh tests/fault/sweep.sh -r 4 -c '*/append' '*/upsert' '*/marks-append' \
    '*/replay' '*/run-extract'
