#!/bin/sh
# Without --run, etl-status lists the newest runs; --run last shows the newest
# one.
. tests/support/lib.sh
cd "$scratch"

seq 4 | sed 's/.*/{"id":&}/' >in.ndjson
load='etl-transform --plain "if .id == 4 then error(\"no\") else . end" \
    <in.ndjson | etl-load --table t --key id'
names() {
	etl-status "$@" --json | jq -r .pipeline | tr '\n' ' '
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: etl-status without runs exits with 0" 0 \
	    "$(status etl-status)"
	is "$kind: etl-status without runs prints only the header" '1 RUN' \
	    "$(wc -l <out | tr -d ' ') $(cut -c1-3 out)"
	is "$kind: etl-status --json without runs prints nothing" '' \
	    "$(etl-status --json)"
	is "$kind: --run last without any run exits with 1" 1 \
	    "$(status etl-status --run last)"
	like "$kind: the message says that the database has no run" \
	    "^etl-status: $kind:.* has no run\$" "$(cat err)"

	sql 'CREATE TABLE t (id int PRIMARY KEY)'
	etl-run --name first -c "$load"
	etl-run --name bad -c 'exit 69' 2>/dev/null || :
	etl-run --name 'two words' -c :
	is "$kind: etl-status exits with 0" 0 "$(status etl-status)"
	is "$kind: the newest run comes first" 'success failed success' \
	    "$(awk 'NR > 1 { print $2 }' out | tr '\n' ' ' | sed 's/ $//')"
	id=$(sql "SELECT substr(run, 1, 8) FROM pipeline_runs WHERE id = 1")
	like "$kind: a line has the id, status, counts, time and pipeline" \
	    "^$id success +4 +3 +1 20[-0-9]{8}T[0-9:]{8} +[0-9]+\.[0-9]{3} +first\$" \
	    "$(sed -n 4p out | sed -E 's/([0-9])s /\1 /')"
	is "$kind: --run accepts an id of the list" first \
	    "$(etl-status --run "$id" --json | jq -r .pipeline)"
	is "$kind: --limit 2 lists the two newest runs" 'two words bad ' \
	    "$(names --limit 2)"
	is "$kind: a --limit above the number of runs lists all" 3 \
	    "$(etl-status --limit 1000000000 --json | wc -l | tr -d ' ')"
	is "$kind: --pipeline lists the runs of that pipeline" 'first ' \
	    "$(names --pipeline first)"
	is "$kind: --pipeline lists nothing if the pipeline has no runs" '' \
	    "$(names --pipeline none)"
	is "$kind: --failed lists only the failed run" 'bad ' \
	    "$(names --failed)"
	is "$kind: --json has the columns of the row" \
	    '[1,"first","success",4,3,1]' \
	    "$(etl-status --json | jq -c 'select(.id == 1) | [.id, .pipeline,
	    .status, .records_extracted, .records_loaded, .rejected]')"
	is "$kind: --json has the message of a failure" \
	    'the script exited with 69' \
	    "$(etl-status --failed --json | jq -r .error_message)"
	is "$kind: --run last shows the newest run" 'two words ' \
	    "$(names --run last)"
	is "$kind: --run last --failed shows the newest failed run" 'bad ' \
	    "$(names --run last --failed)"
	is "$kind: --run last --pipeline shows its newest run" 'first ' \
	    "$(names --run last --pipeline first)"
	is "$kind: --run last of a pipeline without runs exits with 1" 1 \
	    "$(status etl-status --run last --pipeline none)"
	like "$kind: the message names the pipeline" \
	    'has no run of the pipeline none$' "$(cat err)"

	sql "UPDATE pipeline_runs SET status = 'running', completed_at = NULL
	    WHERE id = 3"
	like "$kind: a run that has not ended has no counts" \
	    ' running +- +- +- ' "$(etl-status --limit 1 | tail -n 1)"
	sql "UPDATE pipeline_runs SET status = 'abandoned' WHERE id = 3"
	is "$kind: --failed lists abandoned runs too" 'two words bad ' \
	    "$(names --failed)"
	sql "UPDATE pipeline_runs SET completed_at = '2020-01-01T00:00:00.000000Z'
	    WHERE id = 3"
	like "$kind: a clock that was set back gives no negative duration" \
	    ' +0\.000s ' "$(etl-status --limit 1 | tail -n 1)"
	evil=$(printf 'a\033]0;x\007\r')
	sql "UPDATE pipeline_runs SET pipeline = '$evil' WHERE id = 3"
	unlike "$kind: control characters are escaped" \
	    "$(printf '[\001-\010\013-\037]')" "$(etl-status; etl-status --json)"

	for i in $(seq 22); do
		sql "INSERT INTO pipeline_runs (started_at, renewed_at, status,
		    pipeline, run) SELECT started_at, started_at, 'success',
		    'x', 'run $i' FROM pipeline_runs WHERE id = 1"
	done
	is "$kind: without --limit 20 runs are listed" 20 \
	    "$(etl-status --json | wc -l | tr -d ' ')"
	rc=0; etl-status >/dev/full 2>err || rc=$?
	is "$kind: etl-status to a full standard output exits with 74" 74 $rc
done
is 'etl-status without a database file exits with 0' 0 \
    "$(status env -u DATABASE_URL etl-status)"
is 'etl-status creates no database file' '' "$(ls etl.db 2>/dev/null || :)"

# A run that loads two streams.
db_new sqlite
sql 'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)'
etl-run --db "$db" --name two -c "$load
    etl-transform --plain . <in.ndjson | etl-load --table u --key id"
etl-status --db "$db" --run last >out
is 'a run of two streams is shown stream by stream' 'transform 4 3
load 3 3
transform 4 4
load 4 4' "$(sed -n '/^Into /,$p' out | awk '/^(transform|load) / {
    print $1, $2, $3 }')"
is 'each stream is shown with its target' 't u' \
    "$(sed -n 's/^Into \(.*\), stream .*/\1/p' out | tr '\n' ' ' | sed 's/ $//')"
is 'the sums of all streams come first' 'transform 8 7' \
    "$(awk '/^transform / { print $1, $2, $3; exit }' out)"
done_testing
