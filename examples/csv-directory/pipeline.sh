#!/bin/sh
# Loads the new CSV files of a directory into the table events.
# To run it once, from the top folder of the project:
#	sh examples/csv-directory/pipeline.sh DIRECTORY
# To run it every minute, as a run that etl-status shows:
#	etl-run --name events --every 1m examples/csv-directory/pipeline.sh DIRECTORY
set -eu
here=$(dirname "$0")

etl-extract --checkpoint events --new-files --source-file source_file \
    --jobs 2 "${1:?give the directory}" |
etl-transform --std -f "$here/events.jq" |
etl-load --ddl "$here/events.sql" --table events --key id
