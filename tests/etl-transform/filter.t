#!/bin/sh
# The filter: outputs, drops and rejects, options, what does not compile.
# shellcheck disable=SC2016 # jq's variables, not the shell's
. tests/support/lib.sh

# t ARG...: the status; output in out, rejects in rej as [code, message,
# pointer, line].
t() {
	: >"$scratch/3"
	status etl-transform --max-rejects 1000 --rejects "$scratch/3" "$@" \
	    <"$scratch/in"
	jq -c '[.code, .message, .pointer, .origin.line]' "$scratch/3" \
	    >"$scratch/rej"
}
out() {
	cat "$scratch/out"
}
rej() {
	cat "$scratch/rej"
}
given() {
	printf '%s\n' "$@" >"$scratch/in"
}

given '{"a":1}' '{"a":2}' '{"a":3}' '{"a":4}'
is 'identity' 0 "$(t .)"
is 'identity: all' "$(cat "$scratch/in")" "$(out)"
is 'outcomes' 0 "$(t 'if .a == 1 then ., . elif .a == 2 then empty
    elif .a == 3 then error("no \(.a)") else error(null) end')"
is 'two outputs, a drop, a reject, a drop' '{"a":1}
{"a":1}' "$(out)"
is 'the reject' '["filter","no 3",null,3]' "$(rej)"
is 'an error after outputs' 0 "$(t 'if .a == 2 then ., error("x") else .
    end')"
is 'withholds them' '{"a":1}
{"a":3}
{"a":4}' "$(out)"
is 'and rejects once' '["filter","x",null,2]' "$(rej)"
is 'a NUL in messages' 0 "$(t 'select(.a == 1) | error("a\u0000b")')"
is 'is shown' '["filter","a\\u0000b",null,1]' "$(rej)"
is 'a NUL in a code' 0 "$(t --std 'select(.a == 1) |
    reject("a\u0000b"; "m"; "/p\u0000q")')"
like 'is none of ours' '^\["filter","{\\"@etl' "$(rej)"
is 'a long message' 0 "$(t 'select(.a == 1) | error("é" * 90000)')"
is 'is cut' '["filter",1]' "$(jq -c '[.code,
    (.message | test("^é{1000}"; null) | if . then 1 else 0 end)]' \
    "$scratch/3")"
is 'error without text' 0 "$(t 'select(.a == 1) | error')"
is 'is shown as JSON' '["filter","{\"a\":1}",null,1]' "$(rej)"
is 'jq has its own words' 0 "$(t 'select(.a == 1) | .a.b')"
is 'kept' '["filter","Cannot index number with string \"b\"",null,1]' \
    "$(rej)"
is 'no object made' 0 "$(t 'select(.a == 1) | .a')"
like 'is a reject' '^\["type",".*number",null,1\]$' "$(rej)"
is 'a mark made' 0 "$(t 'select(.a == 1) | {"@etl":"end"}')"
like 'is a reject' '^\["reserved",' "$(rej)"
is 'nothing goes out' '' "$(out)"
is 'but within a record' 0 "$(t 'select(.a == 1) | {a,"@etl":"end"}')"
is 'it is a member' '{"a":1,"@etl":"end"}' "$(out)"
is 'halt' 0 "$(t 'if .a == 2 then halt elif .a == 3 then
    "x\n" | halt_error else . end')"
is 'ends nothing' '{"a":1}
{"a":4}' "$(out)"
is 'is a reject' '["filter","the filter called halt: this rejects the record and does not end the stream",null,2]
["filter","the filter called halt: this rejects the record and does not end the stream",null,3]' "$(rej)"
is 'input' 0 "$(t '.b = [inputs] | .c = (try input catch "none")')"
is 'has nothing' '{"a":1,"b":[],"c":"none"}' "$(out | head -n 1)"
is 'debug and stderr' 0 "$(t 'select(.a < 3) | debug | .a | stderr | {}')"
is 'print to stderr' '["DEBUG:",{"a":1}]
1["DEBUG:",{"a":2}]
2' "$(cat "$scratch/err")"
given '{"a":"x y","b":[0.5,"z"]}'
is 'stderr of text and of an array' 0 "$(t '(.a | stderr), .b | stderr | {}')"
is 'prints what the jq installed prints' \
    "$(jq '(.a | stderr), .b | stderr | empty' <"$scratch/in" 2>&1)" \
    "$(cat "$scratch/err")"
