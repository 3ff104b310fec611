#!/bin/sh
# stats, export, erase, purge, and what all selections take.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

# Six letters of two causes and two stages, b three times, one cut, one odd.
python3 - >rejects <<'P'
import base64, hashlib, json
n = 0
def reject(ident, raw, message, stage="transform", pipeline="posts", times=1,
           code="filter", **more):
    global n
    for i in range(times):
        n += 1
        r = {"@etl": "reject", "v": 1,
            "id": hashlib.sha256(ident.encode()).hexdigest(),
            "occurrence": "%s/%s.abcd/%d" % ("run%d" % i, stage, n),
            "stage": stage, "code": code, "message": message,
            "at": "2026-05-01T12:00:%02d.%06dZ" % (n, n)}
        if pipeline is not None:
            r["pipeline"] = pipeline
            r["run"] = "run%d" % i
        r.update(more)
        try:
            r["raw"] = raw.decode()
        except UnicodeDecodeError:
            r["raw_base64"] = base64.b64encode(raw).decode()
        print(json.dumps(r, separators=(",", ":"), ensure_ascii=False))
reject("a", b'{"id":1}', "title 'ab' has 2 characters", pointer="/title")
reject("b", b'{"id":2}', "title 'secret' has 117 characters", times=3,
    pointer="/title/0", origin={"kind": "file", "uri": "secret.csv"})
reject("c", b'not json \xff\x00\x1b at all', "no JSON", code="parse")
reject("d", b'{"id":4', "too long", code="too_long", bytes=99999,
    sha256="0" * 64)
reject("e", b'{"id":5}', "title 'x' has 1 characters", stage="load",
    pipeline=None, pointer="/titles", retryable=True, sqlstate="23505",
    http_status=503)
