#!/bin/sh
# --mode scd2: what a failure leaves. A record changes two rows, and both changes are
# made or none.
. tests/support/lib.sh

# plain LINE...: makes plain input.
plain() {
	printf '%s\n' "$@" >"$scratch/in"
}
load() {
	rm -f "$scratch/aside"
	status etl-load -v --db "$db" --table t --mode scd2 --key k --as-of at \
	    --backoff 1ms..5ms --rejects "$scratch/aside" "$@" <"$scratch/in"
}
rows() {
	sql "SELECT CASE WHEN is_current THEN '!' ELSE '' END || v FROM t
	    ORDER BY k, valid_from" | xargs
}
codes() {
	jq -r .code "$scratch/aside" | xargs
}
# make_table [CONSTRAINT]: the key 1 has the row "a" from the first of January.
make_table() {
	sql "CREATE TABLE t (k int NOT NULL, v text, p int ${1:-},
	    valid_from $time NOT NULL, valid_to $time,
	    is_current boolean NOT NULL, PRIMARY KEY (k, valid_from));
	    CREATE UNIQUE INDEX c ON t (k) WHERE is_current"
	plain '{"k":1,"v":"a","at":"2026-01-01"}'
	load >/dev/null
}
# broken: the number of rows that overlap the next row of their key, or leave a gap
# before it, and of keys without one current row.
broken() {
	sql "SELECT (SELECT count(*) FROM t AS a WHERE valid_to <= valid_from
	    OR (valid_to IS NULL) <> is_current OR valid_to IS NOT NULL AND
	    NOT EXISTS (SELECT 1 FROM t AS b WHERE b.k = a.k
		AND b.valid_from = a.valid_to))
	    + (SELECT count(DISTINCT k) FROM t)
	    - (SELECT count(*) FROM t WHERE is_current)"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	case $kind in
	sqlite) time=text ;;
	*) time=timestamptz ;;
	esac

	# A row that the table refuses.
	sql 'CREATE TABLE parents (id int PRIMARY KEY);
	    INSERT INTO parents VALUES (1)'
	for how in '' 'DEFERRABLE INITIALLY DEFERRED'; do
		make_table "REFERENCES parents $how"
		plain '{"k":1,"v":"b","p":9,"at":"2026-02-01"}' \
		    '{"k":1,"v":"c","p":1,"at":"2026-03-01"}' \
		    '{"k":2,"v":"d","p":9,"at":"2026-03-01"}'
		is "$k a foreign key $how refuses rows: exit code 0" \
		    0 "$(load --max-rejects 100%)"
		is "$k a refused record ends no row, the others are loaded $how" \
		    'constraint constraint a !c 0' "$(codes) $(rows) $(broken)"
		sql 'DROP TABLE t'
	done
	make_table
	case $kind in
	sqlite) sql "CREATE TRIGGER g BEFORE INSERT ON t WHEN NEW.v = 'b'
		BEGIN SELECT RAISE(ABORT, 'no b'); END" ;;
	*) sql "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
		\$\$ BEGIN IF NEW.v = 'b' THEN RAISE 'no b'; END IF;
		RETURN NEW; END \$\$;
		CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW
		EXECUTE FUNCTION f()" ;;
	esac
	plain '{"k":1,"v":"b","at":"2026-02-01"}' '{"k":1,"v":"c","at":"2026-03-01"}'
	is "$k a trigger refuses the next row: exit code 0" \
	    0 "$(load --max-rejects 100%)"
	is "$k a trigger refuses the next row: the row before stays current" \
	    'constraint a !c 0' "$(codes) $(rows) $(broken)"
	sql 'DROP TABLE t'

	# The limit of rejects.
	make_table "CHECK (p > 0)"
	plain '{"k":1,"v":"b","at":"2026-02-01"}' '{"k":2,"v":"c","p":0,"at":"2026-03-01"}'
	is "$k more rejects than --max-rejects: exit code 1, nothing is changed" \
	    '1 !a' "$(load --max-rejects 0) $(rows)"

	# Many records, also of one key.
	sql 'DELETE FROM t'
	seq 3000 | jq -c '{k: (. % 7), v: "\(.)", at: (1767225600 +
	    (. * 7919 % 3000) * 60 | todate)}' >"$scratch/in"
	is "$k 3000 records of 7 keys in random order: exit code 0" \
	    0 "$(load --batch 500)"
	is "$k each of them has its row" '3000 0' \
	    "$(sql 'SELECT count(*) FROM t') $(broken)"

	# Loads at the same time.
	sql 'DELETE FROM t'
	for i in 1 2 3 4; do
		seq 200 | jq -c --argjson i $i '{k: (. % 50), v: "\(.) \($i)",
		    at: (1767225600 + (. * 4 + $i) * 60 | todate)}' |
		    shuf --random-source=/bin/sh >"$scratch/in.$i"
		(
			rc=0
			timeout 60 etl-load --db "$db" --table t --mode scd2 \
			    --key k --as-of at --batch 20 \
			    --rejects "$scratch/aside.$i" <"$scratch/in.$i" \
			    2>"$scratch/err.$i" || rc=$?
			echo $rc >"$scratch/rc.$i"
		) &
	done
	wait
	is "$k four loads of the same keys at once: all exit with 0" \
	    '0 0 0 0' "$(cat "$scratch"/rc.? | xargs)"
	is "$k four loads at once: each record has its row" '800 0' \
	    "$(sql 'SELECT count(*) FROM t') $(broken)"

	# A killed load.
	sql 'DELETE FROM t'
	seq 4000 | jq -c '{k: (. % 100), v: "\(.)", at: (1767225600 + . | todate)}' \
	    >"$scratch/in"
	for after in .05 .1 .2; do
		# shellcheck disable=SC2016
		killed_after $after sh -c 'exec etl-load --db "$0" --table t \
		    --mode scd2 --key k --as-of at --batch 50 <"$1"' \
		    "$db" "$scratch/in"
		is "$k a load that was killed leaves whole changes" 0 "$(broken)"
	done
	is "$k the same load to its end: exit code 0" 0 "$(load)"
	is "$k records that the killed loads have loaded are not loaded twice" \
	    '4000 0' "$(sql 'SELECT count(*) FROM t') $(broken)"
	sql 'DROP TABLE t'
