#!/bin/sh
# --newer-by: a record that is older than its row does not change the row.
. tests/support/lib.sh

# load TABLE OPTION...: loads standard input by the key k and prints the counts
# that are not 0.
load() {
	table=$1
	shift
	etl-load -v --db "$db" --table "$table" --key k --newer-by at \
	    --max-rejects 100% --rejects "$scratch/rejects" "$@" \
	    2>"$scratch/err" || cat "$scratch/err"
	sed -n 's/.* [0-9]* in, //p' "$scratch/err" | tr , '\n' |
	    grep -v '^ *0 ' | tr -d '\n' | sed 's/^ *//'
}
rows() {
	sql "SELECT * FROM $1 ORDER BY k" | paste -sd ' '
}
# record K AT V ...: a line for each three arguments.
record() {
	printf '{"k":%d,"at":%s,"v":"%s"}\n' "$@"
}

# four_ages WHAT TABLE AT: four rows with the value AT, of which the last has
# NULL instead, and records with the values of $older, AT, and $newer.
four_ages() {
	sql "DELETE FROM $2"
	record 1 "$3" a 2 "$3" a 3 "$3" a 4 "$3" a | load "$2" >/dev/null
	sql "UPDATE $2 SET at = NULL WHERE k = 4"
	is "$1: one of four records is older than its row" '3 updated 1 skipped' \
	    "$(record 1 "$older" b 2 "$3" b 3 "$newer" b 4 "$older" b |
		load "$2")"
	is "$1: the older record changes nothing, an equal one does" 'a b b b' \
	    "$(sql "SELECT v FROM $2 ORDER BY k" | paste -sd ' ')"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE i (k int PRIMARY KEY, at int, v text);
	    CREATE TABLE n (k int PRIMARY KEY, at numeric, v text);
	    CREATE TABLE f (k int PRIMARY KEY, at double precision, v text);
	    CREATE TABLE t (k int PRIMARY KEY, at text, v text);
	    CREATE TABLE z (k int PRIMARY KEY, at timestamptz, v text);
	    CREATE TABLE d (k int PRIMARY KEY, at date, v text)'
	older=9 newer=11
	four_ages "$k integers" i 10
	four_ages "$k numbers with digits" n 10.0
	older=-1e-3 newer=1e-300
	four_ages "$k floats" f 0
	older='"10"' newer='"9a"'
	four_ages "$k texts" t '"9"'
	older='"2026-01-01T14:59:59.9+03:00"' newer='"2026-01-01T12:00:00.5Z"'
	four_ages "$k times with other offsets and digits" z \
	    '"2026-01-01T13:00:00+01:00"'
	older='"2025-12-31"' newer='"2026-01-02"'
	four_ages "$k dates" d '"2026-01-01"'

	sql 'DELETE FROM i'
	for batch in 1 2 100; do
		is "$k --batch $batch: records of a new row, the newest first" \
		    "1|7|new" "$(record 1 7 new 1 5 old 1 6 old |
			load i --batch $batch >/dev/null
			rows i; sql 'DELETE FROM i')"
		is "$k --batch $batch: the newest in the middle" \
		    "1|7|new" "$(record 1 5 old 1 7 new 1 6 old |
			load i --batch $batch >/dev/null
			rows i; sql 'DELETE FROM i')"
		is "$k --batch $batch: of two as new ones the last counts" \
		    "1|7|new" "$(record 1 7 old 1 7 new 1 6 old |
			load i --batch $batch >/dev/null
			rows i; sql 'DELETE FROM i')"
	done
	is "$k in one batch, the other records of a key are superseded" \
	    '1 inserted 2 superseded' "$(record 1 5 a 1 7 b 1 6 c | load i)"
	is "$k one record is skipped if the row is newer than all of them" \
	    '2 superseded 1 skipped' "$(record 1 5 d 1 6 e 1 4 f | load i)"
	is "$k records with other members, the older one comes last" \
	    '1|9|b 2|9|x' "$(
		printf '%s\n' '{"k":1,"at":9}' '{"k":2,"at":9,"v":"x"}' \
		    '{"k":2,"at":8,"v":"y"}' '{"k":1,"at":8,"v":"c"}' |
		load i >/dev/null; rows i)"

	: >"$scratch/rejects"
	is "$k a record without the member, and one with null, are rejects" \
	    '1 unchanged 2 rejected' "$(printf '%s\n' '{"k":1,"v":"z"}' \
		'{"k":1,"at":null,"v":"z"}' '{"k":1,"at":9,"v":"b"}' | load i)"
	is "$k these rejects have the code required and the pointer" \
	    'required /at' "$(jq -r '.code + " " + .pointer' \
	    "$scratch/rejects" | sort -u)"

	sql "CREATE TABLE h (k int PRIMARY KEY, at int, v text, hash text,
	    touched timestamptz, seen timestamptz);
	    INSERT INTO h VALUES (1, 5, 'a', 'x', NULL, NULL)"
	is "$k --compare: a newer record with an equal hash sets the column" \
	    '1 updated' "$(echo '{"k":1,"at":8,"v":"b","hash":"x"}' |
		load h --compare hash)"
	is "$k so a record between both does not overwrite the row" \
	    '1 skipped' "$(echo '{"k":1,"at":7,"v":"c","hash":"y"}' |
		load h --compare hash --touch touched --seen seen)"
	is "$k a skipped record sets the column of --seen, not of --touch" \
	    '1|8|b|x|1|0' "$(sql 'SELECT k, at, v, hash,
		CASE WHEN touched IS NULL THEN 1 ELSE 0 END,
		CASE WHEN seen IS NULL THEN 1 ELSE 0 END FROM h')"
	is "$k as new and equal: unchanged" '1 unchanged' \
	    "$(echo '{"k":1,"at":8,"v":"d","hash":"x"}' |
		load h --compare hash)"

	sql 'CREATE TABLE c (k int PRIMARY KEY, at int, v text
	    CHECK (v <> '"'bad')"')'
	is "$k an older record is no update, so the table does not judge it" \
	    '2 inserted 2 superseded' "$(record 1 5 a 1 4 bad \
		1 3 b 2 1 a | load c)"
	is "$k it changes nothing" '1|5|a 2|1|a' "$(rows c)"
	is "$k records that are judged row by row: one is older" \
	    '1 updated 1 skipped 1 rejected' "$(record 1 4 z 2 2 b 3 1 bad |
		load c)"
	is "$k without such a record: the same counts" \
	    '1 updated 1 skipped' "$(record 1 4 z 2 3 c | load c)"

	# refused CODE TEXT OPTION...: the options are refused with CODE.
	refused() {
		code=$1 text=$2
		shift 2
		is "$k $*: exit code $code" "$code" "$(status etl-load \
		    --db "$db" --table h "$@" </dev/null)"
		like "$k $*: the message says why" "$text" \
		    "$(cat "$scratch/err")"
	}
	refused 64 '--newer-by needs --key' --newer-by at
	refused 64 '--newer-by needs --key' --newer-by at --mode ignore --key k
	refused 64 'in the order in which they come' --newer-by at --mode cdc \
	    --key k
	refused 64 'give --as-of' --newer-by at --mode scd2 --key k
	refused 78 'no column "zz"' --newer-by zz --key k
	refused 78 'part of the key' --newer-by k --key k
	refused 78 'same column' --newer-by seen --seen seen --key k
	refused 78 'same column' --newer-by touched --touch touched --key k