reject("f", b'1,"two\nlines"', "odd", code="csv")
P

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: stats of nothing" '0 ' \
	    "$(status etl-dlq stats) $(cat out err)"
	etl-dlq put rejects >/dev/null
	number() { etl-dlq list --json --status any --like "$1" | jq .letter; }
	b=$(number '"id":2')
	etl-dlq resolve "$(number '"id":1')"

	is "$kind: stats" 0 "$(status etl-dlq stats)"
	is "$kind: by cause, with an example" "LETTERS   TIMES    OPEN  CAUSE
      2       4       1  transform filter: title 'ab' has 2 characters (letter $(number '"id":1'): {\"id\":1})
      1       1       1  transform parse: no JSON (letter $(number 'no JSON'): not json \\xff\\u0000\\u001b at all)
      1       1       1  transform too_long: too long (letter $(number 'too long'): {\"id\":4)
      1       1       1  load filter: title 'x' has 1 characters (letter $(number '"id":5'): {\"id\":5})
      1       1       1  transform csv: odd (letter $(number odd): 1,\"two\\nlines\")" \
	    "$(cat out)"
	is "$kind: stats --json" '["transform","filter",2,4,1,"{\"id\":1}"]' \
	    "$(etl-dlq stats --json --limit 1 |
	    jq -c '[.stage, .code, .letters, .occurrences, .open, .raw]')"
	is "$kind: stats of the open ones" '1 3' "$(etl-dlq stats --json \
	    --status open --code filter --stage transform |
	    jq -r '"\(.letters) \(.occurrences)"')"

	n() { etl-dlq list --json --status any "$@" | wc -l | tr -d ' '; }
	is "$kind: --pointer, the field or in it" '2 1 1 0' \
	    "$(n --pointer /title) $(n --pointer /title/0) $(n \
	    --pointer /titles) $(n --pointer /tit)"
	is "$kind: --like, message or line" '1 1 3 0' \
	    "$(n --like secret) $(n --like '"id":5') $(n --like title) $(n \
	    --like 'title%')"
	is "$kind: all at once" 1 "$(n --stage transform --code filter \
	    --pipeline posts --run run2 --since 2026-05-01T12:00:04Z \
	    --until 2026-05-01T12:00:05Z --pointer /title --like 117)"
	is "$kind: show has each time" '["run0/transform.abcd/2","run1/transform.abcd/3","run2/transform.abcd/4"]' \
	    "$(etl-dlq show --json "$b" | jq -c '[.occurrences[].occurrence]')"
	is "$kind: as text too" 3 "$(etl-dlq show "$b" | grep -c '^seen  *2026')"

	# Out and in again: the same lines, the same bytes.
	is "$kind: export" 0 "$(status etl-dlq export --status any)"
	ok "$kind: gives all that was put" python3 - <<'P'
import json
want = [json.loads(l) for l in open("rejects")]
got = [json.loads(l) for l in open("out", newline="\n")]
assert want == got, [x for x in zip(want, got) if x[0] != x[1]]
P
	mv out first
	there=$db
	db_new $kind
	is "$kind: put elsewhere" '8 stored, 0 known before, 0 other lines' \
	    "$(etl-dlq put --db "$db" first)"
	is "$kind: and out again" 0 \
	    "$(status etl-dlq export --db "$db" --status any)"
	ok "$kind: is the same, byte for byte" cmp first out
	db=$there
	is "$kind: an export can be chosen" '3 3' "$(etl-dlq export --like \
	    secret | wc -l | tr -d ' ') $(etl-dlq export --limit 1 | wc -l |
	    tr -d ' ')"
	is "$kind: nothing in it moves a terminal" 0 \
	    "$(grep -acP '[\x00-\x09\x0b-\x1f\x7f]' first || :)"

	# What cannot be replayed is named; what came too often is left alone.
	etl-dlq replay --pipeline posts --stage transform >out 2>err
	is "$kind: left out: what was cut, what has two lines" "$(number \
	    'too long') $(number odd)" "$(sed -n \
	    's/.*letter \([0-9]*\) is left out: .*/\1/p' err | tr '\n' ' ' |
	    sed 's/ $//')"
	like "$kind: why" 'more than one line: see etl-dlq show --raw' \
	    "$(cat err)"
	like "$kind: and counted" 'replay: 2 letters were left out' "$(cat err)"
	is "$kind: its bytes" '1,"two
lines"' "$(etl-dlq show --raw "$(number odd)")"
	is "$kind: --max-attempts" 0 "$(status etl-dlq replay --stage \
	    transform --max-attempts 3 --like id)"
	is "$kind: leaves alone" 0 "$(grep -c '"id":2' out || :)"
	like "$kind: and says so" 'replay: 1 letter is left out: rejected 3 times or more' \
	    "$(cat err)"
	is "$kind: one more is taken" 3 "$(etl-dlq replay --stage transform \
	    --max-attempts 4 --like '"id":2' | grep -c '"id":2')"

	# Letters by their ids.
	etl-dlq list --json --stage transform --pipeline posts |
	    jq -r 'select(.attempts > 0) | .letter' >ids
	first=$(sed -n 1p ids)
	name=$(etl-dlq show --json "$first" | jq -r .id | cut -c1-16)
	is "$kind: replay ID sends only this letter" "1 $name" \
	    "$(etl-dlq replay "$first" | jq -r 'select(.["@etl"] == "resolve")
	    .id[:16]' | sort | uniq -c | awk '{ print $1, $2 }')"
	is "$kind: an ID may be the start of the reject's id" 1 \
	    "$(etl-dlq replay "$name" | grep -c '"@etl":"resolve"')"
	is "$kind: an ID that is given twice counts once" 1 \
	    "$(etl-dlq replay "$first" "$name" | grep -c '"@etl":"resolve"')"
	is "$kind: replay of an unknown ID" 1 \
	    "$(status etl-dlq replay "$first" 9999999)"
	is "$kind: replay of an unknown ID writes nothing" '' "$(cat out)"
	etl-dlq replay 9999999 2>/dev/null | etl-transform . 2>err || :
	like "$kind: the next program learns that the replay failed" \
	    '^etl-transform: replay: 9999999: no such dead letter' "$(cat err)"
	etl-dlq list --json --status open | jq -r .letter >ids
	# shellcheck disable=SC2046 # the IDs are digits
	is "$kind: replay of IDs of several stages" 64 \
	    "$(status etl-dlq replay $(cat ids))"
	like "$kind: replay of IDs of several stages: the message" \
	    'give only IDs of one pipeline and stage; these are of' "$(cat err)"
	is "$kind: a mistyped code matches no letter" '0 0' \
	    "$(status etl-dlq list --code filtr) $(wc -l <out | tr -d ' ')"
	is "$kind: the message names the nearest code" \
	    'etl-dlq: warning: list: no letter has the code filtr; did you mean filter?' \
	    "$(cat err)"
	is "$kind: a mistyped stage: the message names the nearest stage" \
	    'etl-dlq: warning: stats: no letter has the stage trnsform; did you mean transform?' \
	    "$(etl-dlq stats --stage trnsform 2>&1)"
	is "$kind: a code that another status has is not mistyped" '' \
	    "$(etl-dlq list --code filter --status discarded --since 1h 2>&1 |
	    grep mean)"
	is "$kind: a mistyped status is a usage error" 64 \
	    "$(status etl-dlq list --status opne)"
	like "$kind: the message names the nearest status" \
	    '^etl-dlq: --status opne: it must be open, resolved, discarded or any; did you mean open\?$' \
	    "$(cat err)"
	is "$kind: replay of a closed letter" 1 "$(etl-dlq resolve "$first"
	    status etl-dlq replay "$first")"
	like "$kind: replay of a closed letter: the message" \
	    "^etl-dlq: $first: this letter is not open: .*resolve or discard" \
	    "$(cat err)"
	is "$kind: replay of an ID and a selection" 64 \
	    "$(status etl-dlq replay "$first" --stage transform)"
	like "$kind: replay of an ID and a selection: the message" \
	    'replay: give IDs or --stage, not both' "$(cat err)"
	sql "UPDATE dead_letters SET status = 'open', resolved_upto = 0,
	    resolved_at = NULL, resolved_by_run = NULL WHERE id = $first" \
	    >/dev/null

	# Erased: the bytes are nowhere any more.
	is "$kind: erase, all or none" 1 "$(status etl-dlq erase "$b" 9999999)"
	is "$kind: none" 3 "$(etl-dlq export --like secret | wc -l | tr -d ' ')"
	is "$kind: erase" 0 "$(status etl-dlq erase "$b")"
	is "$kind: the counts stay" 'open 3 0 null null null' \
	    "$(etl-dlq show --json "$b" | jq -r '"\(.status) \(.attempts) \(.resolved_upto) \(.raw) \(.message) \(.origin)"')"
	like "$kind: says when" '^erased_at  *20' "$(etl-dlq show "$b")"
	like "$kind: so does list" '\(erased\)' "$(etl-dlq list)"
	is "$kind: the start of a line" '0 {"id":4' "$(status etl-dlq show \
	    --raw "$(number 'too long')") $(cat out)"
	like "$kind: the start of a line: is told" \
	    'only the first 7 of its 99999 bytes were kept$' "$(cat err)"
	is "$kind: no bytes" 1 "$(status etl-dlq show --raw "$b")"
	etl-dlq export >out 2>err
	is "$kind: no export" '0 1' "$(grep -c secret out || :) $(grep -c \
	    'left out: its bytes were erased' err)"
	etl-dlq replay --pipeline posts --stage transform >out 2>err
	is "$kind: no replay" '0 1' "$(grep -c '"id":2' out || :) $(grep -c \
	    'left out: its bytes were erased' err)"
	case $kind in
	sqlite)
		is "$kind: no trace in the file" 0 \
		    "$(cat "${db#sqlite:}"* | grep -ac secret || :)" ;;
	esac
	is "$kind: known occurrences do not bring it back" null \
	    "$(etl-dlq put rejects >/dev/null; etl-dlq show --json "$b" |
	    jq -c .raw)"
	is "$kind: a new one does" '{"id":2} null 4' "$(sed -n \
	    's/run2.transform/run3.transform/p' rejects | sed 's/run3\./run3\//' |
	    etl-dlq put >/dev/null; etl-dlq show --json "$b" |
	    jq -r '"\(.raw) \(.erased_at) \(.attempts)"')"

	# Purged: the closed ones that are old enough.
	is "$kind: purge wants an age" 64 "$(status etl-dlq purge)"
	is "$kind: none is old enough" '0 purged' \
	    "$(etl-dlq purge --older-than 1d)"
	etl-dlq discard "$(number '"id":5')"
	sleep 0.01
	is "$kind: purge of what is closed" '1 purged' \
	    "$(etl-dlq purge --older-than 1ms --status resolved)"
	is "$kind: of all of it, now" '1 purged' \
	    "$(etl-dlq purge --older-than 0s)"
	is "$kind: not what is open" '4 0' \
	    "$(n) $(etl-dlq purge --older-than 1d | cut -d' ' -f1)"
	is "$kind: with --open, last seen so long ago" '1 purged' \
	    "$(etl-dlq purge --older-than 1d --open --code parse)"
	is "$kind: its occurrences too" "$(sql 'SELECT sum(attempts) FROM dead_letters')" \
	    "$(sql 'SELECT count(*) FROM dead_letter_attempts')"
