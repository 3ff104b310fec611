#!/bin/sh
# Loads the users that were added or changed in one database into another.
# SOURCE_URL is the database that is read, DATABASE_URL the one that is loaded.
# To run it once, from the top folder of the project:
#	sh examples/postgres-incremental/pipeline.sh
# To run it every minute, as a run that etl-status shows:
#	etl-run --name users --every 1m examples/postgres-incremental/pipeline.sh
set -eu
: "${SOURCE_URL:?is not set}"
here=$(dirname "$0")

etl-extract --checkpoint users --cursor-field /updated_at --lookback 10m \
    --table users "$SOURCE_URL" |
etl-load --ddl "$here/users.sql" --table users --key id
