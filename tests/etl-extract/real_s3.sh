#!/bin/sh
# real_s3.sh: an S3 server of the Python index (moto), which checks signatures as
# Amazon does, gives its objects to etl-extract.  make torture runs it.  pip installs
# the server into build/s3-VERSION, for which it needs a package index once.
. tests/support/lib.sh
. tests/support/venv.sh

venv_make s3 "$top/tests/etl-extract/s3_requirements.txt" moto
cd "$scratch"
mkdir files
python3 -c '
print("id,text")
for i in range(3000): print(f"{i},some text {i}")' >files/a.csv
etl-extract files/a.csv >rows
cp rows files/a.ndjson
gzip -k files/a.csv files/a.ndjson
zstd -q files/a.csv
jq -s . rows >files/pages.json

mkfifo stop
"$venv/bin/python" "$top/tests/etl-extract/real_s3.py" ready files <stop \
    >server.log 2>&1 &
exec 7>stop
at_exit "exec 7>&-; kill $! 2>/dev/null"
wait_until 60 test -s ready || diag "$(tail -n 20 server.log)"
read -r port AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY <ready
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
bucket="http://127.0.0.1:$port/data/2026/a%20b"
extract() {
	status etl-extract --retries 0 --aws-sigv4 aws:amz:us-east-1:s3 "$@"
}

for name in a.csv a.csv.gz a.csv.zst a.ndjson a.ndjson.gz; do
	is "$name is read" "0 $(cksum <rows)" \
	    "$(extract "$bucket/$name") $(cksum <out)"
done
is 'a page of JSON is read' '0 3000' \
    "$(extract "$bucket/pages.json") $(wc -l <out)"
is 'several objects are read' '0 6000' \
    "$(extract "$bucket/a.csv" "$bucket/a.ndjson.gz") $(wc -l <out)"
is 'parameters are signed' '0 3000' "$(extract \
    "$bucket/a.csv?response-content-language=de&response-cache-control=no-cache") $(wc -l <out)"
is 'Accept of the user is signed' 0 \
    "$(extract --header 'Accept: text/csv' "$bucket/a.csv")"
is 'other headers of the user are signed' 0 "$(extract --header 'X-Key: a  b' \
    --header 'Accept-Language: de' "$bucket/a.csv")"
is 'an object that is not there exits with 66' 66 "$(extract "$bucket/no.csv")"
is 'a wrong secret exits with 77' 77 \
    "$(AWS_SECRET_ACCESS_KEY=wrong extract "$bucket/a.csv")"
like 'a wrong secret: the message has the code of S3' 'SignatureDoesNotMatch' \
    "$(cat err)"
done_testing
