#!/bin/sh
# --mode delete-insert with etl-extract --new-files --source-file src: each file is a
# scope. A new or changed file replaces its own rows.
. tests/support/lib.sh
cd "$scratch"

# csv NAME N...: a file with these rows.
csv() {
	name=$1
	shift
	{
		echo k,n
		for n; do
			echo "k,$n"
		done
	} >"in/$name.csv"
}
extract='etl-extract --checkpoint f --new-files --source-file src'
load='etl-load -v --table t --mode delete-insert --scope src'
# increment [OPTION...]: loads the files that are new or changed. $filter is a
# stage between.
increment() {
	status sh -c "$extract $source in | ${filter:+$filter |} $load $*"
}
rows() {
	sql "SELECT src || ':' || n FROM t ORDER BY src, n" | xargs
}
files() {
	sql "SELECT path || ':' || status FROM etl_files ORDER BY path" | xargs
}
fresh() {
	db_new $kind
	DATABASE_URL=$db
	export DATABASE_URL
	k="$kind:" source='' filter=''
	rm -rf in
	mkdir in
	csv a 1 2
	csv b 3
	sql 'CREATE TABLE t (src text, k text, n int)'
}
# refuses STATUS LABEL ERE OPTION...: the increment fails and changes nothing.
refuses() {
	wanted=$1 label=$2 ere=$3
	shift 3
	before="$(rows) $(files)"
	is "$k $label: exit code $wanted" "$wanted" "$(increment "$@")"
	like "$k $label: the message says why" "$ere" "$(cat "$scratch/err")"
	is "$k $label: nothing is changed" "$before" "$(rows) $(files)"
}

