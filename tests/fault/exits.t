#!/bin/sh
# Errors that happen on every machine: each has its exit status and a message of
# one line that says what failed, where and what to do.  Bad options are reported
# before the database is opened.
. tests/support/lib.sh

# fails NAME CODE ERE COMMAND...: COMMAND exits with CODE, and its first line on
# stderr matches ERE.  Lines of the leak checker, which start with "==PID==",
# are ignored.
fails() {
	name=$1 code=$2 ere=$3
	shift 3
	is "$name: the exit status is $code" "$code" "$(status "$@")"
	like "$name: the message says what is wrong" \
	    "$ere" "$(grep -v '^==[0-9]*==' "$scratch/err" | head -n 1)"
}

with_full_stdout() {
	"$@" >/dev/full
}
with_closed_stdout() {
	"$@" >&-
}
with_full_descriptor_3() {
	"$@" <"$scratch/posts.ndjson" 3>/dev/full
}
with_input() {
	file=$1
	shift
	"$@" <"$file"
}

printf '{"id":1}\n{"id":"x"}\n' >"$scratch/posts.ndjson"
printf '{"id":1}\n' >"$scratch/good.ndjson"
printf 'not a variable\n' >"$scratch/bad.env"
chmod 600 "$scratch/bad.env"
: >"$scratch/secret"
db_new sqlite
sql 'CREATE TABLE t (id integer PRIMARY KEY)'
posts=$scratch/posts.ndjson good=$scratch/good.ndjson
program='^etl-[a-z]+: '
letters=sqlite:$scratch/letters.db
with_input "$posts" etl-transform --rejects "$scratch/rejects.ndjson" \
    'if .id == "x" then error("no") else empty end'
with_input "$scratch/rejects.ndjson" etl-dlq put --db "$letters"

for p in with_full_stdout with_closed_stdout; do
	fails "etl-extract, $p" 74 "$program.*standard output" \
	    $p etl-extract "$posts"
	fails "etl-transform, $p" 74 "$program.*standard output" \
	    $p with_input "$posts" etl-transform .
	fails "etl-dlq list, $p" 74 "$program.*standard output" \
	    $p etl-dlq list --db "$letters"
done
fails 'etl-transform, rejects on a full disk' 74 'No space left' \
    with_full_descriptor_3 etl-transform 'if .id == "x" then error("no") else . end'

for program in etl-extract etl-transform etl-load etl-dlq etl-run \
    etl-checkpoint etl-status; do
	fails "$program with an unknown option" \
	    64 "^$program: unknown option --nope" \
	    "$program" --nope
done
for program in etl-extract etl-transform etl-load etl-dlq etl-run \
    etl-checkpoint; do
	fails "$program without arguments" \
	    64 "^$program: " with_input /dev/null "$program"
done
fails 'a --batch that is not a number' \
    64 'etl-load: --batch x: the value must be a number' \
    etl-load --table t --batch x
fails 'a BATCH_SIZE that is not a number' 78 'BATCH_SIZE=x in the environment' \
    with_input "$good" env BATCH_SIZE=x etl-load --db "$db" --table t

# A bad command line is reported before the database is opened.
nothing=sqlite:$scratch/nothing.db
for command in "etl-load --db $nothing --table t --batch 0" \
    "etl-load --db $nothing --table t --mode none" \
    "etl-load --db $nothing --table t more" \
    "etl-run --db $nothing --retries x -c :" \
    "etl-run --db $nothing --every 1s --jitter 2s -c :" \
    "etl-dlq list --db $nothing --status none" \
    "etl-dlq purge --db $nothing --older-than x" \
    "etl-checkpoint list --db $nothing more" \
    "etl-checkpoint set --db $nothing" \
    "etl-status --db $nothing --run 1 more"; do
	# shellcheck disable=SC2086
	fails "$command" 64 '^etl-[a-z]+: ' with_input "$good" $command
	ok "$command: no database file is created" \
	    test ! -e "$scratch/nothing.db"
