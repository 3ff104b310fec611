#!/bin/sh
# run.sh [TARGET...]: each fuzz target for $SECONDS seconds (60) by libFuzzer.
# Inputs found are kept in build/fuzz; one that fails is named and belongs into
# tests/fuzz/corpus-TARGET, where replay.t sees it from then on.
set -eu
# shellcheck disable=SC3028 # given by the caller
seconds=${SECONDS:-60}
[ "$seconds" -gt 0 ] 2>/dev/null || seconds=60
CC=$(command -v clang || command -v clang-14)
FUZZ_SAN=fuzzer,address,undefined
export CC FUZZ_SAN
[ $# -gt 0 ] || set -- scan number

for target in "$@"; do
	work=build/fuzz/$target
	mkdir -p "$work"
	sh tests/fuzz/build.sh "$work.bin" "tests/fuzz/$target.c"
	echo "fuzz: $target, $seconds s"
	"$work.bin" -max_total_time="$seconds" -max_len=2048 -timeout=10 \
	    -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
	    -dict=tests/fuzz/json.dict -artifact_prefix="$work-" \
	    "$work" "tests/fuzz/corpus-$target"
done
