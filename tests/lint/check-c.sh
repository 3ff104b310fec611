#!/bin/sh
# check-c.sh BUILD LIST: runs the tools on every .c file of LIST, on four at a time
# for each processor: as many as the tests that run beside it (PROVE in tests.mk),
# so that the tools get half of the processors and do not end last.
# check-c.sh BUILD one FILE: runs the tools on FILE.  BUILD/lint remembers the
# hash of the preprocessed text of each file that passed; such a file is not
# checked again.
# gcc compiled most files, with the same warnings, when make built the programs and
# the tests: of these files the object that make left in BUILD is looked at.
# LINT_NODES bounds the paths that the analyzer of clang-tidy follows in a
# function: make check takes 8000 nodes, make lint the analyzer's own 225000.
# check-c.sh other: prints the tools that are not run because of their version.
# The code is kept clean for the versions of Debian 12.  Other versions fail here:
# clang-tidy 19 crashes on one file, cppcheck 2.17 reports set arrays as unset.
# clang-tidy also reports what clang warns of (clang-diagnostic-* in .clang-tidy),
# so clang runs by itself only where clang-tidy does not.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL
tool() {
	command -v "$1" || command -v "$1-14"
}
# version TOOL: prints its version number.
version() {
	"$(tool "$1")" --version | grep -oE '[0-9]+\.[0-9.]+' | head -n 1
}
other() {
	for name in clang-tidy cppcheck; do
		case $name-$(version $name) in
		clang-tidy-14.* | cppcheck-2.10* | *-) ;;
		*) echo "$name $(version $name)" ;;
		esac
	done
}
[ "$1" != other ] || { other; exit; }
not_run=${not_run-$(other)}
export not_run
is_run() {
	case $not_run in
	*"$1 "*) return 1 ;;
	esac
}
build=$1 list=$2 nodes=${LINT_NODES:-225000}

if [ $# -eq 2 ]; then
	mkdir -p "$build/lint"
	flags=$(make -s --no-print-directory flags "B=$build")
	export flags
	xargs -P $(($(nproc) * 4)) -n 1 sh "$0" "$build" one <"$list"
	exit
fi
file=$3
# shellcheck disable=SC2086
eval set -- $flags
# A program includes its headers by their path below its own folder.
case $file in
src/*/*)
	program=${file#src/}
	set -- "$@" "-Isrc/${program%%/*}"
	;;
tests/unit/extract_* | tests/fuzz/link.c)
	program=etl-extract
	set -- "$@" "-Isrc/$program"
	;;
tests/unit/transform_*)
	program=etl-transform
	set -- "$@" "-Isrc/$program"
	;;
tests/fuzz/split.c | tests/fuzz/csv*)
	set -- "$@" "-Isrc/etl-extract"
	;;
esac
key=$({ echo "$nodes"; cat "$0" .clang-tidy; gcc "$@" -E "$file"; } | sha256sum)
pass=$build/lint/${key%% *}
[ ! -e "$pass" ] || exit 0
out=$build/lint/$$

# Fails if an object file has variables that can change, at file scope or static
# in a function, and prints their names.
reject_mutable_data() {
	objdump -t "$1" | awk -v file="$file" '
	$0 ~ / O / && $0 !~ /\.rodata|\.data\.rel\.ro/ &&
	!(file == "lib/base/stop.c" && $NF == "first_signal") &&
	!(file == "src/etl-transform/jq/jvalue.c" && $NF == "libjq") &&
	!(file == "tests/fault/shim.c" && $NF == "shim") &&
	!(file == "tests/fault/hostile_worker.c" && $NF == "hostile") &&
	!(file == "tests/unit/transform_numbers.c" && $NF == "work") {
		print "can change: " $NF
		found = 1
	}
	END { exit found }'
}
# compile: sets $object to an object file of $file, that of make if it is up to date.
# The objects of a build with sanitizers have data of the sanitizers.
compile() {
	object=$build/${file%.c}.o
	case $build in
	*/san) ;;
	*) [ -z "$(find "$object" -newer "$file" 2>/dev/null)" ] || return 0 ;;
	esac
	object=$out.o
	gcc "$@" -O1 -fno-common -c -o "$object" "$file"
}
trap 'rm -f "$out".*' EXIT
if compile "$@" && reject_mutable_data "$object" &&
    if is_run clang-tidy; then
	"$(tool clang-tidy)" --quiet "$file" -- "$@" -Xclang \
	    -analyzer-config -Xclang "max-nodes=$nodes"
    else
	"$(tool clang)" "$@" -fsyntax-only "$file"
    fi &&
    { ! is_run cppcheck ||
	cppcheck -q --enable=warning,portability,performance \
	    --inline-suppr --error-exitcode=1 --std=c11 -D_GNU_SOURCE \
	    -I. -Ilib -I"$build" ${program:+"-Isrc/${program%%/*}"} "$file"; }
then
	: >"$pass"
	exit 0
fi >"$out.txt" 2>&1
echo "$file:"
grep -v 'warnings generated' "$out.txt"
exit 1
