#!/bin/sh
# replay gives the stage the very lines it saw; letters are closed by hand.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

python3 - >rejects <<'P'
import base64, hashlib, json
n = 0
def reject(ident, raw, stage="transform", pipeline="posts", times=1, **more):
    global n
    for i in range(times):
        n += 1
        r = {"@etl": "reject", "v": 1,
            "id": hashlib.sha256(ident.encode()).hexdigest(),
            "occurrence": "r/%s.abcd/%d" % (stage, n), "stage": stage,
            "code": "filter", "message": "m",
            "at": "2026-05-01T12:00:%02dZ" % n}
        if pipeline is not None:
            r["pipeline"] = pipeline
        try:
            r["raw"] = raw.decode()
        except UnicodeDecodeError:
            r["raw_base64"] = base64.b64encode(raw).decode()
        r.update(more)
        print(json.dumps(r))
reject("a", b'{ "id" : 1.0,  "b":"\\u00e9" }')
reject("b", b'{"id":2}', times=3)
reject("c", b'not json \xff\x00 at all')
reject("d", b'{"@etl":"end"}', code="reserved")
reject("e", b'{"id":5', code="too_long", bytes=99999, sha256="0" * 64)
reject("f", '{"id":6,"t":"\u2028\u202e"}'.encode())
P
printf '%s\n' '{ "id" : 1.0,  "b":"\u00e9" }' '{"id":2}' '{"id":2}' \
    '{"id":2}' >want
printf 'not json \377\000 at all\n{"id":6,"t":"\342\200\250\342\200\256"}\n' \
    >>want

records() {
	grep -av '^{"@etl"'
}

