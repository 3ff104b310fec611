#!/bin/sh
# Loads the new items of an API into the table items.
# To run it once, from the top folder of the project:
#	sh examples/items-api/items.sh
# To run it every minute, as a run that etl-status shows:
#	etl-run --name items --every 1m examples/items-api/items.sh
# The environment variable API_TOKEN holds the bearer token.
set -eu
: "${API_BASE_URL:?is not set}"
here=$(dirname "$0")

etl-extract --checkpoint items --cursor-field /ts --since-param since \
    --start 2000-01-01T00:00:00Z --paginate since --size limit=100 \
    --records /items --auth bearer "$API_BASE_URL/items" |
etl-transform --std -f "$here/items.jq" |
etl-load --ddl "$here/items.sql" --table items --key id \
    --compare ts,value
