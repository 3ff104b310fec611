#!/bin/sh
# Replays: a letter's rows, its second rejects and its resolve in one commit.
. tests/support/lib.sh
. tests/etl-load/marked.sh

# replay ID: letters of the loader's own stage.
replay() {
	stream "$1" '"replay":true,"pipeline":"p","stage":"load",'
}
rows() {
	sql 'SELECT k, n FROM t ORDER BY k, n' | tr '\n' ' '
}
state() {
	rows
	letters
	sql 'SELECT * FROM etl_loads'
}

for kind in sqlite postgresql; do
	for mode in append upsert ignore; do
		k="$kind, $mode:"
		db_new $kind
		case $mode in
		append) sql 'CREATE TABLE t (k text, n int)' ;;
		*) sql 'CREATE TABLE t (k text PRIMARY KEY, n int)' ;;
		esac
		set -- --mode $mode --max-rejects 100%

		# Two letters, one with two occurrences; a third is the loader's.
		stream "$kind"
		bad aa 1
		bad aa 2
		bad bb 1
		rec '{"k":"x","n":"no"}'
		end
		is "$k letters" 0 "$(ETL_PIPELINE=p load "$@")"
		own=$(sql "SELECT reject_id FROM dead_letters
		    WHERE stage = 'load'")

		# Each letter's rows come with its resolve, or not at all.
		replay r1
		rec '{"k":"a","n":1}' '{"k":"b","n":1}'
		resolve aa 2 0
		rec '{"k":"c","n":1}'
		cp "$scratch/in" "$scratch/cut"
		is "$k cut" 75 "$(load "$@" --batch 1)"
		is "$k cut: one letter and its rows" "a|1 b|1 aa|2|2|resolved
bb|1|0|open" "$(rows)$(letters | grep -v "^$own")"
		is "$k cut: ledger" '1|1|0|0' "$(ledger r1)"
		resolve bb 1 0
		rec '{"k":"x","n":"no"}'
		resolve "$own" 1 0
		end
		is "$k the whole of it" 0 "$(load "$@")"
		is "$k the whole of it: rows, each once" 'a|1 b|1 c|1 ' \
		    "$(rows)"
		is "$k the whole of it: letters, one failed again" \
		    "$(printf '%s\n' 'aa|2|2|resolved' 'bb|1|1|resolved' \
		    "$own|2|1|open" | sort)" "$(letters)"
		is "$k the whole of it: ledger" '2|3|0|1' "$(ledger r1)"
		before=$(state)
		is "$k the saved replay again" 0 "$(load "$@")"
		is "$k the saved replay again: nothing" "$before" "$(state)"

		# Another replay that had read the same.
		replay r2
		rec '{"k":"z","n":1}'
		resolve bb 1 0
		end
		is "$k a second replay" 75 "$(load "$@")"
		like "$k a second replay: why" 'letter bb was changed by another command while this replay ran' \
		    "$(cat "$scratch/err")"
		is "$k a second replay: nothing" "$before" "$(state)"
		replay r3
		rec '{"k":"z","n":1}'
		resolve nix 1 0
		end
		is "$k no such letter" 75 "$(load "$@")"
		is "$k no such letter: nothing" "$before" "$(state)"

		# A letter that comes twice, in one batch or in two.
		for batch in 1 1000; do
			stream "$kind$batch"
			bad "cc$batch" 1
			bad "cc$batch" 2
			end
			load "$@" >"$scratch/out"
			replay "r2.$batch"
			resolve "cc$batch" 1 0
			rec '{"k":"t'$batch'","n":1}'
			resolve "cc$batch" 2 1
			resolve "cc$batch" 2 2
			end
			is "$k twice, by $batch" 0 "$(load "$@" --batch $batch)"
			is "$k twice, by $batch: resolved" \
			    "cc$batch|2|2|resolved" \
			    "$(letters | grep "^cc$batch")"
			replay "r2b.$batch"
			resolve "cc$batch" 2 2
			resolve "cc$batch" 2 0
			end
			is "$k twice, by $batch, one too late" 75 \
			    "$(load "$@" --batch $batch)"
		done
		sql "DELETE FROM dead_letters WHERE reject_id LIKE 'cc%';
		    DELETE FROM t WHERE k LIKE 't%'"
		before=$(state)

		# A reject that left the stream: the letter would be lost.
		replay r4
		rec '{"k":"d","n":1}'
		resolve "$own" 2 1
		rejected=1 aside=,\"aside\":1
		resolve bb 1 1
		end
		aside=
		is "$k aside" 78 "$(load "$@" --batch 1)"
		like "$k aside: why" 'letter bb: a stage of this replay wrote a reject to a file' \
		    "$(cat "$scratch/err")"
		is "$k aside: that letter is as it was" 'bb|1|1|resolved' \
		    "$(letters | grep '^bb')"
		is "$k aside: the one before it is done" "$own|2|2|resolved" \
		    "$(letters | grep "^$own")"
		replay r5
		end
		is "$k --rejects" 78 "$(load --rejects "$scratch/aside")"

		# Inside a run, which the letter names; a checkpoint does not
		# belong here.
		replay r6
		bad aa 3
		rejected=1
		resolve aa 3 2
		end
		run=11111111-2222-4333-8444-555555555555
		sql "INSERT INTO pipeline_runs (run, pipeline, attempt,
		    started_at, renewed_at, status) VALUES ('$run', 'p', 1,
		    '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 'running')"
		is "$k in a run" 0 "$(ETL_RUN=$run ETL_PIPELINE=p \
		    DATABASE_URL=$db load "$@")"
		is "$k in a run: resolved by it" "$run" "$(sql "SELECT
		    resolved_by_run FROM dead_letters WHERE reject_id = 'aa'")"
		is "$k in a run: may be tried again" 0 "$(sql "SELECT
		    $(flag appends) FROM etl_loads WHERE stream_id = 'r6'")"
		replay r7
		mark 1
		end
		is "$k a checkpoint" 76 "$(load "$@")"

		# Once more on purpose: rows come again, letters do not.
		replay r8
		rec '{"k":"again","n":1}'
		resolve bb 1 1
		end
		letters=$(letters)
		is "$k again" 0 "$(load "$@" --again)"
		is "$k again: the row, no letter" "1 $letters" "$(sql "SELECT
		    count(*) FROM t WHERE k = 'again'") $(letters)"
	done
done
done_testing
