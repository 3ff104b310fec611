#!/bin/sh
# save: what goes out goes out first, and what is saved is the last of it.
. tests/support/lib.sh
cd "$scratch"
# A leak checker cannot work under strace.
traced() {
	ASAN_OPTIONS=detect_leaks=0 strace "$@"
}

# marked N [VERSION [NAME]]: values 1 .. N, two records and a mark each.
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
# Standard input saved: the status.
save() {
	rc=0
	etl-checkpoint save --state file:state.json "$@" >out 2>err || rc=$?
	echo $rc
}
# What is stored: VALUE VERSION.
stored() {
	etl-checkpoint list --state file:state.json --json |
	    jq -r 'select(.name == "posts") | "\(.value) \(.version)"'
}
fresh() {
	rm -f state.json
	[ $# -eq 0 ] || printf '{"posts":{"value":"%s","version":%s}}\n' "$1" \
	    "$2" >state.json
}
records() {
	grep -v '^{"@etl"' "$1" || :
}

marked 3 >three
fresh
is 'a stream' 0 "$(save <three)"
is 'records pass unchanged' "$(records three)" "$(records out)"
is 'marks pass, with the stage' "$(sed -E 's/(.*stages":\[.*)\]\}$/\1/' three)" \
    "$(sed -E 's/,("checkpoint"|\{"stage":"checkpoint".*)\]\}$//' out)"
like 'and its counts' '"stage":"checkpoint","in":6,"out":6,"dropped":0,"rejected":0}\]}$' \
    "$(tail -n 1 out)"
is 'the last value is saved' 3 "$(stored | cut -d' ' -f1)"
is 'nothing is left beside' state.json "$(find . -name '*state*' |
    sed 's,^\./,,')"

fresh old 5
is 'from the version that was read' 0 "$(marked 2 5 | save)"
is 'it goes up' '2 7' "$(stored)"
fresh old 6
is 'of another version' 75 "$(marked 2 5 | save)"
like 'it has lost' 'posts: lost the race: its version .* is 6, but 5 was' \
    "$(cat err)"
is 'and saved nothing' 'old 6' "$(stored)"
like 'programs behind it are told' '^{"@etl":"failed","stage":"checkpoint","code":75' \
    "$(tail -n 1 out)"
fresh
is 'one that was there, and is not' 75 "$(marked 2 5 | save)"
is 'is not made' '' "$(ls state.json 2>/dev/null || :)"

fresh
is 'a fast stream' 0 "$(marked 2000 | save)"
is 'ends with its last value' 2000 "$(stored | cut -d' ' -f1)"
ok 'and few of those between were saved' test "$(stored | cut -d' ' -f2)" -lt 200

# As far as it came.
fresh
is 'cut' 75 "$(marked 9 | head -n 8 | save)"
is 'the last mark is saved' 2 "$(stored | cut -d' ' -f1)"
is 'all is passed on, and how it ended' '8 {"@etl":"failed","stage":"checkpoint","code":75' \
    "$(head -n 8 out | wc -l | tr -d ' ') $(tail -n 1 out | cut -d, -f1-3)"
fresh
is 'failed' 66 "$({ marked 9 | head -n 8
    echo '{"@etl":"failed","stage":"extract","code":66,"message":"gone"}'
    } | save)"
is 'the last mark is saved too' 2 "$(stored | cut -d' ' -f1)"
is 'with the first cause' 'etl-checkpoint: extract: gone' "$(cat err)"
like 'passed on' '^{"@etl":"failed","stage":"extract","code":66' \
    "$(tail -n 1 out)"

