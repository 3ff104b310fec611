#!/bin/sh
# examples/patterns/cdc-soft-delete: files of changes come one after the other, and a
# run is repeated.
. tests/support/lib.sh

pipeline=$top/examples/patterns/cdc-soft-delete/pipeline.sh
rows() {
	sql "SELECT id, name, town, CASE WHEN deleted_at IS NULL THEN 'live'
	    ELSE 'gone' END FROM customers ORDER BY id" | xargs
}
load() {
	status sh "$pipeline" "$scratch/changes"
}
for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	rm -rf "$scratch/changes"
	mkdir "$scratch/changes"
	cat >"$scratch/changes/1.ndjson" <<-'EOS'
	{"op":"c","before":null,"after":{"id":1,"name":"Ann","town":"Oslo"}}
	{"op":"c","before":null,"after":{"id":2,"name":"Bob","town":"Rome"}}
	{"op":"u","before":{"id":1},"after":{"id":7,"name":"Ann","town":"Oslo"}}
	EOS
	is "$k the first file: exit code 0" 0 "$(load)"
	is "$k the first file is applied" '2|Bob|Rome|live 7|Ann|Oslo|live' \
	    "$(rows)"
	cat >"$scratch/changes/2.ndjson" <<-'EOS'
	{"operation":"INSERT","data":{"id":1,"name":"Cid"}}
	{"operation":"UPDATE","data":{"id":7,"town":"Bergen"}}
	{"operation":"DELETE","data":{"id":2}}
	EOS
	is "$k the second file: exit code 0" 0 "$(load)"
	wanted='1|Cid||live 2|Bob|Rome|gone 7|Ann|Bergen|live'
	is "$k only the second file is applied, and no row is deleted" \
	    "$wanted" "$(rows)"
	is "$k a run without new files: exit code 0" 0 "$(status etl-run \
	    --name customers "$pipeline" "$scratch/changes")"
	is "$k a run without new files changes nothing" "$wanted" "$(rows)"
	echo '{"op":"c","after":{"id":2,"name":"Bob","town":"Rome"}}' \
	    >"$scratch/changes/3.ndjson"
	is "$k a customer comes again: exit code 0" 0 "$(load)"
	is "$k a customer that comes again is not deleted" \
	    '2|Bob|Rome|live' "$(rows | cut -d' ' -f2)"
done
done_testing
