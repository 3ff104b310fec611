#!/bin/sh
# Every example of README.md and of the EXAMPLES sections runs as typed, in a
# folder that holds examples/posts and examples/items-api, saved records and
# rejects, with a database that knows a run, against the mock API.
. tests/support/lib.sh

# The server of a page's examples, of their folder, with fd 3 as typed.
run_example() {
	(
		cd "$scratch/work"
		API_BASE_URL=$api API_TOKEN=secret
		export API_BASE_URL API_TOKEN
		case $(cat "$1") in
		*--every*) limit=3 ;;           # runs until it is stopped
		*) limit=60 ;;
		esac
		rc=0
		timeout -s TERM -k 5 $limit sh -eu "$1" 2>"$scratch/said" ||
		    rc=$?
		cat "$scratch/said" >&2
		# A plain pipe does not tell that a stage before its last failed.
		! grep 'nowhere to write rejects' "$scratch/said" || rc=65
		[ $rc -eq 0 ] || { [ $limit -eq 3 ] && [ $rc -eq 124 ]; }
	)
}

folder_new() {
	rm -rf "$scratch/work"
	mkdir "$scratch/work"
	cp "$top"/examples/items-api/items.* "$top"/examples/posts/*.jq \
	    "$top"/examples/posts/*.s* \
	    "$top"/examples/python-stage/etlstage.py "$scratch/work"
	(
		cd "$scratch/work"
		etl-extract --into query:_page --paginate page \
		    --size _limit=50 --stream posts "$api/posts" >posts.stream
		grep -v '^{"@etl"' posts.stream >posts.ndjson
		sed 's/500ms/0ms/' pipeline.sh >quick.sh && mv quick.sh pipeline.sh
		chmod +x pipeline.sh
		sqlite3 etl.db '.read table.sql' 2>/dev/null || :
		API_BASE_URL=$api DATABASE_URL=sqlite:etl.db \
		    etl-run --name posts ./pipeline.sh
		{ etl-transform --std -f posts.jq <posts.ndjson >/dev/null
		} 3>rejects.ndjson
		printf 'API_BASE_URL=%s\nAPI_TOKEN=secret\n' "$api" >.env
	)
}

api_start --posts 100
for page in README.md man/*.[157]; do
	blocks=$scratch/blocks/$(basename "$page")
	mkdir -p "$blocks"
	awk -v dir="$blocks" -f tests/examples/blocks.awk "$page"
	n=0
	while [ -f "$blocks/$((n + 1))" ]; do
		n=$((n + 1))
		folder_new
		ok "$page, example $n" run_example "$blocks/$n"
	done
	case $page in
	man/etl-*.1 | README.md) ok "$page has examples" test $n -gt 0 ;;
	esac
done
done_testing
