#!/bin/sh
# Reading only what is new: what is asked for, what leaves, which marks stand.
. tests/support/lib.sh
api_start --items 30
state=$scratch/state.json
rejects=$scratch/rejects
oneline='/items?limit=50'

asked() {
	api_log | sed 's/^GET //'
	: >"$api_log_file"
}
items() {
	curl -s "$api/control/items/$1/${2:-1}" >/dev/null
	asked >/dev/null
}
body() {
	printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'
}
# stored VALUE VERSION: what the state file holds.
stored() {
	printf '{"c":{"value":"%s","version":%s}}\n' "$1" "$2" >"$state"
}
nothing() {
	rm -f "$state" "$rejects"
}
# inc FIELD [OPTION...] SOURCE
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
# records FIELD BODY [OPTION...]: one page with just these bytes.
records() {
	field=$1 text=$(body "$2")
	shift 2
	inc "$field" "$@" "$api/fault/body/$text"
}
# "FROM VERSION VALUE" of each mark.
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
true_marks() {
	python3 tests/etl-extract/increment.py "$1" "$2" <"$scratch/out"
}

# Options, before anything is asked for or opened.
cd "$scratch"
bad() {
	rc=$1 why=$2
	shift 2
	is "$why" "$rc" "$(status etl-extract "$@")"
	like "$why: says so" "^etl-extract: .*$why" "$(err)"
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
stored abc 1
# shellcheck disable=SC2086
bad 78 'lookback' $base --state "file:$state" --lookback 5m "$api/items"
stored 2026-05-01T00:00:00Z 1
# shellcheck disable=SC2086
bad 78 'lookback' $base --state "file:$state" --lookback 5 "$api/items"
is 'nothing was asked for' '' "$(asked)"
is 'nothing was opened' '' "$(ls ./*.db x 2>/dev/null || :)"
cd "$top"

# What is asked for.
nothing
is 'nothing stored' 0 "$(by_ts "$api$oneline")"
is 'nothing stored: everything' "$oneline" "$(asked)"
is 'nothing stored: the mark' 'null 0 "2026-05-01T00:10:00Z"' "$(marks)"
is 'nothing stored: records' "$(seq 30 | grep -v 27)" "$(seqs)"
is 'nothing stored: the marks are true' '' "$(true_marks ts unordered)"
like 'begin names the checkpoint' '"checkpoint":"c"' \
    "$(head -n 1 "$scratch/out")"
unlike 'begin has no lookback' lookback "$(head -n 1 "$scratch/out")"
like 'the mark is before the end' '"@etl":"checkpoint"' \
    "$(tail -n 2 "$scratch/out" | head -n 1)"
like 'the end has the version' '"@etl":"end","seq":1,"version":0,' \
    "$(tail -n 1 "$scratch/out")"
is 'start' 0 "$(by_ts --start 2026-05-01T02:09:00+02:00 "$api$oneline")"
is 'start: is sent, encoded' "$oneline&since=2026-05-01T02%3A09%3A00%2B02%3A00" \
    "$(asked)"
is 'start: records' "$(seq 28 30)" "$(seqs)"
is 'start: from is what is stored' 'null 0 "2026-05-01T00:10:00Z"' "$(marks)"
stored 2026-05-01T00:09:00Z 7
is 'stored' 0 "$(by_ts --start 2026-01-01T00:00:00Z "$api$oneline")"
is 'stored: is sent' "$oneline&since=2026-05-01T00%3A09%3A00Z" "$(asked)"
is 'stored: the mark' '"2026-05-01T00:09:00Z" 7 "2026-05-01T00:10:00Z"' \
    "$(marks)"
is 'since' 0 "$(by_ts --since 2026-05-01T00:00:00Z "$api$oneline")"
is 'since: is sent' "$oneline&since=2026-05-01T00%3A00%3A00Z" "$(asked)"
is 'since: from stays' '"2026-05-01T00:09:00Z" 7 "2026-05-01T00:10:00Z"' \
    "$(marks)"
is 'since: no warning' '' "$(err)"
is 'since, past it' 0 "$(by_ts --since 2026-05-01T02:09:30+02:00 \
    "$api$oneline")"
like 'since, past it: a warning' 'warning: --since.*are not read' "$(err)"
printf '{"c":{"value":null,"version":8}}' >"$state"
is 'cleared' 0 "$(by_ts --start 2026-05-01T00:10:00Z "$api$oneline")"
is 'cleared: start' 'null 8 "2026-05-01T00:10:00Z"' "$(marks)"
is 'a query parameter of that name is replaced' \
    '/items?since=2026-05-01T00%3A10%3A00Z' \
    "$(asked >/dev/null; by_ts --start 2026-05-01T00:10:00Z \
    "$api/items?since=2000-01-01" >/dev/null; asked)"
stored 2026-05-01T00:09:00Z 7
is 'until' 0 "$(by_ts --until 2026-05-01T00:09:00Z --until-param until \
    "$api/items")"
is 'until: is sent' \
    '/items?since=2026-05-01T00%3A09%3A00Z&until=2026-05-01T00%3A09%3A00Z' \
    "$(asked)"
is 'until: records' "$(seq 28 29)" "$(seqs)"
is 'until: nothing new, no mark' '' "$(marks)"
unlike 'until: nothing new, no seq' '"seq"' "$(tail -n 1 "$scratch/out")"
is 'a parameter that the service does not know' 0 \
    "$(by_ts --since-param nope "$api$oneline")"
like 'a parameter that it does not know: a warning' \
    'warning: /ts is 2026-05-01T00:00:00Z.*nope=' "$(err)"
is 'a warning once' 1 "$(wc -l <"$scratch/err")"

# The checkpoint stays.
stored 2026-05-01T02:10:00+02:00 3
is 'nothing new' 0 "$(by_ts "$api$oneline")"
is 'nothing new: the last comes again' 30 "$(seqs)"
is 'nothing new: no mark' '' "$(marks)"
is 'nothing at all' 0 "$(by_ts --since 2027-01-01T00:00:00Z "$api$oneline")"
is 'nothing at all: begin and end' 2 "$(wc -l <"$scratch/out")"
is 'only what is old' 0 "$(by_ts --since 2026-05-01T00:00:00Z \
    --until 2026-05-01T00:05:00Z --until-param until "$api$oneline")"
is 'only what is old: records' "$(seq 17)" "$(seqs)"
is 'only what is old: no mark' '' "$(marks)"

# Some of it again.
is 'lookback' 0 "$(by_ts --lookback 1m "$api$oneline")"
is 'lookback: is sent' 'since=2026-05-01T02%3A09%3A00%2B02%3A00' \
    "$(asked | tail -n 1 | sed 's/.*&//')"
like 'lookback: begin says so' '"lookback":true' "$(head -n 1 "$scratch/out")"
is 'lookback: no mark' '' "$(marks)"
is 'lookback: no warning' '' "$(err)"
is 'lookback: not of --since' 0 "$(by_ts --lookback 1m \
    --since 2026-05-01T00:10:00Z "$api$oneline")"
is 'lookback: --since as it is' 'since=2026-05-01T00%3A10%3A00Z' \
    "$(asked | tail -n 1 | sed 's/.*&//')"

# Cursors of each kind.
items 3
nothing
is 'numbers' 0 "$(inc /seq "$api/items?by=seq")"
is 'numbers: beyond 2^53' 'null 0 "9007199254740993"' "$(marks)"
stored 9007199254740992 1
is 'numbers: stored' 0 "$(inc /seq "$api/items?by=seq")"
is 'numbers: asked for' '/items?by=seq&since=9007199254740992' \
    "$(asked | tail -n 1)"
is 'numbers: moved by one' '"9007199254740992" 1 "9007199254740993"' \
    "$(marks)"
is 'numbers: lookback' 0 "$(inc /seq --lookback 1 "$api/items?by=seq")"
is 'numbers: lookback is sent' '/items?by=seq&since=9007199254740991' \
    "$(asked | tail -n 1)"
is 'numbers, spelled otherwise' 0 "$(records /n \
    '[{"n":0.9e1},{"n":10},{"n":9.99}]' --since 1e0)"
is 'numbers, spelled otherwise: no mark' '' "$(marks)"
nothing
is 'numbers, unordered' 0 "$(records /n '[{"n":0.9e1},{"n":10},{"n":9.99}]')"
is 'numbers, unordered: the highest, as it is' 'null 0 "10"' "$(marks)"
is 'texts' 0 "$(inc /code "$api/items?by=code")"
is 'texts: the highest' 'null 0 "item-000003"' "$(marks)"
stored item-000002 4
is 'texts: stored' 0 "$(inc /code "$api/items?by=code")"
is 'texts: moved' '"item-000002" 4 "item-000003"' "$(marks)"
is 'texts: asked for' '/items?by=code&since=item-000002' \
    "$(asked | tail -n 1)"
nothing
is 'texts as bytes' 0 "$(records /t '[{"t":"9"},{"t":"10"},{"t":"\u00e9"}]')"
is 'texts as bytes: the highest' 'null 0 "é"' "$(marks)"
is 'texts as bytes, out of order' 76 "$(records /t \
    '[{"t":"a\u001b[31m\nb"},{"t":"a"}]' --ordered)"
like 'texts as bytes, out of order: shown without harm' \
    'from a\\u001b\[31m\\nb to a' "$(err)"
stored 00009 2
is 'digits as text' 0 "$(records /t '[{"t":"00010"},{"t":"10"}]')"
is 'digits as text: the highest' '"00009" 2 "10"' "$(marks)"
stored 9 2
is 'digits as text, as a number looks' 0 "$(records /t '[{"t":"91"}]')"
is 'digits as text, as a number looks: by bytes' '"9" 2 "91"' "$(marks)"
nothing
is 'offsets' 0 "$(records /t '[{"t":"2026-05-01T01:00:00+02:00"},
    {"t":"2026-05-01T00:00:00Z"},{"t":"2026-04-30T23:00:00.9-00:59"}]')"
is 'offsets: the latest' 'null 0 "2026-05-01T00:00:00Z"' "$(marks)"
stored 2026-05-01T02:00:00.000+02:00 2
is 'offsets: the same instant' 0 "$(records /t \
    '[{"t":"2026-05-01T00:00:00Z"}]')"
is 'offsets: the same instant is not new' '' "$(marks)"
is 'fractions' 0 "$(records /t '[{"t":"2026-05-01T00:00:00.00000000000001Z"},
    {"t":"2026-05-01T00:00:00.000000000000009Z"}]')"
