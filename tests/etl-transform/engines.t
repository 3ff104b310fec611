#!/bin/sh
# The native engine gives the same bytes as libjq, and says what it lacks.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh

# explain FILTER OPTION...: what --explain prints.
explain() {
	filter=$1
	shift
	etl-transform --explain "$@" "$filter" 2>&1 </dev/null
}
is 'the native engine runs a filter that it can run' \
    'etl-transform: the native engine runs the filter' "$(explain '{a, b: .c}' --engine auto)"
is 'without --engine it does so, too' \
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

# run_both FILTER OPTION...: outputs, messages and rejects for the records on
# standard input, of one engine in "native", of the other in "jq".
run_both() {
	cat >"$scratch/records"
	for engine in native jq; do
		etl-transform --engine "$engine" "$@" <"$scratch/records" \
		    >"$scratch/$engine" 2>&1 3>"$scratch/rejects" ||
		    echo "exit $?" >>"$scratch/$engine"
		jq -c 'del(.at, .occurrence)' "$scratch/rejects" \
		    >>"$scratch/$engine"
	done
}
# same LABEL FILTER RECORD OPTION...
same() {
	label=$1
	filter=$2
	record=$3
	shift 3
	printf '%s\n' "$record" | run_both "$filter" "$@"
	is "$label" "$(cat "$scratch/jq")" "$(cat "$scratch/native")"
}
same 'of two errors in a text the last one counts' \
    '{a: "\(error("x")) and \(error("y"))"}' '{}'
same 'the ends of a slice run before what is cut' \
    '{a: [.[][error("y"):]]}' '{}'
same 'a try inside first() sees the end of it, in jq 1.6' \
    '{r: [first((.a)?, 2)]}' '{"a":1}'
same 'a try inside limit() sees the end of it, in jq 1.6' \
    '[limit(1; (try 1 catch error("x")), 2)] | {a: .}' '{}'
same 'has() of null is false and no error' '{a: (.a | [(has("b"))?, (has(0))?])}' \
    '{"a":null}'
same 'todate takes an array, too' '{a: (.a | [(todate)?])}' \
    '{"a":[2024,1,10,12,30,0,6,40]}'
is 'now before a generator of an object is run once' 1 \
    "$(echo '{}' | etl-transform --engine native '{t: now, n: range(200)}' |
    jq .t | sort -u | wc -l)"
for name in ARGS ENV __loc__; do
	is "\$$name is a variable of jq, also with --arg" \
	    "etl-transform: --engine native cannot run this filter: it lacks this variable (line 1, column 5)" \
	    "$(explain "{a: \$$name}" --engine native --arg "$name" x 2>&1 |
	    grep -v warning)"
done

# Records with many values, which libjq reads fast: the native engine must not
# need minutes for them.
python3 -c 'print("{\"a\":[1.50" + ",2" * 20 + "],\"t\":[" + ",".join(["\"x\""] *
    300000) + "]}")' >"$scratch/many"
for filter in '{r: [range(100; 300100)]}' \
    '. as $d | {r: (reduce range(300000) as $i (0; . + ($d.t | length)))}' \
    '. as $d | {r: (reduce range(300000) as $i (0; . + ($d.t[0] | length)))}' \
    '{r: (reduce range(300000) as $i (.t; .[1:]) | length)}'; do
	run_both "$filter" --time-limit 55s <"$scratch/many"
	is "many values: $filter" "$(cksum <"$scratch/jq")" \
	    "$(cksum <"$scratch/native")"
done

compared=0
TMPDIR=$scratch python3 "$top/tests/etl-transform/engines.py" \
    "$(command -v etl-transform)" "${ETL_ENGINE_FILTERS:-12}" 100 >"$scratch/compared" ||
    compared=$?
diag "$(cat "$scratch/compared")"
is 'random filters give the same outputs and rejects with both engines' 0 \
    "$compared"
done_testing
