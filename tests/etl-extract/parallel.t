#!/bin/sh
# --jobs for pages: several requests are under way at once, and the output is that
# of one request at a time, also if requests fail.
. tests/support/lib.sh
. tests/etl-extract/alike.sh
api_start --posts 300
runs=0

# run JOBS ARG...: prints the exit code. Each run has URLs of its own, because the
# API counts how often it gets one. The number of the run is cut from messages.
run() {
	jobs=$1
	shift
	: >"$api_log_file"
	rm -f "$scratch/r"
	code=$(status etl-extract --backoff 1ms..3s --jobs "$jobs" \
	    --query-param run=$runs --rejects "$scratch/r" \
	    --max-rejects 100% "$@")
	sed -i "s/run=$runs/run=N/g; s/until [^,]*,/until T,/" "$scratch/err"
	[ ! -s "$scratch/r" ] || jq -c '[.code, .message, .origin, .raw]' \
	    "$scratch/r" | sed "s/run=$runs/run=N/g" >>"$scratch/err"
	echo "$code"
}
# same LABEL ARG...: compares the runs with 1, 2 and 8 jobs.
same() {
	label=$1
	shift
	for n in 1 2 8; do
		runs=$((runs + 1))
		run $n "$@" >"$scratch/code"
		cat "$scratch/code" "$scratch/err" >"$scratch/said.$n"
		mv "$scratch/out" "$scratch/out.$n"
	done
	alike "$label"
}
page='--paginate page --into query:_page --size _limit=20'
total='--total header:x-total-count'
# faulty LABEL FAULT [OPTION...]: the page 5 of 15 has FAULT.
faulty() {
	label=$1 fault=$2
	shift 2
	# shellcheck disable=SC2086
	same "$label" $page $total "$@" \
	    "$api/fault/on/_page%3D5/fault/$fault/posts"
}

# shellcheck disable=SC2086
same 'all pages are well' $page $total "$api/fault/slow/20/posts"
is 'all pages are well: all records come out' 300 "$(wc -l <"$scratch/out.8")"
is 'no request is made in vain' 15 "$(api_log | wc -l)"
is 'the first page is requested alone, because it says how many there are' \
    "/fault/slow/20/posts?run=$runs&_limit=20&_page=1" \
    "$(api_log | sed -n '1s/^GET //p')"
ok 'connections are kept open: 15 requests need at most 8' \
    test "$(cut -d' ' -f2 "$api_log_file" | sort -u | wc -l)" -le 8
isnt 'several requests are under way at once' 1 \
    "$(cut -d' ' -f2 "$api_log_file" | sort -u | wc -l)"

faulty 'a page fails once' status/503/1
faulty 'a connection is reset once' reset/1
faulty 'a page is cut once' cut/700/1
faulty 'a page is cut at its start once' cut/1/1
faulty 'a page is cut in its gzip data once' cutgzip/1
faulty 'a page is slow' slow/300
faulty 'a page stalls once' stall/700/1 --timeout 500ms
is 'a page stalls once: all records come out' 300 "$(wc -l <"$scratch/out.8")"
faulty 'a page always fails' status/503 --retries 1
is 'a page always fails: the pages before it come out' \
    80 "$(wc -l <"$scratch/out.8")"
faulty 'a page is missing' status/404
faulty 'a page is ignored' status/404 --on 404=ignore
faulty 'a page is retried because of --on' status/404/1 --on 404=retry
faulty 'a page is not JSON' garbage
faulty 'a page always is cut' cut/700 --retries 1
faulty 'a page must wait' retry-after/1/429/1
faulty 'a page must wait too long' retry-after/1/429/3600
faulty 'a page is redirected' redirect/302/%2Fposts
faulty 'a page is empty' body/%5B%5D
faulty 'a page has odd records' body/%5B1,%7B%22a%22:1%7D,null%5D
for option in '--max-pages 7' '--first 3' '--first 0' '--more link' \
    '--method POST' '--into body:/p' '--into header:X-Page'; do
	# shellcheck disable=SC2086
	same "$option" $page $total $option "$api/posts"
