#!/bin/sh
# The connection is lost at COMMIT: before the server gets the COMMIT, after
# the server has answered, or late (the server gets the COMMIT half a second
# after the client lost the connection). In each case the rows and the dead
# letters of the batch are stored once. COMMITS=50 repeats each test of a
# stream with checkpoints 50 times.
. tests/support/lib.sh
db_new postgresql
base=${db##*/}

# start_proxy WHEN [N [dead]]: starts a proxy of the server that cuts the
# connection at the first COMMIT, or at the Nth. Sets $proxy_url.
start_proxy() {
	cuts=$((${cuts:-0} + 1))
	mkdir "$scratch/cut$cuts"
	cut=$1
	shift
	python3 tests/etl-load/cut_commit.py "$cut" "$scratch/cut$cuts" "$@" \
	    >"$scratch/cut.log" 2>&1 &
	proxy=$!
	at_exit "kill $proxy 2>/dev/null"
	wait_until 10 test -S "$scratch/cut$cuts/.s.PGSQL.1"
	proxy_url="postgresql:///$base?host=$scratch/cut$cuts&port=1&gssencmode=disable"
}
load() {
	status etl-load --db "$proxy_url" --table t --backoff 10ms..20ms \
	    --rejects "$scratch/aside" "$@" <"$scratch/in"
}
check_rows_and_stop_proxy() {
	is "$1: each accepted record has one row" '199|199' \
	    "$(sql 'SELECT count(*), count(DISTINCT k) FROM t')"
	is "$1: the file of --rejects has $2 lines" \
	    "$2" "$(wc -l <"$scratch/aside")"
	kill $proxy
	wait $proxy 2>/dev/null || :
}

sql 'CREATE TABLE t (k int, n int CHECK (n < 200))'
sql 'CREATE UNIQUE INDEX tk ON t (k)'
sql 'DROP INDEX tk'
sql 'TRUNCATE t; CREATE UNIQUE INDEX tk ON t (k)'
: >"$scratch/aside"
seq 200 | jq -c '{k: ., n: .}' >"$scratch/in"
start_proxy fatal
is 'a pool has lost the server and says so first: etl-load exits with 0' 0 \
    "$(load --key k --batch 60 --expect 'max(n)<200')"
check_rows_and_stop_proxy 'a pool has lost the server and says so first' 1
sql 'DROP INDEX tk'

for when in before after; do
	for batch in 1000 60; do
		sql 'TRUNCATE t'
		: >"$scratch/aside"
		seq 200 | jq -c '{k: ., n: .}' >"$scratch/in"
		start_proxy "$when"
		is "append, --batch $batch, COMMIT cut ($when): etl-load exits with 0" \
		    0 "$(load --batch $batch)"
		check_rows_and_stop_proxy \
		    "append, --batch $batch, COMMIT cut ($when)" 1
	done
	start_proxy "$when"
	is "append, --retries 0, COMMIT cut ($when): etl-load exits with 75" \
	    75 "$(load --retries 0)"
	like "append, --retries 0, COMMIT cut ($when): the outcome is reported as unknown" \
	    'so the last batch may or may not have been loaded: ' \
	    "$(cat "$scratch/err")"
	kill $proxy
	wait $proxy 2>/dev/null || :
	sql 'TRUNCATE t; CREATE UNIQUE INDEX tk ON t (k)'
	: >"$scratch/aside"
	start_proxy "$when"
	is "upsert, COMMIT cut ($when): etl-load exits with 0" \
	    0 "$(load -v --key k --batch 60)"
	like "upsert, COMMIT cut ($when): -v counts each record once" \
	    '200 in, 199 inserted,.* 1 rejected' \
	    "$(cat "$scratch/err")"
	check_rows_and_stop_proxy "upsert, COMMIT cut ($when)" 1
	sql 'DROP INDEX tk'

	# For a marked stream, etl-load reads in the ledger whether the lost
	# COMMIT was done. The dead letters are in the same transaction.
	sql 'TRUNCATE t'
	: >"$scratch/aside"
	{
		printf '{"@etl":"begin","v":1,"id":"%s","stages":["extract"]}\n' \
		    "$when"
		seq 200 | jq -c '{k: ., n: .}'
		echo '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":200,"dropped":0,"rejected":0}]}'
	} >"$scratch/marked"
	sed '1s/before\|after/control/; 2,$d' "$scratch/marked" |
	    etl-load --db "$db" --table t 2>"$scratch/out" || :
	start_proxy "$when"
	is "marked stream, COMMIT cut ($when): etl-load exits with 0" \
	    0 "$(status etl-load -v --db "$proxy_url" --table t \
	    --backoff 10ms..20ms <"$scratch/marked")"
	like "marked stream, COMMIT cut ($when): -v counts each record once" \
	    '200 in, 199 inserted,.* 1 rejected' \
	    "$(cat "$scratch/err")"
	check_rows_and_stop_proxy "marked stream, COMMIT cut ($when)" 0
	is "marked stream, COMMIT cut ($when): the ledger has one batch and has ended" \
	    '1|t' "$(sql "SELECT batch, ended
	    FROM etl_loads WHERE stream_id = '$when'")"
	is "marked stream, COMMIT cut ($when): the dead letter has one occurrence" \
	    1 "$(sql "SELECT count(*)
	    FROM dead_letter_attempts")"
	sql 'TRUNCATE dead_letters CASCADE' 2>"$scratch/out"
done

# The connection is cut while etl-load reads the definition of the table.
sql 'TRUNCATE t'
: >"$scratch/aside"
for word in row_security_active tginitdeferred; do
	export CUT_AT=$word
	start_proxy before
	unset CUT_AT
	is "connection cut at the query for $word: etl-load exits with 0" \
	    0 "$(load --retries 1)"
	kill $proxy
	wait $proxy 2>/dev/null || :
done
is 'connection cut before the first batch: each load inserts its rows once' \
    398 "$(sql 'SELECT count(*) FROM t')"

# The trigger refuses one record in the first try of the batch and another
# record in the retry. The reject of the first try stays in the file, and the
# reject of the retry has an occurrence of its own.
sql 'DROP TABLE t; CREATE TABLE t (k int, n int); CREATE SEQUENCE first'
sql "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    IF NOT (SELECT is_called FROM first) THEN
        PERFORM setval('first', txid_current()); END IF;
    IF new.n = (CASE txid_current() WHEN (SELECT last_value FROM first)
        THEN 1 ELSE 5 END) THEN RAISE 'refused'; END IF;
    RETURN new; END \$\$"
sql 'CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW
    EXECUTE FUNCTION refuse()'
: >"$scratch/aside"
seq 30 | jq -c '{k: ., n: .}' >"$scratch/in"
start_proxy before
is 'the retry rejects another record: etl-load exits with 0' \
    0 "$(load --retries 1)"
is 'the retry rejects another record: the reject file has both records' \
    '{"k":1,"n":1}
{"k":5,"n":5}' "$(jq -r .raw "$scratch/aside")"
is 'the retry rejects another record: the rejects have two occurrences' 2 \
    "$(jq -r .occurrence "$scratch/aside" | sort -u | wc -l)"
kill $proxy
wait $proxy 2>/dev/null || :
sql 'DROP FUNCTION refuse CASCADE' 2>"$scratch/out"

# Streams with checkpoints. The table has a primary key, so it would refuse
# the rows of a committed batch if etl-load loaded them a second time.
. tests/etl-load/marked.sh
sql 'DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY, n int)'
clear_all() {
	sql 'TRUNCATE t, etl_checkpoints, etl_loads, dead_letters CASCADE' \
	    2>"$scratch/out"
}
# load_through_proxy OPTION...: loads $scratch/in, then stops the proxy.
# Sets $rc.
load_through_proxy() {
	rc=$(status timeout 60 etl-load -v --db "$proxy_url" --table t \
	    --backoff 10ms..20ms --marked --batch 1 "$@" <"$scratch/in")
	kill $proxy
	wait $proxy 2>/dev/null || :
}
rows() {
	sql 'SELECT k FROM t ORDER BY k' | paste -sd ' '
}
write_checkpoint_stream() {
	checkpoint_stream s
	rec '{"k":"a","n":1}' '{"k":"b","n":1}'
	checkpoint_mark 1
	rec '{"k":"c","n":1}' '{"k":"d","n":"x"}'
	reject aa 1
	checkpoint_mark 2
	end
}
stored_state() {
	echo "$(rows) $(checkpoint) $(ledger s) $(sql "SELECT counts->1->>'in',
	    counts->1->>'inserted', counts->1->>'rejected' FROM etl_loads") $(
	    sql 'SELECT count(*), sum(attempts) FROM dead_letters')"
}
clear_all
write_checkpoint_stream
for when in before after late; do
	for mode in append upsert ignore; do
		odd='' times=0
		while [ $times -lt "${COMMITS:-1}" ]; do
			times=$((times + 1))
			start_proxy "$when" $((times % 3 + 1))
			load_through_proxy --mode $mode
			found="$rc $(stored_state)"
			[ "$found" = '0 a b c 2|2 3|2|2|1 4|3|1 2|2' ] ||
				odd="$odd $times: $found"
			clear_all
		done
		is "checkpoints, $mode, COMMIT cut ($when): $times loads store all of it once" \
		    '' "$odd"
	done
	# With --retries 0 etl-load still finds out whether the COMMIT was done.
	# If it was not done, etl-load closes the row of the ledger (column
	# taken), so that the server can never do this COMMIT later.
	start_proxy "$when"
	load_through_proxy --retries 0
	case $when in
	before)
		is '--retries 0, COMMIT not done: etl-load exits with 75 and stores nothing' \
		    '75   0|0|0|0 || 0|' "$rc $(stored_state)"
		is '--retries 0, COMMIT not done: etl-load closes the row of the ledger' \
		    t "$(sql 'SELECT taken FROM etl_loads')"
		is '--retries 0, COMMIT not done: a second load stores all of it once' \
		    '0 a b c 2|2 5|2|2|1 4|3|1 2|2' \
		    "$(load --batch 1) $(stored_state)"
		;;
	*)
		is "--retries 0, COMMIT done ($when): etl-load exits with 0, all is stored once" \
		    '0 a b c 2|2 3|2|2|1 4|3|1 2|2' \
		    "$rc $(stored_state)"
		;;
	esac
	if [ "$when" = late ]; then
		clear_all
		start_proxy late
		PGOPTIONS='-c default_transaction_isolation=serializable' \
		    load_through_proxy --retries 0
		is 'serializable isolation, --retries 0, COMMIT late: all is stored once' \
		    '0 a b c 2|2 3|2|2|1 4|3|1 2|2' "$rc $(stored_state)"
	fi
	clear_all
	start_proxy "$when" 1 dead
	load_through_proxy --retries 1
	is "COMMIT cut ($when), then no server: etl-load exits with 75" 75 "$rc"
	like "COMMIT cut ($when), then no server: the outcome is reported as unknown" \
	    'so the last batch may or may not have been loaded: ' \
	    "$(cat "$scratch/err")"
	[ "$when" != late ] || sleep 0.6
	is "COMMIT cut ($when), then no server: the second load exits with 0" \
	    0 "$(load --batch 1)"
	is "COMMIT cut ($when), then no server: the second load leaves each row once" \
	    'a b c 2|2' \
	    "$(rows) $(checkpoint)"
	clear_all

	# If etl-load loaded the committed batch again, the primary key would
	# refuse all 30 rows and etl-load would stop at its limit of rejects.
	checkpoint_stream many
	seq 30 | jq -c '{k: "\(.)", n: .}' >>"$scratch/in"
	out=30
	checkpoint_mark 1
	end
	start_proxy "$when"
	load_through_proxy --mode append
	is "append of 30 rows, COMMIT cut ($when): all is stored once" \
	    '0 30 1|1 2|1|1|1' "$rc $(sql 'SELECT count(*)
	    FROM t') $(checkpoint) $(ledger many)"
	clear_all

	# A replay: after the lost answer, etl-load finds the letter resolved.
	# Its own COMMIT has resolved the letter, so this is not a lost race.
	stream "r0"
	reject aa 1
	end
	load >"$scratch/out"
	stream r1 '"replay":true,"stage":"extract",'
	rec '{"k":"a","n":1}'
	resolve aa 1 0
	end
	start_proxy "$when"
	load_through_proxy
	is "replay, COMMIT cut ($when): the row and the resolved letter are stored once" \
	    '0 a aa|1|1|resolved 2|1|0|1' \
	    "$rc $(rows) $(letters) $(ledger r1)"
	clear_all
	write_checkpoint_stream
done
done_testing
