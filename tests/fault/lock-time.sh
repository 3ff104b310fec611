#!/bin/sh
# lock-time.sh [N]: measures how long etl-run takes to see that another run of
# the same name holds the lock.  Prints the median and the worst of N (100) tries
# in milliseconds, including the start of the program.
. tests/support/lib.sh
cd "$scratch"
for kind in sqlite postgresql; do
	db_new $kind
	export DATABASE_URL="$db"
	etl-run --name held -c 'touch held; sleep 60' &
	holder=$!
	wait_until 10 test -e held
	i=0
	while [ $i -lt "${1:-100}" ]; do
		i=$((i + 1))
		began=$(date +%s%N) rc=0
		etl-run --name held -c : 2>err || rc=$?
		[ $rc -eq 75 ] || echo "status $rc"
		echo $((($(date +%s%N) - began) / 10000))
	done | sort -n >"$scratch/times"
	awk -v kind="$kind" '{ t[NR] = $1 / 100 } END {
		printf "%s: %d decisions, median %.1f ms, worst %.1f ms\n",
		    kind, NR, t[int((NR + 1) / 2)], t[NR] }' "$scratch/times"
	kill $holder
	wait $holder || :
	rm held
done
