#!/bin/sh
# The flow of examples/posts on both databases: exact rows and dead letters,
# and what four more runs change.
. tests/support/lib.sh

rows() {
	sql "SELECT user_id, post_id, activity_type, title, body, word_count
	    FROM user_activities ORDER BY 1, 2, 3"
}

# Everything that a second run may not change.
all_rows() {
	sql "SELECT id, user_id, post_id, activity_type, title, body, word_count
	    FROM user_activities ORDER BY id"
}

letters() {
	case $db in
	sqlite:*) raw='CAST(raw AS TEXT)' ;;
	*) raw="convert_from(raw, 'UTF8')" ;;
	esac
	sql "SELECT stage, code, $raw FROM dead_letters" | sort
}

run_flow() {
	(
		cd "$scratch/work"
		API_BASE_URL=$api etl-run --db "$db" --name posts ./pipeline.sh
	)
}

counts() {
	sql "SELECT status, records_extracted, records_loaded, unchanged,
	    dropped, rejected, error_message IS NULL FROM pipeline_runs
	    ORDER BY id DESC LIMIT 1" | sed 's/|t$/|1/'
}

api_start --posts 100
mkdir "$scratch/work"
cp examples/posts/*.jq examples/posts/*.s* "$scratch/work"
sed 's/--delay 500ms/--delay 0ms/' examples/posts/pipeline.sh \
    >"$scratch/work/pipeline.sh"
chmod +x "$scratch/work/pipeline.sh"
sorted_by_key() {
	sort -t'|' -k1,1n -k2,2n
}
python3 tests/examples/posts_oracle.py rows "$api" | sorted_by_key \
    >"$scratch/rows"
python3 tests/examples/posts_oracle.py letters "$api" | sort \
    >"$scratch/letters"
rows_wanted=$(cat "$scratch/rows")
letters_wanted=$(cat "$scratch/letters")
loaded=$(wc -l <"$scratch/rows")
rejected=$(wc -l <"$scratch/letters")
is 'the oracle accounts for every post' 100 $((loaded + rejected))

for kind in sqlite postgresql; do
	db_new $kind
	ok "$kind: first run" run_flow
	is "$kind: rows" "$rows_wanted" "$(rows)"
	is "$kind: dead letters" "$letters_wanted" "$(letters)"
	is "$kind: the run row adds up" \
	    "success|100|$loaded|0|0|$rejected|1" "$(counts)"
	before=$(all_rows)
	stamps=$(sql 'SELECT max(extracted_at), max(loaded_at)
	    FROM user_activities')
	for n in 2 3 4 5; do
		ok "$kind: run $n" run_flow
	done
	is "$kind: no column changed but the stamps" "$before" "$(all_rows)"
	isnt "$kind: the stamps did" "$stamps" \
	    "$(sql 'SELECT max(extracted_at), max(loaded_at)
	    FROM user_activities')"
	is "$kind: each dead letter once" "$letters_wanted" "$(letters)"
	is "$kind: with five occurrences" "5|5" \
	    "$(sql 'SELECT min(attempts), max(attempts) FROM dead_letters')"
	is "$kind: five runs" 5 \
	    "$(sql "SELECT count(*) FROM pipeline_runs
	    WHERE status = 'success'")"
done
done_testing
