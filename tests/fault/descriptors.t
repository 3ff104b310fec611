#!/bin/sh
# Where rejects go when the flow is typed by hand: descriptor 3 as a file, a
# pipe, stdout, /dev/null, closed, full; under dash and bash, make -j, and
# cron's environment.
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

# Outside etl-run the second etl-extract does not know of the first.
flow=$scratch/flow.sh
sed -e 's/--delay 500ms/--delay 0ms/' -e "s|^here=.*|here='$top/examples/posts'|" \
    examples/posts/pipeline.sh >"$flow"
in_stream=$scratch/in_stream.sh
sed 's/ |$/ 3>\&1 |/' "$flow" >"$in_stream"

# typed SHELL COMMAND: by hand, with a new database; its status in $rc.
typed() {
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

# Reject lines as the oracle writes them.
told() {
	jq -r '[.stage, .code, .raw] | join("|")' "$@" | sort
}

stored() {
	sql 'SELECT stage, code, CAST(raw AS TEXT) FROM dead_letters' | sort
}

all_is_well() {
	is "$1: status" 0 $rc
	is "$1: rows" "$rows_wanted" "$(rows)"
}

for shell in dash bash; do
	typed $shell "{ $shell \$flow; } 3>>rejects.ndjson"
	all_is_well "$shell, 3>>file"
	is "$shell, 3>>file: rejects" "$letters_wanted" \
	    "$(told "$scratch/rejects.ndjson")"

	typed $shell "{ $shell \$flow; } 3>/dev/null"
	all_is_well "$shell, 3>/dev/null"

	typed $shell "{ $shell \$flow; } 3>&1 | cat >rejects.ndjson"
	all_is_well "$shell, 3 is a pipe"
	is "$shell, 3 is a pipe: rejects" "$letters_wanted" \
	    "$(told "$scratch/rejects.ndjson")"

	typed $shell "$shell \$in_stream"
	all_is_well "$shell, each stage 3>&1"
	is "$shell, each stage 3>&1: dead letters" "$letters_wanted" "$(stored)"

	typed $shell "$shell \$flow 3>&-"
	like "$shell, 3 closed: and says what to do" '3>>rejects' \
	    "$(cat "$scratch/err")"
done

# A plain stream carries no failure: its status is for pipefail to tell.
typed bash "bash -o pipefail \$flow 3>&-"
is '3 closed: the first reject is fatal' 65 $rc

typed bash "{ bash -o pipefail \$flow; } 3>/dev/full"
is '3>/dev/full: fatal' 74 $rc
like '3>/dev/full: says why' 'No space left' "$(cat "$scratch/err")"

typed bash "{ bash -o pipefail \$flow; } 3</dev/null"
is '3 only for reading: the first reject is fatal' 65 $rc

# GNU make hands its job server down on 3 and 4.
# shellcheck disable=SC2016
printf 'all: flow other\nflow:\n\t+@sh $$flow\nother: ; @sleep 0\n' \
    >"$scratch/Makefile"
typed sh 'make -s -j2 all'
like 'under make -j: the advice' '3>>rejects' "$(cat "$scratch/err")"
typed sh 'make -s -j2 all 3>>rejects.ndjson'
all_is_well 'under make -j, 3>>file'

typed sh "env -i PATH=\"\$PATH\" API_BASE_URL=\"\$API_BASE_URL\" \
    DATABASE_URL=\"\$DATABASE_URL\" HOME=/ LOGNAME=x SHELL=/bin/sh \
    /bin/sh -c '{ sh $flow; } 3>>rejects.ndjson' </dev/null"
all_is_well "cron's environment"
is "cron's environment: nothing to mail" '' \
    "$(cat "$scratch/out" "$scratch/err")"

# The database is whole although 3 was closed when it was opened.
typed sh "etl-load --ddl $top/examples/posts/schema.sql --db \$DATABASE_URL \
    --table user_activities --key user_id,post_id,activity_type \
    </dev/null 3>&-"
is '3 closed: the database is whole' ok "$(sql 'PRAGMA integrity_check')"
done_testing
