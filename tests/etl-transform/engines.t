#!/bin/sh
# The native engine gives the same bytes as libjq, and says what it lacks.
. tests/support/lib.sh

# explain FILTER OPTION...: what --explain prints.
explain() {
	filter=$1
	shift
	etl-transform --explain "$@" "$filter" 2>&1 </dev/null
}
is 'the native engine runs a filter that it can run' \
    'etl-transform: the native engine runs the filter' "$(explain '{a, b: .c}')"
is 'with --engine jq libjq runs it' \
    'etl-transform: libjq runs the filter: --engine jq' \
    "$(explain . --engine jq)"
is 'libjq runs a filter of which the native engine lacks something' \
    'etl-transform: libjq runs the filter: the native engine lacks test (line 2, column 3)' \
    "$(explain '.a |
  test("x")')"
is 'with --engine native such a filter is an error' \
    'etl-transform: --engine native cannot run this filter: it lacks test (line 1, column 6)' \
    "$(explain '.a | test("x")' --engine native)"
is 'the exit code is that of a configuration error' 78 \
    "$(status etl-transform --engine native 'test("x")' </dev/null 2>&-)"
is 'a wrong filter has the message of libjq' \
    "$(etl-transform --engine jq '.a |' 2>&1 </dev/null)" \
    "$(etl-transform --engine native '.a |' 2>&1 </dev/null)"
is 'an engine of another name is wrong usage' 64 \
    "$(status etl-transform --engine java . </dev/null 2>&-)"
is 'a function that calls itself is lacking' \
    'etl-transform: --engine native cannot run this filter: it lacks a function that calls itself, or so deep a nesting (line 1, column 8)' \
    "$(explain 'def f: f; f' --engine native)"

# The filters of the examples, and the plain jq of the benchmark.
for filter in "$top"/examples/*/*.jq "$top"/tests/bench/posts-plain.jq; do
	is "${filter#"$top"/} is run by the native engine" \
	    'etl-transform: the native engine runs the filter' \
	    "$(etl-transform --std --explain --arg repo x -f "$filter" \
	    2>&1 </dev/null)"
done

compared=0
TMPDIR=$scratch python3 "$top/tests/etl-transform/engines.py" \
    "$(command -v etl-transform)" "${ETL_ENGINE_FILTERS:-12}" 100 >"$scratch/compared" ||
    compared=$?
diag "$(cat "$scratch/compared")"
is 'random filters give the same outputs and rejects with both engines' 0 \
    "$compared"
done_testing
