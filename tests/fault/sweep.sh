#!/bin/sh
# sweep.sh [-l] [-e K] [-p K] [-o N] [-s I/N] [-r TIMES [-c]] [PATTERN...]
# Kills a program of a pipeline before each of its system calls, runs the
# pipeline again, and compares what is stored with what an undisturbed run
# stores.  A point is one such kill, written KIND/PIPELINE/STAGE/CALL.COUNT.
# PATTERN (default: all) selects points by the first parts or by all four, for
# example sqlite-wal/append or '*/append/load'.
#	-l	only count the points
#	-e K	take every K-th call only; of the start-up every 10 K-th, with
#		sanitizers every 4 K-th
#	-p K	take every K-th pipeline only
#	-o N	with -e and -p: begin at the N-th call and pipeline
#	-s I/N	take the I-th of N shares of the points
#	-r T	kill each whole pipeline at T random moments instead, twice in a
#		row; SEED=n repeats a run; a point is whole/MICROSECONDS
#	-c	with -r: kill a session of the PostgreSQL server instead of the
#		pipeline, or restart the server with -m immediate: use a server
#		that nothing else needs
# Prints TAP with one check for each stage.  Failed points go to stderr.
. tests/support/lib.sh
. tests/fault/sweep-db.sh
. tests/fault/sweep-table.sh

kinds='sqlite sqlite-wal postgresql'
reap=$etl_build/tests/reap
work=$scratch/work
every=1 every_pipeline=1 offset=0 share=1 shares=1 list=no times=0
victim=whole
points=0 failures=0 failures_before=0 begun=$(date +%s)
export PGSSLMODE=disable PGGSSENCMODE=disable
seed=$(random_seed)

usage() {
	sed -n '2s/^# /usage: /p' "$0" >&2
	exit 64
}
while getopts le:p:o:s:r:c option; do
	case $option in
	l) list=yes ;;
	e) every=$OPTARG ;;
	p) every_pipeline=$OPTARG ;;
	o) offset=$OPTARG ;;
	s) share=${OPTARG%/*} shares=${OPTARG#*/} ;;
	r) times=$OPTARG ;;
	c) victim=server ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
