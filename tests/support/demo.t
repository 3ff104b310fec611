#!/bin/sh
# make demo shows rows, the run and the dead letters, in under 10 seconds.
. tests/support/lib.sh

is 'the demo' 0 "$(limit=10 status sh tests/support/demo.sh)"
shown=$(cat "$scratch/out")
like 'a row' '^3 +1 +Ea Molestias Quasi Exerci +5 +20[0-9-]+T' "$shown"
like 'the run' '^1 +posts +success +100 +92 +8 ' "$shown"
for code in required range number http; do
	like "a dead letter: $code" "(^| )$code( |$)" "$shown"
done
is 'nothing stays' '' "$(ls -d etl.db* rejects.ndjson 2>/dev/null || :)"
done_testing
