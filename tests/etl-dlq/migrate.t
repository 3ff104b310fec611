#!/bin/sh
# etl-dlq migrates control tables of older versions completely or not at all.
. tests/support/lib.sh

# version_1: creates the tables of version 1 and some rows in them.
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
# version_2: creates the tables of version 2 and three letters of a pipeline, in
# the tables of version 1.
version_2() {
	version_1
	sh "$top/tests/support/sql-statement.sh" \
	    "$top/sql/${db%%:*}/control.sql" control_2 >"$scratch/control_2"
	case $db in
	sqlite:*) sqlite3 "${db#sqlite:}" <"$scratch/control_2" ;;
	*) psql -qX -v ON_ERROR_STOP=1 -d "$db" -f "$scratch/control_2" ;;
	esac
	sql 'DELETE FROM dead_letters'
	id=$(printf 'p\0transform\0{"id":"7"}\0' | sha256sum | cut -d' ' -f1)
	for n in 1 2; do
		echo "{\"@etl\":\"reject\",\"v\":1,\"id\":\"$id\",\"occurrence\":\"r/transform.abcd/$n\",\"pipeline\":\"p\",\"stage\":\"transform\",\"code\":\"filter\",\"message\":\"m\",\"raw\":\"{\\\"id\\\":\\\"7\\\"}\",\"at\":\"2026-05-01T12:00:00Z\"}"
	done >"$scratch/old_rejects"
	sql "INSERT INTO dead_letters (reject_id, stage, code, error_message,
	    created_at, last_seen_at, raw, attempts, pipeline) VALUES
	    ('$id', 'transform', 'filter', 'm', '2026-05-01T12:00:00.000000Z',
	    '2026-05-01T12:00:00.000000Z', '{\"id\":\"7\"}', 1, 'p')"
	sql "INSERT INTO dead_letter_attempts (dead_letter_id, occurrence, at,
	    message) SELECT id, 'r/transform.abcd/1',
	    '2026-05-01T12:00:00.000000Z', 'm' FROM dead_letters"
	# A view of the user must not stop the migration.
	sql 'CREATE VIEW times AS SELECT at, message FROM dead_letter_attempts'
}
# shape: the columns and indexes of the database.
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
# version_and_columns: the version, and which parts of versions 2 to 7 exist:
# "1 no" or "7 runs-letters-streams-files-validators-images-leases-scopes".
version_and_columns() {
	has=no
	! shape | grep -q 'pipeline_runs|log' || has=runs
	! shape | grep -q 'dead_letters|erased_at' || has=$has-letters
	! shape | grep -q 'dead_letters|stream' || has=$has-streams
	! shape | grep -q 'etl_files|path' || has=$has-files
	! shape | grep -q 'etl_checkpoints|validators' || has=$has-validators
	! shape | grep -q 'etl_before_runs|whole' || has=$has-images
	! shape | grep -q 'pipeline_runs_lease' || has=$has-leases
	! shape | grep -q 'etl_scopes|scope' || has=$has-scopes
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
	is "$kind: a new database has the tables of version 7" \
	    '7 runs-letters-streams-files-validators-images-leases-scopes' "$(version_and_columns)"

	db_new $kind
	version_1
	is "$kind: the old database has the tables of version 1" '1 no' \
	    "$(version_and_columns)"
	is "$kind: list prints the letters of version 1" "$data" "$(letters)"
	is "$kind: list migrates the tables to version 7" '7 runs-letters-streams-files-validators-images-leases-scopes' \
	    "$(version_and_columns)"
	is "$kind: migrated tables have the columns and indexes of new ones" \
	    "$fresh" "$(shape)"
	is "$kind: the migration keeps the rows of the other tables" '1 3 1 1' \
	    "$(sql "SELECT
	    (SELECT count(*) FROM pipeline_runs) || ' ' ||
	    (SELECT count(*) FROM dead_letter_attempts) || ' ' ||
	    (SELECT count(*) FROM etl_checkpoints) || ' ' ||
	    (SELECT count(*) FROM etl_loads)")"
	is "$kind: migrated occurrences have their times in microseconds" \
	    '2026-05-01T12:00:02.000000Z 2026-05-01T12:00:03.250000Z' \
	    "$(etl-dlq show --db "$db" --json aa |
	    jq -r '[.occurrences[].at] | join(" ")')"
	sql 'UPDATE etl_control SET version = 8'
	is "$kind: list with tables of a newer version exits with 78" 78 \
	    "$(status etl-dlq list --db "$db")"
	like "$kind: the message names the version and asks for a newer etl" \
	    'have version 8, but this program knows only versions up to 7: use a newer etl' \
	    "$(cat "$scratch/err")"

	# Six commands migrate the same tables at once.
	db_new $kind
	version_1
	for i in 1 2 3 4 5 6; do
		etl-dlq list --db "$db" --json --status any >"$scratch/race.$i" \
		    2>&1 &
	done
	wait
	is "$kind: six lists that migrate at once print the same letters" \
	    "$(cksum \
	    <"$scratch/race.1") 2" "$(cat "$scratch"/race.? | sort -u |
	    jq -cs 'sort_by(.letter) | reverse | .[]' | cksum) $(wc -l \
	    <"$scratch/race.1" | tr -d ' ')"
	is "$kind: after six lists at once the tables are those of version 7" \
	    "7 runs-letters-streams-files-validators-images-leases-scopes $fresh" "$(version_and_columns) $(shape)"
	# Letters of version 2 have no stream. Their replay resolves them.
	db_new $kind
	version_2
	is "$kind: a migrated letter keeps its id and has no stream" \
	    "$id null" "$(etl-dlq list --json --db "$db" |
	    jq -r '"\(.id) \(.stream)"')"
	is "$kind: the view of a user reads the migrated table" 1 \
	    "$(sql 'SELECT count(*) FROM times')"
	is "$kind: the rejects of an old file are the same letter" \
	    "1 stored, 1 known before, 0 other lines $id 2" \
	    "$(etl-dlq put --db "$db" "$scratch/old_rejects") $(etl-dlq list \
	    --json --db "$db" | jq -r '"\(.id) \(.attempts)"')"
	sql 'CREATE TABLE t (id INTEGER PRIMARY KEY)'
	for filter in 'error("no")' '.id |= tonumber'; do
		etl-dlq replay --db "$db" |
		    etl-transform --max-rejects 100% "$filter" |
		    etl-load --db "$db" --table t --key id \
		    --max-rejects 100% 2>/dev/null
		etl-dlq list --json --status any --db "$db" |
		    jq -r '"\(.id) \(.status) \(.attempts) \(.resolved_upto)"'
	done >"$scratch/replays"
	is "$kind: replays of a migrated letter open and resolve the same letter" \
	    "$id open 4 2 $id resolved 4 4 7" \
	    "$(paste -sd' ' "$scratch/replays") $(sql 'SELECT id FROM t')"
