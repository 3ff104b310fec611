#!/bin/sh
# etl-extract reads Singer messages: from a tap that it runs (--singer), and from
# a file (--format singer).  The taps here are shell scripts.
. tests/support/lib.sh
cd "$scratch"

# tap NAME: writes the script ./NAME from standard input.
tap() {
	{ echo '#!/bin/sh'; cat; } >"$1"
	chmod +x "$1"
}
schema='{"type":"SCHEMA","stream":"users","schema":{},"key_properties":["id"]}'
record() { printf '{"type": "RECORD", "stream": "%s", "record": {"id": %s}}\n' "$@"; }
state() { printf '{"type": "STATE", "value": {"bookmarks": {"users": %s}}}\n' "$1"; }
# marks FILE: prints value, from and version of each checkpoint mark.
marks() { jq -c 'select(."@etl" == "checkpoint") | [.value, .from, .version]' "$1"; }
values() { jq -r 'select(."@etl" == "checkpoint") | .value' "$1"; }
{ echo "$schema"; record users 1; record orders 7; state 1; record users 2; } >messages
tap plain <<'END'
cat messages
END

# Records.
is 'a tap is run, and its RECORD messages become records, without white space' \
    '{"id":1}
{"id":7}
{"id":2}' "$(etl-extract --singer ./plain)"
is '--select chooses streams' '{"id":7}' "$(etl-extract --select orders --singer ./plain)"
is '--select may be given many times' 3 \
    "$(etl-extract --select orders --select users --singer ./plain | wc -l)"
is '--select-as adds the name of the stream' '{"id":1,"s":"users"}
{"id":7,"s":"orders"}
{"id":2,"s":"users"}' "$(etl-extract --select-as s --singer ./plain)"
is 'a --select without a message is warned of' \
    'etl-extract: warning: ./plain: --select usres: the tap wrote no message of this stream: check the name' \
    "$(etl-extract --select usres --singer ./plain 2>&1)"
tap args <<'END'
for a; do echo "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"a\":\"$a\"}}"; done
END
is 'the words after --singer are the command, options too' '{"a":"--config"}
{"a":"c.json"}
{"a":"--format"}' "$(etl-extract --singer ./args --config c.json --format)"
is 'a SOURCE before --singer is refused' 64 "$(status etl-extract x.csv --singer ./plain)"
like 'and the message says what to remove' 'remove x.csv' "$(cat err)"
is '--singer without a command is refused' 64 "$(status etl-extract --singer)"
for o in '--jobs 2' '--new-files --checkpoint x' '--format csv' '--since x' '--query x'; do
	# shellcheck disable=SC2086
	is "$o cannot be used with --singer" 64 "$(status etl-extract $o --singer ./plain)"
done
is '--select needs Singer messages' 64 "$(status etl-extract --select x messages.ndjson)"
like 'and the message says which options read them' '--singer TAP, or --format singer' \
    "$(cat err)"
is 'a tap that does not exist' 78 "$(status etl-extract --singer ./none)"

# Messages.
tap odd <<'END'
echo '{"type":"record","stream":"users","record":{"id":1}}'
echo '{"type":"RECORD","stream":"users","record":{"id":2,"n":1.10,"u":"\u00e9"},"version":3,"time_extracted":"2026-01-01T00:00:00Z"}'
echo '{"type":"ACTIVATE_VERSION","stream":"users","version":3}'
echo '{"type":"ACTIVATE_VERSION","stream":"users","version":3}'
echo '{"type":"METRIC","x":1}'
echo '{"type":"METRIC","x":2}'
echo '{"x":1}'
echo '[]'
echo 'log: hello'
echo '{"type":"RECORD","stream":"users"}'
echo '{"type":"RECORD","record":{}}'
echo '{"type":"STATE"}'
echo '{"type":"RECORD","stream":"users","record":{"@etl":"end"}}'
echo '{"type":"RECORD","stream":"users","record":{}}'
echo 'to stderr' >&2
END
is 'types are compared without case, and tokens stay as they are' \
    '{"id":1}
{"id":2,"n":1.10,"u":"\u00e9"}
{}' "$(etl-extract --rejects rejects --max-rejects 90% --singer ./odd 2>err)"
is 'each broken line is a reject with its bytes, line and tap' \
    'required /type 7 {"x":1}
