#!/bin/sh
# gcc, clang, clang-tidy and cppcheck accept every .c; shellcheck every script.
. tests/support/lib.sh

find src lib tests -name '*.c' | sort >"$scratch/c"
ok 'there are C files to check' test -s "$scratch/c"
sh tests/lint/check-c.sh other |
    sed 's/^/lint: not run, since it is another version: /' >&2
is 'gcc, clang, clang-tidy and cppcheck report nothing' '' \
    "$(sh tests/lint/check-c.sh "${ETL_BUILD:-build}" "$scratch/c" 2>&1 || :)"
scripts=$(grep -rlE '^#!/bin/sh|^# shellcheck shell=sh' .ci tests examples)
is 'shellcheck reports nothing' '' "$(echo "$scripts" |
    xargs -P $(($(nproc) * 2)) -n 12 shellcheck 2>&1 || :)"
parse() {
	for script in $scripts; do
		dash -n "$script" 2>&1 || :
	done
}
is 'dash parses every shell script' '' "$(parse)"
done_testing
