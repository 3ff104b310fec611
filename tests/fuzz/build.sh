#!/bin/sh
# build.sh OUT SOURCE...: builds a fuzz target with the files of lib, or of a
# program, that it needs.  CC is the compiler.  FUZZ_SAN is the list of sanitizers (default:
# address,undefined).
set -eu
out=$1
shift
case " $* " in
*" tests/fuzz/link.c "*) set -- "$@" src/etl-extract/http/link_header.c \
    src/etl-extract/http/http_answer.c lib/base/clock.c ;;
*" tests/fuzz/oauth.c "*) set -- "$@" src/etl-extract/http/oauth_answer.c ;;
*" tests/fuzz/csv.c "*) set -- "$@" tests/fuzz/csv_oracle.c \
    lib/base/calendar.c lib/base/suggest.c src/etl-extract/csv/csv_columns.c \
    src/etl-extract/csv/csv_[jlnst]*.c src/etl-extract/csv/csv_reader.c ;;
esac
exec ${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -Ilib -Isrc/etl-extract -O1 -g -Wall -Wextra -Werror \
    -fno-omit-frame-pointer -fno-sanitize-recover=undefined \
    -fsanitize="${FUZZ_SAN:-address,undefined}" -o "$out" "$@" \
    src/etl-extract/document/*.c lib/base/window.c lib/base/hash.c \
    lib/base/buf.c lib/base/errval.c lib/base/text.c lib/json/*.c \
    tests/fuzz/oracle.c -ljansson -lmd
