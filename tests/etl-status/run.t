#!/bin/sh
# etl-status --run shows the row, stages, loads and codes of a run, and the
# counts that do not add up.
. tests/support/lib.sh
cd "$scratch"

# 100 records: the filter rejects 10 and drops 5, the loader rejects 4.
python3 - >in.ndjson <<'P'
import json
for i in range(100):
    r = {"id": i, "n": i}
    if i % 10 == 0:
        del r["n"]
    elif i % 20 == 1:
        r["drop"] = True
    elif i % 30 == 5:
        r["n"] = "many"
    print(json.dumps(r))
P
cat >filter.jq <<'J'
if .drop then empty else . end
| if has("n") then . else error("no n") end
J
cat >pipe.sh <<'S'
etl-transform --plain -f filter.jq <in.ndjson | etl-load --table t --key id
S
cat >half.sh <<'S'
etl-transform --plain 'if .id > 80 then error("x") else {id, n: 1} end' <in.ndjson |
    sed 's/"end".*/"failed","stage":"x","code":69,"message":"all gone"}/' |
    etl-load --table t --key id --batch 10
S
field() {
	sed -n "s/^$1  *//p" out
}
show() {
	is "$1" 0 "$(status etl-status --run "$2")"
}
line_like() {
	grep -E "$1" out | tr -s ' '
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: --run in a database without runs exits with 1" 1 \
	    "$(status etl-status --run 1)"
	like "$kind: the message says that there is no such run" \
	    "^etl-status: 1: no such run in $kind:" "$(cat err)"
	is "$kind: --run of a missing run prints nothing" '' "$(cat out)"
	sql 'CREATE TABLE t (id int PRIMARY KEY, n int)'
	ok "$kind: etl-run of the pipeline exits with 0" \
	    etl-run --name posts -c "$(cat pipe.sh)"
	show "$kind: --run 1 exits with 0" 1
	is "$kind: --run shows the name, status and counts of the row" \
	    'posts success 1 100 81 0 5 14' \
	    "$(field pipeline) $(field status) $(field attempt) $(field \
	    extracted) $(field loaded) $(field unchanged) $(field dropped) $(field rejected)"
	like "$kind: --run shows the duration in seconds" \
	    '^time  *[0-9]+\.[0-9]{3}s$' "$(cat out)"
	is "$kind: --run shows the counts and codes of the filter" \
	    'transform 100 85 5 10 0 filter 10' \
	    "$(line_like '^transform')"
	is "$kind: --run shows the counts and codes of the loader" \
	    'load 85 81 0 0 0 0 0 4 type 4' \
	    "$(line_like '^load .* 85')"
	like "$kind: --run shows the load as ended" '^t .* 1 +0 +0 ended ' \
	    "$(cat out)"
	like "$kind: --run says that every record is accounted for" \
	    '^Every record is accounted for' \
	    "$(cat out)"
	run=$(field run)
	show "$kind: --run with the uuid exits with 0" "$run"
	short=$(echo "$run" | cut -c1-9)
	show "$kind: --run with the start of the uuid exits with 0" "$short"
	is "$kind: the start of the uuid selects the same run" "$run" \
	    "$(field run)"
	is "$kind: --run with an unknown number exits with 1" 1 \
	    "$(status etl-status --run 999999999999)"
	is "$kind: --run with an unknown uuid exits with 1" 1 \
	    "$(status etl-status --run "${run}0")"
	is "$kind: --run with an empty ID exits with 1" 1 \
	    "$(status etl-status --run '')"
	is "$kind: --run does not take % as a wildcard" 1 \
	    "$(status etl-status --run '%')"

	is "$kind: --run 1 --json exits with 0" 0 \
	    "$(status etl-status --run 1 --json)"
	is "$kind: --json prints one line" 1 "$(wc -l <out | tr -d ' ')"
	is "$kind: --json has the counts of the run" \
	    "[\"$run\",\"success\",1,81,5,14,false,[]]" \
	    "$(jq -c '[.run, .status, .attempt, .records_loaded, .dropped,
	    .rejected, .so_far, .problems]' out)"
	is "$kind: --json has the counts of each stage" \
	    '[["transform",100,85],["load",85,null]]' \
	    "$(jq -c '[.stages[] | [.stage, .in, .out]]' out)"
	is "$kind: --json has the reject codes of each stage" \
	    '[["load","type",4],["transform","filter",10]]' \
	    "$(jq -c '[.codes[] | [.stage, .code, .count]]' out)"
	is "$kind: --json has the loads of the run" \
	    '[["t",1,0,true,false,81]]' \
	    "$(jq -c '[.loads[] | [.target, .batches, .seq, .ended, .taken,
	    .stages[1].inserted]]' out)"

	is "$kind: etl-run of a stream that fails exits with 69" 69 \
	    "$(status etl-run --name half \
	    -c "$(cat half.sh)")"
	show "$kind: --run of a failed run exits with 0" 2
	is "$kind: --run shows the failed run as failed" failed \
	    "$(field status)"
	like "$kind: --run shows the cause of the failure" 'all gone' \
	    "$(field message)"
	like "$kind: --run shows the load of a failed stream as open" \
	    '^t .* open ' "$(cat out)"
	unlike "$kind: --run does not judge the sums of a failed run" \
	    'not add up|accounted' \
	    "$(cat out)"

	etl-run --name nothing -c :
	is "$kind: a run that loaded nothing is shown as ended" false \
	    "$(etl-status --run last --json | jq .so_far)"

	# For a run that has not ended, --run shows what its loads have
	# committed so far.
	sql "UPDATE pipeline_runs SET status = 'running', completed_at = NULL,
	    stages = NULL, records_loaded = 0, rejected = 0, dropped = 0
	    WHERE id = 1"
	show "$kind: --run of a run that has not ended exits with 0" 1
	like "$kind: --run says that the counts are what is committed so far" \
	    '^The run has not ended. Its loads have committed so far' "$(cat out)"
	is "$kind: the counts of a run not ended come from its loads" \
	    'transform 100 85 5 10 0 filter 10' \
	    "$(line_like '^transform')"
	is "$kind: --json of a run that has not ended has so_far true" true \
	    "$(etl-status --run 1 --json | jq .so_far)"
	sql "UPDATE pipeline_runs SET status = 'success', rejected = 14,
	    dropped = 5, records_loaded = 81, completed_at = started_at,
	    stages = (SELECT counts FROM etl_loads WHERE run = '$run')
	    WHERE id = 1"

	# --run names the place where counts do not add up.
	does_not_add_up() {
		show "$kind: $1: --run exits with 0" 1
		like "$kind: $1: --run names the difference" "$2" \
		    "$(sed -n '/^These counts do not add up/,$p' out)"
		is "$kind: $1: --json lists one problem" 1 \
		    "$(etl-status --run 1 --json |
		    jq '.problems | length')"
	}
	edit_counts() {
		[ $kind = sqlite ] && cast='' || cast=::json
		sql "UPDATE etl_loads SET counts = replace(CAST(counts AS
		    text), '$1', '$2')$cast WHERE run = '$run'"
	}
	edit_counts '"out":85' '"out":86'
	does_not_add_up 'a record lost between two stages' \
	    '^  t: transform wrote 86 records, but load read 85$'
	edit_counts '"out":86' '"out":85'
	edit_counts '"inserted":81' '"inserted":80'
	does_not_add_up 'a record lost in the loader' \
	    '^  t: load read 85 records, but their outcomes add up to 84$'
	edit_counts '"inserted":80' '"inserted":81'
	sql 'UPDATE pipeline_runs SET dropped = 6 WHERE id = 1'
	does_not_add_up 'a row with other counts' \
	    '^  the row has 6 dropped, but its stages have 5$'
	sql 'UPDATE pipeline_runs SET dropped = 5 WHERE id = 1'
	sql "DELETE FROM dead_letter_attempts WHERE dead_letter_id IN (SELECT
	    min(id) FROM dead_letters WHERE stage = 'load')"
	show "$kind: a missing letter: --run exits with 0" 1
	like "$kind: --run says that one letter is not stored" \
	    '^load .* type 3, 1 not stored by this run' \
	    "$(cat out)"
	sql "INSERT INTO dead_letter_attempts (dead_letter_id, occurrence,
	    pipeline_run_id, at, message) SELECT min(dead_letter_id),
	    'x/1', 1, min(at), 'x' FROM dead_letter_attempts WHERE
	    dead_letter_id IN (SELECT id FROM dead_letters WHERE
	    stage = 'transform')"
	does_not_add_up 'one letter too many' \
	    '^  transform: 10 records were rejected .* 11 were stored'
	edit_counts '"out":85' '"out":"x"'
	show "$kind: --run of unreadable counts exits with 0" 1
	like "$kind: --run names the load with unreadable counts" \
	    't: cannot read the counts of a stage' "$(cat out)"

	# Control characters in names and messages are escaped.
	evil=$(printf 'a\033]0;x\007\r\302\233\342\200\256b')
	sql "UPDATE pipeline_runs SET pipeline = '$evil', error_message =
	    '$evil
