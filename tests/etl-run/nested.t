#!/bin/sh
# shellcheck disable=SC2016
# If an etl-run inside a run fails, the outer run fails too.
. tests/support/lib.sh
cd "$scratch"

# outer SCRIPT [OPTION...]: executes SCRIPT, and prints the exit code and the
# status of the row.
outer() {
	script=$1
	shift
	sql "DELETE FROM pipeline_runs WHERE pipeline = 'outer'"
	echo "$(status etl-run "$@" --name outer -c "$script") $(sql \
	    "SELECT status FROM pipeline_runs WHERE pipeline = 'outer'
	    ORDER BY id DESC LIMIT 1")"
}
message() {
	sql "SELECT error_message FROM pipeline_runs WHERE pipeline = 'outer'
	    ORDER BY id DESC LIMIT 1"
}
cat >inner.sh <<'S'
[ "$1" != "$(cat bad 2>/dev/null)" ] || exit 66
S
append='seq 3 | jq -c "{id: .}" | etl-extract - | etl-load --table t'

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sql 'CREATE TABLE t (id int)'
	etl-dlq list

	is "$kind: a run whose inner run succeeds is a success" '0 success' \
	    "$(outer 'etl-run --name inner -c :')"
	is "$kind: an inner run that fails makes the outer one fail" '3 failed' \
	    "$(outer 'etl-run --name inner -c "exit 3"; :')"
	is "$kind: the message names the inner run and the cause" \
	    'the script exited with 0, but the run has runs or streams that failed: run inner (the script exited with 3)' \
	    "$(sed -n 's/^etl-run: outer: failed in [^:]*: //; s/; see: .*//p' \
	    err | tail -n 1)"
	is "$kind: the row names it too" \
	    'runs or streams that failed: run inner (the script exited with 3)' \
	    "$(message)"
	is "$kind: with --tolerate the outer run is a success" '0 success' \
	    "$(outer 'etl-run --name inner -c "exit 3"; :' --tolerate)"
	is "$kind: a warning and the row name the inner run" \
	    'etl-run: warning: outer: runs or streams that failed (--tolerate): run inner (the script exited with 3)
runs or streams that failed (--tolerate): run inner (the script exited with 3)' \
	    "$(grep warning err; message)"
	is "$kind: the message of a stream of the inner run comes through" \
	    '66 failed' "$(outer 'etl-run --name inner -c \
	    "etl-extract no.ndjson | etl-load --table t"; :')"
	like "$kind: the message has the cause in the stage" \
	    'run inner \(etl-extract: no.ndjson: No such file' "$(message)"
	is "$kind: the run in the run in the run fails all of them" '4 failed' \
	    "$(outer 'etl-run --name middle -c \
	    "etl-run --name inner -c \"exit 4\"; :"; :')"
	like "$kind: the message names both" 'run middle \(.*run inner \(' \
	    "$(message)"

	is "$kind: an inner run that was killed makes the outer one fail" \
	    '75 failed' \
	    "$(outer 'etl-run --name inner -c "kill -9 \$PPID"; sleep 0.1; :')"
	like "$kind: the message says that it did not end" \
	    'run inner \(did not end\)' "$(message)"
	is "$kind: an inner run that another one keeps out counts" '75 failed' \
	    "$(outer 'until_file() {
	        i=0; until [ -e $1 ] || [ $((i += 1)) -gt 400 ]; do
	            sleep 0.05
	        done
	    }
	    etl-run --name inner -c ": >held; i=0
	        until [ -e over ] || [ \$((i += 1)) -gt 400 ]; do
	            sleep 0.05
	        done" &
	    until_file held; etl-run --name inner -c :; : >over; wait
	    rm held over')"
	like "$kind: the message says which run is alive" \
	    'run inner \(inner: already running as process' "$(message)"
	is "$kind: a wrong option of an inner run counts" '64 failed' \
	    "$(outer 'etl-run --name inner --wrong; :')"
	is "$kind: a missing file of variables counts" '66 failed' \
	    "$(outer 'etl-run --name inner --env-file no -c :; :')"
	like "$kind: the message names the run and the file" \
	    'run inner \(no: No such file' "$(message)"
	is "$kind: --help, --version and --dry-run are no runs" '0 success' \
	    "$(outer 'etl-run --help >/dev/null; etl-run --version >/dev/null
	    etl-run --dry-run no.sh >/dev/null 2>&1; :')"

	# Repetitions.
	is "$kind: an inner run that succeeds at its second attempt counts not" \
	    '0 success' "$(outer 'etl-run --retries 1 --backoff 1ms..1ms \
	    --name inner -c "[ \$ETL_ATTEMPT = 2 ] || exit 75"')"
	is "$kind: an inner run that is repeated with success counts not" \
	    '0 success' "$(outer 'echo 1 >bad; set -- etl-run inner.sh 1
	    until "$@"; do : >bad; done')"
	is "$kind: another argument is another run" '66 failed' \
	    "$(outer 'echo 1 >bad; etl-run inner.sh 1; etl-run inner.sh 2')"
	rm -f bad

	# A second attempt would append the rows of the inner run again.
	is "$kind: a run is not retried after an inner run that appended" \
	    '74 failed 3' "$(outer "etl-run --name a -c '$append'
	    etl-run --name b -c 'exit 75'; :" --retries 1 \
	    --backoff 1ms..1ms) $(sql 'SELECT count(*) FROM t')"
	like "$kind: the message says so" \
	    '^etl-run: outer: do not run this again without a check' \
	    "$(cat err)"
	is "$kind: a run is retried if no inner run has appended" '75 failed 2' \
	    "$(outer "etl-run --name b -c 'exit 75'; :" --retries 1 \
	    --backoff 1ms..1ms) $(sql "SELECT count(*) FROM pipeline_runs
	    WHERE pipeline = 'outer'")"

	# A signal.
	etl-run --name outer -c 'etl-run --name inner -c ": >held; sleep 20"' \
	    2>err &
	pid=$!
	wait_until 20 test -e held
	rm held
	kill $pid
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	is "$kind: a signal stops both runs" '143 failed failed' "$rc $(sql \
	    'SELECT status FROM pipeline_runs ORDER BY id DESC LIMIT 2' |
	    tr '\n' ' ' | sed 's/ $//')"
done
done_testing
