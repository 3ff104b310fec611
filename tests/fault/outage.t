#!/bin/sh
# An outage is no bad row: whatever class of error says that the server is in
# trouble ends in 75 and never in a dead letter; a restart in the middle of a
# COPY, a cancelled statement and a lost serialization are done again whole.
# A server of our own, which is to be restarted.
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
# trouble SQLSTATE TIMES: inserts fail with it so often, then no more.
trouble() {
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
# 08 connection, 57P0 shutdown, 40 serialization, 55P03 lock: the batch is done
# again.  Without end it is 75, as at once in class 53, resources, which does
# not pass within seconds; and nothing of it is stored.
for state in 08006 57P01 57P03 40001 40P01 55P03 53100 53200 53300; do
	trouble $state 2
	case $state in
	53*) want='75 0 0' ;;
	*) want='0 10 0' ;;
	esac
	is "$state twice" "$want" "$(load "$state-2") $(rows) $(letters)"
	trouble $state 1000
	is "$state without end: 75, no row, no letter" '75 0 0' \
	    "$(load "$state-m") $(rows) $(letters)"
	like "$state without end: says so" '^etl-load: .*trouble' \
	    "$(cat "$scratch/err")"
	trouble $state 0
	is "$state is over: the same stream is done" '0 10 0' \
	    "$(load "$state-m") $(rows) $(letters)"
done
# For these trying again is no help: they may end it, but with no letter.
for state in 58030 XX000 XX001 57014; do
	trouble $state 1000
	rc=$(load "$state-m")
	like "$state: an end that is no success ($rc)" '^(74|75|69|70)$' "$rc"
	is "$state: no row, no letter" '0 0' "$(rows) $(letters)"
done
trouble 23514 1000
is 'a constraint is the row: one letter, the others loaded' '0 9 1' \
    "$(load row) $(rows) $(letters)"
trouble 23514 0

# A statement that somebody cancels, and one that takes too long.
sql 'DELETE FROM t'
psql -XAtq -d "$db" -c 'BEGIN' -c 'LOCK TABLE t IN EXCLUSIVE MODE' \
    -c 'SELECT pg_sleep(5)' >"$scratch/out" 2>&1 &
holder=$!
waits() {
	[ "$(sql "SELECT count(*) FROM pg_locks WHERE NOT granted")" -gt 0 ]
}
wait_until 5 sh -c "psql -XAtq -d '$db' -c 'SELECT 1 FROM pg_locks WHERE mode = '\''ExclusiveLock'\'' AND relation = '\''t'\''::regclass' | grep -q 1"
records 1 10 | etl-load --db "$db" --table t --key id --retries 0 \
    2>"$scratch/err" &
pid=$!
ok 'it waits for a lock' wait_until 5 waits
sql "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted" \
    >"$scratch/out"
rc=0
wait $pid || rc=$?
like 'cancelled: told' '^(75|74)$' "$rc"
like 'cancelled: says so' 'cancel' "$(cat "$scratch/err")"
rc=$(records 1 10 | PGOPTIONS='-c statement_timeout=100ms' status etl-load \
    --db "$db" --table t --key id --retries 0)
like 'statement time-out: told' '^(75|74)$' "$rc"
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query = 'SELECT pg_sleep(5)'" >"$scratch/out"
wait $holder || :
is 'neither left a row or a letter' '0 1' "$(rows) $(letters)"

# The server goes down at once, in the middle of a COPY and between batches.
restart() {
	folder=$(psql -XAtq -d postgres -c 'SHOW data_directory')
	owner=$(stat -c %U "$folder")
	set -- "$(pg_config --bindir)/pg_ctl" -D "$folder" -m immediate -w \
	    -l /dev/null restart
	[ "$owner" = "$(id -un)" ] || set -- runuser -u "$owner" -- "$@"
	"$@" >"$scratch/restart" 2>&1 8>&- || cat "$scratch/restart" >&2
}
for when in between within; do
	sql 'DELETE FROM t'
	[ $when = between ] && batch=10 || batch=1000
	rm -f "$scratch/fifo"
	mkfifo "$scratch/fifo"
	etl-load --db "$db" --table t --key id --batch "$batch" --flush 1h \
	    --backoff 50ms..200ms --retries 60 <"$scratch/fifo" \
	    2>"$scratch/err" &
	pid=$!
	exec 8>"$scratch/fifo"
	records 1 25 >&8
	if [ $when = between ]; then
		wait_until 5 sh -c "[ \"\$(psql -XAtq -d '$db' -c \
		    'SELECT count(*) FROM t')\" = 20 ]" || :
	else
		sleep 0.3
	fi
	restart
	records 26 40 >&8
	exec 8>&-
	rc=0
	wait $pid || rc=$?
	is "restart $when: the loader goes on" 0 $rc
	ok "restart $when: the server is back" wait_until 20 sql 'SELECT 1'
	is "restart $when: each row once" '40|1|40' \
	    "$(sql 'SELECT count(*), min(id), max(id) FROM t')"
done
# Inside etl-run: the run fails with 75, and --retries does it again.
sql 'DELETE FROM t'
records 1 200000 >"$scratch/in.ndjson"
etl-run --db "$db" --name o --retries 60 --backoff 50ms..200ms -c \
    "etl-extract '$scratch/in.ndjson' | etl-load --table t --key id --single-transaction --retries 0" \
    2>"$scratch/err" &
pid=$!
wait_until 10 sh -c "psql -XAtq -d '$db' -c \"SELECT state FROM pg_stat_activity WHERE application_name = 'etl-load' AND query LIKE 'COPY%'\" | grep -q ." || :
restart
rc=0
wait $pid || rc=$?
is 'restart under etl-run: it is retried' 0 $rc
is 'restart under etl-run: each row once' '200000|1|200000' \
    "$(sql 'SELECT count(*), min(id), max(id) FROM t')"
is 'no run is left running, one has loaded all' '0|1' "$(sql "SELECT
    count(*) FILTER (WHERE status = 'running'),
    count(*) FILTER (WHERE status = 'success') FROM pipeline_runs")"
is 'no session is left in a transaction' 0 "$(sql "SELECT count(*)
    FROM pg_stat_activity WHERE application_name LIKE 'etl-%'")"
done_testing
