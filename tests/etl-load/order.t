#!/bin/sh
# PostgreSQL: the rows of a batch are merged in the order of the key, whether
# they come in this order or not: integers by value, texts by their bytes.
. tests/support/lib.sh

db_new postgresql

# load NAME TABLE COUNTS OPTION...: loads $scratch/in. COUNTS are the numbers of
# records in, inserted, updated, unchanged and superseded.
load() {
	name=$1
	table=$2
	counts=$3
	shift 3
	is "$name: exit code 0" 0 "$(status etl-load -v --db "$db" \
	    --table "$table" "$@" <"$scratch/in")"
	is "$name: the counts" "$counts" "$(sed -En \
	    's/.*: ([0-9]+) in, ([0-9]+) inserted, ([0-9]+) updated, ([0-9]+) unchanged, ([0-9]+) superseded, .*/\1 \2 \3 \4 \5/p' \
	    "$scratch/err")"
}
put() {
	printf '%s\n' "$@" >"$scratch/in"
}
# stored TABLE: the keys of the table in the order in which they were inserted.
stored() {
	sql "SELECT string_agg(concat_ws(',', t.i, t.k), ' ' ORDER BY t.ctid)
	    FROM $1 AS t"
}

order='-9,b -9,ba 0,B 0,a 0,é 10,B'
sql 'CREATE TABLE t (i int, k text COLLATE "und-x-icu", v int,
    PRIMARY KEY (i, k))'
put '{"i":-9,"k":"b"}' '{"i":-9,"k":"ba"}' '{"i":0,"k":"B"}' \
    '{"i":0,"k":"\u0061"}' '{"i":0.0,"k":"é"}' '{"i":10,"k":"B"}'
load 'ascending keys' t '6 6 0 0 0' --key i,k
is 'ascending keys: the rows are inserted as they came' "$order" "$(stored t)"
load 'ascending keys again' t '6 0 0 6 0' --key i,k
sql 'TRUNCATE t'
put '{"i":0,"k":"é"}' '{"i":10,"k":"B"}' '{"i":0,"k":"B"}' '{"i":-9,"k":"ba"}' \
    '{"i":0,"k":"a"}' '{"i":-9,"k":"b"}'
load 'keys in another order' t '6 6 0 0 0' --key i,k
is 'keys in another order: the rows are inserted in the order of the key' \
    "$order" "$(stored t)"
load 'keys in another order again' t '6 0 0 6 0' --key i,k
put '{"i":1,"k":"a"}' '{"i":1,"k":"a"}' '{"i":1,"k":"b"}'
load 'an equal key after the same key' t '3 2 0 0 1' --key i,k
load 'an equal key that changes nothing' t '3 0 0 2 1' --key i,k
put '{"i":"1","k":"c"}' '{"i":1,"k":"c"}' '{"i":1,"k":"c"}'
load 'an integer as a text' t '3 1 0 0 2' --key i,k
put '{"i":2,"k":"a"}' '{"i":2,"k":"b","v":null}' '{"i":2,"k":"c"}'
load 'ascending keys, records with different members' t '3 3 0 0 0' --key i,k

# Texts that are equal although their bytes differ.
sql "CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2',
    deterministic = false);
    CREATE TABLE n (i int, k text COLLATE no_case PRIMARY KEY);
    CREATE TABLE v (i int, k varchar(2) PRIMARY KEY)"
put '{"k":"b"}' '{"k":"a"}' '{"k":"A"}' '{"k":"B"}'
load 'keys without case' n '4 2 0 0 0' --key k --mode ignore
is 'keys without case: the first of equal keys is inserted' 'a b' "$(stored n)"
put '{"k":"A","i":1}' '{"k":"a","i":2}'
load 'equal keys in the order of their bytes' n '2 0 1 0 1' --key k
put '{"k":"ab"}' '{"k":"ab "}' '{"k":"ac"}'
load 'a text that loses a space at its end' v '3 2 0 0 1' --key k --lossy
load 'the same text again' v '3 0 0 2 1' --key k --lossy
put '{"k":"zz"}' '{"k":"zz ","i":7}'
load 'the same, records with different members' v '2 1 0 0 1' --key k --lossy
is 'the last of the equal keys counts' 7 "$(sql "SELECT i FROM v WHERE k = 'zz'")"
done_testing
