#!/bin/sh
# Where rejects go when a person runs the pipeline without etl-run: file
# descriptor 3 is a file, a pipe, stdout, /dev/null, closed or full; the shell is
# dash or bash; the parent is make -j or has the environment of cron.
. tests/support/lib.sh

api_start --posts 100
API_BASE_URL=$api
export API_BASE_URL
python3 tests/examples/posts_oracle.py rows "$api" | sort -t'|' -k1,1n -k2,2n \
    >"$scratch/rows"
python3 tests/examples/posts_oracle.py letters "$api" |
    sed 's/^extract.2|/extract|/' | sort >"$scratch/letters"
rows_wanted=$(cat "$scratch/rows")
letters_wanted=$(cat "$scratch/letters")

# Outside etl-run the second etl-extract is not numbered as extract.2.
flow=$scratch/flow.sh
sed -e 's/--delay 500ms/--delay 0ms/' -e "s|^here=.*|here='$top/examples/posts'|" \
    examples/posts/pipeline.sh >"$flow"
in_stream=$scratch/in_stream.sh
sed 's/ |$/ 3>\&1 |/' "$flow" >"$in_stream"

# run_in_shell SHELL COMMAND: runs COMMAND with a new database; status in $rc.
run_in_shell() {
	db_new sqlite
	rm -f "$scratch/rejects.ndjson"
	rc=0
	(
		cd "$scratch"
		DATABASE_URL=$db
		export DATABASE_URL flow in_stream
		timeout 60 "$1" -c "$2"
	) >"$scratch/out" 2>"$scratch/err" || rc=$?
}

rows() {
	sql "SELECT user_id, post_id, activity_type, title, body, word_count
	    FROM user_activities ORDER BY 1, 2, 3"
}

# Prints the stage, code and bytes of reject lines, as the oracle does.
reject_fields() {
	jq -r '[.stage, .code, .raw] | join("|")' "$@" | sort
}

letter_fields() {
	sql 'SELECT stage, code, CAST(raw AS TEXT) FROM dead_letters' | sort
}

succeeds_with_all_rows() {
	is "$1: the pipeline succeeds" 0 $rc
	is "$1: all rows are loaded" "$rows_wanted" "$(rows)"
}

for shell in dash bash; do
	run_in_shell $shell "{ $shell \$flow; } 3>>rejects.ndjson"
	succeeds_with_all_rows "$shell, 3>>file"
	is "$shell, 3>>file: all rejects are in the file" "$letters_wanted" \
	    "$(reject_fields "$scratch/rejects.ndjson")"

	run_in_shell $shell "{ $shell \$flow; } 3>/dev/null"
	succeeds_with_all_rows "$shell, 3>/dev/null"

	run_in_shell $shell "{ $shell \$flow; } 3>&1 | cat >rejects.ndjson"
	succeeds_with_all_rows "$shell, 3 is a pipe"
	is "$shell, 3 is a pipe: all rejects are in the pipe" \
	    "$letters_wanted" \
	    "$(reject_fields "$scratch/rejects.ndjson")"

	run_in_shell $shell "$shell \$in_stream"
	succeeds_with_all_rows "$shell, each stage 3>&1"
	is "$shell, each stage 3>&1: all rejects are dead letters" \
	    "$letters_wanted" "$(letter_fields)"

	run_in_shell $shell "$shell \$flow 3>&-"
	like "$shell, 3 closed: the message says to use 3>>rejects" \
	    '3>>rejects' \
	    "$(cat "$scratch/err")"
done

# A plain stream has no failed mark, so only pipefail shows the exit status.
run_in_shell bash "bash -o pipefail \$flow 3>&-"
is '3 closed: the first reject ends the pipeline with 65' 65 $rc

run_in_shell bash "{ bash -o pipefail \$flow; } 3>/dev/full"
is '3>/dev/full: the first reject ends the pipeline with 74' 74 $rc
like '3>/dev/full: the message says that no space is left' \
    'No space left' "$(cat "$scratch/err")"

run_in_shell bash "{ bash -o pipefail \$flow; } 3</dev/null"
is '3 open only for reading: the first reject ends the pipeline with 65' 65 $rc

# GNU make passes its job server to its children on descriptors 3 and 4.
# shellcheck disable=SC2016
printf 'all: flow other\nflow:\n\t+@sh $$flow\nother: ; @sleep 0\n' \
    >"$scratch/Makefile"
run_in_shell sh 'make -s -j2 all'
like 'under make -j: the message says to use 3>>rejects' \
    '3>>rejects' "$(cat "$scratch/err")"
run_in_shell sh 'make -s -j2 all 3>>rejects.ndjson'
succeeds_with_all_rows 'under make -j, 3>>file'

run_in_shell sh "env -i PATH=\"\$PATH\" API_BASE_URL=\"\$API_BASE_URL\" \
    DATABASE_URL=\"\$DATABASE_URL\" HOME=/ LOGNAME=x SHELL=/bin/sh \
    /bin/sh -c '{ sh $flow; } 3>>rejects.ndjson' </dev/null"
succeeds_with_all_rows "cron's environment"
is "cron's environment: the pipeline prints nothing that cron would mail" '' \
    "$(cat "$scratch/out" "$scratch/err")"

# SQLite must not get descriptor 3 for its file when 3 is closed at the start.
run_in_shell sh "etl-load --ddl $top/examples/posts/schema.sql --db \$DATABASE_URL \
    --table user_activities --key user_id,post_id,activity_type \
    </dev/null 3>&-"
is '3 closed: the SQLite database passes its integrity check' \
    ok "$(sql 'PRAGMA integrity_check')"
done_testing
