#!/bin/sh
# What etl-extract --singer does if the tap fails, hangs or is cut short, and what
# becomes of the tap if etl-extract is killed.
. tests/support/lib.sh
cd "$scratch"
TMPDIR=$scratch/tmp
export TMPDIR
mkdir tmp

tap() {
	{ echo '#!/bin/sh'; cat; } >"$1"
	chmod +x "$1"
}
cat >two <<'END'
{"type":"RECORD","stream":"s","record":{"id":1}}
{"type":"STATE","value":{"id":1}}
{"type":"RECORD","stream":"s","record":{"id":2}}
END
run() { etl-extract --checkpoint c --state file:state --singer "$@"; }
# outcome FILE: ids, marks and values, in one line.
outcome() {
	jq -r 'if ."@etl" == "checkpoint" then .value
	    elif ."@etl" == "failed" then "failed:\(.code)"
	    else .id // ."@etl" end' "$1" | sed 1d | xargs
}
# fails LABEL CODE OUTCOME TAP...
fails() {
	label=$1 code=$2 want=$3
	shift 3
	is "$label: exit code $code" "$code" "$(status etl-extract --checkpoint c \
	    --state file:state --singer "$@")"
	is "$label: the stream has whole records, and no mark covers those after the STATE" \
	    "$want${want:+ }failed:$code" "$(outcome out)"
}

# gone PID...: succeeds if no such process runs.  One that has exited counts as
# gone, even if no parent process has collected its exit status.
gone() {
	for p; do
		case $(ps -o stat= -p "$p") in
		'' | Z*) ;;
		*) return 1 ;;
		esac
	done
}

# The tap fails.
tap exits <<'END'
cat two; echo 'tap: no such table' >&2; exit 3
END
fails 'a tap that exits with 3' 69 '1 2' ./exits
like 'its message passes, and the message of etl-extract names the status' \
    'no such table' "$(cat err)"
like 'with the status' './exits: the tap exited with status 3' "$(cat err)"
tap tells <<'END'
cat two; exit 75
END
fails 'a tap that exits with 75' 75 '1 2' ./tells
tap killed <<'END'
cat two; kill -KILL $$
END
fails 'a tap that is killed' 69 '1 2' ./killed
like 'the message names the signal' 'killed by signal KILL' "$(cat err)"
tap held <<'END'
head -n 2 two; exit 1
END
fails 'a tap that fails directly after a STATE' 69 '1 {id:1}' ./held
tap cut <<'END'
cat two; printf '{"type":"RECORD","stream":"s","record":{"id":3}'; exit 1
END
fails 'a tap that fails in the middle of a line' 69 '1 2' ./cut
like 'the cut line is no reject' '^0$' "$(grep -c '"reject"' out)"
tap early <<'END'
cat two; exec >&-; sleep 0.3; exit 4
END
fails 'a tap that closes its output and then fails' 69 '1 2' ./early

# It ends well.
tap no_lf <<'END'
cat two; printf '{"type":"STATE","value":{"id":2}}'
END
is 'a last line without LF counts' '1 2 {id:2} end' "$(run ./no_lf >out; outcome out)"
tap broken <<'END'
cat two; printf '{"type":"RECORD","stream":"s","rec'
END
is 'a last line without LF that is no JSON is a reject if the tap succeeds' \
    '1 2 end' "$(run ./broken 2>/dev/null >out; jq -c 'select(."@etl" != "reject")' out >o; outcome o)"
is 'with its bytes' '{"type":"RECORD","stream":"s","rec' \
    "$(jq -r 'select(."@etl" == "reject") | .raw' out)"
tap empty </dev/null
is 'a tap that writes nothing' 'end' "$(run ./empty >out; outcome out)"
tap silent <<'END'
exec >&-; sleep 0.5
END
is 'a tap that closes its output is waited for' 'end' "$(run ./silent >out; outcome out)"
tap leaves <<'END'
cat two; sleep 100 >/dev/null 2>&1 & echo $! >left
END
run ./leaves >out 2>err
ok 'a process that the tap leaves behind is ended' wait_until 30 gone "$(cat left)"
tap inputs <<'END'
read -r x; echo "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"in\":\"$x\",\"fd3\":$(
    [ -e /dev/fd/3 ] && echo true || echo false)}}"
END
is 'the tap has an empty standard input and no descriptor 3' '{"in":"","fd3":false}' \
    "$(echo x | etl-extract --singer ./inputs 3>r)"
tap signals <<'END'
kill -PIPE $$
END
fails 'SIGPIPE ends a tap, as it would without etl-extract' 69 '' ./signals

# Large records.
tap large <<'END'
head -c "$1" /dev/zero | tr '\0' x |
    sed 's/.*/{"type":"RECORD","stream":"s","record":{"a":"&"}}/'
