#!/bin/sh
# etl-load loads each record once, or whole batches only, if the loader is
# killed, the connection is lost, a lock is held, the database is full or
# read-only, or a signal arrives.
. tests/support/lib.sh

# start_loader OPTION...: starts a loader that reads what this script writes
# to file descriptor 8. Sets $pid.
start_loader() {
	rm -f "$scratch/fifo"
	mkfifo "$scratch/fifo"
	etl-load --db "$db" --table t --backoff 10ms..50ms "$@" \
	    <"$scratch/fifo" 2>"$scratch/err" 7>&- &
	pid=$!
	at_exit "kill -9 $pid 2>/dev/null"
	exec 8>"$scratch/fifo"
}
# close_input_and_wait: sets $rc to the exit status of the loader.
close_input_and_wait() {
	exec 8>&-
	rc=0
	{ wait "$pid" || rc=$?; } 2>/dev/null
}
records() {
	seq "$1" "$2" | jq -c '{k: "\(.)", n: .}'
}
count() {
	sql 'SELECT count(*) FROM t'
}
has_rows() {
	[ "$(count)" = "$1" ]
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'

	# SIGKILL in the middle of the input, then the same load again.
	start_loader --key k --batch 100
	records 1 250 >&8
	ok "$k the loader stores two batches of 100 before the input ends" \
	    wait_until 10 has_rows 200
	kill -9 $pid
	close_input_and_wait
	is "$k after SIGKILL the two committed batches stay" 200 "$(count)"
	is "$k the same load after SIGKILL exits with 0" \
	    0 "$(records 1 250 | status etl-load -v \
	    --db "$db" --table t --key k)"
	like "$k the same load after SIGKILL inserts only the missing 50 records" \
	    '50 inserted, 0 updated, 200 unch' \
	    "$(cat "$scratch/err")"
	sql 'DELETE FROM t'
	start_loader --single-transaction --batch 100
	records 1 250 >&8
	sleep 0.2
	kill -9 $pid
	close_input_and_wait
	is "$k after SIGKILL in --single-transaction no record is stored" \
	    0 "$(count)"

	# A signal ends the loader with the signal's status. Only whole batches
	# are stored.
	for signal in TERM INT HUP; do
		sql 'DELETE FROM t'
		start_loader --batch 100 --flush 1h
		records 1 150 >&8
		ok "$k $signal: the loader stores the first batch" \
		    wait_until 10 has_rows 100
		kill -$signal $pid
		case $signal in TERM) n=143 ;; INT) n=130 ;; HUP) n=129 ;; esac
		close_input_and_wait
		# A shell's background job ignores INT.
		[ $signal = INT ] && [ $rc -eq 0 ] && n=0
		is "$k $signal: the loader exits with $n" "$n" "$rc"
		[ "$n" -eq 0 ] || is "$k $signal: only the first batch is stored" \
		    100 "$(count)"
	done

	# The loader holds no transaction open while it waits for input.
	sql 'DELETE FROM t'
	start_loader --key k --flush 1h
	records 1 10 >&8
	sleep 0.2
	ok "$k another client can write while the loader waits for input" \
	    sql "INSERT INTO t VALUES ('me', 1)"
	close_input_and_wait
	is "$k after the write of another client the loader exits with 0" 0 $rc
	is "$k the rows of the loader and of the other client are stored" \
	    11 "$(count)"

	# Six loaders upsert the same records into one table at the same time.
	sql 'DELETE FROM t'
	for _ in 1 2 3 4 5 6; do
		records 1 300 | etl-load --db "$db" --table t --key k \
		    --batch 30 --backoff 1ms..20ms --retries 10 &
		pids="${pids:-} $!"
	done
	rc=0
	for pid in $pids; do
		{ wait "$pid" || rc=$?; } 2>/dev/null
	done
	pids=
	is "$k six loaders at the same time all exit with 0" 0 $rc
	is "$k six loaders at the same time store each key once" 300 "$(count)"
done

# PostgreSQL: the connection is lost between two batches and in a batch.
db_new postgresql
sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'
sql 'CREATE TABLE a (k text, n int)'
others="SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'etl-load'"
waits_for_lock() {
	[ "$(sql "SELECT count(*) FROM pg_locks WHERE NOT granted
	    AND pid IN ($others)")" -gt 0 ]
}
for table in t a; do
	for key in '--key k' ''; do
		[ "$table$key" != "a--key k" ] || continue
		sql "DELETE FROM $table"
		# shellcheck disable=SC2086 # none or two words
		start_loader --table $table $key --batch 100
		records 1 100 >&8
		wait_until 10 sh -c "[ \"\$(psql -XAtq -d '$db' -c \
		    'SELECT count(*) FROM $table')\" = 100 ]" || :
		sql "SELECT pg_terminate_backend(pid) FROM ($others) p" \
		    >"$scratch/out"
		records 101 250 >&8
		close_input_and_wait
		is "table $table $key: connection lost between batches: exit code 0" \
		    0 $rc
		is "table $table $key: connection lost between batches: each record once" \
		    '250|250' "$(sql \
		    "SELECT count(*), count(DISTINCT k) FROM $table")"
		# The server ends the connection while the batch waits for a
		# lock.
		sql "DELETE FROM $table"
		psql -XAtq -d "$db" >"$scratch/out" <<-END &
		BEGIN;
		LOCK TABLE $table IN EXCLUSIVE MODE;
		SELECT pg_sleep(1);
		SELECT pg_terminate_backend(pid) FROM ($others) p;
		COMMIT;
		END
		holder=$!
		sleep 0.3
		# shellcheck disable=SC2086
		start_loader --table $table $key
		records 1 150 >&8
		close_input_and_wait
		wait $holder
		is "table $table $key: connection lost in a batch: exit code 0" \
		    0 $rc
		is "table $table $key: connection lost in a batch: each record once" \
		    '150|150' "$(sql \
		    "SELECT count(*), count(DISTINCT k) FROM $table")"
	done
