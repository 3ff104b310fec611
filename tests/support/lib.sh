# shellcheck shell=sh
# For every test: . tests/support/lib.sh, from the top folder.
# Gives: $scratch (removed at exit), the built programs first in PATH, TAP
#        checks, a mock API, databases.  Descriptor 3 is closed.
# Set:   ETL_BIN, ETL_BUILD: where the programs and test helpers are built.
set -eu
unset ETL_RUN ETL_PIPELINE ETL_ATTEMPT ETL_SINCE ETL_UNTIL TRACEPARENT TZ \
    DATABASE_URL API_BASE_URL API_TOKEN BATCH_SIZE MAX_RETRIES \
    INITIAL_BACKOFF MAX_BACKOFF LC_CTYPE LC_MESSAGES LANGUAGE CDPATH \
    http_proxy https_proxy all_proxy HTTPS_PROXY ALL_PROXY
LC_ALL=C PYTHONDONTWRITEBYTECODE=1
top=$PWD
etl_build=$top/${ETL_BUILD:-build}
PATH=$top/${ETL_BIN:-bin}:$PATH
export LC_ALL PATH PYTHONDONTWRITEBYTECODE
exec 3>&-

scratch=$(mktemp -d "${TMPDIR:-/tmp}/etl-test.XXXXXX")
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

# at_exit COMMAND: run (by eval) when the test ends, the last one first.
at_exit() {
	at_exit="$*; $at_exit"
}

# On stderr, where prove(1) shows it too.
diag() {
	printf '%s\n' "$@" | sed 's/^/#   /' >&2
}

# check NAME STATUS: one line of TAP.
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

# like NAME ERE TEXT: a line of TEXT matches.
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

# ok NAME COMMAND...: it succeeds; what it printed is shown if not.
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

# status COMMAND...: prints its exit status; output in $scratch/out and err.
# It gets $limit seconds (60), then 124; functions are not bounded.
status() {
	rc=0
	case $(command -v "$1") in
	/*) timeout -k 5 "${limit:-60}" "$@" >"$scratch/out" \
	    2>"$scratch/err" || rc=$? ;;
	*) "$@" >"$scratch/out" 2>"$scratch/err" || rc=$? ;;
	esac
	echo $rc
}

# in_memory NAME KIB SAN_KIB COMMAND...: its largest resident size is below
# KIB, with sanitizers below SAN_KIB.
in_memory() {
	name=$1 most=$2
	case $etl_build in
	*/san) most=$3 ;;
	esac
	shift 3
	kib=$(python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=-3, stderr=-3)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@")
	ok "$name ($kib KiB)" test "$kib" -lt "$most"
}

# random_seed: $SEED, or another each time.
random_seed() {
	echo "${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}"
}

# trial SCRIPT ARG...: SCRIPT with a seed as its last argument, and $SCRATCH; the
# check has the name of the last line it prints.  All of it in $scratch/trial.
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

# wait_until SECONDS COMMAND...: polls; fails when the time is over.
wait_until() {
	tries=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# api_start [OPTION...]: sets $api (URL), $api_pid, $api_log_file.
# Not in a subshell; a second call starts a second API, another origin.
# With --cert FILE --key FILE it speaks TLS; plan.h lists what paths can do.
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

# api_log: the requests of the last API, "METHOD URI [HEADER...]" a line;
# the file itself has "MS CONNECTION " before each.
api_log() {
	cut -d' ' -f3- "$api_log_file"
}

# db_new sqlite|postgresql: an empty database, its URL in $db.
# PostgreSQL's server comes from the environment: run under pg_virtualenv.
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
		createdb "etl_test_$$_$dbs"
		at_exit "dropdb --force --if-exists etl_test_$$_$dbs"
		;;
	esac
}

# sql STATEMENT: rows of the current $db, columns parted by "|".
sql() {
	case $db in
	sqlite:*) sqlite3 -batch -noheader -cmd '.timeout 10000' \
	    "${db#sqlite:}" "$1" ;;
	*) psql -XAtq -v ON_ERROR_STOP=1 -d "$db" -c "$1" ;;
	esac
}
