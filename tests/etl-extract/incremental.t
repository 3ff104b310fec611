#!/bin/sh
# Incremental runs: the requests, the records that come out, and the
# checkpoints in the stream.
. tests/support/lib.sh
api_start --items 30
state=$scratch/state.json
rejects=$scratch/rejects
oneline='/items?limit=50'

# take_requests: prints the requests since the last call, and forgets them.
take_requests() {
	api_log | sed 's/^GET //'
	: >"$api_log_file"
}
items() {
	curl -s "$api/control/items/$1/${2:-1}" >/dev/null
	take_requests >/dev/null
}
body() {
	printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'
}
# store VALUE VERSION: writes the state file.
store() {
	printf '{"c":{"value":"%s","version":%s}}\n' "$1" "$2" >"$state"
}
# forget: removes the state file and the rejects.
forget() {
	rm -f "$state" "$rejects"
}
# inc FIELD [OPTION...] SOURCE: an incremental run with this cursor.
inc() {
	field=$1
	shift
	rm -f "$rejects"
	status etl-extract --checkpoint c --state "file:$state" \
	    --cursor-field "$field" --since-param since --backoff 1ms..5ms \
	    --rejects "$rejects" "$@"
}
by_ts() {
	inc /ts "$@"
}
# records FIELD BODY [OPTION...]: reads one page with exactly these bytes.
records() {
	field=$1 text=$(body "$2")
	shift 2
	inc "$field" "$@" "$api/fault/body/$text"
}
# marks: "FROM VERSION VALUE" of each checkpoint in the output.
marks() {
	sed -nE 's/^\{"@etl":"checkpoint",.*"from":("[^"]*"|null),"version":([0-9]+),"value":("[^"]*"),.*/\1 \2 \3/p' \
	    "$scratch/out"
}
seqs() {
	sed -nE 's/.*"code":"item-0*([0-9]+)".*/\1/p' "$scratch/out"
}
codes() {
	sed -nE 's/.*"code":"([a-z_]+)","message".*"pointer":"([^"]*)".*"index":([0-9]+).*/\3 \1 \2/p' \
	    "$rejects"
}
err() {
	cat "$scratch/err"
}
# wrong_marks FIELD ordered|unordered: the marks that disagree with the records.
wrong_marks() {
	python3 tests/etl-extract/increment.py "$1" "$2" <"$scratch/out"
}

# Options that cannot work are refused before a request is sent or a file is
# opened.
cd "$scratch"
bad() {
	rc=$1 why=$2
	shift 2
	is "options that cannot work exit with $rc: $why" \
	    "$rc" "$(status etl-extract "$@")"
	like "options that cannot work: the message says: $why" \
	    "^etl-extract: .*$why" "$(err)"
}
base="--checkpoint c --cursor-field /ts --since-param since"
for option in '--cursor-field /ts' '--since-param since' '--start 1' \
    '--since 1' '--lookback 1s' '--until 1' '--until-param u' '--ordered' \
    '--state file:x' '--db sqlite:x.db'; do
	# shellcheck disable=SC2086
	bad 64 "${option%% *} needs --checkpoint" $option "$api/items"
done
# shellcheck disable=SC2086
while read -r why options; do
	eval "set -- $options"
	bad 64 "$(echo "$why" | tr _ ' ')" $base "$@"
done <<END
cannot_be_used_with_--each --each $api/items/{id}
JSON_Pointer --cursor-field ts $api/items
JSON_Pointer --cursor-field '' $api/items
JSON_Pointer --cursor-field /a~2 $api/items
since-param:_the_value_must_not_be_empty --since-param '' $api/items
start:_the_value_must_not_be_empty --start '' $api/items
since:_the_value_must_not_be_empty --since '' $api/items
until:_the_value_must_not_be_empty --until '' --until-param u $api/items
must_be_given_together --until 5 $api/items
must_be_given_together --until-param u $api/items
both_name_the_parameter_since --until 5 --until-param since $api/items
must_be_a_duration --lookback soon $api/items
must_be_a_duration --lookback 1.5 $api/items
only_one_of_them --state file:x --db sqlite:x.db $api/items
wants_file:PATH --state x $api/items
wants_file:PATH --state file: $api/items
one_SOURCE $api/items $api/items
one_SOURCE x.ndjson
one_SOURCE -
needs_--checkpoint_and_--size --paginate since $api/items
need_--paginate_page --paginate since --size n=1 --into query:p $api/items
need_--paginate_page --paginate since --size n=1 --total /t $api/items
END
bad 64 'needs --cursor-field and --since-param' --checkpoint c \
    --since-param since "$api/items"
bad 64 'needs --cursor-field and --since-param' --checkpoint c \
    --cursor-field /ts "$api/items"
