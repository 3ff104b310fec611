#!/bin/sh
# etl-checkpoint save first writes records and marks to its output, then saves
# the value of the last written mark.
. tests/support/lib.sh
cd "$scratch"
# LeakSanitizer does not work under strace.
traced() {
	ASAN_OPTIONS=detect_leaks=0 strace "$@"
}

# marked N [VERSION [NAME]]: prints a stream with the values 1 to N, each with
# two records and a checkpoint mark.
marked() {
	awk -v n="$1" -v version="${2:-0}" -v name="${3:-posts}" '
	function counts(out) {
		return "\"stages\":[{\"stage\":\"extract\",\"in\":0," \
		    "\"out\":" out ",\"dropped\":0,\"rejected\":0}]}"
	}
	BEGIN {
		print "{\"@etl\":\"begin\",\"v\":1,\"id\":\"b1\"," \
		    "\"checkpoint\":\"" name "\",\"stages\":[\"extract\"]}"
		for (i = 1; i <= n; i++) {
			print "{\"n\":" i ",\"x\":1.0}\n{ \"n\" :" i "}"
			print "{\"@etl\":\"checkpoint\",\"name\":\"" name \
			    "\",\"seq\":" i ",\"from\":null,\"version\":" \
			    version ",\"value\":\"" i "\"," counts(2 * i)
		}
		print "{\"@etl\":\"end\",\"seq\":" n "," counts(2 * n)
	}'
}
# save OPTION...: runs save on standard input and prints its exit code.
save() {
	rc=0
	etl-checkpoint save --marked --state file:state.json "$@" >out 2>err || rc=$?
	echo $rc
}
# stored: prints the value and the version of the checkpoint.
stored() {
	etl-checkpoint list --state file:state.json --json |
	    jq -r 'select(.name == "posts") | "\(.value) \(.version)"'
}
# set_state [VALUE VERSION]: a state file with this checkpoint, or no file.
set_state() {
	rm -f state.json
	[ $# -eq 0 ] || printf '{"posts":{"value":"%s","version":%s}}\n' "$1" \
	    "$2" >state.json
}
records() {
	grep -v '^{"@etl"' "$1" || :
}

marked 3 >three
set_state
is 'save exits with 0' 0 "$(save <three)"
is 'records pass unchanged' "$(records three)" "$(records out)"
is 'marks pass, with counts of the stage checkpoint added' \
    "$(sed -E 's/(.*stages":\[.*)\]\}$/\1/' three)" \
    "$(sed -E 's/,("checkpoint"|\{"stage":"checkpoint".*)\]\}$//' out)"
like 'the end mark has the counts of the stage checkpoint' \
    '"stage":"checkpoint","in":6,"out":6,"dropped":0,"rejected":0}\]}$' \
    "$(tail -n 1 out)"
is 'the last value is saved' 3 "$(stored | cut -d' ' -f1)"
is 'no temporary file is left beside the state file' state.json \
    "$(find . -name '*state*' |
    sed 's,^\./,,')"

set_state old 5
is 'save of a stream from the stored version exits with 0' 0 \
    "$(marked 2 5 | save)"
is 'each saved mark raises the version' '2 7' "$(stored)"
set_state old 6
is 'save of a stream from another version exits with 75' 75 \
    "$(marked 2 5 | save)"
like 'the message says that the race was lost' \
    'posts: its version .* is 6, but 5 was' \
    "$(cat err)"
is 'a lost race leaves the checkpoint unchanged' 'old 6' "$(stored)"
like 'a lost race writes a failed mark for the later stages' \
    '^{"@etl":"failed","stage":"checkpoint","code":75' \
    "$(tail -n 1 out)"
set_state
is 'save of a checkpoint that was deleted exits with 75' 75 \
    "$(marked 2 5 | save)"
is 'save does not create the deleted checkpoint again' '' \
    "$(ls state.json 2>/dev/null || :)"

