#!/bin/sh
# The command line: options that cannot work are refused before any request.
. tests/support/lib.sh
api_start

bad() {
	want=$1 say=$2
	shift 2
	is "$* exits with $want" \
	    "$want" "$(status etl-extract "$@" "$api/posts")"
	like "$*: the message says why" "$say" "$(cat "$scratch/err")"
	is "$*: standard output stays empty" '' "$(cat "$scratch/out")"
}
bad 64 'unknown option --nosuch' --nosuch
bad 64 '--paginate pages: it must be none, page, offset, cursor, link or since; did you mean page\?$' \
    --paginate pages
bad 64 '--paginate sinse: .* did you mean since\?$' --paginate sinse
bad 64 '--auth baerer: it must be bearer, basic, header:NAME, query:NAME or oauth2; did you mean bearer\?$' \
    --auth baerer
is 'a mistyped format is a usage error' 64 \
    "$(status etl-extract --format ndjsn "$scratch/file")"
like 'its message lists the formats and names the nearest one' \
    '--format ndjsn: it must be ndjson, jsonl, csv, tsv, json or singer; did you mean ndjson\?$' \
    "$(cat "$scratch/err")"
bad 64 'needs --into' --paginate page
bad 64 '--into needs --paginate page, offset or cursor; it has no use with --paginate none$' \
    --into query:p
bad 64 '--size needs --paginate page, offset, cursor, link or since;' --size a=1
bad 64 '--total needs --paginate page, offset, cursor or link;' --total header:x
bad 64 '--first needs --paginate page or offset;' --first 2
bad 64 '--next needs --paginate cursor; it has no use with --paginate link' \
    --paginate link --next /next
bad 64 '--more needs --paginate page, offset, cursor or link;' --more /more
bad 64 '--paginate offset needs --into' --paginate offset
bad 64 '--paginate cursor needs --next and --into' --paginate cursor --next /a
bad 64 '--paginate cursor needs --next and --into' --paginate cursor \
    --into query:a
bad 64 '--next a: it must be header:NAME, last:/POINTER, link or /POINTER' \
    --paginate cursor --into url --next a
bad 64 '--into urls: it must be query:NAME, header:NAME, body:/POINTER or url' \
    --paginate cursor --into urls --next /a
bad 64 '--more x: it must be' --paginate link --more x
for method in '' post 'GET /' HEAD CONNECT; do
	bad 64 "--method $method: " --method "$method"
done
bad 66 'nosuch' --body @nosuch
for to in query: header: body:x path:x page ''; do
	bad 64 "--into $to: it must be query:NAME" --paginate page --into "$to"
done
bad 64 '--into url: it must be query:NAME, header:NAME or body:/POINTER' \
    --paginate page --into url
for from in header: x query:n 'last:' '/~2'; do
	bad 64 "--total $from: it must be header:NAME or /POINTER" --paginate page --into query:p \
	    --total "$from"
done
for from in link last:/id; do
	bad 64 "--total $from: it must be header:NAME or /POINTER" --paginate page --into query:p \
	    --total $from
done
for size in a a= =1 a=0 a=x a=-1; do
	bad 64 "--size $size: it must have the form NAME=N" --paginate page --into query:p \
	    --size $size
done
bad 64 '--records a: not a JSON Pointer' --records a
bad 64 '--query-param x: it must have the form K=V' --query-param x
bad 64 '--query-param =x: it must have the form K=V' --query-param =x
bad 64 '--first x' --first x
bad 64 '--max-pages -1' --max-pages -1
bad 64 '--delay 5' --delay 5
bad 64 'more than 0' --timeout 0s
bad 64 'more than 0' --connect-timeout 0s
bad 64 '--backoff 5' --backoff 5
bad 64 '--backoff 5s..1s' --backoff 5s..1s
bad 64 '--max-body x' --max-body x
bad 64 '--max-record x' --max-record x
bad 64 'from 1 byte to 1GiB' --max-record 0
bad 64 'more than 0' --max-body 0
bad 64 '--into header:X Y: it must be query' --paginate page --into 'header:X Y'
bad 64 '--into header:X::' --paginate page --into header:X:
bad 64 '--total header:X Y: ' --paginate page --into query:p \
    --total 'header:X Y'
is 'no request is sent for a command line that cannot work' '' "$(api_log)"

