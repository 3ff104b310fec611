#!/bin/sh
# As search_path.t, for the other modes of etl-load, and for the options that
# make or alter tables, keep old rows, undo a load or write what it changed.
. tests/support/lib.sh
cd "$scratch"
. "$top/tests/etl-load/hostile.sh"

# put LINE...: writes the lines to the file `in`.
put() {
	printf '%s\n' "$@" >in
}

made_and_altered() {
	put '{"id":1,"b":true,"n":1,"x":1.5,"d":"2026-01-31","o":{"a":[1]}}' \
	    '{"id":2,"at":"2026-01-31T10:15:00Z","s":"t","big":12345678901234567890}'
	step '--create --plan' 0 etl-load --table made --key id --create --plan <in
	step '--create' 0 etl-load --table made --key id --create \
	    --touch touched <in
	step '--create of a table that exists' 0 etl-load --table made \
	    --key id --create <in
	put '{"id":1,"n":99999999999999999999,"d":"never","at":"x","b":"maybe"}' \
	    '{"id":2.5,"x":"z","big":"w","more":{"a":1},"time":"2026-01-31"}'
	step '--evolve --plan' 0 etl-load --table made --key id --evolve --plan <in
	step '--evolve adds and widens columns' 0 etl-load --table made \
	    --key id --evolve <in
	is "$path: the columns are wide" 'text numeric text text' "$(sql "SELECT
	    pg_catalog.string_agg(pg_catalog.format_type(atttypid, NULL), ' '
	    ORDER BY attnum) FROM pg_catalog.pg_attribute WHERE attrelid =
	    'app.made'::regclass::pg_catalog.oid
	    AND attname IN ('b', 'n', 'd', 'at')")"
	put '{"id":1,"v":"a","since":"2026-01-31"}'
	step '--create --mode scd2' 0 etl-load --table history --key id \
	    --create --mode scd2 --as-of since <in
	step '--create --mode append' 0 etl-load --table added --create <in
}

rows_as_text() {
	sql "SELECT r::pg_catalog.text FROM app.$table AS r ORDER BY 1"
}
# kept LABEL OPTION...: loads the file `in` with --keep-before and undoes it.
kept() {
	what=$1
	shift
	before=$(rows_as_text)
	step "$table: $what --keep-before" 0 etl-load --table "$table" \
	    --keep-before --rejects rejects -v "$@" <in
	run=$(sed -n 's/.*etl-load --undo \([^ ]*\) .*/\1/p' err)
	step "$table: --undo of $what" 0 etl-load --undo "$run" --table "$table"
	is "$path: $table: the rows before $what are back" "$before" \
	    "$(rows_as_text)"
	rm -f rejects
}

# late TABLE OPTION...: replays the file `in` as one letter, which stays open because
# the table has newer rows.
late() {
	out=$(wc -l <in) lates=$((${lates:-0} + 1))
	counts="\"stages\":[{\"stage\":\"x\",\"in\":0,\"out\":$out,\"dropped\":0,\"rejected\":0}]}"
	{
		echo "{\"@etl\":\"begin\",\"v\":1,\"id\":\"late$lates\",\"replay\":true,\"stage\":\"load\",\"stages\":[\"x\"]}"
		cat in
		echo "{\"@etl\":\"resolve\",\"id\":\"aa\",\"seq\":1,\"seen\":1,\"upto\":0,$counts"
		echo "{\"@etl\":\"end\",\"seq\":1,$counts"
	} >late
	step "a replay: $*" 0 etl-load --marked --table "$@" <late
	like "$path: a replay: $*: the letter stays open" 'letter .aa. stays open' \
	    "$(cat err)"
}

