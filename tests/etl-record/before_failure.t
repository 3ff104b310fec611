#!/bin/sh
# A program that stops at a record first writes the outputs of all records
# before it: a plain stream ends exactly there.
. tests/support/lib.sh

{
	seq -f '{"id":%.0f}' 500
	echo '{"id":'
	seq -f '{"id":%.0f}' 502 600
} >"$scratch/in"
head -n 500 "$scratch/in" >"$scratch/good"
tail -n +502 "$scratch/in" >"$scratch/late"

# stops LABEL CODE COMMAND...: COMMAND writes exactly the records before the bad
# one and exits with CODE.
stops() {
	label=$1 code=$2
	shift 2
	is "$label: exits with $code" "$code" "$(status "$@" <"$scratch/in")"
	is "$label: the 500 records before it are written" \
	    "$(cksum <"$scratch/good")" "$(cksum <"$scratch/out")"
}
stops 'etl-transform, a line that is no JSON' 65 etl-transform .
stops 'etl-transform, an error of the filter' 65 \
    etl-transform 'if .id == 501 then error("no") else . end'
stops 'etl-transform, more rejects than allowed' 1 \
    etl-transform --max-rejects 0 --rejects "$scratch/rejects" .
stops 'etl-extract' 65 etl-extract --format ndjson -
stops 'etl-extract, more rejects than allowed' 1 \
    etl-extract --max-rejects 0 --rejects "$scratch/rejects" \
    --format ndjson -

is 'etl-extract of two files stops inside the second' 65 \
    "$(status etl-extract --format ndjson "$scratch/late" "$scratch/in")"
is 'the records before it are written, from both files' \
    "$(cat "$scratch/late" "$scratch/good" | cksum)" "$(cksum <"$scratch/out")"
is 'etl-extract of a file and one that is missing exits with 66' 66 \
    "$(status etl-extract --format ndjson "$scratch/good" "$scratch/none")"
is 'the records of the first file are written' \
    "$(cksum <"$scratch/good")" "$(cksum <"$scratch/out")"

# Through a pipe to a reader, which also sees where the stream ends.
is 'a reader at the end of a pipe gets the records before the failure' 500 \
    "$(etl-transform . <"$scratch/in" 2>"$scratch/err" | wc -l)"
done_testing
