#!/bin/sh
# The functions of the module etl give the values and reject codes that the
# manual page promises.
# shellcheck disable=SC1112,SC2016 # typographic quotes, jq's variables
. tests/support/lib.sh

. tests/etl-transform/cases.sh

# gives FILTER VALUE WANTED: FILTER applied to VALUE gives WANTED, which is the
# result, or the code of the reject, or "CODE: MESSAGE [POINTER]".
gives() {
	case $3 in
	null | true | false | [!a-z]*) wanted="{\"r\":$3}" ;;
	*) wanted=$3 ;;
	esac
	case_add --std "{r: (.v | $1)}" "{\"v\":$2}" "$wanted" \
	    "$1 of $2 gives the value or reject $3"
}

# Text.
gives normalize_text '"  a \t\n b  "' '"a b"'
gives normalize_text '""' '""'
gives normalize_text '" \t\r\n "' '""'
gives normalize_text '"abc"' '"abc"'
gives normalize_text '"a b c d e f g h i j k l m"' '"a b c d e f g h i j k l m"'
gives normalize_text '"abcdefg  hijklmn  "' '"abcdefg hijklmn"'
gives normalize_text '"abcdefgh  ijklmnop "' '"abcdefgh ijklmnop"'
gives normalize_text '"12345678 "' '"12345678"'
gives normalize_text '"\u00a0a\u2003\u3000b\u1680\u2028c\u205f\u202f\u0085"' \
    '"a b c"'
gives normalize_text '"a\u200bb\u2060c\u180ed"' "\"$(printf 'a\342\200\213b\342\201\240c\341\240\216d')\""
gives normalize_text '"é  ü\u000b\u000cx"' '"é ü x"'
gives normalize_text '"a\u0000 \u0001b"' '"a\u0000 \u0001b"'
gives word_count '"  one two\tthree\u2003four \n"' 4
gives word_count '""' 0
gives word_count '" "' 0
gives word_count '"a"' 1
gives word_count '"aaaaaaaa bbbbbbb cccccccc"' 3
gives word_count '"12345678 12345678  1234567 "' 3
gives word_count '"é\u00a0é"' 2
gives word_count '"ééééé ééééé ééééé ééééé"' 4
gives title_case '"sunt AUT facere"' '"Sunt Aut Facere"'
gives title_case '"don'\''t O'\''NEILL l’été"' '"Don'\''t O'\''neill L’été"'
gives title_case '"élan ÜBER straße ὀδυσσεύς ЖУК"' \
    '"Élan Über Straße Ὀδυσσεύς Жук"'
gives title_case '"a-b_c.d/e 1st 2ND x2y"' '"A-B_C.D/E 1st 2nd X2y"'
gives title_case '"'\''quoted'\'' \"said\" ’tis"' '"'\''Quoted'\'' \"Said\" ’Tis"'
gives title_case '"e\u0301lan ǆemal ქართული 日本 ŉ"' \
    "\"$(printf 'E\314\201lan') ǅemal ქართული 日本 ŉ\""
gives title_case '""' '""'
for f in normalize_text title_case word_count to_timestamp; do
	for v in null 5 true '[]' '{}'; do
		gives $f "$v" type
	done
done
gives normalize_text 5 'type: normalize_text: number (5) is not text [null]'

# Times.
gives to_timestamp '"2021-01-01T12:00:00Z"' '"2021-01-01T12:00:00Z"'
gives to_timestamp '"2021-01-01t12:00:00z"' '"2021-01-01T12:00:00Z"'
gives to_timestamp '"2021-01-01 12:00:00+02:00"' '"2021-01-01T10:00:00Z"'
gives to_timestamp '"2021-01-01T00:30:00+0530"' '"2020-12-31T19:00:00Z"'
gives to_timestamp '"2020-12-31T23:30:00-08"' '"2021-01-01T07:30:00Z"'
gives to_timestamp '"2021-01-01T12:00:00.5Z"' '"2021-01-01T12:00:00.5Z"'
gives to_timestamp '"2021-01-01T12:00:00.1234567890120Z"' \
    '"2021-01-01T12:00:00.1234567890120Z"'
