#!/bin/sh
# Views: those with a trigger INSTEAD OF INSERT, simple ones, and those that the
# loader refuses.
. tests/support/lib.sh

# load VIEW OPTION...: prints the exit code; the input is $scratch/in.
load() {
	view=$1
	shift
	: >"$scratch/rejects"
	status etl-load -v --db "$db" --table "$view" --max-rejects 100% \
	    --rejects "$scratch/rejects" "$@" <"$scratch/in"
}
# counts: the summary of the last load, without the name of the program.
counts() {
	sed -n 's/.*: \([0-9]* in, .* rejected\).*/\1/p' "$scratch/err"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (id int PRIMARY KEY, a text, at text)'
	sql 'CREATE VIEW v AS SELECT id, upper(a) AS a, at FROM t'
	case $kind in
	sqlite) sql "CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN
	    SELECT raise(IGNORE) WHERE new.a = 'skip';
	    SELECT raise(ABORT, 'not this one') WHERE new.a = 'bad';
	    INSERT INTO t VALUES (new.id, new.a, new.at); END" ;;
	*) sql "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
	    IF new.a = 'skip' THEN RETURN NULL; END IF;
	    IF new.a = 'bad' THEN RAISE 'not this one'; END IF;
	    INSERT INTO t VALUES (new.id, new.a, new.at); RETURN new; END \$\$;
	    CREATE TRIGGER g INSTEAD OF INSERT ON v
	    FOR EACH ROW EXECUTE FUNCTION g()" ;;
	esac
	cat >"$scratch/in" <<-'END'
	{"id":1,"a":"one"}
	{"id":2,"a":"skip"}
	{"id":3}
	{"a":"four","id":4}
	END
	is "$k a view with INSTEAD OF INSERT: exit code 0" 0 "$(load v)"
	is "$k a record that the trigger leaves out is counted as unchanged" \
	    '4 in, 3 inserted, 0 updated, 1 unchanged, 0 superseded, 0 rejected' \
	    "$(counts)"
	is "$k the trigger has inserted the other rows" '1|one
3|
4|four' "$(sql 'SELECT id, a FROM t ORDER BY id')"

	cat >"$scratch/in" <<-'END'
	{"id":5,"a":"five"}
	{"id":6,"a":"bad"}
	{"id":7,"a":"skip"}
	{"id":1,"a":"again"}
	{"id":8,"b":1}
	{"id":9,"a":"nine"}
	END
	is "$k refused rows in a view: exit code 0" 0 "$(load v)"
	is "$k each record of a view has one outcome" \
	    '6 in, 2 inserted, 0 updated, 1 unchanged, 0 superseded, 3 rejected' \
	    "$(counts)"
	is "$k the records that a view refuses are rejects" \
	    '{"id":1,"a":"again"}
{"id":6,"a":"bad"}
{"id":8,"b":1}' "$(jq -r .raw "$scratch/rejects" | sort)"
	like "$k the reject has the message of the trigger" 'not this one' \
	    "$(jq -r .message "$scratch/rejects")"
	is "$k the good records beside refused ones are stored" '5 9' \
	    "$(sql 'SELECT id FROM t WHERE id > 4 ORDER BY id' | xargs)"

	echo '{"id":10}' >"$scratch/in"
	is "$k --touch sets a column of a view: exit code 0" 0 \
	    "$(load v --columns id --touch at)"
	is "$k --touch sets a column of a view" 1 \
	    "$(sql 'SELECT count(*) FROM t WHERE id = 10 AND at IS NOT NULL')"
	echo '{"id":11}' >"$scratch/in"
	is "$k --expect rows<1 of a view: exit code 1" 1 \
	    "$(load v --expect 'rows<1')"
	is "$k --expect null(a)<1% of a view: exit code 78" 78 \
	    "$(load v --expect 'null(a)<1%')"
	like "$k --expect null(a)<1% of a view: the message says why" \
	    'only rows and rejected can be tested' "$(cat "$scratch/err")"
	is "$k a refused load has stored nothing in a view" 0 \
	    "$(sql 'SELECT count(*) FROM t WHERE id = 11')"

	for mode in 'upsert --key id' 'ignore --key id' 'cdc --key id' \
	    'mirror --key id --complete' 'replace --complete' \
	    'delete-insert --complete --scope id' 'scd2 --key id'; do
		# shellcheck disable=SC2086
		is "$k --mode ${mode%% *} of a view: exit code 78" 78 \
		    "$(load v --mode $mode)"
		like "$k --mode ${mode%% *} of a view: the message says what to do" \
		    'v is a view: .* load the table under it' \
		    "$(cat "$scratch/err")"
	done

	sql 'CREATE VIEW counted AS SELECT count(*) AS n FROM t'
	echo '{"n":1}' >"$scratch/in"
	is "$k a view into which nothing can be inserted: exit code 78" 78 \
	    "$(load counted)"
	like "$k a view into which nothing can be inserted: the message says why" \
	    'counted is a view that takes no rows \(.*\): make a trigger INSTEAD OF' \
	    "$(cat "$scratch/err")"
done

k=postgresql:
sql 'CREATE TABLE p (id int PRIMARY KEY);
    CREATE TABLE c (id int PRIMARY KEY,
	p int REFERENCES p DEFERRABLE INITIALLY DEFERRED,
	n int, seen int);
    CREATE VIEW positive AS SELECT id, p, n FROM c WHERE n > 0 WITH CHECK OPTION;
    CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	UPDATE c SET seen = (SELECT count(*) FROM c) WHERE id = new.id;
	RETURN NULL; END $$;
    CREATE TRIGGER look AFTER INSERT ON c FOR EACH ROW EXECUTE FUNCTION look();
    INSERT INTO p VALUES (1)'
cat >"$scratch/in" <<-'END'
{"id":1,"p":1,"n":5}
{"id":2,"p":9,"n":5}
{"id":3,"p":1,"n":0}
{"id":4,"n":7}
END
is "$k a simple view: exit code 0" 0 "$(load positive)"
is "$k a simple view: each record has one outcome" \
    '4 in, 2 inserted, 0 updated, 0 unchanged, 0 superseded, 2 rejected' \
    "$(counts)"
is "$k a simple view: CHECK OPTION and a deferred key of the table refuse records" \
    '{"id":2,"p":9,"n":5}
{"id":3,"p":1,"n":0}' "$(jq -r .raw "$scratch/rejects" | sort)"
printf '{"id":%d,"n":1}\n' 5 6 7 >"$scratch/in"
is "$k a simple view without refused rows: exit code 0" 0 "$(load positive)"
is "$k a simple view: a trigger of its table sees no row of a later record" \
    '1|1|1|5
4|2||7
5|3||1
6|4||1
7|5||1' "$(sql 'SELECT id, seen, p, n FROM c ORDER BY id')"

sql 'CREATE SEQUENCE numbers; CREATE MATERIALIZED VIEW kept AS SELECT 1 AS n'
for name in numbers kept; do
	is "$k $name is no table: exit code 78" 78 "$(load $name)"
	like "$k $name is no table: the message says so" \
	    "$name: neither a table nor a view" "$(cat "$scratch/err")"
done
done_testing
