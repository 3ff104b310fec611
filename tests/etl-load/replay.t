#!/bin/sh
# Replays of dead letters: etl-load commits the rows of a letter, its new
# rejects and its state "resolved" in one transaction.
. tests/support/lib.sh
. tests/etl-load/marked.sh

# replay ID: begins a replay of letters of the stage load and the table t.
replay() {
	stream "$1" '"replay":true,"pipeline":"p","stage":"load","target":"t",'
}
# letter ID N: stores the Nth occurrence of a letter of the stage load.
letter() {
	echo "{\"@etl\":\"reject\",\"v\":1,\"id\":\"$1\",\"occurrence\":\"run/load.$1/$2\",\"pipeline\":\"p\",\"stage\":\"load\",\"code\":\"parse\",\"message\":\"no\",\"raw\":\"zz\",\"at\":\"2026-05-30T12:00:00Z\"}" |
	    etl-dlq put --db "$db" >/dev/null
}
rows() {
	sql 'SELECT k, n FROM t ORDER BY k, n' | tr '\n' ' '
}
# state: all that a replay may change.
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
		# Without --replay-over, an upsert commits a replay only once
		# (replay_late.t).
		[ $mode != upsert ] || set -- "$@" --replay-over

		# Two letters, one of them with two occurrences, and a third
		# one that this load creates ($own).
		letter aa 1
		letter aa 2
		letter bb 1
		stream "$kind"
		rec '{"k":"x","n":"no"}'
		end
		is "$k the load that creates a dead letter exits with 0" \
		    0 "$(ETL_PIPELINE=p load "$@")"
		own=$(sql "SELECT reject_id FROM dead_letters
		    WHERE code <> 'parse'")

		# The rows of a letter are stored together with its state
		# "resolved", or not at all.
		replay r1
		rec '{"k":"a","n":1}' '{"k":"b","n":1}'
		resolve aa 2 0
		rec '{"k":"c","n":1}'
		cp "$scratch/in" "$scratch/cut"
		is "$k a cut replay: etl-load exits with 75" \
		    75 "$(load "$@" --batch 1)"
		is "$k a cut replay: the complete letter is resolved and its rows stored" \
		    "a|1 b|1 aa|2|2|resolved
bb|1|0|open" "$(rows)$(letters | grep -v "^$own")"
		is "$k a cut replay: the ledger has one batch and has not ended" \
		    '1|1|0|0' "$(ledger r1)"
		resolve bb 1 0
		rec '{"k":"x","n":"no"}'
		resolve "$own" 1 0
		end
		is "$k the complete replay exits with 0" 0 "$(load "$@")"
		is "$k the complete replay stores each row once" \
		    'a|1 b|1 c|1 ' \
		    "$(rows)"
		is "$k the complete replay: the letter that fails again stays open" \
		    "$(printf '%s\n' 'aa|2|2|resolved' 'bb|1|1|resolved' \
		    "$own|2|1|open" | sort)" "$(letters)"
		is "$k the complete replay: the ledger has two batches and has ended" \
		    '2|3|0|1' "$(ledger r1)"
		before=$(state)
		is "$k the same replay once more exits with 0" 0 "$(load "$@")"
		is "$k the same replay once more changes nothing" \
		    "$before" "$(state)"

		# Another replay has read the same letters before they were
		# resolved.
		replay r2
		rec '{"k":"z","n":1}'
		resolve bb 1 0
		end
		is "$k another replay of a resolved letter exits with 75" \
		    75 "$(load "$@")"
		like "$k another replay of a resolved letter names the letter" \
		    'letter bb was changed by another command while this replay ran' \
		    "$(cat "$scratch/err")"
		is "$k another replay of a resolved letter changes nothing" \
		    "$before" "$(state)"
		replay r3
		rec '{"k":"z","n":1}'
		resolve nix 1 0
		end
		is "$k a replay of a letter that does not exist exits with 75" \
		    75 "$(load "$@")"
		is "$k a replay of a letter that does not exist changes nothing" \
		    "$before" "$(state)"

		# One replay resolves the same letter twice, in one batch or in
		# two batches.
		for batch in 1 1000; do
			letter "cc$batch" 1
			letter "cc$batch" 2
			replay "r2.$batch"
			resolve "cc$batch" 1 0
			rec '{"k":"t'$batch'","n":1}'
			resolve "cc$batch" 2 1
			resolve "cc$batch" 2 2
			end
			is "$k one letter resolved twice, --batch $batch: etl-load exits with 0" \
			    0 "$(load "$@" --batch $batch)"
			is "$k one letter resolved twice, --batch $batch: it is resolved" \
			    "cc$batch|2|2|resolved" \
			    "$(letters | grep "^cc$batch")"
			replay "r2b.$batch"
			resolve "cc$batch" 2 2
			resolve "cc$batch" 2 0
			end
			is "$k a resolve that is too late, --batch $batch: exit code 75" \
			    75 \
			    "$(load "$@" --batch $batch)"
		done
		sql "DELETE FROM dead_letters WHERE reject_id LIKE 'cc%';
		    DELETE FROM t WHERE k LIKE 't%'"
		before=$(state)

		# A stage of the replay wrote a reject to a file and not into the
		# stream. If etl-load resolved the letter, it would be lost.
		replay r4
		rec '{"k":"d","n":1}'
		resolve "$own" 2 1
		rejected=1 aside=,\"aside\":1
		resolve bb 1 1
		end
		aside=
		is "$k a reject of a replay went to a file: etl-load exits with 78" \
		    78 "$(load "$@" --batch 1)"
		like "$k a reject of a replay went to a file: the message names the letter" \
		    'letter bb: a stage of this replay wrote a reject to a file' \
		    "$(cat "$scratch/err")"
		is "$k a reject of a replay went to a file: its letter is unchanged" \
		    'bb|1|1|resolved' \
		    "$(letters | grep '^bb')"
		is "$k a reject of a replay went to a file: the letter before is resolved" \
		    "$own|2|2|resolved" \
		    "$(letters | grep "^$own")"
		replay r5
		end
		is "$k a replay with --rejects: etl-load exits with 78" \
		    78 "$(load --rejects "$scratch/aside")"

		# Inside a run of etl-run the letter stores the run's id. A mark
		# checkpoint is not allowed in a replay.
		letter aa 3
		replay r6
		resolve aa 3 2
		end
		run=11111111-2222-4333-8444-555555555555
		sql "INSERT INTO pipeline_runs (run, pipeline, attempt,
		    started_at, renewed_at, status) VALUES ('$run', 'p', 1,
		    '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 'running')"
		is "$k a replay inside a run exits with 0" \
		    0 "$(ETL_RUN=$run ETL_PIPELINE=p \
		    DATABASE_URL=$db load "$@")"
		is "$k a replay inside a run: the letter names the run" \
		    "$run" "$(sql "SELECT
		    resolved_by_run FROM dead_letters WHERE reject_id = 'aa'")"
		is "$k a replay inside a run: the ledger's column appends is false" \
		    0 "$(sql "SELECT
		    $(bool_to_int appends) FROM etl_loads WHERE stream_id = 'r6'")"
		replay r7
		checkpoint_mark 1
		end
		is "$k a mark checkpoint in a replay: etl-load exits with 76" \
		    76 "$(load "$@")"

		# --again inserts the rows again and leaves the letters as they
		# are.
		replay r8
		rec '{"k":"again","n":1}'
		resolve bb 1 1
		end
		letters=$(letters)
		is "$k a replay with --again exits with 0" \
		    0 "$(load "$@" --again)"
		is "$k a replay with --again stores the row and changes no letter" \
		    "1 $letters" "$(sql "SELECT
		    count(*) FROM t WHERE k = 'again'") $(letters)"
	done
done
done_testing
