#!/bin/sh
# make demo: runs examples/posts against the mock API, with a database that is
# removed at the end.
. tests/support/lib.sh

show() {
	printf '\n$ %s\n' "$*"
	"$@" 2>&1
}
query() {
	printf '\n%s\n' "$1"
	sqlite3 -header -column "$scratch/posts.db" "$2"
}

api_start
API_BASE_URL=$api
DATABASE_URL=sqlite:$scratch/posts.db
export API_BASE_URL DATABASE_URL
echo "API_BASE_URL=$API_BASE_URL"
echo "DATABASE_URL=$DATABASE_URL"
show etl-run -v --name posts examples/posts/pipeline.sh
query 'Rows: 5 of user_activities' \
    'SELECT post_id, user_id, title, word_count, loaded_at
     FROM user_activities ORDER BY post_id LIMIT 5'
query 'The run: pipeline_runs' \
    'SELECT id, pipeline, status, records_extracted, records_loaded, rejected,
     started_at FROM pipeline_runs'
show etl-dlq list
