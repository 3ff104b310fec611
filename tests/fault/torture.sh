#!/bin/sh
# torture.sh FOLDER: runs the whole crash matrix in two lanes, with a PostgreSQL
# server of its own: about 50,000 kills before system calls, 1,000 kills at random
# moments, kills of the server, and the mutants.  The output is kept in FOLDER.
# EVERY=K takes every K-th call only; OFFSET=N starts at the N-th.
set -eu
folder=$1
mkdir -p "$folder"

# shellcheck disable=SC2317 # run_and_report calls these functions
sweep() {
	sh tests/fault/sweep.sh "$@"
}
# shellcheck disable=SC2317
sweep_server() {
	sh tests/support/with-pg.sh "$folder/server.log" \
	    sh tests/fault/sweep.sh -c "$@"
}

# run_and_report NAME COMMAND...: runs COMMAND, prints its comments and its exit
# status, and returns that status.
run_and_report() {
	name=$1 status=0
	shift
	"$@" >"$folder/$name.tap" 2>"$folder/$name.err" || status=$?
	echo "$name: $(grep '^# ' "$folder/$name.tap" | tr '\n' ' ')" \
	    "exit $status"
	[ $status -eq 0 ] || cat "$folder/$name.err"
	return $status
}
lane() {
	bad=0
	run_and_report "sweep-$1" sweep -e "${EVERY:-1}" -o "${OFFSET:-0}" -s "$1/2" ||
	    bad=1
	case $1 in
	1)
		run_and_report random sweep -r 12 || bad=1
		run_and_report crowd env CROWD=60 sh tests/fault/crowd.t || bad=1
		;;
	2)
		run_and_report server sweep_server -r 4 || bad=1
		run_and_report mutants sh tests/fault/mutants.sh || bad=1
		;;
	esac
	return $bad
}

lane 1 &
first=$!
rc=0
lane 2 || rc=1
wait $first || rc=1
exit $rc
