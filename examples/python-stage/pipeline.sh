#!/bin/sh
# Loads the new items of an API into the table items, as examples/items-api
# does, but with a stage written in Python in place of the jq filter.
# The environment variable API_TOKEN holds the bearer token.
#	etl-run --name python-items --every 1m examples/python-stage/pipeline.sh
set -eu
: "${API_BASE_URL:?is not set}"
here=$(dirname "$0")

etl-extract --checkpoint items --cursor-field /ts --since-param since \
    --start 2000-01-01T00:00:00Z --paginate since --size limit=100 \
    --records /items --auth bearer "$API_BASE_URL/items" |
python3 "$here/items.py" |
etl-load --ddl "$here/../items-api/items.sql" --table items --key id \
    --compare ts,value
