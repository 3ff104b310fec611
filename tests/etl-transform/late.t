#!/bin/sh
# libjq is started late if the native engine runs the filter, and still refuses
# each wrong filter at the start.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh

# refused FILTER: prints nothing if all engines refuse the filter with libjq's
# words, and before the first record.
refused() {
	for engine in jq auto native; do
		rc=0
		etl-transform --std --arg w x --engine "$engine" "$1" \
		    </dev/null >"$scratch/$engine" 2>&1 || rc=$?
		echo "$rc" >>"$scratch/$engine"
		tail -n 1 "$scratch/$engine" | grep -vx 78
		cmp "$scratch/jq" "$scratch/$engine"
	done
}
while IFS= read -r filter; do
	is "a wrong filter is refused: $filter" '' "$(refused "$filter")"
done <<\END
{a: if . then 1 else 2 end}
{a: try 1}
{a: . as $x | $x}
{a: (1)?}
{(1): 2}
{(1 + 1): 2}
{(.|1): 2}
{([]): 2}
{({}): 2}
1 | def f: 1;
. as $x | def f: 1;
def if: 1; {}
def f(if): if; {}
def f(g): {}; f(nosuch)
def f($x): {}; f(nosuch)
def f(g): def h: g; {}; f(nosuch)
{a: .a?//1}
try .a?? catch {}
nosuch
END
# These are refused by libjq 1.6 only.
while IFS= read -r filter; do
	etl-transform --engine jq "$filter" </dev/null >/dev/null 2>&1 ||
		is "a filter that libjq refuses is refused: $filter" '' \
		    "$(refused "$filter")"
done <<\END
{a: (1 / 0)}
{a: 1.5.a}
{a: (1 / (1 - 1))}
{if}
. as $and | {$and}
{a: . as $if | 1}
def f($if): {}; f(1)
END

# late FILTER OPTION...: the message of libjq for one of three records.
late() {
	filter=$1
	shift
	rc=0
	printf '%s\n' '{"a":{}}' '{"a":1}' '{"a":2}' |
	etl-transform "$@" "$filter" 3>"$scratch/rejects" || rc=$?
	echo "exit $rc"
	jq -r '.code, .message' <"$scratch/rejects"
}
want='{"a":2}
{"a":3}
exit 0
filter
object ({}) and number (1) cannot be added'
is 'libjq is started for one record' "$want" "$(late '{a: (.a + 1)}')"
is 'so with --engine native' "$want" \
    "$(late '{a: (.a + 1)}' --engine native)"
is 'so if libjq was started at once' "$want" \
    "$(late '{a: (.a + 1)}' --engine jq)"
is 'libjq is started within the smallest limits that start it late' "$want" \
    "$(late '{a: (.a + 1)}' --memory-limit 16MiB)"
is 'with smaller limits libjq is started at once' "$want" \
    "$(late '{a: (.a + 1)}' --memory-limit 1MiB)"

# without_libjq OPTION...: runs a filter on records that the native engine does not
# give back; a process that starts libjq ends.
without_libjq() {
	printf '%s\n' '{"a":1}' '{"b":2}' |
	    LD_PRELOAD="$etl_build/tests/no_jq.so" \
	    ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" \
	    etl-transform "$@" '{a: ((.a // 0) + 1)}' 2>/dev/null ||
	    echo "exit $?"
}
is 'libjq is not started for records that the native engine runs' \
    '{"a":2}
{"a":1}' "$(without_libjq)"
like 'with --engine jq it is, which this test would see' '^exit ' \
    "$(without_libjq --engine jq)"

# libjq accepts what the native engine is sure of.
rc=0
python3 "$top/tests/etl-transform/texts.py" "${ETL_ENGINE_TEXTS:-300}" \
    2>"$scratch/seed" | "$etl_build/tests/unit/transform_late" - \
    >"$scratch/texts" 2>&1 || rc=$?
diag "$(cat "$scratch/seed" "$scratch/texts")"
is 'libjq accepts each random text of which the native engine is sure' 0 "$rc"
done_testing
