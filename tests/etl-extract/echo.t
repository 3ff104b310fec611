#!/bin/sh
# A service echoes the secret, spelled in another way than etl-extract sent it.
# No message shows it, and no redirect carries it to another origin.
. tests/support/lib.sh
api_start
one=$api
api_start
two=$api

# encode TIMES TEXT: percent-encodes TEXT so many times.
encode() {
	python3 -c '
import sys, urllib.parse
s = sys.argv[2]
for i in range(int(sys.argv[1])):
    s = urllib.parse.quote(s, safe="")
print(s)' "$1" "$2"
}
# hides LABEL HOW ECHO: checks that no message shows ECHO.
hides() {
	is "$1: the exit code is that of the status" \
	    66 "$(status etl-extract --retries 0 --auth "$2" --secret env:T \
	    "$one/fault/status/404/fault/body/$(encode 1 "{\"got\":\"$3 x\"}")")"
	like "$1: the message says that the answer contains the secret" \
	    'status 404: \(not shown: the answer contains the secret\)$' \
	    "$(cat "$scratch/err")"
	unlike "$1: the message does not show what the service has sent" \
	    'got|x\"' "$(sed 's/[^ ]*: status/status/' "$scratch/err")"
}

# shellcheck disable=SC2089,SC2090
T='s3/cr+t&"x'
# shellcheck disable=SC2090
export T
hides 'the secret as it is' bearer 's3/cr+t&"x'
hides 'JSON: \/' bearer 's3\/cr+t&\"x'
hides 'JSON: \u002b' bearer 's3/cr\u002bt\u0026\u0022x'
hides 'HTML: names' bearer 's3&sol;cr&plus;t&amp;&quot;x'
hides 'HTML: decimal numbers' bearer 's3&#47;cr&#43;t&#38;&#34;x'
hides 'HTML: hexadecimal numbers' bearer 's3&#x2f;cr&#x2B;t&#x26;&#X22;x'
hides 'percent-encoded in lower case' bearer 's3%2fcr%2bt%26%22x'
hides 'percent-encoded twice' bearer "$(encode 2 "$T")"
hides 'percent-encoded three times' bearer "$(encode 3 "$T")"
hides 'a form: a + for a blank' bearer 's3%2Fcr t%26%22x'
hides 'percent-encoded in full' bearer '%73%33%2f%63%72%2b%74%26%22%78'
hides 'HTML in JSON' bearer 's3\u0026sol;cr\u0026plus;t\u0026amp;\u0026quot;x'
hides 'three percent-encodings, HTML and JSON' bearer \
    "$(encode 3 "$T" | sed 's/%/\&percnt;/g; s/&/\\u0026/g')"
T='a\/b&amp;c%2Bd'
hides 'a secret that looks escaped, as it is' bearer 'a\/b&amp;c%2Bd'
hides 'a secret that looks escaped, in JSON' bearer 'a\\\/b&amp;c%2Bd'
hides 'a secret that looks escaped, in a URL' bearer "$(encode 1 "$T")"
hides 'a secret that looks escaped, decoded' bearer 'a/b&c+d'
T='pässwörd€😀'
hides 'JSON: characters that are not ASCII' bearer \
    'p\u00e4ssw\u00f6rd\u20AC\ud83d\ude00'

# The secret of --auth basic.
T='user:pass/w0rd'
hides 'basic: the password alone' basic 'pass/w0rd'
hides 'basic: the password alone, in JSON' basic 'pass\/w0rd'
hides 'basic: user and password' basic 'user:pass/w0rd'
hides 'basic: in base64' basic dXNlcjpwYXNzL3cwcmQ=
hides 'basic: in base64, percent-encoded' basic dXNlcjpwYXNzL3cwcmQ%3d
hides 'basic: in base64 without the = at its end' basic dXNlcjpwYXNzL3cwcmQ
T=t0ken-of-mine:
hides 'basic: the user name, if the password is empty' basic t0ken-of-mine
T='user:pass/w0rd'
is 'basic: an answer with the user name exits with 66' 66 "$(status etl-extract \
    --auth basic --secret env:T --retries 0 \
    "$one/fault/status/404/fault/body/user%20unknown")"
like 'basic: an answer with the user name is shown' \
    'status 404: user unknown$' "$(cat "$scratch/err")"