bad 64 'checkpoint' --checkpoint '' --cursor-field /ts --since-param since \
    "$api/items"
bad 64 'needs --checkpoint and --size' --paginate since --size n=1 "$api/items"
# shellcheck disable=SC2086
bad 64 'total' $base --total x "$api/items"
# shellcheck disable=SC2086
bad 78 'API_TOKEN' $base --auth bearer "$api/items"
printf '{"c":{"value":12}}' >"$state"
# shellcheck disable=SC2086
bad 78 'state.json' $base --state "file:$state" "$api/items"
store abc 1
# shellcheck disable=SC2086
bad 78 'lookback' $base --state "file:$state" --lookback 5m "$api/items"
store 2026-05-01T00:00:00Z 1
# shellcheck disable=SC2086
bad 78 'lookback' $base --state "file:$state" --lookback 5 "$api/items"
is 'no request is sent for options that cannot work' '' "$(take_requests)"
is 'no database or file is created for options that cannot work' \
    '' "$(ls ./*.db x 2>/dev/null || :)"
cd "$top"

# The requests, and the checkpoint that follows from the records.
forget
is 'without a stored checkpoint the first run succeeds' \
    0 "$(by_ts "$api$oneline")"
is 'without a stored checkpoint the request has no lower bound' \
    "$oneline" "$(take_requests)"
is 'the first checkpoint has from null, version 0 and the highest value' \
    'null 0 "2026-05-01T00:10:00Z"' "$(marks)"
is 'without a stored checkpoint all records with a cursor come out' \
    "$(seq 30 | grep -v 27)" "$(seqs)"
is 'the marks of the first run agree with the records' \
    '' "$(wrong_marks ts unordered)"
like 'the mark begin names the checkpoint' '"checkpoint":"c"' \
    "$(head -n 1 "$scratch/out")"
unlike 'the mark begin has no lookback without --lookback' \
    lookback "$(head -n 1 "$scratch/out")"
like 'the checkpoint is the line before the mark end' '"@etl":"checkpoint"' \
    "$(tail -n 2 "$scratch/out" | head -n 1)"
like 'the mark end has the seq and version of the checkpoint' \
    '"@etl":"end","seq":1,"version":0,' \
    "$(tail -n 1 "$scratch/out")"
is '--start succeeds' \
    0 "$(by_ts --start 2026-05-01T02:09:00+02:00 "$api$oneline")"
is '--start is sent as the lower bound, encoded' \
    "$oneline&since=2026-05-01T02%3A09%3A00%2B02%3A00" \
    "$(take_requests)"
is '--start gives the records from its value on' "$(seq 28 30)" "$(seqs)"
is 'with --start the mark has the stored value, null, as from' \
    'null 0 "2026-05-01T00:10:00Z"' "$(marks)"
store 2026-05-01T00:09:00Z 7
is 'a run with a stored checkpoint succeeds' \
    0 "$(by_ts --start 2026-01-01T00:00:00Z "$api$oneline")"
is 'the stored value is sent as the lower bound, not --start' \
    "$oneline&since=2026-05-01T00%3A09%3A00Z" "$(take_requests)"
is 'the checkpoint has the stored value and version and the new value' \
    '"2026-05-01T00:09:00Z" 7 "2026-05-01T00:10:00Z"' \
    "$(marks)"
is '--since succeeds' 0 "$(by_ts --since 2026-05-01T00:00:00Z "$api$oneline")"
is '--since is sent instead of the stored value' \
    "$oneline&since=2026-05-01T00%3A00%3A00Z" "$(take_requests)"
is 'with --since the checkpoint still has the stored value as from' \
    '"2026-05-01T00:09:00Z" 7 "2026-05-01T00:10:00Z"' \
    "$(marks)"
is '--since below the stored value causes no warning' '' "$(err)"
is '--since above the stored value succeeds' \
    0 "$(by_ts --since 2026-05-01T02:09:30+02:00 \
    "$api$oneline")"
like '--since above the stored value warns of records not read' \
    'warning: --since.*are not read' "$(err)"
printf '{"c":{"value":null,"version":8}}' >"$state"
is 'a run with a cleared checkpoint succeeds' \
    0 "$(by_ts --start 2026-05-01T00:10:00Z "$api$oneline")"
is 'a cleared checkpoint keeps its version; from is null' \
    'null 8 "2026-05-01T00:10:00Z"' "$(marks)"
is 'the parameter of --since-param is replaced in the URL' \
    '/items?since=2026-05-01T00%3A10%3A00Z' \
    "$(take_requests >/dev/null; by_ts --start 2026-05-01T00:10:00Z \
    "$api/items?since=2000-01-01" >/dev/null; take_requests)"
store 2026-05-01T00:09:00Z 7
is '--until succeeds' \
    0 "$(by_ts --until 2026-05-01T00:09:00Z --until-param until \
    "$api/items")"
