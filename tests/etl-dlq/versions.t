#!/bin/sh
# A letter whose id is made of a key keeps the bytes of each of its occurrences.
# No reject line overwrites the bytes of a letter.
# shellcheck disable=SC2016
. tests/support/lib.sh
cd "$scratch"

printf '%s\n' '{"id":1,"p":9,"x":1}' '{"id":1,"p":9,"y":2}' >versions.ndjson
replay='etl-dlq replay | etl-load --table t --key id --max-rejects 100%'

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sql 'CREATE TABLE parent (p INTEGER PRIMARY KEY)'
	sql 'CREATE TABLE t (id INTEGER PRIMARY KEY, p INTEGER REFERENCES
	    parent, x INTEGER, y INTEGER)'
	etl-run --name n -c 'etl-extract --stream s versions.ndjson |
	    etl-load --table t --key id --batch 1 --max-rejects 100%'
	is "$kind: two versions of one row are one letter with two occurrences" \
	    '[2,2]' "$(etl-dlq list --json | jq -sc '[length + 1, .[0].attempts]')"
	is "$kind: export gives each occurrence with its bytes, in order" \
	    "$(cat versions.ndjson)" "$(etl-dlq export | jq -r .raw)"
	is "$kind: show --json gives the bytes of the first occurrence" \
	    "$(sed 1q versions.ndjson)" \
	    "$(etl-dlq show --json 1 | jq -r '.occurrences[0].raw')"
	is "$kind: show --json gives the last bytes as those of the letter" \
	    "$(sed 1d versions.ndjson)" "$(etl-dlq show --json 1 | jq -r .raw)"
	like "$kind: show prints the bytes of the first occurrence" \
	    '^its raw +\{"id":1,"p":9,"x":1\}$' "$(etl-dlq show 1)"
	is "$kind: show --raw prints the last bytes" "$(sed 1d versions.ndjson)" \
	    "$(etl-dlq show --raw 1 2>err)"
	like "$kind: show --raw says that the record was different before" \
	    'as it was rejected last; etl-dlq show 1 shows' "$(cat err)"
	is "$kind: --like finds the bytes of an occurrence" 1 \
	    "$(etl-dlq list --json --like '"x":1' | wc -l | tr -d ' ')"
	is "$kind: replay writes both records, in order" "$(cat versions.ndjson)" \
	    "$(etl-dlq replay | grep -v '"@etl"')"
	etl-dlq export >exported
	sql 'INSERT INTO parent VALUES (9)'
	is "$kind: the replay exits with 0" 0 \
	    "$(status etl-run --name mend -c "$replay")"
	is "$kind: after the replay the row has x and y" '1|9|1|2' \
	    "$(sql 'SELECT id, p, x, y FROM t')"
	is "$kind: after the replay the letter is resolved" 'resolved 2' \
	    "$(etl-dlq list --json --status any |
	    jq -r '"\(.status) \(.resolved_upto)"')"

	# The export is stored in another database.
	from=$db
	db_new $kind
	DATABASE_URL=$db
	is "$kind: put stores the exported occurrences" \
	    '2 stored, 0 known before, 0 other lines' "$(etl-dlq put exported)"
	is "$kind: their export is the same" "$(cat exported)" \
	    "$(etl-dlq export)"
	sed 's/y\\":2/y\\":3/; s/load\.\([^"]*\)"/load.new\1"/' exported |
	    sed 1d >third
	is "$kind: a third version is stored" \
	    '1 stored, 0 known before, 0 other lines' "$(etl-dlq put third)"
	etl-dlq put exported >/dev/null
	is "$kind: export gives all three versions in order" \
	    "$(cat versions.ndjson; sed -n '2s/2/3/p' versions.ndjson)" \
	    "$(etl-dlq export | jq -r .raw)"
	sed 's/load\.new/load.newer/; s/y\\":3/x\\":1/' third | etl-dlq put >/dev/null
	is "$kind: replay --once writes equal records only once" \
	    '{"id":1,"p":9,"y":2} {"id":1,"p":9,"y":3} {"id":1,"p":9,"x":1}' \
	    "$(etl-dlq replay --once | grep -v '"@etl"' | paste -sd' ')"

	# Erased bytes are erased in every occurrence.
	etl-dlq erase 1
	is "$kind: erase removes the bytes of every occurrence" '' \
	    "$(etl-dlq show 1 --json | grep '"p"')"
	sed 's/load\.new/load.last/' third | etl-dlq put >/dev/null
	is "$kind: a later occurrence of an erased letter keeps its bytes" \
	    '{"id":1,"p":9,"y":3}' "$(etl-dlq export 2>err | jq -r .raw)"
	is "$kind: replay sends only the bytes that were not erased" \
	    '{"id":1,"p":9,"y":3}' "$(etl-dlq replay 2>err |
	    grep -v '"@etl"')"
	like "$kind: replay says that bytes were erased" \
	    'letter 1: the bytes of one of its rejections were erased' \
	    "$(cat err)"
	DATABASE_URL=$from
