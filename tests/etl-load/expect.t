#!/bin/sh
# --expect: the tests of a load.  They are checked in its transaction: if one
# fails, nothing of the load is committed.
. tests/support/lib.sh
. tests/etl-load/marked.sh

records() {
	seq "$1" "$2" | sed 's/.*/{"id":&,"v":"x","n":&}/'
}
load() {
	status etl-load --db "$db" --table t --backoff 1ms..5ms --retries 0 \
	    --marked "$@"
}
rows() {
	sql 'SELECT count(*) FROM t'
}
# holds LABEL [OPTION...]: the load of $scratch/in succeeds; fails: its tests fail.
holds() {
	label=$1
	shift
	sql 'DELETE FROM t WHERE id < 1000'
	is "$kind: holds: $label" 0 "$(load "$@" <"$scratch/in")"
}
# fails LABEL FIGURE [OPTION...]: exit code 1, the message has FIGURE, no row.
fails() {
	label=$1 figure=$2
	shift 2
	sql 'DELETE FROM t WHERE id < 1000'
	is "$kind: fails: $label: exit code 1, and no row is stored" '1 2' \
	    "$(load "$@" <"$scratch/in") $(rows)"
	like "$kind: fails: $label: the message has the test and the figure" \
	    "--expect .*failed: $figure" "$(cat "$scratch/err")"
}

