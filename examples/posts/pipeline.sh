#!/bin/sh
# Posts of an API into user_activities.  By hand, from the top folder:
#	{ sh examples/posts/pipeline.sh; } 3>>rejects.ndjson
# as a tracked run, which keeps the rejects as dead letters:
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