given '{"a":1}' '{"a":2}' '{"a":3}' '{"a":4}'
is 'debug beside our functions' 0 "$(t --std 'select(.a == 1) | {a: "5"} |
    debug | {a: (.a | debug | to_int | debug)}')"
is 'prints what the user shows' '["DEBUG:",{"a":"5"}]
["DEBUG:","5"]
["DEBUG:",5]' "$(cat "$scratch/err")"
is 'and computes' '{"a":5}' "$(out)"
is 'a forged call' 0 "$(t --std 'select(.a == 1) |
    {b: ("x:to_int" | debug | (try input catch "none"))}')"
is 'is debug' '["DEBUG:","x:to_int"]' "$(cat "$scratch/err")"
is 'and no call' '{"b":"none"}' "$(out)"

# Lines that are no records.
given '{"a":1}' 'x' '' '[1]' '"s"' '{"a":1,"a":2}' '{"a":"\ud800"}' \
    '{"a":[0,{"b/c":"x\udc00y"}]}' '{"@etl":"end"}' '{"a":"\u0000é"}' \
    '{"\udfff":1}' '{"a\u002f\"\u00e9~\u0000":["\ud800"]}'
printf '{"a":"\377"}\n{"b":1}' >>"$scratch/in"
is 'bad lines' 0 "$(t --plain .)"
is 'good ones pass' '{"a":1}
{"a":"\u0000é"}
{"b":1}' "$(out)"
is 'bad ones are told' 'parse 2 null
type 4 null
type 5 null
duplicate_member 6 null
encoding 7 "/a"
encoding 8 "/a/1/b~1c"
reserved 9 null
encoding 11 null
encoding 12 "/a~1\"é~0\\u0000/0"
encoding 13 null' "$(jq -r '"\(.[0]) \(.[3]) \(.[2] | tojson)"' \
    "$scratch/rej")"
is 'with their bytes' "$(sed -n 8p "$scratch/in")" \
    "$(sed -n 6p "$scratch/3" | jq -r .raw)"
given '{"a":1,"b":2,"a":3}'
is 'twice a name' 0 "$(t --duplicate-members last .)"
is 'the last wins' '{"a":3,"b":2}' "$(out)"

# Sizes.
given '{"a":"1234567890"}' '{"a":"12345678901"}' '{"a":"1"}'
is 'max-record' 0 "$(t --max-record 18 '.a += "x"')"
is 'what is longer is not taken, nor made' '{"a":"1x"}' "$(out)"
like 'made too long' '"too_long",.*,1\]' "$(sed -n 1p "$scratch/rej")"
like 'too long' '"too_long",.*,2\]' "$(sed -n 2p "$scratch/rej")"
head -c 1000000 /dev/zero | tr '\0' x >"$scratch/x"
{ printf '{"a":"'; cat "$scratch/x"; printf '"}\n{"a":"y"}\n'; } >"$scratch/in"
is 'a megabyte' 0 "$(t '., .')"
is 'twice' "$(sed p "$scratch/in" | cksum)" "$(out | cksum)"
{
	printf '{"a":"'
	i=0
	while [ $i -lt 16 ]; do
		cat "$scratch/x"
		i=$((i + 1))
	done
	printf '"}\n{"a":"y"}\n'
} >"$scratch/in"
is 'sixteen' 0 "$(t '{b: .a}')"
is 'come out' "$(sed 's/"a"/"b"/' "$scratch/in" | cksum)" "$(out | cksum)"
is 'eight times is too much' 0 "$(t '(.,.,.,.), (.,.,.,.)')"
like 'a limit' '^\["timeout",".*too much output.*",null,1\]$' "$(rej)"
is 'the rest goes on' '{"a":"y"}' "$(out | sort -u)"
is 'empty input' 0 "$(etl-transform . </dev/null; echo $?)"