done

sql 'CREATE TABLE j (k int PRIMARY KEY, at json, v text)'
is 'a column whose type has no order is refused' 78 \
    "$(status etl-load --db "$db" --table j --key k --newer-by at </dev/null)"
like 'the message names the column and the type' \
    'column "at" of table j has the type json' "$(cat "$scratch/err")"
sql 'CREATE TABLE e (k int PRIMARY KEY, at float8, v text)'
record 1 '"NaN"' a | load e >/dev/null
is 'NaN is newer than all numbers' '1 skipped' \
    "$(record 1 '"Infinity"' b | load e)"
sql "CREATE TYPE pair AS (a int, b int); CREATE TYPE mood AS ENUM ('z', 'a');
    CREATE TABLE p (k int PRIMARY KEY, at pair, v text);
    CREATE TABLE m (k int PRIMARY KEY, at mood, v text);
    INSERT INTO p VALUES (1, '(5,)', 'a'); INSERT INTO m VALUES (1, 'a', 'a')"
is 'a composite value with a NULL in it has an order' '1 skipped' \
    "$(record 1 '"(4,1)"' b | load p)"
is 'an enum has the order of its labels' '1 skipped' \
    "$(record 1 '"z"' b | load m)"
sql 'CREATE TABLE part (k int PRIMARY KEY, at int, v text)
    PARTITION BY RANGE (k);
    CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10)'
