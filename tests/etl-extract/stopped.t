#!/bin/sh
# TERM in the middle of each source: etl-extract ends with 143, and whole records
# and the mark failed have come out.  From a source with a checkpoint, the next run
# reads what is missing.
# shellcheck disable=SC2086 # options are words
. tests/support/lib.sh
cd "$scratch"
api_start --posts 3000 --items 30000
paged="$api/paged?n=200000&size=20000"

# stop BYTES COMMAND...: runs a command and stops it after so many bytes.  Input is
# the file "in".
stop() {
	after=$1
	shift
	limit=120 status python3 "$top/tests/etl-extract/stopped.py" "$after" \
	    stopped etl-extract "$@" <in >rc
	cat out
	[ "$(cat rc)" = 0 ] || head -n 3 err
}
# stopped LABEL BYTES OPTION... SOURCE
stopped() {
	label=$1 bytes=$2
	shift 2
	is "$label: TERM ends it with whole records and the mark failed" \
	    '143 prefix' "$(stop "$bytes" --stream s "$@")"
}

: >in
python3 - <<'EOP'
import gzip
rows = ["%d,\"row %d\nof the file\"" % (i, i) for i in range(60000)]
text = "id,text\n" + "\n".join(rows) + "\n"
for name, data in (
        ("a.csv", text.encode()), ("a.tsv", text.replace(",", "\t").encode()),
        ("a.csv.gz", gzip.compress(text.encode(), 1)),
        ("wide.csv", text.encode("utf-16"))):
    with open(name, "wb") as f:
        f.write(data)
records = ['{"id":%d,"text":"row %d of the file"}' % (i, i)
           for i in range(60000)]
for name, data in (("a.ndjson", "\n".join(records)),
                   ("values.json", "\n".join(records)),
                   ("a.json", "[" + ",".join(records) + "]"),
                   ("in.json", '{"n":[1],"d":[' + ",".join(records) + "]}")):
    with open(name, "w") as f:
        f.write(data)
with open("raw", "w") as f:
    f.write('{"@etl":"begin","v":1,"id":"-","replay":true,"stage":"extract",'
            '"stages":["replay"]}\n')
    for i in range(40000):
        f.write('{"@etl":"raw","id":"%d","columns":["id","text"],"origin":'
                '{"kind":"file","uri":"a.csv","line":3},"raw":"%d,a text of '
                'the record"}\n' % (i, i))
    f.write('{"@etl":"end","stages":[{"stage":"replay","in":0,"out":40000,'
            '"dropped":0,"rejected":0}]}\n')
EOP
zstd -q a.csv -o a.csv.zst
mkdir d
for i in 1 2 3 4; do
	cp a.csv d/$i.csv
done

# Files.
for file in a.csv a.tsv a.csv.gz a.csv.zst a.ndjson a.json values.json; do
	stopped "$file" 100000 $file
done
stopped 'CSV in UTF-16' 100000 --encoding utf-16 wide.csv
stopped 'CSV with --types auto' 100000 --types auto a.csv
stopped 'a directory' 3000000 d
stopped 'a directory with --jobs' 3000000 --jobs 2 d
stopped 'JSON with --records' 100000 --records /d in.json
cp a.csv in
stopped 'CSV from standard input' 100000 --format csv -
cp a.json in
stopped 'JSON from standard input' 100000 --format json -
cp raw in
is 'a replay: TERM ends it with whole records and the mark failed' \
    '143 prefix' "$(stop 100000 --marked --format csv -)"
: >in

# HTTP.
stopped 'a page' 100000 "$api/paged?n=200000&size=200000"
stopped '--paginate link' 300000 --paginate link "$paged"
stopped '--paginate offset' 300000 --paginate offset --into query:offset "$paged"
stopped '--paginate cursor' 300000 --paginate cursor --next /next_cursor \
    --into query:cursor "$paged"
stopped '--paginate page' 3000 --paginate page --into query:_page \
    --size _limit=20 --delay 5ms "$api/posts"
seq -f '{"id":%g}' 1 1000 >ids.ndjson
etl-extract --stream s ids.ndjson >in
is '--each: TERM ends it with whole records and the mark failed' '143 prefix' \
    "$(stop 3000 --each "$api/posts/{id}" --as post --delay 1ms)"
: >in
etl-extract --record-to recording "$api/paged?n=200000&size=200000" >out
stopped 'a replay from a recording' 100000 --replay-from recording \
    "$api/paged?n=200000&size=200000"

# A recording has whole answers only: its replay is the start of the run.
: >"$api_log_file"
etl-extract --record-to recording.2 --delay 50ms --paginate link \
    "$api/paged?n=2000&size=20" >out 2>err &