for kind in postgresql sqlite; do
	db_new $kind
	case $kind in
	sqlite) sql 'CREATE TABLE t (id integer PRIMARY KEY, v text, n integer,
	    at timestamptz, d integer DEFAULT 5);
	    INSERT INTO t (id, v) VALUES (5000, NULL), (5001, NULL)' ;;
	*) sql 'CREATE TABLE t (id integer PRIMARY KEY, v text, n integer,
	    at timestamptz, d integer DEFAULT 5);
	    INSERT INTO t (id, v) VALUES (5000, NULL), (5001, NULL)' ;;
	esac
	records 1 40 >"$scratch/in"
	for mode in '--key id' '--mode append' '--mode ignore'; do
		# shellcheck disable=SC2086
		holds "$mode: rows" $mode --expect 'rows>=40' \
		    --expect 'rows = 40' --expect 'rows<41' --expect 'rows!=3'
		# shellcheck disable=SC2086
		fails "$mode: rows" 'the load wrote 40 rows' $mode \
		    --expect 'rows>40'
		# The two rows that were there have NULL: they do not count.
		# shellcheck disable=SC2086
		holds "$mode: no written row has NULL" $mode \
		    --expect 'null(v)<=0%' --expect 'null( v )=0'
		# shellcheck disable=SC2086
		fails "$mode: NULL" '40 of 40 written rows have NULL' $mode \
		    --expect 'null(at)<5%'
		# shellcheck disable=SC2086
		holds "$mode: a default of the table counts" $mode \
		    --expect 'null(d)=0' --expect 'min(d)=5' --batch 7
		# shellcheck disable=SC2086
		fails "$mode: unique" '1 values come more than once' $mode \
		    --expect 'unique(v)'
		# shellcheck disable=SC2086
		holds "$mode: unique" $mode --expect 'unique(v,n)' \
		    --expect 'unique(id)' --expect 'unique(at)'
		# shellcheck disable=SC2086
		holds "$mode: min and max" $mode --expect 'max(id)<=40' \
		    --expect 'max(n)=40' --expect 'min(n)>0' \
		    --expect 'min(v)>=w' --batch 7
		# shellcheck disable=SC2086
		fails "$mode: max" 40 $mode --expect 'max(id)>=100'
		# shellcheck disable=SC2086
		fails "$mode: a column without a value" 'no written row has' \
		    $mode --expect 'max(at)>=now-1d'
	done
	# Unchanged rows were written too, those of other records were not.
	sql 'DELETE FROM t WHERE id < 1000'
	load --key id <"$scratch/in" >"$scratch/out"
	is "$kind: unchanged rows count" 0 "$(records 11 20 | load --key id \
	    --expect 'rows=10' --expect 'min(id)=11' --expect 'max(id)=20')"
	is "$kind: --mode ignore: skipped records do not count" 1 \
	    "$(records 31 50 | load --mode ignore --expect 'min(id)<41')"
	like "$kind: --mode ignore: the lowest is the first new row" \
	    'failed: 41;' "$(cat "$scratch/err")"

	# Times.
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	printf '%s\n' "{\"id\":1,\"at\":\"$now\"}" \
	    '{"id":2,"at":"2001-01-01T00:00:00Z"}' >"$scratch/in"
	holds 'a fresh time' --key id --expect 'max(at)>=now-1d' \
	    --expect 'max(at) <= now + 1h' --expect 'min(at)<now-90d' \
	    --expect 'min(at)>=2000-12-31'
	fails 'a stale time' 2001-01-01 --key id --expect 'min(at)>=now-1d'

	# Rejects of the loader.
	{
		records 1 30
		echo '{"id":"a"}'
	} >"$scratch/in"
	holds 'rejected' --key id --rejects "$scratch/r" --expect 'rejected<4%' \
	    --expect 'rejected<=1' --expect 'null(v)=0'
	fails 'rejected' '1 of 31 records were rejected' --key id \
	    --rejects "$scratch/r" --expect 'rejected<1%'
	# Rows that the table refuses, one by one, among rows with equal keys.
	{
		records 1 30
		records 1 5
		echo '{"id":900,"n":1,"unknown":1}'
		echo '{"id":901,"n":99999999999999999999}'
	} >"$scratch/in"
	holds 'equal keys are one row' --key id --rejects "$scratch/r" \
	    --expect 'rows=30' --expect 'unique(id)' --expect 'max(id)=30'
	: >"$scratch/in"
	fails 'an empty input' 'the load wrote 0 rows' --key id --expect 'rows>0'
	holds 'an empty input has no NULL' --key id --expect 'null(v)<1%'

	# Several tests fail: all are named.
	records 1 3 >"$scratch/in"
	fails 'two tests' 'the load wrote 3 rows' --key id --expect 'rows>5' \
	    --expect 'null(v)=0' --expect 'max(id)>7'
	like "$kind: two tests: the second one is named too" \
	    'warning: --expect max.id.>7 failed too: 3' "$(cat "$scratch/err")"

	# Tests that cannot be read, and columns that the table does not have.
	for test in 'rows' 'row>1' 'rows>' 'rows>x' 'rows>5%' 'rows(v)>1' \
	    'rejected<2*usual' 'null<5%' 'null()<5%' 'unique(v)>1' 'max(v)' \
	    'max(at)>now-soon' 'null(v)<0x10' ''; do
		is "$kind: '$test' is no test: exit code 64" 64 \
		    "$(load --key id --expect "$test" <"$scratch/in")"
	done
	is "$kind: an unknown column: exit code 78" 78 \
	    "$(load --key id --expect 'null(vv)<5%' <"$scratch/in")"
	like "$kind: an unknown column: the message offers the nearest" \
	    'no column "vv".*did you mean v\?' "$(cat "$scratch/err")"

	# The other modes, and a stream of several batches.
	records 1 20 >"$scratch/in"
	sql 'UPDATE t SET v = NULL'
	is "$kind: delete-insert: the rows of other scopes do not count" 0 \
	    "$(load --mode delete-insert --scope v --expect 'null(v)=0' \
	    --expect 'min(id)=1' --expect 'rows=20' <"$scratch/in")"
	for by in '' '--replace-by delete'; do
		was=$(rows)
		# shellcheck disable=SC2086
		is "$kind: replace $by: a test fails: the old rows stay" \
		    "1 $was" "$(records 1 3 | load --mode replace $by --complete \
		    --expect 'max(id)>=10') $(rows)"
		# shellcheck disable=SC2086
		is "$kind: replace $by: the tests hold" '0 20' \
		    "$(load --mode replace $by --expect 'max(id)=20' \
		    <"$scratch/in") $(rows)"
	done
	sql 'DELETE FROM t'
	is "$kind: no batch is committed before the tests" '1 0' \
	    "$(records 1 50 | load --key id --batch 10 --flush 1ms \
	    --expect 'max(id)<=45') $(rows)"

	# A marked stream of several batches, with and without checkpoints, is
	# judged as a whole.  Record 55 has the value of record 5.
	for mode in '--key id' '--mode append' '--mode ignore'; do
		for of in checkpoint_stream stream; do
			k="$kind, $of, $mode:"
			sql 'DELETE FROM t'
			id=$of$mode$kind
			# The first time there is no such table yet.
			sql 'DELETE FROM etl_checkpoints' >"$scratch/none" 2>&1 || :
			$of "$id"
			for n in 1 11 21 31 41 51; do
				records $n $((n + 9)) | sed 's/"n":55/"n":5/' >"$scratch/ten"
				cat "$scratch/ten" >>"$scratch/in"
				out=$((out + 10))
				[ $of = stream ] || checkpoint_mark $n
			done
			cp "$scratch/in" "$scratch/cut"
			end
			set -- --batch 10 --flush 1ms
			for test in 'rows>=61' 'rows<60' 'unique(n)' 'max(id)<=45' \
			    'null(at)<5%' 'max(id)<=10'; do
				# shellcheck disable=SC2086
				is "$k $test fails: nothing is stored, no checkpoint moves" \
				    '1 0 ' "$(load "$@" $mode --expect "$test" \
				    <"$scratch/in") $(rows) $(sql "SELECT count(*)
				    FROM etl_checkpoints" | grep -v '^0$' || :)"
				like "$k $test fails: the message says that nothing was committed" \
				    'failed: .*; nothing of this load was committed$' \
				    "$(cat "$scratch/err")"
			done
			# shellcheck disable=SC2086
			is "$k a cut stream stores nothing" '75 0' \
			    "$(load "$@" $mode --expect 'rows>=1' \
			    <"$scratch/cut") $(rows)"
			# shellcheck disable=SC2086
			is "$k the tests hold: all is stored" '0 60' \
			    "$(load "$@" $mode --expect 'rows=60' --expect 'unique(id)' \
			    --expect 'max(id)=60' <"$scratch/in") $(rows)"
			[ $of = stream ] || is "$k the last checkpoint is stored, in one commit" \
			    '51|1 1|6|1|1' "$(checkpoint) $(ledger "$id")"
		done
	done
	# Each stream is judged by itself.
	sql 'DELETE FROM t'
	stream "two$kind"
	rec '{"id":1}' '{"id":2}'
	end
	cp "$scratch/in" "$scratch/first"
	stream "three$kind"
	rec '{"id":3}'
	end
	is "$kind: the second of two streams fails: the first one is stored" '1 2' \
	    "$(cat "$scratch/first" "$scratch/in" |
	    load --key id --expect 'rows>=2') $(rows)"
	like "$kind: the second of two streams fails: the message says so" \
	    'nothing of this stream was committed, but the streams before it are' \
	    "$(cat "$scratch/err")"
	# Rejects that an earlier stage has written to a file count, too.
	stream "aside$kind"
	rec '{"id":11}' '{"id":12}'
	rejected=1 aside=',"aside":1'
	end
	aside=
	is "$kind: a reject in a file of an earlier stage counts" 1 \
	    "$(load --key id --expect 'rejected<=30%' <"$scratch/in")"
	like "$kind: a reject in a file of an earlier stage: the message has it" \
	    'failed: 1 of 3 records were rejected' "$(cat "$scratch/err")"

	# Inside etl-run.  The run's row names the test; usual needs three runs.
	sql 'DELETE FROM t'
	run() {
		records 1 "$1" >"$scratch/in"
		limit=60 status etl-run --db "$db" --name p --retries 0 -c \
		    "etl-extract --format ndjson --stream s '$scratch/in' | etl-load --table t \
		    --key id --again --expect 'rows>=0.5*usual'"
	}
	is "$kind: usual: the first three runs hold" '0 0 0' \
	    "$(run 100) $(run 80) $(run 90)"
	like "$kind: usual: with fewer than 3 runs the load says so" \
	    'rows>=0.5.usual was not tested: 2 successful runs' \
	    "$(cat "$scratch/err")"
	is "$kind: usual: 45 rows are half of the median of 90" 0 "$(run 45)"
	is "$kind: usual: 40 rows are less than half of the median" 1 "$(run 40)"
	like "$kind: usual: the run's row names the test and the figure" \
	    'rows>=0.5.usual failed: the load wrote 40 rows, and usual is 85 ' \
	    "$(sql "SELECT error_message FROM pipeline_runs
		WHERE status = 'failed'")"
	is "$kind: outside etl-run usual is not tested, and the load says so" 0 \
	    "$(records 1 1 | load --key id --expect 'rows>=usual')"
	like "$kind: outside etl-run the message says so" 'known only inside etl-run' \
	    "$(cat "$scratch/err")"
