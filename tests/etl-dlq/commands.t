#!/bin/sh
# etl-dlq stats, export, erase and purge, and the options that select letters.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

# Six letters: a and b have one cause, b occurs three times, d was cut, and f
# has two lines.
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
	is "$kind: stats of an empty database exits with 0 and is silent" '0 ' \
	    "$(status etl-dlq stats) $(cat out err)"
	etl-dlq put rejects >/dev/null
	number() { etl-dlq list --json --status any --like "$1" | jq .letter; }
	b=$(number '"id":2')
	etl-dlq resolve "$(number '"id":1')"

	is "$kind: stats exits with 0" 0 "$(status etl-dlq stats)"
	is "$kind: stats counts letters by cause, with an example of each" \
	    "LETTERS   TIMES    OPEN  CAUSE
      2       4       1  transform filter: title 'ab' has 2 characters (letter $(number '"id":1'): {\"id\":1})
      1       1       1  transform parse: no JSON (letter $(number 'no JSON'): not json \\xff\\u0000\\u001b at all)
      1       1       1  transform too_long: too long (letter $(number 'too long'): {\"id\":4)
      1       1       1  load filter: title 'x' has 1 characters (letter $(number '"id":5'): {\"id\":5})
      1       1       1  transform csv: odd (letter $(number odd): 1,\"two\\nlines\")" \
	    "$(cat out)"
	is "$kind: stats --json has the stage, code, counts and an example" \
	    '["transform","filter",2,4,1,"{\"id\":1}"]' \
	    "$(etl-dlq stats --json --limit 1 |
	    jq -c '[.stage, .code, .letters, .occurrences, .open, .raw]')"
	is "$kind: stats counts only the letters that are selected" '1 3' \
	    "$(etl-dlq stats --json \
	    --status open --code filter --stage transform |
	    jq -r '"\(.letters) \(.occurrences)"')"

	count() { etl-dlq list --json --status any "$@" | wc -l | tr -d ' '; }
	is "$kind: --pointer selects a field and the fields inside it" \
	    '2 1 1 0' \
	    "$(count --pointer /title) $(count --pointer /title/0) $(count \
	    --pointer /titles) $(count --pointer /tit)"
	is "$kind: --like searches the message and the record" '1 1 3 0' \
	    "$(count --like secret) $(count --like '"id":5') $(count \
	    --like title) $(count --like 'title%')"
	is "$kind: all selecting options together select one letter" 1 \
	    "$(count --stage transform --code filter \
	    --pipeline posts --run run2 --since 2026-05-01T12:00:04Z \
	    --until 2026-05-01T12:00:05Z --pointer /title --like 117)"
	is "$kind: show --json lists every occurrence" \
	    '["run0/transform.abcd/2","run1/transform.abcd/3","run2/transform.abcd/4"]' \
	    "$(etl-dlq show --json "$b" | jq -c '[.occurrences[].occurrence]')"
	is "$kind: show prints a line for each occurrence" 3 \
	    "$(etl-dlq show "$b" | grep -c '^seen  *2026')"

	# Letters that are exported, stored in another database and exported
	# again keep their bytes.
	is "$kind: export exits with 0" 0 \
	    "$(status etl-dlq export --status any)"
	ok "$kind: export writes every reject line that was stored" \
	    python3 - <<'P'
import json
want = [json.loads(l) for l in open("rejects")]
got = [json.loads(l) for l in open("out", newline="\n")]
assert want == got, [x for x in zip(want, got) if x[0] != x[1]]
P
	mv out first
	there=$db
	db_new $kind
	is "$kind: another database stores all exported lines" \
	    '8 stored, 0 known before, 0 other lines' \
	    "$(etl-dlq put --db "$db" first)"
	is "$kind: export from the other database exits with 0" 0 \
	    "$(status etl-dlq export --db "$db" --status any)"
	ok "$kind: both exports are the same, byte for byte" cmp first out
	db=$there
	is "$kind: --like and --limit select the letters of an export" '3 3' \
	    "$(etl-dlq export --like \
	    secret | wc -l | tr -d ' ') $(etl-dlq export --limit 1 | wc -l |
	    tr -d ' ')"
	is "$kind: an export has no control character except newline" 0 \
	    "$(grep -acP '[\x00-\x09\x0b-\x1f\x7f]' first || :)"

	# replay names the letters that it cannot send, and leaves out letters
	# with too many attempts.
	etl-dlq replay --pipeline posts --stage transform >out 2>err
	is "$kind: replay leaves out a cut record and a two-line record" \
	    "$(number \
	    'too long') $(number odd)" "$(sed -n \
	    's/.*letter \([0-9]*\) is left out: .*/\1/p' err | tr '\n' ' ' |
	    sed 's/ $//')"
	like "$kind: a warning says that the record has more than one line" \
	    'more than one line: see etl-dlq show --raw' \
	    "$(cat err)"
	like "$kind: a message counts the letters that were left out" \
	    'replay: 2 letters were left out' "$(cat err)"
	is "$kind: show --raw prints the bytes of a two-line record" '1,"two
lines"' "$(etl-dlq show --raw "$(number odd)")"
	is "$kind: replay --max-attempts 3 exits with 0" 0 \
	    "$(status etl-dlq replay --stage \
	    transform --max-attempts 3 --like id)"
	is "$kind: --max-attempts 3 leaves out a letter with 3 attempts" 0 \
	    "$(grep -c '"id":2' out || :)"
	like "$kind: a message says that the letter was rejected 3 times" \
	    'replay: 1 letter is left out: rejected 3 times or more' \
	    "$(cat err)"
	is "$kind: --max-attempts 4 takes a letter with 3 attempts" 3 \
	    "$(etl-dlq replay --stage transform \
	    --max-attempts 4 --like '"id":2' | grep -c '"id":2')"

	# replay takes the IDs of letters.
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
	is "$kind: replay of an unknown ID exits with 1" 1 \
	    "$(status etl-dlq replay "$first" 9999999)"
	is "$kind: replay of an unknown ID writes nothing" '' "$(cat out)"
	etl-dlq replay 9999999 2>/dev/null | etl-transform . 2>err || :
	like "$kind: the next program learns that the replay failed" \
	    '^etl-transform: replay: 9999999: no such dead letter' "$(cat err)"
	etl-dlq list --json --status open | jq -r .letter >ids
	# shellcheck disable=SC2046 # the IDs are digits
	is "$kind: replay of IDs of several stages exits with 64" 64 \
	    "$(status etl-dlq replay $(cat ids))"
	like "$kind: the message asks for IDs of one group" \
	    'give only IDs of one of these: --pipeline ' "$(cat err)"
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
	is "$kind: replay of a closed letter exits with 1" 1 \
	    "$(etl-dlq resolve "$first"
	    status etl-dlq replay "$first")"
	like "$kind: the message says that the letter is not open" \
	    "^etl-dlq: $first: this letter is not open: .*resolve or discard" \
	    "$(cat err)"
	is "$kind: replay of an ID and a selection exits with 64" 64 \
	    "$(status etl-dlq replay "$first" --stage transform)"
	like "$kind: the message forbids an ID together with --stage" \
	    'replay: give IDs or --stage, not both' "$(cat err)"
	sql "UPDATE dead_letters SET status = 'open', resolved_upto = 0,
	    resolved_at = NULL, resolved_by_run = NULL WHERE id = $first" \
	    >/dev/null

	# erase removes the bytes of a record from the database.
	is "$kind: erase of a known and an unknown ID exits with 1" 1 \
	    "$(status etl-dlq erase "$b" 9999999)"
	is "$kind: erase with an unknown ID erases no letter" 3 \
	    "$(etl-dlq export --like secret | wc -l | tr -d ' ')"
	is "$kind: erase exits with 0" 0 "$(status etl-dlq erase "$b")"
	is "$kind: erase keeps status and counts, not record and message" \
	    'open 3 0 null null null' \
	    "$(etl-dlq show --json "$b" | jq -r '"\(.status) \(.attempts) \(.resolved_upto) \(.raw) \(.message) \(.origin)"')"
	like "$kind: show prints when the letter was erased" '^erased_at  *20' \
	    "$(etl-dlq show "$b")"
	like "$kind: list marks the letter as erased" '\(erased\)' \
	    "$(etl-dlq list)"
	is "$kind: show --raw prints the start that a cut record kept" \
	    '0 {"id":4' "$(status etl-dlq show \
	    --raw "$(number 'too long')") $(cat out)"
	like "$kind: the message says that 7 of the 99999 bytes were kept" \
	    'only the first 7 of its 99999 bytes were kept$' "$(cat err)"
	is "$kind: show --raw of an erased letter exits with 1" 1 \
	    "$(status etl-dlq show --raw "$b")"
	etl-dlq export >out 2>err
	is "$kind: export leaves out an erased letter, with a warning" '0 1' \
	    "$(grep -c secret out || :) $(grep -c \
	    'left out: its bytes were erased' err)"
	etl-dlq replay --pipeline posts --stage transform >out 2>err
	is "$kind: replay leaves out an erased letter, with a warning" '0 1' \
	    "$(grep -c '"id":2' out || :) $(grep -c \
	    'left out: its bytes were erased' err)"
	case $kind in
	sqlite)
		is "$kind: no bytes of an erased record stay in the file" 0 \
		    "$(cat "${db#sqlite:}"* | grep -ac secret || :)" ;;
	esac
	is "$kind: put of known occurrences does not restore erased bytes" \
	    null \
	    "$(etl-dlq put rejects >/dev/null; etl-dlq show --json "$b" |
	    jq -c .raw)"
	is "$kind: put of a new occurrence restores erased bytes" \
	    '{"id":2} null 4' "$(sed -n \
	    's/run2.transform/run3.transform/p' rejects | sed 's/run3\./run3\//' |
	    etl-dlq put >/dev/null; etl-dlq show --json "$b" |
	    jq -r '"\(.raw) \(.erased_at) \(.attempts)"')"

	# purge deletes closed letters that are old enough.
	is "$kind: purge without --older-than exits with 64" 64 \
	    "$(status etl-dlq purge)"
	is "$kind: purge deletes no letter that is not old enough" '0 purged' \
	    "$(etl-dlq purge --older-than 1d)"
	etl-dlq discard "$(number '"id":5')"
	sleep 0.01
	is "$kind: purge --status resolved deletes only resolved letters" \
	    '1 purged' \
	    "$(etl-dlq purge --older-than 1ms --status resolved)"
	is "$kind: purge --older-than 0s deletes the other closed letter" \
	    '1 purged' \
	    "$(etl-dlq purge --older-than 0s)"
	is "$kind: purge does not delete open letters" '4 0' \
	    "$(count) $(etl-dlq purge --older-than 1d | cut -d' ' -f1)"
	is "$kind: purge --open deletes open letters that are old enough" \
	    '1 purged' \
	    "$(etl-dlq purge --older-than 1d --open --code parse)"
	is "$kind: purge deletes the occurrences of its letters too" \
	    "$(sql 'SELECT sum(attempts) FROM dead_letters')" \
	    "$(sql 'SELECT count(*) FROM dead_letter_attempts')"
