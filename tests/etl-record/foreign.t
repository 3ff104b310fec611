#!/bin/sh
# A command that knows nothing of marks (such as grep or sort) changes the lines
# of a stream with checkpoints and rejects. etl-load says so and stores nothing
# from the fault on. If etl-via runs the same command, no mark is lost. Commands
# that only transport the stream (such as gzip) do no harm.
# shellcheck disable=SC2016 # the commands' own $
. tests/support/lib.sh
. tests/etl-record/streams.sh

cd "$scratch"
stream_next >next
cat >add.jq <<'EOP'
if .["@etl"] == "end" then .stages[0].out += 1 else . end
EOP
# Each line: what the command does, the command, the wanted exit status of
# etl-load, and a pattern of the message.
cat >foreign <<'EOP'
a mark checkpoint is removed|grep -v '"checkpoint","name"'|76|another seq
all marks are removed|grep -v '@etl'|76|etl-via
the mark begin is removed|tail -n +2|76|etl-via
the mark end is removed|sed '$d'|75|cut off
all lines after the third are removed|head -n 3|75|cut off
all after the first 300 bytes is removed|head -c 300|75|cut off
a record is removed|grep -v '"id":4'|76|1 records were lost .*etl-via
jq drops a record|jq -c 'select(.id != 4)'|76|1 records were lost .*etl-via
a record comes twice|sed 's/.*"id":4,.*/&\n&/'|76|1 records were added .*etl-via
a record is added|sed '2a {"id":99}'|76|1 records were added .*etl-via
a reject is removed|grep -v '"raw":"{2"'|76|extract wrote 1 reject lines .*, but 0 arrived.*etl-via
a reject comes twice|sed '3s/.*/&\n&/'|76|extract wrote 1 reject lines .*, but 2 arrived.*etl-via
every line comes twice|sed p|76|begin
the order of the lines is reversed|tac|76|has no begin mark before it
the lines are sorted|sort|76|records were lost
each line is cut after 90 characters|cut -c 1-90|76|broken mark
all lines are joined into one|paste -sd,|76|broken mark
a count in the mark end is changed|jq -c -f add.jq|76|records were lost
the seq of a mark is changed|sed 's/"seq":1/"seq":2/'|76|seq does not go up
the name of the checkpoint is changed|sed 's/"name":"c"/"name":"d"/'|76|another name
a stage is added to the marks|sed 's/"stages":."extract"/&,"more"/'|76|stages
the version of the checkpoint is older|sed 's/"version":1/"version":0/'|75|, but [0-9]+ was expected
the version of the checkpoint is newer|sed 's/"version":1/"version":7/'|75|, but [0-9]+ was expected
the version of the format is newer|sed 's/"v":1,"id":"next"/"v":2,"id":"next"/'|76|version 2, newer than this program
a mark checkpoint comes later|sed '5{h;d;};8{G;}'|76|2 records were added
the command is killed half-way|sh -c 'head -n 7; kill -9 $$'|75|cut off
Miller drops a record|mlr --ijsonl --ojsonl filter 'string($id) != "4"'|76|1 records were lost
EOP
# Complete segments before the fault may be stored. This is the state after the
# second of them.
second='5|3|3|5|2'
for kind in sqlite postgresql; do
	new_database $kind
	while IFS='|' read -r what command wanted words; do
		[ "$(stored)" = "$before" ] || new_database $kind
		rc=0
		DATABASE_URL=$db timeout 60 sh -c "cat next | $command |
		    etl-load --table t --key id" 2>err || rc=$?
		# A stream without any mark looks like plain input, so etl-load
		# cannot find this fault.
		if [ "$what" = 'all marks are removed' ]; then
			is "$kind: $what: etl-load exits with 0" 0 $rc
			is "$kind: $what: no letter, no moved checkpoint" \
			    '1|1|1|1' \
			    "$(stored | cut -d'|' -f 2-)"
			continue
		fi
		is "$kind: $what: etl-load exits with $wanted" "$wanted" $rc
		like "$kind: $what: the message names the fault" \
		    "$words" "$(cat err)"
		now=$(stored)
		case $words in
		'cut off') may="$before $middle $second" ;;
		'1 records'*|'records'*|'seq'*) may="$before $middle" ;;
		*) may=$before ;;
		esac
		case " $may " in
		*" $now "*) now='whole segments' ;;
		esac
		is "$kind: $what: only complete segments are stored" \
		    'whole segments' "$now"
	done <foreign

	# Inside etl-run the loader finds these faults too, also a stream without
	# any mark, and the run fails.
	for command in "grep -v '@etl'" "grep -v '\"id\":4'" 'head -n 3'; do
		new_database $kind
		rc=0
		timeout 60 etl-run --db "$db" --name n -c "cat next |
		    $command | etl-load --table t --key id" 2>err || rc=$?
		like "$kind: inside etl-run: $command: exit code 75 or 76" \
		    '^7[56]$' $rc
		is "$kind: inside etl-run: $command: the run has the status failed" \
		    failed \
		    "$(sql 'SELECT status FROM pipeline_runs')"
		like "$kind: inside etl-run: $command: only complete segments are stored" \
		    "^(1\|1\|1\|1\|1|3\|2\|2\|3\|2)$" "$(stored)"
	done

	# The same commands through etl-via: the command decides which rows are
	# stored. Letters and checkpoint are complete.
	while IFS='|' read -r command rows; do
		new_database $kind
		rc=0
		DATABASE_URL=$db timeout 60 sh -c "cat next | etl-via $command |
		    etl-load --table t --key id" 2>err || rc=$?
		is "$kind: etl-via $command: etl-load exits with 0" 0 $rc
		is "$kind: etl-via $command: $rows rows and all letters are stored" \
		    "$rows|3|3|5|2" \
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
	new_database $kind
	while IFS='|' read -r command words; do
		rc=0
		DATABASE_URL=$db timeout 60 sh -c "cat next | etl-via $command |
		    etl-load --table t --key id" 2>err || rc=$?
		is "$kind: etl-via $command: etl-load exits with 69" 69 $rc
		like "$kind: etl-via $command: etl-load prints the cause" \
		    "^etl-load: via: $words" "$(cat err)"
		is "$kind: etl-via $command: nothing is stored" "$before" \
		    "$(stored)"
	done <<'EOP'
