#!/bin/sh
# Whole pipelines: success is what the ledger says; a failure has the first
# cause's code and message; the next run completes what was killed.
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
# Stages that say who they are; a slow source: half of it, a wait, half.
cat >stage.sh <<'S'
echo $$ >"pid.$1"
shift
exec "$@"
S
cat >flow.sh <<'S'
{ head -n 100 in.ndjson; : >half; sleep "${wait:-0}"; tail -n 100 in.ndjson; } |
sh stage.sh extract etl-extract - |
sh stage.sh transform etl-transform "${filter:-.}" |
sh stage.sh load etl-load --ddl table.sql --table "${table:-t}" ${key-"--key=id"}
S

row() {
	sql "SELECT status, records_extracted, records_loaded, rejected,
	    coalesce(error_message, '-') FROM pipeline_runs
	    WHERE pipeline = '$1' ORDER BY id DESC LIMIT 1"
}
# kill_stage STAGE: a run of flow.sh whose stage dies half-way; sets rc.
kill_stage() {
	rm -f half pid.*
	wait=0.8 etl-run flow.sh >out 2>err &
	run=$!
	wait_until 20 test -e half -a -s "pid.$1"
	sleep 0.2
	kill -9 "$(cat "pid.$1")"
	rc=0
	wait $run || rc=$?
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: success" 0 "$(status etl-run flow.sh)"
	is "$kind: its row" 'success|200|200|0|-' "$(row flow)"
	is "$kind: silence" '' "$(cat out err)"
	is "$kind: again, nothing is new" 0 "$(status etl-run -v flow.sh)"
	like "$kind: the summary" \
	    'flow: success in .*: 200 extracted, 0 loaded, 200 unchanged, 0 rejected, 0 dropped \(run ' \
	    "$(cat err)"
	is "$kind: some come twice, some are left alone" 0 "$(status etl-run -v \
	    -c 'for mode in upsert ignore; do cat in.ndjson in.ndjson |
	    etl-load --plain --table t --key id --mode $mode; done')"
	like "$kind: the summary adds up" ' 800 extracted, 0 loaded, 200 unchanged, 0 rejected, 0 dropped, 200 superseded, 400 skipped \(run ' \
	    "$(cat err)"

	# Each stage fails, with its own code, which sh alone would not see.
	is "$kind: the source fails" 66 "$(status etl-run --name f -c \
	    'etl-extract none.ndjson | etl-transform . | etl-load --table t')"
	like "$kind: its message is the cause" \
	    '^failed\|0\|0\|0\|etl-extract: none.ndjson: ' "$(row f)"
	is "$kind: the filter fails" 78 "$(status etl-run --name f -c \
	    'etl-extract in.ndjson | etl-transform "{" | etl-load --table t')"
	like "$kind: its message is the cause" \
	    '^failed\|0\|0\|0\|etl-transform: ' "$(row f)"
	is "$kind: the loader fails" 78 "$(status etl-run --name f -c \
	    'etl-extract in.ndjson | etl-transform . | etl-load --table no')"
	like "$kind: its message is the cause" \
	    '^failed\|0\|0\|0\|etl-load: .*no' "$(row f)"
	is "$kind: too many rejects" 1 "$(filter='error("sorry")' \
	    status etl-run flow.sh)"
	like "$kind: the causes are in the row" 'sorry' "$(row flow)"
	is "$kind: no letter of them" 0 \
	    "$(sql 'SELECT count(*) FROM dead_letters')"
	is "$kind: some rejects" 0 "$(status etl-run --name some -c 'filter="if
	    .id % 10 == 0 then error(\"ten\") elif .id % 10 == 1 then empty
	    else . end" . ./flow.sh')"
	is "$kind: are counted" 'success|200|0|20|-' "$(row some)"
	is "$kind: and are letters" '20|20' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"
	is "$kind: a foreign filter that eats marks" 76 "$(status etl-run \
	    --name eats -c 'etl-extract in.ndjson | grep id |
	    grep -v @etl | etl-load --table t --key id')"

	# Killed: 75, nothing that looks whole; the next run completes it.
	sql 'DELETE FROM t'
	for stage in extract transform load; do
		kill_stage $stage
		is "$kind: $stage killed" 75 $rc
		like "$kind: $stage killed: the row" '^failed\|' "$(row flow)"
		is "$kind: $stage killed: no stream has ended" 0 \
		    "$(sql "SELECT count(*) FROM etl_loads WHERE ended AND run
		    = (SELECT run FROM pipeline_runs ORDER BY id DESC
		    LIMIT 1)")"
	done
	is "$kind: the next run" 0 "$(status etl-run flow.sh)"
	is "$kind: completes it" '200|1|200' \
	    "$(sql 'SELECT count(*), min(id), max(id) FROM t')"

	table=log key=
	export table key
	for stage in extract transform load; do
		kill_stage $stage
		is "$kind: append, $stage killed" 75 $rc
		is "$kind: append, $stage killed: nothing" 0 \
		    "$(sql 'SELECT count(*) FROM log')"
	done
	is "$kind: append, the next run" 0 "$(status etl-run flow.sh)"
	is "$kind: no row twice" '200|200' \
	    "$(sql 'SELECT count(*), count(DISTINCT id) FROM log')"
	unset table key

	# Several loads.
	sql 'DELETE FROM t; DELETE FROM log'
	is "$kind: one of two loads fails" 78 "$(status etl-run --name two -c \
	    'etl-extract in.ndjson | etl-load --table t --key id &&
	    etl-extract in.ndjson | etl-load --table no --key id')"
	like "$kind: the row tells which is complete" \
	    'etl-load: .*no.*loaded completely: .*t' "$(row two)"
	is "$kind: and what it loaded" 'failed|200|200' "$(row two |
	    cut -d'|' -f1-3)"
	is "$kind: an append that has ended is not repeated" 75 \
	    "$(status etl-run --retries 3 --backoff 1ms..1ms --name ap -c \
	    'etl-extract in.ndjson | etl-load --table log && exit 75')"
	like "$kind: for that reason" 'ap: not tried again: .*append' \
	    "$(cat err)"
	is "$kind: it is there once" 200 "$(sql 'SELECT count(*) FROM log')"
	etl-extract --stream half in.ndjson >saved
	{
		sed -n '1s/"stages"/"checkpoint":"c",&/p; 2,151p' saved
		printf '{"@etl":"checkpoint","name":"c","seq":1,"from":null,"version":0,"value":"150","stages":[{"stage":"extract","in":0,"out":150,"dropped":0,"rejected":0}]}\n'
		sed -n 152p saved
	} >saved.half
	sql 'DELETE FROM log'
	is "$kind: nor is what --again has stored of a stream" 75 \
	    "$(status etl-run --retries 3 --backoff 1ms..1ms --name half -c \
	    'etl-load --again --table log <saved.half')"
	is "$kind: it is there once, too" '150|150' \
	    "$(sql 'SELECT count(*), count(DISTINCT id) FROM log')"
	is "$kind: an upsert is" 2 "$(etl-run --retries 1 --backoff 1ms..1ms \
	    --name up -c 'etl-extract in.ndjson |
	    etl-load --table t --key id && exit 75' 2>/dev/null || :
	    sql "SELECT count(*) FROM pipeline_runs WHERE pipeline = 'up'")"
	is "$kind: exit 0 over a load that was cut" 75 "$(status etl-run \
	    --name cut -c 'etl-extract in.ndjson | head -n 150 |
	    etl-load --batch 50 --table t --key id; exit 0')"
	like "$kind: is no success" '^failed\|.*loaded only in part: .*t' \
	    "$(row cut)"
	is "$kind: -v of a load is no cause" 5 "$(status etl-run --name sum -c \
	    'etl-extract in.ndjson | etl-load -v --table t --key id; exit 5')"
	like "$kind: the script's exit is" \
	    'error_message|the script exited with 5' "$(row sum)"

	# A loader may outlive etl-run, but it cannot commit any more.
	rm -f half
	wait=1 etl-run flow.sh >/dev/null 2>err &
	run=$!
	wait_until 20 test -e half
	kill -9 $run
	wait $run 2>/dev/null || :
	is "$kind: stages of a killed run hold the lock" 75 \
	    "$(status etl-run flow.sh)"
	ok "$kind: then the next one runs" wait_until 20 etl-run flow.sh
	is "$kind: the dead one's row" abandoned "$(sql "SELECT status FROM
	    pipeline_runs WHERE pipeline = 'flow' ORDER BY id DESC LIMIT 1
	    OFFSET 1")"

	# Counts that no stream can have do not keep a dead run's row open.
	sql "UPDATE pipeline_runs SET status = 'running' WHERE pipeline = 'flow';
	    UPDATE etl_loads SET counts = '[{\"stage\":\"load\",\"rejected\":9223372036854775807}]'"
	is "$kind: counts too large are no counts: the next one runs" 0 \
	    "$(status etl-run flow.sh)"

	# TERM in mid-stream, by the signal that cron or systemd send.
	rm -f half
	wait=20 etl-run flow.sh >/dev/null 2>err &
	run=$!
	wait_until 20 test -e half
	start=$(date +%s%N)
	kill $run
	rc=0
	wait $run || rc=$?
	ms=$((($(date +%s%N) - start) / 1000000))
	is "$kind: TERM ends it" 143 $rc
	ok "$kind: before anything is killed ($ms ms)" test $ms -lt 4500
	like "$kind: the row" '^failed\|.*\|stopped by SIGTERM' "$(row flow)"
	is "$kind: the next run" 0 "$(status etl-run flow.sh)"

	# Descriptor 3 of the pipeline's own; shells; cron's environment.
	is "$kind: a script with rejects of its own" 0 "$(status etl-run \
	    --name own -c '{ etl-extract in.ndjson |
	    etl-transform "if .id == 7 then error(\"x\") else . end" |
	    etl-load --table t --key id; } 3>own.rejects')"
	is "$kind: they are there" '1 199' "$(wc -l <own.rejects |
	    tr -d ' ') $(row own | awk -F'|' '{ print $2 - $4 }')"
	for shell in dash bash; do
		printf '#!/usr/bin/env %s\n' $shell >cron.sh
		cat flow.sh >>cron.sh
		chmod +x cron.sh
		rm -f half
		is "$kind: $shell, as cron runs it" 0 "$(status env -i \
		    HOME=/ SHELL=/bin/sh LOGNAME=root PATH="$PATH" \
		    LSAN_OPTIONS="${LSAN_OPTIONS:-}" \
		    PGHOST="${PGHOST:-}" PGPORT="${PGPORT:-}" \
		    PGUSER="${PGUSER:-}" PGPASSWORD="${PGPASSWORD:-}" \
		    DATABASE_URL="$db" etl-run ./cron.sh </dev/null)"
		is "$kind: $shell: cron has nothing to mail" '' \
		    "$(cat out err)"
	done
done
done_testing
