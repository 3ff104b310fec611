#!/bin/sh
# A long record that is not UTF-8 is exported as base64 without padding inside,
# whatever its bytes are.
. tests/support/lib.sh
cd "$scratch"

# etl-dlq converts 48 KiB at once. The byte after them looks like a continuation
# byte of UTF-8.
python3 - >rejects <<'P'
import base64, json
raw = b'\xff' + b'a' * (48 * 1024 - 1) + b'\x80' * 3 + b'b' * 100000
print(json.dumps({"@etl": "reject", "v": 1, "id": "9" * 64,
                  "occurrence": "r/s.aaaa/1", "stage": "s", "code": "parse",
                  "message": "no", "raw_base64":
                  base64.b64encode(raw).decode()}))
open("raw", "wb").write(raw)
P
for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: the reject is stored" 0 "$(status etl-dlq put rejects)"
	etl-dlq show --raw 1 | head -c -1 >got
	ok "$kind: show --raw writes the bytes of the record" cmp raw got
	for command in 'list' 'show 1'; do
		# shellcheck disable=SC2086
		etl-dlq $command --json | jq -j .raw_base64 | base64 -d >got
		ok "$kind: $command --json has the bytes of the record" \
		    cmp raw got
	done
	is "$kind: the letter is exported" 0 "$(status etl-dlq export)"
	cp out exported
	db_new $kind
	DATABASE_URL=$db
	is "$kind: another database stores the exported line" 0 \
	    "$(status etl-dlq put exported)"
	etl-dlq show --raw 1 | head -c -1 >got
	ok "$kind: the other database has the bytes of the record" cmp raw got
done
done_testing