is '--until is sent as the upper bound' \
    '/items?since=2026-05-01T00%3A09%3A00Z&until=2026-05-01T00%3A09%3A00Z' \
    "$(take_requests)"
is '--until gives the records between both bounds' "$(seq 28 29)" "$(seqs)"
is 'records up to the stored value make no checkpoint' '' "$(marks)"
unlike 'a stream without a checkpoint has no seq in its mark end' \
    '"seq"' "$(tail -n 1 "$scratch/out")"
is 'a service that ignores --since-param does not fail' 0 \
    "$(by_ts --since-param nope "$api$oneline")"
like 'a service that ignores --since-param causes a warning' \
    'warning: /ts is 2026-05-01T00:00:00Z.*nope=' "$(err)"
is 'a service that ignores --since-param causes one warning only' \
    1 "$(wc -l <"$scratch/err")"

# A run without a new value makes no checkpoint.
store 2026-05-01T02:10:00+02:00 3
is 'a run without new records succeeds' 0 "$(by_ts "$api$oneline")"
is 'the record of the stored value is read again' 30 "$(seqs)"
is 'a run without new records makes no checkpoint' '' "$(marks)"
is 'a run without any record succeeds' \
    0 "$(by_ts --since 2027-01-01T00:00:00Z "$api$oneline")"
is 'a run without any record writes begin and end only' \
    2 "$(wc -l <"$scratch/out")"
is 'a run of older records only succeeds' \
    0 "$(by_ts --since 2026-05-01T00:00:00Z \
    --until 2026-05-01T00:05:00Z --until-param until "$api$oneline")"
is 'a run of older records only writes them' "$(seq 17)" "$(seqs)"
is 'a run of older records only makes no checkpoint' '' "$(marks)"

# --lookback reads some of the old records again.
is '--lookback succeeds' 0 "$(by_ts --lookback 1m "$api$oneline")"
is '--lookback is subtracted from the stored value that is sent' \
    'since=2026-05-01T02%3A09%3A00%2B02%3A00' \
    "$(take_requests | tail -n 1 | sed 's/.*&//')"
like 'the mark begin has lookback with --lookback' \
    '"lookback":true' "$(head -n 1 "$scratch/out")"
is '--lookback without new records makes no checkpoint' '' "$(marks)"
is '--lookback causes no warning' '' "$(err)"
is '--lookback with --since succeeds' 0 "$(by_ts --lookback 1m \
    --since 2026-05-01T00:10:00Z "$api$oneline")"
is '--lookback is not subtracted from --since' \
    'since=2026-05-01T00%3A10%3A00Z' \
    "$(take_requests | tail -n 1 | sed 's/.*&//')"

# Cursors of each kind: numbers, texts and times.
items 3
forget
is 'a cursor may be a number' 0 "$(inc /seq "$api/items?by=seq")"
is 'a number beyond 2^53 keeps its digits in the checkpoint' \
    'null 0 "9007199254740993"' "$(marks)"
store 9007199254740992 1
is 'a run with a stored number succeeds' 0 "$(inc /seq "$api/items?by=seq")"
is 'the stored number is sent with all digits' \
    '/items?by=seq&since=9007199254740992' \
    "$(take_requests | tail -n 1)"
is 'a number beyond 2^53 can advance by one' \
    '"9007199254740992" 1 "9007199254740993"' \
    "$(marks)"
is '--lookback 1 with a stored number succeeds' \
    0 "$(inc /seq --lookback 1 "$api/items?by=seq")"
is '--lookback 1 is subtracted beyond 2^53 exactly' \
    '/items?by=seq&since=9007199254740991' \
    "$(take_requests | tail -n 1)"
is 'numbers of other spellings succeed' 0 "$(records /n \
    '[{"n":0.9e1},{"n":10},{"n":9.99}]' --since 1e0)"
is 'numbers below the stored one make no checkpoint in any spelling' \
    '' "$(marks)"
forget
is 'numbers in no order succeed' \
    0 "$(records /n '[{"n":0.9e1},{"n":10},{"n":9.99}]')"
is 'the checkpoint is the highest number in its own spelling' \
    'null 0 "10"' "$(marks)"
is 'a cursor may be a text' 0 "$(inc /code "$api/items?by=code")"
is 'the checkpoint is the highest text' 'null 0 "item-000003"' "$(marks)"
store item-000002 4
is 'a run with a stored text succeeds' 0 "$(inc /code "$api/items?by=code")"
is 'the checkpoint advances from the stored text' \
    '"item-000002" 4 "item-000003"' "$(marks)"
is 'the stored text is sent' '/items?by=code&since=item-000002' \
    "$(take_requests | tail -n 1)"
