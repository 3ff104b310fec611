#!/bin/sh
# --mode mirror: the loader upserts the records of a complete stream, and deletes
# the rows whose keys did not come, in one transaction.
. tests/support/lib.sh
. tests/etl-load/old_rows.sh

# load OPTION...: loads the file $scratch/in and prints the exit status.
load() {
	rm -f "$scratch/aside"
	status etl-load -v --db "$db" --table t --mode mirror \
	    --max-rejects 100% --rejects "$scratch/aside" --marked \
	    "$@" <"$scratch/in"
}
# piped OPTION...: the same from a pipe.
piped() {
	rc=0
	sed '' "$scratch/in" | etl-load --db "$db" --table t --mode mirror "$@" \
	    >"$scratch/err" 2>&1 || rc=$?
	echo $rc
}
rows() {
	sql 'SELECT k, n FROM t ORDER BY k' | xargs
}
# outcome: records in, inserted, updated, unchanged, superseded and rejected, and
# removed rows.
outcome() {
	sed -n 's/.*: \(.*\) in, \(.*\) inserted, \(.*\) updated, \(.*\) unchanged, \(.*\) superseded, \(.*\) rejected, \(.*\) removed$/\1 \2 \3 \4 \5 \6 \7/p' \
	    "$scratch/err"
}
# fill: four rows.
fill() {
	sql "DELETE FROM t; INSERT INTO t (k, n) VALUES ('a', 1), ('b', 2),
	    ('c', 3), ('d', 4)"
}
# marked REJECTED RECORD...: makes a stream in which an earlier stage has rejected
# so many records aside.
marked() {
	rejected=$1
	shift
	{
		printf '{"@etl":"begin","v":1,"id":"%s","stages":["extract"]}\n' \
		    "$$-$(date +%N)"
		printf '%s\n' "$@"
		printf '{"@etl":"end","stages":[{"stage":"extract","in":0,'
		printf '"out":%d,"dropped":0,"rejected":%d,"aside":%d}]}\n' \
		    $# "$rejected" "$rejected"
	} >"$scratch/in"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int CHECK (n < 100))'

	# Rows that come and rows that do not.
	fill
	put '{"k":"a","n":1}' '{"k":"b","n":7}' '{"k":"e","n":5}' \
	    '{"k":"e","n":6}'
	is "$k two rows do not come: exit code 0" 0 "$(load)"
	is "$k the table has the records and no other row" 'a|1 b|7 e|6' "$(rows)"
	is "$k -v counts the removed rows apart from the records" \
	    '4 1 1 1 1 0 2' "$(outcome)"
	is "$k the same file again changes nothing" '0 4 0 0 3 1 0 0' "$(
	    put '{"k":"a","n":1}' '{"k":"b","n":7}' '{"k":"e","n":6}' \
	    '{"k":"e","n":6}'; load) $(outcome)"
	seq 2000 | jq -c '{k: "k\(.)", n: (. % 99)}' >"$scratch/in"
	is "$k 2000 records in many parts: exit code 0" \
	    0 "$(load --batch 70 --max-deletes 100%)"
	is "$k 2000 records in many parts: the rows before them are gone" \
	    '2000 2000 0 0 0 0 3' "$(outcome)"
	is "$k the table has 2000 rows" 2000 "$(sql 'SELECT count(*) FROM t')"
	seq 2000 | jq -c 'select(. % 4 != 1) | {k: "k\(.)", n: (. % 99)}' |
	    sort -R >"$scratch/in"
	is "$k without 500 of them, in another order: exit code 0" \
	    0 "$(load --batch 70)"
	is "$k without 500 of them: these 500 are removed" \
	    '1500 0 0 1500 0 0 500' "$(outcome)"

	# The brake.
	fill
	put '{"k":"a","n":1}'
	refuses 1 'three of four rows' \
	    '3 of 4 rows did not come .* --max-deletes 50%.*greater' --batch 1
	refuses 1 'more rows than a number' '3 of 4 .* --max-deletes 2:' \
	    --max-deletes 2
	refuses 1 '--max-deletes 0%' '--max-deletes 0%' --max-deletes 0%
	put '{"k":"a","n":1}' '{"k":"d","n":4}'
	is "$k two of four rows may be deleted by default" \
	    '0 a|1 d|4' "$(load) $(rows)"
	fill
	put '{"k":"a","n":1}'
	is "$k --max-deletes 3 lets three rows be deleted" \
	    '0 a|1' "$(load --max-deletes 3) $(rows)"
	fill
	put '{"k":"a","n":1}' '{"k":"b","n":2}' '{"k":"x","n":3}' \
	    '{"k":"y","n":3}' '{"k":"z","n":3}'
	is "$k the limit is a part of the rows that were there before" \
	    '1 a|1 b|2 c|3 d|4' "$(load --max-deletes 49%) $(rows)"
	fill
	: >"$scratch/in"
	refuses 1 'an empty file' '4 of 4 rows'
	is "$k an empty file with --max-deletes 100% empties the table" \
	    '0  0 0 0 0 0 0 4' "$(load --max-deletes 100%) $(rows) $(outcome)"
	is "$k an empty file and an empty table: exit code 0" 0 "$(load)"

	# Rejected records.
	fill
	put '{"k":"a","n":1}' '{"k":"b","n":200}' '{"k":"c","n":"x"}' \
	    '{"k":"d","z":1}'
	is "$k rejected records with a key: exit code 0" 0 "$(load)"
	is "$k the rows of rejected records stay" 'a|1 b|2 c|3 d|4' "$(rows)"
	is "$k the records are rejected" '4 0 0 1 0 3 0' "$(outcome)"
	for line in '{"n":1}' '{"k":null,"n":1}' '[]' 'x' '{"k":"b","k":"c"}' \
	    '{"k":"\u0000","n":1}'; do
		put '{"k":"a","n":1}' '{"k":"b","n":2}' "$line"
		refuses 65 "a record without a readable key: $line" \
		    '2 rows did not come .* 1 rejected record .*--delete-despite-rejects'
		is "$k $line: no reject is written" '' \
		    "$(cat "$scratch/aside" 2>/dev/null)"
	done
	put '{"k":{"a":"a"},"n":1}' '{"k":{"a":"b"},"n":2}' \
	    '{"k":{"a":"c","a":"x"},"n":1}'
	refuses 65 'a key of --map that comes twice' \
	    '2 rows did not come .* 1 rejected record' --map k=/k/a
	put '{"k":"a","n":1}' '{"k":"b","n":2}' "$line"
	is "$k --delete-despite-rejects deletes the rows" '0 a|1 b|2' \
	    "$(load --delete-despite-rejects) $(rows)"
	is "$k --delete-despite-rejects: the record is rejected" \
	    '3 0 0 2 0 1 2' "$(outcome)"
	put '{"k":"a","n":1}' '{"k":"b","n":2}' x
	is "$k a record without a readable key, and all rows came: exit code 0" \
	    0 "$(load)"

	# Rejects of earlier stages.
	fill
	marked 1 '{"k":"a","n":1}' '{"k":"b","n":2}'
	refuses 65 'an earlier stage has rejected a record aside' \
	    '1 rejected record'
	is "$k an earlier stage, --delete-despite-rejects: exit code 0" \
	    0 "$(load --delete-despite-rejects)"
	is "$k an earlier stage, --delete-despite-rejects: the rows are gone" \
	    'a|1 b|2' "$(rows)"
	fill
	for raw in '{"k":"c"}' x; do
		put '{"k":"a","n":1}' '{"k":"b","n":2}' '{"k":"d","n":2}' "$raw"
		rc=0
		cp "$scratch/in" "$scratch/in.ndjson"
		etl-extract --stream s "$scratch/in.ndjson" 3>&- |
		    etl-transform 'if .n == null then error("no n") else . end' \
		    3>&- | etl-load -v --db "$db" --table t --mode mirror \
		    2>"$scratch/err" 3>&- || rc=$?
		case $raw in
		x) is "$k a reject line without a key: exit code 65" 65 $rc
			is "$k a reject line without a key: no row is deleted" \
			    'a|1 b|2 c|3 d|2' "$(rows)" ;;
		*) is "$k a reject line with a key: exit code 0" 0 $rc
			is "$k a reject line with a key: the row stays" \
			    'a|1 b|2 c|3 d|2' "$(rows)" ;;
		esac
	done

	# Complete streams.
	fill
	put '{"k":"a","n":9}' '{"k":"b","n":9}'
	is "$k plain input from a pipe: exit code 65" 65 "$(piped)"
	is "$k plain input from a pipe changes nothing" \
	    'a|1 b|2 c|3 d|4' "$(rows)"
	is "$k plain input from a pipe with --complete" '0 a|9 b|9' \
	    "$(piped --complete) $(rows)"
	fill
	put '{"@etl":"begin","v":1,"id":"cut","stages":["extract"]}' \
	    '{"k":"a","n":9}'
	refuses 75 'a stream that was cut' 'nothing was loaded' \
	    --max-deletes 100%
	first_read | sed 's/"day"/"k"/' >"$scratch/in"
	is "$k the first stream of a checkpoint is loaded: exit code 0" \
	    0 "$(load)"
	is "$k the rows that the first stream lacks are gone" 'a|1 b|2' "$(rows)"
	sed 's/"from":null/"from":"2"/; s/"version":0/"version":1/; s/"parts"/"more"/' \
	    "$scratch/in" >"$scratch/more"
	mv "$scratch/more" "$scratch/in"
	refuses 78 'an increment' 'full|checkpoint'
	{
		stream one '{"k":"a","n":1}'
		stream two '{"k":"b","n":2}'
	} >"$scratch/in"
	is "$k a second stream in the input: exit code 78" \
	    78 "$(load --max-deletes 100%)"
	is "$k a second stream in the input: the first one is loaded" \
	    'a|1' "$(rows)"
	fill
	stream ledger '{"k":"a","n":8}' >"$scratch/in"
	is "$k the ledger counts the removed rows" \
	    '0 {"stage":"load","in":1,"inserted":0,"updated":1,"unchanged":0,"superseded":0,"skipped":0,"deleted":0,"removed":3,"rejected":0}' \
	    "$(load --max-deletes 75%) $(sql "SELECT counts FROM etl_loads
	    WHERE stream_id = 'ledger'" | jq -c '.[1]')"

	# Soft deletes.
	for mark in timestamp date boolean "boolean NOT NULL DEFAULT false"; do
		sql "DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY, n int,
		    seen timestamp, gone $mark)"
		case $mark in
		boolean*) dead='gone' value="gone = true" ;;
		date) dead='gone IS NOT NULL' value='gone = current_date' ;;
		*) dead='gone IS NOT NULL'
			value="substr(CAST(gone AS text), 1, 10) = substr(CAST(current_timestamp AS text), 1, 10)" ;;
		esac
		put '{"k":"a","n":1}' '{"k":"b","n":2}' '{"k":"c","n":3}'
		is "$k $mark: new rows are not marked" '0 3' \
		    "$(load --soft-delete gone --touch seen) $(sql "SELECT count(*) FROM t
		    WHERE ($dead) IS NOT TRUE")"
		sql 'UPDATE t SET seen = NULL'
		put '{"k":"a","n":1}' '{"k":"b","n":2}'
		is "$k $mark: a row that did not come is marked" '0 c|3|1' \
		    "$(load --soft-delete gone --touch seen) $(sql "SELECT k, n,
		    CAST($value AS int) FROM t WHERE $dead")"
		is "$k $mark: it counts as removed" '2 0 0 2 0 0 1' "$(outcome)"
		is "$k $mark: --touch sets its time" c "$(sql 'SELECT k FROM t
		    WHERE seen IS NOT NULL')"
		sql 'UPDATE t SET seen = NULL'
		is "$k $mark: a row that is marked is not marked again" \
		    '0 2 0 0 2 0 0 0 0' "$(load --soft-delete gone --touch seen
		    ) $(outcome) $(sql 'SELECT count(seen) FROM t')"
		put '{"k":"c","n":3}' '{"k":"a","n":1}'
		is "$k $mark: a row that comes again is not marked any more" \
		    '0 2 0 1 1 0 0 1 b' "$(load --soft-delete gone) $(outcome
		    ) $(sql "SELECT k FROM t WHERE $dead")"
		put '{"k":"a"}'
		is "$k $mark: the limit is a part of the rows without a mark" \
		    '1 0' "$(load --soft-delete gone --max-deletes 49%
		    ) $(load --soft-delete gone)"
		put '{"k":"c"}' '{"k":"a"}'
		is "$k $mark: a record with its key only removes the mark" \
		    '0 2 0 1 1 0 0 0' "$(load --soft-delete gone) $(outcome)"
		put '{"k":"c"}' '{"k":"a","gone":null}'
		is "$k $mark: a record may not set the column" 'schema /gone' \
		    "$(load --soft-delete gone >"$scratch/rc"; jq -r \
		    '.code + " " + .pointer' "$scratch/aside")"
		: >"$scratch/in"
		is "$k $mark: an empty file marks all rows" '0 3' \
		    "$(load --soft-delete gone --max-deletes 100%) $(sql \
		    "SELECT count(*) FROM t WHERE $dead")"
	done
	sql 'DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY, n int,
	    at timestamp NOT NULL, gone timestamp)'
	put '{"k":"a"}'
	refuse() {
		is "$k $1: exit code 78" 78 "$(load --soft-delete "$2" --touch at)"
		like "$k $1: the message says why" "$3" "$(cat "$scratch/err")"
	}
	refuse '--soft-delete of an int' n 'type "(int|INT)'
	refuse '--soft-delete of a column of the key' k 'part of the key'
	refuse '--soft-delete of the column of --touch' at 'same column'
	is "$k --soft-delete of a column that is NOT NULL: exit code 78" \
	    78 "$(load --soft-delete at)"
	sql 'DROP TABLE t'
done
done_testing
