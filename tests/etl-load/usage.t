#!/bin/sh
# For wrong options and settings etl-load exits with the right status and names
# the cause, before it reads a record.
. tests/support/lib.sh

# check_failure NAME STATUS ERE OPTION...: etl-load with OPTION... fails.
check_failure() {
	name=$1
	want=$2
	ere=$3
	shift 3
	is "$k $name: exit code $want" "$want" "$(echo '{"k":"a"}' |
	    status etl-load "$@")"
	like "$k $name: the message names the cause" \
	    "$ere" "$(cat "$scratch/err")"
}

for kind in sqlite postgresql; do
	k="$kind:"
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY, n int, u text)'
	sql 'CREATE UNIQUE INDEX tu ON t (u, n)'
	case $kind in
	sqlite) generated='int GENERATED ALWAYS AS (1)' ;;
	*) generated='int GENERATED ALWAYS AS (1) STORED' ;;
	esac
	sql "CREATE TABLE nokey (k text, g $generated)"

	check_failure 'no --table' 64 '--table NAME is missing' --db "$db"
	check_failure 'an argument that is no option' \
	    64 'no argument' --db "$db" --table t file
	check_failure 'an unknown option' \
	    64 'unknown option --scopes' --table t --scopes x
	check_failure 'an unknown --mode' \
	    64 'append, upsert, ignore, delete-insert, replace, mirror, cdc or scd2' --db "$db" \
	    --table t --mode swap
	check_failure 'a mistyped --mode' \
	    64 "did you mean upsert\?\$" --db "$db" \
	    --table t --mode upsret
	check_failure '--key with --mode append' \
	    64 'upsert' --db "$db" --table t --mode append \
	    --key k
	check_failure '--max-record 0' 64 'from 1 byte to 1GiB' --db "$db" --table t \
	    --max-record 0
	check_failure '--batch 0' 64 'at least 1' --db "$db" --table t --batch 0
	check_failure '--keep-runs without --keep-before' \
	    64 'keep-runs needs --keep-before' --db "$db" --table t \
	    --key k --keep-runs 3
	check_failure '--backoff with one value' \
	    64 'BASE..MAX' --db "$db" --table t --backoff 5
	check_failure '--max-rejects that is no number' 64 \
	    'max-rejects' --db "$db" --table t \
	    --max-rejects x
	check_failure '--duplicate-members first' \
	    64 'last' --db "$db" --table t \
	    --duplicate-members first
	check_failure 'a table that does not exist' \
	    78 'no such table: nix in .*--create' --db "$db" --table nix
	sql 'CREATE TABLE orders (id int)'
	schema=$([ $kind = sqlite ] && echo main || echo public)
	for name in ordres $schema.order; do
		check_failure "the mistyped table $name" 78 \
		    "no such table: $name in .*; did you mean orders\\?$" \
		    --db "$db" --table "$name"
	done
	check_failure 'a table of --tables that does not exist' \
	    78 'no such table: nix in .*create it, or give --ddl FILE$' \
	    --db "$db" --table-from /k --tables a=nix:k
	check_failure '--undo in a table that does not exist' \
	    78 'no such table: nix in .*: --undo needs the table that' \
	    --db "$db" --table nix --undo 12345678
	unlike "$k --undo in a table that does not exist: the message does not name --create" \
	    'create' "$(cat "$scratch/err")"
	check_failure 'a column in --key that does not exist' \
	    78 'has no column "zz"' --db "$db" --table t \
	    --key zz
	check_failure 'a mistyped column in --key' \
	    78 'has no column "nn"; did you mean n\?$' \
	    --db "$db" --table t --key nn
	check_failure 'a --key with half the columns of an index' \
	    78 'no unique index on exactly' --db "$db" \
	    --table t --key u
	check_failure 'a column twice in --key' \
	    78 'twice' --db "$db" --table t --key k,k
	check_failure 'upsert of a table without a primary key' 78 \
	    'no primary key' --db "$db" --table nokey \
	    --mode upsert
	check_failure 'a column in --compare that does not exist' \
	    78 '--compare: .*no column' --db "$db" \
	    --table t --key k --compare zz
	check_failure 'a column in --touch that does not exist' \
	    78 '--touch: .*no column' --db "$db" \
	    --table t --touch zz
	check_failure 'a column of the key in --touch' \
	    78 'is part of the key' --db "$db" --table t \
	    --key k --touch k
	check_failure '--soft-delete with --mode upsert' \
	    64 'soft-delete needs --mode mirror or --mode cdc' --db "$db" \
	    --table t --key k --soft-delete u
	check_failure 'the same column in --touch and --seen' \
	    78 'same column' --db "$db" --table t \
	    --key k --touch u --seen u
	check_failure 'a generated column in --touch' \
	    78 'generated' --db "$db" \
	    --table nokey --touch g
	is "$k the failed commands stored no row" \
	    0 "$(sql 'SELECT count(*) FROM t')"

	# --key may name the columns of any unique index, in any order.
	is "$k --key with the columns of a unique index in another order works" \
	    0 "$(echo '{"u":"x","n":1,"k":"z"}' |
	    status etl-load --db "$db" --table t --key n,u)"

	# --ddl: scripts that fail, and scripts that run before each load.
	check_failure 'a --ddl file that does not exist' \
	    66 'nowhere.sql' --db "$db" --table t \
	    --ddl "$scratch/nowhere.sql"
	echo 'CREATE TABEL x (a int)' >"$scratch/bad.sql"
	check_failure 'a --ddl script with a syntax error' \
	    78 'bad.sql: .*(syntax|TABEL)' --db "$db" \
	    --table t --ddl "$scratch/bad.sql"
	cat >"$scratch/ddl.sql" <<-'END'
	-- two statements; and a semicolon in a comment
	CREATE TABLE IF NOT EXISTS made (k text PRIMARY KEY, s text DEFAULT 'a;b');
	CREATE INDEX IF NOT EXISTS made_s ON made (s);
	END
	for time in first second; do
		is "$k --ddl, $time run of the script: etl-load exits with 0" \
		    0 "$(echo '{"k":"a"}' | status \
		    etl-load --db "$db" --table made --key k \
		    --ddl "$scratch/ddl.sql")"
	done
	is "$k --ddl creates the table before the record is loaded" \
	    'a|a;b' "$(sql 'SELECT * FROM made')"
	echo 'CREATE TABLE made (k text)' >"$scratch/bad.sql"
	check_failure 'a --ddl script that creates an existing table' \
	    78 'bad.sql: .*made.* already exists' \
	    --db "$db" --table made --ddl "$scratch/bad.sql"
	case $kind in
	sqlite) schema=main ;;
	*) schema=public ;;
	esac
	is "$k --table with a schema: etl-load exits with 0" \
	    0 "$(echo '{"k":"b"}' | status etl-load \
	    --db "$db" --table $schema.made --key k)"
	is "$k DATABASE_URL instead of --db: etl-load exits with 0" \
	    0 "$(echo '{"k":"c"}' |
	    DATABASE_URL=$db status etl-load --table made --key k)"
	is "$k BATCH_SIZE that is no number: etl-load exits with 78" \
	    78 "$(echo '{"k":"c"}' | BATCH_SIZE=x status \
	    etl-load --db "$db" --table made --key k)"
	like "$k BATCH_SIZE that is no number: the message names it" \
	    BATCH_SIZE "$(cat "$scratch/err")"
	is "$k the successful loads stored their rows" 'a
