#!/bin/sh
# What is new of an API into items.  By hand, from the top folder:
#	sh examples/items-api/items.sh
# as a tracked run, every minute:
#	etl-run --name items --every 1m examples/items-api/items.sh
# The token is in API_TOKEN.
set -eu
: "${API_BASE_URL:?is not set}"
here=$(dirname "$0")

etl-extract --checkpoint items --cursor-field /ts --since-param since \
    --start 2000-01-01T00:00:00Z --paginate since --size limit=100 \
    --records /items --auth bearer "$API_BASE_URL/items" |
etl-transform --std -f "$here/items.jq" |
etl-load --ddl "$here/items.sql" --table items --key id \
    --compare ts,value