is 'fractions: of any length' \
    '"2026-05-01T02:00:00.000+02:00" 2 "2026-05-01T00:00:00.00000000000001Z"' \
    "$(marks)"
nothing
is 'a pointer' 0 "$(records '/meta/a~1b/1' \
    '[{"meta":{"a/b":[9,1]}},{"meta":{"a/b":[3,2]}}]')"
is 'a pointer: the highest' 'null 0 "2"' "$(marks)"

# Records without a cursor, or with one of another kind.
stored 2026-05-01T00:00:00Z 2
is 'rejects' 0 "$(records /t '[{"t":"2026-05-02T00:00:00Z"},{"x":1},
    {"t":null},{"t":{}},{"t":[1]},{"t":true},{"t":"2026-05-02"},{"t":5},
    {"t":"a\u0000b"},{"t":"\ud800"},{"t":""},
    {"t":"2026-05-01T12:00:00Z","a":  [1,
    2]}]' --max-rejects 11)"
is 'rejects: codes' '2 required /t
3 required /t
4 type /t
5 type /t
6 type /t
7 type /t
8 type /t
9 encoding /t
10 encoding /t
11 required /t' "$(codes)"
like 'rejects: their bytes, on one line' '"raw":"\{\\"t\\":\[1\]\}"' \
    "$(cat "$rejects")"
