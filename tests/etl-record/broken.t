#!/bin/sh
# Streams that are not as etl-record(5) has them, through every program that
# reads one: each ends with the same status, passes no boundary on from the
# fault on, and moves nothing.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh
. tests/etl-record/streams.sh

cd "$scratch"
mkdir s
stream_next >next
{ stream_next; } >s/whole:0:
{ stream_next | sed 's/"title":"t4"/&,"@etl":"end"/'; } >'s/a member of that name, not the first:0:'
{ stream_next | sed 's/"checkpoint","name"/"che\\u0063kpoint","name"/'; } >'s/a kind with an escape:76:plain text'
stream_next | sed '4s/^/{"@etl":"future","v":9,"x":[1.0]}\n/; 1s/"v":1/&,"new":{"a":[1]}/' >'s/unknown marks and members:0:'
stream_next | sed 's/^{"@etl"/ { "\\u0040et\\u006c" /' >'s/marks spelled otherwise:0:'
stream_next | tr -d '\n' | sed 's/}{/}\r\n{/g' >'s/CR LF, none at the end:0:'
stream_next | sed '1s/"v":1/"v":2/' >'s/begin of version 2:76:version 2, newer'
stream_next | sed '3s/"v":1/"v":2/' >'s/a reject of version 2:76:version 2, newer'
stream_next | sed '5s/{/{/; 5s/"name"/"v":3,&/' >'s/a checkpoint of version 3:76:version 3, newer'
stream_next | sed '1s/"v":1/"v":0/' >'s/begin of version 0:76:broken begin mark'
stream_next | sed '1s/"v":1,//' >'s/begin without version:76:broken begin mark'
stream_next | sed '1s/,"stages".*/}/' >'s/begin without stages:76:broken begin mark'
stream_next | sed '1s/"id":"next"/"id":""/' >'s/begin without an id:76:broken begin mark'
stream_next | sed '1s/"extract"/"extract","extract"/' >'s/begin, a name twice:76:two stages of one name'
{ begin x | sed "s/\"extract\"/$(seq -s, 1 33 | sed 's/[0-9][0-9]*/"&"/g')/"; boundary end '' 0; } >'s/33 stages:76:too many stages|more than 32'
stream_next | sed 1d >'s/no begin:76:begin'
{ record 9; stream_next; } >'s/begin after a record:76:begin'
{ stream_next | sed '$d'; begin other; boundary end '' 0; } >'s/begin twice:76:begin'
{ stream_next; record 9; } >'s/a record after end:76:record after the end'
{ stream_next; reject 9; } >'s/a reject after end:76:reject after the end'
{ stream_next; checkpoint 3 '"1"' 1 9 5 2; } >'s/a checkpoint after end:76:after the end'
{ stream_next; stream_next | tail -n 1; } >'s/end twice:76:after the end'
stream_next | sed '5p' >'s/a checkpoint twice:76:seq does not go up'
stream_next | sed '9s/"seq":2/"seq":1/' >'s/a seq twice:76:seq does not go up'
stream_next | sed '$s/"seq":2/"seq":3/' >'s/end of another seq:76:another seq'
stream_next | sed '$s/"seq":2,//' >'s/end without seq:76:another seq'
stream_next | sed '5s/"seq":1,//' >'s/a checkpoint without seq:76:no seq'
stream_next | sed '5s/"seq":1/"seq":-1/' >'s/a negative seq:76:seq'
stream_next | sed '5s/"value":"3",//' >'s/a checkpoint without value:76:no value'
stream_next | sed '5s/"value":"3"/"value":3/' >'s/a value that is no text:76:value'
stream_next | sed '5s/"name":"c",//' >'s/a checkpoint without name:76:no name'
stream_next | sed '5s/"version":1/"version":"1"/' >'s/a version that is no number:76:version'
stream_next | sed '5s/"stages":.*/"stages":7}/' >'s/stages that are none:76:stages'
stream_next | sed '5s/"in":0,//' >'s/counts without in:76:broken checkpoint mark: in'
stream_next | sed '5s/"out":2/"out":2.5/' >'s/a count that is no integer:76:out'
stream_next | sed '5s/"seq":1/"seq":1,"seq":1/' >'s/a member twice:76:twice'
stream_next | sed '5s/}$//' >'s/a mark that is no JSON:76:broken mark'
stream_next | sed '5s/"checkpoint",/["checkpoint"],/' >'s/a kind that is no text:76:plain text'
stream_next | sed '3s/"stage":"extract",//' >'s/a reject without a stage:76:no stage'
stream_next | sed '$d' >'s/cut:75:cut off'
stream_next | sed '9,$d' >'s/cut in a segment:75:cut off'
{ stream_next | sed '$d'; printf '{"id":7,"tit'; } >'s/a record torn:75:cut off'
{ stream_next | sed '$d'; echo '{"@etl":"failed","stage":"extract","code":66,"message":"no such page"}'; } >'s/failed:66:extract: no such page'
{ stream_next | sed '$d'; echo '{"@etl":"failed","stage":"extract","code":200,"message":"m"}'; } >'s/failed with a code that is none:76:code'
{ stream_next | sed '$d'; echo '{"@etl":"failed","stage":"extract","code":1}'; } >'s/failed without a message:76:message'

