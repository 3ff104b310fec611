#!/bin/sh
# Secrets and headers: where they come from, and that nobody sees them.
. tests/support/lib.sh
api_start
mine=$scratch/secret

get() {
	: >"$api_log_file"
	status etl-extract --backoff 1ms..2ms "$@"
}
printf 'secret\n' >"$mine"
chmod 600 "$mine"

is 'default is API_TOKEN' 0 "$(API_TOKEN=secret; export API_TOKEN
    get --auth bearer "$api/auth/posts")"
is 'env' 0 "$(T=secret; export T
    get --auth bearer --secret env:T "$api/auth/posts")"
is 'file' 0 "$(get --auth bearer --secret "file:$mine" "$api/auth/posts")"
is 'file: no warning' '' "$(cat "$scratch/err")"
is 'cmd' 0 "$(get --auth bearer --secret 'cmd:echo secret' "$api/auth/posts")"
is 'pages with a secret' 0 "$(get --auth bearer --secret "file:$mine" \
    --paginate page --into query:_page --size _limit=50 "$api/auth/posts")"
is 'two sources with a secret' 0 "$(T=secret; export T
    get --auth bearer --secret env:T "$api/auth/posts?_limit=1" \
    "$api/auth/posts?_limit=2")"
is 'header' 0 "$(get --auth header:X-Key --secret "file:$mine" "$api/posts")"
is 'header: sent' 'GET /posts x-key' "$(api_log)"
is 'query' 0 "$(get --auth query:k --secret 'cmd:echo "a b&c"' \
    "$api/posts?k=1&b=2")"
is 'query: sent' 'GET /posts?b=2&k=a%20b%26c' "$(api_log)"
is 'basic' 77 "$(T=u:p; export T
    get --auth basic --secret env:T "$api/auth/posts")"
is 'basic: sent' 'GET /auth/posts authorization=Basic' "$(api_log)"
is 'header file' 0 "$(printf 'Authorization: Bearer secret\r\n' >"$mine.h"
    get --header "@$mine.h" "$api/auth/posts")"
is 'a token that is wrong' 77 "$(T=old; export T
    get --auth bearer --secret env:T "$api/auth/posts")"
like 'a token that is wrong: where it is' \
    'auth/posts: status 401: .*does not accept --auth bearer with the secret of env:T$' \
    "$(cat "$scratch/err")"
is 'no token' 77 "$(get "$api/auth/posts")"
like 'no token: what to do' 'posts: status 401: .*requires credentials: give --auth$' \
    "$(cat "$scratch/err")"
api_log >/dev/null

# A command is run once more after a 401.
cat >"$scratch/token" <<-'EOF'
	#!/bin/sh
	echo x >>"$0.runs"
	[ $(wc -l <"$0.runs") -eq 1 ] && echo old || echo secret
EOF
chmod +x "$scratch/token"
is 'renewed' 0 "$(get --auth bearer --secret "cmd:$scratch/token" \
    "$api/auth/posts")"
is 'renewed: two calls' 2 "$(api_log | wc -l)"
is 'renewed once only' 77 "$(get --auth bearer --secret 'cmd:echo old' \
    "$api/auth/posts")"
like 'renewed once only: the command is not told' \
    'the secret of cmd:COMMAND$' "$(cat "$scratch/err")"
is 'renewed once only: two calls' 2 "$(api_log | wc -l)"
is 'a variable is not renewed' 77 "$(T=old; export T
    get --auth bearer --secret env:T "$api/auth/posts")"
is 'a variable is not renewed: one call' 1 "$(api_log | wc -l)"

# What is not there, or cannot be.
is 'no variable' 78 "$(get --auth bearer "$api/posts")"
like 'no variable: named' 'env:API_TOKEN: the variable is not set' \
    "$(cat "$scratch/err")"
is 'no file' 66 "$(get --auth bearer --secret "file:$mine.no" "$api/posts")"
is 'empty file' 78 "$(: >"$mine.e"
    get --auth bearer --secret "file:$mine.e" "$api/posts")"
is 'failing command' 78 "$(get --auth bearer --secret 'cmd:echo a; exit 3' \
    "$api/posts")"
like 'failing command: said' 'failed with status 3' "$(cat "$scratch/err")"
is 'two lines' 78 "$(get --auth bearer --secret "cmd:printf 'a\nb'" \
    "$api/posts")"
is 'basic without a colon' 78 "$(get --auth basic --secret 'cmd:echo u' \
    "$api/posts")"
is 'secret in an argument' 64 "$(get --auth bearer --secret secret \
    "$api/posts")"
unlike 'secret in an argument: not shown' 'secret secret' \
    "$(cat "$scratch/err")"
