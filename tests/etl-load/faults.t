#!/bin/sh
# Kills, lost connections, locks, full and read-only databases, signals.
. tests/support/lib.sh

# begin_slowly: a loader of $@ that waits for input on descriptor 8.
begin_slowly() {
	rm -f "$scratch/fifo"
	mkfifo "$scratch/fifo"
	etl-load --db "$db" --table t --backoff 10ms..50ms "$@" \
	    <"$scratch/fifo" 2>"$scratch/err" 7>&- &
	pid=$!
	at_exit "kill -9 $pid 2>/dev/null"
	exec 8>"$scratch/fifo"
}
# ends: the loader's status, once its input is closed.
ends() {
	exec 8>&-
	rc=0
	wait "$pid" || rc=$?
}
records() {
	seq "$1" "$2" | jq -c '{k: "\(.)", n: .}'
}
count() {
	sql 'SELECT count(*) FROM t'
}
has() {
	[ "$(count)" = "$1" ]
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'

	# kill -9 in mid-stream, then the same again.
	begin_slowly --key k --batch 100
	records 1 250 >&8
	ok "$k whole batches are stored" wait_until 10 has 200
	kill -9 $pid
	ends
	is "$k killed: whole batches stay" 200 "$(count)"
	is "$k after the kill" 0 "$(records 1 250 | status etl-load -v \
	    --db "$db" --table t --key k)"
	like "$k after the kill: counts" '50 inserted, 0 updated, 200 unch' \
	    "$(cat "$scratch/err")"
	sql 'DELETE FROM t'
	begin_slowly --single-transaction --batch 100
	records 1 250 >&8
	sleep 0.2
	kill -9 $pid
	ends
	is "$k killed in one transaction: nothing" 0 "$(count)"

	# Signals: nothing half done, and dead of it.
	for signal in TERM INT HUP; do
		sql 'DELETE FROM t'
		begin_slowly --batch 100 --flush 1h
		records 1 150 >&8
		ok "$k $signal: first batch" wait_until 10 has 100
		kill -$signal $pid
		case $signal in TERM) n=143 ;; INT) n=130 ;; HUP) n=129 ;; esac
		ends
		# A shell's background job ignores INT.
		[ $signal = INT ] && [ $rc -eq 0 ] && n=0
		is "$k $signal: status" "$n" "$rc"
		[ "$n" -eq 0 ] || is "$k $signal: whole batches" 100 "$(count)"
	done

	# No transaction is open while it waits for input.
	sql 'DELETE FROM t'
	begin_slowly --key k --flush 1h
	records 1 10 >&8
	sleep 0.2
	ok "$k another can write meanwhile" sql "INSERT INTO t VALUES ('me', 1)"
	ends
	is "$k another wrote: status" 0 $rc
	is "$k another wrote: rows" 11 "$(count)"

	# Twenty at once into one table.
	sql 'DELETE FROM t'
	for _ in 1 2 3 4 5 6; do
		records 1 300 | etl-load --db "$db" --table t --key k \
		    --batch 30 --backoff 1ms..20ms --retries 10 &
		pids="${pids:-} $!"
	done
	rc=0
	for pid in $pids; do
		wait "$pid" || rc=$?
	done
	pids=
	is "$k six at once: status" 0 $rc
	is "$k six at once: rows" 300 "$(count)"
done

# PostgreSQL: the connection is lost while a batch is done, and between.
db_new postgresql
sql 'CREATE TABLE t (k text PRIMARY KEY, n int)'
sql 'CREATE TABLE a (k text, n int)'
others="SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'etl-load'"
blocked() {
	[ "$(sql "SELECT count(*) FROM pg_locks WHERE NOT granted
	    AND pid IN ($others)")" -gt 0 ]
}
for table in t a; do
	for key in '--key k' ''; do
		[ "$table$key" != "a--key k" ] || continue
		sql "DELETE FROM $table"
		# shellcheck disable=SC2086 # none or two words
		begin_slowly --table $table $key --batch 100
		records 1 100 >&8
		wait_until 10 sh -c "[ \"\$(psql -XAtq -d '$db' -c \
		    'SELECT count(*) FROM $table')\" = 100 ]" || :
		sql "SELECT pg_terminate_backend(pid) FROM ($others) p" \
		    >"$scratch/out"
		records 101 250 >&8
		ends
		is "$table $key: connection lost between batches" 0 $rc
		is "$table $key: each once" '250|250' "$(sql \
		    "SELECT count(*), count(DISTINCT k) FROM $table")"
		# In a batch: it waits for a lock when it is cut off.
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
		begin_slowly --table $table $key
		records 1 150 >&8
		ends
		wait $holder
		is "$table $key: connection lost in a batch" 0 $rc
		is "$table $key: each once again" '150|150' "$(sql \
		    "SELECT count(*), count(DISTINCT k) FROM $table")"
	done
done

# A loader that goes silent keeps its locks a minute and not for hours; what it
# waits for before it has a control row is no fault.
silent() {
	records 1 2 | etl-extract --stream s - |
	    status etl-load --db "$db" --table a
}
sql 'DELETE FROM a'
is 'idle time-out: control tables' 0 "$(silent)"
sql "CREATE TABLE told (at text, idle text, alive text);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    INSERT INTO told VALUES (TG_TABLE_NAME,
	current_setting('idle_in_transaction_session_timeout'),
	current_setting('tcp_keepalives_idle')); RETURN NULL; END \$\$;
CREATE TRIGGER tell AFTER INSERT ON a EXECUTE FUNCTION tell();
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON etl_loads
    EXECUTE FUNCTION tell()"
