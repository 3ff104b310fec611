#!/bin/sh
# --control-schema: the PostgreSQL schema of etl's own tables. The table that is
# loaded is found by the search path as before.
. tests/support/lib.sh
cd "$scratch"

tables() {
	sql "SELECT n.nspname || '.' || c.relname
	    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
	    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog',
	    'information_schema') AND n.nspname NOT LIKE 'pg_%temp%'" |
	    LC_ALL=C sort | tr '\n' ' '
}
etl_tables='dead_letter_attempts dead_letters etl_before etl_before_runs
    etl_checkpoints etl_control
    etl_files etl_loads etl_scopes pipeline_runs'
in_schema() {
	for table in $etl_tables; do
		printf '%s ' "$1.$table"
	done
}
script='etl-transform --plain "if .id == 2 then error(\"no\") else . end" \
    <in | etl-load --table t --key id'
seq 3 | sed 's/.*/{"id":&}/' >in

db_new postgresql
DATABASE_URL=$db
export DATABASE_URL
odd="o'd\"d \$etl\$"
sql 'CREATE TABLE t (id int PRIMARY KEY)'
is 'a run with a schema that does not exist' 0 \
    "$(status etl-run --control-schema "$odd" --name p -c "$script")"
is 'creates it, with all tables of etl, and no other' \
    "$(in_schema "$odd")public.t " "$(tables)"
is 'rows are loaded into the table of the search path' '1
3' "$(sql 'SELECT id FROM t ORDER BY id')"
is 'etl-status reads this schema' p \
    "$(etl-status --control-schema "$odd" --json --run last | jq -r .pipeline)"
is 'ETL_CONTROL_SCHEMA names it too' p \
    "$(ETL_CONTROL_SCHEMA=$odd etl-status --json --run last | jq -r .pipeline)"
is 'etl-dlq reads it: the letter of record 2' 1 \
    "$(etl-dlq list --control-schema "$odd" --json | wc -l | tr -d ' ')"
is 'letters are selected by run' 1 "$(etl-dlq list --json --run \
    "$(etl-status --control-schema "$odd" --json --run last | jq -r .run)" \
    --control-schema "$odd" | wc -l | tr -d ' ')"
is 'a checkpoint is set there' 0 "$(status etl-checkpoint set c 5 \
    --control-schema "$odd")"
is 'and read there' 5 "$(etl-checkpoint get c --control-schema "$odd")"
is 'the search path still has no tables of etl' \
    "$(in_schema "$odd")public.t " "$(tables)"
is 'a replay finds the letter and closes it' 0 "$(
    export ETL_CONTROL_SCHEMA="$odd"
    status etl-run --name p -c 'etl-dlq replay --stage transform |
    etl-transform . | etl-load --table t --key id')"
is 'its row is in the table' '1
2
3' "$(sql 'SELECT id FROM t ORDER BY id')"
is 'no letter is open' '' "$(etl-dlq list --control-schema "$odd" --json \
    --status open)"

is 'a missing schema is not created by a program that only reads' 78 \
    "$(status etl-status --control-schema none)"
like 'the message names the schema and the option' \
    '^etl-status: postgresql:.* has no schema none, which --control-schema or ETL_CONTROL_SCHEMA names$' \
    "$(cat err)"
is 'an empty ETL_CONTROL_SCHEMA is as if it were not set' 0 \
    "$(ETL_CONTROL_SCHEMA='' status etl-status)"
is 'without the option, the first schema of the search path is used' \
    "$(in_schema "$odd")$(in_schema public)public.t " "$(tables)"

# Tables of etl that stand in a later schema of the path are used, as the path
# finds them.
sql 'CREATE SCHEMA first; CREATE SCHEMA later'
with_path() {
	PGOPTIONS='-c search_path=first,later' "$@"
}
is 'tables in a later schema of the path' 0 \
    "$(status etl-checkpoint set --control-schema later c 7)"
is 'are found' 7 "$(with_path etl-checkpoint get c)"
is 'the first schema stays empty' 0 "$(sql "SELECT count(*) FROM pg_class
    WHERE relnamespace = 'first'::regnamespace")"
is 'a search path without a schema' 78 \
    "$(PGOPTIONS='-c search_path=nowhere' status etl-checkpoint set c 1)"
like 'the message says what to do' \
    'no schema of the search_path exists.* --control-schema$' "$(cat err)"

is 'a failed run names its schema in the command that shows more' 1 \
    "$(status etl-run --control-schema later --name p -c 'exit 1')"
command=$(sed -n 's/.*; see: //p' err)
like 'the command has the option' '^etl-status --control-schema later --run ' \
    "$command"
like 'and works' 'pipeline +p$' "$(eval "$command" | head -n 3)"
echo 'ETL_CONTROL_SCHEMA=later' >env.txt
is 'a schema of --env-file' 1 \
    "$(status etl-run --env-file env.txt --name p -c 'exit 1')"
like 'is named too' 'see: etl-status --control-schema later ' "$(cat err)"
like 'a dry run names the schema' '^control schema: later$' \
    "$(etl-run --control-schema later --name p --dry-run -c :)"
is 'a loader of a run that names another schema' 78 "$(status etl-run \
    --name p -c 'etl-load --control-schema later --table t --key id <in')"
like 'is told to leave that to etl-run' \
    '^etl-load: --control-schema names another schema than that of this run' \
    "$(cat err)"

# A table in the schema that has the name of a control table.
sql 'CREATE SCHEMA old; CREATE TABLE old.pipeline_runs (id int);
    INSERT INTO old.pipeline_runs VALUES (41)'
is 'a table of another program in the schema is refused' 78 \
    "$(status etl-run --control-schema old --name p -c :)"
like 'the message says what to do' \
    'pipeline_runs: the table exists, but etl_control, .* or rename the table' \
    "$(cat err)"
is 'the table is left as it was' 41 "$(sql 'SELECT * FROM old.pipeline_runs')"

# Two programs create the schema at the same time.
for i in 1 2 3 4; do
	etl-checkpoint set --control-schema together "c$i" 1 2>"err$i" &
done
wait
is 'four programs that create one schema at once all succeed' 4 \
    "$(etl-checkpoint list --control-schema together --json | wc -l | tr -d ' ')"

role=reader_of_schemas_$$
sql "CREATE ROLE $role LOGIN"
at_exit "dropuser --if-exists $role"
is 'a role that may not create the schema' 77 "$(
    PGOPTIONS="-c role=$role" status etl-checkpoint set \
    --control-schema mine c 1)"
like 'the message names the schema' 'mine' "$(cat err)"

db_new sqlite
DATABASE_URL=$db
is 'SQLite has no schemas' 64 "$(status etl-status --control-schema x)"
like 'the message says so' '--control-schema: .* is an SQLite file, which has no schemas' \
    "$(cat err)"
is 'ETL_CONTROL_SCHEMA does not concern SQLite' 0 \
    "$(ETL_CONTROL_SCHEMA=x status etl-status)"
is 'a state file has no schema' 64 "$(status etl-checkpoint get \
    --control-schema x --state file:s c)"
done_testing
