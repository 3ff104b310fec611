#!/bin/sh
# with-pg.sh LOG COMMAND...: COMMAND with a PostgreSQL server of its own, which
# ends with it.  The server's words go to LOG, so COMMAND has the last one.
# FSYNC=on asks for a server that syncs, as bench wants it.
set -eu
log=$1
shift
mkdir -p "$(dirname "$log")"
exec 4>&1
rc=0
# -t keeps it out of the system's clusters: nothing of another run is in the
# way.
# shellcheck disable=SC2016
pg_virtualenv -t -o "fsync=${FSYNC:-off}" \
    sh -c 'exec "$@" >&4 2>&1 4>&-' sh "$@" >"$log" 2>&1 || rc=$?
grep -q 'ready to accept\|Creating new' "$log" || cat "$log" >&2
exit $rc