forget
is 'texts beyond ASCII succeed' \
    0 "$(records /t '[{"t":"9"},{"t":"10"},{"t":"\u00e9"}]')"
is 'texts are compared by bytes' 'null 0 "é"' "$(marks)"
is 'texts out of order exit with 76 with --ordered' 76 "$(records /t \
    '[{"t":"a\u001b[31m\nb"},{"t":"a"}]' --ordered)"
like 'texts out of order: the message escapes control characters' \
    'from a\\u001b\[31m\\nb to a' "$(err)"
store 00009 2
is 'texts of digits succeed' 0 "$(records /t '[{"t":"00010"},{"t":"10"}]')"
is 'texts of digits are compared by bytes' '"00009" 2 "10"' "$(marks)"
store 9 2
is 'a text of digits after a stored 9 succeeds' 0 "$(records /t '[{"t":"91"}]')"
is 'a stored 9 is compared by bytes if the cursors are texts' \
    '"9" 2 "91"' "$(marks)"
forget
is 'times with offsets succeed' \
    0 "$(records /t '[{"t":"2026-05-01T01:00:00+02:00"},
    {"t":"2026-05-01T00:00:00Z"},{"t":"2026-04-30T23:00:00.9-00:59"}]')"
is 'the checkpoint is the latest instant, whatever its offset' \
    'null 0 "2026-05-01T00:00:00Z"' "$(marks)"
store 2026-05-01T02:00:00.000+02:00 2
is 'the stored instant with another offset succeeds' 0 "$(records /t \
    '[{"t":"2026-05-01T00:00:00Z"}]')"
is 'the stored instant with another offset makes no checkpoint' '' "$(marks)"
is 'times with long fractions succeed' \
    0 "$(records /t '[{"t":"2026-05-01T00:00:00.00000000000001Z"},
    {"t":"2026-05-01T00:00:00.000000000000009Z"}]')"
is 'fractions of a second of any length are compared exactly' \
    '"2026-05-01T02:00:00.000+02:00" 2 "2026-05-01T00:00:00.00000000000001Z"' \
    "$(marks)"
forget
is '--cursor-field may be a deep pointer' 0 "$(records '/meta/a~1b/1' \
    '[{"meta":{"a/b":[9,1]}},{"meta":{"a/b":[3,2]}}]')"
is 'the checkpoint is the highest value at a deep pointer' \
    'null 0 "2"' "$(marks)"

# Records without a cursor, or with one of another kind.
store 2026-05-01T00:00:00Z 2
is 'records without a cursor become rejects' \
    0 "$(records /t '[{"t":"2026-05-02T00:00:00Z"},{"x":1},
    {"t":null},{"t":{}},{"t":[1]},{"t":true},{"t":"2026-05-02"},{"t":5},
    {"t":"a\u0000b"},{"t":"\ud800"},{"t":""},
    {"t":"2026-05-01T12:00:00Z","a":  [1,
    2]}]' --max-rejects 11)"
is 'each record without a fitting cursor has its code and pointer' \
    '2 required /t
3 required /t
4 type /t
5 type /t
6 type /t
7 type /t
8 type /t
9 encoding /t
10 encoding /t
11 required /t' "$(codes)"
like 'a reject has the compact bytes of its record on one line' \
    '"raw":"\{\\"t\\":\[1\]\}"' \
    "$(cat "$rejects")"
is 'rejected records do not keep the checkpoint from advancing' \
    '"2026-05-01T00:00:00Z" 2 "2026-05-02T00:00:00Z"' \
    "$(marks)"
long=$(printf %01100d 0)
forget
is 'a number that is too long for a cursor does not fail' \
    0 "$(records /t '[{"t":1'"$long"'},{"t":1e123456789012345678},
    {"t":1}]' --max-rejects 2)"
is 'a number that is too long for a cursor has the code range' '1 range /t
2 range /t' "$(codes)"
is 'a text that is too long for a cursor does not fail' \
    0 "$(records /t '[{"t":"a'"$long"'"},{"t":"a"}]' \
    --max-rejects 1)"
is 'a text that is too long for a cursor has the code range' \
    '1 range /t' "$(codes)"
is 'a wrong --cursor-field within --max-rejects does not fail' \
    0 "$(by_ts --cursor-field /tz --max-rejects 100 \
    "$api/items")"
is 'a wrong --cursor-field rejects all records' '1 required /tz
2 required /tz
3 required /tz' "$(codes)"
is 'a wrong --cursor-field makes no checkpoint' '' "$(marks)"
items 40
is 'a wrong --cursor-field for many records exits with 1' \
    1 "$(by_ts --cursor-field /tz "$api/items")"
like 'a wrong --cursor-field: the message names the missing member' \
    '/tz: missing' "$(err)"