pid=$!
recorded() {
	test -e recording.2/000003.http
}
wait_until 10 recorded
kill $pid
wait $pid 2>/dev/null || :
is '--record-to: after TERM a replay reads the answers that are there' \
    "66 $(find recording.2 -name '0*.http' | wc -l)" "$(status etl-extract \
    --replay-from recording.2 --paginate link "$api/paged?n=2000&size=20"
    ) $(($(wc -l <out) / 20))"
is '--record-to: no other file is left' '' \
    "$(find recording.2 -type f ! -name '0*.http')"

# completes LABEL OPTION...: the file "stopped" has the output of a run that ended
# early.  The loader stores what stands before a checkpoint; the next run reads the
# rest.
completes() {
	label=$1
	shift
	isnt "$label: the loader fails with the run that ended early" 0 \
	    "$(status etl-load --table t $key --marked <stopped)"
	first=$(sql 'SELECT count(*) FROM t')
	ok "$label: it has stored what stands before a checkpoint ($first of $all)" \
	    test "$first" -gt 0 -a "$first" -lt "$all"
	etl-extract --checkpoint c "$@" >rest
	is "$label: the next run is loaded" 0 \
	    "$(status etl-load --table t $key --marked <rest)"
	is "$label: then each record is stored once, or is a dead letter" \
	    "$all|0" "$(sql "SELECT count(*) + (SELECT count(*)
	    FROM dead_letters), count(*) - count(DISTINCT $unique) FROM t")"
}
# resumes LABEL BYTES OPTION...
resumes() {
	label=$1 bytes=$2
	shift 2
	is "$label: TERM ends it after a checkpoint" '143 prefix' \
	    "$(stop "$bytes" --checkpoint c "$@")"
	all=$(cat stopped.records)
	completes "$label" "$@"
}
# target KIND: an empty database with a table to load.
target() {
	db_new "$1"
	export DATABASE_URL="$db"
	sql "CREATE TABLE t (id integer PRIMARY KEY, text text)"
	key='' unique=id
}
mkdir n j
python3 - <<'EOP'
for f in range(3):
    ids = range(f * 20000, f * 20000 + 20000)
    with open("n/%d.csv" % f, "w") as out:
        out.write("id,text\n")
        out.writelines("%d,%s\n" % (i, "x" * 90) for i in ids)
    with open("j/%d.json" % f, "w") as out:
        out.write("[%s]" % ",".join('{"id":%d,"text":"%s"}' % (i, "x" * 90)
                                    for i in ids))
EOP
target sqlite
resumes 'CSV with --new-files' 3000000 --new-files --types id:int n
target sqlite
resumes 'JSON with --new-files' 3000000 --new-files j
target sqlite
sql 'DROP TABLE t; CREATE TABLE t (id text, seq integer PRIMARY KEY, code text,
    value numeric, ts text)'
unique=seq
resumes 'an incremental run over HTTP' 1600000 --cursor-field /seq \
    --since-param since --ordered --query-param by=seq --paginate page \
    --into query:page --size limit=1000 --total /total "$api/items?strict=1"
rows="WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r
    WHERE n < 50000) SELECT n AS id, '$(printf '%90s' x)' AS text FROM r"
for kind in sqlite postgresql; do
	target $kind
	sql "CREATE TABLE source AS $rows"
	from=$db
	[ $kind = postgresql ] || from=sqlite:$scratch/source.db
	[ $kind = postgresql ] || sqlite3 source.db "CREATE TABLE source AS $rows"
	resumes "$kind --query" 2500000 --cursor-field /id --ordered --start 0 \
	    --query 'SELECT * FROM source WHERE id > :since ORDER BY id' "$from"
	sql "DELETE FROM t; DELETE FROM etl_checkpoints; DELETE FROM etl_loads"
	key='--key id'
	resumes "$kind --table" 2500000 --cursor-field /id --table source "$from"
done

# The session of the server ends in the middle of the query.
target postgresql
sql "CREATE TABLE source AS $rows; CREATE TABLE ends AS SELECT 1"
set -- --cursor-field /id --ordered --start 0 --query "SELECT * FROM (SELECT * FROM source
    WHERE id > :since ORDER BY id OFFSET 0) AS s
    WHERE id <> 35000 OR NOT EXISTS (SELECT FROM ends) OR
    pg_terminate_backend(pg_backend_pid())" "$db"
is 'PostgreSQL: a connection that is lost in the middle ends with 75' 75 \
    "$(status etl-extract --checkpoint c "$@")"
is 'PostgreSQL: whole records have come before, and the mark failed' \
    'failed true' "$(tail -n 1 out | jq -r '.["@etl"]') $(jq -s \
    'map(.id | numbers) | length >= 30000' out)"
cp out stopped
sql 'DROP TABLE ends; CREATE TABLE ends (n integer)'
all=50000
completes 'PostgreSQL: a lost connection' "$@"
done_testing
