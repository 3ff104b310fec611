#!/bin/sh
# Pages that are read while they arrive: when their records leave, memory, and
# pages that are cut in the middle.
. tests/support/lib.sh
dir=$scratch/pages
mkdir "$dir"
python3 tests/etl-extract/streamed.py "$scratch/port" "$dir" 2>"$scratch/server" &
at_exit "kill $! 2>/dev/null"
wait_until 10 test -s "$scratch/port"
url=http://127.0.0.1:$(cat "$scratch/port")

# page NAME: makes the answer of /NAME from the script on stdin.
page() {
	{
		printf 'head = b"HTTP/1.1 200 OK\\r\\n"\ndir = "%s"\n' "$dir"
		cat
	} >"$dir/$1"
}
get() {
	: >"$dir/log"
	rm -f "$scratch/r"
	name=$1
	shift
	status etl-extract --backoff 1ms..2ms --retries 2 \
	    --rejects "$scratch/r" "$@" "$url/$name"
}
calls() {
	wc -l <"$dir/log"
}
out() {
	tr '\n' ' ' <"$scratch/out" | sed 's/ $//'
}
# came N: N records come out while etl-extract runs in the background.
came() {
	wait_until 10 sh -c "test \$(wc -l <'$scratch/now') -eq $1"
}

# Records leave while the page is arriving.
page slow <<'EOF'
send(head + b'\r\n{"n":1,"data":[{"a":1}')
wait("first")
send(b',{"a":2}, {"a"')
wait("second")
send(b':3}],"m":[')
wait("third")
EOF
etl-extract --retries 0 "$url/slow" >"$scratch/now" 2>"$scratch/err" &
pid=$!
ok 'the first record leaves before the next byte has come' came 1
touch "$dir/first"
ok 'the second record leaves before the end of the third has come' came 2
touch "$dir/second"
ok 'the last record leaves before the end of the page has come' came 3
touch "$dir/third"
rc=0
wait $pid || rc=$?
is 'a second array after the records exits with 78' 78 $rc
like 'a second array after the records: the message names both' \
    'two arrays, "data" and "m": ' "$(cat "$scratch/err")"
page stamps <<'EOF'
send(head + b'\r\n[')
wait("reader")
for i in range(40):
    send(b'%s{"at":%d}' % (b"," if i else b"", time.monotonic_ns() // 1000))
    time.sleep(0.02)
send(b']')
EOF
soon=$(etl-extract "$url/stamps" | python3 -c 'import json, sys, time
open(sys.argv[1], "w")
print(sum(time.monotonic_ns() // 1000 - json.loads(line)["at"] < 30000
          for line in sys.stdin))' "$dir/reader")
ok "$soon of 40 records leave within 30 ms of their last byte, 30 at least" \
    test "$soon" -ge 30

# A page that is cut in the middle is fetched again, and no record comes twice.
page cut <<'EOF'
text = b'[{"a":1}, {"a":2} ,7,{"a":3},{"a":4},{"a":5}]'
send(head + b'Content-Length: %d\r\n\r\n' % len(text))
send(text[:(0, 12, 32, 100)[tries]])
EOF
is 'a page that is cut twice is read' 0 "$(get cut --max-rejects 9)"
is 'a page that is cut twice is requested three times' 3 "$(calls)"
is 'a page that is cut twice: each record comes out once' \
    '{"a":1} {"a":2} {"a":3} {"a":4} {"a":5}' "$(out)"
is 'a page that is cut twice: its reject comes out once, with its place' \
    '3 7' "$(jq -r '"\(.origin.index) \(.raw)"' "$scratch/r")"
page changed <<'EOF'
text = (b'[{"a":1},{"a":2},{"a":3}]', b'[{"a":1},{"a":9},{"a":3}]')[tries > 1]
send(head + b'Content-Length: %d\r\n\r\n' % len(text))
send(text[:(0, 18, 100)[tries]])
EOF
is 'a page that has changed after a cut exits with 75' 75 "$(get changed)"
is 'a page that has changed after a cut: no record comes out twice' \
    '{"a":1} {"a":2}' "$(out)"
like 'a page that has changed after a cut: the message says so' \
    "^etl-extract: $url/changed: the answer was cut off after 2 records, and the next answer has other records" \
    "$(cat "$scratch/err")"
page shorter <<'EOF'
text = (b'[{"a":1},{"a":2},{"a":3}]', b'[{"a":1}]')[tries > 1]
send(head + b'Content-Length: %d\r\n\r\n' % len(text) + text[:(0, 18, 99)[tries]])
EOF
is 'a page that is shorter after a cut exits with 75' \
    '75 {"a":1} {"a":2}' "$(get shorter) $(out)"
page gone <<'EOF'
if tries == 1:
    send(head + b'Content-Length: 100\r\n\r\n[{"a":1},')
else:
    send(b'HTTP/1.1 204 No Content\r\n\r\n')
EOF
is 'a page that is empty after a cut exits with 75' \
    '75 {"a":1}' "$(get gone) $(out)"
page late <<'EOF'
send(head + b'Content-Length: 100\r\n\r\n[{"a":1},')
EOF
etl-extract --backoff 20s..20s "$url/late" >"$scratch/now" 2>"$scratch/err" &
pid=$!
ok 'the records before a cut leave before the wait for the next try' came 1
kill $pid
wait $pid 2>/dev/null || :

# A signal in the middle of a page: whole records only, and no end of the
# stream.
page ends <<'EOF'
send(head + b'\r\n[' + b'{"a":1},' * 100 + b'{"a"')
wait("never")
EOF
etl-extract --stream s "$url/ends" >"$scratch/now" 2>"$scratch/err" &
pid=$!
came 101
kill $pid
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'TERM while a page arrives ends etl-extract' 143 $rc
is 'TERM while a page arrives: whole records, and a mark failed' '101 record
1 failed' "$(jq -r '.["@etl"] // "record"' "$scratch/now" | sed s/begin/record/ |
    sort | uniq -c | sort -k2r | sed 's/^ *//')"

# Only what must be held takes memory.
page large <<'EOF'
send(head + b'\r\n{"data":[')
part = b'{"id":1,"name":"some name","list":[1,2,3]},' * 2000
for i in range(1000):
    send(part)
send(b'{}],"included":[')
for i in range(300):
    send(part)
send(b'{}]}')
EOF
in_memory 'a page of 110 MB takes bounded memory' 20480 300000 \
    etl-extract --records /data "$url/large"
is 'a page of 110 MB: every record comes out' \
    2000001 "$(etl-extract --records /data "$url/large" | wc -l)"
page blank <<'EOF'
send(head + b'\r\n[' + b'{},' * 11000000 + b'{}]')
EOF
in_memory 'a page of 32 MiB of {} takes bounded memory' 20480 300000 \
    etl-extract "$url/blank"
page fast <<'EOF'
send(head + b'\r\n[' + b'{"a":"%s"},' % (b"x" * 1000) * 30000)
wait("awake")
time.sleep(0.3)
send(b'{}]')
EOF
is 'the time that the reader of the output takes does not count for --timeout' \
    30001 "$(etl-extract --timeout 2s --retries 0 "$url/fast" 2>"$scratch/err" | {
	sleep 3
	touch "$dir/awake"
	wc -l
    })"