# with_stored STORED BODY [OPTION...]: reads BODY after STORED was stored.
with_stored() {
	forget
	[ -z "$1" ] || store "$1" 2
	shift
	records /t "$@"
}
is 'a stored time with numbers as cursors exits with 78' \
    78 "$(with_stored 2026-05-01T00:00:00Z \
    '[{"t":1},{"t":2}]' --max-rejects 9)"
like 'a stored time with numbers as cursors: the message says so' \
    'stored or given is a time.*no record has such a value' "$(err)"
is 'a stored number with times as cursors exits with 78' 78 "$(with_stored 5 \
    '[{"t":"2026-05-01T00:00:00Z"}]' --max-rejects 9)"
is 'a stored text with numbers as cursors exits with 78' \
    78 "$(with_stored abc '[{"t":1}]')"
like 'a stored text with numbers as cursors: the message says so' \
    "checkpoint is a string, 'abc', but /t is a number" "$(err)"
is 'a stored text with times as cursors exits with 78' 78 "$(with_stored abc \
    '[{"t":"2026-05-01T00:00:00Z"}]')"
is 'a stored day with times as cursors exits with 78' \
    78 "$(with_stored 2026-05-01 \
    '[{"t":"2026-05-01T00:00:00Z"}]')"
is 'cursors of another kind than the stored one make no checkpoint' \
    '' "$(marks)"
is 'a stored time with one text as cursor rejects the text only' \
    0 "$(with_stored 2026-05-01T00:00:00Z \
    '[{"t":"soon"}]' --max-rejects 9)"
is 'a stored number with texts between numbers succeeds' 0 "$(with_stored 5 \
    '[{"t":"soon"},{"t":6},{"t":"7"}]' --max-rejects 9)"
is 'a stored number: records with a text have the code type' '1 type /t
3 type /t' "$(codes)"
is 'a stored number: the checkpoint is the highest number' \
    '"5" 2 "6"' "$(marks)"
is 'a text before a time, nothing stored, exits with 78' 78 "$(with_stored '' \
    '[{"t":"soon"},{"t":"2026-05-01T00:00:00Z"}]')"
like 'a text before a time: the message names --start' \
    'value of --start' "$(err)"
is 'a text before a number, nothing stored, exits with 78' \
    78 "$(with_stored '' '[{"t":"soon"},{"t":1}]')"
is 'a text after a time, nothing stored, is a reject' 0 "$(with_stored '' \
    '[{"t":"2026-05-01T00:00:00Z"},{"t":"soon"}]' --max-rejects 9)"
is '--start decides the kind of the cursor' \
    0 "$(with_stored '' '[{"t":"soon"},{"t":"2026-05-01T00:00:00Z"}]' \
    --start 2026-01-01T00:00:00Z --max-rejects 9)"
is '--start of a time: the checkpoint is the time, not the text' \
    'null 0 "2026-05-01T00:00:00Z"' "$(marks)"
is '--start may be a day if the cursors are times' \
    0 "$(with_stored '' '[{"t":"2026-05-01T00:00:00Z"}]' \
    --start 2026-01-01)"

# Checkpoints between pages: after a --delay of one second a checkpoint is due
# at each page edge.
paged() {
	by_ts --paginate page --into query:page "$@"
}
items 11
forget
is '--ordered pages succeed' \
    0 "$(paged --ordered --delay 1s --size limit=4 "$api/items")"
is '--ordered with --delay 1s writes a checkpoint after each page' \
    'null 0 "2026-05-01T00:01:00Z"
null 0 "2026-05-01T00:02:00.250Z"
null 0 "2026-05-01T00:03:00Z"' "$(marks)"
is 'the marks of --ordered agree with the records' \
    '' "$(wrong_marks ts ordered)"
store 2026-05-01T00:02:00.250Z 9
is '--ordered with --since below the stored value succeeds' \
    0 "$(paged --ordered --delay 1s --size limit=4 \
    --since 2026-05-01T00:00:00Z "$api/items")"
is 'no checkpoint is written before the stored value is passed' \
    '"2026-05-01T00:02:00.250Z" 9 "2026-05-01T00:03:00Z"' "$(marks)"
forget
is 'ordered records without --ordered succeed' \
    0 "$(paged --delay 1s --size limit=6 "$api/items")"
is 'without --ordered the only checkpoint is at the end' \
    'null 0 "2026-05-01T00:03:00Z"' "$(marks)"
items 30
forget
is 'unordered records succeed' \
    0 "$(paged --size limit=7 "$api/items?order=none")"
is 'unordered records all come out' "$(seq 30 | grep -v 27)" "$(seqs | sort -n)"
is 'unordered records make one checkpoint, the highest value' \
    'null 0 "2026-05-01T00:10:00Z"' \
    "$(marks)"
is '--ordered with unordered records exits with 76' \
    76 "$(paged --ordered --size limit=7 \
    "$api/items?order=none")"
