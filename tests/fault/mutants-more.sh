#!/bin/sh
# mutants-more.sh [TEST|NAME...]: can the tests of the fault matrix that stand
# outside its folder fail?  See mutant.sh.
# shellcheck disable=SC2016
. tests/fault/mutant.sh

mutant unit/stream_lines 'a line too long is kept' lib/stream/lines.c \
    's/if (l->hash != NULL || (n > l->max \&\& n >= LINES_KEPT))/if (false)/' \
    memory_stays_bounded
done_testing
