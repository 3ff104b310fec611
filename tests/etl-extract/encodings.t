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
done_testing
