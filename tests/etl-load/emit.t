#!/bin/sh
# --emit changes|rows writes what was committed, after its COMMIT.  emit_random.t
# keeps a copy of a table equal by it.
. tests/support/lib.sh
. tests/etl-load/marked.sh

rows() {
	sql 'SELECT * FROM t ORDER BY 1' | xargs
}
# emits LABEL WANTED OPTION...: loads $scratch/in and compares the output.
emits() {
	label=$1 wanted=$2
	shift 2
	is "$k $label: exit code 0" 0 "$(load "$@")"
	is "$k $label" "$wanted" "$(cat "$scratch/out")"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	case $kind in
	sqlite) bytes=blob real=real ;;
	*) bytes=bytea real=float8 ;;
	esac
	sql "CREATE TABLE t (k text PRIMARY KEY, n int DEFAULT 7, b $bytes,
	    r $real, g int GENERATED ALWAYS AS (n + 1) STORED);
	    INSERT INTO t (k, n) VALUES ('a', 1), ('b', 2)"

	# Plain input gives plain output.
	printf '%s\n' '{"k":"a","n":1}' '{"k":"b","n":3,"b":"\\x00ff"}' \
	    '{"k":"c","r":0.5}' '{"k":"b","n":4}' >"$scratch/in"
	emits 'changes of an upsert; an equal row gives nothing' \
	    '{"operation":"UPDATE","data":{"k":"b","n":4,"b":"\\x00ff","r":null},"before":{"k":"b","n":2,"b":null,"r":null}}
{"operation":"INSERT","data":{"k":"c","n":7,"b":null,"r":0.5}}' \
	    --key k --emit changes
	printf '%s\n' '{"k":"d"}' '{"k":"b","n":4}' >"$scratch/in"
	emits 'rows have defaults and generated columns' \
	    '{"k":"d","n":7,"b":null,"r":null,"g":8}' --key k --emit rows
	printf '%s\n' '{"operation":"DELETE","data":{"k":"c"}}' \
	    '{"operation":"UPDATE","data":{"k":"e"},"before":{"k":"d"}}' \
	    >"$scratch/in"
	emits 'a change of a key is a delete and an insert; deletes come first' \
	    '{"operation":"DELETE","data":{"k":"c","n":7,"b":null,"r":0.5},"before":{"k":"c","n":7,"b":null,"r":0.5}}
{"operation":"DELETE","data":{"k":"d","n":7,"b":null,"r":null},"before":{"k":"d","n":7,"b":null,"r":null}}
{"operation":"INSERT","data":{"k":"e","n":7,"b":null,"r":null}}' \
	    --mode cdc --emit changes
	printf '%s\n' '{"operation":"DELETE","data":{"k":"e"}}' >"$scratch/in"
	emits 'a deleted row is not among the rows' '' --mode cdc --emit rows
	seq 3000 | jq -c '{k: "x\(.)", n: 1}' >"$scratch/in"
	load --emit rows --batch 1000 >/dev/null
	is "$k large batches are emitted whole" "$(cksum <"$scratch/in")" \
	    "$(jq -c '{k, n}' "$scratch/out" | sort -V | cksum)"

	# A marked stream gives a marked stream.
	stream s1 '"stream":"posts",'
	rec '{"k":"a","n":5}'
	end
	is "$k a marked stream: exit code 0" 0 "$(load --key k --emit changes)"
	is "$k a marked stream gives a marked stream of the same name" \
	    'begin posts load