done

# SQLite: the migration is killed at its writes.
db_new sqlite
version_1
cp "${db#sqlite:}" "$scratch/old.db"
calls='pwrite64,fdatasync,fsync,ftruncate,unlink'
# LeakSanitizer does not work under strace.
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
	case $(version_and_columns) in
	'1 no') old=$((old + 1)) ;;
	'7 runs-letters-streams-files-validators-images-leases-scopes') new=$((new + 1)) ;;
	*) bad="$bad $at: $(version_and_columns)" ;;
	esac
	[ "$(letters) $(sql 'PRAGMA integrity_check')" = "$data ok" ] ||
	    bad="$bad $at: letters"
	at=$((at + 1 + n / 8))
done
is 'sqlite: a kill at any write leaves old or new tables, complete' '' "$bad"
ok "sqlite: kills left old tables and new ones ($old old, $new new of $n)" \
    test $old -gt 0 -a $new -gt 0

# PostgreSQL: another session reads a table, so that the migration waits for the
# table half-way.
migration_waits() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name
	    = 'etl-dlq' AND datname = current_database()
	    AND wait_event_type = 'Lock'")" = 1 ]
}
session_is_gone() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name
	    = 'etl-dlq' AND datname = current_database()")" = 0 ]
}
hold_table() {
	mkfifo "$scratch/hold"
	psql -qXAt -d "$db" <"$scratch/hold" >"$scratch/held" &
	exec 9>"$scratch/hold"
	echo 'BEGIN; SELECT count(*) FROM dead_letters;' >&9
	wait_until 10 test -s "$scratch/held"
}
release_table() {
	exec 9>&-
	rm "$scratch/hold" "$scratch/held"
}
db_new postgresql
version_1
hold_table
etl-dlq list --db "$db" >/dev/null 2>&1 & victim=$!
ok 'postgresql: a migration waits for a locked table' \
    wait_until 10 migration_waits
kill -9 $victim
wait $victim 2>/dev/null || :
release_table
ok 'postgresql: the session of a killed migration ends' \
    wait_until 10 session_is_gone
is 'postgresql: a killed migration leaves the tables of version 1' '1 no' \
    "$(version_and_columns)"
hold_table
etl-dlq list --db "$db" >/dev/null 2>"$scratch/err" & victim=$!
ok 'postgresql: the next migration waits for the locked table' \
    wait_until 10 migration_waits
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'etl-dlq'" >/dev/null
rc=0
{ wait $victim || rc=$?; } 2>/dev/null
release_table
is 'postgresql: a migration that loses its connection exits with 75' 75 $rc
is 'postgresql: a lost connection leaves the tables of version 1' '1 no' \
    "$(version_and_columns)"
is 'postgresql: the next list migrates the tables' \
    "$data 7 runs-letters-streams-files-validators-images-leases-scopes" "$(letters) $(version_and_columns)"

# Tables that have the names of control tables, without the table etl_control.
for kind in sqlite postgresql; do
	db_new $kind
	sql 'CREATE TABLE dead_letters (id INTEGER PRIMARY KEY, body TEXT)'
	is "$kind: list with a foreign table dead_letters exits with 78" 78 \
	    "$(status etl-dlq list --db "$db")"
	like "$kind: the message asks to rename the foreign table" \
	    'dead_letters: the table exists, but etl_control, which holds its version, does not: restore etl_control, or rename the table' \
	    "$(cat "$scratch/err")"
	is "$kind: the foreign table stays unchanged" 0 \
	    "$(sql 'SELECT count(body) FROM dead_letters')"
	sql 'ALTER TABLE dead_letters RENAME TO other'
	is "$kind: after it was renamed, list creates the control tables" 0 \
	    "$(status etl-dlq list --db "$db")"
	db_new $kind
	version_1
	sql 'DROP TABLE etl_control'
	is "$kind: list with tables but without etl_control exits with 78" 78 \
	    "$(status etl-dlq list --db "$db")"
	like "$kind: the message names the missing table etl_control" \
	    'the table exists, but etl_control' \
	    "$(cat "$scratch/err")"
done
done_testing
