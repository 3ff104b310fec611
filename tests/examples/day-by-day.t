#!/bin/sh
# examples/patterns/day-by-day: the file of a day comes again, with other rows, with
# none, or cut off.
. tests/support/lib.sh

pipeline=$top/examples/patterns/day-by-day/pipeline.sh
rows() {
	sql 'SELECT sale, total FROM sales ORDER BY day, sale' | xargs
}
day() {
	status sh "$pipeline" "$1" "$scratch/$1.csv"
}
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	printf '%s\n' day,shop,sale,total 2026-05-29,1,a,10 2026-05-29,1,b,20 \
	    >"$scratch/2026-05-29.csv"
	printf '%s\n' day,shop,sale,total 2026-05-30,1,c,30 2026-05-30,2,d,40 \
	    2026-05-30,2,e,50.25 >"$scratch/2026-05-30.csv"
	is "$k two days are loaded" '0 0' "$(day 2026-05-29) $(day 2026-05-30)"
	is "$k all sales are there" 'a|10 b|20 c|30 d|40 e|50.25' \
	    "$(rows | sed 's/\.00//g')"
	printf '%s\n' day,shop,sale,total 2026-05-30,1,c,31 2026-05-30,3,f,60 \
	    >"$scratch/2026-05-30.csv"
	is "$k the corrected file of a day is loaded" 0 "$(day 2026-05-30)"
	is "$k the sales of this day are those of the file" \
	    'a|10 b|20 c|31 f|60' "$(rows | sed 's/\.00//g')"
	is "$k the same file again, as a run of etl-run" 0 "$(status etl-run \
	    --name sales "$pipeline" 2026-05-30 "$scratch/2026-05-30.csv")"
	is "$k no sale is there twice" 'a|10 b|20 c|31 f|60' \
	    "$(rows | sed 's/\.00//g')"
	like "$k etl-status shows the removed rows" ' REMOVED CODES$' \
	    "$(etl-status --run 1)"
	like "$k two rows were removed" '^load .* 2$' "$(etl-status --run 1)"
	printf '%s\n' day,shop,sale,total >"$scratch/2026-05-29.csv"
	is "$k a file without sales: exit code 65" 65 "$(day 2026-05-29)"
	is "$k a file without sales leaves the old sales" \
	    'a|10 b|20 c|31 f|60' "$(rows | sed 's/\.00//g')"
	mkdir -p "$scratch/once"
	cp "${pipeline%/*}/sales.sql" "$scratch/once"
	sed 's/--scope day/& --allow-empty/' "$pipeline" >"$scratch/once/run.sh"
	is "$k with --allow-empty it is loaded" 0 "$(status sh \
	    "$scratch/once/run.sh" 2026-05-29 "$scratch/2026-05-29.csv")"
	is "$k the day then has no sales" 'c|31 f|60' \
	    "$(rows | sed 's/\.00//g')"
	printf '%s\n' day,shop,sale,total 2026-05-30,1,c,31 | gzip |
	    head -c 30 >"$scratch/2026-05-30.csv.gz"
	is "$k a file that was cut off: exit code 74" 74 \
	    "$(status sh "$pipeline" 2026-05-30 "$scratch/2026-05-30.csv.gz")"
	is "$k a file that was cut off leaves the old sales" 'c|31 f|60' \
	    "$(rows | sed 's/\.00//g')"
	printf '%s\n' day,shop,sale,total 2026-05-30,1,c,31 2026-05-30,3,f,62.75 |
	    head -c -4 >"$scratch/2026-05-30.csv"
	is "$k a file that was cut in its last number: exit code 65" \
	    65 "$(day 2026-05-30)"
	like "$k a file that was cut in its last number: the message names it" \
	    '2026-05-30.csv: the file has no newline at its end' \
	    "$(cat "$scratch/err")"
	is "$k a file that was cut in its last number leaves the old sales" \
	    'c|31 f|60' "$(rows | sed 's/\.00//g')"
	printf '%s\n' day,shop,sale,total 2026-05-30,1,c,31 2026-05-30,2,d,40 \
	    2026-05-30,3,f,60 2026-05-30,3,g,5 >"$scratch/2026-05-30.csv"
	for _ in 1 2 3; do
		etl-run --name sales "$pipeline" 2026-05-30 \
		    "$scratch/2026-05-30.csv" 2>/dev/null
	done
	head -n 2 "$scratch/2026-05-30.csv" >"$scratch/lines.csv"
	is "$k a file that was cut at the end of a line: exit code 1" \
	    1 "$(status etl-run --name sales "$pipeline" 2026-05-30 \
	    "$scratch/lines.csv")"
	is "$k a file that was cut at the end of a line leaves the old sales" \
	    'c|31 d|40 f|60 g|5' "$(rows | sed 's/\.00//g')"
done
done_testing
