#!/bin/sh
# pipeline.sh SOURCE: writes those products of SOURCE, a file or URL, that have
# changed. DATABASE_URL is the database that is loaded.
# To run it once, from the top folder of the project:
#	sh examples/patterns/upsert-row-hash/pipeline.sh products.ndjson
# To run it every hour, as a run that etl-status shows:
#	etl-run --name products --every 1h \
#	    examples/patterns/upsert-row-hash/pipeline.sh products.ndjson
set -eu
here=$(dirname "$0")

etl-extract --stream products "$1" |
etl-transform --hash name,price,attributes |
etl-load --ddl "$here/products.sql" --table products --key sku \
    --compare _row_hash --touch changed_at
