#!/bin/sh
# The filter: outputs, drops and rejects, options, and filters that jq does not
# compile.
# shellcheck disable=SC2016 # jq's variables, not the shell's
. tests/support/lib.sh

# transform ARG...: prints the exit status of etl-transform on the input in; its
# output is in out, its rejects are in rej as [code, message, pointer, line].
transform() {
	: >"$scratch/3"
	status etl-transform --max-rejects 1000 --rejects "$scratch/3" "$@" \
	    <"$scratch/in"
	jq -c '[.code, .message, .pointer, .origin.line]' "$scratch/3" \
	    >"$scratch/rej"
}
print_output() {
	cat "$scratch/out"
}
print_rejects() {
	cat "$scratch/rej"
}
write_input() {
	printf '%s\n' "$@" >"$scratch/in"
}

write_input '{"a":1}' '{"a":2}' '{"a":3}' '{"a":4}'
is 'the filter . succeeds' 0 "$(transform .)"
is 'the filter . passes all records' "$(cat "$scratch/in")" "$(print_output)"
is 'a filter may write, drop and reject records' \
    0 "$(transform 'if .a == 1 then ., . elif .a == 2 then empty
    elif .a == 3 then error("no \(.a)") else error(null) end')"
is 'two outputs come out; dropped and rejected records do not' '{"a":1}
{"a":1}' "$(print_output)"
is 'the reject has the message of error and the line of its record' \
    '["filter","no 3",null,3]' "$(print_rejects)"
is 'an error after an output succeeds with a reject' \
    0 "$(transform 'if .a == 2 then ., error("x") else .
    end')"
is 'an error after an output withholds the output of its record' '{"a":1}
{"a":3}
{"a":4}' "$(print_output)"
is 'an error after an output rejects the record once' \
    '["filter","x",null,2]' "$(print_rejects)"
is 'a message with NUL rejects the record' \
    0 "$(transform 'select(.a == 1) | error("a\u0000b")')"
is 'NUL in a message is written as \u0000' \
    '["filter","a\\u0000b",null,1]' "$(print_rejects)"
is 'reject with NUL in its code rejects the record' \
    0 "$(transform --std 'select(.a == 1) |
    reject("a\u0000b"; "m"; "/p\u0000q")')"
like 'a code with NUL is taken as an error of the filter' \
    '^\["filter","{\\"@etl' "$(print_rejects)"
is 'a long message rejects the record' \
    0 "$(transform 'select(.a == 1) | error("é" * 90000)')"
is 'a long message is cut, but keeps more than 1,000 characters' \
    '["filter",1]' "$(jq -c '[.code,
    (.message | test("^é{1000}"; null) | if . then 1 else 0 end)]' \
    "$scratch/3")"
is 'error of an object rejects the record' \
    0 "$(transform 'select(.a == 1) | error')"
is 'the message of error of an object is this object as JSON' \
    '["filter","{\"a\":1}",null,1]' "$(print_rejects)"
is 'an error of jq itself rejects the record' \
    0 "$(transform 'select(.a == 1) | .a.b')"
is 'the reject keeps the message of jq' \
    '["filter","Cannot index number with string \"b\"",null,1]' \
    "$(print_rejects)"
is 'an output that is not an object rejects the record' \
    0 "$(transform 'select(.a == 1) | .a')"
like 'an output that is a number has the code type' \
    '^\["type",".*number",null,1\]$' "$(print_rejects)"
is 'an output whose first member is @etl rejects the record' \
    0 "$(transform 'select(.a == 1) | {"@etl":"end"}')"
like 'an output that looks like a mark has the code reserved' \
    '^\["reserved",' "$(print_rejects)"
is 'an output that looks like a mark is not written' '' "$(print_output)"
is '@etl behind another member is accepted' \
    0 "$(transform 'select(.a == 1) | {a,"@etl":"end"}')"
is '@etl behind another member is a member as any other' \
    '{"a":1,"@etl":"end"}' "$(print_output)"
is 'halt and halt_error do not end etl-transform' \
    0 "$(transform 'if .a == 2 then halt elif .a == 3 then
    "x\n" | halt_error else . end')"
is 'the records after halt come out' '{"a":1}
{"a":4}' "$(print_output)"
is 'halt rejects its record, with a message that says so' \
    '["filter","the filter called halt: this rejects the record and does not end the stream",null,2]
["filter","the filter called halt: this rejects the record and does not end the stream",null,3]' "$(print_rejects)"
is 'a filter may call input and inputs' \
    0 "$(transform '.b = [inputs] | .c = (try input catch "none")')"
is 'input and inputs give no record' \
    '{"a":1,"b":[],"c":"none"}' "$(print_output | head -n 1)"
