#!/bin/sh
# shellcheck disable=SC2016
# A run is a success only if all its streams are whole, whatever the script's
# exit code says.
. tests/support/lib.sh
cd "$scratch"
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
sql 'CREATE TABLE log (id int); CREATE TABLE other (id int);
    CREATE TABLE t (id int PRIMARY KEY)'
seq 5 | sed 's/.*/{"id":&}/' >in.ndjson
seq 50000 | sed 's/.*/{"id":&,"x":"0123456789012345678901234567890123456789"}/' \
    >large.ndjson

row() {
	sql "SELECT status, error_message FROM pipeline_runs
	    WHERE pipeline = '$1' ORDER BY id DESC LIMIT 1"
}
count() {
	sql "SELECT count(*) FROM $1; DELETE FROM $1"
}

# The first of two pipelines fails, and the script does not see it.
two='etl-extract missing.ndjson | etl-load --table other
etl-extract in.ndjson | etl-load --table log'
is 'a script whose first pipeline fails: the run has its exit code' 66 \
    "$(status etl-run --name two -c "$two")"
like 'a script whose first pipeline fails: the message says why' \
    '^etl-run: two: failed in .*: the script exited with 0, but .*missing.ndjson' \
    "$(cat err)"
like 'a script whose first pipeline fails: the row is failed and says why' \
    '^failed\|.*missing\.ndjson.*loaded completely: log' "$(row two)"
is 'a script whose first pipeline fails: the second one was loaded' 5 \
    "$(count log)"
is '--tolerate: the run succeeds although a stream failed' 0 \
    "$(status etl-run --tolerate --name two -c "$two")"
like '--tolerate: the row names the stream that failed' \
    '^success\|streams that failed \(--tolerate\): .*missing\.ndjson' \
    "$(row two)"
like '--tolerate: the message names the stream that failed' \
    '^etl-run: warning: two: streams that failed .*missing\.ndjson' \
    "$(cat err)"
is '--tolerate: the exit code of the script counts' 66 \
    "$(status etl-run --tolerate --name two -c \
    'etl-extract missing.ndjson | etl-load --table other')"
sql 'DELETE FROM log'

# Loaders that do not start or do not end.
is 'a stream whose loader does not exist fails the run' 74 \
    "$(status etl-run --name l -c \
    'etl-extract large.ndjson | etl-laod --table log; :')"
is 'a stream whose loader has wrong options fails the run' 64 \
    "$(status etl-run --name l -c \
    'etl-extract in.ndjson | etl-load --tabel log; :')"
is 'a stream whose loader finds no table fails the run' 78 \
    "$(status etl-run --name l -c \
    'etl-extract in.ndjson | etl-load --table none; :')"
