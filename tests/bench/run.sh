#!/bin/sh
# make bench: measures each stage against a peer program, in turn.
#	ROWS=1000000 PAIRS=3 STAGES='identity load-pg' make bench
# Without STAGES all stages are measured.  The results are written to RESULTS.md
# only without STAGES and with 1000000 rows, else to the terminal only.
. tests/support/lib.sh
ROWS=${ROWS:-1000000}
data=$etl_build/bench
mkdir -p "$data"

# generate KIND N [CSV]: writes N records as NDJSON (and CSV) unless they exist.
generate() {
	[ ! -s "$data/$1-$2.ndjson" ] || return 0
	echo "making $2 $1"
	/usr/bin/python3 tests/bench/gen.py "$1" "$2" "$data/part" \
	    ${3:+"$data/$1-$2.csv"}
	mv "$data/part" "$data/$1-$2.ndjson"
}
generate posts "$ROWS"
generate posts $((ROWS / 10))
[ -s "$data/posts-$((ROWS / 10)).json" ] || {
	echo "making a JSON array of them"
	sed '1s/^/[/; $!s/$/,/; $s/$/]/' "$data/posts-$((ROWS / 10)).ndjson" \
	    >"$data/part"
	mv "$data/part" "$data/posts-$((ROWS / 10)).json"
}
generate rows "$ROWS" csv
generate events "$ROWS" csv
[ -s "$data/changes-$ROWS.ndjson" ] || {
	echo "making $ROWS changes"
	/usr/bin/python3 tests/bench/changes.py "$ROWS" "$data/part" \
	    "$data/changes-$ROWS"
}

# The same events in another order, which is the same for both files.
for kind in csv ndjson; do
	[ -s "$data/events-$ROWS-shuffled.$kind" ] || {
		shuf --random-source="$data/events-$ROWS.csv" \
		    "$data/events-$ROWS.$kind" >"$data/part"
		mv "$data/part" "$data/events-$ROWS-shuffled.$kind"
	}
done

# Two CSV files with a header.
for half in 1 2; do
	[ -s "$data/rows-$ROWS-$half.csv" ] || {
		sed -n '1s/"\([a-z_]*\)":\("[^"]*"\|[0-9]*\),*/\1,/g
		    1s/[{}]//g; 1s/,$//p' "$data/rows-$ROWS.ndjson"
		sed -n "$half~2p" "$data/rows-$ROWS.csv"
	} >"$data/rows-$ROWS-$half.csv"
done

# Twenty CSV files as in examples/csv-directory.
csv_rows=$((ROWS / 50))
[ -d "$data/csv-$csv_rows" ] || {
	rm -rf "$data/csv-part"
	mkdir "$data/csv-part"
	awk -v rows=$csv_rows -v dir="$data/csv-part" 'BEGIN {
		for (f = 1; f <= 20; f++) {
			file = sprintf("%s/%02d.csv", dir, f)
			print "id,timestamp,value" >file
			for (i = 1; i <= rows; i++)
				printf "e-%d-%d,2026-05-%02dT%02d:00:00Z,%.2f\n", f, i,
				    i % 28 + 1, i % 24, i * 1.37 >file
			close(file)
		}
	}'
	mv "$data/csv-part" "$data/csv-$csv_rows"
}

# The rows that csv-sqlite and load-pg-100 store, ready for the database: a CSV file,
# and a COPY statement for each 100 rows.
[ -s "$data/stored-$csv_rows.csv" ] || {
	for file in "$data/csv-$csv_rows"/*.csv; do
		awk -v file="$file" 'NR > 1 { print $0 "," file }' "$file"
	done >"$data/part"
	mv "$data/part" "$data/stored-$csv_rows.csv"
}
[ -s "$data/copy-$ROWS.sql" ] || {
	head -n $((ROWS / 10)) "$data/rows-$ROWS.csv" | awk '
	NR % 100 == 1 {
		if (NR > 1)
			print "\\."
		print "COPY user_activities (user_id, post_id, activity_type, " \
		    "title, body, word_count, extracted_at, loaded_at) " \
		    "FROM STDIN (FORMAT csv);"
	}
	{ print $0 ",now" }
	END { print "\\." }' >"$data/part"
	mv "$data/part" "$data/copy-$ROWS.sql"
}

# A JSON array of 1.2 GiB, with ROWS=1000000.
case " ${STAGES:-json-large} " in
*' json-large '*)
	[ -s "$data/large-$ROWS.json" ] || {
		printf '['
		for _ in 1 2 3 4; do
			sed 's/$/,/' "$data/posts-$ROWS.ndjson"
		done
		echo '{}]'
	} >"$data/large-$ROWS.json"
	;;
esac

# write_marked KIND: writes the same records as a marked stream with a checkpoint
# mark after every 10000 records, as etl-extract does.
write_marked() {
	[ ! -s "$data/$1-$ROWS-marked.ndjson" ] || return 0
	awk '
	function counts() {
		return "\"stages\":[{\"stage\":\"extract\",\"in\":0,\"out\":" NR \
		    ",\"dropped\":0,\"rejected\":0}]}"
	}
	BEGIN {
		print "{\"@etl\":\"begin\",\"v\":1,\"id\":\"b\"," \
		    "\"checkpoint\":\"b\",\"stages\":[\"extract\"]}"
	}
	{ print }
	NR % 10000 == 0 {
		print "{\"@etl\":\"checkpoint\",\"name\":\"b\",\"seq\":" ++seq \
		    ",\"from\":null,\"version\":0,\"value\":\"" NR "\"," counts()
	}
	END {
		print "{\"@etl\":\"end\"," \
		    (seq ? "\"seq\":" seq "," : "") counts()
	}' "$data/$1-$ROWS.ndjson" >"$data/part"
	mv "$data/part" "$data/$1-$ROWS-marked.ndjson"
}
write_marked rows
write_marked events
db_new postgresql
api_start --posts $((ROWS / 10)) --max-time 36000
export API_BASE_URL="$api" DATABASE_URL="$db" BENCH_DATA="$data" \
    BENCH_SCRATCH="$scratch" BENCH_BUILD="$etl_build" ROWS
/usr/bin/python3 tests/bench/bench.py
