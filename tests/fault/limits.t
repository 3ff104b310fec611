#!/bin/sh
# No more descriptors, processes or memory, no folder for temporary files: each
# program says so, none crashes, and nothing is lost.
. tests/support/lib.sh
# Which would need a descriptor and a process of its own.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
printf '{"id":1,"v":"x"}\n' >"$scratch/in.ndjson"
chmod 755 "$scratch"
api_start --posts 3

# As somebody whom the limits hold, and who may not look into root's home.
bin=$(dirname "$(command -v etl-load)")
if [ "$(id -u)" -eq 0 ]; then
	mkdir -m 777 "$scratch/free"
	cp -R "$bin" "$scratch/bin"
	bin=$scratch/bin
	as='setpriv --reuid 12345 --regid 12345 --clear-groups'
else
	mkdir "$scratch/free"
	as=
fi
db=sqlite:$scratch/free/t.db
# shellcheck disable=SC2086
$as sqlite3 "${db#sqlite:}" 'CREATE TABLE t (id integer, v text)'

# with LIMIT N PROGRAM...: its status, run as that user from the free folder.
with() {
	limit_name=$1 limit_to=$2 program=$bin/$3
	shift 3
	rc=0
	# shellcheck disable=SC2086
	(
		cd "$scratch/free"
		exec $as prlimit "$limit_name=$limit_to" "$program" "$@"
	) <"$scratch/in.ndjson" >"$scratch/out" 2>"$scratch/err" || rc=$?
	echo $rc
}
# right NAME CODES STATUS: a code that fits, and a word about it; or success
# with what it is for.
right() {
	case " $2 " in
	*" $3 "*) check "$1: $3" 0 ;;
	*) is "$1" "$2" "$3: $(head -n 3 "$scratch/err")" ;;
	esac
	# 127: the dynamic linker, before it is ours.
	[ "$3" -eq 0 ] || [ "$3" -eq 127 ] || like "$1: says so" '^etl-[a-z]+: .' \
	    "$(cat "$scratch/err")"
}
all() {
	right "etl-extract, $3" "$4" "$(with "$1" "$2" etl-extract \
	    "$scratch/in.ndjson")"
	right "etl-extract, HTTP, $3" "$4" "$(with "$1" "$2" etl-extract \
	    --retries 0 "$api/posts")"
	right "etl-transform, $3" "$4" "$(with "$1" "$2" etl-transform .)"
	right "etl-load, $3" "$4" "$(with "$1" "$2" etl-load --db "$db" \
	    --table t --retries 0)"
	right "etl-dlq, $3" "$4" "$(with "$1" "$2" etl-dlq list --db "$db")"
	right "etl-run, $3" "$4" "$(with "$1" "$2" etl-run --db "$db" -c :)"
	right "etl-via, $3" "$4" "$(with "$1" "$2" etl-via cat)"
	right "etl-checkpoint, $3" "$4" "$(with "$1" "$2" etl-checkpoint \
	    set --db "$db" c 1)"
	right "etl-status, $3" "1 $4" "$(with "$1" "$2" etl-status --db "$db" \
	    --run 1)"
}
is 'without a limit' 0 "$(with --nofile 100 etl-load --db "$db" --table t)"
for n in 4 5 6 7 9 12; do
	all --nofile $n "$n descriptors" '0 66 69 73 74 75'
done
# Sanitizers want terabytes.
case $etl_build in
*san) sizes='' ;;
*) sizes='18000 20000 21000 22000 23000 24000' ;;
esac
for kib in $sizes; do
	all --as "${kib}000" "$kib kB of addresses" '0 74 75 127'
done
if [ -n "$as" ]; then
	right 'etl-transform, no more processes' 75 "$(with --nproc 0 \
	    etl-transform .)"
	right 'etl-run, no more processes' '74 75' "$(with --nproc 0 etl-run \
	    --db "$db" -c :)"
	right 'etl-via, no more processes' '74 75' "$(with --nproc 0 etl-via cat)"
	right 'etl-extract, no more processes' '74 75' "$(with --nproc 0 \
	    etl-extract --auth bearer --secret cmd:true "$api/posts")"
fi
is 'the table is whole' ok "$(sql 'PRAGMA integrity_check')"
done_testing
