#!/bin/sh
# examples/items-api on both databases: a set that grows from run to run, runs
# killed in between at random, and at the end what an undisturbed one stores.
# SEED=N repeats the kills of a run that printed it.
. tests/support/lib.sh

API_TOKEN=secret
export API_TOKEN
seed=$(random_seed)
echo "# SEED=$seed"
api_start --items 1
grow() {
	curl -s "$api/control/items/$1" >/dev/null
	at=$1
}
# A number below N, from the seed.
random() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	echo $((seed / 65536 % $1))
}
rows() {
	case $db in
	sqlite:*) number="printf('%!.17g', value), printf('%!.17g', value_scaled)" ;;
	*) number='value, value_scaled' ;;
	esac
	sql "SELECT id, ts, $number, source FROM items"
}
letters() {
	case $db in
	sqlite:*) raw='CAST(raw AS TEXT)' ;;
	*) raw="convert_from(raw, 'UTF8')" ;;
	esac
	sql "SELECT stage, code, $raw FROM dead_letters" | sort
}
# verdict all|passed: what is not as it must be.  The checkpoint is read first:
# what has not been killed may still commit.
verdict() {
	to=$(sql "SELECT value FROM etl_checkpoints WHERE name = 'items'")
	rows >"$scratch/rows"
	letters >"$scratch/letters"
	python3 tests/examples/items_oracle.py "$1" "$api/auth" \
	    "$scratch/rows" "$scratch/letters" "$to" 2>&1 | head -n 20
}
run_once() {
	API_BASE_URL=$api/auth DATABASE_URL=$db timeout -k 5 60 \
	    etl-run --name items "$top/examples/items-api/items.sh"
}
by_hand() {
	API_BASE_URL=$api/auth DATABASE_URL=$db timeout -k 5 60 \
	    sh "$top/examples/items-api/items.sh"
}
# A killed run's stages may still live: their lock is a 75.
run_whole() {
	rc=75 tries=20
	while [ $rc -eq 75 ] && [ $tries -gt 0 ]; do
		rc=0
		run_once >"$scratch/run.out" 2>&1 || rc=$?
		tries=$((tries - 1))
		[ $rc -ne 75 ] || sleep 0.1
	done
	[ $rc -eq 0 ]
}
all_right() {
	is "$kind: $1: rows, dead letters, checkpoint" '' "$(verdict all)"
}
# Kills the whole session, etl-run alone, or one of its stages.
kill_some() {
	case $(random 3) in
	0) pkill -KILL -s "$1" ;;
	1) kill -KILL "$1" ;;
	*) pkill -KILL -s "$1" -x "$(printf '%s\n' etl-extract etl-transform \
	    etl-load | sed -n $(($(random 3) + 1))p)" ;;
	esac 2>/dev/null || :
}

for kind in sqlite postgresql; do
	db_new $kind
	grow 120
	ok "$kind: first run" run_whole
	all_right 'first run'
	stamps=$(sql 'SELECT id, fetched_at FROM items ORDER BY id')
	version=$(sql 'SELECT version FROM etl_checkpoints')
	ok "$kind: again" run_whole
	all_right 'again'
	is "$kind: again: nothing has changed" "$stamps" \
	    "$(sql 'SELECT id, fetched_at FROM items ORDER BY id')"
	is "$kind: again: the checkpoint stays" "$version" \
	    "$(sql 'SELECT version FROM etl_checkpoints')"
	for to in 121 250 600; do
		grow $to
		ok "$kind: up to $to" run_whole
		all_right "up to $to"
	done
	grow 700
	ok "$kind: by hand" by_hand
	all_right 'by hand'

	for n in 1 2 3 4 5 6; do
		grow $((at + $(random 400)))
		API_BASE_URL=$api/auth DATABASE_URL=$db setsid etl-run \
		    --name items "$top/examples/items-api/items.sh" \
		    >/dev/null 2>&1 &
		pid=$!
		sleep "0.$(printf %03d "$(random 200)")"
		kill_some $pid
		wait $pid 2>/dev/null || :
		is "$kind: kill $n: nothing lost or twice" '' \
		    "$(verdict passed)"
	done
	ok "$kind: after the kills" run_whole
	all_right 'after the kills'

	grow $((at + 500))
	by_hand >"$scratch/one" 2>&1 &
	pid=$!
	rc=0 other=0
	by_hand >"$scratch/other" 2>&1 || other=$?
	{ wait $pid || rc=$?; } 2>/dev/null
	like "$kind: two at once: none fails but for the other" \
	    '^(0|75) (0|75)$' "$rc $other"
	like "$kind: two at once: one at least succeeds" '(^| )0' "$rc $other"
	all_right 'two at once'
	is "$kind: every run that ended is true" 0 "$(sql "SELECT count(*)
	    FROM pipeline_runs WHERE status = 'success' AND
	    records_extracted <> records_loaded + unchanged + rejected")"
done
done_testing
