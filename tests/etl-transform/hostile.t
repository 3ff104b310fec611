#!/bin/sh
# A worker process that its filter has taken over: it writes random values to all
# memory and all pipes that it has, and never ends.  It costs its own records and
# nothing else: the parent ends, and accounts for each record.
# shellcheck disable=SC2016,SC2154 # jq's variables; $etl_build
. tests/support/lib.sh
cd "$scratch"

# attacked HOW SEED [OPTION...]: becomes etl-transform with such a worker.
attacked() {
	how=$1 number=$2
	shift 2
	exec env HOSTILE="$how" SEED="$number" VICTIM="$victim" \
	    LD_PRELOAD="$etl_build/tests/hostile_worker.so" \
	    ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" \
	    etl-transform --max-record 64KiB --max-rejects 100% "$@"
}
# run HOW SEED [OPTION...]: prints its exit status, or 124 after a minute.
run() {
	rc=0
	(attacked "$@") <in >out 2>err &
	wait_at_most 60
	echo $rc
}
# wait_at_most SECONDS: sets rc to the exit status of the last command.
wait_at_most() {
	pid=$!
	if wait_until "$1" has_ended $pid; then
		{ wait $pid || rc=$?; } 2>/dev/null
	else
		kill -9 $pid
		rc=124
	fi
}
has_ended() {
	! grep -q '^State:.[^Z]' "/proc/$1/status" 2>/dev/null
}
sleep 1000 &
victim=$!
at_exit "kill $victim 2>/dev/null"
lives() {
	kill -0 $victim 2>/dev/null
}
endless='if .a == 2000 then def f: f; f else . end'
seq 1 4000 | sed 's/.*/{"a":&}/' | etl-extract --stream s - >in

# Exit code 75: the worker has damaged itself so often that it did nothing.
seed=${HOSTILE_SEED:-1}
for how in memory pipes 'memory pipes'; do
	for _ in $(seq "${HOSTILE_ROUNDS:-3}"); do
		seed=$((seed + 1))
		: >rejects
		rc=$(run "$how" $seed --time-limit 300ms --rejects rejects \
		    '{a, b: ([range(2000)] | add)}')
		counts=$(tail -n 1 out | jq -r 'select(.["@etl"] == "end") |
		    .stages[] | select(.stage == "transform") |
		    "\(.in) \(.rejected)"' 2>&1)
		case $rc in
		0) is "$how, seed $seed: each record is accounted for" \
		    "4000 $(wc -l <rejects)" "$counts" ;;
		*) is "$how, seed $seed: the exit code is 0 or 75" 75 "$rc: $(
		    cat err)" ;;
		esac
	done
	ok "$how: no other process was killed" lives
done
is 'a process id in shared memory: exit code 0' 0 "$(run pid 1 \
    --time-limit 300ms --rejects rejects "$endless")"
ok 'a process id in shared memory: no other process is killed' lives
is 'pid: the record at which the worker ran away is the last reject' \
    'timeout 2000' "$(tail -n 1 rejects | jq -r '"\(.code) \(.raw | fromjson.a)"')"

# until_term NAME HOW FILTER [OPTION...]: TERM ends the parent, before the ten
# seconds after which it kills a worker that does not exit.
until_term() {
	label=$1 how=$2 filter=$3
	shift 3
	(attacked "$how" 1 "$@" --rejects rejects "$filter") <in >out 2>err &
	ok "$label: records come out" wait_until 30 grep -q '"a":1000}' out
	kill -TERM $!
	rc=0
	wait_at_most 9
	is "$label: TERM ends etl-transform at once" 143 $rc
}
until_term 'a filter without an end, and more records than fit' none "$endless" \
    --time-limit 0
until_term 'a worker that writes to its pipes' pipes "$endless" --time-limit 0
like 'the message names the signal' 'stopped by signal TERM' "$(cat err)"
until_term 'a worker that does not exit' stay .
is 'a worker that does not exit is killed at the end' 0 "$(run stay 1 .)"
grep -v '"@etl"' in >wanted
grep -v '"@etl"' out >got
ok 'all records of a worker that does not exit come out' cmp wanted got
done_testing
