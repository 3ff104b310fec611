#!/bin/sh
# Files as sources: directories, globs, compressed files, and files that cannot
# be read to their end.
. tests/support/lib.sh

run() {
	: >"$scratch/r"
	status etl-extract --max-rejects 100 --rejects "$scratch/r" "$@"
}
# out: prints the values of the member a of all records in one line.
out() {
	jq -r .a "$scratch/out" | tr '\n' ' ' | sed 's/ $//'
}
# csv_file NAME VALUE...: makes a CSV file with the column a.
csv_file() {
	name=$1
	shift
	printf '%s\n' a "$@" >"$name"
}
mkdir "$scratch/d" "$scratch/d/sub" "$scratch/d/.hidden"
cd "$scratch/d"
csv_file b.csv 2
csv_file a.csv 1
csv_file sub/c.csv 3
csv_file .d.csv 4
csv_file .hidden/e.csv 5
csv_file other.txt 6
echo '{"a":7}' >c.ndjson
printf 'a\tb\n8\t1\n' >d.TSV
cd "$scratch"

is 'a directory is read' 0 "$(run d)"
is 'a directory: its files with known suffixes are read in the order of their names' \
    '1 2 7 8' "$(out)"
is 'a directory: files of other names are left out without a message' \
    '' "$(cat err)"
is 'a directory with --recursive is read' 0 "$(run --recursive d/)"
is '--recursive also reads the directories in a directory' '1 2 7 8 3' "$(out)"
is 'a directory with --format is read' 0 "$(run --format csv d)"
is 'with --format all files of a directory are read' '{"a":"1"}
{"a":"2"}
{"a\tb":"8\t1"}
{"a":"6"}' "$(cat out)"
is 'a glob is expanded, its names are sorted' '0 1 2' "$(run 'd/*.csv') $(out)"
is 'a glob with brackets is expanded' '0 2 7' "$(run 'd/[bc].*') $(out)"
csv_file 'x[1]*.csv' 9
is 'a file whose name has the characters of a glob is read' \
    '0 9' "$(run 'x[1]*.csv') $(out)"
is 'files, globs and directories are read in the order of the command line' \
    '0 2 3 1 2' "$(run d/b.csv d/sub 'd/[ab].csv') $(out)"
mkdir dash
csv_file dash/- 5
is 'a file with the name - in a directory is not standard input' \
    '0 5' "$(run --format csv dash <d/a.csv) $(out)"

# --source-file.
is '--source-file is accepted' 0 "$(run --source-file f d)"
is '--source-file adds the path as it was given as the last member' \
    '{"a":"1","f":"d/a.csv"}
{"a":"2","f":"d/b.csv"}
{"a":7,"f":"d/c.ndjson"}
{"a":"8","b":"1","f":"d/d.TSV"}' "$(cat out)"
is '--source-file of standard input is -' '{"f":"-"} {"a":1,"f":"-"}' \
    "$(printf '{}\n{ "a": 1 }\n' | etl-extract --source-file f - |
    tr '\n' ' ' | sed 's/ $//')"
is '--source-file with the name of a member does not fail' \
    0 "$(run --source-file a d/c.ndjson)"
is '--source-file: a record that has the member already is a reject' \
    duplicate_member "$(jq -r .code r)"
is '--source-file with the name of a column exits with 78' \
    78 "$(run --source-file a d/a.csv)"
is '--source-file @etl exits with 64' 64 "$(run --source-file @etl d/a.csv)"

# Each file's own header names its records.
mkdir headers
printf 'a,b\n1,2\n' >headers/1.csv
printf 'b,c,a\n3,4,5\n' >headers/2.csv
printf 'a\n6\n' | gzip >headers/3.csv.gz
for jobs in 1 2; do
	is "files with different headers: each names its own records (--jobs $jobs)" \
	    '0 {"a":"1","b":"2"} {"b":"3","c":"4","a":"5"} {"a":"6"}' \
	    "$(run --jobs $jobs headers) $(tr '\n' ' ' <out | sed 's/ $//')"
done

# Names that give no file.
is 'a glob without a match exits with 66' 66 "$(run 'd/*.nosuch')"
like 'a glob without a match: the message names the pattern' \
    '^etl-extract: d/\*\.nosuch: no file has a name' "$(cat err)"
mkdir empty others
: >others/x.txt
is 'an empty directory exits with 66' 66 "$(run empty)"
is 'a directory without a known suffix exits with 66' 66 "$(run others)"
like 'a directory without a known suffix: the message says --format' \
    'others: none of the 1 files .* give --format' "$(cat err)"

# Things in a directory that are no regular files.
mkdir odd odd/sub
csv_file odd/a.csv 1
mkfifo odd/fifo.csv
ln -s . odd/sub/up
ln -s .. odd/sub/up.csv
ln -s "$scratch/d/b.csv" odd/link.csv
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind("odd/socket.csv")'
is 'a directory with a FIFO, a socket and links upwards is read' \
    0 "$(run --recursive odd)"