like '--ordered with unordered records: the message says what to do' \
    'page 1, record [0-9]+: the cursor /ts falls .* leave out --ordered, and .*clear c' \
    "$(err)"
like '--ordered with unordered records: a failed mark ends the stream' \
    '^\{"@etl":"failed".*"code":76' \
    "$(tail -n 1 "$scratch/out")"
items 30000
is '30,000 ordered records succeed' \
    0 "$(inc /seq --paginate page --into query:page --ordered \
    --size limit=4000 "$api/items?by=seq")"
is 'the marks of 30,000 records agree with them' '' "$(wrong_marks seq ordered)"
is 'the checkpoints are at most 10,000 records and one page apart' '' \
    "$(awk '/"@etl":"(begin|checkpoint|end)"/ {
	if (NR - last > 14001) print last, NR; last = NR }' "$scratch/out")"
like 'the last checkpoint has the highest of 30,000 values' \
    ' "9007199254770990"$' "$(marks | tail -n 1)"

# --paginate since: the cursor value of the last record requests the next page.
since_paged() {
	by_ts --paginate since "$@"
}
items 120
for limit in 10 11 13 14 26 27 28 39 77 120 500; do
	forget
	is "--paginate since with pages of $limit succeeds" \
	    0 "$(since_paged --size limit=$limit \
	    --max-rejects 9 "$api/items")"
	is "pages of $limit: each record comes out once" \
	    "$(seq 120 | grep -vx -e 27 -e 77)" "$(seqs)"
	is "pages of $limit: each rejected record is one reject" \
	    2 "$(wc -l <"$rejects")"
	is "pages of $limit: the marks agree with the records" \
	    '' "$(wrong_marks ts ordered)"
done
take_requests >/dev/null
items 11
is '--paginate since with --delay succeeds' \
    0 "$(since_paged --delay 1s --size limit=5 "$api/items")"
is '--paginate since requests each page from the last value on' '/items?limit=5
/items?limit=5&since=2026-05-01T00%3A01%3A00Z
/items?limit=5&since=2026-05-01T00%3A02%3A00Z
/items?limit=5&since=2026-05-01T00%3A03%3A00Z
/items?limit=5&since=2026-05-01T00%3A03%3A00Z' "$(take_requests)"
is '--paginate since with --delay 1s writes checkpoints between pages' \
    'null 0 "2026-05-01T00:01:00Z"
null 0 "2026-05-01T00:02:00Z"
null 0 "2026-05-01T00:03:00Z"' "$(marks)"
is 'the marks of --paginate since agree with the records' \
    '' "$(wrong_marks ts ordered)"
store 2026-05-01T00:03:00Z 1
is '--paginate since without new records succeeds' \
    0 "$(since_paged --size limit=5 "$api/items")"
is '--paginate since without new records sends two requests' \
    '/items?limit=5&since=2026-05-01T00%3A03%3A00Z
/items?limit=5&since=2026-05-01T00%3A03%3A00Z' "$(take_requests)"
is '--paginate since without new records makes no checkpoint' '' "$(marks)"
items 0
is '--paginate since without any record succeeds' \
    0 "$(since_paged --size limit=5 \
    "$api/items")"
items 120
forget
store 17 1
is '--paginate since: a stored number with times exits with 78' \
    78 "$(since_paged \
    --max-rejects 100% --size limit=5 "$api/items")"
like '--paginate since: a stored number with times: the message says so' \
    'stored or given is a number, but no record has such a value in /ts' \
    "$(err)"
forget
is 'a full page of one cursor value exits with 78' \
    78 "$(since_paged --size limit=9 --max-rejects 9 \
    "$api/items")"
like 'a full page of one value: the message says to raise the page size' \
    "have the cursor value '2026-05-01T00:33:00Z', .*: raise the page size" \
    "$(err)"
like 'a full page of one value: it says what else helps' \
    'with --paginate page, or name a --cursor-field whose values differ' \
    "$(err)"
is 'a full page without a cursor exits with 78' \
    78 "$(inc /no --max-rejects 100% \
    --paginate since --size limit=9 "$api/items")"
like 'a full page without a cursor: check --cursor-field, it says' \
    'no record of the page has the member /no: check --cursor-field' \
    "$(err)"
is '--paginate since: a service that ignores the parameter makes 78' \
    78 "$(by_ts --since-param sinze \
    --paginate since --size limit=9 "$api/items")"
like 'a service that ignores the parameter: the message names it' \
    'the service ignores the parameter sinze' "$(err)"
is 'records that all lack the cursor do not fail within --max-rejects' \
    0 "$(inc /no --max-rejects 100% "$api/items")"
like 'records that all lack the cursor cause a warning' \
    '^etl-extract: warning: /no is not in any of [0-9]+ records' "$(err)"