is 'a filter may call debug and stderr' \
    0 "$(transform 'select(.a < 3) | debug | .a | stderr | {}')"
is 'debug and stderr print to standard error' '["DEBUG:",{"a":1}]
1["DEBUG:",{"a":2}]
2' "$(cat "$scratch/err")"
write_input '{"a":"x y","b":[0.5,"z"]}'
is 'stderr accepts a string and an array' \
    0 "$(transform '(.a | stderr), .b | stderr | {}')"
is 'stderr prints what the installed jq prints' \
    "$(jq '(.a | stderr), .b | stderr | empty' <"$scratch/in" 2>&1)" \
    "$(cat "$scratch/err")"
write_input '{"a":1}' '{"a":2}' '{"a":3}' '{"a":4}'
is 'debug may be used beside the functions of module etl' \
    0 "$(transform --std 'select(.a == 1) | {a: "5"} |
    debug | {a: (.a | debug | to_int | debug)}')"
is 'debug prints only the values that the filter gives to it' \
    '["DEBUG:",{"a":"5"}]
["DEBUG:","5"]
["DEBUG:",5]' "$(cat "$scratch/err")"
is 'a function of module etl between two debug computes its value' \
    '{"a":5}' "$(print_output)"
is 'a string that looks like a call of module etl succeeds' \
    0 "$(transform --std 'select(.a == 1) |
    {b: ("x:to_int" | debug | (try input catch "none"))}')"
is 'debug prints a string that looks like a call of module etl' \
    '["DEBUG:","x:to_int"]' "$(cat "$scratch/err")"
is 'a string that looks like a call of module etl calls nothing' \
    '{"b":"none"}' "$(print_output)"

# Lines that are not records.
write_input '{"a":1}' 'x' '' '[1]' '"s"' '{"a":1,"a":2}' '{"a":"\ud800"}' \
    '{"a":[0,{"b/c":"x\udc00y"}]}' '{"@etl":"end"}' '{"a":"\u0000é"}' \
    '{"\udfff":1}' '{"a\u002f\"\u00e9~\u0000":["\ud800"]}'
printf '{"a":"\377"}\n{"b":1}' >>"$scratch/in"
is 'lines that are not records succeed with rejects' 0 "$(transform --plain .)"
is 'the records between bad lines pass' '{"a":1}
{"a":"\u0000é"}
{"b":1}' "$(print_output)"
is 'each bad line is a reject with its code, line and pointer' 'parse 2 null
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
is 'the reject of a bad line keeps its bytes' "$(sed -n 8p "$scratch/in")" \
    "$(sed -n 6p "$scratch/3" | jq -r .raw)"
write_input '{"a":1,"b":2,"a":3}'
is '--duplicate-members last accepts a member name twice' \
    0 "$(transform --duplicate-members last .)"
is '--duplicate-members last: the last value wins' \
    '{"a":3,"b":2}' "$(print_output)"

# Records of the largest length, and beyond it.
write_input '{"a":"1234567890"}' '{"a":"12345678901"}' '{"a":"1"}'
is '--max-record succeeds with rejects' \
    0 "$(transform --max-record 18 '.a += "x"')"
is 'records longer than --max-record are neither read nor written' \
    '{"a":"1x"}' "$(print_output)"
like 'an output longer than --max-record has the code too_long' \
    '"too_long",.*,1\]' "$(sed -n 1p "$scratch/rej")"
like 'an input longer than --max-record has the code too_long' \
    '"too_long",.*,2\]' "$(sed -n 2p "$scratch/rej")"
head -c 1000000 /dev/zero | tr '\0' x >"$scratch/x"
{ printf '{"a":"'; cat "$scratch/x"; printf '"}\n{"a":"y"}\n'; } >"$scratch/in"
is 'a record of 1 MB succeeds' 0 "$(transform '., .')"
is 'a record of 1 MB comes out twice' \
    "$(sed p "$scratch/in" | cksum)" "$(print_output | cksum)"
{
	printf '{"a":"'
	i=0
	while [ $i -lt 16 ]; do
		cat "$scratch/x"
		i=$((i + 1))
	done
	printf '"}\n{"a":"y"}\n'
} >"$scratch/in"
is 'a record of 16 MB succeeds' 0 "$(transform '{b: .a}')"
is 'a record of 16 MB comes out whole' \
    "$(sed 's/"a"/"b"/' "$scratch/in" | cksum)" "$(print_output | cksum)"
is 'an output of eight times 16 MB succeeds with a reject' \
    0 "$(transform '(.,.,.,.), (.,.,.,.)')"
like 'the reject says that the filter wrote too much output' \
    '^\["timeout",".*too much output.*",null,1\]$' "$(print_rejects)"
is 'the record after one with too much output passes' \
    '{"a":"y"}' "$(print_output | sort -u)"