set_state
is 'save of a fast stream exits with 0' 0 "$(marked 2000 | save)"
is 'the last value of the fast stream is saved' 2000 "$(stored | cut -d' ' -f1)"
ok 'save writes the state file for few marks of a fast stream' \
    test "$(stored | cut -d' ' -f2)" -lt 200

# save of a cut or failed stream saves the last mark.
set_state
is 'save of a cut stream exits with 75' 75 "$(marked 9 | head -n 8 | save)"
is 'the last mark of the cut stream is saved' 2 "$(stored | cut -d' ' -f1)"
is 'the cut stream is passed on, with a failed mark at its end' \
    '8 {"@etl":"failed","stage":"checkpoint","code":75' \
    "$(head -n 8 out | wc -l | tr -d ' ') $(tail -n 1 out | cut -d, -f1-3)"
set_state
is 'save exits with the code of a failed mark' 66 "$({ marked 9 | head -n 8
    echo '{"@etl":"failed","stage":"extract","code":66,"message":"gone"}'
    } | save)"
is 'the last checkpoint mark before the failed mark is saved' 2 \
    "$(stored | cut -d' ' -f1)"
is 'the message is the cause from the failed mark' \
    'etl-checkpoint: extract: gone' "$(cat err)"
like 'the failed mark is passed on' \
    '^{"@etl":"failed","stage":"extract","code":66' \
    "$(tail -n 1 out)"

# --no-marks: several runs append to one file, also after a run that failed.
append_run() {
	rc=0
	etl-checkpoint save --no-marks --state file:state.json "$@" >>plain \
	    2>err || rc=$?
	echo $rc
}
rejected='{"@etl":"reject","id":"ab","occurrence":"o/1","stage":"extract","code":"parse","raw":"x"}'
set_state
rm -f plain
is 'no marks: save of a cut stream exits with 75' 75 \
    "$(marked 3 | head -n 4 | append_run)"
is 'no marks: the last mark of the cut stream is saved' '1 1' "$(stored)"
printf '{"half' >>plain
is 'no marks: save exits with the code of a failed mark' 66 \
    "$({ marked 2 1 | head -n 4
    echo "$rejected"
    echo '{"@etl":"failed","stage":"extract","code":66,"message":"gone"}'
    } | append_run)"
is 'no marks: save of a complete stream exits with 0' 0 \
    "$(marked 2 2 | append_run)"
is 'no marks: the file has all records and reject lines' \
    "$(records three | head -n 2
    echo '{"half'
    records three | head -n 2
    echo "$rejected"
    records three | head -n 4)" "$(cat plain)"
is 'no marks: save of a stream with a lost record exits with 76' 76 \
    "$(marked 2 3 | sed 2d | append_run)"
is 'no marks: a failed stream adds no mark to the file' 1 \
    "$(grep -c @etl plain)"

# save stores a mark while it waits for more input.
start_save() {
	set_state
	rm -f in out
	mkfifo in
	etl-checkpoint save --state file:state.json <in >out 2>err &
	pid=$!
	exec 5>in
	marked 9 >nine
}
value_is() {
	[ "$(stored 2>/dev/null | cut -d' ' -f1)" = "$1" ]
}
start_save
head -n 4 nine >&5
ok 'a mark is saved while the stream goes on' wait_until 10 value_is 1
ok 'the mark is written to the output before it is saved' \
    grep -q '"value":"1"' out
sed -n 5,7p nine >&5
ok 'the second mark is saved while the stream goes on' wait_until 10 value_is 2
sed -n '8,13p' nine >&5
ok 'the last of several marks is saved' wait_until 10 value_is 4
etl-checkpoint set --state file:state.json posts mine
sed -n '14,16p' nine >&5
rc=0; { wait $pid || rc=$?; } 2>/dev/null
exec 5>&-
is 'save exits with 75 if the checkpoint is set meanwhile' 75 $rc
is 'the value that was set stays' mine "$(stored | cut -d' ' -f1)"