# Options of another kind of source.
echo '{"id":1}' >"$scratch/a.ndjson"
echo '[]' >"$scratch/a.json"
echo '{"type":"RECORD","stream":"s","record":{"id":1}}' >"$scratch/a.singer"
sqlite3 "$scratch/a.db" 'CREATE TABLE t (id); INSERT INTO t VALUES (1)'
# foreign SAY OPTION ... -- ARGUMENT ... : each OPTION, which may have a value, is
# refused with the message "OPTION SAY".
foreign() {
	say=$1
	shift
	options=
	while [ "$1" != -- ]; do
		options="$options$1
"
		shift
	done
	shift
	while read -r o; do
		# shellcheck disable=SC2086
		is "$o $*: the option of another source is refused with 64" \
		    64 "$(status etl-extract $o "$@" </dev/null)"
		is "$o $*: the message names the option and what it is for" \
		    "etl-extract: ${o%% *} $say" "$(head -n 1 "$scratch/err")"
	done <<END
${options%?}
END
}
requests='for requests of HTTP: give a URL (http://...) or --each TEMPLATE'
page='for a SOURCE that is a URL of HTTP (http://...)'
file='for files: no SOURCE is one'
csv='for CSV and TSV files, but no SOURCE is one: if one is, give --format csv'
singer='for Singer messages: give --singer TAP, or --format singer for a file'
database='for a SOURCE that is a database: postgresql://HOST/NAME or sqlite:PATH'
foreign 'cannot be used with --singer: remove it' '--header A:b' '--query-param a=b' \
    '--paginate page' '--first 1' '--size a=1' '--record-to d' '--on 404=ignore' \
    '--timeout 3s' '--auth bearer' '--max-body 1MiB' '--retries 3' '--backoff 1s..2s' \
    '--encoding latin1' '--source-file f' --recursive '--format csv' '--columns a' \
    '--skip 0' '--records /a' '--jobs 1' '--each x' '--query x' '--since 1' \
    '--cursor-field /a' --conditional --plain -- --singer true
for source in "$scratch/a.ndjson" "$scratch/a.json" "$scratch/a.singer"; do
	foreign "can be used only $requests" '--header A:b' '--method POST' '--record-to d' \
	    '--max-time 1s' -- "$source"
	foreign "can be used only $page" '--paginate page' '--total /n' '--max-pages 1' -- "$source"
	foreign "can be used only $database" '--query x' '--table t' -- "$source"
	foreign "can be used only $csv" '--null x' '--skip 0' -- "$source"
done
foreign "can be used only $singer" '--select s' '--select-as f' -- "$scratch/a.ndjson"
foreign "can be used only $requests" '--header A:b' '--timeout 3s' -- --table t "sqlite:$scratch/a.db"
foreign "can be used only $file" '--encoding latin1' '--source-file f' --recursive -- \
    --table t "sqlite:$scratch/a.db"
foreign 'can be used only for files and for requests of HTTP: no SOURCE needs it' '--jobs 2' -- \
    --table t "sqlite:$scratch/a.db"
foreign "can be used only $file" '--encoding latin1' '--source-file f' --recursive -- "$api/posts"
foreign "can be used only $csv" '--columns a' -- "$api/posts"
foreign "can be used only $csv" '--columns a' -- --probe "$api/posts"
foreign "can be used only $database" '--query x' -- "$api/posts"
foreign 'cannot be used with --each: remove it' '--columns a' '--select s' '--encoding latin1' \
    '--source-file f' --recursive '--query x' -- --each "$api/{id}" --as a
is 'no request is sent for an option of another source' '' "$(api_log)"
is 'MAX_RETRIES in the environment suits every source' 0 \
    "$(export MAX_RETRIES=5; status etl-extract "$scratch/a.ndjson")"
is '--retries suits every source with --checkpoint: it may be in a database' 0 \
    "$(status etl-extract --retries 2 --new-files --checkpoint c \
    --state "file:$scratch/state" "$scratch/a.ndjson")"
is 'an option that one of several sources takes is accepted' 0 \
    "$(status etl-extract --header A:b "$scratch/a.ndjson" "$api/posts?_limit=1")"

is 'a command line without SOURCE exits with 64' 64 "$(status etl-extract)"
like 'without SOURCE the message says what to give' \
    '^etl-extract: no SOURCE: give' "$(cat "$scratch/err")"
is 'a URL of a database as SOURCE exits with 64' 64 \
    "$(status etl-extract postgresql://me:sesame@h/x)"
like 'the message of a URL of a database shows its scheme only' \
    '^etl-extract: postgresql:...: a database needs' \
    "$(cat "$scratch/err")"
is 'the message of a URL of a database shows no password' \
    0 "$(grep -c sesame "$scratch/err")"
for url in http:// 'http://a b/' http://h:99999/ 'http://[::1/' \
    "$(printf 'http://h/\001')"; do
	is "the invalid URL $url exits with 64" \
	    64 "$(status etl-extract "$url")"
	like "the invalid URL $url: the message says that it is no URL" \
	    'not a URL: ' "$(cat "$scratch/err")"
done
is 'if an option is given twice, the last one counts' \
    3 "$(etl-extract --records /x \
    --records '' "$api/posts?_limit=3" | wc -l)"
is 'options may follow the SOURCE' 0 "$(status etl-extract "$api/posts" \
    --retries 0)"
is '--help exits with 0' 0 "$(status etl-extract --help)"
is '--help with a full disk at standard output exits with 74' \
    74 "$(etl-extract --help >/dev/full 2>&1 ||
    echo $?)"
done_testing
