#!/bin/sh
# The saved inputs of every fuzz target, each once, under sanitizers.
. tests/support/lib.sh

for corpus in tests/fuzz/corpus-*; do
	target=${corpus##*-}
	ok "$target is built" sh tests/fuzz/build.sh "$scratch/$target" \
	    "tests/fuzz/$target.c" tests/fuzz/replay.c
	ok "$target stands $(find "$corpus" -type f | wc -l) inputs" \
	    timeout 120 "$scratch/$target" "$corpus"/*
done
done_testing
