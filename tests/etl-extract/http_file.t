#!/bin/sh
# Files behind a URL: CSV, TSV, NDJSON and compressed files by the suffix of the
# path or by --format; an answer that breaks off never looks whole, and no record
# comes twice.
. tests/support/lib.sh
cd "$scratch"
mkdir files
python3 "$top/tests/etl-extract/http_file.py" "$scratch/port" files \
    </dev/null >/dev/null 2>server.err &
at_exit "kill $! 2>/dev/null"
wait_until 10 test -s port
server=http://127.0.0.1:$(cat port)

get() {
	path=$1
	shift
	status etl-extract --backoff 1ms..2ms --rejects rejects --max-rejects 99 \
	    "$@" "$server/$path"
}
# gives LABEL PATH [OPTION...]: the records are those of rows.
gives() {
	label=$1
	shift
	is "$label: exit code 0" 0 "$(get "$@")"
	is "$label: all records, each once" '' "$(diff rows out 2>&1 | head -n 5)"
}
python3 -c '
import json
print("id,text")
for i in range(5000): print(f"{i},some text {i}")' >files/a.csv
tr ',' '\t' <files/a.csv >files/a.tsv
etl-extract files/a.csv >rows
cp rows files/a.ndjson
cp rows files/a.jsonl
jq -s . rows >files/a.json
cp files/a.csv files/plain
for name in a.csv a.tsv a.ndjson a.json; do
	gzip -k files/$name
	zstd -q files/$name
done

for suffix in csv tsv ndjson jsonl csv.gz csv.zst tsv.gz ndjson.gz ndjson.zst \
    json.gz json.zst; do
	gives "$suffix" a.$suffix
done
gives 'a suffix in front of a query' 'a.csv.gz?version=1.json&x=/b.tsv'
gives '--format csv for a path without a suffix' plain --format csv
gives '--format json' a.json --format json
gives 'chunks' chunks/a.csv.gz
gives 'types and an encoding' a.csv --types id:text --encoding latin1
gives 'a final newline that is required' a.csv --final-newline require
is 'a path of .json is still a page of an API' '0 5000' \
    "$(get a.json --max-pages 1) $(wc -l <out)"
is 'a URL and a file in one run' '0 10000' "$(status etl-extract \
    "$server/a.csv.gz" files/a.ndjson) $(wc -l <out)"
is '--source-file has the URL' "$server/a.csv" \
    "$(get a.csv --source-file f >rc; head -n 1 out | jq -r .f)"
is 'a marked stream has begin and end' 'a.csv.gz end' \
    "$(get a.csv.gz --stream a.csv.gz >rc; head -n 1 out | jq -r .stream
    ) $(tail -n 1 out | jq -r '."@etl"')"
is 'no JSON is asked for' 'Accept: */*' \
    "$(get a.csv >rc; grep '^Accept:' files/request)"

# Options.
for option in '--paginate link' '--next /n' '--max-pages 3' '--size n=3' \
    '--conditional'; do
	# shellcheck disable=SC2086
	is "$option is refused for a file" 64 "$(get a.csv $option)"
done
like 'an option for pages: the message says that the URL is read as a file' \
    '--max-pages can be used only for .*is read as a file$' \
    "$(get a.csv --max-pages 3 >rc; head -n 1 err)"
is '--new-files is refused for a URL' 64 \
    "$(get a.csv --new-files --checkpoint c --state file:s)"
is '--types without a CSV file is refused' 64 "$(get a.ndjson --types id:int)"
is 'an unknown --format is refused' 64 "$(get a.csv --format xml)"

# An answer that breaks off.
gives 'cut twice' cut/20000/2/a.csv
gives 'cut twice at the same place, compressed' cut/9000/2/a.csv.gz
gives 'cut before the first byte' cut/0/2/a.ndjson
gives 'cut in the first byte of a gzip file' cut/1/1/a.csv.gz
gives 'cut, Zstandard' cut/3000/1/a.ndjson.zst
is 'cut every time: exit code 75' 75 "$(get cut/20000/99/a.csv --retries 2 \
    --stream s)"
