#!/bin/sh
# Letters of 16 MiB: their bytes are kept, and 64 MiB are enough for them.  One
# is all escapes, so that its line is twice as long, one is no UTF-8.
. tests/support/lib.sh
cd "$scratch"

# Their lines in raw, their reject lines in rejects.
python3 - <<'P'
import base64, hashlib, json
size = 16 << 20
def around(start, middle, end):
    n = size - len(start) - len(end)
    return start + (middle * n)[:n - n % len(middle)].ljust(n, b"x") + end
lines = {
    "escapes": around(b'{"id":"1","n":"', b'\\"', b'"}'),
    "text": around(b'{"id":"2","n":"', b"x", b'"}'),
    "latin": around(b'{"id":"3","n":"', b"\xe9", b'"}'),
}
with open("rejects", "w") as out, open("raw", "wb") as keep:
    for i, (name, raw) in enumerate(lines.items(), 1):
        assert len(raw) == size
        keep.write(raw + b"\n")
        r = {"@etl": "reject", "v": 1, "id": hashlib.sha256(b"p\0transform\0" +
                raw + b"\0").hexdigest(),
            "occurrence": "r/transform.abcd/%d" % i, "pipeline": "p",
            "stage": "transform", "code": "parse", "message": name,
            "origin": {"kind": "stdin", "offset": 0}}
        if name == "latin":
            r["raw_base64"] = base64.b64encode(raw).decode()
        else:
            r["raw"] = raw.decode()
        r["at"] = "2026-05-01T12:00:%02d.000000Z" % i
        out.write(json.dumps(r) + "\n")
P
sed 's/abcd/efgh/' rejects >again

# mib64 NAME COMMAND...
mib64() {
	name=$1
	shift
	in_memory "$kind: $name: in 64 MiB" 65536 1000000 "$@"
}
letters() {
	sql "SELECT id, attempts, length(raw), raw_data IS NOT NULL, origin
	    FROM dead_letters ORDER BY id" | tr -d ' '
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	[ $kind = sqlite ] && t=1 f=0 || t=t f=f
	mib64 put etl-dlq put rejects
	mib64 'put of known letters' etl-dlq put again
	is "$kind: all of them" "$(for is in $t $t $f; do
		echo "2|16777216|$is|{\"kind\":\"stdin\",\"offset\":0}"
	done)" "$(sql 'SELECT attempts, length(raw), raw_data IS NOT NULL,
	    origin FROM dead_letters ORDER BY created_at' | tr -d ' ')"
	all=$(sql 'SELECT id FROM dead_letters ORDER BY created_at')
	# shellcheck disable=SC2086
	{
		etl-dlq show --raw $all >got
		ok "$kind: byte for byte" cmp raw got
		mib64 show etl-dlq show $all
	}
	mib64 list etl-dlq list --json
	mib64 stats etl-dlq stats
	mib64 replay etl-dlq replay
	mib64 export etl-dlq export
	etl-dlq export >exported
	db_new $kind
	DATABASE_URL=$db
	is "$kind: put what is exported" '6 stored, 0 known before, 0 other lines' \
	    "$(etl-dlq put exported)"
	all=$(sql 'SELECT id FROM dead_letters ORDER BY created_at')
	# shellcheck disable=SC2086
	{
		etl-dlq show --raw $all >got
		ok "$kind: byte for byte again" cmp raw got
		mib64 erase etl-dlq erase $all
	}
done
done_testing
