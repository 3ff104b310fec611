#!/bin/sh
# --connections: several connections load the records of different keys at the
# same time.
# shellcheck disable=SC2016
. tests/support/lib.sh
. tests/support/hold.sh
. tests/etl-load/marked.sh

# records FROM TO [V]
records() {
	seq "$1" "$2" | sed "s/.*/{\"id\":&,\"v\":\"${3:-x}\"}/"
}
# over OPTION...: loads standard input into table t over two connections.
over() {
	status etl-load --db "$db" --key id --connections 2 \
	    --backoff 1ms..5ms --table t "$@"
}
message() {
	grep -v 'plain NDJSON' "$scratch/err" || :
}

db_new postgresql
trial tests/etl-load/connections.py "$db" "${TRIALS:-12}"

sql 'CREATE TABLE t (id int PRIMARY KEY, v text)'
is 'fewer than 1 connection is a usage error' 64 \
    "$(over --connections 0 </dev/null)"
is 'more than 16 connections are a usage error' 64 \
    "$(over --connections 17 </dev/null)"
for options in '--single-transaction' '--expect rows>=1' '--keep-before' '--evolve' \
    '--emit rows' '--mode cdc' \
    '--mode mirror --complete'; do
	# shellcheck disable=SC2086
	is "$options with --connections 2 is a usage error" 64 \
	    "$(over $options </dev/null)"
	like "$options: the message names --connections" '--connections' \
	    "$(message)"
done
is '--table-from with --connections 2 is a usage error' 64 "$(status etl-load \
    --db "$db" --table-from /t --tables a=t:id --connections 2 </dev/null)"
is 'append with --connections 2 is a usage error' 64 \
    "$(status etl-load --db "$db" --table t --connections 2 </dev/null)"
is 'one connection may be asked for in every mode' 0 "$(status etl-load \
    --db "$db" --table t --connections 1 </dev/null)"

# The keys.
sql 'CREATE TABLE k (id numeric PRIMARY KEY, v text)'
is 'a key whose equality is not known is refused' 78 \
    "$(records 1 3 | over --table k)"
like 'the message names the types that work' 'integer, text, varchar or uuid' \
    "$(message)"
sql 'CREATE EXTENSION citext;
    CREATE TABLE ci (id citext PRIMARY KEY, v text);
    CREATE TABLE c (id char(5) PRIMARY KEY, v text);
    CREATE TABLE o (id oid PRIMARY KEY, v text);
    CREATE TABLE n (id name PRIMARY KEY, v text)'
for table in ci c o n; do
	is "table $table: the type of the key is refused" 78 \
	    "$(records 1 3 | over --table $table)"
done
sql "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2',
	deterministic = false);
    CREATE TABLE cl (id text, v text);
    CREATE UNIQUE INDEX ON cl (id COLLATE nocase)"
is 'an index that ignores case: the load succeeds' 0 "$(printf '%s\n' \
    '{"id":"A","v":1}' '{"id":"b","v":2}' | over --table cl)"
like 'an index that ignores case: the load uses one connection, and says so' \
    'different texts are equal: the load uses one connection' "$(message)"

# Spellings of one key must come to one connection: 40 keys, two records of each.
# If a connection had only one of the two, it could not count it as superseded.
# spellings NAME TYPE FIRST SECOND: printf forms of both spellings.
# shellcheck disable=SC2059
spellings() {
	sql "CREATE TABLE sp (id $2 PRIMARY KEY, v text)"
	for n in $(seq 10 49); do
		printf "{\"id\":$3,\"v\":1}\n{\"id\":$4,\"v\":2}\n" "$n" "$n"
	done | over --table sp -v --lossy --connections 7 >/dev/null
	like "$1: both spellings of a key go to one connection" \
	    '40 superseded' "$(message)"
	sql 'DROP TABLE sp'
}
spellings 'integers as text' int '%d' '"0%d"'
spellings 'integers with a sign' int '%d' '" +%d"'
spellings 'integers with a fraction' int '%d' '%d0e-1'
spellings 'uuid' uuid '"{0000000A-0000-4000-8000-0000000000%d}"' \
    '"0000000a000040008000-0000000000%d"'
