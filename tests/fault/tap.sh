#!/bin/sh
# tap.sh [--state FILE]: a Singer tap of nine records for sweep.sh. A STATE follows
# each record, and a line that is no message comes after the fourth.
at=0
[ $# -lt 2 ] || at=$(tr -dc 0-9 <"$2")
while [ "$at" -lt 9 ]; do
	at=$((at + 1))
	printf '{"type":"RECORD","stream":"s","record":{"k":"%d","n":%d}}\n' $at $at
	[ $at -ne 4 ] || echo 'log: half of it'
	[ $at -ne 5 ] || sleep 1.1
	printf '{"type":"STATE","value":{"at":%d}}\n' $at
done
