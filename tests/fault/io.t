#!/bin/sh
# Every I/O call of each program fails once: with ENOSPC, EIO and what else can
# happen to it, in each way that the kernel has, or moves less than was asked
# for.  Here a share of them; make torture takes all.
. tests/support/lib.sh
. tests/fault/points.sh

# What could not be synced once is not tried again until it seems to be.
for call in first second; do
	n=1
	[ $call = first ] || n=2
	rc=0
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$scratch/calls" \
	    -e trace=fsync -e inject=fsync:error=EIO:when=$n etl-checkpoint \
	    set --state "file:$scratch/state.json" c $n 2>"$scratch/err" || rc=$?
	is "the $call fsync fails" 74 $rc
	is "the $call fsync fails: it is the last" $n \
	    "$(grep -c fsync "$scratch/calls")"
done

points_start
points io 12
done_testing
