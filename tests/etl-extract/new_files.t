#!/bin/sh
# --new-files: each file is loaded once, whatever fails and whenever.
# shellcheck disable=SC2154,SC2086     # db; $extract is several words
. tests/support/lib.sh
cd "$scratch"

# csv NAME ID...: a file with these ids.
csv() {
	name=$1
	shift
	{
		echo id
		printf '%s\n' "$@"
	} >"$name"
}
# extract ARG...: a run of --new-files; the command line of $load loads it.
load='etl-load --table t --max-rejects 100%'
extract='etl-extract --max-rejects 100% --checkpoint in --new-files'
loaded() {
	status sh -c "$extract $* | $load"
}
ids() {
	sql 'SELECT id FROM t ORDER BY id' | paste -sd' '
}
files() {
	sql 'SELECT path, status FROM etl_files ORDER BY path' | tr -d ' ' |
	    paste -sd' '
}
marks() {
	jq -c 'select(.["@etl"] == "checkpoint") |
	    [.value, (.files | map(.path))]' out | paste -sd' '
}
fresh() {
	rm -rf d
	mkdir d
	csv d/a.csv 1 2
	csv d/b.csv 3
	csv d/c.csv 4
	sql 'DROP TABLE IF EXISTS t'
	sql 'CREATE TABLE t (id bigint)'
	sql 'DELETE FROM etl_files' 2>/dev/null || :
	sql 'DELETE FROM etl_checkpoints' 2>/dev/null || :
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	fresh >/dev/null 2>&1
	is "$kind: the first run reads all files" '0 1 2 3 4' \
	    "$(loaded d) $(ids)"
	is "$kind: the finished files are stored" \
	    'd/a.csv|done d/b.csv|done d/c.csv|done' "$(files)"
	is "$kind: the size and the time of the last change are stored" \
	    "7 $(date -u -r d/a.csv +%Y-%m-%dT%H:%M:%S.%NZ)" \
	    "$(sql "SELECT size || ' ' || mtime FROM etl_files
	    WHERE path = 'd/a.csv'")"
	is "$kind: the value of the checkpoint is the number of files" \
	    '3 files' "$(etl-checkpoint get in)"
	is "$kind: the next run reads none of them" '0 1 2 3 4' \
	    "$(loaded d) $(ids)"
	is "$kind: a run without a new file is an empty stream that is whole" \
	    'begin end' "$(status $extract d >/dev/null
	    jq -r '.["@etl"]' out | paste -sd' ')"
	is "$kind: an empty directory is an empty stream that is whole" \
	    '0 begin end ' "$(rm -rf none; mkdir none
	    status $extract none) $(jq -r '.["@etl"]' out | paste -sd' ') $(cat err)"
	is "$kind: an empty directory is loaded: 0 records, under etl-run" \
	    '0 0|success' "$(status etl-run -c "$extract --types id:int none/ |
	    $load") $(sql 'SELECT records_loaded, status FROM pipeline_runs
	    ORDER BY id DESC LIMIT 1')"
	is "$kind: a directory that does not exist exits with 66" 66 \
	    "$(status $extract nowhere)"
	is "$kind: an empty directory and one that does not exist: 66" 66 \
	    "$(status $extract none nowhere)"
	: >none/x.txt
	is "$kind: a directory with files of other names exits with 66" 66 \
	    "$(status $extract none)"
	rm none/x.txt
	mkdir none/sub
	is "$kind: a directory with a directory only exits with 66" 66 \
	    "$(status $extract none)"
	is "$kind: the same with --recursive" 0 "$(status $extract --recursive none)"
	csv none/sub/a.csv 9
	is "$kind: later it has a file" '0 9' "$(status $extract --recursive none
	    ) $(jq -r 'select(."@etl" == null).id' out)"
	csv d/d.csv 5
	csv e.csv 6
	is "$kind: a new file is read, and one that was added to the command" \
	    '0 1 2 3 4 5 6' "$(loaded d e.csv e.csv) $(ids)"
	csv d/b.csv 7 8
	is "$kind: a changed file is read again as a whole" \
	    '0 1 2 3 4 5 6 7 8' "$(loaded d) $(ids)"
	is "$kind: a file that was read again is still one file" '5 files' \
	    "$(etl-checkpoint get in)"
	touch -d '2020-01-01' d/c.csv
	is "$kind: --changed fail: a changed file exits with 65" 65 \
	    "$(loaded --changed fail d)"
	like "$kind: --changed fail: the message says how it was" \
	    'd/c.csv: has changed since it was read: it had 5 bytes' \
	    "$(cat err)"
	is "$kind: --changed fail: the file stays as it is stored" '1 done' \
	    "$(sql "SELECT count(*) || ' ' || status FROM etl_files
	    WHERE path = 'd/c.csv' AND mtime NOT LIKE '2020%'
	    GROUP BY status")"
	is "$kind: another checkpoint has files of its own" '0 {"id":"4"}' \
	    "$(status etl-extract --checkpoint other --new-files d/c.csv) \
$(grep -v @etl out)"
	is "$kind: etl-checkpoint clear forgets the files" '0 ' \
	    "$(status etl-checkpoint clear in) $(sql "SELECT path FROM etl_files
	    WHERE name = 'in'")"

	# A file that is cut in the middle: it comes between two good ones.
	fresh
	seq -f '%g,x' 100000 199999 | sed '1i id,x' | gzip -c >d/b2.csv.gz
	truncate -s 100000 d/b2.csv.gz
	sql 'ALTER TABLE t ADD COLUMN x text'
	is "$kind: a file that is cut exits with 74" 74 "$(loaded d)"
	is "$kind: nothing of a file that is cut is loaded" 0 \
	    "$(sql "SELECT count(*) FROM t WHERE x = 'x'" | tr -d ' ')"
	is "$kind: a file that is cut is stored as failed" \
	    'd/b2.csv.gz|failed' "$(files | grep -o '[^ ]*failed')"
	is "$kind: the next run reads the file that is cut last" 74 \
	    "$(loaded d)"
	is "$kind: the next run loads all other files, each once" '1 2 3 4' \
	    "$(ids)"
	is "$kind: and stores them" \
	    'd/a.csv|done d/b.csv|done d/b2.csv.gz|failed d/c.csv|done' \
	    "$(files)"
	csv d/d.csv 5
	is "$kind: a further run loads new files" '74 1 2 3 4 5' \
	    "$(loaded d) $(ids)"
	seq -f '%g,x' 100000 100009 | sed '1i id,x' | gzip -c >d/b2.csv.gz
	is "$kind: a file that was mended is loaded" '0 10' "$(loaded d) \
$(sql "SELECT count(*) FROM t WHERE x = 'x'" | tr -d ' ')"
	is "$kind: a file that was mended is stored as done" '' \
	    "$(files | grep -o '[^ ]*failed' || :)"

	# Files that cannot be opened hold nothing back.
	fresh
	is "$kind: a file that is not there exits with 66" 66 \
	    "$(loaded d no.csv)"
	is "$kind: a file that is not there: the others are loaded and stored" \
	    '1 2 3 4 d/a.csv|done d/b.csv|done d/c.csv|done' "$(ids) $(files)"
	sql 'UPDATE etl_checkpoints SET version = version'
	csv d/n.csv 5
	$extract d >stream
	csv d/m.csv 6
	is "$kind: of two runs at once the first is loaded" 0 "$(loaded d)"
	is "$kind: of two runs at once the second exits with 75" 75 \
	    "$(status sh -c "$load --marked <stream")"
	is "$kind: of two runs at once each file is loaded once" '1 2 3 4 5 6' \
	    "$(ids)"
	is "$kind: --jobs reads the same" '0 1 2 3 4 5 6' \
	    "$(sql 'DELETE FROM t'
	    etl-checkpoint clear in
	    loaded --jobs 3 d) $(ids)"
	etl-checkpoint set in 2026-01-01
	is "$kind: a checkpoint of something else exits with 78" 78 \
	    "$(loaded d)"