is 'rejects: the mark' '"2026-05-01T00:00:00Z" 2 "2026-05-02T00:00:00Z"' \
    "$(marks)"
long=$(printf %01100d 0)
nothing
is 'too long' 0 "$(records /t '[{"t":1'"$long"'},{"t":1e123456789012345678},
    {"t":1}]' --max-rejects 2)"
is 'too long: codes' '1 range /t
2 range /t' "$(codes)"
is 'too long, a text' 0 "$(records /t '[{"t":"a'"$long"'"},{"t":"a"}]' \
    --max-rejects 1)"
is 'too long, a text: code' '1 range /t' "$(codes)"
is 'wrong pointer' 0 "$(by_ts --cursor-field /tz --max-rejects 100 \
    "$api/items")"
is 'wrong pointer: all are rejects' '1 required /tz
2 required /tz
3 required /tz' "$(codes)"
is 'wrong pointer: no mark' '' "$(marks)"
items 40
is 'wrong pointer, many' 1 "$(by_ts --cursor-field /tz "$api/items")"
like 'wrong pointer, many: says why' '/tz: missing' "$(err)"
# mixed STORED BODY [OPTION...]
kind() {
	nothing
	[ -z "$1" ] || stored "$1" 2
	shift
	records /t "$@"
}
is 'a time is stored, numbers come' 78 "$(kind 2026-05-01T00:00:00Z \
    '[{"t":1},{"t":2}]' --max-rejects 9)"
