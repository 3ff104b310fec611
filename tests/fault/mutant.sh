# shellcheck shell=sh
# For a list of mutants: . tests/fault/mutant.sh, from the top folder; then a
# call of mutant for each, and done_testing.  A mutant breaks one rule by an
# edit of one file, in a copy of the tree; its test has to turn red.  The list's
# arguments are the TESTs and NAMEs to take (all).  Prints TAP; in a PostgreSQL
# server's environment.  With FIT=yes it only says whether each edit still
# changes its file.
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

# edited FILE EDIT: FILE after the edit.  Of FILE@NAME, a file of SQL, only the
# statement NAME is edited.
edited() {
	case $1 in
	*@*) sed "/^-- name: ${1#*@}\$/,/^-- name: / {
$2
}" "${1%@*}" ;;
	*) sed "$2" "$1" ;;
	esac
}

# made WHAT FILE EDIT: puts the edited FILE into $tree and builds WHAT.
made() {
	source=${2%@*}
	edited "$2" "$3" >"$tree/$source" &&
	    ! cmp "$source" "$tree/$source" >&2 &&
	    MAKEFLAGS='' make -s -C "$tree" CFLAGS='-O1 -w' "$1" 2>&1
}

# failing: the check that has to fail has; where none is named, any.
failing() {
	grep -e '^not ok' -e '^\[  FAILED' "$scratch/tap" |
	    grep -Fe "$check" >"$scratch/red"
}

# red COMMAND...: it fails in $tree, and is stopped once that is known, with all
# that it has started; one that could not begin says nothing.
red() {
	: >"$scratch/tap"
	(cd "$tree" && ETL_BIN=bin ETL_BUILD=build \
	    exec env --default-signal "$reap" 600 "$@") >"$scratch/tap" 2>&1 &
	pid=$!
	until failing || ! kill -0 $pid 2>/dev/null; do
		sleep 0.1
	done
	kill $pid 2>/dev/null || :
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	pid=
	failing || { [ -z "$check" ] && [ $rc -ne 0 ] &&
	    ! grep -q '^Bail out' "$scratch/tap"; }
}
# shellcheck disable=SC2016
at_exit 'kill $pid 2>/dev/null; wait $pid'

# mutant TEST NAME FILE EDIT [CHECK]: TEST is a file of tests/fault, or below
# tests where it has a slash, and arguments; unit/X is that program.  CHECK is
# the one that has to fail, or a part of its name.
mutant() {
	test=$1 name=$2 file=$3 edit=$4 check=${5:-}
	case $wanted in
	*' all '* | *" ${test%% *} "* | *" $name "*) ;;
	*) return 0 ;;
	esac
	if [ -n "${FIT:-}" ]; then
		edited "$file" "$edit" >"$scratch/edited" &&
		    ! cmp -s "${file%@*}" "$scratch/edited"
		check "$test: $name: $file" $?
		return
	fi
	case ${test%% *} in
	unit/*) what=build/tests/$test run=$what ;;
	*/*) what=all run="sh tests/$test" ;;
	*) what=all run="sh tests/fault/$test" ;;
	esac
	if ! made "$what" "$file" "$edit" >"$scratch/made" 2>&1; then
		check "$test: $name: can be made" 1
		diag "$(tail "$scratch/made")"
	else
		found=0
		# shellcheck disable=SC2086
		red $run || found=1
		check "$test: $name" $found
		sed 's/^/# first: /; q' "$scratch/red"
	fi
	cp "${file%@*}" "$tree/${file%@*}"
}
