#!/bin/sh
# An outage is not a bad row: every class of error that means trouble of the
# server ends in 75 and never in a dead letter.  After a restart in the middle of
# a COPY, or a serialization failure, the loader repeats the whole batch.
# The test starts a PostgreSQL server of its own, because it restarts it.
if [ -z "${ETL_OUTAGE:-}" ]; then
	ETL_OUTAGE=yes exec sh tests/support/with-pg.sh \
	    "${ETL_BUILD:-build}/outage.log" sh "$0"
fi
. tests/support/lib.sh

db_new postgresql
sql 'CREATE TABLE t (id integer PRIMARY KEY, v text);
    CREATE TABLE told (n integer); CREATE SEQUENCE tries'
records() {
	seq "$1" "$2" | sed 's/.*/{"id":&,"v":"x"}/'
}
# fail_inserts SQLSTATE TIMES: the first TIMES inserts of id 7 fail with it.
fail_inserts() {
	sql "ALTER SEQUENCE tries RESTART;
	    CREATE OR REPLACE FUNCTION trouble() RETURNS trigger AS \$\$ BEGIN
		IF NEW.id = 7 AND nextval('tries') <= $2 THEN
		    RAISE EXCEPTION 'trouble' USING ERRCODE = '$1';
		END IF;
		RETURN NEW; END \$\$ LANGUAGE plpgsql;
	    DROP TRIGGER IF EXISTS trouble ON t;
	    CREATE TRIGGER trouble BEFORE INSERT ON t FOR EACH ROW
		EXECUTE FUNCTION trouble();
	    DELETE FROM t" 2>"$scratch/notices"
}
load() {
	{
		echo "{\"@etl\":\"begin\",\"v\":1,\"id\":\"$1\",\"stages\":[\"extract\"]}"
		records 1 10
		echo '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":10,"dropped":0,"rejected":0}]}'
	} | status etl-load --db "$db" --table t --mode append \
	    --backoff 1ms..5ms --retries 3
}
rows() {
	sql 'SELECT count(*) FROM t'
}
letters() {
	sql 'SELECT count(*) FROM dead_letters' 2>/dev/null || echo 0
}
# After 08 (connection) and 57P0 (shutdown) the loader repeats the batch.  If the
# error does not stop, the loader exits with 75 and nothing of the batch is stored.
# In class 53 (resources) the loader exits with 75 at once, because such a shortage
# does not pass within seconds.
for state in 08006 57P01 57P03 53100 53200 53300; do
	fail_inserts $state 2
	case $state in
	53*) want='75 0 0' ;;
	*) want='0 10 0' ;;
	esac
	is "$state twice: (status, rows, letters) is ($want)" \
	    "$want" "$(load "$state-2") $(rows) $(letters)"
	fail_inserts $state 1000
	is "$state without end: the loader exits with 75, no row, no letter" \
	    '75 0 0' \
	    "$(load "$state-m") $(rows) $(letters)"
	like "$state without end: the message has the error of the server" \
	    '^etl-load: .*trouble' \
	    "$(cat "$scratch/err")"
	fail_inserts $state 0
	is "$state has stopped: the same stream is loaded" '0 10 0' \
	    "$(load "$state-m") $(rows) $(letters)"
done
# After 40 (serialization, deadlock), 55P03 (lock) and 57014 (cancelled) the loader
# repeats the batch too.  If the error does not stop, but only comes with one
# record, this record is the cause.
for state in 40001 40P01 55P03 57014; do
	fail_inserts $state 2
	is "$state twice: (status, rows, letters) is (0 10 0)" \
	    '0 10 0' "$(load "$state-2") $(rows) $(letters)"
	fail_inserts $state 1000
	is "$state without end: its record is a letter, the others are loaded" \
	    '0 9 1' "$(load "$state-m") $(rows) $(letters)"
	sql 'DELETE FROM dead_letters'
done
# Every other error that comes with one record only is this record's.
for state in 58030 XX000 XX001; do
	fail_inserts $state 1000
	is "$state: its record is a letter, the others are loaded" \
	    '0 9 1' "$(load "$state-m") $(rows) $(letters)"
	sql 'DELETE FROM dead_letters'
done
fail_inserts 23514 1000
is '23514 (a constraint) is a bad row: one letter, nine rows' '0 9 1' \
    "$(load row) $(rows) $(letters)"
fail_inserts 23514 0

# A statement that an administrator cancels, and one that runs into a time-out.
sql 'DELETE FROM t'
psql -XAtq -d "$db" -c 'BEGIN' -c 'LOCK TABLE t IN EXCLUSIVE MODE' \
    -c 'SELECT pg_sleep(30)' >"$scratch/out" 2>&1 &
