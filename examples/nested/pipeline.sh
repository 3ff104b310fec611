#!/bin/sh
# pipeline.sh ORDERS: loads the orders of ORDERS, a file or URL, and their items
# and tags. DATABASE_URL is the database that is loaded.
# To run it once, from the top folder of the project:
#	sh examples/nested/pipeline.sh orders.ndjson
# To run it as a run that etl-status shows:
#	etl-run --name orders examples/nested/pipeline.sh orders.ndjson
set -eu
here=$(dirname "$0")

etl-extract --stream orders "$1" |
etl-load --ddl "$here/shop.sql" --table orders --key id \
    --nested order_items=/items --nested order_tags=/meta/tags