like 'a time is stored, numbers come: says so' \
    'stored or given is a time.*never of this kind' "$(err)"
is 'a number is stored, times come' 78 "$(kind 5 \
    '[{"t":"2026-05-01T00:00:00Z"}]' --max-rejects 9)"
is 'a text is stored, numbers come' 78 "$(kind abc '[{"t":1}]')"
like 'a text is stored, numbers come: says so' \
    "checkpoint is a string, 'abc', but /t is a number" "$(err)"
is 'a text is stored, times come' 78 "$(kind abc \
    '[{"t":"2026-05-01T00:00:00Z"}]')"
is 'a day is stored, times come' 78 "$(kind 2026-05-01 \
    '[{"t":"2026-05-01T00:00:00Z"}]')"
is 'no mark' '' "$(marks)"
is 'a time is stored, one text comes' 0 "$(kind 2026-05-01T00:00:00Z \
    '[{"t":"soon"}]' --max-rejects 9)"
is 'a number is stored, a text comes first' 0 "$(kind 5 \
    '[{"t":"soon"},{"t":6},{"t":"7"}]' --max-rejects 9)"
is 'a number is stored, a text comes first: rejects' '1 type /t
3 type /t' "$(codes)"
is 'a number is stored, a text comes first: mark' '"5" 2 "6"' "$(marks)"
is 'first a text, then a time' 78 "$(kind '' \
    '[{"t":"soon"},{"t":"2026-05-01T00:00:00Z"}]')"
like 'first a text, then a time: what to do' 'value of --start' "$(err)"
is 'first a text, then a number' 78 "$(kind '' '[{"t":"soon"},{"t":1}]')"
is 'first a time, then a text' 0 "$(kind '' \
    '[{"t":"2026-05-01T00:00:00Z"},{"t":"soon"}]' --max-rejects 9)"
is 'start tells' 0 "$(kind '' '[{"t":"soon"},{"t":"2026-05-01T00:00:00Z"}]' \
    --start 2026-01-01T00:00:00Z --max-rejects 9)"
is 'start tells: the mark' 'null 0 "2026-05-01T00:00:00Z"' "$(marks)"
is 'start is a day' 0 "$(kind '' '[{"t":"2026-05-01T00:00:00Z"}]' \
    --start 2026-01-01)"

# Marks between pages: --delay of a second makes one due at each edge.
paged() {
	by_ts --paginate page --into query:page "$@"
}
items 11
nothing
is 'ordered' 0 "$(paged --ordered --delay 1s --size limit=4 "$api/items")"
is 'ordered: marks' 'null 0 "2026-05-01T00:01:00Z"
null 0 "2026-05-01T00:02:00.250Z"
null 0 "2026-05-01T00:03:00Z"' "$(marks)"
is 'ordered: the marks are true' '' "$(true_marks ts ordered)"
stored 2026-05-01T00:02:00.250Z 9
is 'ordered, read again' 0 "$(paged --ordered --delay 1s --size limit=4 \
    --since 2026-05-01T00:00:00Z "$api/items")"
is 'ordered, read again: no mark before what is stored' \
    '"2026-05-01T00:02:00.250Z" 9 "2026-05-01T00:03:00Z"' "$(marks)"
nothing
is 'in order by chance' 0 "$(paged --delay 1s --size limit=6 "$api/items")"
is 'in order by chance: no mark before the end' \
    'null 0 "2026-05-01T00:03:00Z"' "$(marks)"
