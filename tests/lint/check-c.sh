#!/bin/sh
# check-c.sh BUILD LIST: every .c of LIST through the tools, two at a time.
# check-c.sh BUILD one FILE: this one.  What has passed is remembered in
# BUILD/lint by its preprocessed text and is not checked again.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL
build=$1 list=$2
flags=$(make -s --no-print-directory flags "B=$build")

if [ $# -eq 2 ]; then
	mkdir -p "$build/lint"
	xargs -P 2 -n 1 sh "$0" "$build" one <"$list"
	exit
fi
file=$3
tool() {
	command -v "$1" || command -v "$1-14"
}
# shellcheck disable=SC2086
eval set -- $flags
key=$({ cat "$0" .clang-tidy; gcc "$@" -E "$file"; } | sha256sum)
pass=$build/lint/${key%% *}
[ ! -e "$pass" ] || exit 0
out=$build/lint/$$

# Objects that can change, at file scope or static in a function.
mutable() {
	objdump -t "$1" | awk -v file="$file" '
	$0 ~ / O / && $0 !~ /\.rodata|\.data\.rel\.ro/ &&
	!(file == "lib/base/stop.c" && $NF == "stopped") {
		print "can change: " $NF
		found = 1
	}
	END { exit found }'
}
trap 'rm -f "$out".*' EXIT
if gcc "$@" -O1 -fno-common -c -o "$out.o" "$file" &&
    mutable "$out.o" &&
    "$(tool clang)" "$@" -fsyntax-only "$file" &&
    "$(tool clang-tidy)" --quiet "$file" -- "$@" &&
    cppcheck -q --enable=warning,portability,performance \
	--suppress=normalCheckLevelMaxBranches --inline-suppr \
	--error-exitcode=1 --std=c11 -D_GNU_SOURCE -I. -Ilib \
	-I"$build" "$file"
then
	: >"$pass"
	exit 0
fi >"$out.txt" 2>&1
echo "$file:"
grep -v 'warnings generated' "$out.txt"
exit 1
