#!/bin/sh
# A run and a file of rejects store the same dead letters. A replay with a
# mended filter loads their records.
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
	is "$kind: a run with rejects exits with 0" 0 \
	    "$(status etl-run --name posts \
	    -c "etl-extract --stream posts in.ndjson | etl-transform --max-rejects 100% \"\$1\" |
	    etl-load --table t --key id --max-rejects 100%" "$strict")"
	is "$kind: each rejected record is a letter, byte for byte" \
	    "$(sed -n '2p;4,5p' in.ndjson)" \
	    "$(etl-dlq list --json | jq -r .raw)"
	is "$kind: list --run selects the letters of the run" 3 \
	    "$(etl-dlq list --json --run \
	    "$(sql 'SELECT run FROM pipeline_runs' | cut -c1-8)" | wc -l |
	    tr -d ' ')"

	# The rejects of the same records, written to a file, are the same
	# letters.
	rc=0
	etl-extract --stream posts in.ndjson | { ETL_PIPELINE=posts \
	    etl-transform --max-rejects 100% "$strict" >/dev/null; } \
	    3>"rejects.$kind" || rc=$?
	is "$kind: put stores 3 rejects of a file that etl-transform wrote" \
	    '0 3' "$rc $(etl-dlq put "rejects.$kind" |
	    cut -d' ' -f1)"
	is "$kind: the same rejects are the same letters, 2 attempts each" \
	    '3|6' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"

	is "$kind: a replay with a filter that still rejects exits with 0" 0 \
	    "$(status etl-run --name mend -c "$again" "$strict")"
	is "$kind: records rejected again are the same letters" '3|12' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"
	is "$kind: the letters keep the name of the first pipeline" posts \
	    "$(etl-dlq list --json |
	    jq -r .pipeline | sort -u)"
	is "$kind: a replay with the mended filter exits with 0" 0 \
	    "$(status etl-run --name mend -c "$again" "$mended")"
	is "$kind: the replay loads the records that the filter accepts" \
	    '1|one 2|two 3|three 4|four' \
	    "$(sql 'SELECT id, n FROM t ORDER BY id' | tr '\n' ' ' |
	    sed 's/ $//')"
	is "$kind: the replay resolves the letters of the loaded records" \
	    'resolved 4 4, resolved 4 4, open 6 4' \
	    "$(etl-dlq list --json --status any | jq -r \
	    '"\(.status) \(.attempts) \(.resolved_upto)"' | paste -sd, |
	    sed 's/,/, /g')"
	is "$kind: resolved letters name the run that resolved them" \
	    'mend mend' "$(sql "SELECT r.pipeline
	    FROM dead_letters AS d JOIN pipeline_runs AS r
	    ON r.run = d.resolved_by_run" | paste -sd' ')"
	is "$kind: the record that no filter mends is the only open letter" x \
	    "$(etl-dlq list --json |
	    jq -r '.raw | fromjson | .id')"
	is "$kind: a replay through etl-transform --rejects exits with 78" 78 \
	    "$(status etl-run \
	    --name mend -c 'etl-dlq replay | etl-transform --rejects f . |
	    etl-load --table t --key id')"
done
done_testing
