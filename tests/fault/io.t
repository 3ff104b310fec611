#!/bin/sh
# Every I/O call of each program fails once: with ENOSPC, EIO and what else can
# happen to it, in each way that the kernel has, or moves less than was asked
# for.  Here a share of them; make torture takes all.
. tests/support/lib.sh
. tests/fault/points.sh

points io 12
done_testing
