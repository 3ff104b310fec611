# shellcheck shell=sh disable=SC2154 # db is a variable of lib.sh
# Functions of the tests that load what Singer taps write.

# load MODE TAP...: one run of the tap into the table of that mode.
load() {
	case $1 in
	append) key='' ;;
	*) key='--key id' ;;
	esac
	mode=$1
	shift
	# shellcheck disable=SC2086
	etl-extract --checkpoint "$mode" --db "$db" --select items --singer "$@" |
	    etl-transform '{id: (.code // .id | tostring)}' |
	    etl-load --db "$db" --table "t_$mode" --mode "$mode" $key
}
counted() { sql "SELECT count(*), count(DISTINCT id) FROM t_$1"; }
make_tables() {
	sql 'CREATE TABLE t_append (id text);
	    CREATE TABLE t_upsert (id text PRIMARY KEY)'
}