spellings 'varchar with blanks' 'varchar(2)' '"%d"' '"%d "'

# Tables in which the order of different keys matters.
sql 'CREATE TABLE u (id int PRIMARY KEY, v text UNIQUE);
    CREATE TABLE s (id int PRIMARY KEY, v int REFERENCES s);
    CREATE TABLE g (id int PRIMARY KEY, v text);
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql
	AS $f$ BEGIN RETURN NEW; END $f$;
    CREATE TRIGGER g BEFORE INSERT ON g FOR EACH ROW
	EXECUTE FUNCTION nothing()'
is 'a second unique index: the load succeeds' 0 "$(printf '%s\n' \
    '{"id":1,"v":"a"}' '{"id":1,"v":"b"}' '{"id":2,"v":"a"}' | over --table u)"
like 'a second unique index: the warning says why' \
    'warning: --connections: table u: it has another unique index' "$(message)"
is 'a foreign key to the table itself: each record finds its row' 0 "$(seq 2 40 |
    sed '1i{"id":1,"v":null}
s/.*/{"id":&,"v":@}/' | awk -F@ 'NR==1{print;next}{print $1 NR-1 $2}' |
    over --table s)"
like 'a foreign key to the table itself: the warning says why' \
    'table s: it has a foreign key to itself' "$(message)"
is 'a trigger FOR EACH ROW: the load succeeds' 0 \
    "$(records 1 9 | over --table g)"
like 'a trigger FOR EACH ROW: the warning says why' \
    'table g: a trigger FOR EACH ROW' "$(message)"

# A trigger of which all workers change one row.
sql 'CREATE TABLE total (n int); INSERT INTO total VALUES (0);
    CREATE FUNCTION add() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN UPDATE total SET n = n + (SELECT count(*) FROM new); RETURN NULL;
    END $f$;
    CREATE TABLE st (id int PRIMARY KEY, v text);
    CREATE TRIGGER st AFTER INSERT ON st REFERENCING NEW TABLE AS new
	FOR EACH STATEMENT EXECUTE FUNCTION add()'
is 'a trigger that changes one row for all connections: no deadlock' 0 \
    "$(records 1 2000 | over --table st --connections 4 --batch 100 --retries 0)"
is 'a trigger that changes one row: it has seen each row once' '2000|2000' \
    "$(sql 'SELECT n, (SELECT count(*) FROM st) FROM total')"

# The plan.
over --plan </dev/null >/dev/null
like '--plan says how many connections the load would use' '^connections: 2' \
    "$(cat "$scratch/out")"
is '--plan checks the key, too' 78 "$(over --plan --table k </dev/null)"

# SQLite.
db_saved=$db
db_new sqlite
sql 'CREATE TABLE t (id int PRIMARY KEY, v text)'
is 'SQLite refuses several connections' 64 "$(records 1 3 | over)"
like 'SQLite: the message says why' 'only one connection can write' "$(message)"
db=$db_saved

# Sessions: their number, options, limits.
# The trigger finds the table `seen` only by the search_path of --ddl.
sql 'CREATE SCHEMA other; CREATE TABLE other.t (id int PRIMARY KEY, v text);
    CREATE TABLE other.seen (n int);
    CREATE FUNCTION other.see() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN INSERT INTO seen SELECT count(*) FROM new; RETURN NULL; END $f$;
    CREATE TRIGGER see AFTER INSERT ON other.t REFERENCING NEW TABLE AS new
	FOR EACH STATEMENT EXECUTE FUNCTION other.see()'
