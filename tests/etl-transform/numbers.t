#!/bin/sh
# A number that a filter only moves keeps its text; a number that a filter
# computes is printed as jq prints it.
. tests/support/lib.sh

. tests/etl-transform/cases.sh

# prints FILTER RECORD WANTED [OPTION...]: FILTER on RECORD prints WANTED, or
# rejects the record with the code WANTED.
prints() {
	filter=$1 record=$2 wanted=$3
	shift 3
	case_add "$*" "$filter" "$record" "$wanted" \
	    "$filter on $record gives $wanted"
}
big=12345678901234567890

while read -r number; do
	prints . "{\"a\":$number}" "{\"a\":$number}"
	prints '{b: .a}' "{\"a\":$number}" "{\"b\":$number}"
	prints '{b: [[.a]], c: .a}' "{\"a\":$number}" \
	    "{\"b\":[[$number]],\"c\":$number}"
	prints '.x = 5 | del(.b)' "{\"a\":{\"c\":[$number]},\"b\":1}" \
	    "{\"a\":{\"c\":[$number]},\"x\":5}"
done <<EOF
0
-0
-0.0
0.0
1
1.0
1.50
1e2
1E+2
100
1e-7
0.0000001
0.00001
123456789012345
1234567890123456
12345678901234567
$big
-$big
123456789012345678901234567890
0.1
0.10
0.1234567890123456789
3.14159
1e400
-1e400
1E-400
1e17
1e308
179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880
5e-324
2.2250738585072014e-308
9007199254740993
-9007199254740993
EOF

# Different numbers that round to the same double keep their own text, in
# whatever place the filter puts them.
prints . "{\"a\":$big,\"b\":12345678901234567891}" \
    "{\"a\":$big,\"b\":12345678901234567891}"
prints '{a: .b, b: .a}' "{\"a\":$big,\"b\":12345678901234567891}" \
    "{\"a\":12345678901234567891,\"b\":$big}"
prints '{x: .l | reverse}' \
    '{"l":[9007199254740992,9007199254740993,9007199254740994,9007199254740995]}' \
    '{"x":[9007199254740995,9007199254740994,9007199254740993,9007199254740992]}'
prints '{x: [.l[] | select(. > 0)] | unique | length}' "{\"l\":[$big,12345678901234567891,$big]}" \
    '{"x":2}'
prints '{x: .b, y: .a, z: .c}' '{"a":1e400,"b":2e400,"c":1.7e308}' \
    '{"x":2e400,"y":1e400,"z":1.7e308}'
prints '{x: .b, y: .a}' '{"a":1e400,"b":2e400}' '{"x":2e400,"y":1e400}'
prints '{x: .b, y: .a, z: .c}' '{"a":-1e400,"b":-2e400,"c":-3e400}' \
    '{"x":-2e400,"y":-1e400,"z":-3e400}'
prints '{x: .b, y: .a, z: .c}' '{"a":0,"b":1e-400,"c":2e-400}' \
    '{"x":1e-400,"y":0,"z":2e-400}'
prints '{x: .b, y: .a}' '{"a":0.1,"b":0.10000000000000000001}' \
    '{"x":0.10000000000000000001,"y":0.1}'
prints '{x: .b, y: .a, z: (.a + 0)}' '{"a":5,"b":4.9999999999999999999}' \
    '{"x":4.9999999999999999999,"y":5,"z":5}'

# Each different number needs a double of its own. Beyond the largest double
# there is none: the record is rejected, or --lossy-numbers rounds its numbers.
crowd='{"a":1e400,"b":2e400,"c":1.7976931348623157e308}'
prints . "$crowd" number
prints . "$crowd" '{"a":1.7976931348623157e+308,"b":1.7976931348623157e+308,"c":1.7976931348623157e308}' \
    --lossy-numbers

# A number that the filter makes does not get a double of its own either, if the
# largest doubles are in use.
full='{"a":1e400,"b":2e400,"c":"1.79769313486231570e308"}'
prints '.c |= to_number' "$full" number --std
prints '.c |= to_number' "$full" '{"a":1.7976931348623157e+308,"b":2e400,"c":1.7976931348623157e+308}' \
    --std --lossy-numbers
