#!/bin/sh
# Control tables of older versions are migrated, whole or not at all.
. tests/support/lib.sh

# As version 1 made them, with what it stored.
version_1() {
	sh "$top/tests/support/sql-statement.sh" \
	    "$top/sql/${db%%:*}/control.sql" control_1 >"$scratch/control_1"
	case $db in
	sqlite:*) sqlite3 "${db#sqlite:}" <"$scratch/control_1" ;;
	*) psql -qX -v ON_ERROR_STOP=1 -d "$db" -f "$scratch/control_1" ;;
	esac
	sql "INSERT INTO pipeline_runs (started_at, status, pipeline, run,
	    renewed_at) VALUES ('2026-05-01T12:00:00.5Z', 'failed', 'posts',
	    'run-1', '2026-05-01T12:00:00.500000Z')"
	sql "INSERT INTO dead_letters (reject_id, pipeline_run_id, stage, code,
	    error_message, created_at, last_seen_at, raw, raw_data, attempts,
	    status, resolved_upto, resolved_at, pipeline) VALUES
	    ('aa', 1, 'transform', 'filter', 'm', '2026-05-01T12:00:02Z',
	    '2026-05-01T12:00:03.25Z', '{\"id\":1}', '{\"id\":1}', 2, 'open',
	    0, NULL, 'posts'),
	    ('bb', NULL, 'transform', 'parse', 'n',
	    '2026-05-01T12:00:01.000000Z', '2026-05-01T12:00:01.000000Z', 'x',
	    NULL, 1, 'resolved', 1, '2026-05-02T12:00:00.123Z', 'posts')"
	sql "INSERT INTO dead_letter_attempts VALUES
	    (1, 'run-1/transform.abcd/1', 1, '2026-05-01T12:00:02Z', 'm'),
	    (1, 'run-2/transform.abcd/1', NULL, '2026-05-01T12:00:03.25Z', 'm'),
	    (2, 'run-1/transform.abcd/2', 1, '2026-05-01T12:00:01.000000Z', 'n')"
	sql "INSERT INTO etl_checkpoints VALUES ('posts', '7', 3, 2, 'run-1',
	    '2026-05-01T12:00:00.000000Z')"
	sql "INSERT INTO etl_loads (stream_id, target, batch, seq) VALUES
	    ('s', 't', 1, 1)"
}
# What a database has of columns and indexes.
shape() {
	case $db in
	sqlite:*) sql "SELECT t.name, c.name FROM sqlite_schema AS t,
	    pragma_table_info(t.name) AS c WHERE t.name NOT LIKE 'sqlite_%'
	    ORDER BY 1, 2"
		sql "SELECT name, tbl_name FROM sqlite_schema
		WHERE type = 'index' ORDER BY 1" ;;
	*) sql "SELECT table_name, column_name, data_type, is_nullable
	    FROM information_schema.columns WHERE table_schema = 'public'
	    ORDER BY 1, 2"
		sql "SELECT indexdef FROM pg_indexes
		WHERE schemaname = 'public' ORDER BY 1" ;;
	esac
}
# Version, and whether its columns are there: "1 no", "2 yes".
stands() {
	has=no
	! shape | grep -q 'pipeline_runs|log' || has=runs
	! shape | grep -q 'dead_letters|erased_at' || has=$has-letters
	echo "$(sql 'SELECT version FROM etl_control') $has"
}
data='[{"id":"bb","attempts":1,"resolved_upto":1,"created_at":"2026-05-01T12:00:01.000000Z","last_seen_at":"2026-05-01T12:00:01.000000Z","resolved_at":"2026-05-02T12:00:00.123000Z","raw":"x"},{"id":"aa","attempts":2,"resolved_upto":0,"created_at":"2026-05-01T12:00:02.000000Z","last_seen_at":"2026-05-01T12:00:03.250000Z","resolved_at":null,"raw":"{\"id\":1}"}]'
letters() {
	etl-dlq list --json --status any --db "$db" | jq -cs 'map({id, attempts,
	    resolved_upto, created_at, last_seen_at, resolved_at, raw})'
}

