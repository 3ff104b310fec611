#!/bin/sh
# shellcheck disable=SC2016
# What a run's row says is true: while it lives, and of what it has committed.
. tests/support/lib.sh
cd "$scratch"
echo 'CREATE TABLE IF NOT EXISTS log (id int)' >log.sql
seq 200 | sed 's/.*/{"id":&}/' >in.ndjson

# fast N COMMAND...: the clock and all waits are N times as fast. Sanitizers
# are told to bear that they are not the first library.
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
# A loader in mid-stream whose lock is lost, as if it ran on another host;
# it goes on when there is a file go.
cat >slow.sh <<'S'
{
	head -n 100 in.ndjson
	rm -f $(grep -l "^$PPID " "/tmp/etl-run-$(id -u)"/*)
	: >half
	i=0
	until [ -e go ] || [ $((i += 1)) -gt 400 ]; do sleep 0.05; done
	tail -n 100 in.ndjson
} | etl-extract - | etl-load --ddl log.sql --table log
S
# elsewhere MINUTES: its row is of another host and was renewed so long ago.
elsewhere() {
	case $db in
	sqlite:*) ago="strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-$1 minutes')" ;;
	*) ago="now() - interval '$1 minutes'" ;;
	esac
	sql "UPDATE pipeline_runs SET host = 'elsewhere', renewed_at = $ago
	    WHERE status = 'running'"
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: a run of minutes" 0 \
	    "$(status fast 60 etl-run --name long -c 'sleep 90')"
	is "$kind: is renewed" 1 "$(sql "SELECT count(*) FROM pipeline_runs
	    WHERE pipeline = 'long' AND renewed_at > started_at")"
	is "$kind: a short one" 0 "$(status etl-run --name short -c 'sleep 1')"
	is "$kind: is not" 1 "$(sql "SELECT count(*) FROM pipeline_runs
	    WHERE pipeline = 'short' AND renewed_at = started_at")"

	# Of another host: after ten minutes it is taken for dead, and then it
	# cannot commit, whether it is or not.
	for minutes in 9 11; do
		rm -f half go
		etl-run --name slow slow.sh >out 2>err &
		pid=$!
		wait_until 20 test -e half
		elsewhere $minutes
		is "$kind, $minutes minutes: another run" 0 \
		    "$(status etl-run -v --name slow -c :)"
		cp err told
		: >go
		rc=0
		wait $pid || rc=$?
		case $minutes in
		9)
			is "$kind: one that may live is left alone" \
			    '0 success 200' "$rc $(sql "SELECT status FROM
			    pipeline_runs WHERE host = 'elsewhere'") $(sql \
			    'SELECT count(*) FROM log')"
			sql 'DELETE FROM log'
			sql "UPDATE pipeline_runs SET host = 'x'"
			;;
		11)
			is "$kind: one that does not say so is abandoned" \
			    abandoned "$(sql "SELECT status FROM
			    pipeline_runs WHERE host = 'elsewhere'")"
			is "$kind: its late COMMIT is refused" '75 0' \
			    "$rc $(sql 'SELECT count(*) FROM log')"
			like "$kind: for that reason" \
			    'its row in pipeline_runs is not in status running' \
			    "$(cat err)"
			;;
		esac
	done

	# Boundaries: what has been committed is counted, and no more.
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
	is "$kind: a stream with checkpoints that is cut" 75 \
	    "$(status etl-run --name cut -c \
	    'etl-load --batch 1 --table log <stream')"
	is "$kind: what it has committed" '3 2' "$(sql "SELECT count(*)
	    FROM log") $(sql "SELECT batch FROM etl_loads
	    WHERE stream_id = 'b1'")"
	like "$kind: is what its row says" \
	    '^failed\|4\|3\|1\|.*cut off.*; loaded only in part: log$' \
	    "$(row cut)"
	is "$kind: and by stage" 'extract 0 4 null 0
load 4 null 3 1' "$(sql "SELECT stages FROM pipeline_runs WHERE
	    pipeline = 'cut'" | jq -r '.[] |
	    "\(.stage) \(.in) \(.out) \(.inserted) \(.rejected)"')"
	# An append is tried again where a checkpoint keeps it from loading
	# twice, also when it has ended.
	sql 'DELETE FROM log'
	{
		sed '1,4!d; s/b1/b3/; s/"s"/"w"/g' stream
		echo '{"@etl":"end","seq":1,"stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}'
	} >whole
	is "$kind: an append with a checkpoint" 0 "$(status etl-run \
	    --retries 2 --backoff 1ms..1ms --name whole -c \
	    'etl-load --table log <whole && [ $ETL_ATTEMPT -eq 2 ] || exit 75')"
	is "$kind: is tried again and loads nothing twice" \
	    '1|2|failed 2|0|success 2' "$(sql "SELECT attempt,
	    records_loaded, status FROM pipeline_runs WHERE pipeline = 'whole'
	    ORDER BY id" | tr '\n' ' ')$(sql 'SELECT count(*) FROM log')"
	is "$kind: two loads, one of them whole" 75 "$(status etl-run \
	    --name two -c 'etl-extract in.ndjson | etl-load --table log
	    sed s/b1/b2/ stream | etl-load --no-checkpoint --table log')"
	like "$kind: are told apart and added up" \
	    '^failed\|204\|203\|1\|.*; loaded only in part: log; loaded completely: log$' \
	    "$(row two)"
done

# Half a minute for --on-failure.
is 'an --on-failure that hangs' 4 "$(status fast 20 etl-run --name f \
    --on-failure 'sleep 3600' -c 'exit 4')"
like 'is stopped' '^etl-run: warning: f: --on-failure: the command failed: stopped after 30 s' \
    "$(cat err)"
done_testing
