#!/bin/sh
# Secrets and headers: their sources, and that no output shows a secret.
. tests/support/lib.sh
api_start
mine=$scratch/secret

get() {
	: >"$api_log_file"
	status etl-extract --backoff 1ms..2ms "$@"
}
printf 'secret\n' >"$mine"
chmod 600 "$mine"

is '--auth without --secret takes the secret from API_TOKEN' \
    0 "$(API_TOKEN=secret; export API_TOKEN
    get --auth bearer "$api/auth/posts")"
is '--secret env:T takes the secret from the variable T' 0 "$(T=secret; export T
    get --auth bearer --secret env:T "$api/auth/posts")"
is '--secret file:PATH takes the secret from a file' \
    0 "$(get --auth bearer --secret "file:$mine" "$api/auth/posts")"
is 'a secret file that only its owner can read causes no warning' \
    '' "$(cat "$scratch/err")"
is '--secret cmd:COMMAND takes the secret from the output of a command' \
    0 "$(get --auth bearer --secret 'cmd:echo secret' "$api/auth/posts")"
is 'every page is requested with the secret' \
    0 "$(get --auth bearer --secret "file:$mine" \
    --paginate page --into query:_page --size _limit=50 "$api/auth/posts")"
is 'every source is requested with the secret' 0 "$(T=secret; export T
    get --auth bearer --secret env:T "$api/auth/posts?_limit=1" \
    "$api/auth/posts?_limit=2")"
is '--auth header:X-Key succeeds' \
    0 "$(get --auth header:X-Key --secret "file:$mine" "$api/posts")"
is '--auth header:X-Key sends this header' 'GET /posts x-key' "$(api_log)"
is '--auth query:k succeeds' \
    0 "$(get --auth query:k --secret 'cmd:echo "a b&c"' \
    "$api/posts?k=1&b=2")"
is '--auth query:k replaces the parameter k and encodes the secret' \
    'GET /posts?b=2&k=a%20b%26c' "$(api_log)"
is '--auth basic with a wrong user exits with 77' 77 "$(T=u:p; export T
    get --auth basic --secret env:T "$api/auth/posts")"
is '--auth basic sends an Authorization header of the type Basic' \
    'GET /auth/posts authorization=Basic' "$(api_log)"
is '--header @FILE sends the headers of a file' \
    0 "$(printf 'Authorization: Bearer secret\r\n' >"$mine.h"
    get --header "@$mine.h" "$api/auth/posts")"
is 'a wrong token exits with 77' 77 "$(T=old; export T
    get --auth bearer --secret env:T "$api/auth/posts")"
like 'a wrong token: the message names the source of the secret' \
    'auth/posts: status 401: .*does not accept --auth bearer with the secret of env:T$' \
    "$(cat "$scratch/err")"
is 'an API that requires a token exits with 77 without --auth' \
    77 "$(get "$api/auth/posts")"
like 'an API that requires a token: the message says to give --auth' \
    'posts: status 401: .*requires credentials: give --auth$' \
    "$(cat "$scratch/err")"
api_log >/dev/null

# The secret command runs once more after a 401.
cat >"$scratch/token" <<-'EOF'
	#!/bin/sh
	echo x >>"$0.runs"
	[ $(wc -l <"$0.runs") -eq 1 ] && echo old || echo secret
EOF
chmod +x "$scratch/token"
is 'the secret command runs again after a 401 and the page comes' \
    0 "$(get --auth bearer --secret "cmd:$scratch/token" \
    "$api/auth/posts")"
is 'a renewed secret: the page is requested twice' 2 "$(api_log | wc -l)"
is 'a renewed secret that is wrong too exits with 77' \
    77 "$(get --auth bearer --secret 'cmd:echo old' \
    "$api/auth/posts")"
like 'the message does not show the secret command' \
    'the secret of cmd:COMMAND$' "$(cat "$scratch/err")"
is 'a secret is renewed once only: the page is requested twice' \
    2 "$(api_log | wc -l)"
is 'a wrong secret in a variable exits with 77' 77 "$(T=old; export T
    get --auth bearer --secret env:T "$api/auth/posts")"
is 'a wrong secret in a variable: the page is requested once' \
    1 "$(api_log | wc -l)"

