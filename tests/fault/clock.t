#!/bin/sh
# The wall clock is set back, set forward and moved over a change of daylight
# saving time, between runs and during a run.  The rows, letters and checkpoints
# are the same as without the change, no id is used twice, no duration is
# negative, and time-outs and delays still work.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"
unset TZ
# LD_PRELOAD loads the library of faketime before the sanitizers' runtime.
ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
export ASAN_OPTIONS
fake=$(faketime -f +0 sh -c 'echo "$LD_PRELOAD"')
api_start --items 12
# at OFFSET COMMAND...: runs COMMAND with its clock off by OFFSET; if OFFSET is
# "file", with the time that stands in the file "clock".
at() {
	offset=$1
	shift
	case $offset in
	file) set -- "FAKETIME_TIMESTAMP_FILE=$scratch/clock" timeout 60 "$@" ;;
	*) set -- "FAKETIME=$offset" timeout 20 "$@" ;;
	esac
	env LD_PRELOAD="$fake" FAKETIME_NO_CACHE=1 \
	    FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"
}
grow() {
	curl -s "$api/control/items/$1" >/dev/null
}
cat >flow.sh <<'END'
etl-extract --checkpoint c --cursor-field /seq --since-param since --ordered \
    --query-param by=seq --paginate page --into query:page --size limit=5 \
    --total /total "$API_BASE_URL/items?strict=1" |
etl-transform --std 'if .id % 5 == 0 then error("no") else . end' |
etl-load --table t
END
API_BASE_URL=$api
export API_BASE_URL
raw() {
	case $kind in
	sqlite) echo 'CAST(raw AS TEXT)' ;;
	*) echo "convert_from(raw, 'UTF8')" ;;
	esac
}
state() {
	sql "SELECT id FROM t ORDER BY id"
	sql "SELECT $(raw), attempts FROM dead_letters ORDER BY 1"
	sql 'SELECT value, version FROM etl_checkpoints'
}
fresh() {
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sql 'CREATE TABLE t (id bigint, seq bigint, ts text, value numeric,
	    code text)'
}
has() {
	[ "$(sql 'SELECT count(*) FROM k')" = "$1" ]
}
run() {
	at "$1" etl-run --name c flow.sh 2>>err
}
for kind in sqlite postgresql; do
	fresh
	for n in 12 25 40; do
		grow $n
		run +0
	done
	wanted=$(state)
	fresh
	for step in 12:+0 25:-10d 40:+3650d 40:-3650d; do
		grow "${step%:*}"
		ok "$kind: a run at ${step#*:} succeeds" run "${step#*:}"
	done
	is "$kind: rows, letters and checkpoint are as with a steady clock" \
	    "$wanted" "$(state)"
	is "$kind: each of four runs has its own id and succeeded" \
	    '4|4|4' "$(sql "SELECT count(*),
	    count(DISTINCT run), sum(CASE WHEN status = 'success' THEN 1
	    ELSE 0 END) FROM pipeline_runs")"
	is "$kind: each of nine rejections has its own occurrence id" \
	    '9|9' "$(sql 'SELECT
	    count(*), count(DISTINCT occurrence) FROM dead_letter_attempts')"

	# The clock moves while one run is active: over the nights that begin and
	# end summer time, back by months and forward by a year.  A time without
	# "@" is a clock that stands still.
	fresh
	sql 'CREATE TABLE k (id bigint PRIMARY KEY)'
	echo '@2026-03-29 01:59:58' >clock
	mkfifo slow
	TZ=Europe/Berlin at file etl-run --name c --timeout 40m -c \
	    'etl-transform --plain . <slow |
	    etl-load --table k --key id --flush 400ms' 2>err &
	pid=$!
	exec 8>slow
	at_row=0
	for now in '@2026-03-29 03:00:01' '@2026-10-25 01:59:59' \
	    '@2026-10-25 03:00:00' '@2026-03-19 00:00:00' \
	    '@2027-03-19 00:00:00' '@1999-12-31 23:59:59' \
	    '1999-12-31 23:59:59' '1999-12-31 23:59:59' \
	    '@2026-07-01 12:00:00'; do
		at_row=$((at_row + 1))
		(trap '' PIPE; printf '{"id":%d}\n' $at_row \
		    $((at_row + 100)) >&8) 2>/dev/null || :
		# The loader waits for its --flush time, which passes under the
		# next clock.
		sleep 0.2
		echo "$now" >clock.new
		mv clock.new clock
		ok "$kind: at $now the loader stores the batch" \
		    wait_until 30 has \
		    $((2 * at_row))
	done
	exec 8>&-
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	rm slow
	is "$kind: a run succeeds while its clock jumps" 0 $rc
	is "$kind: a run whose clock jumps loads each row once" \
	    18 "$(sql 'SELECT count(*) FROM k')"
	unlike "$kind: no message of a run whose clock jumps shows a negative time" \
	    '(^| )-[0-9]' "$(cat err)"
done

# Time-outs use the monotonic clock, so they work while the wall clock stands.
stands='2026-07-01 12:00:00'
for time in first second; do
	ok "the $time of two runs that start at the same time succeeds" \
	    at "$stands" etl-run --name s -c :
done
rc=0
at "$stands" etl-run --name s --timeout 300ms -c 'exec sleep 15' 2>err || rc=$?
is '--timeout ends a run with 75 while the wall clock stands still' 75 $rc
# No process reads the pipe, so the write blocks.  After a signal the program
seq 200000 | sed 's/.*/{"id":&}/' >in.ndjson
# gives a blocked write one more second.
mkfifo full
exec 8<>full
env LD_PRELOAD="$fake" FAKETIME="$stands" FAKETIME_NO_CACHE=1 \
    FAKETIME_DONT_FAKE_MONOTONIC=1 etl-extract in.ndjson >&8 2>err 8>&- &
pid=$!
sleep 0.5
kill $pid
ok 'SIGTERM ends a blocked write while the wall clock stands still' \
    timeout 30 tail --pid=$pid -f /dev/null
kill -9 $pid 2>/dev/null || :
{ wait $pid || :; } 2>/dev/null
exec 8>&-
echo '{"id":1}' | TZ=Europe/Berlin at "$stands" etl-transform 'error("no")' \
    >out 2>err 3>rejects
is 'the time in a reject is in UTC, whatever TZ is' \
    '2026-07-01T10:00:00.000000Z' "$(jq -r .at rejects)"
done_testing
