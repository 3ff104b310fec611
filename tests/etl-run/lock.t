#!/bin/sh
# shellcheck disable=SC2016
# One run at a time of a name, whatever is killed.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"

# A script that goes on until a condition holds, half a minute at most.
script_until() {
	echo "i=0; until $1 || [ \$i -ge 600 ]; do i=\$((i + 1)); sleep 0.05; done"
}

# Twenty at once: each says its status.
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
is 'of twenty at once one runs, the others end with 75' '1 0 19 75' \
    "$(sort codes | uniq -c | tr -s ' \n' ' ' | sed 's/^ //; s/ $//')"
is 'they did not touch the database' 1 \
    "$(sql 'SELECT count(*) FROM pipeline_runs')"

etl-run --name held -c ": >held; $(script_until '[ -e over ]')" &
pid=$!
wait_until 20 test -e held
is 'a second one' 75 "$(status etl-run --name held -c 'echo no')"
case ${ETL_BIN:-} in    # sanitizers take their time to start
*san*) limit_ms=1000 ;;
*) limit_ms=100 ;;
esac
# The quickest of five: a loaded machine takes its time too.
ms=9999
for _ in 1 2 3 4 5; do
	start=$(date +%s%N)
	etl-run --name held -c : 2>"$scratch/held" && break
	took=$((($(date +%s%N) - start) / 1000000))
	[ $took -ge $ms ] || ms=$took
done
ok "ends within $limit_ms ms ($ms)" test $ms -lt $limit_ms
like 'and names the holder' \
    "^etl-run: held: already running as process $pid \(run [0-9a-f-]{36}, since 20" \
    "$(cat err)"
is 'it ran nothing' '' "$(cat out)"
is 'another name is free' 0 "$(status etl-run --name other -c :)"
is 'another database too' 0 \
    "$(status etl-run --db sqlite:other.db --name held -c :)"
is 'not the same one spelt otherwise' 75 "$(status etl-run \
    --db "sqlite:$scratch/../$(basename "$scratch")/1.db" --name held -c :)"
is 'nor with another environment' 75 "$(status env -i PATH="$PATH" \
    TMPDIR="$scratch" XDG_RUNTIME_DIR="$scratch" HOME=/ \
    etl-run --db "$db" --name held -c :)"
: >over
wait $pid
is 'free after the run' 0 "$(status etl-run --name held -c :)"

# etl-run killed: its stages hold the lock, and nothing else does.
etl-run --name killed -c 'echo $$ >stage; exec sleep 30' 2>/dev/null &
pid=$!
wait_until 20 test -s stage
at_exit "kill -9 $(cat stage) 2>/dev/null"
kill -9 $pid
wait $pid 2>/dev/null || :
is 'stages of a killed run live: 75' 75 "$(status etl-run --name killed -c :)"
like 'and says so' "process $pid has exited, but stages of its run are still running" \
    "$(cat err)"
is 'its row still says running' running \
    "$(sql "SELECT status FROM pipeline_runs WHERE pipeline = 'killed'")"
kill -9 "$(cat stage)"
ok 'free when they have gone' wait_until 20 etl-run --name killed -c :
is 'the dead run is abandoned' 'abandoned success' \
    "$(sql "SELECT status FROM pipeline_runs WHERE pipeline = 'killed'
    ORDER BY id" | tr '\n' ' ' | sed 's/ $//')"
is 'and completed' 1 "$(sql "SELECT count(*) FROM pipeline_runs WHERE
    status = 'abandoned' AND completed_at IS NOT NULL")"

# A process that left the group for good does not hold the name.
is 'a daemon of the script' 0 "$(status etl-run --name daemon -c \
    'setsid sleep 30 >/dev/null 2>&1 & echo $! >daemon; sleep 0.2')"
at_exit "kill -9 $(cat daemon) 2>/dev/null"
ok 'lives on' kill -0 "$(cat daemon)"
is 'without the lock' 0 "$(status etl-run --name daemon -c :)"

# The file is only a name: what others do to it is no way in.
folder=/tmp/etl-run-$(id -u)
etl-run --name removed -c 'rm -f $(grep -l "^$PPID " "$1"/*)
    : >removed; sleep 1' "$folder" 2>told &
pid=$!
wait_until 20 test -e removed
is 'a file that was removed is made anew' 0 \
    "$(status etl-run --name removed -c :)"
rc=0; wait $pid || rc=$?
is 'and the next run takes the row, so the first one is told' '75 abandoned' \
    "$rc $(sql "SELECT status FROM pipeline_runs WHERE pipeline = 'removed'
    ORDER BY id LIMIT 1")"
like 'in words that are true' \
    '^etl-run: removed: failed in .*: marked abandoned by another run' \
    "$(cat told)"
is 'nobody else can look into the folder' 700 "$(stat -c %a "$folder")"
done_testing
