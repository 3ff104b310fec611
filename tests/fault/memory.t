#!/bin/sh
# Every allocation of our own fails, once and from then on: the program says
# that memory is out (75), nothing is lost and nothing is there twice.  Here a
# share of them; make torture takes all, also under the sanitizers.
. tests/support/lib.sh
. tests/fault/points.sh

points_start
points memory 16
# Options that are lists, and what a worker has to say.
points memory 1 options transform
done_testing
