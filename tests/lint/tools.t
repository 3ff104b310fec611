#!/bin/sh
# gcc, clang, clang-tidy and cppcheck over every .c, shellcheck over every sh.
. tests/support/lib.sh

find src lib tests -name '*.c' | sort >"$scratch/c"
ok 'there are files' test -s "$scratch/c"
sh tests/lint/check-c.sh other |
    sed 's/^/lint: not run, since it is another version: /' >&2
is 'every .c' '' \
    "$(sh tests/lint/check-c.sh "${ETL_BUILD:-build}" "$scratch/c" 2>&1 || :)"
scripts=$(grep -rlE '^#!/bin/sh|^# shellcheck shell=sh' .ci tests examples)
# shellcheck disable=SC2086
is 'shellcheck' '' "$(shellcheck $scripts 2>&1 || :)"
parse() {
	for script in $scripts; do
		dash -n "$script" 2>&1 || :
	done
}
is 'dash parses every sh' '' "$(parse)"
done_testing