type null 8 []
parse null 9 log: hello
required /record 10 {"type":"RECORD","stream":"users"}
required /stream 11 {"type":"RECORD","record":{}}
required /value 12 {"type":"STATE"}
reserved /record 13 {"type":"RECORD","stream":"users","record":{"@etl":"end"}}' \
    "$(jq -r '"\(.code) \(.pointer) \(.origin.line) \(.raw)"' rejects)"
is 'the origin of a reject names the tap' '{"kind":"singer","uri":"./odd","line":7}' \
    "$(head -n 1 rejects | jq -c .origin)"
is 'unknown types and ACTIVATE_VERSION are warned of once; the standard error of a tap passes' \
    '1 1 1' "$(grep -c METRIC err) $(grep -c ACTIVATE_VERSION err) $(grep -cx 'to stderr' err)"
tap loud <<'END'
printf '%s\n' '{"type":"X\u001b[31m\nfake: \u202e"}'
END
is 'a type is shown without the characters that a terminal obeys' \
    'etl-extract: warning: ./loud: messages of the type X\u001b[31m\nfake: \u202e are skipped' \
    "$(etl-extract --singer ./loud 2>&1)"
tap batch <<'END'
echo '{"type":"BATCH","stream":"users","manifest":["file:///x"]}'
END
is 'a BATCH message, whose records are in files, is refused' 78 \
    "$(status etl-extract --singer ./batch)"
tap twice <<'END'
echo '{"type":"RECORD","stream":"users","record":{"s":1}}'
END
is 'a record that has the member of --select-as is a reject' 'duplicate_member' \
    "$(etl-extract --stream x --select-as s --singer ./twice 2>/dev/null |
	jq -r 'select(."@etl" == "reject") | .code')"

# A file or a pipe.
is '--format singer reads a file' '{"id":1,"s":"users","f":"messages"}
{"id":7,"s":"orders","f":"messages"}
{"id":2,"s":"users","f":"messages"}' \
    "$(etl-extract --format singer --select-as s --source-file f messages)"
is '--format singer reads a pipe' 3 "$(etl-extract --format singer - <messages | wc -l)"
gzip -c messages >m.singer.gz
is 'the suffix .singer says the format, also with .gz' 3 "$(etl-extract m.singer.gz | wc -l)"
cp m.singer.gz n.singer.gz
is '--jobs 2 reads files in order, and prints a warning once for each file' '6 2' \
    "$(etl-extract --jobs 2 --select orders --select users m.singer.gz n.singer.gz | wc -l) $(
    etl-extract --jobs 2 --select none m.singer.gz n.singer.gz 2>&1 | grep -c none)"
ok 'the letters of a tap are replayed with --format singer' sh -c '
	etl-extract --stream s --singer ./odd 2>/dev/null | grep -v "\"end\"" |
	    grep reject >r; etl-dlq put --db sqlite:dlq.db r'
etl-dlq replay --db sqlite:dlq.db 2>err |
    { rc=0; etl-extract --format singer --max-rejects 100% - >replayed \
	2>>err || rc=$?; echo "$rc" >rc; }
is 'the replay of these letters: exit code 0' 0 "$(cat rc)"
is 'and rejected again with the place that they had' "7 9" \
    "$(grep -c '"@etl":"reject"' replayed) $(grep '"log: hello"' replayed | jq .origin.line)"
is 'a replay, which has single messages, does not warn of streams without one' '' "$(
    etl-extract --stream s --select-as s --max-rejects 100% --singer ./twice 2>/dev/null |
	etl-dlq put --db sqlite:twice.db >/dev/null
    etl-dlq replay --db sqlite:twice.db |
	etl-extract --format singer --select users --select orders - 2>&1 >/dev/null)"

# Checkpoints.
tap inc <<'END'
from=0
case "$*" in *--state*)
	for f; do :; done
	stat -L -c %a "$f" >mode
	cp "$f" given
	from=$(jq .bookmarks.users "$f") ;;
esac
echo "$*" >command
echo '{"type": "SCHEMA", "stream": "users", "schema": {}, "key_properties": ["id"]}'
for i in $(seq $((from + 1)) $((from + 3))); do
	echo "{\"type\": \"RECORD\", \"stream\": \"users\", \"record\": {\"id\": $i}}"
	echo "{\"type\": \"STATE\", \"value\": {\"bookmarks\": {\"users\": $i}, \"n\": 1.0}}"