done

fails 'an input file that does not exist' \
    66 'etl-extract: .*/none.ndjson: No such file' \
    etl-extract "$scratch/none.ndjson"
fails 'a URL with an unknown scheme' \
    64 'etl-extract: .*gopher' etl-extract gopher://x/
fails 'a URL without a host' \
    64 'etl-extract: http://: not a URL' etl-extract http://
fails 'a port on which no server listens' 75 'etl-extract: .*127.0.0.1:1' \
    etl-extract --retries 0 http://127.0.0.1:1/x
fails 'a secret that is not set' 78 'etl-extract: .*API_TOKEN' \
    etl-extract --auth bearer http://127.0.0.1:1/x

fails 'a filter that does not compile' 78 'etl-transform: .*syntax error' \
    with_input "$good" etl-transform '.a |'
fails 'a filter file that does not exist' \
    66 'etl-transform: .*none.jq: No such file' \
    with_input "$good" etl-transform -f "$scratch/none.jq"

fails 'a table that does not exist' 78 'etl-load: .*none.*--ddl' \
    with_input "$good" etl-load --db "$db" --table none
fails 'a key column that does not exist' 78 'etl-load: .*nope' \
    with_input "$good" etl-load --db "$db" --table t --key nope
fails 'a key without a unique index' 78 'etl-load: .*unique' sh -c "
    sqlite3 '${db#sqlite:}' 'CREATE TABLE u (a, b)'
    exec etl-load --db '$db' --table u --key a <'$good'"
fails 'a database URL of an unknown kind' \
    78 'etl-load: mysql: no such kind of database' \
    with_input "$good" etl-load --db mysql://x/y --table t
fails 'a database in a folder that does not exist' 73 'etl-load: ' \
    with_input "$good" etl-load --db sqlite:/proc/none/x.db --table t
fails 'a DDL file that does not exist' 66 'etl-load: .*none.sql: No such file' \
    with_input "$good" etl-load --db "$db" --ddl "$scratch/none.sql" --table t
fails 'a member without a column, and descriptor 3 closed' 65 \
    'etl-load: .*nope.*3>>rejects' sh -c "
    printf '{\"id\":1,\"nope\":2}\n' |
    etl-load --db '$db' --table t"
is 'a member without a column, and descriptor 3 closed: no row is loaded' \
    0 "$(sql 'SELECT count(*) FROM t')"
fails 'a database server that is not running' \
    75 'etl-load: .*connect' with_input "$good" \
    etl-load --retries 0 --db postgresql://127.0.0.1:1/x --table t

fails 'an env file that does not exist' 66 'etl-run: .*none.env: No such file' \
    etl-run --env-file "$scratch/none.env" -c true
fails 'an env file with a line that is not a variable' \
    78 'etl-run: .*bad.env.*line 1' \
    etl-run --env-file "$scratch/bad.env" -c true
fails 'a pipeline script that does not exist' \
    66 'etl-run: .*none.sh: No such file' \
    etl-run --db "$db" "$scratch/none.sh"
fails 'a dead letter that does not exist' 1 'etl-dlq: ' \
    etl-dlq show --db "$db" 99
fails 'an unknown command of etl-dlq' \
    64 'etl-dlq: .*frobnicate' etl-dlq frobnicate
fails 'a mistyped command of etl-dlq' 64 'did you mean replay\?$' \
    etl-dlq replya
fails 'a mistyped command of etl-checkpoint' 64 'did you mean list\?$' \
    etl-checkpoint lst
fails 'a mistyped value of --paginate' 64 'did you mean page\?$' \
    etl-extract --paginate pgae http://127.0.0.1:1/
fails 'a URL whose first variable is empty' 64 \
    '^etl-extract: /page/users: .*a variable such as .API_BASE_URL is empty$' \
    etl-extract /page/users
done_testing
