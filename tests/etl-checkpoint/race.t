#!/bin/sh
# set and clear while a loader is running: the value that was set stays, and the
# loader exits with 75 and loads nothing beyond its last checkpoint.
. tests/support/lib.sh
cd "$scratch"

# The stream has two records and a checkpoint mark for each value.
awk 'function counts(out) {
	return "\"stages\":[{\"stage\":\"extract\",\"in\":0,\"out\":" out \
	    ",\"dropped\":0,\"rejected\":0}]}"
}
BEGIN {
	print "{\"@etl\":\"begin\",\"v\":1,\"id\":\"b1\"," \
	    "\"checkpoint\":\"posts\",\"stages\":[\"extract\"]}"
	for (i = 1; i <= 3; i++)
		print "{\"id\":" 2 * i - 1 "}\n{\"id\":" 2 * i "}\n{\"@etl\":" \
		    "\"checkpoint\",\"name\":\"posts\",\"seq\":" i \
		    ",\"from\":null,\"version\":0,\"value\":\"" i "\"," \
		    counts(2 * i)
	print "{\"@etl\":\"end\",\"seq\":3," counts(6)
}' >stream
rows() {
	sql 'SELECT count(*) FROM t'
}
checkpoint_is() {
	[ "$(etl-checkpoint get --db "$db" posts)" = "$1" ]
}
for kind in sqlite postgresql; do
	for what in 'set posts mine' 'set posts 1' 'clear posts'; do
		db_new $kind
		sql 'CREATE TABLE t (id int PRIMARY KEY)'
		rm -f in
		mkfifo in
		etl-load --db "$db" --table t --flush 10ms <in >out 2>err &
		pid=$!
		exec 5>in
		head -n 4 stream >&5
		ok "$kind: $what: the loader saves a checkpoint" \
		    wait_until 10 checkpoint_is 1
		# shellcheck disable=SC2086
		is "$kind: $what exits with 0" 0 \
		    "$(status etl-checkpoint $what --db "$db")"
		sed 1,4d stream >&5
		exec 5>&-
		rc=0; { wait $pid || rc=$?; } 2>/dev/null
		is "$kind: $what: the loader exits with 75" '75 2' "$rc $(rows)"
		is "$kind: $what: its result stays" "2 $(case $what in
		    *mine) echo '"mine"' ;; *1) echo '"1"' ;; *) echo null
		    esac)" "$(etl-checkpoint list --json --db "$db" |
		    jq -c '.version, .value' | tr '\n' ' ' | sed 's/ $//')"
	done
done
done_testing