done
END
in_file() { etl-extract --checkpoint c --state file:state "$@"; }
in_file --singer ./inc --config x >out
is 'without a stored STATE the tap gets no --state' '--config x' "$(cat command)"
is 'the last STATE becomes a mark, with the bytes that the tap wrote' \
    '["{\"bookmarks\": {\"users\": 3}, \"n\": 1.0}",null,0]' "$(marks out)"
is 'the stream has the name of the checkpoint' c "$(head -n 1 out | jq -r .stream)"
etl-checkpoint save --marked --state file:state <out >/dev/null
in_file --singer ./inc >out
is 'the next run gives the STATE to the tap, byte by byte' \
    '{"bookmarks": {"users": 3}, "n": 1.0}' "$(cat given)"
is 'in a file that only the user can read' 600 "$(cat mode)"
is '--state is appended to the command of the tap' '--state /dev/fd/' \
    "$(sed 's/[0-9]*$//' command)"
is 'and from has the STATE at which the run began' \
    '["{\"bookmarks\": {\"users\": 6}, \"n\": 1.0}","{\"bookmarks\": {\"users\": 3}, \"n\": 1.0}",1]' \
    "$(marks out)"
# shellcheck disable=SC2016
in_file --singer sh -c './inc "$@"' inc --config x >out
is 'a tap in a script of the shell gets --state as its last arguments' \
    '--config x --state /dev/fd/ {"bookmarks": {"users": 3}, "n": 1.0}' \
    "$(sed 's/[0-9]*$//' command) $(cat given)"
is 'a run without --checkpoint gives no --state and writes no mark' '' \
    "$(etl-extract --stream s --singer ./inc | grep checkpoint; cat command)"

tap edges <<'END'
echo '{"type":"STATE","value":{"a":0}}'
echo '{"type":"RECORD","stream":"users","record":{"id":1}}'
echo '{"type":"STATE","value":{"a":1}}'
echo '{"type":"STATE","value":{"a":2}}'
sleep 1.3
echo '{"type":"RECORD","stream":"users","record":{"id":2}}'
echo '{"type":"STATE","value":{"a":2}}'
echo '{"type":"RECORD","stream":"users","record":{"id":3}}'
echo '{"type":"STATE","value":{"a":3}}'
echo '{"type":"RECORD","stream":"users","record":{"id":4}}'
END
rm -f state
in_file --singer ./edges >out 2>err
is 'a STATE is in a mark within a second while the tap writes nothing; a STATE
that equals that of the last mark gets none; a STATE that a record has followed is
passed over' '{"a":2}' "$(values out)"
is 'the mark stands after the records that it covers' '1 checkpoint 2 3 4 end' \
    "$(jq -r '.id // ."@etl"' out | sed 1d | grep -v stages | xargs)"
like 'records after the last STATE are warned of' 'came after the last STATE' "$(cat err)"
tap same <<'END'
echo '{"type":"STATE","value":{"a":0}}'
echo '{"type":"RECORD","stream":"users","record":{"id":1}}'
echo '{"type":"STATE","value":{"a":0}}'
END
etl-checkpoint set --state file:state c '{"a":0}'
in_file --singer ./same >out
is 'a STATE that equals the stored one gets no mark' '' "$(values out)"
is 'and the end of the stream tells the version of the stored one' 1 \
    "$(tail -n 1 out | jq 'select(."@etl" == "end") | .version')"
tap many <<'END'
awk 'BEGIN { for (i = 1; i <= 25000; i++) {
	print "{\"type\":\"RECORD\",\"stream\":\"s\",\"record\":{\"id\":" i "}}"
	print "{\"type\":\"STATE\",\"value\":{\"i\":" i "}}" } }'
END
rm -f state
in_file --singer ./many >out
like 'a mark comes after 10,000 records' '^\{"i":10000\}$' "$(values out)"
like 'and the last STATE is in the last mark' '^\{"i":25000\}$' "$(values out | tail -n 1)"
ok 'not each STATE becomes a mark' test "$(values out | wc -l)" -lt 10
etl-checkpoint set --state file:state c 2026-01-01
is 'a checkpoint that is not of a tap is refused' 78 \
    "$(status etl-extract --checkpoint c --state file:state --singer ./inc)"
like 'and the message names it' "checkpoint c: its value '2026-01-01' is not a STATE" "$(cat err)"
tap long <<'END'
printf '{"type":"STATE","value":{"a":"%2000s"}}\n' x
END
rm -f state
is 'a STATE that is too long for a mark is an error' 65 "$(status etl-extract \
    --max-record 2000 --checkpoint c --state file:state --singer ./long)"
done_testing
