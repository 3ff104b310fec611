# shellcheck shell=sh disable=SC2154
# Collects filters, records and what is wanted of them; check_cases runs them all.

# case_add OPTIONS FILTER RECORD WANTED LABEL: with OPTIONS, libjq gives WANTED for
# FILTER on RECORD, and so does the other engine.  WANTED is the output, or the code
# of the reject, or "CODE: MESSAGE [POINTER]".
case_add() {
	printf '%s\001%s\001%s\001%s\001%s\n' "$@" >>"$scratch/cases"
}
check_cases() {
	rc=0
	SCRATCH=$scratch /usr/bin/python3 tests/etl-transform/cases.py \
	    "$scratch/cases" >"$scratch/results" || rc=$?
	check 'all filters ran' $rc
	while IFS=$(printf '\001') read -r label wanted got; do
		is "$label" "$wanted" "$got"
	done <"$scratch/results"
}
