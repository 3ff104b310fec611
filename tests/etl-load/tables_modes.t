#!/bin/sh
# --tables with each mode: the mode does to each table what it does to one.
. tests/support/lib.sh
. tests/etl-load/marked.sh

both=a=ta,b=tb
keys=a=ta:k,b=tb:k

# two OPTION...: loads $scratch/in. Prints the exit code.
two() {
	rm -f "$scratch/rejects"
	status etl-load -v --db "$db" --marked --max-rejects 100% \
	    --rejects "$scratch/rejects" "$@" <"$scratch/in" 2>"$scratch/err"
}
# rows: those of both tables.
rows() {
	for table in ta tb; do
		printf '%s:%s ' $table "$(sql "SELECT * FROM $table" | sort |
		    paste -sd ' ')"
	done
}
totals() {
	sed -n 's/^etl-load: 2 tables in [^ ]* //p' "$scratch/err" |
	    sed 's/, 0 [a-z]*//g'
}
# records T K V ...: a line for each three arguments.
records() {
	printf '{"t":"%s","k":%s,"v":"%s"}\n' "$@" >"$scratch/in"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE ta (k int PRIMARY KEY, v text);
	    CREATE TABLE tb (k int PRIMARY KEY, v text);
	    CREATE TABLE ha (k int, v text, valid_from timestamptz, valid_to timestamptz,
		is_current boolean);
	    CREATE UNIQUE INDEX ia ON ha (k) WHERE is_current;
	    CREATE TABLE hb (k int, v text, valid_from timestamptz, valid_to timestamptz,
		is_current boolean);
	    CREATE UNIQUE INDEX ib ON hb (k) WHERE is_current'
	set -- --table-from /t

	records a 1 x b 1 x a 1 y b 2 y
	is "$k append: exit code 0" 0 "$(two "$@" --tables $both)"
	is "$k append: a table refuses its own records" \
	    'ta:1|x tb:1|x 2|y  4 in, 3 inserted, 1 rejected' \
	    "$(rows) $(totals | tr -d '\n')"
	records b 1 z a 3 z
	is "$k ignore: exit code 0" 0 "$(two "$@" --tables $keys --mode ignore)"
	is "$k ignore: the row of the same key in the same table stays" \
	    'ta:1|x 3|z tb:1|x 2|y  2 in, 1 inserted, 1 skipped' "$(rows) $(totals)"

	records a 4 n b 4 n a 5 n
	is "$k replace: exit code 0" 0 \
	    "$(two "$@" --tables $both --mode replace)"
	is "$k replace: each table has only its records" \
	    'ta:4|n 5|n tb:4|n  3 in, 3 inserted, 4 removed' "$(rows) $(totals)"
	records a 6 n
	is "$k replace without records of one table: exit code 65" 65 \
	    "$(two "$@" --tables $both --mode replace)"
	is "$k replace without records of one table changes no table" \
	    'ta:4|n 5|n tb:4|n ' "$(rows)"
	is "$k replace with --allow-empty: exit code 0" 0 "$(two "$@" \
	    --tables $both --mode replace --replace-by delete --allow-empty)"
	is "$k replace with --allow-empty empties the other table" \
	    'ta:6|n tb: ' "$(rows)"

	records a 1 x a 2 x b 1 x b 2 x
	two "$@" --tables $keys >/dev/null
	records a 2 s b 1 s
	is "$k delete-insert: exit code 0" 0 \
	    "$(two "$@" --tables $both --mode delete-insert --scope k)"
	is "$k delete-insert replaces the scopes of each table" \
	    'ta:1|x 2|s 6|n tb:1|s 2|x  2 in, 2 inserted, 2 removed' \
	    "$(rows) $(totals)"

	records a 2 m a 6 n b 1 m
	is "$k mirror that would delete half of one table: exit code 0" 0 \
	    "$(two "$@" --tables $keys --mode mirror)"
	is "$k mirror deletes what did not come, in each table" \
	    'ta:2|m 6|n tb:1|m  3 in, 2 updated, 1 unchanged, 2 removed' \
	    "$(rows) $(totals)"
	records a 2 m
	is "$k mirror: the limit of deletes is that of each table: exit code 1" \
	    1 "$(two "$@" --tables $keys --mode mirror)"
	is "$k mirror: no table is changed" 'ta:2|m 6|n tb:1|m ' "$(rows)"
	records a 2 m b 1 m x 6 n
	is "$k mirror with a record of no table: exit code 65" \
	    65 "$(two "$@" --tables $keys --mode mirror)"
	stream "m$kind"
	rec '{"t":"a","k":2,"v":"m"}' '{"t":"b","k":1,"v":"m"}'
	put '{"@etl":"reject","v":1,"id":"aa","occurrence":"run/extract.aa/1","stage":"extract","code":"schema","message":"no","raw":"{\"t\":\"a\",\"k\":6}","at":"2026-05-30T12:00:00Z"}'
	rejected=1
	end
	is "$k mirror: a record that an earlier stage rejected came in its table: exit code 0" \
	    0 "$(two "$@" --tables $keys --mode mirror)"
	is "$k mirror: its row stays" 'ta:2|m 6|n tb:1|m ' "$(rows)"

	# cdc: the pointer may stand in the envelope.
	sql 'DELETE FROM ta; DELETE FROM tb'
	cat >"$scratch/in" <<-'X'
	{"op":"c","before":null,"after":{"k":1,"v":"x"},"source":{"table":"a"}}
	{"op":"c","before":null,"after":{"k":1,"v":"y"},"source":{"table":"b"}}
	null
	{"op":"u","before":{"k":1},"after":{"k":2,"v":"z"},"source":{"table":"a"}}
	{"op":"r","after":{"k":3,"v":"s"},"source":{"table":"b"}}
	{"op":"d","before":{"k":1},"after":null,"source":{"table":"b"}}
	{"op":"d","before":{"k":9},"after":null,"source":{"table":"b"}}
	{"op":"d","before":{"k":9},"after":null,"source":{"table":"c"}}
	X
	is "$k cdc, the table in Debezium's envelope: exit code 0" 0 \
	    "$(two --table-from /source/table --tables $keys --mode cdc)"
	is "$k cdc applies each change to its table" \
	    'ta:2|z tb:3|s  8 in, 3 inserted, 1 updated, 1 skipped, 1 deleted, 1 missed, 1 rejected' \
	    "$(rows) $(totals)"
	cat >"$scratch/in" <<-'X'
	{"schema":{},"payload":{"op":"u","before":null,"after":{"k":2,"v":"p"},"source":{"table":"a"}}}
	{"schema":{},"payload":null}
	X
	is "$k cdc, the table in the payload: exit code 0" 0 \
	    "$(two --table-from /payload/source/table --tables $keys --mode cdc)"
	is "$k cdc finds the table in the payload" \
	    'ta:2|p tb:3|s  2 in, 1 updated, 1 skipped' "$(rows) $(totals)"
	echo '{"operation":"UPDATE","data":{"k":3,"v":"q","t":"b"}}' \
	    >"$scratch/in"
	is "$k cdc, the table in the row: exit code 0" 0 \
	    "$(two --table-from /data/t --tables $keys --mode cdc)"
	is "$k cdc: the member with the name is no unknown member of the row" \
	    'ta:2|p tb:3|q ' "$(rows)"

	printf '{"t":"%s","k":1,"v":"%s","at":"2026-01-0%d"}\n' a x 1 b y 2 \
	    a z 3 >"$scratch/in"
	is "$k scd2: exit code 0" 0 "$(two "$@" --tables a=ha:k,b=hb:k \
	    --mode scd2 --as-of at)"
	is "$k scd2: each table has its own history" 'x|0 z|1 y|1' \
	    "$(for table in ha hb; do
		sql "SELECT v, $(bool_to_int is_current) FROM $table
		    ORDER BY valid_from"
	    done | paste -sd ' ')"
done
done_testing
