#!/bin/sh
# etl-dlq list and show print all values of a letter, and no control characters.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

# One letter for each byte, one with all bytes, one with control sequences of
# terminals.
python3 - >rejects <<'P'
import base64, hashlib, json
def reject(n, raw, message, **more):
    r = {"@etl": "reject", "v": 1,
        "id": hashlib.sha256(b"%d" % n).hexdigest(),
        "occurrence": "r/transform.abcd/%d" % n, "stage": "transform",
        "code": "parse", "message": message,
        "at": "2026-05-%02dT12:00:00Z" % (n % 28 + 1)}
    try:
        r["raw"] = raw.decode()
        r["raw"].encode()
    except UnicodeDecodeError:
        r["raw_base64"] = base64.b64encode(raw).decode()
    r.update(more)
    print(json.dumps(r))
for i in range(256):
    reject(i, b"<%c>" % i, "byte %d: %c" % (i, i if i else 0x20))
reject(256, bytes(range(256)), "all of them")
evil = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202e\u2066\u200f\u2028\ufeff\x7f\r"
reject(257, evil.encode(), evil, pointer="/" + evil, pipeline=evil,
    code="odd" + evil,
    origin={"kind": "http", "uri": "https://x/" + evil, "line": 3})
P
controls='[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf|\xd8\x9c'
# no_controls LABEL FILE: FILE has no control characters.
no_controls() {
	if grep -aPq "$controls" "$2"; then
		check "$1" 1
		diag "$(grep -aPn "$controls" "$2" | head -n 3 | od -c | head)"
	else
		check "$1" 0
	fi
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: list of an empty database exits with 0" 0 \
	    "$(status etl-dlq list)"
	is "$kind: list of an empty database prints nothing" '' "$(cat out err)"
	is "$kind: put exits with 0" 0 "$(status etl-dlq put rejects)"
	is "$kind: put stores all rejects" \
	    '258 stored, 0 known before, 0 other lines' \
	    "$(cat out)"

	is "$kind: list exits with 0" 0 "$(status etl-dlq list)"
	is "$kind: list prints a header and one line for each letter" 259 \
	    "$(wc -l <out | tr -d ' ')"
	no_controls "$kind: list writes no control character to a terminal" out
	is "$kind: list --json exits with 0" 0 "$(status etl-dlq list --json)"
	no_controls "$kind: list --json writes no control character" out
	ok "$kind: list --json has the values that were stored" python3 - <<'P'
import base64, json
want = [json.loads(l) for l in open("rejects")]
got = [json.loads(l) for l in open("out", newline="\n")]
def raw(r):
    return base64.b64decode(r["raw_base64"]) if "raw_base64" in r \
        else r["raw"].encode()
assert len(want) == len(got), len(got)
want = {w["id"]: w for w in want}
for g in got:
    w = want[g["id"]]
    assert raw(w) == raw(g), (w, g)
    for k in "stage", "code", "message", "pointer", "pipeline", "origin":
        assert w.get(k) == g.get(k), (k, w.get(k), g.get(k))
    assert g["status"] == "open" and g["attempts"] == 1
P
	all=$(etl-dlq list --json --code parse | jq 'select(.message ==
	    "all of them") | .letter')
	some=$(etl-dlq list --json --limit 1 | jq .letter)
	for id in "$all" "$some" "$(etl-dlq list --json | tail -n 1 |
	    jq .letter)" "$(etl-dlq list --json | grep pwned | jq .letter)"; do
		etl-dlq show "$id" >out
		no_controls "$kind: show $id writes no control character" out
	done
	is "$kind: show prints all fields of a letter" \
	    'letter id status stage code message created_at last_seen_at attempts resolved_upto raw seen' \
	    "$(etl-dlq show "$all" | cut -d' ' -f1 | tr '\n' ' ' | sed 's/ $//')"
	like "$kind: show escapes the bytes of the record" \
	    '^raw  *\\u0000\\u0001.*\\n.*~\\u007f\\x80.*\\xff$' \
	    "$(etl-dlq show "$all")"
	etl-dlq show --raw "$all" >raw
	python3 -c 'import sys
