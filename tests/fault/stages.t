#!/bin/sh
# Each stage of the posts flow is killed half-way, inside etl-run, on both
# databases: the run has failed and says so, and the next one completes it.
. tests/support/lib.sh

# stage NAME COMMAND...: a stage whose process id stands in pid.NAME.
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

asked_for_page_3() {
	grep -q '_page=3' "$api_log_file"
}

rows() {
	sql "SELECT user_id, post_id, activity_type, title, body, word_count
	    FROM user_activities ORDER BY 1, 2, 3"
}

last_status() {
	sql 'SELECT status FROM pipeline_runs ORDER BY id DESC LIMIT 1'
}

killed_half_way() {
	rm -f "$scratch"/pid.*
	: >"$api_log_file"
	run_flow 400ms 2>"$scratch/err" &
	run=$!
	wait_until 10 asked_for_page_3
	kill -9 "$(cat "$scratch/pid.$1")"
	rc=0
	wait $run || rc=$?
}

write_pipeline
api_start --posts 100
python3 tests/examples/posts_oracle.py rows "$api" | sort -t'|' -k1,1n -k2,2n \
    >"$scratch/rows"
rows_wanted=$(cat "$scratch/rows")

for kind in sqlite postgresql; do
	for stage in pages each transform load; do
		db_new $kind
		killed_half_way $stage
		isnt "$kind, $stage killed: the run fails" 0 $rc
		is "$kind, $stage killed: and its row says so" failed \
		    "$(last_status)"
		is "$kind, $stage killed: no load has ended" 0 \
		    "$(sql 'SELECT count(*) FROM etl_loads WHERE ended')"
		like "$kind, $stage killed: one line tells it" '^etl-run: ' \
		    "$(cat "$scratch/err")"
		ok "$kind, $stage killed: the next run completes it" \
		    run_flow 0ms
		is "$kind, $stage killed: rows" "$rows_wanted" "$(rows)"
		is "$kind, $stage killed: dead letters, each once" '8|8' \
		    "$(sql 'SELECT count(*), count(DISTINCT reject_id)
		    FROM dead_letters')"
	done
done
done_testing
