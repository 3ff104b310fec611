#!/bin/sh
# A replayed record may be older than the row of its key.  It overwrites the row
# only if it is known to be newer; otherwise its dead letter stays open.
. tests/support/lib.sh
. tests/etl-load/marked.sh
. tests/support/hold.sh

# replay ID: begins a replay of letters of the stage transform.
replay() {
	stream "$1" '"replay":true,"pipeline":"p","stage":"transform",'
}
# letter ID N [TIME]: stores the Nth occurrence of a letter, rejected at TIME.
letter() {
	echo "{\"@etl\":\"reject\",\"v\":1,\"id\":\"$1\",\"occurrence\":\"run/transform.$1/$2\",\"pipeline\":\"p\",\"stage\":\"transform\",\"code\":\"filter\",\"message\":\"no\",\"raw\":\"$1\",\"at\":\"${3:-2026-05-30T12:00:00Z}\"}" |
	    etl-dlq put --db "$db" >/dev/null
}
rows() {
	sql 'SELECT k, v FROM t ORDER BY k, v' | tr '\n' ' '
}
# fresh ROW...: empties the tables and inserts ROWs such as "1, 'feb', '2026-06-01'".
fresh() {
	sql 'DELETE FROM t; DELETE FROM dead_letter_attempts;
	    DELETE FROM dead_letters'
	for row; do
		sql "INSERT INTO t VALUES ($row)"
	done
}
# one ID RECORD...: a replay of one letter, which has these records.
one() {
	letter "$1" 1
	id=$1
	shift
	replays=$((replays + 1))
	replay "r$replays"
	rec "$@"
	resolve "$id" 1 0
	end
}
# stays LABEL ROWS [OPTION...]: the load leaves the letter aa as it is.
stays() {
	label=$1 left=$2
	shift 2
	is "$kind, $label: the letter stays open" "0 ${left}aa|1|0|open" \
	    "$(load "$@") $(rows)$(letters | grep '^aa')"
	like "$kind, $label: one line says so, and what helps" \
	    '^etl-load: warning: 1 letter .aa. stays open: .*--newer-by.*--replay-over' \
	    "$(cat "$scratch/err")"
}
# closes LABEL ROWS [OPTION...]: the load resolves the letter aa.
closes() {
	label=$1 left=$2
	shift 2
	is "$kind, $label: the letter is resolved" "0 ${left}aa|1|1|resolved" \
	    "$(load "$@") $(rows)$(letters | grep '^aa')"
	unlike "$kind, $label: no letter stays open" 'stay' "$(cat "$scratch/err")"
}

