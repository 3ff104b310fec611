#!/bin/sh
# Each mutant's edit still changes the code that it is for.  What they show, that
# the tests can fail, is for make torture.
. tests/support/lib.sh
for list in tests/fault/mutants*.sh; do
	rc=0
	FIT=yes sh "$list" >"$scratch/fit" || rc=$?
	is "$list: those that do not fit" '' "$(grep '^not ok' "$scratch/fit")"
	check "$list: $(tail -n 1 "$scratch/fit")" $rc
done
done_testing
