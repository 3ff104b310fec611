#!/bin/sh
# PostgreSQL: after a chunk whose keys were all new, COPY writes the next chunk
# directly into the table. If one of its keys has a row, the chunk is merged.
# Counts, rejects and rows are the same as without this.
. tests/support/lib.sh

db_new postgresql
# A trigger of the statement notes how the rows came into the table.
sql "CREATE TABLE t (k int PRIMARY KEY, v text CHECK (v <> 'bad'), u int UNIQUE,
    w int DEFAULT 7, at timestamptz, seen timestamp);
    CREATE TABLE ways (n serial, way text);
    CREATE FUNCTION note_way() RETURNS trigger LANGUAGE plpgsql AS
    \$\$ BEGIN INSERT INTO ways (way)
    SELECT CASE WHEN current_query() LIKE 'COPY%' THEN 'copied' ELSE 'merged' END;
    RETURN NULL; END \$\$;
    CREATE TRIGGER note_way AFTER INSERT ON t
    FOR EACH STATEMENT EXECUTE FUNCTION note_way()"
# empty: makes t and ways empty.
empty() {
	sql 'TRUNCATE t, ways'
}
# load FILTER OPTION...: makes records of the numbers on stdin by FILTER, loads
# them into t, and prints the counts and the code of each reject.
load() {
	filter=$1
	shift
	jq -c "$filter" | etl-load -v --db "$db" --table t --key k --flush 100s \
	    --max-rejects 100% --rejects "$scratch/rejects" "$@" 2>&1 |
	    grep -o '[0-9]* inserted.*'
	jq -r '.code + " " + (.origin.line | tostring)' "$scratch/rejects" 2>/dev/null
	rm -f "$scratch/rejects"
}
# ways: how the batches came into the table, in order.
ways() {
	sql 'SELECT way FROM ways ORDER BY n' | uniq -c | awk '{print $1, $2}' |
	    tr '\n' ' '
}
row='{k: ., v: "v\(.)"}'
for batch in 100 2000; do
	empty
	is "batches of $batch, new keys: the counts" \
	    '8000 inserted, 0 updated, 0 unchanged, 0 superseded, 0 rejected' \
	    "$(seq 8000 | load "$row" --batch $batch)"
	is "batches of $batch, new keys: the first is merged, the others are copied" \
	    "1 merged $((8000 / batch - 1)) copied " "$(ways)"
	is "batches of $batch, new keys: the rows" '8000 8000 56000' \
	    "$(sql "SELECT count(*), count(*) FILTER (WHERE v = 'v' || k), sum(w)
	    FROM t" | tr '|' ' ')"
done

empty
is '--touch and --seen: the counts' \
    '3000 inserted, 0 updated, 0 unchanged, 0 superseded, 0 rejected' \
    "$(seq 3000 | load "$row" --batch 1000 --touch at --seen seen)"
is '--touch and --seen: two batches are copied' '1 merged 2 copied ' "$(ways)"
is '--touch and --seen: each batch has the time of its transaction' '3 0 0' \
    "$(sql "SELECT count(DISTINCT at), count(*) FILTER (WHERE at IS NULL
	OR at > now() OR at < now() - interval '10 min'),
    count(*) FILTER (WHERE seen IS DISTINCT FROM at::timestamp) FROM t" |
	tr '|' ' ')"

empty
sql 'ALTER TABLE t ADD changed text'
is '--touch of a text: the counts' \
    '3000 inserted, 0 updated, 0 unchanged, 0 superseded, 0 rejected' \
    "$(seq 3000 | load "$row" --batch 1000 --touch changed)"
is '--touch of a text: COPY would store the word now' '3 merged 0' \
    "$(ways)$(sql "SELECT count(*) FROM t WHERE changed = 'now'")"

empty
is 'a key comes again in a later batch: the counts' \
    '2999 inserted, 1 updated, 0 unchanged, 0 superseded, 0 rejected' \
    "$(seq 3000 | load 'if . == 2500 then {k: 7, v: "new"} else '"$row"' end' \
    --batch 500)"
is 'a key comes again: its batch and the next are merged' \
    '1 merged 3 copied 2 merged ' "$(ways)"
