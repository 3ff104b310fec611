#!/bin/sh
# build.sh OUT SOURCE...: a fuzz target with its part of lib.
# CC is the compiler; the address and undefined sanitizers are on.
set -eu
out=$1
shift
exec ${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -Ilib -O1 -g -Wall -Wextra -Werror \
    -fno-omit-frame-pointer -fno-sanitize-recover=undefined \
    -fsanitize="${FUZZ_SAN:-address,undefined}" -o "$out" "$@" \
    lib/base/buf.c lib/base/errval.c lib/base/text.c lib/json/*.c \
    tests/fuzz/oracle.c -ljansson
