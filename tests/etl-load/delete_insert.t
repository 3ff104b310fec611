#!/bin/sh
# --mode delete-insert: the loader deletes the scopes of a stream, which are the
# values of the columns of --scope in its records, and inserts the records, in
# one transaction.
. tests/support/lib.sh
. tests/etl-load/old_rows.sh

begin='{"@etl":"begin","v":1,"id":"i","stages":["extract"]}'
# end N: the mark end of a stream of N records.
end() {
	printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":%d,' "$1"
	echo '"dropped":0,"rejected":0}]}'
}
# load OPTION...: loads the file $scratch/in and prints the exit status.
load() {
	rm -f "$scratch/aside"
	status etl-load -v --db "$db" --table t --mode delete-insert \
	    --rejects "$scratch/aside" --marked "$@" <"$scratch/in"
}
# piped OPTION...: the same from a pipe.
piped() {
	rc=0
	sed '' "$scratch/in" | etl-load --db "$db" --table t \
	    --mode delete-insert "$@" >"$scratch/err" 2>&1 || rc=$?
	echo $rc
}
rows() {
	sql 'SELECT day, n FROM t ORDER BY day, n'
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql "CREATE TABLE t (day text, n int CHECK (n < 100), at timestamptz);
	    INSERT INTO t (day, n) VALUES ('mon', 1), ('mon', 2), ('tue', 3),
	    ('wed', 4), (NULL, 5), (NULL, 6)"
	put '{"day":"mon","n":7}' '{"day":"thu","n":8}' '{"day":"mon","n":9}'
	is "$k two scopes: exit code 0" 0 "$(load --scope day)"
	is "$k two scopes: -v prints the removed rows apart from the records" \
	    '3 3 0 2' "$(counts)"
	is "$k only the rows of the scopes in the stream are replaced" \
	    "$(printf '%s\n' '|5' '|6' 'mon|7' 'mon|9' 'thu|8' 'tue|3' \
	    'wed|4' | sort)" "$(rows | sort)"
	is "$k the same load again gives the same rows: exit code 0" \
	    0 "$(load --scope day)"
	is "$k the same load again removes what it had inserted" \
	    '3 3 0 3' "$(counts)"
	put '{"day":null,"n":10}'
	is "$k a scope that is null: exit code 0" 0 "$(load --scope day)"
	is "$k the rows whose scope is null are replaced" '1 1 0 2' "$(counts)"
	put '{"n":11}' '{"day":"tue","n":12}'
	is "$k a record without the column of the scope: exit code 0" \
	    0 "$(load --scope day --max-rejects 1)"
	is "$k a record without the column of the scope is rejected: required" \
	    'required /day' "$(jq -r '.code + " " + .pointer' "$scratch/aside")"
	is "$k the scope of the other record is replaced" '2 1 1 1' "$(counts)"

	# Rejected records.
	put '{"day":"wed","n":200}' '{"day":"tue","n":"x"}' '{"day":"mon","z":1}' \
	    '{"day":"fri","n":1}'
	refuses 65 'rejected records of scopes that have rows' \
	    'rows of 3 scopes of which a record was rejected.*--delete-despite-rejects' \
	    --scope day --max-rejects 100%
	is "$k --delete-despite-rejects: exit code 0" \
	    0 "$(load --scope day --max-rejects 100% --delete-despite-rejects)"
	is "$k --delete-despite-rejects: these scopes are replaced too" \
	    '4 1 3 4' "$(counts)"
	is "$k the rejects have their codes" 'constraint
type
schema' "$(jq -r .code "$scratch/aside" | if [ $kind = sqlite ]; then cat; else
	    sed 's/^range$/type/'; fi)"

	sql "DELETE FROM t; INSERT INTO t (day, n) VALUES ('mon', 1), ('tue', 2)"
	put '{"day":"mon","n":3,"day":"tue"}'
	is "$k a record that has the scope twice: exit code 0" \
	    0 "$(load --scope day --max-rejects 100%)"
	is "$k a record that has the scope twice empties no scope" \
	    'mon|1 tue|2' "$(rows | xargs)"
	is "$k with --duplicate-members last the last one counts" \
	    '0 mon|1 tue|3' "$(load --scope day --duplicate-members last
	    ) $(rows | xargs)"

	# Which rejected records keep the old rows.
	sql "DELETE FROM t; INSERT INTO t (day, n) VALUES ('mon', 1),
	    ('tue', 2), (NULL, 3)"
	put '{"day":"mon","n":4}' '{"day":"new","n":200}' '{"day":"new","n":5}'
	is "$k a rejected record of a scope without rows: exit code 0" 0 \
	    "$(load --scope day --max-rejects 100%)"
	is "$k the other records of this scope are loaded" \
	    'mon|4 new|5 tue|2 |3' \
	    "$(rows | sed 's/^|/z|/' | sort | sed 's/^z//' | xargs)"
	put '{"day":"mon","n":6}' '{"n":7}' 'x'
	is "$k rejected records without a scope: exit code 0" 0 \
	    "$(load --scope day --max-rejects 100%)"
	put '{"day":"tue","n":6}' '{"day":null,"n":200}'
	refuses 65 'a rejected record whose scope is null' \
	    'rows of 1 scope of which' --scope day --max-rejects 100%
	put '{"day":"tue","n":200}'
	refuses 65 'all records are rejected' 'rows of 1 scope of which' \
	    --scope day --max-rejects 100%
	refuses 65 'all records are rejected, --delete-despite-rejects' \
	    'would only delete 1 row.*--allow-empty' --scope day \
	    --max-rejects 100% --delete-despite-rejects
	refuses 65 'all records are rejected, --allow-empty' \
	    'rows of 1 scope of which' --scope day --max-rejects 100% \
	    --allow-empty
	reject='{"@etl":"reject","v":1,"id":"a","occurrence":"x/extract.1/1","stage":"extract","code":"parse","message":"no","raw":"{\"day\":\"tue\",\"n\":1}","retryable":false,"at":"2026-01-01T00:00:00Z"}'
	put "$begin" "$reject" '{"day":"tue","n":8}' \
	    '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":1}]}'
	refuses 65 'an earlier stage has rejected a record of the scope' \
	    'rows of 1 scope of which' --scope day
	put "$begin" "$reject" '{"day":"mon","n":8}' \
	    '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":1}]}'
	is "$k an earlier stage has rejected a record of another scope: 0" 0 \
	    "$(load --scope day --again)"
	is "$k the other scope keeps its rows" 'mon|8 new|5 tue|2' \
	    "$(rows | grep -v '^|' | xargs)"
	seq 1001 | sed 's/.*/{"day":"m&","n":1}/' >"$scratch/in"
	echo '{"day":"tue","n":200}' >>"$scratch/in"
	refuses 65 'more than 1000 scopes, and a rejected record' \
	    'of which a record was rejected' --scope day

	# Scopes named by the user.
	sql "DELETE FROM t; INSERT INTO t (day, n) VALUES ('mon', 1), ('tue', 2),
	    ('wed', 3), (NULL, 4), ('[', 5)"
	put '{"day":"mon","n":6}'
	is "$k --scope-value: exit code 0" 0 "$(load --scope day \
	    --scope-value tue --scope-value '["["]' --scope-value '[null]' \
	    --scope-value mon)"
	is "$k --scope-value empties a scope of which no record came" \
	    "mon|6 wed|3 4" "$(rows | xargs | tr -d '\n') $(counts | cut -c7)"
	: >"$scratch/in"
	refuses 65 'an empty file with --scope-value' \
	    'would only delete 1 row: nothing was changed; give --allow-empty' \
	    --scope day --scope-value wed
	is "$k an empty file, a scope without rows: exit code 0" \
	    0 "$(load --scope day --scope-value none)"
	is "$k an empty file with --scope-value and --allow-empty: exit code 0" \
	    0 "$(load --scope day --scope-value wed --allow-empty)"
	is "$k --allow-empty empties the scope" 'mon|6' "$(rows)"
	: >"$scratch/in"
	is "$k an empty file without --scope-value: exit code 0" \
	    0 "$(load --scope day)"
	is "$k an empty file without --scope-value deletes nothing" \
	    'mon|6' "$(rows)"

	# Many records, in several parts of one transaction.
	sql "DELETE FROM t; INSERT INTO t (day, n) VALUES ('d1', 1), ('d9', 2)"
	seq 3000 | jq -c '{day: "d\(. % 7)", n: (. % 99)}' >"$scratch/in"
	is "$k 3000 records: exit code 0" 0 "$(load --scope day --batch 100)"
	is "$k a later part of the load keeps the rows of an earlier part" \
	    '3000 3000 0 1' "$(counts)"
	is "$k the table has all rows of 7 scopes and of one that did not come" \
	    3001 "$(sql 'SELECT count(*) FROM t')"

	# Complete streams.
	sql "DELETE FROM t; DELETE FROM etl_loads; INSERT INTO t (day, n) VALUES ('mon', 1)"
	put "$begin" '{"day":"mon","n":2}' "$(end 1)"
	is "$k a stream with its end mark: exit code 0" \
	    0 "$(piped --scope day)"
	is "$k a stream with its end mark is loaded from a pipe" 'mon|2' "$(rows)"
	is "$k the ledger counts the removed row" \
	    '{"stage":"load","in":1,"inserted":1,"updated":0,"unchanged":0,"superseded":0,"skipped":0,"deleted":0,"removed":1,"rejected":0}' \
	    "$(sql "SELECT counts FROM etl_loads" | jq -c '.[1]')"
	is "$k a stream that was loaded before: exit code 0" 0 "$(load --scope day)"
	is "$k a stream that was loaded before is skipped" 'mon|2' "$(rows)"
	put "${begin%id*}id\":\"cut\",\"stages\":[\"extract\"]}" \
	    '{"day":"mon","n":3}'
	refuses 75 'a stream that was cut' 'nothing was loaded' --scope day
	put '{"day":"mon","n":3}'
	is "$k plain input from a pipe: exit code 65" 65 "$(piped --scope day)"
	like "$k plain input from a pipe: the message names --complete" \
	    'complete.*--complete' "$(cat "$scratch/err")"
	is "$k plain input from a pipe changes nothing" 'mon|2' "$(rows)"
	is "$k plain input from a pipe with --complete: exit code 0" \
	    0 "$(piped --scope day --complete)"
	is "$k plain input from a pipe with --complete is loaded" 'mon|3' "$(rows)"

	# Increments and replays.
	mark='{"@etl":"checkpoint","name":"c","seq":1,"from":"5","version":1,"value":"6","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}'
	put '{"@etl":"begin","v":1,"id":"inc","checkpoint":"c","stages":["extract"]}' \
	    '{"day":"mon","n":4}' "$mark" \
	    "$(end 1 | sed 's/end",/end","seq":1,/')"
	refuses 78 'an increment' 'full|checkpoint' --scope day
	put "$(sed -n 1p "$scratch/in" | sed 's/"inc"/"none"/')" \
	    "$(end 0 | sed 's/end",/end","version":3,/')"
	refuses 78 'an increment without records' 'full|checkpoint' \
	    --scope day --scope-value mon --no-checkpoint
	put '{"@etl":"begin","v":1,"id":"first","checkpoint":"c","stages":["extract"]}' \
	    '{"day":"mon","n":4}' \
	    "$(echo "$mark" | sed 's/"from":"5","version":1/"from":null,"version":0/')" \
	    "$(end 1 | sed 's/end",/end","seq":1,/')"
	is "$k the first stream of a checkpoint: exit code 0" \
	    0 "$(load --scope day)"
	is "$k the first stream of a checkpoint moves the checkpoint" \
	    'c|6 mon|4' "$(sql "SELECT name, value FROM etl_checkpoints
	    WHERE name = 'c'") $(rows)"
	put '{"@etl":"begin","v":1,"id":"late","checkpoint":"c","stages":["extract"]}' \
	    '{"day":"mon","n":5}'
	refuses 78 'a stream whose checkpoint has a value is refused at once' \
	    'full|checkpoint' --scope day
	put '{"@etl":"begin","v":1,"id":"r","replay":true,"stage":"transform","stages":["extract"]}'
	refuses 78 'a replay' 'replay' --scope day

	# Two loads at the same time.
	mkfifo "$scratch/fifo.$kind"
	etl-load --db "$db" --table t --mode delete-insert --scope day \
	    --complete <"$scratch/fifo.$kind" 2>"$scratch/late" &
	late=$!
	exec 9>"$scratch/fifo.$kind"
	wait_until 10 sh -c "[ \$(ls /proc/$late/fd | wc -l) -gt 4 ]" || :
	sleep .3
	put '{"day":"mon","n":20}'
	is "$k the second of two loads: exit code 0" 0 "$(load --scope day)"
	echo '{"day":"mon","n":10}' >&9
	exec 9>&-
	rc=0
	wait $late || rc=$?
	is "$k the first of two loads, which ends last: exit code 75" 75 $rc
	like "$k it says that another load was faster" 'another' \
	    "$(cat "$scratch/late")"
	is "$k the rows of the load that was faster stay" 'mon|20' "$(rows)"

	# Several columns, and spellings that the database takes as equal.
	sql "DROP TABLE t;
	    CREATE TABLE t (day numeric, lang text, n int);
	    INSERT INTO t VALUES (1, 'de', 1), (1.0, 'en', 2), (1, NULL, 3),
	    (2, 'de', 4)"
	put '{"day":1.00,"lang":"de","n":5}' '{"lang":null,"day":"1","n":6}'
	is "$k several columns: exit code 0" 0 "$(load --scope day,lang \
	    --scope-value '[2.0,"de"]')"
	is "$k several columns: rows that are equal in all of them are removed" \
	    '2 2 0 3' "$(counts)"
	is "$k several columns: other rows stay" "2 5 6" \
	    "$(sql 'SELECT n FROM t ORDER BY n' | xargs)"
	refuses_in=$(sql 'SELECT count(*) FROM t')
	for value in x '[1]' '[1,"de",2]' '[1,{}' '["x","de"]'; do
		is "$k --scope-value '$value' does not fit: exit code 78 or 64" \
		    ok "$(case $(load --scope day,lang --scope-value "$value") in
		    64 | 78) echo ok ;;
		    esac)"
	done
	is "$k a --scope-value that does not fit deletes nothing" \
	    "$refuses_in" "$(sql 'SELECT count(*) FROM t')"

	# Other tables.
	sql "DROP TABLE t; CREATE TABLE t (day text PRIMARY KEY, n int);
	    INSERT INTO t VALUES ('mon', 1);
	    CREATE TABLE child (day text REFERENCES t ON DELETE CASCADE);
	    INSERT INTO child VALUES ('mon')"
	put '{"day":"mon","n":2}'
	refuses 78 'a table whose deleted rows delete rows of another table' \
	    'child' --scope day
	sql "DROP TABLE child; CREATE TABLE child (day text REFERENCES t);
	    INSERT INTO child VALUES ('mon')"
	refuses 65 'a row that another table refers to' 'child|FOREIGN KEY' \
	    --scope day
	sql 'DROP TABLE child'

	# Options.
	for options in '' '--scope day --key day' '--scope day --compare n' \
	    '--scope day,day' '--scope day --touch day'; do
		# shellcheck disable=SC2086
		is "$k the options $options: exit code 64 or 78" ok \
		    "$(case $(load $options) in 64 | 78) echo ok ;; esac)"
	done
	is "$k --scope with another mode: exit code 64" 64 "$(status etl-load \
	    --db "$db" --table t --scope day <"$scratch/in")"
	is "$k --complete with another mode: exit code 64" 64 "$(status etl-load \
	    --db "$db" --table t --complete <"$scratch/in")"
	refuses 78 'a column that is not there' 'no column "dya".*mean day' \
	    --scope dya
