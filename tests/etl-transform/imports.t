#!/bin/sh
# A filter reads no module and no data file outside the directories of -L.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh
cd "$scratch"

mkdir -p lib/parts outside home
echo '{"n":1}' >in
echo '{"secret":1}' >outside/evil.json
echo 'def f: "outside";' >outside/m.jq
echo 'def home: 5;' >home/.jq
echo 'def f: "inside";' >lib/ok.jq
echo '[1]' >lib/data.json
echo '[2]' >lib/parts/part.json
echo 'import "part" as $x {search: "./parts"}; import "ok" as o;
    def f: [$x, o::f];' >lib/below.jq
ln -s ../outside/evil.json lib/link.json
ln -s ../outside lib/folder
ln -s ok.jq lib/same.jq
echo 'import "evil" as $x {search: "../outside"}; def f: $x;' >lib/search.jq
printf '%s\n' 'import "evil" as $x {"sea\u0072ch": "'"$PWD"'/outside"};
    def f: $x;' >lib/escape.jq
echo 'import "../outside/evil" as $x; def f: $x;' >lib/up.jq
echo 'import "up" as u; def f: u::f;' >lib/chain.jq
printf '# x\rimport "up" as u; def f: 1;\n' >lib/return.jq
printf 'def f: 1;\0' >lib/nul.jq

# imports FILTER: prints the exit code of etl-transform -L lib FILTER.
imports() {
	HOME=$PWD/home status etl-transform -L lib --allow env "$1" in
}
while IFS='|' read -r wanted filter; do
	is "a filter can read in the directory of -L: $filter" \
	    "0 $wanted" "$(imports "$filter") $(cat out)"
done <<'EOF'
{"b":[[1]]}|import "data" as $x; {b: $x}
{"b":"inside"}|import "ok" as m; {b: m::f}
{"b":"inside"}|include "ok"; {b: f}
{"b":"inside"}|import "ok" as m {version: 1}; {b: m::f}
{"b":"inside"}|import "same" as m; {b: m::f}
{"b":[[[2]],"inside"]}|import "below" as m; {b: m::f}
EOF
while read -r filter; do
	is "a filter cannot read elsewhere: $filter" '78' \
	    "$(imports "$filter")"
	is 'nothing of the file is printed' 0 "$(cat out err | grep -c secret)"
done <<'EOF'
import "../outside/evil" as $x; {b: $x}
import "\u002e./outside/evil" as $x; {b: $x}
import "parts/../../outside/evil" as $x; {b: $x}
import "parts\u002f..\u002f../outside/evil" as $x; {b: $x}
import "evil" as $x {search: "./outside"}; {b: $x}
import "evil" as $x {"search": ["./outside"]}; {b: $x}
import "evil" as $x {"sea\u0072ch": "./outside"}; {b: $x}
import "evil" as $x {("sea" + "rch"): "./outside"}; {b: $x}
import "evil" as $x {search: "$ORIGIN/outside"}; {b: $x}
import "link" as $x; {b: $x}
import "folder/evil" as $x; {b: $x}
import "folder/m" as m; {b: m::f}
include "folder/m"; {b: f}
import "search" as m; {b: m::f}
import "escape" as m; {b: m::f}
import "up" as m; {b: m::f}
import "chain" as m; {b: m::f}
import "ok" as m; import "chain" as n; {b: n::f}
import "return" as m; {b: m::f}
import "nul" as m; {b: m::f}
{b: home}
{b: $__prog_args}
EOF
is 'the name of the whole path is not searched from the root' 78 \
    "$(imports "import \"${PWD#/}/outside/evil\" as \$x; {b: \$x}")"
like 'the message says which file and import are refused' \
    'lib/up\.jq: import "\.\./outside/evil": modules are only searched' \
    "$(imports 'import "chain" as m; .' && cat err)"

# While the filter runs, it reads no file.
for call in '"ok" | modulemeta' '"../outside/m" | modulemeta'; do
	is "modulemeta is an error: $call" '0 modulemeta: a filter cannot read files' \
	    "$(status etl-transform -L lib --max-rejects 9 --rejects rejects \
	    "{b: ($call)}" in) $(jq -r .message rejects)"
	rm -f rejects
done
is 'input_filename is null, and env is empty' '{"b":[null,{},{}]}' \
    "$(etl-transform '{b: [input_filename, env, $ENV]}' in 2>err)"
done_testing
