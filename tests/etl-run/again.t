#!/bin/sh
# shellcheck disable=SC2016
# Retries after 75, and a schedule.
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
wait_until 5 grep -q 'trying again' err
is 'the lock holds between tries' 75 "$(status etl-run --name w -c :)"
kill $pid
rc=0; wait $pid || rc=$?
is 'TERM ends the wait' 143 $rc

etl-run --every 400ms --name e -c 'date +%s%N >>ticks; sleep 0.1; exit 5' \
    2>err &
pid=$!
five_ticks() {
	[ "$(wc -l <ticks)" -eq 5 ]
}
wait_until 20 five_ticks
kill -TERM $pid
rc=0; wait $pid || rc=$?
is 'a schedule ends by TERM' 143 $rc
n=$(wc -l <ticks | tr -d ' ')
is 'after its runs, failing or not' 5 "$n"
is 'with a line for each' "$n" "$(grep -c '^etl-run: e: failed' err)"
is 'and a trace for each' "$n" "$(sql "SELECT count(DISTINCT traceparent)
    FROM pipeline_runs WHERE pipeline = 'e'")"
is 'but one for all tries of a run' 1 "$(sql "SELECT count(DISTINCT
    traceparent) FROM pipeline_runs WHERE pipeline = 't'")"
is 'without drift' 4 "$(awk 'NR > 1 { d = ($1 - first) / 1e6
    n = int(d / 400 + 0.5); off = d - n * 400
    if (off < 150 && off > -150) ok++ } NR == 1 { first = $1 }
    END { print ok }' ticks)"

env --default-signal etl-run --every 200ms --name slow -c 'date +%s%N >>late; sleep 0.5' 2>err &
pid=$!
sleep 1.9
kill -INT $pid
rc=0; wait $pid || rc=$?
is 'a run longer than the interval' 130 $rc
is 'leaves times out, and never overlaps' '' "$(awk 'NR > 1 &&
    $1 - last < 5e8 { print } { last = $1 }' late)"

etl-run --every 60s --name free -c ': >ran' 2>/dev/null &
pid=$!
wait_until 5 test -e ran
ok 'between its runs a schedule leaves the name free' \
    wait_until 5 etl-run --name free -c :
kill $pid
wait $pid || :
done_testing
