#!/bin/sh
# make demo shows rows, the run and the dead letters, in under 10 seconds.
. tests/support/lib.sh

is 'make demo succeeds within 10 seconds' \
    0 "$(limit=10 status sh tests/support/demo.sh)"
shown=$(cat "$scratch/out")
like 'make demo shows a loaded row' \
    '^3 +1 +Ea Molestias Quasi Exerci +5 +20[0-9-]+T' "$shown"
like 'make demo shows the run with its counts' \
    '^1 +posts +success +100 +92 +8 ' "$shown"
for code in required range number http; do
	like "make demo shows a dead letter with the code $code" \
	    "(^| )$code( |$)" "$shown"
done
is 'make demo leaves no file behind' \
    '' "$(ls -d etl.db* rejects.ndjson 2>/dev/null || :)"
done_testing