# The kept start of a body ends within the secret.
T=$(printf 's3cret%%%0500d' 7)
is 'a body that is cut within the secret exits with 66' 66 "$(status \
    etl-extract --auth bearer --secret env:T --retries 0 \
    "$one/fault/status/404/fault/body/no%20$(encode 1 "$T" | cut -c 1-300)")"
like 'a body that is cut within the secret is not shown' \
    'status 404: \(not shown' "$(cat "$scratch/err")"
is 'a body that is cut within an escape of the secret exits with 66' 66 "$(status \
    etl-extract --auth bearer --secret env:T --retries 0 \
    "$one/fault/status/404/fault/body/no%20s3cret%252")"
like 'a body that is cut within an escape of the secret is not shown' \
    'status 404: \(not shown' "$(cat "$scratch/err")"

# A page that cannot be read, and a URL in a message.
T='s3/cr+t'
is 'an answer that is no JSON exits with 76' 76 "$(status etl-extract --auth \
    bearer --secret env:T --retries 0 "$one/fault/body/%22s3%255C/cr%2bt%22")"
unlike 'an answer that is no JSON: the message does not show the secret' \
    'cr[+]t' "$(sed 's,http[^ ]*,,' "$scratch/err")"
is 'a redirect within the origin to a URL with the secret is followed' 66 \
    "$(status etl-extract --auth bearer --secret env:T --retries 0 \
    "$one/fault/redirect/302/$(encode 1 "/none/$(encode 2 "$T")/x")/")"
like 'a URL with the secret: the message has *** in its place' \
    '/none/\*\*\*/x: status 404' "$(cat "$scratch/err")"

# What a redirect to another origin may carry.
# carries LABEL HOW QUERY: checks that a redirect with this query is refused.
carries() {
	: >"$api_log_file"
	is "a redirect to another origin with $1 exits with 77" \
	    77 "$(status etl-extract --auth "$2" --secret env:T --retries 0 \
	    "$one/fault/redirect/302/$(encode 1 "$two/posts?$3")/")"
	is "a redirect to another origin with $1 is not followed" \
	    '' "$(api_log)"
	like "a redirect to another origin with $1: the message says why" \
	    'redirect to another origin: its URL contains the secret$' \
	    "$(cat "$scratch/err")"
}
carries 'the secret percent-encoded twice' query:key \
    "back=$(encode 1 "/posts?key=$(encode 1 "$T")")"
carries 'the secret percent-encoded three times' query:key \
    "back=$(encode 3 "$T")"
carries 'the secret in lower-case escapes' query:key 'b=s3%2fcr%2bt'
carries 'the secret with a blank for +' query:key 'b=s3/cr%20t'
carries 'the secret in HTML' bearer 'b=s3&sol;cr&plus;t'
carries 'the secret in JSON' bearer 'b={"t":"s3\/cr\u002bt"}'
T='user:pass/w0rd'
carries 'the password alone' basic 'b=pass%2fw0rd'
carries 'user and password in base64' basic 'b=dXNlcjpwYXNzL3cwcmQ%3d'

# A secret of which only a part would be sent: # begins the fragment of a URL,
# which is not sent, and an HTML escape of a number contains #.
T='kJ8+sd/92Hq0fLmZ=='
carries 'an HTML escape that cuts the end of the secret' bearer \
    'token=kJ8+sd/92Hq0fLmZ&#61;&#61;'
carries 'hexadecimal HTML escapes' bearer 'token=kJ8+sd/92Hq0fLmZ&#x3d;&#X3D;'
carries 'HTML escapes without a semicolon' bearer \
    'token=kJ8+sd/92Hq0fLmZ&#61&#61'
carries 'an escape at the start of the secret' bearer \
    'token=&#107;J8+sd/92Hq0fLmZ=='
carries 'a secret that a raw # divides' bearer 'token=kJ8+sd/92#Hq0fLmZ=='
carries 'a secret in the fragment' bearer 'a=b#kJ8%2bsd%2f92Hq0fLmZ%3D%3d'
carries 'a secret without its padding' bearer 'token=kJ8%2bsd%2F92Hq0fLmZ'
carries 'a secret in base64url' bearer 'token=kJ8-sd_92Hq0fLmZ'
carries 'the first half of a secret' bearer 'token=kJ8+sd/92H...'
carries 'the second half of a secret' bearer 'token=...Hq0fLmZ%3d%3d'
carries 'a secret in lower case' bearer 'token=kj8+sd/92hq0flmz'
carries 'a parameter that an HTML & begins' query:key \
    'a=b&amp;key=kJ8+sd/92Hq0fLmZ%3D%3D'
