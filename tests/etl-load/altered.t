#!/bin/sh
# If the table is altered between two batches of a load, the loader reads its
# columns again and loads the batch into them. If the server has refused the
# batch because of a type, the load exits with 75: the same command may succeed.
. tests/support/lib.sh
fifo=$scratch/fifo
mkfifo "$fifo"

# load_and_alter STATEMENT SECOND_ID OPTION...: loads a batch of two records,
# executes STATEMENT, and sends another batch with the ids 3 and SECOND_ID.
# Prints the exit code and the number of rows.
load_and_alter() {
	statement=$1 second=$2
	shift 2
	sql 'DROP TABLE IF EXISTS t' 2>/dev/null
	sql 'CREATE TABLE t (id int PRIMARY KEY, n numeric(10,4), at timestamp)'
	timeout 60 etl-load --db "$db" --table t --batch 2 "$@" <"$fifo" \
	    2>"$scratch/err" 3>"$scratch/rejects" &
	pid=$!
	exec 9>"$fifo"
	printf '{"id":%d,"n":1.2345}\n' 1 2 >&9
	wait_until 20 has_two_rows
	sql "$statement"
	printf '{"id":%d,"n":2.3456}\n' 3 "$second" >&9
	exec 9>&-
	rc=0
	wait $pid || rc=$?
	echo "$rc $(sql "SELECT count(*) FROM ${from:-t}")"
}
has_two_rows() {
	[ "$(sql 'SELECT count(*) FROM t')" = 2 ]
}

# renamed LABEL NAME: the message says what has happened, and names NAME.
renamed() {
	like "$1: the message says what has happened" \
	    "table t: the table or a column was renamed or dropped while the load ran \\(.*$2.*start the load again" \
	    "$(cat "$scratch/err")"
}

codes() {
	jq -r '"\(.code) \(.pointer)"' "$scratch/rejects" | sort | uniq -c |
	    tr -s ' \n' ' '
}

db_new postgresql
for mode in 'upsert --key id' 'ignore --key id' append 'append --touch at'; do
	case $mode in
	append*) second=4 added='0 4' ;;
	*) second=1 added='0 3' ;;
	esac
	alter() {
		# shellcheck disable=SC2086
		load_and_alter "ALTER TABLE t $1" $second --mode $mode \
		    --max-rejects 100%
	}
	is "--mode $mode, a number gets fewer digits: status and rows" \
	    '0 2' "$(alter 'ALTER n TYPE numeric(6,2)')"
	is "--mode $mode, a number gets fewer digits: the others are rejects" \
	    ' 2 range /n ' "$(codes)"
	is "--mode $mode, a number becomes a text: status and rows" \
	    "$added" "$(alter 'ALTER n TYPE text')"
	is "--mode $mode, a number becomes a text: no reject" '' "$(codes)"
	is "--mode $mode, a column is added: status and rows" \
	    "$added" "$(alter 'ADD z int')"
	is "--mode $mode, a column is dropped: status and rows" \
	    '78 2' "$(alter 'DROP n')"
	renamed "--mode $mode, a column is dropped" n
	is "--mode $mode, a column is renamed: status and rows" \
	    '78 2' "$(alter 'RENAME n TO m')"
	renamed "--mode $mode, a column is renamed" n
	# shellcheck disable=SC2086
	is "--mode $mode, the table is renamed: status and rows" '78 2' \
	    "$(from=moved && load_and_alter 'SET client_min_messages = error; DROP TABLE IF EXISTS moved;
	    ALTER TABLE t RENAME TO moved' $second --mode $mode)"
	renamed "--mode $mode, the table is renamed" t
	told=$(alter 'ALTER n TYPE boolean USING true')
	case $mode in
	append)
		is 'append: COPY refuses the values of another type' \
		    '0 2  2 type /n ' "$told $(codes)"
		;;
	*)
		is "--mode $mode, a type that does not fit: status and rows" \
		    '75 2' "$told"
		is "--mode $mode, a type that does not fit: no reject" \
		    '' "$(codes)"
		like "--mode $mode, a type that does not fit: the message" \
		    'table t: a column got another type while the load ran: nothing of this batch was committed; start the load again' \
		    "$(cat "$scratch/err")"
		;;
	esac
