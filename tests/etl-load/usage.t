#!/bin/sh
# Wrong use and wrong settings: status and message, before anything is read.
. tests/support/lib.sh

bad() {
	name=$1
	want=$2
	ere=$3
	shift 3
	is "$k $name: status" "$want" "$(echo '{"k":"a"}' |
	    status etl-load "$@")"
	like "$k $name: message" "$ere" "$(cat "$scratch/err")"
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

	bad 'no table option' 64 '--table NAME is missing' --db "$db"
	bad 'an argument' 64 'no argument' --db "$db" --table t file
	bad 'unknown option' 64 'unknown option --scope' --table t --scope x
	bad 'unknown mode' 64 'append, upsert or ignore' --db "$db" --table t \
	    --mode replace
	bad 'a mistyped mode' 64 "did you mean upsert\?\$" --db "$db" \
	    --table t --mode upsret
	bad 'key and append' 64 'upsert' --db "$db" --table t --mode append \
	    --key k
	bad 'max-record 0' 64 'more than 0' --db "$db" --table t \
	    --max-record 0
	bad 'batch 0' 64 'at least 1' --db "$db" --table t --batch 0
	bad 'backoff' 64 'BASE..MAX' --db "$db" --table t --backoff 5
	bad 'max-rejects' 64 'max-rejects' --db "$db" --table t \
	    --max-rejects x
	bad 'duplicate members' 64 'last' --db "$db" --table t \
	    --duplicate-members first
	bad 'no such table' 78 'no such table: nix in ' --db "$db" --table nix
	bad 'no such key column' 78 'has no column "zz"' --db "$db" --table t \
	    --key zz
	bad 'a mistyped column' 78 'has no column "nn"; did you mean n\?$' \
	    --db "$db" --table t --key nn
	bad 'half an index' 78 'no unique index on exactly' --db "$db" \
	    --table t --key u
	bad 'key twice' 78 'twice' --db "$db" --table t --key k,k
	bad 'no primary key' 78 'no primary key' --db "$db" --table nokey \
	    --mode upsert
	bad 'no such compare column' 78 '--compare: .*no column' --db "$db" \
	    --table t --key k --compare zz
	bad 'no such touch column' 78 '--touch: .*no column' --db "$db" \
	    --table t --touch zz
	bad 'touch of the key' 78 'is part of the key' --db "$db" --table t \
	    --key k --touch k
	bad 'touch and seen alike' 78 'same column' --db "$db" --table t \
	    --key k --touch u --seen u
	bad 'touch of a generated column' 78 'generated' --db "$db" \
	    --table nokey --touch g
	is "$k nothing was stored" 0 "$(sql 'SELECT count(*) FROM t')"

	# A key of another unique index, columns in any order.
	is "$k another index" 0 "$(echo '{"u":"x","n":1,"k":"z"}' |
	    status etl-load --db "$db" --table t --key n,u)"

	# DDL.
	bad 'no such ddl file' 66 'nowhere.sql' --db "$db" --table t \
	    --ddl "$scratch/nowhere.sql"
	echo 'CREATE TABEL x (a int)' >"$scratch/bad.sql"
	bad 'ddl that fails' 78 'bad.sql: .*(syntax|TABEL)' --db "$db" \
	    --table t --ddl "$scratch/bad.sql"
	cat >"$scratch/ddl.sql" <<-'END'
	-- two statements; and a semicolon in a comment
	CREATE TABLE IF NOT EXISTS made (k text PRIMARY KEY, s text DEFAULT 'a;b');
	CREATE INDEX IF NOT EXISTS made_s ON made (s);
	END
	for time in first second; do
		is "$k ddl, $time time" 0 "$(echo '{"k":"a"}' | status \
		    etl-load --db "$db" --table made --key k \
		    --ddl "$scratch/ddl.sql")"
	done
	is "$k ddl: row" 'a|a;b' "$(sql 'SELECT * FROM made')"
	echo 'CREATE TABLE made (k text)' >"$scratch/bad.sql"
	bad 'ddl of a table that is there' 78 'bad.sql: .*made.* already exists' \
	    --db "$db" --table made --ddl "$scratch/bad.sql"
	case $kind in
	sqlite) schema=main ;;
	*) schema=public ;;
	esac
	is "$k schema.table" 0 "$(echo '{"k":"b"}' | status etl-load \
	    --db "$db" --table $schema.made --key k)"
	is "$k DATABASE_URL" 0 "$(echo '{"k":"c"}' |
	    DATABASE_URL=$db status etl-load --table made --key k)"
	is "$k BATCH_SIZE" 78 "$(echo '{"k":"c"}' | BATCH_SIZE=x status \
	    etl-load --db "$db" --table made --key k)"
	like "$k BATCH_SIZE: named" BATCH_SIZE "$(cat "$scratch/err")"
	is "$k rows" 'a
