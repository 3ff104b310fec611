#!/bin/sh
# Descriptor 3 judged at the start: strangers on it, a reader that is slow, has
# gone or is full.  No database or socket ever gets the number.
. tests/support/lib.sh
cd "$scratch"
seq 400 | sed 's/.*/{"id":&,"v":"some words to fill a pipe with, and some more of them"}/' >in
sqlite3 t.db 'CREATE TABLE t (id integer PRIMARY KEY, v text)'
reject='error("no")'
# transform: all of in is rejected; status in rc.
transform() {
	rc=0
	etl-transform --max-rejects 100% "$reject" <in >out 2>err || rc=$?
}
# stranger NAME: 3 is nothing for rejects, so the first one is fatal.
stranger() {
	is "$1: the first reject is fatal" 65 $rc
	like "$1: and says what to do" '3>>rejects' "$(cat err)"
}
transform 3</dev/null
stranger 'for reading'
transform 3</dev/zero
stranger 'another device'
transform 3>/dev/null
is '/dev/null is one' 0 $rc
rc=0
python3 -c '
import os, socket, subprocess, sys
a, b = socket.socketpair()
os.dup2(a.fileno(), 3)
os.set_inheritable(3, True)
sys.exit(subprocess.run(["etl-transform", "error(1)"], stdin=open("in"),
    stdout=open("out", "w"), stderr=open("err", "w"), close_fds=False)
    .returncode)' || rc=$?
stranger 'a socket'
cp in both
rc=0
etl-transform "$reject" <>both 3<&0 >out 2>err || rc=$?
stranger 'the same as stdin'
is 'the same as stdin: nothing is written to it' '' "$(cmp in both)"
rc=0
LISTEN_FDS=1 sh -c 'LISTEN_PID=$$ exec etl-transform "error(1)"' <in >out \
    2>err 3>strange || rc=$?
stranger 'a descriptor that systemd passed'
is 'a descriptor that systemd passed: nothing in it' 0 "$(wc -c <strange)"

# A file of --rejects that is the input or the output, too.
# shellcheck disable=SC2094
for same in in out; do
	cp in both
	rc=0
	if [ $same = in ]; then
		etl-transform --plain --max-rejects 100% --rejects both \
		    "$reject" <both >out 2>err || rc=$?
	else
		etl-transform --max-rejects 100% --rejects both "$reject" \
		    <in 1<>both 2>err || rc=$?
	fi
	is "--rejects is the ${same}put" 64 $rc
	like "--rejects is the ${same}put: says so" \
	    "^etl-transform: --rejects both: .*standard ${same}put" "$(cat err)"
	ok "--rejects is the ${same}put: nothing is written" cmp in both
done
rc=0
{ etl-transform --rejects /dev/stdout "$reject" <in 2>err || echo $?; } |
    cat >out
is '--rejects is the pipe of the output' 64 "$(cat out)"
etl-transform --max-rejects 100% --rejects /dev/null "$reject" <in \
    >/dev/null || rc=$?
is '--rejects is /dev/null, and so is the output' 0 $rc
: >log
# shellcheck disable=SC2094
etl-load --db sqlite:t.db --table t --rejects log <in >>log || rc=$?
is '--rejects of a loader is its standard output' 0 $rc
sqlite3 t.db 'DELETE FROM t'

# Nothing else gets the number: looked at while it waits for input.
for program in 'etl-load --db sqlite:t.db --table t --flush 50ms' \
    'etl-extract -' 'etl-transform .' 'etl-via cat' 'etl-dlq put --db sqlite:t.db'; do
	mkfifo fifo
	# shellcheck disable=SC2086
	$program <fifo >out 2>err 3>&- &
	pid=$!
	exec 8>fifo
	[ "${program%% *}" = etl-dlq ] || echo '{"id":1}' >&8
	sleep 0.3
	is "$program, 3 closed: /dev/null is on it" /dev/null \
	    "$(readlink /proc/$pid/fd/3)"
	exec 8>&-
	wait $pid || :
	rm fifo
done
is 'the database is whole' ok "$(sqlite3 t.db 'PRAGMA integrity_check')"

# A reader that is slow: what does not go waits, and all of it comes.
mkfifo rejects
{
	sleep 0.5
	while read -r line && sleep 0.001; do
		echo "$line"
	done
} <rejects >got &
reader=$!
transform 3>rejects
wait $reader
is 'a slow reader' 0 $rc
is 'a slow reader: every reject, whole, in order' "$(cat in)" "$(jq -r .raw got)"

# One reader of both, who takes only one until that is at its end.
# It opens both before it reads: a pipe that it opened after its writers had
# gone would have lost all that was in it, and keep the reader waiting.
mkfifo records
{
	exec 7<rejects
	cat records >got.records
	cat <&7 >got.rejects
} &
reader=$!
exec 8<>rejects
rc=0
timeout 20 etl-transform --max-rejects 100% 'if .id <= 40 then error("no") else . end' <in \
    >records 2>err 3>&8 || rc=$?
exec 8>&-
wait $reader
is 'a reader of one after the other' 0 $rc
is 'a reader of one after the other: all is there' '360 40' \
    "$(wc -l <got.records) $(wc -l <got.rejects)"

# A reader that has gone is a failure here, not the quiet end of stdout.
for trap in - ''; do
	head -c 0 <rejects &
	reader=$!
	rc=0
	(
		# shellcheck disable=SC2064
		trap "$trap" PIPE
		etl-transform --max-rejects 100% "$reject" <in >out 2>err \
		    3>rejects
	) || rc=$?
	wait $reader
	is "a reader that has gone, SIGPIPE '$trap'" 74 $rc
	like "a reader that has gone, SIGPIPE '$trap': says so" \
	    'descriptor 3: .*Broken pipe' "$(cat err)"
done
# Two writers to one pipe never mix their lines.
cat rejects >got &
reader=$!
exec 8>rejects
for _ in 1 2 3; do
	etl-transform --max-rejects 100% "$reject" <in >out 2>err 3>&8 8>&- &
	pids="${pids:-} $!"
done
# shellcheck disable=SC2086
wait $pids
exec 8>&-
wait $reader
is 'three writers: every line is whole' 1200 "$(jq -r .raw got | wc -l)"
done_testing
