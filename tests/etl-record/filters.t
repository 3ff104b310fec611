#!/bin/sh
# A filter that is no etl program, such as jq, stands in a pipeline whose stream
# has marks: if a record cannot be loaded, etl-load says that it may be a mark.
. tests/support/lib.sh
cd "$scratch"

db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
sql 'CREATE TABLE t (id int PRIMARY KEY, title text)'
seq 3 | sed 's/.*/{"id":&,"title":"t&"}/' >in.ndjson
extract='etl-extract --stream s in.ndjson'

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
