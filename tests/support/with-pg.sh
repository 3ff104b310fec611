#!/bin/sh
# with-pg.sh LOG COMMAND...: runs COMMAND with a PostgreSQL server of its own and
# stops the server when COMMAND ends.  The output of the server goes to LOG, so
# the output of COMMAND is not mixed with it.  FSYNC=on starts a server as Debian
# sets it up, which syncs: tests/bench needs it.
set -eu
log=$1
shift
# Forget the variables of an outer server: on its port this one cannot start.
unset PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD PGSYSCONFDIR PGVERSION \
    PG_CONFIG PG_CLUSTER_CONF_ROOT
# The locale sets the server's encoding.  C.UTF-8 is installed everywhere.
LC_ALL=C.UTF-8
export LC_ALL
mkdir -p "$(dirname "$log")"
exec 4>&1
began=$log.began
# psql and createdb in /usr/bin are scripts of Debian that look for the server's
# version first, which takes more time than psql itself.  COMMAND finds the
# programs behind them.  After them come the programs of the Debian packages,
# before others of the same names: a python3 that is a script of pyenv needs ten
# times as long to start, and does not find the modules of the packages.
first=$(pg_config --bindir):/usr/bin:/bin
# The files of the server and of COMMAND are in memory if there is room.  On a disk,
# ext4 without a journal does not use an inode again for a minute after its file was
# removed, and looks at all such inodes for each new file: a database of 300 files
# took 0.5 s after some hundred databases were removed.
folder_in_memory() {
	free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
	[ "${FSYNC:-off}" = off ] && [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] &&
	    [ "${free:-0}" -gt $((4 << 20)) ]
}
if folder_in_memory; then
	TMPDIR=$(mktemp -d /dev/shm/etl-check.XXXXXX)
	chmod 1777 "$TMPDIR"
	export TMPDIR
	trap 'rm -rf "$TMPDIR"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
fi
# -t keeps the server out of the system's list of clusters, so that a cluster
# left by another run is not in the way.
# The tests connect thousands of times: TLS and the default way to check a password
# (SCRAM) need more time than the rest of a connection, so a password is checked by
# its MD5 hash, and only the tests that ask for TLS have it.  No test stops the
# machine itself, so the server neither syncs nor writes whole pages to its log.
virtualenv() {
	case ${FSYNC:-off} in
	on) pg_virtualenv -t -o fsync=on "$@" ;;
	*) PGSSLMODE=disable pg_virtualenv -t -o fsync=off \
	    -i '--auth-local=peer --auth-host=md5' \
	    -o full_page_writes=off -o autovacuum_naptime=10min "$@" ;;
	esac
}
run_with_server() {
	rc=0
	rm -f "$began"
	# shellcheck disable=SC2016
	virtualenv \
	    sh -c ': >"$1"; PATH=$2:$PATH; shift 2; exec "$@" >&4 2>&1 4>&-' \
	    sh "$began" "$first" "$@" \
	    >"$log" 2>&1 || rc=$?
}
run_with_server "$@"
# Two servers that start at the same time may get the same port: try again.
for pause in 1 2 3 4 5; do
	if [ -e "$began" ] ||
	    ! grep -q 'Address already in use\|Port conflict' "$log"; then
		break
	fi
	sleep $pause
	run_with_server "$@"
done
[ -e "$began" ] || cat "$log" >&2
rm -f "$began"
exit $rc