done

# reject RAW ID: a reject line of pipeline p, stream s, stage transform. ID "":
# the id of these bytes.
reject() {
	n=$((n + 1))
	id=${2:-$(printf 'p\0s\0transform\0%s\0' "$1" | sha256sum |
	    cut -d' ' -f1)}
	jq -cn --arg raw "$1" --arg id "$id" --arg n "$n" --arg at \
	    "${at:-2026-05-01T12:00:00Z}" '{"@etl": "reject", v: 1, id: $id,
	    occurrence: "r/transform.abcd/\($n)", pipeline: "p", stream: "s",
	    stage: "transform", code: "filter", message: "m", raw: $raw,
	    at: $at}'
}
n=0
for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	reject good >line
	is "$kind: a reject whose id is made of its bytes is stored" \
	    '1 stored, 0 known before, 0 other lines' "$(etl-dlq put line)"
	known=$(jq -r .id line)
	{
		reject evil "$known"
		reject worse "$known"
	} >lines
	is "$kind: rejects with the id of other bytes are stored too" \
	    '2 stored, 0 known before, 0 other lines' \
	    "$(etl-dlq put lines 2>err)"
	like "$kind: a warning says that they got the id of their own bytes" \
	    'reject lines? ha.* the id of a dead letter with another record' \
	    "$(cat err)"
	is "$kind: the letter keeps its bytes and its attempts" \
	    "good 1 $known" "$(etl-dlq show --json "$known" |
	    jq -r '"\(.raw) \(.attempts) \(.id)"')"
	is "$kind: each of the other rejects is a letter of its own" \
	    "evil $(reject evil | jq -r .id),worse $(reject worse |
	    jq -r .id)" "$(etl-dlq list --json | jq -r '"\(.raw) \(.id)"' |
	    sed 1d | sort | paste -sd,)"
	at=2999-01-01T00:00:00Z
	reject late >line
	etl-dlq put line >/dev/null
	at=
	is "$kind: a time in the future is stored as the present time" true \
	    "$(etl-dlq list --json --like late |
	    jq '.last_seen_at <= (now | todate) and .created_at > "2026-05"')"

	# The same inside a stream that is loaded.
	sql 'CREATE TABLE t (id INTEGER PRIMARY KEY)'
	{
		echo '{"@etl":"begin","v":1,"id":"b","stream":"s","stages":["transform"]}'
		reject again "$known"
		echo '{"@etl":"end","stages":[{"stage":"transform","in":1,"out":0,"dropped":0,"rejected":1}]}'
	} >stream
	is "$kind: a load of a stream with such a reject exits with 0" 0 \
	    "$(status etl-load --table t --max-rejects 100% <stream)"
	like "$kind: etl-load warns, too" \
	    '^etl-load: warning: 1 reject line has the id' "$(cat err)"
	is "$kind: the letter keeps its bytes" "good 1" \
	    "$(etl-dlq show --json "$known" | jq -r '"\(.raw) \(.attempts)"')"
	is "$kind: the reject of the stream is a letter" again \
	    "$(etl-dlq list --json --like again | jq -r .raw)"
done
done_testing