replays=0
for kind in sqlite postgresql; do
	db_new $kind
	sql 'CREATE TABLE t (k int PRIMARY KEY, v text, at timestamptz)'
	letter zz 1     # makes the control tables

	# The row may be newer.
	fresh "1, 'feb', NULL"
	one aa '{"k":1,"v":"jan"}'
	stays 'a row exists' '1|feb ' --key k
	like "$kind, a row exists: the record is skipped" \
	    '1 in, 0 inserted, 0 updated, 0 unchanged, 0 superseded, 1 skipped' \
	    "$(cat "$scratch/err")"
	one aa '{"k":1,"v":"jan"}'
	closes '--replay-over' '1|jan ' --key k --replay-over
	fresh
	one aa '{"k":1,"v":"jan"}'
	closes 'no row exists' '1|jan ' --key k
	fresh "1, 'jan', NULL"
	one aa '{"k":1,"v":"jan"}'
	closes 'the row has the values of the record' '1|jan ' --key k
	fresh "1, 'feb', NULL"
	one aa '{"k":1,"v":"jan"}'
	closes 'a column that is not compared' '1|feb ' --key k --compare at

	# --touch says when the row was written.
	fresh "1, 'dec', '2026-05-30T11:59:59Z'"
	one aa '{"k":1,"v":"jan"}'
	closes 'written before' '1|jan ' --key k --touch at
	for at in "'2026-05-30T12:00:00Z'" "'2026-06-01T00:00:00Z'" NULL; do
		fresh "1, 'feb', $at"
		one aa '{"k":1,"v":"jan"}'
		stays "written $at" '1|feb ' --key k --touch at
	done
	like "$kind, --touch: the message has the column" \
	    'not written before the letter, as the column of --touch .at. says' "$(cat "$scratch/err")"
	# The later one of --touch and --seen counts.
	sql 'ALTER TABLE t ADD COLUMN seen timestamptz'
	fresh "1, 'feb', '2026-01-01T00:00:00Z', '2026-06-01T00:00:00Z'"
	one aa '{"k":1,"v":"jan"}'
	stays 'seen after' '1|feb ' --key k --touch at --seen seen
	fresh "1, 'feb', '2026-01-01T00:00:00Z', NULL"
	one aa '{"k":1,"v":"jan"}'
	closes 'not seen' '1|jan ' --key k --touch at --seen seen
	# The record is that of the last rejection.
	fresh "1, 'feb', '2026-06-01T00:00:00Z', NULL"
	letter aa 1
	letter aa 2 2026-06-02T00:00:00Z
	replay "twice$kind"
	rec '{"k":1,"v":"jan"}' '{"k":1,"v":"jan"}'
	resolve aa 2 0
	end
	is "$kind: rejected again after the row was written: overwritten" \
	    '0 1|jan aa|2|2|resolved' \
	    "$(load --key k --touch at) $(rows)$(letters | grep '^aa')"

	# --newer-by decides by itself.
	sql 'CREATE TABLE n (k int PRIMARY KEY, v int)'
	for v in 1 3; do
		sql 'DELETE FROM n; INSERT INTO n VALUES (1, 2)'
		fresh
		one aa "{\"k\":1,\"v\":$v}"
		is "$kind, --newer-by, $v: the letter is closed" \
		    "0 1|$((v > 2 ? v : 2)) aa|1|1|resolved" \
		    "$(load --table n --key k --newer-by v) $(sql 'SELECT * FROM n') $(letters)"
	done

	# Several records of one letter, one of which may not be written: none is.
	fresh "1, 'feb', NULL, NULL"
	one aa '{"k":2,"v":"two"}' '{"k":1,"v":"jan"}' '{"k":3,"v":"three"}'
	stays 'one record of three' '1|feb ' --key k
	like "$kind, one record of three: all are skipped" '3 in, .*, 3 skipped' \
	    "$(cat "$scratch/err")"
	# Neither are its new rejects, of the loader or of an earlier stage.
	one aa '{"k":1,"v":"jan"}' '{"k":"x"}'
	stays 'one record is rejected again' '1|feb ' --key k --max-rejects 100%
	is "$kind, one record is rejected again: it is no letter of its own" 1 \
	    "$(letters | grep -c .)"
	replay "again$kind"
	rec '{"k":1,"v":"jan"}'
	reject aa 2
	resolve aa 1 0
	end
	stays 'an earlier stage has rejected a record again' '1|feb ' --key k
	is "$kind, an earlier stage has rejected a record again: it is no letter" 1 \
	    "$(letters | grep -c .)"

	# Letters of one key overwrite each other in their order, whatever the
	# batches are, and a killed replay is repeated as a whole.
	for batch in 1 1000; do
		fresh "5, 'feb', NULL, NULL"
		letter aa 1
		letter bb 1
		letter cc 1
		letter dd 1
		replay "several$batch$kind"
		rec '{"k":1,"v":"a"}'
		resolve aa 1 0
		rec '{"k":5,"v":"a"}'
		resolve bb 1 0
		rec '{"k":1,"v":"c"}'
		resolve cc 1 0
		cp "$scratch/in" "$scratch/cut"
		rec '{"k":6,"v":"d"}' '{"k":1,"v":"d"}'
		resolve dd 1 0
		end
		cp "$scratch/in" "$scratch/whole"
		mv "$scratch/cut" "$scratch/in"
		is "$kind, --batch $batch: a cut replay loads nothing" \
		    '75 5|feb ' "$(load --key k --batch $batch --flush 1ms) $(rows)"
		mv "$scratch/whole" "$scratch/in"
		is "$kind, --batch $batch: the letters of a new key are loaded in order" \
		    '0 1|d 5|feb 6|d aa|1|1|resolved bb|1|0|open cc|1|1|resolved dd|1|1|resolved ' \
		    "$(load --key k --batch $batch --flush 1ms) $(rows)$(letters | tr '\n' ' ')"
		is "$kind, --batch $batch: the same replay again changes nothing" \
		    '0 1|d 5|feb 6|d ' "$(load --key k) $(rows)"
	done
	# Two marks of one letter: all its records are loaded, or none.
	fresh "5, 'feb', NULL, NULL"
	letter aa 1
	letter aa 2
	replay "marks$kind"
	rec '{"k":1,"v":"a"}'
	resolve aa 1 0
	rec '{"k":5,"v":"a"}'
	resolve aa 2 1
	end
	is "$kind: two marks of one letter that stays open" '0 5|feb aa|2|0|open' \
	    "$(load --key k) $(rows)$(letters)"
	# --again resolves no letter, but does not overwrite newer rows either.
	one aa '{"k":5,"v":"jan"}'
	is "$kind, --again: the row stays" '0 5|feb ' \
	    "$(load --key k --again) $(rows)"
	is "$kind, --again --replay-over: the row is overwritten" '0 5|jan ' \
	    "$(load --key k --again --replay-over) $(rows)"
	# An ordinary load has no letters, and overwrites.
	stream "plain$kind"
	rec '{"k":5,"v":"mar"}'
	end
	is "$kind: an ordinary load overwrites" '0 5|mar ' \
	    "$(load --key k) $(rows)"
	is "$kind: --replay-over needs a mode that writes rows that exist" 64 \
	    "$(load --mode append --replay-over)"

	# Modes that never overwrite a row.
	fresh "1, 'feb', NULL, NULL"
	one aa '{"k":1,"v":"jan"}'
	closes '--mode ignore' '1|feb ' --mode ignore
	sql 'CREATE TABLE log (k int, v text)'
	one bb '{"k":1,"v":"jan"}'
	is "$kind, --mode append: the record is inserted" '0 1|jan bb|1|1|resolved' \
	    "$(load --table log) $(sql 'SELECT * FROM log') $(letters | grep '^bb')"
	one bb '{"k":1,"v":"jan"}'
	is "$kind, --mode replace: exit code 78" 78 \
	    "$(load --table log --mode replace)"

	# --tables and --nested.
	sql 'CREATE TABLE c (k int REFERENCES t, n int, PRIMARY KEY (k, n))'
	fresh "1, 'feb', NULL, NULL" "2, 'feb', NULL, NULL"
	sql 'INSERT INTO c VALUES (1, 7)'
	one aa '{"k":1,"v":"feb","n":[8]}'
	stays '--nested: the elements may be newer' '1|feb 2|feb ' --key k \
	    --nested c=/n
	is "$kind, --nested: the elements are as they were" '1|7' \
	    "$(sql 'SELECT * FROM c')"
	one aa '{"k":3,"v":"new","to":"t"}' '{"k":1,"v":9,"to":"n"}'
	is "$kind, --tables: a row of the second table is newer" \
	    '0 1|feb 2|feb 1|3 aa|1|0|open' \
	    "$(load --table-from /to --tables t=t:k,n=n:k) $(rows)$(sql \
	    'SELECT * FROM n') $(letters | grep '^aa')"

	# A bad and a good record of one key in one batch: the row was not written
	# before the letter. Later the record is rejected once more, and the row
	# is older then. The rejects are letters of the load, or go to a file.
	sql 'DROP TABLE c; CREATE TABLE parent (p int PRIMARY KEY); INSERT INTO parent VALUES (1);
	    CREATE TABLE child (k int PRIMARY KEY, p int REFERENCES parent,
	    v text, at timestamptz)'
	for to in letters file; do
		for first in bad good; do
			fresh
			sql 'DELETE FROM child; DELETE FROM parent WHERE p = 9'
			bad='{"k":1,"p":9,"v":"bad"}' good='{"k":1,"p":1,"v":"good"}'
			stream "batch$to$first$kind"
			case $first in
			bad) rec "$bad" "$good" ;;
			*) rec "$good" "$bad" ;;
			esac
			end
			set -- --table child --key k --touch at --max-rejects 100%
			store() {
				: >"$scratch/rejects"
				case $to in
				letters) ETL_PIPELINE=p load "$@" ;;
				*) ETL_PIPELINE=p load "$@" --rejects "$scratch/rejects" &&
				    etl-dlq put --db "$db" "$scratch/rejects" \
				    >/dev/null ;;
				esac
			}
			again() {
				sql 'INSERT INTO parent SELECT 9 WHERE 9 NOT IN
				    (SELECT p FROM parent)'
				etl-dlq replay --db "$db" >"$scratch/in"
				load "$@"
			}
			k="$kind, rejects to $to, $first first:"
			is "$k the load" 0 "$(store "$@")"
			is "$k the row is not older than the letter" '0 good 1|0' \
			    "$(again "$@") $(sql 'SELECT v FROM child') $(sql 'SELECT
			    attempts, resolved_upto FROM dead_letters')"
			sql 'DELETE FROM parent WHERE p = 9'
			stream "more$to$first$kind"
			rec "$bad"
			end
			is "$k the record comes again" 0 "$(store "$@")"
			is "$k the row is older than the letter" '0 bad 2|2' \
			    "$(again "$@") $(sql 'SELECT v FROM child') $(sql 'SELECT
			    attempts, resolved_upto FROM dead_letters')"
		done
	done

	# --mode cdc: a change may come after later changes of the row.
	insert='{"operation":"INSERT","data":{"k":1,"v":"jan"}}'
	update='{"operation":"UPDATE","data":{"k":1,"v":"jan"}}'
	delete='{"operation":"DELETE","data":{"k":1}}'
	moved='{"operation":"UPDATE","data":{"k":2,"v":"jan"},"before":{"k":1}}'
	for change in "$insert" "$update" "$delete" "$moved"; do
		fresh "1, 'feb', '2026-06-01T00:00:00Z', NULL"
		one aa "$change"
		stays "cdc, $change" '1|feb ' --mode cdc
		one aa "$change"
		stays "cdc, $change, written after" '1|feb ' --mode cdc --touch at
	done
	fresh "2, 'feb', NULL, NULL"
	one aa "$moved"
	stays 'cdc, the new key has a row' '2|feb ' --mode cdc
	for way in --replay-over '--touch at'; do
		fresh "1, 'dec', '2026-01-01T00:00:00Z', NULL"
		one aa "$insert"
		# shellcheck disable=SC2086
		closes "cdc, $way: an insert" '1|jan ' --mode cdc $way
		fresh "1, 'dec', '2026-01-01T00:00:00Z', NULL"
		one aa "$moved"
		# shellcheck disable=SC2086
		closes "cdc, $way: an update of the key" '2|jan ' --mode cdc $way
		fresh "1, 'dec', '2026-01-01T00:00:00Z', NULL"
		one aa "$delete"
		# shellcheck disable=SC2086
		closes "cdc, $way: a delete" '' --mode cdc $way
	done
	for change in "$insert" "$update"; do
		fresh
		one aa "$change"
		closes "cdc, no row, $change" '1|jan ' --mode cdc
	done
	fresh
	one aa "$delete"
	closes 'cdc, no row, a delete' '' --mode cdc
	fresh
	one aa "$moved"
	closes 'cdc, no row, an update of the key' '2|jan ' --mode cdc
	fresh "2, 'feb', NULL, NULL"
	one aa "$insert" "$update" "$moved" "$delete"
	stays 'cdc, one of four changes' '2|feb ' --mode cdc
	fresh
	one aa "$insert" "$update" "$moved" '{"operation":"DELETE","data":{"k":2}}'
	closes 'cdc, all changes of a row' '' --mode cdc
	# A row that was deleted later is still there with --soft-delete.
	fresh "1, 'feb', NULL, '2026-06-01T00:00:00Z'"
	one aa "$insert"
	stays 'cdc, --soft-delete: an insert' '1|feb ' --mode cdc --soft-delete seen
	one aa "$delete"
	closes 'cdc, --soft-delete: a second delete' '1|feb ' --mode cdc \
	    --soft-delete seen

	# --mode scd2 without --as-of: the late record would become the current one.
	sql 'CREATE TABLE h (k int, v text, valid_from timestamptz,
	    valid_to timestamptz, is_current boolean, at timestamptz,
	    PRIMARY KEY (k, valid_from));
	    CREATE UNIQUE INDEX h_current ON h (k) WHERE is_current'
	rows() {
		sql "SELECT v, CASE WHEN is_current THEN 'current' ELSE 'ended'
		    END FROM h ORDER BY k, valid_from" | tr '\n' ' '
	}
	# history ROW...: empties the table and inserts ROWs of the key 1.
	history() {
		fresh
		sql 'DELETE FROM h'
		for row; do
			sql "INSERT INTO h VALUES (1, $row)"
		done
	}
	may=\'2026-05-01T00:00:00.000000Z\' june=\'2026-06-01T00:00:00.000000Z\'
	set -- --table h --mode scd2 --key k
	history "'feb', $june, NULL, true, NULL"
	one aa '{"k":1,"v":"jan"}'
	stays 'scd2, a newer row is current' 'feb|current ' "$@"
	one aa '{"k":1,"v":"jan"}'
	closes 'scd2, --replay-over' 'feb|ended jan|current ' "$@" --replay-over
	history "'dec', $may, NULL, true, NULL"
	one aa '{"k":1,"v":"jan"}'
	closes 'scd2, an older row is current' 'dec|ended jan|current ' "$@"
	history "'jan', $june, NULL, true, NULL"
	one aa '{"k":1,"v":"jan"}'
	closes 'scd2, an equal row is current' 'jan|current ' "$@"
	history "'feb', $may, $june, false, NULL"
	one aa '{"k":1,"v":"jan"}'
	stays 'scd2, the key was ended later' 'feb|ended ' "$@"
	history
	one aa '{"k":1,"v":"jan"}'
	closes 'scd2, the key has no row' 'jan|current ' "$@"
	# With --as-of it gets its place in the history.
	set -- "$@" --as-of since
	history "'feb', $june, NULL, true, NULL"
	one aa '{"k":1,"v":"jan","since":"2026-05-01"}'
	closes 'scd2, --as-of: another time' 'jan|ended feb|current ' "$@"
	for at in "$june" NULL; do
		history "'feb', $may, NULL, true, $at"
		one aa '{"k":1,"v":"jan","since":"2026-05-01"}'
		stays "scd2, --as-of: the same time, written $at" 'feb|current ' \
		    "$@" --touch at
	done
	history "'feb', $may, NULL, true, $may"
	one aa '{"k":1,"v":"jan","since":"2026-05-01"}'
	closes 'scd2, --as-of: the same time, written before' 'jan|current ' \
	    "$@" --touch at
	history "'feb', $may, NULL, true, $june"
	one aa '{"k":1,"v":"jan","since":"2026-05-01"}'
	closes 'scd2, --as-of: the same time, --replay-over' 'jan|current ' \
	    "$@" --replay-over
	rows() {
		sql 'SELECT k, v FROM t ORDER BY k, v' | tr '\n' ' '
	}
