#!/bin/sh
# A filter that is no etl program, such as jq, stands in a pipeline whose stream
# has marks: the program before it warns, and etl-load names it if a record
# cannot be loaded.
. tests/support/lib.sh
cd "$scratch"

db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
sql 'CREATE TABLE t (id int PRIMARY KEY, title text)'
seq 3 | sed 's/.*/{"id":&,"title":"t&"}/' >in.ndjson
extract='etl-extract --stream s in.ndjson'
load='etl-load --table t --mode ignore --rejects rejects'

# warns LABEL ERE PIPELINE: a line on standard error matches ERE.
warns() {
	sh -c "$3" >out 2>err || :
	like "$1" "$2" "$(cat err)"
}
# silent LABEL PIPELINE: no line on standard error is such a warning.
silent() {
	sh -c "$2" >out 2>err || :
	unlike "$1" 'reads this stream' "$(cat err)"
}
for filter in "jq -c '{id, title}'" 'sed -n p' 'grep id' 'sort'; do
	name=${filter%% *}
	warns "etl-extract | $name | etl-load: etl-extract warns and names $name" \
	    "^etl-extract: warning: $name reads this stream.*etl-via $name" \
	    "$extract | $filter | $load"
done
is 'the warning is printed once' 1 "$(grep -c 'warning: sort' err)"
warns 'a stream with checkpoints that takes long: the warning comes' \
    '^etl-extract: warning: jq reads' \
    "{ cat in.ndjson; sleep 0.3; cat in.ndjson; } |
    etl-extract --stream s - | jq -c . | $load"
warns 'etl-transform | jq | etl-load: etl-transform warns' \
    '^etl-transform: warning: jq reads this stream' \
    "$extract | etl-transform . | jq -c . | $load"
etl-extract in.ndjson | etl-run --name bad -c "etl-transform --plain 'error(\"x\")' |
    etl-load --table t" 2>err
warns 'etl-dlq replay | jq | etl-load: etl-dlq warns' \
    '^etl-dlq: warning: jq reads this stream' \
    "etl-dlq replay --pipeline bad | jq -c . | etl-load --table t"

silent 'etl-extract | etl-load: no warning' "$extract | $load"
silent 'etl-extract | etl-via jq | etl-load: no warning' \
    "$extract | etl-via jq -c . | $load"
silent 'a stream without marks: no warning' \
    "etl-extract in.ndjson | jq -c . | $load"
cat >copy.sh <<'S'
#!/bin/sh
while read -r line; do
	echo "$line"
done
S
chmod +x copy.sh
printf 'import sys\nfor l in sys.stdin: print(l, end="")\n' >copy.py
for program in cat 'tee copy' 'head -n 100' 'timeout 9 cat' 'sh copy.sh' \
    ./copy.sh 'python3 copy.py' 'gzip -c | gzip -dc'; do
	silent "etl-extract | $program | etl-load: no warning" \
	    "$extract | $program | $load"
done
silent 'a filter whose output is no pipe: no warning' \
    "$extract | jq -c . >copy"
silent 'a filter in a command substitution: no warning' \
    "x=\$($extract | grep -c id)"
silent 'no filter, but a file: no warning' "$extract >copy"
silent 'a shell that reads the output: no warning' "x=\$($extract)"

# advice LABEL: the message of etl-load says that a filter may have made the
# record.
advice() {
	like "$1" '^etl-load: .* may be a mark .*etl-via COMMAND' "$(cat err)"
}
filter="jq -c '{id, title}'"
rc=0
sh -c "$extract | $filter | etl-load --table t" 2>err || rc=$?
is 'a mark that jq turned into a record, nowhere to write rejects: 65' 65 $rc
advice 'nowhere to write rejects: the message says that it may be a mark'
rc=0
sh -c "$extract | $filter | etl-load --table t --max-rejects 0 \
    --rejects rejects" 2>err || rc=$?
is 'a mark that jq turned into a record, --max-rejects 0: exit code 1' 1 $rc
advice '--max-rejects exceeded: the message says that it may be a mark'
: >none.ndjson
echo 'CREATE TABLE IF NOT EXISTS n (id int PRIMARY KEY, title text NOT NULL)' \
    >n.sql
sh -c "etl-extract --stream s none.ndjson | $filter |
    etl-load --table n --ddl n.sql --rejects rejects" 2>err || :
advice 'all records rejected: the warning says that it may be a mark'
echo '{"id":"x","title":null}' | status etl-load --table t --max-rejects 0 \
    --rejects rejects >/dev/null
unlike 'a record with another value is not taken for a mark' 'may be a mark' \
    "$(cat err)"
done_testing