# A file that runs append to, without marks, whatever became of one.
add() {
	rc=0
	etl-checkpoint save --no-marks --state file:state.json "$@" >>plain \
	    2>err || rc=$?
	echo $rc
}
rejected='{"@etl":"reject","id":"ab","occurrence":"o/1","stage":"extract","code":"parse","raw":"x"}'
fresh
rm -f plain
is 'no marks: cut' 75 "$(marked 3 | head -n 4 | add)"
is 'no marks: the last mark is saved' '1 1' "$(stored)"
printf '{"half' >>plain
is 'no marks: the next run failed' 66 "$({ marked 2 1 | head -n 4
    echo "$rejected"
    echo '{"@etl":"failed","stage":"extract","code":66,"message":"gone"}'
    } | add)"
is 'no marks: whole' 0 "$(marked 2 2 | add)"
is 'no marks: records and rejects' "$(records three | head -n 2
    echo '{"half'
    records three | head -n 2
    echo "$rejected"
    records three | head -n 4)" "$(cat plain)"
is 'no marks: sums are looked at' 76 "$(marked 2 3 | sed 2d | add)"
is 'no marks: nor does a failure leave one' 1 "$(grep -c @etl plain)"

# While it waits.
feed() {
	fresh
	rm -f in out
	mkfifo in
	etl-checkpoint save --state file:state.json <in >out 2>err &
	pid=$!
	exec 5>in
	marked 9 >nine
}
holds() {
	[ "$(stored 2>/dev/null | cut -d' ' -f1)" = "$1" ]
}
feed
head -n 4 nine >&5
ok 'a mark is saved while the stream goes on' wait_until 10 holds 1
ok 'after what it covers has gone out' grep -q '"value":"1"' out
sed -n 5,7p nine >&5
ok 'the next one as well' wait_until 10 holds 2
sed -n '8,13p' nine >&5
ok 'and the last of several' wait_until 10 holds 4
etl-checkpoint set --state file:state.json posts mine
sed -n '14,16p' nine >&5
rc=0; wait $pid || rc=$?
exec 5>&-
is 'set by hand meanwhile: it has lost' 75 $rc
is 'and what was set stays' mine "$(stored | cut -d' ' -f1)"

feed
head -n 7 nine >&5
wait_until 10 grep -q '"value":"2"' out
kill -TERM $pid
rc=0; wait $pid 2>/dev/null || rc=$?
exec 5>&-
is 'a signal' 143 $rc
is 'what has gone out is saved' 2 "$(stored | cut -d' ' -f1)"

# Its reader leaves after it took two marks, of which one is not saved yet.
left() {
	fresh
	rm -f in out
	mkfifo in out
	etl-checkpoint save --state file:state.json <in >out 2>err &
	pid=$!
	sh -c 'exec cat <out' >/dev/null &
	reader=$!
	exec 5>in
	head -n 7 nine >&5
	until holds 1 || holds 2; do sleep 0.01; done
	kill $reader
	wait $reader 2>/dev/null || :
	sleep 1.2               # the other one is due within a second
	exec 5>&-
	rc=0; wait $pid || rc=$?
	rm -f out
	[ $rc -eq 141 ] && holds 1
}
tried=0
until left || [ $tried -eq 5 ]; do tried=$((tried + 1)); done
ok 'a reader that has left takes no more' test $tried -lt 5

# Output that fails, and a file that cannot be replaced.
fresh old 0 && fresh old 1
marked 3 1 >three.1
set -- etl-checkpoint save --state file:state.json
rc=0; "$@" <three.1 >/dev/full 2>err || rc=$?
is 'a full disk' 74 $rc
rc=0; "$@" <three.1 >&- 2>err || rc=$?
is 'stdout closed' 74 $rc
is 'a reader that never was' 141 "$(bash -c '{ sleep 0.3; cat three.1; } |
    etl-checkpoint save --state file:state.json | true
    echo ${PIPESTATUS[1]}' 2>err)"
is 'nothing is saved' 'old 1' "$(stored)"
inject() {
	rc=0
	traced -o trace -e trace=fdatasync,fsync,write,renameat \
	    -e inject="$1" etl-checkpoint save --state file:state.json \
	    <three.1 >out 2>err || rc=$?
	echo $rc
}
is 'EIO on the output' 74 "$(inject fdatasync:error=EIO)"
like 'is told' '^etl-checkpoint: standard output: Input/output error' \
    "$(cat err)"