second', host = '$evil', log = 'line 1
$evil' WHERE id = 1"
	sql "UPDATE dead_letters SET code = '$evil', stage = '$evil'"
	sql "UPDATE etl_loads SET target = '$evil' || stream_id"
	harm=$(printf '[\001-\010\013-\037]|\302\233|\342\200\256')
	show "$kind: --run of a run with control characters exits with 0" 1
	unlike "$kind: --run writes no control characters" "$harm" "$(cat out)"
	is "$kind: --run shows control characters escaped" \
	    'a\u001b]0;x\u0007\r\u009b\u202eb' \
	    "$(field pipeline)"
	is "$kind: --run indents the second line of a message" '  second' \
	    "$(sed -n '/^message/{n;p;}' out)"
	is "$kind: --run shows the last lines of standard error" '  line 1' \
	    "$(sed -n '/^Last lines of standard error/,$p' out | sed -n 2p)"
	etl-status --run 1 --json >out
	unlike "$kind: --json writes no control characters" "$harm" "$(cat out)"
	is "$kind: --json decodes to the original name" "$evil" \
	    "$(jq -r .pipeline out)"

	sql "INSERT INTO pipeline_runs (started_at, renewed_at, status,
	    pipeline, run) SELECT started_at, started_at, 'success', 'x',
	    '${short}x' FROM pipeline_runs WHERE id = 1"
	is "$kind: --run with the start of two uuids exits with 64" 64 \
	    "$(status etl-status --run "$short")"
	like "$kind: the message says that several ids start with this" \
	    'ids of several runs start with this' "$(cat err)"
	version=$(sql 'SELECT version FROM etl_control')
	sql 'UPDATE etl_control SET version = 99'
	is "$kind: --run with tables of a newer version exits with 78" 78 \
	    "$(status etl-status --run 1)"
	sql "UPDATE etl_control SET version = $version"
	rc=0; etl-status --run 1 >/dev/full 2>err || rc=$?
	is "$kind: --run to a full standard output exits with 74" 74 $rc
	rc=0; etl-status --run 1 >&- 2>err || rc=$?
	is "$kind: --run with a closed standard output exits with 74" 74 $rc
