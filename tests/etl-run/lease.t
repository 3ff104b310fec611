#!/bin/sh
# shellcheck disable=SC2016
# The row of a run is the lease of its pipeline: a second run refuses while the
# first one lives, under any user and with any lock folder.
. tests/support/lib.sh
cd "$scratch"
chmod 755 "$scratch"
mkdir shared
chmod 777 shared
case $(id -u) in
0) other='setpriv --reuid 65534 --regid 65534 --clear-groups' ;;
*) other='' ;;
esac

# A script that appends three rows, waits for the file over, and appends a row.
script="seq 3 | jq -c '{id: .}' | etl-extract - |
    etl-load --ddl t.sql --table t || exit
: >held; i=0
until [ -e over ] || [ \$((i += 1)) -gt 600 ]; do sleep 0.05; done
echo '{\"id\":4}' | etl-extract - | etl-load --table t"
echo 'CREATE TABLE IF NOT EXISTS t (id int);' >shared/t.sql
chmod 644 shared/t.sql

# hold FOLDER [COMMAND...]: starts a run that waits, with its lock in FOLDER.
hold() {
	folder=$1
	shift
	rm -f shared/held shared/over
	(cd shared && XDG_STATE_HOME=$scratch/$folder exec "$@" etl-run --name p \
	    -c "$script" 2>"$scratch/$folder.err") &
	pid=$!
	wait_until 20 test -e shared/held
}
# second FOLDER [COMMAND...]: starts another run of the pipeline.
second() {
	folder=$1
	shift
	(cd shared && XDG_STATE_HOME=$scratch/$folder status "$@" etl-run \
	    --name p --retries 1 --on-failure ': >told' \
	    -c 'touch over; seq 3 | jq -c "{id: .}" | etl-extract - |
	    etl-load --table t')
}
# ended: waits for the run of hold; its exit code is in $code.
ended() {
	: >shared/over
	code=0
	{ wait $pid || code=$?; } 2>/dev/null
}
# stages_ended: ends the script of a killed run, which still has its lock.
stages_ended() {
	ended
	wait_until 20 lock_is_free
}
lock_is_free() {
	(cd shared && XDG_STATE_HOME=$scratch/one etl-run --dry-run --name p \
	    -c :) | grep -q '^lock: free'
}
statuses() {
	sql 'SELECT status FROM pipeline_runs ORDER BY id' | tr '\n' ' ' |
	    sed 's/ $//'
}
rows() {
	sql 'SELECT count(*) FROM t'
}
clean() {
	sql 'DELETE FROM t'
	sql 'DELETE FROM pipeline_runs'
}
# in_minutes NUMBER: a time of the database, as SQL.
in_minutes() {
	case $db in
	sqlite:*) echo "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '$1 minutes')" ;;
	*) echo "now() + interval '$1 minutes'" ;;
	esac
}
for folder in one two three; do
	mkdir $folder
done
mkdir -m 777 other

