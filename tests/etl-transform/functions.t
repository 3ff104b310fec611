#!/bin/sh
# The functions of module etl.
# shellcheck disable=SC1112,SC2016 # their quotes, jq's variables
. tests/support/lib.sh

# t FILTER VALUE WANTED: of .v; WANTED is the result or CODE.
t() {
	got=$(printf '{"v":%s}\n' "$2" | etl-transform --max-rejects 1 --std "{r: (.v | $1)}" \
	    2>&1 3>"$scratch/3")
	[ -n "$got" ] || got=$(jq -r .code "$scratch/3")
	is "$1 of $2" "$3" "$(printf '%s' "$got" | sed 's/^{"r":\(.*\)}$/\1/')"
}
message() {
	jq -r '"\(.message) [\(.pointer)]"' "$scratch/3"
}

# Text.
t normalize_text '"  a \t\n b  "' '"a b"'
t normalize_text '""' '""'
t normalize_text '" \t\r\n "' '""'
t normalize_text '"abc"' '"abc"'
t normalize_text '"a b c d e f g h i j k l m"' '"a b c d e f g h i j k l m"'
t normalize_text '"abcdefg  hijklmn  "' '"abcdefg hijklmn"'
t normalize_text '"abcdefgh  ijklmnop "' '"abcdefgh ijklmnop"'
t normalize_text '"12345678 "' '"12345678"'
t normalize_text '"\u00a0a\u2003\u3000b\u1680\u2028c\u205f\u202f\u0085"' \
    '"a b c"'
t normalize_text '"a\u200bb\u2060c\u180ed"' "\"$(printf 'a\342\200\213b\342\201\240c\341\240\216d')\""
t normalize_text '"é  ü\u000b\u000cx"' '"é ü x"'
t normalize_text '"a\u0000 \u0001b"' '"a\u0000 \u0001b"'
t word_count '"  one two\tthree\u2003four \n"' 4
t word_count '""' 0
t word_count '" "' 0
t word_count '"a"' 1
t word_count '"aaaaaaaa bbbbbbb cccccccc"' 3
t word_count '"12345678 12345678  1234567 "' 3
t word_count '"é\u00a0é"' 2
t word_count '"ééééé ééééé ééééé ééééé"' 4
t title_case '"sunt AUT facere"' '"Sunt Aut Facere"'
t title_case '"don'\''t O'\''NEILL l’été"' '"Don'\''t O'\''neill L’été"'
t title_case '"élan ÜBER straße ὀδυσσεύς ЖУК"' \
    '"Élan Über Straße Ὀδυσσεύς Жук"'
t title_case '"a-b_c.d/e 1st 2ND x2y"' '"A-B_C.D/E 1st 2nd X2y"'
t title_case '"'\''quoted'\'' \"said\" ’tis"' '"'\''Quoted'\'' \"Said\" ’Tis"'
t title_case '"e\u0301lan ǆemal ქართული 日本 ŉ"' \
    "\"$(printf 'E\314\201lan') ǅemal ქართული 日本 ŉ\""
t title_case '""' '""'
for f in normalize_text title_case word_count to_timestamp; do
	for v in null 5 true '[]' '{}'; do
		t $f "$v" type
	done
done
t normalize_text 5 type
is 'says what it got' 'normalize_text: number (5) is not text [null]' \
    "$(message)"

# Times.
t to_timestamp '"2021-01-01T12:00:00Z"' '"2021-01-01T12:00:00Z"'
t to_timestamp '"2021-01-01t12:00:00z"' '"2021-01-01T12:00:00Z"'
t to_timestamp '"2021-01-01 12:00:00+02:00"' '"2021-01-01T10:00:00Z"'
t to_timestamp '"2021-01-01T00:30:00+0530"' '"2020-12-31T19:00:00Z"'
t to_timestamp '"2020-12-31T23:30:00-08"' '"2021-01-01T07:30:00Z"'
t to_timestamp '"2021-01-01T12:00:00.5Z"' '"2021-01-01T12:00:00.5Z"'
t to_timestamp '"2021-01-01T12:00:00.1234567890120Z"' \
    '"2021-01-01T12:00:00.1234567890120Z"'