is 'links to files are followed, links to directories are not' '1 2' "$(out)"
is 'a FIFO and a socket in a directory are left out with a warning each' \
    2 "$(grep -c 'is not a regular file and is not read' err)"
ln -s loop.csv odd/loop.csv
is 'a link to itself in a directory exits with 66' 66 "$(run odd)"
is 'a link to itself: the other files are read' '1 2' "$(out)"
like 'a link to itself: the message names it' \
    'odd/loop.csv: Too many levels of symbolic links' "$(cat err)"

# Compressed files.
{
	echo a,b
	seq -f '%g,"x y"' 50000
} >big.csv
for tool in gzip zstd; do
	suffix=gz
	[ $tool = gzip ] || suffix=zst
	$tool -qc big.csv >big.csv.$suffix
	is "$tool: a file is decompressed, the inner suffix counts" \
	    0 "$(run big.csv.$suffix)"
	ok "$tool: the records are those of the file" sh -c \
	    'etl-extract big.csv | cmp - out'
	{
		head -n 1 big.csv | $tool -qc
		sed 1d big.csv | head -n 20 | $tool -qc
		sed 1,21d big.csv | $tool -qc
	} >parts.csv.$suffix
	is "$tool: members that follow one another are read" \
	    0 "$(run parts.csv.$suffix)"
	ok "$tool: the records of all members come out" sh -c \
	    'etl-extract big.csv | cmp - out'
	head -c $(($(wc -c <big.csv.$suffix) * 9 / 10)) big.csv.$suffix \
	    >cut.csv.$suffix
	is "$tool: a cut file exits with 74" 74 "$(run cut.csv.$suffix)"
	like "$tool: a cut file: the message names it and says what happened" \
	    "^etl-extract: cut.csv.$suffix: the compressed data .* ends early" \
	    "$(cat err)"
	is "$tool: a cut file: no part of a record comes out" \
	    0 "$(jq -c 'select(.b != "x y")' out | wc -l)"
	ok "$tool: a cut file: the records before the cut come out" test -s out
	: >none.csv.$suffix
	is "$tool: a file without a byte exits with 74" \
	    74 "$(run none.csv.$suffix)"
	cp big.csv plain.csv.$suffix
	is "$tool: a file that is not compressed exits with 65" \
	    65 "$(run plain.csv.$suffix)"
	{
		cat big.csv.$suffix
		echo garbage
	} >tail.csv.$suffix
	is "$tool: garbage after the data exits with 65" \
	    65 "$(run tail.csv.$suffix)"
	like "$tool: garbage after the data: the message says so" \
	    "tail.csv.$suffix: something that is not .* follows" "$(cat err)"
	python3 - big.csv.$suffix broken.csv.$suffix <<'EOF'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
data[len(data) // 2] ^= 0xff
open(sys.argv[2], 'wb').write(data)
EOF
	is "$tool: damaged data exits with 65" 65 "$(run broken.csv.$suffix)"
	printf 'a\n1\n2\n' | $tool -qc >sum.csv.$suffix
	python3 - sum.csv.$suffix <<'EOF'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
data[-1] ^= 1
open(sys.argv[1], 'wb').write(data)
EOF
	is "$tool: data with a wrong checksum: the records before it are written" \
	    '65 {"a":"1"}{"a":"2"}' "$(run sum.csv.$suffix) $(tr -d '\n' <out)"
	$tool -qc d/c.ndjson >c.ndjson.$suffix
	is "$tool: NDJSON is decompressed" '0 7' \
	    "$(run c.ndjson.$suffix) $(out)"
done
{
	cat big.csv.gz
	head -c 1024 /dev/zero
} >padded.csv.gz
# Compressed data that becomes very long, as in an attack.
blank_lines() {
	python3 -c '
for _ in range(80): print(" " * 1048575)'
}
blank_lines | zstd -q -19 >bomb.ndjson.zst
{ echo '{"a":1}'; blank_lines; } | gzip -9 >bomb.ndjson.gz
for file in bomb.ndjson.zst bomb.ndjson.gz; do
	is "$file: 80 MiB of blanks exit with 65" 65 "$(run $file)"
	like "$file: the message says why and names the option" "^etl-extract: \
$file: the compressed data becomes more than 200 times .*--max-ratio$" \
	    "$(cat err)"
	is "$file: --jobs 2 says the same" "65 1" "$(run --jobs 2 $file $file
	    ) $(grep -c '^etl-extract: [0-9].*more than 200 times' err)"
	is "$file: --max-ratio 100000 reads it" 0 \
	    "$(run --max-ratio 100000 $file)"
	is "$file: --max-ratio 0 is refused" 64 "$(run --max-ratio 0 $file)"
done
is '--max-ratio for a database is refused' 64 \
    "$(run --max-ratio 9 --table t sqlite:x.db)"
is 'gzip: NUL bytes after the data are padding' 0 "$(run padded.csv.gz)"
is 'a compressed file with an encoding' '0 {"a":"ü"}' "$(printf 'a\nü\n' |
    iconv -f UTF-8 -t UTF-16 | gzip >u.csv.gz; run --encoding utf-16 u.csv.gz
    ) $(cat out)"
