#!/bin/sh
# Loads the posts of an API into the table user_activities.
# To run it once, from the top folder, with the rejects in a file:
#	{ sh examples/posts/pipeline.sh; } 3>>rejects.ndjson
# To run it as a recorded run that stores the rejects as dead letters:
#	etl-run --name posts examples/posts/pipeline.sh
set -eu
: "${API_BASE_URL:?is not set}"
here=$(dirname "$0")

etl-extract --paginate page --into query:_page --size _limit=20 \
    --total header:x-total-count --delay 500ms "$API_BASE_URL/posts" |
etl-extract --each "$API_BASE_URL/posts/{id}/comments" \
    --count-as comment_count |
etl-transform --std -f "$here/posts.jq" |
etl-load --ddl "$here/schema.sql" --table user_activities \
    --key user_id,post_id,activity_type --touch loaded_at
