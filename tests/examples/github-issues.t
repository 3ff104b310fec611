#!/bin/sh
# examples/github-issues, against the mock API, which answers as GitHub does.
. tests/support/lib.sh

api_start --items 250
GITHUB_TOKEN=secret GITHUB_API=$api/auth
export GITHUB_TOKEN GITHUB_API
pipeline=$top/examples/github-issues/pipeline.sh
grow() { curl -s "$api/control/items/$1" >/dev/null; }
run() {
	: >"$api_log_file"
	status sh "$pipeline"
}
# wanted N: what the table must hold if N issues exist.  Issue i has changed when
# issue 10 i was created.
wanted() {
	awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++)
		printf "%d|%d|%s|%d\n", 1000000 + i, i,
		    i % 4 ? "open" : "closed", 10 * i <= n }'
}
rows() { sql 'SELECT id, number, state, comments FROM issues ORDER BY id'; }

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db GITHUB_REPO=cli/$kind
	export DATABASE_URL GITHUB_REPO
	grow 250
	is "$kind: the first run reads all pages" 0 "$(run)"
	is "$kind: each issue has one row" "$(wanted 250)" "$(rows)"
	is "$kind: three pages of 100 are three requests" 3 "$(api_log | wc -l)"
	case $kind in
	sqlite) is_pull=1 labels='["bug","p1"]' ;;
	*) is_pull=t labels='["bug", "p1"]' ;;
	esac
	is "$kind: a row has the members of its issue" \
	    "cli/$kind|Issue № 35|user2|$labels|$is_pull" \
	    "$(sql 'SELECT repo, title, author, labels, is_pull_request
	    FROM issues WHERE number = 35')"
	is "$kind: the next run asks for what is new" 0 "$(run)"
	like "$kind: from the latest change on" 'since=2026-05-01T04%3A10%3A00Z' \
	    "$(api_log)"
	is "$kind: a run without changes" 0 "$(run)"
	like "$kind: is one request with the ETag" '^1 .* if-none-match' \
	    "$(api_log | wc -l) $(api_log)"
	like "$kind: that the service answers with status 304" 'status 304' \
	    "$(cat "$scratch/err")"
	grow 270
	is "$kind: new issues and changes of old ones" 0 "$(run)"
	is "$kind: are in the table" "$(wanted 270)" "$(rows)"
	is "$kind: one request is enough for them" 1 "$(api_log | wc -l)"

	# Rate limits.  K of a fault: it comes in the first K calls of a URL.
	grow 600
	GITHUB_API=$api/fault/on/page=2/fault/quota/1/auth
	is "$kind: if the limit is used up at page 2" 0 "$(run)"
	is "$kind: the run waits until the time that the service names" \
	    "$(wanted 600)" "$(rows)"
	is "$kind: and asks once more for this page" 2 "$(api_log | grep -c '&page=2')"
	grow 900
	GITHUB_API=$api/fault/retry-after/9/429/3600/auth
	is "$kind: a wait of an hour is not waited for" 75 "$(run)"
	like "$kind: the message says when to come back" '3600|[0-9]:[0-9]' \
	    "$(cat "$scratch/err")"
	is "$kind: the table stays" "$(wanted 600)" "$(rows)"
	GITHUB_API=$api/auth
	is "$kind: a later run continues" 0 "$(run)"
	is "$kind: with nothing lost" "$(wanted 900)" "$(rows)"

	# Runs that are killed.
	grow 5000
	for after in 0.02 0.05 0.1 0.2; do
		killed_after $after sh "$pipeline"
	done
	is "$kind: after kills, a run ends well" 0 \
	    "$(status etl-run --name issues "$pipeline")"
	is "$kind: and each issue has one row" "$(wanted 5000 | cksum)" "$(rows | cksum)"
done
unset GITHUB_TOKEN
is 'without a token the run says so' 78 "$(run)"
GITHUB_TOKEN=wrong
export GITHUB_TOKEN
is 'a token that is refused' 77 "$(run)"
unlike 'is in no message' wrong "$(cat "$scratch/err")"
done_testing
