#!/bin/sh
# Every memory allocation of the programs fails, once or from then on: the program
# reports that memory ran out (75), no record is lost and none is stored twice.
# This test takes a share of the allocations, at least one of each case; make
# torture takes all of them, also with the sanitizers.  Each allocation is two
# faults, so an odd share takes faults of both kinds.
. tests/support/lib.sh
. tests/fault/points.sh

points_start
points memory 251
# All allocations of list options and of etl-transform's worker processes.
points memory 1 options transform
done_testing
