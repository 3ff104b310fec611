#!/bin/sh
# put: reject lines and whole streams, once each, torn ones told.
. tests/support/lib.sh
cd "$scratch"

# reject OCCURRENCE ID RAW [STAGE [PIPELINE]]
reject() {
	python3 - "$@" <<'P'
import hashlib, json, sys
occurrence, ident, raw, stage, pipeline = (sys.argv[1:] + ["transform",
    "posts"])[:5] if len(sys.argv) == 4 else sys.argv[1:6]
print(json.dumps({"@etl": "reject", "v": 1,
    "id": hashlib.sha256(ident.encode()).hexdigest(),
    "occurrence": occurrence, "run": "r", "pipeline": pipeline,
    "stage": stage, "code": "required", "message": "no title", "raw": raw,
    "at": "2026-11-20T08:00:00Z"}, separators=(",", ":")))
P
}
{
	reject r/transform.aaaa/1 one '{"id":1}'
	reject r/transform.aaaa/2 two '{"id":2}'
} >rejects
{
	echo '{"@etl":"begin","v":1,"id":"x","stages":["extract"]}'
	echo '{"id":7}'
	echo
	reject r/transform.aaaa/3 one '{"id":1}'
	echo '{"@etl":"unheard"}'
	echo '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}'
} >stream

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: put" 0 "$(status etl-dlq put rejects)"
	is "$kind: says what it did" \
	    '2 stored, 0 known before, 0 other lines' "$(cat out)"
	is "$kind: and no more" '' "$(cat err)"
	i=0
	while [ $i -lt 4 ]; do
		etl-dlq put rejects >out
		i=$((i + 1))
	done
	is "$kind: five times is once" \
	    '0 stored, 2 known before, 0 other lines' "$(cat out)"
	is "$kind: letters, times" '2|2' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"
	is "$kind: a saved stream on stdin" 0 "$(status etl-dlq put <stream)"
	is "$kind: another time of the same" \
	    '1 stored, 0 known before, 4 other lines' "$(cat out)"
	is "$kind: is one letter" '2|3' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"

	# A torn last line: the others are stored.
	reject r/transform.bbbb/1 three '{"id":3}' >torn
	reject r/transform.bbbb/2 four '{"id":4}' >whole
	head -c 150 whole >>torn
	is "$kind: a torn last line" 65 "$(status etl-dlq put torn rejects)"
	is "$kind: leaves the others" \
	    '1 stored, 2 known before, 0 other lines' "$(cat out)"
	is "$kind: and is named" \
	    'etl-dlq: put: 1 line was not stored' "$(tail -n 1 err)"
	like "$kind: with its line and bytes" 'torn: line 2: the last line, perhaps not complete: not JSON: .*: [{]"@etl":"reject","v":1,.*"pipeline":$' \
	    "$(head -n 1 err)"
	{ cat torn; echo; } >whole.lf
	like "$kind: with a newline it is not torn" \
	    ': whole.lf: line 2: not JSON: ' \
	    "$(etl-dlq put whole.lf 2>&1 >/dev/null | head -n 1)"
	is "$kind: from a pipe too" "$(head -n 1 err | sed 's/torn:/stdin:/')" \
	    "$(etl-dlq put <torn 2>&1 >/dev/null | head -n 1)"
	is "$kind: kept in a file" 65 \
	    "$(status etl-dlq put --bad "bad.$kind" torn)"
	is "$kind: byte for byte" "$(tail -n 1 torn)" "$(cat "bad.$kind")"
	like "$kind: which is named" "and kept in bad.$kind" "$(cat err)"
	is "$kind: a file that cannot be made" 73 \
	    "$(status etl-dlq put --bad none/bad torn)"
	is "$kind: kept in no file" '65 1' "$(status etl-dlq put --bad \
	    /dev/null torn) $(etl-dlq put --bad /dev/stdout torn 2>err |
	    grep -cF "$(tail -n 1 torn)")"
	{
		echo '{"@etl":"reject"}'
		echo '{"@etl":"reject","v":1,"id":7}'
		reject r/transform.bbbb/3 five '{"id":5}'
		printf '\377\033[2J not JSON\n'
		echo '{"@etl":"reject","v":1,"id":"a","occurrence":"o/a.bbbb/1","stage":"s","raw":"cut'
		reject r/transform.bbbb/3 five '{"id":5}' |
		    sed 's/"raw": *"/&x/; s/bbbb/cccc/'
		reject r/transform.bbbb/4 six '{"id":6}' >whole
		sed 's/"code":"required",//' whole
		sed 's/"code":"required"/"code":7/' whole
	} >odd
	is "$kind: a file that was edited by hand" 65 \
	    "$(status etl-dlq put --bad "odd.$kind" odd)"
	is "$kind: its bad lines are named" 'odd: line 1: odd: line 2: odd: line 4: odd: line 5: odd: line 7: odd: line 8: ' \
	    "$(grep -o 'odd: line [0-9]*: ' err | tr -d '\n')"
	like "$kind: shown without harm" 'line 4: not JSON: .*\\xff\\u001b\[2J not JSON' \
	    "$(cat err)"
	is "$kind: one without a code, or with one that is no text, is named" 2 \
	    "$(grep -c 'not a reject line: "code" must be' err)"
	like "$kind: counted" 'put: 6 lines were not stored, and kept in odd' \
	    "$(cat err)"
	is "$kind: kept byte for byte" "$(sed -n '1,2p;4,5p;7,8p' odd | cksum)" \
	    "$(cksum <"odd.$kind")"
	like "$kind: and the good ones stored" '^2 stored' "$(cat out)"
	# Times that are none to a database are those of the day they are put.
	for at in 0000-05-30T12:00:00Z '2026- 5-30T12:00:00Z' \
	    +026-05-30T12:00:00Z 2026-05-30T12:00:0Z; do
		reject "r/transform.dddd/$at" "$at" '{"id":8}' |
		    sed "s/2026-11-20T08:00:00Z/$at/"
	done >clocks
	reject r/transform.dddd/5 eight '{"id":8}' >>clocks
	is "$kind: times that are none" '0 5 stored, 0 known before, 0 other lines' \
	    "$(status etl-dlq put clocks) $(cat out)"
	is "$kind: are no times of theirs" 1 "$(etl-dlq list --json --like \
	    '"id":8' | grep -Ec '"created_at":"(....-05-30|2026- |[+]|2026-11-20T08:00:00)')"
	is "$kind: a count that is -0" 65 \
	    "$(echo '{"@etl":"end","seq":-0,"stages":[]}' |
	    status etl-dlq put)"
	like "$kind: is named" 'stdin: line 1: .*broken end mark: seq' \
	    "$(cat err)"
	is "$kind: nothing" 0 "$(status etl-dlq put /dev/null)"
	before=$(sql 'SELECT count(*) FROM dead_letters')
	is "$kind: no such file" 66 "$(status etl-dlq put torn none)"
	is "$kind: then nothing is stored" "$before" \
	    "$(sql 'SELECT count(*) FROM dead_letters')"

	# Two at once, over the same letters in another order.
	i=0
	while [ $i -lt 300 ]; do
		i=$((i + 1))
		echo "{\"@etl\":\"reject\",\"v\":1,\"id\":\"$(printf %064d $i)\",\"occurrence\":\"q/load.cccc/$i\",\"stage\":\"load\",\"code\":\"type\",\"message\":\"m\",\"raw\":\"$i\",\"at\":\"2026-11-20T08:00:00Z\"}"
	done >many
	tac many >many.back
	etl-dlq put many >a.out 2>a.err & a=$!
	etl-dlq put many.back >b.out 2>b.err & b=$!
	rc=0
	wait $a || rc=$?
	wait $b || rc=$?
	is "$kind: two at once" "0 300" "$rc $(cat a.out b.out |
	    awk '{ n += $1 } END { print n }')"

	# In parts: what a kill leaves is whole letters, and put again is all.
	awk 'BEGIN { for (i = 1; i <= 30000; i++) printf "{\"@etl\":" \
	    "\"reject\",\"v\":1,\"id\":\"%064d\",\"occurrence\":" \
	    "\"p/part.cccc/%d\",\"stage\":\"part\",\"code\":\"type\"," \
	    "\"message\":\"m\",\"raw\":\"{}\"," \
	    "\"at\":\"2026-11-20T08:00:00Z\"}\n", 500 + i, i }' >parts
	count="SELECT count(*) FROM dead_letters WHERE stage = 'part'"
	some() { [ "$(sql "$count")" -gt 0 ]; }
	etl-dlq put parts >/dev/null 2>err & part=$!
	wait_until 30 some
	kill -TERM $part
	rc=0; wait $part || rc=$?
	is "$kind: asked to end before it is done" 143 $rc
	like "$kind: it says how far it has come" '^etl-dlq: put: stopped by '\
