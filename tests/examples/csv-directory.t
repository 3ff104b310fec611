#!/bin/sh
# examples/csv-directory: files are added, changed and cut from run to run, and
# runs are killed in between.
. tests/support/lib.sh
cd "$scratch"

pipeline=$top/examples/csv-directory/pipeline.sh
events() {
	sql 'SELECT id, value, source_file FROM events ORDER BY id' |
	    sed 's/ *| */ /g; s/|/ /g; s/^ *//' | paste -sd';'
}
letters() {
	etl-dlq list --json | jq -r '"\(.code) \(.pointer) \(.origin.uri // "")"' |
	    LC_ALL=C sort | paste -sd';'
}
# rows PREFIX N: N rows of a file.
rows() {
	echo id,ts,value
	seq "$2" | sed "s/.*/$1&,2026-05-01T12:00:00Z,&/"
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	rm -rf in
	mkdir in
	printf 'id,ts,value\na,2026-05-01T12:00:00Z,1.5\nb,2026-05-01 12:00:00,\n' \
	    >in/1.csv
	printf 'timestamp;id\n2026-05-01T12:00:00+02:00;c\n' | tr ';' , \
	    >in/2.csv
	printf 'id,ts,value,note\n,2026-05-01T12:00:00Z,1,x\nd,,1,x\ne,2026-05-01T12:00:00Z,many,x\nf,2026-05-01T12:00:00Z\n"g, ""h""",2026-05-01T12:00:00Z,2,"two\nlines"\n' \
	    >in/3.csv
	is "$kind: the first run loads the directory" 0 \
	    "$(status etl-run --name events "$pipeline" in)"
	is "$kind: the rows have their values and the names of their files" \
	    'a 1.5 in/1.csv;b 0.0 in/1.csv;c 0.0 in/2.csv;g, "h" 2.0 in/3.csv' \
	    "$(events | sed 's/ \([02]\) in/ \1.0 in/g')"
	is "$kind: a time without a zone is in UTC, and one with a zone is kept" \
	    1 "$([ "$kind" = sqlite ] || sql "SET timezone = 'UTC'"
	    sql "SELECT count(DISTINCT ts) FROM events
	    WHERE id IN ('a', 'b')" | tr -d ' ')"
	is "$kind: bad rows are letters with their cause" \
	    'parse null in/3.csv;required /id ;required /ts ;type null ' \
	    "$(letters)"
	is "$kind: the next run reads nothing" 'success 0' \
	    "$(etl-run --name events "$pipeline" in
	    sql "SELECT status || ' ' || records_extracted FROM pipeline_runs
	    ORDER BY id DESC LIMIT 1")"
	printf 'id,ts,value\na,2026-05-02T12:00:00Z,7\n' >in/4.csv
	is "$kind: a new file updates the row of an event" 'a 7 in/4.csv' \
	    "$(status etl-run --name events "$pipeline" in >/dev/null
	    events | cut -d';' -f1 | sed 's/7\.0/7/')"

	# Runs that are killed, with files of 20,000 rows.
	for i in 1 2 3 4; do
		rows $i- 20000 >in/big$i.csv
	done
	for after in 0.1 0.2 0.4; do
		killed_after $after sh "$pipeline" in
	done
	is "$kind: after runs that were killed the next run ends well" 0 \
	    "$(status etl-run --name events "$pipeline" in)"
	is "$kind: after runs that were killed the table has all events" 80004 \
	    "$(sql 'SELECT count(*) FROM events' | tr -d ' ')"
	gzip -c in/big1.csv | head -c 20000 >in/5.csv.gz
	is "$kind: a file that is cut exits with 74" 74 \
	    "$(status etl-run --name events "$pipeline" in)"
	rows z 3 | gzip -c >in/5.csv.gz
	is "$kind: when the file is whole, a run loads it" '0 3' \
	    "$(status etl-run --name events "$pipeline" in) \
$(sql "SELECT count(*) FROM events WHERE id LIKE 'z%'" | tr -d ' ')"
done
done_testing
