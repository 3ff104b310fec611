#!/bin/sh
# Each stage of the pipeline of examples/posts is killed half-way, under etl-run,
# on both databases: the run fails and is recorded so, and the next run completes
# the work.
. tests/support/lib.sh

# Writes a pipeline in which the file pid.NAME has the process id of stage NAME.
write_pipeline() {
	cat >"$scratch/pipeline.sh" <<-'EOF'
	stage() {
		name=$1
		shift
		sh -c 'echo $$ >"$0.new"; mv "$0.new" "$0"; exec "$@"' \
		    "$scratch/pid.$name" "$@"
	}
	stage pages etl-extract --paginate page --into query:_page \
	    --size _limit=20 --total header:x-total-count \
	    --delay "$delay" "$API_BASE_URL/posts" |
	stage each etl-extract --each "$API_BASE_URL/posts/{id}/comments" \
	    --count-as comment_count |
	stage transform etl-transform --std -f examples/posts/posts.jq |
	stage load etl-load --ddl examples/posts/schema.sql --flush 50ms \
	    --table user_activities --key user_id,post_id,activity_type \
	    --touch loaded_at
	EOF
}

run_flow() {
	delay=$1
	API_BASE_URL=$api
	export delay scratch API_BASE_URL
	timeout 60 etl-run --db "$db" --name posts "$scratch/pipeline.sh"
}

page_3_was_requested() {
	grep -q '_page=3' "$api_log_file"
}

rows() {
	sql "SELECT user_id, post_id, activity_type, title, body, word_count
	    FROM user_activities ORDER BY 1, 2, 3"
}

last_status() {
	sql 'SELECT status FROM pipeline_runs ORDER BY id DESC LIMIT 1'
}

run_and_kill_stage() {
	rm -f "$scratch"/pid.*
	: >"$api_log_file"
	run_flow 400ms 2>"$scratch/err" &
	run=$!
	wait_until 10 page_3_was_requested
	kill -9 "$(cat "$scratch/pid.$1")"
	rc=0
	{ wait $run || rc=$?; } 2>/dev/null
}

write_pipeline
api_start --posts 100
python3 tests/examples/posts_oracle.py rows "$api" | sort -t'|' -k1,1n -k2,2n \
    >"$scratch/rows"
rows_wanted=$(cat "$scratch/rows")

for kind in sqlite postgresql; do
	for stage in pages each transform load; do
		db_new $kind
		run_and_kill_stage $stage
		isnt "$kind, $stage killed: etl-run exits with a failure" 0 $rc
		is "$kind, $stage killed: the row of the run has the status failed" \
		    failed \
		    "$(last_status)"
		is "$kind, $stage killed: the ledger has no stream that ended" \
		    0 \
		    "$(sql 'SELECT count(*) FROM etl_loads WHERE ended')"
		like "$kind, $stage killed: etl-run prints a message" \
		    '^etl-run: ' \
		    "$(cat "$scratch/err")"
		ok "$kind, $stage killed: the next run succeeds" \
		    run_flow 0ms
		is "$kind, $stage killed: after the next run all rows are there" \
		    "$rows_wanted" "$(rows)"
		is "$kind, $stage killed: after the next run each letter is there once" \
		    '8|8' \
		    "$(sql 'SELECT count(*), count(DISTINCT reject_id)
		    FROM dead_letters')"
	done
done
done_testing