false|false: exited with status 1
sh -c 'cat; exit 3'|sh: exited with status 3
sh -c 'cat; kill -9 $$'|sh: killed by signal KILL
sh -c 'exec <&-; echo "{}"'|sh: did not read all
EOP

	# Commands that only transport the stream.
	mkfifo fifo.$kind
	while read -r command; do
		new_database $kind
		rc=0
		DATABASE_URL=$db timeout 60 sh -c "$command" 2>err || rc=$?
		is "$kind: $command: exit code 0" 0 $rc
		is "$kind: $command: the whole stream is stored" \
		    "$whole" "$(stored)"
	done <<EOP
cat next | etl-load --table t --key id
etl-load --marked --table t --key id <next
gzip <next | base64 | tr -d '\\n' | base64 -d | zcat | etl-load --table t --key id
cat next >fifo.$kind & etl-load --table t --key id <fifo.$kind; wait
dd if=next bs=7 status=none | etl-load --table t --key id
while read -r l; do sleep 0.01; printf '%s\\r\\n' "\$l"; done <next | etl-load --table t --key id
sh -c 'etl-transform --marked . 3>&1' <next | sh -c 'exec 3>&-; cat' | etl-load --table t --key id
cat next next | etl-load --table t --key id
EOP
	new_database $kind
	rc=0
	{ stream_next; stream_next other; } |
	    etl-load --db "$db" --table t --key id 2>err || rc=$?
	is "$kind: two streams from one checkpoint: the second loses the race (75)" \
	    "75 $whole" "$rc $(stored)"
	new_database $kind
	rc=0
	{ stream_next; stream_first late | sed 's/"c"/"d"/'; } |
	    etl-load --db "$db" --table t --key id 2>err || rc=$?
	is "$kind: two streams of two checkpoints: both are stored, exit code 0" \
	    "0 6|3|3|5|2" "$rc $(stored)"
done
cd "$top"
done_testing
