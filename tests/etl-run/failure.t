#!/bin/sh
# shellcheck disable=SC2016
# --on-failure: what it is told of a run, and when it is not called.
. tests/support/lib.sh
cd "$scratch"
seq 3 | sed 's/.*/{"id":&}/' >in.ndjson

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	rm -f told
	set -- --on-failure 'cat >>told'
	is "$kind: a success" 0 "$(status etl-run "$@" --name p -c :)"
	ok "$kind: is not told" test ! -e told
	echo 'CREATE TABLE IF NOT EXISTS t (id int)' >t.sql
	is "$kind: a failure" 5 "$(status etl-run "$@" --name p -c '
	    echo hello >&2; etl-extract in.ndjson |
	    etl-load --ddl t.sql --table t; exit 5')"
	is "$kind: is told as one line" 1 "$(wc -l <told | tr -d ' ')"
	case $kind in
	sqlite) sql "SELECT name FROM pragma_table_info('pipeline_runs')" ;;
	*) sql "SELECT column_name FROM information_schema.columns WHERE
	    table_name = 'pipeline_runs' ORDER BY ordinal_position" ;;
	esac >columns
	is "$kind: with every column" "$(cat columns)" \
	    "$(jq -r keys_unsorted[] told)"
	is "$kind: as the row has them" "$(sql "SELECT id, run, status,
	    records_loaded, error_message, log IS NULL FROM pipeline_runs
	    WHERE status = 'failed'")" "$(jq -r '[.id, .run, .status,
	    .records_loaded, .error_message, (.log == null |
	    if ("'$kind'" == "sqlite") then 0 else "f" end)] |
	    map(tostring) | join("|")' told)"
	is "$kind: its words" '"the script exited with 5: hello; loaded completely: t"
"p: hello\n"' "$(jq -c '.error_message, .log' told)"
	is "$kind: its stages" '["extract","load"] 3' \
	    "$(jq -r '"\([.stages[].stage]) \(.stages[1].inserted)"' told)"
	is "$kind: its times" 3 "$(jq -r '.started_at, .completed_at,
	    .renewed_at' told | grep -cE '^20..-..-..T..:..:..[.][0-9]+Z$')"

	rm -f told
	is "$kind: retries" 75 "$(status etl-run "$@" --retries 2 \
	    --backoff 1ms..1ms --name r -c 'exit 75')"
	is "$kind: the last attempt is told" 3 "$(jq .attempt told)"
	is "$kind: with the one before" 1 "$(sql "SELECT count(*) FROM
	    pipeline_runs WHERE attempt = 2 AND run = '$(jq -r .retry_of \
	    told)'")"
	rm -f told
	is "$kind: one that works" 0 "$(status etl-run "$@" --retries 2 \
	    --backoff 1ms..1ms --name r -c '[ $ETL_ATTEMPT -eq 2 ] || exit 75')"
	ok "$kind: is not told" test ! -e told
done

# What it is not called for.
etl-run --name held -c ': >held; sleep 20' 2>err &
pid=$!
wait_until 20 test -e held
is 'a lock that is held' 75 "$(status etl-run "$@" --name held -c :)"
ok 'is not told' test ! -e told
kill $pid
wait $pid || :
etl-run "$@" --name sig -c ': >sig; sleep 20' 2>err &
pid=$!
wait_until 20 test -e sig
kill $pid
rc=0; wait $pid || rc=$?
is 'a signal' 143 $rc
ok 'is not told' test ! -e told

# Without a database.
is 'a server that is not there' 75 "$(status etl-run "$@" --name down \
    --db postgresql://127.0.0.1:1/x --retries 1 --backoff 1ms..1ms -c :)"
is 'is told with what is known' '["failed","down",2,null]' \
    "$(jq -c '[.status, .pipeline, .attempt, .id]' told)"
like 'and why' 'cannot connect' "$(jq -r .error_message told)"

# What it is: after the run, outside of it, and no part of what it gives.
is 'its own runs' 3 "$(status etl-run --name free --on-failure \
    'etl-run --name free -c : && echo free; echo ${ETL_RUN-none}' \
    -c 'echo out; exit 3')"
is 'find the name free' 'free: free
free: none' "$(grep ^free: err)"
is 'its stdout is not that of the pipeline' out "$(cat out)"
is 'one that fails' 4 "$(status etl-run --name x --on-failure 'exit 9' \
    -c 'exit 4')"
like 'is a warning' '^etl-run: warning: x: --on-failure: the command failed: exited with 9$' \
    "$(cat err)"
is 'one that is killed' 4 "$(status etl-run --name x \
    --on-failure 'kill -9 $$' -c 'exit 4')"
like 'too' '^etl-run: warning: x: --on-failure: the command failed: killed by signal 9$' \
    "$(cat err)"
is 'one that reads nothing of much' 4 "$(status etl-run --name x \
    --on-failure : -c 'yes | head -c 200000 >&2; exit 4')"
is 'nor is it in the way of the next ones' 0 "$(rm -f n; etl-run --every \
    100ms --name n --on-failure 'echo >>n' -c 'exit 1' 2>/dev/null &
    wait_until 20 sh -c "[ \$(wc -l <n) -ge 3 ]"; rc=$?; kill $!; echo $rc)"
etl-run --name hang --on-failure ': >hang; exec sleep 43.7' -c 'exit 4' \
    2>err &
pid=$!
wait_until 20 test -e hang
kill $pid
rc=0; wait $pid || rc=$?
is 'TERM ends one that hangs' '143 ' "$rc $(pgrep -fx 'sleep 43[.]7' || :)"
done_testing
