#!/bin/sh
# etl-run warns if two processes of a run have the same stage name and the same
# stream: their rejects would be one dead letter, and a replay would mix them.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"
api_start
DATABASE_URL=sqlite:$scratch/x.db API_BASE_URL=$api
export DATABASE_URL API_BASE_URL
for file in posts albums; do
	seq 20 | jq -c '{id: ., n: "x"}' >$file.ndjson
done
cat >ddl.sql <<'S'
CREATE TABLE IF NOT EXISTS a (id INTEGER PRIMARY KEY, n TEXT);
CREATE TABLE IF NOT EXISTS b (id INTEGER PRIMARY KEY, n TEXT);
S
# warnings SCRIPT: the warnings of a run of SCRIPT.
warnings() {
	echo "load() { etl-load --ddl ddl.sql --key id --table \"\$@\"; }
$1" >script
	etl-run --name p - <script 2>err || echo "exit $?"
	sed -n 's/^etl-run: warning: //p' err
}
# tee TRANSFORM TRANSFORM: the stream of posts.ndjson in two branches.
branches() {
	warnings "rm -f fifo; mkfifo fifo
etl-transform $2 . <fifo | load b --no-checkpoint & etl-extract posts.ndjson |
tee fifo | etl-transform $1 . | load a; wait"
}
is 'two branches behind tee with one stage name: one warning' \
    'p: 2 processes are stage transform of stream posts.ndjson: a record that several of them reject is one dead letter: give each branch a stage name with --stage' \
    "$(branches '' '')"
is 'two branches with --stage: no warning' '' \
    "$(branches '--stage a' '--stage b')"
is 'a branch with --stage and one without: no warning' '' \
    "$(branches '--stage a' '')"
is 'a transform before tee counts once: no warning' '' \
    "$(warnings 'rm -f fifo; mkfifo fifo
load b --no-checkpoint <fifo & etl-extract posts.ndjson | etl-transform . |
tee fifo | load a; wait')"
is 'two streams with one name: one warning that names --stream' \
    'p: 2 processes are stage extract of stream posts.ndjson: a record that several of them reject is one dead letter: give each stream a name with etl-extract --stream' \
    "$(warnings 'etl-extract posts.ndjson | etl-transform . | load a
etl-extract posts.ndjson | etl-transform . | load b')"
is 'two streams with names of --stream: no warning' '' \
    "$(warnings 'etl-extract --stream x posts.ndjson | load a
etl-extract --stream y posts.ndjson | load b')"
is 'two pipelines with different sources: no warning' '' \
    "$(warnings 'etl-extract posts.ndjson | etl-transform . | load a
etl-extract albums.ndjson | etl-transform . | load b')"
is 'two loaders that read files with different names: no warning' '' \
    "$(warnings 'load a <posts.ndjson; load b <albums.ndjson')"
is 'two loaders that begin a stream of one name: a warning' \
    'p: 2 processes are stage load of stream posts.ndjson: a record that several of them reject is one dead letter: give each stream a name with etl-extract --stream' \
    "$(warnings 'load a <posts.ndjson; load b <posts.ndjson')"
is 'one loader that reads two saved streams of one name: no warning' '' \
    "$(warnings 'etl-extract albums.ndjson >saved; cat saved | load a')"
is 'three streams with one name: the warning counts them' 3 \
    "$(warnings 'for t in a b a; do etl-extract posts.ndjson | load $t; done' |
    sed -n 's/^p: \([0-9]*\) processes.*/\1/p')"
is 'a pipeline that is tried again after it failed: no warning' '' \
    "$(warnings 'pipe() { etl-extract late.ndjson |
etl-transform "if .bad then error(1) else . end" | load a; }
pipe 2>/dev/null || { cp posts.ndjson late.ndjson; pipe; }')"
is 'a pipeline that is tried again after its loader failed: no warning' '' \
    "$(warnings 'pipe() { etl-extract posts.ndjson | load c; }
pipe 2>/dev/null || { sqlite3 x.db "CREATE TABLE c (id INTEGER PRIMARY KEY,
n TEXT)"; pipe; }')"
is 'a run without a warning prints nothing' '' \
    "$(warnings 'etl-extract posts.ndjson | load a'; cat err)"
is 'a warning does not change the exit code' 0 \
    "$(warnings 'etl-extract posts.ndjson | load a
etl-extract posts.ndjson | load a' >/dev/null; echo $?)"

# A replay has the stage and the stream of its letters on purpose.
warnings 'etl-extract albums.ndjson |
etl-transform --max-rejects 90% "if .id < 9 then error(1) else . end" |
load a' >/dev/null
is 'a replay in the run of its pipeline: no warning' '' \
    "$(warnings 'etl-extract albums.ndjson | etl-transform . | load a
etl-dlq replay --stage transform | etl-transform . | load a')"
done_testing