is 'once, and not tried again' 1 "$(grep -c fdatasync trace)"
is 'EIO on the new file' 74 "$(inject fsync:error=EIO)"
like 'is told too' 'state.json.etl-new: Input/output error' "$(cat err)"
mkdir -p sub/.there.json.etl-new
is 'a file that cannot be written' 73 "$(status etl-checkpoint set \
    --state file:sub/there.json a b)"
like 'in which folder' '^etl-checkpoint: sub/.there.json.etl-new: ' "$(cat err)"
is 'ENOSPC' 74 "$(inject write:error=ENOSPC:when=3)"
like 'says what is full' 'state.json.etl-new: No space left' "$(cat err)"
is 'a limit of files' 74 "$(bash -c 'ulimit -f 0
    etl-checkpoint save --state file:state.json <three.1 2>&1 |
    cat >/dev/null; echo ${PIPESTATUS[0]}')"
is 'a rename refused' 77 "$(inject renameat:error=EACCES)"
is 'and nothing is saved' 'old 1' "$(stored)"
is 'EIO on the folder' 74 "$(inject fsync:error=EIO:when=2)"
is 'the file is one or the other' ok "$(case $(stored) in 'old 1' | '1 2')
    echo ok ;; esac)"
is 'nothing is left beside it' state.json "$(find . -name '*state*' |
    sed 's,^\./,,')"

# What is on the disk, and in which order.
fresh
marked 1 | traced -o trace -e trace=write,fdatasync,fsync,renameat,openat \
    etl-checkpoint save --state file:state.json >out 3>>rejects
is 'first the output, then the value' \
    'write(1 write(1 fdatasync(1 fdatasync(3 openat(4 write(5 fsync(5 renameat(4 fsync(4 write(1 ' \
    "$(grep -E '^(f?(data)?sync|write|renameat)|etl-new' trace |
    sed 's/, .*//; s/).*//' | tr '\n' ' ')"
fresh
marked 1 | traced -o trace -e trace=fdatasync etl-checkpoint save \
    --state file:state.json | cat >out
is 'a pipe is not asked to sync' 0 "$(grep -c fdatasync trace || :)"

# Streams that it cannot take.
# refused NAME STATUS ERE [SED]: three marks, changed by SED.
refused() {
	fresh old 1
	sed "${4:-}" three.1 >input
	is "$1" "$2" "$(save <input)"
	is "$1: nothing is saved" 'old 1' "$(stored)"
	like "$1: why" "$3" "$(cat err)"
}
advice='give etl-extract --checkpoint'
refused 'a plain stream' 78 "$advice" '/^{"@etl"/d'
is 'no record has passed' '' "$(records out)"
refused 'no checkpoints' 78 "$advice" 's/"checkpoint":"posts",//'
refused 'a replay' 78 replay '1s/"stages"/"replay":true,&/'
refused 'nothing at all' 75 'the input is empty, without a begin mark' d
refused 'a record lost' 76 '1 records were lost' 2d
refused 'a record twice' 76 'were added' 2p
refused 'a reject line lost' 76 'wrote 1 reject lines' \
    's/"rejected":0}/"rejected":1}/'
refused 'no stages' 76 . '4s/"stages".*/"x":1}/'
refused 'another name than that of begin' 76 'has a checkpoint mark of other, but its begin mark names posts' \
    's/"name":"posts"/"name":"other"/'
refused 'a name too long' 76 512 "s/posts/$(printf '%0600d' 1)/"
fresh old 1
is 'the marks before the hole are good' 76 "$(marked 3 1 | sed 8d |
    save)"