is 'an empty input is no error' 0 "$(etl-transform . </dev/null; echo $?)"

# Records of the largest depth, and beyond it.
record_of_depth() {
	printf '{"a":%s1%s}' \
	    "$(head -c "$1" /dev/zero | tr '\0' '[')" \
	    "$(head -c "$1" /dev/zero | tr '\0' ']')"
}
write_input "$(record_of_depth 255)" "$(record_of_depth 256)" '{}'
is 'deep records succeed with rejects' 0 "$(transform .)"
is 'a record of 256 levels passes' "$(record_of_depth 255)
{}" "$(print_output)"
like 'a record of 257 levels has the code depth' \
    '^\["depth",.*,2\]$' "$(print_rejects)"
is 'a filter that makes a record deeper succeeds with rejects' \
    0 "$(transform '{a: .}')"
is 'an output of 257 levels is not written' '{"a":{}}' "$(print_output)"
like 'an output of 257 levels has the code depth' \
    '^\["depth",.*,1\]$' "$(sed -n 1p "$scratch/rej")"

# Options.
write_input '{"a":1}'
echo '.b = $x' >"$scratch/f.jq"
is '-f and --arg are accepted' 0 "$(transform --arg x '1"' -f "$scratch/f.jq")"
is '--arg gives the filter a string' '{"a":1,"b":"1\""}' "$(print_output)"
is '--argjson is accepted' \
    0 "$(transform '.b = $x' --argjson x '{"c":[1,null]}')"
is '--argjson gives the filter a JSON value' \
    '{"a":1,"b":{"c":[1,null]}}' "$(print_output)"
printf '1 {"k":2}\n[3]' >"$scratch/values"
is '--slurpfile is accepted' \
    0 "$(transform --slurpfile x "$scratch/values" '.b = $x')"
is '--slurpfile gives the filter the values of a file' \
    '{"a":1,"b":[1,{"k":2},[3]]}' "$(print_output)"
is '$ARGS is accepted' \
    0 "$(transform --arg x 1 --argjson y 2 '{b: $ARGS.named}')"
is '$ARGS.named has the variables of --arg and --argjson' \
    '{"b":{"x":"1","y":2}}' "$(print_output)"
mkdir "$scratch/lib"
echo 'def three: 3; def all: debug | to_int;' >"$scratch/lib/bad.jq"
echo 'def three: 3;' >"$scratch/lib/m.jq"
echo '{"k":4}' >"$scratch/lib/d.json"
is '-L is accepted' \
    0 "$(transform -L "$scratch/lib" 'import "m" as m; import "d" as $d;
    import "etl" as etl; {a: m::three, b: $d, c: ("5" | etl::to_int)}')"
is 'import finds modules and data in the directory of -L' \
    '{"a":3,"b":[{"k":4}],"c":5}' "$(print_output)"
is 'include is accepted' \
    0 "$(transform -L "$scratch/lib" 'include "m"; include "etl";
    {a: three, b: (" x " | normalize_text)}')"
is 'include makes the names of a module usable without a prefix' \
    '{"a":3,"b":"x"}' "$(print_output)"
is 'env and $ENV are accepted' \
    0 "$(SECRET=s transform '{a: env, b: $ENV, c: env.SECRET}')"
is 'env and $ENV are empty without --allow env' \
    '{"a":{},"b":{},"c":null}' "$(print_output)"
# count_env_warnings FILTER: the warnings that env is empty without --allow env.
count_env_warnings() {
	echo '{"k":1}' | etl-transform --max-rejects 1 "$1" 2>&1 >/dev/null 3>&1 |
	    grep -c 'warning: the filter reads the environment .*--allow env'
}
for filter in '{a:env.X}' '{a:env}' '{a: env.X}' '{a: $ENV.X}' '{a: [1, env]}' '{a: env }' \
    '{a: "\(env.X)"}' '{a: "x\("\(env)")y"}' '{a: 1} # x
    | .b = env.Y' '{a: ("b\"" | . + env.X)}'; do
	is "env without --allow env warns: $filter" 1 "$(count_env_warnings "$filter")"
done
for filter in 'import "m" as m; {a: m::env}' '{a: .env}' '{env # x
    : 1}' '{env: 1}' '{env}' '{k, env, b: 2}' '{a: "env"}' \
    '. # env' 'def env: 1; .' '. as $env | .' '{a: "\(1) env"}' \
    '{a: environment}; def environment: 1; .' '{a: ."env"}'; do
	is "no use of env, no warning: $filter" 0 "$(count_env_warnings "$filter")"
