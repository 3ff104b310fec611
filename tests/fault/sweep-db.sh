# shellcheck shell=sh disable=SC2034,SC2154
# For sweep.sh: the databases.  A database is made once for each pipeline, kept
# as it is then, and put back before each point; its state is a text, in which
# two runs that did the same are equal.

tables='
CREATE TABLE t (k text PRIMARY KEY, n bigint NOT NULL, m text);
CREATE TABLE log (k text, n bigint NOT NULL, m text);
'

# last COLUMN MEMBER: of the loader's counts.
last() {
	case $kind in
	sqlite*) echo "($1 ->> '\$[#-1].$2')" ;;
	*) echo "($1::jsonb -> -1 ->> '$2')::bigint" ;;
	esac
}

# state_sql HEX: what is compared.
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
	SELECT 'checkpoint', name, value, version, seq FROM etl_checkpoints
	    ORDER BY name;
	${load:+SELECT 'load', $load FROM etl_loads ORDER BY 2;}
	EOF
}

sqlite_make() {
	db=sqlite:$work/x.db
	sqlite3 "$work/x.db" "PRAGMA journal_mode = $1; $tables" >/dev/null
	state_sql 'hex(raw)' >"$scratch/state.sql"
	echo 'PRAGMA integrity_check; PRAGMA journal_mode;' >>"$scratch/state.sql"
}

# Read in a copy: what a killed writer has left is the next run's to mend.
sqlite_state() {
	rm -rf "$scratch/copy"
	cp -R "$work" "$scratch/copy"
	sqlite3 "$scratch/copy/x.db" <"$scratch/state.sql" 2>/dev/null || :
}

# One psql for all: it reads commands from descriptor 8 and says on 9 when it
# has done them.
pg_open() {
	exec 8>&- 9<&-
	rm -f "$scratch/psql.in" "$scratch/psql.out"
	mkfifo "$scratch/psql.in" "$scratch/psql.out"
	psql -XAtq -d "$db" -f "$scratch/psql.in" >"$scratch/psql.out" \
	    2>"$scratch/psql.err" &
	exec 9<"$scratch/psql.out" 8>"$scratch/psql.in"
}

# pg_do FILE: what it prints goes to $scratch/rows.
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
		# The session of a program that was killed may still commit.
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

# The tables of etl itself are there before, unless the pipeline is to make
# them.
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

# What is compared can be read, so that nothing is equal for want of an answer.
db_reads() {
	case $kind in
	sqlite*) sqlite3 -bail "$work/x.db" ;;
	*) psql -XAtq -v ON_ERROR_STOP=1 -d "$db" ;;
	esac <"$scratch/state.sql" >/dev/null
}

# Nobody else is in the database; a server needs a moment to see that a client
# has gone.
db_idle() {
	case $kind in
	postgresql) pg_idle || wait_until 10 pg_idle ;;
	esac
}

# db_crash N: a session, or all of the server, as N is odd or even.
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

# Every page of every table and index.
db_verify() {
	"$("${PG_CONFIG:-pg_config}" --bindir)/pg_amcheck" --heapallindexed \
	    --install-missing -d "$database" >"$scratch/run.out" 2>&1
}
