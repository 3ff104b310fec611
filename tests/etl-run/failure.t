#!/bin/sh
# shellcheck disable=SC2016
# --on-failure: what its command reads about a failed run, and which ends of a
# run do not call the command.
. tests/support/lib.sh
cd "$scratch"
seq 3 | sed 's/.*/{"id":&}/' >in.ndjson

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	rm -f told
	set -- --on-failure 'cat >>told'
	is "$kind: a successful run exits with 0" 0 \
	    "$(status etl-run "$@" --name p -c :)"
	ok "$kind: --on-failure is not called after a success" test ! -e told
	echo 'CREATE TABLE IF NOT EXISTS t (id int)' >t.sql
	is "$kind: a failed run exits with the code of the script" 5 \
	    "$(status etl-run "$@" --name p -c '
	    echo hello >&2; etl-extract in.ndjson |
	    etl-load --ddl t.sql --table t; exit 5')"
	is "$kind: --on-failure reads one line about the failed run" 1 \
	    "$(wc -l <told | tr -d ' ')"
	case $kind in
	sqlite) sql "SELECT name FROM pragma_table_info('pipeline_runs')" ;;
	*) sql "SELECT column_name FROM information_schema.columns WHERE
	    table_name = 'pipeline_runs' ORDER BY ordinal_position" ;;
	esac >columns
	is "$kind: the line has every column of the row" "$(cat columns)" \
	    "$(jq -r keys_unsorted[] told)"
	is "$kind: the line has the values of the row" \
	    "$(sql "SELECT id, run, status,
	    records_loaded, error_message, log IS NULL FROM pipeline_runs
	    WHERE status = 'failed'")" "$(jq -r '[.id, .run, .status,
	    .records_loaded, .error_message, (.log == null |
	    if ("'$kind'" == "sqlite") then 0 else "f" end)] |
	    map(tostring) | join("|")' told)"
	is "$kind: the line has the cause and the standard error" \
	    '"the script exited with 5: hello; loaded completely: t"
"p: hello\n"' "$(jq -c '.error_message, .log' told)"
	is "$kind: the line has the counts of the stages" \
	    '["extract","load"] 3' \
	    "$(jq -r '"\([.stages[].stage]) \(.stages[1].inserted)"' told)"
	is "$kind: the line has the three times in UTC" 3 \
	    "$(jq -r '.started_at, .completed_at,
	    .renewed_at' told | grep -cE '^20..-..-..T..:..:..[.][0-9]+Z$')"

	rm -f told
	is "$kind: a run whose retries all fail exits with 75" 75 \
	    "$(status etl-run "$@" --retries 2 \
	    --backoff 1ms..1ms --name r -c 'exit 75')"
	is "$kind: --on-failure is called only for the last attempt" 3 \
	    "$(jq .attempt told)"
	is "$kind: the line names the attempt before the last one" 1 \
	    "$(sql "SELECT count(*) FROM
	    pipeline_runs WHERE attempt = 2 AND run = '$(jq -r .retry_of \
	    told)'")"
	rm -f told
	is "$kind: a run that succeeds at a retry exits with 0" 0 \
	    "$(status etl-run "$@" --retries 2 \
	    --backoff 1ms..1ms --name r -c '[ $ETL_ATTEMPT -eq 2 ] || exit 75')"
	ok "$kind: --on-failure is not called if a retry succeeds" \
	    test ! -e told
done

# A held lock and a signal do not call --on-failure.
etl-run --name held -c ': >held; sleep 20' 2>err &
pid=$!
wait_until 20 test -e held
is 'a run whose lock is held exits with 75' 75 \
    "$(status etl-run "$@" --name held -c :)"
ok '--on-failure is not called if the lock is held' test ! -e told
kill $pid
{ wait $pid || :; } 2>/dev/null
etl-run "$@" --name sig -c ': >sig; sleep 20' 2>err &
pid=$!
wait_until 20 test -e sig
kill $pid
rc=0; { wait $pid || rc=$?; } 2>/dev/null
is 'a run that SIGTERM ends exits with 143' 143 $rc
ok '--on-failure is not called after SIGTERM' test ! -e told

# Without a database --on-failure gets the values that are known.
is 'etl-run with an unreachable server exits with 75' 75 \
    "$(status etl-run "$@" --name down \
    --db postgresql://127.0.0.1:1/x --retries 1 --backoff 1ms..1ms -c :)"
is 'without a database --on-failure gets what is known' \
    '["failed","down",2,null]' \
    "$(jq -c '[.status, .pipeline, .attempt, .id]' told)"
like 'without a database the line has the connection error' 'cannot connect' \
    "$(jq -r .error_message told)"

# The command runs after the run and outside of it: the lock is free, and
# neither its output nor its exit code belongs to the run.
is 'an --on-failure that starts etl-run keeps exit code 3' 3 \
    "$(status etl-run --name free --on-failure \
    'etl-run --name free -c : && echo free; echo ${ETL_RUN-none}' \
    -c 'echo out; exit 3')"
is '--on-failure can run the same name, without ETL_RUN' 'free: free
free: none' "$(grep ^free: err)"
is 'the standard output of --on-failure is not passed on' out "$(cat out)"
is 'an --on-failure that fails keeps exit code 4' 4 \
    "$(status etl-run --name x --on-failure 'exit 9' \
    -c 'exit 4')"
like 'a warning says that --on-failure exited with 9' \
    '^etl-run: warning: x: --on-failure: the command failed: exited with 9$' \
    "$(cat err)"
is 'an --on-failure that is killed keeps exit code 4' 4 \
    "$(status etl-run --name x \
    --on-failure 'kill -9 $$' -c 'exit 4')"
like 'a warning says that --on-failure was killed' \
    '^etl-run: warning: x: --on-failure: the command failed: killed by signal 9$' \
    "$(cat err)"
is 'an --on-failure that reads nothing keeps exit code 4' 4 \
    "$(status etl-run --name x \
    --on-failure : -c 'yes | head -c 200000 >&2; exit 4')"
is 'a schedule calls --on-failure after each failed run' 0 \
    "$(rm -f n; etl-run --every \
    100ms --name n --on-failure 'echo >>n' -c 'exit 1' 2>/dev/null &
    wait_until 20 sh -c "[ \$(wc -l <n) -ge 3 ]"; rc=$?; kill $!; echo $rc)"
etl-run --name hang --on-failure ': >hang; exec sleep 43.7' -c 'exit 4' \
    2>err &
pid=$!
wait_until 20 test -e hang
kill $pid
rc=0; { wait $pid || rc=$?; } 2>/dev/null
is 'SIGTERM ends an --on-failure that hangs' '143 ' \
    "$rc $(pgrep -fx 'sleep 43[.]7' || :)"
done_testing