items 30
nothing
is 'not ordered' 0 "$(paged --size limit=7 "$api/items?order=none")"
is 'not ordered: all records' "$(seq 30 | grep -v 27)" "$(seqs | sort -n)"
is 'not ordered: one mark, the highest' 'null 0 "2026-05-01T00:10:00Z"' \
    "$(marks)"
is 'ordered, they said' 76 "$(paged --ordered --size limit=7 \
    "$api/items?order=none")"
like 'ordered, they said: what to do' \
    'page 1, record [0-9]+: /ts goes back .* leave out --ordered, and .*clear c' \
    "$(err)"
like 'ordered, they said: failed' '^\{"@etl":"failed".*"code":76' \
    "$(tail -n 1 "$scratch/out")"
items 30000
is 'many' 0 "$(inc /seq --paginate page --into query:page --ordered \
    --size limit=4000 "$api/items?by=seq")"
is 'many: the marks are true' '' "$(true_marks seq ordered)"
is 'many: a mark each 10,000 records and a page at least' '' \
    "$(awk '/"@etl":"(begin|checkpoint|end)"/ {
	if (NR - last > 14001) print last, NR; last = NR }' "$scratch/out")"
like 'many: the last one' ' "9007199254770990"$' "$(marks | tail -n 1)"

# Pages by the value itself.
since_paged() {
	by_ts --paginate since "$@"
}
items 120
for limit in 10 11 13 14 26 27 28 39 77 120 500; do
	nothing
	is "pages of $limit" 0 "$(since_paged --size limit=$limit \
	    --max-rejects 9 "$api/items")"
	is "pages of $limit: each record once" \
	    "$(seq 120 | grep -vx -e 27 -e 77)" "$(seqs)"
	is "pages of $limit: rejects" 2 "$(wc -l <"$rejects")"
	is "pages of $limit: the marks are true" '' "$(true_marks ts ordered)"
done
asked >/dev/null
items 11
is 'by the value' 0 "$(since_paged --delay 1s --size limit=5 "$api/items")"
is 'by the value: what is asked for' '/items?limit=5
/items?limit=5&since=2026-05-01T00%3A01%3A00Z
/items?limit=5&since=2026-05-01T00%3A02%3A00Z
/items?limit=5&since=2026-05-01T00%3A03%3A00Z
/items?limit=5&since=2026-05-01T00%3A03%3A00Z' "$(asked)"
is 'by the value: marks' 'null 0 "2026-05-01T00:01:00Z"
null 0 "2026-05-01T00:02:00Z"
null 0 "2026-05-01T00:03:00Z"' "$(marks)"
is 'by the value: the marks are true' '' "$(true_marks ts ordered)"
stored 2026-05-01T00:03:00Z 1
is 'by the value, nothing new' 0 "$(since_paged --size limit=5 "$api/items")"
is 'by the value, nothing new: what is asked for' \
    '/items?limit=5&since=2026-05-01T00%3A03%3A00Z
/items?limit=5&since=2026-05-01T00%3A03%3A00Z' "$(asked)"
is 'by the value, nothing new: no mark' '' "$(marks)"
items 0
is 'by the value, nothing at all' 0 "$(since_paged --size limit=5 \
    "$api/items")"
items 120
nothing
stored 17 1
is 'by the value, of another kind than is stored' 78 "$(since_paged \
    --max-rejects 100% --size limit=5 "$api/items")"
like 'by the value, of another kind than is stored: what to do' \
    'stored or given is a number, but /ts is never of this kind' \
    "$(err)"
nothing
is 'a page of one value' 78 "$(since_paged --size limit=9 --max-rejects 9 \
    "$api/items")"
like 'a page of one value: what to do' \
    "full page have the cursor value '2026-05-01T00:33:00Z': raise the page" \
    "$(err)"
is 'a whole page without the cursor' 78 "$(inc /no --max-rejects 100% \
    --paginate since --size limit=9 "$api/items")"
like 'a whole page without the cursor: what to do' \
    'no record of a full page has a cursor at /no: check --cursor-field' \
    "$(err)"
