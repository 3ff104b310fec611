#!/bin/sh
# A command that knows nothing of marks, in the middle of a stream with
# checkpoints and rejects: whatever it does to marks and lines, the run says so
# and nothing is stored of it; with etl-via before it the same command does no
# harm. And transports, which change nothing.
# shellcheck disable=SC2016 # the commands' own $
. tests/support/lib.sh
. tests/etl-record/streams.sh

cd "$scratch"
stream_next >next
cat >add.jq <<'EOP'
if .["@etl"] == "end" then .stages[0].out += 1 else . end
EOP
# What each does, the status, and words of the message.  Outside etl-run, and
# inside, where a stream must have its begin.
cat >foreign <<'EOP'
a mark is taken|grep -v '"checkpoint","name"'|76|another seq
all marks are taken|grep -v '@etl'|76|etl-via
begin is taken|tail -n +2|76|etl-via
end is taken|sed '$d'|75|cut off
the end, and more|head -n 3|75|cut off
bytes of the end|head -c 300|75|cut off
a record is taken|grep -v '"id":4'|76|1 records were lost .* etl-via
a record is dropped by jq|jq -c 'select(.id != 4)'|76|1 records were lost .* etl-via
a record comes twice|sed 's/.*"id":4,.*/&\n&/'|76|1 records were added .* etl-via
a record is added|sed '2a {"id":99}'|76|1 records were added .* etl-via
a reject is taken|grep -v '"raw":"{2"'|76|extract wrote 1 reject lines .*, but 0 arrived.* etl-via
a reject comes twice|sed '3s/.*/&\n&/'|76|extract wrote 1 reject lines .*, but 2 arrived.* etl-via
every line comes twice|sed p|76|begin
the order is turned|tac|76|has no begin mark before it
the order is lost|sort|76|records were lost
columns are cut|cut -c 1-90|76|broken mark
lines are joined|paste -sd,|76|broken mark
a count is changed|jq -c -f add.jq|76|records were lost
a seq is changed|sed 's/"seq":1/"seq":2/'|76|seq does not go up
a name is changed|sed 's/"name":"c"/"name":"d"/'|76|another name
a stage is added|sed 's/"stages":."extract"/&,"more"/'|76|stages
the version is older|sed 's/"version":1/"version":0/'|75|lost the race
the version is newer|sed 's/"version":1/"version":7/'|75|lost the race
another stream version|sed 's/"v":1,"id":"next"/"v":2,"id":"next"/'|76|version 2, newer than this program
a checkpoint out of order|sed '5{h;d;};8{G;}'|76|2 records were added
it is killed half-way|sh -c 'head -n 7; kill -9 $$'|75|cut off
Miller drops a record|mlr --ijsonl --ojsonl filter 'string($id) != "4"'|76|1 records were lost
EOP
# Segments before the fault are whole, and may be stored.
second='5|3|3|5|2'
for kind in sqlite postgresql; do
	table $kind
	while IFS='|' read -r what command wanted words; do
		[ "$(stored)" = "$before" ] || table $kind
		rc=0
		DATABASE_URL=$db timeout 60 sh -c "cat next | $command |
		    etl-load --table t --key id" 2>err || rc=$?
		# Nothing tells a plain stream from one that was robbed.
		if [ "$what" = 'all marks are taken' ]; then
			is "$kind: $what: a plain load, status" 0 $rc
			is "$kind: $what: no checkpoint, no letter" '1|1|1|1' \
			    "$(stored | cut -d'|' -f 2-)"
			continue
		fi
		is "$kind: $what: status" "$wanted" $rc
		like "$kind: $what: says so" "$words" "$(cat err)"
		now=$(stored)
		case $words in
		'cut off') may="$before $middle $second" ;;
		'1 records'*|'records'*|'seq'*) may="$before $middle" ;;
		*) may=$before ;;
		esac
		case " $may " in
		*" $now "*) now='whole segments' ;;
		esac
		is "$kind: $what: nothing is stored from there on" \
		    'whole segments' "$now"
	done <foreign

	# In a run the loader says so, too, and the row is no success.
	for command in "grep -v '@etl'" "grep -v '\"id\":4'" 'head -n 3'; do
		table $kind
		rc=0
		timeout 60 etl-run --db "$db" --name n -c "cat next |
		    $command | etl-load --table t --key id" 2>err || rc=$?
		like "$kind: in a run: $command: status" '^7[56]$' $rc
		is "$kind: in a run: $command: the row" failed \
		    "$(sql 'SELECT status FROM pipeline_runs')"
		like "$kind: in a run: $command: stored at most whole segments" \
		    "^(1\|1\|1\|1\|1|3\|2\|2\|3\|2)$" "$(stored)"
	done

	# The same by etl-via: rows as the command has them, all else whole.
	while IFS='|' read -r command rows; do
		table $kind
		rc=0
		DATABASE_URL=$db timeout 60 sh -c "cat next | etl-via $command |
		    etl-load --table t --key id" 2>err || rc=$?
		is "$kind: etl-via $command: status" 0 $rc
		is "$kind: etl-via $command: stored" "$rows|3|3|5|2" \
		    "$(stored)"
	done <<'EOP'
