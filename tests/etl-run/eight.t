#!/bin/sh
# shellcheck disable=SC2016
# Eight runs of one pipeline started together: one works, the others end with
# 75, and what is loaded is right. ROUNDS=100 is the long version.
. tests/support/lib.sh
cd "$scratch"
rounds=${ROUNDS:-4}
seq 50 | sed 's/.*/{"id":&}/' >in.ndjson
echo 'CREATE TABLE IF NOT EXISTS log (round int, id int)' >log.sql
# The winner lives until the others have ended, half a minute at most; where two
# are in, nobody waits.
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
	is "$kind: one of eight each time" "$rounds  1 0 7 75 " \
	    "$(sort results | uniq -c | sed 's/^ *//')"
	is "$kind: with its row" "$rounds|$rounds" "$(sql "SELECT count(*),
	    sum(CASE WHEN status = 'success' AND records_loaded = 50 THEN 1
	    ELSE 0 END) FROM pipeline_runs")"
	is "$kind: every record once" "$((rounds * 50))|$((rounds * 50))" \
	    "$(sql 'SELECT count(*), count(DISTINCT round * 100 + id)
	    FROM log')"
done
done_testing