done
is '--allow env accepts env' 0 "$(transform --allow env '{a: env.X}')"
is '--allow env prints no warning' '' "$(cat "$scratch/err")"
is '--allow env accepts env and $ENV' \
    0 "$(SECRET=s transform --allow env '{a: env.SECRET, b: $ENV.SECRET}')"
is '--allow env gives the filter the environment' \
    '{"a":"s","b":"s"}' "$(print_output)"
is 'a file .jq in HOME does not stop etl-transform' 0 "$(
    echo 'def length: "hacked";' >"$scratch/.jq"
    HOME=$scratch transform --allow env '{a: ("abc" | length)}')"
is 'a file .jq in HOME is not read, also with --allow env' \
    '{"a":3}' "$(print_output)"
is 'modulemeta is accepted' \
    0 "$(transform '{a: ("x" | try modulemeta catch 1)}')"
is 'modulemeta reads no file' '{"a":1}' "$(print_output)"

# Command lines and filters with which etl-transform does not start.
# fails CODE ARG...: this command line exits with CODE.
fails() {
	code=$1
	shift
	is "etl-transform $* exits with $code" \
	    "$code" "$(status etl-transform "$@" <"$scratch/in")"
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
is 'an import outside the directory of -L exits with 78' \
    78 "$(transform -L "$scratch/lib" \
    'import "m" as m {search: "/etc"}; .')"
printf '. #\0' >"$scratch/f.jq"
is 'NUL in a filter file exits with 78' 78 "$(transform -f "$scratch/f.jq")"
printf 'import "etl" as etl;\n# one\n{a: 1,\n  b: nope}\n' >"$scratch/f.jq"
is 'an unknown function exits with 78' 78 "$(transform -f "$scratch/f.jq")"
is 'an unknown function is reported with its line in the file' \
    'etl-transform: filter: jq: error: nope/0 is not defined at <top-level>, line 4:
  b: nope}
  jq: 1 compile error' "$(cat "$scratch/err")"
is 'an unknown function exits with 78, also with --std' \
    78 "$(transform --std '{a: (.a | to_int),
    b: nope}')"
is 'an unknown function is reported with its line, also with --std' \
    'etl-transform: filter: jq: error: nope/0 is not defined at <top-level>, line 2:
    b: nope}
  jq: 1 compile error' "$(cat "$scratch/err")"
is 'an unknown function behind one of module etl exits with 78' \
    78 "$(transform --std '.a | to_int | nope')"
is 'the message shows no definition of module etl' \
    'etl-transform: filter: jq: error: nope/0 is not defined at <top-level>, line 1:
  .a | to_int | nope
  jq: 1 compile error' "$(cat "$scratch/err")"
echo '{}' >"$scratch/data.ndjson"
is 'a file in the place of the filter exits with 78' 78 \
    "$(cd "$scratch" && transform data.ndjson)"
like 'a file in the place of the filter: a warning says so' \
    'data.ndjson is a file, but the first argument is the FILTER' \
    "$(cat "$scratch/err")"
is 'a function of module etl without --std exits with 78' \
    78 "$(transform 'require(["a"])')"
is 'the message says to give --std or to import etl' \
    '  require is a function of the module etl: give --std, or begin with import "etl" as etl;' \
    "$(tail -n 1 "$scratch/err")"
is 'a name etl::to_int without an import exits with 78' \
    78 "$(transform '.a | etl::to_int')"
like 'the message says that to_int is a function of the module etl' \
    '^  to_int is a function of the module etl' \
    "$(tail -n 1 "$scratch/err")"
is 'a function of module etl with too many arguments exits with 78' \
    78 "$(transform --std 'word_count(1)')"
is 'the message does not advise --std for a wrong argument count' \
    '  jq: 1 compile error' "$(tail -n 1 "$scratch/err")"
is '$__loc__ is accepted with --std' 0 "$(transform --std '.a = (.a | to_int) |
    .b = $__loc__.line')"
is '$__loc__ gives the line of the filter of the user' \
    '{"a":1,"b":2}' "$(print_output)"
is 'a syntax error exits with 78' 78 "$(transform --std '.a | to_int
    | if then')"
like 'a syntax error is reported with the line of the filter' \
    '<top-level>, line 2:' "$(cat "$scratch/err")"
# A reject with a long message still has room after many outputs.
seq 1 1000 | sed 's/.*/{"a":&}/' >"$scratch/in"
is 'a filter that writes much and rejects much succeeds' \
    0 "$(transform --max-record 100 'if .a % 25 == 0 then
    error("x" * 3000) else range(430) | {a: ("y" * 60)} end')"
is 'all records of a filter that writes much come out' \
    $((960 * 430)) "$(wc -l <"$scratch/out")"
is 'the long messages of rejects between much output are whole' \
    40 "$(jq -r .message "$scratch/3" |
    grep -c '^xxxxxxxxxx')"
done_testing
