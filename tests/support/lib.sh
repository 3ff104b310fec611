# shellcheck shell=sh
# Every test sources this file from the top folder: . tests/support/lib.sh
# Provides: $scratch (a folder, removed at exit), the built programs first in
#        PATH, TAP checks, a mock API, databases.  Closes file descriptor 3.
# Reads: ETL_BIN, ETL_BUILD: where the programs and the test helpers are built.
set -eu
unset ETL_RUN ETL_PIPELINE ETL_ATTEMPT ETL_REPORTS ETL_SINCE ETL_UNTIL TRACEPARENT TZ \
    DATABASE_URL API_BASE_URL API_TOKEN BATCH_SIZE MAX_RETRIES \
    INITIAL_BACKOFF MAX_BACKOFF LC_CTYPE LC_MESSAGES LANGUAGE CDPATH \
    http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY XDG_RUNTIME_DIR
LC_ALL=C PYTHONDONTWRITEBYTECODE=1
top=$PWD
etl_build=$top/${ETL_BUILD:-build}
PATH=$top/${ETL_BIN:-bin}:$PATH
export LC_ALL PATH PYTHONDONTWRITEBYTECODE
exec 3>&-

scratch=$(mktemp -d "${TMPDIR:-/tmp}/etl-test.XXXXXX")
XDG_STATE_HOME=$scratch/.state         # the lock files of etl-run
export XDG_STATE_HOME
checks=0 failed=0 at_exit='' apis=0 dbs=0
leave() {
	set +e
	trap - EXIT
	eval "$at_exit"
	rm -rf "$scratch"
	exit "$1"
}
trap 'leave $?' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# at_exit COMMAND: runs COMMAND (with eval) when the test ends, the last first.
at_exit() {
	at_exit="$*; $at_exit"
}

# diag LINE...: prints comments on stderr, which prove(1) shows without -v.
diag() {
	printf '%s\n' "$@" | sed 's/^/#   /' >&2
}

# check LABEL STATUS: prints one line of TAP: "ok" if STATUS is 0.
check() {
	checks=$((checks + 1))
	if [ "$2" -eq 0 ]; then
		printf 'ok %d - %s\n' $checks "$1"
		return
	fi
	failed=$((failed + 1))
	printf 'not ok %d - %s\n' $checks "$1"
	diag "$0: not ok $checks - $1"
}

is() {
	if [ "$2" = "$3" ]; then
		check "$1" 0
	else
		check "$1" 1
		diag 'wanted:' "$2" 'got:' "$3"
	fi
}

isnt() {
	if [ "$2" != "$3" ]; then
		check "$1" 0
	else
		check "$1" 1
		diag 'got what was not wanted:' "$3"
	fi
}

# like LABEL ERE TEXT: checks that a line of TEXT matches ERE.
like() {
	if printf '%s\n' "$3" | grep -Eq -e "$2"; then
		check "$1" 0
	else
		check "$1" 1
		diag 'wanted a line like:' "$2" 'got:' "$3"
	fi
}

unlike() {
	if printf '%s\n' "$3" | grep -Eq -e "$2"; then
		check "$1" 1
		diag 'wanted no line like:' "$2" 'got:' "$3"
	else
		check "$1" 0
	fi
}

# ok LABEL COMMAND...: checks that COMMAND succeeds; if not, shows its output.
ok() {
	name=$1
	shift
	if "$@" >"$scratch/ok.out" 2>&1; then
		check "$name" 0
	else
		check "$name" 1
		diag "failed: $*" "$(head -n 40 "$scratch/ok.out")"
	fi
}

# status COMMAND...: runs COMMAND and prints its exit status.  The output is in
# $scratch/out and $scratch/err.  After $limit seconds (60) COMMAND is stopped and
# the status is 124; a shell function has no such limit.
status() {
	rc=0
	case $(command -v "$1") in
	/*) timeout -k 5 "${limit:-60}" "$@" >"$scratch/out" \
	    2>"$scratch/err" || rc=$? ;;
	*) "$@" >"$scratch/out" 2>"$scratch/err" || rc=$? ;;
	esac
	echo $rc
}

# in_memory LABEL KIB SAN_KIB COMMAND...: checks that the largest resident size of
# COMMAND is below KIB, or below SAN_KIB in a build with sanitizers.  A sanitizer
# keeps memory that the program has freed: here at most 1 MiB of it.
in_memory() {
	name=$1 most=$2
	case $etl_build in
	*/san) most=$3 ;;
	esac
	shift 3
	kib=$(ASAN_OPTIONS=${ASAN_OPTIONS-}:quarantine_size_mb=1 python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=-3, stderr=-3)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@")
	ok "$name ($kib KiB)" test "$kib" -lt "$most"
}