done

# If a loader hangs, the server ends its transaction after a minute, so that its
# locks do not stay for hours. The loader sets this limit when it writes a row
# of a control table (here etl_loads), not before.
load_two_records() {
	records 1 2 | etl-extract --stream s - |
	    status etl-load --db "$db" --table a
}
sql 'DELETE FROM a'
is 'idle time-out: a first load creates the control tables' \
    0 "$(load_two_records)"
sql "CREATE TABLE seen_settings (at text, idle text, alive text);
CREATE FUNCTION note_settings() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    INSERT INTO seen_settings VALUES (TG_TABLE_NAME,
	current_setting('idle_in_transaction_session_timeout'),
	current_setting('tcp_keepalives_idle')); RETURN NULL; END \$\$;
CREATE TRIGGER note_settings AFTER INSERT ON a EXECUTE FUNCTION note_settings();
CREATE TRIGGER note_settings AFTER INSERT OR UPDATE ON etl_loads
    EXECUTE FUNCTION note_settings()"
is 'idle time-out: a load with the triggers exits with 0' \
    0 "$(load_two_records)"
is 'idle time-out: it is 1 minute once the ledger row is written, not before' \
    'a|0|60
etl_loads|1min|60' "$(sql 'SELECT DISTINCT * FROM seen_settings ORDER BY 1')"

# After a deadlock etl-load loads the batch again and rejects no record.
sql 'DELETE FROM t'
records 1 2 | etl-load --db "$db" --table t --key k
psql -XAtq -d "$db" >"$scratch/out" 2>&1 <<'END' &
SET deadlock_timeout = '10s';
BEGIN;
UPDATE t SET n = 5 WHERE k = '2';
SELECT pg_sleep(0.7);
UPDATE t SET n = 5 WHERE k = '1';
COMMIT;
END
holder=$!
holder_sleeps() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity
	    WHERE wait_event = 'PgSleep' AND $sessions_here")" = 1 ]
}
wait_until 30 holder_sleeps
is 'deadlock: etl-load exits with 0' \
    0 "$(printf '%s\n' '{"k":"1","n":7}' '{"k":"2","n":7}' |
    PGOPTIONS='-c deadlock_timeout=1s' status etl-load --db "$db" \
    --table t --key k --backoff 10ms..100ms --retries 20)"
wait $holder
is 'deadlock: both rows have the values of the records' '1|7
2|7' "$(sql 'SELECT * FROM t ORDER BY k')"

# If another client never releases its lock, etl-load stores nothing and exits
# with 75. A signal ends the wait for the lock.
psql -XAtq -d "$db" -c 'BEGIN' -c 'LOCK TABLE t IN EXCLUSIVE MODE' \
    -c 'SELECT pg_sleep(60)' >"$scratch/out" 2>&1 &
holder=$!
lock_is_held() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE
	    datname = current_database() AND query = 'SELECT pg_sleep(60)'")" = 1 ]
}
ok 'another client holds the lock of the table' wait_until 10 lock_is_held
is 'a lock that is never released: etl-load exits with 75' \
    75 "$(echo '{"k":"9"}' |
    PGOPTIONS='-c lock_timeout=100ms' status etl-load --db "$db" --table t \
    --key k --backoff 1ms..10ms --retries 2)"
start_loader --key k
echo '{"k":"8"}' >&8
exec 8>&-
ok 'the loader waits for the lock' wait_until 30 waits_for_lock
kill -TERM $pid
rc=0
timeout 30 tail --pid=$pid -f /dev/null || rc=$?
is 'SIGTERM ends a loader that waits for a lock' 0 $rc
close_input_and_wait
is 'SIGTERM in a wait for a lock: the loader exits with 143' 143 $rc
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE
    datname = current_database() AND query = 'SELECT pg_sleep(60)'" \
    >"$scratch/out"
{ wait $holder || :; } 2>/dev/null
is 'neither load that waited for the lock stored a row' \
    0 "$(sql "SELECT count(*) FROM t WHERE k > '7'")"