is 'cut every time: no end mark' failed "$(tail -n 1 out | jq -r '."@etl"')"
is 'cut every time: no record comes twice' '' \
    "$(grep -v @etl out | sort | uniq -d)"
is 'cut every time at the end of a line: exit code 75' 75 \
    "$(get "cut/$(head -n 100 files/a.csv | wc -c)/99/a.csv" --retries 1)"
is 'chunks without the last one: exit code 75' 75 \
    "$(get nochunk/a.csv --retries 1)"
is 'a file that changes between two tries: exit code 75' 75 \
    "$(get other/20000/a.csv)"
like 'a file that changes between two tries: the message says so' \
    '/other/20000/a.csv: the answer was cut off after 20000 bytes.* changed' \
    "$(cat err)"
is 'without a length: exit code 76' 76 "$(get open/a.csv --stream s)"
is 'without a length: no end mark' failed "$(tail -n 1 out | jq -r '."@etl"')"
like 'without a length: the message says why' \
    'neither the header Content-Length nor chunks' "$(cat err)"
gives 'without a length, but with an end of its own' open/a.csv.gz
head -c 9000 files/a.csv.gz >files/short.csv.gz
is 'a stored file that was cut: exit code 74' 74 "$(get short.csv.gz)"
like 'a stored file that was cut: the message names the URL once' \
    "^etl-extract: $server/short.csv.gz: the compressed data" "$(cat err)"
is 'status 206: exit code 76' 76 "$(get status/206/a.csv)"
is 'status 204: an empty file' '0 0' "$(get status/204/a.csv.gz) $(wc -l <out)"
is 'status 404: exit code 66' 66 "$(get status/404/a.csv)"
like 'status 404: the message names the URL once' \
    "^etl-extract: $server/status/404/a.csv: status 404" "$(cat err)"
is 'status 404, ignored: an empty file' '0 0' \
    "$(get status/404/a.csv --on 404=ignore) $(wc -l <out)"
is 'after a missing file the others are read' '66 5000' "$(status etl-extract \
    --retries 0 "$server/status/404/a.csv" "$server/a.csv") $(wc -l <out)"

# Compressed by the service, or only said to be.
gives 'gzip by the header' encoded/a.csv.gz
cp files/a.csv.gz files/b.csv
gives 'gzip by the header alone' encoded/b.csv

# Rejects say where the record was, and can be replayed.
printf 'id,text\n1,x\n2\n3,y\n' >files/bad.csv
rm -f rejects
is 'a bad row is a reject' '0 2' "$(get bad.csv) $(wc -l <out)"
is 'a reject has the URL and the line' "http $server/bad.csv 3" \
    "$(jq -r '.origin | "\(.kind) \(.uri) \(.line)"' rejects)"
db_new sqlite
etl-dlq put --db "$db" rejects >/dev/null 2>err || diag "$(cat err)"
is 'the reject of a CSV file is replayed as CSV' '{"id":"2"}' \
    "$(etl-dlq replay --db "$db" 2>err | etl-extract --columns id - 2>err |
    grep -v @etl)"

# Bombs and memory.
python3 -c 'for _ in range(80): print(" " * 1048575)' |
    zstd -q -19 >files/bomb.ndjson.zst
is 'a bomb exits with 65' 65 "$(get bomb.ndjson.zst)"
like 'a bomb: the message names the option' 'more than 200 times .*--max-ratio' \
    "$(cat err)"
python3 -c '
for i in range(1500000): print("{\"id\":%d,\"text\":\"some text of a row\"}" % i)' \
    >files/long.ndjson
in_memory 'a file of 70 MB needs less than 24 MiB' 24576 120000 \
    etl-extract "$server/long.ndjson"

# A recording is replayed.
is 'a recorded file' 0 "$(get a.csv.gz --record-to recording)"
gives 'a replayed file' a.csv.gz --replay-from recording
done_testing
