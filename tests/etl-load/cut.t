#!/bin/sh
# A stream has three checkpoints, two rejects of the source and one record that
# etl-load rejects. The stream is cut off after each line, or at some byte. If
# one uncut run follows, the database has the same contents as without the cut.
# The first sweep commits at each boundary, the second sweep commits several
# boundaries together.
. tests/support/lib.sh

# extract RUN FROM VERSION: writes the stream of the records after the
# checkpoint value FROM. A rejected record has another occurrence in each run.
extract() {
	awk -v run="$1" -v from="$2" -v version="$3" '
	function stages() {
		return sprintf("\"stages\":[{\"stage\":\"extract\",\"in\":0," \
		    "\"out\":%d,\"dropped\":0,\"rejected\":%d}]", out, bad)
	}
	BEGIN {
		printf "{\"@etl\":\"begin\",\"v\":1,\"id\":\"%s\"," \
		    "\"checkpoint\":\"posts\",\"stages\":[\"extract\"]}\n", run
		for (i = 1; i <= 9; i++) {
			if (i <= from)
				continue
			if (i % 5 == 2) {
				printf "{\"@etl\":\"reject\",\"v\":1," \
				    "\"id\":\"bad%d\",\"occurrence\":" \
				    "\"%s/extract.x/%d\",\"stage\":" \
				    "\"extract\",\"code\":\"parse\"," \
				    "\"message\":\"no\",\"raw\":\"<%d\\\\>\"," \
				    "\"at\":\"2026-05-30T12:00:00Z\"}\n", \
				    i, run, ++bad, i
			} else {
				printf "{\"k\":\"%d\",\"n\":%s}\n", i, \
				    i == 5 ? "\"x\"" : i
				out++
			}
			if (i % 3 == 0)
				printf "{\"@etl\":\"checkpoint\",\"name\":" \
				    "\"posts\",\"seq\":%d,\"from\":%s," \
				    "\"version\":%d,\"value\":\"%d\",%s}\n", \
				    ++seq, from == "" ? "null" : "\"" from "\"", \
				    version, i, stages()
		}
		printf "{\"@etl\":\"end\",%s%s}\n", \
		    seq ? "\"seq\":" seq "," : "", stages()
	}'
}
load() {
	etl-load --db "$db" --table t --marked "$@"
}
# stored_state: what the runs have stored, and how many records all runs have
# loaded.
stored_state() {
	sql "SELECT k, n FROM t ORDER BY k;
	    SELECT stage, code, attempts, resolved_upto, status, $raw
	        FROM dead_letters ORDER BY $raw;
	    SELECT count(*) FROM dead_letter_attempts;
	    SELECT name, value FROM etl_checkpoints;
	    SELECT sum($inserted), sum($rejected) FROM etl_loads;
	    SELECT count(*) FROM etl_loads WHERE taken"
}
clear_all() {
	sql 'DELETE FROM t; DELETE FROM dead_letter_attempts;
	    DELETE FROM dead_letters; DELETE FROM etl_checkpoints;
	    DELETE FROM etl_loads'
}
# load_cut_then_rest OPTION...: loads the cut stream $scratch/cut, then the
# records after the stored checkpoint. Adds to $odd what is not as wanted.
load_cut_then_rest() {
	rc=0
	load "$@" <"$scratch/cut" 2>"$scratch/err" || rc=$?
	[ $rc -eq 75 ] || odd="$odd status $rc: $(cat "$scratch/err")"
	stored=$(sql 'SELECT value, version FROM etl_checkpoints')
	extract two "${stored%|*}" "${stored#*|}" | load "$@" || odd="$odd $?"
	found=$(stored_state)
	[ "$found" = "$want" ] || odd="$odd at $at: $found"
	clear_all
}

for kind in sqlite postgresql; do
	db_new $kind
	case $kind in
	sqlite)
		raw='hex(raw)'
		inserted="json_extract(counts, '\$[1].inserted')"
		rejected="json_extract(counts, '\$[1].rejected')"
		;;
	*)
		raw="encode(raw, 'hex')"
		inserted="(counts->1->>'inserted')::int"
		rejected="(counts->1->>'rejected')::int"
		;;
	esac
	sql 'CREATE TABLE t (k text, n int); CREATE UNIQUE INDEX tk ON t (k)'
	extract one '' 0 >"$scratch/in"
	for mode in append upsert ignore; do
		[ $mode = append ] || set -- --key k
		load --mode $mode "$@" <"$scratch/in"
		want=$(stored_state)
		clear_all
		odd='' at=0
		lines=$(wc -l <"$scratch/in")
		while at=$((at + 1)) && [ $at -lt "$lines" ]; do
			head -n $at "$scratch/in" >"$scratch/cut"
			load_cut_then_rest --mode $mode --batch 1 "$@"
		done
		is "$kind, $mode: a second run repairs a cut after each line" \
		    '' "$odd"
		odd='' at=0
		bytes=$(wc -c <"$scratch/in")
		while at=$((at + 149)) && [ $at -lt "$bytes" ]; do
			head -c $at "$scratch/in" >"$scratch/cut"
			load_cut_then_rest --mode $mode "$@"
		done
		is "$kind, $mode: a second run repairs a cut at every 149th byte" \
		    '' "$odd"
		set --
	done
	like "$kind: the uncut run stores the checkpoint value 9" \
	    '^posts\|9$' "$want"
done
done_testing