# random_seed: prints $SEED if it is set, else a random number.
random_seed() {
	echo "${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}"
}

# trial SCRIPT ARG...: runs a Python SCRIPT with a seed as its last argument and
# with $SCRATCH set.  The last line that SCRIPT prints is the label of the check.
# All its output is in $scratch/trial.
trial() {
	rc=0
	SCRATCH=$scratch /usr/bin/python3 "$@" "$(random_seed)" \
	    >"$scratch/trial" 2>&1 || rc=$?
	check "$(tail -n 1 "$scratch/trial")" $rc
	[ $rc -eq 0 ] || diag "$(cat "$scratch/trial")"
}

done_testing() {
	echo "1..$checks"
	[ $failed -eq 0 ]
}

# killed_after SECONDS COMMAND...: runs COMMAND in a session of its own, and kills
# all its processes after SECONDS if they still run.
killed_after() {
	after=$1
	shift
	setsid "$@" >/dev/null 2>&1 &
	session=$!
	sleep "$after"
	{ kill -KILL "-$session" || :; wait "$session" || :; } 2>/dev/null
}

# wait_until SECONDS COMMAND...: runs COMMAND until it succeeds; fails after SECONDS.
wait_until() {
	tries=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# api_start [OPTION...]: starts a mock API; sets $api (its URL), $api_pid and
# $api_log_file.  Do not call it in a subshell.  A second call starts a second API
# with another origin.  With --cert FILE --key FILE the API uses TLS.  plan.h
# lists the faults that a path can request.
# shellcheck disable=SC2034
api_start() {
	apis=$((apis + 1))
	api_port_file=$scratch/api.$apis.port
	api_log_file=$scratch/api.$apis.log
	: >"$api_log_file"
	"$etl_build/tests/mock-api" --port-file "$api_port_file" \
	    --log "$api_log_file" "$@" </dev/null >/dev/null \
	    2>"$scratch/api.$apis.err" &
	api_pid=$!
	at_exit "kill $api_pid 2>/dev/null; wait $api_pid 2>/dev/null"
	if ! wait_until 10 test -s "$api_port_file"; then
		echo "Bail out! mock-api: $(cat "$scratch/api.$apis.err")"
		exit 1
	fi
	api=127.0.0.1:$(cat "$api_port_file")
	case " $* " in
	*' --cert '*) api=https://$api ;;
	*) api=http://$api ;;
	esac
}

# api_log: prints the requests to the last API, one a line, as "METHOD URI
# [HEADER...]".  In the file each line starts with "MILLISECONDS CONNECTION ".
api_log() {
	cut -d' ' -f3- "$api_log_file"
}

# db_new sqlite|postgresql [TEMPLATE]: creates an empty database, or a copy of the
# database TEMPLATE of the same server; its URL is in $db.  For PostgreSQL the
# environment must name a server: run the test under with-pg.sh.
db_new() {
	dbs=$((dbs + 1))
	case $1 in
	sqlite)
		db=sqlite:$scratch/$dbs.db
		: >"${db#sqlite:}"
		;;
	postgresql)
		if [ -z "${PGHOST:-}${PGPORT:-}${PGSERVICE:-}" ]; then
			echo 'Bail out! no server: run pg_virtualenv prove ...'
			exit 1
		fi
		db=postgresql:///etl_test_$$_$dbs
		# Copying the files takes less time than writing each page to
		# the server's log.
		createdb -S file_copy -T "${2:-template1}" "etl_test_$$_$dbs"
		at_exit "dropdb --force --if-exists etl_test_$$_$dbs"
		;;
	esac
}

# Other tests use the same server at the same time.  These two conditions leave
# only the rows of pg_locks, and of pg_stat_activity, that are about the database of
# this test.
# shellcheck disable=SC2034 # used in the tests
{
	locks_here='database = (SELECT oid FROM pg_database
	    WHERE datname = current_database())'
	sessions_here='datname = current_database()'
}

# sql STATEMENT: runs STATEMENT in $db and prints the rows, with "|" between columns.
sql() {
	case $db in
	sqlite:*) sqlite3 -batch -noheader -cmd '.timeout 10000' \
	    "${db#sqlite:}" "$1" ;;
	*) psql -XAtq -v ON_ERROR_STOP=1 -d "$db" -c "$1" ;;
	esac
}