is 'a service that leaves out the lower bound exits with 75' \
    75 "$(since_paged --size limit=10 --delay 1s \
    "$api/items?strict=1")"
like 'a lower bound that is left out: the message says so' \
    'does not return the records whose' "$(err)"
is 'a lower bound that is left out: no checkpoint passes it' '' "$(marks)"
is 'a lower bound that is left out: the records of its page come out' \
    "$(seq 10; seq 12 21)" "$(seqs)"
items 26
first=2026-05-01T00:00:00Z
for strict in 1 0; do
	forget
	is "a record without cursor, strict=$strict: exit code 75 if strict" \
	    $((75 * strict)) "$(since_paged --size limit=10 --start "$first" \
	    --max-rejects 9 "$api/items?pinned=1&strict=$strict")"
	is "a record without cursor on every page, strict=$strict: one reject" \
	    1 "$(wc -l <"$rejects")"
done
is 'a record without cursor on every page: all others come out' \
    "$(seq 26)" "$(seqs)"
items 120
is 'a lower bound that is left out does not matter on a short page' \
    0 "$(since_paged --size limit=130 \
    --max-rejects 9 "$api/items?strict=1")"
is 'a lower bound that is left out, short page: all records come out' \
    "$(seq 120 | grep -vx -e 27 -e 77)" "$(seqs)"
is 'a service that gives smaller pages than requested succeeds' \
    0 "$(since_paged --size limit=50 \
    --max-rejects 9 "$api/items?most=10")"
is 'smaller pages than requested: all records come out' \
    "$(seq 120 | grep -vx -e 27 -e 77)" "$(seqs)"
is 'a page smaller than the records of one value exits with 75' \
    75 "$(since_paged \
    --size limit=50 --max-rejects 9 "$api/items?most=9")"
like 'a page smaller than one value: the message says what to give' \
    'seems to return at most 9 records a page.*: raise its limit' "$(err)"
like 'a page smaller than one value: it says what else helps' \
    'with --paginate page, or name a --cursor-field whose values differ' \
    "$(err)"
like 'a page smaller than one value: the advice does not depend on the URL' \
    '--cursor-field whose values differ' "$(since_paged --size limit=50 \
    --max-rejects 9 "$api/items?most=9&long=$(printf %0900d 0)" \
    >/dev/null; err)"
is '--paginate since with unordered records exits with 76' \
    76 "$(since_paged --size limit=9 \
    "$api/items?order=none")"
like '--paginate since with unordered records: the message says so' \
    'needs ascending order' "$(err)"
is '--paginate since with texts succeeds' \
    0 "$(inc /code --paginate since --size limit=7 \
    "$api/items?by=code")"
is '--paginate since with texts: all records come out' "$(seq 120)" "$(seqs)"
is '--paginate since with pages of one record exits with 78' \
    78 "$(inc /seq --paginate since \
    --size limit=1 "$api/items?by=seq")"
is '--paginate since with numbers beyond 2^53 succeeds' \
    0 "$(inc /seq --paginate since --size limit=2 \
    --start 9007199254741050 "$api/items?by=seq")"
is '--paginate since with numbers: all records come out' \
    "$(seq 60 120)" "$(seqs)"

# The data shrink while they are read page by page.
forget
items 40
by_ts --paginate page --into query:page --size limit=10 --total /total \
    --delay 1s "$api/items" >"$scratch/shrunk" &
pid=$!
wait_until 10 grep -q 'page=1' "$api_log_file"
items 40 3
wait $pid
is 'a total that shrinks between two pages exits with 75' \
    75 "$(cat "$scratch/shrunk")"
like 'a total that shrinks: the message has both totals' \
    'page=[234]: the total fell from 40 to 38 records' "$(err)"
is 'a total that shrinks: no checkpoint is written' '' "$(marks)"

# The data grow at their end while they are read, so that a page may be as long
# as the page before it.
asked_times() {
	[ "$(grep -c since= "$api_log_file")" -ge "$1" ]
}
forget
items 96
store 2026-05-01T00:31:00Z 1
for to in 99 103; do
	wait_until 10 asked_times $((to / 100 + 1)) || :
	curl -s "$api/control/items/$to/1" >/dev/null
done &
pid=$!
is 'data that grow while they are read succeed' \
    0 "$(since_paged --size limit=50 --delay 1s "$api/items")"
wait $pid
is 'data that grow while they are read: all records come out' \
    "$(seq 93 103)" "$(seqs)"