done

# A letter is deleted while three commands wait for its lock.
three_wait() {
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
ok 'resolve, discard and erase wait for a locked letter' \
    wait_until 20 three_wait
echo 'COMMIT;' >&4
exec 4>&-
wait $purge
for pid in $resolve $discard $erase; do
	rc=0
	{ wait "$pid" || rc=$?; } 2>/dev/null
	is 'a command on a letter deleted meanwhile exits with 1' 1 $rc
done
is 'each message says that the letter was deleted' 3 \
    "$(cat resolve.err discard.err erase.err |
    grep -c "^etl-dlq: $id: this dead letter was deleted from ")"
# purge prints how many letters it has deleted if SIGTERM ends it.
one_waits() {
	[ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE
	    datname = current_database() AND wait_event_type = 'Lock'")" -ge 1 ]
}
psql -XAtq -d "$db" <other >locked & lock=$!
exec 4>other
echo "BEGIN; LOCK TABLE dead_letters; SELECT 'locked';" >&4
wait_until 20 grep -q locked locked
etl-dlq purge --older-than 0s 2>purge.err 4>&- & purge=$!
wait_until 20 one_waits
kill -TERM $purge
rc=0; { wait $purge || rc=$?; } 2>/dev/null
exec 4>&-
wait $lock
is 'SIGTERM stops purge, which prints how many it purged' \
    '143 etl-dlq: purge: stopped by a signal after 0 were purged' \
    "$rc $(cat purge.err)"