start_save
head -n 7 nine >&5
wait_until 10 grep -q '"value":"2"' out
kill -TERM $pid
rc=0; wait $pid 2>/dev/null || rc=$?
exec 5>&-
is 'SIGTERM ends save with 143' 143 $rc
is 'save stores the last written mark before SIGTERM ends it' 2 \
    "$(stored | cut -d' ' -f1)"

# The reader closes the pipe after two marks, of which one is not saved yet.
reader_closes_pipe() {
	set_state
	rm -f in out
	mkfifo in out
	etl-checkpoint save --state file:state.json <in >out 2>err &
	pid=$!
	sh -c 'exec cat <out' >/dev/null &
	reader=$!
	exec 5>in
	head -n 7 nine >&5
	until value_is 1 || value_is 2; do sleep 0.01; done
	kill $reader
	wait $reader 2>/dev/null || :
	sleep 1.2               # the second mark is due within a second
	exec 5>&-
	rc=0; { wait $pid || rc=$?; } 2>/dev/null
	rm -f out
	[ $rc -eq 141 ] && value_is 1
}
tried=0
until reader_closes_pipe || [ $tried -eq 5 ]; do tried=$((tried + 1)); done
ok 'no mark is saved after the reader has closed the pipe' test $tried -lt 5

# Output that cannot be written, and a state file that cannot be replaced.
set_state old 0 && set_state old 1
marked 3 1 >three.1
set -- etl-checkpoint save --marked --state file:state.json
rc=0; "$@" <three.1 >/dev/full 2>err || rc=$?
is 'save to a full standard output exits with 74' 74 $rc
rc=0; "$@" <three.1 >&- 2>err || rc=$?
is 'save with a closed standard output exits with 74' 74 $rc
is 'save exits with 141 if nobody reads its output' 141 \
    "$(bash -c '{ sleep 0.3; cat three.1; } |
    etl-checkpoint save --state file:state.json | true
    echo ${PIPESTATUS[1]}' 2>err)"
is 'an output that fails leaves the checkpoint unchanged' 'old 1' "$(stored)"
inject() {
	rc=0
	traced -o trace -e trace=fdatasync,fsync,write,renameat \
	    -e inject="$1" etl-checkpoint save --marked \
	    --state file:state.json <three.1 >out 2>err || rc=$?
	echo $rc
}
is 'save exits with 74 if fdatasync of its output fails' 74 \
    "$(inject fdatasync:error=EIO)"
like 'the message names standard output and the error' \
    '^etl-checkpoint: standard output: Input/output error' \
    "$(cat err)"
is 'save does not repeat the failed fdatasync' 1 "$(grep -c fdatasync trace)"
is 'save exits with 74 if fsync of the new file fails' 74 \
    "$(inject fsync:error=EIO)"
like 'the message names the new file and the error' \
    'state.json.etl-new: Input/output error' "$(cat err)"
mkdir -p sub/.there.json.etl-new
is 'set exits with 73 if it cannot create the new file' 73 \
    "$(status etl-checkpoint set \
    --state file:sub/there.json a b)"
like 'the message names the new file with its folder' \
    '^etl-checkpoint: sub/.there.json.etl-new: ' "$(cat err)"
is 'save exits with 74 if a write fails with ENOSPC' 74 \
    "$(inject write:error=ENOSPC:when=3)"
like 'the message names the new file and the full disk' \
    'state.json.etl-new: No space left' "$(cat err)"
is 'save exits with 74 at the limit of the file size' 74 "$(bash -c 'ulimit -f 0
    etl-checkpoint save --marked --state file:state.json <three.1 2>&1 |
    cat >/dev/null; echo ${PIPESTATUS[0]}')"
is 'save exits with 77 if it may not rename the new file' 77 \
    "$(inject renameat:error=EACCES)"
