#!/bin/sh
# The answer to COMMIT is lost, where it was done and where it was not: the
# batch is in the table once, and so are its letters.
. tests/support/lib.sh
db_new postgresql
base=${db##*/}

# through before|after: etl-load goes through a server that cuts the first
# COMMIT; sets $via.
through() {
	cuts=$((${cuts:-0} + 1))
	mkdir "$scratch/cut$cuts"
	python3 tests/etl-load/cut_commit.py "$1" "$scratch/cut$cuts" \
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
		through $when
		is "append, $when, $batch" 0 "$(load --batch $batch)"
		check_rows "append, $when, $batch" 1
	done
	sql 'TRUNCATE t; CREATE UNIQUE INDEX tk ON t (k)'
	: >"$scratch/aside"
	through $when
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
		    $when
		seq 200 | jq -c '{k: ., n: .}'
		echo '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":200,"dropped":0,"rejected":0}]}'
	} >"$scratch/marked"
	sed '1s/before\|after/control/; 2,$d' "$scratch/marked" |
	    etl-load --db "$db" --table t 2>"$scratch/out" || :
	through $when
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
done_testing
