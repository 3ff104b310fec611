#!/bin/sh
# The programs work through PgBouncer in transaction mode: each transaction may
# run in another session, and no session belongs to one client.  So nothing of a
# session outlives a transaction: options, prepared statements, temporary tables.
. tests/support/lib.sh
. tests/support/pool.sh

db_new postgresql
direct=$db
pool_start
sql 'CREATE TABLE t (id integer PRIMARY KEY, v text NOT NULL, at timestamptz,
    b bytea); CREATE TABLE plain (id integer, v text)'

records() {
	seq "$1" "$2" | sed "s/.*/{\"id\":&,\"v\":\"$3\",\"at\":\"2026-05-30T12:00:00Z\"}/"
}
load() {
	status etl-load --db "$pool" --retries 0 "$@"
}
# left: lists what the sessions of the pool still have from earlier transactions.
left() {
	psql -XAtq -d "$pool" -c "SELECT 'prepared ' || name
	    FROM pg_prepared_statements
	    UNION ALL SELECT 'table ' || relname FROM pg_class
	    WHERE relpersistence = 't' AND relkind = 'r'
	    UNION ALL SELECT 'lock ' || locktype FROM pg_locks
	    WHERE locktype = 'advisory' AND database = (SELECT oid
		FROM pg_database WHERE datname = current_database())
	    UNION ALL SELECT 'option ' || name FROM pg_settings
	    WHERE source = 'session' AND name NOT IN ('application_name',
	    'client_encoding', 'DateStyle', 'TimeZone',
	    'standard_conforming_strings')"
}

is 'upsert: the loader exits with 0' 0 \
    "$(records 1 25 a | load --table t --key id --batch 10)"
is 'upsert: each record is a row' '25|25' \
    "$(sql "SELECT count(*), count(*) FILTER (WHERE v = 'a') FROM t")"
is 'upsert: nothing stays in the session' '' "$(left)"
# The second batch has a bad record and equal keys: all ways to merge are used.
is 'rejects and equal keys: the loader exits with 0' 0 "$({
	records 1 10 b
	records 1 3 c
	echo '{"id":4,"v":null}'
	records 4 6 d
} | load --table t --key id --batch 15 --rejects "$scratch/rejects" -v)"
is 'rejects and equal keys: each row has the values of its last record' \
    'ccc ddd bbbb' "$(sql "SELECT string_agg(v, '' ORDER BY id)
	FILTER (WHERE id <= 3) || ' ' || string_agg(v, '' ORDER BY id)
	FILTER (WHERE id BETWEEN 4 AND 6) || ' ' || string_agg(v, ''
	ORDER BY id) FILTER (WHERE id BETWEEN 7 AND 10) FROM t")"
is 'rejects and equal keys: the bad record is one reject' 1 \
    "$(wc -l <"$scratch/rejects")"
is 'rejects and equal keys: nothing stays in the session' '' "$(left)"
for mode in append ignore mirror 'delete-insert --scope v' \
    'delete-insert --scope v --scope-value z' replace \
    'replace --replace-by delete' 'replace --replace-by truncate'; do
	sql 'TRUNCATE plain; TRUNCATE t'
	case $mode in
	ignore | mirror) table=t ;;
	*) table=plain ;;
	esac
	records 1 30 x | sed 's/,"at":.*/}/' >"$scratch/in"
	# shellcheck disable=SC2086
	is "--mode $mode: the loader exits with 0" 0 "$(
	    load --table $table --batch 10 --mode $mode <"$scratch/in")"
	is "--mode $mode: each record is a row" 30 \
	    "$(sql "SELECT count(*) FROM $table")"
	is "--mode $mode: nothing stays in the session" '' "$(left)"
done

sql 'TRUNCATE t'
is '--connections: the loader exits with 0' 0 "$({
	records 1 40 b
	records 1 40 c
	echo '{"id":4,"v":null}'
} | load --table t --key id --batch 30 --connections 3 \
    --rejects "$scratch/rejects")"
is '--connections: each row has the values of its last record' '40|40' \
    "$(sql "SELECT count(*), count(*) FILTER (WHERE v = 'c') FROM t")"
is '--connections: nothing stays in the sessions' '' "$(left)"

# The options of a session that another client of the pool has left behind.
sql 'TRUNCATE t'
psql -XAtq -d "$pool" -c "SET bytea_output = escape" \
    -c "SET IntervalStyle = sql_standard" -c "SET search_path = nowhere" \
    >"$scratch/out"