done

db_new sqlite
is 'sqlite: a column is added: the load goes on' '0 4' \
    "$(load_and_alter 'ALTER TABLE t ADD z int' 4)"
is 'sqlite: another table of this name: its columns are read again' '0 0' \
    "$(load_and_alter 'ALTER TABLE t RENAME TO old;
    CREATE TABLE t (id int PRIMARY KEY, n INTEGER); DROP TABLE old' 4 \
    --max-rejects 100%)"
is 'sqlite: another table of this name: the others are rejects' \
    ' 2 type /n ' "$(codes)"

is 'sqlite: a column is renamed: status and rows' '0 2' \
    "$(load_and_alter 'ALTER TABLE t RENAME n TO m' 4 --max-rejects 100%)"
is 'sqlite: a column is renamed: the others are rejects' ' 2 schema /n ' \
    "$(codes)"
is 'sqlite: the table is renamed: status and rows' '78 2' \
    "$(from=moved && load_and_alter 'ALTER TABLE t RENAME TO moved' 4)"
like 'sqlite: the table is renamed: the message says what has happened' \
    'the table was altered while the load ran.*no such table: t' \
    "$(cat "$scratch/err")"

# The unique index of the key is dropped between two batches.  Without it, the
# server would take a second row of key 1.  A batch of new keys comes first, after
# which PostgreSQL copies the next batch directly into the table.
index='CREATE UNIQUE INDEX k ON t (id);
    CREATE UNIQUE INDEX c ON t (id) WHERE is_current'
keyed='id int NOT NULL, n int, at timestamp, valid_from timestamp,
    valid_to timestamp, is_current boolean'
# vanish STATEMENT OPTION...: loads two records, executes STATEMENT, and sends one
# record of the first key and a new one.  Prints the exit code, the number of rows
# and that of keys.
vanish() {
	statement=$1
	shift
	sql 'DROP TABLE IF EXISTS part; DROP TABLE IF EXISTS t' 2>/dev/null
	sql "CREATE TABLE t ($keyed); $index;
	    CREATE TABLE part (t_id int, m int)"
	timeout 60 etl-load --db "$db" --table t --batch 2 --flush 1h \
	    --max-rejects 100% "$@" <"$fifo" 2>"$scratch/err" \
	    3>"$scratch/rejects" >"$scratch/out" &
	pid=$!
	exec 9>"$fifo"
	{ [ -z "$begin" ] || echo "$begin"; records 1 2; } >&9
	wait_until 20 has_two_rows || diag "$(cat "$scratch/err")"
	sql "$statement"
	{ records 1 3; [ -z "$begin" ] ||
	    echo '{"@etl":"end","seq":1,"stages":[{"stage":"x","in":4,"out":4,"dropped":0,"rejected":0}]}'
	} >&9
	exec 9>&-
	rc=0
	wait $pid || rc=$?
	echo "$rc $(sql 'SELECT count(*), count(DISTINCT id) FROM t')"
}
records() {
	case $options in
	*cdc*) printf '{"operation":"INSERT","data":{"id":%d,"n":1}}\n' "$@" ;;
	*--nested*) printf '{"id":%d,"n":1,"parts":[{"m":1}]}\n' "$@" ;;
	*) printf '{"id":%d,"n":1}\n' "$@" ;;
	esac
}
begin=
for kind in sqlite postgresql; do
	db_new $kind
	for options in '' '--mode ignore' '--newer-by n' '--touch at' \
	    '--seen at' '--nested part=/parts' '--connections 2' '--mode cdc' \
	    '--emit changes' '--keep-before' marked '--mode scd2'; do
		l="$kind, the index of the key is dropped, $options"
		case $kind:$options in
		sqlite:*connections*) continue ;;
		*:marked)
			options=
			begin='{"@etl":"begin","v":1,"id":"i","stages":["x"]}'
			;;
		esac
		case $options in
		*scd2*) drop='DROP INDEX c' ;;
		*) drop='DROP INDEX k' ;;
		esac
		# shellcheck disable=SC2086
		is "$l: 78 and no second row" '78 2|2' \
		    "$(vanish "$drop" --key id $options)"
		like "$l: the message says what has happened" \
		    'table t has no unique index|table t: the unique index on the columns of the key was dropped' \
		    "$(cat "$scratch/err")"
		is "$l: no reject" '' "$(cat "$scratch/rejects")"
		begin=
	done
	options=
	l="$kind, another index of the key"
	is "$l takes the place of the old one: the load goes on" '0 3|3' \
	    "$(vanish 'CREATE UNIQUE INDEX k2 ON t (id); DROP INDEX k' --key id)"
	is "$l has a condition: 78" '78 2|2' "$(vanish 'DROP INDEX k;
	    CREATE UNIQUE INDEX k2 ON t (id) WHERE n > 9' --key id)"
	is "$l has one more column: 78" '78 2|2' "$(vanish 'DROP INDEX k;
	    CREATE UNIQUE INDEX k2 ON t (id, n)' --key id)"
	is "$l is not unique: 78" '78 2|2' "$(vanish 'DROP INDEX k;
	    CREATE INDEX k2 ON t (id)' --key id)"
	options='--mode scd2'
	is "$kind, another index of the current rows: the load goes on" \
	    '0 4|3' "$(vanish 'DROP INDEX k; DROP INDEX c;
	    CREATE UNIQUE INDEX c2 ON t (id) WHERE is_current;
	    UPDATE t SET n = 0' --key id --mode scd2)"