# Secrets and headers that are missing or not valid: no request is sent.
is 'a missing variable API_TOKEN exits with 78' \
    78 "$(get --auth bearer "$api/posts")"
like 'a missing variable: the message names it' \
    'env:API_TOKEN: the variable is not set' \
    "$(cat "$scratch/err")"
is 'a missing secret file exits with 66' \
    66 "$(get --auth bearer --secret "file:$mine.no" "$api/posts")"
is 'an empty secret file exits with 78' 78 "$(: >"$mine.e"
    get --auth bearer --secret "file:$mine.e" "$api/posts")"
is 'a secret command that fails exits with 78' \
    78 "$(get --auth bearer --secret 'cmd:echo a; exit 3' \
    "$api/posts")"
like 'a secret command that fails: the message has its exit status' \
    'failed with status 3' "$(cat "$scratch/err")"
is 'a secret of two lines exits with 78' \
    78 "$(get --auth bearer --secret "cmd:printf 'a\nb'" \
    "$api/posts")"
is 'a secret without a colon for --auth basic exits with 78' \
    78 "$(get --auth basic --secret 'cmd:echo u' \
    "$api/posts")"
is '--secret with the secret itself exits with 64' \
    64 "$(get --auth bearer --secret secret \
    "$api/posts")"
unlike '--secret with the secret itself: the message does not show it' \
    'secret secret' \
    "$(cat "$scratch/err")"
is '--auth digest exits with 64' \
    64 "$(get --auth digest --secret cmd:x "$api/posts")"
is '--auth header: with a space in the name exits with 64' \
    64 "$(get --auth 'header:a b' --secret cmd:x "$api/posts")"
is '--secret without --auth exits with 64' \
    64 "$(get --secret cmd:x "$api/posts")"
is '--header without a colon exits with 64' 64 "$(get --header x "$api/posts")"
is '--header with a line end exits with 64' 64 "$(get --header "x: a
b: c" "$api/posts")"
is 'a missing header file exits with 66' \
    66 "$(get --header "@$mine.no" "$api/posts")"
is 'a header file without a colon exits with 78' \
    78 "$(echo x >"$mine.h"; get --header "@$mine.h" \
    "$api/posts")"
printf 'X-A: b\0c\n' >"$mine.h"
is 'NUL in a header file exits with 78' \
    78 "$(get --header "@$mine.h" "$api/posts")"
printf 'X-A: b\rX-B: c\n' >"$mine.h"
is 'CR within a line of a header file exits with 78' \
    78 "$(get --header "@$mine.h" "$api/posts")"
is 'an endless header file exits with 78' \
    78 "$(get --header @/dev/zero "$api/posts")"
is 'a directory as header file exits with 66' \
    66 "$(get --header "@$scratch" "$api/posts")"
is 'an endless secret file exits with 78' \
    78 "$(get --auth bearer --secret file:/dev/zero \
    "$api/posts")"
is 'an endless output of the secret command exits with 78' \
    78 "$(get --auth bearer --secret cmd:yes \
    "$api/posts")"
like 'an endless secret: the message names the largest length' \
    'longer than 16384 bytes' "$(cat "$scratch/err")"
rc=0
timeout --preserve-status -k 5 0.3 etl-extract --auth bearer \
    --secret 'cmd:exec sleep 30' "$api/posts" 2>/dev/null || rc=$?
is 'TERM ends etl-extract while the secret command runs' 143 $rc
is 'no request is sent before the secret command has ended' '' "$(api_log)"
is 'a user in the URL exits with 64' \
    64 "$(get "http://u:hidden@${api#http://}/posts")"
unlike 'a user in the URL: the message does not show the password' \
    hidden "$(cat "$scratch/err")"
chmod 644 "$mine"
is 'a secret file that others can read is accepted' \
    0 "$(get --auth bearer --secret "file:$mine" \
    "$api/auth/posts")"
like 'a secret file that others can read causes a warning' \
    'warning: .*other users may access' \
    "$(cat "$scratch/err")"

