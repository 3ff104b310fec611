#!/bin/sh
# PostgreSQL: control tables of another role are refused, because this role could
# run its own commands as the role that uses them.
. tests/support/lib.sh
. tests/etl-load/marked.sh
cd "$scratch"
boss=etl_boss_$$ app=etl_app_$$ group=etl_group_$$ hostile=etl_hostile_$$
for role in "$boss" "$app" "$group" "$hostile"; do
	psql -XAtq -d postgres -c "CREATE ROLE $role LOGIN PASSWORD 'x'"
	at_exit "psql -XAtq -d postgres -c 'DROP ROLE $role'"
done
psql -XAtq -d postgres -c "ALTER ROLE $boss SUPERUSER" \
    -c "GRANT $group TO $app"

# as ROLE COMMAND...
as() {
	role=$1
	shift
	PGUSER=$role PGPASSWORD=x "$@"
}
sql_as() {
	PGUSER=$1 PGPASSWORD=x sql "$2"
}
# new: a database in which the hostile role may create objects in public.
new() {
	db_new postgresql
	DATABASE_URL=$db
	export DATABASE_URL
	sql "GRANT CREATE ON SCHEMA public TO PUBLIC"
	sql_as "$hostile" 'CREATE TABLE called (who name);
	    GRANT INSERT ON called TO PUBLIC;
	    CREATE FUNCTION note() RETURNS int LANGUAGE sql VOLATILE
	    AS $$ INSERT INTO public.called VALUES (current_user) RETURNING 9 $$;
	    CREATE FUNCTION note_row() RETURNS trigger LANGUAGE plpgsql
	    AS $$ BEGIN PERFORM public.note(); RETURN NEW; END $$'
}
nothing_was_called() {
	is "$1: no function of the other role was called" '' \
	    "$(sql 'SELECT who FROM called')"
}
increment='--checkpoint c --cursor-field /t --since-param t http://127.0.0.1:1/'
# refused LABEL ROLE ERE: all programs refuse the tables, with this message.
refused() {
	label=$1 user=$2 why=$3
	stream x
	rec '{"id":1}'
	end
	echo 'CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY)' >t.sql
	for command in 'etl-status' 'etl-dlq list' 'etl-dlq purge --older-than 1s' \
	    'etl-checkpoint get c' 'etl-checkpoint set c 1' \
	    'etl-run --name p -c true' "etl-extract $increment" \
	    'etl-load --ddl t.sql --table t --key id'; do
		sql 'SET client_min_messages = warning; DROP TABLE IF EXISTS t'
		# shellcheck disable=SC2086
		is "$label: $command exits with 77" 77 \
		    "$(as "$user" status $command <in)"
		like "$label: $command says why" "$why" "$(cat err)"
	done
	nothing_was_called "$label"
}

new
sql_as "$hostile" 'CREATE VIEW etl_control AS SELECT note() AS version'
for user in "$boss" "$app"; do
	refused "a view in place of a table, read by $user" "$user" \
	    "control table public.etl_control belongs to the role $hostile"
done
like 'the message says what to do' 'drop the table.*--control-schema' \
    "$(cat err)"
is 'with another schema the programs work' 0 \
    "$(as "$boss" status etl-checkpoint set c 1 --control-schema etl)"

new
sql_as "$hostile" 'CREATE TABLE pipeline_runs (id int, started_at timestamptz,
    completed_at timestamptz, status text, records_extracted int,
    records_loaded int, errors int, error_message text);
    CREATE TABLE dead_letters (id int, pipeline_run_id int, raw_data json,
    error_message text, created_at timestamptz);
    INSERT INTO dead_letters VALUES (1);
    GRANT ALL ON dead_letters, pipeline_runs TO PUBLIC;
    ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON dead_letters USING (note() = 9)'
refused 'tables like those of another tool' "$app" \
    'control table public.dead_letters belongs to the role'
is 'they are not renamed' 2 "$(sql "SELECT count(*) FROM pg_class
    WHERE relname IN ('pipeline_runs', 'dead_letters')")"

new
is 'a role creates the tables' 0 "$(as "$boss" status etl-status)"
sql_as "$boss" "GRANT TRIGGER ON pipeline_runs, etl_loads TO $hostile;
    CREATE TRIGGER same BEFORE UPDATE ON pipeline_runs FOR EACH ROW
    EXECUTE FUNCTION suppress_redundant_updates_trigger()"
is 'a trigger of PostgreSQL itself is allowed' 0 "$(as "$boss" status \
    etl-run --name p -c true)"
sql_as "$hostile" 'CREATE TRIGGER note BEFORE INSERT ON pipeline_runs
    FOR EACH ROW EXECUTE FUNCTION note_row()'
refused 'a trigger of another role' "$boss" \
    "public.pipeline_runs has a trigger whose function belongs to the role $hostile"
sql_as "$boss" 'DROP TRIGGER note ON pipeline_runs'
is 'without the trigger the tables are used' 0 \
    "$(as "$boss" status etl-run --name p -c true)"

# Tables of a group, and tables of the owner of the database.
new
is 'a role creates the tables' 0 "$(as "$group" status etl-status)"
is 'a member of the role that owns the tables uses them' 0 \
    "$(as "$app" status etl-status)"
is 'a superuser that is not a member is refused' 77 \
    "$(as "$boss" status etl-status)"
sql "ALTER ROLE $app NOINHERIT; REVOKE $group FROM $app; GRANT $group TO $app"
refused 'a member that does not inherit' "$app" 'belongs to the role'
sql "ALTER ROLE $app INHERIT; REVOKE $group FROM $app"
refused 'a role that is not a member' "$app" 'belongs to the role'
sql "ALTER DATABASE ${db##*/} OWNER TO $group;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO $app, $boss"
for user in "$app" "$boss"; do
	is "$user uses tables of the owner of the database" 0 \
	    "$(as "$user" status etl-run --name p -c true)"
done
done_testing