sys.stdout.buffer.write(bytes(range(256)) + b"\n")' >want
	ok "$kind: show --raw writes the bytes of the record" cmp want raw
	start=$(printf %s 256 | sha256sum | head -c 12)
	is "$kind: show accepts the start of a reject's id" "$all" \
	    "$(etl-dlq show --json "$start" | jq .letter)"
	is "$kind: show prints several letters" "$some $all" \
	    "$(etl-dlq show --json "$some" "$all" | jq .letter | tr '\n' ' ' |
	    sed 's/ $//')"
	is "$kind: show of an unknown ID exits with 1" 1 \
	    "$(status etl-dlq show "$some" 99999999)"
	like "$kind: the message names the unknown ID" '99999999: no such' \
	    "$(cat err)"
	like "$kind: show prints the letters before the unknown one" \
	    '^letter  *[0-9]+$' "$(cat out)"
	is "$kind: show with an ambiguous ID exits with 64" 64 \
	    "$(status etl-dlq show a)"
	is "$kind: show without an ID exits with 64" 64 "$(status etl-dlq show)"

	count() { etl-dlq list --json "$@" | wc -l | tr -d ' '; }
	is "$kind: --stage selects the letters of a stage" '258 0' \
	    "$(count --stage transform) $(count --stage load)"
	is "$kind: --code selects the letters of a code" '257 0' \
	    "$(count --code parse) $(count --code type)"
	is "$kind: --limit 3 lists three letters" 3 "$(count --limit 3)"
	is "$kind: --limit 1 lists the oldest letter" '2026-05-01T12:00:00' \
	    "$(etl-dlq list --json --limit 1 | jq -r .last_seen_at |
	    head -c 19)"
	is "$kind: --since selects the letters from a date on" \
	    "$(jq -c 'select(.at >= "2026-05-27")' \
	    rejects | wc -l | tr -d ' ')" "$(count --since 2026-05-27)"
	is "$kind: --since takes a time with an offset from UTC" \
	    "$(count --since 2026-05-27T12:00:00Z)" \
	    "$(count --since 2026-05-27T14:00:00+02:00)"
	is "$kind: --since includes the given instant" \
	    "$(jq -c 'select(.at >= "2026-05-27")' \
	    rejects | wc -l | tr -d ' ')" \
	    "$(count --since 2026-05-27T12:00:00Z)"
	is "$kind: --since excludes letters before the given instant" \
	    "$(jq -c 'select(.at >= "2026-05-28")' \
	    rejects | wc -l | tr -d ' ')" \
	    "$(count --since 2026-05-27T12:00:00.01Z)"
	is "$kind: --until excludes the given instant" \
	    "$(jq -c 'select(.at < "2026-05-27")' \
	    rejects | wc -l | tr -d ' ')" \
	    "$(count --until 2026-05-27T12:00:00Z)"
	is "$kind: --since and --until take an age such as 2h" 0 \
	    "$(count --since 2h --until 1h)"
	is "$kind: --status selects open, resolved or all letters" '258 0 258' \
	    "$(count --status open) $(count --status resolved) $(count \
	    --status any)"
done
for bad in yesterday 2026-13-01 2026-02-30 2026-02-29T12:00:00Z 2026-05-27T12:00:00 20260527 2026-05-27T25:00:00Z; do
	is "list --since $bad exits with 64" 64 \
	    "$(status etl-dlq list --since $bad)"
done
for good in 2028-02-29 2026-12-31T23:59:60Z; do
	is "list --since $good exits with 0" 0 \
	    "$(status etl-dlq list --since $good)"
done
is 'list --status with an unknown status exits with 64' 64 \
    "$(status etl-dlq list --status odd)"
is 'list with an operand exits with 64' 64 "$(status etl-dlq list 1)"
is 'show with --json and --raw exits with 64' 64 \
    "$(status etl-dlq show --json --raw 1)"
rc=0; etl-dlq list >/dev/full 2>err || rc=$?
is 'list to a full standard output exits with 74' 74 $rc
rc=0; etl-dlq list >&- 2>err || rc=$?
is 'list with a closed standard output exits with 74' 74 $rc
is 'list exits with 141 if its reader closes the pipe' 141 \
    "$(bash -c '{ sleep 0.3; etl-dlq list --json; } | true
    echo ${PIPESTATUS[0]}')"
done_testing
