#!/bin/sh
# The stream that etl-extract starts: marks, counts, rejects, file descriptors
# and signals.
. tests/support/lib.sh
api_start
kinds() {
	jq -j '"\(.["@etl"] // "record") "' "$1"
}
in=$scratch/in.ndjson
printf '{"a":1}\n[2]\n{"a":3}\n' >"$in"

# The output is a marked stream with --stream or inside a run.
is '--stream NAME writes a marked stream' \
    0 "$(status etl-extract --stream posts "$in")"
is '--stream: begin, records, rejects and end are in order' \
    'begin record reject record end ' "$(kinds "$scratch/out")"
is '--stream: begin has stream name, stages, version and id' \
    '"posts" ["extract"] 1 36' "$(head -n 1 "$scratch/out" |
    jq -r '"\(.stream | tojson) \(.stages) \(.v) \(.id | length)"')"
is '--stream: end has the counts' \
    '[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":1}]' \
    "$(tail -n 1 "$scratch/out" | jq -c .stages)"
is '--stream: each stream has its own id' 2 "$(for name in posts posts; do
    etl-extract --stream $name "$in" | head -n 1 | jq .id; done | sort -u |
    wc -l)"
is '--stream with --rejects succeeds' 0 "$(status etl-extract --stream posts \
    --rejects "$scratch/r" "$in")"
is '--stream with --rejects: end counts the rejects as aside' \
    '{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":1,"aside":1}' \
    "$(tail -n 1 "$scratch/out" | jq -c '.stages[0]')"
is 'etl-extract succeeds in a run' \
    0 "$(ETL_RUN=11111111-2222-4333-8444-555555555555 ETL_PIPELINE=p
    export ETL_RUN ETL_PIPELINE
    status etl-extract "$in")"
is 'in a run etl-extract writes a marked stream' \
    'begin record reject record end ' "$(kinds "$scratch/out")"
is 'in a run a reject names run and pipeline' \
    '11111111-2222-4333-8444-555555555555 p' \
    "$(sed -n 3p "$scratch/out" | jq -r '"\(.run) \(.pipeline)"')"
is 'without --stream and outside a run the output is plain' \
    'record record ' "$(etl-extract --rejects "$scratch/r" "$in" |
    kinds /dev/stdin)"

# A failure at any time writes a failed mark.
: >"$scratch/fails"
fails() {
	rc=$(status etl-extract --stream s "$@")
	echo "$rc $(tail -n 1 "$scratch/out" | jq -r '"\(.["@etl"]) \(.code)"'
	    ) $(kinds "$scratch/out")"
}
is 'a failure of the first page: begin and a failed mark with 66' \
    '66 failed 66 begin failed ' "$(fails "$api/posts/999")"
is 'a failure of the third page: a failed mark with 75 follows the records' \
    '75 failed 75 begin record record failed ' "$(fails \
    --paginate page --into query:_page --size _limit=1 --backoff 1ms..2ms \
    "$api/fault/on/_page=3/fault/status/500/posts")"
is 'options that do not fit together: a failed mark with 64' \
    '64 failed 64 begin failed ' "$(fails --paginate page \
    "$api/posts")"
is 'a missing secret: a failed mark with 78' \
    '78 failed 78 begin failed ' "$(fails --auth bearer \
    "$api/posts")"
is 'a missing file: a failed mark with 66' \
    '66 failed 66 begin failed ' "$(fails "$scratch/no.ndjson")"
is '--max-rejects exceeded: a failed mark with 1' \
    '1 failed 1 begin record failed ' "$(fails --max-rejects 0 "$in" |
    sed 's/reject //')"
is 'the failed mark has the message of standard error' \
    "$(fails "$api/posts/999" >/dev/null
    sed 's/^etl-extract: //' "$scratch/err")" "$(tail -n 1 "$scratch/out" |
    jq -r .message)"
is 'an unknown option in a run: a failed mark with 64' \
    'failed 64' "$(ETL_RUN=r; export ETL_RUN
    etl-extract --no-such 2>/dev/null | tail -n 1 |
    jq -r '"\(.["@etl"]) \(.code)"')"

# Where rejects go.
is 'a reject with nowhere to go exits with 65' 65 "$(status etl-extract "$in")"
like 'a reject with nowhere to go: the message says what to add' \
    '3>>rejects.ndjson' "$(cat "$scratch/err")"
is 'file descriptor 3 takes rejects' \
    0 "$({ status etl-extract "$in"; } 3>"$scratch/r3")"
is 'file descriptor 3 gets the bytes of the rejected line' \
    '[2]' "$(jq -r .raw "$scratch/r3")"
is '3>&1 writes rejects between the records' 'record reject record ' \
    "$(etl-extract "$in" 3>&1 | kinds /dev/stdin)"
is 'rejects may go to /dev/null' 0 "$(status etl-extract "$in" 3>/dev/null)"
is 'a full disk at file descriptor 3 exits with 74' \
    74 "$(status etl-extract "$in" 3>/dev/full)"
