#!/bin/sh
# make bench: pairs of peer and program in turn, results to RESULTS.md.
#	ROWS=1000000 PAIRS=3 STAGES='identity load-pg' make bench
# Every stage when STAGES is not given; RESULTS.md is written only then, and
# only with 1000000 rows: else it goes to the terminal alone.
. tests/support/lib.sh
ROWS=${ROWS:-1000000}
data=$etl_build/bench
mkdir -p "$data"

# generate KIND N [CSV]
generate() {
	[ ! -s "$data/$1-$2.ndjson" ] || return 0
	echo "making $2 $1"
	/usr/bin/python3 tests/bench/gen.py "$1" "$2" "$data/part" \
	    ${3:+"$data/$1-$2.csv"}
	mv "$data/part" "$data/$1-$2.ndjson"
}
generate posts "$ROWS"
generate posts $((ROWS / 10))
generate rows "$ROWS" csv
generate events "$ROWS" csv
db_new postgresql
api_start --posts $((ROWS / 10)) --max-time 36000
export API_BASE_URL="$api" DATABASE_URL="$db" BENCH_DATA="$data" \
    BENCH_SCRATCH="$scratch" BENCH_BUILD="$etl_build" ROWS
/usr/bin/python3 tests/bench/bench.py
