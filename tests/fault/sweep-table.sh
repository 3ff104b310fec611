# shellcheck shell=sh disable=SC2016,SC2034,SC2089,SC2154
# For sweep.sh: the pipelines.  Each pipeline sets
#	source	the command that writes the stream; it may be killed too
#	rest	the stages after it; the last one stores the records
#	stages	the stages to kill: in source and rest the command of stage NAME
#		stands behind "$at_NAME"
#	cut	which states a kill may leave: boundary: those of the stream cut
#		after a boundary mark; line: those of the stream cut after any
#		line; end: the first and the last state only; any: all states
#	compare	how much of the state must be equal in the end: all: each column
#		of ledger and letters; sums: only the sums of the ledger,
#		because each run names its stream anew; letters: all but the
#		ledger, whose counts show what each run did; rows: rows and
#		letters only, because a stream without checkpoints commits
#		before its end and a repeated run counts records again
# and may set
#	script	the script to run instead of source and rest; source and rest
#		still give the states that a kill may leave
#	before	a command that is run once in an empty database
#	fresh	yes: the pipeline must create the control tables; ddl: also its
#		own tables
#	again	how many undisturbed runs the pipeline needs to complete
#	rows	SQL that reads the pipeline's own tables
#	seq	0: do not compare the number of the last mark, because a run
#		after a kill writes fewer marks
#	also	a command that prints further state

pipelines='fresh migrate created evolved append upsert unkeyed newer single plain aside marks-append
    marks-upsert several marks-ignore tables nested nested-marks changes
    marks-changes scopes scopes-two refresh mirror kept undone emitted
    history many via replay replay-again
    meanwhile replays replay-streams replay-versions replay-late put extract
    extract-upsert extract-jobs batch each-jobs singer singer-upsert files
    files-scopes files-save json json-upsert sql-append
    sql-upsert replay-raw save run run-extract run-via run-two
    run-branches run-append run-folders retries orphans takeover
    overlap tee drip drip-marks posts items'

# Records of $records and $marks; items of the API.
keep='if .n == 2 then error("two") elif .n == 5 then empty
else .m = (.m // "-") end'
several='if .n == 2 then error("two") else .in = ["log", "t", "no"][.n % 3] |
.m = (.m // "-") end'
nested='if .n == 2 then error("two") elif .n == 5 then empty else
.m = "-" | .log = [range(.n) as $i | {n: $i, m: "\(.k)"}] |
if .n % 3 == 0 then .log[1].n = "x" else . end end'
# Each record gives three changes of one row.  Applied twice, the second one is a
# reject, because the row with the new key is there.
change='if .n == 5 then empty else
{operation: "INSERT", data: .},
{operation: "UPDATE", data: {k: (.k + "!"), m: "moved"}, before: {k}},
{operation: "DELETE", data: {k}} end'
item='if .id == null then error("no id") elif .id == 16 then empty
else {k: .code, n: (if .id == 15 then "x" else .id end), m: .ts} end'

version='.at = "2026-05-0\(.n)" | del(.m) | if .n == 2 or .n == 3
then .k = "a" else . end'

into_log='$at_load etl-load --table log --flush 1h \
    --max-rejects 100% --batch'
into_t='$at_load etl-load --table t --key k --flush 1h \
    --max-rejects 100% --batch'
into_made='$at_load etl-load --table made --create --flush 1h \
    --max-rejects 100% --batch'
saved='cat "$records"'
letters="etl-transform 'error(\"no\")' --max-rejects 100% |
    etl-load --table log --max-rejects 100%"
replay='$at_replay etl-dlq replay --stage transform'
mended="\$at_transform etl-transform 'if .n == 5 then empty else .m = 0 end'"
old_tables='sh "$top/tests/support/sql-statement.sh" \
    "$top/sql/${DATABASE_URL%%:*}/control.sql" control_1 |
case $DATABASE_URL in
sqlite:*) sqlite3 x.db ;;
*) psql -Xq -d "$DATABASE_URL" ;;
esac'
in_database='case $DATABASE_URL in
sqlite:*) sqlite3 -cmd ".timeout 10000" x.db ;;
*) PGOPTIONS="-c client_min_messages=error" psql -XAtq \
    -v ON_ERROR_STOP=1 -d "$DATABASE_URL" ;;