t to_timestamp '"2024-02-29T00:00:00Z"' '"2024-02-29T00:00:00Z"'
t to_timestamp '"2000-02-29T23:59:59+23:59"' '"2000-02-29T00:00:59Z"'
t to_timestamp '"1969-12-31T23:59:59-00:01"' '"1970-01-01T00:00:59Z"'
t to_timestamp '"0001-01-01T00:00:00Z"' '"0001-01-01T00:00:00Z"'
t to_timestamp '"1600-03-01T00:00:00+00:01"' '"1600-02-29T23:59:00Z"'
t to_timestamp '"2016-12-31T23:59:60Z"' '"2016-12-31T23:59:60Z"'
t to_timestamp '"2017-01-01T00:59:60.25+01:00"' '"2016-12-31T23:59:60.25Z"'
for bad in 2021-02-29T00:00:00Z 2100-02-29T00:00:00Z 2021-02-30T00:00:00Z \
    2021-13-01T00:00:00Z 2021-00-01T00:00:00Z 2021-01-00T00:00:00Z \
    2021-01-01T24:00:00Z 2021-01-01T00:60:00Z 2021-01-01T00:00:61Z \
    2016-12-31T12:00:60Z 2016-12-30T23:59:60Z 9999-12-31T23:59:59-01:00 \
    0001-01-01T00:00:00+01:00; do
	t to_timestamp "\"$bad\"" range
done
for bad in '' now 2021-01-01 2021-01-01T12:00Z 2021-1-1T12:00:00Z \
    2021-01-01T12:00:00 2021-01-01T12:00:00. 2021-01-01T12:00:00.Z \
    2021-01-01T12:00:00+24:00 2021-01-01T12:00:00+01:60 \
    2021-01-01T12:00:00Zx 2021-01-01T12:00:00+1 12021-01-01T12:00:00Z \
    '2021-01-01  12:00:00Z'; do
	t to_timestamp "\"$bad\"" type
done

# Zones: transitions as zdump(8) tells them.
z() {
	t "to_timestamp(\"$1\")" "\"$2\"" "$3"
}
z UTC '2021-01-01 12:00:00' '"2021-01-01T12:00:00Z"'
z Z '2021-01-01 12:00:00' '"2021-01-01T12:00:00Z"'
z +05:30 '2021-01-01 12:00:00' '"2021-01-01T06:30:00Z"'
z -08 '2021-01-01 12:00:00.5' '"2021-01-01T20:00:00.5Z"'
z Europe/Berlin '2021-01-01 12:00:00' '"2021-01-01T11:00:00Z"'
z Europe/Berlin '2021-07-01T12:00:00' '"2021-07-01T10:00:00Z"'
z Europe/Berlin '2021-07-01T12:00:00Z' '"2021-07-01T12:00:00Z"'
z Europe/Berlin '2021-03-28 01:59:59' '"2021-03-28T00:59:59Z"'
z Europe/Berlin '2021-03-28 02:30:00' '"2021-03-28T01:30:00Z"'
z Europe/Berlin '2021-03-28 03:00:00' '"2021-03-28T01:00:00Z"'
z Europe/Berlin '2021-10-31 02:30:00' '"2021-10-31T00:30:00Z"'
z Europe/Berlin '2021-10-31 02:59:59' '"2021-10-31T00:59:59Z"'
z Europe/Berlin '2021-10-31 03:00:00' '"2021-10-31T02:00:00Z"'
z Europe/Berlin '2060-07-01 12:00:00' '"2060-07-01T10:00:00Z"'
z Europe/Berlin '2060-03-28 01:59:59' '"2060-03-28T00:59:59Z"'
z Europe/Berlin '2060-03-28 03:00:00' '"2060-03-28T01:00:00Z"'
z Europe/Berlin '2460-01-01 12:00:00' '"2460-01-01T11:00:00Z"'
z Europe/Berlin '9000-07-01 12:00:00' '"9000-07-01T10:00:00Z"'
z Europe/Berlin '1880-01-01 00:00:00' '"1879-12-31T23:06:32Z"'
z America/New_York '2021-11-07 01:30:00' '"2021-11-07T05:30:00Z"'
z America/New_York '2050-11-06 01:30:00' '"2050-11-06T05:30:00Z"'
z America/New_York '2050-12-06 01:30:00' '"2050-12-06T06:30:00Z"'
z Europe/Dublin '2050-01-01 12:00:00' '"2050-01-01T12:00:00Z"'
z Europe/Dublin '2050-07-01 12:00:00' '"2050-07-01T11:00:00Z"'
z Australia/Lord_Howe '2050-01-01 12:00:00' '"2050-01-01T01:00:00Z"'
z Australia/Lord_Howe '2050-07-01 12:00:00' '"2050-07-01T01:30:00Z"'
z Asia/Kolkata '2050-07-01 12:00:00' '"2050-07-01T06:30:00Z"'
z Pacific/Apia '2011-12-30 12:00:00' '"2011-12-30T22:00:00Z"'
z Europe/Nowhere '2021-01-01 12:00:00' filter
z ../../../etc/passwd '2021-01-01 12:00:00' filter
z '' '2021-01-01 12:00:00' filter
t 'to_timestamp(5)' '"2021-01-01 12:00:00"' type

