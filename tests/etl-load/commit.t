#!/bin/sh
# The answer to COMMIT is lost, where it was done and where it was not: the
# batch is in the table once, and so are its letters. COMMITS=50 does so as
# often with streams of checkpoints, in each mode.
. tests/support/lib.sh
db_new postgresql
base=${db##*/}

# through WHEN [N [dead]]: etl-load goes through a server that cuts the first
# COMMIT, or the Nth; sets $via.
through() {
	cuts=$((${cuts:-0} + 1))
	mkdir "$scratch/cut$cuts"
	cut=$1
	shift
	python3 tests/etl-load/cut_commit.py "$cut" "$scratch/cut$cuts" "$@" \
	    >"$scratch/cut.log" 2>&1 &
	proxy=$!
	at_exit "kill $proxy 2>/dev/null"
	wait_until 10 test -S "$scratch/cut$cuts/.s.PGSQL.1"
	via="postgresql:///$base?host=$scratch/cut$cuts&port=1&gssencmode=disable"
}
load() {
	status etl-load --db "$via" --table t --backoff 10ms..20ms \
	    --rejects "$scratch/aside" "$@" <"$scratch/in"
}
check_rows() {
	is "$1: rows" '199|199' \
	    "$(sql 'SELECT count(*), count(DISTINCT k) FROM t')"
	is "$1: rejects aside, each once" "$2" "$(wc -l <"$scratch/aside")"
	kill $proxy
	wait $proxy 2>/dev/null || :
}

sql 'CREATE TABLE t (k int, n int CHECK (n < 200))'
sql 'CREATE UNIQUE INDEX tk ON t (k)'
sql 'DROP INDEX tk'
for when in before after; do
	for batch in 1000 60; do
		sql 'TRUNCATE t'
		: >"$scratch/aside"
		seq 200 | jq -c '{k: ., n: .}' >"$scratch/in"
		through "$when"
		is "append, $when, $batch" 0 "$(load --batch $batch)"
		check_rows "append, $when, $batch" 1
	done
	through "$when"
	is "append, $when, no try left" 75 "$(load --retries 0)"
	like "append, $when, no try left: nobody knows" 'so the last batch may or may not have been loaded: ' \
	    "$(cat "$scratch/err")"
	kill $proxy
	wait $proxy 2>/dev/null || :
	sql 'TRUNCATE t; CREATE UNIQUE INDEX tk ON t (k)'
	: >"$scratch/aside"
	through "$when"
	is "upsert, $when" 0 "$(load -v --key k --batch 60)"
	like "upsert, $when: counts" '200 in, 199 inserted,.* 1 rejected' \
	    "$(cat "$scratch/err")"
	check_rows "upsert, $when" 1
	sql 'DROP INDEX tk'

	# Marked: the ledger decides; letters are in the same transaction.
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
	through "$when"
	is "stream, $when" 0 "$(status etl-load -v --db "$via" --table t \
	    --backoff 10ms..20ms <"$scratch/marked")"
	like "stream, $when: counts" '200 in, 199 inserted,.* 1 rejected' \
	    "$(cat "$scratch/err")"
	check_rows "stream, $when" 0
	is "stream, $when: ledger" '1|t' "$(sql "SELECT batch, ended
	    FROM etl_loads WHERE stream_id = '$when'")"
	is "stream, $when: letter" 1 "$(sql "SELECT count(*)
	    FROM dead_letter_attempts")"
	sql 'TRUNCATE dead_letters CASCADE' 2>"$scratch/out"
done

# The line is cut while the loader looks at the table.
sql 'TRUNCATE t'
: >"$scratch/aside"
for word in row_security_active tginitdeferred; do
	export CUT_AT=$word
	through before
	unset CUT_AT
	is "cut at $word" 0 "$(load --retries 1)"
	kill $proxy
	wait $proxy 2>/dev/null || :
done
is 'cut before the first batch: rows' 398 "$(sql 'SELECT count(*) FROM t')"

# Another record is refused the second time: what is aside by then stays, and
# is not taken for the same occurrence.
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
through before
is 'another reject the second time' 0 "$(load --retries 1)"
is 'another reject the second time: both are aside' '{"k":1,"n":1}
{"k":5,"n":5}' "$(jq -r .raw "$scratch/aside")"
is 'another reject the second time: two occurrences' 2 \
    "$(jq -r .occurrence "$scratch/aside" | sort -u | wc -l)"
kill $proxy
wait $proxy 2>/dev/null || :
sql 'DROP FUNCTION refuse CASCADE' 2>"$scratch/out"

# Streams with checkpoints, in a table whose rows a second try refuses.
. tests/etl-load/marked.sh
sql 'DROP TABLE t; CREATE TABLE t (k text PRIMARY KEY, n int)'
clear_all() {
	sql 'TRUNCATE t, etl_checkpoints, etl_loads, dead_letters CASCADE' \
	    2>"$scratch/out"
}
# go OPTION...: the stream through the server that cuts, then it goes.
go() {
	rc=$(status timeout 60 etl-load -v --db "$via" --table t \
	    --backoff 10ms..20ms --batch 1 "$@" <"$scratch/in")
	kill $proxy
	wait $proxy 2>/dev/null || :
}
rows() {
	sql 'SELECT k FROM t ORDER BY k' | paste -sd ' '
}
points_in() {
	points s
	rec '{"k":"a","n":1}' '{"k":"b","n":1}'
	mark 1
	rec '{"k":"c","n":1}' '{"k":"d","n":"x"}'
	bad aa 1
	mark 2
	end
}
found() {
	echo "$(rows) $(checkpoint) $(ledger s) $(sql "SELECT counts->1->>'in',
	    counts->1->>'inserted', counts->1->>'rejected' FROM etl_loads") $(
	    sql 'SELECT count(*), sum(attempts) FROM dead_letters')"
}
clear_all
points_in
for when in before after late; do
	for mode in append upsert ignore; do
		odd='' times=0
		while [ $times -lt "${COMMITS:-1}" ]; do
			times=$((times + 1))
			through "$when" $((times % 3 + 1))
			go --mode $mode
			found="$rc $(found)"
			[ "$found" = '0 a b c 2|2 3|2|2|1 4|3|1 2|2' ] ||
				odd="$odd $times: $found"
			clear_all
		done
		is "points, $when, $mode, $times times" '' "$odd"
	done
	# The tries are used up: what was done is known all the same; what was
	# not never will be.
	through "$when"
	go --retries 0
	case $when in
	before)
		is 'not done, no try left' '75   0|0|0|0 || 0|' "$rc $(found)"
		is 'its place is taken' t "$(sql 'SELECT taken FROM etl_loads')"
		is 'the stream given again' '0 a b c 2|2 5|2|2|1 4|3|1 2|2' \
		    "$(load --batch 1) $(found)"
		;;
	*)
		is "done $when, no try left" '0 a b c 2|2 3|2|2|1 4|3|1 2|2' \
		    "$rc $(found)"
		;;
	esac
	if [ "$when" = late ]; then
		clear_all
		through late
		PGOPTIONS='-c default_transaction_isolation=serializable' \
		    go --retries 0
		is 'done late, where all is serializable' \
		    '0 a b c 2|2 3|2|2|1 4|3|1 2|2' "$rc $(found)"
	fi
	clear_all
	through "$when" 1 dead
	go --retries 1
	is "$when, and no server any more" 75 "$rc"
	like "$when, and no server any more: nobody knows" \
	    'so the last batch may or may not have been loaded: ' \
	    "$(cat "$scratch/err")"
	[ "$when" != late ] || sleep 0.6
	is "$when, and no server any more: the stream again" 0 "$(load --batch 1)"
	is "$when, the stream again: each once" 'a b c 2|2' \
	    "$(rows) $(checkpoint)"
	clear_all

	# So many rows are refused the second time that it is a stop.
	points many
	seq 30 | jq -c '{k: "\(.)", n: .}' >>"$scratch/in"
	out=30
	mark 1
	end
	through "$when"
	go --mode append
	is "many, $when" '0 30 1|1 2|1|1|1' "$rc $(sql 'SELECT count(*)
	    FROM t') $(checkpoint) $(ledger many)"
	clear_all

	# A replay: a letter that is resolved already is not a lost race.
	stream "r0"
	bad aa 1
	end
	load >"$scratch/out"
	stream r1 '"replay":true,"stage":"extract",'
	rec '{"k":"a","n":1}'
	resolve aa 1 0
	end
	through "$when"
	go
	is "replay, $when" '0 a aa|1|1|resolved 2|1|0|1' \
	    "$rc $(rows) $(letters) $(ledger r1)"
	clear_all
	points_in
done
done_testing