gives to_timestamp '"2024-02-29T00:00:00Z"' '"2024-02-29T00:00:00Z"'
gives to_timestamp '"2000-02-29T23:59:59+23:59"' '"2000-02-29T00:00:59Z"'
gives to_timestamp '"1969-12-31T23:59:59-00:01"' '"1970-01-01T00:00:59Z"'
gives to_timestamp '"0001-01-01T00:00:00Z"' '"0001-01-01T00:00:00Z"'
gives to_timestamp '"1600-03-01T00:00:00+00:01"' '"1600-02-29T23:59:00Z"'
gives to_timestamp '"2016-12-31T23:59:60Z"' '"2016-12-31T23:59:60Z"'
gives to_timestamp '"2017-01-01T00:59:60.25+01:00"' '"2016-12-31T23:59:60.25Z"'
for bad in 2021-02-29T00:00:00Z 2100-02-29T00:00:00Z 2021-02-30T00:00:00Z \
    2021-13-01T00:00:00Z 2021-00-01T00:00:00Z 2021-01-00T00:00:00Z \
    2021-01-01T24:00:00Z 2021-01-01T00:60:00Z 2021-01-01T00:00:61Z \
    2016-12-31T12:00:60Z 2016-12-30T23:59:60Z 9999-12-31T23:59:59-01:00 \
    0001-01-01T00:00:00+01:00; do
	gives to_timestamp "\"$bad\"" range
done
for bad in '' now 2021-01-01 2021-01-01T12:00Z 2021-1-1T12:00:00Z \
    2021-01-01T12:00:00 2021-01-01T12:00:00. 2021-01-01T12:00:00.Z \
    2021-01-01T12:00:00+24:00 2021-01-01T12:00:00+01:60 \
    2021-01-01T12:00:00Zx 2021-01-01T12:00:00+1 12021-01-01T12:00:00Z \
    '2021-01-01  12:00:00Z'; do
	gives to_timestamp "\"$bad\"" type
done

# Time zones: the wanted values come from zdump(8).
# in_zone ZONE TIME WANTED: the local TIME in ZONE is WANTED in UTC.
in_zone() {
	gives "to_timestamp(\"$1\")" "\"$2\"" "$3"
}
in_zone UTC '2021-01-01 12:00:00' '"2021-01-01T12:00:00Z"'
in_zone Z '2021-01-01 12:00:00' '"2021-01-01T12:00:00Z"'
in_zone +05:30 '2021-01-01 12:00:00' '"2021-01-01T06:30:00Z"'
in_zone -08 '2021-01-01 12:00:00.5' '"2021-01-01T20:00:00.5Z"'
in_zone Europe/Berlin '2021-01-01 12:00:00' '"2021-01-01T11:00:00Z"'
in_zone Europe/Berlin '2021-07-01T12:00:00' '"2021-07-01T10:00:00Z"'
in_zone Europe/Berlin '2021-07-01T12:00:00Z' '"2021-07-01T12:00:00Z"'
in_zone Europe/Berlin '2021-03-28 01:59:59' '"2021-03-28T00:59:59Z"'
in_zone Europe/Berlin '2021-03-28 02:30:00' '"2021-03-28T01:30:00Z"'
in_zone Europe/Berlin '2021-03-28 03:00:00' '"2021-03-28T01:00:00Z"'
in_zone Europe/Berlin '2021-10-31 02:30:00' '"2021-10-31T00:30:00Z"'
in_zone Europe/Berlin '2021-10-31 02:59:59' '"2021-10-31T00:59:59Z"'
in_zone Europe/Berlin '2021-10-31 03:00:00' '"2021-10-31T02:00:00Z"'
in_zone Europe/Berlin '2060-07-01 12:00:00' '"2060-07-01T10:00:00Z"'
in_zone Europe/Berlin '2060-03-28 01:59:59' '"2060-03-28T00:59:59Z"'
in_zone Europe/Berlin '2060-03-28 03:00:00' '"2060-03-28T01:00:00Z"'
in_zone Europe/Berlin '2460-01-01 12:00:00' '"2460-01-01T11:00:00Z"'
in_zone Europe/Berlin '9000-07-01 12:00:00' '"9000-07-01T10:00:00Z"'
in_zone Europe/Berlin '1880-01-01 00:00:00' '"1879-12-31T23:06:32Z"'
in_zone America/New_York '2021-11-07 01:30:00' '"2021-11-07T05:30:00Z"'
in_zone America/New_York '2050-11-06 01:30:00' '"2050-11-06T05:30:00Z"'
in_zone America/New_York '2050-12-06 01:30:00' '"2050-12-06T06:30:00Z"'
in_zone Europe/Dublin '2050-01-01 12:00:00' '"2050-01-01T12:00:00Z"'
in_zone Europe/Dublin '2050-07-01 12:00:00' '"2050-07-01T11:00:00Z"'
in_zone Australia/Lord_Howe '2050-01-01 12:00:00' '"2050-01-01T01:00:00Z"'
in_zone Australia/Lord_Howe '2050-07-01 12:00:00' '"2050-07-01T01:30:00Z"'
in_zone Asia/Kolkata '2050-07-01 12:00:00' '"2050-07-01T06:30:00Z"'
in_zone Pacific/Apia '2011-12-30 12:00:00' '"2011-12-30T22:00:00Z"'
in_zone Europe/Nowhere '2021-01-01 12:00:00' filter
in_zone ../../../etc/passwd '2021-01-01 12:00:00' filter
in_zone '' '2021-01-01 12:00:00' filter
gives 'to_timestamp(5)' '"2021-01-01 12:00:00"' type

