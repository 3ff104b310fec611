#!/bin/sh
# PostgreSQL databases whose encoding is not UTF-8: a record with a character
# that the encoding lacks is rejected, the others are loaded, and etl-run still
# records the end of each run.
# shellcheck disable=SC2016,SC2089,SC2090
. tests/support/lib.sh
cd "$scratch"
# Characters as bytes and as escapes, in values, names and reject messages.
cat >in.ndjson <<'J'
{"id":1,"n":"a"}
{"id":2,"n":"€"}
{"id":3,"n":"\u20ac\ud83d\ude00"}
{"id":"€","n":"é"}
{"id":"\u20ac","n":"a"}
{"id":"x","€":1}
{"id":7,"n":"b"}
J
cat >ids <<'J'
1
2
3
"€"
"\u20ac"
"x"
7
J
strict='if (.id | type) != "number" then error("€ \(.id)") else . end'

for encoding in LATIN1 EUC_KR SQL_ASCII; do
	name=etl_test_$$_$encoding
	DATABASE_URL=postgresql:///$name db=postgresql:///$name
	export DATABASE_URL strict
	createdb -T template0 --locale=C -E $encoding "$name"
	at_exit "dropdb --force --if-exists $name"
	sql 'CREATE TABLE t (id integer PRIMARY KEY, n text)'
	is "$encoding: a run with such records succeeds" \
	    0 "$(status etl-run --name enc -c \
	    'etl-extract in.ndjson | etl-load --table t --key id \
	    --max-rejects 100%')"
	is "$encoding: the records that the encoding can hold are rows" \
	    '1 7' "$(sql 'SELECT id FROM t
	    WHERE id IN (1, 7) ORDER BY id' | paste -sd' ')"
	is "$encoding: each record is a row or a dead letter" 7 "$(sql \
	    'SELECT (SELECT count(*) FROM t) + (SELECT count(*)
	    FROM dead_letters)')"
	etl-dlq list --json | jq -c .raw | sort >raw
	sql 'SELECT id FROM t' >rows
	grep -vxf rows ids | while read -r id; do
		grep -F "{\"id\":$id," in.ndjson
	done | jq -Rc . | sort >want
	ok "$encoding: the dead letters keep the exact bytes" cmp want raw

	# Dead letters whose stage and message hold such characters.
	sql 'DELETE FROM dead_letter_attempts; DELETE FROM dead_letters'
	is "$encoding: a run with rejects of a filter succeeds" \
	    0 "$(status etl-run --name f -c \
	    'etl-extract in.ndjson | etl-transform --max-rejects 100% "$strict" |
	    etl-load --mode ignore --table t --max-rejects 100%')"
	is "$encoding: the rejects of the filter are dead letters" \
	    3 "$(sql "SELECT count(*)
	    FROM dead_letters WHERE stage = 'transform'")"
	case $encoding in
	SQL_ASCII) word='€ x' ;;
	*) word='\u20ac x' ;;
	esac
	is "$encoding: a dead letter keeps its message, escaped if needed" \
	    "$word" "$(sql "SELECT error_message
	    FROM dead_letters WHERE error_message LIKE '% x'")"
	etl-dlq export --status any >exported
	is "$encoding: etl-dlq put knows the letters that were exported" \
	    "0 stored, $(wc -l <exported) known before, 0 other lines" \
	    "$(etl-dlq put exported)"
	is "$encoding: a replay whose records are rejected again succeeds" \
	    0 "$(status sh -c \
	    'etl-dlq replay --stage transform |
	    etl-transform --max-rejects 100% "$strict" | etl-load --table t')"
	is "$encoding: letters rejected again stay open, with one more attempt" \
	    '3 2' "$(sql "SELECT
	    count(*) || ' ' || min(attempts) FROM dead_letters
	    WHERE stage = 'transform' AND status = 'open'")"
	is "$encoding: a replay whose records are loaded succeeds" \
	    0 "$(status sh -c \
	    'etl-dlq replay --stage transform | etl-transform \
	    "{id: (now * 1e6 % 1e9 | floor), n: \"m\"}" |
	    etl-load --table t')"
	is "$encoding: letters whose records were loaded are resolved" \
	    3 "$(sql "SELECT count(*) FROM
	    dead_letters WHERE status = 'resolved'")"

	# A run that fails with such a character in its message.
	is "$encoding: etl-run exits with the status of the failed script" \
	    3 "$(status etl-run --name w -c \
	    'echo "etl-x: €" >&2; exit 3')"
	is "$encoding: the row of the failed run has the message" \
	    "failed|etl-x: ${word% x}" "$(sql \
	    "SELECT status, error_message FROM pipeline_runs
	    WHERE pipeline = 'w'")"
done
done_testing