record 1 5 a 2 5 a 3 5 a | load part >/dev/null
is 'a partitioned table' '1 inserted 1 updated 1 unchanged 1 skipped' \
    "$(record 1 4 b 2 5 a 3 6 b 4 1 a | load part)"
sql "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.at := NEW.at + 100; RETURN NEW; END';
    CREATE TABLE g (k int PRIMARY KEY, at int, v text);
    CREATE TRIGGER later BEFORE INSERT OR UPDATE ON g FOR EACH ROW
    EXECUTE FUNCTION later()"
is 'a trigger makes the rows newer that are loaded' \
    '2 inserted' "$(record 1 5 a 2 5 a | load g)"
is 'the counts still add up' '1 updated 1 skipped' \
    "$(record 1 4 b 2 150 b | load g)"

sql 'CREATE TABLE s (k int PRIMARY KEY, at int, v int)'
seq 10000 | jq -c '{k: 1, at: (. * 7919 % 10007), v: .}' >"$scratch/in"
load s <"$scratch/in" >/dev/null
is 'the newest of 10,000 records with one key is stored' \
    "$(jq -s -r 'max_by(.at) | "\(.k)|\(.at)|\(.v)"' "$scratch/in")" \
    "$(rows s)"
ok 'its row is not written once for each record' test 10 -gt \
    "$(sql "SELECT pg_stat_get_tuples_updated('s'::regclass)")"

# The loader waits for a transaction that makes the row newer.
sql "BEGIN; UPDATE s SET at = 99999, v = 0; SELECT pg_sleep(2); COMMIT" \
    >/dev/null &
wait_until 10 sh -c "psql -XAtq -d '$db' -c \"SELECT 1 FROM pg_stat_activity
    WHERE query LIKE '%pg_sleep(2)%' AND wait_event = 'PgSleep'
    AND pid <> pg_backend_pid() AND $sessions_here\" | grep 1"
is 'a row that becomes newer while the loader waits for its lock is kept' \
    '1 skipped 1|99999|0' \
    "$(record 1 50000 1 | sed 's/"1"/1/' | load s) $(rows s)"
wait

sql 'CREATE TABLE w (k int PRIMARY KEY, at int, v int)'
for i in 1 2 3 4; do
	seq 1000 | jq -c --argjson i $i \
	    '{k: ., at: ((. * 31 + $i * 57) % 101), v: $i}' |
	    shuf --random-source=/bin/sh >"$scratch/in.$i"
	etl-load --db "$db" --table w --key k --newer-by at --batch 300 \
	    <"$scratch/in.$i" 2>"$scratch/err.$i" &
done
wait
is 'of four loaders at the same time, the newest record of each key wins' \
    "$(cat "$scratch"/in.? | jq -s -r 'group_by(.k)[] | max_by(.at) |
	"\(.k)|\(.at)|\(.v)"' | cksum)" \
    "$(sql 'SELECT * FROM w ORDER BY k' | cksum)"
done_testing