esac'
drip='while read -r line; do printf "%s\n" "$line"; sleep .01; done'
marked='cat "$marks"'
# A run after a kill may have few records left, of which most are rejected.
transform='$at_transform etl-transform --max-rejects 100% "$keep"'
extract='$at_extract etl-extract --checkpoint s --cursor-field /seq \
    --since-param since --ordered --query-param by=seq \
    --paginate page --into query:page --size limit=3 --total /total'
items="$extract \"\$api/items?strict=1\""
transform_items='$at_transform etl-transform --max-rejects 100% "$item"'

# Each record has a STATE. The tap waits for the first mark, which comes after a
# second, so that a kill finds a run that has loaded a part.
singer='$at_extract etl-extract --checkpoint s --max-rejects 100% \
    --singer sh "$top/tests/fault/tap.sh"'

# In the directory "in", b.csv.gz was cut when an earlier run read it.  So the next
# run reads it last, after a mark.
files='$at_extract etl-extract --checkpoint f --new-files --jobs 2 \
    --types n:int --max-rejects 100% in'
cut_file='mkdir in && : >in/b.csv.gz'
mend='cp "$files_dir"/* in'

json='$at_extract etl-extract --checkpoint f --new-files --max-rejects 100% \
    "$json_dir"'

# A table of 22500 rows: a checkpoint mark stands after row 10000, row 20000 and
# the last row.  etl-transform drops all but nine rows.
rows_made="INSERT INTO source WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL
    SELECT n + 1 FROM r WHERE n < 22500) SELECT 'k' || n, n FROM r"
rows_view="CREATE VIEW source AS SELECT 'k' || n AS k, n
    FROM generate_series(1, 22500) AS n"
few='if .n % 2500 != 0 then empty elif .n == 7500 then error("no")
elif .n == 12500 then .n = "x" else . end'
from_sql='$at_extract etl-extract --checkpoint s --cursor-field /n'
transform_few='$at_transform etl-transform --max-rejects 100% "$few"'
make_view='psql -Xqd "$DATABASE_URL" -c "$rows_view"'

