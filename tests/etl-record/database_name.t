#!/bin/sh
# Where a program shows a PostgreSQL database, it also shows the user and the port
# if they are not the default ones, and never the password.
. tests/support/lib.sh
db_new postgresql
name=${db##*/}
host=$(psql -XAtq -d "$db" -c '\echo :HOST')
port=$PGPORT
me=$(id -un)
[ "$port" = 5432 ] && shown_port='' || shown_port=:$port
case $host in
/*) shown_host='' ;;
*) shown_host=$host ;;
esac
sql "CREATE ROLE \"etl @/x\" LOGIN SUPERUSER PASSWORD 'geheim%pw'"
at_exit "psql -XAtqd \$db -c 'DROP OWNED BY \"etl @/x\"' -c 'DROP ROLE \"etl @/x\"'"
if [ "$(sql "SELECT count(*) FROM pg_roles WHERE rolname = '$me'")" = 0 ]; then
	sql "CREATE ROLE \"$me\" LOGIN SUPERUSER PASSWORD 'geheim%pw'"
	at_exit "psql -XAtqd \$db -c 'DROP OWNED BY \"$me\"' -c 'DROP ROLE \"$me\"'"
fi
# shown USER: what etl-checkpoint shows of the database when USER opens it.
shown() {
	PGUSER=$1 PGPASSWORD=geheim%pw etl-checkpoint get x --db "$db" 2>&1 |
	    grep -o "postgresql://[^ ]*" || :
}

etl-dlq list --db "$db"
is 'the user is not shown if its name is that of the system user' \
    "postgresql://$shown_host$shown_port/$name" "$(shown "$me")"
is 'another user is shown, escaped as in a URL, without the password' \
    "postgresql://etl%20%40%2Fx@$shown_host$shown_port/$name" \
    "$(shown 'etl @/x')"
if [ "$port" != 5432 ]; then
	like 'a port that is not the default one is shown' ":$port/" \
	    "$(shown "$me")"
fi

# etl-run --dry-run opens no connection.
plan() {
	env -u PGUSER -u PGPORT "$@" etl-run --dry-run --name p -c : |
	    sed -n 's/^\(of the \)*database: *//p'
}
is '--dry-run shows user and port of the URL' \
    'postgresql://u@h:7777/x' \
    "$(plan DATABASE_URL=postgresql://u:geheim@h:7777/x)"
is '--dry-run shows user and port of the environment' \
    'postgresql:///x
PGPORT=7777 PGUSER=u' \
    "$(plan PGUSER=u PGPORT=7777 DATABASE_URL=postgresql:///x)"
is '--dry-run shows no variable that the URL overrides' \
    'postgresql://u@h:7777/x' \
    "$(plan PGUSER=v PGPORT=1 DATABASE_URL=postgresql://u@h:7777/x)"
is '--dry-run shows no variable with the default value' \
    'host=h dbname=x' \
    "$(plan PGUSER="$me" PGPORT=5432 DATABASE_URL='host=h dbname=x')"
done_testing