done

# PostgreSQL: what triggers set counts, also in partitions; wrong values are found
# before the load.
kind=postgresql
db_new postgresql
# shellcheck disable=SC2016
sql 'CREATE TABLE t (id integer, v text, n integer) PARTITION BY RANGE (id);
    CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (20);
    CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (20) TO (9000);
    INSERT INTO t (id) VALUES (1), (5000);
    CREATE FUNCTION f() RETURNS trigger AS $f$ BEGIN
	NEW.v := CASE WHEN NEW.id = 7 THEN NULL ELSE $$set$$ END;
	RETURN NEW; END $f$ LANGUAGE plpgsql;
    CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()'
records 1 40 >"$scratch/in"
is 'a trigger has made one value of 40 NULL: 3% is too few' 1 \
    "$(load --mode append --expect 'null(v)<2%' <"$scratch/in")"
like 'a trigger: the message has the figure' '1 of 40 written rows' \
    "$(cat "$scratch/err")"
is 'a trigger: 5% is enough' 0 \
    "$(load --mode append --expect 'null(v)<5%' <"$scratch/in")"
is 'a value that the column cannot have: exit code 78 before the load' 78 \
    "$(load --expect 'max(id)>=soon' <"$scratch/in")"
is 'a time for a column without times: exit code 78 before the load' 78 \
    "$(load --expect 'max(n)>=now' <"$scratch/in")"