like 'and may be saved' '^(old 1|1 2)$' "$(stored)"
for bad in '' '[]' '{"posts":{"value":1,"version":1}}' '{"posts":'; do
	printf '%s' "$bad" >state.json
	is "a broken file: $bad" 78 "$(save <three)"
	is 'it stays' "$bad" "$(cat state.json)"
	is 'no record has passed' '' "$(records out)"
	like 'the place is told' 'state.json: (line 1|the file is empty)' "$(cat err)"
done
printf '\357\273\277{}' >state.json
is 'a file with a byte order mark' 78 "$(save <three)"
like 'a file with a byte order mark: is told' \
    'state.json: line 1: not JSON: found a byte order mark \(U\+FEFF\)$' \
    "$(cat err)"
is 'no such folder' 73 "$(status etl-checkpoint save --state file:no/x)"
is 'a folder' 78 "$(status etl-checkpoint save --state file:.)"
mkfifo pipe
is 'a pipe' 78 "$(status etl-checkpoint save --state file:pipe)"

# Names and values.
fresh
python3 -c 'import sys
print(open(sys.argv[1]).read().replace("\"value\":\"1\"",
    "\"value\":\"" + 1048576 * "v" + "\""), end="")' three >bigger
is 'a value of 1 MiB' 0 "$(save <bigger)"
is 'goes through' 3 "$(stored | cut -d' ' -f1)"
head -n 4 bigger >start
fresh
is 'is the last' 75 "$(save <start)"
is 'is saved' "$(head -c 1048576 /dev/zero | tr '\0' v | sha256sum)" \
    "$(etl-checkpoint get --state file:state.json posts | tr -d '\n' |
    sha256sum)"
fresh
is 'an odd name' 0 "$(marked 1 |
    sed 's/posts/\\"\\u00e9\\n\\ud83d\\ude00/' | save)"
is 'is kept' '"\"é\n😀"' "$(etl-checkpoint list --state file:state.json --json |
    jq .name)"
fresh
is 'a record too long' 0 "$(marked 2 | sed '5s/1\.0/"a longer record"/' |
    save --max-record 25)"
like 'is rejected' '^{"@etl":"reject",.*"stage":"checkpoint","code":"too_long"' \
    "$(cat out)"
is 'and counted' '4 3 1' "$(tail -n 1 out | jq -r '.stages[1] |
    "\(.in) \(.out) \(.rejected)"')"
is 'its stream is saved' 2 "$(stored | cut -d' ' -f1)"
fresh
is 'two streams in one' 0 "$({ marked 3; marked 4 0 other; } | save)"
is 'two checkpoints' 'posts 3 other 4' "$(etl-checkpoint list --json \
    --state file:state.json | jq -r '.name, .value' | tr '\n' ' ' |
    sed 's/ $//')"

# Several at once.
fresh
for i in 1 2 3 4 5 6 7 8; do
	marked 5 0 "n$i" | "$@" >/dev/null &
done
wait
is 'eight names at once' 8 "$(jq '[.[] | select(.value == "5")] | length' \
    state.json)"
fresh
for i in 1 2 3 4 5 6 7 8; do
	{
		rc=0
		marked 5 | "$@" >/dev/null 2>&1 || rc=$?
		echo $rc >rc.$i
	} &
done
wait
is 'one name by eight: one wins' '0 75 75 75 75 75 75 75' \
    "$(sort -n rc.? | tr '\n' ' ' | sed 's/ $//')"
fresh
: >slow
(
	wait_until 10 grep -q ENOENT slow
	marked 5 | "$@" >/dev/null
) &
is 'the file comes between two looks at its name' 75 "$(rc=0
    marked 5 | traced -o slow -P state.json -P "$PWD/state.json" \
    -e inject=all:delay_enter=300000 "$@" >/dev/null 2>err || rc=$?
    echo $rc)"
wait
fresh
is 'inside etl-run' 0 "$(DATABASE_URL=sqlite:run.db status etl-run \
    --name posts -c 'cat three | etl-checkpoint save --state file:state.json \
    >>kept')"
is 'the value is saved' 3 "$(stored | cut -d' ' -f1)"
done_testing
