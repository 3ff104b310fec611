#!/bin/sh
# The client does not receive the outcome of a COMMIT, and the query after it is
# also cut or comes too early.  etl-run still finds that the run has ended, and
# etl-load does not load the records of a plain stream again.
. tests/support/lib.sh
db_new postgresql
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"
printf '{"id":1}\n{"id":2}\n' >in
sql 'CREATE TABLE t (id bigint)'
etl-checkpoint list >/dev/null

# cut_at FOLDER WHEN NTH MS [WORD]: starts a proxy (cutter.c) that cuts the
# connection at the NTH COMMIT; $through is the URL of the database behind it.
cut_at() {
	mkdir "$1"
	"$etl_build/tests/cutter" "$2" "$3" "$4" "$1" ${5+"$5"} >"$1.cut" &
	cutter=$!
	at_exit "kill $cutter 2>/dev/null; wait $cutter 2>/dev/null"
	wait_until 10 test -S "$1/.s.PGSQL.1"
	through="postgresql:///${db##*/}?host=$scratch/$1&port=1&sslmode=disable"
}
# run_cut_twice NAME N WORD STATUS SCRIPT: the connection of a run is cut at its
# Nth COMMIT, which records the end of the run, and again at a query with WORD.
run_cut_twice() {
	cut_at "$1" twice "$2" 0 "$3"
	is "run $1: etl-run exits with $4" "$4" "$(status etl-run --retries 2 \
	    --backoff 1ms..1ms --name "$1" --db "$through" -c "$5")"
	is "run $1: the connection was cut twice" \
	    "cut again" "$(xargs <"$1.cut")"
}

run_cut_twice loads 2 BEGIN 0 'etl-load --table t <in'
is 'run loads: the records are loaded once' 2 "$(sql 'SELECT count(*) FROM t')"
is 'run loads: one attempt succeeded and no other was made' \
    '1|success|2' "$(sql "SELECT attempt, status, records_loaded
    FROM pipeline_runs WHERE pipeline = 'loads'")"
run_cut_twice looks 1 'status IN' 0 :
is 'run looks: one attempt succeeded although its first query was cut' \
    '1|success' "$(sql "SELECT attempt,
    status FROM pipeline_runs WHERE pipeline = 'looks'")"
run_cut_twice fails 1 BEGIN 66 'exit 66'
is 'run fails: one attempt failed and no other was made' \
    '1|failed' "$(sql "SELECT attempt, status
    FROM pipeline_runs WHERE pipeline = 'fails'")"

# load_late NAME RETRIES STATUS: loads a plain stream; its COMMIT reaches the
# server half a second late.
load_late() {
	sql 'TRUNCATE t'
	cut_at "$1" late 1 500
	is "late COMMIT, $2 retries: etl-load exits with $3" \
	    "$3" "$(status etl-load --db "$through" --table t \
	    --retries "$2" --backoff 100ms..100ms <in)"
}
load_late waits 50 0
is 'late COMMIT, 50 retries: each record is loaded once' 2 \
    "$(sql 'SELECT count(*) FROM t')"
load_late ends 1 75
like 'late COMMIT, 1 retry: the message says that the outcome is unknown' \
    'so the last batch may or may not have been loaded' \
    "$(cat "$scratch/err")"

# etl-dlq put: a letter that a COMMIT stored counts as stored even if the
# outcome of that COMMIT was not received.
letter() {
	printf '{"@etl":"reject","v":1,"id":"%032d","occurrence":"%032d",' "$1" "$1"
	printf '"stage":"s","code":"filter","message":"m","raw":"{}",'
	printf '"at":"2026-01-01T00:00:00Z"}\n'
}
letter 1 | etl-dlq put >/dev/null
{ letter 1; letter 2; letter 3; } >rejects
cut_at put after 1 0
is 'etl-dlq put counts letters of a COMMIT with unknown outcome as stored' \
    '2 stored, 1 known before, 0 other lines' \
    "$(etl-dlq put --db "$through" rejects)"
done_testing