is 'NDJSON with an encoding' '0 {"a":"ü"} fc' "$(printf '{"a":"\374"}\n\374\n' \
    >u.ndjson; run --encoding latin1 u.ndjson) $(cat out) $(jq -r .raw_base64 r |
    base64 -d | od -An -tx1 | tr -d ' ')"

# --final-newline require.
needs_newline() {
	run --final-newline require "$@"
}
head -c -1 d/b.csv >no_lf.csv
: >empty.csv
printf 'a\n1\n' | iconv -t UTF-16LE >lf.utf16.csv
head -c -2 lf.utf16.csv >no_lf.utf16.csv
gzip -c no_lf.csv >no_lf.csv.gz
head -c -1 d/c.ndjson >no_lf.ndjson
printf '[{"a":1}]' >no_lf.json
for file in no_lf.csv no_lf.csv.gz no_lf.ndjson no_lf.json; do
	is "--final-newline require: $file exits with 65" 65 "$(needs_newline $file)"
	like "--final-newline require: $file: the message says why" \
	    "^etl-extract: $file: the file has no newline at its end" "$(cat err)"
done
is '--final-newline require: an empty file exits with 65' 65 \
    "$(needs_newline empty.csv)"
like '--final-newline require: an empty file: the message says so' \
    '^etl-extract: empty.csv: the file is empty' "$(cat err)"
is '--final-newline require: the last character of UTF-16' '65 0' \
    "$(needs_newline --encoding UTF-16LE no_lf.utf16.csv
    ) $(needs_newline --encoding UTF-16LE lf.utf16.csv)"
is '--final-newline require: standard input' '65 0' \
    "$(needs_newline --format csv - <no_lf.csv
    ) $(needs_newline --format csv - <d/a.csv)"
is '--final-newline require: the other files are read' '65 1 8' \
    "$(needs_newline no_lf.csv d/a.csv d/d.TSV) $(out)"
is '--final-newline require: the stream of a file without it fails' \
    '65 failed' "$(needs_newline --stream s no_lf.csv) $(tail -n 1 out |
    jq -r '.["@etl"]')"
is '--final-newline require: with --jobs' '65 1 8' \
    "$(needs_newline --jobs 3 d/a.csv no_lf.csv d/d.TSV) $(out)"
is '--final-newline require: files that end with a newline are read' \
    '0 1 2 7 8' "$(needs_newline d) $(out)"
{
	echo a
	seq 1000000 1900000
} >long.csv
is '--final-newline require: a long file that is read in parts' '0 900001' \
    "$(needs_newline --jobs 3 long.csv) $(wc -l <out)"
truncate -s -1 long.csv
is '--final-newline require: a long file without it' 65 \
    "$(needs_newline --jobs 3 long.csv)"
rm long.csv
is '--final-newline require with --new-files: the file is remembered as failed' \
    '65 no_lf.csv' "$(needs_newline --new-files --checkpoint n --state file:s \
    no_lf.csv d/a.csv) $(tail -n 1 out | jq -r '.files[].path')"
printf 'a\n1\n2' >tail.csv
is '--final-newline require with --changed tail: a line that is being written' \
    '0 1' "$(needs_newline --new-files --changed tail --checkpoint n \
    --state file:t tail.csv) $(jq -r '.a // empty' out)"
is '--final-newline: another word exits with 64' 64 \
    "$(run --final-newline requires d/a.csv)"

# Files that cannot be read do not keep the others from being read.
is 'a missing file among others exits with 66' \
    66 "$(run --stream s d/a.csv no.csv d/b.csv cut.csv.gz)"
is 'a missing file among others: the others are read' \
    '1 2' "$(jq -r 'select(.a != null and .b == null).a' out | tr '\n' ' ' |
    sed 's/ $//')"
like 'a missing file among others: the message counts the files' \
    '2 of 4 sources could not be read to the end, the first of them: no.csv: No such' \
    "$(cat err)"
like 'a missing file among others: each failure has a line' \
    '^etl-extract: cut.csv.gz: the compressed' "$(cat err)"
is 'a missing file among others: the mark failed ends the stream' \
    'failed 66' "$(tail -n 1 out | jq -r '"\(.["@etl"]) \(.code)"')"
is 'the exit code is that of the first file that failed' \
    74 "$(run cut.csv.gz no.csv d/a.csv)"
is 'a header that cannot be read: the other files are read' \
    '65 1' "$(printf '"x' >bad.csv; run bad.csv d/a.csv) $(out)"
mkfifo first.csv
csv_file gone.csv 1
status etl-extract first.csv gone.csv >gone.status &
rm_later() {
	exec 4>first.csv
	rm gone.csv
	printf 'a\n1\n' >&4
	exec 4>&-
}
rm_later
wait $!
is 'a file that vanishes before its turn exits with 66' \
    '66 1' "$(cat gone.status) $(out)"
done_testing
