# shellcheck shell=sh disable=SC2154
# For the tests of the modes that delete old rows. A test defines load() and rows(),
# and sets $k to the begin of its labels.

# put LINE...: makes the input.
put() {
	printf '%s\n' "$@" >"$scratch/in"
}
# stream ID RECORD: prints a marked stream of one record.
stream() {
	printf '{"@etl":"begin","v":1,"id":"%s","stages":["extract"]}\n' "$1"
	printf '%s\n' "$2"
	printf '{"@etl":"end","stages":[{"stage":"extract","in":0,"out":1,'
	echo '"dropped":0,"rejected":0}]}'
}
# first_read [N]: prints the first output of etl-extract --checkpoint, with two
# records, or its first N lines.
first_read() {
	cat <<-'EOS' | head -n "${1:-6}"
	{"@etl":"begin","v":1,"id":"parts","checkpoint":"c","stages":["extract"]}
	{"day":"a","n":1}
	{"@etl":"checkpoint","seq":1,"name":"c","from":null,"value":"1","version":0,"stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}
	{"day":"b","n":2}
	{"@etl":"checkpoint","seq":2,"name":"c","from":null,"value":"2","version":0,"stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}
	{"@etl":"end","seq":2,"stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}
	EOS
}
# counts: the numbers of records in, inserted and rejected, and of removed rows.
counts() {
	sed -n 's/.*: \([0-9]*\) in, \([0-9]*\) inserted, .* \([0-9]*\) rejected, \([0-9]*\) removed$/\1 \2 \3 \4/p' \
	    "$scratch/err"
}
# refuses STATUS LABEL ERE OPTION...: the load fails and changes nothing.
refuses() {
	wanted=$1 label=$2 ere=$3
	shift 3
	before=$(rows)
	is "$k $label: exit code $wanted" "$wanted" "$(load "$@")"
	like "$k $label: the message says why" "$ere" "$(cat "$scratch/err")"
	is "$k $label: the table is unchanged" "$before" "$(rows)"
}
