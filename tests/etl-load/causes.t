#!/bin/sh
# An error that a record causes is a reject of this record, whatever its SQLSTATE
# is. An error that comes without any record too ends the load.
. tests/support/lib.sh

# rejected LABEL LINES OPTION...: loads $scratch/in into table t. Exactly these
# lines must be rejected, and all others loaded.
rejected() {
	name=$1
	lines=$2
	shift 2
	sql 'DELETE FROM t'
	: >"$scratch/rejects"
	is "$name: etl-load exits with 0" 0 "$(status etl-load --db "$db" \
	    --table t --rejects "$scratch/rejects" --max-rejects 100% \
	    --backoff 10ms..20ms --retries 2 "$@" <"$scratch/in")"
	[ ! -s "$scratch/err" ] || grep -v 'plain NDJSON' "$scratch/err" >&2 || :
	is "$name: only its record is rejected" "$lines" \
	    "$(jq .origin.line "$scratch/rejects" | paste -sd ' ')"
	is "$name: the other records are loaded" \
	    $((20 - $(echo "$lines" | wc -w))) "$(sql 'SELECT count(*) FROM t')"
}

# raise WHEN STATE: a trigger raises an error with this SQLSTATE if n is 13.
raise() {
	sql "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
	    'BEGIN IF NEW.n = 13 THEN RAISE EXCEPTION ''no''
	    USING ERRCODE = ''$2''; END IF; RETURN NEW; END'"
	sql "SET client_min_messages = error; DROP TRIGGER IF EXISTS f ON t;
	    CREATE $1 INSERT OR UPDATE ON t ${3:-} FOR EACH ROW
	    EXECUTE FUNCTION f()"
}

seq 20 | jq -c '{k: "\(.)", n: (if . == 7 or . == 20 then 13 else . % 10 end)}' \
    >"$scratch/in"
db_new postgresql
sql 'CREATE TABLE t (k text PRIMARY KEY, n int, m int)'
for state in NEG01 55000 39000 42501 0A000 P0004 XX000 40001 40P01 55P03 57014; do
	raise 'TRIGGER f BEFORE' $state
	rejected "a trigger raises $state, upsert" '7 20' --key k
	is "a trigger raises $state: the reject has the SQLSTATE" $state \
	    "$(jq -r .sqlstate "$scratch/rejects" | sort -u)"
	rejected "a trigger raises $state, append" '7 20'
done
raise 'TRIGGER f AFTER' 55000
rejected 'a trigger raises an error after the row' '7 20' --key k
raise 'CONSTRAINT TRIGGER f AFTER' NEG01 'DEFERRABLE INITIALLY DEFERRED'
rejected 'a trigger raises an error at the commit' '7 20' --key k
rejected 'a trigger raises an error at the commit, --batch 3' '7 20' --key k \
    --batch 3
for state in 08006 53200 57P05; do
	raise 'TRIGGER f BEFORE' $state
	isnt "a trigger raises $state: the load ends" 0 "$(status etl-load \
	    --db "$db" --table t --key k --retries 0 <"$scratch/in")"
	like "a trigger raises $state: the message names the table and the line" \
	    '^etl-load: table t, lines 1 to 20: .*no' "$(cat "$scratch/err")"
done
sql 'DROP TRIGGER f ON t'

# One key of two spellings; a row that its own trigger updates.
sql "CREATE FUNCTION lower_key() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.k := lower(NEW.k); RETURN NEW; END'"
sql 'CREATE TRIGGER l BEFORE INSERT ON t FOR EACH ROW
    EXECUTE FUNCTION lower_key()'
printf '%s\n' '{"k":"a","n":1}' '{"k":"A","n":2}' '{"k":"b","n":3}' \
    >"$scratch/in"
is 'a trigger makes one key of two spellings: etl-load exits with 0' 0 \
    "$(status etl-load --db "$db" --table t --key k <"$scratch/in")"
