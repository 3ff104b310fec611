#!/bin/sh
# real_tap.sh: a real Singer tap of the Python index (tap-rest-api) is loaded into
# both databases, each record once.  make torture runs it.  pip installs the tap
# into build/tap-VERSION, for which it needs a package index once.
. tests/support/lib.sh
. tests/support/venv.sh
. tests/etl-extract/singer_load.sh

venv_make tap "$top/tests/etl-extract/singer_requirements.txt" 'the tap' --use-pep517
cd "$scratch"

# The real tap: it reads the items of the mock API by their member seq.
api_start --items 40
export PATH="$venv/bin:$PATH"
page='limit={items_per_page}&page={current_page_one_base}'
cat >config.json <<END
{"url": "$api/items?by=seq&since={start_index}&$page",
 "record_list_level": "items[*]", "index_key": "seq", "start_index": 0,
 "streams": "items", "items_per_page": 10, "schema_dir": ".", "catalog_dir": "."}
END
echo '{"args": {}}' >spec.json
set -- tap-rest-api spec.json --config config.json
ok 'the tap finds out the schema' "$@" --infer_schema
set -- "$@" --catalog catalog.json
grow() { curl -s "$api/control/items/$1" >/dev/null; }
for kind in sqlite postgresql; do
	db_new $kind
	make_tables
	for mode in append upsert; do
		grow 25
		is "$kind, $mode: the real tap is loaded" 0 "$(status load $mode "$@")"
		is "$kind, $mode: each item once" '25|25' "$(counted $mode)"
		like "$kind, $mode: its STATE is the checkpoint" \
		    '^\{"bookmarks": \{"items": \{"last_update": 9007199254741015,' \
		    "$(etl-checkpoint get --db "$db" $mode)"
		is "$kind, $mode: a run without new items" 0 "$(status load $mode "$@")"
		grow 40
		is "$kind, $mode: the next run begins at the STATE" 0 \
		    "$(status load $mode "$@")"
		is "$kind, $mode: each new item once" '40|40' "$(counted $mode)"
		like "$kind, $mode: it reads 15 items only" \
		    '"record_count", "value": 15,' "$(cat err)"
	done
	like "$kind: etl-checkpoint list shows the STATE" '\{"bookmarks": ' \
	    "$(etl-checkpoint list --db "$db")"
done
done_testing