# Depth.
deep() {
	printf '{"a":%s1%s}' \
	    "$(head -c "$1" /dev/zero | tr '\0' '[')" \
	    "$(head -c "$1" /dev/zero | tr '\0' ']')"
}
given "$(deep 255)" "$(deep 256)" '{}'
is 'depth' 0 "$(t .)"
is 'up to 256' "$(deep 255)
{}" "$(out)"
like 'no deeper' '^\["depth",.*,2\]$' "$(rej)"
is 'made deep' 0 "$(t '{a: .}')"
is 'is no record either' '{"a":{}}' "$(out)"
like 'is told' '^\["depth",.*,1\]$' "$(sed -n 1p "$scratch/rej")"

# Options.
given '{"a":1}'
echo '.b = $x' >"$scratch/f.jq"
is '-f, --arg' 0 "$(t --arg x '1"' -f "$scratch/f.jq")"
is 'text' '{"a":1,"b":"1\""}' "$(out)"
is '--argjson' 0 "$(t '.b = $x' --argjson x '{"c":[1,null]}')"
is 'value' '{"a":1,"b":{"c":[1,null]}}' "$(out)"
printf '1 {"k":2}\n[3]' >"$scratch/values"
is '--slurpfile' 0 "$(t --slurpfile x "$scratch/values" '.b = $x')"
is 'values' '{"a":1,"b":[1,{"k":2},[3]]}' "$(out)"
is '$ARGS' 0 "$(t --arg x 1 --argjson y 2 '{b: $ARGS.named}')"
is 'named' '{"b":{"x":"1","y":2}}' "$(out)"
mkdir "$scratch/lib"
echo 'def three: 3; def all: debug | to_int;' >"$scratch/lib/bad.jq"
echo 'def three: 3;' >"$scratch/lib/m.jq"
echo '{"k":4}' >"$scratch/lib/d.json"
is '-L' 0 "$(t -L "$scratch/lib" 'import "m" as m; import "d" as $d;
    import "etl" as etl; {a: m::three, b: $d, c: ("5" | etl::to_int)}')"
is 'modules and data' '{"a":3,"b":[{"k":4}],"c":5}' "$(out)"
is 'include' 0 "$(t -L "$scratch/lib" 'include "m"; include "etl";
    {a: three, b: (" x " | normalize_text)}')"
is 'names' '{"a":3,"b":"x"}' "$(out)"
is 'environment' 0 "$(SECRET=s t '{a: env, b: $ENV, c: env.SECRET}')"
is 'is empty' '{"a":{},"b":{},"c":null}' "$(out)"
# reads_env FILTER: does etl-transform warn that the environment is empty?
reads_env() {
	echo '{"k":1}' | etl-transform --max-rejects 1 "$1" 2>&1 >/dev/null 3>&1 |
	    grep -c 'warning: the filter reads the environment .*--allow env'
}
for filter in '{a:env.X}' '{a:env}' '{a: env.X}' '{a: $ENV.X}' '{a: [1, env]}' '{a: env }' \
    '{a: "\(env.X)"}' '{a: "x\("\(env)")y"}' '{a: 1} # x
    | .b = env.Y' '{a: ("b\"" | . + env.X)}'; do
	is "a warning: $filter" 1 "$(reads_env "$filter")"
done
for filter in 'import "m" as m; {a: m::env}' '{a: .env}' '{env: 1}' '{env}' '{k, env, b: 2}' '{a: "env"}' \
    '. # env' 'def env: 1; .' '. as $env | .' '{a: "\(1) env"}' \
    '{a: environment}; def environment: 1; .' '{a: ."env"}'; do
	is "no warning: $filter" 0 "$(reads_env "$filter")"
done
is 'no warning with --allow env' 0 "$(t --allow env '{a: env.X}')"
is 'nothing is printed' '' "$(cat "$scratch/err")"
is 'or allowed' 0 "$(SECRET=s t --allow env '{a: env.SECRET, b: $ENV.SECRET}')"
is 'is there' '{"a":"s","b":"s"}' "$(out)"
is 'a file of the home folder' 0 "$(
    echo 'def length: "hacked";' >"$scratch/.jq"
    HOME=$scratch t --allow env '{a: ("abc" | length)}')"
