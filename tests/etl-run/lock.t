#!/bin/sh
# shellcheck disable=SC2016
# Only one run of a name is running at a time, also if etl-run is killed.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"

# script_until CONDITION: prints a script that runs until CONDITION holds, half
# a minute at most.
script_until() {
	echo "i=0; until $1 || [ \$i -ge 600 ]; do i=\$((i + 1)); sleep 0.05; done"
}

# Start twenty runs at once. Each appends its exit code to the file codes.
: >codes
i=0
while [ $i -lt 20 ]; do
	i=$((i + 1))
	{
		rc=0
		etl-run --name race -c "$(script_until \
		    '[ "$(wc -l <codes)" -eq 19 ]')" 2>"err.$i" || rc=$?
		echo $rc >>codes
	} &
done
wait
is 'of twenty runs at once one exits with 0, 19 with 75' '1 0 19 75' \
    "$(sort codes | uniq -c | tr -s ' \n' ' ' | sed 's/^ //; s/ $//')"
is 'runs that find the lock held add no row' 1 \
    "$(sql 'SELECT count(*) FROM pipeline_runs')"

etl-run --name held -c ": >held; $(script_until '[ -e over ]')" &
pid=$!
wait_until 20 test -e held
is 'a second run of a running pipeline exits with 75' 75 \
    "$(status etl-run --name held -c 'echo no')"
case ${ETL_BIN:-} in    # programs with sanitizers start slowly
*san*) limit_ms=1000 ;;
*) limit_ms=100 ;;
esac
# Take the quickest of thirty tries: a loaded machine delays most of them.
ms=9999 tries=0
while [ $ms -ge $limit_ms ] && [ $tries -lt 30 ]; do
	tries=$((tries + 1))
	start=$(date +%s%N)
	etl-run --name held -c : 2>"$scratch/held" && break
	took=$((($(date +%s%N) - start) / 1000000))
	[ $took -ge $ms ] || ms=$took
done
ok "the second run exits within $limit_ms ms ($ms)" test $ms -lt $limit_ms
like 'the message names the process and run that hold the lock' \
    "^etl-run: held: already running as process $pid \(run [0-9a-f-]{36}, since 20" \
    "$(cat err)"
is 'the second run does not run its script' '' "$(cat out)"
is 'a run of another name exits with 0' 0 "$(status etl-run --name other -c :)"
is 'a run of the same name in another database exits with 0' 0 \
    "$(status etl-run --db sqlite:other.db --name held -c :)"
is 'a run with another path of the same database exits with 75' 75 \
    "$(status etl-run \
    --db "sqlite:$scratch/../$(basename "$scratch")/1.db" --name held -c :)"
is 'a run with another environment exits with 75' 75 \
    "$(status env -i PATH="$PATH" XDG_STATE_HOME="$XDG_STATE_HOME" \
    TMPDIR="$scratch" XDG_RUNTIME_DIR="$scratch" HOME=/ \
    etl-run --db "$db" --name held -c :)"
: >over
wait $pid
is 'a run after the first has ended exits with 0' 0 \
    "$(status etl-run --name held -c :)"

# If etl-run is killed, its stages hold the lock until they exit.
etl-run --name killed -c 'echo $$ >stage; exec sleep 30' 2>/dev/null &
pid=$!
wait_until 20 test -s stage
at_exit "kill -9 $(cat stage) 2>/dev/null"
kill -9 $pid
wait $pid 2>/dev/null || :
is 'stages of a killed etl-run hold the lock' 75 \
    "$(status etl-run --name killed -c :)"
like 'the message says that stages are still running' \
    "process $pid has exited, but stages of its run are still running" \
    "$(cat err)"
is 'the row of the killed etl-run still says running' running \
    "$(sql "SELECT status FROM pipeline_runs WHERE pipeline = 'killed'")"
kill -9 "$(cat stage)"
ok 'the lock is free when the stages have exited' \
    wait_until 20 etl-run --name killed -c :
is 'the next run marks the killed run abandoned' 'abandoned success' \
    "$(sql "SELECT status FROM pipeline_runs WHERE pipeline = 'killed'
    ORDER BY id" | tr '\n' ' ' | sed 's/ $//')"
is 'the abandoned run has an end time' 1 \
    "$(sql "SELECT count(*) FROM pipeline_runs WHERE
    status = 'abandoned' AND completed_at IS NOT NULL")"

# A daemon that has left the process group does not hold the lock.
is 'a script that starts a daemon exits with 0' 0 \
    "$(status etl-run --name daemon -c \
    'setsid sleep 30 >/dev/null 2>&1 & echo $! >daemon; sleep 0.2')"
at_exit "kill -9 $(cat daemon) 2>/dev/null"
ok 'the daemon is still running after the run' kill -0 "$(cat daemon)"
is 'the daemon does not hold the lock' 0 "$(status etl-run --name daemon -c :)"

# If the lock file is removed, the row of the run still keeps others out.
folder=$XDG_STATE_HOME/etl-run
etl-run --name removed -c 'rm -f $(grep -l "^$PPID " "$1"/*)
    : >removed; i=0
    until [ -e put ] || [ $((i += 1)) -ge 600 ]; do sleep 0.05; done' \
    "$folder" 2>told &
pid=$!
wait_until 20 test -e removed
is 'a second run, which finds no lock file, exits with 75' 75 \
    "$(status etl-run --name removed -c :)"
like 'the message names the process that executes the first run' \
    "^etl-run: removed: already running as process $pid .*: its row in pipeline_runs" \
    "$(cat err)"
: >put
rc=0; { wait $pid || rc=$?; } 2>/dev/null
is 'the first run goes on' '0 success' \
    "$rc $(sql "SELECT status FROM pipeline_runs WHERE pipeline = 'removed'")"
is 'only the owner can open the folder of the lock files' 700 \
    "$(stat -c %a "$folder")"
done_testing