done

# A run with two loads.
db_new sqlite
sql 'CREATE TABLE t (id int PRIMARY KEY, n int);
    CREATE TABLE u (id int PRIMARY KEY, n int)'
is 'a run with two loads exits with 0' 0 \
    "$(status env DATABASE_URL="$db" etl-run --name tee -c '
    etl-transform --plain "select(.n | type == \"number\")" <in.ndjson >s
    etl-load --table t --key id <s; etl-load --table u --key id <s')"
is '--json lists both loads' 't u' "$(etl-status --db "$db" --run 1 --json |
    jq -r '.loads[].target' | tr '\n' ' ' | sed 's/ $//')"
for bad in '1' '--run 1 2' '--run' '--limit 0' '--run 1 --limit 1' \
    '--run 1 --failed' '--run 1 --pipeline x'; do
	# shellcheck disable=SC2086
	is "etl-status $bad exits with 64" 64 \
	    "$(status etl-status --db "$db" $bad)"
done
is '--db with a missing file exits with 66' 66 \
    "$(status etl-status --db sqlite:none.db --run 1)"
like 'the message names the missing file and --db' \
    'etl-status: sqlite:none.db: no such file.*--db' "$(cat err)"
is '--run without the default database exits with 1' 1 \
    "$(status env -u DATABASE_URL etl-status --run 1)"
is 'etl-status creates no database file' '' \
    "$(ls -d none.db etl.db 2>/dev/null || :)"
is '--run with an unreachable server exits with 75' 75 \
    "$(status etl-status --db postgresql://u:geheim@127.0.0.1:1/x --run 1)"
like 'the message warns of a password on the command line' \
    'etl-status: warning: --db: .*DATABASE_URL' "$(cat err)"
unlike 'the message does not show the password' geheim "$(cat err)"

# The row is deleted between two reads: every second read of this view finds no
# row.
db_new postgresql
etl-run --db "$db" --name x -c :
sql "CREATE SEQUENCE looks; ALTER TABLE pipeline_runs RENAME TO rows;
    CREATE VIEW pipeline_runs AS SELECT * FROM rows
    WHERE nextval('looks') % 2 = 1"
is '--run of a run that is deleted meanwhile exits with 1' 1 \
    "$(status etl-status --db "$db" --run 1)"
like 'the message says that the run was deleted' \
    'etl-status: the run was deleted from postgresql:.* while it was read' "$(cat err)"
done_testing
