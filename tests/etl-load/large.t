#!/bin/sh
# Records of 16 MiB: etl-load stores each record or reject byte for byte and
# needs no more than 64 MiB of memory.
. tests/support/lib.sh
cd "$scratch"

# Each file has two records of 16 MiB. In the files escapes*, the string
# consists of escape sequences only.
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
# One array of 8 million numbers, and one of 2 million objects.
with open("numbers", "w") as f:
    f.write('{"id":"0","n":[1' + ",1" * (size // 2 - 16) + "]}\n")
with open("objects", "w") as f:
    f.write('{"id":"0","n":[{"a":1}' + ',{"a":1}' * (size // 8 - 4) + "]}\n")
P
# marked FILE ID: prints the records of FILE as a marked stream.
marked() {
	printf '{"@etl":"begin","v":1,"id":"%s","stages":["extract"]}\n' "$2"
	cat "$1"
	printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":2,%s}]}\n' \
	    '"dropped":0,"rejected":0'
}
# check_memory NAME OPTION...: checks the memory that etl-load needs for ./in.
check_memory() {
	name=$1
	shift
	in_memory "$kind: $name: etl-load needs less than 64 MiB" \
	    65536 1000000 \
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
		check_memory $in --key id
		is "$kind: $in: both records are stored in full length" \
		    "$(python3 - $in <<'P'
import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line)
    print(r["id"], len(r.get("n", r.get("b"))), sep="|")
P
		)" "$(sql 'SELECT id, coalesce(length(n), length(b)) FROM t ORDER BY id')"
	done
	for in in numbers objects; do
		sql 'DELETE FROM t'
		cp $in in
		check_memory "small values ($in)" --key id
		# The rest of the line is {"id":"0","n": and } and the newline.
		is "$kind: $in: all of them are stored" \
		    $(($(wc -c <$in) - 16)) "$(sql 'SELECT length(n) FROM t')"
	done
	cp escapes-bad in
	check_memory 'rejects to a file' --rejects aside
	jq -r .raw aside >got
	ok "$kind: the reject file has the records byte for byte" \
	    cmp escapes-bad got
	rm aside
	# With --key the id of a letter is made from the key, so both files
	# give the same two letters.
	for bad in text-bad escapes-bad; do
		marked $bad $bad >in
		check_memory "dead letters of $bad"
		marked $bad $bad-key >in
		check_memory "dead letters of $bad, --key" --key id
	done
	is "$kind: six dead letters have 16 MiB and the right occurrences" \
	    '4|16777216|1 2|16777216|2' "$(sql 'SELECT count(*),
	    length(raw), attempts FROM dead_letters GROUP BY 2, 3 ORDER BY 3' |
	    paste -sd' ')"
	etl-dlq export | jq -r .raw | sort -u >got
	ok "$kind: the dead letters have the records byte for byte" sh -c \
	    'sort text-bad escapes-bad | cmp - got'
done
done_testing
