#!/bin/sh
# etl-dlq put stores the rejects of files and streams, each occurrence once, and
# reports torn lines.
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
	is "$kind: put exits with 0" 0 "$(status etl-dlq put rejects)"
	is "$kind: put prints how many rejects it stored" \
	    '2 stored, 0 known before, 0 other lines' "$(cat out)"
	is "$kind: put prints nothing on standard error" '' "$(cat err)"
	i=0
	while [ $i -lt 4 ]; do
		etl-dlq put rejects >out
		i=$((i + 1))
	done
	is "$kind: put of known rejects stores nothing" \
	    '0 stored, 2 known before, 0 other lines' "$(cat out)"
	is "$kind: put five times stores each letter and occurrence once" \
	    '2|2' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"
	is "$kind: put of a saved stream from standard input exits with 0" 0 \
	    "$(status etl-dlq put <stream)"
	is "$kind: put counts the rejects and other lines of a stream" \
	    '1 stored, 0 known before, 4 other lines' "$(cat out)"
	is "$kind: a new occurrence is added to its letter" '2|3' \
	    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"

	# put stores the other lines of a file whose last line is torn.
	reject r/transform.bbbb/1 three '{"id":3}' >torn
	reject r/transform.bbbb/2 four '{"id":4}' >whole
	head -c 150 whole >>torn
	is "$kind: put of a file with a torn last line exits with 65" 65 \
	    "$(status etl-dlq put torn rejects)"
	is "$kind: put stores the other lines of the torn file" \
	    '1 stored, 2 known before, 0 other lines' "$(cat out)"
	is "$kind: the message counts the lines that were not stored" \
	    'etl-dlq: put: 1 line was not stored' "$(tail -n 1 err)"
	like "$kind: the message names the torn line and shows its start" \
	    'torn: line 2: the last line, perhaps not complete: not JSON: .*: [{]"@etl":"reject","v":1,.*"pipeline":$' \
	    "$(head -n 1 err)"
	{ cat torn; echo; } >whole.lf
	like "$kind: a bad last line with a newline is not reported as torn" \
	    ': whole.lf: line 2: not JSON: ' \
	    "$(etl-dlq put whole.lf 2>&1 >/dev/null | head -n 1)"
	is "$kind: a torn line from a pipe gives the same message" \
	    "$(head -n 1 err | sed 's/torn:/stdin:/')" \
	    "$(etl-dlq put <torn 2>&1 >/dev/null | head -n 1)"
	is "$kind: put --bad of a torn file exits with 65" 65 \
	    "$(status etl-dlq put --bad "bad.$kind" torn)"
	is "$kind: the file of --bad has the torn line byte for byte" \
	    "$(tail -n 1 torn)" "$(cat "bad.$kind")"
	like "$kind: the message names the file of --bad" \
	    "and kept in bad.$kind" "$(cat err)"
	is "$kind: put exits with 73 if it cannot create the file of --bad" 73 \
	    "$(status etl-dlq put --bad none/bad torn)"
	is "$kind: --bad may be /dev/null or /dev/stdout" '65 1' \
	    "$(status etl-dlq put --bad \
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
	is "$kind: put of a file with bad lines exits with 65" 65 \
	    "$(status etl-dlq put --bad "odd.$kind" odd)"
	is "$kind: the messages name each bad line" \
	    'odd: line 1: odd: line 2: odd: line 4: odd: line 5: odd: line 7: odd: line 8: ' \
	    "$(grep -o 'odd: line [0-9]*: ' err | tr -d '\n')"
	like "$kind: the message escapes control characters of a bad line" \
	    'line 4: not JSON: .*\\xff\\u001b\[2J not JSON' \
	    "$(cat err)"
	is "$kind: the message names a code that is missing or no string" 2 \
	    "$(grep -c 'not a reject line: "code" must be' err)"
	like "$kind: the message counts the bad lines and names their file" \
	    'put: 6 lines were not stored, and kept in odd' \
	    "$(cat err)"
	is "$kind: the file of --bad has the bad lines byte for byte" \
	    "$(sed -n '1,2p;4,5p;7,8p' odd | cksum)" \
	    "$(cksum <"odd.$kind")"
	like "$kind: put stores the good lines between the bad ones" \
	    '^2 stored' "$(cat out)"
	# A reject whose time is not valid gets the time of the put.
	for at in 0000-05-30T12:00:00Z '2026- 5-30T12:00:00Z' \
	    +026-05-30T12:00:00Z 2026-05-30T12:00:0Z; do
		reject "r/transform.dddd/$at" "$at" '{"id":8}' |
		    sed "s/2026-11-20T08:00:00Z/$at/"
	done >clocks
	reject r/transform.dddd/5 eight '{"id":8}' >>clocks
	is "$kind: put stores rejects whose time is not valid" \
	    '0 5 stored, 0 known before, 0 other lines' \
	    "$(status etl-dlq put clocks) $(cat out)"
	is "$kind: the letters of such rejects do not have the invalid time" 1 \
	    "$(etl-dlq list --json --like \
	    '"id":8' | grep -Ec '"created_at":"(....-05-30|2026- |[+]|2026-11-20T08:00:00)')"
	is "$kind: put of an end mark with seq -0 exits with 65" 65 \
	    "$(echo '{"@etl":"end","seq":-0,"stages":[]}' |
	    status etl-dlq put)"
	like "$kind: the message names the broken end mark" \
	    'stdin: line 1: .*broken end mark .*"seq"' \
	    "$(cat err)"
	is "$kind: put of an empty file exits with 0" 0 \
	    "$(status etl-dlq put /dev/null)"
	before=$(sql 'SELECT count(*) FROM dead_letters')
	is "$kind: put of a missing file exits with 66" 66 \
	    "$(status etl-dlq put torn none)"
	is "$kind: put with a missing file stores nothing" "$before" \
	    "$(sql 'SELECT count(*) FROM dead_letters')"

	# Two puts at once store the same letters in opposite order.
	i=0
	while [ $i -lt 300 ]; do
		i=$((i + 1))
		echo "{\"@etl\":\"reject\",\"v\":1,\"id\":\"$(printf %064d $i)\",\"occurrence\":\"q/load.cccc/$i\",\"stage\":\"load\",\"code\":\"type\",\"message\":\"m\",\"raw\":\"$i\",\"at\":\"2026-11-20T08:00:00Z\"}"
	done >many
	tac many >many.back
	etl-dlq put many >a.out 2>a.err & a=$!
	etl-dlq put many.back >b.out 2>b.err & b=$!
	rc=0
	{ wait $a || rc=$?; } 2>/dev/null
	{ wait $b || rc=$?; } 2>/dev/null
	is "$kind: two puts at once store each letter once" "0 300" \
	    "$rc $(cat a.out b.out |
	    awk '{ n += $1 } END { print n }')"

	# put commits in parts: a killed put leaves complete letters, and
	# another put stores the rest.
	awk 'BEGIN { for (i = 1; i <= 30000; i++) printf "{\"@etl\":" \
	    "\"reject\",\"v\":1,\"id\":\"%064d\",\"occurrence\":" \
	    "\"p/part.cccc/%d\",\"stage\":\"part\",\"code\":\"type\"," \
	    "\"message\":\"m\",\"raw\":\"{}\"," \
	    "\"at\":\"2026-11-20T08:00:00Z\"}\n", 500 + i, i }' >parts
	count="SELECT count(*) FROM dead_letters WHERE stage = 'part'"
	part_is_stored() { [ "$(sql "$count")" -gt 0 ]; }
	etl-dlq put parts >/dev/null 2>err & part=$!
	wait_until 30 part_is_stored
	kill -TERM $part
	rc=0; { wait $part || rc=$?; } 2>/dev/null
	is "$kind: SIGTERM ends put with 143" 143 $rc
	like "$kind: the message says how many rejects were stored" \
	    '^etl-dlq: put: stopped by '\
