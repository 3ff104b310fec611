# shellcheck shell=sh disable=SC2034,SC2154
# For the tests that a search_path with a hostile schema cannot make the programs
# call functions, operators and types of another role (as in CVE-2018-1058).
# Reads: $scratch and $top of tests/support/lib.sh; $path, the search_path of the
#        loader, and $key_types, the types for which the first call of database()
#        makes a table.
# Sets:  $db; $last, the number of calls that the steps have counted.
loader=etl_loader_$$ hostile=etl_hostile_$$

# as ROLE COMMAND...: runs COMMAND as ROLE, in the database of $db.  The server
# writes the parse trees of the loader's statements to its log.
as() {
	role=$1 parsed=
	[ "$role" != "$loader" ] || parsed='-c debug_print_parse=on
	    -c debug_pretty_print=off -c log_min_error_statement=log'
	shift
	PGUSER=$role PGPASSWORD=x PGOPTIONS=$parsed "$@"
}

# operators_are_exact: checks all statements that the steps have run.  All tests
# write to the log of the server, so what was there before $db was made is left out.
operators_are_exact() {
	tail -c "+$((log_begin + 1))" "$server_log" |
	    PGDATABASE=${db##*/} /usr/bin/python3 \
	    "$top/tests/support/operators.py" --log "${db##*/}" \
	    >inexact 2>counted || :
	is "$path: no operator that another role could replace" '' "$(cat inexact)"
	like "$path: the statements were in the log of the server" \
	    '^[0-9]{3,} statements' "$(cat counted)"
}
roles() {
	for role in $loader $hostile; do
		psql -XAtq -d postgres -c "CREATE ROLE $role LOGIN PASSWORD 'x'"
		at_exit "psql -XAtq -d postgres -c 'DROP ROLE $role'"
	done
	psql -XAtq -d postgres -c "ALTER ROLE $loader SUPERUSER"
}
roles

# make_template: creates a database in which the hostile role has created its
# objects, and tables of the loader.
make_template() {
	db_new postgresql
	template=${db##*/}
	sql "ALTER DATABASE $template OWNER TO $loader"
	sql "CREATE EXTENSION citext SCHEMA public;
	    GRANT CREATE ON SCHEMA public TO PUBLIC;
	    CREATE SCHEMA evil AUTHORIZATION $hostile;
	    SET ROLE $loader;
	    CREATE SCHEMA app;
	    GRANT USAGE ON SCHEMA app TO PUBLIC;
	    CREATE DOMAIN app.code AS varchar(40);
	    CREATE DOMAIN app.ci AS public.citext;
	    CREATE TYPE app.mood AS ENUM ('a', 'b', 'c', 'd');
	    CREATE DOMAIN app.at AS timestamptz;
	    CREATE DOMAIN app.at_local AS timestamp;
	    CREATE DOMAIN app.number AS integer"
	for type in $key_types; do
		table=$(table_of "$type")
		sql "SET ROLE $loader;
		    CREATE TABLE app.$table (k $type, n app.number,
		    v app.code CHECK (v <> 'bad'), c public.citext, touched
		    app.at, seen app.at_local, PRIMARY KEY (k));
		    CREATE TABLE app.p_$table (LIKE app.$table INCLUDING ALL)
		    PARTITION BY HASH (k);
		    CREATE TABLE app.p1_$table PARTITION OF app.p_$table
		    FOR VALUES WITH (MODULUS 1, REMAINDER 0)"
	done
	sql "SET ROLE $loader; CREATE TABLE app.log (id int, v varchar, n numeric)"
	as "$hostile" psql -XAtq -d "$db" -v loader="$loader" \
	    -f "$top/tests/etl-load/hostile.sql"
}

# database PATH: creates a database with these objects, in which PATH is the
# search_path of the loader.  The 40,000 objects take seconds to create, but a part
# of a second to copy.
database() {
	[ -n "${template-}" ] || make_template
	db_new postgresql "$template"
	server_log=$(pg_lsclusters -h |
	    awk '$3 == ENVIRON["PGPORT"] { print $NF }')
	log_begin=$(wc -c <"$server_log")
	sql "ALTER DATABASE ${db##*/} OWNER TO $loader;
	    ALTER ROLE $loader IN DATABASE ${db##*/} SET search_path = $1"
}
table_of() {
	printf 'of_%s\n' "$1" | tr -cd 'a-z_'
}
# The types of the keys.
all_types='int varchar(20) char(3) name public.citext app.code app.ci app.mood
    app.number numeric(10,2) bytea'

# step LABEL STATUS COMMAND...: runs COMMAND as the loader.
step() {
	label="$path: $1" wanted=$2
	shift 2
	is "$label" "$wanted" "$(as "$loader" status "$@")"
	count=$(sql 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END
	    FROM evil.calls')
	if [ "$count" != "$last" ]; then
		check "$label: no object of the hostile role was called" 1
		diag "$((count - last)) calls, among them:" "$(sql 'SELECT DISTINCT
		    what FROM evil.log LIMIT 20')" "$(head -n 5 err)"
		sql 'DELETE FROM evil.log'
	fi
	last=$count
}
key() {
	case $1 in
	int | app.number | numeric*) echo "$2" ;;
	*) echo "\"$(echo "$2" | tr 1234 abcd)\"" ;;
	esac
}
records() {
	for n in 1 2 3; do
		printf '{"k":%s,"n":%d,"v":"v%s","c":"C"}\n' \
		    "$(key "$1" $n)" $n "$2"
	done
}