# No transaction or statement of etl-dlq's is under way.
nothing_held() {
	case $db in
	sqlite:*) [ "$(sqlite3 "${db#sqlite:}" \
	    'PRAGMA wal_checkpoint(TRUNCATE)')" = '0|0|0' ] ;;
	*) [ "$(sql "SELECT state FROM pg_stat_activity WHERE datname =
	    current_database() AND application_name = 'etl-dlq'")" = idle ] ;;
	esac
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: of nothing" 0 "$(status etl-dlq replay)"
	is "$kind: is an empty stream" 'begin end' \
	    "$(jq -r '."@etl"' out | tr '\n' ' ' | sed 's/ $//')"
	is "$kind: of nothing: silent" '' "$(cat err)"
	timeout 20 script -qec 'etl-dlq replay --stage typo >/dev/null' tty \
	    >/dev/null
	like "$kind: of nothing: told on a terminal" \
	    "^etl-dlq: replay: no open letter in $kind:.* matches" \
	    "$(grep -a etl-dlq: tty)"
	for verb in list stats; do
		is "$kind: $verb of nothing: silent" '' "$(etl-dlq $verb 2>&1)"
		timeout 20 script -qec "etl-dlq $verb" tty </dev/null >/dev/null
		like "$kind: $verb of nothing: told on a terminal" \
		    "^etl-dlq: $verb: no (open )?letter in $kind:.* matches" \
		    "$(grep -a etl-dlq: tty)"
	done
	etl-dlq put rejects >/dev/null
	# Numbers need not follow the order: by the second of their times.
	set --
	for second in 01 02 05 06 07; do
		set -- "$@" "$(etl-dlq list --json | jq "select(.created_at |
		    contains(\"12:00:$second\")) | .letter")"
	done
	is "$kind: replay" 0 "$(status etl-dlq replay)"
	records <out >lines
	ok "$kind: the very bytes, as often as they came" cmp want lines
	is "$kind: begins as a replay" '["begin",1,true,"posts","transform"]' \
	    "$(sed 1q out | jq -c '[."@etl", .v, .replay, .pipeline, .stage]')"
	is "$kind: ends with the count" \
	    '["end",{"stage":"replay","in":0,"out":6,"dropped":0,"rejected":0}]' \
	    "$(tail -n 1 out | jq -c '[."@etl", .stages[]]')"
	like "$kind: a mark is left out, and named" \
	    "warning: replay: letter $4 is left out: .*mark" "$(cat err)"
	like "$kind: so is a line that was cut" \
	    "warning: replay: letter $5 is left out: only the start" \
	    "$(cat err)"
	isnt "$kind: each replay has an id of its own" \
	    "$(etl-dlq replay 2>/dev/null | sed 1q | jq -r .id)" \
	    "$(etl-dlq replay 2>/dev/null | sed 1q | jq -r .id)"
	is "$kind: --once" 4 \
	    "$(etl-dlq replay --once 2>/dev/null | records | wc -l |
	    tr -d ' ')"
	is "$kind: --limit" 4 "$(etl-dlq replay --limit 2 2>/dev/null |
	    records | wc -l | tr -d ' ')"

	# Another stage, another pipeline: one at a time.
	sed 's/"transform"/"load"/; s/"id": "/"id": "1/; s/.abcd/.load/' \
	    rejects | head -n 1 | sed 's/\("id": ".\{64\}\)./\1/' >load
	sed 's/"posts"/"users"/; s/"id": "/"id": "ca/; s/.abcd/.user/' \
	    rejects | head -n 1 | sed 's/\("id": ".\{64\}\)../\1/' >users
	sed 's/"pipeline": "posts"/"x": 1/; s/"id": "/"id": "3/; s/.abcd/.none/' \
	    rejects | head -n 1 | sed 's/\("id": ".\{64\}\)./\1/' >none
	etl-dlq put load users none >put.out
	is "$kind: three more" '3 stored, 0 known before, 0 other lines' \
	    "$(cat put.out)"
	is "$kind: of several stages" 64 "$(status etl-dlq replay)"
	for choice in "'posts' --stage transform \(6\)" \
	    "'posts' --stage load \(1\)" "'users' --stage transform \(1\)" \
	    "'' --stage transform \(1\)"; do
		like "$kind: names the choice $choice" \
		    "select one pipeline and stage: .*--pipeline $choice" "$(cat err)"
	done
	is "$kind: writes nothing" '' "$(cat out)"
	is "$kind: one of them" '"load"' "$(etl-dlq replay --stage load |
	    sed 1q | jq -c .stage)"
	is "$kind: those of no pipeline" 'null 1' \
	    "$(etl-dlq replay --pipeline '' >out; sed 1q out |
	    jq -c .pipeline) $(records <out | wc -l | tr -d ' ')"

	# Closed by hand.
	is "$kind: resolve" 0 "$(status etl-dlq resolve "$1" "$2")"
	is "$kind: silently" '' "$(cat out err)"
	is "$kind: says so" 'resolved 3 3' "$(etl-dlq show --json "$2" |
	    jq -r '"\(.status) \(.attempts) \(.resolved_upto)"')"
	is "$kind: they are not replayed" 2 "$(etl-dlq replay --pipeline posts \
	    --stage transform 2>/dev/null | records | wc -l | tr -d ' ')"
	is "$kind: discard" 0 \
	    "$(status etl-dlq discard --reason 'test data' "$3")"
	is "$kind: with its reason" 'discarded test data' \
	    "$(etl-dlq show --json "$3" | jq -r '"\(.status) \(.reason)"')"
	is "$kind: the open ones are listed" 6 \
	    "$(etl-dlq list --json | wc -l | tr -d ' ')"
	is "$kind: the closed ones can be" '2 1' \
	    "$(etl-dlq list --json --status resolved | wc -l |
	    tr -d ' ') $(etl-dlq list --json --status discarded | wc -l |
	    tr -d ' ')"
	is "$kind: all or none" 1 "$(status etl-dlq resolve "$4" 99999999)"
	is "$kind: none" open "$(etl-dlq show --json "$4" | jq -r .status)"
	is "$kind: an id that several have" 64 "$(status etl-dlq resolve ca)"
	is "$kind: no id" 64 "$(status etl-dlq resolve)"
	is "$kind: a new time opens it again" 0 "$(sed -n 2p rejects |
	    sed 's/abcd/next/' >again; status etl-dlq put again)"
	is "$kind: with what is open of it" 'open 4 3 1' \
	    "$(etl-dlq show --json "$2" |
	    jq -r '"\(.status) \(.attempts) \(.resolved_upto)"') $(etl-dlq \
	    replay --pipeline posts --stage transform 2>/dev/null |
	    grep -c '"id":2')"
	is "$kind: a known one does not" '0 stored, 1 known before, 0 other lines' \
	    "$(etl-dlq resolve "$2"; etl-dlq put again)"
	is "$kind: so it stays closed" resolved \
	    "$(etl-dlq show --json "$2" | jq -r .status)"

	# A reader that takes its time keeps nobody waiting.
	awk 'BEGIN { for (i = 1; i <= 20000; i++) printf "{\"@etl\":" \
	    "\"reject\",\"v\":1,\"id\":\"%064d\",\"occurrence\":" \
	    "\"q/slow.cccc/%d\",\"stage\":\"slow\",\"code\":\"type\"," \
	    "\"message\":\"m\",\"raw\":\"{}\"," \
	    "\"at\":\"2026-11-20T08:00:00Z\"}\n", i, i }' >"slow.$kind"
	etl-dlq put "slow.$kind" >/dev/null
	mkfifo "slow.$kind.pipe"
	etl-dlq replay --stage slow >"slow.$kind.pipe" & slow=$!
	exec 9<"slow.$kind.pipe"
	IFS= read -r first <&9
	like "$kind: it has begun" '"begin"' "$first"
	is "$kind: others write" 0 "$(limit=5 status etl-dlq discard "$1")"
	ok "$kind: a slow reader holds nothing" wait_until 5 nothing_held
	is "$kind: it is still there" 0 "$(status kill -0 $slow)"
	is "$kind: and gives the rest" 20000 \
	    "$(cat <&9 | records | wc -l | tr -d ' ')"
	exec 9<&-
	rc=0
	wait $slow || rc=$?
	is "$kind: whole" 0 $rc

	# Asked to end, it does, though its reader goes on.
	for command in replay list export; do
		etl-dlq $command --stage slow >"slow.$kind.pipe" 2>err &
		slow=$!
		exec 9<"slow.$kind.pipe"
		IFS= read -r first <&9
		wait_until 5 nothing_held
		kill -TERM $slow
		n=$(cat <&9 | wc -l)
		exec 9<&-
		rc=0
		wait $slow || rc=$?
		is "$kind: $command: TERM" 143 $rc
		ok "$kind: $command: not all ($n)" test "$n" -lt 19999
		is "$kind: $command: silently" '' "$(cat err)"
	done
done
done_testing