is 'a stream whose filter does not compile fails the run' 78 \
    "$(status etl-run --name l -c \
    'etl-extract in.ndjson | etl-transform "(" | etl-load --table log; :')"
is 'a stream whose loader was killed fails the run' 75 \
    "$(status etl-run --name l -c \
    '{ etl-extract in.ndjson | head -n 4; sleep 0.5; kill -9 $(cat pid); } |
    sh -c "echo \$\$ >pid; exec etl-load --table log"; :')"
like 'a stream whose loader was killed did not end' \
    '^failed\|.*\(did not end\)' "$(row l)"

# Streams that no loader reads.
is 'a stream in a file is whole' '0 success|' \
    "$(status etl-run --name f -c 'etl-extract in.ndjson >saved') $(row f)"
is 'a saved stream of another run is loaded' '0 5' \
    "$(status etl-run --name f -c 'etl-load --table log <saved') $(count log)"
is 'one of two loads of a saved stream fails: so does the run' 78 \
    "$(status etl-run --name f -c 'etl-extract in.ndjson >saved
    etl-load --table none <saved; etl-load --table log <saved')"
sql 'DELETE FROM log'
is 'a stream whose loads all succeed is whole' '0 5 5' \
    "$(status etl-run --name f -c 'etl-extract in.ndjson >saved
    etl-load --table other <saved; etl-load --table log <saved') \
$(count other) $(count log)"
is 'a stream that another program reads to its end is whole' 0 \
    "$(status etl-run --name f -c 'etl-extract in.ndjson | cat >saved')"
is 'a stream that another program does not read to its end fails' 74 \
    "$(status etl-run --name f -c 'etl-extract large.ndjson | head -n 5 >five')"
like 'a stream that is not read to its end: the row says so' \
    'the reader of the output exited before it had read everything' "$(row f)"
is 'a filter that another program does not read to its end fails' 74 \
    "$(status etl-run --name f -c \
    'etl-extract large.ndjson | etl-transform . | head -n 5 >five')"

# The same commands again.
cat >flaky.sh <<'S'
for try in 1 2 3; do
	etl-extract source.ndjson | etl-load --table t --key id && break
	cp in.ndjson source.ndjson
done
S
rm -f source.ndjson
is 'a pipeline that the script repeats with success is no failure' \
    '0 success| 5' "$(status etl-run --name r flaky.sh) $(row r) $(count t)"
is 'another pipeline into the same table does not hide a failure' 66 \
    "$(status etl-run --name r -c 'for f in missing in; do
    etl-extract $f.ndjson | etl-load --table t --key id; done')"
is 'the same commands in another folder do not hide a failure' 66 \
    "$(mkdir -p a b && cp in.ndjson b; status etl-run --name r -c \
    'for d in a b; do
    (cd $d; etl-extract in.ndjson | etl-load --table t --key id); done')"
is 'the same commands on another pipe do not hide a failure' 74 \
    "$(cp in.ndjson c; status etl-run --name r -c \
    'cat c | etl-extract - | etl-transform . >/dev/full
    cat in.ndjson | etl-extract - | etl-transform . >/dev/full; :')"
is 'a pipeline whose loader fails at once and is repeated is no failure' \
    '0 success| 5' "$(status etl-run --name r -c '
    until etl-extract in.ndjson | etl-load --table late --key id; do
    sqlite3 "${DATABASE_URL#sqlite:}" "CREATE TABLE late (
        id int PRIMARY KEY)"; done') $(row r) $(count late)"
is 'a loader that fails at once is not hidden by a load of another file' 78 \
    "$(sql 'DROP TABLE late'; cp in.ndjson other.ndjson; status etl-run \
    --name r -c 'for f in other in; do
    etl-extract $f.ndjson | etl-load --table late --key id
    sqlite3 "${DATABASE_URL#sqlite:}" "CREATE TABLE IF NOT EXISTS late (
        id int PRIMARY KEY)"; done')"
pages='for page in bad "{\"id\":1}" "{\"id\":2}"; do
    echo "$page" >page.ndjson; '
is 'other records in a file of the same name do not hide a failure' 1 \
    "$(status etl-run --name r -c "$pages"'etl-extract --max-rejects 0 \
    page.ndjson | etl-load --table t --key id; done')"
is 'other records in a file on standard input do not hide a failure' 1 \
    "$(status etl-run --name r -c "$pages"'etl-transform --max-rejects 0 . \
    <page.ndjson | etl-load --table t --key id; done')"
is 'the rest of standard input does not hide a failure' 78 \
    "$(sql 'DROP TABLE late'; status etl-run --name r -c 'for i in 1 2; do
    etl-transform . | etl-load --table late --key id
    sqlite3 "${DATABASE_URL#sqlite:}" "CREATE TABLE IF NOT EXISTS late (
        id int PRIMARY KEY)"; done <in.ndjson')"
is 'the same commands in another environment do not hide a failure' 73 \
    "$(status etl-run --name r -c '
    DATABASE_URL=sqlite:none/a.db etl-load --table t --key id <in.ndjson
    etl-load --table t --key id <in.ndjson')"
is 'a variable of the shell itself does not make it another command' \
    '0 success| 5' "$(rm source.ndjson; sql 'DELETE FROM t'
    status etl-run --name r -c 'export OLDPWD=/ SHLVL=1
    etl-extract source.ndjson | etl-load --table t --key id
    cp in.ndjson source.ndjson; export OLDPWD=/tmp SHLVL=2
    etl-extract source.ndjson | etl-load --table t --key id
    ') $(row r) $(count t)"

# The file with the reports.
for how in 'rm -f' 'truncate -s 0' 'sh -c "echo {} >\$1" sh'; do
	is "the reports are lost ($how): the run fails" 74 \
	    "$(status etl-run --name lost -c "etl-extract missing.ndjson |
	    etl-load --table log; $how \"\$ETL_REPORTS\"; :")"
	like "the reports are lost ($how): the row says why" \
	    '^failed\|.*reports of the stages was removed or replaced' \
	    "$(row lost)"
done

done_testing