'a signal after [0-9]+ were stored: put the same files again$' "$(cat err)"
	ok "$kind: at least the reported number of rejects is stored" \
	    test "$(sed 's/.* after \([0-9]*\) were stored.*/\1/' err)" \
	    -le "$(sql "$count")"
	sql "DELETE FROM dead_letters WHERE stage = 'part'"
	sql "DELETE FROM dead_letter_attempts
	    WHERE occurrence LIKE 'p/part%'"
	etl-dlq put parts >/dev/null 2>&1 & part=$!
	ok "$kind: other sessions see the first part of a large put" \
	    wait_until 30 part_is_stored
	kill -9 $part 2>/dev/null || :
	wait $part 2>/dev/null || :
	stored=$(sql "$count")
	ok "$kind: a killed put has not stored all letters ($stored)" \
	    test "$stored" -lt 30000
	is "$kind: a killed put leaves one occurrence for each letter" \
	    "$stored" "$(sql "SELECT count(*)
	    FROM dead_letter_attempts WHERE occurrence LIKE 'p/part%'")"
	is "$kind: put of the same file again stores the rest" \
	    "$((30000 - stored)) stored, $stored known before, 0 other lines" \
	    "$(etl-dlq put parts)"

	# put holds no transaction open while it waits for a pipe.
	mkfifo "pipe.$kind"
	etl-dlq put "pipe.$kind" >p.out 2>&1 & p=$!
	exec 9>"pipe.$kind"
	head -n 1 rejects >&9
	sleep 0.2
	is "$kind: put holds no lock while it waits for its input" 0 \
	    "$(status etl-dlq put many)"
	exec 9>&-
	wait $p
	like "$kind: put exits normally when its pipe is closed" \
	    '^0 stored, 1 known' "$(cat p.out)"