is 'unknown way' 64 "$(get --auth digest --secret cmd:x "$api/posts")"
is 'bad header name' 64 "$(get --auth 'header:a b' --secret cmd:x "$api/posts")"
is 'secret without auth' 64 "$(get --secret cmd:x "$api/posts")"
is 'header without a colon' 64 "$(get --header x "$api/posts")"
is 'header with a line end' 64 "$(get --header "x: a
b: c" "$api/posts")"
is 'no header file' 66 "$(get --header "@$mine.no" "$api/posts")"
is 'bad header file' 78 "$(echo x >"$mine.h"; get --header "@$mine.h" \
    "$api/posts")"
printf 'X-A: b\0c\n' >"$mine.h"
is 'NUL in a header file' 78 "$(get --header "@$mine.h" "$api/posts")"
printf 'X-A: b\rX-B: c\n' >"$mine.h"
is 'CR in a header file' 78 "$(get --header "@$mine.h" "$api/posts")"
is 'endless header file' 78 "$(limit=5 get --header @/dev/zero "$api/posts")"
is 'header file is a directory' 66 "$(get --header "@$scratch" "$api/posts")"
is 'endless file' 78 "$(limit=5 get --auth bearer --secret file:/dev/zero \
    "$api/posts")"
is 'endless command' 78 "$(limit=5 get --auth bearer --secret cmd:yes \
    "$api/posts")"
like 'endless command: said' 'longer than 16384 bytes' "$(cat "$scratch/err")"
rc=0
timeout --preserve-status -k 5 0.3 etl-extract --auth bearer \
    --secret 'cmd:exec sleep 30' "$api/posts" 2>/dev/null || rc=$?
is 'a stop while the command runs' 143 $rc
is 'nothing was asked for' '' "$(api_log)"
is 'user in the URL' 64 "$(get "http://u:hidden@${api#http://}/posts")"
unlike 'user in the URL: not shown' hidden "$(cat "$scratch/err")"
chmod 644 "$mine"
is 'file others may read' 0 "$(get --auth bearer --secret "file:$mine" \
    "$api/auth/posts")"
like 'file others may read: warned' 'warning: .*other users may access' \
    "$(cat "$scratch/err")"

# Seen by nobody: not in messages, rejects, marks or /proc.
T='s3cr t/+%é'
export T
coded=s3cr%20t%2F%2B%25%C3%A9
for fault in status/503 bad-body/404 garbage cut/10 \
    "body/%7B%22a%22:%22$coded%22%7D"; do
	get --auth query:k --secret env:T --stream s --retries 1 \
	    "$api/fault/$fault/posts" >/dev/null
	unlike "$fault: not shown" "$T|$coded" \
	    "$(cat "$scratch/out" "$scratch/err")"
	like "$fault: masked" 'k=\*\*\*' "$(cat "$scratch/err")"
done
get --auth query:k --secret env:T "$api/fault/body/%22$coded%22" >/dev/null
like 'a body that repeats it: masked' '"\*\*\*"$' "$(cat "$scratch/err")"
for case in 200:76:75 404:66:195; do
	fill=$(printf "%0${case##*:}d" 0)
	fault=fault/status/${case%%:*}/fault/body/$fill$coded
	[ "${case%%:*}" != 200 ] || fault=fault/body/%22$fill$coded%22
	rest=${case#*:}
	is "cut within the secret: $case" "${rest%:*}" "$(get --auth query:k \
	    --secret env:T "$api/$fault")"
	like "cut within the secret: $case, shown" '0\*\*\*' \
	    "$(cat "$scratch/err")"
	unlike "cut within the secret: $case, not shown" '[0:]s3c' \
	    "$(sed "s,$api/[^ ]*,," "$scratch/err")"
done
get --auth query:k --secret env:T --rejects "$scratch/r" \
    "$api/fault/body/%5B1%5D" >/dev/null
like 'a reject has the URL' 'body/' "$(cat "$scratch/r")"
unlike 'a reject has it not' "$coded" "$(cat "$scratch/r")"

# shellcheck disable=SC3045
ulimit -c unlimited 2>/dev/null || :
etl-extract --auth bearer --secret env:T "$api/fault/slow/5000/posts" \
    2>/dev/null &
pid=$!
wait_until 5 sh -c "grep -q slow '$api_log_file' && test -s '$api_log_file'"
is 'no core file' 0 "$(awk '/Max core/ { print $5 }' /proc/$pid/limits)"
# Only root may look: the process hides what it holds.
unlike 'not in the environment' s3cr \
    "$({ tr '\0' '\n' </proc/$pid/environ; } 2>/dev/null || :)"
unlike 'not in the arguments' s3cr "$(tr '\0' '\n' </proc/$pid/cmdline)"
kill $pid
{ wait $pid || :; } 2>/dev/null
done_testing
