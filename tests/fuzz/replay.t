#!/bin/sh
# Runs every fuzz target once on each of its saved inputs, with sanitizers.
. tests/support/lib.sh

for corpus in tests/fuzz/corpus-*; do
	target=${corpus##*-}
	ok "the fuzz target $target can be built" \
	    sh tests/fuzz/build.sh "$scratch/$target" \
	    "tests/fuzz/$target.c" tests/fuzz/replay.c
	ok "$target accepts its $(find "$corpus" -type f | wc -l) saved inputs without a failure" \
	    timeout 120 "$scratch/$target" "$corpus"/*
done
done_testing
