#!/bin/sh
# torture-calls.sh [NAME...]: runs the long versions (default: all) of the tests
# of which make check runs a share, one after the other, and prints the last lines
# of each.  make torture runs it with a PostgreSQL server.  The output of each is
# kept in BUILD/torture.
. tests/support/lib.sh
logs=$etl_build/torture
mkdir -p "$logs"

# run_long NAME COMMAND...: a check that COMMAND succeeds, with its time.
run_long() {
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

run_long io sh tests/fault/point.sh io 1
run_long memory sh tests/fault/point.sh memory 1
run_long commits env ROUNDS=50 sh tests/fault/commits.t
run_long batches env ROUNDS=10000 sh tests/etl-load/differential.t
run_long changes env ROUNDS=1000 sh tests/etl-load/cdc_random.t
run_long eight env ROUNDS=100 sh tests/etl-run/eight.t
run_long engines python3 tests/etl-transform/engines.py \
    "$(command -v etl-transform)" 1000 100
run_long power env CUTS=5000 sh tests/fault/power.t
run_long lock-time sh tests/fault/lock-time.sh
run_long real-tap sh tests/etl-extract/real_tap.sh
run_long real-s3 sh tests/etl-extract/real_s3.sh
run_long mutants sh tests/fault/mutants-rows.sh
run_long mutants-extract sh tests/fault/mutants-extract.sh
run_long mutants-more sh tests/fault/mutants-more.sh
run_long mutants-mirror sh tests/fault/mutants-mirror.sh
run_long mutants-undo sh tests/fault/mutants-undo.sh
run_long mutants-tables sh tests/fault/mutants-tables.sh
run_long mutants-changes sh tests/fault/mutants-changes.sh
run_long mutants-connections sh tests/fault/mutants-connections.sh
done_testing