# The table refuses the record of a key that it has: this row was not written.
# shellcheck disable=SC2016
sql 'DROP TABLE t; CREATE TABLE t (id integer PRIMARY KEY, v text NOT NULL, n integer,
    CHECK (n < 100)); INSERT INTO t VALUES (40, $$old$$, 7)'
is 'postgresql: a refused record is not tested' 0 \
    "$(sed 's/"n":40/"n":400/' "$scratch/in" | load --key id \
    --rejects "$scratch/r" --expect 'rows=39' --expect 'max(id)=39')"
# SQLite compares a number and a text by their storage classes: each number is
# below each text.  Such a test would hold or fail whatever the number is.
kind=sqlite
db_new sqlite
sql 'CREATE TABLE t (id integer PRIMARY KEY, r real, q numeric, b boolean,
    at timestamptz, v text, n, raw blob)'
echo '{"id":1000,"r":1.5,"q":2,"b":true,"at":"2026-05-30","v":"x","n":7,"raw":"y"}' \
    >"$scratch/in"
for test in 'max(id)<=1OO' 'max(id)<=0x10' 'max(r)<9,5' 'min(q)<=ten' 'max(b)<=yes' \
    'min(at)<=2026-13-01' 'min(at)<=nowadays' 'min(raw)!=5'; do
	is "SQLite: $test is no test of its column: exit code 78" '78 0' \
	    "$(load --key id --expect "$test" <"$scratch/in") $(rows)"
	like "SQLite: $test: the message has the type of the column" \
	    'column [a-z]+ has the type .* can be compared with' \
	    "$(cat "$scratch/err")"
done
for test in 'min(n)<=x' 'min(at)>=17'; do
	is "SQLite: $test: the written value has another type: exit code 78" '78 0' \
	    "$(load --key id --expect "$test" <"$scratch/in") $(rows)"
	like "SQLite: $test: the message has the value" \
	    'the column has the value .* which cannot be compared' \
	    "$(cat "$scratch/err")"
done
is 'SQLite: a number in a column without a type is compared as a number' 1 \
    "$(load --key id --expect 'max(n)<=6.5' <"$scratch/in")"
is 'SQLite: tests that the types allow' 0 \
    "$(load --key id --expect 'max(n)<=10' --expect 'max(id)<=1e3' \
    --expect 'max(r)<=1.5' --expect 'min(q)>=-1' --expect 'max(b)=1' \
    --expect 'min(at)>=2026-05-30' --expect 'max(v)>=5' <"$scratch/in")"
echo '{"id":2,"v":"yesterday"}' >"$scratch/in"
sql 'INSERT INTO t (id) VALUES (1001)'
fails 'a text that is no time' 'yesterday is no time' --key id \
    --expect 'max(v)>=now-1d'
# SQLite: a table without rowid.
db_new sqlite
sql 'CREATE TABLE t (id integer PRIMARY KEY, v text, n integer) WITHOUT ROWID'
is 'SQLite: WITHOUT ROWID: --mode append cannot test columns: exit code 78' 78 \
    "$(load --mode append --expect 'null(v)=0' <"$scratch/in")"
is 'SQLite: WITHOUT ROWID: an upsert can' 0 \
    "$(load --key id --expect 'null(v)=0' <"$scratch/in")"
done_testing
