#!/bin/sh
# run.sh [TARGET...]: runs each fuzz target with libFuzzer for $SECONDS seconds
# (60).  The inputs that it finds are kept in build/fuzz.  libFuzzer prints the
# name of an input that fails; copy this file to tests/fuzz/corpus-TARGET, so that
# replay.t tries it in every test run.
set -eu
# shellcheck disable=SC3028 # given by the caller
seconds=${SECONDS:-60}
[ "$seconds" -gt 0 ] 2>/dev/null || seconds=60
CC=$(command -v clang || command -v clang-14)
FUZZ_SAN=fuzzer,address,undefined
export CC FUZZ_SAN
rm -rf build/fuzz/objects
[ $# -gt 0 ] || set -- scan number split link oauth csv

for target in "$@"; do
	work=build/fuzz/$target
	mkdir -p "$work"
	sh tests/fuzz/build.sh "$work.bin" "tests/fuzz/$target.c"
	words=tests/fuzz/$target.dict
	[ -e "$words" ] || words=tests/fuzz/json.dict
	echo "fuzz: $target, $seconds s"
	"$work.bin" -max_total_time="$seconds" -max_len=2048 -timeout=10 \
	    -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
	    -dict="$words" -artifact_prefix="$work-" \
	    "$work" "tests/fuzz/corpus-$target"
done