done

# Purged while others wait for it: then there is nothing of the name.
waiting() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE
	    datname = current_database() AND wait_event_type = 'Lock'")" -ge 3 ]
}
id=$(sql 'SELECT min(id) FROM dead_letters')
mkfifo other
psql -XAtq -d "$db" <other >purged & purge=$!
exec 4>other
echo "BEGIN; DELETE FROM dead_letters; SELECT 'gone';" >&4
wait_until 20 grep -q gone purged
etl-dlq resolve "$id" 2>resolve.err 4>&- & resolve=$!
etl-dlq discard "$id" 2>discard.err 4>&- & discard=$!
etl-dlq erase "$id" 2>erase.err 4>&- & erase=$!
ok 'three wait for a letter' wait_until 20 waiting
echo 'COMMIT;' >&4
exec 4>&-
wait $purge
for pid in $resolve $discard $erase; do
	rc=0
	wait "$pid" || rc=$?
	is 'which is purged: 1' 1 $rc
done
is 'and named' 3 "$(cat resolve.err discard.err erase.err |
    grep -c "^etl-dlq: $id: this dead letter was deleted from ")"
# A purge that is asked to end says how far it has come.
locked() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE
	    datname = current_database() AND wait_event_type = 'Lock'")" -ge 1 ]
}
psql -XAtq -d "$db" <other >locked & lock=$!
exec 4>other
echo "BEGIN; LOCK TABLE dead_letters; SELECT 'locked';" >&4
wait_until 20 grep -q locked locked
etl-dlq purge --older-than 0s 2>purge.err 4>&- & purge=$!
wait_until 20 locked
kill -TERM $purge
rc=0; wait $purge || rc=$?
exec 4>&-
wait $lock
is 'asked to end' '143 etl-dlq: purge: stopped by a signal after 0 were purged' \
    "$rc $(cat purge.err)"
