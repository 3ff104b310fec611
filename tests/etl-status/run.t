#!/bin/sh
# --run: the row, the stages, the loads, the codes, and what does not add up.
. tests/support/lib.sh
cd "$scratch"

# 100 records: 10 rejected by the filter, 5 dropped, 4 by the loader.
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
squeezed() {
	grep -E "$1" out | tr -s ' '
}

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	is "$kind: no run yet" 1 "$(status etl-status --run 1)"
	like "$kind: is told" "^etl-status: 1: no such run in $kind:" "$(cat err)"
	is "$kind: and nothing printed" '' "$(cat out)"
	sql 'CREATE TABLE t (id int PRIMARY KEY, n int)'
	ok "$kind: a run" etl-run --name posts -c "$(cat pipe.sh)"
	show "$kind: --run" 1
	is "$kind: its row" 'posts success 1 100 81 0 5 14' \
	    "$(field pipeline) $(field status) $(field attempt) $(field \
	    extracted) $(field loaded) $(field unchanged) $(field dropped) $(field rejected)"
	like "$kind: its time" '^time  *[0-9]+\.[0-9]{3}s$' "$(cat out)"
	is "$kind: the filter" 'transform 100 85 5 10 0 filter 10' \
	    "$(squeezed '^transform')"
	is "$kind: the loader" 'load 85 81 0 0 0 0 0 4 type 4' \
	    "$(squeezed '^load .* 85')"
	like "$kind: the load" '^t .* 1 +0 +0 ended ' "$(cat out)"
	like "$kind: all is well" '^Every record is accounted for' \
	    "$(cat out)"
	run=$(field run)
	show "$kind: by the uuid" "$run"
	short=$(echo "$run" | cut -c1-9)
	show "$kind: by its start" "$short"
	is "$kind: the same" "$run" "$(field run)"
	is "$kind: no such number" 1 "$(status etl-status --run 999999999999)"
	is "$kind: no such start" 1 "$(status etl-status --run "${run}0")"
	is "$kind: no ID at all" 1 "$(status etl-status --run '')"
	is "$kind: a wildcard is none" 1 "$(status etl-status --run '%')"

	is "$kind: --json" 0 "$(status etl-status --run 1 --json)"
	is "$kind: one line" 1 "$(wc -l <out | tr -d ' ')"
	is "$kind: its counts" "[\"$run\",\"success\",1,81,5,14,false,[]]" \
	    "$(jq -c '[.run, .status, .attempt, .records_loaded, .dropped,
	    .rejected, .so_far, .problems]' out)"
	is "$kind: its stages" '[["transform",100,85],["load",85,null]]' \
	    "$(jq -c '[.stages[] | [.stage, .in, .out]]' out)"
	is "$kind: its codes" '[["load","type",4],["transform","filter",10]]' \
	    "$(jq -c '[.codes[] | [.stage, .code, .count]]' out)"
	is "$kind: its loads" '[["t",1,0,true,false,81]]' \
	    "$(jq -c '[.loads[] | [.target, .batches, .seq, .ended, .taken,
	    .stages[1].inserted]]' out)"

	is "$kind: a run that fails" 69 "$(status etl-run --name half \
	    -c "$(cat half.sh)")"
	show "$kind: it is shown" 2
	is "$kind: failed" failed "$(field status)"
	like "$kind: and why" 'all gone' "$(field message)"
	like "$kind: its load is open" '^t .* open ' "$(cat out)"
	unlike "$kind: and not more than that" 'not add up|accounted' \
	    "$(cat out)"

	etl-run --name nothing -c :
	is "$kind: a run that has loaded nothing has ended" false \
	    "$(etl-status --run last --json | jq .so_far)"

	# One at work: what its loads have committed so far.
	sql "UPDATE pipeline_runs SET status = 'running', completed_at = NULL,
	    stages = NULL, records_loaded = 0, rejected = 0, dropped = 0
	    WHERE id = 1"
	show "$kind: a run at work" 1
	like "$kind: so far" '^The run has not ended. Its loads have committed so far' "$(cat out)"
	is "$kind: from its loads" 'transform 100 85 5 10 0 filter 10' \
	    "$(squeezed '^transform')"
	is "$kind: says so" true "$(etl-status --run 1 --json | jq .so_far)"
	sql "UPDATE pipeline_runs SET status = 'success', rejected = 14,
	    dropped = 5, records_loaded = 81, completed_at = started_at,
	    stages = (SELECT counts FROM etl_loads WHERE run = '$run')
	    WHERE id = 1"

	# What does not add up, and where.
	wrong() {
		show "$kind: $1" 1
		like "$kind: $1 is told" "$2" \
		    "$(sed -n '/^These counts do not add up/,$p' out)"
		is "$kind: $1 is a problem" 1 "$(etl-status --run 1 --json |
		    jq '.problems | length')"
	}
	edit() {
		[ $kind = sqlite ] && cast='' || cast=::json
		sql "UPDATE etl_loads SET counts = replace(CAST(counts AS
		    text), '$1', '$2')$cast WHERE run = '$run'"
	}
	edit '"out":85' '"out":86'
	wrong 'a record between two stages' \
	    '^  t: transform wrote 86 records, but load read 85$'
	edit '"out":86' '"out":85'
	edit '"inserted":81' '"inserted":80'
	wrong 'a record in the loader' \
	    '^  t: load read 85 records, but their outcomes add up to 84$'
	edit '"inserted":80' '"inserted":81'
	sql 'UPDATE pipeline_runs SET dropped = 6 WHERE id = 1'
	wrong 'a row of other counts' \
	    '^  the row has 6 dropped, but its stages have 5$'
	sql 'UPDATE pipeline_runs SET dropped = 5 WHERE id = 1'
	sql "DELETE FROM dead_letter_attempts WHERE dead_letter_id IN (SELECT
	    min(id) FROM dead_letters WHERE stage = 'load')"
	show "$kind: a letter gone" 1
	like "$kind: is told" '^load .* type 3, 1 not stored by this run' \
	    "$(cat out)"
	sql "INSERT INTO dead_letter_attempts SELECT min(dead_letter_id),
	    'x/1', 1, min(at), 'x' FROM dead_letter_attempts WHERE
	    dead_letter_id IN (SELECT id FROM dead_letters WHERE
	    stage = 'transform')"
	wrong 'a letter more' '^  transform: 10 records were rejected .* 11 were stored'
	edit '"out":85' '"out":"x"'
	show "$kind: counts that are none" 1
	like "$kind: are told" 't: cannot read the counts of a stage' "$(cat out)"

	# Nothing that a terminal obeys.
	evil=$(printf 'a\033]0;x\007\r\302\233\342\200\256b')
	sql "UPDATE pipeline_runs SET pipeline = '$evil', error_message =
	    '$evil