old_and_new_rows() {
	type=$1
	table=$(table_of "$type")
	records "$type" 1 >in
	step "$table: rows" 0 etl-load --table "$table" --key k <in
	{
		records "$type" 2 | tail -n 2
		records "$type" 3 | tail -n 1
		printf '{"k":%s,"n":4}\n' "$(key "$type" 4)"
		printf '{"k":%s,"v":"bad"}\n' "$(key "$type" 1)"
	} >in
	cp in records
	kept 'an upsert' --key k
	kept 'an upsert of newer rows' --key k --newer-by n
	printf '{"k":%s,"n":4}\n' "$(key "$type" 4)" >in
	kept 'an append' --mode append
	mv records in
	kept 'a mirror' --mode mirror --max-deletes 100%
	kept 'a delete-insert' --mode delete-insert --scope n --scope-value 1 \
	    --delete-despite-rejects
	sed '$d; s/^/{"operation":"INSERT","data":/; s/$/}/' in >changes
	printf '{"operation":"DELETE","data":{"k":%s}}\n' \
	    "$(key "$type" 1)" >>changes
	mv in records
	mv changes in
	kept 'changes' --mode cdc
	kept 'strict changes' --mode cdc --strict
	mv records in
	for what in changes rows; do
		records "$type" "$what" >emitted
		step "$table: --emit $what" 0 etl-load --table "$table" \
		    --key k --emit "$what" <emitted
		step "$table: --emit $what of a mirror" 0 etl-load --mode mirror \
		    --table "$table" --emit "$what" --max-deletes 100% \
		    --rejects rejects <in
		step "$table: --emit $what of changes" 0 etl-load --mode cdc \
		    --table "$table" --emit "$what" <<-X
		{"operation":"DELETE","data":{"k":$(key "$type" 2)}}
		X
	done
	step "$table: --expect" 0 etl-load --table "$table" --key k \
	    --expect 'rows>=1' --expect 'rejected<50%' --expect 'null(v)<100%' \
	    --expect 'unique(k,n)' --expect 'max(n)>=1' \
	    --expect 'rows>=0.5*usual' --rejects rejects <in
	step "$table: --mode replace" 0 etl-load --table "$table" \
	    --mode replace --rejects rejects <in
	records "$type" 8 >in
	step "$table: rows before a replay" 0 etl-load --table "$table" --key k <in
	records "$type" 9 >in
	late "$table" --key k --touch touched --seen seen
	{
		sed 's/^/{"operation":"UPDATE","data":/; s/$/}/' in
		printf '{"operation":"UPDATE","data":{"k":%s},"before":{"k":%s}}\n' \
		    "$(key "$type" 4)" "$(key "$type" 1)"
		printf '{"operation":"DELETE","data":{"k":%s}}\n' "$(key "$type" 2)"
	} >changes
	mv changes in
	late "$table" --mode cdc
	records "$type" 9 >in
	for way in truncate delete; do
		step "$table: --replace-by $way" 0 etl-load --table "$table" \
		    --mode replace --replace-by $way --rejects rejects <in
	done
	rm -f rejects
}

divided() {
	sql "SET ROLE $loader; CREATE TABLE app.divided (k int, u uuid, t text,
	    v app.code, PRIMARY KEY (k, u, t))"
	for k in 1 2 3 4 5 1 2 3; do
		printf '{"k":%d,"t":"a%d","v":"%s",' $k $k "${#last}"
		echo '"u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}'
	done >in
	for mode in upsert ignore; do
		step "--connections 2 --mode $mode" 0 etl-load --table divided \
		    --key k,u,t --connections 2 --mode $mode --batch 4 <in
	done
}

several() {
	sql "SET ROLE $loader; CREATE TABLE app.two (k public.citext PRIMARY KEY,
	    v app.code)"
	for mode in upsert ignore append mirror; do
		sql 'TRUNCATE app.of_int, app.two'
		for k in 1 2; do
			printf '{"t":"i","k":%d,"v":"x"}\n' $k
			printf '{"t":"v","k":"%d","v":"x"}\n' $k
		done >in
		case $mode in append) keys= ;; *) keys=:k ;; esac
		step "--tables --mode $mode" 0 etl-load --table-from /t \
		    --tables "i=of_int$keys,v=two$keys" --mode $mode <in
	done
}