# zdump's own opinion, an hour on both sides of each change.
for zone in Europe/Berlin America/Sao_Paulo Africa/Casablanca Asia/Tehran; do
	zdump -v -c 1950,2050 /usr/share/zoneinfo/$zone 2>/dev/null |
	awk -v OFS='\t' '/UT = / && $6 >= 1950 && $6 < 2050 {
		m = "JanFebMarAprMayJunJulAugSepOctNovDec"
		print sprintf("%04d-%02d-%02dT%sZ", $6, (index(m, $3) + 2) / 3,
		    $4, $5), sprintf("%04d-%02d-%02d %s", $13,
		    (index(m, $10) + 2) / 3, $11, $12), $15
	}' >"$scratch/changes"
	ok "$zone changes" test -s "$scratch/changes"
	# A time that the clock shows for the second time means the first.
	awk -F '\t' '$2 > last { print } { last = $2 }' "$scratch/changes" >"$scratch/first"
	cut -f 2 "$scratch/first" | jq -Rc '{v: .}' |
	    etl-transform --std ".v |= to_timestamp(\"$zone\")" |
	    jq -r .v >"$scratch/got"
	is "$zone as zdump has it" "$(cut -f 1 "$scratch/first")" \
	    "$(cat "$scratch/got")"
done

before=$(date -u +%Y-%m-%dT%H:%M:%S)
now=$(echo '{}' | etl-transform --std '{v: now_utc}' | jq -r .v)
after=$(date -u +%Y-%m-%dT%H:%M:%SZ)
like 'now_utc' '^[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}\.[0-9]{6}Z$' \
    "$now"
is 'is now' "$(printf '%s\n%s\n%s' "$before" "$now" "$after")" \
    "$(printf '%s\n%s\n%s' "$before" "$now" "$after" | sort)"

# require, reject.
t 'require(["a","b"])' '{"a":1,"b":false}' '{"a":1,"b":false}'
t 'require([])' '{}' '{}'
t 'require(["a","b"])' '{"a":1}' required
is 'names it' 'no b [/b]' "$(message)"
t 'require(["a/b~"])' '{"a/b~":null}' required
is 'null too' 'a/b~ is null [/a~1b~0]' "$(message)"
t 'require(["a"])' '[1]' type
t 'require("a")' '{}' type
t 'require([1])' '{}' type
t 'if true then require(["a"]) else require(["b"]) end | require(["c"])' \
    '{"a":1,"b":1,"c":1}' '{"a":1,"b":1,"c":1}'
t 'reject("range"; "too long")' 1 range
is 'its message' 'too long [null]' "$(message)"
t 'reject("my_code1"; "x"; "/a/b")' 1 my_code1
is 'its pointer' 'x [/a/b]' "$(message)"
t 'reject("range"; {"a":1})' 1 range
is 'another message' '{"a":1} [null]' "$(message)"
t 'reject("No Code"; "x")' 1 filter
t 'reject(5; "x")' 1 filter
t 'try reject("range"; "x") catch .code' 1 '"range"'
t '(to_int? // "none")' '"x"' '"none"'
t 'try to_int catch error' '"x"' type
t 'error({code: "range", message: "no mark"})' 1 filter

# Names: bare, with a prefix, both; unused ones cost nothing.
is 'prefix' '{"a":"B C"}' "$(echo '{"a":" b  c "}' | etl-transform '
    # a comment
    import "etl" as text; import "etl" as t;
    .a |= (text::normalize_text | t::title_case)')"
is 'users may define the names' '{"a":"mine"}' "$(echo '{"a":5}' |
    etl-transform --std 'def to_int: "mine"; .a |= to_int')"
is 'users may define what we use' '{"a":5}' "$(echo '{"a":"5"}' |
    etl-transform --std 'def debug: "x"; def input: "y"; .a |= to_int')"
done_testing