# Each clock change that zdump(8) lists for a zone.
for zone in Europe/Berlin America/Sao_Paulo Africa/Casablanca Asia/Tehran; do
	zdump -v -c 1950,2050 /usr/share/zoneinfo/$zone 2>/dev/null |
	awk -v OFS='\t' '/UT = / && $6 >= 1950 && $6 < 2050 {
		m = "JanFebMarAprMayJunJulAugSepOctNovDec"
		print sprintf("%04d-%02d-%02dT%sZ", $6, (index(m, $3) + 2) / 3,
		    $4, $5), sprintf("%04d-%02d-%02d %s", $13,
		    (index(m, $10) + 2) / 3, $11, $12), $15
	}' >"$scratch/changes"
	ok "zdump knows clock changes of $zone" test -s "$scratch/changes"
	# A local time that occurs twice means its first occurrence.
	awk -F '\t' '$2 > last { print } { last = $2 }' "$scratch/changes" >"$scratch/first"
	cut -f 2 "$scratch/first" | jq -Rc '{v: .}' |
	    etl-transform --std ".v |= to_timestamp(\"$zone\")" |
	    jq -r .v >"$scratch/got"
	is "$zone: to_timestamp agrees with zdump at each clock change" \
	    "$(cut -f 1 "$scratch/first")" \
	    "$(cat "$scratch/got")"
done

before=$(date -u +%Y-%m-%dT%H:%M:%S)
now=$(echo '{}' | etl-transform --std '{v: now_utc}' | jq -r .v)
after=$(date -u +%Y-%m-%dT%H:%M:%SZ)
like 'now_utc gives a time in UTC with microseconds' \
    '^[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}\.[0-9]{6}Z$' \
    "$now"
is 'now_utc gives the current time' \
    "$(printf '%s\n%s\n%s' "$before" "$now" "$after")" \
    "$(printf '%s\n%s\n%s' "$before" "$now" "$after" | sort)"

# The functions require and reject.
gives 'require(["a","b"])' '{"a":1,"b":false}' '{"a":1,"b":false}'
gives 'require([])' '{}' '{}'
gives 'require(["a","b"])' '{"a":1}' 'required: no b [/b]'
gives 'require(["a/b~"])' '{"a/b~":null}' 'required: a/b~ is null [/a~1b~0]'
gives 'require(["a"])' '[1]' type
gives 'require("a")' '{}' type
gives 'require([1])' '{}' type
gives 'if true then require(["a"]) else require(["b"]) end | require(["c"])' \
    '{"a":1,"b":1,"c":1}' '{"a":1,"b":1,"c":1}'
gives 'reject("range"; "too long")' 1 'range: too long [null]'
gives 'reject("my_code1"; "x"; "/a/b")' 1 'my_code1: x [/a/b]'
# A message that is not text is written as JSON.
gives 'reject("range"; {"a":1})' 1 'range: {"a":1} [null]'
gives 'reject("No Code"; "x")' 1 filter
gives 'reject(5; "x")' 1 filter
gives 'try reject("range"; "x") catch .code' 1 '"range"'
gives '(to_int? // "none")' '"x"' '"none"'
gives 'try to_int catch error' '"x"' type
gives 'error({code: "range", message: "no mark"})' 1 filter

# The names of the functions: with a prefix, and redefined by the user.
is 'a filter may import the module etl under two names' \
    '{"a":"B C"}' "$(echo '{"a":" b  c "}' | etl-transform '
    # a comment
    import "etl" as text; import "etl" as t;
    .a |= (text::normalize_text | t::title_case)')"
is 'a filter may define a function with the name of one of etl' \
    '{"a":"mine"}' "$(echo '{"a":5}' |
    etl-transform --std 'def to_int: "mine"; .a |= to_int')"
is 'a filter may redefine debug and input: to_int still works' \
    '{"a":5}' "$(echo '{"a":"5"}' |
    etl-transform --std 'def debug: "x"; def input: "y"; .a |= to_int')"

check_cases
done_testing
