#!/bin/sh
# shellcheck disable=SC2016
# A stream that two loaders read has two branches. The rejects of the stages in
# both branches are stored, and a run that has rejects nowhere is no success.
. tests/support/lib.sh
cd "$scratch"
cat >in.ndjson <<'S'
{"id":1,"n":1}
{"id":2,"n":"two"}
{"id":3,"n":3}
not json
S
cat >both.sh <<'S'
mkfifo left.pipe right.pipe
etl-transform '.n |= (tonumber? // error("left"))' <left.pipe |
    etl-load --no-checkpoint --table a --key id &
etl-transform '.n |= (tonumber? // error("right"))' <right.pipe |
    etl-load --table b --key id &
etl-extract --stream c in.ndjson | tee left.pipe >right.pipe
wait
S
codes() {
	sql "SELECT l.message, count(*) FROM dead_letter_attempts l
	    GROUP BY l.message ORDER BY l.message" | tr '\n' ' '
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	sql 'CREATE TABLE a (id int PRIMARY KEY, n int);
	    CREATE TABLE b (id int PRIMARY KEY, n int)'
	rm -f ./*.pipe
	is "$kind: a run with two branches succeeds" 0 \
	    "$(status etl-run --name two both.sh)"
	like "$kind: the rejects of both branches are stored once" \
	    '^left\|1 .*right\|1 $' "$(codes)"
	is "$kind: the reject of the source is stored once" 3 \
	    "$(sql 'SELECT count(*) FROM dead_letter_attempts')"
	is "$kind: both branches have loaded their records" '2 2' \
	    "$(sql 'SELECT count(*) FROM a') $(sql 'SELECT count(*) FROM b')"
	is "$kind: the ledger has how many rejects were kept" '2 2 ' \
	    "$(sql 'SELECT kept FROM etl_loads' | tr '\n' ' ')"

	# A saved stream that is loaded twice.
	sql 'DELETE FROM dead_letter_attempts; DELETE FROM dead_letters'
	is "$kind: a saved stream loaded twice: the run succeeds" 0 \
	    "$(status etl-run --name saved -c \
	    'etl-extract in.ndjson >saved
	    etl-transform "if .id == 2 then error(\"left\") else . end" \
	        <saved | etl-load --no-checkpoint --table a --key id
	    etl-load --table b --key id <saved')"
	is "$kind: a saved stream loaded twice: all rejects are stored" 3 \
	    "$(sql 'SELECT count(*) FROM dead_letter_attempts')"
	is "$kind: the reject lines of a second load add no occurrence" '0 2' \
	    "$(status etl-run --name saved -c \
	    'etl-load --again --no-checkpoint --table a --key id <saved') $(sql \
	    "SELECT count(*) FROM dead_letter_attempts
	    WHERE message NOT LIKE '%two%'")"

	# A ledger row that has fewer rejects than its stages have counted.
	case $kind in
	sqlite) sql "CREATE TRIGGER less AFTER INSERT ON etl_loads BEGIN
	    UPDATE etl_loads SET kept = kept - 1; END" ;;
	*) sql "CREATE FUNCTION less() RETURNS trigger AS 'BEGIN
	    new.kept = new.kept - 1; RETURN new; END' LANGUAGE plpgsql;
	    CREATE TRIGGER less BEFORE INSERT ON etl_loads
	    FOR EACH ROW EXECUTE FUNCTION less()" ;;
	esac
	is "$kind: a run that has not kept a reject fails" 65 \
	    "$(status etl-run --tolerate --name less -c \
	    'etl-extract in.ndjson | etl-load --table b --key id')"
	like "$kind: the message names the stage and how many rejects" \
	    'no dead letter, file or file descriptor 3 has: .*b \(1 of 2, stage extract: 1, stage load: 1\)' \
	    "$(cat err)"
	like "$kind: the row names the stage and how many rejects" \
	    '^failed\|.*stage extract: 1' "$(sql "SELECT status, error_message
	    FROM pipeline_runs WHERE pipeline = 'less'")"
	case $kind in
	sqlite) sql 'DROP TRIGGER less' ;;
	*) sql 'DROP TRIGGER less ON etl_loads' ;;
	esac
	is "$kind: rejects in a file are kept" 0 \
	    "$(status etl-run --name file -c \
	    'etl-extract --rejects r in.ndjson |
	    etl-load --rejects r --table b --key id')"
done

# Rejects that go to a program that is not etl's.
is 'rejects that another program reads fail the run' 65 \
    "$(status etl-run --name f -c 'etl-extract in.ndjson | cat >saved')"
like 'rejects that another program reads: the message says how many' \
    'stream .* \(1 that stage extract sent to a program that is not etl' \
    "$(cat err)"
echo '{"id":9,"n":9}' >good.ndjson
is 'the rejects of the first of two streams in a pipe fail the run too' 65 \
    "$(status etl-run --name f -c '{ etl-extract --stream a in.ndjson
    etl-extract --stream b good.ndjson; } | etl-transform . | cat >saved')"
like 'the first of two streams: the message names the stream' \
    'exited with 0, but the run has rejected records that no dead letter, .* has: stream a \(1 that stage extract/transform sent' \
    "$(cat err)"
is 'rejects that etl-dlq put stores are kept' '0 2' \
    "$(status etl-run --name f -c 'etl-extract --stream put in.ndjson |
    etl-transform "if .n == 3 then error(\"3\") else . end" |
    tee saved | etl-dlq put') $(sql "SELECT count(*)
    FROM dead_letters WHERE stream = 'put'")"
is 'rejects of one branch do not count as stored in another' 65 \
    "$(status etl-run --name f -c 'mkfifo side; etl-dlq put <side &
    etl-extract --stream put in.ndjson | tee side |
    etl-transform "if .n == 3 then error(\"3\") else . end" |
    cat >saved; wait')"
is 'a reject that a filter before etl-dlq put has removed is lost' 65 \
    "$(status etl-run --name f -c 'etl-extract in.ndjson |
    grep -v reject | etl-dlq put')"
is 'rejects in a saved stream are kept' 0 \
    "$(status etl-run --name f -c 'etl-extract in.ndjson >saved')"
is 'rejects in file descriptor 3 are kept' 0 \
    "$(status etl-run --name f -c \
    '{ etl-extract in.ndjson | cat >saved; } 3>rejects')"
done_testing