is 'a new file that fails leaves the checkpoint unchanged' 'old 1' "$(stored)"
is 'save exits with 74 if fsync of the folder fails' 74 \
    "$(inject fsync:error=EIO:when=2)"
is 'after a failed fsync the value is the old or the new one' ok \
    "$(case $(stored) in 'old 1' | '1 2')
    echo ok ;; esac)"
is 'failed saves leave no temporary file' state.json "$(find . -name '*state*' |
    sed 's,^\./,,')"

# The order of writes and syncs.
set_state
marked 1 | traced -o trace -e trace=write,fdatasync,fsync,renameat,openat \
    etl-checkpoint save --state file:state.json >out 3>>rejects
is 'save syncs the output, then replaces the state file' \
    'write(1 write(1 fdatasync(1 fdatasync(3 openat(4 write(5 fsync(5 renameat(4 fsync(4 write(1 ' \
    "$(grep -E '^(f?(data)?sync|write|renameat)|etl-new' trace |
    sed 's/, .*//; s/).*//' | tr '\n' ' ')"
set_state
marked 1 | traced -o trace -e trace=fdatasync etl-checkpoint save \
    --state file:state.json | cat >out
is 'save does not sync a pipe' 0 "$(grep -c fdatasync trace || :)"

# Streams that save refuses.
# refused NAME STATUS ERE [SED]: save of three marks, changed by SED, exits with
# STATUS and prints a line that matches ERE.
refused() {
	set_state old 1
	sed "${4:-}" three.1 >input
	is "$1: save exits with $2" "$2" "$(save <input)"
	is "$1: nothing is saved" 'old 1' "$(stored)"
	like "$1: the message names the cause" "$3" "$(cat err)"
}
advice='give etl-extract --checkpoint'
refused 'a plain stream' 78 "$advice" '/^{"@etl"/d'
is 'no record of a plain stream passes' '' "$(records out)"
refused 'a stream without checkpoints' 78 "$advice" 's/"checkpoint":"posts",//'
refused 'a replay' 78 replay '1s/"stages"/"replay":true,&/'
refused 'an empty input' 75 'the input is empty, without a begin mark' d
refused 'a lost record' 76 '1 records were lost' 2d
refused 'a repeated record' 76 'were added' 2p
refused 'a lost reject line' 76 'wrote 1 reject lines' \
    's/"rejected":0}/"rejected":1}/'
refused 'a checkpoint mark without stages' 76 . '4s/"stages".*/"x":1}/'
refused 'a checkpoint mark with another name than begin' 76 \
    'has a checkpoint mark of other, but its begin mark names posts' \
    's/"name":"posts"/"name":"other"/'
refused 'a name of more than 512 bytes' 76 512 "s/posts/$(printf '%0600d' 1)/"
set_state old 1
is 'save of a stream with a lost record exits with 76' 76 \
    "$(marked 3 1 | sed 8d |
    save)"
like 'only marks before the lost record may be saved' '^(old 1|1 2)$' \
    "$(stored)"
for bad in '' '[]' '{"posts":{"value":1,"version":1}}' '{"posts":'; do
	printf '%s' "$bad" >state.json
	is "save with a broken state file exits with 78: $bad" 78 \
	    "$(save <three)"
	is 'the broken state file stays unchanged' "$bad" "$(cat state.json)"
	is 'no record passes if the state file is broken' '' "$(records out)"
	like 'the message names the line in the broken state file' \
	    'state.json: (line 1|the file is empty)' "$(cat err)"
done
printf '\357\273\277{}' >state.json
is 'save with a byte order mark in its file exits with 78' 78 "$(save <three)"
like 'the message names the byte order mark' \
    'state.json: line 1: not JSON: found a byte order mark \(U\+FEFF\)$' \
    "$(cat err)"
is 'save into a missing folder exits with 73' 73 \
    "$(status etl-checkpoint save --state file:no/x)"
