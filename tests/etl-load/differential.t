#!/bin/sh
# --batch changes neither which records are loaded nor which are rejected, in
# SQLite and in PostgreSQL. ROUNDS is the number of random streams.
. tests/support/lib.sh

db_new postgresql
# A file in memory: at --batch 1 each record waits for the disk.
memory=$scratch
if [ -w /dev/shm ]; then
	memory=$(mktemp -d /dev/shm/etl-test.XXXXXX)
	at_exit "rm -rf '$memory'"
fi
trial tests/etl-load/differential.py "$memory/d.db" "$db" "${ROUNDS:-200}"
done_testing