is 'a parameter that is not known' 78 "$(by_ts --since-param sinze \
    --paginate since --size limit=9 "$api/items")"
like 'a parameter that is not known: what to do' \
    'the service does not know the parameter sinze' "$(err)"
is 'no record with the cursor' 0 "$(inc /no --max-rejects 100% "$api/items")"
like 'no record with the cursor: is told' \
    '^etl-extract: warning: /no is not in any of [0-9]+ records' "$(err)"
is 'a bound that is left out' 75 "$(since_paged --size limit=10 --delay 1s \
    "$api/items?strict=1")"
like 'a bound that is left out: says so' 'leaves out the lower bound' "$(err)"
is 'a bound that is left out: no mark passes it' '' "$(marks)"
is 'a bound that is left out: nothing of that page' "$(seq 10)" "$(seqs)"
items 26
first=2026-05-01T00:00:00Z
for strict in 1 0; do
	nothing
	is "a record without value on every page, strict=$strict" \
	    $((75 * strict)) "$(since_paged --size limit=10 --start "$first" \
	    --max-rejects 9 "$api/items?pinned=1&strict=$strict")"
	is "a record without value on every page, strict=$strict: once" 1 \
	    "$(wc -l <"$rejects")"
done
is 'a record without value on every page: all others' "$(seq 26)" "$(seqs)"
items 120
is 'a bound that is left out, short pages' 0 "$(since_paged --size limit=130 \
    --max-rejects 9 "$api/items?strict=1")"
is 'a bound that is left out, short pages: all' \
    "$(seq 120 | grep -vx -e 27 -e 77)" "$(seqs)"
is 'a service that gives less' 0 "$(since_paged --size limit=50 \
    --max-rejects 9 "$api/items?most=10")"
is 'a service that gives less: all' \
    "$(seq 120 | grep -vx -e 27 -e 77)" "$(seqs)"
is 'a service that gives less than one value has' 75 "$(since_paged \
    --size limit=50 --max-rejects 9 "$api/items?most=9")"
like 'a service that gives less than one value has: what to do' \
    'returns at most 9 records a page, give this number to --size' "$(err)"
is 'by the value, not ordered' 76 "$(since_paged --size limit=9 \
    "$api/items?order=none")"
like 'by the value, not ordered: says so' 'needs ascending order' "$(err)"
is 'texts by the value' 0 "$(inc /code --paginate since --size limit=7 \
    "$api/items?by=code")"
is 'texts by the value: all' "$(seq 120)" "$(seqs)"
is 'numbers by the value, a page each' 78 "$(inc /seq --paginate since \
    --size limit=1 "$api/items?by=seq")"
is 'numbers by the value' 0 "$(inc /seq --paginate since --size limit=2 \
    --start 9007199254741050 "$api/items?by=seq")"
is 'numbers by the value: all' "$(seq 60 120)" "$(seqs)"

# A set that shrinks while its pages are counted.
nothing
items 40
by_ts --paginate page --into query:page --size limit=10 --total /total \
    --delay 1s "$api/items" >"$scratch/shrunk" &
pid=$!
wait_until 10 grep -q 'page=1' "$api_log_file"
items 40 3
wait $pid
is 'fewer than the page before said' 75 "$(cat "$scratch/shrunk")"
like 'fewer than the page before said: says so' \
    'page=[234]: the total fell from 40 to 38 records' "$(err)"
is 'fewer than the page before said: no mark' '' "$(marks)"

# A set that grows at its end while it is read: pages as long as the one
# before, by chance.
asked_times() {
	[ "$(grep -c since= "$api_log_file")" -ge "$1" ]
}
nothing
items 96
stored 2026-05-01T00:31:00Z 1
for to in 99 103; do
	wait_until 10 asked_times $((to / 100 + 1)) || :
	curl -s "$api/control/items/$to/1" >/dev/null
done &
pid=$!
is 'grows meanwhile' 0 "$(since_paged --size limit=50 --delay 1s "$api/items")"
wait $pid
is 'grows meanwhile: all' "$(seq 93 103)" "$(seqs)"