# PROGRAM reads a stream and writes one; what it may not move is in $db.
printf '{}' >answer.json
run_filter() {
	case $1 in
	transform) timeout 60 etl-transform . ;;
	via) timeout 60 etl-via cat ;;
	extract) timeout 60 etl-extract --each "$api/posts/1" --as post ;;
	checkpoint) timeout 60 etl-checkpoint save --state file:state.json ;;
	esac
}
api_start --posts 10
export api

state='{"c":{"value":"1","version":1}}'
# read_name FILE: "NAME:STATUS:WORDS" into $name, $wanted, $words.
read_name() {
	name=${1#s/} words=${1#*:}
	name=${name%%:*} wanted=${words%%:*} words=${words#*:}
}
for filter in transform via extract checkpoint; do
	for file in s/*; do
		read_name "$file"
		# Without begin it has nothing to save, and says that.
		case $filter:$name in
		checkpoint:begin\ after* | checkpoint:no\ begin)
			wanted=78 words=checkpoints ;;
		esac
		echo "$state" >state.json
		rc=0
		# shellcheck disable=SC2002 # a pipe, not a file
		cat "$file" | run_filter $filter >out 2>err || rc=$?
		is "$filter: $name: status" "$wanted" $rc
		case $filter:$wanted in
		checkpoint:0) now=5 ;;
		checkpoint:*) now='1 or 3, or 5 at the end' ;;
		*) now= ;;
		esac
		[ -z "$now" ] || like "$filter: $name: saved is $now" \
		    '^(1 1|3 2|5 3)$' "$(jq -r '.c | "\(.value) \(.version)"' \
		    state.json)"
		[ "$wanted" -ne 0 ] || continue
		like "$filter: $name: says so" "^etl-$filter: .*($words)" \
		    "$(cat err)"
		[ "$wanted" -eq 78 ] ||
		    like "$filter: $name: failed comes last" \
		    "^[{]\"@etl\":\"failed\",.*\"code\":$wanted," \
		    "$(tail -n 1 out)"
	done
done

# The loader: what stands before the fault may be stored up to a boundary, and
# nothing else.
for kind in sqlite postgresql; do
	table $kind
	for file in s/*; do
		[ "$(stored)" = "$before" ] || table $kind
		read_name "$file"
		rc=0
		# shellcheck disable=SC2002
		cat "$file" | timeout 60 etl-load --db "$db" --table t \
		    --key id >out 2>err || rc=$?
		is "$kind: $name: status" "$wanted" $rc
		case $name in
		*' after end' | 'end twice') may=$whole ;;
		*) may="$before $middle 5|3|3|5|2" ;;
		esac
		[ "$wanted" -ne 0 ] || may=$whole
		case $name in
		'a member of that name'*) may='5|4|4|5|2' ;;
		esac
		now=$(stored)
		case " $may " in
		*" $now "*) now=$may ;;
		esac
		is "$kind: $name: stored" "$may" "$now"
		[ "$wanted" -eq 0 ] || like "$kind: $name: says so" \
		    "^etl-load: .*($words)" "$(cat err)"
	done
done

# Cuts in the marks: what stands before them is stored, up to a boundary.
# STEP=1 takes every byte.
size=$(wc -c <next)
# after N: the boundaries that are whole in the first N bytes.
ends() {
	head -c "$1" next | jq -R 'try fromjson catch {} | .value // empty' |
	    wc -l
}
db_new sqlite
table sqlite
file=${db#sqlite:}
cp "$file" clean.db
lines=$(grep -b '^{"@etl":"[bce]' next | cut -d: -f1 | paste -sd' ')
wrong='' cuts=0
for start in $lines; do
	length=$(tail -c +$((start + 1)) next | head -n 1 | wc -c)
	at=$start
	while [ "$at" -lt $((start + length)) ]; do
		cp clean.db "$file"
		rc=0
		head -c "$at" next | etl-load --db "$db" --table t --key id \
		    >out 2>err || rc=$?
		got="$rc $(stored)" cuts=$((cuts + 1))
		case $(ends "$at") in
		0) may="75 $before" ;;
		1) may="75 $middle" ;;
		*) may='75 5|3|3|5|2' ;;
		esac
		[ "$at" -lt $((size - 1)) ] || may="0 $whole"
		# Nothing at all is a plain stream without records.
		[ "$at" -gt 0 ] || may="0 $before"
		# And a few bytes are a plain line that is no JSON.
		[ "$at" -eq 0 ] || [ "$at" -gt 7 ] || may="65 $before"
		[ "$got" = "$may" ] || wrong="$wrong; at $at: $got"
		at=$((at + ${STEP:-5}))
	done
done
is "$cuts cuts of marks: status, stored" '' "$wrong"
cd "$top"
done_testing
