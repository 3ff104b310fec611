#!/bin/sh
# examples/patterns/full-refresh: the source loses a row, is empty, and breaks off.
. tests/support/lib.sh

pipeline=$top/examples/patterns/full-refresh/pipeline.sh
rows() {
	sql 'SELECT code FROM countries ORDER BY code' | xargs
}
refresh() {
	printf '%s' "$1" >"$scratch/in.json"
	status sh "$pipeline" "$scratch/in.json"
}
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$k the first load" '0 de fr' "$(refresh '[{"code":"fr","name":"France"},
	    {"code":"de","name":"Germany"}]') $(rows)"
	is "$k the next load has another country and lacks one" '0 de it' \
	    "$(refresh '[{"code":"it","name":"Italy"},
	    {"code":"de","name":"Germany"}]') $(rows)"
	is "$k an empty source: exit code 65, the old rows stay" '65 de it' \
	    "$(refresh '[]') $(rows)"
	is "$k a source that breaks off: exit code 65, the old rows stay" \
	    '65 de it' "$(refresh '[{"code":"es","name":"Spain"},{"co') $(rows)"
	printf '[{"code":"es","name":"Spain"}]' >"$scratch/in.json"
	is "$k as a run of etl-run" '0 es' "$(status etl-run --name countries \
	    "$pipeline" "$scratch/in.json") $(rows)"
done
done_testing