# It grows from run to run.
nothing
items 20
rm -f "$scratch/all"
for to in 50 50 119 120 120 200; do
	items $to
	is "up to $to" 0 "$(since_paged --size limit=30 --max-rejects 99 \
	    "$api/items")"
	is "up to $to: the marks are true" '' "$(true_marks ts ordered)"
	seqs >>"$scratch/all"
	ok "up to $to: saved" etl-checkpoint save --state "file:$state" \
	    <"$scratch/out"
done
is 'grown: moved where something was new' 4 \
    "$(sed -nE 's/.*"version": *([0-9]+).*/\1/p' "$state")"
is 'grown: every record' "$(seq 200 | awk '$1 % 50 != 27')" \
    "$(sort -nu "$scratch/all")"

# Killed: what it has written is whole lines, and the state is as before.
cp "$state" "$scratch/before"
for signal in TERM KILL; do
	rc=0
	timeout -s $signal 1.5 etl-extract --checkpoint c --state "file:$state" \
	    --cursor-field /ts --since-param since --paginate since \
	    --since 2026-01-01T00:00:00Z --size limit=30 --delay 1s \
	    "$api/items" >"$scratch/out" 2>"$scratch/err" || rc=$?
	isnt "$signal: not done" 0 $rc
	like "$signal: whole lines" '^\{.*\}$' "$(tail -n 1 "$scratch/out")"
	unlike "$signal: no end" '"@etl":"end"' "$(cat "$scratch/out")"
	ok "$signal: the state is as before" cmp "$state" "$scratch/before"
done

# The state in a database.
in_db() {
	rm -f "$rejects"
	status etl-extract --checkpoint c --cursor-field /ts \
	    --since-param since --rejects "$rejects" "$@" "$api$oneline"
}
items 10
asked >/dev/null
for kind in sqlite postgresql; do
	db_new $kind
	is "$kind: nothing stored" 0 "$(in_db --db "$db")"
	is "$kind: nothing stored: the mark" \
	    'null 0 "2026-05-01T00:03:00Z"' "$(marks)"
	sql "INSERT INTO etl_checkpoints (name, value, version, updated_at)
	    VALUES ('c', '2026-05-01T00:02:00.25Z', 17,
	    '2026-05-01T00:00:00Z')"
	asked >/dev/null
	is "$kind: stored" 0 "$(in_db --db "$db")"
	is "$kind: stored: is sent" \
	    "$oneline&since=2026-05-01T00%3A02%3A00.25Z" "$(asked)"
	is "$kind: stored: the mark" \
	    '"2026-05-01T00:02:00.25Z" 17 "2026-05-01T00:03:00Z"' "$(marks)"
	is "$kind: DATABASE_URL" 0 "$(DATABASE_URL=$db in_db)"
	is "$kind: DATABASE_URL: the mark" \
	    '"2026-05-01T00:02:00.25Z" 17 "2026-05-01T00:03:00Z"' "$(marks)"
	is "$kind: another name" 0 "$(in_db --db "$db" --checkpoint "c'd")"
	is "$kind: another name: nothing stored" \
	    'null 0 "2026-05-01T00:03:00Z"' "$(marks)"
done
asked >/dev/null
is 'no server' 75 "$(in_db --db 'postgresql://127.0.0.1:1/x')"
is 'no database there' 73 "$(in_db --db "sqlite:$scratch/none/x.db")"
is 'nothing was asked for without a state' '' "$(asked)"
is 'a password' 75 "$(in_db --db 'postgresql://u:secret@127.0.0.1:1/x')"
like 'a password: a warning' 'warning: --db' "$(err)"
unlike 'a password: is not shown' secret "$(err)"
(
	mkdir "$scratch/here"
	cd "$scratch/here"
	etl-extract --checkpoint c --cursor-field /ts --since-param since \
	    "$api$oneline" >out 2>err
	etl-extract "$api$oneline" >/dev/null
)
is 'the usual place' 'err
etl.db
out' "$(ls "$scratch/here")"
is 'etl-extract says that it creates it' \
    'etl-extract: DATABASE_URL is not set, using ./etl.db' \
    "$(cat "$scratch/here/err")"
rm -f "$scratch/here/etl.db"
(cd "$scratch/here" && etl-extract "$api$oneline" >/dev/null)
is 'no database where there is no --checkpoint' 'err
out' "$(ls "$scratch/here")"
done_testing
