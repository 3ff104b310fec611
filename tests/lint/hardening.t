#!/bin/sh
# The programs are compiled as Debian compiles its programs: with checks that
# turn an overflow of a buffer into a crash.
. tests/support/lib.sh
case $etl_build in
*/san) is 'a build with sanitizers has checks of its own' '' ''
    done_testing
    exit ;;
esac
# has_flag FLAG: true if all C files of $program were compiled with FLAG.  The
# debug information has the flags of each file.
has_flag() {
	readelf --debug-dump=info "$(command -v "$program")" 2>/dev/null |
	    grep DW_AT_producer | grep 'GNU C\|clang' >"$scratch/units"
	[ -s "$scratch/units" ] && ! grep -vqe "$1" "$scratch/units"
}
flags='-fstack-protector-strong -fstack-clash-protection'
case $(uname -m) in
x86_64) flags="$flags -fcf-protection" ;;
esac
for program in $(make -s --no-print-directory programs); do
	for flag in $flags; do
		ok "$program is compiled with $flag" has_flag "$flag"
	done
	readelf -W --dyn-syms "$(command -v "$program")" >"$scratch/symbols"
	ok "$program has the checked functions of -D_FORTIFY_SOURCE" \
	    grep -q '__[a-z]*printf_chk@' "$scratch/symbols"
	like "$program is loaded at a random address, with read-only relocations" \
	    'DYN .*|PIE' "$(readelf -h "$(command -v "$program")")"
	ok "$program resolves all symbols when it starts" \
	    sh -c "readelf -d $(command -v "$program") | grep -q BIND_NOW"
done
is 'every C file is compiled with level 3 of -D_FORTIFY_SOURCE' '' \
    "$(make -n -B all 2>&1 | grep '\.c$' | grep -ve '-D_FORTIFY_SOURCE=3 ')"
done_testing
