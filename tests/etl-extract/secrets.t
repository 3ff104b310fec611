#!/bin/sh
# No secret is in a message, a mark, a record's place, a reject, a recording or a
# state file, with each kind of authentication and each source that has a secret,
# whether the run succeeds or fails.
. tests/support/lib.sh
cd "$scratch"
secret='Sesame/open+7' encoded='Sesame%2Fopen%2B7'
api_start --posts 30 --items 5 --token "$encoded"
SECRET=$secret
AWS_ACCESS_KEY_ID=AKID AWS_SECRET_ACCESS_KEY=$secret
AWS_SESSION_TOKEN=token-$secret
export SECRET AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
base64=$(printf 'me:%s' "$secret" | base64)

# search LABEL: no file that the programs have written has the secret in any form.
search() {
	rm -f ok.out
	is "$1: the secret is in no output, message, reject or recording" '' \
	    "$(grep -rlF -e "$secret" -e "$encoded" -e "${base64%=*}" \
	    -e 'Sesame\/open' --exclude='api.*' --exclude-dir=.state . || :)"
	ok "$1: there was output to search" test -s err -o -s out
	rm -rf out err rejects recording state.json
}
# runs LABEL URL [OPTION...]: an incremental run with a recording; some elements
# of its pages are rejects.
runs() {
	label=$1 url=$2
	shift 2
	status etl-extract --backoff 1ms..2ms --retries 1 --max-rejects 99 \
	    --checkpoint items --cursor-field /id --since-param since --state \
	    file:state.json --rejects rejects --record-to recording \
	    --paginate link "$@" "$url" >code
	codes="$codes $(cat code)"
	etl-checkpoint save --marked --state file:state.json <out >saved 2>>err || :
	search "$label"
}
body='%5B%7B%22id%22:1%7D,2,%7B%22id%22:%22x%22%7D%5D'
elsewhere=http%3A%2F%2F127.0.0.1:1%2Fx
for auth in bearer basic header:X-Key query:key oauth2 sigv4; do
	from=env:SECRET codes=''
	case $auth in
	basic)
		from=env:BOTH
		BOTH=me:$secret
		export BOTH
		set -- --auth basic --secret $from
		;;
	oauth2) set -- --auth oauth2 --token-url "$api/token" \
	    --client-id 'me + you' --secret $from ;;
	sigv4) set -- --aws-sigv4 aws:amz:eu-1:s3 ;;
	*) set -- --auth $auth --secret $from ;;
	esac
	for path in "/fault/body/$body" /fault/status/401/posts \
	    /fault/status/500/posts /fault/garbage/posts /fault/cut/20/posts \
	    "/fault/redirect/302/$elsewhere/posts" "/paged?size=20" \
	    "/fault/body/$encoded" /fault/reset/posts; do
		runs "$auth, $path" "$api$path" "$@"
	done
	runs "$auth, no server" http://127.0.0.1:1/x "$@"
	is "$auth: these runs succeed or fail as without a secret" \
	    ' 0 77 75 76 75 75 0 76 75 75' "$codes"
done

# A token server that is wrong.
for path in /fault/status/400/token /fault/garbage/token /fault/reset/token; do
	runs "a token server, $path" "$api/posts" --auth oauth2 --token-url \
	    "$api$path" --client-id me --secret env:SECRET
done

# --each, a secret from a command, a proxy with a password.
echo '{"id":1}' >in
for path in /posts /fault/status/404/posts /fault/body/x; do
	status etl-extract --auth query:key --secret env:SECRET --retries 0 \
	    --rejects rejects --record-to recording \
	    --each "$api$path/{id}" --as post <in >code
	search "--each, $path"
done
status etl-extract --auth bearer --secret "cmd:printenv SECRET; exit 1" \
    "$api/posts" >code
search 'a secret command that fails'
status etl-extract --retries 0 --proxy "http://me:$encoded@127.0.0.1:1" \
    "$api/posts" >code
search '--proxy with a password'

# SQL: the password is in the URL.
for query in 'SELECT 1 AS id' 'SELEC' 'SELECT 1 / 0 AS id'; do
	for url in "postgresql://me:$encoded@127.0.0.1:1/x" \
	    "postgresql://127.0.0.1:1/x?user=me&password=$encoded" \
	    "${PGHOST:+postgresql:///postgres?password=$encoded}"; do
		[ -n "$url" ] || continue
		status etl-extract --retries 0 --backoff 1ms..2ms --stream s \
		    --rejects rejects --query "$query" "$url" >code
		search "SQL, $query, ${url##*1/}"
	done
done
done_testing