done
# shellcheck disable=SC2086
same 'no parameter is known' $page $total "$api/fault/endless/posts"
# shellcheck disable=SC2086
same 'the total is too large' $page $total "$api/fault/total/400/posts"
# shellcheck disable=SC2086
same 'the total is too small' $page $total "$api/fault/total/115/posts"
# shellcheck disable=SC2086
same 'the total is missing' $page $total "$api/fault/total/-/posts"
is 'the total is missing: one page after the other is requested' 16 \
    "$(api_log | wc -l)"

offset='--paginate offset --into query:offset --total /total'
for size in 10 7 1000; do
	# shellcheck disable=SC2086
	same "offsets, pages of $size" $offset --size size=$size \
	    "$api/paged?n=95"
done
# shellcheck disable=SC2086
same 'the service makes smaller pages than was asked' $offset \
    --size limit=50 "$api/paged?n=95&size=10"
is 'it gets no request in vain' 10 "$(api_log | wc -l)"
# shellcheck disable=SC2086
same 'two URLs' $page $total "$api/posts" "$api/fault/total/40/posts"

# Credentials that change while requests are under way.
cat >"$scratch/secret" <<-EOF
	echo x >>"$scratch/asked"
	[ \$(wc -l <"$scratch/asked") -gt 1 ] && echo secret || echo old
EOF
for n in 1 8; do
	rm -f "$scratch/asked"
	# shellcheck disable=SC2086
	is "$n jobs: a secret that is refused is renewed" 0 "$(run $n $page \
	    $total --auth bearer --secret "cmd:sh $scratch/secret" \
	    "$api/auth/posts")"
	is "$n jobs: with the renewed secret all records come" 300 \
	    "$(wc -l <"$scratch/out")"
	is "$n jobs: the secret is renewed once" 2 "$(wc -l <"$scratch/asked")"
	echo secret >"$scratch/file"
	# shellcheck disable=SC2086
	is "$n jobs: a token that expires soon is renewed" 0 "$(run $n $page \
	    $total --auth oauth2 --client-id 'me + you' --token-url \
	    "$api/token?expires=1" --secret "file:$scratch/file" --rate 10/s \
	    "$api/oauth/0/posts")"
	is "$n jobs: with these tokens all records come" 300 \
	    "$(wc -l <"$scratch/out")"
done

# The rate holds for all requests together.
# shellcheck disable=SC2086
is '--rate is accepted with --jobs' 0 "$(run 8 $page $total --rate 20/s \
    "$api/fault/slow/200/posts")"
took=$(duration)
ok "--rate: 15 requests at 20 a second take 700 ms ($took ms)" \
    test "$took" -ge 650
ok "--rate: requests do not wait for answers ($took ms)" test "$took" -lt 2000

# A service that says that no requests are left gets none.
# shellcheck disable=SC2086
is 'a rate limit that is used up is waited for' 0 "$(run 8 $page $total \
    "$api/fault/on/_page%3D2/fault/header/RateLimit:%20r=0;t=1/posts")"
gap=$(awk 'NR > 1 && $1 - last > gap { gap = $1 - last } { last = $1 }
    END { print gap }' "$api_log_file")
ok "then no request is sent until its end ($gap ms)" test "$gap" -ge 900

# A service that says how many requests are left gets no more at once.
# shellcheck disable=SC2086
is 'a service with few requests left is read' 0 "$(run 8 $page $total \
    "$api/fault/header/RateLimit:%20r=2;t=9/fault/slow/50/posts")"
is 'with 2 requests left, at most 2 are under way' 1 "$(
    cut -d' ' -f2 "$api_log_file" | sort -u | wc -l |
    awk '{ print $1 <= 3 }')"
# The source changes while several pages are under way.
python3 tests/etl-extract/changing.py "$scratch/port" &
at_exit "kill $! 2>/dev/null; wait $! 2>/dev/null"
wait_until 10 test -s "$scratch/port"
# changing CHANGE [OPTION...]: prints the exit code.
changing() {
	change=$1
	shift
	run 8 --paginate page --into query:page --total /total --records \
	    /data "$@" "http://127.0.0.1:$(cat "$scratch/port")/$change"
}
incremental="--checkpoint c --state file:$scratch/state --cursor-field /ts
    --since-param since --start 2026-01-01T00:00:00Z"
