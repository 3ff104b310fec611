# shellcheck shell=sh disable=SC2034,SC2154
# For sweep.sh: the databases.  A database is made once for each pipeline and
# copied.  Before each kill the copy is restored.  The state of a database is a
# text that is equal for two runs that did the same.

tables='
CREATE TABLE t (k text PRIMARY KEY, n bigint NOT NULL, m text);
CREATE TABLE copy (k text PRIMARY KEY, n bigint NOT NULL, m text);
CREATE TABLE log (k text, n bigint NOT NULL, m text);
CREATE TABLE history (k text, n bigint NOT NULL, valid_from date,
    valid_to date, is_current boolean, PRIMARY KEY (k, valid_from));
CREATE UNIQUE INDEX history_current ON history (k) WHERE is_current;
'

# last COLUMN MEMBER: SQL for MEMBER of the last stage, the loader, in COLUMN.
last() {
	case $kind in
	sqlite*) echo "($1 ->> '\$[#-1].$2')" ;;
	*) echo "($1::jsonb -> -1 ->> '$2')::bigint" ;;
	esac
}

# state_sql HEX: SQL that prints the state; HEX is the bytes of a letter as hex.
# @copy counts how often the table copy was loaded as a whole.
state_sql() {
	attempts='attempts, resolved_upto, (SELECT count(*)
	    FROM dead_letter_attempts AS a WHERE a.dead_letter_id = d.id)'
	load='stream_id, target, batch, seq, version, ended, taken, counts'
	case $compare in
	sums) load="sum($(last counts inserted)), max(version)" ;;
	letters) load='' ;;
	rows) load='' attempts='attempts > 0' ;;
	esac
	cat <<-EOF
	$rows
	SELECT 'letter', reject_id, stage, code, $1, status, $attempts
	    FROM dead_letters AS d ORDER BY reject_id;
	SELECT 'run', status, (SELECT count(*) FROM pipeline_runs
	    WHERE status = 'running'), (SELECT count(*) FROM pipeline_runs
	    WHERE status = 'success' AND records_extracted <>
	    records_loaded + unchanged + dropped + rejected +
	    $(last stages skipped) + $(last stages superseded))
	    FROM pipeline_runs ORDER BY id DESC LIMIT 1;
	SELECT 'checkpoint', name, value, version, $seq FROM etl_checkpoints
	    WHERE name <> '@copy' ORDER BY name;
	${load:+SELECT 'load', $load FROM etl_loads ORDER BY 2, 3;}
	EOF
}

sqlite_make() {
	db=sqlite:$work/x.db
	sqlite3 "$work/x.db" "PRAGMA journal_mode = $1; $tables" >/dev/null
	state_sql 'hex(raw)' >"$scratch/state.sql"
	echo 'PRAGMA integrity_check; PRAGMA journal_mode;' >>"$scratch/state.sql"
}

# Reads a copy: opening the database would repair what a killed writer left,
# and that repair is the work of the next run.
sqlite_state() {
	rm -rf "$scratch/copy"
	cp -R "$work" "$scratch/copy"
	sqlite3 "$scratch/copy/x.db" <"$scratch/state.sql" 2>/dev/null || :
}

# One psql runs all statements, because a start for each would be slow: it reads
# commands from descriptor 8 and writes a line to descriptor 9 after each.
pg_open() {
	exec 8>&- 9<&-
	rm -f "$scratch/psql.in" "$scratch/psql.out"
	mkfifo "$scratch/psql.in" "$scratch/psql.out"
	psql -XAtq -d "$db" -f "$scratch/psql.in" >"$scratch/psql.out" \
	    2>"$scratch/psql.err" &
	exec 9<"$scratch/psql.out" 8>"$scratch/psql.in"
}

# pg_do FILE: runs the SQL of FILE; its output goes to $scratch/rows.
pg_do() {
	printf '\\o %s\n\\i %s\n\\o\n\\echo done\n' \
	    "$scratch/rows" "$1" >&8 && read -r _ <&9
}

