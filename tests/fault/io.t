#!/bin/sh
# Every I/O call of each program fails once, with each error that the kernel can
# return for it (ENOSPC, EIO, ...), or moves fewer bytes than requested.  This
# test takes a share of these faults, at least one of each case; make torture takes
# all of them.
. tests/support/lib.sh
. tests/fault/points.sh

# A failed fsync is not tried again: the kernel may have dropped the pages, so a
# second fsync would succeed without the data being on the disk.
for call in first second; do
	n=1
	[ $call = first ] || n=2
	rc=0
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$scratch/calls" \
	    -e trace=fsync -e inject=fsync:error=EIO:when=$n etl-checkpoint \
	    set --state "file:$scratch/state.json" c $n 2>"$scratch/err" || rc=$?
	is "the $call fsync fails: etl-checkpoint exits with 74" 74 $rc
	is "the $call fsync fails: no other fsync follows" $n \
	    "$(grep -c fsync "$scratch/calls")"
done

points_start
points io 101
done_testing