'a signal after [0-9]+ were stored: put the same files again$' "$(cat err)"
	ok "$kind: and has" test "$(sed 's/.* after \([0-9]*\) were stored.*/\1/' err)" \
	    -le "$(sql "$count")"
	sql "DELETE FROM dead_letters WHERE stage = 'part'"
	sql "DELETE FROM dead_letter_attempts
	    WHERE occurrence LIKE 'p/part%'"
	etl-dlq put parts >/dev/null 2>&1 & part=$!
	ok "$kind: others see the first part" wait_until 30 some
	kill -9 $part 2>/dev/null || :
	wait $part 2>/dev/null || :
	stored=$(sql "$count")
	ok "$kind: killed before it was done ($stored)" test "$stored" -lt 30000
	is "$kind: attempts are whole" "$stored" "$(sql "SELECT count(*)
	    FROM dead_letter_attempts WHERE occurrence LIKE 'p/part%'")"
	is "$kind: put again, the rest is stored" \
	    "$((30000 - stored)) stored, $stored known before, 0 other lines" \
	    "$(etl-dlq put parts)"

	# A pipe that stays open keeps no transaction open.
	mkfifo "pipe.$kind"
	etl-dlq put "pipe.$kind" >p.out 2>&1 & p=$!
	exec 9>"pipe.$kind"
	head -n 1 rejects >&9
	sleep 0.2
	is "$kind: no lock while it reads" 0 "$(limit=3 status etl-dlq put many)"
	exec 9>&-
	wait $p
	like "$kind: and then it stores" '^0 stored, 1 known' "$(cat p.out)"