history() {
	sql "SET ROLE $loader; CREATE TABLE app.past (k public.citext, n int,
	    valid_from timestamptz, valid_to timestamptz, is_current boolean,
	    PRIMARY KEY (k, valid_from)); CREATE UNIQUE INDEX ON app.past (k)
	    WHERE is_current"
	for day in 03 02 04; do
		put "{\"k\":\"a\",\"n\":$day,\"at\":\"2026-01-$day\"}" \
		    "{\"k\":\"b\",\"n\":1,\"at\":\"2026-01-$day\"}"
		sed -i 's/:0/:/' in
		step "--mode scd2, day $day" 0 etl-load --table past --key k \
		    --mode scd2 --as-of at <in
	done
	put '{"k":"a","n":9,"at":"2026-02-01"}'
	table=past
	kept 'a history' --key k --mode scd2 --as-of at
	put '{"k":"a","n":9,"at":"2026-01-04"}'
	late past --key k --mode scd2 --as-of at
	put '{"k":"a","n":7}'
	sql "UPDATE app.past SET valid_from = 'infinity' WHERE is_current"
	late past --key k --mode scd2
	sql "UPDATE app.past SET valid_from = '2026-03-01' WHERE is_current"
	put '{"k":"a","n":9,"at":"2026-04-01"}'
	step '--missing close' 0 etl-load --table past --key k --mode scd2 \
	    --as-of at --missing close --max-deletes 100% <in
	step '--emit of a history' 0 etl-load --table past --key k \
	    --mode scd2 --emit changes <<-X
	{"k":"b","n":7}
	X
}

# nested: rows of a second table, whose foreign keys, indexes and partitions
# etl-load looks up.
nested() {
	sql "SET ROLE $loader; CREATE TABLE app.sold (k public.citext PRIMARY KEY,
	    v app.code); CREATE TABLE app.lines (k public.citext NOT NULL
	    REFERENCES app.sold ON DELETE CASCADE, _index int, n app.number,
	    v app.code, PRIMARY KEY (k, _index))"
	table=sold
	put '{"k":"a","v":"1","of":[{"n":1},{"n":2,"v":"x"}],"tags":["p","q"]}' \
	    '{"k":"b","v":"1","of":[],"tags":null}'
	step '--nested --create' 0 etl-load --table made_with --key k --create \
	    --nested made_lines=/of --nested made_tags=/tags <in
	for what in new unchanged; do
		step "--nested: $what rows" 0 etl-load --table sold --key k \
		    --nested lines=/of --extra ignore <in
	done
	put '{"k":"A","v":"2","of":[{"n":3}]}' '{"k":"b","of":[{"n":"x"}]}' \
	    '{"k":"c","of":[{"n":4},{"n":5}]}'
	step '--nested: changed rows, and a reject' 0 etl-load --table sold \
	    --key k --nested lines=/of --extra ignore \
	    --rejects rejects --max-rejects 100% <in
	rm -f rejects
}

# tools PATH TYPES: runs etl-load with this search_path; TYPES are those of
# the keys.
tools() {
	path=$1 key_types=$2
	last=0
	database "$1"
	DATABASE_URL=$db
	export DATABASE_URL
	made_and_altered
	for one in $key_types; do
		old_and_new_rows "$one"
	done
	divided
	several
	history
	nested
	operators_are_exact
	is "$path: no object of the hostile role was called" '' "$(sql \
	    'SELECT DISTINCT what FROM evil.log')"
	is "$path: and none in a transaction that was rolled back" f \
	    "$(sql 'SELECT is_called FROM evil.calls')"
}
tools 'app, public, "odd, pg_catalog", PG_CATALOG' 'int public.citext app.mood'
done_testing
