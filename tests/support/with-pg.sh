#!/bin/sh
# with-pg.sh LOG COMMAND...: COMMAND with a PostgreSQL server of its own, which
# ends with it.  The server's words go to LOG, so COMMAND has the last one.
# FSYNC=on asks for a server that syncs, as bench wants it.
set -eu
log=$1
shift
# Those of another such server: with its port this one would not start.
unset PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD PGSYSCONFDIR PGVERSION \
    PG_CONFIG PG_CLUSTER_CONF_ROOT
# The server's encoding comes from the locale, and some locales are not there.
LC_ALL=C.UTF-8
export LC_ALL
mkdir -p "$(dirname "$log")"
exec 4>&1
began=$log.began
# -t keeps it out of the system's clusters: nothing of another run is in the
# way.
server() {
	rc=0
	rm -f "$began"
	# shellcheck disable=SC2016
	pg_virtualenv -t -o "fsync=${FSYNC:-off}" \
	    sh -c ': >"$1"; shift; exec "$@" >&4 2>&1 4>&-' sh "$began" "$@" \
	    >"$log" 2>&1 || rc=$?
}
server "$@"
# Two that start at once may be given the same port.
for pause in 1 2 3 4 5; do
	if [ -e "$began" ] ||
	    ! grep -q 'Address already in use\|Port conflict' "$log"; then
		break
	fi
	sleep $pause
	server "$@"
done
[ -e "$began" ] || cat "$log" >&2
rm -f "$began"
exit $rc