zeros=$(printf '%072d' 0)
printf '{"@etl":"reject","v":1,"id":"a","occurrence":"a/b.c/1","stage":"s","code":"c","message":"long","raw":"{\\"id\\":%sé }","at":"2026-05-01T12:00:00Z"}\n' \
    "1$zeros" >long
# Stages and codes as long as may be, which only their ends tell apart.
name=$(printf '%0127d' 0 | sed 's/0/é/g')
for i in 1 2; do
	printf '{"@etl":"reject","v":1,"id":"%s","occurrence":"a/c.d/%s","stage":"%s","code":"%s","message":"","raw":""}\n' \
	    $i $i "x$name$i" "$name$i"
done >names
for kind in sqlite postgresql; do
	db_new $kind
	etl-dlq put --db "$db" long >/dev/null
	is "$kind: how a long line begins" "  c: long (letter 1: {\"id\":1$zeros...)" \
	    "$(etl-dlq stats --db "$db" | sed -n 's/.* s / /;2s/^ /  /p')"
	etl-dlq put --db "$db" names >/dev/null
	is "$kind: long names in full" "x${name}1 ${name}1
x${name}2 ${name}2" "$(etl-dlq stats --db "$db" --json | jq -r '
	    select(.stage != "s") | "\(.stage) \(.code)"' | sort)"
done
# --run: the number of a row, else how one uuid begins, which may be digits.
letter() {
	printf '{"@etl":"reject","v":1,"id":"%064d","occurrence":"%s/load.1/%d",' \
	    "$1" "$2" "$1"
	echo '"stage":"load","code":"type","message":"m","raw":"x"}'
}
{
	letter 1 12345678-0b
	letter 2 12345678-0b
	letter 3 12999999-0c
} >three
for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	etl-dlq put three >/dev/null
	of_run() { etl-dlq list --json --run "$1" | wc -l | tr -d ' '; }
	is "$kind: --run, digits that begin a uuid" '2 1 0' \
	    "$(of_run 123) $(of_run 129) $(of_run 13)"
	is "$kind: that begin two" 64 "$(status etl-dlq purge --run 1 \
	    --older-than 0d)"
	like "$kind: is told" '^etl-dlq: --run 1: the uuids of several runs start with this: give' \
	    "$(cat err)"
	sql "INSERT INTO pipeline_runs (run, pipeline, status, started_at,
	    renewed_at) VALUES ('cafe', 'p', 'failed', '2026-05-01',
	    '2026-05-01')" >/dev/null
	is "$kind: that are a row's number" 0 "$(of_run 1)"
	sql 'UPDATE dead_letter_attempts SET pipeline_run_id = 1
	    WHERE dead_letter_id = 3' >/dev/null
	is "$kind: its letters" 1 "$(of_run 1)"