mkfifo "$scratch/pipe"
# feed: starts a load whose input is written to file descriptor 9.
feed() {
	etl-load --db "$db" --key id --connections 2 --flush 50ms \
	    --backoff 1ms..5ms --table t "$@" <"$scratch/pipe" \
	    2>"$scratch/err" &
	loader=$!
	exec 9>"$scratch/pipe"
}
finish() {
	exec 9>&-
	rc=0
	{ wait $loader || rc=$?; } 2>/dev/null
}
rows() {
	sql 'SELECT count(*) FROM t'
}
has_rows() {
	[ "$(rows)" -eq "$1" ]
}
echo 'SET search_path = other; SET lock_timeout = 1234' >"$scratch/ddl.sql"
feed --ddl "$scratch/ddl.sql"
records 1 100 >&9
ok 'search_path of --ddl: the records of both connections are loaded' \
    wait_until 10 sh -c \
    "[ \$(psql -XAtq -d '$db' -c 'SELECT count(*) FROM other.t') = 100 ]"
is 'two connections and that of the state are open, with the name etl-load' 3 \
    "$(sql "SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'etl-load' AND $sessions_here")"
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'etl-load' AND $sessions_here" >/dev/null
records 101 200 >&9
finish
is 'all three connections are lost: the load connects again' 0 $rc
is 'search_path of --ddl holds for all connections, also after that' '200|0|200' \
    "$(sql 'SELECT count(*), (SELECT count(*) FROM t),
    (SELECT sum(n) FROM other.seen) FROM other.t')"

sql 'TRUNCATE t'
hold 'BEGIN' 'LOCK TABLE t IN SHARE MODE'
is '--lock-timeout holds for the connections' 75 \
    "$(records 1 50 | over --lock-timeout 100ms --retries 1)"
like '--lock-timeout is named in the message' \
    'longer than --lock-timeout 100ms' "$(message)"
feed
records 1 100 >&9
wait_until 10 sh -c "psql -XAtq -d '$db' -c \"SELECT 'two' FROM pg_stat_activity
    WHERE application_name = 'etl-load' AND wait_event_type = 'Lock'
    AND $sessions_here HAVING count(*) = 2\" | grep two"
kill -TERM $loader
finish
is 'SIGTERM ends a load whose connections wait for a lock' 143 $rc
is 'SIGTERM cancels the statements of all connections' 0 \
    "$(sql "SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'etl-load' AND state = 'active'
    AND $sessions_here")"
release
is 'SIGTERM: nothing was stored' 0 "$(rows)"

# The table is altered while the loader runs.
feed
records 1 100 >&9
wait_until 10 has_rows 100
sql 'ALTER TABLE t RENAME v TO w; ALTER TABLE t ADD v text'
records 51 150 y >&9
finish
is 'a column is renamed and another one gets its name: the load goes on' 0 $rc
is 'the rows after that have their values in the new column' '150|100|100' \
    "$(sql 'SELECT count(*), count(v), count(w) FROM t')"
sql 'ALTER TABLE t DROP w; TRUNCATE t;
    ALTER TABLE t ALTER v TYPE numeric(6,2) USING NULL'
feed --rejects "$scratch/rejects"
records 1 100 1.5 >&9
wait_until 10 has_rows 100
sql 'ALTER TABLE t ALTER v TYPE numeric(6,1)'
records 101 140 1.25 >&9
finish
is 'a column gets another type: the load goes on' 0 $rc
is 'a value that the new type would round is rejected' '100|100 40 range' \
    "$(sql 'SELECT count(*), count(v) FROM t') $(jq -r .code "$scratch/rejects" |
    sort | uniq -c | xargs)"
sql 'TRUNCATE t; ALTER TABLE t ALTER v TYPE text'

# The limit on rejects.
is 'too many rejects end the load' 1 "$({ records 1 100; records 101 200 |
    sed 's/"id":/"id":"x/; s/,/",/'; } | over --batch 100 \
    --rejects "$scratch/rejects" --max-rejects 10)"
like 'too many rejects: the message says what is stored' \
    'the rows of the last batch are stored, but its records count as not' \
    "$(message)"

sql 'TRUNCATE t'
is 'too many rejects are found only at the end of the input: exit code 1' 1 "$({
    records 1 5; records 6 10 | sed 's/"id":/"id":"x/; s/,/",/'; } |
    over --batch 10 --rejects "$scratch/rejects" --max-rejects 40%)"
like 'after the last batch was committed, the message says nothing else' \
    'nothing past the last commit was stored' "$(message)"