is 'a key comes again: its last record is stored' 'new|v2501' \
    "$(sql 'SELECT a.v, b.v FROM t AS a, t AS b WHERE a.k = 7 AND b.k = 2501')"

empty
is 'a key comes twice in a batch: the counts' \
    '3999 inserted, 0 updated, 0 unchanged, 1 superseded, 0 rejected' \
    "$(seq 4000 | load 'if . == 2500 then {k: 2501, v: "old"} else '"$row"' end' \
    --batch 1000)"
is 'a key comes twice in a batch: its last record is stored' v2501 \
    "$(sql 'SELECT v FROM t WHERE k = 2501')"

empty
is 'records that the table refuses: counts and rejects' \
    '3997 inserted, 0 updated, 0 unchanged, 0 superseded, 3 rejected
constraint 1500
schema 2500
constraint 3501' \
    "$(seq 4000 | load 'if . == 1500 then {k: ., v: "bad"}
	elif . == 2500 then {k: ., x: 1}
	elif . == 3500 then {k: ., u: 3501} else {k: ., u: .} end' --batch 1000)"

empty
is 'records with other columns: the counts' \
    '4000 inserted, 0 updated, 0 unchanged, 0 superseded, 0 rejected' \
    "$(seq 4000 | load 'if . % 3 == 0 then {k: ., w: .} else '"$row"' end' \
    --batch 1000)"
is 'records with other columns: a batch is copied by a COPY for each set' \
    '2 merged 6 copied ' "$(ways)"
is 'records with other columns: the rows' '1333 1333 2667 2667' \
    "$(sql 'SELECT count(*) FILTER (WHERE v IS NULL),
    count(*) FILTER (WHERE w = k AND k % 3 = 0), count(*) FILTER (WHERE w = 7),
    count(v) FROM t' | tr '|' ' ')"

sql 'DELETE FROM t WHERE k % 1000 = 999; TRUNCATE ways'
is '--mode ignore skips the keys that have a row' \
    '2004 inserted, 0 updated, 0 unchanged, 0 superseded, 3996 skipped, 0 rejected' \
    "$(seq 6000 | load "$row" --batch 1000 --mode ignore)"
is '--mode ignore: after a batch of new keys the next one is copied' \
    '5 merged 1 copied ' "$(ways)"
is '--mode ignore leaves the rows as they are' 1331 \
    "$(sql 'SELECT count(*) FROM t WHERE v IS NULL')"

# A row that another session inserts, and a COPY that fails, do not repeat rows.
empty
is 'keys that come in turn, old and new: the counts' \
    '10000 inserted, 10000 updated, 0 unchanged, 0 superseded, 0 rejected' \
    "$(sql "INSERT INTO t (k, v) SELECT -i, 'x' FROM generate_series(1, 10000) AS i
	WHERE (i - 1) / 300 % 2 = 0"
    sql "INSERT INTO t (k, v) SELECT i, 'x' FROM generate_series(1, 10000) AS i
	WHERE (i - 1) / 300 % 2 = 1"
    seq 10000 | load '({k: ., v: "n"}, {k: -., v: "n"})' --batch 150)"
is 'keys that come in turn: the rows' '20000 20000' \
    "$(sql "SELECT count(*), count(*) FILTER (WHERE v = 'n') FROM t" | tr '|' ' ')"

# With row-level security, COPY cannot write into the table.
empty
sql "ALTER TABLE t ENABLE ROW LEVEL SECURITY;
    ALTER TABLE t FORCE ROW LEVEL SECURITY;
    CREATE POLICY p ON t USING (true) WITH CHECK (k <> 2500);
    CREATE ROLE new_keys_$$ NOSUPERUSER;
    GRANT ALL ON SCHEMA public TO new_keys_$$;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO new_keys_$$;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO new_keys_$$"
is 'row-level security: the counts, and a reject' \
    '2999 inserted, 0 updated, 0 unchanged, 0 superseded, 1 rejected
constraint 2500' "$(PGOPTIONS="-c role=new_keys_$$" && export PGOPTIONS &&
    seq 3000 | load "$row" --batch 1000)"
sql "DROP OWNED BY new_keys_$$; DROP ROLE new_keys_$$"
is 'row-level security: no batch is copied' 0 \
    "$(ways | grep -c copied)"
done_testing
