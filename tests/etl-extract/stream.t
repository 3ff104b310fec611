#!/bin/sh
# The stream that etl-extract begins: marks, counts, rejects, descriptors,
# signals.
. tests/support/lib.sh
api_start
kinds() {
	jq -j '"\(.["@etl"] // "record") "' "$1"
}
in=$scratch/in.ndjson
printf '{"a":1}\n[2]\n{"a":3}\n' >"$in"

# Marked by --stream, or inside a run.
is 'stream' 0 "$(status etl-extract --stream posts "$in")"
is 'stream: lines' 'begin record reject record end ' "$(kinds "$scratch/out")"
is 'stream: begin' '"posts" ["extract"] 1 36' "$(head -n 1 "$scratch/out" |
    jq -r '"\(.stream | tojson) \(.stages) \(.v) \(.id | length)"')"
is 'stream: end' \
    '[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":1}]' \
    "$(tail -n 1 "$scratch/out" | jq -c .stages)"
is 'stream: a new id each time' 2 "$(for name in posts posts; do
    etl-extract --stream $name "$in" | head -n 1 | jq .id; done | sort -u |
    wc -l)"
is 'stream, rejects aside' 0 "$(status etl-extract --stream posts \
    --rejects "$scratch/r" "$in")"
is 'stream, rejects aside: end' \
    '{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":1,"aside":1}' \
    "$(tail -n 1 "$scratch/out" | jq -c '.stages[0]')"
is 'run' 0 "$(ETL_RUN=11111111-2222-4333-8444-555555555555 ETL_PIPELINE=p
    export ETL_RUN ETL_PIPELINE
    status etl-extract "$in")"
is 'run: lines' 'begin record reject record end ' "$(kinds "$scratch/out")"
is 'run: named in the reject' '11111111-2222-4333-8444-555555555555 p' \
    "$(sed -n 3p "$scratch/out" | jq -r '"\(.run) \(.pipeline)"')"
is 'plain' 'record record ' "$(etl-extract --rejects "$scratch/r" "$in" |
    kinds /dev/stdin)"

# A failure is said in the stream, whenever it comes.
: >"$scratch/fails"
fails() {
	rc=$(status etl-extract --backoff 1ms..2ms --stream s "$@")
	echo "$rc $(tail -n 1 "$scratch/out" | jq -r '"\(.["@etl"]) \(.code)"'
	    ) $(kinds "$scratch/out")"
}
is 'first page' '66 failed 66 begin failed ' "$(fails "$api/posts/999")"
is 'third page' '75 failed 75 begin record record failed ' "$(fails \
    --paginate page --into query:_page --size _limit=1 \
    "$api/fault/on/_page=3/fault/status/500/posts")"
is 'options' '64 failed 64 begin failed ' "$(fails --paginate page \
    "$api/posts")"
is 'no secret' '78 failed 78 begin failed ' "$(fails --auth bearer \
    "$api/posts")"
is 'no file' '66 failed 66 begin failed ' "$(fails "$scratch/no.ndjson")"
is 'limit' '1 failed 1 begin record failed ' "$(fails --max-rejects 0 "$in" |
    sed 's/reject //')"
is 'the message goes along' "$(fails "$api/posts/999" >/dev/null
    sed 's/^etl-extract: //' "$scratch/err")" "$(tail -n 1 "$scratch/out" |
    jq -r .message)"
is 'unknown option inside a run' 'failed 64' "$(ETL_RUN=r; export ETL_RUN
    etl-extract --no-such 2>/dev/null | tail -n 1 |
    jq -r '"\(.["@etl"]) \(.code)"')"

# Where rejects go.
is 'nowhere' 65 "$(status etl-extract "$in")"
like 'nowhere: advice' '3>>rejects.ndjson' "$(cat "$scratch/err")"
is 'descriptor 3' 0 "$({ status etl-extract "$in"; } 3>"$scratch/r3")"
is 'descriptor 3: the reject' '[2]' "$(jq -r .raw "$scratch/r3")"
is 'descriptor 3 is stdout' 'record reject record ' \
    "$(etl-extract "$in" 3>&1 | kinds /dev/stdin)"
is 'descriptor 3 is /dev/null' 0 "$(status etl-extract "$in" 3>/dev/null)"
is 'descriptor 3 is full' 74 "$(status etl-extract "$in" 3>/dev/full)"
is 'descriptor 3 is read-only' 65 "$(status etl-extract "$in" 3</dev/null)"
is 'rejects cannot be made' 73 "$(status etl-extract --rejects \
    "$scratch/no/r" "$in")"