prints '.c |= to_number' '{"a":0.0,"b":[-1e-400,-2e-400],"c":"-0"}' \
    '{"a":0.0,"b":[-1e-400,-2e-400],"c":-0}' --std

# Equal numbers with different texts keep them if place or member name tells
# which is which; otherwise the number is printed as jq prints it.
prints . '{"a":[1,1.0,1.00,1e0],"b":1.0}' '{"a":[1,1.0,1.00,1e0],"b":1.0}'
prints '{o: .}' '{"a":1.0,"b":1}' '{"o":{"a":1.0,"b":1}}'
prints '{x: .a, y: .b}' '{"a":1.0,"b":1}' '{"x":1,"y":1}'
prints '{x: .a, y: .b}' '{"a":1.0,"b":1.0}' '{"x":1.0,"y":1.0}'
prints '.a == .b | {x: .}' '{"a":1.0,"b":1}' '{"x":true}'

# A computed number is printed as jq prints it.
prints '{a: (.a * 2), b: (1 / 3), c: nan, d: infinite, e: (-infinite)}' '{"a":2.50}' \
    '{"a":5,"b":0.3333333333333333,"c":null,"d":1.7976931348623157e+308,"e":-1.7976931348623157e+308}'
prints '{a: 1e17, b: 0.00001, c: 3.0, d: 1000000}' '{}' \
    '{"a":1e+17,"b":1e-05,"c":3,"d":1000000}'

# A computed number never takes the digits of a number of the record that is not
# equal to it.
prints '{y: .x, z: infinite}' '{"x":1E400}' \
    '{"y":1E400,"z":1.7976931348623157e+308}'
prints "{y: ($big - 0), x}" "{\"x\":$big}" \
    "{\"y\":12345678901234567000,\"x\":$big}"
prints '{y: (.x + 0), x}' '{"x":0.10000000000000001}' \
    '{"y":0.1,"x":0.10000000000000001}'
prints '{y: (.x + 0), x}' '{"x":1.50}' '{"y":1.50,"x":1.50}'
prints '{y: (.z + 0), x}' "{\"x\":$big,\"z\":12345678901234567000}" \
    "{\"y\":12345678901234567000,\"x\":$big}"
prints '{l: [.l[] | . + 2]}' \
    '{"x":9007199254740993,"l":[9007199254740992,9007199254740994]}' \
    '{"l":[9007199254740994,9007199254740996]}'
prints '{y: (.x | to_number), z: ((.x | to_number) + 0)}' \
    '{"x":"0.10000000000000001"}' '{"y":0.10000000000000001,"z":0.1}' --std

# A computation with a number that no double holds is a reject; with
# --lossy-numbers it gives what jq gives. jq 1.7 keeps the digits of a number until
# it computes with it, so it adds 0 to each number first.
doubles='walk(if type == "number" then . + 0 else . end)'
while IFS='~' read -r input compute result; do
	prints "{y: ($compute)}" "$input" number
	prints "{y: ($compute)}" "$input" "{\"y\":$result}" --lossy-numbers
	is "jq gives this: $compute" "$result" \
	    "$(echo "$input" | jq -c "$doubles | $compute")"
done <<EOF
{"x":$big}~.x + 1~12345678901234567000
{"x":$big}~-.x~-12345678901234567000
{"x":$big}~[.x - 1, .x + 1]~[12345678901234567000,12345678901234567000]
{"x":1E400}~.x * 2~1.7976931348623157e+308
{"x":1E-400}~.x * 2~0
{"x":0.1234567890123456789}~.x * 10 | floor~1
{"x":9007199254740993}~[.x, 1] | add~9007199254740992
{"x":9007199254740993}~.x % 2~0
{"x":9007199254740993}~.x | tostring~"9007199254740992"
{"x":9007199254740993}~.x | tojson~"9007199254740992"
{"x":9007199254740993}~"\(.x)"~"9007199254740992"
{"x":9007199254740993}~[.x] | @csv~"9007199254740992"
{"x":9007199254740993}~{(.x | @text): 1}~{"9007199254740992":1}
{"x":9007199254740993}~.x == 9007199254740992~true
{"x":9007199254740993}~[.x, 9007199254740992] | group_by(.) | length~1
{"x":9007199254740993}~[.x, 9007199254740992] | unique | length~1
{"x":9007199254740993}~{a: [.x]} == {a: [9007199254740992]}~true
{"x":9007199254740993}~.x as \$x | [9007199254740992] | contains([\$x])~true
{"x":[$big,12345678901234567891]}~.x | map(. + 1)~[12345678901234567000,12345678901234567000]
{"x":[$big,12345678901234567891]}~.x[1] - .x[0]~0
EOF

