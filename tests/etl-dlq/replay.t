#!/bin/sh
# etl-dlq replay sends the bytes that the stage rejected; resolve and discard
# close letters.
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

# nothing_held: etl-dlq has no open transaction and no statement in progress.
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
	is "$kind: replay without letters exits with 0" 0 \
	    "$(status etl-dlq replay)"
	is "$kind: replay without letters writes an empty stream" 'begin end' \
	    "$(jq -r '."@etl"' out | tr '\n' ' ' | sed 's/ $//')"
	like "$kind: replay without letters says that no letter matches" \
	    "^etl-dlq: replay: no open letter in $kind:.* matches" "$(cat err)"
	etl-dlq replay --run 7 >/dev/null 2>err
	is "$kind: replay of a run without letters says so in one line" '1 1' \
	    "$(grep -c 'no open letter' err) $(wc -l <err)"
	for verb in list stats; do
		is "$kind: $verb without letters prints no message" '' \
		    "$(etl-dlq $verb 2>&1)"
		timeout 20 script -qec "etl-dlq $verb" tty </dev/null >/dev/null
		like "$kind: $verb on a terminal says that no letter matches" \
		    "^etl-dlq: $verb: no (open )?letter in $kind:.* matches" \
		    "$(grep -a etl-dlq: tty)"
	done
	etl-dlq put rejects >/dev/null
	# The numbers of letters need not follow the order of the file, so find
	# each letter by the second of its time.
	set --
	for second in 01 02 05 06 07; do
		set -- "$@" "$(etl-dlq list --json | jq "select(.created_at |
		    contains(\"12:00:$second\")) | .letter")"
	done
	is "$kind: replay exits with 0" 0 "$(status etl-dlq replay)"
	records <out >lines
	ok "$kind: replay writes each record's bytes once per occurrence" \
	    cmp want lines
	is "$kind: the begin mark names replay, pipeline and stage" \
	    '["begin",1,true,"posts","transform"]' \
	    "$(sed 1q out | jq -c '[."@etl", .v, .replay, .pipeline, .stage]')"
	is "$kind: the end mark counts the replayed records" \
	    '["end",{"stage":"replay","in":0,"out":6,"dropped":0,"rejected":0}]' \
	    "$(tail -n 1 out | jq -c '[."@etl", .stages[]]')"
	like "$kind: a warning names the left-out letter that is a mark" \
	    "warning: replay: letter $4 is left out: .*mark" "$(cat err)"
	like "$kind: a warning names the left-out letter that was cut" \
	    "warning: replay: letter $5 is left out: only the start" \
	    "$(cat err)"
	isnt "$kind: each replay has an id of its own" \
	    "$(etl-dlq replay 2>/dev/null | sed 1q | jq -r .id)" \
	    "$(etl-dlq replay 2>/dev/null | sed 1q | jq -r .id)"
	is "$kind: replay --once sends each letter once" 4 \
	    "$(etl-dlq replay --once 2>/dev/null | records | wc -l |
	    tr -d ' ')"
	is "$kind: replay --limit 2 sends the records of two letters" 4 \
	    "$(etl-dlq replay --limit 2 2>/dev/null |
	    records | wc -l | tr -d ' ')"

	# A replay sends the letters of one stage of one pipeline.
	sed 's/"transform"/"load"/; s/"id": "/"id": "1/; s/.abcd/.load/' \
	    rejects | head -n 1 | sed 's/\("id": ".\{64\}\)./\1/' >load
	sed 's/"posts"/"users"/; s/"id": "/"id": "ca/; s/.abcd/.user/' \
	    rejects | head -n 1 | sed 's/\("id": ".\{64\}\)../\1/' >users
	sed 's/"pipeline": "posts"/"x": 1/; s/"id": "/"id": "3/; s/.abcd/.none/' \
	    rejects | head -n 1 | sed 's/\("id": ".\{64\}\)./\1/' >none
	etl-dlq put load users none >put.out
	is "$kind: put stores letters of other stages and pipelines" \
	    '3 stored, 0 known before, 0 other lines' \
	    "$(cat put.out)"
	is "$kind: replay of several stages exits with 64" 64 \
	    "$(status etl-dlq replay)"
	for choice in "posts --stage transform \(6\)" \
	    "posts --stage load \(1\)" "users --stage transform \(1\)" \
	    "'' --stage transform \(1\)"; do
		like "$kind: the message offers the choice $choice" \
		    "select one of these: .*--pipeline $choice" "$(cat err)"
	done
	is "$kind: replay of several stages writes nothing" '' "$(cat out)"
	is "$kind: replay --stage sends the letters of that stage" '"load"' \
	    "$(etl-dlq replay --stage load |
	    sed 1q | jq -c .stage)"
	is "$kind: replay --pipeline '' sends letters without a pipeline" \
	    'null 1' \
	    "$(etl-dlq replay --pipeline '' >out; sed 1q out |
	    jq -c .pipeline) $(records <out | wc -l | tr -d ' ')"

	# resolve and discard close letters.
	is "$kind: resolve exits with 0" 0 "$(status etl-dlq resolve "$1" "$2")"
	is "$kind: resolve prints nothing" '' "$(cat out err)"
	is "$kind: show says that the letter is resolved" 'resolved 3 3' \
	    "$(etl-dlq show --json "$2" |
	    jq -r '"\(.status) \(.attempts) \(.resolved_upto)"')"
	is "$kind: replay does not send resolved letters" 2 \
	    "$(etl-dlq replay --pipeline posts \
	    --stage transform 2>/dev/null | records | wc -l | tr -d ' ')"
	is "$kind: discard exits with 0" 0 \
	    "$(status etl-dlq discard --reason 'test data' "$3")"
	is "$kind: show says that the letter is discarded, and why" \
	    'discarded test data' \
	    "$(etl-dlq show --json "$3" | jq -r '"\(.status) \(.reason)"')"
	is "$kind: list without --status lists the open letters" 6 \
	    "$(etl-dlq list --json | wc -l | tr -d ' ')"
	is "$kind: list --status lists resolved or discarded letters" '2 1' \
	    "$(etl-dlq list --json --status resolved | wc -l |
	    tr -d ' ') $(etl-dlq list --json --status discarded | wc -l |
	    tr -d ' ')"
	is "$kind: resolve with an unknown ID exits with 1" 1 \
	    "$(status etl-dlq resolve "$4" 99999999)"
	is "$kind: resolve with an unknown ID resolves no letter" open \
	    "$(etl-dlq show --json "$4" | jq -r .status)"
	is "$kind: resolve with an ambiguous ID exits with 64" 64 \
	    "$(status etl-dlq resolve ca)"
	is "$kind: resolve without an ID exits with 64" 64 \
	    "$(status etl-dlq resolve)"
	is "$kind: put of a new occurrence of a closed letter exits with 0" 0 \
	    "$(sed -n 2p rejects |
	    sed 's/abcd/next/' >again; status etl-dlq put again)"
	is "$kind: the letter is open again, with one record to replay" \
	    'open 4 3 1' \
	    "$(etl-dlq show --json "$2" |
	    jq -r '"\(.status) \(.attempts) \(.resolved_upto)"') $(etl-dlq \
	    replay --pipeline posts --stage transform 2>/dev/null |
	    grep -c '"id":2')"
	is "$kind: put does not store a known occurrence again" \
	    '0 stored, 1 known before, 0 other lines' \
	    "$(etl-dlq resolve "$2"; etl-dlq put again)"
	is "$kind: a known occurrence does not open its letter" resolved \
	    "$(etl-dlq show --json "$2" | jq -r .status)"

	# A replay to a slow reader does not block other commands.
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
	like "$kind: replay writes its begin mark to a slow reader" '"begin"' \
	    "$first"
	is "$kind: another command can write while replay waits" 0 \
	    "$(status etl-dlq discard "$1")"
	ok "$kind: replay holds no transaction while its reader waits" \
	    wait_until 30 nothing_held
	is "$kind: the waiting replay is still running" 0 \
	    "$(status kill -0 $slow)"
	is "$kind: replay writes the rest when its reader goes on" 20000 \
	    "$(cat <&9 | records | wc -l | tr -d ' ')"
	exec 9<&-
	rc=0
	{ wait $slow || rc=$?; } 2>/dev/null
	is "$kind: replay to a slow reader exits with 0" 0 $rc

	# SIGTERM ends a command whose reader goes on reading.
	for command in replay list export; do
		etl-dlq $command --stage slow >"slow.$kind.pipe" 2>err &
		slow=$!
		exec 9<"slow.$kind.pipe"
		IFS= read -r first <&9
		wait_until 30 nothing_held
		kill -TERM $slow
		n=$(cat <&9 | wc -l)
		exec 9<&-
		rc=0
		{ wait $slow || rc=$?; } 2>/dev/null
		is "$kind: SIGTERM ends $command with 143" 143 $rc
		ok "$kind: $command stops before its end ($n lines)" \
		    test "$n" -lt 19999
		is "$kind: $command prints no message on SIGTERM" '' \
		    "$(cat err)"
	done
done
done_testing
