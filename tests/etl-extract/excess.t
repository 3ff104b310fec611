#!/bin/sh
# Bytes behind the end of an answer, on a connection that is kept open, are not
# taken for the answer to the next request.
. tests/support/lib.sh
python3 tests/etl-extract/excess.py "$scratch/port" &
at_exit "kill $! 2>/dev/null"
wait_until 10 test -s "$scratch/port"
url=http://127.0.0.1:$(cat "$scratch/port")

# --delay: the bytes come before the next request is sent.
for mode in none same late stray; do
	is "$mode: all pages are read" 0 "$(status etl-extract --paginate page \
	    --into query:p --delay 300ms --retries 0 "$url/$mode")"
	is "$mode: each record comes out once" '1 2 3' "$(jq .p "$scratch/out" | xargs)"
	is "$mode: each record gets its own answer, also with --jobs" '1:1 2:2 3:3' "$(
	    for i in 1 2 3; do
		    echo "{\"i\":$i}"
		    sleep 0.3
	    done | etl-extract --jobs 2 --each "$url/$mode?p={i}" --as a --retries 0 |
		jq -r '"\(.i):\(.a[0].p)"' | xargs)"
done
done_testing
