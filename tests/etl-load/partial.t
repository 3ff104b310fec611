#!/bin/sh
# A record that lacks columns: if its key has a row, it is an update of the members
# that it has, and the table judges it as an update. If not, it is a new row.
. tests/support/lib.sh

# The table has the rows 5, 6 and 7. It refuses a new row without m, and one with
# the default of s and without v.
made="CREATE TABLE t (id int PRIMARY KEY, a text, m text NOT NULL,
    s text DEFAULT 'new', v int, at int, CHECK (s <> 'new' OR coalesce(v, 0) > 0));
    INSERT INTO t VALUES (5, 'x', 'm5', 'old', 0, 5), (6, 'x', 'm6', 'new', 1, 5),
    (7, 'x', 'm7', 'old', NULL, 5)"
# load MADE OPTION...: makes the table and loads $scratch/in. Prints the exit code,
# the rows, the lines of the rejects and the counts that are not 0.
load() {
	sql 'DROP TABLE IF EXISTS u; DROP TABLE IF EXISTS t' 2>/dev/null
	sql "$1"
	shift
	rm -f "$scratch/rejects"
	rc=$(status etl-load -v --db "$db" --table t --max-rejects 100% \
	    --rejects "$scratch/rejects" "$@" <"$scratch/in")
	echo "$rc $(sql 'SELECT id, a, m, s, v FROM t ORDER BY id' | xargs)"
	[ ! -e "$scratch/rejects" ] || jq -r '"\(.origin.line) \(.code)"' \
	    "$scratch/rejects" | paste -sd ' '
	sed -n '1s/.* in, //p' "$scratch/err" | tr , '\n' | grep -v ' 0 ' |
	    grep -v '^0 ' | xargs
}
records='{"id":5,"a":"1"}
{"id":8,"a":"3"}
{"id":6,"a":"2","m":null}
{"id":7,"m":"n7"}
{"id":9,"a":"3","m":"m9","v":1}
{"id":9,"a":"4"}
{"id":6,"v":0}
{"id":7,"a":"x"}
{"id":6}'
loaded='5|1|m5|old|0 6|x|m6|new|1 7|x|n7|old| 9|4|m9|new|1'
kept='5|x|m5|old|0 6|x|m6|new|1 7|x|m7|old|'
refused='2 constraint 3 constraint 7 constraint'

for kind in sqlite postgresql; do
	db_new $kind
	for batch in 1 2 10000; do
		k="$kind, --batch $batch:"
		put() {
			printf '%s\n' "$records" >"$scratch/in"
		}
		put
		for options in '' '--mode mirror --complete --max-deletes 100%' \
		    '--emit changes' '--keep-before' '--expect rows>0' \
		    '--connections 2' '--retries 0'; do
			case $kind:$options in
			sqlite:*connections*) continue ;;
			esac
			# shellcheck disable=SC2086
			is "$k $options rows whose keys exist are updated" \
			    "0 $loaded $refused" "$(load "$made" --key id \
			    --batch $batch $options | sed '$d' | xargs)"
		done
		is "$k --mode ignore: only new rows are judged" \
		    "0 $kept 9|3|m9|new|1
2 constraint
1 inserted 7 skipped 1 rejected" \
		    "$(load "$made" --mode ignore --batch $batch)"
		# A record that is older than its row changes nothing, so the
		# table does not judge it.
		printf '{"id":5,"at":4,"a":"1"}\n{"id":5,"at":6,"a":"2"}\n' \
		    >"$scratch/in"
		printf '{"id":8,"at":6}\n{"id":7,"at":3,"m":null}\n' \
		    >>"$scratch/in"
		is "$k --newer-by: an older record is skipped" \
		    '0 5|2|m5|old|0 6|x|m6|new|1 7|x|m7|old| 3 constraint' \
		    "$(load "$made" --key id --newer-by at --batch $batch |
		    sed '$d' | xargs)"
		jq -c '{operation: "INSERT", data: .}' >"$scratch/in" <<-EOT
		$records
		EOT
		is "$k cdc: an INSERT of a key that exists is an update" \
		    "0 $loaded
$refused
1 inserted 3 updated 2 unchanged 3 rejected" \
		    "$(load "$made" --key id --mode cdc --batch $batch)"
		jq -c 'if .operation == "INSERT" and .data.id < 9
		    then .operation = "UPDATE" else . end' "$scratch/in" \
		    >"$scratch/updates"
		mv "$scratch/updates" "$scratch/in"
		is "$k cdc: updates" "0 $loaded
