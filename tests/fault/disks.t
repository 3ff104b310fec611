#!/bin/sh
# Full disks: a small file system of our own for the database, its WAL, the
# rejects, the output, the temporary and the state file.  It is told (74), what
# is stored is sound, and once there is room one plain run completes it.
. tests/support/lib.sh

# Its own mounts: as root, or as root of a user name space.
if [ -z "${ETL_DISK:-}" ]; then
	[ "$(id -u)" -eq 0 ] && map='' || map=-r
	# shellcheck disable=SC2086
	if ! unshare $map -m true; then
		diag 'run it as root, or allow user name spaces:' \
		    'sysctl kernel.unprivileged_userns_clone=1, no chroot'
		check 'may have mounts of its own' 1
		done_testing
		exit
	fi
	# shellcheck disable=SC2086
	ETL_DISK=$scratch/disk exec unshare $map -m sh "$0"
fi
scratch=${ETL_DISK%/*} disk=$ETL_DISK
end=0
trap 'end=$?; umount "$disk" 2>/dev/null; leave $end' EXIT
mkdir "$disk"
mount -t tmpfs -o size=256k tmpfs "$disk"
room() {
	mount -o "remount,size=$1" "$disk"
}
fresh() {
	rm -rf "${disk:?}"/*
	room 256k
}
seq 5000 | jq -c '{id: ., v: "some text to fill the disk with, and some more of it"}' \
    >"$scratch/in.ndjson"
full() {
	is "$1: status" 74 "$rc"
	like "$1: says so" "^$2: .*($3)" "$(cat "$scratch/err")"
}

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
		full "$journal, disk full, time $again" etl-load 'full'
		is "$journal: nothing is stored, time $again" '0|ok' \
		    "$(sql 'SELECT count(*) FROM t')|$(sql \
		    'PRAGMA integrity_check')"
	done
	room 8m
	is "$journal: then there is room" 0 "$(status etl-load --db "$db" \
	    --table t --mode append <"$scratch/stream")"
	is "$journal: all of it, once" '5000|1|5000' "$(sql 'SELECT count(*),
	    min(id), max(id) FROM t')"
	is "$journal: once more changes nothing" '0 5000' "$(status etl-load \
	    --db "$db" --table t --mode append <"$scratch/stream") $(sql \
	    'SELECT count(*) FROM t')"
done

fresh
rc=0
etl-extract "$scratch/in.ndjson" >"$disk/out" 2>"$scratch/err" || rc=$?
full 'the output' etl-extract 'standard output: No space'
rc=0
etl-transform . <"$scratch/in.ndjson" >"$disk/out" 2>"$scratch/err" || rc=$?
full 'the output of a filter' etl-transform 'standard output: No space'

# A reject that does not fit is not counted as handled; its torn line is kept
# apart when there is room.
fresh
reject_all() {
	etl-transform --max-rejects 100% 'error("no")' \
	    <"$scratch/in.ndjson" >"$scratch/out" 2>"$scratch/err" \
	    3>>"$disk/rejects"
}
rc=0
reject_all || rc=$?
full 'rejects' etl-transform 'descriptor 3: .*No space'
room 8m
ok 'rejects: then there is room' reject_all
is 'rejects: each of the second run is whole' 5000 "$(jq -R \
    'fromjson? | select(.occurrence | type == "string") | .raw' \
    "$disk/rejects" | tail -n 5000 | sort -u | wc -l)"
ok 'rejects: one torn line at most' [ "$(jq -R \
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
rc=$(status etl-checkpoint save --state "file:$disk/state.json" \
    <"$scratch/marked")
full 'a state file' etl-checkpoint 'No space'
is 'a state file: nothing half done' '' "$(find "$disk" -name '*state*')"
rm "$disk/more"
is 'a state file: then there is room' 0 "$(status etl-checkpoint save \
    --state "file:$disk/state.json" <"$scratch/marked")"
is 'a state file: its value' 1 "$(jq -r .p.value "$disk/state.json")"

# A file may not grow any further: SIGXFSZ does not kill.
limited() {
	(
		ulimit -f 8
		"$@"
	)
}
rc=0
limited etl-extract "$scratch/in.ndjson" >"$scratch/small" 2>"$scratch/err" ||
    rc=$?
full 'file limit, output' etl-extract 'standard output: File too large'
rc=0
limited reject_all 3>"$scratch/small" || rc=$?
full 'file limit, rejects' etl-transform 'File too large|No space'
rc=$(limited status etl-dlq put --db "sqlite:$scratch/limit.db" \
    <"$scratch/rejects")
full 'file limit, etl-dlq put' etl-dlq 'File too large'
is 'put, without the limit' 0 "$(status etl-dlq put \
    --db "sqlite:$scratch/limit.db" <"$scratch/rejects")"
is 'put: all of it' '1|5000' "$(sqlite3 "$scratch/limit.db" \
    'SELECT count(*), sum(attempts) FROM dead_letters')"
done_testing
