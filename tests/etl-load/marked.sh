# shellcheck shell=sh disable=SC2154
# Marked streams by hand, into $scratch/in: stream, then rec, bad, mark,
# resolve in any order, then end. Counts and seq are kept.

# stream ID [MEMBERS]: begin, with members such as '"replay":true,'
stream() {
	out=0 rejected=0 seq=0 from=null version=0 name=posts
	printf '{"@etl":"begin","v":1,"id":"%s",%s"stages":["extract"]}\n' \
	    "$1" "${2:-}" >"$scratch/in"
}
# points ID: a stream with checkpoints.
points() {
	stream "$1" '"checkpoint":"posts",'
}
put() {
	printf '%s\n' "$@" >>"$scratch/in"
}
rec() {
	put "$@"
	out=$((out + $#))
}
# bad ID N: a reject of the source, its Nth occurrence.
bad() {
	put "{\"@etl\":\"reject\",\"v\":1,\"id\":\"$1\",\"occurrence\":\"run/extract.$1/$2\",\"stage\":\"extract\",\"code\":\"parse\",\"message\":\"no\",\"raw\":\"zz\",\"at\":\"2026-05-30T12:00:00Z\"}"
	rejected=$((rejected + 1))
}
stages() {
	printf '"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":%d%s}]' \
	    "$out" "$rejected" "${aside:-}"
}
# mark VALUE: a checkpoint; $name, $from and $version may be changed before.
mark() {
	seq=$((seq + 1))
	put "{\"@etl\":\"checkpoint\",\"name\":\"$name\",\"seq\":$seq,\"from\":$from,\"version\":$version,\"value\":\"$1\",$(stages)}"
}
# resolve ID SEEN UPTO
resolve() {
	seq=$((seq + 1))
	put "{\"@etl\":\"resolve\",\"id\":\"$1\",\"seq\":$seq,\"seen\":$2,\"upto\":$3,$(stages)}"
}
end() {
	[ "$seq" -eq 0 ] || last="\"seq\":$seq,"
	put "{\"@etl\":\"end\",${last:-}$(stages)}"
	last=
}
# load OPTION...: of $scratch/in into t, unless another table is named.
load() {
	case " $* " in *" --table "*) ;; *) set -- --table t "$@" ;; esac
	status etl-load -v --db "$db" --backoff 1ms..5ms "$@" <"$scratch/in"
}
# 0 and 1 on both databases.
flag() {
	case $db in
	sqlite:*) echo "$1" ;;
	*) echo "$1::int" ;;
	esac
}
# ledger ID: batch|seq|version|ended
ledger() {
	sql "SELECT batch, seq, version, $(flag ended) FROM etl_loads
	    WHERE stream_id = '$1'"
}
checkpoint() {
	sql "SELECT value, version FROM etl_checkpoints WHERE name = 'posts'"
}
letters() {
	sql 'SELECT reject_id, attempts, resolved_upto, status
	    FROM dead_letters ORDER BY reject_id'
}
