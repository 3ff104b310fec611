#!/bin/sh
# Loads of one table at the same time, in the modes that delete rows: loads of
# different scopes do not disturb each other; of two other loads the one that ends
# last stores nothing.
. tests/support/lib.sh
. tests/etl-load/old_rows.sh

mode='--mode delete-insert --scope day'
# load OPTION...: loads $scratch/in; the default mode is that of $mode.
load() {
	# shellcheck disable=SC2086
	status etl-load --db "$db" --table t --backoff 1ms..5ms $mode "$@" \
	    <"$scratch/in"
}
rows() {
	sql 'SELECT day, n FROM t ORDER BY day, n' | xargs
}
fill() {
	sql "DELETE FROM t; INSERT INTO t (day, n) VALUES ('a', 1), ('b', 2)"
}
# begin_late OPTION...: starts a load that waits for its input. It has begun when it
# has read how often its table was replaced, after it has opened the database.
begin_late() {
	rm -f "$scratch/fifo" "$scratch/trace"
	mkfifo "$scratch/fifo"
	# The search for leaks does not work under strace.
	# shellcheck disable=SC2086
	ASAN_OPTIONS=detect_leaks=0 strace -qq -e trace=poll,ppoll,read -o "$scratch/trace" \
	    etl-load --db "$db" --table t --complete --backoff 1ms..5ms $mode \
	    "$@" <"$scratch/fifo" 2>"$scratch/late" &
	late=$!
	exec 9>"$scratch/fifo"
	wait_until 20 waits_for_input
}
# waits_for_input: the last call of the late load waits for its standard input.
waits_for_input() {
	sleep .1
	tail -n 1 "$scratch/trace" | grep -Eq 'fd=0,|^[0-9 ]*read\(0,'
}
# end_late WANTED LABEL RECORD...: gives the late load its input, which ends with the
# exit code WANTED.
end_late() {
	wanted=$1 label=$2
	shift 2
	printf '%s\n' "$@" >&9
	exec 9>&-
	rc=0
	wait $late || rc=$?
	is "$label" "$wanted" $rc
}
# at_once TEXT N: runs N loads, four at a time; TEXT makes the input of load $i.
# Prints each exit code and how often it came.
at_once() {
	# shellcheck disable=SC2016
	seq "$2" | xargs -P4 -I@ sh -c 'i=$1; eval "$2" >"$3.$i"
	    rc=0; etl-load --db "$4" --table t --mode delete-insert \
		--scope day <"$3.$i" 2>"$3.err.$i" || rc=$?
	    echo $rc' sh @ "$1" "$scratch/many" "$db" | sort | uniq -c | xargs
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (day text, n int, PRIMARY KEY (day, n))'
	# shellcheck disable=SC2016
	days='for n in 1 2 3; do echo "{\"day\":\"d$i\",\"n\":$n}"; done'
	is "$k 100 loads of different days, the first ones of the table" \
	    '100 0' "$(at_once "$days" 100)"
	is "$k 100 loads of days that have rows" '100 0' \
	    "$(at_once "$days" 100)"
	is "$k each day has its three rows" '300 100' \
	    "$(sql 'SELECT count(*), count(DISTINCT day) FROM t' | tr '|' ' ')"
	# shellcheck disable=SC2016
	same='for n in 1 2 3; do echo "{\"day\":\"d1\",\"n\":$i$n}"; done'
	like "$k 20 loads of one day: each one is loaded or exits with 75" \
	    '^[0-9]+ 0( [0-9]+ 75)?$' "$(at_once "$same" 20)"
	is "$k the day has the rows of one of the loads" '3 1' "$(sql "SELECT
	    count(*), count(DISTINCT n / 10) FROM t WHERE day = 'd1'" |
	    tr '|' ' ')"

	# A load that begins early and ends late.
	fill
	begin_late
	put '{"day":"b","n":20}'
	is "$k a load of another scope meanwhile: exit code 0" 0 "$(load)"
	is "$k a load of a new scope meanwhile: exit code 0" 0 \
	    "$(put '{"day":"c","n":30}'; load)"
	end_late 0 "$k the load that ends last is not disturbed" \
	    '{"day":"a","n":10}' '{"day":"d","n":40}'
	is "$k all scopes have their new rows" 'a|10 b|20 c|30 d|40' "$(rows)"
	begin_late
	put '{"day":"b","n":21}'
	is "$k a load of the same scope meanwhile: exit code 0" 0 "$(load)"
	end_late 75 "$k of the same scope, the load that ends last exits with 75" \
	    '{"day":"a","n":11}' '{"day":"b","n":22}'
	like "$k it says that another load was faster" \
	    'another load has replaced rows of the same scope.*run the command again' \
	    "$(cat "$scratch/late")"
	is "$k the rows of the load that was faster stay" \
	    'a|10 b|21 c|30 d|40' "$(rows)"
	begin_late
	is "$k meanwhile the last scope is removed: exit code 0" 0 \
	    "$(: >"$scratch/in"; load --scope-value d --allow-empty)"
	end_late 75 "$k a scope that was emptied meanwhile: exit code 75" \
	    '{"day":"d","n":41}'

	# Loads of the whole table.
	for whole in '--mode replace' '--mode replace --replace-by delete' \
	    '--mode mirror --max-deletes 100%'; do
		fill
		put '{"day":"b","n":21}'
		mode=$whole
		begin_late
		mode='--mode delete-insert --scope day'
		is "$k a scope is loaded while $whole runs: exit code 0" 0 \
		    "$(load)"
		end_late 75 "$k $whole, which ends last: exit code 75" \
	    '{"day":"c","n":3}'
		is "$k $whole, which ends last, changes nothing" \
		    'a|1 b|21' "$(rows)"
		begin_late
		put '{"day":"c","n":3}'
		mode=$whole
		is "$k $whole while a scope is loaded: exit code 0" 0 "$(load)"
		mode='--mode delete-insert --scope day'
		end_late 75 "$k the load of a scope, which ends after $whole: 75" \
	    '{"day":"a","n":9}'
		is "$k the rows of $whole stay" 'c|3' "$(rows)"
	done

	# More scopes than a load can lock one by one.
	fill
	seq 1001 | sed 's/.*/{"day":"m&","n":1}/' >"$scratch/in"
	begin_late
	is "$k a load of 1001 scopes: exit code 0" 0 "$(load)"
	end_late 75 "$k it counts as a load of the whole table" \
	    '{"day":"a","n":10}'
	begin_late
	is "$k a load of one scope: exit code 0" 0 \
	    "$(put '{"day":"b","n":20}'; load)"
	seq 1001 | sed 's/.*/{"day":"n&","n":1}/' >&9
	end_late 75 "$k a load of 1001 scopes, which ends last: exit code 75"

	# The versions of old scopes are forgotten.
	fill
	begin_late
	sql "UPDATE etl_scopes SET version = version + 10001 WHERE scope = ''"
	end_late 75 "$k 10001 scopes were replaced meanwhile: exit code 75" \
	    '{"day":"a","n":11}'
	put '{"day":"x","n":1}'
	sql "UPDATE etl_scopes SET version = 19999 WHERE scope = ''"
	is "$k a load that forgets old scopes: exit code 0" 0 "$(load)"
	is "$k only the last scopes are remembered" '2 20000' "$(sql "SELECT
	    count(*), max(version) FROM etl_scopes WHERE target = 't'" |
	    tr '|' ' ')"

	# Several streams in one input: the second one may replace a scope of the
	# first one.
	fill
	{
		stream "$kind one" '{"day":"a","n":5}'
		stream "$kind two" '{"day":"a","n":6}'
		stream "$kind three" '{"day":"b","n":7}'
	} >"$scratch/streams"
	begin_late
	is "$k a load of another scope before three streams come: 0" 0 \
	    "$(put '{"day":"e","n":8}'; load)"
	cat "$scratch/streams" >&9
	end_late 0 "$k three streams: exit code 0"
	is "$k three streams: each has replaced its scope" 'a|6 b|7 e|8' \
	    "$(rows)"

	# Scopes that are equal and spelled in different ways.
	case $kind in
	sqlite) column='text COLLATE NOCASE' ;;
	*) sql 'CREATE EXTENSION citext'; column=citext ;;
	esac
	sql "DROP TABLE t; CREATE TABLE t (day $column, d numeric, n int)"
	mode='--mode delete-insert --scope day,d'
	for late_scope in '"MON","d":1' '"mon","d":1.0' '"mon","d":null'; do
		begin_late
		put '{"day":"mon","d":1.00,"n":1}' '{"day":"mon","d":null,"n":1}'
		is "$k two scopes: exit code 0" 0 "$(load)"
		end_late 75 "$k the scope $late_scope is one of them: exit code 75" \
	    "{\"day\":$late_scope,\"n\":1}"
	done
	begin_late
	is "$k other scopes: exit code 0" 0 "$(load)"
	end_late 0 "$k the scopes \"tue\",1 and \"mon\",2 are not among them" \
	    '{"day":"tue","d":1,"n":1}' '{"day":"mon","d":2,"n":1}'
	mode='--mode delete-insert --scope day'