UPDATE
end 1' "$(jq -r '.operation // (."@etl" + " " + (if .stream then .stream + " " +
	    .stages[0] else (.stages[0].out | tostring) end))' "$scratch/out")"
	cp "$scratch/out" "$scratch/emitted"
	sql 'CREATE TABLE u AS SELECT k, n, b, r FROM t WHERE false;
	    CREATE UNIQUE INDEX u_k ON u (k)'
	is "$k a second loader takes it" 0 "$(status etl-load --db "$db" \
	    --table u --mode cdc --key k <"$scratch/emitted")"
	is "$k the second table has the row" 'a|5||' "$(sql 'SELECT * FROM u')"
	is "$k the same stream again is loaded already: it emits nothing" \
	    '0 0' "$(load --key k --emit changes) $(grep -c operation \
	    "$scratch/out" || :)"
	checkpoint_stream s2
	rec '{"k":"a","n":6}'
	checkpoint_mark 1
	rec '{"k":"a","n":7}'
	is "$k a cut stream: exit code 75" 75 "$(load --key k --emit changes)"
	is "$k a cut stream: what was committed is emitted, and then failed" \
	    'begin UPDATE failed' "$(jq -r '."@etl" // .operation' \
	    "$scratch/out" | xargs)"
	cp "$scratch/out" "$scratch/emitted"
	is "$k a second loader of it: exit code 75" 75 "$(status etl-load \
	    --db "$db" --table u --mode cdc --key k <"$scratch/emitted")"

	# A row that begins with the column @etl would be a mark for the next
	# program.
	sql 'CREATE TABLE m ("@etl" varchar(9), k int PRIMARY KEY)'
	printf '%s\n' '{"k":1,"@etl":"begin"}' '{"k":2}' >"$scratch/in.m"
	is "$k rows that begin with @etl: exit code 78, nothing is written" 78 \
	    "$(status etl-load --db "$db" --table m --key k --emit rows \
	    <"$scratch/in.m")$(cat "$scratch/out")"
	like "$k rows that begin with @etl: the message says why" \
	    'table m: --emit rows cannot write rows that begin with the column @etl' \
	    "$(cat "$scratch/err")"
	is "$k rows that begin with @etl: nothing is loaded" 0 \
	    "$(sql 'SELECT count(*) FROM m')"
	is "$k the same table with --emit changes" '0 INSERT INSERT ' \
	    "$(status etl-load --db "$db" --table m --key k --emit changes \
	    <"$scratch/in.m") $(jq -r .operation "$scratch/out" | tr '\n' ' ')"
	is "$k --create of a table that begins with @etl: exit code 78" 78 \
	    "$(status etl-load --db "$db" --table n --create --columns @etl,k \
	    --map @etl=/k --emit rows <"$scratch/in.m")$(cat "$scratch/out")"

	# A failed batch emits nothing.
	printf '%s\n' '{"k":"a","n":1}' '{"k":"b","n":"x"}' >"$scratch/in"
	is "$k a load that ends with 65 emits nothing" '65 ' \
	    "$(load --key k --emit changes --single-transaction) $(cat \
	    "$scratch/out")"

	# The reader.
	seq 9000 | jq -c '{k: "y\(.)", n: 1}' >"$scratch/in"
	rc=$({
		rc=0
		etl-load --db "$db" --table t --key k --emit changes --batch 3000 \
		    <"$scratch/in" || rc=$?
		echo $rc >"$scratch/rc"
	} | true; cat "$scratch/rc")
	is "$k the reader has gone: the exit code is that of SIGPIPE" 141 "$rc"
	sql "DELETE FROM t WHERE k LIKE 'y%'"
	rc=0
	echo '{"k":"f","n":1}' | etl-load --db "$db" --table t --key k \
	    --emit rows >/dev/full 2>"$scratch/err" || rc=$?
	is "$k the output cannot be written: exit code 74" 74 "$rc"
	is "$k the output cannot be written: the row is committed" 1 \
	    "$(sql "SELECT count(*) FROM t WHERE k = 'f'")"
	like "$k the output cannot be written: the message says what is committed" \
	    'the batch was committed, .* up to record 1, .*: standard output: No space' \
	    "$(cat "$scratch/err")"
	sql "DELETE FROM t WHERE k LIKE 'y%'"
	rc=0
	etl-load --db "$db" --table t --key k --emit rows --batch 300 \
	    <"$scratch/in" >/dev/full 2>"$scratch/err" || rc=$?
	is "$k several batches, and the output cannot be written: one is committed" \
	    '74 300' "$rc $(sql "SELECT count(*) FROM t WHERE k LIKE 'y%'")"
	like "$k several batches: the message says how much is committed" \
	    'up to record 300, ' "$(cat "$scratch/err")"
	sql "DELETE FROM t WHERE k LIKE 'y%'"
	mkfifo "$scratch/fifo.$kind"
	etl-load --db "$db" --table t --key k --emit changes --batch 9000 \
	    <"$scratch/in" >"$scratch/fifo.$kind" &
	exec 4<"$scratch/fifo.$kind"
	loaded() {
		[ "$(sql "SELECT count(*) FROM t WHERE k LIKE 'y%'")" = 9000 ]
	}
	ok "$k a reader that reads nothing does not delay the commit" \
	    wait_until 20 loaded
	ok "$k no transaction is open while the reader reads nothing" \
	    timeout 10 etl-load --db "$db" --table t --key k <<-'EOS'
	{"k":"y1","n":2}
	EOS
	is "$k then all lines come" 9000 "$(wc -l <&4 | tr -d ' ')"
	wait
	exec 4<&-

	# Options.
	for option in '--emit all' '--emit rows --mode replace' \
	    '--emit rows --plan' '--emit rows --evolve' '--emit rows --undo x' \
	    '--emit rows --tables t=t --table-from /t'; do
		# shellcheck disable=SC2086
		is "$k $option: exit code 64" 64 "$(load $option)"
	done
	sql 'CREATE TABLE nokey (n int)'
	is "$k a table without a primary key: exit code 78" 78 \
	    "$(load --table nokey --emit rows)"

	# JSON that is too deep.
	case $kind in
	postgresql)
		sql "CREATE TABLE deep (k text PRIMARY KEY, n int, d json);
		    INSERT INTO deep VALUES
		    ('a', 1, (repeat('[', 400) || repeat(']', 400))::json)"
		printf '%s\n' '{"k":"a","n":2}' >"$scratch/in"
		is "$k a row with JSON that is too deep for etl: exit code 65" \
		    '65 1' "$(load --table deep --key k --emit changes) $(sql \
		    'SELECT n FROM deep')"
		like "$k a row with JSON that is too deep: the message says so" \
		    'nested deeper than 256' "$(cat "$scratch/err")"
		;;
	esac

	# Both options together.
	printf '%s\n' '{"k":"a","n":9}' >"$scratch/in"
	is "$k --emit and --keep-before: exit code 0" 0 \
	    "$(load --key k --emit changes --keep-before)"
	run=$(sed -n 's/.* --undo \([^ ]*\) .*/\1/p' "$scratch/err")
	is "$k --emit and --keep-before: the change is emitted and undone" \
	    '1 0 6' "$(wc -l <"$scratch/out" | tr -d ' ') $(status etl-load \
	    --db "$db" --table t --undo "$run") $(sql "SELECT n FROM t
	    WHERE k = 'a'")"
done
done_testing