is 'idle time-out: status' 0 "$(silent)"
is 'idle time-out: once a control row is held' 'a|0|60
etl_loads|1min|60' "$(sql 'SELECT DISTINCT * FROM told ORDER BY 1')"

# A deadlock is no reject: the batch is done again.
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
sleep 0.3
is 'deadlock: status' 0 "$(printf '%s\n' '{"k":"1","n":7}' '{"k":"2","n":7}' |
    PGOPTIONS='-c deadlock_timeout=1s' status etl-load --db "$db" \
    --table t --key k --backoff 10ms..100ms --retries 20)"
wait $holder
is 'deadlock: rows' '1|7
2|7' "$(sql 'SELECT * FROM t ORDER BY k')"

# A lock that is held for good: 75 and nothing stored; a signal ends the wait.
psql -XAtq -d "$db" -c 'BEGIN' -c 'LOCK TABLE t IN EXCLUSIVE MODE' \
    -c 'SELECT pg_sleep(60)' >"$scratch/out" 2>&1 &
holder=$!
holds() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE
	    datname = current_database() AND query = 'SELECT pg_sleep(60)'")" = 1 ]
}
ok 'the lock is held' wait_until 10 holds
is 'lock time-out' 75 "$(echo '{"k":"9"}' |
    PGOPTIONS='-c lock_timeout=100ms' status etl-load --db "$db" --table t \
    --key k --backoff 1ms..10ms --retries 2)"
begin_slowly --key k
echo '{"k":"8"}' >&8
exec 8>&-
ok 'it waits for the lock' wait_until 5 blocked
kill -TERM $pid
rc=0
timeout 3 tail --pid=$pid -f /dev/null || rc=$?
is 'TERM ends the wait' 0 $rc
ends
is 'TERM in a wait: status' 143 $rc
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE
    datname = current_database() AND query = 'SELECT pg_sleep(60)'" \
    >"$scratch/out"
wait $holder || :
is 'nothing of either' 0 "$(sql "SELECT count(*) FROM t WHERE k > '7'")"

# Rights.
sql 'CREATE ROLE etl_test_weak LOGIN' 2>"$scratch/out" || :
at_exit "psql -XAtq -d postgres -c 'DROP ROLE IF EXISTS etl_test_weak'"
is 'no right to the table' 77 "$(echo '{"k":"1"}' | PGUSER=etl_test_weak \
    PGPASSWORD=x status etl-load --db "$db" --table t --retries 0)"

# SQLite: busy, read-only, full.
db_new sqlite
sql 'PRAGMA journal_mode = WAL; CREATE TABLE t (k text PRIMARY KEY, n int)' \
    >"$scratch/out"
# hold, release: somebody else is in the middle of writing.
hold() {
	mkfifo "$scratch/hold"
	sqlite3 "${db#sqlite:}" <"$scratch/hold" &
	holder=$!
	exec 7>"$scratch/hold"
	echo 'BEGIN IMMEDIATE; SELECT 1;' >&7
	sleep 0.3
}
release() {
	exec 7>&-
	wait $holder
	rm "$scratch/hold"
}
hold >"$scratch/out"
begin_slowly --key k
records 1 10 >&8
exec 8>&-
sleep 0.5
is 'busy: nothing yet' 0 "$(count)"
release
ends
is 'busy for a while' 0 $rc
is 'busy for a while: rows' 10 "$(count)"
hold >"$scratch/out"
begin_slowly --key k
echo '{"k":"8"}' >&8
exec 8>&-
sleep 0.3
kill -TERM $pid
rc=0
timeout 3 tail --pid=$pid -f /dev/null || rc=$?
is 'TERM ends the wait for SQLite' 0 $rc
ends
is 'TERM in a wait for SQLite: status' 143 $rc
release

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
is 'read-only' 77 "$(echo '{"k":"1"}' | status $as "$(command -v etl-load)" \
    --db "sqlite:$scratch/ro/ro.db" --table t --key k)"
# shellcheck disable=SC2086
is 'none there, and none may be made' 73 "$(echo '{"k":"1"}' | status $as \
    "$(command -v etl-load)" --db "sqlite:$scratch/ro/no.db" --table t)"
like 'it is told why' 'ro/no.db: unable to open .*: Permission denied$' \
    "$(cat "$scratch/err")"
chmod 755 "$scratch/ro"
full=$scratch/full.db
sqlite3 "$full" 'CREATE TABLE t (k text PRIMARY KEY, n int)'
is 'file limit' 74 "$(records 1 20000 | (
	ulimit -f 100
	status etl-load --db "sqlite:$full" --table t --key k
))"
is 'file limit: nothing half done' ok \
    "$(sqlite3 "$full" 'PRAGMA integrity_check')"
is 'file limit: then all of it' 0 "$(records 1 20000 | status etl-load \
    --db "sqlite:$full" --table t --key k)"
is 'TMPDIR that is not there' 73 "$(records 1 400000 | TMPDIR=$scratch/none \
    status etl-load --db "sqlite:$full" --table t --key k \
    --single-transaction)"
for d in 0 1 2 3; do
	rc=0
	eval "records 1 10 | etl-load --db '$db' --table t --key k $d<&-" \
	    2>"$scratch/err" || rc=$?
	case $d in
	0) is 'no standard input' 74 $rc ;;
	*) is "descriptor $d closed" 0 $rc ;;
	esac
done
is 'the database is whole' ok "$(sql 'PRAGMA integrity_check')"
done_testing