done

# SQLite compares times as texts.
db_new sqlite
time=text
make_table
sql "UPDATE t SET valid_from = '2026-01-01 00:00'"
plain '{"k":1,"v":"b","at":"2026-02-01"}' '{"k":2,"v":"b","at":"2026-02-01"}'
is 'sqlite: a row with a time in another form: exit code 0' \
    0 "$(load --max-rejects 1)"
is 'sqlite: the record of this row is rejected, the other one is loaded' \
    'constraint !a !b' "$(codes) $(rows)"
like 'sqlite: the reject shows the form of the times' \
    '2026-05-30T12:00:00.000000Z' "$(jq -r .message "$scratch/aside")"

db_new postgresql
time=timestamptz
make_table
sql "CREATE SEQUENCE cuts; CREATE FUNCTION cut() RETURNS trigger
    LANGUAGE plpgsql AS \$\$ BEGIN
	IF NEW.v = 'cut' AND nextval('cuts') = 1 THEN
	    PERFORM pg_terminate_backend(pg_backend_pid());
	END IF; RETURN NEW; END \$\$;
    CREATE TRIGGER cut BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION cut()"
plain '{"k":1,"v":"b","at":"2026-02-01"}' '{"k":1,"v":"cut","at":"2026-03-01"}'
is 'the session is ended in the middle of a load: exit code 0' 0 "$(load)"
is 'the load is repeated as a whole' 'a b !cut 0' "$(rows) $(broken)"
sql 'DROP TRIGGER cut ON t'

# The lock of the table.
sql "SELECT pg_advisory_lock(6648940::int8 << 32 | 't'::regclass::oid::int8);
    SELECT pg_sleep(60)" >/dev/null 2>&1 &
wait_until 10 sh -c "psql -XAtq -d '$db' -c \"SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND $locks_here\" | grep 1"
plain '{"k":1,"v":"c","at":"2026-04-01"}'
is 'another load keeps the lock of the table for 10 seconds: exit code 75' \
    75 "$(load --retries 0)"
like 'another load keeps the lock: the message says so' \
    'another load of the table has not ended' "$(cat "$scratch/err")"
is 'another load keeps the lock: nothing is changed' 'a b !cut' "$(rows)"
sql "SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND $locks_here" >/dev/null
wait
is 'the same load after the other one: exit code 0' '0 a b cut !c' \
    "$(load --retries 0) $(rows)"

# Rights, row security, partitions.
role=etl_history_$$
sql "CREATE ROLE $role LOGIN; GRANT SELECT, INSERT, UPDATE (v, valid_to) ON t TO $role;
    GRANT CREATE ON SCHEMA public TO $role"
at_exit "psql -Xq -d postgres -c 'DROP ROLE IF EXISTS $role'"
at_exit "psql -Xq -d '$db' -c 'DROP OWNED BY $role CASCADE'"
plain '{"k":1,"v":"d","at":"2026-05-01"}' '{"k":2,"v":"d","at":"2026-05-01"}'
is 'a role that may not change one column: exit code 77' \
    77 "$(PGOPTIONS="-c role=$role" load)"
is 'a role that may not change one column: nothing is changed' \
    'a b cut !c' "$(rows)"
sql "GRANT UPDATE ON t TO $role; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
    CREATE POLICY all_rows ON t USING (true) WITH CHECK (k <> 2)"
is 'row security refuses a row: exit code 0' \
    0 "$(PGOPTIONS="-c role=$role" load --max-rejects 1)"
is 'row security refuses a row: only this record is rejected' \
    '42501 a b cut c !d' "$(jq -r .sqlstate "$scratch/aside") $(rows)"
sql "DROP TABLE t; CREATE TABLE t (k int NOT NULL, v text,
    valid_from timestamptz NOT NULL, valid_to timestamptz,
    is_current boolean NOT NULL) PARTITION BY LIST (k);
    CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
    CREATE UNIQUE INDEX c ON t (k) WHERE is_current"
plain '{"k":1,"v":"a","at":"2026-01-01"}' '{"k":1,"v":"b","at":"2026-02-01"}' \
    '{"k":1,"v":"late","at":"2026-01-15"}' '{"k":2,"v":"a","at":"2026-01-01"}'
is 'a partitioned table: exit code 0' 0 "$(load --max-rejects 1)"
is 'a record for no partition is rejected, the others have their rows' \
    'constraint a late !b 0' "$(codes) $(rows) $(broken)"
done_testing
