#!/bin/sh
# Streams that violate etl-record(5) go through every program that reads a
# stream. All programs exit with the same status. After the fault they pass no
# boundary on, store nothing and move no checkpoint.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh
. tests/etl-record/streams.sh

cd "$scratch"
mkdir s
stream_next >next
# Each file in s/ is one stream. Its name is "NAME:STATUS:WORDS": a name for the
# labels, the wanted exit status, and a pattern of the wanted message.
{ stream_next; } >'s/a complete stream:0:'
{ stream_next | sed 's/"title":"t4"/&,"@etl":"end"/'; } >'s/a record with @etl as a later member:0:'
{ stream_next | sed 's/"checkpoint","name"/"che\\u0063kpoint","name"/'; } >'s/a mark whose kind has an escape sequence:76:string without escapes'
stream_next | sed '4s/^/{"@etl":"future","v":9,"x":[1.0]}\n/; 1s/"v":1/&,"new":{"a":[1]}/' >'s/marks and members of unknown names:0:'
stream_next | sed 's/^{"@etl"/ { "\\u0040et\\u006c" /' >'s/marks with blanks and escape sequences:0:'
stream_next | tr -d '\n' | sed 's/}{/}\r\n{/g' >'s/lines that end in CR LF, without a last one:0:'
stream_next | sed '1s/"v":1/"v":2/' >'s/a mark begin of version 2:76:version 2, newer'
stream_next | sed '3s/"v":1/"v":2/' >'s/a reject of version 2:76:version 2, newer'
stream_next | sed '5s/{/{/; 5s/"name"/"v":3,&/' >'s/a checkpoint of version 3:76:version 3, newer'
stream_next | sed '1s/"v":1/"v":0/' >'s/a mark begin of version 0:76:broken begin mark'
stream_next | sed '1s/"v":1,//' >'s/a mark begin without version:76:broken begin mark'
stream_next | sed '1s/,"stages".*/}/' >'s/a mark begin without stages:76:broken begin mark'
stream_next | sed '1s/"id":"next"/"id":""/' >'s/a mark begin without an id:76:broken begin mark'
stream_next | sed '1s/"extract"/"extract","extract"/' >'s/a mark begin that names a stage twice:76:two stages of one name'
{ begin x | sed "s/\"extract\"/$(seq -s, 1 33 | sed 's/[0-9][0-9]*/"&"/g')/"; boundary end '' 0; } >'s/a mark begin with 33 stages:76:too many stages|more than 32'
stream_next | sed 1d >'s/a stream without begin:76:begin'
{ record 9; stream_next; } >'s/a mark begin after a record:76:begin'
{ stream_next | sed '$d'; begin other; boundary end '' 0; } >'s/a second begin before end:76:begin'
{ stream_next; record 9; } >'s/a record after end:76:record after the end'
{ stream_next; reject 9; } >'s/a reject after end:76:reject after the end'
{ stream_next; checkpoint 3 '"1"' 1 9 5 2; } >'s/a checkpoint after end:76:after the end'
{ stream_next; stream_next | tail -n 1; } >'s/a mark end twice:76:after the end'
stream_next | sed '5p' >'s/the same mark checkpoint twice:76:seq does not go up'
stream_next | sed '9s/"seq":2/"seq":1/' >'s/two marks with the same seq:76:seq does not go up'
stream_next | sed '$s/"seq":2/"seq":3/' >'s/a mark end with another seq than the last mark:76:another seq'
stream_next | sed '$s/"seq":2,//' >'s/a mark end without seq:76:another seq'
stream_next | sed '5s/"seq":1,//' >'s/a checkpoint without seq:76:no seq'
stream_next | sed '5s/"seq":1/"seq":-1/' >'s/a negative seq:76:seq'
stream_next | sed '5s/"value":"3",//' >'s/a checkpoint without value:76:no value'
stream_next | sed '5s/"value":"3"/"value":3/' >'s/a checkpoint value that is no string:76:value'
stream_next | sed '5s/"name":"c",//' >'s/a checkpoint without name:76:no name'
stream_next | sed '5s/"version":1/"version":"1"/' >'s/a checkpoint version that is no number:76:version'
stream_next | sed '5s/"stages":.*/"stages":7}/' >'s/stages that are no array:76:stages'
stream_next | sed '5s/"in":0,//' >'s/counts without in:76:broken checkpoint mark'
stream_next | sed '5s/"out":2/"out":2.5/' >'s/a count that is no integer:76:out'
stream_next | sed '5s/"seq":1/"seq":1,"seq":1/' >'s/a mark with a member twice:76:twice'
stream_next | sed '5s/}$//' >'s/a mark that is no JSON:76:broken mark'
stream_next | sed '5s/"checkpoint",/["checkpoint"],/' >'s/a mark whose kind is no string:76:string without escapes'
stream_next | sed '3s/"stage":"extract",//' >'s/a reject without a stage:76:no stage'
stream_next | sed '$d' >'s/a stream cut before end:75:cut off'
stream_next | sed '9,$d' >'s/a stream cut in a segment:75:cut off'
{ stream_next | sed '$d'; printf '{"id":7,"tit'; } >'s/a stream cut in a record:75:cut off'
{ stream_next | sed '$d'; echo '{"@etl":"failed","stage":"extract","code":66,"message":"no such page"}'; } >'s/a stream that ends with the mark failed:66:extract: no such page'
{ stream_next | sed '$d'; echo '{"@etl":"failed","stage":"extract","code":200,"message":"m"}'; } >'s/a mark failed with the code 200:76:code'
{ stream_next | sed '$d'; echo '{"@etl":"failed","stage":"extract","code":1}'; } >'s/a mark failed without a message:76:message'