is 'a file descriptor 3 open for reading only exits with 65' \
    65 "$(status etl-extract "$in" 3</dev/null)"
is '--rejects in a missing directory exits with 73' \
    73 "$(status etl-extract --rejects \
    "$scratch/no/r" "$in")"
is 'a request succeeds with file descriptor 3 closed' \
    0 "$(status etl-extract "$api/posts?_limit=1")"

# Standard output and input that are closed or full, or whose reader closed
# the pipe.
rc=0
etl-extract "$api/posts" >/dev/full 2>"$scratch/err" || rc=$?
is 'a full disk at standard output exits with 74' 74 $rc
like 'a full disk: the message names standard output' \
    'standard output: No space left on device' \
    "$(cat "$scratch/err")"
rc=0
etl-extract "$api/posts" >&- 2>"$scratch/err" || rc=$?
is 'a closed standard output exits with 74' 74 $rc
rc=0
etl-extract - <&- 2>"$scratch/err" || rc=$?
is 'a closed standard input exits with 74' 74 $rc
rc=0
etl-extract "$api/posts" 2>&- >"$scratch/out" || rc=$?
is 'a closed standard error is no error' 0 $rc
: >"$api_log_file"
timeout 20 etl-extract --delay 50ms --paginate page --into query:_page \
    --size _limit=50 "$api/fault/endless-new/posts" 2>"$scratch/err" |
    head -n 1 >"$scratch/out"
is 'a reader gets its line and closes the pipe' 1 "$(wc -l <"$scratch/out")"
is 'a reader that closes the pipe causes no message' '' "$(cat "$scratch/err")"
ok 'a closed pipe ends etl-extract within four requests' \
    test "$(wc -l <"$api_log_file")" -le 4

# While etl-extract reads a file, only a write shows that the pipe is closed.
yes '{"a":1}' | head -n 300000 >"$scratch/many.ndjson"
for how in default ignore; do
	is "etl-extract FILE: the reader closes the pipe, SIGPIPE by $how" \
	    '{"a":1}' \
	    "$(env --$how-signal=PIPE etl-extract "$scratch/many.ndjson" \
	    2>"$scratch/err" | head -n 1)"
	is "etl-extract FILE: a closed pipe, no message, SIGPIPE by $how" \
	    '' \
	    "$(cat "$scratch/err")"
done

for how in '--delay 60s' '--timeout 60s'; do
	: >"$api_log_file"
	# shellcheck disable=SC2086
	ok "a closed pipe ends etl-extract at once in the wait of $how" \
	    timeout 10 sh -c '"$@" |
	    head -n 1' sh etl-extract $how --paginate page --into query:_page \
	    "$api/fault/on/_page=2/fault/slow/60000/posts"
done

# The records of a page come out before the next page is requested.
etl-extract --delay 5s --paginate page --into query:_page --size _limit=5 \
    "$api/posts" >"$scratch/first" 2>"$scratch/err" &
pid=$!
ok 'the records of a page come out before the wait of --delay' \
    wait_until 30 sh -c \
    "test \$(wc -l <'$scratch/first') -eq 5"

# ends_by PID SIGNAL NAME NUMBER: the process ends by the signal in time; two
# seconds are promised, a loaded machine may take four.
ends_by() {
	kill -s "$2" "$1"
	ok "$3 within four seconds" wait_until 30 sh -c "! kill -0 $1"
	rc=0
	{ wait "$1" || rc=$?; } 2>/dev/null
	is "$3 with the code of the signal" $((128 + $4)) $rc
}
ends_by $pid TERM 'TERM in the wait of --delay ends etl-extract' 15
is 'only whole lines were written before the signal' \
    5 "$(jq -c . "$scratch/first" | wc -l)"
for sig in TERM:15 HUP:1; do
	: >"$api_log_file"
	etl-extract --stream s "$api/fault/slow/20000/posts" \
	    >"$scratch/out" 2>"$scratch/err" &
	pid=$!
	wait_until 30 test -s "$api_log_file"
	ends_by $pid "${sig%:*}" "${sig%:*} in a request ends etl-extract" \
	    "${sig#*:}"
	is "${sig%:*} in a request: the stream has no mark end" '0' \
	    "$(grep -c '"end"' "$scratch/out")"
done
: >"$api_log_file"
etl-extract --backoff 30s..30s "$api/fault/retry-after/9/503/30/posts" \
    >/dev/null 2>"$scratch/err" &
pid=$!
wait_until 30 test -s "$api_log_file"
ends_by $pid TERM 'TERM in the wait for a retry ends etl-extract' 15
mkfifo "$scratch/fifo"
etl-extract - <"$scratch/fifo" >"$scratch/waiting" 2>"$scratch/err" &
pid=$!
exec 4>"$scratch/fifo"
echo '{}' >&4
wait_until 10 test -s "$scratch/waiting"
ends_by $pid TERM 'TERM in the wait for input ends etl-extract' 15
exec 4>&-
done_testing
