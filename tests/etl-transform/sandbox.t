#!/bin/sh
# The process that runs the filter: what it can see and do.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh
cd "$scratch"

children() {
	cat "/proc/$1/task/$1/children" 2>/dev/null
}
# start OPTION...: starts etl-transform with a record; $keeper and $worker are
# its processes when the record has come out.
start() {
	rm -f to from
	mkfifo to from
	PASSWORD=horse etl-transform "$@" . <to >from &
	pid=$!
	at_exit "kill -9 $pid 2>/dev/null"
	exec 7>to 8<from
	echo '{"a":1}' >&7
	timeout 10 head -n 1 <&8 >out
	keeper=$(children $pid | tr -d ' ')
	worker=$(children "$keeper" | tr -d ' ')
}
stop() {
	exec 7>&- 8<&-
	wait $pid
}
# field NAME: prints a field of the status of the worker.
field() {
	sed -n "s/^$1:[[:blank:]]*//p" "/proc/$worker/status"
}

is '--version exits with 0' 0 "$(status etl-transform --version)"
like '--version says how the process of the filter is protected' \
    '^protection of the filter: no_new_privs (yes|no), seccomp (yes|no), Landlock (yes|no)$' \
    "$(sed -n 2p out)"
protection=$(sed -n 's/.*: //p' out)
start
is 'a record passes the protected process' '{"a":1}' "$(cat out)"
is 'no environment is left in the memory of the keeper' '' \
    "$(tr -d '\0' <"/proc/$keeper/environ")"
is 'no environment is left in the memory of the worker' '' \
    "$(tr -d '\0' <"/proc/$worker/environ")"
is 'the worker cannot get new privileges' 1 "$(field NoNewPrivs)"
case $protection in
*seccomp\ yes*) mode=2 ;;
*) mode=$(sed -n 's/^Seccomp:[[:blank:]]*//p' /proc/self/status) ;;
esac
is 'the worker has a seccomp filter, if --version says so' "$mode" \
    "$(field Seccomp)"
is 'the worker has standard error and its two pipes open, and no other file' \
    3 "$(find "/proc/$worker/fd" -type l -exec readlink {} + |
    grep -vc '^/dev/null$')"
stop
start --allow env
is 'with --allow env the worker has the environment' horse \
    "$(tr '\0' '\n' <"/proc/$worker/environ" | sed -n 's/^PASSWORD=//p')"
stop

# What a filter does with the help of the C library works.
echo '{"a":1425599621}' >in
is 'sorting, times, regular expressions and numbers work' \
    '[99999,"2015-03-05T23:53:41Z",1425599507,"March",true,"number"]' \
    "$(etl-transform -- '{b: [([range(100000)] | sort_by(-.) | .[0]),
    (.a | todate), ("2015-03-05T23:51:47Z" | strptime("%Y-%m-%dT%H:%M:%SZ") |
    mktime), (.a | strftime("%B")), ("x" | test("X"; "i")),
    (now | localtime | mktime | type)]}' in | jq -c .b)"
is 'the local time zone is that of TZ' '"00:53 CET"' \
    "$(TZ=Europe/Berlin etl-transform --allow env \
    '{b: (.a | strflocaltime("%H:%M %Z"))}' in | jq -c .b)"
if unshare -m true 2>/dev/null; then
	is 'without a local time zone it is UTC' '"23:53 UTC"' \
	    "$(unshare -m sh -c 'mount -t tmpfs none /etc && etl-transform \
	    "{b: (.a | strflocaltime(\"%H:%M %Z\"))}" in' | jq -c .b)"
fi
done_testing
