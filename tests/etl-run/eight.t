#!/bin/sh
# shellcheck disable=SC2016
# Eight runs of one pipeline start together: one of them runs, the others exit
# with 75, and every record is loaded once. ROUNDS=100 tests more rounds.
. tests/support/lib.sh
cd "$scratch"
rounds=${ROUNDS:-4}
seq 50 | sed 's/.*/{"id":&}/' >in.ndjson
echo 'CREATE TABLE IF NOT EXISTS log (round int, id int)' >log.sql
# The run that holds the lock waits until the other seven have exited, half a
# minute at most. If two runs are in the script, which is a fault, neither
# waits.
cat >load.sh <<'S'
echo >>in
etl-extract in.ndjson | etl-transform "{round: $1, id}" |
    etl-load --ddl log.sql --table log || exit
i=0
until [ "$(wc -l <codes)" -eq 7 ] || [ "$(wc -l <in)" -gt 1 ] ||
    [ $i -ge 600 ]; do
	i=$((i + 1))
	sleep 0.05
done
S

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		: >codes
		: >in
		for _ in 1 2 3 4 5 6 7 8; do
			{
				rc=0
				etl-run --name eight load.sh $round \
				    2>>err || rc=$?
				echo $rc >>codes
			} &
		done
		wait
		sort codes | uniq -c | tr -s ' \n' ' '
		echo
	done >results
	is "$kind: of eight runs one exits with 0, the others with 75" \
	    "$rounds  1 0 7 75 " \
	    "$(sort results | uniq -c | sed 's/^ *//')"
	is "$kind: only the runs that exit with 0 have a row" \
	    "$rounds|$rounds" "$(sql "SELECT count(*),
	    sum(CASE WHEN status = 'success' AND records_loaded = 50 THEN 1
	    ELSE 0 END) FROM pipeline_runs")"
	is "$kind: every record is loaded exactly once" \
	    "$((rounds * 50))|$((rounds * 50))" \
	    "$(sql 'SELECT count(*), count(DISTINCT round * 100 + id)
	    FROM log')"
done
done_testing
