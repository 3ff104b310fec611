#!/bin/sh
# The edit of each mutant (see mutant.sh) still changes the code.  Only make
# torture runs the mutants and so shows that the tests can fail.
. tests/support/lib.sh
for list in tests/fault/mutants*.sh; do
	rc=0
	FIT=yes sh "$list" >"$scratch/fit" || rc=$?
	is "$list: each edit changes its file" \
	    '' "$(grep '^not ok' "$scratch/fit")"
	check "$list: the list runs to its end ($(tail -n 1 "$scratch/fit"))" $rc
done
done_testing