zeros=$(printf '%072d' 0)
printf '{"@etl":"reject","v":1,"id":"a","occurrence":"a/b.c/1","stage":"s","code":"c","message":"long","raw":"{\\"id\\":%sé }","at":"2026-05-01T12:00:00Z"}\n' \
    "1$zeros" >long
# Two stages and two codes of the greatest length, which differ at their ends.
name=$(printf '%0127d' 0 | sed 's/0/é/g')
for i in 1 2; do
	printf '{"@etl":"reject","v":1,"id":"%s","occurrence":"a/c.d/%s","stage":"%s","code":"%s","message":"","raw":""}\n' \
	    $i $i "x$name$i" "$name$i"
done >names
for kind in sqlite postgresql; do
	db_new $kind
	etl-dlq put --db "$db" long >/dev/null
	is "$kind: stats shows only the start of a long record" \
	    "  c: long (letter N: {\"id\":1$zeros...)" \
	    "$(etl-dlq stats --db "$db" | sed -n 's/.* s / /
	    s/(letter [0-9]*/(letter N/;2s/^ /  /p')"
	etl-dlq put --db "$db" names >/dev/null
	is "$kind: stats --json has the longest stages and codes in full" \
	    "x${name}1 ${name}1
x${name}2 ${name}2" "$(etl-dlq stats --db "$db" --json | jq -r '
	    select(.stage != "s") | "\(.stage) \(.code)"' | sort)"
done
# --run takes the number of a row; if there is no such row, the start of one
# uuid, which may consist of digits.
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
	is "$kind: --run takes digits that start the uuid of a run" '2 1 0' \
	    "$(of_run 123) $(of_run 129) $(of_run 13)"
	is "$kind: --run with digits that start several uuids exits with 64" \
	    64 "$(status etl-dlq purge --run 1 \
	    --older-than 0d)"
	like "$kind: the message says that several uuids start with them" \
	    '^etl-dlq: --run 1: the uuids of several runs start with this: give' \
	    "$(cat err)"
	sql "INSERT INTO pipeline_runs (run, pipeline, status, started_at,
	    renewed_at) VALUES ('cafe', 'p', 'failed', '2026-05-01',
	    '2026-05-01')" >/dev/null
	is "$kind: --run with the number of a run selects by no uuid" 0 \
	    "$(of_run 1)"
	sql 'UPDATE dead_letter_attempts SET pipeline_run_id = 1
	    WHERE dead_letter_id = 3' >/dev/null
	is "$kind: --run with the number of a run selects its letters" 1 \
	    "$(of_run 1)"
done
unset DATABASE_URL
mkdir empty
for command in list 'show 1' stats export 'resolve 1' 'discard 1' 'erase 1' \
    'purge --older-than 1d' replay; do
	# shellcheck disable=SC2086
	is "$command with --db in a missing folder exits with 66" 66 \
	    "$(status etl-dlq $command --db sqlite:empty/none/x.db)"
	like 'the message names the missing file and --db' \
	    'etl-dlq: sqlite:empty/none/x.db: no such file.*--db' \
	    "$(cat err)"
	# shellcheck disable=SC2086
	is "$command with DATABASE_URL of a missing file exits with 66" 66 \
	    "$(DATABASE_URL=sqlite:none.db status etl-dlq $command)"
	case $command in
	*' 1') none=1 ;;
	*) none=0 ;;
	esac
	# shellcheck disable=SC2086
	is "$command without the default database exits with $none" $none \
	    "$(cd empty && status etl-dlq $command)"
