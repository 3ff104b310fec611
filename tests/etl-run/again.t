#!/bin/sh
# shellcheck disable=SC2016
# etl-run retries a run after exit code 75, and after no other exit code.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"
set -- etl-run --backoff 10ms..20ms

is 'a run that exits with 75 is retried until it succeeds' 0 \
    "$(status "$@" --retries 5 --name r -c \
    'echo $ETL_ATTEMPT >>tries; [ $ETL_ATTEMPT -eq 3 ] || exit 75')"
is 'the script sees the attempts 1, 2 and 3' '1 2 3' \
    "$(tr '\n' ' ' <tries | sed 's/ $//')"
is 'each attempt has a row with its status' '1|failed
2|failed
3|success' "$(sql "SELECT attempt, status FROM pipeline_runs
    WHERE pipeline = 'r' ORDER BY id")"
is 'the row of a retry names the attempt before it' 2 \
    "$(sql "SELECT count(*) FROM pipeline_runs a
    JOIN pipeline_runs b ON a.retry_of = b.run AND a.attempt = b.attempt + 1
    WHERE a.run <> b.run")"
is 'etl-run exits with 75 if the last retry fails' 75 \
    "$(status "$@" --retries 2 --name m -c 'exit 75')"
is '--retries 2 makes three attempts' 3 \
    "$(sql "SELECT count(*) FROM pipeline_runs WHERE pipeline = 'm'")"
like 'the message announces the second of two retries' \
    '^etl-run: m: trying again in [0-9.]+s \(2 of 2\)$' \
    "$(cat err)"
for code in 1 66 70 76; do
	is "a run that exits with $code is not retried" \
	    "$code 1" "$(status "$@" --retries 2 \
	    --name "n$code" -c "exit $code") $(sql "SELECT count(*)
	    FROM pipeline_runs WHERE pipeline = 'n$code'")"
done
is 'a run that times out exits with 75' 75 \
    "$(status "$@" --retries 1 --timeout 100ms --name t \
    -c 'sleep 5')"
is 'a run that times out is retried' 2 \
    "$(sql "SELECT count(*) FROM pipeline_runs WHERE pipeline = 't'")"
is 'etl-run with an unreachable server exits with 75' 75 \
    "$(status "$@" --retries 1 \
    --db postgresql://127.0.0.1:1/x -c :)"
like 'etl-run retries if the server is unreachable' \
    'trying again in .* \(1 of 1\)' "$(cat err)"

etl-run --retries 1 --backoff 60s..60s --name w -c 'exit 75' 2>err &
pid=$!
wait_until 20 grep -q 'trying again' err
is 'etl-run holds its lock between two attempts' 75 \
    "$(status etl-run --name w -c :)"
kill $pid
rc=0; { wait $pid || rc=$?; } 2>/dev/null
is 'SIGTERM ends the wait between two attempts' 143 $rc
is 'all attempts of a run have the same trace' 1 "$(sql "SELECT count(DISTINCT
    traceparent) FROM pipeline_runs WHERE pipeline = 't'")"

done_testing
