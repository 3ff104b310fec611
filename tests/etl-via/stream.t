#!/bin/sh
# A command inside a stream: marks pass it by, the counts are right, rejects go
# on, and every way in which the command may end has its exit code.
# shellcheck disable=SC2016 # the commands' own $
. tests/support/lib.sh

cd "$scratch"
# begin [MEMBERS]: the mark begin.
# boundary KIND MEMBERS OUT [REJECTED]: the mark KIND with these counts.
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
# kinds FILE: for each line the kind of its mark, or the n of its record.
kinds() {
	jq -r '."@etl" // .n // keys[0]' "$1" | tr '\n' ' ' | sed 's/ $//'
}
# counts KIND: the counts of the stages via in the marks of this kind.
counts() {
	jq -c "select(.\"@etl\" == \"$1\") | .stages[] |
	    select(.stage | startswith(\"via\")) |
	    [.in, .out, .dropped, .rejected]" out | tr -d '\n'
}
via() {
	status etl-via --marked "$@" <"${in:-whole}"
}
# fails_with LABEL ERE CODE: the message and the failed mark of the last via.
fails_with() {
	like "$1: the message names the cause" "$2" "$(cat err)"
	like "$1: a failed mark of code $3 ends the stream" \
	    '^\{"@etl":"failed","stage":"via","code":'"$3" \
	    "$(tail -n 1 out)"
	is "$1: no boundary is written" \
	    0 "$(grep -Ec '"(end|checkpoint|resolve)"' out)"
}

is 'a stream passes through sort' 0 "$(via sort)"
is 'sort gets the records only; the last checkpoint and end come last' \
    'begin reject future 1 2 3 4 checkpoint end' "$(kinds out)"
is 'the mark begin names the stage via' '["extract","via"]' \
    "$(head -n 1 out | jq -c .stages)"
is 'the last checkpoint passes with its members and the counts of via' \
    '{"@etl":"checkpoint","name":"c","seq":4,"from":null,"version":0,"value":"b","x":1.0,"stages":[{"stage":"extract","in":0,"out":4,"dropped":0,"rejected":1},{"stage":"via","in":4,"out":4,"dropped":0,"rejected":0}]}' \
    "$(grep checkpoint out)"
is 'the digits of a number stay as they were' \
    '{"n":2,"big":1.00}' "$(grep big out)"
is 'a command may drop records' 0 "$(via jq -c 'select(.n > 2)')"
is 'dropped records are counted in the mark end' '[4,2,2,0]' "$(counts end)"
is 'the checkpoint has the same counts as the mark end' '[4,2,2,0]' \
    "$(counts checkpoint)"
is 'a command may add records' 0 "$(via jq -c '., .')"
is 'added records are counted in the mark end' '[4,8,0,0]' "$(counts end)"
is 'a command may make one record of all records' \
    0 "$(via jq -sc '{n: length}')"
is 'one record of four counts as three dropped' '[4,1,3,0]' "$(counts end)"
is 'a stream passes through mlr' 0 "$(via mlr --ijsonl --ojsonl sort -nr n)"
is 'the records come out in the order of mlr' \
    'begin reject future 4 3 2 1 checkpoint end' \
    "$(kinds out)"
is 'a pipeline may have two stages via' \
    0 "$(etl-via --marked cat <whole | status etl-via cat)"
is 'the second stage via is named via.2' '["extract","via","via.2"]' \
    "$(tail -n 1 out | jq -c '[.stages[].stage]')"
is 'each of two stages via has its own counts' \
    '[4,4,0,0][4,4,0,0]' "$(counts end)"
is 'etl-transform accepts the stream of etl-via' 0 "$(etl-via --marked sort <whole |
    status etl-transform .)"

# The command may write its lines in any form; a line that is not JSON is
# left to the next stage.
is 'a command may write blank lines, CR LF and a last line without LF' 0 \
    "$(via sh -c 'cat; printf "\n  \n{\"n\":8}\r\n{\"n\":9}"')"
is 'blank lines are skipped and all records come out' \
    'begin reject future 3 1 2 4 8 9 checkpoint end' "$(kinds out)"
is 'blank lines are not counted' '[4,6,0,0]' "$(counts end)"
is 'a line that is not JSON passes if it is not the first' \
    0 "$(via sh -c 'cat; echo "{"')"
is 'a line that is not JSON passes unchanged' '{' "$(grep -x '{' out)"

# How the command may end, and the exit code of etl-via for it.
is 'a command that exits with 3 makes etl-via exit with 69' \
    69 "$(via sh -c 'cat; exit 3')"
fails_with 'a command that exits with 3' '^etl-via: sh: exited with status 3' 69
is 'the records that a failed command wrote come out' 4 "$(grep -c '"n"' out)"
is 'an exit status listed in --ok is a success' \
    0 "$(via --ok 0,3 sh -c 'cat; exit 3')"
is 'an exit status 0 that --ok does not list is a failure' \
    69 "$(via --ok 3 cat)"
is 'grep without a match is a failure' 69 "$(via grep nothing)"
is 'grep without a match is a success with --ok 0,1' \
    0 "$(via --ok 0,1 grep nothing)"
is 'grep without a match counts all records as dropped' \
    '[4,0,4,0]' "$(counts end)"
is 'a command killed by a signal is a failure, also if --ok lists 137' \
    69 "$(via --ok 0,137 sh -c 'cat >/dev/null; kill -9 $$')"
fails_with 'a command killed by a signal' \
    '^etl-via: sh: killed by signal KILL' 69
is 'a command that reads nothing is a failure' 69 "$(via true)"
fails_with 'a command that reads nothing' '^etl-via: true: did not read all' 69
is 'a command that leaves its input in the pipe unread is a failure' \
    69 "$(via sleep 0.3)"
is 'a command that exits with 1 at once is a failure' 69 "$(via false)"
fails_with 'a command that exits with 1 at once' 'status 1' 69
is 'a command that does not exist exits with 78' 78 "$(via ./no-such-command)"
fails_with 'a command that does not exist' \
    '^etl-via: ./no-such-command: cannot be run: No such' 78
: >plain-file
is 'a command that is not executable exits with 78' 78 "$(via ./plain-file)"
is 'a command that is a directory exits with 78' 78 "$(via .)"
{ begin; seq 1 50000 | sed 's/.*/{"n":&}/'; boundary end '' 50000; } >large
in=large
is 'head, which leaves input unread, is a failure' 69 "$(via head -n 5)"
fails_with 'head, which leaves input unread' \
    '^etl-via: head: did not read all' 69
is 'the five records that head wrote come out' 5 "$(grep -c '"n"' out)"
is 'a command that exits with 4 before it read all is a failure' \
    69 "$(via sh -c 'head -n 5; exit 4')"
fails_with 'a command that exits with 4 before it read all' \
    'exited with status 4' 69
is 'jq that fails at the last record is a failure' 69 \
    "$(via jq -c 'if .n == 50000 then error else . end')"
fails_with 'jq that fails at the last record' 'jq: exited with status 5' 69
in=whole
is 'a command that writes a mark exits with 76' \
    76 "$(via sh -c 'cat; echo "{\"@etl\":\"end\"}"')"
fails_with 'a command that writes a mark' \
    'sh: line 5 of its output begins with .*@etl' 76
is 'a mark written with an escape and spaces is found too' 76 \
    "$(via sh -c 'printf " { \"\\\\u0040etl\" :\"end\"}"; cat')"
is 'a line longer than --max-record exits with 69' \
    69 "$(via --max-record 1KiB sh -c 'cat; seq -s, 1 999')"
fails_with 'a line longer than --max-record' \
    'sh: line 5 .* 3887 bytes, more than --max-record' 69
is 'a JSON object on several lines exits with 69' 69 "$(via jq .)"
fails_with 'a JSON object on several lines' \
    'jq: the first line of its output is not JSON; .*jq -c.*: \{' 69
is 'CSV output exits with 69' 69 "$(via mlr --ijsonl --ocsv cut -f n)"
is 'lines that are not JSON after the first record are no failure' 0 \
    "$(via sh -c 'cat; echo "{"; echo 7')"

# Streams that are cut, failed, empty or follow each other.
sed '$d' whole >short
in=short
is 'a cut stream exits with 75' 75 "$(via cat)"
fails_with 'a cut stream' 'cut off' 75
{ cat short; echo '{"@etl":"failed","stage":"extract","code":66,"message":"gone"}'; } >failed
in=failed
is 'a stream that an earlier stage failed exits with its code, 66' \
    66 "$(via cat)"
is 'the failed mark of an earlier stage passes unchanged' \
    "$(tail -n 1 failed)" "$(tail -n 1 out)"
is 'the message repeats the failure of the earlier stage' \
    'etl-via: extract: gone' "$(cat err)"
{ begin; boundary end '' 0; } >empty
in=empty
is 'a stream without records passes' 0 "$(via sort)"
is 'a stream without records has counts of 0' '[0,0,0,0]' "$(counts end)"
is 'the command also runs for a stream without records' 69 "$(via grep x)"
cat whole whole >two
in=two
is 'two streams may follow each other' 0 "$(via sort)"
is 'the command runs once for each of two streams' \
    'begin reject future 1 2 3 4 checkpoint end begin reject future 1 2 3 4 checkpoint end' \
    "$(kinds out)"
is 'the counts of the second stream start at 0' \
    '[4,4,0,0][4,4,0,0]' "$(counts end)"

# A replay: the command runs for each letter, so that its output stays between
# the marks of this letter.
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
is 'a replay passes through sort' 0 "$(via sort)"
is 'in a replay the records of each letter are sorted alone' \
    'begin 1 3 resolve resolve 2 resolve end' \
    "$(kinds out)"
is 'in a replay the stage has the name of the stage of the letters' \
    '["extract","transform"]' \
    "$(head -n 1 out | jq -c .stages)"
is 'in a replay a command may drop and add records' 0 \
    "$(via jq -c 'if .n == 3 then empty else ., ., . end')"
is 'the counts of a replay go up from letter to letter' \
    '[2,3,0][2,3,0][3,6,0][3,6,0]' "$(jq -c 'select(.seq) | .stages[1] |
    [.in, .out, .dropped]' out | tr -d '\n')"
is 'in a replay a command may drop all records of a letter' \
    0 "$(via jq -c 'select(.n == 2)')"
is 'records dropped in a replay are counted at each letter' \
    '[2,0,2][2,0,2][3,1,2][3,1,2]' \
    "$(jq -c 'select(.seq) | .stages[1] | [.in, .out, .dropped]' out |
    tr -d '\n')"
is 'a command that fails at a letter makes the replay exit with 69' 69 \
    "$(via jq -c 'if .n == 2 then error else . end')"
is 'the letters before the one that failed are resolved' \
    'begin 3 1 resolve resolve failed' "$(kinds out)"

# Lines of the input that are not records become rejects of this stage.
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
is 'lines that are not records become rejects, no failure' \
    0 "$(via --max-record 1KiB --max-rejects 9 cat)"
is 'the rejects name the stage via and the cause' \
    'via parse,via type,via duplicate_member,via too_long' \
    "$(jq -r 'select(.code) | "\(.stage) \(.code)"' out | paste -sd,)"
is 'the records between rejected lines pass' '{"n":1},{"n":5}' \
    "$(grep '^{"n"' out | paste -sd,)"
is 'rejected lines are counted in the mark end' '[6,2,0,4]' "$(counts end)"
is 'a reject keeps the bytes of its line' '{"n":' \
    "$(jq -r 'select(.code == "parse") | .raw' out)"
is '--duplicate-members last accepts a member name twice' 0 \
    "$(via --duplicate-members last --max-rejects 9 cat)"
is 'a record with a member name twice passes unchanged' \
    1 "$(grep -cx '{"n":2,"n":3}' out)"
is 'more rejects than --max-rejects exit with 1' 1 "$(via --max-rejects 1 cat)"
is '--max-rejects exceeded: the stream ends with a failed mark of via' \
    '["failed","via",1]' "$(tail -n 1 out |
    jq -c '[."@etl", .stage, .code]')"
is 'rejects can go to the file of --rejects' \
    0 "$(status sh -c 'etl-via --rejects r cat <odd')"
is 'rejects in a file are counted as aside' \
    '[3,3]' "$(tail -n 1 out | jq -c '.stages[1] |
    [.out, .aside]')"
is 'the file of --rejects has a line for each reject' 3 "$(wc -l <r)"

# Plain streams pass unexamined.
printf 'no JSON\nb\n{"@etl":"future"}\na' >lines
in=lines
is 'a plain stream passes through sort' 0 "$(via sort)"
is 'a plain stream is not examined: every line passes' \
    '{"@etl":"future"},a,b,no JSON' \
    "$(paste -sd, out)"
is 'a plain stream: a command that exits with 9 makes 69' \
    69 "$(via sh -c 'exit 9')"
: >nothing
in=nothing
is 'an empty plain stream is no error' 0 "$(via wc -l)"
is 'the command also runs for an empty plain stream' 0 "$(cat out)"
in=whole
is '--plain reads a marked stream as plain' \
    0 "$(via --plain --rejects r2 --max-rejects 99 sort)"
is '--plain makes a reject (reserved) of every line with @etl' \
    6 "$(grep -c reserved r2)"
is '--plain passes the records' 4 "$(wc -l <out)"

# Inside a run of etl-run the stream must have its marks.
is 'in a run a stream without begin exits with 76' \
    76 "$(echo '{}' | ETL_RUN=r status etl-via cat)"
is 'in a run an input without a line exits with 75' \
    75 "$(: | ETL_RUN=r status etl-via wc -l)"
is 'in a run an input without a line gives only a failed mark' '["failed",75]' \
    "$(jq -c '[."@etl", .code]' out)"
is 'in a run standard input may be a plain file' \
    0 "$(printf '{"n":2}\n{"n":1}\n' >f
    ETL_RUN=r status etl-via sort <f)"
is 'in a run etl-via starts the stream of a plain file' \
    'begin 1 2 end' "$(kinds out)"
is 'in a run the records of a plain file are counted' \
    '[2,2,0,0]' "$(counts end)"

# Options.
for ok in '' ',' '0,' 256 1,x '1,,2' -1 ' 1'; do
	is "--ok '$ok' is refused with 64" 64 "$(via "--ok=$ok" cat)"
done
is 'a command line without CMD exits with 64' 64 "$(via)"
is 'without CMD the failed mark says what to give, in one line' \
    'no CMD: give a command, such as etl-via jq -c FILTER' \
    "$(tail -n 1 out | jq -r .message)"
is '--ok behind the command is an argument of the command' \
    0 "$(via sh -c 'cat; : "$1"' --ok x)"
is 'options of the command need no -- before them' \
    0 "$(via jq --compact-output .)"
cd "$top"
done_testing
