#!/bin/sh
# The whole circle: what was rejected comes back, is resolved with its rows or
# open, whatever races and dies in between.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

strict='if .id | type == "string" then error("id is text") else . end'
mended='.id |= tonumber'

# letters FIRST LAST [TIMES]: rejects of a pipeline that ran elsewhere.
letters() {
	python3 - "$@" <<'P'
import hashlib, json, sys
first, last, times = (list(map(int, sys.argv[1:])) + [1])[:3]
for i in range(first, last + 1):
    raw = '{"id":"%d"}' % i
    for n in range(times):
        print(json.dumps({"@etl": "reject", "v": 1, "id": hashlib.sha256(
            b"posts\0transform\0%s\0" % raw.encode()).hexdigest(), "occurrence": "r%d/transform.abcd/%d"
            % (n, i), "pipeline": "posts", "stage": "transform",
            "code": "filter", "message": "id is text", "raw": raw,
            "at": "2026-05-01T12:%02d:%02d.%06dZ" % (n, i // 1000, i)}))
P
}
tables() {
	sql 'DROP TABLE IF EXISTS t' 2>/dev/null
	sql 'CREATE TABLE t (id INTEGER NOT NULL, n TEXT)'
	sql 'DELETE FROM dead_letter_attempts; DELETE FROM dead_letters' \
	    2>/dev/null || :
}
# The letters by status, and what the rows have that they should not.
letters_are() {
	sql 'SELECT status, count(*) FROM dead_letters GROUP BY 1 ORDER BY 1' |
	    paste -sd' '
}
# Rows twice, and rows whose letter is not resolved, or letters without row.
wrong() {
	sql "SELECT (SELECT count(*) - count(DISTINCT id) FROM t) ||
	    ' ' || (SELECT count(*) FROM dead_letters WHERE error_message =
	    'id is text' AND (status = 'resolved') <> EXISTS (SELECT 1 FROM t
	    WHERE CAST(id AS text) = raw_data ->> 'id'))"
}
replay='etl-dlq replay --pipeline posts --stage transform'

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL

	# An append, so that anything done twice is seen.
	tables
	letters 1 20 | etl-dlq put >/dev/null
	is "$kind: a filter that still rejects" 0 "$(status sh -c \
	    "$replay | etl-transform '$strict' --max-rejects 100% |
	    etl-load --table t --max-rejects 100%")"
	is "$kind: leaves all open" 'open|20' "$(letters_are)"
	is "$kind: with one attempt more, as the same letters" '20 2 1' \
	    "$(sql 'SELECT count(*), min(attempts), max(resolved_upto)
	    FROM dead_letters' | tr '|' ' ')"
	is "$kind: mended" 0 "$(status sh -c "$replay |
	    etl-transform '$mended' | etl-load --table t")"
	is "$kind: all are resolved" 'resolved|20' "$(letters_are)"
	is "$kind: a row each" '0 0' "$(wrong)"
	is "$kind: nothing is left" 0 "$($replay | grep -cv '^{"@etl"' || :)"

	# Some come through, some do not: each letter by itself.
	tables
	letters 1 10 2 | etl-dlq put >/dev/null
	is "$kind: half of them" 0 "$(status sh -c "$replay | etl-transform \
	    'if .id == \"3\" then error(\"three\") else .id |= tonumber end' \
	    --max-rejects 100% | etl-load --table t --max-rejects 100%")"
	is "$kind: are resolved, with as many rows as occurrences" \
	    'open|1 resolved|9 18' \
	    "$(letters_are) $(sql 'SELECT count(*) FROM t')"
	is "$kind: the other is open, twice" '{"id":"3"} 4 2 three' \
	    "$(etl-dlq list --json | jq -r '"\(.raw) \(.attempts) \(.resolved_upto) \(.message)"')"
	is "$kind: --once" '0 19' "$(status sh -c "$replay --once |
	    etl-transform '$mended' | etl-load --table t") $(sql \
	    'SELECT count(*) FROM t')"

	# A filter before the strict one mends them on the way.
	tables
	letters 1 5 | etl-dlq put >/dev/null
	is "$kind: mended on the way" 0 "$(status sh -c "$replay |
	    etl-transform 'if .id != \"5\" then .id |= tonumber else . end' |
	    etl-transform '$strict' --max-rejects 100% | etl-load --table t")"
	is "$kind: what the next stage rejects is a letter of its own" \
	    'open|1 resolved|5 0 {"id":"5"} transform.2' \
	    "$(letters_are) $(wrong | cut -d' ' -f1) $(etl-dlq list --json |
	    jq -r '"\(.raw) \(.stage)"')"

	# What the loader rejected: the table is mended, or the records are.
	tables
	sql 'DROP TABLE IF EXISTS k' 2>/dev/null
	sql 'CREATE TABLE k (id INTEGER PRIMARY KEY, n TEXT NOT NULL)'
	printf '%s\n' '{"id":1,"n":"a"}' '{"id":2,"n":null}' '{"id":3}' \
	    '{"id":4,"n":null}' >k.ndjson
	is "$kind: rejects of the loader" 0 "$(status etl-run --name k -c \
	    'etl-extract k.ndjson | etl-load --table k --key id \
	    --max-rejects 100%')"
	from_load='etl-dlq replay --pipeline k --stage load'
	is "$kind: are open" 'open|3' "$(letters_are)"
	is "$kind: replayed in vain" 0 "$(status etl-run --name mend \
	    -c "$from_load | etl-load --table k --key id --max-rejects 100%")"
	is "$kind: are the same letters" 'open|3 2 2' "$(letters_are) $(sql \
	    'SELECT min(attempts), max(attempts) FROM dead_letters' |
	    tr '|' ' ')"
	is "$kind: mended on the way, all but one" 0 "$(status etl-run \
	    --name mend -c "$from_load | etl-transform \
	    'if .id == 3 then . else .n = \"m\" end' |
	    etl-load --table k --key id --max-rejects 100%")"
	is "$kind: are rows" '1|a 2|m 4|m' "$(sql 'SELECT id, n FROM k
	    ORDER BY id' | paste -sd' ')"
	is "$kind: one is open, as the same letter" 'open|1 resolved|2 3' \
	    "$(letters_are) $(etl-dlq list --json | jq .attempts)"

	# Two replays that have read the same letters.
	tables
	letters 1 8 | etl-dlq put >/dev/null
	$replay >one
	$replay >two
	is "$kind: one replay" 0 "$(status sh -c \
	    "etl-transform '$mended' <one | etl-load --table t")"
	is "$kind: the other loses the race" 75 "$(status sh -c \
	    "etl-transform '$mended' <two | etl-load --table t")"
	is "$kind: and has changed nothing" 'resolved|8 0 0' \
	    "$(letters_are) $(wrong)"
	is "$kind: the first one again changes nothing" '0 8' "$(status sh -c \
	    "etl-transform '$mended' <one | etl-load --table t") $(sql \
	    'SELECT count(*) FROM t')"
	tables
	letters 1 300 | etl-dlq put >/dev/null
	for i in 1 2 3; do
		sh -c "$replay | etl-transform '$mended' |
		    etl-load --table t --batch 20; echo \$? >rc.$i" 2>/dev/null &
	done
	wait
	is "$kind: three at once: none twice" 'resolved|300 0 0' \
	    "$(letters_are) $(wrong)"
	is "$kind: each is done, or has lost" 0 \
	    "$(cat rc.? | grep -cv -e '^0$' -e '^75$' || :)"

	# A letter that comes once more while it is replayed.
	tables
	letters 1 2 | etl-dlq put >/dev/null
	$replay >one
	letters 1 1 2 | etl-dlq put >/dev/null
	is "$kind: one more meanwhile" 0 "$(status sh -c \
	    "etl-transform '$mended' <one | etl-load --table t")"
	is "$kind: is open, and the other resolved" 'open|1 resolved|1' \
	    "$(letters_are)"
	is "$kind: it is all that is replayed" '{"id":"1"}' \
	    "$($replay | grep -v '^{"@')"
	is "$kind: closed by hand meanwhile" 75 "$($replay >one
	    etl-dlq discard "$(etl-dlq list --json | jq .letter)"
	    status sh -c "etl-transform '$mended' <one | etl-load --table t")"
	is "$kind: stays so" 'discarded|1 resolved|1' "$(letters_are)"
	rm -f other.db
	sqlite3 other.db 'CREATE TABLE t (id INTEGER)'
	is "$kind: into a database that has no such letter" 75 "$(status \
	    sh -c "etl-transform '$mended' <one |
	    etl-load --db sqlite:other.db --table t")"
	like "$kind: is told" 'was changed by another command .*, or etl-dlq reads another database' "$(cat err)"

	# Each stage killed at several moments, then one replay more.
	lost=
	for stage in replay transform load; do
		for after in 0.01 0.03 0.06; do
			tables
			letters 1 400 | etl-dlq put >/dev/null
			rm -f ./*.pid
			(
				sh -c "echo \$\$ >replay.pid; exec $replay" |
				    sh -c 'echo $$ >transform.pid
				    exec etl-transform "$0"' "$mended" |
				    sh -c 'echo $$ >load.pid
				    exec etl-load --table t --batch 10'
			) >/dev/null 2>&1 &
			wait_until 5 test -s $stage.pid
			sleep $after
			kill -9 "$(cat $stage.pid)" 2>/dev/null || :
			wait
			lost="$lost$(wrong | sed '/^0 0$/d')"
			sh -c "$replay | etl-transform '$mended' |
			    etl-load --table t" >/dev/null 2>again || {
				cat again
				lost="$lost $stage $after"
			}
			[ "$(letters_are) $(wrong)" = 'resolved|400 0 0' ] ||
			    lost="$lost $stage $after: $(letters_are)"
		done
	done
	is "$kind: killed anywhere, then done" '' "$lost"

	# Lines that no filter mends: they stay, byte for byte.
	tables
	python3 - >odd <<'P'
import base64, hashlib, json, sys
big = b'{"id":"9","n":"' + b'x' * ((16 << 20) - 17) + b'"}'
assert len(big) == 16 << 20
for i, raw in enumerate([b'no JSON', b'{"id":"\xff\xfe"}', b'\x00\x01', big,
                         b'{"id":"7"}']):
    r = {"@etl": "reject", "v": 1,
        "id": hashlib.sha256(b"posts\0transform\0" + raw +
            b"\0").hexdigest(),
        "occurrence": "r/transform.abcd/%d" % i, "pipeline": "posts",
        "stage": "transform", "code": "parse", "message": "odd",
        "raw_base64": base64.b64encode(raw).decode(),
        "at": "2026-05-01T12:00:%02d.000000Z" % i}
    print(json.dumps(r))
    open("want", "ab").write(raw + b"\n") if len(sys.argv) == 1 else 0
P
	is "$kind: odd lines" 0 "$(status etl-dlq put odd)"
	$replay | grep -av '^{"@etl"' >lines
	ok "$kind: are replayed byte for byte" cmp want lines
	rm want
	# shellcheck disable=SC2086
	in_memory "$kind: in little memory" 65536 400000 $replay
	is "$kind: through a filter" 0 "$(status sh -c "$replay |
	    etl-transform '$mended' --max-rejects 100% |
	    etl-load --table t --max-rejects 100%")"
	is "$kind: what is no JSON is open again, as the same letters" \
	    'open|3 resolved|2 2' "$(letters_are) $(sql \
	    "SELECT min(attempts) FROM dead_letters WHERE status = 'open'")"
	python3 - >long <<'P'
import hashlib, json
raw = '{"id":"8","n":"' + 'x' * ((16 << 20) - 16) + '"}'
print(json.dumps({"@etl": "reject", "v": 1, "id": hashlib.sha256(b"posts\0"
    b"transform\0" + raw.encode() + b"\0").hexdigest(), "occurrence":
    "r/transform.abcd/long", "pipeline": "posts", "stage": "transform",
    "code": "filter", "message": "long", "raw": raw,
    "at": "2026-05-01T12:00:00.000000Z"}))
P
	etl-dlq put long >/dev/null
	is "$kind: a line that the stages do not take" 0 \
	    "$($replay --like long 2>err | grep -c '"id":"8"' || :)"
	like "$kind: is left out" 'left out: its record is longer than --max-rec' \
	    "$(cat err)"
	is "$kind: unless they do" "$(((16 << 20) + 2))" \
	    "$($replay --like long --max-record 17MiB | grep '"id":"8"' |
	    wc -c)"
	is "$kind: the others are rows" '7 0 9 16777199' "$(sql \
	    "SELECT id, coalesce(length(n), 0) FROM t ORDER BY id" |
	    tr '|' ' ' | paste -sd' ')"
done
done_testing
