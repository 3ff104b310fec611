#!/bin/sh
# examples/patterns/mirror: users come, change, go and come back.
. tests/support/lib.sh

pipeline=$top/examples/patterns/mirror/pipeline.sh
rows() {
	sql "SELECT id, name, CASE WHEN deleted_at IS NULL THEN 'live'
	    ELSE 'gone' END FROM users ORDER BY id" | xargs
}
mirror() {
	printf '%s' "$1" >"$scratch/in.json"
	status sh "$pipeline" "$scratch/in.json"
}
# users USER...: a JSON array of the given users and three others.
users() {
	printf '%s\n' "$@" '{"id":3,"name":"c"}' '{"id":4,"name":"d"}' \
	    '{"id":5,"name":"e"}' | jq -sc .
}
rest='3|c|live 4|d|live 5|e|live'
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$k the first load" "0 1|Ada|live 2|Bob|live $rest" \
	    "$(mirror "$(users '{"id":1,"name":"Ada"}' '{"id":2,"name":"Bob"}')"
	    ) $(rows)"
	is "$k one user has another name and one is gone" \
	    "0 1|Ada L.|live 2|Bob|gone $rest" \
	    "$(mirror "$(users '{"id":1,"name":"Ada L."}')") $(rows)"
	is "$k the user comes back" "0 1|Ada L.|live 2|Bob|live $rest" \
	    "$(mirror "$(users '{"id":1,"name":"Ada L."}' \
	    '{"id":2,"name":"Bob"}')") $(rows)"
	before=$(rows)
	is "$k too few users: exit code 1, nothing changes" "1 $before" \
	    "$(mirror '[{"id":1,"name":"Ada"}]') $(rows)"
	is "$k a source that breaks off: exit code 65, nothing changes" \
	    "65 $before" "$(mirror '[{"id":1,"name":"x"},{"i') $(rows)"
	users '{"id":1,"name":"Ada"}' '{"id":2,"name":"Bob"}' \
	    >"$scratch/in.json"
	is "$k as a run of etl-run" "0 1|Ada|live 2|Bob|live $rest" \
	    "$(status etl-run --name users "$pipeline" "$scratch/in.json"
	    ) $(rows)"
done
done_testing
