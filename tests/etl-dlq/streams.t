#!/bin/sh
# Letters of several pipelines, streams and tables stay apart: a replay sends
# and resolves the letters of one of them.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

printf '%s\n' '{"id":1,"title":"p1"}' '{"id":2}' '{"id":3,"title":"p3"}' \
    >posts.ndjson
printf '%s\n' '{"id":1,"title":"a1"}' '{"id":2}' >albums.ndjson
cat >both.sh <<'S'
for table in posts albums; do
	etl-extract --stream $table $table.ndjson |
	    etl-transform --max-rejects 100% \
	    'if .title == null then error("no title") else . end' |
	    etl-load --table $table --key id
done
S
untitled='.title = "untitled"'

# letters: stream, bytes and status of all letters.
letters() {
	etl-dlq list --json --status any "$@" |
	    jq -r '"\(.stream) \(.raw) \(.status)"' | sort
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sql 'CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT NOT NULL)'
	sql 'CREATE TABLE albums (id INTEGER PRIMARY KEY, title TEXT NOT NULL)'
	is "$kind: a script with two pipelines and rejects in both exits with 0" \
	    0 "$(status etl-run --name both both.sh)"
	is "$kind: the same record rejected in two streams is two letters" \
	    'albums {"id":2} open
posts {"id":2} open' "$(letters)"
	is "$kind: list --stream selects the letters of one stream" \
	    'posts {"id":2} open' "$(letters --stream posts)"
	like "$kind: list prints the stream of a letter" \
	    ' both +posts +transform ' "$(etl-dlq list --stream posts)"
	is "$kind: stats --stream counts the letters of one stream" 1 \
	    "$(etl-dlq stats --json --stream albums | jq .letters)"
	is "$kind: export --stream prints the letters of one stream" '"albums"' \
	    "$(etl-dlq export --stream albums | jq -c .stream)"
	like "$kind: show prints the stream" '^stream +posts$' \
	    "$(etl-dlq show 1)"
	like "$kind: a mistyped stream: list names the nearest one" \
	    'no letter has the stream post; did you mean posts\?' \
	    "$(etl-dlq list --stream post 2>&1)"
	is "$kind: show with --stream exits with 64" 64 \
	    "$(status etl-dlq show --stream posts 1)"

	is "$kind: a replay of two streams exits with 64" 64 \
	    "$(status etl-dlq replay --pipeline both)"
	like "$kind: the message lists the streams as options to paste" \
	    'select one of these: --pipeline both --stream albums --stage transform \(1\), --pipeline both --stream posts --stage transform \(1\)$' \
	    "$(cat err)"
	is "$kind: a replay of two streams by IDs exits with 64" 64 \
	    "$(status etl-dlq replay 1 2)"
	is "$kind: the mark begin names pipeline, stream and stage" \
	    '["both","posts","transform"]' \
	    "$(etl-dlq replay --stream posts | sed 1q |
	    jq -c '[.pipeline, .stream, .stage]')"
	is "$kind: a replay of one stream exits with 0" 0 \
	    "$(status etl-run --name mend -c 'etl-dlq replay --stream posts |
	    etl-transform "$1" | etl-load --table posts --key id' "$untitled")"
	is "$kind: the replay resolves only the letter of its stream" \
	    'albums {"id":2} open
posts {"id":2} resolved' "$(letters)"
	is "$kind: the replay loads its record and changes no other table" \
	    '1 p1 2 untitled 3 p3 1 a1' \
	    "$(sql 'SELECT id, title FROM posts ORDER BY id' |
	    tr '|\n' '  ')$(sql 'SELECT id, title FROM albums' | tr '|' ' ')"
	is "$kind: purge --stream deletes the letters of one stream" \
	    '1 purged albums {"id":2} open' \
	    "$(sleep 0.1; etl-dlq purge --older-than 1ms --stream posts) $(letters)"

	# A mark resolve in a replay of another stream closes no letter.
	id=$(etl-dlq list --json | jq -r .id)
	etl-dlq replay --stream posts |
	    sed 's/"id":"[^"]*","stream/"id":"f","stream/' >empty
	{
		sed 1q empty | sed 's/"replay":true/&,"pipeline":"both","stream":"posts","stage":"transform"/'
		echo '{"@etl":"resolve","id":"'"$id"'","seq":1,"seen":1,"upto":0,"stages":[{"stage":"replay","in":0,"out":0,"dropped":0,"rejected":0}]}'
		echo '{"@etl":"end","seq":1,"stages":[{"stage":"replay","in":0,"out":0,"dropped":0,"rejected":0}]}'
	} >forged
	is "$kind: a mark resolve for a letter of another stream exits with 75" \
	    75 "$(status etl-load --table posts --key id --marked <forged)"
	is "$kind: the letter of the other stream stays open" \
	    'albums {"id":2} open' "$(letters)"

	# Two loaders of one stream reject the same key.
	sql 'CREATE TABLE one (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)'
	sql 'CREATE TABLE two (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)'
	echo '{"id":7,"n":null}' >bad.ndjson
	for table in one two; do
		etl-extract --stream s bad.ndjson |
		    etl-load --table $table --key id --max-rejects 100% \
		    2>/dev/null
	done
	one=$(etl-dlq list --json --stream s | jq -r .target | grep one)
	is "$kind: a key that two loaders reject is one letter for each table" \
	    2 "$(etl-dlq list --json --stream s | wc -l | tr -d ' ')"
	is "$kind: a replay of letters of two tables exits with 64" 64 \
	    "$(status etl-dlq replay --stream s)"
	like "$kind: the message lists the tables as options to paste" \
	    "--stream s --stage load --target $one \(1\), " "$(cat err)"
	etl-dlq replay --target "$one" >of-one
	is "$kind: the mark begin of a replay for a loader names the table" \
	    "$one" "$(sed 1q of-one | jq -r .target)"
	is "$kind: a replay into another table exits with 78" 78 \
	    "$(status etl-load --table two --key id --marked <of-one)"
	like "$kind: the message names both tables" \
	    'rejected by the table .*one.*, but --table is .*two' "$(cat err)"
	sed 's/"n":null/"n":1/' of-one >mended
	is "$kind: a replay into its table exits with 0" 0 \
	    "$(status etl-load --table one --key id --marked <mended)"
	is "$kind: the replay resolves only the letter of its table" \
	    "$one resolved,open" "$one $(etl-dlq list --json --status any \
	    --stream s | jq -r '"\(.target) \(.status)"' | sort |
	    cut -d' ' -f2 | paste -sd,)"
done
done_testing
