#!/bin/sh
# Whole pipelines: a run succeeds only if the ledger says so, a failed run has
# the exit code and message of its first cause, and the next run completes what
# was killed.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

i=0
while [ $i -lt 200 ]; do
	i=$((i + 1))
	echo "{\"id\":$i,\"n\":\"$i\"}"
done >in.ndjson
cat >table.sql <<'S'
CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, n TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log (id INTEGER, n TEXT);
S
# stage.sh NAME COMMAND... writes its process id to pid.NAME. The source of
# flow.sh waits between its two halves if $wait is set, until the file over exists.
cat >stage.sh <<'S'
echo $$ >"pid.$1"
shift
exec "$@"
S
cat >flow.sh <<'S'
{
	head -n 100 in.ndjson
	: >half
	i=0
	until [ -z "${wait-}" ] || [ -e over ] || [ $((i += 1)) -gt 600 ]; do
		sleep 0.05
	done
	tail -n 100 in.ndjson
} |
sh stage.sh extract etl-extract - |
sh stage.sh transform etl-transform "${filter:-.}" |
sh stage.sh load etl-load --ddl table.sql --table "${table:-t}" ${key-"--key=id"}
S

row() {
	sql "SELECT status, records_extracted, records_loaded, rejected,
	    coalesce(error_message, '-') FROM pipeline_runs
	    WHERE pipeline = '$1' ORDER BY id DESC LIMIT 1"
}
# kill_stage STAGE: runs flow.sh and kills STAGE half-way; sets rc.
kill_stage() {
	rm -f half over pid.*
	wait=yes etl-run flow.sh >out 2>err &
	run=$!
	wait_until 20 test -e half -a -s "pid.$1"
	sleep 0.2
	kill -9 "$(cat "pid.$1")"
	: >over
	rc=0
	{ wait $run || rc=$?; } 2>/dev/null
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: a run of a whole pipeline exits with 0" 0 \
	    "$(status etl-run flow.sh)"
	is "$kind: the row has the status and counts of the run" \
	    'success|200|200|0|-' "$(row flow)"
	is "$kind: a successful run prints nothing" '' "$(cat out err)"
	is "$kind: a second run of the same records exits with 0" 0 \
	    "$(status etl-run -v flow.sh)"
	like "$kind: the summary of -v counts the unchanged records" \
	    'flow: success in .*: 200 extracted, 0 loaded, 200 unchanged, 0 rejected, 0 dropped \(run ' \
	    "$(cat err)"
	is "$kind: loads of repeated and existing records exit with 0" 0 \
	    "$(status etl-run -v \
	    -c 'for mode in upsert ignore; do cat in.ndjson in.ndjson |
	    etl-load --plain --table t --key id --mode $mode; done')"
	like "$kind: the counts of that summary add up" \
	    ' 800 extracted, 0 loaded, 200 unchanged, 0 rejected, 0 dropped, 200 superseded, 400 skipped \(run ' \
	    "$(cat err)"

	# etl-run exits with the code of the stage that failed, which sh does
	# not report.
	is "$kind: a run whose source fails exits with 66" 66 \
	    "$(status etl-run --name f -c \
	    'etl-extract none.ndjson | etl-transform . | etl-load --table t')"
	like "$kind: the row has the message of the source" \
	    '^failed\|0\|0\|0\|etl-extract: none.ndjson: ' "$(row f)"
	is "$kind: a run whose filter fails exits with 78" 78 \
	    "$(status etl-run --name f -c \
	    'etl-extract in.ndjson | etl-transform "{" | etl-load --table t')"
	like "$kind: the row has the message of the filter" \
	    '^failed\|0\|0\|0\|etl-transform: ' "$(row f)"
	is "$kind: a run whose loader fails exits with 78" 78 \
	    "$(status etl-run --name f -c \
	    'etl-extract in.ndjson | etl-transform . | etl-load --table no')"
	like "$kind: the row has the message of the loader" \
	    '^failed\|0\|0\|0\|etl-load: .*no' "$(row f)"
	is "$kind: a run with too many rejects exits with 1" 1 \
	    "$(filter='error("sorry")' \
	    status etl-run flow.sh)"
	like "$kind: the row has the cause of the rejects" 'sorry' "$(row flow)"
	is "$kind: a run with too many rejects stores no letters" 0 \
	    "$(sql 'SELECT count(*) FROM dead_letters')"
	is "$kind: a run with some rejects exits with 0" 0 \
	    "$(status etl-run --name some -c 'filter="if
	    .id % 10 == 0 then error(\"ten\") elif .id % 10 == 1 then empty
	    else . end" . ./flow.sh')"
	is "$kind: the row counts the rejects" 'success|200|0|20|-' \
	    "$(row some)"
	is "$kind: each reject is stored as a letter" '20|20' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"
	is "$kind: a run whose foreign filter removes marks exits with 76" 76 \
	    "$(status etl-run \
	    --name eats -c 'etl-extract in.ndjson | grep id |
	    grep -v @etl | etl-load --table t --key id')"

	# If a stage is killed, etl-run exits with 75, no stream has ended, and
	# the next run loads all records.
	sql 'DELETE FROM t'
	for stage in extract transform load; do
		kill_stage $stage
		is "$kind: $stage killed: etl-run exits with 75" 75 $rc
		like "$kind: $stage killed: the row says failed" '^failed\|' \
		    "$(row flow)"
		is "$kind: $stage killed: no stream has ended" 0 \
		    "$(sql "SELECT count(*) FROM etl_loads WHERE ended AND run
		    = (SELECT run FROM pipeline_runs ORDER BY id DESC
		    LIMIT 1)")"
	done
	is "$kind: the run after the killed ones exits with 0" 0 \
	    "$(status etl-run flow.sh)"
	is "$kind: the table has all records after that run" '200|1|200' \
	    "$(sql 'SELECT count(*), min(id), max(id) FROM t')"

	table=log key=
	export table key
	for stage in extract transform load; do
		kill_stage $stage
		is "$kind: append, $stage killed: exit code 75" 75 $rc
		is "$kind: append, $stage killed: no row is loaded" 0 \
		    "$(sql 'SELECT count(*) FROM log')"
	done
	is "$kind: append: the run after the killed ones exits with 0" 0 \
	    "$(status etl-run flow.sh)"
	is "$kind: append: the table has every record once" '200|200' \
	    "$(sql 'SELECT count(*), count(DISTINCT id) FROM log')"
	unset table key

	# Runs with several loads.
	sql 'DELETE FROM t; DELETE FROM log'
	is "$kind: a run whose second load fails exits with 78" 78 \
	    "$(status etl-run --name two -c \
	    'etl-extract in.ndjson | etl-load --table t --key id &&
	    etl-extract in.ndjson | etl-load --table no --key id')"
	like "$kind: the row names the load that is complete" \
	    'etl-load: .*no.*loaded completely: .*t' "$(row two)"
	is "$kind: the row counts the records of the complete load" \
	    'failed|200|200' "$(row two |
	    cut -d'|' -f1-3)"
	is "$kind: a run with a completed append exits with 75" 75 \
	    "$(status etl-run --retries 3 --backoff 1ms..1ms --name ap -c \
	    'etl-extract in.ndjson | etl-load --table log && exit 75')"
	like "$kind: the message says that an append is not retried" \
	    'ap: not tried again: .*append' \
	    "$(cat err)"
	is "$kind: the table has the appended records once" 200 \
	    "$(sql 'SELECT count(*) FROM log')"
	etl-extract --stream half in.ndjson >saved
	{
		sed -n '1s/"stages"/"checkpoint":"c",&/p; 2,151p' saved
		printf '{"@etl":"checkpoint","name":"c","seq":1,"from":null,"version":0,"value":"150","stages":[{"stage":"extract","in":0,"out":150,"dropped":0,"rejected":0}]}\n'
		sed -n 152p saved
	} >saved.half
	sql 'DELETE FROM log'
	is "$kind: a run with a partial load of --again exits with 75" 75 \
	    "$(status etl-run --retries 3 --backoff 1ms..1ms --name half -c \
	    'etl-load --again --table log <saved.half')"
	is "$kind: the table has the records of --again once" '150|150' \
	    "$(sql 'SELECT count(*), count(DISTINCT id) FROM log')"
	is "$kind: a run with a completed upsert is retried" 2 \
	    "$(etl-run --retries 1 --backoff 1ms..1ms \
	    --name up -c 'etl-extract in.ndjson |
	    etl-load --table t --key id && exit 75' 2>/dev/null || :
	    sql "SELECT count(*) FROM pipeline_runs WHERE pipeline = 'up'")"
	is "$kind: a cut load makes a run exit with 75, not 0" 75 \
	    "$(status etl-run \
	    --name cut -c 'etl-extract in.ndjson | head -n 150 |
	    etl-load --batch 50 --table t --key id; exit 0')"
	like "$kind: the row names the load that is incomplete" \
	    '^failed\|.*loaded only in part: .*t' \
	    "$(row cut)"
	is "$kind: a script with etl-load -v keeps its exit code 5" 5 \
	    "$(status etl-run --name sum -c \
	    'etl-extract in.ndjson | etl-load -v --table t --key id; exit 5')"
	like "$kind: the cause is the exit code of the script" \
	    'error_message|the script exited with 5' "$(row sum)"

	# A loader may run longer than a killed etl-run, but it cannot commit.
	rm -f half over
	wait=yes etl-run flow.sh >/dev/null 2>err &
	run=$!
	wait_until 20 test -e half
	kill -9 $run
	wait $run 2>/dev/null || :
	is "$kind: stages of a killed etl-run hold the lock" 75 \
	    "$(status etl-run flow.sh)"
	: >over
	ok "$kind: the next run starts when the stages have exited" \
	    wait_until 20 etl-run flow.sh
	is "$kind: the row of the killed run is abandoned" abandoned \
	    "$(sql "SELECT status FROM
	    pipeline_runs WHERE pipeline = 'flow' ORDER BY id DESC LIMIT 1
	    OFFSET 1")"

	# Impossible counts in the ledger do not prevent the next run.
	sql "UPDATE pipeline_runs SET status = 'running' WHERE id =
	    (SELECT max(id) FROM pipeline_runs WHERE pipeline = 'flow');
	    UPDATE etl_loads SET counts = '[{\"stage\":\"load\",\"rejected\":9223372036854775807}]'"
	is "$kind: a run after impossible counts in the ledger exits with 0" 0 \
	    "$(status etl-run flow.sh)"

	# SIGTERM in mid-stream, which cron or systemd send.
	rm -f half over
	wait=yes etl-run flow.sh >/dev/null 2>err &
	run=$!
	wait_until 20 test -e half
	start=$(date +%s%N)
	kill $run
	rc=0
	{ wait $run || rc=$?; } 2>/dev/null
	ms=$((($(date +%s%N) - start) / 1000000))
	is "$kind: SIGTERM ends a run with 143" 143 $rc
	ok "$kind: the run ends before its stages are killed ($ms ms)" \
	    test $ms -lt 4500
	like "$kind: the row says that SIGTERM stopped the run" \
	    '^failed\|.*\|stopped by SIGTERM' "$(row flow)"
	is "$kind: the run after SIGTERM exits with 0" 0 \
	    "$(status etl-run flow.sh)"

	# A script that uses file descriptor 3 itself; two shells in the
	# environment of cron.
	is "$kind: a script that redirects descriptor 3 exits with 0" 0 \
	    "$(status etl-run \
	    --name own -c '{ etl-extract in.ndjson |
	    etl-transform "if .id == 7 then error(\"x\") else . end" |
	    etl-load --table t --key id; } 3>own.rejects')"
	is "$kind: the file of the script has the reject" '1 199' \
	    "$(wc -l <own.rejects |
	    tr -d ' ') $(row own | awk -F'|' '{ print $2 - $4 }')"
	for shell in dash bash; do
		printf '#!/usr/bin/env %s\n' $shell >cron.sh
		cat flow.sh >>cron.sh
		chmod +x cron.sh
		rm -f half
		is "$kind: $shell: a run under cron exits with 0" 0 \
		    "$(status env -i \
		    HOME=/ SHELL=/bin/sh LOGNAME=root PATH="$PATH" \
		    LSAN_OPTIONS="${LSAN_OPTIONS:-}" \
		    PGHOST="${PGHOST:-}" PGPORT="${PGPORT:-}" \
		    PGUSER="${PGUSER:-}" PGPASSWORD="${PGPASSWORD:-}" \
		    DATABASE_URL="$db" etl-run ./cron.sh </dev/null)"
		is "$kind: $shell: a run under cron prints nothing" '' \
		    "$(cat out err)"
	done
done
done_testing
