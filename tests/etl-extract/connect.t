#!/bin/sh
# If the server has no free connection (SQLSTATE 53300), the programs connect
# again as --retries says.
. tests/support/lib.sh
api_start --items 3
db_new postgresql
role=etl_one_$$
sql "CREATE TABLE t (seq int PRIMARY KEY);
CREATE ROLE $role LOGIN PASSWORD 'one' CONNECTION LIMIT 1;
GRANT ALL ON SCHEMA public TO $role; GRANT ALL ON t TO $role"
at_exit "psql -Xqd $db -c 'DROP OWNED BY $role' -c 'DROP ROLE $role'"
one="$db?user=$role"

# hold SECONDS: takes the only connection of the role for some time.
hold() {
	PGPASSWORD=one psql -Xqd "$one" -c "SELECT pg_sleep($1)" \
	    >/dev/null 2>&1 &
	holder=$!
	wait_until 10 is_held
}
is_held() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity
	    WHERE usename = '$role' AND state = 'active'")" = 1 ]
}
# run COMMAND...: runs COMMAND as the role, prints its status.
run() {
	PGPASSWORD=one status "$@"
}

often='--retries 1000 --backoff 1ms..20ms'
echo '{"seq":1}' >"$scratch/in"
printf '#!/bin/sh\ntrue\n' >"$scratch/job"
chmod +x "$scratch/job"
extract="etl-extract --checkpoint c --cursor-field /seq --since-param since
    $api/items"
load='etl-load --table t --key seq'
hold 1
# shellcheck disable=SC2086
is 'etl-extract connects again until a connection is free' 0 \
    "$(run $extract --db "$one" $often)"
wait "$holder"
hold 1
# shellcheck disable=SC2086
is 'etl-load connects again until a connection is free' 0 \
    "$(run $load --db "$one" $often <"$scratch/in")"
wait "$holder"
hold 1
# shellcheck disable=SC2086
is 'etl-run starts another attempt until a connection is free' 0 \
    "$(run etl-run --db "$one" $often "$scratch/job")"
wait "$holder"

hold 60
few='--retries 2 --backoff 1ms..1ms'
for command in "$extract $few" "$load $few" "etl-run $few $scratch/job" \
    'etl-checkpoint get c' 'etl-status'; do
	program=${command%% *}
	# shellcheck disable=SC2086
	is "$program exits with 75 if no connection gets free" 75 \
	    "$(run env DATABASE_URL="$one" $command <"$scratch/in")"
	like "$program: the message has the text of the server" \
	    'cannot connect: .*too many connections' "$(cat "$scratch/err")"
done
kill "$holder"

# The other tests connect without TLS (see with-pg.sh).
in_tls='SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
has_tls=$(PGSSLMODE=prefer psql -XAtq -d "$db" -c "$in_tls")
[ "$has_tls" = t ] && wanted=true || wanted=false
is "the programs use TLS if the server has it" "{\"ssl\":$wanted}" \
    "$(PGSSLMODE=prefer etl-extract --query "$in_tls" "$db" | grep ssl)"
done_testing