grep -v '"id":4'|5
jq -c 'select(.id != 4)'|5
sort -r|6
tac|6
tail -n +2|5
grep -v '@etl'|6
sed p|6
mlr --ijsonl --ojsonl filter '$id != 4'|5
EOP
	table $kind
	while IFS='|' read -r command words; do
		rc=0
		DATABASE_URL=$db timeout 60 sh -c "cat next | etl-via $command |
		    etl-load --table t --key id" 2>err || rc=$?
		is "$kind: etl-via $command: status" 69 $rc
		like "$kind: etl-via $command: told by the loader" \
		    "^etl-load: via: $words" "$(cat err)"
		is "$kind: etl-via $command: nothing is stored" "$before" \
		    "$(stored)"
	done <<'EOP'
false|false: exited with status 1
sh -c 'cat; exit 3'|sh: exited with status 3
sh -c 'cat; kill -9 $$'|sh: killed by signal KILL
sh -c 'exec <&-; echo "{}"'|sh: did not read all
EOP

	# Transports.
	mkfifo fifo.$kind
	while read -r command; do
		table $kind
		rc=0
		DATABASE_URL=$db timeout 60 sh -c "$command" 2>err || rc=$?
		is "$kind: $command: status" 0 $rc
		is "$kind: $command: stored" "$whole" "$(stored)"
	done <<EOP
cat next | etl-load --table t --key id
etl-load --table t --key id <next
gzip <next | base64 | tr -d '\\n' | base64 -d | zcat | etl-load --table t --key id
cat next >fifo.$kind & etl-load --table t --key id <fifo.$kind; wait
dd if=next bs=7 status=none | etl-load --table t --key id
while read -r l; do sleep 0.01; printf '%s\\r\\n' "\$l"; done <next | etl-load --table t --key id
sh -c 'etl-transform . 3>&1' <next | sh -c 'exec 3>&-; cat' | etl-load --table t --key id
cat next next | etl-load --table t --key id
EOP
	table $kind
	rc=0
	{ stream_next; stream_next other; } |
	    etl-load --db "$db" --table t --key id 2>err || rc=$?
	is "$kind: two streams from one checkpoint: the second has lost" \
	    "75 $whole" "$rc $(stored)"
	table $kind
	rc=0
	{ stream_next; stream_first late | sed 's/"c"/"d"/'; } |
	    etl-load --db "$db" --table t --key id 2>err || rc=$?
	is "$kind: two streams of two checkpoints" "0 6|3|3|5|2" "$rc $(stored)"
done
cd "$top"
done_testing