for kind in sqlite postgresql; do
	case $kind in
	sqlite)
		db=sqlite:$scratch/shared/x.db
		sqlite3 shared/x.db 'PRAGMA journal_mode = delete' >/dev/null
		chmod 666 shared/x.db
		;;
	*) db_new $kind ;;
	esac
	DATABASE_URL=$db
	export DATABASE_URL

	hold one
	is "$kind: a run with another lock folder exits with 75" 75 "$(second two)"
	like "$kind: the message names the process and the run" \
	    "^etl-run: p: already running as process $pid \(run [0-9a-f-]{36}, since 20[^ ]*Z\): its row in pipeline_runs says so$" \
	    "$(cat err)"
	is "$kind: the message is the only line" 1 "$(wc -l <err)"
	ok "$kind: --on-failure does not count this as a failure" \
	    test ! -e shared/told
	# shellcheck disable=SC2086
	is "$kind: a run of another user exits with 75" 75 \
	    "$(second other $other)"
	like "$kind: the message for the other user names the process" \
	    "already running as process $pid " "$(cat err)"
	is "$kind: neither run has stored a row" running "$(statuses)"
	ended
	is "$kind: the first run goes on and loads its rows once" '0 4 success' \
	    "$code $(rows) $(statuses)"
	is "$kind: after it the other run exits with 0" '0 7' \
	    "$(second two) $(rows)"
	clean

	# shellcheck disable=SC2086
	hold other $other
	is "$kind: a run beside one of another user exits with 75" 75 \
	    "$(second two)"
	ended
	is "$kind: the run of the other user goes on" '0 4 success' \
	    "$code $(rows) $(statuses)"
	clean

	# It is not waited for: a zombie counts as gone.
	hold one
	kill -KILL $pid
	is "$kind: a run after a kill takes over at once" '0 6' \
	    "$(second two) $(rows)"
	is "$kind: the killed run is abandoned" 'abandoned success' "$(statuses)"
	stages_ended
	clean

	# The number of the process was given to another one.
	hold one
	kill -KILL $pid
	stages_ended
	sql "UPDATE pipeline_runs SET pid = $$"
	is "$kind: a process of the same number does not hold the lease" \
	    '0 abandoned success' "$(second two) $(statuses)"
	clean

	hold one
	sql "UPDATE pipeline_runs SET boot = 'before'"
	is "$kind: a run from before the boot of this host is gone" 0 \
	    "$(second two)"
	ended
	is "$kind: a run that has lost its lease commits nothing more" \
	    '6 abandoned success' "$(rows) $(statuses)"
	# 74, not 75: it has appended rows.
	is "$kind: it exits with 74" 74 $code
	like "$kind: the message says that the lease is lost" \
	    '^etl-run: p: failed in .*: the run has lost its lease: another run' \
	    "$(cat one.err)"
	clean
	for how in "host = 'elsewhere'" "host_id = 'another'"; do
		hold one
		sql "UPDATE pipeline_runs SET boot = 'elsewhere', $how,
		    renewed_at = $(in_minutes -9)"
		is "$kind: $how: the lease of another host holds for 9 minutes" 75 \
		    "$(second two)"
		like "$kind: $how: the message says how long" \
		    "already running as process $pid on the host .*; if that run has died, this pipeline can run ten minutes after" \
		    "$(cat err)"
		sql "UPDATE pipeline_runs SET renewed_at = $(in_minutes -11)"
		is "$kind: $how: a lease of 11 minutes is taken over" \
		    '0 abandoned success' "$(second two) $(statuses)"
		ended
		is "$kind: $how: the first run then commits nothing more" \
		    '74 6' "$code $(rows)"
		clean
	done
	hold one
	sql "UPDATE pipeline_runs SET boot = 'elsewhere', host = 'elsewhere',
	    renewed_at = $(in_minutes +20)"
	is "$kind: a time in the future does not hold the lease" 0 "$(second two)"
	ended
	clean

	# The row of version 5 names no process.
	hold one
	sql 'UPDATE pipeline_runs SET pid = NULL'
	is "$kind: a run of an older version holds its lease" 75 "$(second two)"
	sql "UPDATE pipeline_runs SET renewed_at = $(in_minutes -11)"
	is "$kind: a run of an older version loses it after ten minutes" 0 \
	    "$(second two)"
	ended
	clean

	# Twelve runs at once, each with its own lock folder.
	rm -f codes shared/over
	: >codes
	i=0
	while [ $i -lt 12 ]; do
		i=$((i + 1))
		{
			rc=0
			XDG_STATE_HOME=$scratch/race.$i etl-run --name race -c \
			    'i=0; until [ "$(wc -l <codes)" -eq 11 ] ||
			    [ $((i += 1)) -gt 600 ]; do sleep 0.05; done' \
			    2>>race.err || rc=$?
			echo $rc >>codes
		} &
	done
	wait
	is "$kind: of twelve runs at once one exits with 0, 11 with 75" \
	    '1 0 11 75' "$(sort codes | uniq -c | tr -s ' \n' ' ' |
	    sed 's/^ //; s/ $//')"
	is "$kind: and one has a row" 1 "$(sql "SELECT count(*)
	    FROM pipeline_runs WHERE pipeline = 'race'")"
	clean

	# The end of the first run cannot be stored. The same etl-run goes on.
	case $kind in
	sqlite) sql "CREATE TRIGGER no_end BEFORE UPDATE ON pipeline_runs
	    WHEN new.status = 'success' AND new.attempt = 1 AND NOT EXISTS
	    (SELECT 1 FROM pipeline_runs WHERE status = 'abandoned')
	    BEGIN SELECT RAISE(ABORT, 'no end'); END" ;;
	*) sql "CREATE FUNCTION no_end() RETURNS trigger LANGUAGE plpgsql AS
	    'BEGIN RAISE ''no end''; END'
	    " && sql "CREATE TRIGGER no_end BEFORE UPDATE ON pipeline_runs
	    FOR EACH ROW WHEN (new.status = 'success' AND new.id =
	    $(sql 'SELECT max(id) + 1 FROM (SELECT last_value AS id
	    FROM pipeline_runs_id_seq) AS s')) EXECUTE FUNCTION no_end()" ;;
	esac
	etl-run --every 1s --name every -c : 2>every.err &
	pid=$!
	# shellcheck disable=SC2317
	has_success() {
		[ "$(sql "SELECT count(*) FROM pipeline_runs
		    WHERE status = 'success'")" -gt 0 ]
	}
	ok "$kind: etl-run --every does not wait for its own last run" \
	    wait_until 20 has_success
	kill $pid
	ended
	is "$kind: it has abandoned it" 'abandoned success' \
	    "$(statuses | cut -d ' ' -f 1,2)"
	sql "DROP TRIGGER no_end$([ $kind = sqlite ] || echo ' ON pipeline_runs')"
	clean

	# In another namespace the number of a process says nothing.
	if unshare -rpf true 2>/dev/null; then
		rm -f held over
		unshare -rpf --mount-proc sh -c 'exec env "$@"' sh \
		    XDG_STATE_HOME="$scratch/one" etl-run --name p -c \
		    ': >held; i=0
		    until [ -e over ] || [ $((i += 1)) -gt 600 ]; do
		        sleep 0.05
		    done' &
		pid=$!
		wait_until 20 test -e held
		is "$kind: a run outside the container exits with 75" 75 \
		    "$(second two)"
		is "$kind: a run in another container exits with 75" 75 \
		    "$(second three unshare -rpf --mount-proc)"
		: >over
		ended
		is "$kind: the run in the container goes on" 0 $code
		is "$kind: after it a run outside exits with 0" 0 "$(second two)"
		clean
	fi
done
done_testing
