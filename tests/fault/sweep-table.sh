# shellcheck shell=sh disable=SC2016,SC2034
# For sweep.sh: the pipelines.  Each sets
#	source	what the stream comes from; may be killed too
#	rest	the filters that it goes through, the last of which stores
#	stages	those that are killed, by the names of their variables: in
#		source and rest each stands behind "$at_NAME"
#	cut	where a stream that ends early leaves a state that may be seen
#		after a kill: boundary (mark) or line; end: nothing but the
#		first and last may be seen; any: what is seen is not judged
#	compare	all: ledger and letters are the same to the last column; sums:
#		streams have new names each time, so of the ledger the sums;
#		rows: a stream without checkpoints commits before its end, so
#		what is done again counts again: rows and letters alone
# and may set
#	before	what is done once, in a database that is empty
#	fresh	yes: the pipeline has to make the tables of etl
#	files	what else is state, in the working directory

pipelines='fresh append upsert plain run'

filter='if .n == 2 then error("two") elif .n == 5 then empty
else .m = (.m // "-") end'
append='$at_load etl-load --table log --batch 2 --flush 1h'
upsert='$at_load etl-load --table t --key k --batch 2 --flush 1h'
transform='$at_transform etl-transform "$filter"'

pipeline() {
	source='$at_source cat "$records"' rest="$transform | $upsert"
	stages='transform load' cut=boundary compare=all
	before='' fresh=no files=''
	case $1 in
	fresh)
		fresh=yes stages=load rest="$transform | $append"
		;;
	append)
		rest="$transform | $append"
		;;
	upsert)
		cut=line compare=rows
		;;
	plain)
		source='$at_source grep -v @etl "$records"'
		rest="{ $rest; } 3>>rejects; \$at_put etl-dlq put rejects"
		stages='transform load put' cut=any compare=rows
		;;
	run)
		source='' cut=any compare=rows
		rest='$at_run etl-run --name p -c '\''
		    $at_transform etl-transform "$filter" <"$records" |
		    $at_load etl-load --table t --key k --batch 2'\'
		stages='run transform load'
		;;
	esac
}

# stream: the records, marked, with an end: a drop, two rejects of the
# transform with equal bytes, one of the loader.
counts() {
	printf '"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":0}]}\n' "$1"
}
stream() {
	printf '{"@etl":"begin","v":1,"id":"saved","stream":"s","stages":["extract"]}\n'
	printf '%s\n' '{"k":"a", "n":1,"m":"\u00e9"}' '{"k":"b","n": 2 }' \
	    '{"k":"c","n":3,"m":"é"}' '{"k":"d","n":4}' '{"k":"e","n":5}' \
	    '{"k":"f","n":6,"m":"\t"}' '{"k":"g","n":"x"}' \
	    '{"k":"h","n":8}' '{"k":"b","n": 2 }'
	printf '{"@etl":"end",'
	counts 9
}
