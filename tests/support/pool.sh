# shellcheck shell=sh
# Sourced by tests after lib.sh. Starts PgBouncer between the programs and the
# server of with-pg.sh.

# pool_start [SETTING...]: starts a PgBouncer in transaction mode on a free port of
# 127.0.0.1; $pool is the URL of $db through it.  The server resets nothing between
# two transactions, as in transaction mode.  SETTING: a line of pgbouncer.ini.
# shellcheck disable=SC2034,SC2154
pool_start() {
	pools=$((${pools:-0} + 1))
	pool_folder=$scratch/pool.$pools
	mkdir "$pool_folder"
	pool_port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	{
		echo '[databases]'
		echo "* = host=${PGHOST:-/var/run/postgresql} port=$PGPORT" \
		    "user=$PGUSER password=${PGPASSWORD:-none}"
		echo '[pgbouncer]'
		printf '%s\n' 'listen_addr = 127.0.0.1' \
		    "listen_port = $pool_port" 'unix_socket_dir =' \
		    'auth_type = any' 'pool_mode = transaction' \
		    'default_pool_size = 1' "logfile = $pool_folder/log" "$@"
	} >"$pool_folder/ini"
	chmod 755 "$scratch"
	chmod 777 "$pool_folder"
	chmod 644 "$pool_folder/ini"
	set -- pgbouncer -q "$pool_folder/ini"
	[ "$(id -u)" -ne 0 ] || set -- "$@" -u nobody
	PATH=$PATH:/usr/sbin "$@" </dev/null >"$pool_folder/out" 2>&1 &
	pool_pid=$!
	at_exit "kill $pool_pid 2>/dev/null; wait $pool_pid 2>/dev/null"
	pool=postgresql://$PGUSER@127.0.0.1:$pool_port/${db##*/}
	if ! wait_until 10 psql -XAtq -d "$pool" -c 'SELECT 1'; then
		echo "Bail out! pgbouncer: $(cat "$pool_folder/out" \
		    "$pool_folder/log")"
		exit 1
	fi
}