for kind in sqlite postgresql; do
	fresh
	is "$k the first read: exit code 0" 0 "$(increment)"
	is "$k the first read loads all files" \
	    'in/a.csv:1 in/a.csv:2 in/b.csv:3' "$(rows)"
	csv a 20
	csv c 4 4
	is "$k a changed file and a new one: exit code 0" 0 "$(increment)"
	is "$k the changed file replaces its own rows, the others stay" \
	    'in/a.csv:20 in/b.csv:3 in/c.csv:4 in/c.csv:4' "$(rows)"
	like "$k the removed rows are counted" ' 3 in, 3 inserted, .* 2 removed$' \
	    "$(cat err)"
	is "$k nothing new: exit code 0" 0 "$(increment)"
	is "$k nothing new: the rows stay" \
	    'in/a.csv:20 in/b.csv:3 in/c.csv:4 in/c.csv:4' "$(rows)"

	# A file without records.
	csv b
	refuses 65 'a changed file without records' \
	    '1 changed file came without records.*--allow-empty'
	csv d 5
	refuses 65 'a changed file without records beside a new file' \
	    '1 changed file came without records.*--allow-empty'
	is "$k --allow-empty: exit code 0" 0 "$(increment --allow-empty)"
	is "$k --allow-empty: the rows of the file are deleted" \
	    'in/a.csv:20 in/c.csv:4 in/c.csv:4 in/d.csv:5' "$(rows)"
	csv e
	is "$k a new file without records: exit code 0" 0 "$(increment)"

	# Rejected records.
	csv a x 21
	csv f x 6
	refuses 65 'a rejected record of a changed file' \
	    'rows of 1 scope of which a record was rejected' \
	    --max-rejects 100% '3>/dev/null'
	csv a 22
	is "$k a rejected record of a new file: exit code 0" 0 \
	    "$(increment --max-rejects 100% '3>/dev/null')"
	is "$k the other records of the files are loaded" \
	    'in/a.csv:22 in/c.csv:4 in/c.csv:4 in/d.csv:5 in/f.csv:6' \
	    "$(rows)"
	# etl-extract rejects a line, whose bytes do not name the file.
	csv a 22,9 24
	refuses 65 'a line of a changed file that etl-extract rejects' \
	    'rows of 1 scope of which a record was rejected' \
	    --max-rejects 100%
	is "$k and with --delete-despite-rejects: exit code 0" 0 \
	    "$(increment --max-rejects 100% --delete-despite-rejects)"
	like "$k and with --delete-despite-rejects: the other records are loaded" \
	    '^in/a.csv:24 in/c' "$(rows)"
	csv a 22
	csv g 7,9 8
	is "$k a line of a new file that etl-extract rejects: exit code 0" 0 \
	    "$(increment --max-rejects 100%)"
	is "$k the other records of both files are loaded" \
	    'in/a.csv:22 in/c.csv:4 in/c.csv:4 in/d.csv:5 in/f.csv:6 in/g.csv:8' \
	    "$(rows)"
	filter='etl-transform "if .n == \"23\" then empty else . end"'
	csv a 23
	refuses 65 'a filter that drops all records of a file' \
	    '1 changed file came without records'
	filter=''
	rm in/a.csv
	is "$k a file that was removed: exit code 0" 0 "$(increment)"
	like "$k the rows of a file that was removed stay" '^in/a.csv:22 ' "$(rows)"

	# Other scopes, and other ways to read files, are still increments.
	csv c 40
	load='etl-load -v --table t --mode delete-insert --scope k'
	refuses 78 'the scope of another column' 'only the files that are new'
	load='etl-load -v --table t --mode delete-insert --scope src'
	refuses 78 'with --scope-value' 'without --scope-value' --scope-value x
	load='etl-load -v --table t --mode replace'
	refuses 78 'another mode' 'needs a full read'
	load='etl-load -v --table t --mode delete-insert --scope src'
	source='--changed tail'
	refuses 78 '--changed tail' 'needs a full read'
	source=''
	extract='etl-extract --checkpoint f --new-files --source-file from'
	load='etl-load -v --table t --mode delete-insert --scope src --map src=/from'
	is "$k --map names the member: exit code 0" 0 "$(increment)"
	extract='etl-extract --checkpoint f --new-files --source-file src'
	load='etl-load -v --table t --mode delete-insert --scope src'
	like "$k --map names the member: the rows are replaced" \
	    'in/c.csv:40 in/d' "$(rows)"

	# Broken and cut files hold back no other file, and keep their rows.
	fresh
	printf '{"n":1}\n{"n":2}\n' >in/m.ndjson
	gzip -c in/b.csv >in/z.csv.gz
	is "$k three kinds of files: exit code 0" 0 "$(increment)"
	printf '{"n":7}\n{"n":' >in/m.ndjson
	head -c 20 in/z.csv.gz >in/part && mv in/part in/z.csv.gz
	csv a 8
	is "$k cut files: exit code 65 or 74" ok \
	    "$(case $(increment) in 65 | 74) echo ok ;; esac)"
	is "$k the next run reads the cut files last" ok \
	    "$(case $(increment) in 65 | 74) echo ok ;; esac)"
	is "$k the cut files keep their rows, the others are loaded" \
	    'in/a.csv:8 in/b.csv:3 in/m.ndjson:1 in/m.ndjson:2 in/z.csv.gz:3' \
	    "$(rows)"
	is "$k the cut files are stored as failed" \
	    'in/a.csv:done in/b.csv:done in/m.ndjson:failed in/z.csv.gz:failed' \
	    "$(files)"
	printf '{"n":7}\n{"n":8}\n' >in/m.ndjson
	csv z 9
	gzip -c in/z.csv >in/z.csv.gz
	rm in/z.csv
	is "$k the files are mended: exit code 0" 0 "$(increment)"
	is "$k then they replace their rows" \
	    'in/a.csv:8 in/b.csv:3 in/m.ndjson:7 in/m.ndjson:8 in/z.csv.gz:9' \
	    "$(rows)"

	# Several commits, and a saved stream that was cut.
	fresh
	for f in a b c d; do
		seq 6000 | sed 's/^/k,/; 1i k,n' >in/$f.csv
	done
	is "$k four large files: exit code 0" 0 "$(increment)"
	for f in a b c d; do
		seq 6001 12000 | sed 's/^/k,/; 1i k,n' >in/$f.csv
	done
	$extract in >stream
	marks=$(grep -n '"@etl":"checkpoint"' stream | cut -d: -f1 | head -n 1)
	head -n "$((marks + 10))" stream >part
	is "$k a stream that is cut after a mark: exit code 75" 75 \
	    "$(status sh -c "$load --marked" <part)"
	isnt "$k the files before the mark are loaded" 0 \
	    "$(sql 'SELECT count(*) FROM t WHERE n > 6000')"
	is "$k every file has its old rows or its new ones" '' "$(sql "SELECT src
	    FROM t GROUP BY src HAVING count(*) <> 6000 OR
	    (max(n) <> 6000 AND min(n) <> 6001)")"
	is "$k the whole stream is loaded from there: exit code 0" 0 \
	    "$(status sh -c "$load --marked" <stream)"
	is "$k all files have their new rows" '24000 6001' \
	    "$(sql 'SELECT count(*), min(n) FROM t' | tr '|' ' ')"
	is "$k with --expect it is one transaction: exit code 1" 1 \
	    "$(csv a 1; increment "--expect 'rows>=2'")"
	is "$k with --expect nothing was committed" 6000 \
	    "$(sql "SELECT count(*) FROM t WHERE src = 'in/a.csv'")"

	# Two tables.
	fresh
	sql 'CREATE TABLE u (src text, k text, n int)'
	filter='etl-transform ".to = (if .n == \"2\" then \"u\" else \"t\" end)"'
	load='etl-load -v --table-from /to --tables t=t,u=u --mode delete-insert --scope src'
	is "$k two tables: exit code 0" 0 "$(increment)"
	csv a 2 9
	is "$k two tables, a changed file: exit code 0" 0 "$(increment)"
	is "$k each table has the rows of the file" 'in/a.csv:9 in/b.csv:3 in/a.csv' \
	    "$(rows) $(sql 'SELECT src FROM u')"
	load='etl-load -v --table t --mode delete-insert --scope src'
done
done_testing
