# shellcheck shell=sh disable=SC2154 # of lib.sh
# For the tests of --jobs: $scratch/out.N has the records of a run with N jobs,
# $scratch/said.N its exit code, messages and rejects.

# alike LABEL: checks that the runs with 2 and 8 jobs gave what one job gave.
alike() {
	for n in 2 8; do
		ok "$1: the records of $n jobs are those of one" \
		    cmp "$scratch/out.1" "$scratch/out.$n"
		is "$1: code, messages and rejects of $n jobs are those of one" \
		    "$(cat "$scratch/said.1")" "$(cat "$scratch/said.$n")"
	done
}

# duration: prints the ms between the first and the last request of the API.
duration() {
	sort -n "$api_log_file" | awk 'NR == 1 { from = $1 }
	    END { print $1 - from }'
}
