#!/bin/sh
# etl-load rejects each kind of bad record with the right code, pointer,
# sqlstate and bytes, at any place in a batch, and loads the other records. It
# writes the reject to a file, to file descriptor 3, or fails if it has neither.
. tests/support/lib.sh

# load STATUS COUNTS OPTION...: loads $scratch/in into t. COUNTS are the numbers
# of inserted and rejected records. $name begins the labels.
load() {
	want=$1
	counts=$2
	shift 2
	rc=0
	timeout 300 etl-load -v --db "$db" --table t --max-rejects 100% "$@" \
	    <"$scratch/in" >"$scratch/out" 2>"$scratch/err" \
	    3>"$scratch/rejects" || rc=$?
	is "$k $name: exit code $want" "$want" $rc
	is "$k $name: -v has the right counts" \
	    "$counts" "$(sed -n \
	    '1s/.* \([0-9]*\) inserted.* \([0-9]*\) rejected$/\1 \2/p' \
	    "$scratch/err")"
}
put() {
	printf '%s\n' "$@" >"$scratch/in"
}
# causes: prints line, code, pointer and sqlstate of each reject.
causes() {
	jq -r '"\(.origin.line) \(.code) \(.pointer) \(.sqlstate)"' \
	    "$scratch/rejects" | sort -n
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE p (id int PRIMARY KEY)'
	sql 'INSERT INTO p VALUES (1)'
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int CHECK (n < 100), u text UNIQUE,
	    nn text NOT NULL DEFAULT 0, p int REFERENCES p,
	    d int REFERENCES p DEFERRABLE INITIALLY DEFERRED, j jsonb)'
	case $kind in
	postgresql) state() { echo "$1"; } ;;
	*) state() { echo null; } ;;
	esac

	name='each kind of bad record'
	{
		printf '%s\n' '{"k":"ok"}' '{"k":"a","n":"x"}' \
		    '{"k":"a","n":99999999999999999999}' '{"k":null}' \
		    '{"n":1}' '{"k":"a","zz":1}' '{"k":"a\u0000"}' \
		    '{"k":"a","j":{"b":["\u0000"]}}' '{"k":"\ud800"}' \
		    '{"k":"a","k":"b"}' '{"k":"a"' '[]' '{"k":"a","nn":null}' \
		    '{"k":"a","n":100}' '{"k":"a","p":2}' '{"k":"a","d":3}' \
		    '{"k":"u1","u":"U"}' '{"k":"u2","u":"U"}'
		printf '{"k":"\377"}\n'
		printf '{"k":"%0100d"}\n' 0
		echo '{"k":"d","j":{"x":[{"a":1,"a":2}]}}'
		printf '{"k":"last"}'
	} >"$scratch/in"
	load 0 '3 19' --key k --max-record 100
	is "$k $name: line, code, pointer and sqlstate are right" \
	    "2 type /n $(state 22P02)
3 range /n $(state 22003)
4 required /k null
5 required /k null
6 schema /zz null
7 encoding /k null
8 encoding /j null
9 encoding /k null
10 duplicate_member null null
11 parse null null
12 type null null
13 constraint /nn $(state 23502)
14 constraint null $(state 23514)
15 constraint null $(state 23503)
16 constraint null $(state 23503)
18 constraint $([ $kind = sqlite ] && echo /u || echo null) $(state 23505)
19 encoding null null
20 too_long null null
21 duplicate_member null null" "$(causes)"
	is "$k $name: the good records are loaded" 'last