b
c' "$(sql 'SELECT k FROM made ORDER BY k')"

	# One that another loader has made between two looks at the catalog.
	if [ $kind = postgresql ]; then
		sql 'CREATE SEQUENCE looks'
		for state in 42P07 42710 42P06; do
			cat >"$scratch/ddl.sql" <<-END
			DO \$\$ BEGIN IF nextval('looks') % 2 = 1 THEN
			RAISE 'there' USING ERRCODE = '$state'; END IF; END \$\$;
			END
			is "$k $state: a second look" 0 "$(status etl-load \
			    --db "$db" --table made --key k \
			    --ddl "$scratch/ddl.sql" </dev/null)"
		done
	fi

	# Another database than the run's.
	ETL_RUN=11111111-2222-4333-8444-555555555555
	export ETL_RUN
	bad 'another database' 78 'another database' --db "$db" --table made
	unset ETL_RUN
done

k=sqlite:
bad 'no such folder' 73 'unable to open' --db sqlite:/nowhere/x.db --table t
echo text >"$scratch/text.db"
printf '%8192s' x >>"$scratch/text.db"
bad 'no database' 78 'not a database' --db "sqlite:$scratch/text.db" --table t
(
	cd "$scratch"
	mkdir default
	cd default
	sqlite3 etl.db 'CREATE TABLE t (k text)'
	echo '{"k":"a"}' | etl-load -v --table t 2>err
)
mkdir "$scratch/nothing"
is 'without a database: no such table, and no empty etl.db is left' 78 "$(
	cd "$scratch/nothing"
	echo '{"k":"a"}' | status etl-load --table t
	ls)"
like 'without a database: the message names it' \
    'no such table: t in sqlite:etl.db' "$(cat "$scratch/err")"
like 'without --db: etl.db, named' 't in sqlite:etl.db: 1 in' \
    "$(cat "$scratch/default/err")"
k=postgresql:
bad 'no server' 75 'etl-load: .*connect' --retries 0 --table t \
    --db 'postgresql://127.0.0.1:1/x'
bad 'a password' 75 'etl-load: warning: --db: .*DATABASE_URL' --retries 0 --table t \
    --db 'postgresql://u:geheim@127.0.0.1:1/x'
unlike 'a password is not told' geheim "$(cat "$scratch/err")"
DATABASE_URL=postgresql://u:geheim@127.0.0.1:1/x
export DATABASE_URL
bad 'a password in the environment' 75 connect --retries 0 --table t
unlike 'that is no argument' warning "$(cat "$scratch/err")"
unset DATABASE_URL
bad 'no such database' 78 'does not exist' --table t \
    --db 'postgresql:///etl_no_such_database'
bad 'another kind' 78 'mysql' --table t --db mysql://x
is 'help' 0 "$(status etl-load --help)"
rc=0
etl-load --help >&- 2>/dev/null || rc=$?
is 'help into nothing' 74 $rc
done_testing
