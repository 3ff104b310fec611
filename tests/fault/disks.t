#!/bin/sh
# Full disks: a small file system that holds the database, its WAL, the rejects,
# the output, the temporary file or the state file.  The program reports the
# full disk (74), what is stored is sound, and once there is room a second run
# stores everything.
. tests/support/lib.sh
. tests/fault/small_disk.sh

seq 5000 | jq -c '{id: ., v: "some text to fill the disk with, and some more of it"}' \
    >"$scratch/in.ndjson"

for journal in delete wal; do
	fresh
	db=sqlite:$disk/x.db
	sql "PRAGMA journal_mode = $journal;
	    CREATE TABLE t (id integer PRIMARY KEY, v text)" >"$scratch/out"
	printf '{"@etl":"begin","v":1,"id":"%s","stages":["extract"]}\n' \
	    "$journal" | cat - "$scratch/in.ndjson" >"$scratch/stream"
	echo '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":5000,"dropped":0,"rejected":0}]}' \
	    >>"$scratch/stream"
	for again in 1 2; do
		rc=$(status etl-load --db "$db" --table t --mode append \
		    <"$scratch/stream")
		fails_with_74 "$journal, loader on a full disk, time $again" etl-load 'full'
		is "$journal: a full disk leaves a sound database without rows, time $again" \
		    '0|ok' \
		    "$(sql 'SELECT count(*) FROM t')|$(sql \
		    'PRAGMA integrity_check')"
	done
	resize_disk 8m
	is "$journal: once there is room the loader succeeds" \
	    0 "$(status etl-load --db "$db" \
	    --table t --mode append <"$scratch/stream")"
	is "$journal: once there is room each record is stored once" \
	    '5000|1|5000' "$(sql 'SELECT count(*),
	    min(id), max(id) FROM t')"
	is "$journal: loading the same stream again changes nothing" \
	    '0 5000' "$(status etl-load \
	    --db "$db" --table t --mode append <"$scratch/stream") $(sql \
	    'SELECT count(*) FROM t')"
done

fresh
rc=0
etl-extract "$scratch/in.ndjson" >"$disk/out" 2>"$scratch/err" || rc=$?
fails_with_74 'output of etl-extract on a full disk' etl-extract 'standard output: No space'
rc=0
etl-transform . <"$scratch/in.ndjson" >"$disk/out" 2>"$scratch/err" || rc=$?
fails_with_74 'output of etl-transform on a full disk' etl-transform 'standard output: No space'

# A reject that does not fit on the disk is a failure.  Its torn line stays, and
# the next run starts a new line after it.
fresh
reject_all() {
	etl-transform --max-rejects 100% 'error("no")' \
	    <"$scratch/in.ndjson" >"$scratch/out" 2>"$scratch/err" \
	    3>>"$disk/rejects"
}
rc=0
reject_all || rc=$?
fails_with_74 'rejects on a full disk' etl-transform 'descriptor 3: .*No space'
resize_disk 8m
ok 'rejects: once there is room the program succeeds' reject_all
is 'rejects: all 5000 reject lines of the second run are whole' 5000 "$(jq -R \
    'fromjson? | select(.occurrence | type == "string") | .raw' \
    "$disk/rejects" | tail -n 5000 | sort -u | wc -l)"
ok 'rejects: the file has at most one torn line' [ "$(jq -R \
    'select([fromjson?] == [])' "$disk/rejects" | wc -l)" -le 1 ]

sed 's/.*/{"@etl":"reject","v":1,"id":"x","occurrence":"&","stage":"s","code":"c","message":"m","raw":"r","at":"2026-11-20T00:00:00Z"}/' \
    "$scratch/in.ndjson" | sed 's/"occurrence":"{"id":\([0-9]*\),[^}]*}"/"occurrence":"r\/\1"/' \
    >"$scratch/rejects"

fresh
cat >"$scratch/marked" <<'END'
{"@etl":"begin","v":1,"id":"b","checkpoint":"p","stages":["extract"]}
{"n":1}
{"@etl":"checkpoint","name":"p","seq":1,"from":null,"version":0,"value":"1","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}
{"@etl":"end","seq":1,"stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}
END
dd if=/dev/zero of="$disk/more" bs=1k count=300 2>/dev/null || :
rc=$(status etl-checkpoint save --marked --state "file:$disk/state.json" \
    <"$scratch/marked")
fails_with_74 'state file on a full disk' etl-checkpoint 'No space'
is 'state file on a full disk: no part of a file is left' \
    '' "$(find "$disk" -name '*state*')"
rm "$disk/more"
is 'state file: once there is room etl-checkpoint succeeds' \
    0 "$(status etl-checkpoint save --marked \
    --state "file:$disk/state.json" <"$scratch/marked")"
is 'state file: once there is room it holds the value' \
    1 "$(jq -r .p.value "$disk/state.json")"

# At the file size limit (ulimit -f) SIGXFSZ must not kill the program.
with_file_limit() {
	(
		ulimit -f 8
		"$@"
	)
}
rc=0
with_file_limit etl-extract "$scratch/in.ndjson" >"$scratch/small" 2>"$scratch/err" ||
    rc=$?
fails_with_74 'output at the file size limit' etl-extract 'standard output: File too large'
rc=0
with_file_limit reject_all 3>"$scratch/small" || rc=$?
fails_with_74 'rejects at the file size limit' etl-transform 'File too large|No space'
rc=$(with_file_limit status etl-dlq put --db "sqlite:$scratch/limit.db" \
    <"$scratch/rejects")
fails_with_74 'etl-dlq put at the file size limit' etl-dlq 'File too large'
is 'etl-dlq put succeeds once there is no file size limit' \
    0 "$(status etl-dlq put \
    --db "sqlite:$scratch/limit.db" <"$scratch/rejects")"
is 'etl-dlq put stores all rejects once there is no file size limit' \
    '1|5000' "$(sqlite3 "$scratch/limit.db" \
    'SELECT count(*), sum(attempts) FROM dead_letters')"
done_testing