ok
u1' "$(sql 'SELECT k FROM t ORDER BY k')"
	# shellcheck disable=SC2016
	is "$k $name: the reject has the record's text in raw" \
	    "$(sed -n '2,16p;18p' "$scratch/in")" \
	    "$(jq -sr 'sort_by(.origin.line) | .[] | .raw // empty' \
	    "$scratch/rejects" | head -n 16)"
	# shellcheck disable=SC1003 # sed's command, not an escape
	is "$k $name: bytes that are not UTF-8 are in raw_base64" \
	    "$(sed -n 19p "$scratch/in" | od -c)" \
	    "$(jq -r 'select(.code == "encoding") | .raw_base64 // empty' \
	    "$scratch/rejects" | base64 -d | sed '$a\' | od -c)"
	is "$k $name: the reject has the byte offset of the record" \
	    "$(LC_ALL=C awk '{ print at + 0;
	    at += length($0) + 1 }' "$scratch/in" | sed -n '2,16p;18,21p')" \
	    "$(jq -r .origin.offset "$scratch/rejects" | sort -n)"
	is "$k $name: all rejects with one key have the same id" 1 \
	    "$(jq -r 'select(.origin.key == "[\"a\"]") | .id' \
	    "$scratch/rejects" | sort -u | wc -l)"
	is "$k $name: each reject has its own occurrence" 19 \
	    "$(jq -r .occurrence "$scratch/rejects" | sort -u | wc -l)"

	# One bad record is the first one, in the middle, or the last one.
	# etl-load itself, COPY, or only the statement that merges the batch
	# into the table finds it.
	for bad in '"zz":1' '"n":"x"' '"n":100' '"p":2' '"d":2'; do
		for at in 1 50 100; do
			name="$bad in line $at of 100"
			sql 'DELETE FROM t'
			seq 100 | sed "s/.*/{\"k\":\"&\"}/; ${at}s/}/,$bad}/" \
			    >"$scratch/in"
			load 0 '99 1' --key k
			is "$k $name: the reject names this line" $at \
			    "$(sed 's/.*"line":\([0-9]*\).*/\1/' \
			    "$scratch/rejects")"
			is "$k $name: the bad record has no row" 0 \
			    "$(sql "SELECT count(*) FROM t WHERE k = '$at'")"
		done
	done

	# A record may refer to a row whose record comes later in the batch.
	sql 'CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree)'
	put '{"id":1}' '{"id":3,"up":2}' '{"id":2,"up":1}' '{"id":4,"up":9}'
	rc=0
	timeout 300 etl-load --db "$db" --table tree --key id \
	    <"$scratch/in" 3>"$scratch/rejects" || rc=$?
	is "$k a reference to a later record: etl-load exits with 0" 0 $rc
	name=tree
	is "$k only the reference to a row that does not exist is rejected" \
	    "4 constraint null $(state 23503)" "$(causes)"

	# Many bad records: all of them, or two in a hundred.
	name='10000 records of a wrong type'
	sql 'DELETE FROM t'
	seq 10000 | sed 's/.*/{"k":"&","n":"x"}/' >"$scratch/in"
	load 0 '0 10000' --key k
	is "$k $name: each record is rejected once" 10000 \
	    "$(jq .origin.line "$scratch/rejects" | sort -u | wc -l)"
	name='10000 records that violate a CHECK'
	seq 10000 | sed 's/.*/{"k":"&","n":100}/' >"$scratch/in"
	load 0 '0 10000' --key k
	name='2 of 100 records are bad'
	seq 20000 | sed 's/.*/{"k":"&","n":1}/; 7~100s/1}$/100}/;
	    8~100s/1}$/"x"}/' >"$scratch/in"
	load 0 '19600 400' --key k
	name='2 of 100 records are bad, append'
	sql 'DELETE FROM t'
	load 0 '19600 400'
	is "$k $name: the rejects name the right lines" \
	    200 "$(jq 'select(.origin.line % 100 == 7)
	    .origin.line' "$scratch/rejects" | sort -u | wc -l)"
	is "$k $name: the good records are loaded" \
	    19600 "$(sql 'SELECT count(*) FROM t')"

	# If --max-rejects is exceeded, etl-load stores nothing after the last
	# commit.
	sql 'DELETE FROM t'
	seq 100 | sed 's/.*/{"k":"&","n":1}/; 41,$s/1}$/"x"}/' >"$scratch/in"
	is "$k more rejects than the default limit: etl-load exits with 1" \
	    1 "$(status etl-load --db "$db" --table t \
	    --key k --rejects "$scratch/limited" <"$scratch/in")"
	is "$k more rejects than the limit: no row and no reject is stored" \
	    '0 0' "$(sql 'SELECT count(*) FROM t') $(
	    wc -l <"$scratch/limited")"
	like "$k more rejects than the limit: the message counts the causes" \
	    '^  60 type: .*line 41: ' "$(cat "$scratch/err")"
	is "$k more rejects than --max-rejects 10: etl-load exits with 1" \
	    1 "$(status etl-load --db "$db" --table t \
	    --key k --rejects "$scratch/limited" --max-rejects 10 --batch 20 \
	    <"$scratch/in")"
	is "$k more rejects than --max-rejects 10: the batches before stay" \
	    40 "$(sql 'SELECT count(*) FROM t')"

	# Places for rejects: none, a full one, /dev/null and a pipe.
	sql 'DELETE FROM t'
	put '{"k":"a","n":"x\netl-load: t: 1 in, 1 inserted"}'
	is "$k a value with a newline: etl-load exits with 65" \
	    65 "$(status etl-load --db "$db" --table t \
	    --key k <"$scratch/in")"
	is "$k a value with a newline begins no line of its own on stderr" \
	    1 "$(wc -l <"$scratch/err")"
	put '{"k":"a"}' '{"k":"b","n":"x"}' '{"k":"c"}'
	is "$k nowhere to write a reject: etl-load exits with 65" \
	    65 "$(status etl-load --db "$db" --table t \
	    --key k <"$scratch/in")"
	like "$k nowhere to write a reject: the message advises 3>>rejects" \
	    'line 2: .*[(]type[)]: .*nowhere to write rejects: .*3>>rejects' \
	    "$(cat "$scratch/err")"
	is "$k nowhere to write a reject: nothing is stored" \
	    0 "$(sql 'SELECT count(*) FROM t')"
	rc=0
	timeout 300 etl-load --db "$db" --table t --key k <"$scratch/in" \
	    3>/dev/full 2>"$scratch/err" || rc=$?
	is "$k the disk of the reject file is full: etl-load exits with 74" \
	    74 $rc
	is "$k the disk of the reject file is full: nothing is stored" \
	    0 "$(sql 'SELECT count(*) FROM t')"
	rc=0
	timeout 300 etl-load --db "$db" --table t --key k <"$scratch/in" \
	    3>/dev/null || rc=$?
	is "$k rejects go to /dev/null: etl-load exits with 0" 0 $rc
	is "$k rejects go to /dev/null: the good records are loaded" \
	    2 "$(sql 'SELECT count(*) FROM t')"
	is "$k rejects go to a pipe: the pipeline exits with 0" \
	    0 "$(timeout 300 etl-load --db "$db" \
	    --table t --key k <"$scratch/in" 3>&1 >"$scratch/out" |
	    jq -r .code >"$scratch/codes"; echo $?)"
	is "$k rejects go to a pipe: the reader gets the reject" \
	    type "$(cat "$scratch/codes")"
	put '{"@etl":"begin","v":1,"id":"x"}' '{"k":"z"}'
	is "$k --plain with a line like a mark: etl-load exits with 0" \
	    0 "$(status etl-load --db "$db" --table t \
	    --key k --plain --rejects "$scratch/plain.$kind" <"$scratch/in")"
	is "$k --plain rejects a line like a mark with the code reserved" \
	    reserved "$(jq -r .code "$scratch/plain.$kind")"

	# A trigger writes to another table, whose foreign key is checked only at
	# COMMIT. Only the record that violates it is rejected.
	sql 'CREATE TABLE seen (n int REFERENCES p DEFERRABLE INITIALLY DEFERRED)'
	sql 'CREATE TABLE w (n int)'
	case $kind in
	sqlite) sql 'CREATE TRIGGER w AFTER INSERT ON w BEGIN
	    INSERT INTO seen VALUES (new.n); END' ;;
	*)
		sql "CREATE FUNCTION w() RETURNS trigger LANGUAGE plpgsql AS \$\$
		    BEGIN INSERT INTO seen VALUES (new.n); RETURN new;
		    END \$\$"
		sql 'CREATE TRIGGER w AFTER INSERT ON w FOR EACH ROW
		    EXECUTE FUNCTION w()'
		;;
	esac
	put '{"n":1}' '{"n":7}' '{"n":1}' '{"n":1}'
	is "$k a deferred constraint of another table: etl-load exits with 0" \
	    0 "$(status etl-load --db "$db" \
	    --table w --rejects "$scratch/waits.$kind" <"$scratch/in")"
	is "$k a deferred constraint of another table: the good rows are in both" \
	    '3 3' "$(sql 'SELECT count(*)
	    FROM w') $(sql 'SELECT count(*) FROM seen')"
	is "$k a deferred constraint of another table: one record is rejected" \
	    '{"n":7}' \
	    "$(jq -r .raw "$scratch/waits.$kind")"

	sql 'CREATE TABLE twice (k text, n int, PRIMARY KEY (k, n))'
	put '{"k":"a","n":1}' '{"k":"b","n":2}'
	has_row='records were rejected because table twice already has such a row'
	is "$k the first load without --key exits with 0" 0 \
	    "$(status etl-load --db "$db" --table twice --rejects \
	    "$scratch/twice" <"$scratch/in")"
	unlike "$k the first load without --key prints no advice" '.' \
	    "$(cat "$scratch/err")"
	is "$k a second load without --key exits with 0" 0 \
	    "$(status etl-load --db "$db" --table twice --rejects \
	    "$scratch/twice" <"$scratch/in")"
	is "$k a second load without --key prints one line that advises --key" \
	    1 \
	    "$(grep -c "$has_row .*, for the primary key: --key k,n\$" \
	    "$scratch/err")"
	is "$k a second load with --mode append exits with 0" 0 \
	    "$(status etl-load --db "$db" --table twice --mode append --rejects \
	    "$scratch/twice" <"$scratch/in")"
	unlike "$k a second load with --mode append prints no advice" \
	    "$has_row" \
	    "$(cat "$scratch/err")"
	is "$k --key with blanks in its list of columns: exit code 0" 0 \
	    "$(status etl-load -v --db "$db" --table twice --key ' k, n ' \
	    <"$scratch/in")"
	like "$k --key with blanks in its list of columns finds the rows" \
	    '2 in, 0 inserted, 0 updated, 2 unchanged' "$(cat "$scratch/err")"
done
done_testing