echo
echo '{"type":"RECORD","stream":"s","record":{"id":9}}'
END
is 'a record of --max-record bytes (16 MiB) is read' 16777216 \
    "$(etl-extract --singer ./large 16777208 | head -n 1 | tr -d '\n' | wc -c)"
etl-extract --rejects rejects --max-rejects 100% --singer ./large 16777209 >out
is 'a record of one byte more is a reject, and the next record is read' \
    '{"id":9} too_long 16777217 bytes, more than --max-record 16777216' \
    "$(cat out) $(jq -r '"\(.code) \(.message)"' rejects)"
rm rejects
etl-extract --rejects rejects --max-rejects 100% --singer ./large 20000000 >out
is 'so is a line that is longer than any record' '{"id":9} too_long 20000048' \
    "$(cat out) $(jq -r '"\(.code) \(.bytes)"' rejects)"
in_memory 'records of 16 MiB take at most three times as much memory' 60000 400000 \
    etl-extract --singer ./large 16777000

# Signals.
tap hangs <<'END'
trap 'echo TERM >>got' TERM
trap '' HUP
cat two; echo $$ >pid
while :; do sleep 0.1; done
END
for signal in TERM:15 HUP:1; do
	rm -f pid got
	etl-extract --checkpoint c --state file:state --singer ./hangs >out 2>err &
	pid=$!
	wait_until 10 test -s pid
	wait_until 10 grep -q '"id":2' out
	kill "-${signal%:*}" $pid
	rc=0
	{ wait $pid || rc=$?; } 2>/dev/null
	is "SIG$signal ends etl-extract by the same signal, if the tap hangs too" \
	    $((128 + ${signal#*:})) "$rc"
	ok "and kills the tap ($signal)" gone "$(cat pid)"
	is "the stream has whole records ($signal)" '1 2 failed:75' "$(outcome out)"
	[ $signal = HUP:1 ] || is 'the tap gets the signal before it is killed' TERM "$(cat got)"
done
tap child <<'END'
trap '' TERM
sleep 100 & echo $! $$ >pids
cat two; wait; sleep 100
END
etl-extract --checkpoint c --state file:state --singer ./child >out 2>err &
pid=$!
wait_until 10 test -s pids
wait_until 10 grep -q '"id":2' out
kill -KILL $pid
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'etl-extract was still running when it was killed' 137 $rc
# shellcheck disable=SC2046
ok 'kill -9 of etl-extract ends the tap and its children within 2 seconds' \
    wait_until 30 gone $(cat pids)
etl-checkpoint set --state file:state c '{"id":1}'
rm pids
etl-extract --checkpoint c --state file:state --singer ./child >out 2>err &
pid=$!
wait_until 10 test -s pids
kill -KILL $pid
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'etl-extract was still running when it was killed again' 137 $rc
is 'no file of the STATE is left after kill -9' '' "$(ls tmp)"
tap waits <<'END'
echo $$ >pid
cat two; exec sleep 100
END
rm -f pid
etl-extract --singer ./waits | head -n 1 >out
ok 'if the reader of the output exits, etl-extract and the tap end' \
    wait_until 30 gone "$(cat pid)"
sh -c 'trap "" CHLD; exec etl-extract --singer ./exits' >out 2>err || rc=$?
is 'an ignored SIGCHLD hides no exit status' 69 "$rc"
# The tap exits, and a process that it started keeps its standard output open.
tap leaves <<'END'
cat two; printf '{"type":"REC'
sleep 100 & echo $! >left; exit ${1:-0}
END
etl-checkpoint clear --state file:state c
is 'a tap exits with 0 and leaves a process behind: exit code 0' 0 \
    "$(status timeout 30 etl-extract --checkpoint c --state file:state \
    --max-rejects 50% --rejects torn --singer ./leaves)"
is 'what the tap has written was read, and the stream is whole' '1 2 end' "$(outcome out)"
is 'a line without its end was read too' 'parse {"type":"REC' \
    "$(jq -r '"\(.code) \(.raw)"' torn)"
like 'a warning says that the output was left open' \
    '^etl-extract: warning: ./leaves: the tap has exited, but a process that it started ' \
    "$(cat err)"
ok 'the process that was left behind is ended' wait_until 30 gone "$(cat left)"
is 'a tap exits with 3 and leaves a process behind: exit code 69' 69 \
    "$(status timeout 30 etl-extract --singer ./leaves 3)"
tap lags <<'END'
(sleep 1; cat two; sleep 1; cat two) &
END
is 'what a process writes that outlives the tap by a few seconds is read' '1 2 1 2' \
    "$(timeout 30 etl-extract --singer ./lags 2>err | jq .id | xargs)"
is 'and there is no warning if the output ends by itself' '' "$(cat err)"
is 'a record leaves before the tap waits' '{"id":1}' \
    "$(timeout 30 etl-extract --singer ./waits | head -n 1)"
done_testing
