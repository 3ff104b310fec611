#!/bin/sh
# pipeline.sh DIR: applies the changes in the files DIR/*.ndjson to the table
# customers. Each run reads the files that are new, in the order of their names.
# DATABASE_URL is the database that is loaded.
# To run it once, from the top folder of the project:
#	sh examples/patterns/cdc-soft-delete/pipeline.sh changes
# To run it as a run that etl-status shows:
#	etl-run --name customers examples/patterns/cdc-soft-delete/pipeline.sh changes
set -eu
dir=$1
here=$(dirname "$0")

etl-extract --checkpoint customers --new-files "$dir" |
etl-load --ddl "$here/customers.sql" --table customers --mode cdc \
    --soft-delete deleted_at