done
# One file twice is what is tested.
# shellcheck disable=SC2094
for file in both -; do
	cp torn both
	is "--bad is the file that is put, $file" 64 \
	    "$(status etl-dlq put --bad both $file <both)"
	like "--bad is the file that is put, $file: is told" \
	    '^etl-dlq: --bad both: this file is also an input' "$(cat err)"
	ok "--bad is the file that is put, $file: and stays" cmp torn both
done
for what in 'that nobody has opened' 'that says nothing'; do
	etl-dlq put "pipe.$kind" 2>err & p=$!
	[ "$what" = 'that nobody has opened' ] || exec 9>"pipe.$kind"
	wait_until 20 sh -c "ps -o comm=,stat= -p $p | grep -q '^etl-dlq *S'"
	kill -TERM $p
	rc=0; wait $p || rc=$?
	exec 9>&-
	is "asked to end by a pipe $what" \
	    '143 etl-dlq: put: stopped by a signal; nothing was stored: put the same files again' \
	    "$rc $(cat err)"
done
is 'a folder' 74 "$(status etl-dlq put .)"
is 'a folder: is named' 'etl-dlq: .: cannot read: Is a directory' "$(cat err)"
is 'TMPDIR that is not there' 73 "$(TMPDIR=none status etl-dlq put rejects)"
is 'TMPDIR that is not there: is named' \
    'etl-dlq: none: No such file or directory' "$(cat err)"
is 'no server' 75 "$(status etl-dlq put --db postgresql://127.0.0.1:1/x \
    rejects)"
is 'a full disk' 74 "$(rc=0; etl-dlq put rejects 2>err >/dev/full || rc=$?
    echo $rc)"
is 'no command' 64 "$(status etl-dlq)"
is 'no such command' 64 "$(status etl-dlq bury)"
is 'an option of another command' 64 "$(status etl-dlq put --json rejects)"
like 'is told' '^etl-dlq: put: takes no --json' "$(cat err)"
done_testing
