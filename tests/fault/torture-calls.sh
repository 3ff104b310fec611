#!/bin/sh
# torture-calls.sh [NAME...]: the long versions of what make check does a share of,
# one after the other, each with its last lines; make torture runs it with a
# server.  What each says is kept in BUILD/torture.
. tests/support/lib.sh
logs=$etl_build/torture
mkdir -p "$logs"

# long NAME COMMAND...: its success is the check.
long() {
	log=$logs/$1.log
	name=$1
	case " $wanted " in
	'  ' | *" $name "*) ;;
	*) return 0 ;;
	esac
	shift
	rc=0
	began=$(date +%s)
	"$@" >"$log" 2>&1 || rc=$?
	check "$name: $(($(date +%s) - began)) s" $rc
	grep -v '^ok' "$log" | tail -n 20 | sed 's/^/# /'
}
wanted=$*

long io sh tests/fault/point.sh io 1
long memory sh tests/fault/point.sh memory 1
long commits env ROUNDS=50 sh tests/fault/commits.t
long eight env ROUNDS=100 sh tests/etl-run/eight.t
long power env CUTS=5000 sh tests/fault/power.t
long lock-time sh tests/fault/lock-time.sh
long mutants sh tests/fault/mutants-rows.sh
long mutants-extract sh tests/fault/mutants-extract.sh
long mutants-more sh tests/fault/mutants-more.sh
done_testing