carries 'its own parameter, with an escape that is cut' bearer \
    'key=kJ8+sd/92Hq0fLmZ&#61;&#61;'
: >"$api_log_file"
is 'the parameter of the secret is left out, also with an escape that is cut' \
    '0 GET /posts?_limit=1' "$(status etl-extract --auth query:key \
    --secret env:T --retries 0 "$one/fault/redirect/302/$(encode 1 \
    "$two/posts?_limit=1&key=kJ8+sd/92Hq0fLmZ&#61;&#61;")/") $(api_log)"
is 'less than half of a secret may be a chance' '0 3' "$(status etl-extract \
    --auth bearer --secret env:T "$one/fault/redirect/302/$(encode 1 \
    "$two/posts?_limit=3&v=kJ8+sd/")/") $(wc -l <"$scratch/out")"
is 'a URL of another kind with a part of the secret exits with 77' \
    77 "$(status etl-extract --auth bearer --secret env:T --retries 0 \
    "$one/fault/redirect/302/$(encode 1 'ftp://h/?t=kJ8+sd/92Hq0fLmZ&#61;')/")"
unlike 'a URL of another kind: the message has no part of the secret' \
    'kJ8|Hq0fLmZ' "$(sed 's,[^ ]*: refused,refused,' "$scratch/err")"

# The same in the URL of a next page.
: >"$api_log_file"
is 'a next page at another origin with a part of the secret exits with 77' \
    77 "$(status etl-extract --auth bearer --secret env:T --retries 0 \
    --paginate cursor --next /next --into url --records /d "$one/fault/body/$(
    encode 1 '{"d":[{"a":1}],"next":"'"$two"'/in?t=kJ8+sd/92Hq0fLmZ&#61;&#61;"}'
    )")"
is 'a next page with a part of the secret is not requested' '' "$(api_log)"
like 'a next page with a part of the secret: the message says why' \
    'refused the next page at another origin: its URL contains the secret$' \
    "$(cat "$scratch/err")"

# A proxy URL that libcurl cannot use: its message shows the URL.
# proxied VARIABLE=URL [HOST]: reads from HOST through this proxy.
proxied() {
	status env "$1" etl-extract --retries 0 "${2-http://example.org}/posts"
}
for proxy in 'http://u:hid den@h:1' 'http://u:hidd/en@h:1' \
    'http://u:hidden@h:port' 'http://u:hid@den@h:1' 'https://u:hidden@[::1' \
    'ftp://u:hidden@h:1' 'socks9://u:hidden@h' 'u:hidd/en@h' \
    "http://u:hidden$(printf '%0400d' 0) @h:1" \
    "http://$(printf '%0150d' 0):hidden @h:1"; do
	start=$(printf '%.30s' "$proxy")
	is "the malformed proxy URL $start exits with 78" \
	    78 "$(proxied "http_proxy=$proxy")"
	like "the malformed proxy URL $start: the message names the variable" \
	    'variable http_proxy does not hold the URL of a proxy' \
	    "$(cat "$scratch/err")"
	unlike "the malformed proxy URL $start: the message does not show it" \
	    'hid|den|u:' "$(cat "$scratch/err")"
done
for variable in https_proxy HTTPS_PROXY all_proxy ALL_PROXY; do
	is "a malformed URL in $variable exits with 78" \
	    78 "$(proxied "$variable=http://u:hid den@h" https://example.org)"
	like "a malformed URL in $variable: the message names it" \
	    "variable $variable does not hold" "$(cat "$scratch/err")"
done
is 'a malformed proxy URL without a password exits with 78' \
    78 "$(proxied http_proxy=http://h:port)"
is 'a proxy that is not there exits with 75' \
    75 "$(proxied http_proxy=http://u:hidden@127.0.0.1:1)"
unlike 'a proxy that is not there: the message does not show the password' \
    hidden "$(cat "$scratch/err")"
is 'a proxy whose name is not known exits with 75' \
    75 "$(proxied http_proxy=nohost.invalid)"
like 'a proxy whose name is not known: the message has the name' \
    'resolve proxy: nohost.invalid' "$(cat "$scratch/err")"
done_testing
