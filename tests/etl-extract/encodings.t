#!/bin/sh
# Files in other encodings than UTF-8: units that are no text, and characters that
# iconv(3) holds back.  csv.t, files.t and json.t have the usual cases.
. tests/support/lib.sh
SCRATCH=$scratch
export SCRATCH

for format in csv ndjson; do
	is "$format: after a bad unit of 2 or 4 bytes all other records come out" \
	    '0 ' "$(status python3 tests/etl-extract/wide.py $format) $(sed \$d \
	    "$scratch/out")"
	like "$format: every encoding with such units is tested" \
	    '^[3-9][0-9] encodings' "$(cat "$scratch/out")"
done
# These encodings have accents that follow their letter, so iconv(3) does not
# write a letter before it has seen the next character.
for name in CP1258 TCVN; do
	is "$name: the last letter of a file without a newline" '{"a":"xa"}' \
	    "$(printf 'a\nxa' | etl-extract --format csv --encoding $name -)"
done
printf 'a\nxa\201\n' >"$scratch/in.csv"
is 'CP1258: a reject keeps the letter before a bad byte' '0 xa?' \
    "$(: >"$scratch/r"; status etl-extract --encoding CP1258 --max-rejects 1 \
    --rejects "$scratch/r" "$scratch/in.csv") $(jq -r .raw_base64 "$scratch/r" |
    base64 -d | tr '\201' '?')"

# --encoding auto:NAME.
cd "$scratch"
# auto NAME FILE...: reads the files with --encoding auto:NAME.
auto() {
	name=$1
	shift
	: >r
	status etl-extract --encoding "auto:$name" --rejects r --max-rejects 9 "$@"
}
# encoded ENCODING TEXT: prints a CSV file with one row.
encoded() {
	printf 'a\n%s\n' "$2" | iconv -f UTF-8 -t "$1"
}
encoded UTF-8 'ä€' >utf8.csv
{ printf '\357\273\277'; cat utf8.csv; } >mark.csv
encoded latin1 'äö' >latin1.csv
encoded UTF-8 plain >ascii.csv
encoded GB18030 '直接' >gbk.csv
: >empty.csv
for of in UTF-16LE UTF-16BE UTF-32LE UTF-32BE; do
	printf '\357\273\277a\nä€\n' | iconv -f UTF-8 -t $of >$of.csv
done
is 'auto:latin1: each file in its encoding' '0 ä€ ä€ äö plain ä€ ä€ ä€ ä€' \
    "$(auto latin1 utf8.csv mark.csv latin1.csv ascii.csv empty.csv UTF-*.csv
    ) $(jq -r .a out | paste -sd' ')"
is 'auto:latin1: a line names the file that is read so' \
    'etl-extract: latin1.csv: is read as latin1: it is not UTF-8' "$(cat err)"
is 'auto:latin1 with --jobs: the same, each line once' '0 äö ä€ äö 2' "$(auto \
    latin1 --jobs 3 latin1.csv utf8.csv ./latin1.csv) $(jq -r .a out |
    paste -sd' ') $(grep -c 'is read as latin1' err)"
is 'auto:gb18030: two bytes that are also a character of UTF-8' '0 直接' \
    "$(printf '\326\261\275\323' >two; { echo a; cat two; echo; } >two.csv
    auto gb18030 two.csv) $(jq -r .a out)"
is 'auto:gb18030: text of UTF-8 is not read as gb18030' '0 ä€' \
    "$(auto gb18030 utf8.csv) $(jq -r .a out)$(cat err)"
is 'auto:utf-16: files without a mark' '0 ä€ ä€ plain' "$(encoded UTF-16LE 'ä€' \
    >le.csv; auto utf-16 le.csv utf8.csv ascii.csv) $(jq -r .a out |
    paste -sd' ')"
like 'auto:utf-16: a line names the file' '^etl-extract: le.csv: is read as utf-16' \
    "$(cat err)"
is 'auto:latin1: standard input' '0 äö' \
    "$(auto latin1 --format csv - <latin1.csv) $(jq -r .a out)"
is 'auto:latin1: a compressed file' '0 äö' \
    "$(gzip -k latin1.csv; auto latin1 latin1.csv.gz) $(jq -r .a out)"
is 'auto:latin1: NDJSON' '0 ü' "$(printf '{"a":"\374"}\n' >l.ndjson
    auto latin1 l.ndjson) $(jq -r .a out)"
# The first letter after 200,000 bytes of ASCII decides, wherever the blocks in
# which the file is read end.
for size in 65531 65533 65534 65535 65536 200000; do
	{
		printf 'a\n%s\n' "$(head -c $((size - 6)) /dev/zero | tr '\0' x)"
		printf 'ü\n'
		yes 'ö' | head -n 40000
	} >long.csv
	is "auto:latin1: UTF-8 after $size bytes of ASCII" '0 ö ü' "$(auto latin1 \
	    long.csv) $(jq -r .a out | sed 1d | sort -u | paste -sd' ')$(cat err)"
	iconv -f UTF-8 -t latin1 long.csv >short.csv
	is "auto:latin1: latin1 after $size bytes of ASCII" '0 ö ü' "$(auto latin1 \
	    short.csv) $(jq -r .a out | sed 1d | LC_ALL=C sort -u | paste -sd' ')"
done
printf '\374,\n' >>long.csv
is 'auto:latin1: a bad byte at the end of a long file of UTF-8 is a reject' \
    '0 encoding? fc2c' "$(auto latin1 long.csv) $(jq -r '.code + "?"' r) $(jq -r \
    .raw_base64 r | base64 -d | od -An -tx1 | tr -d ' ')"
printf 'a\n\374\n\374,1\n' >reject.csv
is 'auto:latin1: a reject has the bytes of the file' '0 fc2c31' \
    "$(auto latin1 reject.csv) $(jq -r .raw_base64 r | base64 -d |
    od -An -tx1 | tr -d ' ')"
for name in auto auto: auto:nosuch; do
	is "--encoding $name exits with 64" 64 \
	    "$(status etl-extract --encoding $name ascii.csv)"
done
done_testing
