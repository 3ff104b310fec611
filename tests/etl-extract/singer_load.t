#!/bin/sh
# A real tap of the Python index (tap-rest-api) and a tap in shell, loaded into
# both databases: each record once, also if the programs are killed.
# The tap is installed into build/tap-VERSION; pip needs a package index once.
. tests/support/lib.sh

requirements=$top/tests/etl-extract/singer_requirements.txt
venv=$top/build/tap-$(cksum <"$requirements" | cut -d' ' -f1)
if ! [ -e "$venv/ready" ]; then
	rm -rf "$venv"
	if ! { /usr/bin/python3 -m venv "$venv" &&
	    "$venv/bin/pip" install -q --disable-pip-version-check --no-deps \
		--use-pep517 -r "$requirements" && : >"$venv/ready"; } \
	    >"$scratch/pip" 2>&1; then
		check 'pip installs the tap, for which it needs a package index' 1
		diag "$(tail -n 20 "$scratch/pip")"
		done_testing
		exit 1
	fi
fi
cd "$scratch"
seed=$(random_seed)
echo "# SEED=$seed"
random() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	echo $((seed / 65536 % $1))
}

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
# load MODE TAP...: one run of the tap into the table of that mode.
load() {
	case $1 in
	append) key='' ;;
	*) key='--key id' ;;
	esac
	mode=$1
	shift
	# shellcheck disable=SC2086
	etl-extract --checkpoint "$mode" --db "$db" --select items --singer "$@" |
	    etl-transform '{id: (.code // .id | tostring)}' |
	    etl-load --db "$db" --table "t_$mode" --mode "$mode" $key
}
counted() { sql "SELECT count(*), count(DISTINCT id) FROM t_$1"; }
make_tables() {
	sql 'CREATE TABLE t_append (id text);
	    CREATE TABLE t_upsert (id text PRIMARY KEY)'
}
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

# A tap in shell that writes a STATE after each third record, or fails.
cat >tap <<'END'
#!/bin/sh
from=0
for file; do :; done
[ "${file#/dev/fd/}" = "$file" ] || from=$(jq .i "$file")
i=$from
while [ "$i" -lt 60 ]; do
	i=$((i + 1))
	echo "{\"type\":\"RECORD\",\"stream\":\"items\",\"record\":{\"id\":$i}}"
	[ "$i:${fails:-0}" != 30:32 ] || sleep 1.1     # so that a mark is due
	[ $((i % 3)) -ne 0 ] || {
		echo "{\"type\":\"STATE\",\"value\":{\"i\":$i,\"é\":\"\\u0000\"}}"
		sleep "0.0${pause:-0}"
	}
	[ "$i" -ne "${fails:-0}" ] || exit 3
done
END
chmod +x tap
for kind in sqlite postgresql; do
	db_new $kind
	make_tables
	for mode in append upsert; do
		fails=32
		export fails
		isnt "$kind, $mode: a tap that fails makes the run fail" 0 \
		    "$(status load $mode ./tap)"
		unset fails
		is "$kind, $mode: what came before its last STATE is loaded" \
		    '30|30' "$(counted $mode)"
		is "$kind, $mode: and this STATE is stored, byte by byte" \
		    '{"i":30,"é":"\u0000"}' "$(etl-checkpoint get --db "$db" $mode)"
		etl-checkpoint set --db "$db" $mode '{ "i" : 33 }'
		is "$kind, $mode: a run begins at the STATE that etl-checkpoint sets" 0 \
		    "$(status load $mode ./tap)"
		is "$kind, $mode: so it reads what comes after it" '57|57' \
		    "$(counted $mode)"
		etl-checkpoint clear --db "$db" $mode
		sql "DELETE FROM t_$mode"
		pause=8
		export pause
		for victim in etl-extract etl-load tap etl-extract tap etl-load; do
			load $mode ./tap >kill.out 2>&1 &
			pid=$!
			sleep "0.$(printf %03d "$(random 700)")"
			for p in $(ps -eo pid=,args= | awk -v t="$scratch" -v v="$victim" '
			    index($0, "t_'$mode'") && v == "etl-load" && / etl-load / ||
			    index($0, "--singer ./tap") && v == "etl-extract" ||
			    /sh .\/tap/ && v == "tap" && !/--singer/ { print $1 }'); do
				[ "$(readlink "/proc/$p/cwd")" != "$scratch" ] ||
				    kill -KILL "$p"
			done 2>/dev/null
			wait $pid || :
		done
		unset pause
		is "$kind, $mode: a run after kills" 0 "$(status load $mode ./tap)"
		is "$kind, $mode: each record once" '60|60' "$(counted $mode)"
	done
done
done_testing
