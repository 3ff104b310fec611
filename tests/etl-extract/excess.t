#!/bin/sh
# Bytes behind the end of an answer, on a connection that is kept open, are not
# taken for the answer to the next request.
. tests/support/lib.sh
cd "$scratch" || exit
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=me \
    -addext subjectAltName=IP:127.0.0.1 -keyout key -out cert 2>/dev/null
cd "$OLDPWD" || exit
/usr/bin/python3 tests/etl-extract/excess.py "$scratch" "$scratch/cert" \
    "$scratch/key" &
at_exit "kill $! 2>/dev/null"
wait_until 10 test -s "$scratch/ports"
read -r port tls_port <"$scratch/ports"

# records: writes a record for each page; the next one when the server has sent all
# that it sends for this page.
records() {
	rm -f "$scratch"/sent.*
	for i in 1 2 3; do
		echo "{\"i\":$i}"
		wait_until 10 test -e "$scratch/sent.$i" || return 0
	done
}

# check_modes LABEL URL [OPTION...]: reads the pages of all modes of the server.
check_modes() {
	label=$1 url=$2
	shift 2
	for mode in none same long late stray; do
		# --delay: the bytes come before the next request is sent.
		is "$label, $mode: all pages are read" 0 "$(status etl-extract \
		    "$@" --paginate page --into query:p --delay 300ms \
		    --retries 0 "$url/$mode")"
		is "$label, $mode: each record comes out once" '1 2 3' \
		    "$(jq .p "$scratch/out" | xargs)"
		for jobs in 1 2; do
			is "$label, $mode, --jobs $jobs: each record gets its own answer" \
			    '1:1 2:2 3:3' "$(records | etl-extract "$@" --as a \
			    --jobs $jobs --retries 0 --each "$url/$mode?p={i}" |
			    jq -r '"\(.i):\(.a[0].p)"' | xargs)"
		done
	done
}

check_modes TCP "http://127.0.0.1:$port"
check_modes TLS "https://127.0.0.1:$tls_port" --cacert "$scratch/cert"
check_modes 'Unix socket' http://localhost --unix-socket "$scratch/socket"
done_testing
