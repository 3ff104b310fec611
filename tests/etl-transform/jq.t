#!/bin/sh
# For filters that make objects etl-transform prints the same bytes as jq -c.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh

python3 - >"$scratch/in" <<'EOF'
import json
import random
rnd = random.Random(7)
chars = ['a', 'B', ' ', '"', '\\', '/', '\x00', '\x1f', '\x7f', '\n', '\t',
         'é', '\u2028', '\ufeff', '😀', '\U0010ffff', '<', '&', "'"]


def text():
    return ''.join(rnd.choice(chars) for _ in range(rnd.randrange(12)))


def number():
    return rnd.choice([0, -0.0, 1, -1, 0.5, 1e-5, 1e-7, 123456789012,
                       2 ** 53, 1e16, rnd.random(), rnd.random() * 1e10,
                       rnd.randrange(-10 ** 15, 10 ** 15)])


def value(depth):
    kind = rnd.randrange(8 if depth else 5)
    if kind < 5:
        return [None, True, text(), number(), text()][kind]
    if kind == 5:
        return [value(depth - 1) for _ in range(rnd.randrange(4))]
    return {text(): value(depth - 1) for _ in range(rnd.randrange(12))}


for i in range(400):
    record = {'id': i, 'name': text(), 'n': number(), 'list':
              [number() for _ in range(rnd.randrange(5))], 'any': value(4)}
    items = list(record.items())
    rnd.shuffle(items)
    print(json.dumps(dict(items), ensure_ascii=rnd.random() < .5,
                     separators=rnd.choice([(',', ':'), (', ', ' : ')])))
EOF
# All numbers of the records are doubles in the spelling of jq. numbers.t tests
# the other spellings, which jq 1.7 changes and etl-transform keeps.
plain=$(echo 'def plain: if type == "object" then map_values(plain)
    elif type == "array" then map(plain)
    elif type == "number" then . * 1 else . end; ' | tr '\n' ' ')
jq -c "$plain plain" <"$scratch/in" >"$scratch/records"

while read -r filter; do
	jq -c "$plain plain | ($filter) | plain" <"$scratch/records" \
	    >"$scratch/wanted"
	ok "$filter: jq prints output to compare with" test -s "$scratch/wanted"
	for engine in auto jq; do
		etl-transform --engine $engine --rejects /dev/null \
		    --max-rejects 9999 "$filter" <"$scratch/records" \
		    >"$scratch/got" || :
		ok "$filter: --engine $engine prints the same bytes as jq -c" \
		    cmp "$scratch/wanted" "$scratch/got"
	done
done <<'EOF'
.
., .
{id, name, n: (.list | length)}
{a: .any, b: [.list[] * 2], c: (.n | floor)}
select(.id % 3 == 0) | del(.any) | .new = 1 | .id = "x"
.any = null | to_entries | reverse | from_entries
with_entries(.key |= "k_" + .)
{s: (.name | ascii_upcase), r: (.name | explode | implode), t: tojson}
{sorted: (.list | sort), sum: (.list | add), keys: keys}
. as {$id, $name} | {$id, $name, x: "\($id)-\($name)"}
[.list[]] | {a: ., b: map(. / 7), c: (map(. + 0.1) | max)}
reduce range(10) as $i ({}; .[$i | tostring] = $i)
{m: (.name | test("a")), g: (.name | gsub("[a-z]"; "x"))}
{p: [paths], l: [paths(scalars)]}
if .n > 0 then {pos: .n} else {neg: .n} end
{e: (try error("x") catch .), f: [.list[]?, "y"], o: (.no // "d")}
setpath(["any"]; {"z": [1, {"y": 2}]}) | .any.z[1].y += 40
{d: (.id | todate), f: ("2015-03-05T23:51:47Z" | fromdate)}
{b: (.name | @base64), u: (.name | @uri), h: (.name | @html), c: ([.id, .name] | @csv)}
def f(x): x | x; {a: (.id | f(. + 1)), l: [limit(3; .list[])]}
label $out | foreach .list[] as $x ({}; .n = $x; if .n == 1 then ., break $out else empty end)
{a: ([.list[] | tostring] | join(",")), i: ([.list[]] | index(1))}
{s: (.any | tostring), j: (.any | tojson | fromjson | tojson)}
{a: $__loc__}
env | {a: length} | {}
{t: (.any | type), w: (.any | [..] | length), e: (.any | getpath(["a", "b"])?)}
EOF

ok 'a record with white space between its tokens passes' etl-transform . \
    <"$scratch/in"
is 'etl-transform removes white space between tokens as jq -c does' \
    "$(cksum <"$scratch/records")" \
    "$(etl-transform . <"$scratch/in" | jq -c "$plain plain" |
    cksum)"
done_testing
