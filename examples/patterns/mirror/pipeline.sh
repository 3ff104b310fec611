#!/bin/sh
# pipeline.sh SOURCE: makes the table users equal to SOURCE, a file or URL.
# DATABASE_URL is the database that is loaded.
# To run it once, from the top folder of the project:
#	sh examples/patterns/mirror/pipeline.sh users.json
# To run it every hour, as a run that etl-status shows:
#	etl-run --name users --every 1h \
#	    examples/patterns/mirror/pipeline.sh users.json
set -eu
here=$(dirname "$0")

etl-extract --stream users "$1" |
etl-load --ddl "$here/users.sql" --table users --mode mirror \
    --soft-delete deleted_at --max-deletes 20%