done

# Collations and types with an equality of their own.
db_new sqlite
sql "CREATE TABLE t (day text COLLATE NOCASE, n int);
    INSERT INTO t VALUES ('MON', 1), ('tue', 2)"
put '{"day":"mon","n":3}' '{"day":"Mon","n":4}'
is 'sqlite: scopes that differ in case only: exit code 0' 0 "$(load --scope day)"
is 'sqlite: the collation NOCASE makes them one scope' '2 2 0 1' "$(counts)"
db_new postgresql
sql "CREATE EXTENSION citext; CREATE TABLE t (day citext, n int);
    INSERT INTO t VALUES ('MON', 1), ('tue', 2)"
is 'postgresql: scopes that differ in case only: exit code 0' \
    0 "$(load --scope day)"
is 'postgresql: the type citext makes them one scope' '2 2 0 1' "$(counts)"
sql "DROP TABLE t; CREATE TABLE t (day text, shop int, n int);
    INSERT INTO t SELECT 'd' || i % 120, NULL, i
    FROM generate_series(1, 600) AS i;
    INSERT INTO t VALUES (NULL, NULL, 1), (NULL, 5, 2), ('d1', 5, 3),
    (NULL, 6, 4), ('d2', 6, 5)"
seq 100 | jq -c '{day: "d\(.)", shop: null, n: 0}' >"$scratch/in"
printf '%s\n' '{"day":null,"shop":null,"n":-1}' \
    '{"day":null,"shop":5,"n":-2}' '{"day":"d1","shop":5,"n":-3}' \
    >>"$scratch/in"
is 'postgresql: 100 scopes with a null, and three others: exit code 0' \
    0 "$(load --scope day,shop)"
is 'postgresql: the rows that are null in the same columns are replaced' \
    '103 103 0 503 -3,-2,-1,4,5' "$(counts) $(sql "SELECT
    string_agg(n::text, ',' ORDER BY n) FROM t
    WHERE day IS NULL OR shop IS NOT NULL")"
sql 'DROP TABLE t; CREATE TABLE t (day json, n int)'
put '{"day":1,"n":1}'
is 'postgresql: a type without equality as scope: exit code 78' \
    78 "$(load --scope day)"
sql "DROP TABLE t; CREATE TABLE t (day date, n int);
    INSERT INTO t VALUES ('2026-01-30', 1)"
put '{"day":"2026-01-30T10:00:00Z","n":1}' '{"day":"2026-01-31","n":2}' \
    '{"day":"soon","n":3}'
is 'postgresql: scopes of type date: exit code 0' \
    0 "$(load --scope day --max-rejects 2)"
is 'postgresql: a value that the column would change names no scope' \
    '3 1 2 0' "$(counts)"
done_testing
