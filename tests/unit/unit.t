#!/bin/sh
# Runs every unit test program, which make built from tests/unit/*.c.
. tests/support/lib.sh

for source in tests/unit/*.c; do
	name=$(basename "$source" .c)
	rc=0
	timeout 300 "$etl_build/tests/unit/$name" >"$scratch/out" 2>&1 || rc=$?
	[ "$rc" -eq 0 ] || diag "$(grep -v -e '^\[ RUN' -e '^\[ *OK' \
	    "$scratch/out")"
	is "the unit tests of $name.c pass" 0 "$rc"
done
done_testing
