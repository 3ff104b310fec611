#!/bin/sh
# Dead letters of a run and of a rejects file; a mended filter takes them back.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

cat >in.ndjson <<'S'
{"id":1,"n":"one"}
{"id":"2","n":"tw\u006f"}
{"id":3,"n":"three"}
{"id":"4","n":"four"}
{"id":"x","n":"bad for ever"}
S
echo 'CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT NOT NULL)' >table.sql
strict='if .id | type == "string" then error("id is text") else . end'
mended='.id |= tonumber'
again='etl-dlq replay --pipeline posts --stage transform |
    etl-transform "$1" --max-rejects 100% | etl-load --table t --key id \
    --max-rejects 100%'

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sql "$(cat table.sql)"
	is "$kind: a run with rejects" 0 "$(status etl-run --name posts \
	    -c "etl-extract in.ndjson | etl-transform --max-rejects 100% \"\$1\" |
	    etl-load --table t --key id --max-rejects 100%" "$strict")"
	is "$kind: its letters, byte for byte" "$(sed -n '2p;4,5p' in.ndjson)" \
	    "$(etl-dlq list --json | jq -r .raw)"
	is "$kind: are of the run" 3 "$(etl-dlq list --json --run \
	    "$(sql 'SELECT run FROM pipeline_runs' | cut -c1-8)" | wc -l |
	    tr -d ' ')"

	# The same, kept in a file by hand: the same letters again.
	rc=0
	{ ETL_PIPELINE=posts etl-transform --max-rejects 100% "$strict" \
	    <in.ndjson >/dev/null; } 3>"rejects.$kind" || rc=$?
	is "$kind: put of a file" '0 3' "$rc $(etl-dlq put "rejects.$kind" |
	    cut -d' ' -f1)"
	is "$kind: the same letters, twice" '3|6' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"

	is "$kind: a replay with a filter that still rejects" 0 \
	    "$(status etl-run --name mend -c "$again" "$strict")"
	is "$kind: adds to the same letters" '3|12' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"
	is "$kind: of the first pipeline" posts "$(etl-dlq list --json |
	    jq -r .pipeline | sort -u)"
	is "$kind: a replay with the mended filter" 0 \
	    "$(status etl-run --name mend -c "$again" "$mended")"
	is "$kind: loads what it takes" '1|one 2|two 3|three 4|four' \
	    "$(sql 'SELECT id, n FROM t ORDER BY id' | tr '\n' ' ' |
	    sed 's/ $//')"
	is "$kind: and resolves it" 'resolved 4 4, resolved 4 4, open 6 4' \
	    "$(etl-dlq list --json --status any | jq -r \
	    '"\(.status) \(.attempts) \(.resolved_upto)"' | paste -sd, |
	    sed 's/,/, /g')"
	is "$kind: by its run" 'mend mend' "$(sql "SELECT r.pipeline
	    FROM dead_letters AS d JOIN pipeline_runs AS r
	    ON r.run = d.resolved_by_run" | paste -sd' ')"
	is "$kind: one is left" x "$(etl-dlq list --json |
	    jq -r '.raw | fromjson | .id')"
	is "$kind: a replay keeps no rejects aside" 78 "$(status etl-run \
	    --name mend -c 'etl-dlq replay | etl-transform --rejects f . |
	    etl-load --table t --key id')"
done
done_testing