is 'save with a folder as its file exits with 78' 78 \
    "$(status etl-checkpoint save --state file:.)"
mkfifo pipe
is 'save with a named pipe as its file exits with 78' 78 \
    "$(status etl-checkpoint save --state file:pipe)"

# Large values, odd names, long records and two streams.
set_state
python3 -c 'import sys
print(open(sys.argv[1]).read().replace("\"value\":\"1\"",
    "\"value\":\"" + 1048576 * "v" + "\""), end="")' three >bigger
is 'save of a stream with a 1 MiB value exits with 0' 0 "$(save <bigger)"
is 'the last value after a 1 MiB value is saved' 3 "$(stored | cut -d' ' -f1)"
head -n 4 bigger >start
set_state
is 'save of a stream cut after a 1 MiB value exits with 75' 75 "$(save <start)"
is 'get prints the value of 1 MiB unchanged' \
    "$(head -c 1048576 /dev/zero | tr '\0' v | sha256sum)" \
    "$(etl-checkpoint get --state file:state.json posts | tr -d '\n' |
    sha256sum)"
set_state
is 'save under a name with a quote and a newline exits with 0' 0 "$(marked 1 |
    sed 's/posts/\\"\\u00e9\\n\\ud83d\\ude00/' | save)"
is 'list --json has the odd name unchanged' '"\"é\n😀"' \
    "$(etl-checkpoint list --state file:state.json --json |
    jq .name)"
set_state
is 'save of a record over --max-record exits with 0' 0 \
    "$(marked 2 | sed '5s/1\.0/"a longer record"/' |
    save --max-record 25)"
like 'the long record is written as a reject line' \
    '^{"@etl":"reject",.*"stage":"checkpoint","code":"too_long"' \
    "$(cat out)"
is 'the end mark counts the rejected record' '4 3 1' \
    "$(tail -n 1 out | jq -r '.stages[1] |
    "\(.in) \(.out) \(.rejected)"')"
is 'the last value of a stream with a reject is saved' 2 \
    "$(stored | cut -d' ' -f1)"
set_state
is 'save of two streams, one after the other, exits with 0' 0 \
    "$({ marked 3; marked 4 0 other; } | save)"
is 'the checkpoints of both streams are saved' 'posts 3 other 4' \
    "$(etl-checkpoint list --json \
    --state file:state.json | jq -r '.name, .value' | tr '\n' ' ' |
    sed 's/ $//')"

# Several saves run at once.
set_state
for i in 1 2 3 4 5 6 7 8; do
	marked 5 0 "n$i" | "$@" >/dev/null &
done
wait
is 'eight saves of different names at once all succeed' 8 \
    "$(jq '[.[] | select(.value == "5")] | length' \
    state.json)"
set_state
for i in 1 2 3 4 5 6 7 8; do
	{
		rc=0
		marked 5 | "$@" >/dev/null 2>&1 || rc=$?
		echo $rc >rc.$i
	} &
done
wait
is 'of eight saves of one name one succeeds, seven exit with 75' \
    '0 75 75 75 75 75 75 75' \
    "$(sort -n rc.? | tr '\n' ' ' | sed 's/ $//')"
set_state
: >slow
(
	wait_until 10 grep -q ENOENT slow
	marked 5 | "$@" >/dev/null
) &
is 'save exits with 75 if the state file appears meanwhile' 75 "$(rc=0
    marked 5 | traced -o slow -P state.json -P "$PWD/state.json" \
    -e inject=all:delay_enter=300000 "$@" >/dev/null 2>err || rc=$?
    echo $rc)"
wait
set_state
is 'save as a stage of etl-run exits with 0' 0 \
    "$(DATABASE_URL=sqlite:run.db status etl-run \
    --name posts -c 'cat three | etl-checkpoint save --state file:state.json \
    >>kept')"
is 'save as a stage of etl-run saves the last value' 3 \
    "$(stored | cut -d' ' -f1)"
done_testing