done
unset DATABASE_URL

# The marks, and a state file.
rm -rf d
mkdir d
for i in 1 2 3 4 5; do
	seq -f '{"id":%g}' 6000 >d/$i.ndjson
done
is 'a mark stands after the first file past 10,000 records' \
    '["2 files",["d/1.ndjson","d/2.ndjson"]] ["4 files",["d/3.ndjson","d/4.ndjson"]] ["5 files",["d/5.ndjson"]]' \
    "$(status $extract --state file:s d >/dev/null; marks)"
save='etl-checkpoint save --state file:s'
is 'a state file: a run' 0 \
    "$(status sh -c "$extract --state file:s d | $save")"
is 'a state file has the files' \
    "5 files 5 {\"size\":$(stat -c %s d/1.ndjson)}" \
    "$(jq -r '.in | "\(.value) \(.files | length) \(
    .files["d/1.ndjson"] | del(.mtime) | tojson)"' s)"
is 'a state file: the next run reads nothing' 0 \
    "$($extract --state file:s d | grep -vc @etl)"
gzip -c d/1.ndjson | head -c 9000 >d/x.ndjson.gz
echo '{"id":1}' >d/y.ndjson
is 'a state file: a broken file exits with 74' 74 \
    "$(status sh -c "$extract --state file:s d | $save")"
is 'a state file: a broken file is stored as failed' 'failed 5' \
    "$(jq -r '.in | "\(.files["d/x.ndjson.gz"].status) \(.files |
    map(select(.status == null)) | length)"' s)"
is 'a state file: the others are read before it in the next run' 6 \
    "$(status sh -c "$extract --state file:s d | $save" >/dev/null
    jq -r '.in.files | map(select(.status == null)) | length' s)"
is 'a state file: clear forgets the files' 'null null' \
    "$(etl-checkpoint clear --state file:s in
    jq -r '.in | "\(.value) \(.files)"' s)"
rm s