is 'is not read' '{"a":3}' "$(out)"
is 'modulemeta' 0 "$(t '{a: ("x" | try modulemeta catch 1)}')"
is 'reads no file' '{"a":1}' "$(out)"

# What does not start.
# fails CODE ARG...
fails() {
	code=$1
	shift
	is "$*" "$code" "$(status etl-transform "$@" <"$scratch/in")"
}
fails 64
fails 64 --arg x
fails 64 --arg 1 2 .
fails 64 --argjson x '{' .
fails 64 --allow files .
fails 64 --duplicate-members first .
fails 64 --nope .
fails 64 --jobs 2 .
fails 64 --max-record 0 .
fails 64 --time-limit x .
fails 66 -f /nowhere
fails 66 --slurpfile x /nowhere .
fails 66 -L /nowhere .
fails 78 '{'
fails 78 nope
fails 78 '$x'
fails 78 to_int
fails 78 'etl::to_int'
fails 78 'import "m" as m; .'
fails 78 'import "/etc/passwd" as $x; .'
fails 65 error
is 'a folder out of reach' 78 "$(t -L "$scratch/lib" \
    'import "m" as m {search: "/etc"}; .')"
printf '. #\0' >"$scratch/f.jq"
is 'a NUL in the filter' 78 "$(t -f "$scratch/f.jq")"
printf 'import "etl" as etl;\n# one\n{a: 1,\n  b: nope}\n' >"$scratch/f.jq"
is 'an unknown function' 78 "$(t -f "$scratch/f.jq")"
is 'is told with its line' 'etl-transform: filter: jq: error: nope/0 is not defined at <top-level>, line 4:
  b: nope}
jq: 1 compile error' "$(cat "$scratch/err")"
is 'as with bare names' 78 "$(t --std '{a: (.a | to_int),
    b: nope}')"
is 'its line' 'etl-transform: filter: jq: error: nope/0 is not defined at <top-level>, line 2:
    b: nope}
jq: 1 compile error' "$(cat "$scratch/err")"
is 'an error beside our definitions' 78 "$(t --std '.a | to_int | nope')"
is 'shows none of them' 'etl-transform: filter: jq: error: nope/0 is not defined at <top-level>, line 1:
.a | to_int | nope
jq: 1 compile error' "$(cat "$scratch/err")"
is 'a function of module etl, which is not asked for' 78 "$(t 'require(["a"])')"
is 'what to give is told' 'require is a function of the module etl: give --std, or begin with import "etl" as etl;' \
    "$(tail -n 1 "$scratch/err")"
is 'its own name without import' 78 "$(t '.a | etl::to_int')"
like 'is told too' '^to_int is a function of the module etl' \
    "$(tail -n 1 "$scratch/err")"
is 'with too many arguments' 78 "$(t --std 'word_count(1)')"
is 'no such advice' 'jq: 1 compile error' "$(tail -n 1 "$scratch/err")"
is 'lines are the user'"'"'s' 0 "$(t --std '.a = (.a | to_int) |
    .b = $__loc__.line')"
is 'in the filter, too' '{"a":1,"b":2}' "$(out)"
is 'a syntax error' 78 "$(t --std '.a | to_int
    | if then')"
like 'its line too' '<top-level>, line 2:' "$(cat "$scratch/err")"
# Rejects find room behind many outputs.
seq 1 1000 | sed 's/.*/{"a":&}/' >"$scratch/in"
is 'more out than in' 0 "$(t --max-record 100 'if .a % 25 == 0 then
    error("x" * 3000) else range(430) | {a: ("y" * 60)} end')"
is 'all records pass' $((960 * 430)) "$(wc -l <"$scratch/out")"
is 'all messages stand' 40 "$(jq -r .message "$scratch/3" |
    grep -c '^xxxxxxxxxx')"
done_testing