# A header file and an argument that others can read.
printf 'Authorization: Bearer secret\n' >"$mine.h"
for mode in 644 640 604; do
	chmod $mode "$mine.h"
	is "a header file of mode $mode is accepted" \
	    0 "$(get --header "@$mine.h" "$api/auth/posts")"
	like "a header file of mode $mode causes a warning" \
	    "warning: $mine.h: other users may access this file" \
	    "$(cat "$scratch/err")"
done
chmod 600 "$mine.h"
is 'a header file that only its owner can read is accepted' \
    0 "$(get --header "@$mine.h" "$api/auth/posts")"
is 'a header file that only its owner can read causes no warning' \
    '' "$(cat "$scratch/err")"
for name in Authorization authorization Proxy-Authorization; do
	get --header "$name: Bearer secret" "$api/posts" >/dev/null
	like "an argument with the header $name causes a warning" \
	    "warning: --header '.*uthorization: \.\.\.': other users can see" \
	    "$(cat "$scratch/err")"
	unlike "an argument with the header $name: the warning hides its value" \
	    'Bearer|secret$' "$(cat "$scratch/err")"
done
is 'an argument with another header is accepted' \
    0 "$(get --header 'X-Authorization: a' "$api/posts")"
is 'an argument with another header causes no warning' \
    '' "$(cat "$scratch/err")"

# The secret is not in messages, rejects, marks or /proc.
T='s3cr t/+%é'
export T
coded=s3cr%20t%2F%2B%25%C3%A9
for fault in status/503 bad-body/404 garbage cut/10 \
    "body/%7B%22a%22:%22$coded%22%7D"; do
	get --auth query:k --secret env:T --stream s --retries 1 \
	    "$api/fault/$fault/posts" >/dev/null
	unlike "$fault: neither output nor message shows the secret" \
	    "$T|$coded" \
	    "$(cat "$scratch/out" "$scratch/err")"
	like "$fault: the message masks the secret in the URL" \
	    'k=\*\*\*' "$(cat "$scratch/err")"
done
get --auth query:k --secret env:T "$api/fault/body/%22$coded%22" >/dev/null
like 'a body of an answer that contains the secret is not shown' \
    ': \(not shown: the answer contains the secret\)$' "$(cat "$scratch/err")"
for case in 200:76:75 404:66:195; do
	fill=$(printf "%0${case##*:}d" 0)
	fault=fault/status/${case%%:*}/fault/body/$fill$coded
	[ "${case%%:*}" != 200 ] || fault=fault/body/%22$fill$coded%22
	rest=${case#*:}
	is "an excerpt cut within the secret has its exit code: $case" \
	    "${rest%:*}" "$(get --auth query:k \
	    --secret env:T "$api/$fault")"
	like "a body whose excerpt would end in the secret is not shown: $case" \
	    ': \(not shown: the answer contains the secret\)$' \
	    "$(cat "$scratch/err")"
	unlike "an excerpt cut within the secret shows no part of it: $case" \
	    '[0:]s3c' \
	    "$(sed "s,$api/[^ ]*,," "$scratch/err")"
done
get --auth query:k --secret env:T --rejects "$scratch/r" \
    "$api/fault/body/%5B1%5D" >/dev/null
like 'a reject of a page has its URL' 'body/' "$(cat "$scratch/r")"
unlike 'a reject of a page does not have the secret' \
    "$coded" "$(cat "$scratch/r")"

# shellcheck disable=SC3045
ulimit -c unlimited 2>/dev/null || :
etl-extract --auth bearer --secret env:T "$api/fault/slow/5000/posts" \
    2>/dev/null &
pid=$!
wait_until 30 sh -c "grep -q slow '$api_log_file' && test -s '$api_log_file'"
is 'etl-extract sets its limit of core files to 0' \
    0 "$(awk '/Max core/ { print $5 }' /proc/$pid/limits)"
# The process is not dumpable: only root can read its environment.
unlike '/proc/PID/environ does not show the secret' s3cr \
    "$({ tr '\0' '\n' </proc/$pid/environ; } 2>/dev/null || :)"
unlike '/proc/PID/cmdline does not show the secret' \
    s3cr "$(tr '\0' '\n' </proc/$pid/cmdline)"
kill $pid
{ wait $pid || :; } 2>/dev/null
done_testing
