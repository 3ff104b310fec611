#!/bin/sh
# --tables when something goes wrong: all tables are as before a batch, or as
# after it.
. tests/support/lib.sh
. tests/support/hold.sh
. tests/etl-load/marked.sh
fifo=$scratch/fifo
mkfifo "$fifo"

set -- --table-from /t --tables a=ta:k,b=tb:k --backoff 1ms..5ms

# two OPTION...: loads $scratch/in. Prints the exit code.
two() {
	status etl-load -v --db "$db" --marked "$@" <"$scratch/in" \
	    2>"$scratch/err"
}
# records T K ...: a line for each two arguments.
records() {
	printf '{"t":"%s","k":%d}\n' "$@"
}
rows() {
	for table in ta "${tb:-tb}"; do
		printf '%s ' "$table:$(sql "SELECT k FROM $table ORDER BY k" |
		    paste -sd ' ')"
	done
}
make_tables() {
	db_new $kind
	sql 'CREATE TABLE ta (k int PRIMARY KEY);
	    CREATE TABLE tb (k int PRIMARY KEY)'
}
# altered STATEMENT: a batch, then STATEMENT, then another batch.
altered() {
	for table in ta tb tc; do
		sql "DROP TABLE IF EXISTS $table" 2>/dev/null
	done
	sql 'CREATE TABLE ta (k int PRIMARY KEY);
	    CREATE TABLE tb (k int PRIMARY KEY)'
	timeout 60 etl-load --db "$db" --table-from /t \
	    --tables a=ta:k,b=tb:k --batch 2 <"$fifo" 2>"$scratch/err" \
	    3>"$scratch/rejects" &
	pid=$!
	exec 9>"$fifo"
	records a 1 b 1 >&9
	wait_until 20 has_first_batch
	sql "$1"
	records a 2 b 2 | sed "2s/}/${more:-}}/" >&9
	exec 9>&-
	rc=0
	wait $pid || rc=$?
	echo "$rc $(rows)"
}
has_first_batch() {
	[ "$(sql 'SELECT count(*) FROM tb')" = 1 ]
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	is "$k one of the tables is made anew during the load: its columns are read again" \
	    '0 ta:1 2 tb:2 ' "$(more=',"v":"x"'
		altered 'DROP TABLE tb;
		    CREATE TABLE tb (k bigint PRIMARY KEY, v text)')"
	is "$k one of the tables is renamed: no table has the batch" \
	    '78 ta:1 tc:1 ' "$(tb=tc; altered 'ALTER TABLE tb RENAME TO tc')"
	altered 'ALTER TABLE tb RENAME COLUMN k TO j' >/dev/null 2>&1 || :
	is "$k a key column of one of the tables is renamed: no table has the batch" \
	    '1 1' "$(sql 'SELECT * FROM ta') $(sql 'SELECT * FROM tb')"

	# A trigger that refuses a record of one table.
	make_tables
	case $kind in
	sqlite) sql "CREATE TRIGGER r BEFORE INSERT ON tb WHEN NEW.k = 2
	    BEGIN SELECT RAISE(ABORT, 'no'); END" ;;
	*) sql "CREATE FUNCTION r() RETURNS trigger LANGUAGE plpgsql AS
	    \$\$ BEGIN IF NEW.k = 2 THEN RAISE 'no'; END IF; RETURN NEW; END
	    \$\$; CREATE TRIGGER r BEFORE INSERT ON tb FOR EACH ROW
	    EXECUTE FUNCTION r()" ;;
	esac
	records a 1 b 1 b 2 a 2 b 3 >"$scratch/in"
	is "$k a trigger refuses a record of one table: exit code 0" 0 \
	    "$(two "$@" --rejects "$scratch/rejects" --max-rejects 1)"
	is "$k the other records are in their tables" 'ta:1 2 tb:1 3 ' "$(rows)"
	records a 8 b 2 >"$scratch/in"
	is "$k more rejects than --max-rejects allows: exit code 1" 1 \
	    "$(two "$@" --rejects "$scratch/rejects" --max-rejects 0)"
	is "$k no table has the batch" 'ta:1 2 tb:1 3 ' "$(rows)"
done