for kind in sqlite postgresql; do
	db_new $kind
	etl-dlq list --db "$db"
	fresh=$(shape)
	is "$kind: made" '2 runs-letters' "$(stands)"

	db_new $kind
	version_1
	is "$kind: as version 1 left them" '1 no' "$(stands)"
	is "$kind: migrated" "$data" "$(letters)"
	is "$kind: to version 2" '2 runs-letters' "$(stands)"
	is "$kind: as if they were new" "$fresh" "$(shape)"
	is "$kind: with all their rows" '1 3 1 1' "$(sql "SELECT
	    (SELECT count(*) FROM pipeline_runs) || ' ' ||
	    (SELECT count(*) FROM dead_letter_attempts) || ' ' ||
	    (SELECT count(*) FROM etl_checkpoints) || ' ' ||
	    (SELECT count(*) FROM etl_loads)")"
	is "$kind: occurrences too" '2026-05-01T12:00:02.000000Z 2026-05-01T12:00:03.250000Z' \
	    "$(etl-dlq show --db "$db" --json aa |
	    jq -r '[.occurrences[].at] | join(" ")')"
	sql 'UPDATE etl_control SET version = 3'
	is "$kind: of a newer version" 78 "$(status etl-dlq list --db "$db")"
	like "$kind: is told" 'have version 3, but this program knows only versions up to 2: use a newer etl' \
	    "$(cat "$scratch/err")"

	# Raced.
	db_new $kind
	version_1
	for i in 1 2 3 4 5 6; do
		etl-dlq list --db "$db" --json --status any >"$scratch/race.$i" \
		    2>&1 &
	done
	wait
	is "$kind: by six at once: all see the same" "$(cksum \
	    <"$scratch/race.1") 2" "$(cat "$scratch"/race.? | sort -u |
	    jq -cs 'sort_by(.letter) | reverse | .[]' | cksum) $(wc -l \
	    <"$scratch/race.1" | tr -d ' ')"
	is "$kind: migrated once" "2 runs-letters $fresh" "$(stands) $(shape)"
done

# SQLite, killed at every write of the migration: old or new.
db_new sqlite
version_1
cp "${db#sqlite:}" "$scratch/old.db"
calls='pwrite64,fdatasync,fsync,ftruncate,unlink'
# A leak checker cannot look at a process that is traced.
traced() {
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=$calls "$@"
}
traced -o "$scratch/calls" etl-dlq list --db "$db" \
    >"$scratch/out"
n=$(wc -l <"$scratch/calls")
bad='' old=0 new=0 at=1
while [ $at -le "$n" ]; do
	rm -f "$scratch/k.db" "$scratch"/k.db-*
	cp "$scratch/old.db" "$scratch/k.db"
	db=sqlite:$scratch/k.db
	traced -o /dev/null -e inject=$calls:signal=KILL:when=$at \
	    etl-dlq list --db "$db" >/dev/null 2>&1 || :
	case $(stands) in
	'1 no') old=$((old + 1)) ;;
	'2 runs-letters') new=$((new + 1)) ;;
	*) bad="$bad $at: $(stands)" ;;
	esac
	[ "$(letters) $(sql 'PRAGMA integrity_check')" = "$data ok" ] ||
	    bad="$bad $at: letters"
	at=$((at + 1 + n / 8))
done
is 'sqlite: killed at any write: old or new, then done' '' "$bad"
ok "sqlite: both were seen ($old old, $new new of $n)" \
    test $old -gt 0 -a $new -gt 0

# PostgreSQL, in the middle: something is read, so that it waits there.
waits() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name
	    = 'etl-dlq' AND datname = current_database()
	    AND wait_event_type = 'Lock'")" = 1 ]
}
gone() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name
	    = 'etl-dlq' AND datname = current_database()")" = 0 ]
}
hold() {
	mkfifo "$scratch/hold"
	psql -qXAt -d "$db" <"$scratch/hold" >"$scratch/held" &
	exec 9>"$scratch/hold"
	echo 'BEGIN; SELECT count(*) FROM dead_letters;' >&9
	wait_until 10 test -s "$scratch/held"
}
release() {
	exec 9>&-
	rm "$scratch/hold" "$scratch/held"
}
db_new postgresql
version_1
hold
etl-dlq list --db "$db" >/dev/null 2>&1 & victim=$!
ok 'postgresql: it waits in mid-migration' wait_until 10 waits
kill -9 $victim
wait $victim 2>/dev/null || :
release
ok 'postgresql: killed there' wait_until 10 gone
is 'postgresql: it is as before' '1 no' "$(stands)"
hold
etl-dlq list --db "$db" >/dev/null 2>"$scratch/err" & victim=$!
ok 'postgresql: the next one waits' wait_until 10 waits
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'etl-dlq'" >/dev/null
rc=0
wait $victim || rc=$?
release
is 'postgresql: a lost connection' 75 $rc
is 'postgresql: it is as before that' '1 no' "$(stands)"
is 'postgresql: then it is done' "$data 2 runs-letters" "$(letters) $(stands)"