# The data grow from run to run.
forget
items 20
rm -f "$scratch/all"
for to in 50 50 119 120 120 200; do
	items $to
	is "data grown to $to records: the run succeeds" \
	    0 "$(since_paged --size limit=30 --max-rejects 99 \
	    "$api/items")"
	is "data grown to $to records: the marks agree with the records" \
	    '' "$(wrong_marks ts ordered)"
	seqs >>"$scratch/all"
	ok "data grown to $to records: etl-checkpoint saves the checkpoint" \
	    etl-checkpoint save --marked --state "file:$state" \
	    <"$scratch/out"
done
is 'the version goes up only where a run had new records' 4 \
    "$(sed -nE 's/.*"version": *([0-9]+).*/\1/p' "$state")"
is 'all records of growing data came out in some run' \
    "$(seq 200 | awk '$1 % 50 != 27')" \
    "$(sort -nu "$scratch/all")"

# A run that is stopped or killed has written whole lines only, and the state
# file is unchanged.
cp "$state" "$scratch/before"
for signal in TERM KILL; do
	rc=0
	timeout -s $signal 1.5 etl-extract --checkpoint c --state "file:$state" \
	    --cursor-field /ts --since-param since --paginate since \
	    --since 2026-01-01T00:00:00Z --size limit=30 --delay 1s \
	    "$api/items" >"$scratch/out" 2>"$scratch/err" || rc=$?
	isnt "$signal: a run that is stopped does not exit with 0" 0 $rc
	like "$signal: the last line of a stopped run is whole" \
	    '^\{.*\}$' "$(tail -n 1 "$scratch/out")"
	unlike "$signal: the stream of a stopped run has no mark end" \
	    '"@etl":"end"' "$(cat "$scratch/out")"
	ok "$signal: a stopped run leaves the state file unchanged" \
	    cmp "$state" "$scratch/before"
done

# The checkpoint is stored in a database.
in_db() {
	rm -f "$rejects"
	status etl-extract --checkpoint c --cursor-field /ts \
	    --since-param since --rejects "$rejects" "$@" "$api$oneline"
}
items 10
take_requests >/dev/null
for kind in sqlite postgresql; do
	db_new $kind
	is "$kind: an empty database succeeds" 0 "$(in_db --db "$db")"
	is "$kind: an empty database: from is null and version 0" \
	    'null 0 "2026-05-01T00:03:00Z"' "$(marks)"
	sql "INSERT INTO etl_checkpoints (name, value, version, updated_at)
	    VALUES ('c', '2026-05-01T00:02:00.25Z', 17,
	    '2026-05-01T00:00:00Z')"
	take_requests >/dev/null
	is "$kind: a checkpoint stored in the database is read" \
	    0 "$(in_db --db "$db")"
	is "$kind: the value stored in the database is sent" \
	    "$oneline&since=2026-05-01T00%3A02%3A00.25Z" "$(take_requests)"
	is "$kind: the mark has the value and version of the database" \
	    '"2026-05-01T00:02:00.25Z" 17 "2026-05-01T00:03:00Z"' "$(marks)"
	is "$kind: DATABASE_URL names the database" \
	    0 "$(DATABASE_URL=$db in_db)"
	is "$kind: the checkpoint of DATABASE_URL is read" \
	    '"2026-05-01T00:02:00.25Z" 17 "2026-05-01T00:03:00Z"' "$(marks)"
	is "$kind: a checkpoint name with a quote succeeds" \
	    0 "$(in_db --db "$db" --checkpoint "c'd")"
	is "$kind: another checkpoint name has nothing stored" \
	    'null 0 "2026-05-01T00:03:00Z"' "$(marks)"
done
take_requests >/dev/null
is 'a database server that is not running exits with 75' \
    75 "$(in_db --db 'postgresql://127.0.0.1:1/x')"
is 'a database file in a missing directory exits with 73' \
    73 "$(in_db --db "sqlite:$scratch/none/x.db")"
is 'no request is sent without a database' '' "$(take_requests)"
is 'a password in --db reaches the connection, which fails with 75' \
    75 "$(in_db --db 'postgresql://u:secret@127.0.0.1:1/x')"
like 'a password in --db causes a warning' 'warning: --db' "$(err)"
unlike 'a password in --db is not shown' secret "$(err)"
(
	mkdir "$scratch/here"
	cd "$scratch/here"
	etl-extract --checkpoint c --cursor-field /ts --since-param since \
	    "$api$oneline" >out 2>err
	etl-extract "$api$oneline" >/dev/null
)
is 'without --db and DATABASE_URL, etl.db is created' 'err
etl.db
out' "$(ls "$scratch/here")"
is 'etl-extract says that it uses ./etl.db' \
    'etl-extract: DATABASE_URL is not set, using ./etl.db' \
    "$(cat "$scratch/here/err")"
rm -f "$scratch/here/etl.db"
(cd "$scratch/here" && etl-extract "$api$oneline" >/dev/null)
is 'without --checkpoint no etl.db is created' 'err
out' "$(ls "$scratch/here")"
done_testing
