#!/bin/sh
# shellcheck disable=SC2016
# The row of a run is renewed while the run is running, and counts only what has
# been committed.
. tests/support/lib.sh
cd "$scratch"
echo 'CREATE TABLE IF NOT EXISTS log (id int)' >log.sql
seq 200 | sed 's/.*/{"id":&}/' >in.ndjson

# fast N COMMAND...: runs COMMAND with a clock and waits that are N times as
# fast. Sanitizers must accept that faketime is loaded before them.
fast() {
	times=$1
	shift
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 \
	    timeout 60 faketime -f "+0 x$times" "$@"
}
row() {
	sql "SELECT status, records_extracted, records_loaded, rejected,
	    error_message FROM pipeline_runs WHERE pipeline = '$1'
	    ORDER BY id DESC LIMIT 1"
}
# A loader that waits in mid-stream until the file go exists.
cat >slow.sh <<'S'
{
	head -n 100 in.ndjson
	: >half
	i=0
	until [ -e go ] || [ $((i += 1)) -gt 400 ]; do sleep 0.05; done
	tail -n 100 in.ndjson
} | etl-extract - | etl-load --ddl log.sql --table log
S
# set_other_host MINUTES: the row of the run that is running names another host
# and machine, and was renewed MINUTES ago.
set_other_host() {
	case $db in
	sqlite:*) ago="strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-$1 minutes')" ;;
	*) ago="now() - interval '$1 minutes'" ;;
	esac
	sql "UPDATE pipeline_runs SET host = 'elsewhere',
	    machine = 'elsewhere', boot = 'elsewhere', renewed_at = $ago
	    WHERE status = 'running'"
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: a run of 90 seconds exits with 0" 0 \
	    "$(status fast 60 etl-run --name long -c 'sleep 90')"
	is "$kind: the row of a long run is renewed" 1 \
	    "$(sql "SELECT count(*) FROM pipeline_runs
	    WHERE pipeline = 'long' AND renewed_at > started_at")"
	is "$kind: a run of one second exits with 0" 0 \
	    "$(status etl-run --name short -c 'sleep 1')"
	is "$kind: the row of a short run is not renewed" 1 \
	    "$(sql "SELECT count(*) FROM pipeline_runs
	    WHERE pipeline = 'short' AND renewed_at = started_at")"

	# A run on another host that was not renewed for ten minutes is
	# abandoned. If that run is still running, it cannot commit.
	for minutes in 9 11; do
		rm -f half go
		etl-run --name slow slow.sh >out 2>err &
		pid=$!
		wait_until 20 test -e half
		set_other_host $minutes
		[ $minutes -eq 9 ] && wanted=75 || wanted=0
		is "$kind, $minutes minutes: another run exits with $wanted" \
		    "$wanted" "$(status env XDG_STATE_HOME="$scratch/.other" \
		    etl-run -v --name slow -c :)"
		cp err told
		: >go
		rc=0
		{ wait $pid || rc=$?; } 2>/dev/null
		case $minutes in
		9)
			is "$kind: a run renewed 9 minutes ago goes on" \
			    '0 success 200' "$rc $(sql "SELECT status FROM
			    pipeline_runs WHERE host = 'elsewhere'") $(sql \
			    'SELECT count(*) FROM log')"
			sql 'DELETE FROM log'
			sql "UPDATE pipeline_runs SET host = 'x'"
			;;
		11)
			is "$kind: a run renewed 11 minutes ago is abandoned" \
			    abandoned "$(sql "SELECT status FROM
			    pipeline_runs WHERE host = 'elsewhere'")"
			is "$kind: an abandoned run cannot commit" '75 0' \
			    "$rc $(sql 'SELECT count(*) FROM log')"
			like "$kind: the message names the status of the row" \
			    'its row in pipeline_runs is not in status running' \
			    "$(cat err)"
			;;
		esac
	done

	# The row counts the records up to the last boundary that was committed.
	cat >stream <<'S'
{"@etl":"begin","v":1,"id":"b1","stream":"s","checkpoint":"s","stages":["extract"]}
{"id":1}
{"id":2}
{"@etl":"checkpoint","name":"s","seq":1,"from":null,"version":0,"value":"2","stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}
{"id":3}
{"id":4,"no":1}
{"@etl":"checkpoint","name":"s","seq":2,"from":null,"version":0,"value":"4","stages":[{"stage":"extract","in":0,"out":4,"dropped":0,"rejected":0}]}
{"id":5}
{"id":6,"no":1}
S
	sql 'DELETE FROM log'
	is "$kind: a run with a cut stream with checkpoints exits with 75" 75 \
	    "$(status etl-run --name cut -c \
	    'etl-load --batch 1 --table log --marked <stream')"
	is "$kind: the loader has committed 3 rows in 2 batches" '3 2' \
	    "$(sql "SELECT count(*)
	    FROM log") $(sql "SELECT batch FROM etl_loads
	    WHERE stream_id = 'b1'")"
	like "$kind: the row counts only committed records" \
	    '^failed\|4\|3\|1\|.*cut off.*; loaded only in part: log$' \
	    "$(row cut)"
	is "$kind: the row has the committed counts of each stage" \
	    'extract 0 4 null 0
load 4 null 3 1' "$(sql "SELECT stages FROM pipeline_runs WHERE
	    pipeline = 'cut'" | jq -r '.[] |
	    "\(.stage) \(.in) \(.out) \(.inserted) \(.rejected)"')"
	# An append with a checkpoint is retried, also if it has ended: the
	# checkpoint keeps it from loading records twice.
	sql 'DELETE FROM log'
	{
		sed '1,4!d; s/b1/b3/; s/"s"/"w"/g' stream
		echo '{"@etl":"end","seq":1,"stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}'
	} >whole
	is "$kind: a retry of an append with a checkpoint exits with 0" 0 \
	    "$(status etl-run \
	    --retries 2 --backoff 1ms..1ms --name whole -c \
	    'etl-load --marked --table log <whole && [ $ETL_ATTEMPT -eq 2 ] || exit 75')"
	is "$kind: the retried append loads nothing twice" \
	    '1|2|failed 2|0|success 2' "$(sql "SELECT attempt,
	    records_loaded, status FROM pipeline_runs WHERE pipeline = 'whole'
	    ORDER BY id" | tr '\n' ' ')$(sql 'SELECT count(*) FROM log')"
	is "$kind: a run with a complete and a cut load exits with 75" 75 \
	    "$(status etl-run \
	    --name two -c 'etl-extract in.ndjson | etl-load --table log
	    sed s/b1/b2/ stream | etl-load --no-checkpoint --table log')"
	like "$kind: the row adds up both loads and names each" \
	    '^failed\|204\|203\|1\|.*; loaded only in part: log; loaded completely: log$' \
	    "$(row two)"
done

# The command of --on-failure may run for half a minute.
is 'a run whose --on-failure hangs exits with 4' 4 \
    "$(status fast 20 etl-run --name f \
    --on-failure 'sleep 3600' -c 'exit 4')"
like 'a hanging --on-failure is stopped after 30 s' \
    '^etl-run: warning: f: --on-failure: the command failed: it ran longer than 30 s' \
    "$(cat err)"
done_testing
