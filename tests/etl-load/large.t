#!/bin/sh
# Records and rejects of 16 MiB: each is stored as it is, whatever becomes of
# it, and the loader needs no more than 64 MiB.
. tests/support/lib.sh
cd "$scratch"

# Two records a file; escapes: a string that is nothing else.
python3 - <<'P'
import json
size = 16 << 20
def write(name, column, unit, ids=2):
    with open(name, "w") as f:
        for i in range(ids):
            start, end = '{"id":"%d","%s":"' % (i, column), '"}'
            n = size - len(start) - len(end)
            f.write(start + (unit * n)[:n - n % len(unit)].ljust(n, "x") +
                end + "\n")
write("text", "n", "x")
write("escapes", "n", '\\"')
write("text-bad", "none", "x")
write("escapes-bad", "none", '\\"')
write("bytes", "b", "x")
P
# marked FILE ID
marked() {
	printf '{"@etl":"begin","v":1,"id":"%s","stages":["extract"]}\n' "$2"
	cat "$1"
	printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":2,%s}]}\n' \
	    '"dropped":0,"rejected":0'
}
# mib64 NAME OPTION...: etl-load of ./in
mib64() {
	name=$1
	shift
	in_memory "$kind: $name: in 64 MiB" 65536 1000000 \
	    etl-load --table t --max-rejects 100% "$@" <in
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	case $kind in
	sqlite) bytes=BLOB ;;
	*) bytes=bytea ;;
	esac
	sql "CREATE TABLE t (id text PRIMARY KEY, n text, b $bytes)"
	for in in text escapes bytes; do
		sql 'DELETE FROM t'
		cp $in in
		mib64 $in --key id
		is "$kind: $in: stored" "$(python3 - $in <<'P'
import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line)
    print(r["id"], len(r.get("n", r.get("b"))), sep="|")
P
		)" "$(sql 'SELECT id, coalesce(length(n), length(b)) FROM t ORDER BY id')"
	done
	cp escapes-bad in
	mib64 'rejects aside' --rejects aside
	jq -r .raw aside >got
	ok "$kind: byte for byte" cmp escapes-bad got
	rm aside
	# By key they are the same two letters.
	for bad in text-bad escapes-bad; do
		marked $bad $bad >in
		mib64 "$bad: letters"
		marked $bad $bad-key >in
		mib64 "$bad: letters by key" --key id
	done
	is "$kind: letters" '4|16777216|1 2|16777216|2' "$(sql 'SELECT count(*),
	    length(raw), attempts FROM dead_letters GROUP BY 2, 3 ORDER BY 3' |
	    paste -sd' ')"
	etl-dlq export | jq -r .raw | sort -u >got
	ok "$kind: letters: byte for byte" sh -c \
	    'sort text-bad escapes-bad | cmp - got'
done
done_testing