# A comparison with a number that has another double is no computation.
for filter in '.x > 10' '.x != 9007199254740994' '.x == .z' \
    '[.x, .z] | unique | length == 1' '[.l[] | select(. < 3)] == [1, 2]' \
    '.l + [.x] | sort | .[2] == 3' '(.x | keys)? // true' \
    '[.x] | contains([9007199254740999]) | not' '[.x, 1] | max > 1'; do
	prints "{y: ($filter), x}" \
	    '{"x":9007199254740993,"z":9007199254740993,"l":[1,2,3]}' \
	    '{"y":true,"x":9007199254740993}'
done
prints '{y: (.x == .y)}' '{"x":1e400,"y":2e400}' '{"y":false}'
prints '{y: (.a == .b)}' "$crowd" number

# to_int and to_number make numbers of text.
prints '.a |= to_int' "{\"a\":\"$big\"}" "{\"a\":$big}" --std
prints '.a |= to_int' '{"a":" +0042 "}' '{"a":42}' --std
prints '.a |= to_int' '{"a":"-0042"}' '{"a":-42}' --std
prints '.a |= to_int' '{"a":7.0}' '{"a":7}' --std
prints '.a |= to_int' '{"a":4.2e1}' '{"a":42}' --std
prints '.a |= to_int' '{"a":"1e20"}' '{"a":100000000000000000000}' --std
prints '.a |= to_int' '{"a":0.0}' '{"a":0}' --std
prints '{x: (.a | to_int), y: (.b | to_int)}' \
    '{"a":"9007199254740993","b":9007199254740992}' \
    '{"x":9007199254740993,"y":9007199254740992}' --std
prints '.id |= to_int' '{"id":"7","price":7.0}' '{"id":7,"price":7.0}' --std
prints '{p: .price, n: (.s | word_count)}' '{"price":2.0,"s":"a b"}' \
    '{"p":2,"n":2}' --std
prints '.a |= to_number' "{\"a\":\"$big.10\"}" "{\"a\":$big.10}" --std
prints '.a |= to_number' '{"a":"1.50"}' '{"a":1.5}' --std
prints '.a |= to_number' '{"a":1.50}' '{"a":1.50}' --std
prints '.a |= to_number' '{"a":"1e400"}' '{"a":1e400}' --std
prints '.a |= to_number' '{"a":" -007.5 "}' '{"a":-7.5}' --std
for bad in x '' ' ' 1x 0x10 1_000 1. .5 1e e5 NaN inf '1 2' ++1 --1 -; do
	prints '.a |= to_number' "{\"a\":\"$bad\"}" type --std
	prints '.a |= to_int' "{\"a\":\"$bad\"}" type --std
done
for bad in 5.5 '"5.5"' 1e-1 1e9999; do
	prints '.a |= to_int' "{\"a\":$bad}" number --std
done
for bad in null true '[]' '{}'; do
	prints '.a |= to_int' "{\"a\":$bad}" type --std
done

# Many numbers at once: ids of 19 digits so close that they share doubles.
awk 'BEGIN { for (i = 0; i < 2000; i++) {
	printf "%s1790000000000%06d", i ? "," : "{\"ids\":[", i * 37 }
	print "]}" }' >"$scratch/ids"
etl-transform . <"$scratch/ids" >"$scratch/same"
ok '2,000 ids of 19 digits keep their text' cmp "$scratch/same" "$scratch/ids"
is '2,000 ids of 19 digits keep their text in reversed order' \
    "$(jq -Rr 'ltrimstr("{\"ids\":[") |
    rtrimstr("]}") / "," | reverse | join(",")' "$scratch/ids")" \
    "$(etl-transform '.ids |= reverse' <"$scratch/ids" |
    sed 's/^{"ids":\[//; s/]}$//')"

check_cases
done_testing