for change in 'grow 165' 'fall 120' 'none 150'; do
	records=${change#* } change=${change% *}
	is "total: $change: the run succeeds" 0 "$(changing "$change")"
	is "total: $change: no page is lost or comes twice" \
	    "$(seq 1 "$records")" "$(jq .id "$scratch/out")"
done
runs=$((runs + 1))
# shellcheck disable=SC2086
is 'an incremental run: a total that rises is no error, whatever page shows it' \
    0 "$(changing grow $incremental)"
runs=$((runs + 1))
# shellcheck disable=SC2086
is 'an incremental run: a total that falls ends it' 75 "$(changing fall \
    $incremental)"
like 'the message names both totals' 'the total fell from 150 to 120' \
    "$(cat "$scratch/err")"
runs=$((runs + 1))
# shellcheck disable=SC2086
is 'an incremental run: a total that falls before a page is tried again ends it' \
    75 "$(changing back $incremental)"
like 'the message names the total of the page before' \
    'the total fell from 115 to 100' "$(cat "$scratch/err")"

# Recordings.
for n in 1 8; do
	# shellcheck disable=SC2086
	run $n $page $total --record-to "$scratch/rec.$n" \
	    "$api/fault/on/_page%3D5/fault/status/503/1/posts?n=$n" >/dev/null
	sed -i "s/n=$n/n=N/; /^[Dd]ate:/d" "$scratch/rec.$n"/*.http
done
ok 'the recording of 8 jobs is that of one' \
    diff -r "$scratch/rec.1" "$scratch/rec.8"
cp "$scratch/out" "$scratch/recorded"
sed -i "s/n=N/n=8/" "$scratch/rec.8"/*.http
# shellcheck disable=SC2086
is 'a recording is replayed with --jobs' 0 "$(run 8 $page $total --replay-from \
    "$scratch/rec.8" \
    "$api/fault/on/_page%3D5/fault/status/503/1/posts?n=8")"
ok 'the replay gives the same records' cmp "$scratch/recorded" "$scratch/out"

# Memory: an answer that must wait is not received to its end.
in_memory '8 pages of 60 MiB need less than 32 MiB' 32768 131072 etl-extract \
    --jobs 8 --paginate page --into query:_page --size _limit=300000 \
    --max-pages 8 --total header:x-total-count \
    "$api/fault/total/3000000/fault/endless-new/posts"

# SIGTERM in the middle.
# shellcheck disable=SC2086
etl-extract --jobs 8 --stream s $page $total "$api/fault/slow/100/posts" \
    >"$scratch/term" 2>"$scratch/err" &
pid=$!
wait_until 10 test -s "$scratch/term"
kill -TERM $pid
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'SIGTERM ends the run' 143 $rc
is 'after SIGTERM the last line is the mark of the failure' '"failed"' \
    "$(tail -n 1 "$scratch/term" | jq '."@etl"')"

# What --jobs needs.
for how in none cursor link since; do
	is "--paginate $how: --jobs is refused" 64 "$(run 2 --paginate $how \
	    "$api/posts")"
	like "--paginate $how: the message says why" \
	    "--jobs needs --paginate page or offset .* --paginate $how" \
	    "$(cat "$scratch/err")"
done
# shellcheck disable=SC2086
is '--jobs is refused without --total' 64 "$(run 2 $page "$api/posts")"
like 'the message names --total' 'needs --total' "$(cat "$scratch/err")"
# shellcheck disable=SC2086
is '--jobs is refused with --delay' 64 "$(run 2 $page $total --delay 1s \
    "$api/posts")"
like 'the message names --rate' 'give --rate' "$(cat "$scratch/err")"
# shellcheck disable=SC2086
is '257 jobs are refused' 64 "$(run 257 $page $total "$api/posts")"
# shellcheck disable=SC2086
is '256 jobs are accepted' 0 "$(run 256 $page $total "$api/posts")"
done_testing
