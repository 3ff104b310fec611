#!/bin/sh
# Tables that are unusual: names that are too long or hostile, 1600 columns, rules,
# and a value of 100 MiB.
. tests/support/lib.sh

# load TABLE OPTION...: prints the exit code; the input is $scratch/in.
load() {
	table=$1
	shift
	: >"$scratch/rejects"
	status etl-load -v --db "$db" --table "$table" --max-rejects 100% \
	    --rejects "$scratch/rejects" "$@" <"$scratch/in"
}
rejects() {
	jq -r '"\(.code) \(.pointer)"' "$scratch/rejects"
}
# counts: the numbers of records in, inserted, updated and rejected.
counts() {
	sed -n 's/.*: \([0-9]*\) in, \([0-9]*\) inserted, \([0-9]*\) updated, .* \([0-9]*\) rejected.*/\1 \2 \3 \4/p' \
	    "$scratch/err"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind

	cat >"$scratch/hostile.sql" <<-'END'
	CREATE TABLE "t; DROP TABLE x --" ("a b" text, "c,d" text,
	    "e""f" text, "g'h" text, "=/" text, "Ä" text, "/~" text, "$1" text)
	END
	sql "$(cat "$scratch/hostile.sql")"
	cat >"$scratch/in" <<-'END'
	{"a b":"1","c,d":"2","e\"f":"3","g'h":"4","=/":"5","\u00c4":"6","/~":"7","$1":"8"}
	{"":1}
	{"A b":1}
	{"a\nb":1}
	{"/~/":1}
	END
	is "$k hostile names: exit code 0" 0 "$(load '"t; DROP TABLE x --"')"
	is "$k a column is found by its exact name" '1|2|3|4|5|6|7|8' \
	    "$(sql 'SELECT * FROM "t; DROP TABLE x --"')"
	is "$k a reject names a hostile member by a JSON Pointer" 'schema /
schema /A b
schema /a\nb
schema /~1~0~1' "$(rejects)"

	{
		echo 'CREATE TABLE wide (id int PRIMARY KEY'
		seq -f ', c%g smallint' 1599
		echo ')'
	} >"$scratch/wide.sql"
	sql "$(cat "$scratch/wide.sql")"
	seq 300 | awk '{
		line = sprintf("{\"id\":%d", $1)
		for (i = 1; i < 1600; i++)
			line = line sprintf(",\"c%d\":%d", i, i)
		print line "}"
	    }
	    END { print "{\"id\":\"x\"}\n{\"id\":7,\"c5\":1}\n{\"id\":301,\"c9\":1}" }' \
	    >"$scratch/in"
	is "$k 1600 columns: exit code 0" 0 "$(load wide --mode append)"
	is "$k 1600 columns: one bad record is one reject" '303 301 0 2' \
	    "$(counts)"
	is "$k 1600 columns: the rejects are the bad records" \
	    '{"id":"x"}
{"id":7,"c5":1}' "$(jq -r .raw "$scratch/rejects")"
	is "$k 1600 columns: each value is in its column" \
	    '300|1599|1' "$(sql 'SELECT count(c1599), max(c1599), max(c1)
	    FROM wide WHERE c1599 = 1599 AND c2 = 2')"
	echo '{"id":7,"c1599":-1}' >"$scratch/in"
	case $kind in
	sqlite)
		is "$k an upsert of 1600 columns: exit code 0" \
		    0 "$(load wide --key id)" ;;
	*)
		is "$k an upsert of 1600 columns: exit code 78" \
		    78 "$(load wide --key id)"
		like "$k an upsert of 1600 columns: the message says why" \
		    'at most 1598 columns with --columns' \
		    "$(cat "$scratch/err")"
		is "$k an upsert of 2 columns of 1600: exit code 0" \
		    0 "$(load wide --key id --columns id,c1599)" ;;
	esac
	is "$k an upsert into 1600 columns leaves the others alone" \
	    '1598|-1' "$(sql 'SELECT c1598, c1599 FROM wide WHERE id = 7')"

	sql 'CREATE TABLE t (id int PRIMARY KEY, big text)'
	python3 -c 'print("{\"id\":1,\"big\":\"" + "x" * (100 << 20) + "\"}")
print("{\"id\":2,\"big\":\"y\"}")' >"$scratch/in"
	is "$k 100 MiB with --max-record 200MiB: exit code 0" 0 "$(load t \
	    --key id --max-record 200MiB)"
	is "$k a value of 100 MiB is stored" '1|104857600
2|1' "$(sql 'SELECT id, length(big) FROM t ORDER BY id')"
	is "$k 100 MiB without --max-record: exit code 0" 0 "$(load t --key id)"
	is "$k a value of 100 MiB is one reject" 'too_long null' "$(rejects)"
	rm "$scratch/in"
done

k=postgresql:
long=$(printf '%063d' 0 | tr 0 a)
sql "CREATE TABLE $long (id int PRIMARY KEY, $long int)"
echo '{"id":1}' >"$scratch/in"
is "$k a table name of 63 bytes: exit code 0" 0 "$(load "$long")"
for option in "${long}x" "public.${long}x" "${long}x.$long" "$long --key ${long}x" \
    "$long --touch ${long}x" "$long --columns id,${long}x" \
    "$long --map ${long}x=/x" "$long --extra ${long}x" \
    "$long --mode delete-insert --complete --scope ${long}x" \
    "$long --key id --compare ${long}x" "$long --seen ${long}x --key id"; do
	label=$(echo "$option" | sed "s/$long/NAME/g")
	# shellcheck disable=SC2086
	is "$k --table $label: a name that is too long is refused" \
	    78 "$(load $option)"
done
echo "{\"id\":2,\"${long}x\":1}" >"$scratch/in"
is "$k a member with a longer name than a column: exit code 0" 0 \
    "$(load "$long")"
is "$k a longer name is not cut to the name of a column" \
    "schema /${long}x" "$(rejects)"
is "$k the table of the cut name got one row" 1 \
    "$(sql "SELECT count(*) FROM $long")"

sql 'CREATE TABLE ruled (id int PRIMARY KEY, n int); CREATE TABLE log (id int)'
echo '{"id":1,"n":2}' >"$scratch/in"
for event in INSERT UPDATE DELETE; do
	sql "CREATE RULE noted AS ON $event TO ruled DO ALSO
	    INSERT INTO log VALUES (1)"
	for mode in 'append' 'upsert' 'ignore' \
	    'delete-insert --complete --scope id'; do
		case $event:$mode in
		INSERT:* | UPDATE:upsert | UPDATE:ignore | DELETE:delete*)
			want=78 ;;
		*) want=0 ;;
		esac
		# shellcheck disable=SC2086
		is "$k a rule ON $event, --mode ${mode%% *}: exit code $want" \
		    $want "$(load ruled --mode $mode)"
		[ $want = 0 ] || like \
		    "$k a rule ON $event, --mode ${mode%% *}: it is named" \
		    "the rule \"noted\" for $event" "$(cat "$scratch/err")"
		sql 'ALTER TABLE ruled DISABLE RULE noted; DELETE FROM ruled;
		    ALTER TABLE ruled ENABLE RULE noted'
	done
	sql 'DROP RULE noted ON ruled'
done
is "$k no rule was obeyed in part" 0 "$(sql 'SELECT count(*) FROM log')"
done_testing