done
# The test gives put the same file twice on purpose.
# shellcheck disable=SC2094
for file in both -; do
	cp torn both
	is "put --bad with its own input ($file) exits with 64" 64 \
	    "$(status etl-dlq put --bad both $file <both)"
	like "the message says that --bad is an input ($file)" \
	    '^etl-dlq: --bad both: this file is also an input' "$(cat err)"
	ok "the input stays unchanged ($file)" cmp torn both
done
for pipe in 'without a writer' 'without data'; do
	etl-dlq put "pipe.$kind" 2>err & p=$!
	[ "$pipe" = 'without a writer' ] || exec 9>"pipe.$kind"
	wait_until 20 sh -c "ps -o comm=,stat= -p $p | grep -q '^etl-dlq *S'"
	kill -TERM $p
	rc=0; { wait $p || rc=$?; } 2>/dev/null
	exec 9>&-
	is "SIGTERM ends put from a pipe $pipe, with a message" \
	    '143 etl-dlq: put: stopped by a signal; nothing was stored: put the same files again' \
	    "$rc $(cat err)"
done
is 'put of a folder exits with 74' 74 "$(status etl-dlq put .)"
is 'the message names the folder' 'etl-dlq: .: cannot read: Is a directory' \
    "$(cat err)"
is 'put with a missing TMPDIR exits with 73' 73 \
    "$(TMPDIR=none status etl-dlq put rejects)"
is 'the message names the missing TMPDIR' \
    'etl-dlq: none: No such file or directory' "$(cat err)"
is 'put to an unreachable server exits with 75' 75 \
    "$(status etl-dlq put --db postgresql://127.0.0.1:1/x \
    rejects)"
is 'put to a full standard output exits with 74' 74 \
    "$(rc=0; etl-dlq put rejects 2>err >/dev/full || rc=$?
    echo $rc)"
is 'etl-dlq without a command exits with 64' 64 "$(status etl-dlq)"
is 'etl-dlq with an unknown command exits with 64' 64 "$(status etl-dlq bury)"
is 'put with an option of another command exits with 64' 64 \
    "$(status etl-dlq put --json rejects)"
like 'the message names the option that put does not take' \
    '^etl-dlq: put: the option --json cannot be used' "$(cat err)"
done_testing