is 'a trigger makes one key of two spellings: the last record wins' 'a|2
b|3' "$(sql "SELECT k, n FROM t WHERE k IN ('a', 'b') ORDER BY k")"
sql 'DROP TRIGGER l ON t'
sql "CREATE FUNCTION own_row() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN IF NEW.n = 13 THEN UPDATE t SET m = 1 WHERE k = NEW.k; END IF;
    RETURN NEW; END'"
sql 'CREATE TRIGGER o BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION own_row()'
printf '%s\n' '{"k":"a","n":5}' '{"k":"b","n":13}' '{"k":"c","n":6}' \
    >"$scratch/in"
is 'a trigger updates its own row: etl-load exits with 0' 0 \
    "$(status etl-load --db "$db" --table t --key k \
    --rejects "$scratch/own" <"$scratch/in")"
is 'a trigger updates its own row: the record is rejected' '27000 2' \
    "$(jq -r '"\(.sqlstate) \(.origin.line)"' "$scratch/own")"
is 'a trigger updates its own row: the other records are loaded' '5 6' \
    "$(sql "SELECT n FROM t WHERE k IN ('a', 'c') ORDER BY k" | paste -sd ' ')"

# A policy refuses a row; a role may not write at all.
sql 'CREATE TABLE p (k int PRIMARY KEY, n int)'
sql 'ALTER TABLE p ENABLE ROW LEVEL SECURITY'
sql 'CREATE POLICY p ON p USING (n > 0)'
role=etl_causes_$$
sql "CREATE ROLE $role"
at_exit "psql -Xq -d ${db#postgresql:///} -c 'DROP OWNED BY $role' \
    -c 'DROP ROLE $role'"
sql "GRANT SELECT, INSERT, UPDATE ON p TO $role"
printf '%s\n' '{"k":1,"n":1}' '{"k":2,"n":-1}' '{"k":3,"n":1}' >"$scratch/in"
for options in '--key k' '--mode append'; do
	sql 'DELETE FROM p'
	rm -f "$scratch/policy"
	# shellcheck disable=SC2086
	is "a policy refuses a row, $options: etl-load exits with 0" 0 "$(
	    PGOPTIONS="-c role=$role" status etl-load --db "$db" \
	    --table p $options --rejects "$scratch/policy" <"$scratch/in")"
	is "a policy refuses a row, $options: the record is rejected" '42501 2' \
	    "$(jq -r '"\(.sqlstate) \(.origin.line)"' "$scratch/policy")"
done
sql "REVOKE INSERT ON p FROM $role"
is 'a role that may not insert: etl-load exits with 77' 77 "$(
    PGOPTIONS="-c role=$role" status etl-load --db "$db" \
    --table p --key k --rejects "$scratch/none" <"$scratch/in")"
like 'a role that may not insert: the message names the table and the line' \
    '^etl-load: table p, line 1: .*permission denied' "$(cat "$scratch/err")"

# One bad record in 10,000, and 10,000 bad records, are not slow.
raise 'TRIGGER f BEFORE' NEG01
for bad in 1 10000; do
	seq 10000 | jq -c --argjson bad $bad \
	    '{k: "\(.)", n: (if . == 5000 or $bad > 1 then 13 else 1 end)}' \
	    >"$scratch/in"
	sql 'DELETE FROM t'
	is "$bad of 10000 records are bad: etl-load ends in 20 seconds" 0 \
	    "$(limit=20 status etl-load --db "$db" --table t --key k \
	    --rejects "$scratch/many.$bad" --max-rejects 100% <"$scratch/in")"
	is "$bad of 10000 records are bad: the others are loaded" \
	    $((10000 - bad)) "$(sql 'SELECT count(*) FROM t')"
	is "$bad of 10000 records are bad: each is rejected once" "$bad" \
	    "$(jq .origin.line "$scratch/many.$bad" | sort -u | wc -l)"
done
done_testing
