#!/bin/sh
# SQLite beside others: the loader writes while other processes read and write the
# same file.  Readers see whole batches only, and no process loses anything.
. tests/support/lib.sh
. tests/support/hold.sh

db_new sqlite
file=${db#sqlite:}
sql 'PRAGMA journal_mode = WAL; CREATE TABLE t (id integer PRIMARY KEY, v text);
    CREATE TABLE u (id integer PRIMARY KEY)' >"$scratch/out"
records() {
	seq "$1" "$2" | sed 's/.*/{"id":&,"v":"x"}/'
}
load() {
	limit=30 status etl-load --db "$db" --table t --key id \
	    --backoff 1ms..20ms "$@"
}

# A reader that looks again and again, a second writer and two loaders.  Python's
# sqlite3 module is a program of its own: it does not know of the loader.
cat >"$scratch/beside.py" <<'EOS'
import sqlite3, sys, time
what, path, until = sys.argv[1], sys.argv[2], time.time() + 20
db = sqlite3.connect(path, timeout=20, isolation_level=None)
torn = looks = 0
if what == "read":
    while time.time() < until:
        n = db.execute("SELECT count(*) FROM t").fetchone()[0]
        looks += 1
        torn += n % 100 != 0
        if n == 10000:
            break
    print("torn", torn, "looks", min(looks, 1), "rows", n)
else:
    for i in range(300):
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO u VALUES (?)", (i,))
        db.execute("COMMIT")
    print("wrote 300")
EOS
/usr/bin/python3 "$scratch/beside.py" read "$file" >"$scratch/read" 2>&1 &
reader=$!
/usr/bin/python3 "$scratch/beside.py" write "$file" >"$scratch/write" 2>&1 &
writer=$!
records 5001 10000 | etl-load --db "$db" --table t --key id --batch 100 \
    2>"$scratch/err.2" &
second=$!
is 'a reader and two writers: the loader exits with 0' 0 \
    "$(records 1 5000 | load --batch 100)"
rc=0
wait $second || rc=$?
is 'a reader and two writers: the second loader exits with 0' 0 $rc
wait $reader $writer || :
is 'the reader saw whole batches, and at last all rows' \
    'torn 0 looks 1 rows 10000' "$(cat "$scratch/read")"
is 'the other writer has written all its rows' 'wrote 300 300' \
    "$(cat "$scratch/write") $(sql 'SELECT count(*) FROM u')"
is 'the file is sound' ok "$(sql 'PRAGMA integrity_check')"

hold 'BEGIN' 'SELECT count(*) FROM t'
is 'a reader with an old snapshot does not hold up the loader' 0 \
    "$(records 10001 10010 | load --lock-timeout 200ms --retries 0)"
printf 'SELECT count(*) FROM t;\n' >&8
wait_until 5 sh -c "[ \$(grep -c 10000 '$scratch/held') = 2 ]" || :
is 'the reader still sees its snapshot' 2 "$(grep -c '^10000$' "$scratch/held")"
release
hold 'BEGIN IMMEDIATE' 'INSERT INTO u VALUES (1000)'
began=$(date +%s%N)
is 'another writer holds the lock for longer than the budget: exit code 75' 75 \
    "$(records 1 5 | load --lock-timeout 300ms --retries 2)"
spent=$((($(date +%s%N) - began) / 1000000))
ok "the budget is kept: three tries of 300 ms ($spent ms)" \
    test $spent -ge 850 -a $spent -lt 5000
release
hold 'BEGIN EXCLUSIVE'
is 'an exclusive lock for longer than the budget: exit code 75' 75 \
    "$(records 1 5 | load --lock-timeout 300ms --retries 1)"
release
# The same with a stream, whose ledger and letters are in the same file.
hold 'BEGIN IMMEDIATE'
{ sleep 1; printf 'ROLLBACK;\n' >&8; } &
is 'a stream waits for the other writer: exit code 0' 0 \
    "$(records 20001 20010 | etl-transform --std . | load --lock-timeout 100ms \
    --retries 50)"
is 'a stream waits for the other writer: its rows are there' 10 \
    "$(sql 'SELECT count(*) FROM t WHERE id > 20000')"
release

# --synchronous.
# syncs OPTION...: counts the calls that wait for the disk in a load of 20 batches.
syncs() {
	rm -f "$scratch/s.db"*
	sqlite3 "$scratch/s.db" 'PRAGMA journal_mode = WAL;
	    CREATE TABLE t (id integer PRIMARY KEY, v text)' >"$scratch/out"
	records 1 200 | strace -f -qq -o "$scratch/trace" \
	    -e trace=fsync,fdatasync etl-load --db "sqlite:$scratch/s.db" \
	    --table t --key id --batch 10 "$@" >"$scratch/out" 2>&1
	grep -c 'sync(' "$scratch/trace" || :
}
full=$(syncs)
ok "by default each of 20 commits waits for the disk ($full calls)" \
    test "$full" -ge 20
is '--synchronous full is the default' "$full" "$(syncs --synchronous full)"
normal=$(syncs --synchronous normal)
ok "--synchronous normal: the commits do not wait for the disk ($normal calls)" \
    test "$normal" -lt 10
is '--synchronous normal: all rows are there' 200 \
    "$(sqlite3 "$scratch/s.db" 'SELECT count(*) FROM t')"
is '--synchronous with an unknown level: exit code 64' 64 \
    "$(records 1 1 | load --synchronous off)"
like '--synchronous with an unknown level: the message names the levels' \
    'full.*normal' "$(cat "$scratch/err")"
db_new postgresql
is '--synchronous with PostgreSQL: exit code 64' 64 \
    "$(records 1 1 | load --synchronous normal)"
like '--synchronous with PostgreSQL: the message names its own setting' \
    synchronous_commit "$(cat "$scratch/err")"
done_testing
