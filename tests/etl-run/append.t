#!/bin/sh
# shellcheck disable=SC2016
# Appends without a checkpoint: what etl-run says of a run that was killed after
# the load had ended, or whose row could not be written.
. tests/support/lib.sh
cd "$scratch"
seq 5 | sed 's/.*/{"id":&}/' >in.ndjson

row() {
	sql "SELECT status, error_message FROM pipeline_runs
	    WHERE pipeline = '$1' ORDER BY id LIMIT 1"
}
# kill_run NAME COMMAND: executes COMMAND as a run and kills etl-run, and then
# all processes of the script, when COMMAND has created the file `there`.
kill_run() {
	rm -f there
	etl-run --name "$1" -c "$2" 2>err &
	pid=$!
	wait_until 20 test -e there
	kill -9 $pid
	{ wait $pid || :; } 2>/dev/null
	kill -9 "-$(cat there)"
}
# next_run NAME: a run that finds the killed one, as soon as all its processes
# have exited.
next_run() {
	wait_until 20 etl-run --name "$1" -c : 2>err
}
hang='echo $$ >there.new; mv there.new there; exec sleep 60'
load='etl-extract in.ndjson | etl-load --table log'

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sql 'CREATE TABLE log (id int); CREATE TABLE t (id int PRIMARY KEY)'

	kill_run a "$load; $hang"
	ok "$kind: a run after a killed run succeeds" next_run a
	like "$kind: a killed run whose append has ended is abandoned" \
	    '^abandoned\|.*loaded completely: log' "$(row a)"
	like "$kind: its message says that all its streams have ended" \
	    'all streams that it had begun have ended' "$(row a)"
	like "$kind: its message says that another run appends again" \
	    'the append to .*log is complete: if the pipeline is run again, it adds the same rows again' \
	    "$(row a)"

	kill_run b "etl-extract in.ndjson | etl-load --table t --key id; $hang"
	next_run b
	like "$kind: a killed run with a key: all its streams have ended" \
	    '^abandoned\|.*all streams that it had begun have ended' "$(row b)"
	unlike "$kind: a killed run with a key: its rows can be loaded again" \
	    'adds the same rows again' "$(row b)"

	# A second stream has begun and has not ended: the kill waits until the
	# second loader has reported that it reads a stream.
	kill_run c "$load
	    { etl-extract in.ndjson | head -n 2
	    until [ \$(grep -c '\"open\"' \$ETL_REPORTS) = 2 ]; do
	        sleep .01
	    done
	    $hang; } | etl-load --table t"
	next_run c
	like "$kind: a killed run with an open stream names it" \
	    '^abandoned\|.*did not end.*loaded completely: log' "$(row c)"
	like "$kind: a killed run with an open stream warns of the append" \
	    'the append to .*log is complete' "$(row c)"
	unlike "$kind: a killed run with an open stream has not ended all" \
	    'all streams' "$(row c)"

	# Another host has no reports: only the ledger is known.
	kill_run d "$load; $hang"
	rm "$XDG_STATE_HOME"/etl-run/*.reports
	next_run d
	like "$kind: without reports the message speaks of the ledger" \
	    'all streams that are in its ledger rows have ended; the append' \
	    "$(row d)"

	# The row cannot be written at the end of the run.
	case $kind in
	sqlite)
		block="CREATE TRIGGER stop BEFORE UPDATE ON pipeline_runs
		    WHEN new.status = 'success'
		    BEGIN SELECT raise(ABORT, 'stop'); END"
		unblock='DROP TRIGGER stop'
		;;
	*)
		block="CREATE FUNCTION stop() RETURNS trigger AS
		    'BEGIN RAISE EXCEPTION ''stop'' USING ERRCODE = ''53100'';
		    END' LANGUAGE plpgsql;
		    CREATE TRIGGER stop BEFORE UPDATE ON pipeline_runs
		    FOR EACH ROW WHEN (new.status = 'success')
		    EXECUTE FUNCTION stop()"
		unblock='DROP TRIGGER stop ON pipeline_runs; DROP FUNCTION stop'
		;;
	esac
	sql 'DELETE FROM log'
	sql "$block"
	is "$kind: the row of a complete append cannot be written: code 74" 74 \
	    "$(status etl-run --retries 2 --backoff 1ms..1ms --name e -c \
	    "$load")"
	like "$kind: the message says that the load is complete" \
	    '^etl-run: e: .*load.* is complete' "$(cat err)"
	is "$kind: the append is not repeated" 5 \
	    "$(sql 'SELECT count(*) FROM log')"
	is "$kind: the row of a load with a key cannot be written: code 75" 75 \
	    "$(status etl-run --name g -c \
	    'etl-extract in.ndjson | etl-load --table t --key id')"
	sql "$unblock"

	sql 'DELETE FROM log'
	is "$kind: a run that times out after an append exits with 74" 74 \
	    "$(status etl-run --timeout 2s --name h -c "$load; sleep 60")"
done
done_testing
