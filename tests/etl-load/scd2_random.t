#!/bin/sh
# --mode scd2 against a model, with random streams. ROUNDS is their number.
. tests/support/lib.sh

db_new postgresql
# A file in memory: at --batch 1 each record waits for the disk.
memory=$scratch
if [ -w /dev/shm ]; then
	memory=$(mktemp -d /dev/shm/etl-test.XXXXXX)
	at_exit "rm -rf '$memory'"
fi
trial tests/etl-load/scd2.py "$memory/d.db" "$db" "${ROUNDS:-25}"
done_testing
