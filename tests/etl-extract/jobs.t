#!/bin/sh
# --jobs for files: several processes give the same output as one process.
. tests/support/lib.sh

# same LABEL SOURCE...: checks that records, rejects, messages and exit code do
# not depend on --jobs.
same() {
	label=$1
	shift
	for jobs in 1 2 5; do
		rm -f "$scratch/r"
		status etl-extract --jobs $jobs --max-rejects 100% \
		    --rejects "$scratch/r" "$@" >"$scratch/code.$jobs"
		mv "$scratch/out" "$scratch/out.$jobs"
		cat "$scratch/code.$jobs" "$scratch/err" >"$scratch/err.$jobs"
		jq -c '[.code, .message, .origin, .raw, .raw_base64, .bytes]' \
		    "$scratch/r" >"$scratch/r.$jobs"
	done
	for jobs in 2 5; do
		ok "$label: the records of $jobs jobs are those of one" \
		    cmp "$scratch/out.1" "$scratch/out.$jobs"
		ok "$label: the rejects of $jobs jobs are those of one" \
		    cmp "$scratch/r.1" "$scratch/r.$jobs"
		ok "$label: code and messages of $jobs jobs are those of one" \
		    cmp "$scratch/err.1" "$scratch/err.$jobs"
	done
}
cd "$scratch"
mkdir d
python3 - <<'EOF'
import random
r = random.Random(7)


def plain(name, rows):
    with open(name, 'w') as f:
        f.write('id,text,n\n')
        for i in range(rows):
            f.write('%d,row %d,%d\n' % (i, i, r.randrange(10 ** 9)))


plain('plain.csv', 400000)
with open('lines.csv', 'w') as f:       # most line ends are inside fields
    f.write('id,text\n')
    for i in range(20000):
        f.write('%d,"%s"\n' % (i, 'x,y\n1,2\n' * r.randrange(100)))
with open('odd.csv', 'wb') as f:
    f.write(b'\xef\xbb\xbfid,text\r\n')
    odd = [b'a,b', b'"x', b'"q"z', b'\xff', b'\r\n\r\n5,6',
           b'"' + b'z\n' * 200000 + b'"']
    for i in range(300000):
        c = r.randrange(20000)
        f.write(b'%d,' % i + (odd[c] if c < 6 else b'text of the row') +
                b'\r\n')
with open('wide.csv', 'w') as f:        # the output is 60 times as long
    f.write(','.join('n' * 50 + str(i) for i in range(50)) + '\n')
    f.write((',' * 49 + '\n') * 60000)
for i in range(30):
    plain('d/%02d.csv' % i, 3000)
EOF
same 'a large file' plain.csv
is 'a large file: no record is missing' 400000 "$(wc -l <out.5)"
same 'a file whose fields have many lines' lines.csv
same 'a file with broken and long records' --max-record 100000 odd.csv
ok 'a file with broken and long records: there are rejects' test -s r.1
same 'a file whose records are much longer as JSON' wide.csv
same 'a file with types' --types auto plain.csv
same 'many small files' --source-file f d
printf 'id\n1\n2,3\n' >d/05b.csv
printf '"id' >d/07b.csv
gzip -c d/00.csv >d/08b.csv.gz
gzip -c d/00.csv | head -c 9000 >d/09b.csv.gz
printf '{"a": 1}\n{"a"\n' >d/10b.ndjson
ln -s nowhere d/11b.csv
same 'small files, some of them broken' --source-file f d plain.csv
is 'small files, some of them broken: the code is that of the first' 65 \
    "$(cat code.5)"
same 'a directory' --format csv d
mkdir j
for i in $(seq 20); do
	jq -nc "[range($i * 300) | {i: ., t: [\"x\"]}]" >"j/$i.json"
done
printf '[{"a":1}, 2, {"b":' >j/cut.json
printf '{"a":[{"b":1}]}' >j/one.json
same 'JSON files' --source-file f j
status etl-extract --jobs 5 --stream s plain.csv d/00.csv d/01.csv \
    d/02.csv >/dev/null
is 'a marked stream: the counts are right' 409000 \
    "$(tail -n 1 out | jq '.stages[0].out')"

# The children end with their parent. The parent waits for its reader here.
mkfifo fifo
etl-extract --jobs 3 plain.csv >fifo &
pid=$!
exec 4<fifo
wait_until 5 pgrep -P $pid || :
children=$(pgrep -P $pid || :)
isnt 'there are children' '' "$children"
kill -KILL $pid
wait $pid 2>/dev/null || :
gone() {
	for child in $children; do
		! kill -0 "$child" 2>/dev/null || return 1
	done
}
ok 'the children end when their parent is killed' wait_until 30 gone
exec 4<&-
is '--jobs 257 exits with 64' 64 "$(status etl-extract --jobs 257 plain.csv)"
in_memory 'a process of three needs less than 16 MiB' 16384 200000 \
    etl-extract --jobs 3 plain.csv
done_testing
