#!/bin/sh
# At its start a program checks whether file descriptor 3 is meant for rejects: a
# descriptor that is not is left alone.  Rejects also arrive through a slow
# reader and with several writers, and a reader that closed the pipe is an error.
# No database file or socket ever gets the number 3.
. tests/support/lib.sh
cd "$scratch"
seq 400 | sed 's/.*/{"id":&,"v":"some words to fill a pipe with, and some more of them"}/' >in
sqlite3 t.db 'CREATE TABLE t (id integer PRIMARY KEY, v text)'
reject='error("no")'
# reject_all: etl-transform rejects every record of the file in; status in rc.
reject_all() {
	rc=0
	etl-transform --max-rejects 100% "$reject" <in >out 2>err || rc=$?
}
# is_not_used NAME: descriptor 3 was not used, so the first reject was fatal.
is_not_used() {
	is "$1: the first reject is fatal (65)" 65 $rc
	like "$1: the message says to use 3>>rejects" '3>>rejects' "$(cat err)"
}
reject_all 3</dev/null
is_not_used '3 open only for reading'
reject_all 3</dev/zero
is_not_used '3 is another device than /dev/null'
reject_all 3>/dev/null
is '3 is /dev/null: rejects are accepted' 0 $rc
rc=0
python3 -c '
import os, socket, subprocess, sys
a, b = socket.socketpair()
os.dup2(a.fileno(), 3)
os.set_inheritable(3, True)
sys.exit(subprocess.run(["etl-transform", "error(1)"], stdin=open("in"),
    stdout=open("out", "w"), stderr=open("err", "w"), close_fds=False)
    .returncode)' || rc=$?
is_not_used '3 is a socket'
cp in both
rc=0
etl-transform "$reject" <>both 3<&0 >out 2>err || rc=$?
is_not_used '3 is the same file as stdin'
is '3 is the same file as stdin: the file is unchanged' '' "$(cmp in both)"
rc=0
LISTEN_FDS=1 sh -c 'LISTEN_PID=$$ exec etl-transform "error(1)"' <in >out \
    2>err 3>strange || rc=$?
is_not_used '3 was passed by systemd'
is '3 was passed by systemd: nothing is written to it' 0 "$(wc -c <strange)"

# The file of --rejects is the same as the input or the output.
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
	is "--rejects is the file of the ${same}put: the program exits with 64" \
	    64 $rc
	like "--rejects is the file of the ${same}put: the message says so" \
	    "^etl-transform: --rejects both: .*standard ${same}put" "$(cat err)"
	ok "--rejects is the file of the ${same}put: the file is unchanged" \
	    cmp in both
done
rc=0
{ etl-transform --rejects /dev/stdout "$reject" <in 2>err || echo $?; } |
    cat >out
is '--rejects is the pipe of the output: the program exits with 64' \
    64 "$(cat out)"
etl-transform --max-rejects 100% --rejects /dev/null "$reject" <in \
    >/dev/null || rc=$?
is '--rejects and the output may both be /dev/null' 0 $rc
: >log
# shellcheck disable=SC2094
etl-load --db sqlite:t.db --table t --rejects log <in >>log || rc=$?
is '--rejects of a loader may be its standard output' 0 $rc
sqlite3 t.db 'DELETE FROM t'

# If 3 is closed, the program opens /dev/null on it, so that no other file gets
# the number.  The test looks while the program waits for input.
has_null() {
	[ "$(readlink "/proc/$1/fd/3")" = /dev/null ]
}
for program in 'etl-load --db sqlite:t.db --table t --flush 50ms' \
    'etl-extract -' 'etl-transform .' 'etl-via cat' 'etl-dlq put --db sqlite:t.db'; do
	mkfifo fifo
	# shellcheck disable=SC2086
	$program <fifo >out 2>err 3>&- &
	pid=$!
	exec 8>fifo
	[ "${program%% *}" = etl-dlq ] || echo '{"id":1}' >&8
	wait_until 20 has_null "$pid"
	is "$program, 3 closed at the start: /dev/null is opened on it" \
	    /dev/null \
	    "$(readlink /proc/$pid/fd/3)"
	exec 8>&-
	{ wait $pid || :; } 2>/dev/null
	rm fifo
done
is 'the database passes its integrity check after these runs' \
    ok "$(sqlite3 t.db 'PRAGMA integrity_check')"

# If the reader is slow, the program waits, and every reject arrives.
mkfifo rejects
{
	sleep 0.5
	while read -r line && sleep 0.001; do
		echo "$line"
	done
} <rejects >got &
reader=$!
reject_all 3>rejects
wait $reader
is 'a slow reader of 3: the program succeeds' 0 $rc
is 'a slow reader of 3: every reject arrives, whole and in order' \
    "$(cat in)" "$(jq -r .raw got)"

# One process reads the records to their end and only then the rejects.  It opens
# both pipes before it reads: if it opened a pipe after the writers had closed
# it, the pipe's bytes would be lost and the open would block.
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
is 'one reader takes all records, then all rejects: the program succeeds' 0 $rc
is 'one reader takes all records, then all rejects: none is lost' '360 40' \
    "$(wc -l <got.records) $(wc -l <got.rejects)"

# A reader of rejects that closed the pipe is an error, unlike one of stdout.
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
	is "the reader of 3 closed the pipe, SIGPIPE '$trap': the program exits with 74" \
	    74 $rc
	like "the reader of 3 closed the pipe, SIGPIPE '$trap': the message says so" \
	    'descriptor 3: .*Broken pipe' "$(cat err)"
done
# Several writers to one pipe never mix their lines.
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
is 'three programs write rejects to one pipe: every line is whole' \
    1200 "$(jq -r .raw got | wc -l)"
done_testing