is 'the options of other clients: the loader exits with 0' 0 \
    "$(printf '%s\n' '{"id":1,"v":"x","b":"\\x00ff"}' |
    load --table public.t --key id)"
is 'the options of other clients: the query gets the values as ever' \
    '{"b":"\\x00ff","i":"1 day 02:00:00"}' "$(etl-extract --query \
    "SELECT b, interval '1 day 2 hours' AS i FROM public.t" "$pool")"
like 'the options of other clients: they stay as they were' 'nowhere' \
    "$(psql -XAtq -d "$pool" -c 'SHOW search_path')"
psql -XAtq -d "$pool" -c 'RESET ALL'

# A pipeline: etl-run, etl-extract, etl-load, etl-status, etl-dlq, etl-checkpoint.
# shellcheck disable=SC2016
sql 'CREATE TABLE source (id integer, v text, at timestamptz);
    INSERT INTO source SELECT n, CASE WHEN n <> 7 THEN $$s$$ END,
    $$2026-01-01$$::timestamptz + n * interval $$1 s$$
    FROM generate_series(1, 20) AS n; TRUNCATE t'
cat >"$scratch/pipe.sh" <<EOS
etl-extract --checkpoint src --cursor-field /at --table source "$pool" |
    etl-load --table t --key id --batch 6
EOS
is 'a pipeline: etl-run exits with 0' 0 \
    "$(status etl-run --db "$pool" --name p --retries 0 "$scratch/pipe.sh")"
is 'a pipeline: the good records are rows' 19 "$(sql 'SELECT count(*) FROM t')"
is 'a pipeline: the bad record is a letter' '1|open' \
    "$(sql 'SELECT count(*), max(status) FROM dead_letters')"
sql "UPDATE source SET v = 'new' WHERE id = 20;
    INSERT INTO source VALUES (21, 's', '2026-01-02')"
is 'a second run: etl-run exits with 0' 0 \
    "$(status etl-run --db "$pool" --name p --retries 0 "$scratch/pipe.sh")"
is 'a second run: it has read from the checkpoint on' '20 1' \
    "$(sql 'SELECT count(*) FROM t') $(sql "SELECT count(*) FROM t
	WHERE v = 'new'")"
is 'etl-status lists both runs' 2 "$(etl-status --db "$pool" --json |
    grep -c '"status":"success"')"
is 'etl-dlq lists the letter' 1 "$(etl-dlq list --db "$pool" --json |
    grep -c .)"
is 'etl-dlq discards the letter' 0 "$(status etl-dlq discard --db "$pool" \
    --reason old "$(sql 'SELECT id FROM dead_letters')")"
is 'etl-dlq: the letter is discarded' discarded \
    "$(sql 'SELECT status FROM dead_letters')"
like 'etl-checkpoint shows the checkpoint' 2026-01-02 \
    "$(etl-checkpoint --db "$pool" list)"
is 'all programs: nothing stays in the session' '' "$(left)"

# Two loaders of one table, through one session and through two.
for size in 1 2; do
	db=$direct
	pool_start "default_pool_size = $size"
	sql 'TRUNCATE t; TRUNCATE plain; DELETE FROM etl_loads'
	for n in 1 2; do
		records $((n * 1000)) $((n * 1000 + 599)) "w$n" |
		    sed "5s/\"v\":\"w$n\"/\"v\":null/" |
		    etl-load --db "$pool" --table t --key id --batch 20 \
		    --rejects "$scratch/rejects.$size.$n" \
		    2>"$scratch/err.$n" &
		[ $n = 1 ] && first=$! || second=$!
	done
	rc1=0 rc2=0
	wait "$first" || rc1=$?
	wait "$second" || rc2=$?
	is "two loaders, pool size $size: both exit with 0" '0 0' "$rc1 $rc2"
	is "two loaders, pool size $size: all rows are there, none is mixed" \
	    '599|599|0' "$(sql "SELECT count(*) FILTER (WHERE v = 'w1'
		AND id < 2000), count(*) FILTER (WHERE v = 'w2' AND id >= 2000),
		count(*) - 1198 FROM t")"
	is "two loaders, pool size $size: each has its own reject" '1 1' \
	    "$(wc -l <"$scratch/rejects.$size.1") $(wc -l \
	    <"$scratch/rejects.$size.2")"
done
done_testing
