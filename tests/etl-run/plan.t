#!/bin/sh
# --dry-run prints what etl-run would do, and changes nothing.
. tests/support/lib.sh
cd "$scratch"
echo 'echo ran' >pipeline.sh
printf 'API_TOKEN=secret\nexport B="two"\n' >.env
pipeline=plan-$$

is '--dry-run of a script exits with 0' 0 \
    "$(status etl-run --dry-run --name "$pipeline" pipeline.sh 'a b' c)"
is '--dry-run prints the plan of a script' "name: $pipeline
run: /bin/sh ./pipeline.sh 'a b' c
database: sqlite:$scratch/etl.db (will be created)
environment: DATABASE_URL ETL_RUN ETL_PIPELINE ETL_ATTEMPT ETL_REPORTS TRACEPARENT
schedule: once
time-out: none
retries: 0
lock folder: $XDG_STATE_HOME/etl-run
lock: free" "$(cat out)"
ok '--dry-run creates no database' test ! -e etl.db
is '--dry-run with all options exits with 0' 0 \
    "$(status etl-run --dry-run --name "$pipeline" --env-file .env \
    --every 90s --jitter 500ms --timeout 25h --retries 3 --backoff 2s..1h \
    --on-failure "echo 'it'" --db \
    'postgresql://me:secret@h:5433/d?sslkey=k&host=/run/x&password=secret' \
    -c 'a |
    b')"
cat >wanted <<E
name: $pipeline
run: /bin/sh -c 'a |\\n    b' sh
database: postgresql://me@h:5433/d?host=/run/x
environment: DATABASE_URL ETL_RUN ETL_PIPELINE ETL_ATTEMPT ETL_REPORTS TRACEPARENT
from --env-file: API_TOKEN B
schedule: now, then every 90s, each up to 500ms later
time-out: 25h
retries: 3 after exit code 75, waiting 2s..1h
on failure: /bin/sh -c 'echo '\\''it'\\'''
lock folder: $XDG_STATE_HOME/etl-run
lock: free
E
is '--dry-run prints the plan of all options' "$(cat wanted)" "$(cat out)"
is 'etl-run --every 0s exits with 64' 64 "$(status etl-run --every 0s -c :)"
like 'the message says that --every must be longer than 0' \
    '^etl-run: --every must be longer than 0' "$(head -n 1 err)"
is '--dry-run with a libpq connection string exits with 0' 0 \
    "$(status etl-run --dry-run --jitter 1d --db \
    "password='a \\' host=b' host = 'my host' passfile=x dbname=d" -c :)"
is 'the plan shows no password and no password file' "host='my host' dbname=d" \
    "$(sed -n 's/^database: //p' out)"
is 'the plan shows the jitter of a single run' 'once, up to 1d later' \
    "$(sed -n 's/^schedule: //p' out)"
is 'the plan shows a script from standard input' \
    "run: /bin/sh -c 'echo x\\n' sh arg" \
    "$(echo 'echo x' | etl-run --dry-run - arg | sed -n 2p)"

# --dry-run reports the same errors as a run.
is '--dry-run of a missing script exits with 66' 66 \
    "$(status etl-run --dry-run none.sh)"
is '--dry-run with an unknown kind of database exits with 78' 78 \
    "$(status etl-run --dry-run --db mysql://x -c :)"
is '--dry-run with an invalid URL exits with 78' 78 \
    "$(status etl-run --dry-run \
    --db 'postgresql://u:se/cret@h/d' -c :)"
unlike 'the message does not show the password of the URL' 'se/|cret@' \
    "$(grep -v warning err; cat out)"
is '--dry-run with an unknown libpq option exits with 78' 78 \
    "$(status etl-run --dry-run \
    --db 'host=h nope=1' -c :)"
echo no >bad
is '--dry-run with an invalid --env-file exits with 78' 78 \
    "$(status etl-run --dry-run --env-file bad -c :)"
is '--dry-run with an invalid INITIAL_BACKOFF exits with 78' 78 \
    "$(INITIAL_BACKOFF=x status etl-run --dry-run -c :)"
is '--dry-run with a missing database folder exits with 73' 73 \
    "$(status etl-run --dry-run --db sqlite:/no/where/x.db -c :)"
rc=0; etl-run --dry-run -c : >/dev/full 2>err || rc=$?
is '--dry-run to a full standard output exits with 74' 74 $rc

# The plan shows whether another run holds the lock.
etl-run --name "$pipeline" -c ': >held; sleep 20' 2>err &
pid=$!
wait_until 20 test -e held
is '--dry-run of a running pipeline exits with 0' 0 \
    "$(status etl-run --dry-run --name "$pipeline" -c :)"
like 'the plan names the process that holds the lock' \
    "^lock: already running as process $pid \(run [0-9a-f-]{36}, since 20" \
    "$(cat out)"
kill $pid
{ wait $pid || :; } 2>/dev/null
is 'the plan shows the lock as free after the run' 'lock: free' \
    "$(etl-run --dry-run --name "$pipeline" -c : | tail -n 1)"
is '--dry-run adds no row' 1 \
    "$(sqlite3 etl.db 'SELECT count(*) FROM pipeline_runs')"

# changing_calls OPTION...: the system calls of etl-run that change something.
# LeakSanitizer does not work under ptrace.
changing_calls() {
	ASAN_OPTIONS=detect_leaks=0 strace -f -o calls etl-run "$@" \
	    --name "$pipeline-new" pipeline.sh >out
	# Delete the quoted arguments: a folder may be named clone.
	sed 's/"[^"]*"//g' calls |
	    grep -oE 'O_CREAT|O_TRUNC|mkdir|unlink|rename|socket|connect|F_OFD_SETLK|flock|fork|clone' |
	    sort -u | tr '\n' ' '
}
is '--dry-run creates no file, process, lock or connection' '' \
    "$(changing_calls --dry-run)"
like 'a real run creates files, locks and processes' \
    'F_OFD_SETLK O_CREAT.* clone' "$(changing_calls)"
done_testing