# SQLite: a deferred foreign key of a table to itself, whose row comes in the
# next part of the transaction, refuses no record of another table.
kind=sqlite
db_new sqlite
sql 'CREATE TABLE ta (k int PRIMARY KEY, up int REFERENCES ta
	DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE tb (k int PRIMARY KEY, a int REFERENCES ta
	DEFERRABLE INITIALLY DEFERRED)'
printf '%s\n' '{"t":"a","k":1,"up":2}' '{"t":"b","k":1,"a":1}' \
    '{"t":"a","k":2}' '{"t":"b","k":2,"a":2}' >"$scratch/in"
is 'a table that refers to itself, and parts of two records: exit code 0' 0 \
    "$(two "$@" --single-transaction --batch 2)"
is 'all records are in their tables' 'ta:1 2 tb:1 2 ' "$(rows)"
echo '{"t":"b","k":3,"a":9}' >>"$scratch/in"
rm -f "$scratch/rejects"
is 'the same with a reference that stays missing: exit code 0' 0 \
    "$(two "$@" --single-transaction --batch 2 --max-rejects 1 \
	--rejects "$scratch/rejects")"
is 'only the record of this reference is rejected' 5 \
    "$(jq .origin.line "$scratch/rejects")"

# PostgreSQL: the session ends while the second table is written.
kind=postgresql
make_tables
sql "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
	IF NEW.k = 7 AND nextval('cuts') = 1 THEN
	    PERFORM pg_terminate_backend(pg_backend_pid());
	END IF; RETURN NEW; END \$\$;
    CREATE SEQUENCE cuts;
    CREATE TRIGGER cut BEFORE INSERT ON tb FOR EACH ROW EXECUTE FUNCTION cut()"
records a 1 b 7 a 2 >"$scratch/in"
is 'the session ends while the second table is written: exit code 0' \
    0 "$(two "$@")"
is 'the batch is loaded once' 'ta:1 2 tb:7 ' "$(rows)"
is 'the records are counted once' 1 \
    "$(grep -c '2 tables in .*: 3 in, 3 inserted' "$scratch/err")"
sql "TRUNCATE ta, tb; ALTER SEQUENCE cuts RESTART"
is 'the session ends and there are no retries: exit code 75' \
    75 "$(two "$@" --retries 0)"
is 'no table has the batch' 'ta: tb: ' "$(rows)"

# The answer to COMMIT is lost.
for when in before after late; do
	make_tables
	mkdir "$scratch/$when"
	python3 tests/etl-load/cut_commit.py $when "$scratch/$when" 2 \
	    >"$scratch/cut.log" 2>&1 &
	proxy=$!
	wait_until 10 test -S "$scratch/$when/.s.PGSQL.1"
	stream "lost-$when"
	rec '{"t":"a","k":1}' '{"t":"b","k":1}' '{"t":"b","k":2}'
	end
	is "the connection is lost $when COMMIT: exit code 0" 0 \
	    "$(two --table-from /t --tables a=ta,b=tb --backoff 10ms..20ms \
		--db "postgresql:///${db##*/}?host=$scratch/$when&port=1&gssencmode=disable")"
	is "the connection is lost $when COMMIT: the records are loaded once" \
	    'ta:1 tb:1 2 ' "$(rows)"
	kill $proxy 2>/dev/null || :
	wait $proxy 2>/dev/null || :
done

# A role without rights on one of the tables.
make_tables
role=etl_tables_$$
sql "CREATE ROLE $role LOGIN; GRANT SELECT, INSERT, UPDATE ON ta TO $role;
    GRANT SELECT ON tb TO $role"
at_exit "psql -Xq -d postgres -c 'DROP ROLE IF EXISTS $role'"
at_exit "psql -Xq -d '$db' -c 'DROP OWNED BY $role CASCADE'"
records a 1 b 1 >"$scratch/in"
is 'a role that may not write to the second table: exit code 77' \
    77 "$(PGUSER=$role two "$@")"
is 'no table has the batch' 'ta: tb: ' "$(rows)"

# Another session has locked the second table.
hold 'BEGIN' 'LOCK TABLE tb'
is 'a lock of the second table lasts longer than the budget: exit code 75' \
    75 "$(two "$@" --lock-timeout 100ms --retries 1)"
release
is 'no table has the batch after the lock' 'ta: tb: ' "$(rows)"
done_testing