done

# PostgreSQL: a load in the middle of its transaction.
db_new postgresql
k=postgresql:
sql "CREATE TABLE t (day text, n int PRIMARY KEY);
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
	IF NEW.day = 'slow' THEN PERFORM pg_advisory_xact_lock(42); END IF;
	RETURN NEW; END \$\$;
    CREATE TRIGGER wait BEFORE INSERT ON t FOR EACH ROW
	EXECUTE FUNCTION wait()"
# waits N TYPE: N sessions wait for a lock of this type.
waits() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE datname =
	    current_database() AND wait_event_type = 'Lock'
	    AND wait_event ~ '$2'")" = "$1" ]
}
# slow COMMAND...: a load waits in its transaction until COMMAND has ended. Sets $rc
# to the exit code of the load.
slow() {
	rm -f "$scratch/lock"
	mkfifo "$scratch/lock"
	psql -XAtq -d "$db" <"$scratch/lock" >"$scratch/locked" &
	locker=$!
	exec 9>"$scratch/lock"
	echo 'SELECT 1 FROM pg_advisory_lock(42);' >&9
	wait_until 20 test -s "$scratch/locked"
	# shellcheck disable=SC2086
	etl-load --db "$db" --table t $mode <"$scratch/slow" \
	    2>"$scratch/slow.err" 9>&- &
	loader=$!
	wait_until 20 waits 1 advisory
	"$@" 9>&-
	exec 9>&-
	rc=0
	wait $loader || rc=$?
	wait $locker
}
printf '%s\n' '{"day":"slow","n":1}' >"$scratch/slow"
put '{"day":"fast","n":2}'
meanwhile() {
	code=$(load --lock-timeout 20s --retries 0)
}
slow meanwhile
is "$k a load of another scope does not wait for the first one" '0 0' "$code $rc"
# start: starts a load and waits until it waits for the first one.
start() {
	# shellcheck disable=SC2086
	etl-load --db "$db" --table t $mode --retries 0 "$@" <"$scratch/in" \
	    2>"$scratch/second" &
	second=$!
	wait_until 20 waits 2 "advisory|transactionid|tuple"
}
# second_ends: sets rc to the exit codes of both loads.
second_ends() {
	rc2=0
	wait "$second" || rc2=$?
	rc="$rc $rc2"
}
put '{"day":"slow","n":1}' '{"day":"slow","n":3}'
slow start
second_ends
is "$k a load of the same scope waits, then exits with 75" '0 75' "$rc"
is "$k no record was rejected because of the rows of the first load" \
    'fast|2 slow|1' "$(rows)"

