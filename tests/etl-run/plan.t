#!/bin/sh
# --dry-run says what would be run and touches nothing.
. tests/support/lib.sh
cd "$scratch"
echo 'echo ran' >pipeline.sh
printf 'API_TOKEN=secret\nexport B="two"\n' >.env
pipeline=plan-$$

is 'a script' 0 "$(status etl-run --dry-run --name "$pipeline" pipeline.sh 'a b' c)"
is 'what is said of it' "name: $pipeline
run: /bin/sh ./pipeline.sh 'a b' c
database: sqlite:$scratch/etl.db (will be created)
environment: DATABASE_URL ETL_RUN ETL_PIPELINE ETL_ATTEMPT TRACEPARENT
schedule: once
time-out: none
retries: 0
lock: free" "$(cat out)"
ok 'no database was made' test ! -e etl.db
is 'everything' 0 "$(status etl-run --dry-run --name "$pipeline" --env-file .env \
    --every 90s --jitter 500ms --timeout 25h --retries 3 --backoff 2s..1h \
    --on-failure "echo 'it'" --db \
    'postgresql://me:secret@h:5433/d?sslkey=k&host=/run/x&password=secret' \
    -c 'a |
    b')"
cat >wanted <<E
name: $pipeline
run: /bin/sh -c 'a |\\n    b' sh
database: postgresql://me@h:5433/d?host=/run/x
environment: DATABASE_URL ETL_RUN ETL_PIPELINE ETL_ATTEMPT TRACEPARENT
from --env-file: API_TOKEN B
schedule: now, then every 90s, each up to 500ms later
time-out: 25h
retries: 3 after exit code 75, waiting 2s..1h
on failure: /bin/sh -c 'echo '\\''it'\\'''
lock: free
E
is 'what is said of that' "$(cat wanted)" "$(cat out)"
is 'a schedule of no time at all' 64 "$(status etl-run --every 0s -c :)"
like 'is told' '^etl-run: --every must be longer than 0' "$(head -n 1 err)"
is 'pairs' 0 "$(status etl-run --dry-run --jitter 1d --db \
    "password='a \\' host=b' host = 'my host' passfile=x dbname=d" -c :)"
is 'without what is secret' "host='my host' dbname=d" \
    "$(sed -n 's/^database: //p' out)"
is 'a single run with jitter' 'once, up to 1d later' \
    "$(sed -n 's/^schedule: //p' out)"
is 'a script on stdin' "run: /bin/sh -c 'echo x\\n' sh arg" \
    "$(echo 'echo x' | etl-run --dry-run - arg | sed -n 2p)"

# What is wrong is said as for a run.
is 'no script' 66 "$(status etl-run --dry-run none.sh)"
is 'no kind of database' 78 "$(status etl-run --dry-run --db mysql://x -c :)"
is 'an address that is none' 78 "$(status etl-run --dry-run \
    --db 'postgresql://u:se/cret@h/d' -c :)"
unlike 'is not shown' 'se/|cret@' "$(grep -v warning err; cat out)"
is 'an option that libpq does not know' 78 "$(status etl-run --dry-run \
    --db 'host=h nope=1' -c :)"
echo no >bad
is 'a bad line of --env-file' 78 \
    "$(status etl-run --dry-run --env-file bad -c :)"
is 'a bad backoff in the environment' 78 \
    "$(INITIAL_BACKOFF=x status etl-run --dry-run -c :)"
is 'no folder of the database' 73 \
    "$(status etl-run --dry-run --db sqlite:/no/where/x.db -c :)"
rc=0; etl-run --dry-run -c : >/dev/full 2>err || rc=$?
is 'a full disk' 74 $rc

# A run that holds the lock.
etl-run --name "$pipeline" -c ': >held; sleep 20' 2>err &
pid=$!
wait_until 20 test -e held
is 'held' 0 "$(status etl-run --dry-run --name "$pipeline" -c :)"
like 'by whom is said' "^lock: already running as process $pid \(run [0-9a-f-]{36}, since 20" \
    "$(cat out)"
kill $pid
wait $pid || :
is 'free again' 'lock: free' \
    "$(etl-run --dry-run --name "$pipeline" -c : | tail -n 1)"
is 'only the run has a row' 1 \
    "$(sqlite3 etl.db 'SELECT count(*) FROM pipeline_runs')"

# LeakSanitizer does not work under ptrace.
does() {
	ASAN_OPTIONS=detect_leaks=0 strace -f -o calls etl-run "$@" \
	    --name "$pipeline-new" pipeline.sh >out
	# Without the texts in quotes: a folder may be named clone.
	sed 's/"[^"]*"//g' calls |
	    grep -oE 'O_CREAT|O_TRUNC|mkdir|unlink|rename|socket|connect|F_OFD_SETLK|flock|fork|clone' |
	    sort -u | tr '\n' ' '
}
is 'it makes nothing, asks no server, takes no lock and runs nothing' '' \
    "$(does --dry-run)"
like 'as a run does' 'F_OFD_SETLK O_CREAT.* clone' "$(does)"
done_testing