is 'sockets never get 3' 0 "$(status etl-extract "$api/posts?_limit=1")"

# Standard output and input that are not there, full, or read no more.
rc=0
etl-extract "$api/posts" >/dev/full 2>"$scratch/err" || rc=$?
is 'full' 74 $rc
like 'full: said' 'standard output: No space left on device' \
    "$(cat "$scratch/err")"
rc=0
etl-extract "$api/posts" >&- 2>"$scratch/err" || rc=$?
is 'closed' 74 $rc
rc=0
etl-extract - <&- 2>"$scratch/err" || rc=$?
is 'input closed' 74 $rc
rc=0
etl-extract "$api/posts" 2>&- >"$scratch/out" || rc=$?
is 'errors closed' 0 $rc
: >"$api_log_file"
timeout 20 etl-extract --delay 50ms --paginate page --into query:_page \
    --size _limit=50 "$api/fault/endless-new/posts" 2>"$scratch/err" |
    head -n 1 >"$scratch/out"
is 'a reader that leaves' 1 "$(wc -l <"$scratch/out")"
is 'a reader that leaves: quietly' '' "$(cat "$scratch/err")"
ok 'a reader that leaves: at once' test "$(wc -l <"$api_log_file")" -le 4

# By the write itself: a file's reader is looked for by nothing else.
yes '{"a":1}' | head -n 300000 >"$scratch/many.ndjson"
for how in default ignore; do
	is "a file's reader that leaves, SIGPIPE by $how" '{"a":1}' \
	    "$(env --$how-signal=PIPE etl-extract "$scratch/many.ndjson" \
	    2>"$scratch/err" | head -n 1)"
	is "a file's reader that leaves, SIGPIPE by $how: quietly" '' \
	    "$(cat "$scratch/err")"
done

for how in '--delay 60s' '--timeout 60s'; do
	: >"$api_log_file"
	# shellcheck disable=SC2086
	ok "a reader that leaves, $how: at once" timeout 10 sh -c '"$@" |
	    head -n 1' sh etl-extract $how --paginate page --into query:_page \
	    "$api/fault/on/_page=2/fault/slow/60000/posts"
done

# A page's records leave before the next is asked for.
etl-extract --delay 5s --paginate page --into query:_page --size _limit=5 \
    "$api/posts" >"$scratch/first" 2>"$scratch/err" &
pid=$!
ok 'a page leaves before the delay' wait_until 4 sh -c \
    "test \$(wc -l <'$scratch/first') -eq 5"

# died PID SIGNAL NAME NUMBER: how it ended; 2 s are promised, here is a
# loaded machine.
died() {
	kill -s "$2" "$1"
	ok "$3 in time" wait_until 4 sh -c "! kill -0 $1"
	rc=0
	{ wait "$1" || rc=$?; } 2>/dev/null
	is "$3 by the signal" $((128 + $4)) $rc
}
died $pid TERM 'in the delay: ends' 15
is 'whole lines only' 5 "$(jq -c . "$scratch/first" | wc -l)"
for sig in TERM:15 HUP:1; do
	: >"$api_log_file"
	etl-extract --stream s "$api/fault/slow/20000/posts" \
	    >"$scratch/out" 2>"$scratch/err" &
	pid=$!
	wait_until 5 test -s "$api_log_file"
	died $pid "${sig%:*}" "in a request, ${sig%:*}: ends" "${sig#*:}"
	is "in a request, ${sig%:*}: the stream is not whole" '0' \
	    "$(grep -c '"end"' "$scratch/out")"
done
: >"$api_log_file"
etl-extract --backoff 30s..30s "$api/fault/retry-after/9/503/30/posts" \
    >/dev/null 2>"$scratch/err" &
pid=$!
wait_until 5 test -s "$api_log_file"
died $pid TERM 'in the wait for a retry: ends' 15
mkfifo "$scratch/fifo"
etl-extract - <"$scratch/fifo" >"$scratch/waiting" 2>"$scratch/err" &
pid=$!
exec 4>"$scratch/fifo"
echo '{}' >&4
wait_until 10 test -s "$scratch/waiting"
died $pid TERM 'waiting for input: ends' 15
exec 4>&-
done_testing
