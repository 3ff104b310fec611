#!/bin/sh
# --nested when something goes wrong: a record and its elements are loaded
# together or not at all, and the old rows stay if the new ones do not come.
. tests/support/lib.sh
. tests/etl-load/marked.sh
fifo=$scratch/fifo
mkfifo "$fifo"

set -- --table p --key k --nested c=/v --backoff 1ms..5ms

# both OPTION...: loads $scratch/in. Prints the exit code.
both() {
	status etl-load -v --db "$db" --marked "$@" <"$scratch/in" \
	    2>"$scratch/err"
}
# records K N ...: a line for each two arguments, with one element.
records() {
	printf '{"k":%d,"v":[%d]}\n' "$@"
}
rows() {
	for table in p c; do
		printf '%s ' "$table:$(sql "SELECT * FROM $table ORDER BY 1, 2" |
		    paste -sd ' ')"
	done
}
make_tables() {
	db_new $kind
	sql 'CREATE TABLE p (k int PRIMARY KEY, n int);
	    CREATE TABLE c (p_k int NOT NULL REFERENCES p, value int)'
}
has_first_batch() {
	[ "$(sql 'SELECT count(*) FROM c')" = 1 ]
}
# altered STATEMENT: a batch, then STATEMENT, then another batch.
altered() {
	make_tables
	timeout 60 etl-load --db "$db" --table p --key k --nested c=/v \
	    --backoff 1ms..5ms --batch 1 <"$fifo" 2>"$scratch/err" \
	    3>"$scratch/rejects" &
	pid=$!
	exec 9>"$fifo"
	records 1 10 >&9
	wait_until 20 has_first_batch
	sql "$1"
	records 2 20 >&9
	exec 9>&-
	rc=0
	wait $pid || rc=$?
}

for kind in sqlite postgresql; do
	k="$kind:"
	altered 'ALTER TABLE c ADD COLUMN _index int'
	is "$k the child table gets a column during the load: exit code 0" 0 $rc
	altered 'DROP TABLE c; CREATE TABLE c (_index int, value text, p_k int)'
	is "$k the child table is made anew during the load: exit code 0" 0 $rc
	is "$k its columns are read again" '0|20|2' "$(sql 'SELECT * FROM c')"
	# SQLite renames it in the foreign key as well, and the loader reads that
	# again. On PostgreSQL the load ends, because a statement fails.
	altered 'ALTER TABLE c RENAME COLUMN p_k TO other' >/dev/null 2>&1 || :
	[ $kind = sqlite ] && wanted='0 1|10 2|20 ' || wanted='78 1|10 '
	is "$k the child's column of the key is renamed: not loaded into another" \
	    "$wanted" "$rc $(sql 'SELECT other, value FROM c ORDER BY 1' |
	    tr '\n' ' ')"
	is "$k the child's column of the key is renamed: no record is rejected" \
	    '' "$(cat "$scratch/rejects")"

	# A trigger that refuses a row of the child table.
	make_tables
	case $kind in
	sqlite) sql "CREATE TRIGGER r BEFORE INSERT ON c WHEN NEW.value = 2
	    BEGIN SELECT RAISE(ABORT, 'no'); END;
	    CREATE TRIGGER s BEFORE INSERT ON c WHEN NEW.value = 3
	    BEGIN SELECT RAISE(ROLLBACK, 'not at all'); END" ;;
	*) sql "CREATE FUNCTION r() RETURNS trigger LANGUAGE plpgsql AS
	    \$\$ BEGIN IF NEW.value IN (2, 3) THEN RAISE 'no'; END IF;
	    RETURN NEW; END \$\$; CREATE TRIGGER r BEFORE INSERT ON c
	    FOR EACH ROW EXECUTE FUNCTION r()" ;;
	esac
	records 1 1 2 2 3 3 4 4 >"$scratch/in"
	is "$k a trigger refuses rows of the child table: exit code 0" 0 \
	    "$(both "$@" --rejects "$scratch/rejects" --max-rejects 2)"
	is "$k their records are rejected, the others loaded" \
	    'p:1| 4| c:1|1 4|4 ' "$(rows)"
	records 1 7 4 2 >"$scratch/in"
	is "$k more rejects than --max-rejects allows: exit code 1" 1 \
	    "$(both "$@" --rejects "$scratch/rejects" --max-rejects 0)"
	is "$k the old rows stay" 'p:1| 4| c:1|1 4|4 ' "$(rows)"
	printf '%s\n' '{"@etl":"begin","v":1,"id":"cut","stages":["extract"]}' \
	    '{"k":1,"v":[9]}' >"$scratch/in"
	is "$k a stream that is cut, in one transaction: exit code 75" 75 \
	    "$(both "$@" --single-transaction)"
	is "$k the old rows stay, too" 'p:1| 4| c:1|1 4|4 ' "$(rows)"
	rm -f "$scratch/rejects"

	# The stream comes twice.
	make_tables
	stream twice
	rec '{"k":1,"v":[1]}' '{"k":2,"v":[2,3]}'
	end
	is "$k a marked stream: exit code 0" 0 "$(both "$@")"
	sql 'DELETE FROM c'
	is "$k the same stream again: exit code 0" 0 "$(both "$@")"
	is "$k it is not loaded a second time" 'p:1| 2| c: ' "$(rows)"
