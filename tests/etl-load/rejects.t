#!/bin/sh
# Bad records: each kind with code, pointer, sqlstate and bytes, at any place
# in a batch, and where they go.
. tests/support/lib.sh

# load STATUS COUNTS OPTION...: $scratch/in into t; inserted rejected.
load() {
	want=$1
	counts=$2
	shift 2
	rc=0
	timeout 60 etl-load -v --db "$db" --table t --max-rejects 100% "$@" \
	    <"$scratch/in" >"$scratch/out" 2>"$scratch/err" \
	    3>"$scratch/rejects" || rc=$?
	is "$k $name: status" "$want" $rc
	is "$k $name: counts" "$counts" "$(sed -n \
	    '1s/.* \([0-9]*\) inserted.* \([0-9]*\) rejected$/\1 \2/p' \
	    "$scratch/err")"
}
put() {
	printf '%s\n' "$@" >"$scratch/in"
}
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

	name='each kind'
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
		printf '{"k":"last"}'
	} >"$scratch/in"
	load 0 '3 18' --key k --max-record 100
	is "$k $name: causes" "2 type /n $(state 22P02)
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
20 too_long null null" "$(causes)"
	is "$k $name: rows" 'last
ok
u1' "$(sql 'SELECT k FROM t ORDER BY k')"
	# shellcheck disable=SC2016
	is "$k $name: raw" "$(sed -n '2,16p;18p' "$scratch/in")" \
	    "$(jq -sr 'sort_by(.origin.line) | .[] | .raw // empty' \
	    "$scratch/rejects" | head -n 16)"
	# shellcheck disable=SC1003 # sed's command, not an escape
	is "$k $name: raw bytes" "$(sed -n 19p "$scratch/in" | od -c)" \
	    "$(jq -r 'select(.code == "encoding") | .raw_base64 // empty' \
	    "$scratch/rejects" | base64 -d | sed '$a\' | od -c)"
	is "$k $name: offsets" "$(LC_ALL=C awk '{ print at + 0;
	    at += length($0) + 1 }' "$scratch/in" | sed -n '2,16p;18,20p')" \
	    "$(jq -r .origin.offset "$scratch/rejects" | sort -n)"
	is "$k $name: the key's id is that of its other records" 1 \
	    "$(jq -r 'select(.origin.key == "[\"a\"]") | .id' \
	    "$scratch/rejects" | sort -u | wc -l)"
	is "$k $name: occurrences" 18 \
	    "$(jq -r .occurrence "$scratch/rejects" | sort -u | wc -l)"

	# One bad record, first, in the middle, last: seen by us, by COPY, by
	# the merge alone.
	for bad in '"zz":1' '"n":"x"' '"n":100' '"p":2' '"d":2'; do
		for at in 1 50 100; do
			name="$bad at $at"
			sql 'DELETE FROM t'
			seq 100 | jq -c --argjson at $at --argjson bad "{$bad}" \
			    '{k: "\(.)"} + if . == $at then $bad else {} end' \
			    >"$scratch/in"
			load 0 '99 1' --key k
			is "$k $name: which" $at "$(jq .origin.line \
			    "$scratch/rejects")"
			is "$k $name: rows" 0 \
			    "$(sql "SELECT count(*) FROM t WHERE k = '$at'")"
		done
	done

	# A reference to a row that comes later in the batch.
	sql 'CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree)'
	put '{"id":1}' '{"id":3,"up":2}' '{"id":2,"up":1}' '{"id":4,"up":9}'
	rc=0
	timeout 60 etl-load --db "$db" --table tree --key id \
	    <"$scratch/in" 3>"$scratch/rejects" || rc=$?
	is "$k tree" 0 $rc
	name=tree
	is "$k tree: causes" "4 constraint null $(state 23503)" "$(causes)"

	# Many, and nothing else.
	name='all bad, by type'
	sql 'DELETE FROM t'
	seq 10000 | jq -c '{k: "\(.)", n: "x"}' >"$scratch/in"
	load 0 '0 10000' --key k
	is "$k $name: each once" 10000 \
	    "$(jq .origin.line "$scratch/rejects" | sort -u | wc -l)"
	name='all bad, by CHECK'
	seq 10000 | jq -c '{k: "\(.)", n: 100}' >"$scratch/in"
	load 0 '0 10000' --key k
	name='1 in 100 bad'
	seq 20000 | jq -c '{k: "\(.)", n: (if . % 100 == 7 then 100
	    elif . % 100 == 8 then "x" else 1 end)}' >"$scratch/in"
	load 0 '19600 400' --key k
	name='bad, append'
	sql 'DELETE FROM t'
	load 0 '19600 400'
	is "$k $name: which" 200 "$(jq 'select(.origin.line % 100 == 7)
	    .origin.line' "$scratch/rejects" | sort -u | wc -l)"
	is "$k $name: rows" 19600 "$(sql 'SELECT count(*) FROM t')"

	# The limit: nothing past the last commit is stored.
	sql 'DELETE FROM t'
	seq 100 | jq -c '{k: "\(.)", n: (if . > 40 then "x" else 1 end)}' \
	    >"$scratch/in"
	is "$k limit: status" 1 "$(status etl-load --db "$db" --table t \
	    --key k --rejects "$scratch/limited" <"$scratch/in")"
	is "$k limit: rows, rejects" '0 0' "$(sql 'SELECT count(*) FROM t') $(
	    wc -l <"$scratch/limited")"
	like "$k limit: causes" 'etl-load: .*60 type' "$(cat "$scratch/err")"
	is "$k limit N: status" 1 "$(status etl-load --db "$db" --table t \
	    --key k --rejects "$scratch/limited" --max-rejects 10 --batch 20 \
	    <"$scratch/in")"
	is "$k limit N: whole batches stay" 40 "$(sql 'SELECT count(*) FROM t')"

	# Nowhere to put them.
	sql 'DELETE FROM t'
	put '{"k":"a"}' '{"k":"b","n":"x"}' '{"k":"c"}'
	is "$k nowhere: status" 65 "$(status etl-load --db "$db" --table t \
	    --key k <"$scratch/in")"
	like "$k nowhere: what and advice" \
	    'line 2: .*[(]type[)]: .*nowhere to write rejects: .*3>>rejects' \
	    "$(cat "$scratch/err")"
	is "$k nowhere: rows" 0 "$(sql 'SELECT count(*) FROM t')"
	rc=0
	timeout 60 etl-load --db "$db" --table t --key k <"$scratch/in" \
	    3>/dev/full 2>"$scratch/err" || rc=$?
	is "$k full: status" 74 $rc
	is "$k full: rows" 0 "$(sql 'SELECT count(*) FROM t')"
	rc=0
	timeout 60 etl-load --db "$db" --table t --key k <"$scratch/in" \
	    3>/dev/null || rc=$?
	is "$k /dev/null: status" 0 $rc
	is "$k /dev/null: rows" 2 "$(sql 'SELECT count(*) FROM t')"
	is "$k to stdout: status" 0 "$(timeout 60 etl-load --db "$db" \
	    --table t --key k <"$scratch/in" 3>&1 >"$scratch/out" |
	    jq -r .code >"$scratch/codes"; echo $?)"
	is "$k to a pipe" type "$(cat "$scratch/codes")"
	put '{"@etl":"begin","v":1,"id":"x"}' '{"k":"z"}'
	is "$k --plain: status" 0 "$(status etl-load --db "$db" --table t \
	    --key k --plain --rejects "$scratch/plain.$kind" <"$scratch/in")"
	is "$k --plain: reserved" reserved "$(jq -r .code "$scratch/plain.$kind")"

	# Constraints that wait for the commit, of a table that is not the one
	# that is loaded: one record fails, not all.
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
	is "$k waits in another table" 0 "$(status etl-load --db "$db" \
	    --table w --rejects "$scratch/waits.$kind" <"$scratch/in")"
	is "$k waits in another table: rows" '3 3' "$(sql 'SELECT count(*)
	    FROM w') $(sql 'SELECT count(*) FROM seen')"
	is "$k waits in another table: reject" '{"n":7}' \
	    "$(jq -r .raw "$scratch/waits.$kind")"

	sql 'CREATE TABLE twice (k text, n int, PRIMARY KEY (k, n))'
	put '{"k":"a","n":1}' '{"k":"b","n":2}'
	has_row='records were rejected because table twice already has such a row'
	is "$k loaded twice without --key: the first load" 0 \
	    "$(status etl-load --db "$db" --table twice --rejects \
	    "$scratch/twice" <"$scratch/in")"
	unlike "$k loaded twice without --key: no advice at first" '.' \
	    "$(cat "$scratch/err")"
	is "$k loaded twice without --key: the second load" 0 \
	    "$(status etl-load --db "$db" --table twice --rejects \
	    "$scratch/twice" <"$scratch/in")"
	is "$k loaded twice without --key: one line advises --key" 1 \
	    "$(grep -c "$has_row .*, for the primary key: --key k,n\$" \
	    "$scratch/err")"
	is "$k loaded twice with --mode append: the status" 0 \
	    "$(status etl-load --db "$db" --table twice --mode append --rejects \
	    "$scratch/twice" <"$scratch/in")"
	unlike "$k loaded twice with --mode append: no advice" "$has_row" \
	    "$(cat "$scratch/err")"
	is "$k blanks in the list of --key are ignored" 0 \
	    "$(status etl-load -v --db "$db" --table twice --key ' k, n ' \
	    <"$scratch/in")"
	like "$k blanks in the list of --key: the rows are found" \
	    '2 in, 0 inserted, 0 updated, 2 unchanged' "$(cat "$scratch/err")"
done
done_testing
