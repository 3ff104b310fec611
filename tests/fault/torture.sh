#!/bin/sh
# torture.sh FOLDER: the whole crash matrix, two at a time, with a server to
# itself: about 50,000 points, 1,000 random kills, the server killed, and the
# mutants.  What each says is kept in FOLDER.  EVERY=K takes every K-th call
# only, from the N-th where OFFSET=N.
set -eu
folder=$1
mkdir -p "$folder"

# shellcheck disable=SC2317 # say calls them
sweep() {
	sh tests/fault/sweep.sh "$@"
}
# shellcheck disable=SC2317
crash() {
	sh tests/support/with-pg.sh "$folder/server.log" \
	    sh tests/fault/sweep.sh -c "$@"
}

# say NAME COMMAND...: and its last lines; fails as it does.
say() {
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
	say "sweep-$1" sweep -e "${EVERY:-1}" -o "${OFFSET:-0}" -s "$1/2" ||
	    bad=1
	case $1 in
	1)
		say random sweep -r 12 || bad=1
		say crowd env CROWD=60 sh tests/fault/crowd.t || bad=1
		;;
	2)
		say server crash -r 4 || bad=1
		say mutants sh tests/fault/mutants.sh || bad=1
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
