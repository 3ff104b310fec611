# shellcheck shell=sh disable=SC2154
# For the tests of --mode cdc. A test sets $k to the begin of its labels.

put() {
	printf '%s\n' "$@" >"$scratch/in"
}
# load OPTION...: loads $scratch/in into table t and prints the exit status.
load() {
	rm -f "$scratch/aside"
	status etl-load -v --db "$db" --table t --mode cdc --marked \
	    --backoff 1ms..5ms --max-rejects 100% \
	    --rejects "$scratch/aside" "$@" <"$scratch/in"
}
# counts: of the records in, inserted, updated, unchanged, superseded, skipped,
# deleted, missed and rejected.
counts() {
	sed -n 's/.*: \([0-9]* in, .*\)/\1/p' "$scratch/err" | awk '{
		n["skipped,"] = 0
		for (i = 1; i < NF; i += 2)
			n[$(i + 1)] = $i
		print n["in,"], n["inserted,"], n["updated,"], \
		    n["unchanged,"], n["superseded,"], n["skipped,"], \
		    n["deleted,"], n["missed,"], n["rejected"]
	}'
}
# loads LABEL COUNTS ROWS OPTION...: exit code 0, these counts, and these rows.
loads() {
	name=$1 wanted=$2 then=$3
	shift 3
	is "$k $name: exit code 0" 0 "$(load "$@")"
	is "$k $name: the counts" "$wanted" "$(counts)"
	is "$k $name: the rows" "$then" "$(rows)"
}
# rejects: code and pointer of each reject.
rejects() {
	jq -r '.code + " " + (.pointer // "-")' "$scratch/aside" | xargs
}
