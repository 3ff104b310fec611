# shellcheck shell=sh
# points io|memory SHARE [CASE...]: one check for each CASE (default: all).
# To run one fault and see all its output, from the top folder:
#	ETL_BIN=bin ETL_BUILD=build sh tests/support/with-pg.sh build/pg.log \
#	    sh tests/fault/point.sh io CASE CALL:N:HOW
# shellcheck disable=SC2154 # of lib.sh
points_start() {
	api_start --posts 12 --items 12 --max-time 36000
	SCRATCH=$scratch SHIM=$etl_build/tests/shim.so API=$api
	# LD_PRELOAD loads the shim before the sanitizers' runtime.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
	export ASAN_OPTIONS SCRATCH SHIM API
}

points() {
	what=$1 wrong=''
	/usr/bin/python3 tests/fault/points.py "$@" >"$scratch/points" 2>&1 || :
	while IFS= read -r line; do
		case $line in
		'case '*', 0 failed') check "$what, ${line#case }" 0 ;;
		'case '*)
			check "$what, ${line#case }" 1
			diag "$wrong"
			wrong=''
			;;
		*) wrong="$wrong$line
" ;;
		esac
	done <"$scratch/points"
	is "$what: all cases were tried" 'all cases were tried' \
	    "$(tail -n 1 "$scratch/points")"
}
