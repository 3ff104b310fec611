#!/bin/sh
# --mode scd2 --missing close: the current rows of keys that did not come are ended.
. tests/support/lib.sh

# put LINE...: makes plain input.
put() {
	printf '%s\n' "$@" >"$scratch/in"
}
load() {
	rm -f "$scratch/aside"
	status etl-load -v --db "$db" --table t --mode scd2 --key k \
	    --missing close --rejects "$scratch/aside" "$@" <"$scratch/in"
}
rows() {
	sql "SELECT CASE WHEN is_current THEN '!' ELSE '' END || k || v FROM t
	    ORDER BY k, valid_from" | xargs
}
removed() {
	sed -n 's/.* \([0-9]*\) removed$/\1/p' "$scratch/err"
}
# broken: the number of rows that end before they begin, or are current with an end.
broken() {
	sql "SELECT count(*) FROM t WHERE valid_to <= valid_from
	    OR (valid_to IS NULL) <> is_current"
}

for kind in sqlite postgresql; do
	for time in timestamp date; do
		k="$kind, $time:"
		db_new $kind
		sql "CREATE TABLE t (k int NOT NULL, v text CHECK (v <> 'z'),
		    valid_from $time NOT NULL, valid_to $time,
		    is_current boolean NOT NULL, PRIMARY KEY (k, valid_from));
		    CREATE UNIQUE INDEX c ON t (k) WHERE is_current"
		put '{"k":1,"v":"a"}' '{"k":2,"v":"a"}' '{"k":3,"v":"a"}'
		is "$k the first load: exit code 0" 0 "$(load)"
		put '{"k":1,"v":"a"}' '{"k":2,"v":"b"}'
		is "$k a key does not come: exit code 0" 0 "$(load)"
		case $time in
		date) want='!1a !2b 3a' ;;
		*) want='!1a 2a !2b 3a' ;;
		esac
		is "$k its row is closed, and counted as removed" \
		    "$want 1 0" "$(rows) $(removed) $(broken)"
		is "$k the same load again closes nothing" "0 $want 0" \
		    "$(load) $(rows) $(removed)"
		put '{"k":1,"v":"a"}' '{"k":2,"v":"b"}' '{"k":3,"v":"a"}'
		sql "UPDATE t SET valid_from = $(case $kind-$time in
		    sqlite-date) echo "'2026-01-01', valid_to = '2026-01-02'" ;;
		    sqlite-*) echo "'2026-01-01T00:00:00.000000Z',
			valid_to = '2026-01-02T00:00:00.000000Z'" ;;
		    *) echo "'2026-01-01', valid_to = '2026-01-02'" ;;
		    esac) WHERE k = 3"
		is "$k a closed key comes again: exit code 0" 0 "$(load)"
		is "$k a closed key that comes again has a current row" \
		    "${want% 3a} 3a !3a 0" "$(rows) $(broken)"

		# Records that are rejected.
		put '{"k":1,"v":"a"}' '{"k":2,"v":"b"}' '{"k":3,"v":"z"}'
		is "$k a rejected record with a key: exit code 0" \
		    0 "$(load --max-rejects 1)"
		is "$k the key of a rejected record is not closed" \
		    "${want% 3a} 3a !3a" "$(rows)"
		put '{"k":1,"v":"a"}' '{"k":2,"v":"b"}' '{"v":"z"}'
		is "$k a rejected record without a key: exit code 65" \
		    65 "$(load --max-rejects 1)"
		is "$k a rejected record without a key: nothing is closed" \
		    "${want% 3a} 3a !3a" "$(rows)"
		is "$k --delete-despite-rejects: exit code 0" 0 \
		    "$(load --max-rejects 1 --delete-despite-rejects)"
		is "$k --delete-despite-rejects closes the row" \
		    "${want% 3a} 3a 3a 0" "$(rows) $(broken)"

		# The brake, and input that is not complete.
		: >"$scratch/in"
		is "$k an empty input: exit code 1" 1 "$(load)"
		like "$k an empty input: the message names --max-deletes" \
		    'would be closed, more than --max-deletes 50%' \
		    "$(cat "$scratch/err")"
		is "$k an empty input: nothing is closed" \
		    "${want% 3a} 3a 3a" "$(rows)"
		put '{"k":1,"v":"a"}'
		is "$k plain input from a pipe: exit code 65" 65 "$(rc=0
		    sed '' "$scratch/in" | etl-load --db "$db" --table t \
		    --mode scd2 --key k --missing close 2>"$scratch/err" ||
		    rc=$?; echo $rc)"
		is "$k --max-deletes 100%: exit code 0" 0 \
		    "$(: >"$scratch/in"; load --max-deletes 100%)"
		is "$k --max-deletes 100% closes all rows" 0 \
		    "$(sql 'SELECT count(*) FROM t WHERE is_current')"

		# A row that begins later than the transaction.
		case $kind-$time in
		sqlite-timestamp) later=2999-01-01T00:00:00.500000Z ;;
		*) later=2999-01-01 ;;
		esac
		sql "INSERT INTO t (k, v, valid_from, is_current)
		    VALUES (8, 'a', '$later', true)"
		is "$k a row that begins later: exit code 0" 0 "$(load \
		    --max-deletes 1)"
		is "$k a row that begins later ends after its beginning" '8a 0' \
		    "$(rows | sed 's/.* //') $(broken)"
	done
	is "$kind: an unknown way: exit code 64" 64 "$(load --missing drop)"
	is "$kind: with --soft-delete: exit code 64" 64 "$(load --soft-delete v)"
	is "$kind: without --mode scd2: exit code 64" 64 "$(status etl-load \
	    --db "$db" --table t --key k --missing close <"$scratch/in")"
done
done_testing