# run_filter NAME: runs the program etl-NAME from stdin to stdout.
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
state_form='"c": *{"value":"\([0-9]*\)","version":\([0-9]*\)'
# split_name FILE: splits its name into $name, $wanted and $words.
split_name() {
	name=${1#s/} words=${1#*:}
	name=${name%%:*} wanted=${words%%:*} words=${words#*:}
}
for filter in transform via extract checkpoint; do
	for file in s/*; do
		split_name "$file"
		# In a stream without begin, etl-checkpoint finds no checkpoint
		# to save. It says so and exits with 78.
		case $filter:$name in
		checkpoint:*begin\ after* | checkpoint:*\ without\ begin)
			wanted=78 words=checkpoints ;;
		esac
		echo "$state" >state.json
		rc=0
		# shellcheck disable=SC2002 # a pipe, not a file
		cat "$file" | run_filter $filter >out 2>err || rc=$?
		is "etl-$filter: $name: exit code $wanted" "$wanted" $rc
		case $filter:$wanted in
		checkpoint:0) now=5 ;;
		checkpoint:*) now='1 or 3, or 5 at the end' ;;
		*) now= ;;
		esac
		[ -z "$now" ] ||
		    like "etl-$filter: $name: the saved value is $now" \
		    '^(1 1|3 2|5 3)$' "$(sed -n "s/.*$state_form.*/\1 \2/p" \
		    state.json)"
		[ "$wanted" -ne 0 ] || continue
		like "etl-$filter: $name: the message names the fault" \
		    "^etl-$filter: .*($words)" \
		    "$(cat err)"
		[ "$wanted" -eq 78 ] ||
		    like "etl-$filter: $name: the last line is the mark failed" \
		    "^[{]\"@etl\":\"failed\",.*\"code\":$wanted," \
		    "$(tail -n 1 out)"
	done
done

# The loader may store what comes before the fault up to a boundary, and nothing
# else.
for kind in sqlite postgresql; do
	new_database $kind
	for file in s/*; do
		[ "$(stored)" = "$before" ] || new_database $kind
		split_name "$file"
		rc=0
		# shellcheck disable=SC2002
		cat "$file" | timeout 60 etl-load --db "$db" --table t \
		    --key id >out 2>err || rc=$?
		is "etl-load, $kind: $name: exit code $wanted" "$wanted" $rc
		case $name in
		*' after end' | 'a mark end twice') may=$whole ;;
		*) may="$before $middle 5|3|3|5|2" ;;
		esac
		[ "$wanted" -ne 0 ] || may=$whole
		case $name in
		'a record with @etl'*) may='5|4|4|5|2' ;;
		esac
		now=$(stored)
		case " $may " in
		*" $now "*) now=$may ;;
		esac
		is "etl-load, $kind: $name: only complete segments are stored" \
		    "$may" "$now"
		[ "$wanted" -eq 0 ] ||
		    like "etl-load, $kind: $name: the message names the fault" \
		    "^etl-load: .*($words)" "$(cat err)"
	done
done

# The stream is cut at every 5th byte of each mark. The loader stores what comes
# before the cut, up to a boundary. STEP=1 cuts at every byte.
size=$(wc -c <next)
# Where the boundaries end, without their newlines.
ends=$(awk '{ at += length($0) + 1 } /^{"@etl".*"value":"/ { print at - 1 }' next)
# count_boundaries N: sets $boundaries to the complete ones in the first N bytes.
count_boundaries() {
	boundaries=0
	for end in $ends; do
		[ "$1" -lt "$end" ] || boundaries=$((boundaries + 1))
	done
}
db_new sqlite
new_database sqlite
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
		count_boundaries "$at"
		case $boundaries in
		0) may="75 $before" ;;
		1) may="75 $middle" ;;
		*) may='75 5|3|3|5|2' ;;
		esac
		[ "$at" -lt $((size - 1)) ] || may="0 $whole"
		# Empty input is a plain stream without records.
		[ "$at" -gt 0 ] || may="0 $before"
		# The first seven bytes alone are a plain line that is not JSON.
		[ "$at" -eq 0 ] || [ "$at" -gt 7 ] || may="65 $before"
		[ "$got" = "$may" ] || wrong="$wrong; at $at: $got"
		at=$((at + ${STEP:-5}))
	done
done
is "$cuts cuts in marks: etl-load stores up to the last complete boundary" \
    '' "$wrong"
cd "$top"
done_testing