$refused
1 inserted 3 updated 2 unchanged 3 rejected" \
		    "$(load "$made" --key id --mode cdc --batch $batch)"
		put

		# A value of another unique index that the row itself has, or
		# another row.
		printf '{"id":%s,"m":"%s"}\n' 5 m5 5 m6 6 n6 5 m6 >"$scratch/in"
		is "$k another unique index: only another row's value is refused" \
		    '0 5|x|m6|old|0 6|x|n6|new|1 7|x|m7|old| 2 constraint' \
		    "$(load "$made; CREATE UNIQUE INDEX t_m ON t (m)" --key id \
		    --batch $batch --columns id,m,a | sed '$d' | xargs)"
	done

	# Many records, of which some come twice and one has no row.
	many="$made; INSERT INTO t WITH RECURSIVE r(n) AS (SELECT 10 UNION ALL
	    SELECT n + 1 FROM r WHERE n < 3009)
	    SELECT n, 'x', 'm', 'old', n, 5 FROM r"
	for repeat in 1 3; do
		for missing in '' 9999; do
			{
				for i in $(seq $repeat); do
					awk -v i="$i" 'BEGIN {
					for (n = 3009; n >= 10; n--)
					printf "{\"id\":%d,\"a\":\"%d\"}\n",
					    n, n + i }'
				done
				[ -z "$missing" ] || echo '{"id":9999,"a":"z"}'
			} >"$scratch/in"
			wanted="3000 updated"
			[ $repeat = 1 ] ||
			    wanted="$wanted $((3000 * (repeat - 1))) superseded"
			is "$kind: 3000 updates, $repeat of each key, missing ${missing:-0}" \
			    "$wanted${missing:+ 1 rejected}" \
			    "$(load "$many" --key id | tail -n 1)"
			is "$kind: 3000 updates, $repeat of each key, missing ${missing:-0}: the rows" \
			    3000 "$(sql "SELECT count(*) FROM t WHERE a = '' ||
			    (id + $repeat) AND m = 'm' AND s = 'old'")"
		done
	done

	# A nested table: the elements belong to a row that was updated.
	printf '%s\n' '{"id":5,"a":"1","us":[{"n":1},{"n":2}]}' \
	    '{"id":8,"a":"2","us":[{"n":3}]}' >"$scratch/in"
	is "$kind: --nested: the elements of a record that is an update" \
	    '0 5|1|m5|old|0 6|x|m6|new|1 7|x|m7|old| 2 constraint 5|1 5|2' \
	    "$(load "$made; CREATE TABLE u (t_id int, n int)" --key id \
	    --nested u=/us | sed '$d' | xargs)$(sql 'SELECT * FROM u' |
	    sed 's/^/ /' | tr -d '\n')"
done

# PostgreSQL: ways in which the table can refuse a new row only.
printf '%s\n' '{"id":5,"a":"1"}' '{"id":6,"a":"2"}' '{"id":8,"a":"3"}' \
    >"$scratch/in"
updated='0 5|1|m5|old|0 6|2|m6|new|1 7|x|m7|old| 3 constraint'
domain="CREATE DOMAIN filled AS text NOT NULL; $made;
    ALTER TABLE t ALTER m DROP NOT NULL, ALTER m TYPE filled"
is 'a domain that is NOT NULL' "$updated" \
    "$(load "$domain" --key id | sed '$d' | xargs)"
# A trigger on INSERT refuses records or completes them: it still sees those that
# become updates if the table accepts them as new rows.
trigger() {
	echo "$made; CREATE OR REPLACE FUNCTION f() RETURNS trigger
	    LANGUAGE plpgsql AS \$\$BEGIN $2; RETURN NEW; END\$\$;
	    CREATE TRIGGER f $1 ON t FOR EACH ROW EXECUTE FUNCTION f()"
}
is 'a trigger BEFORE INSERT' "$updated" "$(load "$(trigger 'BEFORE INSERT' \
    'IF NEW.m IS NULL THEN RAISE check_violation; END IF')" --key id |
    sed '$d' | xargs)"
is 'a trigger BEFORE INSERT that fills a column and changes another' \
    '0 5|1!|m5|old|0 6|2!|m6|new|1 7|x|m7|old| 8|3!|m|new|1' \
    "$(load "$(trigger 'BEFORE INSERT' \
    "NEW.m := coalesce(NEW.m, 'm'); NEW.v := 1; NEW.a := NEW.a || '!'")" \
    --key id | sed '$d' | xargs)"
is 'a trigger AFTER INSERT OR UPDATE' "$updated" "$(load "$(trigger \
    'AFTER INSERT OR UPDATE' "ASSERT NEW.m <> ''")" --key id |
    sed '$d' | xargs)"
is 'a trigger BEFORE UPDATE that leaves the row as it is' \
    "0 $kept 3 constraint" "$(load "$made; CREATE OR REPLACE FUNCTION f()
    RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()" \
    --key id | sed '$d' | xargs)"
is 'a partitioned table' "$updated" "$(load "CREATE TABLE t (id int PRIMARY KEY,
    a text, m text NOT NULL, s text DEFAULT 'new', v int, at int,
    CHECK (s <> 'new' OR coalesce(v, 0) > 0)) PARTITION BY RANGE (id);
    CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (6);
    CREATE TABLE t2 PARTITION OF t DEFAULT; ${made#*;}" --key id |
    sed '$d' | xargs)"
# An update that a row policy forbids must not count as unchanged.
role=etl_partial_$$
at_exit "dropdb --force --if-exists ${db##*/}; psql -qc 'DROP ROLE $role' postgres"
sql "CREATE ROLE $role LOGIN"
is 'a row policy: rows that may not change are rejects' \
    '0 5|1|m5|old|0 6|x|m6|new|1 7|x|m7|old| 2 constraint 3 constraint' \
    "$(sql 'DROP TABLE t'
    sql "$made; GRANT ALL ON t TO $role; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
	CREATE POLICY r ON t FOR SELECT USING (true);
	CREATE POLICY i ON t FOR INSERT WITH CHECK (true);
	CREATE POLICY w ON t FOR UPDATE USING (id = 5)"
    rm -f "$scratch/rejects"
    rc=$(PGOPTIONS="-c role=$role" status etl-load --db "$db" --table t \
	--key id --max-rejects 100% --rejects "$scratch/rejects" <"$scratch/in")
    echo "$rc $(sql 'SELECT id, a, m, s, v FROM t ORDER BY id' | xargs)" \
	"$(jq -r '"\(.origin.line) \(.code)"' "$scratch/rejects" | xargs)")"
done_testing
