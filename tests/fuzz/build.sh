#!/bin/sh
# build.sh OUT SOURCE...: builds a fuzz target with the files of lib, or of a
# program, that it needs.  CC is the compiler.  FUZZ_SAN is the list of sanitizers (default:
# address,undefined).  The targets of one folder share their objects, which are in
# the folder "objects" beside OUT: remove it when a file or an option has changed.
set -eu
out=$1
shift
case " $* " in
*" tests/fuzz/link.c "*) set -- "$@" src/etl-extract/http/answer.c \
    lib/base/clock.c lib/base/datetime.c ;;
*" tests/fuzz/oauth.c "*) set -- "$@" src/etl-extract/http/oauth_answer.c ;;
*" tests/fuzz/csv.c "*) set -- "$@" tests/fuzz/csv_oracle.c \
    lib/base/datetime.c lib/base/compression.c \
    src/etl-extract/csv/csv_columns.c src/etl-extract/csv/csv_reader.c ;;
esac
set -- "$@" src/etl-extract/document/*.c lib/base/window.c lib/base/hash.c \
    lib/base/buf.c lib/base/errval.c lib/base/text.c lib/json/*.c \
    tests/fuzz/oracle.c
objects=$(dirname "$out")/objects
cc="${CC:-cc} -std=c11 -D_GNU_SOURCE -I. -Ilib -Isrc/etl-extract -O1 -g -Wall
    -Wextra -Werror -fno-omit-frame-pointer -fno-sanitize-recover=undefined
    -fsanitize=${FUZZ_SAN:-address,undefined}"
for source; do
	shift
	object=$objects/${source%.c}.o
	set -- "$@" "$object"
	[ ! -e "$object" ] || continue
	mkdir -p "$(dirname "$object")"
	$cc -c -o "$object" "$source"
done
exec $cc -o "$out" "$@" -ljansson -lmd