done
is 'show 1 without the default database exits with 1' 1 \
    "$(cd empty && status etl-dlq show 1)"
like 'the message names the default database etl.db' \
    '^etl-dlq: 1: no such dead letter in sqlite:etl\.db$' "$(cat err)"
is 'replay without the default database writes two marks' 2 \
    "$(cd empty && etl-dlq replay | wc -l | tr -d ' ')"
is 'none of these commands creates a database file' '' \
    "$(ls empty; ls none.db 2>/dev/null || :)"
is 'put creates the default database' 0 \
    "$(cd empty && status etl-dlq put ../rejects)"
isnt 'list prints the letters of the created database' '' \
    "$(cd empty && etl-dlq list)"
for command in 'list --limit' 'export --limit' 'replay --max-attempts'; do
	# shellcheck disable=SC2086
	is "$command 0 exits with 64" 64 "$(status etl-dlq $command 0)"
	like 'the message says that the number must be 1 or more' \
	    '^etl-dlq: --[a-z-]+ 0: the value must be a number from 1$' "$(cat err)"
done
is 'replay --status exits with 64' 64 "$(status etl-dlq replay --status any)"
is 'list --older-than exits with 64' 64 "$(status etl-dlq list --older-than 1d)"
is 'list --since yesterday exits with 64' 64 \
    "$(status etl-dlq list --since yesterday)"
like 'the message names --since and its value' \
    '^etl-dlq: --since yesterday: the value must be a time' \
    "$(head -n 1 "$scratch/err")"
is 'list --bad exits with 64' 64 "$(status etl-dlq list --bad x)"
is 'list --max-attempts exits with 64' 64 \
    "$(status etl-dlq list --max-attempts 1)"
is 'list --max-record exits with 64' 64 \
    "$(status etl-dlq list --max-record 1MiB)"
is 'list from an unreachable server exits with 75' 75 \
    "$(status etl-dlq list --db postgresql://u:geheim@127.0.0.1:1/x)"
like 'the message warns of a password on the command line' \
    'etl-dlq: warning: --db: .*DATABASE_URL' "$(cat err)"
unlike 'the message does not show the password' geheim "$(cat err)"
done_testing
