#!/bin/sh
# Loads the issues of a GitHub repository that are new or changed into the table
# issues.
# To run it once, from the top folder of the project:
#	GITHUB_REPO=OWNER/REPO sh examples/github-issues/pipeline.sh
# To run it every ten minutes, as a run that etl-status shows:
#	etl-run --name issues --every 10m examples/github-issues/pipeline.sh
# The environment variable GITHUB_TOKEN holds a token; GITHUB_API, if it is set,
# the base URL of a GitHub server of your own.
set -eu
: "${GITHUB_REPO:?is not set}"
here=$(dirname "$0")

etl-extract --checkpoint "issues of $GITHUB_REPO" \
    --cursor-field /updated_at --since-param since --conditional \
    --paginate link --query-param per_page=100 --query-param state=all \
    --query-param sort=updated --query-param direction=desc \
    --header 'Accept: application/vnd.github+json' \
    --header 'X-GitHub-Api-Version: 2022-11-28' \
    --auth bearer --secret env:GITHUB_TOKEN --backoff 1s..2m \
    "${GITHUB_API:-https://api.github.com}/repos/$GITHUB_REPO/issues" |
etl-transform --arg repo "$GITHUB_REPO" -f "$here/issues.jq" |
etl-load --ddl "$here/issues.sql" --table issues --key id