second', host = '$evil', log = 'line 1
$evil' WHERE id = 1"
	sql "UPDATE dead_letters SET code = '$evil', stage = '$evil'"
	sql "UPDATE etl_loads SET target = '$evil' || stream_id"
	harm=$(printf '[\001-\010\013-\037]|\302\233|\342\200\256')
	show "$kind: a run of evil names" 1
	unlike "$kind: obeys nothing" "$harm" "$(cat out)"
	is "$kind: shows it" 'a\u001b]0;x\u0007\r\u009b\u202eb' \
	    "$(field pipeline)"
	like "$kind: one line a field" '^message .*\\nsecond$' "$(cat out)"
	is "$kind: the end of its messages" '  line 1' \
	    "$(sed -n '/^Last lines of standard error/,$p' out | sed -n 2p)"
	etl-status --run 1 --json >out
	unlike "$kind: JSON neither" "$harm" "$(cat out)"
	is "$kind: and says the same" "$evil" "$(jq -r .pipeline out)"

	sql "INSERT INTO pipeline_runs (started_at, renewed_at, status,
	    pipeline, run) SELECT started_at, started_at, 'success', 'x',
	    '${short}x' FROM pipeline_runs WHERE id = 1"
	is "$kind: a start that two have" 64 "$(status etl-status --run "$short")"
	like "$kind: asks for more" 'ids of several runs start with this' "$(cat err)"
	version=$(sql 'SELECT version FROM etl_control')
	sql 'UPDATE etl_control SET version = 99'
	is "$kind: newer tables" 78 "$(status etl-status --run 1)"
	sql "UPDATE etl_control SET version = $version"
	rc=0; etl-status --run 1 >/dev/full 2>err || rc=$?
	is "$kind: a full disk" 74 $rc
	rc=0; etl-status --run 1 >&- 2>err || rc=$?
	is "$kind: stdout closed" 74 $rc
done

# Two loads of one run.
db_new sqlite
sql 'CREATE TABLE t (id int PRIMARY KEY, n int);
    CREATE TABLE u (id int PRIMARY KEY, n int)'
is 'two loads' 0 "$(status env DATABASE_URL="$db" etl-run --name tee -c '
    etl-transform --plain "select(.n | type == \"number\")" <in.ndjson >s
    etl-load --table t --key id <s; etl-load --table u --key id <s')"
is 'are both shown' 't u' "$(etl-status --db "$db" --run 1 --json |
    jq -r '.loads[].target' | tr '\n' ' ' | sed 's/ $//')"
for bad in '1' '--run 1 2' '--run' '--limit 0' '--run 1 --limit 1' \
    '--run 1 --failed' '--run 1 --pipeline x'; do
	# shellcheck disable=SC2086
	is "usage: $bad" 64 "$(status etl-status --db "$db" $bad)"
done
is 'no such file' 66 "$(status etl-status --db sqlite:none.db --run 1)"
like 'is told' 'etl-status: sqlite:none.db: no such file.*--db' "$(cat err)"
is 'the default, without a file' 1 \
    "$(status env -u DATABASE_URL etl-status --run 1)"
is 'nothing was made' '' "$(ls -d none.db etl.db 2>/dev/null || :)"
is 'no server' 75 \
    "$(status etl-status --db postgresql://u:geheim@127.0.0.1:1/x --run 1)"
like 'a password in an argument is warned of' \
    'etl-status: warning: --db: .*DATABASE_URL' "$(cat err)"
unlike 'and not shown' geheim "$(cat err)"

# A row that somebody deletes between two looks at it: each other one finds it.
db_new postgresql
etl-run --db "$db" --name x -c :
sql "CREATE SEQUENCE looks; ALTER TABLE pipeline_runs RENAME TO rows;
    CREATE VIEW pipeline_runs AS SELECT * FROM rows
    WHERE nextval('looks') % 2 = 1"
is 'a run that is deleted meanwhile' 1 \
    "$(status etl-status --db "$db" --run 1)"
like 'is told' 'etl-status: the run was deleted from postgresql:.* while it was read' "$(cat err)"
done_testing
