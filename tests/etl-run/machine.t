#!/bin/sh
# shellcheck disable=SC2016
# Two containers may have the same host name. A run is abandoned only if its
# etl-run must have exited: this etl-run holds the lock that it would hold.
. tests/support/lib.sh
cd "$scratch"
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL

# start_run FOLDER: starts a run that waits for the file over, with its lock
# files in FOLDER.
start_run() {
	rm -f held over
	XDG_STATE_HOME=$scratch/$1 etl-run --name p -c \
	    'seq 3 | jq -c "{id: .}" | etl-extract - | etl-load --ddl t.sql --table t
	    : >held; i=0
	    until [ -e over ] || [ $((i += 1)) -gt 400 ]; do sleep 0.05; done
	    seq 4 9 | jq -c "{id: .}" | etl-extract - | etl-load --table t' \
	    2>"$1.err" &
	pid=$!
	wait_until 20 test -e held
}
# run_after_stages: starts a run as soon as the stages of the killed run have
# exited.
run_after_stages() {
	i=0
	while code=$(status etl-run --name p -c :)
	[ "$code" = 75 ] && [ $((i += 1)) -le 100 ]; do
		sleep 0.1
	done
	echo "$code"
}
statuses() {
	sql "SELECT group_concat(status, ' ') FROM (SELECT status
	    FROM pipeline_runs ORDER BY id)"
}
echo 'CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY);' >t.sql

start_run one
is 'a run with another lock folder on the same host exits with 75' 75 \
    "$(XDG_STATE_HOME=$scratch/two status etl-run --name p -c :)"
# The rules for a container: it cannot look for the process.
sql "UPDATE pipeline_runs SET pid_namespace = 'another'"
is 'a run with another lock folder in another container exits with 75' 75 \
    "$(XDG_STATE_HOME=$scratch/two status etl-run --name p -c :)"
is 'it does not abandon the run that has another lock folder' \
    'running' "$(statuses)"
: >over
rc=0
wait $pid || rc=$?
is 'the run with the other lock folder goes on and loads its records' \
    '0 9 success' \
    "$rc $(sql 'SELECT count(*) FROM t') $(statuses)"
sql 'DELETE FROM t; DELETE FROM pipeline_runs'

start_run one
{ kill -KILL $pid; wait $pid; } 2>/dev/null || :
: >over
is 'after a kill the next run with the same lock folder exits with 0' 0 \
    "$(XDG_STATE_HOME=$scratch/one run_after_stages)"
is 'it abandons the killed run at once' 'abandoned success' "$(statuses)"
sql 'DELETE FROM t; DELETE FROM pipeline_runs'

# A killed container with the same lock folder: the next run holds its lock.
start_run one
sql "UPDATE pipeline_runs SET pid_namespace = 'another', host = 'another'"
{ kill -KILL $pid; wait $pid; } 2>/dev/null || :
: >over
is 'after a kill the next container with the same lock folder exits with 0' 0 \
    "$(XDG_STATE_HOME=$scratch/one run_after_stages)"
is 'it abandons the killed run at once, too' 'abandoned success' "$(statuses)"
sql 'DELETE FROM t; DELETE FROM pipeline_runs'

# A row of version 2 names no machine and no process.
start_run one
sql 'UPDATE pipeline_runs SET machine = NULL, pid = NULL'
is 'a run beside one of an older version exits with 75' 75 \
    "$(XDG_STATE_HOME=$scratch/two status etl-run --name p -c :)"
is 'a run of an older version that is renewed is not abandoned' \
    'running' "$(statuses)"
: >over
wait $pid || :

# In another namespace the process ids of the lock file mean nothing.
if unshare -rpf true 2>/dev/null; then
	rm -f held over
	XDG_STATE_HOME=$scratch/one unshare -rpf --mount-proc etl-run --name p \
	    -c ': >held; i=0
	    until [ -e over ] || [ $((i += 1)) -gt 400 ]; do sleep 0.05; done' \
	    2>err &
	pid=$!
	wait_until 20 test -e held
	is 'a lock that a container with the same folder holds makes 75' 75 \
	    "$(XDG_STATE_HOME=$scratch/one status etl-run --name p -c :)"
	like 'the message says that a container holds the lock' \
	    'p: already running in another container, there as process [0-9]+ \(run [0-9a-f-]+, since [^ ]+Z\); the lock is in' \
	    "$(cat "$scratch/err")"
	: >over
	wait $pid || :
fi
done_testing
