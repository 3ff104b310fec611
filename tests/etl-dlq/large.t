#!/bin/sh
# etl-dlq keeps the bytes of records of 16 MiB and needs less than 64 MiB for
# them. One record is all escapes, so that its reject line is twice as long, and
# one is not UTF-8. A small one stands between them.
. tests/support/lib.sh
cd "$scratch"

# The records go to the file raw, their reject lines to the file rejects.
python3 - <<'P'
import base64, hashlib, json
def around(start, middle, end, size=16 << 20):
    n = size - len(start) - len(end)
    return start + (middle * n)[:n - n % len(middle)].ljust(n, b"x") + end
lines = {
    "escapes": around(b'{"id":"1","n":"', b'\\"', b'"}'),
    "text": around(b'{"id":"2","n":"', b"x", b'"}', 1000),
    "latin": around(b'{"id":"3","n":"', b"\xe9", b'"}'),
}
with open("rejects", "w") as out, open("raw", "wb") as keep:
    for i, (name, raw) in enumerate(lines.items(), 1):
        assert len(raw) in (1000, 16 << 20)
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

# in_64_mib NAME COMMAND...: COMMAND needs less than 64 MiB.
in_64_mib() {
	name=$1
	shift
	in_memory "$kind: $name of 16 MiB letters needs less than 64 MiB" \
	    65536 1000000 "$@"
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
	in_64_mib put etl-dlq put rejects
	in_64_mib 'put of known letters' etl-dlq put again
	is "$kind: put stores all letters with their attempts and origin" \
	    "$(for letter in "16777216|$t" "1000|$t" "16777216|$f"; do
		echo "2|$letter|{\"kind\":\"stdin\",\"offset\":0}"
	done)" "$(sql 'SELECT attempts, length(raw), raw_data IS NOT NULL,
	    origin FROM dead_letters ORDER BY created_at' | tr -d ' ')"
	all=$(sql 'SELECT id FROM dead_letters ORDER BY created_at')
	# shellcheck disable=SC2086
	{
		etl-dlq show --raw $all >got
		ok "$kind: show --raw writes the records byte for byte" \
		    cmp raw got
		in_64_mib show etl-dlq show $all
	}
	in_64_mib list etl-dlq list --json
	in_64_mib stats etl-dlq stats
	in_64_mib replay etl-dlq replay
	in_64_mib export etl-dlq export
	etl-dlq export >exported
	db_new $kind
	DATABASE_URL=$db
	is "$kind: put stores the exported letters in another database" \
	    '6 stored, 0 known before, 0 other lines' \
	    "$(etl-dlq put exported)"
	all=$(sql 'SELECT id FROM dead_letters ORDER BY created_at')
	# shellcheck disable=SC2086
	{
		etl-dlq show --raw $all >got
		ok "$kind: the exported records are the same, byte for byte" \
		    cmp raw got
		in_64_mib erase etl-dlq erase $all
	}
done
done_testing
