#!/bin/sh
# gcc, clang, clang-tidy and cppcheck accept every .c; shellcheck every script.
# With LINT_SHARE=N (make check) they check files that the last 10 commits changed
# (the 100 that were changed last), and each day another N-th part of all files;
# without it (make lint) all files.  make compiles every file with gcc's warnings
# as errors in both cases.
. tests/support/lib.sh

git log -n 10 --name-only --diff-filter=d --format= 2>/dev/null |
    awk '!seen[$0]++' | head -n 100 >"$scratch/recent"
# choose_files: copies those of the names on its input that are to be checked.
choose_files() {
	awk -v share="${LINT_SHARE:-1}" -v day="$(date +%-j)" '
	from == "log" { recent[$0] = 1; next }
	(FNR + day) % share == 0 || $0 in recent' \
	    from=log "$scratch/recent" from=input -
}
find src lib tests -name '*.c' | sort | choose_files >"$scratch/c"
ok 'there are C files to check' test -s "$scratch/c"
sh tests/lint/check-c.sh other |
    sed 's/^/lint: not run, since it is another version: /' >&2
is 'gcc, clang, clang-tidy and cppcheck report nothing' '' \
    "$(sh tests/lint/check-c.sh "${ETL_BUILD:-build}" "$scratch/c" 2>&1 || :)"
scripts=$(grep -rlE '^#!/bin/sh|^# shellcheck shell=sh' .ci tests examples)
is 'shellcheck reports nothing' '' "$(echo "$scripts" | sort | choose_files |
    xargs -P $(($(nproc) * 2)) -n 12 shellcheck 2>&1 || :)"
parse() {
	for script in $scripts; do
		dash -n "$script" 2>&1 || :
	done
}
is 'dash parses every shell script' '' "$(parse)"
done_testing
