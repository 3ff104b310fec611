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
