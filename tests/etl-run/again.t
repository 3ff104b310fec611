#!/bin/sh
# shellcheck disable=SC2016
# Retries after 75, and after nothing else.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"
set -- etl-run --backoff 10ms..20ms

is 'tried again until it works' 0 "$(status "$@" --retries 5 --name r -c \
    'echo $ETL_ATTEMPT >>tries; [ $ETL_ATTEMPT -eq 3 ] || exit 75')"
is 'three attempts' '1 2 3' "$(tr '\n' ' ' <tries | sed 's/ $//')"
is 'each with its row' '1|failed
2|failed
3|success' "$(sql "SELECT attempt, status FROM pipeline_runs
    WHERE pipeline = 'r' ORDER BY id")"
is 'that names the one before' 2 "$(sql "SELECT count(*) FROM pipeline_runs a
    JOIN pipeline_runs b ON a.retry_of = b.run AND a.attempt = b.attempt + 1
    WHERE a.run <> b.run")"
is 'not more often than asked' 75 \
    "$(status "$@" --retries 2 --name m -c 'exit 75')"
is 'but so often' 3 \
    "$(sql "SELECT count(*) FROM pipeline_runs WHERE pipeline = 'm'")"
like 'and says so' '^etl-run: m: trying again in [0-9.]+s \(2 of 2\)$' \
    "$(cat err)"
for code in 1 66 70 76; do
	is "$code is not tried again" "$code 1" "$(status "$@" --retries 2 \
	    --name "n$code" -c "exit $code") $(sql "SELECT count(*)
	    FROM pipeline_runs WHERE pipeline = 'n$code'")"
done
is 'a time-out is' 75 "$(status "$@" --retries 1 --timeout 100ms --name t \
    -c 'sleep 5')"
is 'with its rows' 2 \
    "$(sql "SELECT count(*) FROM pipeline_runs WHERE pipeline = 't'")"
is 'so is a database that is not there' 75 "$(status "$@" --retries 1 \
    --db postgresql://127.0.0.1:1/x -c :)"
like 'so is it, it says' 'trying again in .* \(1 of 1\)' "$(cat err)"

etl-run --retries 1 --backoff 60s..60s --name w -c 'exit 75' 2>err &
pid=$!
wait_until 20 grep -q 'trying again' err
is 'the lock holds between tries' 75 "$(status etl-run --name w -c :)"
kill $pid
rc=0; wait $pid || rc=$?
is 'TERM ends the wait' 143 $rc
is 'all tries of a run have one trace' 1 "$(sql "SELECT count(DISTINCT
    traceparent) FROM pipeline_runs WHERE pipeline = 't'")"

done_testing
