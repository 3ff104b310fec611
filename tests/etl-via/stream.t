#!/bin/sh
# What a command inside a stream does to it: marks, counts, rejects, and every
# way in which it may end.
# shellcheck disable=SC2016 # the commands' own $
. tests/support/lib.sh

cd "$scratch"
# begin [MEMBERS]; a boundary: KIND MEMBERS OUT [REJECTED].
begin() {
	printf '{"@etl":"begin","v":1,"id":"b1"%s,"stages":["extract"]}\n' "${1:-}"
}
boundary() {
	printf '{"@etl":"%s"%s,"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":%d}]}\n' \
	    "$1" "$2" "$3" "${4:-0}"
}
checkpoint() {
	boundary checkpoint ",\"name\":\"c\",\"seq\":$1,\"from\":null,\"version\":0,\"value\":\"$2\",\"x\":1.0" "$3" "${4:-0}"
}
reject='{"@etl":"reject","v":1,"id":"i","stage":"extract","code":"parse","raw":"{"}'
{
	begin
	echo '{"n":3}'
	echo "$reject"
	echo '{"n":1}'
	checkpoint 1 a 2 1
	echo '{"@etl":"future","x":[1]}'
	echo '{"n":2,"big":1.00}'
	checkpoint 4 b 3 1
	echo '{"n":4}'
	boundary end ',"seq":4' 4 1
} >whole
# kinds FILE: what its lines are, in order.
kinds() {
	jq -r '."@etl" // .n // keys[0]' "$1" | tr '\n' ' ' | sed 's/ $//'
}
# counts of via in the mark of KIND.
counts() {
	jq -c "select(.\"@etl\" == \"$1\") | .stages[] |
	    select(.stage | startswith(\"via\")) |
	    [.in, .out, .dropped, .rejected]" out | tr -d '\n'
}
via() {
	status etl-via "$@" <"${in:-whole}"
}
told() {
	like "$1: says so" "$2" "$(cat err)"
	like "$1: and in the stream" '^\{"@etl":"failed","stage":"via","code":'"$3" \
	    "$(tail -n 1 out)"
	is "$1: no boundary" 0 "$(grep -Ec '"(end|checkpoint|resolve)"' out)"
}

is 'sort' 0 "$(via sort)"
is 'sort: marks go round it, the last checkpoint and end come last' \
    'begin reject future 1 2 3 4 checkpoint end' "$(kinds out)"
is 'sort: begin has its name' '["extract","via"]' \
    "$(head -n 1 out | jq -c .stages)"
is 'sort: the checkpoint that went through' \
    '{"@etl":"checkpoint","name":"c","seq":4,"from":null,"version":0,"value":"b","x":1.0,"stages":[{"stage":"extract","in":0,"out":4,"dropped":0,"rejected":1},{"stage":"via","in":4,"out":4,"dropped":0,"rejected":0}]}' \
    "$(grep checkpoint out)"
is 'sort: digits stay' '{"n":2,"big":1.00}' "$(grep big out)"
is 'drops' 0 "$(via jq -c 'select(.n > 2)')"
is 'drops: counts of end' '[4,2,2,0]' "$(counts end)"
is 'drops: counts of the checkpoint are those of end' '[4,2,2,0]' \
    "$(counts checkpoint)"
is 'adds' 0 "$(via jq -c '., .')"
is 'adds: counts' '[4,8,0,0]' "$(counts end)"
is 'one record of all' 0 "$(via jq -sc '{n: length}')"
is 'one record of all: counts' '[4,1,3,0]' "$(counts end)"
is 'miller' 0 "$(via mlr --ijsonl --ojsonl sort -nr n)"
is 'miller: in its order' 'begin reject future 4 3 2 1 checkpoint end' \
    "$(kinds out)"
is 'the same stage twice' 0 "$(etl-via cat <whole | status etl-via cat)"
is 'the same stage twice: names' '["extract","via","via.2"]' \
    "$(tail -n 1 out | jq -c '[.stages[].stage]')"
is 'the same stage twice: counts' '[4,4,0,0][4,4,0,0]' "$(counts end)"
is 'the next stage checks it' 0 "$(etl-via sort <whole |
    status etl-transform .)"

# Lines of any form.
is 'blank lines, CR, no LF at the end' 0 \
    "$(via sh -c 'cat; printf "\n  \n{\"n\":8}\r\n{\"n\":9}"')"
is 'blank lines and the like: all records' \
    'begin reject future 3 1 2 4 8 9 checkpoint end' "$(kinds out)"
is 'blank lines and the like: counts' '[4,6,0,0]' "$(counts end)"
is 'no JSON passes, the next stage judges' 0 "$(via sh -c 'cat; echo "{"')"
is 'no JSON: as it is' '{' "$(grep -x '{' out)"

# How it may end.
is 'a bad status' 69 "$(via sh -c 'cat; exit 3')"
told 'a bad status' '^etl-via: sh: exited with status 3' 69
is 'what it wrote before' 4 "$(grep -c '"n"' out)"
is 'a status in --ok' 0 "$(via --ok 0,3 sh -c 'cat; exit 3')"
is 'status 0 may be no success' 69 "$(via --ok 3 cat)"
is 'grep without a match' 69 "$(via grep nothing)"
is 'grep without a match, --ok 0,1' 0 "$(via --ok 0,1 grep nothing)"
is 'grep without a match: counts' '[4,0,4,0]' "$(counts end)"
is 'a signal' 69 "$(via --ok 0,137 sh -c 'cat >/dev/null; kill -9 $$')"
told 'a signal' '^etl-via: sh: killed by signal KILL' 69
is 'reads nothing' 69 "$(via true)"
told 'reads nothing' '^etl-via: true: did not read all' 69
is 'reads nothing, all written before it ends' 69 "$(via sleep 0.3)"
is 'fails at once' 69 "$(via false)"
told 'fails at once: the status is the cause' 'status 1' 69
is 'not there' 78 "$(via ./no-such-command)"
told 'not there' '^etl-via: ./no-such-command: cannot be run: No such' 78
: >plain-file
is 'not executable' 78 "$(via ./plain-file)"
is 'a folder' 78 "$(via .)"
{ begin; seq 1 50000 | sed 's/.*/{"n":&}/'; boundary end '' 50000; } >large
in=large
is 'head' 69 "$(via head -n 5)"
told 'head' '^etl-via: head: did not read all' 69
is 'head: what it wrote' 5 "$(grep -c '"n"' out)"
is 'dies half-way' 69 "$(via sh -c 'head -n 5; exit 4')"
told 'dies half-way: its status, not what it left' 'exited with status 4' 69
is 'jq dies of a record' 69 \
    "$(via jq -c 'if .n == 50000 then error else . end')"
told 'jq dies of a record' 'jq: exited with status 5' 69
in=whole
is 'a mark forged' 76 "$(via sh -c 'cat; echo "{\"@etl\":\"end\"}"')"
told 'a mark forged' 'sh: line 5 of its output begins with .*@etl' 76
is 'a mark forged, spelled otherwise' 76 \
    "$(via sh -c 'printf " { \"\\\\u0040etl\" :\"end\"}"; cat')"
is 'a line too long' 69 "$(via --max-record 1KiB sh -c 'cat; seq -s, 1 999')"
told 'a line too long' 'sh: line 5 .* 3887 bytes, more than --max-record' 69
is 'objects over many lines' 69 "$(via jq .)"
told 'objects over many lines' \
    'jq: the first line of its output is not JSON; .*jq -c.*: \{' 69
is 'a table' 69 "$(via mlr --ijsonl --ocsv cut -f n)"
is 'no JSON further on is of one record' 0 \
    "$(via sh -c 'cat; echo "{"; echo 7')"

# Streams that are not whole.
sed '$d' whole >short
in=short
is 'cut' 75 "$(via cat)"
told 'cut' 'cut off' 75
{ cat short; echo '{"@etl":"failed","stage":"extract","code":66,"message":"gone"}'; } >failed
in=failed
is 'failed before' 66 "$(via cat)"
is 'failed before: passed on' "$(tail -n 1 failed)" "$(tail -n 1 out)"
is 'failed before: told' 'etl-via: extract: gone' "$(cat err)"
{ begin; boundary end '' 0; } >empty
in=empty
is 'no records' 0 "$(via sort)"
is 'no records: counts' '[0,0,0,0]' "$(counts end)"
is 'no records: the command is run all the same' 69 "$(via grep x)"
cat whole whole >two
in=two
is 'two streams, one after the other' 0 "$(via sort)"
is 'two streams: a command for each' \
    'begin reject future 1 2 3 4 checkpoint end begin reject future 1 2 3 4 checkpoint end' \
    "$(kinds out)"
is 'two streams: counts start anew' '[4,4,0,0][4,4,0,0]' "$(counts end)"

# A replay: what comes of a letter stays with it.
resolve() {
	boundary resolve ",\"id\":\"$1\",\"seq\":$1,\"seen\":1,\"upto\":0" "$2"
}
{
	begin ',"replay":true,"pipeline":"p","stage":"transform"'
	echo '{"n":3}'
	echo '{"n":1}'
	resolve 1 2
	resolve 2 2
	echo '{"n":2}'
	resolve 3 3
	boundary end ',"seq":3' 3
} >replay
in=replay
is 'a replay' 0 "$(via sort)"
is 'a replay: sorted by letter' 'begin 1 3 resolve resolve 2 resolve end' \
    "$(kinds out)"
is 'a replay: the name of the letters' '["extract","transform"]' \
    "$(head -n 1 out | jq -c .stages)"
is 'a replay that drops and adds' 0 \
    "$(via jq -c 'if .n == 3 then empty else ., ., . end')"
is 'a replay that drops and adds: counts go up' \
    '[2,3,0][2,3,0][3,6,0][3,6,0]' "$(jq -c 'select(.seq) | .stages[1] |
    [.in, .out, .dropped]' out | tr -d '\n')"
is 'a replay that drops a letter' 0 "$(via jq -c 'select(.n == 2)')"
is 'a replay that drops a letter: counts' '[2,0,2][2,0,2][3,1,2][3,1,2]' \
    "$(jq -c 'select(.seq) | .stages[1] | [.in, .out, .dropped]' out |
    tr -d '\n')"
is 'a replay, a letter fails' 69 \
    "$(via jq -c 'if .n == 2 then error else . end')"
is 'a replay, a letter fails: those before are done' \
    'begin 3 1 resolve resolve failed' "$(kinds out)"

# What is no record.
{
	begin
	echo '{"n":1}'
	echo '{"n":'
	echo '[1]'
	echo '{"n":2,"n":3}'
	printf '{"n":4,"long":"%s"}\n' "$(seq -s, 1 999)"
	echo '{"n":5}'
	boundary end '' 6
} >odd
in=odd
is 'odd lines' 0 "$(via --max-record 1KiB --max-rejects 9 cat)"
is 'odd lines: rejects of this stage' \
    'via parse,via type,via duplicate_member,via too_long' \
    "$(jq -r 'select(.code) | "\(.stage) \(.code)"' out | paste -sd,)"
is 'odd lines: the rest passes' '{"n":1},{"n":5}' \
    "$(grep '^{"n"' out | paste -sd,)"
is 'odd lines: counts' '[6,2,0,4]' "$(counts end)"
is 'odd lines: their bytes' '{"n":' \
    "$(jq -r 'select(.code == "parse") | .raw' out)"
is 'a name twice may pass' 0 \
    "$(via --duplicate-members last --max-rejects 9 cat)"
is 'a name twice: as it is' 1 "$(grep -cx '{"n":2,"n":3}' out)"
is 'a limit' 1 "$(via --max-rejects 1 cat)"
is 'a limit: failed' '["failed","via",1]' "$(tail -n 1 out |
    jq -c '[."@etl", .stage, .code]')"
is 'aside' 0 "$(status sh -c 'etl-via --rejects r cat <odd')"
is 'aside: counted so' '[3,3]' "$(tail -n 1 out | jq -c '.stages[1] |
    [.out, .aside]')"
is 'aside: lines' 3 "$(wc -l <r)"

# Plain streams.
printf 'no JSON\nb\n{"@etl":"future"}\na' >lines
in=lines
is 'plain' 0 "$(via sort)"
is 'plain: as if it were not there' '{"@etl":"future"},a,b,no JSON' \
    "$(paste -sd, out)"
is 'plain: a status' 69 "$(via sh -c 'exit 9')"
: >nothing
in=nothing
is 'plain, empty' 0 "$(via wc -l)"
is 'plain, empty: the command speaks' 0 "$(cat out)"
in=whole
is 'plain asked for' 0 "$(via --plain --rejects r2 --max-rejects 99 sort)"
is 'plain asked for: marks are reserved' 6 "$(grep -c reserved r2)"
is 'plain asked for: the rest' 4 "$(wc -l <out)"

# Inside a run.
is 'in a run, no begin' 76 "$(echo '{}' | ETL_RUN=r status etl-via cat)"
is 'in a run, nothing at all' 75 "$(: | ETL_RUN=r status etl-via wc -l)"
is 'in a run, nothing at all: only failed' '["failed",75]' \
    "$(jq -c '[."@etl", .code]' out)"
is 'in a run, a file' 0 "$(printf '{"n":2}\n{"n":1}\n' >f
    ETL_RUN=r status etl-via sort <f)"
is 'in a run, a file: the stream starts here' 'begin 1 2 end' "$(kinds out)"
is 'in a run, a file: counts' '[2,2,0,0]' "$(counts end)"

# Options.
for ok in '' ',' '0,' 256 1,x '1,,2' -1 ' 1'; do
	is "--ok '$ok'" 64 "$(via "--ok=$ok" cat)"
done
is 'no CMD' 64 "$(via)"
is 'no CMD: failed says so in one line' \
    'no CMD: give a command, such as etl-via jq -c FILTER' \
    "$(tail -n 1 out | jq -r .message)"
is 'options of CMD are its own' 0 "$(via sh -c 'cat; : "$1"' --ok x)"
is 'options of CMD, without --' 0 "$(via jq --compact-output .)"
cd "$top"
done_testing