done

# PostgreSQL: the loop has left its database. A column of --touch that keeps less
# than microseconds has rounded the time; other types say nothing.
kind=postgresql
sql 'DROP TABLE child'
for type in timestamp 'timestamp(0)' 'timestamptz(3)' date text; do
	sql "DROP TABLE t; CREATE TABLE t (k int PRIMARY KEY, v text, at $type)"
	for at in 2026-05-28 '2026-05-30 11:59:58' '2026-05-30 11:59:59' \
	    '2026-05-30 12:00:00' 2026-06-01; do
		fresh "1, 'row', '$at'"
		one aa '{"k":1,"v":"jan"}'
		case $type/$at in
		text/* | */*12:00:00 | */2026-06-01 | date/2026-05-30* | \
		    *\(?\)/*11:59:59)
			stays "$type, $at" '1|row ' --key k --touch at
			;;
		*)
			closes "$type, $at" '1|jan ' --key k --touch at
			;;
		esac
	done
	for at in infinity -infinity '2026-05-30 12:00:00 BC'; do
		[ "$type" != text ] || continue
		fresh "1, 'row', '$at'"
		one aa '{"k":1,"v":"jan"}'
		is "$type, $at: the load succeeds" 0 "$(load --key k --touch at)"
	done
done
# Another session writes the row while the replay begins.
sql 'DROP TABLE t; CREATE TABLE t (k int PRIMARY KEY, v text, at timestamptz)'
fresh "1, 'dec', '2026-01-01'"
one aa '{"k":1,"v":"jan"}'
ok 'another session writes the row' hold BEGIN \
    "UPDATE t SET v = 'feb', at = '2026-06-01'"
etl-load --db "$db" --table t --key k --touch at --marked <"$scratch/in" \
    >"$scratch/out" 2>"$scratch/err" 8>&- &
loader=$!
ok 'the replay waits for the other session' wait_until 30 sh -c "[ \"\$(psql \
    -XAtq -d '$db' -c \"SELECT count(*) FROM pg_locks WHERE $locks_here
    AND NOT granted AND mode = 'ShareRowExclusiveLock'\")\" = 1 ]"
echo 'COMMIT;' >&8
release
rc=0
wait $loader || rc=$?
is 'the replay sees what the other session has written' '0 1|feb aa|1|0|open' \
    "$rc $(rows)$(letters)"
# The connection is lost at COMMIT. In its next try the load finds the rows of
# the first try, if the server has committed them.
for when in before after late; do
	fresh "1, 'feb', NULL"
	letter aa 1
	letter bb 1
	replay "cut$when"
	rec '{"k":2,"v":"two"}'
	resolve bb 1 0
	rec '{"k":1,"v":"jan"}'
	resolve aa 1 0
	end
	mkdir "$scratch/$when"
	python3 tests/etl-load/cut_commit.py $when "$scratch/$when" \
	    >"$scratch/cut.log" 2>&1 &
	proxy=$!
	at_exit "kill $proxy 2>/dev/null"
	wait_until 10 test -S "$scratch/$when/.s.PGSQL.1"
	url="postgresql:///${db##*/}?host=$scratch/$when&port=1&gssencmode=disable"
	is "COMMIT is cut ($when): one letter is loaded, one stays open" \
	    '0 1|feb 2|two aa|1|0|open bb|1|1|resolved ' "$(status etl-load \
	    --db "$url" --table t --key k --touch at --backoff 10ms..20ms \
	    --marked <"$scratch/in") $(rows)$(letters | tr '\n' ' ')"
	like "COMMIT is cut ($when): the message counts one letter" \
	    'warning: 1 letter .aa. stays open' "$(cat "$scratch/err")"
done
# Records that COPY or the table refuses.
# shellcheck disable=SC2016
sql 'ALTER TABLE t ADD CHECK (v <> $$bad$$)'
fresh "1, 'feb', '2026-06-01'"
one aa '{"k":1,"v":"jan"}' '{"k":2,"at":"never"}' '{"k":3,"v":"bad"}'
stays 'records that the table refuses' '1|feb ' --key k --max-rejects 100%
done_testing