b
c' "$(sql 'SELECT k FROM made ORDER BY k')"

	# Another loader creates the same table, type or schema while the script
	# runs. The script fails with this SQLSTATE, and etl-load runs it again.
	if [ $kind = postgresql ]; then
		sql 'CREATE SEQUENCE looks'
		for state in 42P07 42710 42P06; do
			cat >"$scratch/ddl.sql" <<-END
			DO \$\$ BEGIN IF nextval('looks') % 2 = 1 THEN
			RAISE 'there' USING ERRCODE = '$state'; END IF; END \$\$;
			END
			is "$k a --ddl script that fails with $state is run a second time" \
			    0 "$(status etl-load \
			    --db "$db" --table made --key k \
			    --ddl "$scratch/ddl.sql" </dev/null)"
		done
	fi

	# Inside a run of etl-run, --db names another database than the run's.
	ETL_RUN=11111111-2222-4333-8444-555555555555
	export ETL_RUN
	check_failure 'another --db than that of the run' 78 \
	    'another database' --db "$db" --table made
	unset ETL_RUN
done

k=sqlite:
check_failure 'a folder that does not exist' \
    73 'unable to open .*: the folder of the file must exist' \
    --db sqlite:/nowhere/x.db --table t
echo text >"$scratch/text.db"
printf '%8192s' x >>"$scratch/text.db"
check_failure 'a file that is no database' \
    78 'not a database' --db "sqlite:$scratch/text.db" --table t
(
	cd "$scratch"
	mkdir default
	cd default
	sqlite3 etl.db 'CREATE TABLE t (k text)'
	echo '{"k":"a"}' | etl-load -v --table t 2>err
)
mkdir "$scratch/nothing"
is 'no --db and no etl.db: etl-load exits with 78 and creates no file' 78 "$(
	cd "$scratch/nothing"
	echo '{"k":"a"}' | status etl-load --table t
	ls)"
like 'no --db and no etl.db: the message names etl.db' \
    'no such table: t in sqlite:etl.db' "$(cat "$scratch/err")"
like 'without --db etl-load uses etl.db and -v names it' \
    't in sqlite:etl.db: 1 in' \
    "$(cat "$scratch/default/err")"
k=postgresql:
check_failure 'no server at the address' \
    75 'etl-load: .*connect' --retries 0 --table t \
    --db 'postgresql://127.0.0.1:1/x'
check_failure 'a password in --db' \
    75 'etl-load: warning: --db: .*DATABASE_URL' --retries 0 --table t \
    --db 'postgresql://u:geheim@127.0.0.1:1/x'
unlike 'a password in --db is not printed' geheim "$(cat "$scratch/err")"
DATABASE_URL=postgresql://u:geheim@127.0.0.1:1/x
export DATABASE_URL
check_failure 'a password in DATABASE_URL' 75 connect --retries 0 --table t
unlike 'a password in DATABASE_URL causes no warning' \
    warning "$(cat "$scratch/err")"
unset DATABASE_URL
check_failure 'a database that does not exist' 78 'does not exist' --table t \
    --db 'postgresql:///etl_no_such_database'
check_failure 'a URL of another kind of database' \
    78 'mysql' --table t --db mysql://x
is '--help exits with 0' 0 "$(status etl-load --help)"
rc=0
etl-load --help >&- 2>/dev/null || rc=$?
is '--help with a closed standard output exits with 74' 74 $rc
done_testing