# The user has no right to write the table.
weak=etl_test_weak_$$
sql "CREATE ROLE $weak LOGIN PASSWORD 'weak'"
at_exit "dropuser --if-exists $weak"
is 'a user without a right to the table: etl-load exits with 77' \
    77 "$(echo '{"k":"1"}' | PGUSER=$weak \
    PGPASSWORD=weak status etl-load --db "$db" --table t --retries 0)"
like 'a user without a right to the table: the message says so' \
    'permission denied for table t' "$(cat "$scratch/err")"
is 'a wrong password: etl-load exits with 77' \
    77 "$(echo '{"k":"1"}' | PGUSER=$weak \
    PGPASSWORD=x status etl-load --db "$db" --table t --retries 0)"

# SQLite: the database is locked, read-only or full.
db_new sqlite
sql 'PRAGMA journal_mode = WAL; CREATE TABLE t (k text PRIMARY KEY, n int)' \
    >"$scratch/out"
# hold_write_lock, release_write_lock: another client begins a write
# transaction and ends it.
hold_write_lock() {
	mkfifo "$scratch/hold"
	sqlite3 "${db#sqlite:}" <"$scratch/hold" &
	holder=$!
	exec 7>"$scratch/hold"
	echo 'BEGIN IMMEDIATE; SELECT 1;' >&7
	wait_until 30 grep -q 1 "$scratch/out"
}
release_write_lock() {
	exec 7>&-
	wait $holder
	rm "$scratch/hold"
}
hold_write_lock >"$scratch/out"
start_loader --key k
records 1 10 >&8
exec 8>&-
sleep 0.5
is 'SQLite locked: no row is stored yet' 0 "$(count)"
release_write_lock
close_input_and_wait
is 'SQLite locked for a while: etl-load exits with 0' 0 $rc
is 'SQLite locked for a while: all records are stored' 10 "$(count)"
hold_write_lock >"$scratch/out"
start_loader --key k
echo '{"k":"8"}' >&8
exec 8>&-
sleep 0.3
kill -TERM $pid
rc=0
timeout 30 tail --pid=$pid -f /dev/null || rc=$?
is 'SIGTERM ends a loader that waits for a locked SQLite database' 0 $rc
close_input_and_wait
is 'SIGTERM in a wait for SQLite: the loader exits with 143' 143 $rc
release_write_lock

cp "${db#sqlite:}" "$scratch/ro.db"
chmod 444 "$scratch/ro.db"
mkdir "$scratch/ro"
mv "$scratch/ro.db" "$scratch/ro/"
chmod 555 "$scratch/ro"
if [ "$(id -u)" -eq 0 ]; then
	as='setpriv --reuid 65534 --clear-groups'
	chmod 755 "$scratch"
else
	as=
fi
# shellcheck disable=SC2086 # none or some words
is 'a read-only SQLite database: etl-load exits with 77' \
    77 "$(echo '{"k":"1"}' | status $as "$(command -v etl-load)" \
    --db "sqlite:$scratch/ro/ro.db" --table t --key k)"
like 'a read-only SQLite database: the message says which right is missing' \
    'ro.db: attempt to write .*: this user must be allowed to write the file' \
    "$(cat "$scratch/err")"
# shellcheck disable=SC2086
is 'a SQLite file that cannot be created: etl-load exits with 73' \
    73 "$(echo '{"k":"1"}' | status $as \
    "$(command -v etl-load)" --db "sqlite:$scratch/ro/no.db" --table t)"
like 'a SQLite file that cannot be created: the message says why' \
    'ro/no.db: unable to open .*: Permission denied$' \
    "$(cat "$scratch/err")"
chmod 755 "$scratch/ro"
full=$scratch/full.db
sqlite3 "$full" 'CREATE TABLE t (k text PRIMARY KEY, n int)'
is 'a file size limit is reached: etl-load exits with 74' \
    74 "$(records 1 20000 | (
	ulimit -f 100
	status etl-load --db "sqlite:$full" --table t --key k
))"
is 'a file size limit was reached: the database is intact' ok \
    "$(sqlite3 "$full" 'PRAGMA integrity_check')"
is 'without the file size limit the same load exits with 0' \
    0 "$(records 1 20000 | status etl-load \
    --db "sqlite:$full" --table t --key k)"
is 'the folder in TMPDIR does not exist: etl-load exits with 73' \
    73 "$(records 1 400000 | TMPDIR=$scratch/none \
    status etl-load --db "sqlite:$full" --table t --key k \
    --single-transaction)"
for d in 0 1 2 3; do
	rc=0
	eval "records 1 10 | etl-load --db '$db' --table t --key k $d<&-" \
	    2>"$scratch/err" || rc=$?
	case $d in
	0) is 'standard input is closed: etl-load exits with 74' 74 $rc ;;
	*) is "file descriptor $d is closed: etl-load exits with 0" 0 $rc ;;
	esac
done
is 'closed file descriptors leave the SQLite database intact' \
    ok "$(sql 'PRAGMA integrity_check')"
done_testing
