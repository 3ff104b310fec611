#!/bin/sh
# A replay of letters that etl-extract has rejected: they are raw marks, which
# etl-extract reads again with its own options.
# shellcheck disable=SC2154     # db
. tests/support/lib.sh
cd "$scratch"

# replayed ARG...: the records of a replay that etl-extract ARG... - has read.
replayed() {
	etl-dlq replay >stream
	etl-extract --marked "$@" - <stream >out
	grep -v '^{"@etl"' out || :
}
open_letters() {
	sql "SELECT count(*) FROM dead_letters WHERE attempts > resolved_upto" |
	    tr -d ' '
}
load='etl-load --table t --key id --max-rejects 100%'
csv='etl-extract --max-rejects 100% --format csv'

# a.csv: two rows that are too short, one of them with a newline in quotes.
printf 'id,name,note\n1,a,x\n2,"b\nb"\n3,c,z\n4,"d ""q"""\r\n' >a.csv
# latin1: the second row is too short and has a byte that is no UTF-8.
printf 'id,name\n5,\374\n6\374\n' >latin1.csv
# Two files with different headers.
mkdir dir
printf 'id,name\n7\n' >dir/b.csv
printf 'name,id\nx,8,9\n' >dir/c.csv

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sql 'CREATE TABLE t (id text PRIMARY KEY, name text, note text,
	    source_file text)'

	is "$kind: rejected CSV records are stored as letters" 0 \
	    "$(status sh -c "$csv --stream a a.csv | $load")"
	is "$kind: etl-dlq show --raw writes the bytes alone" \
	    "$(printf '2,"b\nb"')" "$(etl-dlq show --raw 1)"
	etl-dlq replay >stream
	is "$kind: the replay has a raw mark for each letter, before its resolve" \
	    'begin raw resolve raw resolve end' \
	    "$(jq -r '.["@etl"]' stream | paste -sd' ')"
	is "$kind: a raw mark has the bytes and the names of the columns" \
	    '["2,\"b\nb\"",["id","name","note"]]' \
	    "$(jq -c 'select(.["@etl"] == "raw") | [.raw, .columns]' stream |
	    head -n 1)"
	is "$kind: a raw mark counts as a record of the replay" 2 \
	    "$(tail -n 1 stream | jq '.stages[0].out')"
	is "$kind: with the names of the letter the row is too short again" 0 \
	    "$(status sh -c "etl-dlq replay | $csv - | $load")"
	is "$kind: records that are rejected again are the same letters" \
	    '2|2 2|2' "$(sql 'SELECT attempts, attempts - resolved_upto + 1
	    FROM dead_letters' | tr -d ' ' | paste -sd' ')"
	is "$kind: a letter that is rejected again keeps its place" \
	    'a.csv 3 ["id","name","note"]' "$(etl-dlq show --json 1 |
	    jq -r '.origin | "\(.uri) \(.line) \(.columns | tojson)"')"
	is "$kind: a replay with other columns gives the records" \
	    '{"id":"2","name":"b\nb"}' "$(replayed --format csv \
	    --columns id,name | head -n 1)"
	is "$kind: the replay with other columns is loaded" 0 \
	    "$(status sh -c "etl-dlq replay | $csv --columns id,name - |
	    $load")"
	is "$kind: the letters are resolved" 0 "$(open_letters)"
	is "$kind: the quoted newline and the doubled quotes are in the table" \
	    '1 a;2 b b;3 c;4 d "q"' "$(sql "SELECT id || ' ' ||
	    replace(name, '
', ' ') FROM t ORDER BY id" | paste -sd';')"
	is "$kind: a replay without letters goes through" 0 \
	    "$(status sh -c "etl-dlq replay | $csv --columns id,name - |
	    $load")"
	sql 'DELETE FROM dead_letters'

	is "$kind: bytes of another encoding" 0 \
	    "$(status sh -c "$csv --encoding latin1 --stream l latin1.csv |
	    $load")"
	is "$kind: bytes that are no UTF-8 are base64 in the mark" 36fc \
	    "$(etl-dlq replay >stream
	    jq -r '.raw_base64 // empty' stream | base64 -d |
	    od -An -tx1 | tr -d ' \n')"
	is "$kind: the replay reads them in the encoding of --encoding" \
	    '{"id":"6ü"}' "$(replayed --encoding latin1 --format csv --columns id)"
	sql 'DELETE FROM dead_letters'

	is "$kind: letters of two files with different headers" 0 \
	    "$(status sh -c "$csv --stream d --source-file source_file dir |
	    $load")"
	is "$kind: each record gets the names of its own file" \
	    '{"id":"7","source_file":"dir/b.csv"}' "$(replayed --columns id \
	    --source-file source_file | head -n 1)"
	is "$kind: without --format the suffix of the file decides" \
	    2 "$(replayed --max-rejects 100% >/dev/null
	    grep -c '"reject"' out)"
	is "$kind: --types auto is refused, as single rows show no types" 78 \
	    "$(status sh -c 'etl-dlq replay |
	    etl-extract --format csv --types auto - >/dev/null')"
	sql 'DELETE FROM dead_letters'

	# Mistakes in the pipeline of the replay.
	status sh -c "$csv --stream a a.csv | $load" >/dev/null
	is "$kind: a replay without etl-extract exits with 78" 78 \
	    "$(status sh -c "etl-dlq replay | etl-transform . | $load")"
	like "$kind: a replay without etl-extract: the message says what to do" \
	    'run etl-extract with the options of the pipeline and - as' \
	    "$(cat err)"
	is "$kind: a replay without etl-extract resolves nothing" 2 \
	    "$(open_letters)"
	is "$kind: etl-extract --plain - rejects the marks of a replay" 6 \
	    "$(etl-dlq replay >stream
	    etl-extract --max-rejects 100% --plain - <stream 3>r >out 2>err
	    grep -c '"code":"reserved"' r)"
	is "$kind: --rejects in a replay exits with 78" 78 \
	    "$(status sh -c 'etl-dlq replay |
	    etl-extract --format csv --rejects f - >/dev/null')"
	is "$kind: a saved replay is read from a file" 2 \
	    "$(replayed --format csv --columns id,name | wc -l | tr -d ' ')"
	sql 'DELETE FROM dead_letters'

	# A record of which only the start was kept cannot be replayed.
	python3 -c 'print("id\n" + "x" * 100000)' >long.csv
	is "$kind: a record that is too long is a letter" 0 \
	    "$(status sh -c "$csv --max-record 70000 --stream x long.csv |
	    $load")"
	like "$kind: a record that is too long is left out of the replay" \
	    'letter [0-9]+ is left out: only the start of its record was kept' \
	    "$(etl-dlq replay 2>&1 >/dev/null)"
	is "$kind: the letter that is left out stays open" 1 "$(open_letters)"
	sql 'DELETE FROM dead_letters'

	# NDJSON; an occurrence more for each rejection.
	printf '{"id":"n"\n{"id":"n"\n' >n.ndjson
	status sh -c "etl-extract --max-rejects 100% --stream n n.ndjson |
	    $load" >/dev/null
	replayed --max-rejects 100% >/dev/null
	is "$kind: a letter with two occurrences has two raw marks" \
	    'begin raw raw resolve end' \
	    "$(jq -r '.["@etl"]' stream | paste -sd' ')"
	is "$kind: a raw mark counts as one record of the stage extract" \
	    'extract 2 0 0 2' "$(tail -n 1 out | jq -r '.stages[1] |
	    "\(.stage) \(.in) \(.out) \(.dropped) \(.rejected)"')"
	sql 'DELETE FROM dead_letters'
done

# A stream of another stage.
is 'a replay of another stage exits with 78' 78 "$(printf '%s\n' \
    '{"@etl":"begin","v":1,"id":"i","stages":["replay"],"replay":true,"stage":"transform"}' |
    status etl-extract -)"
is 'a marked stream that is no replay is rejected as before' 65 \
    "$(printf '%s\n' '{"@etl":"begin","v":1,"id":"i","stages":["extract"]}' |
    status etl-extract -)"
mark='{"@etl":"failed","stage":"replay","code":75,"message":"no server"}'
is 'a replay that could not begin: etl-extract has its exit code and mark' \
    "75 $mark" "$(echo "$mark" | status etl-extract -) $(cat \
    "$scratch/out")"
is 'a first line that comes in pieces is found' 78 "$({
	printf '{"@etl":"be'
	sleep 0.2
	printf 'gin","v":1,"id":"i","stages":["replay"],"replay":true,"stage":"load"}\n'
} | status etl-extract -)"
done_testing