# etl-via lets only the last mark through: it has the files of all.
rm d/x.ndjson.gz d/y.ndjson
is 'etl-via: the mark that passes names all files' 5 \
    "$($extract --state file:s d | etl-via cat |
    jq -c 'select(.["@etl"] == "checkpoint") | .files | length')"

# A file that grows while it is read.
csv g.csv 1
(
	exec 5>g2.csv
	echo id >&5
	seq 200000 >&5
	etl-extract --checkpoint g --new-files --state file:s g2.csv |
	    { read -r _; read -r _; seq 100 >&5; cat; } >out
)
is 'a file that grows is read to the size that it had at the start' 199999 \
    "$(grep -vc @etl out)"
python3 - <<'P'
import os
with open('shrink.csv', 'w') as f:
    f.write('id\n' + '1\n' * 1000000)
P
is 'a file that becomes shorter while it is read exits with 74' 74 "$({
	etl-extract --checkpoint g --new-files --state file:s shrink.csv \
	    2>err || echo $? >rc
} | {
	read -r _
	read -r _
	truncate -s 500000 shrink.csv
	cat >/dev/null
}
cat rc)"
like 'a file that becomes shorter: the message says so' \
    'shrink.csv: the file has become shorter while it was read' "$(cat err)"

# --changed tail.
tail() {
	status sh -c "etl-extract --max-rejects 100% --checkpoint t --new-files \
	    --changed tail --state file:tail.json $* 3>>r | $save" >rc
	echo "$(cat rc) $(grep -v @etl out | jq -c '.id // .' | paste -sd' ')"
}
save='etl-checkpoint save --state file:tail.json'
mkdir log
printf 'id,x\n1,"a\nb"\n2,\n' >log/a.csv
printf '{"id":1}\n' >log/b.ndjson
is 'tail: the first run reads all' '0 "1" "2" 1' "$(tail log)"
is 'tail: the next run reads nothing' '0 ' "$(tail log)"
printf '3,"c\nd"\n4\n5,half' >>log/a.csv
printf '{"id":2}\n{"id":' >>log/b.ndjson
is 'tail: only what was added is read, up to the last whole line' \
    '0 "3" 2' "$(tail log)"
is 'tail: the line of a reject is that in the file' '7 log/a.csv' \
    "$(grep -h '"reject"' out r | jq -r '.origin | "\(.line) \(.uri)"')"
is 'tail: a line that is not complete is not read' '0 ' "$(tail log)"
printf ' now\n' >>log/a.csv
printf '3}\n' >>log/b.ndjson
is 'tail: a line that has become complete is read' '0 "5" 3' "$(tail log)"
sed -i '1,2s/a/A/' log/a.csv
is 'tail: a file whose earlier content has changed is read as a whole' \
    '0 "1" "2" "3" "5"' "$(tail log)"
like 'tail: a warning says so' 'log/a.csv: its earlier content has changed' \
    "$(cat err)"
printf 'id,x\n9,\n' >log/a.csv
is 'tail: a file that was cut off is read as a whole' '0 "9"' "$(tail log)"
touch log/a.csv
is 'tail: a file with another time only is not read' '0 ' "$(tail log)"
is 'tail with --columns and --skip' '0 "1" | 0 "2"' "$(
    printf 'x\n1\n' >c.csv; tail --columns id --skip 1 c.csv)$(
    printf '2\n' >>c.csv; echo " | $(tail --columns id --skip 1 c.csv)")"
{
	echo id
	seq 300000
} >long.csv
is 'tail with --jobs: the first run' 300000 \
    "$(tail --jobs 2 long.csv >/dev/null; grep -vc @etl out)"
seq 300001 900000 >>long.csv
is 'tail with --jobs: what was added' '600000 {"id":"300001"}' \
    "$(tail --jobs 2 long.csv >/dev/null; grep -vc @etl out) \
$(grep -v @etl out | head -n 1)"

# Usage.
is '--new-files without --checkpoint exits with 64' 64 \
    "$(status etl-extract --new-files g.csv)"
is '--checkpoint with a file exits with 64' 64 \
    "$(status etl-extract --checkpoint c g.csv)"
like '--checkpoint with a file: the message says --new-files' \
    'for files, also give --new-files' "$(cat err)"
is '--new-files with standard input exits with 64' 64 \
    "$(status $extract -)"
is '--new-files with a URL exits with 64' 64 \
    "$(status $extract http://127.0.0.1/)"
is '--new-files with --cursor-field exits with 64' 64 \
    "$(status $extract --cursor-field /a g.csv)"
is '--new-files with --conditional exits with 64' 64 \
    "$(status $extract --conditional g.csv)"
like '--new-files with --conditional: the message names both options' \
    '^etl-extract: --conditional cannot be used with --new-files' "$(cat err)"
is '--changed without --new-files exits with 64' 64 \
    "$(status etl-extract --changed fail g.csv)"
is '--changed with another word exits with 64' 64 \
    "$(status $extract --changed never g.csv)"
is '--new-files with a FIFO exits with 66' 66 \
    "$(mkfifo p.csv; status $extract --state file:s p.csv)"
done_testing
