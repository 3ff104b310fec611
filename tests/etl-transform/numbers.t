#!/bin/sh
# Numbers keep their text when they are moved; what jq prints else.
. tests/support/lib.sh

# t FILTER RECORD WANTED [OPTION...]
t() {
	filter=$1 record=$2 wanted=$3
	shift 3
	is "$filter on $record" "$wanted" "$(printf '%s\n' "$record" |
	    etl-transform --max-rejects 9 "$@" "$filter" 2>&1 3>"$scratch/3")"
}
big=12345678901234567890

while read -r number; do
	t . "{\"a\":$number}" "{\"a\":$number}"
	t '{b: .a}' "{\"a\":$number}" "{\"b\":$number}"
	t '{b: [[.a]], c: .a}' "{\"a\":$number}" \
	    "{\"b\":[[$number]],\"c\":$number}"
	t '.x = 5 | del(.b)' "{\"a\":{\"c\":[$number]},\"b\":1}" \
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

# Different numbers that are one double stay apart, wherever they go.
t . "{\"a\":$big,\"b\":12345678901234567891}" \
    "{\"a\":$big,\"b\":12345678901234567891}"
t '{a: .b, b: .a}' "{\"a\":$big,\"b\":12345678901234567891}" \
    "{\"a\":12345678901234567891,\"b\":$big}"
t '{x: .l | reverse}' \
    '{"l":[9007199254740992,9007199254740993,9007199254740994,9007199254740995]}' \
    '{"x":[9007199254740995,9007199254740994,9007199254740993,9007199254740992]}'
t '{x: [.l[] | select(. > 0)] | unique | length}' "{\"l\":[$big,12345678901234567891,$big]}" \
    '{"x":2}'
t '{x: .b, y: .a, z: .c}' '{"a":1e400,"b":2e400,"c":1.7e308}' \
    '{"x":2e400,"y":1e400,"z":1.7e308}'
t '{x: .b, y: .a}' '{"a":1e400,"b":2e400}' '{"x":2e400,"y":1e400}'
t '{x: .b, y: .a, z: .c}' '{"a":-1e400,"b":-2e400,"c":-3e400}' \
    '{"x":-2e400,"y":-1e400,"z":-3e400}'
t '{x: .b, y: .a, z: .c}' '{"a":0,"b":1e-400,"c":2e-400}' \
    '{"x":1e-400,"y":0,"z":2e-400}'
t '{x: .b, y: .a}' '{"a":0.1,"b":0.10000000000000000001}' \
    '{"x":0.10000000000000000001,"y":0.1}'
t '{x: .b, y: .a, z: (.a + 0)}' '{"a":5,"b":4.9999999999999999999}' \
    '{"x":4.9999999999999999999,"y":5,"z":5}'

# Above the largest double there is none to give.
crowd='{"a":1e400,"b":2e400,"c":1.7976931348623157e308}'
t . "$crowd" ''
is 'too many for the doubles' number "$(jq -r .code "$scratch/3")"
t . "$crowd" '{"a":1.7976931348623157e+308,"b":1.7976931348623157e+308,"c":1.7976931348623157e308}' \
    --lossy-numbers

# Equal numbers, written differently: place, name, then jq's way.
t . '{"a":[1,1.0,1.00,1e0],"b":1.0}' '{"a":[1,1.0,1.00,1e0],"b":1.0}'
t '{o: .}' '{"a":1.0,"b":1}' '{"o":{"a":1.0,"b":1}}'
t '{x: .a, y: .b}' '{"a":1.0,"b":1}' '{"x":1,"y":1}'
t '{x: .a, y: .b}' '{"a":1.0,"b":1.0}' '{"x":1.0,"y":1.0}'
t '.a == .b | {x: .}' '{"a":1.0,"b":1}' '{"x":true}'

# Computed: as jq does.
t '{a: (.a * 2), b: (1 / 3), c: nan, d: infinite, e: (-infinite)}' '{"a":2.50}' \
    '{"a":5,"b":0.3333333333333333,"c":null,"d":1.7976931348623157e+308,"e":-1.7976931348623157e+308}'
t '{a: 1e17, b: 0.00001, c: 3.0, d: 1000000}' '{}' \
    '{"a":1e+17,"b":1e-05,"c":3,"d":1000000}'

# Integers and numbers out of text.
t '.a |= to_int' "{\"a\":\"$big\"}" "{\"a\":$big}" --std
t '.a |= to_int' '{"a":" +0042 "}' '{"a":42}' --std
t '.a |= to_int' '{"a":"-0042"}' '{"a":-42}' --std
t '.a |= to_int' '{"a":7.0}' '{"a":7}' --std
t '.a |= to_int' '{"a":4.2e1}' '{"a":42}' --std
t '.a |= to_int' '{"a":"1e20"}' '{"a":100000000000000000000}' --std
t '.a |= to_int' '{"a":0.0}' '{"a":0}' --std
t '{x: (.a | to_int), y: (.b | to_int)}' \
    '{"a":"9007199254740993","b":9007199254740992}' \
    '{"x":9007199254740993,"y":9007199254740992}' --std
t '.id |= to_int' '{"id":"7","price":7.0}' '{"id":7,"price":7.0}' --std
t '{p: .price, n: (.s | word_count)}' '{"price":2.0,"s":"a b"}' \
    '{"p":2,"n":2}' --std
t '.a |= to_number' "{\"a\":\"$big.10\"}" "{\"a\":$big.10}" --std
t '.a |= to_number' '{"a":"1.50"}' '{"a":1.5}' --std
t '.a |= to_number' '{"a":1.50}' '{"a":1.50}' --std
t '.a |= to_number' '{"a":"1e400"}' '{"a":1e400}' --std
t '.a |= to_number' '{"a":" -007.5 "}' '{"a":-7.5}' --std
for bad in x '' ' ' 1x 0x10 1_000 1. .5 1e e5 NaN inf '1 2' ++1 --1 -; do
	t '.a |= to_number' "{\"a\":\"$bad\"}" '' --std
	is "'$bad' is no number" type "$(jq -r .code "$scratch/3")"
	t '.a |= to_int' "{\"a\":\"$bad\"}" '' --std
	is "'$bad' is no number either" type "$(jq -r .code "$scratch/3")"
done
for bad in 5.5 '"5.5"' 1e-1 1e9999; do
	t '.a |= to_int' "{\"a\":$bad}" '' --std
	is "$bad is no integer" number "$(jq -r .code "$scratch/3")"
done
for bad in null true '[]' '{}'; do
	t '.a |= to_int' "{\"a\":$bad}" '' --std
	is "$bad has the wrong type" type "$(jq -r .code "$scratch/3")"
done

# Many at once: ids of 19 digits, dense enough that they share doubles.
awk 'BEGIN { for (i = 0; i < 2000; i++) {
	printf "%s1790000000000%06d", i ? "," : "{\"ids\":[", i * 37 }
	print "]}" }' >"$scratch/ids"
etl-transform . <"$scratch/ids" >"$scratch/same"
ok 'a crowd' cmp "$scratch/same" "$scratch/ids"
is 'a crowd turned round' "$(jq -Rr 'ltrimstr("{\"ids\":[") |
    rtrimstr("]}") / "," | reverse | join(",")' "$scratch/ids")" \
    "$(etl-transform '.ids |= reverse' <"$scratch/ids" |
    sed 's/^{"ids":\[//; s/]}$//')"
done_testing
