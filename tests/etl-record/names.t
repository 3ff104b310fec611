#!/bin/sh
# The names in the begin mark: the default name of a stream, and the stage names
# that --stage gives.
. tests/support/lib.sh
cd "$scratch"
api_start
mkdir dir
for file in posts.ndjson albums.ndjson dir/users.ndjson 'a b.ndjson'; do
	echo '{"id":1}' >"$file"
done
printf '{"id":1}\n' >"$(printf 'c\n.ndjson')"

# in_run COMMAND...: runs COMMAND as a stage of a run.
in_run() {
	ETL_RUN=11111111-2222-4333-8444-555555555555 ETL_PIPELINE=p "$@"
}
# stream COMMAND...: the name of the stream that COMMAND begins.
stream() {
	in_run "$@" 2>err | head -n 1 | jq -r '.stream // "none"'
}
# stages: the names of the stages in the begin mark of standard input.
stages() {
	head -n 1 | jq -c .stages
}

# The default name of a stream.
is 'the last part of the path of a URL names the stream' posts \
    "$(stream etl-extract "$api/posts")"
is 'the query of a URL is no part of the name' posts \
    "$(stream etl-extract "$api/posts?_limit=1")"
is 'a slash at the end of the path is no part of the name' comments \
    "$(stream etl-extract "$api/posts/1/comments/")"
is 'a URL without a path names the stream after its host' 127.0.0.1 \
    "$(stream etl-extract "$api")"
is 'neither password nor port of a URL is in the name' 127.0.0.1 \
    "$(stream etl-extract "http://user:pass@${api#http://}/?a=/b#/c")"
is 'the stream of a file has the name of the file without its folder' \
    users.ndjson "$(stream etl-extract dir/users.ndjson)"
is 'the first SOURCE names the stream' albums.ndjson \
    "$(stream etl-extract albums.ndjson posts.ndjson)"
is 'a blank in the name of a file is in the name of the stream' 'a b.ndjson' \
    "$(stream etl-extract 'a b.ndjson')"
is 'a control character in the name of a file is escaped' 'c\n.ndjson' \
    "$(stream etl-extract "$(printf 'c\n.ndjson')")"
is 'a pipe names the stream stdin' stdin \
    "$(echo '{"id":1}' | stream etl-extract -)"
is 'a file on standard input names the stream' posts.ndjson \
    "$(stream etl-extract - <posts.ndjson)"
echo '{"id":1}' >gone
is 'a file on standard input that was removed names the stream stdin' stdin \
    "$(exec <gone && rm gone && stream etl-extract -)"
is '--stream names the stream' mine \
    "$(stream etl-extract --stream mine posts.ndjson)"
is '--checkpoint names the stream' since \
    "$(stream etl-extract --checkpoint since --cursor-field /id \
    --state file:state --ordered posts.ndjson)"
is '--stream counts more than --checkpoint' mine \
    "$(stream etl-extract --stream mine --checkpoint since \
    --cursor-field /id --state file:state --ordered posts.ndjson)"
is 'etl-transform names a stream that it begins after its first INPUT' \
    posts.ndjson "$(stream etl-transform . posts.ndjson albums.ndjson)"
is 'etl-transform names a stream that it begins after its standard input' \
    albums.ndjson "$(stream etl-transform . <albums.ndjson)"
is 'etl-via --plain names a stream that it begins from a pipe stdin' \
    stdin "$(echo '{"id":1}' | stream etl-via --plain cat)"
is 'etl-extract --each names a stream that it begins with --stream' mine \
    "$(stream etl-extract --stream mine --count-as n \
    --each "$api/posts/{id}/comments" <posts.ndjson)"
is 'a stream that begins elsewhere keeps its name' mine \
    "$(in_run etl-extract --stream mine posts.ndjson |
    stream etl-transform .)"
