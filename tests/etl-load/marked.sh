# shellcheck shell=sh disable=SC2154
# Functions that write a marked stream to $scratch/in: first stream or
# checkpoint_stream, then rec, reject, checkpoint_mark and resolve in any order,
# then end. They keep the counts and seq up to date.

# stream ID [MEMBERS]: the mark begin; MEMBERS are such as '"replay":true,'.
stream() {
	out=0 rejected=0 seq=0 from=null version=0 name=posts
	printf '{"@etl":"begin","v":1,"id":"%s",%s"stages":["extract"]}\n' \
	    "$1" "${2:-}" >"$scratch/in"
}
# checkpoint_stream ID: the mark begin of a stream with checkpoints.
checkpoint_stream() {
	stream "$1" '"checkpoint":"posts",'
}
put() {
	printf '%s\n' "$@" >>"$scratch/in"
}
# rec RECORD...: adds the records, counted as written by the stage extract.
rec() {
	put "$@"
	out=$((out + $#))
}
# reject ID N: a reject of the stage extract, the Nth occurrence of letter ID.
reject() {
	put "{\"@etl\":\"reject\",\"v\":1,\"id\":\"$1\",\"occurrence\":\"run/extract.$1/$2\",\"stage\":\"extract\",\"code\":\"parse\",\"message\":\"no\",\"raw\":\"zz\",\"at\":\"2026-05-30T12:00:00Z\"}"
	rejected=$((rejected + 1))
}
stages() {
	printf '"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":%d%s}]' \
	    "$out" "$rejected" "${aside:-}"
}
# checkpoint_mark VALUE: the mark checkpoint. A test may set $name, $from and
# $version before.
checkpoint_mark() {
	seq=$((seq + 1))
	put "{\"@etl\":\"checkpoint\",\"name\":\"$name\",\"seq\":$seq,\"from\":$from,\"version\":$version,\"value\":\"$1\",$(stages)}"
}
# resolve ID SEEN UPTO: the mark resolve of letter ID.
resolve() {
	seq=$((seq + 1))
	put "{\"@etl\":\"resolve\",\"id\":\"$1\",\"seq\":$seq,\"seen\":$2,\"upto\":$3,$(stages)}"
}
# end: the mark end. $last has further members.
end() {
	[ "$seq" -eq 0 ] || last="\"seq\":$seq,"
	put "{\"@etl\":\"end\",${last:-}$(stages)}"
	last=
}
# load OPTION...: loads $scratch/in, into table t if there is no --table.
# Prints the exit status.
load() {
	case " $* " in
	*" --table "* | *" --tables "*) ;;
	*) set -- --table t "$@" ;;
	esac
	status etl-load -v --db "$db" --marked --backoff 1ms..5ms "$@" <"$scratch/in"
}
# reads_next PID: whether the loader PID has dealt with all that was written to the
# pipe on descriptor 8, and waits for more: the pipe is empty, the loader sleeps,
# and so does its session, if it has one, for a while.
reads_next() {
	python3 -c 'if 1:
	    import fcntl, struct, sys, termios
	    left = fcntl.ioctl(8, termios.FIONREAD, b"0000")
	    stat = open("/proc/%s/stat" % sys.argv[1]).read()
	    sys.exit(struct.unpack("i", left) != (0,) or ") S " not in stat)' \
	    "$1" || return 1
	case $db in
	postgresql:*) [ "$(sql "SELECT count(*) FROM pg_stat_activity
	    WHERE $sessions_here AND pid <> pg_backend_pid()
	    AND (state = 'active' OR state_change > clock_timestamp()
		- interval '0.1 seconds')")" = 0 ] ;;
	esac
}
# bool_to_int COLUMN: SQL that is 0 or 1 on both databases.
bool_to_int() {
	case $db in
	sqlite:*) echo "$1" ;;
	*) echo "$1::int" ;;
	esac
}
# ledger ID: prints batch|seq|version|ended of stream ID.
ledger() {
	sql "SELECT batch, seq, version, $(bool_to_int ended) FROM etl_loads
	    WHERE stream_id = '$1'"
}
# checkpoint: prints value|version of the stored checkpoint.
checkpoint() {
	sql "SELECT value, version FROM etl_checkpoints WHERE name = 'posts'"
}
letters() {
	sql 'SELECT reject_id, attempts, resolved_upto, status
	    FROM dead_letters ORDER BY reject_id'
}