# Two mirror loads. The second one must not count rows before the first one has
# committed.
for mode in '--mode mirror --key n' '--mode replace' \
    '--mode replace --replace-by delete'; do
	sql 'DELETE FROM t'
	{
		seq 9 | sed 's/.*/{"day":"x","n":&}/'
		echo '{"day":"slow","n":10}'
	} >"$scratch/slow"
	put '{"day":"fast","n":1}'
	slow start
	second_ends
	is "$k two loads at once, $mode: the second one exits with 75" \
	    '0 75' "$rc"
	is "$k two loads at once, $mode: the rows are those of the first one" \
	    '10 slow' "$(sql 'SELECT count(*), min(day) FROM t' | tr '|' ' ')"
done

# A type without a hash function: all scopes count as one.
sql "DROP TABLE t; CREATE TABLE t (day bit(4), n int)"
mode='--mode delete-insert --scope day'
begin_late
put '{"day":"0001","n":1}'
is "$k a scope of a type without hash: exit code 0" 0 "$(load)"
end_late 75 "$k another scope of this type, which ends last: exit code 75" \
	    '{"day":"0010","n":1}'
is "$k then the other scope: exit code 0" 0 "$(put '{"day":"0010","n":1}'; load)"
is "$k both scopes have their rows" '0001|1 0010|1' "$(rows)"
done_testing
