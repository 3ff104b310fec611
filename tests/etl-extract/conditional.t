#!/bin/sh
# --conditional: the first request asks whether anything has changed; a 304 costs
# nothing, and its stream is empty and whole.
. tests/support/lib.sh
api_start --items 20
state=file:$scratch/state.json

# extract KIND [OPTION...]: the items, with validators of this kind.
extract() {
	kind=$1
	shift
	: >"$api_log_file"
	etl-extract --checkpoint s --cursor-field /seq --since-param since \
	    --ordered --conditional --query-param by=seq --max-rejects 9 \
	    --query-param "validators=$kind" --paginate page --into query:page \
	    --size limit=10 --total /total "$@" "$api/items"
}
# conditions: prints the headers of the requests that make them conditional.
conditions() {
	api_log | grep -o ' if-[a-z-]*' | xargs
}
saved() {
	extract "$1" --state "$state" 2>"$scratch/extract.err" |
	    etl-checkpoint save --state "$state" >"$scratch/stream"
}
records() {
	grep -c '"code":"item' "$scratch/stream" || :
}
for kind in etag date; do
	rm -f "${state#file:}"
	is "$kind: the first run is not conditional" '0 20 ' \
	    "$(status saved $kind) $(records) $(conditions)"
	is "$kind: the state file has the validators by URL, without since" \
	    "$api/items?by=seq&validators=$kind&limit=10&page=1" \
	    "$(jq -r '.s.validators | keys[]' "${state#file:}")"
	# The ETag is that of an answer: from the checkpoint on, it is another.
	[ $kind = date ] || is "$kind: the second run reads the last item" \
	    '0 1' "$(status saved $kind) $(records)"
	case $kind in
	etag) condition=if-none-match ;;
	date) condition=if-modified-since ;;
	esac
	is "$kind: the next run is conditional, and only its first request" \
	    "0 0 $condition 1" "$(status saved $kind) $(records
	    ) $(conditions) $(api_log | wc -l)"
	is "$kind: a 304 is reported" \
	    "etl-extract: $api/items?by=seq&validators=$kind&limit=10&page=1&since=9007199254741010: nothing has changed since the last run (status 304)" \
	    "$(cat "$scratch/extract.err")"
	is "$kind: the stream of a 304 is empty and whole" 'begin end' \
	    "$(jq -r '."@etl"' "$scratch/stream" | xargs)"
	curl -s "$api/control/items/25/1" >/dev/null
	[ $kind = date ] || is "$kind: what is new is read after a 304" '0 6' \
	    "$(status saved $kind) $(records)"
	curl -s "$api/control/items/20/1" >/dev/null
done
rm -f "${state#file:}"
is 'for --since the request is not conditional' '0  ' "$(saved etag && saved \
    etag; status extract etag --state "$state" --since 1) $(conditions) "
is 'etl-checkpoint set forgets the validators' null "$(etl-checkpoint set \
    --state "$state" s 9007199254740992
    jq .s.validators "${state#file:}")"
is 'after etl-checkpoint set everything is read' '0 19' \
    "$(status saved etag) $(records)"
is 'without --conditional the validators are forgotten' null "$(etl-extract \
    --checkpoint s --cursor-field /seq --since-param since --state "$state" \
    --since 1 --ordered --query-param by=seq --max-rejects 9 "$api/items" |
    etl-checkpoint set --state "$state" s 5 >/dev/null
    jq .s.validators "${state#file:}")"

# In a database.
for db_kind in sqlite postgresql; do
	db_new $db_kind
	sql 'CREATE TABLE t (id text, seq bigint, code text, value text, ts text)'
	load() {
		extract etag --db "$db" 2>/dev/null |
		    etl-load --table t --db "$db" --max-rejects 9
	}
	is "$db_kind: two runs store the validators" '0 0 1' "$(status load
	    ) $(status load) $(sql "SELECT count(*) FROM etl_checkpoints
	    WHERE validators LIKE '%\"etag\":%' AND name = 's'")"
	version=$(sql 'SELECT version FROM etl_checkpoints')
	is "$db_kind: the third run is a 304 and moves nothing" \
	    "0 if-none-match $version" "$(status load) $(conditions
	    ) $(sql 'SELECT version FROM etl_checkpoints')"
	etl-checkpoint clear --db "$db" s
	is "$db_kind: etl-checkpoint clear forgets the validators" '' \
	    "$(sql 'SELECT validators FROM etl_checkpoints')"
done

for options in '' '--query x'; do
	# shellcheck disable=SC2086
	is "--conditional $options exits with 64" 64 "$(status etl-extract \
	    --conditional $options "$api/posts")"
done
like '--conditional without --checkpoint: the message says so' \
    '--conditional needs --checkpoint' "$(etl-extract --conditional \
    "$api/posts" 2>&1 || :)"
done_testing