pipeline() {
	source=$saved rest="$transform | $into_t 2"
	stages='transform load' cut=boundary compare=all
	script='' pipeline='' seq=seq again=1 before='' fresh=no also=''
	rows="SELECT 'row', k, n, m FROM t ORDER BY k;
	    SELECT 'log', k, n, m FROM log ORDER BY k, n, m;"
	case $1 in
	fresh)
		fresh=yes stages=load rest="$transform | $into_log 2"
		;;
	migrate)
		before=$old_tables fresh=yes stages=load
		rest="$transform | $into_log 2"
		;;
	created)
		fresh=ddl stages=load rest="$transform | $into_made 2"
		rows="SELECT 'row', k, n, m FROM made ORDER BY k, n;"
		;;
	evolved)
		before="printf '{\"k\":\"a\"}\n' | $(without_stages "$into_made") 2 --key k"
		fresh=ddl stages=load cut=line compare=rows
		rest="$transform | $into_made 2 --key k --evolve"
		# A kill may leave a table with or without the new columns.
		rows="SELECT 'row', k FROM made ORDER BY k;"
		;;
	append)
		rest="$transform | $into_log 2"
		;;
	upsert)
		cut=line compare=rows
		;;
	unkeyed)
		# The index of the key is dropped while the stream comes, best
		# after a commit.  It can be made again only if no key has two
		# rows.
		stages=load cut=any compare=rows source='grep -v @etl "$records"'
		rest="$into_log 2 --key k 3>/dev/null"
		index="echo 'CREATE UNIQUE INDEX IF NOT EXISTS log_k
		    ON log (k);' | $in_database"
		script="$index && {
		    $source | sed 4q
		    for i in 1 2 3 4 5 6 7 8 9; do
			[ \"\$(echo 'SELECT count(*) FROM log;' |
			    $in_database)\" = 0 ] || break
		    done
		    echo 'DROP INDEX log_k;' | $in_database
		    $source; } | $rest
		    [ \$? -eq 78 ] && $index && $source | $(without_stages "$rest")"
		;;
	newer)
		cut=line compare=rows rest="$rest --newer-by n"
		;;
	single)
		rest="$transform | $into_t 2 --single-transaction"
		;;
	plain)
		source='grep -v @etl "$records"' cut=line compare=rows
		rest="{ $transform | $into_t 2; } 3>&1"
		;;
	aside)
		source='grep -v @etl "$records"' cut=any compare=rows
		rest="{ $rest; } 3>>rejects; \$at_put etl-dlq put rejects"
		stages='transform load put'
		;;
	marks-append)
		source=$marked rest="$transform | $into_log 1"
		;;
	marks-upsert)
		source=$marked rest="$transform | $into_t 1"
		;;
	several)
		# A kill may leave rows of a batch whose state is not committed.
		source=$marked rest="$transform | $into_t 1"
		cut=any compare=letters
		[ "$kind" != postgresql ] || rest="$rest --connections 2"
		;;
	marks-ignore)
		source=$marked rest="$transform | $into_t 1 --mode ignore"
		;;
	tables)
		# Records of both tables, and of none, in each segment.
		rest="\$at_transform etl-transform --max-rejects 100% \"\$several\" |
		    \$at_load etl-load --table-from /in --tables t=t,log=log \
		    --max-rejects 100% --flush 1h --batch 1"
		;;
	nested | nested-marks)
		# The elements of one record in three are refused.
		cut=line compare=rows
		[ "$1" = nested ] || source=$marked cut=boundary compare=all
		nested_into="$into_t 2 --nested t_log=/log"
		before="printf '{\"k\":\"a\",\"n\":0,\"log\":[{\"n\":1,\"m\":\"\"}]}\n' |
		    $(without_stages "$nested_into") --create"
		rest="\$at_transform etl-transform --max-rejects 100% \"\$nested\" |
		    $nested_into"
		rows="SELECT 'row', k, n, m FROM t ORDER BY k;
		    SELECT 'log', t_k, _index, n, m FROM t_log ORDER BY 2, 3;"
		;;
	changes | marks-changes)
		# Without checkpoints the load is one transaction.
		[ "$1" = changes ] || source=$marked
		rest="\$at_transform etl-transform \"\$change\" |
		    $into_t 1 --mode cdc"
		;;
	scopes)
		# A cut stream leaves the rows of the load before.
		before="printf '{\"k\":\"%s\",\"n\":7}\n' a b old |
		    $(without_stages "$into_log") 10"
		source=$marked
		rest="$transform | $into_log 1 --mode delete-insert --scope k"
		;;
	scopes-two)
		# Two loads of different scopes at once; one of them is killed.
		before="printf '{\"k\":\"%s\",\"n\":7}\n' a b xa old |
		    $(without_stages "$into_log") 10"
		rest="$transform | $into_log 1 --mode delete-insert --scope k \
		    --retries 9"
		stages=load cut=any compare=rows
		script="{ $source | $rest; } & sed 's/saved/other/
		    s/\"k\":\"/&x/' \"\$records\" | $(without_stages "$rest")
		    wait"
		;;
	refresh)
		before="printf '{\"k\":\"%s\",\"n\":7}\n' a b old |
		    $(without_stages "$into_log") 10"
		source=$marked
		rest="$transform | $into_log 1 --mode replace"
		;;
	mirror)
		before="printf '{\"k\":\"%s\",\"n\":7}\n' a b old |
		    $(without_stages "$into_t") 10"
		source=$marked rest="$transform | $into_t 1 --mode mirror"
		;;
	kept)
		before="printf '{\"k\":\"%s\",\"n\":7}\n' a b old |
		    $(without_stages "$into_t") 10"
		source=$marked rest="$transform | $into_t 1 --keep-before"
		rows="SELECT 'row', k, n, m FROM t ORDER BY k;
		    SELECT 'before', key, before, after FROM etl_before
		    ORDER BY key;"
		;;
	undone)
		# The stream is undone in two tables. A run after one that was
		# not killed finds nothing to undo.
		before="printf '{\"k\":\"%s\",\"n\":7}\n' a b old |
		    $(without_stages "$into_t") 10
		    $marked | $(without_stages "$transform | $into_t") 1 --keep-before
		    $marked | $(without_stages "$transform | $into_t" |
		    sed 's/--table t /--table copy /') 1 --keep-before --no-checkpoint"
		source='' rest='' stages=load cut=end
		script='$at_load etl-load --undo saved --with-checkpoint ||
		    [ $? -eq 1 ]'
		rows="SELECT 'row', k, n, m FROM t ORDER BY k;
		    SELECT 'copy', k, n, m FROM copy ORDER BY k;
		    SELECT 'before', target, key, before, after FROM etl_before
		    ORDER BY target, key;
		    SELECT 'status', target, status, version
		    FROM etl_before_runs ORDER BY target;"
		;;
	emitted)
		# The copy has all changes of the load or none.  After a kill, a
		# mirror gives it the changes that were lost.
		before="printf '{\"k\":\"%s\",\"n\":7}\n' a b old >old
		    $(without_stages "$into_t") 10 <old &&
		    etl-load --table copy --key k <old"
		source=$marked cut=any compare=rows
		rest="$transform | $into_t 1 --emit changes |
		    \$at_load2 etl-load --table copy --mode cdc"
		script="$source | $rest && etl-extract --table t --stream t \
		    \"\$DATABASE_URL\" | etl-load --table copy --mode mirror && : >whole"
		stages='transform load load2'
		rows="SELECT 'row', k, n, m FROM t ORDER BY k;
		    SELECT 'torn copy' FROM (SELECT k, n, m FROM t EXCEPT
		    SELECT k, n, m FROM copy) AS q WHERE EXISTS (SELECT 1
		    FROM copy WHERE n <> 7) LIMIT 1;"
		also='[ ! -e whole ] || etl-extract --table copy "$DATABASE_URL" | sort'
		;;
	history)
		# The first four records are changes of one key; the last one of
		# the stream comes late.
		source=$marked stages=load
		rest="etl-transform --max-rejects 100% '$version' |
		    \$at_load etl-load --table history --mode scd2 --key k \
		    --as-of at --max-rejects 100% --flush 1h --batch 1"
		rows="SELECT 'row', k, n, valid_from, valid_to, is_current
		    FROM history ORDER BY k, valid_from;"
		;;
	many)
		source=$marked rest="$transform | $into_log 1000"
		stages=load
		;;
	via)
		source="$marked | \$at_via etl-via --ok 0,1 grep -v '\"n\":4'"
		rest="$into_log 1" stages='via load'
		;;
	replay)
		before="$saved | $letters" source=$replay
		rest="$mended | $into_log 1"
		stages='replay transform load' compare=sums
		;;
	replay-again)
		before="$saved | $letters" source=$replay compare=rows cut=any
		rest="$transform | $into_log 1"
		stages='replay load'
		;;
	replays)
		before="$saved | $letters" source=$replay
		rest="$mended | $into_log 1"
		stages='replay load' compare=sums
		twice "$source | $rest"
		;;
	replay-streams)
		# The letters of two streams, each replayed by itself.
		before="for s in a b; do
		    sed \"s/\\\"saved\\\"/\\\"\$s\\\",\\\"stream\\\":\\\"\$s\\\"/\" \
		        \"\$records\" | $letters || exit; done"
		source="$replay --stream a" cut=any
		rest="$mended | $into_log 1"
		stages='replay transform load' compare=sums
		script="$source | $rest
		    $(without_stages "$replay --stream b | $rest")"
		;;
	replay-versions)
		# Two rejected records of one row: the replay loads both.
		before="etl-extract --stream v \"\$versions\" |
		    $(without_stages "$into_t") 10"
		source='$at_replay etl-dlq replay --stage load'
		rest="\$at_transform etl-transform '.n = 1' | $into_t 1"
		stages='replay transform load' compare=sums
		;;
	replay-late)
		# The rows of two letters exist: one was written before the
		# letter was stored, and one after it, so that its letter stays
		# open.
		before="$saved | $letters && echo \"CREATE TABLE late (k text
		    PRIMARY KEY, n bigint NOT NULL, m text, at timestamptz);
		    INSERT INTO late VALUES
		    ('a', 0, '', '2001-01-01T00:00:00Z'),
		    ('c', 0, '', '2999-01-01T00:00:00Z');\" | $in_database"
		source=$replay cut=end compare=letters
		rest="$mended | \$at_load etl-load --table late --key k \
		    --touch at --max-rejects 100% --batch 1"
		rows="SELECT 'row', k, n, m FROM late ORDER BY k;"
		stages='replay transform load'
		;;
	meanwhile)
		before="$saved | $letters" source='' rest='' cut=any
		stages='replay load' compare=sums again=2
		script="{ $replay | $mended | $into_log 1; } &
		    sed s/saved/other/ \"\$records\" | $letters; wait"
		;;
	put)
		before="$saved | $transform 3>rejects >/dev/null"
		source='' rest='$at_put etl-dlq put rejects'
		stages=put cut=end
		;;
	extract)
		source=$items rest="$transform_items | $into_log 1"
		stages='extract transform load' compare=sums
		;;
	extract-upsert)
		source=$items rest="$transform_items | $into_t 1"
		stages='extract transform load' compare=sums
		;;
	batch)
		source="$items | \$at_each etl-extract --stage each \\
		    --each \"\$api/listed?ids={ids}\" --batch-each 2 \\
		    --ids /code --count-as c --max-rejects 100%"
		rest="$transform_items | $into_log 1"
		stages='each load' compare=sums
		;;
	extract-jobs)
		source="$extract --jobs 3 \"\$api/items?strict=1\""
		rest="$transform_items | $into_t 1"
		stages='extract transform load' compare=sums
		;;
	each-jobs)
		source="$marked | \$at_each etl-extract --jobs 3 --count-as m \\
		    --each \"\$api/items?until={n}\""
		rest="$into_log 1" stages='each load'
		;;
	singer)
		source=$singer rest="$transform | $into_log 1" seq=0
		stages='extract load' compare=sums
		;;
	singer-upsert)
		source=$singer rest="$transform | $into_t 1" seq=0
		stages='extract load' compare=sums
		;;
	files)
		source=$files rest="$transform | $into_log 1"
		before="$cut_file && ! { $source | $rest; } 2>err &&
		    rm err && $mend"
		stages='extract load' compare=sums seq=0
		rows="$rows
		    SELECT 'file', path, size, status FROM etl_files
		    ORDER BY path;"
		;;
	files-scopes)
		# Files that were loaded before have changed, and one is new.
		source="\$at_extract etl-extract --checkpoint f --new-files \
		    --source-file src --jobs 2 --types n:int --max-rejects 100% in"
		rest="$into_log 1 --mode delete-insert --scope m \
		    --map m=/src --extra ignore --delete-despite-rejects --allow-empty"
		before="mkdir in && printf 'k,n\nold,1\n' >in/a.csv &&
		    printf 'k,n\nold,2\nold,3\n' >in/old.csv &&
		    $(without_stages "$source | $rest") 3>/dev/null &&
		    $mend && printf 'k,n\n' >in/old.csv"
		stages='extract load' compare=sums seq=0
		rows="$rows
		    SELECT 'file', path, size, status FROM etl_files
		    ORDER BY path;"
		;;
	files-save)
		source="$files --state file:state.json"
		rest="$transform | \$at_save etl-checkpoint save \\
		    --state file:state.json >out/\$\$"
		before="mkdir out && $cut_file && ! { $source | $rest; } 2>err &&
		    rm err && $mend"
		stages='extract save' cut=any
		also='sed "s/,\"mtime\":\"[^\"]*\"//g" state.json &&
		    cat out/* | grep "^{.*}$" | grep -v @etl | sort -u'
		;;
	json)
		source=$json rest="$transform | $into_log 1"
		stages='extract load' compare=sums seq=0
		;;
	json-upsert)
		source="\$at_extract etl-extract --stream j --max-rejects 100% \
		    \"\$json_dir\""
		rest="$transform | $into_t 2" stages='extract load'
		cut=line compare=rows
		;;
	sql-append)
		# The query leaves the bound out, so no row is appended twice.
		read_sql "--ordered --start 0 --query 'SELECT k, n FROM source
		    WHERE n > :since ORDER BY n'"
		rest="$transform_few | $into_log 1"
		;;
	sql-upsert)
		read_sql '--table source'
		rest="$transform_few | $into_t 1"
		;;
	replay-raw)
		before="etl-extract --stream f --max-rejects 100% \
		    \"\$files_dir/a.csv\" | $into_log 1"
		source='$at_replay etl-dlq replay'
		rest='$at_extract etl-extract --format csv --columns k,n -'
		rest="$rest | $into_log 1"
		stages='replay extract load' compare=sums
		;;
	save)
		source="$items --state file:state.json" before='mkdir out'
		rest="$transform_items |
		    \$at_save etl-checkpoint save --state file:state.json \\
		    >out/\$\$"
		stages='extract transform save' cut=end
		also='cat state.json && cat out/* | grep "^{.*}$" |
		    grep -v @etl | sort -u'
		;;
	run)
		stages='run transform load' cut=line compare=rows
		in_run "$transform <\"\$records\" | $into_t 2"
		;;
	run-extract)
		source=$items rest="$transform_items | $into_log 1"
		stages='run extract transform load' compare=sums
		in_run "$source | $rest"
		;;
	run-via)
		source="$items | \$at_via etl-via --ok 0,1 grep -v 000012"
		rest="$transform_items | $into_log 1"
		stages='run via load' compare=sums
		in_run "$source | $rest"
		;;
	run-two)
		stages='run transform load' cut=any compare=rows
		in_run "$transform <\"\$records\" | $into_t 2
		    $(without_stages "$items | $transform_items | $into_log 1")"
		;;
	run-branches)
		before='mkfifo fifo' cut=any compare=rows
		stages='run transform load load2'
		in_run "$transform <fifo | $into_t 1 --no-checkpoint &
		    tee fifo <\"\$marks\" | \$at_load2 ${into_log#* } 1; wait \$!"
		;;
	run-append)
		# A row of a run that has appended must say so: then the user
		# knows that another run appends the same rows again.
		stages='run transform load' cut=any compare=rows
		rows="SELECT 'told', (SELECT count(*) FROM log) =
		    (SELECT count(*) FROM pipeline_runs WHERE status = 'success'
		    OR error_message LIKE '%loaded completely: %log%') *
		    (SELECT count(DISTINCT k || n) FROM log);"
		in_run "etl-extract \"\$plain\" | $transform | $into_log 2"
		;;
	orphans)
		source=$marked rest="$transform | $into_log 1"
		stages=run compare=letters
		in_run "$drip <\"\$marks\" | $rest"
		script="$script; ${script#* }; true"
		;;
	takeover)
		# The second run has another lock folder, so only the row keeps
		# the stages of the first one from committing.
		source=$marked rest="$transform | $into_log 1"
		stages=run compare=letters
		in_run "$drip <\"\$marks\" | $rest"
		two_folders ';'
		;;
	run-folders)
		source=$items rest="$transform_items | $into_log 1"
		stages='run load' compare=sums
		in_run "$source | $rest"
		two_folders '&'
		;;
	retries)
		source=$items rest="$transform_items | $into_log 1"
		stages='extract transform load' compare=sums
		in_run "$source | $rest" '--retries 2 --backoff 1ms..2ms'
		;;
	tee)
		before='mkfifo fifo' source=$marked cut=any compare=rows
		rest="{ $into_log 1 <fifo & $transform | tee fifo |
		    \$at_load2 ${into_t#* } 1 --no-checkpoint && wait \$!; }"
		stages='load load2'
		;;
	overlap)
		before="etl-checkpoint set s 9007199254740999"
		source=$items rest="$transform_items | $into_log 1"
		stages='extract load' compare=sums
		twice "$source | $rest"
		;;
	drip)
		source="$drip <\"\$records\"" rest="$transform | $into_log 2"
		;;
	drip-marks)
		source="$drip <\"\$marks\"" rest="$transform | $into_t 1"
		;;
	posts)
		example posts/pipeline.sh ''
		stages='run extract each transform load' compare=rows
		rows="SELECT 'post', user_id, post_id, title, word_count
		    FROM user_activities ORDER BY post_id;"
		;;
	items)
		example items-api/items.sh /auth
		stages='run extract transform load' compare=sums
		rows="SELECT 'item', id, ts, value, value_scaled, source
		    FROM items ORDER BY id;"
		;;
	esac
}

# read_sql OPTIONS: the source is the table "source": that of $rows_db, or one in
# the database that is loaded.
read_sql() {
	source="$from_sql $1 \"sqlite:\$rows_db\""
	stages='extract load' compare=sums seq=0
	[ "$kind" = postgresql ] || return 0
	source="$from_sql $1 \"\$DATABASE_URL\"" before=$make_view
}

# in_run TEXT [OPTIONS]: makes the pipeline TEXT a run of etl-run.
in_run() {
	script="\$at_run etl-run --name p ${2-} -c '$1'"
	pipeline=p
}

# without_stages TEXT: prints TEXT so that none of its programs is killed.
# two_folders SEPARATOR: executes the run twice, each with a lock folder of its own.
two_folders() {
	script="mkdir -p out; XDG_STATE_HOME=\$PWD/out/1; export XDG_STATE_HOME
	    $script $1 XDG_STATE_HOME=\$PWD/out/2; ${script#* }; wait; true"
}
without_stages() {
	printf '%s' "$1" | sed 's/\$at_[a-z0-9]* //g'
}

# twice TEXT: runs TEXT twice at once; one of the two may exit with 75.
twice() {
	script="{ $1; } & { $(without_stages "$1"); }
	    wait"
}

# example SCRIPT PATH: runs an example with etl-run; it finds the programs in $shim.
example() {
	script="API_TOKEN=secret API_BASE_URL=\$api$2 PATH=\$shim:\$PATH \\
	    \$at_run etl-run --name p \"\$top/examples/$1\""
	cut=any fresh=ddl
}

# stream MEMBERS: prints a marked stream of nine records.  etl-transform drops one
# and rejects two with equal bytes, and etl-load rejects one.  If MEMBERS is not
# empty, a checkpoint mark stands after each third record.
counts() {
	printf '"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,' "$1"
	echo '"rejected":0}]}'
}
stream() {
	printf '{"@etl":"begin","v":1,"id":"saved",%s"stages":["extract"]}\n' \
	    "$1"
	n=0
	for record in '{"k":"a", "n":1,"m":"\u00e9"}' '{"k":"b","n": 2 }' \
	    '{"k":"c","n":3,"m":"é"}' '{"k":"d","n":4}' '{"k":"e","n":5}' \
	    '{"k":"f","n":6,"m":"\t"}' '{"k":"g","n":"x"}' \
	    '{"k":"h","n":8}' '{"k":"b","n": 2 }'; do
		printf '%s\n' "$record"
		n=$((n + 1))
		case $1-$((n % 3)) in
		?*-0) ;;
		*) continue ;;
		esac
		printf '{"@etl":"checkpoint","name":"s","seq":%d,' $((n / 3))
		printf '"from":null,"version":0,"value":"%d",' $n
		counts $n
	done
	printf '{"@etl":"end",%s' "${1:+\"seq\":3,}"
	counts 9
}

# Makes wrappers in $shim that run the real programs behind "$at_NAME".
make_shims() {
	shim=$scratch/shim
	mkdir "$shim"
	for name in extract transform load; do
		echo "case \" \$* \" in
		*' --each '*) exec \$at_each $(command -v etl-$name) \"\$@\" ;;
		*) exec \$at_$name $(command -v etl-$name) \"\$@\" ;;
		esac" >"$shim/etl-$name"
	done
	sed -i '1i #!/bin/sh' "$shim"/*
	chmod +x "$shim"/*
}

# What the pipelines read.
inputs() {
	make_shims
	records=$scratch/records marks=$scratch/marks
	stream '' >"$records"
	stream '"checkpoint":"s",' >"$marks"
	api_start --items 1 --posts 6 --max-time 86400
	versions=$scratch/versions.ndjson
	printf '{"k":"%s","n":"%s","m":"%d"}\n' a x 1 b x 2 a y 3 \
	    >"$versions"
	files_dir=$scratch/files
	mkdir "$files_dir"
	printf 'k,n,m\na,1,"x\ny"\nb,2,\nc,3\nc,5\n' >"$files_dir/a.csv"
	printf 'k,n,m\nd,4,x\ne,5,y\n' | gzip -nc >"$files_dir/b.csv.gz"
	echo '{"k":"f","n":6}' | zstd -qc >"$files_dir/c.ndjson.zst"
	json_dir=$scratch/json rows_db=$scratch/rows.db
	mkdir "$json_dir"
	printf '[{"k":"a","n":1},%100000s{"k":"b", "n":2}, 3, {"k":"c","n":"x"}]' \
	    '' >"$json_dir/a.json"
	printf '[{"k":"d","n":5},{"k":"e","n":6,"m":"y"}]' |
	    gzip -nc >"$json_dir/b.json.gz"
	printf '{"k":"f","n":7}\n\n{"k":"g","n":8}' >"$json_dir/c.json"
	sqlite3 "$rows_db" "CREATE TABLE source (k text, n integer); $rows_made"
	plain=$scratch/plain.ndjson
	grep -v @etl "$records" >"$plain"
	curl -sS "$api/control/items/18/10" >"$scratch/items"
	# shellcheck disable=SC2090
	export records marks files_dir json_dir plain versions api keep item \
	    change several nested few rows_db rows_view shim top
}