done

# PostgreSQL: the session ends while the child table is written.
kind=postgresql
make_tables
sql "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
	IF NEW.value = 7 AND nextval('cuts') = 1 THEN
	    PERFORM pg_terminate_backend(pg_backend_pid());
	END IF; RETURN NEW; END \$\$;
    CREATE SEQUENCE cuts;
    CREATE TRIGGER cut BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION cut()"
records 1 1 2 7 3 3 >"$scratch/in"
is 'the session ends while the child table is written: exit code 0' \
    0 "$(both "$@")"
is 'the batch is loaded once' 'p:1| 2| 3| c:1|1 2|7 3|3 ' "$(rows)"
is 'the records are counted once' 1 \
    "$(grep -c ' 3 in, 3 inserted' "$scratch/err")"
is 'the elements are counted once' 1 \
    "$(grep -c 'table c: 3 rows of /v inserted, 0 old' "$scratch/err")"
sql "DELETE FROM c; ALTER SEQUENCE cuts RESTART"
is 'the session ends and there are no retries: exit code 75' \
    75 "$(both "$@" --retries 0)"
is 'the child table is as before' 'p:1| 2| 3| c: ' "$(rows)"

# The answer to COMMIT is lost.
for when in before after late; do
	make_tables
	mkdir "$scratch/$when"
	python3 tests/etl-load/cut_commit.py $when "$scratch/$when" 3 \
	    >"$scratch/cut.log" 2>&1 &
	proxy=$!
	wait_until 10 test -S "$scratch/$when/.s.PGSQL.1"
	stream "lost-$when"
	rec '{"k":1,"v":[1]}' '{"k":2,"v":[2,2]}'
	end
	is "the connection is lost $when COMMIT: exit code 0" 0 \
	    "$(both "$@" --backoff 10ms..20ms \
		--db "postgresql:///${db##*/}?host=$scratch/$when&port=1&gssencmode=disable")"
	is "the connection is lost $when COMMIT: the elements are loaded once" \
	    'p:1| 2| c:1|1 2|2 2|2 ' "$(rows)"
	kill $proxy 2>/dev/null || :
	wait $proxy 2>/dev/null || :
done

# A role without rights on the child table.
make_tables
role=etl_nested_$$
sql "CREATE ROLE $role LOGIN; GRANT SELECT, INSERT, UPDATE ON p TO $role;
    GRANT SELECT, INSERT ON c TO $role"
at_exit "psql -Xq -d postgres -c 'DROP ROLE IF EXISTS $role'"
at_exit "psql -Xq -d '$db' -c 'DROP OWNED BY $role CASCADE'"
records 1 1 >"$scratch/in"
is 'a role that may not delete from the child table: exit code 77' \
    77 "$(PGUSER=$role both "$@")"
is 'no table has the batch' 'p: c: ' "$(rows)"
done_testing