done
unset DATABASE_URL
mkdir empty
for command in list 'show 1' stats export 'resolve 1' 'discard 1' 'erase 1' \
    'purge --older-than 1d' replay; do
	# shellcheck disable=SC2086
	is "no such file: $command" 66 \
	    "$(status etl-dlq $command --db sqlite:empty/none/x.db)"
	like 'is told' 'etl-dlq: sqlite:empty/none/x.db: no such file.*--db' \
	    "$(cat err)"
	# shellcheck disable=SC2086
	is "nor by the environment: $command" 66 \
	    "$(DATABASE_URL=sqlite:none.db status etl-dlq $command)"
	case $command in
	*' 1') none=1 ;;
	*) none=0 ;;
	esac
	# shellcheck disable=SC2086
	is "the default, without a file: $command" $none \
	    "$(cd empty && status etl-dlq $command)"
done
is 'a letter of it' 1 "$(cd empty && status etl-dlq show 1)"
like 'is told' '^etl-dlq: 1: no such dead letter in sqlite:etl\.db$' "$(cat err)"
is 'a replay of it' 2 "$(cd empty && etl-dlq replay | wc -l | tr -d ' ')"
is 'nothing was made' '' "$(ls empty; ls none.db 2>/dev/null || :)"
is 'put makes it' 0 "$(cd empty && status etl-dlq put ../rejects)"
isnt 'and it can be read' '' "$(cd empty && etl-dlq list)"
for command in 'list --limit' 'export --limit' 'replay --max-attempts'; do
	# shellcheck disable=SC2086
	is "$command 0, which is not all" 64 "$(status etl-dlq $command 0)"
	like 'is told' '^etl-dlq: --[a-z-]+ 0: wants a number from 1$' "$(cat err)"
done
is '--status of replay' 64 "$(status etl-dlq replay --status any)"
is '--older-than of list' 64 "$(status etl-dlq list --older-than 1d)"
is '--since of no time' 64 "$(status etl-dlq list --since yesterday)"
like 'names the option' '^etl-dlq: --since yesterday: wants a time' \
    "$(head -n 1 "$scratch/err")"
is '--bad of list' 64 "$(status etl-dlq list --bad x)"
is '--max-attempts of list' 64 "$(status etl-dlq list --max-attempts 1)"
is '--max-record of list' 64 "$(status etl-dlq list --max-record 1MiB)"
is 'a password in an argument' 75 \
    "$(status etl-dlq list --db postgresql://u:geheim@127.0.0.1:1/x)"
like 'is warned of' 'etl-dlq: warning: --db: .*DATABASE_URL' "$(cat err)"
unlike 'and not shown' geheim "$(cat err)"
done_testing
