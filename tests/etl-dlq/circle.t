#!/bin/sh
# Rejected records are replayed: their letters are resolved in the transaction
# of their rows, or stay open, also if commands race or are killed.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

strict='if .id | type == "string" then error("id is text") else . end'
mended='.id |= tonumber'

# letters FIRST LAST [TIMES]: prints reject lines of the pipeline posts, TIMES
# occurrences of each record.
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
reset_tables() {
	sql 'DROP TABLE IF EXISTS t' 2>/dev/null
	sql 'CREATE TABLE t (id INTEGER NOT NULL, n TEXT)'
	sql 'DELETE FROM dead_letter_attempts; DELETE FROM dead_letters' \
	    2>/dev/null || :
}
# letters_are: the number of letters of each status.
letters_are() {
	sql 'SELECT status, count(*) FROM dead_letters GROUP BY 1 ORDER BY 1' |
	    paste -sd' '
}
# row_faults: the number of rows that were loaded twice, and of letters whose
# status does not fit their row.
row_faults() {
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

	# The table has no key, so that a record that is loaded twice is seen.
	reset_tables
	letters 1 20 | etl-dlq put >/dev/null
	is "$kind: a replay through a filter that still rejects exits with 0" \
	    0 "$(status sh -c \
	    "$replay | etl-transform '$strict' --max-rejects 100% |
	    etl-load --table t --max-rejects 100%")"
	is "$kind: letters whose records are rejected again stay open" \
	    'open|20' "$(letters_are)"
	is "$kind: a record rejected again is the same letter, 2 attempts" \
	    '20 2 1' \
	    "$(sql 'SELECT count(*), min(attempts), max(resolved_upto)
	    FROM dead_letters' | tr '|' ' ')"
	is "$kind: a replay through a mended filter exits with 0" 0 \
	    "$(status sh -c "$replay |
	    etl-transform '$mended' | etl-load --table t")"
	is "$kind: the mended replay resolves all 20 letters" 'resolved|20' \
	    "$(letters_are)"
	is "$kind: each resolved letter has exactly one row" '0 0' \
	    "$(row_faults)"
	is "$kind: another replay writes no records" 0 \
	    "$($replay | grep -cv '^{"@etl"' || :)"

	# Each letter is resolved or rejected again by itself.
	reset_tables
	letters 1 10 2 | etl-dlq put >/dev/null
	is "$kind: a replay with one bad record exits with 0" 0 \
	    "$(status sh -c "$replay | etl-transform \
	    'if .id == \"3\" then error(\"three\") else .id |= tonumber end' \
	    --max-rejects 100% | etl-load --table t --max-rejects 100%")"
	is "$kind: 9 letters are resolved with 18 rows, one letter is open" \
	    'open|1 resolved|9 18' \
	    "$(letters_are) $(sql 'SELECT count(*) FROM t')"
	is "$kind: the open letter has 4 attempts, the first 2 are done" \
	    '{"id":"3"} 4 2 three' \
	    "$(etl-dlq list --json | jq -r '"\(.raw) \(.attempts) \(.resolved_upto) \(.message)"')"
	is "$kind: replay --once sends the open letter only once" '0 19' \
	    "$(status sh -c "$replay --once |
	    etl-transform '$mended' | etl-load --table t") $(sql \
	    'SELECT count(*) FROM t')"

	# A filter before the strict filter mends the records.
	reset_tables
	letters 1 5 | etl-dlq put >/dev/null
	is "$kind: a replay with a reject of the second filter exits with 0" 0 \
	    "$(status sh -c "$replay |
	    etl-transform 'if .id != \"5\" then .id |= tonumber else . end' |
	    etl-transform '$strict' --max-rejects 100% | etl-load --table t")"
	is "$kind: the reject of the second filter is a new, open letter" \
	    'open|1 resolved|5 0 {"id":"5"} transform.2' \
	    "$(letters_are) $(row_faults | cut -d' ' -f1) $(etl-dlq list \
	    --json |
	    jq -r '"\(.raw) \(.stage)"')"

	# The loader rejects records; they are replayed unchanged and then
	# mended.
	reset_tables
	sql 'DROP TABLE IF EXISTS k' 2>/dev/null
	sql 'CREATE TABLE k (id INTEGER PRIMARY KEY, n TEXT NOT NULL)'
	printf '%s\n' '{"id":1,"n":"a"}' '{"id":2,"n":null}' '{"id":3}' \
	    '{"id":4,"n":null}' >k.ndjson
	is "$kind: a run whose loader rejects records exits with 0" 0 \
	    "$(status etl-run --name k -c \
	    'etl-extract k.ndjson | etl-load --table k --key id \
	    --max-rejects 100%')"
	from_load='etl-dlq replay --pipeline k --stage load'
	is "$kind: the 3 rejects of the loader are open letters" 'open|3' \
	    "$(letters_are)"
	is "$kind: a replay into the unchanged table exits with 0" 0 \
	    "$(status etl-run --name mend \
	    -c "$from_load | etl-load --table k --key id --max-rejects 100%")"
	is "$kind: records rejected again are the same letters, 2 attempts" \
	    'open|3 2 2' "$(letters_are) $(sql \
	    'SELECT min(attempts), max(attempts) FROM dead_letters' |
	    tr '|' ' ')"
	is "$kind: a replay with a filter that mends two of 3 exits with 0" 0 \
	    "$(status etl-run \
	    --name mend -c "$from_load | etl-transform \
	    'if .id == 3 then . else .n = \"m\" end' |
	    etl-load --table k --key id --max-rejects 100%")"
	is "$kind: the mended records are rows of the table" '1|a 2|m 4|m' \
	    "$(sql 'SELECT id, n FROM k
	    ORDER BY id' | paste -sd' ')"
	is "$kind: the record not mended is one open letter, 3 attempts" \
	    'open|1 resolved|2 3' \
	    "$(letters_are) $(etl-dlq list --json | jq .attempts)"

	# Two replays have read the same letters.
	reset_tables
	letters 1 8 | etl-dlq put >/dev/null
	$replay >one
	$replay >two
	is "$kind: of two replays of the same letters the first exits with 0" \
	    0 "$(status sh -c \
	    "etl-transform --marked '$mended' <one | etl-load --table t")"
	is "$kind: the second replay of the same letters exits with 75" 75 \
	    "$(status sh -c \
	    "etl-transform --marked '$mended' <two | etl-load --table t")"
	is "$kind: the second replay of the same letters changes nothing" \
	    'resolved|8 0 0' \
	    "$(letters_are) $(row_faults)"
	is "$kind: the first replay, sent again, loads nothing more" '0 8' \
	    "$(status sh -c \
	    "etl-transform --marked '$mended' <one | etl-load --table t") $(sql \
	    'SELECT count(*) FROM t')"
	reset_tables
	letters 1 300 | etl-dlq put >/dev/null
	for i in 1 2 3; do
		sh -c "$replay | etl-transform '$mended' |
		    etl-load --table t --batch 20; echo \$? >rc.$i" 2>/dev/null &
	done
	wait
	is "$kind: three replays at once load each of 300 letters once" \
	    'resolved|300 0 0' \
	    "$(letters_are) $(row_faults)"
	is "$kind: each of the three replays exits with 0 or 75" 0 \
	    "$(cat rc.? | grep -cv -e '^0$' -e '^75$' || :)"

	# A letter occurs once more while it is replayed.
	reset_tables
	letters 1 2 | etl-dlq put >/dev/null
	$replay >one
	letters 1 1 2 | etl-dlq put >/dev/null
	is "$kind: a replay exits with 0 if a letter occurs again meanwhile" 0 \
	    "$(status sh -c \
	    "etl-transform --marked '$mended' <one | etl-load --table t")"
	is "$kind: the letter that occurred again is open, the other resolved" \
	    'open|1 resolved|1' \
	    "$(letters_are)"
	is "$kind: the next replay sends only the letter that is open" \
	    '{"id":"1"}' \
	    "$($replay | grep -v '^{"@')"
	is "$kind: a replay of a letter discarded meanwhile exits with 75" 75 \
	    "$($replay >one
	    etl-dlq discard "$(etl-dlq list --json | jq .letter)"
	    status sh -c "etl-transform --marked '$mended' <one | etl-load --table t")"
	is "$kind: the discarded letter stays discarded" \
	    'discarded|1 resolved|1' "$(letters_are)"
	rm -f other.db
	sqlite3 other.db 'CREATE TABLE t (id INTEGER)'
	is "$kind: a replay into a database without the letter exits with 75" \
	    75 "$(status \
	    sh -c "etl-transform --marked '$mended' <one |
	    etl-load --db sqlite:other.db --table t")"
	like "$kind: the message says that etl-dlq may read another database" \
	    'was changed by another command .*, or etl-dlq reads another database' "$(cat err)"

	# Each stage is killed at several moments, then one more replay runs.
	lost=
	for stage in replay transform load; do
		for after in 0.01 0.03 0.06; do
			reset_tables
			letters 1 400 | etl-dlq put >/dev/null
			rm -f ./*.pid
			(
				sh -c "echo \$\$ >replay.pid; exec $replay" |
				    sh -c 'echo $$ >transform.pid
				    exec etl-transform "$0"' "$mended" |
				    sh -c 'echo $$ >load.pid
				    exec etl-load --table t --batch 10'
			) >/dev/null 2>&1 &
			wait_until 30 test -s $stage.pid
			sleep $after
			kill -9 "$(cat $stage.pid)" 2>/dev/null || :
			wait
			lost="$lost$(row_faults | sed '/^0 0$/d')"
			sh -c "$replay | etl-transform '$mended' |
			    etl-load --table t" >/dev/null 2>again || {
				cat again
				lost="$lost $stage $after"
			}
			[ "$(letters_are) $(row_faults)" = \
			    'resolved|400 0 0' ] ||
			    lost="$lost $stage $after: $(letters_are)"
		done
	done
	is "$kind: after a kill of any stage a replay resolves all letters" '' \
	    "$lost"

	# Records that no filter mends keep their bytes.
	reset_tables
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
	is "$kind: put of lines that no filter mends exits with 0" 0 \
	    "$(status etl-dlq put odd)"
	$replay | grep -av '^{"@etl"' >lines
	ok "$kind: replay writes the odd lines byte for byte" cmp want lines
	rm want
	# shellcheck disable=SC2086
	in_memory "$kind: replay of a 16 MiB line uses little memory" 65536 \
	    400000 $replay
	is "$kind: a replay of the odd lines through a filter exits with 0" 0 \
	    "$(status sh -c "$replay |
	    etl-transform '$mended' --max-rejects 100% |
	    etl-load --table t --max-rejects 100%")"
	is "$kind: lines that are not JSON are the same letters, open again" \
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
	is "$kind: replay does not send a line longer than --max-record" 0 \
	    "$($replay --like long 2>err | grep -c '"id":"8"' || :)"
	like "$kind: a warning says that the line is longer than --max-record" \
	    'left out: its record is longer than --max-rec' \
	    "$(cat err)"
	is "$kind: with a larger --max-record replay sends the long line" \
	    "$(((16 << 20) + 2))" \
	    "$($replay --like long --max-record 17MiB 2>err | grep '"id":"8"' |
	    wc -c)"
	is "$kind: the odd lines that are JSON are rows of the table" \
	    '7 0 9 16777199' "$(sql \
	    "SELECT id, coalesce(length(n), 0) FROM t ORDER BY id" |
	    tr '|' ' ' | paste -sd' ')"
done
done_testing
