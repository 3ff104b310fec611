#!/bin/sh
# examples/patterns/history: changes come in order, again, late, and broken off.
. tests/support/lib.sh

pipeline=$top/examples/patterns/history/pipeline.sh
# change CITY TIME: a line of the file.
change() {
	printf '{"id":7,"name":"Ada","city":"%s","changed_at":"%s"}\n' "$1" "$2"
}
changes() {
	status sh "$pipeline" "$scratch/changes.ndjson"
}
cities() {
	sql 'SELECT city FROM customers ORDER BY valid_from' | xargs
}
at() {
	sql "SELECT city FROM customers WHERE valid_from <= '$1'
	    AND (valid_to > '$1' OR valid_to IS NULL)"
}
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	{
		change Bonn 2026-01-01T00:00:00Z
		change Kiel 2026-03-01T09:30:00Z
		change Kiel 2026-04-01T00:00:00Z
		change Rome 2026-05-01T00:00:00Z
	} >"$scratch/changes.ndjson"
	is "$k changes are loaded" '0 Bonn Kiel Rome' "$(changes) $(cities)"
	is "$k the query of the README gives the state at a time" Kiel \
	    "$(at 2026-04-15T00:00:00Z)"
	is "$k the same file again changes nothing" '0 Bonn Kiel Rome' \
	    "$(changes) $(cities)"
	change Oslo 2026-02-01T00:00:00Z >"$scratch/changes.ndjson"
	is "$k a change that comes late gets its place" \
	    '0 Bonn Oslo Kiel Rome' "$(changes) $(cities)"
	is "$k it is valid until the next change" 'Oslo Kiel' \
	    "$(at 2026-02-15T00:00:00Z) $(at 2026-03-01T09:30:00Z)"
	change Graz 2026-06-01T00:00:00Z | gzip | head -c 50 \
	    >"$scratch/changes.ndjson.gz"
	is "$k a file that was cut off: exit code 74, nothing is changed" \
	    '74 Bonn Oslo Kiel Rome' "$(status sh "$pipeline" \
	    "$scratch/changes.ndjson.gz") $(cities)"
	change Graz 2026-06-01T00:00:00Z >"$scratch/changes.ndjson"
	is "$k as a run of etl-run" '0 Graz' "$(status etl-run --name customers \
	    "$pipeline" "$scratch/changes.ndjson") $(at 2026-07-01)"
done
done_testing