sql 'TRUNCATE t'
is '--extra error ends the load' 65 "$({ records 1 100
    echo '{"id":101,"w":1}'; } | over --extra error)"
like '--extra error: the message does not say that nothing was stored' \
    'this batch counts as not loaded' "$(message)"

# A later connect is refused.
few=etl_few_$$
sql "CREATE ROLE $few LOGIN PASSWORD 'few' CONNECTION LIMIT 2"
at_exit "dropuser --if-exists $few"
is 'the server has too few connections: exit code 75' 75 "$(records 1 9 |
    PGUSER=$few PGPASSWORD=few over --connections 3 --retries 1)"
like 'the server has too few connections: the message names the option' \
    'connection [23] of --connections 3: ' "$(message)"

# The table is dropped.
sql 'TRUNCATE t'
feed
records 1 10 >&9
wait_until 10 has_rows 10
sql 'DROP TABLE t'
records 11 50 >&9
finish
is 'the table is dropped while the load runs: exit code 78' 78 $rc
like 'the table is dropped: the message says that rows may be stored' \
    'rows of this batch may be stored' "$(message)"
sql 'CREATE TABLE t (id int PRIMARY KEY, v text)'

# Failures that pass: what is committed is not loaded again, so the counts stay.
# fail_once TABLE EVENT: the second statement fails with SQLSTATE 40001.
fail_once() {
	sql "CREATE SEQUENCE nth;
	    CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
	    AS \$f\$ BEGIN IF nextval('nth') = 2 THEN RAISE SQLSTATE '40001';
	    END IF; RETURN NULL; END \$f\$;
	    CREATE TRIGGER fail BEFORE $2 ON $1 FOR EACH STATEMENT
	    EXECUTE FUNCTION fail()"
}
sql 'TRUNCATE t'
fail_once t INSERT
is 'the share of one connection fails once: the load succeeds' 0 \
    "$(records 1 200 | over -v)"
like 'the share of one connection fails once: each row counts as inserted' \
    '200 inserted' "$(message)"
sql 'DROP TRIGGER fail ON t; DROP SEQUENCE nth; TRUNCATE t'
checkpoint_stream none
end
load --key id >"$scratch/rc"
checkpoint_stream again
for n in 1 2 3; do
	rec "{\"id\":$n,\"v\":1}" "{\"id\":9$n,\"v\":1}" "{\"id\":$n,\"w\":1}"
	checkpoint_mark "$n"
done
end
fail_once etl_loads UPDATE
is 'the commit of the state fails once: the load succeeds' 0 \
    "$(load --key id --connections 2 --batch 1)"
like 'the commit of the state fails once: each row counts as inserted' \
    '6 inserted' "$(message)"
is 'the commit of the state fails once: each reject is stored once' '3|3' \
    "$(sql 'SELECT count(*), sum(attempts) FROM dead_letters')"
sql 'DROP TRIGGER fail ON etl_loads; TRUNCATE t, etl_loads, etl_checkpoints,
    dead_letters, dead_letter_attempts'

# A marked stream.
sql 'TRUNCATE t'
checkpoint_stream many
for n in $(seq 0 39); do
	for i in 1 2 3 4 5; do
		rec "{\"id\":$((n * 5 + i)),\"v\":\"$n\"}"
	done
	rec "{\"id\":$((n * 5 + 1)),\"v\":\"last\"}"
	[ $((n % 8)) -ne 0 ] || rec "{\"id\":$((n * 5 + 2)),\"w\":1}"
	checkpoint_mark "$n"
done
end
is 'a stream with checkpoints is loaded' 0 \
    "$(load --key id --connections 2 --batch 10)"
is 'a stream with checkpoints: the rows are those of the last records' \
    '200|40' "$(sql "SELECT count(*), count(*) FILTER (WHERE v = 'last')
    FROM t")"
is 'a stream with checkpoints: the ledger and the checkpoint are at the end' \
    '21|40|20|1 39|20' "$(ledger many) $(checkpoint)"
is 'a stream with checkpoints: each bad record is one dead letter' 5 \
    "$(letters | wc -l)"
