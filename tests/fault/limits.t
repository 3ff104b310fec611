#!/bin/sh
# Limits of file descriptors, processes and memory: each program reports that the
# limit was reached, none crashes, and the database stays sound.
. tests/support/lib.sh
# The leak checker needs a file descriptor and a process of its own.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
printf '{"id":1,"v":"x"}\n' >"$scratch/in.ndjson"
chmod 755 "$scratch"
api_start --posts 3

# root is not held by all limits, so root runs the programs as another user.
bin=$(dirname "$(command -v etl-load)")
if [ "$(id -u)" -eq 0 ]; then
	mkdir -m 777 "$scratch/free"
	cp -R "$bin" "$scratch/bin"
	bin=$scratch/bin
	as='setpriv --reuid 12345 --regid 12345 --clear-groups'
	XDG_STATE_HOME=$scratch/free/state
else
	mkdir "$scratch/free"
	as=
fi
db=sqlite:$scratch/free/t.db
# shellcheck disable=SC2086
$as sqlite3 "${db#sqlite:}" 'CREATE TABLE t (id integer, v text)'

# with_limit LIMIT N PROGRAM...: runs it as that user; prints its exit status.
with_limit() {
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
# exits_with_message NAME CODES STATUS: STATUS is one of CODES, and unless it is
# 0 there is a message.
exits_with_message() {
	case " $2 " in
	*" $3 "*) check "$1: the exit status is one of $2 ($3)" 0 ;;
	*) is "$1: the exit status is one of $2" "$2" "$3: $(head -n 3 "$scratch/err")" ;;
	esac
	# 127: the dynamic linker failed before main() was called.
	[ "$3" -eq 0 ] || [ "$3" -eq 127 ] || like "$1: a message of the program says what is wrong" '^etl-[a-z]+: .' \
	    "$(cat "$scratch/err")"
}
try_each_program() {
	exits_with_message "etl-extract, $3" \
	    "$4" "$(with_limit "$1" "$2" etl-extract \
	    "$scratch/in.ndjson")"
	exits_with_message "etl-extract, HTTP, $3" \
	    "$4" "$(with_limit "$1" "$2" etl-extract \
	    --retries 0 "$api/posts")"
	exits_with_message "etl-transform, $3" \
	    "$4" "$(with_limit "$1" "$2" etl-transform .)"
	exits_with_message "etl-load, $3" \
	    "$4" "$(with_limit "$1" "$2" etl-load --db "$db" \
	    --table t --retries 0)"
	exits_with_message "etl-dlq, $3" \
	    "$4" "$(with_limit "$1" "$2" etl-dlq list --db "$db")"
	exits_with_message "etl-run, $3" \
	    "$4" "$(with_limit "$1" "$2" etl-run --db "$db" -c :)"
	exits_with_message "etl-via, $3" \
	    "$4" "$(with_limit "$1" "$2" etl-via cat)"
	exits_with_message "etl-checkpoint, $3" \
	    "$4" "$(with_limit "$1" "$2" etl-checkpoint \
	    set --db "$db" c 1)"
	exits_with_message "etl-status, $3" \
	    "1 $4" "$(with_limit "$1" "$2" etl-status --db "$db" \
	    --run 1)"
}
is 'etl-load succeeds with 100 file descriptors' \
    0 "$(with_limit --nofile 100 etl-load --db "$db" --table t)"
for n in 4 5 6 7 9 12; do
	try_each_program --nofile $n "limit of $n file descriptors" '0 66 69 73 74 75'
done
# Sanitizers reserve terabytes of addresses, so they cannot run with a limit.
case $etl_build in
*san) sizes='' ;;
*) sizes='18000 20000 21000 22000 23000 24000' ;;
esac
for kib in $sizes; do
	try_each_program --as "${kib}000" "limit of $kib kB of memory" '0 74 75 127'
done
if [ -n "$as" ]; then
	exits_with_message 'etl-transform, no process may be started' \
	    75 "$(with_limit --nproc 0 \
	    etl-transform .)"
	exits_with_message 'etl-run, no process may be started' \
	    '74 75' "$(with_limit --nproc 0 etl-run \
	    --db "$db" -c :)"
	exits_with_message 'etl-via, no process may be started' \
	    '74 75' "$(with_limit --nproc 0 etl-via cat)"
	exits_with_message 'etl-extract, no process may be started' \
	    '74 75' "$(with_limit --nproc 0 \
	    etl-extract --auth bearer --secret cmd:true "$api/posts")"
fi
is 'the database passes its integrity check after these runs' \
    ok "$(sql 'PRAGMA integrity_check')"
done_testing