for bad in '' "$(printf 'a\tb')" "$(printf '\377')" \
    "$(printf '%0201d' 0)"; do
	is "--stream '$(printf %.9s "$bad" | tr -c ' -~' '?')' is refused with 64" \
	    64 "$(status etl-extract --stream "$bad" posts.ndjson)"
done
like 'an empty --stream: the message says what a name may be' \
    '^etl-extract: --stream: must be 1 to 200 bytes of text without control' \
    "$(etl-extract --stream '' posts.ndjson 2>&1 || :)"

# --stage.
is 'etl-transform --stage names the stage in the begin mark' \
    '["extract","clean"]' "$(etl-extract --stream s posts.ndjson |
    etl-transform --stage clean . | stages)"
is 'etl-transform --stage names the stage in the counts of the end mark' \
    '["extract","clean"]' "$(etl-extract --stream s posts.ndjson |
    etl-transform --stage clean . | tail -n 1 | jq -c '[.stages[].stage]')"
is 'etl-via --stage names the stage' '["extract","sorted"]' \
    "$(etl-extract --stream s posts.ndjson | etl-via --stage sorted cat |
    stages)"
is 'etl-extract --each --stage names the stage' '["extract","details"]' \
    "$(etl-extract --stream s posts.ndjson | etl-extract --stage details \
    --count-as n --each "$api/posts/{id}/comments" | stages)"
is 'two stages with one name of --stage get different names' \
    '["extract","clean","clean.2"]' \
    "$(etl-extract --stream s posts.ndjson | etl-transform --stage clean . |
    etl-transform --stage clean . | stages)"
is '--stage of a stage that begins the stream itself' '["clean"]' \
    "$(in_run etl-transform --stage clean . posts.ndjson | stages)"
is 'a reject carries the name of --stage' clean \
    "$(etl-extract --stream s posts.ndjson |
    etl-transform --stage clean --max-rejects 9 'error("no")' |
    jq -r 'select(.["@etl"] == "reject").stage')"
is 'a reject of a plain stream carries the name of --stage' clean \
    "$(etl-transform --stage clean --max-rejects 9 'error("no")' \
    <posts.ndjson 3>&1 | jq -r .stage)"
is 'a failed mark carries the name of --stage' clean \
    "$(etl-extract --stream s posts.ndjson |
    etl-transform --stage clean --max-rejects 0 'error("no")' 2>/dev/null |
    tail -n 1 | jq -r .stage)"
# ids: the ids of the rejects of two branches that reject the same line.
ids() {
	for name in a b; do
		etl-extract --stream s posts.ndjson | etl-transform \
		    --stage "${1:-$name}" --max-rejects 9 'error("no")' 2>err |
		    jq -r 'select(.["@etl"] == "reject").id'
	done | sort -u | wc -l
}
is 'two branches with one stage name: a line that both reject is one letter' \
    1 "$(ids same)"
is 'two branches with --stage: a line that both reject is two letters' \
    2 "$(ids '')"
for program in etl-transform etl-via; do
	for bad in '' "$(printf 'a\nb')" "$(printf '\377')" a/b extract \
	    load replay checkpoint extract.2 "$(printf '%049d' 0)"; do
		is "$program --stage '$(printf %.10s "$bad" | 
		    tr -c ' -~' '?')' is refused with 64" \
		    64 "$(status $program --stage "$bad" cat)"
	done
done
is 'etl-transform may have the stage name of its program' 0 \
    "$(status etl-transform --stage transform . posts.ndjson)"
is 'etl-transform may not have the stage name of etl-via' 64 \
    "$(status etl-transform --stage via . posts.ndjson)"
like 'the name of another program: the message says which program it is' \
    '^etl-transform: --stage load: this is the stage name of etl-load: ' \
    "$(etl-transform --stage load . posts.ndjson 2>&1 || :)"
is 'etl-extract --stage without --each is refused with 64' 64 \
    "$(status etl-extract --stage a posts.ndjson)"
done_testing