is 'a stream with checkpoints: each record is counted once' \
    '{"in":245,"inserted":200,"superseded":40,"rejected":5}' \
    "$(sql 'SELECT counts FROM etl_loads' |
    jq -c '.[1] | {in, inserted, superseded, rejected}')"
is 'the stream is loaded a second time: its records are skipped' 0 \
    "$(load --key id --connections 2)"

# Another loader has gone on with the stream: no share may be committed.
for moved in 'UPDATE etl_loads SET batch = batch + 1' \
    'UPDATE etl_checkpoints SET version = version + 1'; do
	sql 'TRUNCATE t, etl_loads, etl_checkpoints'
	checkpoint_stream late
	rec '{"id":1,"v":"a"}' '{"id":2,"v":"a"}'
	checkpoint_mark 1
	feed
	cat "$scratch/in" >&9
	wait_until 10 has_rows 2
	wait_until 10 sh -c "psql -XAtq -d '$db' -c \
	    'SELECT batch FROM etl_loads' | grep 1"
	sql "$moved"
	lines=$(wc -l <"$scratch/in")
	rec '{"id":1,"v":"old"}' '{"id":2,"v":"old"}' '{"id":3,"v":"old"}'
	checkpoint_mark 2
	end
	tail -n "+$((lines + 1))" "$scratch/in" >&9
	finish
	is "another loader has done $moved: exit code 75" 75 $rc
	is "another loader has done $moved: no row is overwritten" '2|2' \
	    "$(sql "SELECT count(*), count(*) FILTER (WHERE v = 'a') FROM t")"
done

# The shares only check the checkpoint. So they lock its row in a way that lets the
# other shares of the batch lock it too, and none waits for the commit of another.
sql 'TRUNCATE t, etl_loads, etl_checkpoints'
checkpoint_stream beside
rec '{"id":1,"v":"a"}'
checkpoint_mark 1
feed
cat "$scratch/in" >&9
wait_until 10 sh -c "psql -XAtq -d '$db' -c \
    'SELECT batch FROM etl_loads' | grep 1"
hold 'BEGIN' 'SELECT FROM etl_checkpoints FOR SHARE'
lines=$(wc -l <"$scratch/in")
rec '{"id":2,"v":"a"}' '{"id":3,"v":"a"}'
checkpoint_mark 2
end
tail -n "+$((lines + 1))" "$scratch/in" >&9
ok 'a share commits beside another one that has checked the checkpoint' \
    wait_until 10 has_rows 3
is 'the checkpoint does not move while a share checks it' '1|1' "$(checkpoint)"
release
finish
is 'the batch is complete when the other share has ended' '0 2|2' \
    "$rc $(checkpoint)"

# Kills.
sql 'TRUNCATE t, etl_loads, etl_checkpoints, dead_letters, dead_letter_attempts'
checkpoint_stream killed
for n in $(seq 0 199); do
	rec "{\"id\":$((n * 2)),\"v\":\"$n\"}" "{\"id\":$((n * 2 + 1)),\"v\":1}"
	[ $((n % 20)) -ne 0 ] || rec '{"id":"x"}'
	checkpoint_mark "$n"
done
end
for after in 02 04 06 08 10 12 15 20; do
	killed_after 0.$after sh -c "exec etl-load --db '$db' --table t --key id \
	    --connections 2 --marked --batch 1 <'$scratch/in'"
done
is 'after some SIGKILLs the next load exits with 0' 0 \
    "$(load --key id --connections 2 --batch 1)"
is 'after some SIGKILLs no row is lost, and none is there twice' '400|400' \
    "$(sql 'SELECT count(*), count(DISTINCT id) FROM t')"
is 'after some SIGKILLs the checkpoint has moved once for each mark' \
    '199|200' "$(checkpoint)"
is 'after some SIGKILLs each reject is stored once for each occurrence' 10 \
    "$(sql 'SELECT sum(attempts) FROM dead_letters')"
is 'after some SIGKILLs the counts are those of all records' \
    '410' "$(sql 'SELECT counts FROM etl_loads' | jq -c '.[1].in')"
done_testing
