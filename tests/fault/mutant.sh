# shellcheck shell=sh
# A list of mutants sources this file from the top folder, calls mutant for each
# mutant, and then done_testing.  A mutant is an edit of one file, in a copy of
# the tree, that breaks one rule; its test must then fail.  The arguments of the
# list are the TESTs and NAMEs to run (default: all).  Prints TAP.  Needs the
# environment of a PostgreSQL server.  With FIT=yes it only checks that each edit
# still changes its file.
. tests/support/lib.sh
wanted=" ${*:-all} "
tree=$scratch/tree reap=$etl_build/tests/reap
pid=
mkdir "$tree"
[ -n "${FIT:-}" ] || cp -a Makefile packages.txt examples lib src sql man tests "$tree"
case ${FIT:+fit}$etl_build in
fit*) ;;
*/san) MAKEFLAGS='' make -s -C "$tree" build-tests ;;
*) cp -a "$etl_build" "$tree/build" ;;
esac

# edited FILE EDIT: prints FILE after the sed script EDIT.  FILE@NAME, for a file
# of SQL, edits only the statement NAME.
edited() {
	case $1 in
	*@*) sed "/^-- name: ${1#*@}\$/,/^-- name: / {
$2
}" "${1%@*}" ;;
	*) sed "$2" "$1" ;;
	esac
}

# build_mutant WHAT FILE EDIT: puts the edited FILE into $tree and builds WHAT.
build_mutant() {
	source=${2%@*}
	edited "$2" "$3" >"$tree/$source" &&
	    ! cmp "$source" "$tree/$source" >&2 &&
	    MAKEFLAGS='' make -s -C "$tree" CFLAGS='-O1 -w' "$1" 2>&1
}

# has_failed: the output has a failed check whose label contains $check.
has_failed() {
	grep -e '^not ok' -e '^\[  FAILED' "$scratch/tap" |
	    grep -Fe "$check" >"$scratch/red"
}

# fails_in_tree COMMAND...: runs COMMAND in $tree and stops it, with all processes
# that it started, as soon as the expected check has failed.  A COMMAND that bails
# out does not count as failed.
fails_in_tree() {
	: >"$scratch/tap"
	(cd "$tree" && ETL_BIN=bin ETL_BUILD=build \
	    exec env --default-signal "$reap" 600 "$@") >"$scratch/tap" 2>&1 &
	pid=$!
	until has_failed || ! kill -0 $pid 2>/dev/null; do
		sleep 0.1
	done
	kill $pid 2>/dev/null || :
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	pid=
	has_failed || { [ -z "$check" ] && [ $rc -ne 0 ] &&
	    ! grep -q '^Bail out' "$scratch/tap"; }
}
# shellcheck disable=SC2016
at_exit 'kill $pid 2>/dev/null; wait $pid'

# mutant TEST NAME FILE EDIT [CHECK]: TEST is a file of tests/fault with its
# arguments, or a file below tests if it has a slash; unit/X is a unit test
# program.  CHECK is a part of the label of the check that must fail (default:
# any check).
mutant() {
	test=$1 name=$2 file=$3 edit=$4 check=${5:-}
	case $wanted in
	*' all '* | *" ${test%% *} "* | *" $name "*) ;;
	*) return 0 ;;
	esac
	if [ -n "${FIT:-}" ]; then
		edited "$file" "$edit" >"$scratch/edited" &&
		    ! cmp -s "${file%@*}" "$scratch/edited"
		check "$test: $name: the edit changes $file" $?
		return
	fi
	case ${test%% *} in
	unit/*) what=build/tests/$test run=$what ;;
	*/*) what=all run="sh tests/$test" ;;
	*) what=all run="sh tests/fault/$test" ;;
	esac
	if ! build_mutant "$what" "$file" "$edit" >"$scratch/made" 2>&1; then
		check "$test: $name: the mutant can be built" 1
		diag "$(tail "$scratch/made")"
	else
		found=0
		# shellcheck disable=SC2086
		fails_in_tree $run || found=1
		check "$test fails with the mutant: $name" $found
		sed 's/^/# first: /; q' "$scratch/red"
	fi
	cp "${file%@*}" "$tree/${file%@*}"
}
