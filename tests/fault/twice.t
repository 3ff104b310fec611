#!/bin/sh
# A COMMIT unheard, and what is to follow it not heard at once either: a run
# whose end is told as ended, and plain records that are not loaded again.
. tests/support/lib.sh
db_new postgresql
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"
printf '{"id":1}\n{"id":2}\n' >in
sql 'CREATE TABLE t (id bigint)'
etl-checkpoint list >/dev/null

# cut_at FOLDER WHEN NTH MS [WORD]: $through is the database behind a cutter.
cut_at() {
	mkdir "$1"
	"$etl_build/tests/cutter" "$2" "$3" "$4" "$1" ${5+"$5"} >"$1.cut" &
	cutter=$!
	at_exit "kill $cutter 2>/dev/null; wait $cutter 2>/dev/null"
	wait_until 10 test -S "$1/.s.PGSQL.1"
	through="postgresql:///${db##*/}?host=$scratch/$1&port=1&sslmode=disable"
}
# run NAME N WORD STATUS SCRIPT: the COMMIT of its end is the Nth of all; WORD
# is where the line is cut then.
run() {
	cut_at "$1" twice "$2" 0 "$3"
	is "$1: its exit" "$4" "$(status etl-run --retries 2 \
	    --backoff 1ms..1ms --name "$1" --db "$through" -c "$5")"
	is "$1: the line was cut twice" "cut again" "$(xargs <"$1.cut")"
}

run loads 2 BEGIN 0 'etl-load --table t <in'
is 'loaded once' 2 "$(sql 'SELECT count(*) FROM t')"
is 'by one run' '1|success|2' "$(sql "SELECT attempt, status, records_loaded
    FROM pipeline_runs WHERE pipeline = 'loads'")"
run looks 1 'status IN' 0 :
is 'so is one that cannot look at once' '1|success' "$(sql "SELECT attempt,
    status FROM pipeline_runs WHERE pipeline = 'looks'")"
run fails 1 BEGIN 66 'exit 66'
is 'a failure is one' '1|failed' "$(sql "SELECT attempt, status
    FROM pipeline_runs WHERE pipeline = 'fails'")"

# load NAME RETRIES STATUS: plain records, whose COMMIT comes half a second late.
load() {
	sql 'TRUNCATE t'
	cut_at "$1" late 1 500
	is "$1: its exit" "$3" "$(status etl-load --db "$through" --table t \
	    --retries "$2" --backoff 100ms..100ms <in)"
}
load waits 50 0
is 'a COMMIT on its way has come, and once' 2 \
    "$(sql 'SELECT count(*) FROM t')"
load ends 1 75
like 'is not waited for without end' 'so the last batch may or may not have been loaded' \
    "$(cat "$scratch/err")"

# put: what a COMMIT has stored of which no answer came was not known before.
letter() {
	printf '{"@etl":"reject","v":1,"id":"%032d","occurrence":"%032d",' "$1" "$1"
	printf '"stage":"s","code":"filter","message":"m","raw":"{}",'
	printf '"at":"2026-01-01T00:00:00Z"}\n'
}
letter 1 | etl-dlq put >/dev/null
{ letter 1; letter 2; letter 3; } >rejects
cut_at put after 1 0
is 'letters that no answer came of' '2 stored, 1 known before, 0 other lines' \
    "$(etl-dlq put --db "$through" rejects)"
done_testing