done
# DROP INDEX CONCURRENTLY waits for the loader only after it has marked the index.
# A deferrable constraint takes two equal keys until the commit.
options=
for drop in 'DROP INDEX CONCURRENTLY k' 'DROP INDEX k; ALTER TABLE t ADD UNIQUE (id)
    DEFERRABLE INITIALLY DEFERRED'; do
	is "postgresql, $drop: 78 and no second row" '78 2|2' \
	    "$(vanish "$drop" --key id)"
done
# Without a key, --keep-before finds the rows by the primary key.
index='ALTER TABLE t ADD PRIMARY KEY (id)'
for drop in 'ALTER TABLE t DROP CONSTRAINT t_pkey' \
    'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (n)'; do
	case $drop in
	*ADD*) wanted='65 2|2' why='another key than when this run began' ;;
	*) wanted='78 2|2' why='no primary key' ;;
	esac
	records() {
		printf '{"id":%d,"n":%d}\n' "$1" "$1" "$2" "$2"
	}
	is "postgresql, --mode append --keep-before, $drop: status and rows" \
	    "$wanted" "$(vanish "$drop" --mode append --keep-before)"
	like "postgresql, --mode append --keep-before, $drop: the message" \
	    "$why" "$(cat "$scratch/err")"
done

# A foreign key that comes while the input is read: the loader looks again before
# it deletes rows.  It has begun to read when a record larger than the pipe is gone.
refer_meanwhile() {
	sql 'INSERT INTO t VALUES (1, 1), (2, 2)'
	timeout 60 etl-load --db "$db" --table t --complete "$@" <"$fifo" \
	    2>"$scratch/err" &
	pid=$!
	exec 9>"$fifo"
	printf '{"id":1,%200000s"n":5}\n' '' >&9
	sql 'CREATE TABLE child (t int REFERENCES t ON DELETE CASCADE);
	    INSERT INTO child VALUES (2)'
	exec 9>&-
	rc=0
	wait $pid || rc=$?
	echo "$rc $(sql 'SELECT * FROM child')" \
	    "$(sql 'SELECT * FROM t ORDER BY id' | xargs)"
	sql 'DROP TABLE child; DELETE FROM t'
}
for kind in sqlite postgresql; do
	db_new $kind
	sql 'CREATE TABLE t (id int PRIMARY KEY, n int)'
	for mode in mirror 'delete-insert --scope id --scope-value 2' \
	    'replace --replace-by delete'; do
		# shellcheck disable=SC2086
		is "$kind --mode $mode, another table refers to t meanwhile" \
		    '78 2 1|1 2|2' "$(refer_meanwhile --mode $mode)"
		like "$kind --mode $mode, another table refers: the message" \
		    'child refers to table t' "$(cat "$scratch/err")"
	done
done
done_testing