case $every:$etl_build in
1:*) ;;
*/san) every=$((every * 4)) ;;
esac
[ $# -gt 0 ] || set -- '*'

# selected ID: a pattern matches ID or a point within ID.
patterns=$*
selected() {
	id=$1
	set -f
	# shellcheck disable=SC2086
	set -- $patterns
	set +f
	for pattern; do
		# shellcheck disable=SC2254
		case $id in
		$pattern | $pattern/* | ${pattern%/*[0-9]}) return ;;
		esac
	done
	return 1
}

# run [OPTIONS OF REAP]: runs the pipeline and waits for all its processes.
run() {
	status=0
	(cd "$work" && TMPDIR=$scratch/tmp exec "$reap" "$@" 60 \
	    sh "$scratch/script") >"$scratch/run.out" 2>&1 </dev/null \
	    8>&- 9>&- || status=$?
}

# attach STAGE OPTION...: lets strace with OPTIONs run the program of STAGE.
attach() {
	unset at_extract at_transform at_load at_via at_run at_save at_put \
	    at_replay at_each at_load2
	[ $# -gt 0 ] || return 0
	name=$1
	shift
	export "at_$name=strace -o $scratch/trace $*"
}

# Collects in $states the states that a kill may leave: the state after the stream
# was cut at each boundary mark, or at each line, as $cut says.
find_states() {
	db_reset
	states="<$(db_state | sed '/^run|/d')>"
	case $cut in
	boundary) last='/"@etl":"(checkpoint|resolve|end)"/' ;;
	line) last=1 ;;
	*) return 0 ;;
	esac
	named=${pipeline:+export ETL_PIPELINE=$pipeline;}
	echo "$source | awk '$last'" >"$scratch/script"
	run
	n=$(wc -l <"$scratch/run.out")
	while [ "$n" -gt 0 ]; do
		db_reset
		echo "$named $source | awk '{ print } $last && ++n == $n { exit }' |
		    $rest" >"$scratch/script"
		run
		states="$states
<$(db_state | sed '/^run|/d')>"
		n=$((n - 1))
	done
}

# False if the loader of a pipeline has stored no row: then its input is wrong.
has_rows() {
	case $rest$script in
	*etl-load* | */examples/*) ;;
	*) return 0 ;;
	esac
	echo "$wanted" | grep -Ev '^(letter|run|checkpoint|load)\|' |
	    grep -q '|'
}

prepare() {
	pipeline "$1"
	attach
	db_make
	[ -z "$before" ] || (cd "$work" && sh -c "$before")
	db_keep
	find_states
	echo "${script:-${source:+$source | }$rest}" >"$scratch/script"
	db_reset
	length=$(date +%s%N)
	run
	length=$((($(date +%s%N) - length) / 1000))
	[ $again -eq 1 ] || run
	wanted=$(db_state)
	wanted_files=$(files)
	states="$states
<$(db_state | sed '/^run|/d')>"
	run
	if [ $status -ne 0 ] || ! db_reads || ! has_rows ||
	    [ "$(db_state)" != "$wanted" ]; then
		id=$kind/$p
		fail "undisturbed run: exit status $status, no rows, or two runs differ"
		check "$id: two undisturbed runs succeed and store the same" 1
		done_testing
		exit 1
	fi
}

# fail WHAT [DETAILS]: counts a failure; shows DETAILS for the first of a stage.
fail() {
	failures=$((failures + 1))
	diag "FAILED $id: $1" "again: sh tests/fault/sweep.sh '$id'"
	[ $((failures - failures_before)) -le 3 ] || return 0
	diag "$(printf '%s\n' "${2-$(cat "$scratch/run.out")}" |
	    cut -c -160)"
}

# Lists the files.  The WAL and its index are left out: if two programs close a
# database at the same time, it may happen that neither removes the WAL.
files() {
	find "$work" ! -name '*-wal' ! -name '*-shm' ! -path "$work/out/*" |
	    sort
}

# Runs the pipeline undisturbed; then the state must equal that without a kill.
compare() {
	attach
	[ $again -eq 1 ] || run
	run
	[ $status -eq 0 ] || fail "the next run: status $status"
	db_idle || fail 'a session is left'
	[ "$wanted_files" = "$(files)" ] || fail 'left over:' "$(files)"
	set -- "$scratch"/tmp/*
	if [ -e "$1" ]; then
		fail 'temporary files:' "$*"
		rm -f "$@"
	fi
	state=$(db_state)
	[ "$state" = "$wanted" ] && return
	echo "$wanted" >"$scratch/wanted"
	echo "$state" >"$scratch/state"
	fail 'state (< wanted, > got):' \
	    "$(diff "$scratch/wanted" "$scratch/state")"
}

# Checks that the kill left a state that whole batches leave.
check_for_torn_state() {
	[ "$cut" != any ] || return 0
	state=$(db_state | sed '/^run|/d')
	case $states in
	*"<$state>"*) ;;
	*) fail 'torn:' "$state" ;;
	esac
}

# point STAGE CALL: kills at this point and compares.  If STAGE never makes this
# call, the point does not count.
point() {
	db_reset
	case $1 in
	whole)
		attach
		run -k "$2"
		check_for_torn_state
		run -k $(($2 * 7 % 60000))
		;;
	server)
		attach
		run &
		sleep "$(printf '%d.%06d' $(($2 / 1000000)) $(($2 % 1000000)))"
		db_crash "$2"
		wait $!
		db_recover
		;;
	*)
		attach "$1" -e "trace=${2%.*}" \
		    -e "inject=${2%.*}:signal=KILL:when=${2#*.}"
		run
		case $(tail -n 1 "$scratch/trace") in
		*killed*) ;;
		*) return 0 ;;
		esac
		;;
	esac
	points=$((points + 1))
	check_for_torn_state
	compare
}

# moments: prints $times random moments, in microseconds, of 1.1 run lengths.
moments() {
	awk -v n="$times" -v seed=$((seed + checks)) -v length_="$length" 'BEGIN {
		srand(seed)
		while (n-- > 0)
			printf "%d\n", rand() * length_ * 1.1
	}'
}

# calls_to_kill_at STAGE: prints those calls of STAGE that -e and -o select, at
# least one, each as NAME.COUNT, as strace counts them.
calls_to_kill_at() {
	attach "$1" -e 'trace=!%memory,futex'
	db_reset
	run
	awk -v k="$every" -v o="$offset" '
	/^(\+\+\+|---)/ { next }
	{ sub(/\(.*/, ""); call[++n] = $0 "." ++count[$0] }
	$0 == "rseq" { start = n }
	END {
		for (i = 1; i <= n; i++)
			if ((i + o) % (i > start || k == 1 ? k : 10 * k) == 0)
				print call[done = i]
		if (!done)
			print call[n - o % (n - start)]
	}' "$scratch/trace"
}

# kill_points STAGE: prints the calls, or the moments, at which to kill.
kill_points() {
	case $1:$times in
	whole:0 | server:0)
		for pattern in $patterns; do
			echo "${pattern##*/}"
		done
		;;
	whole:* | server:*) moments ;;
	*) calls_to_kill_at "$1" ;;
	esac
}

sweep() {
	points_before=$points failures_before=$failures
	n=0
	for call in $(kill_points "$1"); do
		selected "$kind/$p/$1/$call" || continue
		n=$((n + 1))
		if [ $list = yes ]; then
			points=$((points + 1))
		elif [ $((n % shares)) -eq $((share % shares)) ]; then
			point "$1" "$call"
		fi
	done
	[ "$1" != server ] || db_verify || fail 'pg_amcheck:'
	check "$kind/$p/$1: $((points - points_before)) points, $((failures -
	    failures_before)) failures" $((n == 0 || failures > failures_before))
}

mkdir "$scratch/tmp"
inputs
[ $victim = whole ] || kinds=postgresql
for kind in $kinds; do
	number=0
	for p in $pipelines; do
		number=$((number + 1))
		[ $(((number + offset) % every_pipeline)) -eq 0 ] || continue
		pipeline "$p"
		prepared=no
		case $times:$patterns in
		[1-9]*:*) stages=$victim ;;
		*:*/whole/*) stages=whole ;;
		*:*/server/*) stages=server ;;
		esac
		for stage in $stages; do
			selected "$kind/$p/$stage" || continue
			[ $prepared = yes ] || prepare "$p"
			prepared=yes
			sweep "$stage"
		done
	done
done
case $times in
0) echo "# every call of $every, from $offset; share $share/$shares" ;;
*) echo "# SEED=$seed" ;;
esac
echo "# $points points, $failures failures, $(($(date +%s) - begun)) s"
done_testing
