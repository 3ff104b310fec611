#!/bin/sh
# A role that may create objects in a schema of the search_path cannot make the
# programs call its functions, operators and types (as in CVE-2018-1058).
. tests/support/lib.sh
cd "$scratch"
api_start
. "$top/tests/etl-load/hostile.sh"
load_all_types() {
	for type in $key_types; do
		for table in "$(table_of "$type")" "p_$(table_of "$type")"; do
			set -- etl-load --table "$table" --touch touched --seen seen
			records "$type" 1 >in
			step "$table: upsert of new rows" 0 "$@" --key k <in
			step "$table: upsert of unchanged rows" 0 "$@" --key k <in
			records "$type" 2 >in
			records "$type" 3 >>in
			printf '{"k":%s,"n":4}\n' "$(key "$type" 4)" >>in
			step "$table: upsert of changed rows and equal keys" 0 \
			    "$@" --key k <in
			records "$type" 4 >>in
			printf '{"k":%s,"v":"bad"}\n' "$(key "$type" 1)" >>in
			step "$table: upsert with a bad row" 0 \
			    "$@" --key k --compare v --rejects rejects <in
			rm -f rejects
			step "$table: ignore" 0 etl-load --table "$table" \
			    --mode ignore --rejects rejects --touch touched <in
			rm -f rejects
			is "$path: $table: the rows are right" '4
v4' "$(sql "SELECT pg_catalog.count(*) FROM app.$table"
			    sql "SELECT DISTINCT v FROM app.$table WHERE
			    v IS NOT NULL")"
		done
	done
}

# shellcheck disable=SC2016
control_tables() {
	printf '{"id":%d,"v":"x","n":1}\n' 1 2 3 4 >in.ndjson
	hex=$(printf '[{"id":1,"ts":"2026-01-01"},{"id":2,"ts":"2026-01-02"}]' |
	    od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')
	URL=$api/fault/body/$hex
	export URL
	step 'a run with rejects and rows that are appended' 0 etl-run --name p -c '
	    etl-extract in.ndjson |
	    etl-transform "if .id == 2 then error(\"no\") else . end" |
	    etl-load --table log'
	step 'a run with a checkpoint' 0 etl-run --name c -c '
	    etl-extract --checkpoint c --cursor-field /ts --since-param since \
		"$URL" | etl-transform "{k: .id, v: .ts}" |
	    etl-load --table of_int --key k'
	step 'a second run with the checkpoint' 0 etl-run --name c -c '
	    etl-extract --checkpoint c --cursor-field /ts --since-param since \
		"$URL" | etl-transform "{k: .id, v: .ts}" |
	    etl-load --table of_int --key k'
	step 'a run that fails' 5 etl-run --name f -c 'etl-extract in.ndjson |
	    etl-load --table log; exit 5'
	run=$(as "$loader" etl-status --json --run last | jq -r .run)
	for options in '' '--failed' '--json' '--run last' "--run ${run%%-*}" \
	    '--pipeline p' '--run 1'; do
		# shellcheck disable=SC2086
		step "etl-status $options" 0 etl-status $options
	done
	etl-transform 'if .id > 1 then error("put") else . end' <in.ndjson \
	    >/dev/null 3>rejects || :
	step 'etl-dlq put' 0 etl-dlq put rejects
	for options in '' --json '--like put' '--pipeline p' '--stage transform' \
	    '--since 2020-01-01' '--until 2030-01-01T00:00:00Z' \
	    '--code filter' '--status any' '--run last' '--pointer /a' \
	    '--code filtr'; do
		# shellcheck disable=SC2086
		step "etl-dlq list $options" 0 etl-dlq list $options
	done
	as "$loader" etl-dlq list --json --status any >letters
	id=$(head -n 1 letters | jq -r .id)
	step 'etl-dlq stats' 0 etl-dlq stats
	step 'etl-dlq stats --json' 0 etl-dlq stats --json
	step 'etl-dlq show' 0 etl-dlq show 1
	step 'etl-dlq show --raw' 0 etl-dlq show --raw 1
	step 'etl-dlq show by the start of the id' 0 etl-dlq show "$id"
	step 'etl-dlq export' 0 etl-dlq export
	step 'a replay' 0 etl-run --name p -c 'etl-dlq replay --pipeline p \
	    --stage transform | etl-transform . | etl-load --table log'
	step 'etl-dlq resolve' 0 etl-dlq resolve 1
	step 'etl-dlq discard' 0 etl-dlq discard --reason no 2
	step 'etl-dlq erase' 0 etl-dlq erase 1
	step 'etl-dlq purge' 0 etl-dlq purge --older-than 0s --open
	step 'etl-checkpoint set' 0 etl-checkpoint set c 1
	step 'etl-checkpoint get' 0 etl-checkpoint get c
	step 'etl-checkpoint list' 0 etl-checkpoint list
	step 'etl-checkpoint clear' 0 etl-checkpoint clear c
	sql "SET ROLE $loader; CREATE TABLE app.source (id int, name name,
	    v varchar(9), code app.code, t text, at app.at, seen app.at_local,
	    amount numeric, o oid, u uuid, kind regtype, many int[]);
	    INSERT INTO app.source VALUES (1, 'n', 'v', 'c', 't', '2026-01-01',
	    '2026-01-01', 1.5, 1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'int4',
	    '{1}')"
	for column in id name v code t at seen amount o u; do
		step "etl-extract --table by $column" 0 etl-extract "$db" \
		    --table source --checkpoint "of_$column" \
		    --cursor-field "/$column"
		case $column in
		id | amount | o) value=1 until=9 ;;
		at | seen) value=2026-01-01T00:00:00Z until=2027-01-01T00:00:00Z ;;
		u) value=00000000-0000-4000-8000-000000000000
			until=ffffffff-ffff-4fff-bfff-ffffffffffff ;;
		*) value=a until=z ;;
		esac
		step "etl-extract --table from a $column" 0 etl-extract "$db" \
		    --table source --checkpoint "of_$column" --since "$value" \
		    --cursor-field "/$column" --until "$until"
	done
	step 'etl-extract --query' 0 etl-extract "$db" --query \
	    'SELECT id, kind, many FROM app.source'
	echo 'CREATE TABLE IF NOT EXISTS made (id int PRIMARY KEY, v varchar)' \
	    >made.sql
	step '--ddl' 0 etl-load --ddl made.sql --table made --key id \
	    --mode ignore --rejects rejects <in.ndjson
	echo "SET search_path = app, public, pg_catalog;" >path.sql
	step '--ddl with a search_path' 0 etl-load --ddl path.sql \
	    --table made --key id --rejects rejects --compare v <in.ndjson
	step 'the table has an upper-case name' 0 etl-load --table APP.MADE \
	    --key id --rejects rejects <in.ndjson
}

# tools PATH TYPES: runs the programs with this search_path; TYPES are those
# of the keys.
tools() {
	path=$1 key_types=$2
	last=0
	database "$1"
	DATABASE_URL=$db
	export DATABASE_URL
	control_tables
	load_all_types
	operators_are_exact
	is "$path: no object of the hostile role was called" '' "$(sql \
	    'SELECT DISTINCT what FROM evil.log')"
	is "$path: and none in a transaction that was rolled back" f \
	    "$(sql 'SELECT is_called FROM evil.calls')"
}
tools 'app, public' "$all_types"
tools 'app, public, "odd, pg_catalog", PG_CATALOG' 'int varchar(20) app.ci'
done_testing