page drip <<'EOF'
send(head + b'\r\n[')
for i in range(100):
    send(b' ')
    time.sleep(0.05)
send(b']')
EOF
is 'a page that drips longer than --timeout exits with 75' \
    75 "$(get drip --timeout 1s --retries 0)"
like 'a page that drips longer than --timeout: the message names the cause' \
    'timed out: .* --timeout, which is 1000 ms' "$(cat "$scratch/err")"

# An answer that never ends.
page endless <<'EOF'
send(head + b'\r\n[')
while True:
    send(b' ' * 65536)
EOF
is 'a page of white space without end exits with 75 after --timeout' \
    75 "$(limit=20 get endless --timeout 1s --retries 0)"
etl-extract "$url/endless" >"$scratch/now" 2>"$scratch/err" &
pid=$!
sleep 0.5
kill $pid
rc=0
{ wait $pid || rc=$?; } 2>/dev/null
is 'TERM ends a page of white space without end' 143 $rc

# A page that repeats the page before it, in part or as a whole.
page pages <<'EOF'
text = open(dir + "/text").read().split("|")[tries - 1]
send(head + b'\r\n' + text.encode())
EOF
# paged NAME TEXT|TEXT... OPTION...: reads these pages.
paged() {
	name=$1
	cp "$dir/pages" "$dir/$name"
	printf '%s' "$2" >"$dir/text"
	shift 2
	get "$name" --paginate page --into query:p "$@"
}
is 'a page that begins like the page before is read' \
    '0 {"a":1} {"a":2} {"a":1} {"a":2} {"a":3} {"a":1} {"a":9} {"a":1}' \
    "$(paged part '[{"a":1},{"a":2}]|[{"a":1},{"a":2},{"a":3}]|[{"a":1},{"a":9}]|[{"a":1}]|[]'
    ) $(out)"
is 'a page that is repeated as a whole exits with 76 and comes out once' \
    '76 {"a":1} {"a":2} {"a":1} {"a":3}' "$(paged whole \
    '[{"a":1},{"a":2}]|[{"a":1},{"a":3}]|[{"a":1},{"a":3}]') $(out)"
like 'a page that is repeated as a whole: the message says so' \
    'page 3 has the same records as page 2' "$(cat "$scratch/err")"

# Values for the paging.
is 'a total after the records ends the paging' '0 {"a":1} {"a":2}' "$(paged end \
    '{"d":[{"a":1}],"m":[],"t":{"n":2}}|{"d":[{"a":2}],"t":{"n":2}}' \
    --records /d --total /t/n) $(out)"
is 'a total inside of the records exits with 78' \
    78 "$(paged inside '[{"n":1}]' --total /0/n)"
is 'a total that is not valid JSON exits with 76' \
    76 "$(paged invalid '{"n":01,"d":[{"a":1}]}' --total /n)"
is 'a value that the paging does not need may be wrong inside' '0 {"a":1}' \
    "$(paged other '{"x":{"y":01},"n":1,"d":[{"a":1}]}' --total /n) $(out)"
is 'a member of --records that comes twice exits with 76' '76 {"a":1}' \
    "$(paged twice '{"d":[{"a":1}],"d":[{"a":2}]}' --records /d) $(out)"
done_testing