pg_make() {
	database=etl_sweep_$$
	[ -n "${db_made-}" ] || at_exit "dropdb --force --if-exists $database"
	db_made=1
	db=postgresql:///$database
	dropdb --force --if-exists "$database" 2>/dev/null
	createdb "$database"
	psql -Xq -d "$db" -c "$tables"
	{
		# Use one snapshot: a killed program's session may still commit.
		echo 'BEGIN ISOLATION LEVEL REPEATABLE READ;'
		state_sql "encode(raw, 'hex')"
		echo 'COMMIT;'
	} >"$scratch/state.sql"
	echo "SELECT count(*) FROM pg_stat_activity
	    WHERE datname = current_database() AND pid <> pg_backend_pid();" \
	    >"$scratch/sessions.sql"
}

pg_idle() {
	pg_do "$scratch/sessions.sql" && [ "$(cat "$scratch/rows")" = 0 ]
}

pg_dump_as_sql() {
	pg_dump -d "$db" -t 'public.*' --inserts "$@"
}

pg_keep() {
	{
		echo 'SET client_min_messages = error; BEGIN;'
		if [ "$fresh" != no ]; then
			echo 'DROP SCHEMA public CASCADE; CREATE SCHEMA public;'
			pg_dump_as_sql
		else
			psql -XAtq -d "$db" -c "SELECT format(
			    'DELETE FROM %I;', relname) FROM pg_class
			    WHERE relnamespace = 'public'::regnamespace
			    AND relkind = 'r'
			    ORDER BY relname <> 'dead_letter_attempts'"
			pg_dump_as_sql --data-only
		fi
		echo 'COMMIT; SET search_path TO DEFAULT;'
	} >"$scratch/reset.sql"
	pg_open
}

# The control tables exist before the pipeline runs, unless the pipeline itself
# must create them (fresh).
db_make() {
	rm -rf "$work" "$scratch/kept"
	mkdir "$work"
	unset LD_PRELOAD
	case $kind in
	sqlite)
		export LD_PRELOAD="$etl_build/tests/rollback.so" \
		    ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0"
		sqlite_make delete
		;;
	sqlite-wal) sqlite_make wal ;;
	postgresql) pg_make ;;
	esac
	DATABASE_URL=$db
	export DATABASE_URL
	[ "$fresh" = yes ] || etl-dlq put </dev/null >/dev/null
}

db_keep() {
	cp -R "$work" "$scratch/kept"
	case $kind in
	postgresql) pg_keep ;;
	esac
}

db_reset() {
	rm -rf "$work"
	cp -R "$scratch/kept" "$work"
	case $kind in
	postgresql) pg_do "$scratch/reset.sql" ;;
	esac
}

db_state() {
	case $kind in
	sqlite*) sqlite_state ;;
	*) pg_do "$scratch/state.sql" && cat "$scratch/rows" ;;
	esac
	[ -z "$also" ] || (cd "$work" && eval "$also") 2>/dev/null || :
}

# Checks that the SQL of the state works: two failed queries would look equal.
db_reads() {
	case $kind in
	sqlite*) sqlite3 -bail "$work/x.db" ;;
	*) psql -XAtq -v ON_ERROR_STOP=1 -d "$db" ;;
	esac <"$scratch/state.sql" >/dev/null
}

# Waits until no other session is open: a server needs a moment to notice that a
# client was killed.
db_idle() {
	case $kind in
	postgresql) pg_idle || wait_until 10 pg_idle ;;
	esac
}

# db_crash N: kills a session if N is odd, restarts the server if N is even.
db_crash() {
	echo 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()
	    AND datname = current_database() LIMIT 1' >"$scratch/pid.sql"
	pg_do "$scratch/pid.sql"
	if [ $(($1 % 2)) -eq 1 ]; then
		xargs -r kill -9 <"$scratch/rows" 2>/dev/null || :
		return
	fi
	folder=$(psql -XAtqc 'SHOW data_directory')
	owner=$(stat -c %U "$folder")
	set -- "$("${PG_CONFIG:-pg_config}" --bindir)/pg_ctl" -D "$folder" -m immediate -w \
	    -l /dev/null restart
	[ "$owner" = "$(id -un)" ] || set -- runuser -u "$owner" -- "$@"
	"$@" >/dev/null 2>&1 8>&- 9>&- || echo "# the server did not restart"
}

db_recover() {
	wait_until 30 psql -Xqc 'SELECT 1'
	pg_open
}

# Checks every page of every table and index with pg_amcheck.
db_verify() {
	"$("${PG_CONFIG:-pg_config}" --bindir)/pg_amcheck" --heapallindexed \
	    --install-missing -d "$database" >"$scratch/run.out" 2>&1
}