holder=$!
has_lock_waiter() {
	[ "$(sql "SELECT count(*) FROM pg_locks WHERE NOT granted
	    AND $locks_here")" -gt 0 ]
}
wait_until 30 sh -c "psql -XAtq -d '$db' -c \"SELECT 1 FROM pg_locks
    WHERE mode = 'ExclusiveLock' AND relation = 't'::regclass
    AND $locks_here\" | grep -q 1"
rc=$(records 1 10 | PGOPTIONS='-c statement_timeout=1s' status etl-load \
    --db "$db" --table t --key id --retries 0)
like 'a statement time-out: the loader exits with 74 or 75' '^(75|74)$' "$rc"
like 'a statement time-out: the message says that it was cancelled' \
    'table t, lines? 1.*: .*cancel' "$(cat "$scratch/err")"
is 'a statement time-out: no row is stored' 0 "$(rows)"
records 1 10 | etl-load --db "$db" --table t --key id --retries 0 \
    2>"$scratch/err" &
pid=$!
ok 'the loader waits for the lock on its table' wait_until 30 has_lock_waiter
sql "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted
    AND $locks_here" \
    >"$scratch/out"
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query = 'SELECT pg_sleep(30)' AND $sessions_here" >"$scratch/out"
{ wait $holder || :; } 2>/dev/null
rc=0
wait $pid || rc=$?
is 'a cancelled statement: all records are loaded, and no letter is added' \
    '0 10 1' "$rc $(rows) $(letters)"

# The server restarts without a shutdown: between batches, within a COPY, and
# between batches of a load over several connections.
restart_server() {
	folder=$(psql -XAtq -d postgres -c 'SHOW data_directory')
	owner=$(stat -c %U "$folder")
	set -- "$(pg_config --bindir)/pg_ctl" -D "$folder" -m immediate -w \
	    -l /dev/null restart
	[ "$owner" = "$(id -un)" ] || set -- runuser -u "$owner" -- "$@"
	"$@" >"$scratch/restart" 2>&1 8>&- || cat "$scratch/restart" >&2
}
sql 'DROP TRIGGER trouble ON t'
for when in between within between-divided; do
	sql 'DELETE FROM t'
	[ $when = within ] && batch=1000 || batch=10
	[ $when = between-divided ] && connections=2 || connections=1
	rm -f "$scratch/fifo"
	mkfifo "$scratch/fifo"
	etl-load --db "$db" --table t --key id --batch "$batch" --flush 1h \
	    --backoff 50ms..200ms --retries 60 --connections "$connections" \
	    <"$scratch/fifo" 2>"$scratch/err" &
	pid=$!
	exec 8>"$scratch/fifo"
	records 1 25 >&8
	if [ $when != within ]; then
		wait_until 30 sh -c "[ \"\$(psql -XAtq -d '$db' -c \
		    'SELECT count(*) FROM t')\" = 20 ]" || :
	else
		sleep 0.3
	fi
	restart_server
	records 26 40 >&8
	exec 8>&-
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	is "restart $when batches: the loader succeeds" 0 $rc
	unlike "restart $when batches: the number of connections is as given" \
	    'uses one connection' "$(cat "$scratch/err")"
	ok "restart $when batches: the server answers again" \
	    wait_until 20 sql 'SELECT 1'
	is "restart $when batches: each row is stored once" '40|1|40' \
	    "$(sql 'SELECT count(*), min(id), max(id) FROM t')"
done
# Under etl-run the loader fails with 75, and --retries starts the run again.
sql 'DELETE FROM t'
records 1 200000 >"$scratch/in.ndjson"
etl-run --db "$db" --name o --retries 60 --backoff 50ms..200ms -c \
    "etl-extract '$scratch/in.ndjson' | etl-load --table t --key id --single-transaction --retries 0" \
    2>"$scratch/err" &
pid=$!
wait_until 10 sh -c "psql -XAtq -d '$db' -c \"SELECT state FROM pg_stat_activity WHERE $sessions_here AND application_name = 'etl-load' AND query LIKE 'COPY%'\" | grep -q ." || :
restart_server
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'restart under etl-run: a later attempt of the run succeeds' 0 $rc
is 'restart under etl-run: each row is stored once' '200000|1|200000' \
    "$(sql 'SELECT count(*), min(id), max(id) FROM t')"
is 'restart under etl-run: no run stays running and one succeeded' \
    '0|1' "$(sql "SELECT
    count(*) FILTER (WHERE status = 'running'),
    count(*) FILTER (WHERE status = 'success') FROM pipeline_runs")"
is 'no database session of the programs is left open' 0 "$(sql "SELECT count(*)
    FROM pg_stat_activity WHERE application_name LIKE 'etl-%'
    AND $sessions_here")"
done_testing
