#!/bin/sh
# What goes wrong on every machine: the exit code, and one line that says what,
# where and what to do; before the database is touched where that can be.
. tests/support/lib.sh

# fails NAME CODE ERE COMMAND...: its status, and its first line on stderr,
# where a leak checker may complain of threads that end beside it.
fails() {
	name=$1 code=$2 ere=$3
	shift 3
	is "$name: status" "$code" "$(status "$@")"
	like "$name: message" "$ere" "$(grep -v '^==[0-9]*==' "$scratch/err" | head -n 1)"
}

to_full() {
	"$@" >/dev/full
}
to_closed() {
	"$@" >&-
}
in_full() {
	"$@" <"$scratch/posts.ndjson" 3>/dev/full
}
from() {
	file=$1
	shift
	"$@" <"$file"
}

printf '{"id":1}\n{"id":"x"}\n' >"$scratch/posts.ndjson"
printf '{"id":1}\n' >"$scratch/good.ndjson"
printf 'not a variable\n' >"$scratch/bad.env"
: >"$scratch/secret"
db_new sqlite
sql 'CREATE TABLE t (id integer PRIMARY KEY)'
posts=$scratch/posts.ndjson good=$scratch/good.ndjson
program='^etl-[a-z]+: '
letters=sqlite:$scratch/letters.db
from "$posts" etl-transform --rejects "$scratch/rejects.ndjson" \
    'if .id == "x" then error("no") else empty end'
from "$scratch/rejects.ndjson" etl-dlq put --db "$letters"

for p in to_full to_closed; do
	fails "etl-extract $p" 74 "$program.*standard output" \
	    $p etl-extract "$posts"
	fails "etl-transform $p" 74 "$program.*standard output" \
	    $p from "$posts" etl-transform .
	fails "etl-dlq list $p" 74 "$program.*standard output" \
	    $p etl-dlq list --db "$letters"
done
fails 'rejects on a full disk' 74 'No space left' \
    in_full etl-transform 'if .id == "x" then error("no") else . end'

for program in etl-extract etl-transform etl-load etl-dlq etl-run \
    etl-checkpoint etl-status; do
	fails "$program: unknown option" 64 "^$program: unknown option --nope" \
	    "$program" --nope
done
for program in etl-extract etl-transform etl-load etl-dlq etl-run \
    etl-checkpoint; do
	fails "$program: nothing to do" 64 "^$program: " from /dev/null "$program"
done
fails 'a batch of no number' 64 'etl-load: --batch x: wants a number' \
    etl-load --table t --batch x
fails 'BATCH_SIZE of no number' 78 'BATCH_SIZE=x in the environment' \
    from "$good" env BATCH_SIZE=x etl-load --db "$db" --table t

# Before the database is touched.
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
	fails "$command" 64 '^etl-[a-z]+: ' from "$good" $command
	ok "$command: nothing is made" test ! -e "$scratch/nothing.db"
done

fails 'no such file' 66 'etl-extract: .*/none.ndjson: No such file' \
    etl-extract "$scratch/none.ndjson"
fails 'no such scheme' 64 'etl-extract: .*gopher' etl-extract gopher://x/
fails 'no host' 64 'etl-extract: http://: not a URL' etl-extract http://
fails 'nobody listens' 75 'etl-extract: .*127.0.0.1:1' \
    etl-extract --retries 0 http://127.0.0.1:1/x
fails 'no secret' 78 'etl-extract: .*API_TOKEN' \
    etl-extract --auth bearer http://127.0.0.1:1/x

fails 'a filter that does not compile' 78 'etl-transform: .*syntax error' \
    from "$good" etl-transform '.a |'
fails 'no filter file' 66 'etl-transform: .*none.jq: No such file' \
    from "$good" etl-transform -f "$scratch/none.jq"

fails 'no such table' 78 'etl-load: .*none.*--ddl' \
    from "$good" etl-load --db "$db" --table none
fails 'no such key column' 78 'etl-load: .*nope' \
    from "$good" etl-load --db "$db" --table t --key nope
fails 'no unique index on the key' 78 'etl-load: .*unique' sh -c "
    sqlite3 '${db#sqlite:}' 'CREATE TABLE u (a, b)'
    exec etl-load --db '$db' --table u --key a <'$good'"
fails 'no kind of database' 78 'etl-load: mysql: no such kind of database' \
    from "$good" etl-load --db mysql://x/y --table t
fails 'a folder for a database' 73 'etl-load: ' \
    from "$good" etl-load --db sqlite:/proc/none/x.db --table t
fails 'no DDL file' 66 'etl-load: .*none.sql: No such file' \
    from "$good" etl-load --db "$db" --ddl "$scratch/none.sql" --table t
fails 'a member that is no column, and nowhere to put it' 65 \
    'etl-load: .*nope.*3>>rejects' sh -c "
    printf '{\"id\":1,\"nope\":2}\n' |
    etl-load --db '$db' --table t"
is 'and nothing is loaded' 0 "$(sql 'SELECT count(*) FROM t')"
fails 'a server that is not there' 75 'etl-load: .*connect' from "$good" \
    etl-load --retries 0 --db postgresql://127.0.0.1:1/x --table t

fails 'no env file' 66 'etl-run: .*none.env: No such file' \
    etl-run --env-file "$scratch/none.env" -c true
fails 'an env file that is none' 78 'etl-run: .*bad.env.*line 1' \
    etl-run --env-file "$scratch/bad.env" -c true
fails 'no pipeline' 66 'etl-run: .*none.sh: No such file' \
    etl-run --db "$db" "$scratch/none.sh"
fails 'a letter that is not there' 1 'etl-dlq: ' \
    etl-dlq show --db "$db" 99
fails 'no such command' 64 'etl-dlq: .*frobnicate' etl-dlq frobnicate
fails 'a mistyped command of etl-dlq' 64 'did you mean replay\?$' \
    etl-dlq replya
fails 'a mistyped command of etl-checkpoint' 64 'did you mean list\?$' \
    etl-checkpoint lst
fails 'a mistyped way of paging' 64 'did you mean page\?$' \
    etl-extract --paginate pgae http://127.0.0.1:1/
fails 'a URL whose first variable is empty' 64 \
    '^etl-extract: /page/users: .*the variable before the path may be empty$' \
    etl-extract /page/users
done_testing
