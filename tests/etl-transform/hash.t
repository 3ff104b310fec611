#!/bin/sh
# --hash adds the SHA-256 of the canonical JSON of some members to each record.
. tests/support/lib.sh

sha() {
	printf %s "$1" | sha256sum | cut -d ' ' -f 1
}
# hash RECORD OPTION...: the outputs for one record, or the reject line.
hash() {
	line=$1
	shift
	printf '%s\n' "$line" | etl-transform --max-rejects 9 "$@" 3>&1 2>&1
}
ab=$(sha '{"a":"x","b":1}')

is 'the member _row_hash gets the SHA-256 of the canonical JSON' \
    "{\"b\":1.0,\"c\":2,\"a\":\"x\",\"_row_hash\":\"$ab\"}" \
    "$(hash '{"b":1.0,"c":2,"a":"x"}' --hash a,b)"
is 'blanks around a name and the order of the names do not count' \
    "{\"a\":\"\\u0078\",\"b\":10e-1,\"h\":\"$ab\"}" \
    "$(hash '{ "a": "\u0078", "b": 10e-1 }' --hash ' b , a' --hash-as h)"
is 'the member of an earlier hash is replaced' \
    "{\"a\":\"x\",\"b\":1,\"_row_hash\":\"$ab\"}" \
    "$(hash '{"_row_hash":"old","a":"x","b":1}' --hash a,b)"
is 'with a filter, each of its outputs gets a hash' \
    "{\"a\":1,\"_row_hash\":\"$(sha '{"a":1}')\"}
{\"a\":2,\"_row_hash\":\"$(sha '{"a":2}')\"}" \
    "$(hash '{"n":[1,2]}' --hash a '{a: .n[]}')"
is 'a record that the filter drops gets none' '' \
    "$(hash '{"a":1}' --hash a empty)"
is 'null and an absent member are different' \
    "$(sha '{"a":1,"b":null}') $(sha '{"a":1}')" \
    "$(printf '%s\n' '{"a":1,"b":null}' '{"a":1}' |
	etl-transform --hash a,b | jq -r ._row_hash | paste -sd ' ')"
is 'of two members with one name the last is hashed' \
    "$(sha '{"a":2}')" "$(hash '{"a":1,"a":2}' --hash a \
	--duplicate-members last | jq -r ._row_hash)"
is 'two integers that are the same double have different hashes' \
    "$(sha '{"a":9007199254740993}') $(sha '{"a":9007199254740992}')" \
    "$(printf '{"a":%s}\n' 9007199254740993 9007199254740992 |
	etl-transform --hash a | jq -r ._row_hash | paste -sd ' ')"
is 'the other members keep their bytes' \
    "{\"x\":\"\\u00e9\\/\",\"n\":1E400,\"a\":0,\"_row_hash\":\"$(
	sha '{"a":0}')\"}" \
    "$(hash '{"x":"\u00e9\/","n":1E400,"a":0}' --hash a)"

like 'a record with none of the members is a reject' \
    '"code":"required".*none of the members of --hash' \
    "$(hash '{"c":1}' --hash a,b)"
like 'an exponent that is too long is a reject' '"code":"number"' \
    "$(hash '{"a":1e99999999999999999999}' --hash a)"
like 'half of a surrogate pair is a reject' '"code":"encoding"' \
    "$(hash '{"a":"\ud800"}' --hash a)"
like 'a record that the hash makes too long is a reject' '"code":"too_long"' \
    "$(hash '{"a":"xxxxxxxxxx"}' --hash a --max-record 64)"
like 'a line that is not JSON is a reject' '"code":"parse"' \
    "$(hash '{"a":' --hash a)"

begin='{"@etl":"begin","v":1,"id":"b1","stream":"s","stages":["extract"]}'
{
	echo "$begin"
	seq 20000 | sed 's/.*/{"n":&}/'
	printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":20000,"dropped":0,"rejected":0}]}\n'
} >"$scratch/in"
is 'a marked stream without a filter is passed on' 0 \
    "$(status etl-transform --hash n <"$scratch/in")"
is 'its marks and records keep their order' "$(seq 20000 | cksum)" \
    "$(grep -v '^{"@etl"' "$scratch/out" | jq .n | cksum)"
is 'the mark end has the counts' '["transform",20000,20000,0,0]' \
    "$(tail -n 1 "$scratch/out" | jq -c '.stages[1] |
	[.stage, .in, .out, .dropped, .rejected]')"

# refused TEXT OPTION...: a usage error whose message has TEXT.
refused() {
	text=$1
	shift
	is "$* is a usage error" 64 "$(status etl-transform "$@" </dev/null)"
	like "$* says why" "$text" "$(cat "$scratch/err")"
}
refused 'needs --hash' --hash-as x .
refused 'named twice' --hash a,b,a
refused 'is empty' --hash a,,b
refused 'is empty' --hash ''
refused 'is empty' --hash a --hash-as ''
refused 'reserved' --hash a --hash-as @etl
refused 'cannot be a part' --hash a,_row_hash
refused 'not UTF-8' --hash "$(printf '\377')"
refused 'no FILTER'

ok 'random records have the hashes of an oracle' timeout 100 \
    tests/etl-transform/hash_oracle.py "${SEED:-1}" "${ROUNDS:-20}"
done_testing