# Tables of the same names that are older than etl.
before() {
	case $db in
	sqlite:*) sql "CREATE TABLE pipeline_runs (id INTEGER PRIMARY KEY,
	    started_at TEXT, completed_at TEXT, status TEXT,
	    records_extracted INTEGER, records_loaded INTEGER,
	    errors INTEGER, error_message TEXT);
	    CREATE TABLE dead_letters (id INTEGER PRIMARY KEY,
	    pipeline_run_id INTEGER REFERENCES pipeline_runs, raw_data TEXT,
	    error_message TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP)" ;;
	*) sql "CREATE TABLE pipeline_runs (id SERIAL PRIMARY KEY,
	    started_at timestamptz, completed_at timestamptz,
	    status varchar(20), records_extracted integer,
	    records_loaded integer, errors integer, error_message text);
	    CREATE TABLE dead_letters (id SERIAL PRIMARY KEY,
	    pipeline_run_id integer REFERENCES pipeline_runs, raw_data jsonb,
	    error_message text, created_at timestamptz DEFAULT now())" ;;
	esac
	sql "INSERT INTO pipeline_runs VALUES
	    (3, '2026-04-01 10:00:00', '2026-04-01 10:05:00', 'completed', 10,
	    8, 2, NULL),
	    (7, '2026-04-02 10:00:00', NULL, 'running', NULL, NULL, NULL,
	    'was killed')"
	sql "INSERT INTO dead_letters VALUES
	    (5, 3, '{\"id\": 1}', 'bad', '2026-04-01 10:00:01.5'),
	    (6, 3, '{\"id\": 2}', 'bad', '2026-04-01 10:00:02'),
	    (8, 7, '{\"id\": 1}', 'bad again', '2026-04-02 10:00:01'),
	    (9, NULL, NULL, 'no line', '2026-04-02 10:00:02'),
	    (11, NULL, NULL, 'nor here', '2026-04-02 10:00:03')"
}
for kind in sqlite postgresql; do
	db_new $kind
	before
	for i in 1 2 3 4; do
		etl-dlq list --db "$db" --json >"$scratch/race.$i" 2>&1 &
	done
	wait
	is "$kind: from before etl, four at once" "4 $(cksum \
	    <"$scratch/race.1")" "$(cat "$scratch"/race.[1-4] | wc -l |
	    awk '{ print $1 / 4 }') $(cksum <"$scratch/race.4")"
	is "$kind: the same line is one letter" '["{\"id\": 1}",2,"bad again","unknown","2026-04-01T10:00:01.500000Z"],["{\"id\": 2}",1,"bad","unknown","2026-04-01T10:00:02.000000Z"],["",1,"no line","unknown","2026-04-02T10:00:02.000000Z"],["",1,"nor here","unknown","2026-04-02T10:00:03.000000Z"]' \
	    "$(jq -c '[.raw, .attempts, .message, .stage, .created_at]' \
	    "$scratch/race.1" | paste -sd,)"
	is "$kind: its number is in the occurrence" 'before-etl/5 before-etl/8' \
	    "$(etl-dlq show --db "$db" --json "$(head -n 1 "$scratch/race.1" |
	    jq .letter)" | jq -r '[.occurrences[].occurrence] | join(" ")')"
	is "$kind: runs keep theirs" "3|success|10|8|2|status: completed
7|abandoned|0|0|0|status: running; was killed" "$(sql 'SELECT id, status,
	    records_extracted, records_loaded, errors, error_message
	    FROM pipeline_runs ORDER BY id')"
	is "$kind: letters of a run" 2 "$(etl-dlq list --db "$db" --json \
	    --run 3 | wc -l | tr -d ' ')"
	is "$kind: the tables are there as they were" '2 5' "$(sql "SELECT
	    (SELECT count(*) FROM pipeline_runs_before_etl) || ' ' ||
	    (SELECT count(*) FROM dead_letters_before_etl)")"
	is "$kind: and a new run works" 0 "$(cd "$scratch" &&
	    status etl-run --db "$db" --name x -c :)"
	is "$kind: with a number of its own" 8 \
	    "$(sql "SELECT max(id) FROM pipeline_runs")"
	is "$kind: a replay of them" '{"id": 1} {"id": 1} {"id": 2}' \
	    "$(etl-dlq replay --db "$db" 2>/dev/null | grep -v '^{"@etl"' |
	    paste -sd' ')"

	db_new $kind
	sql 'CREATE TABLE dead_letters (id INTEGER PRIMARY KEY, body TEXT)'
	is "$kind: something else of that name" 78 \
	    "$(status etl-dlq list --db "$db")"
	like "$kind: is told" 'dead_letters: a table of this name exists, but it is not a table of etl: it has no column pipeline_run_id; rename it' \
	    "$(cat "$scratch/err")"
	is "$kind: and left alone" 0 \
	    "$(sql 'SELECT count(*) FROM dead_letters')"
	db_new $kind
	version_1
	sql 'DROP TABLE etl_control'
	is "$kind: no version" 78 "$(status etl-dlq list --db "$db")"
	like "$kind: is told too" 'the table exists, but etl_control' \
	    "$(cat "$scratch/err")"
done
done_testing
