#!/bin/sh
# pipeline.sh CHANGES: loads changes of customers from CHANGES, a file or URL.
# DATABASE_URL is the database that is loaded.
# To run it once, from the top folder of the project:
#	sh examples/patterns/history/pipeline.sh changes.ndjson
# To run it as a run that etl-status shows:
#	etl-run --name customers examples/patterns/history/pipeline.sh \
#	    changes.ndjson
set -eu
here=$(dirname "$0")

etl-extract --stream customers "$1" |
etl-load --ddl "$here/customers.sql" --table customers --mode scd2 \
    --key id --as-of changed_at
