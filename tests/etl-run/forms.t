#!/bin/sh
# shellcheck disable=SC2016
# etl-run with a script, -c and -: how etl-run starts the script, what the
# script gets, and what each end of the script means.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"

row() {
	sql "SELECT status, attempt, coalesce(error_message, '-')
	    FROM pipeline_runs WHERE pipeline = '$1' ORDER BY id DESC LIMIT 1"
}

cat >plain.sh <<'S'
printf '%s\n' "$0" "$#" "$1" "$2"
S
is 'a script that is not executable exits with 0' 0 \
    "$(status etl-run plain.sh 'a b' c)"
is 'sh runs the script with its arguments' "./plain.sh
2
a b
c" "$(cat out)"
is 'a successful run prints nothing on standard error' '' "$(cat err)"
is 'the pipeline is named after the file' 'success|1|-' "$(row plain)"

{ echo '#!/bin/bash'; echo 'a=(x y); echo "${a[1]}"'; } >shebang.x.sh
chmod +x shebang.x.sh
is 'an executable script exits with 0' 0 \
    "$(status etl-run "$scratch/shebang.x.sh")"
is 'the #! line of an executable script is used' y "$(cat out)"
is 'the name of a pipeline loses only the last suffix' 'success|1|-' \
    "$(row shebang.x)"

echo 'echo "no shebang: $1"' >bare
chmod +x bare
is 'an executable file without #! exits with 0' 0 "$(status etl-run bare arg)"
is 'sh runs an executable file without #!' 'no shebang: arg' "$(cat out)"
echo 'echo dash' >./-x.sh
is 'a script whose name begins with a dash exits with 0' 0 \
    "$(status etl-run -- -x.sh)"
is 'a script whose name begins with a dash is run' dash "$(cat out)"

is '-c with a command exits with 0' 0 \
    "$(status etl-run -c 'echo "$1-$2"' one two)"
is '-c passes the arguments to its command' one-two "$(cat out)"
is '--command with a pipe exits with 0' 0 \
    "$(status etl-run --command 'echo x | cat')"
is '-c gives the same text the same name' 2 "$(etl-run -c : && etl-run -c : &&
    sql "SELECT count(*) FROM pipeline_runs WHERE pipeline = (SELECT
    pipeline FROM pipeline_runs ORDER BY id DESC LIMIT 1)")"

rc=0
echo 'echo "$1"; cat' | etl-run --name dash - arg >out 2>err || rc=$?
is '- with a script on standard input exits with 0' 0 $rc
is 'the script of - finds its standard input empty' arg "$(cat out)"
rc=0
printf 'echo a\0b' | etl-run - >out 2>err || rc=$?
is '- exits with 65 if the script has a NUL byte' 65 $rc
rc=0
yes | head -c 200000 | etl-run - >out 2>err || rc=$?
is '- exits with 65 if the script is too long' 65 $rc
like 'the message says that the script is too long' \
    'script on stdin: longer than' "$(cat err)"

rc=0
echo data | etl-run -c cat >out 2>err || rc=$?
is 'the pipeline reads the standard input of etl-run' data "$(cat out)"
echo data | etl-run --retries 1 -c cat >out 2>err
is 'with --retries the pipeline gets an empty standard input' '' "$(cat out)"
is 'a script without a load gets no warning of unread input' '' "$(cat err)"
echo '{"id":1}' >in.ndjson
sql 'CREATE TABLE t (id int)'
is 'a load of the unread input exits with 0' 0 "$(status etl-run --retries 1 \
    -c 'etl-load --table t' <in.ndjson)"
like 'a warning says that standard input was not read' \
    'warning: sh-.*: standard input was not read, because another attempt' \
    "$(cat err)"
is 'with --retries a load of an empty input exits with 0' 0 \
    "$(status etl-run --retries 1 -c 'etl-load --table t' </dev/null)"
is 'an empty standard input causes no warning' '' "$(cat err)"
is 'with --retries a load of a file exits with 0' 0 \
    "$(status etl-run --retries 1 \
    -c 'etl-load --table t <in.ndjson' <in.ndjson)"
is 'a file as standard input causes no warning' '' "$(cat err)"

# The environment, the descriptors and the TRACEPARENT that the script gets.
cat >env.sh <<'S'
cd /
echo "$ETL_RUN $ETL_PIPELINE $ETL_ATTEMPT $DATABASE_URL"
echo "$TRACEPARENT"
if { true >&3; } 2>/dev/null; then echo 3 open; else echo 3 closed; fi
S
rc=0
(DATABASE_URL=sqlite:rel.db etl-run env.sh 3>three >out 2>err) || rc=$?
run=$(sqlite3 rel.db 'SELECT run FROM pipeline_runs')
is 'the script gets ETL_RUN, its name and the database' \
    "$run env 1 sqlite:$scratch/rel.db" "$(head -n 1 out)"
like 'etl-run makes a TRACEPARENT' '^00-[0-9a-f]{32}-[0-9a-f]{16}-01$' \
    "$(sed -n 2p out)"
is 'file descriptor 3 is closed for the script' '3 closed' "$(tail -n 1 out)"
trace=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
is 'etl-run passes on a valid TRACEPARENT' $trace \
    "$(TRACEPARENT=$trace etl-run -c 'echo $TRACEPARENT')"
isnt 'etl-run replaces an invalid TRACEPARENT' 00-0 \
    "$(TRACEPARENT=00-0 etl-run -c 'echo $TRACEPARENT')"
is 'the row has the TRACEPARENT' $trace \
    "$(sql "SELECT traceparent FROM pipeline_runs WHERE traceparent LIKE
    '00-0af7651916cd%'")"
mkdir sub
(cd sub && ETL_ATTEMPT=7 DATABASE_URL='' etl-run -c 'echo $ETL_ATTEMPT') >out
is 'ETL_ATTEMPT of the environment is replaced' 1 "$(cat out)"
ok 'the default database is etl.db in the working directory' test -s sub/etl.db
ok 'a symbolic link gives the same DATABASE_URL as its file' \
    sh -c 'ln -s 1.db l.db &&
    etl-run --db sqlite:l.db -c "test \$DATABASE_URL = $0"' "$db"

# The exit code of etl-run and the message in the row for each end of a script.
is 'etl-run exits with the code of the script' 5 \
    "$(status etl-run --name n -c 'exit 5')"
is 'the row has the exit code of the script' \
    'failed|1|the script exited with 5' "$(row n)"
is 'a failed run prints one line' 1 "$(wc -l <err | tr -d ' ')"
like 'the line has the name, the cause and the run' \
    '^etl-run: n: failed in [0-9.]+s: the script exited with 5; see: etl-status --run [0-9a-f]{8}$' "$(cat err)"
is 'the cause is the last line if no etl program printed one' \
    'failed|1|the script exited with 5: why' \
    "$(etl-run --name n -c 'echo x >&2; echo why >&2; exit 5' 2>err || :
    row n)"
is 'standard error is passed on, with the pipeline name' 'n: x
n: why' "$(head -n 2 err)"
is 'the cause is the first error of an etl program' 'failed|1|etl-extract: a: b
  more
\tstill' "$(etl-run --name n -c 'printf "%s\n" "etl-load: warning: w" "cat: no" \
    "etl-extract: a: b" "  more" "	still" "etl-load: c: d" "  e" >&2
    exit 66' 2>err || :; row n)"
is 'a run whose stage prints an error keeps exit code 66' 66 \
    "$(status etl-run -c \
    'echo "etl-extract: a: b" >&2; exit 66')"
is 'the cause is the message that other stages repeat' \
    'failed|1|etl-extract: a: b' "$(etl-run --name n -c 'printf "%s\n" \
    "etl-load: extract: a: b" "etl-transform: extract: a: b" \
    "etl-extract: a: b" >&2; exit 66' 2>err || :; row n)"
is 'a message that is repeated may name its stage extract.2' \
    'failed|1|etl-extract: a: b' "$(etl-run --name n -c 'printf "%s\n" \
    "etl-load: nothing loaded: extract.2: a: b" "etl-extract: a: b" >&2; exit 66' 2>err ||
    :; row n)"
is 'a message that names stage trans is not of etl-transform' \
    'failed|1|etl-load: trans: a' "$(etl-run --name n -c 'printf "%s\n" \
    "etl-load: trans: a" "etl-transform: b" >&2; exit 66' 2>err || :; row n)"
is 'the summary of a successful load is not the cause' \
    'failed|1|etl-load: d: e' "$(etl-run --name n -c 'printf "%s\n" \
    "etl-load: t in sqlite:x: 9 in, 9 inserted" "etl-load: d: e" >&2
    exit 66' 2>err || :; row n)"
printf 'printf "etl-load: \\033[31m \\377 \\302\\205 x" >&2; exit 1' >esc.sh
rc=0; etl-run esc.sh 2>err || rc=$?
is 'control characters are escaped in the row' \
    'failed|1|etl-load: \u001b[31m \xff \u0085 x' "$(row esc)"
is 'a command that does not exist exits with 78' 78 \
    "$(status etl-run --name n -c no-such-program)"
like 'the row names the command that does not exist' \
    'exited with 127: .*no-such-program' "$(row n)"
is 'a command without execute permission exits with 77' 77 \
    "$(status etl-run -c "$scratch/plain.sh")"
# sh does not report the exit status of a program in the middle of a pipe.
echo '{"a":1}' >a.ndjson
for shell in dash bash; do
	for command in no-such-program /no/such/program; do
		{
			echo "#!/usr/bin/env $shell"
			echo "etl-extract a.ndjson | $command -x |"
			echo 'etl-transform . >/dev/null'
		} >middle
		chmod +x middle
		is "$shell: $command in a pipe exits with 78" 78 \
		    "$(status etl-run \
		    --retries 2 --backoff 1ms..1ms middle)"
		like "$shell: the row names $command" \
		    "$command: " "$(row middle)"
	done
done
is 'a missing program is not retried' 4 \
    "$(sql "SELECT count(*) FROM pipeline_runs
    WHERE pipeline = 'middle'")"
is 'a run is retried if the program "not found" does exist' '75|2' \
    "$(status etl-run --name says \
    --retries 1 --backoff 1ms..1ms -c 'etl-extract a.ndjson |
    { echo "x: 1: cat: not found" >&2; exit 127; } |
    etl-transform . >/dev/null')|$(sql "SELECT count(*) FROM
    pipeline_runs WHERE pipeline = 'says'")"
is 'a script with a missing interpreter exits with 78' 78 \
    "$(printf '#!/no/where\n' >i; chmod +x i
    status etl-run i)"
like 'the message says that the interpreter does not exist' \
    '^etl-run: ./i: the interpreter in its first line does not exist' \
    "$(cat err)"
is 'the cause has the last line of a foreign program' \
    "failed|1|etl-transform: the stream was cut off: it has no end mark: the program before this one was killed; if it is not an etl program, run it as \"etl-via COMMAND\"; another program printed before that: KeyError: 'x'" \
    "$(etl-run --name n -c 'printf "%s\n" "hello" "KeyError: '"'x'"'" >&2
    echo "etl-load: warning: w" >&2; head -c 0 </dev/null |
    etl-transform .' >out 2>err || :; row n)"
is 'a file name of 220 characters exits with 64' 64 \
    "$(n=$(printf %0220d 1).sh; echo : >"$n"
    status etl-run "$n")"
is 'a file name of 200 characters exits with 0' 0 \
    "$(n=$(printf %0200d 1).sh; echo : >"$n"
    status etl-run "$n")"
is 'a pipeline name of 200 characters is stored in full' 200 \
    "$(sql "SELECT length(pipeline) FROM pipeline_runs
    ORDER BY id DESC LIMIT 1")"
is 'a script that SIGKILL ends exits with 75' 75 \
    "$(status etl-run --name n -c 'kill -9 $$')"
is 'the row names SIGKILL' 'failed|1|killed by SIGKILL' "$(row n)"
is 'a last stage that SIGKILL ends exits with 75' 75 \
    "$(status etl-run --name n -c 'true | sh -c "kill -9 \$\$"')"
is 'the row names SIGKILL only once' 'failed|1|killed by SIGKILL' "$(row n)"
is 'a script that crashes exits with 70' 70 \
    "$(status etl-run --name n -c 'kill -SEGV $$')"
is 'a script that SIGPIPE ends exits with 74' 74 \
    "$(status etl-run --name n -c 'kill -PIPE $$')"

# Errors that etl-run reports before it starts the script.
before=$(sql 'SELECT count(*) FROM pipeline_runs')
is 'a missing script exits with 66' 66 "$(status etl-run none.sh)"
like 'the message names the missing script' '^etl-run: none.sh: No such file' \
    "$(cat err)"
is 'a folder as the script exits with 66' 66 "$(status etl-run "$scratch")"
is 'etl-run without a script exits with 64' 64 "$(status etl-run)"
is 'an empty --name exits with 64' 64 "$(status etl-run --name '' -c :)"
is 'a --name with an escape character exits with 64' 64 \
    "$(status etl-run --name "$(printf '\033')" -c :)"
is 'a --timeout that is no duration exits with 64' 64 \
    "$(status etl-run --timeout soon -c :)"
is 'a --timeout that overflows exits with 64' 64 \
    "$(status etl-run --timeout 106751991167d -c :)"
is 'a --backoff without a range exits with 64' 64 \
    "$(status etl-run --backoff 5 -c :)"
is 'an invalid INITIAL_BACKOFF exits with 78' 78 \
    "$(INITIAL_BACKOFF=x status etl-run -c :)"
is 'an unknown option exits with 64' 64 "$(status etl-run --nope -c :)"
is 'a database in a missing folder exits with 73' 73 \
    "$(status etl-run --db sqlite:/no/where/x.db -c :)"
is 'a SQLite database in memory exits with 78' 78 \
    "$(status etl-run --db sqlite::memory: -c :)"
is 'a SQLite URL with a host exits with 78' 78 \
    "$(status etl-run --db sqlite://x.db -c :)"
is 'an unknown kind of database exits with 78' 78 \
    "$(status etl-run --db mysql://x -c 'echo no')"
is 'an unreachable server exits with 75' 75 \
    "$(status etl-run --db postgresql://127.0.0.1:1/x -c 'echo no')"
is 'the script is not run if the server is unreachable' '' "$(cat out)"
is 'none of these calls adds a row' "$before" \
    "$(sql 'SELECT count(*) FROM pipeline_runs')"
is 'a password in --db with an unreachable server exits with 75' 75 \
    "$(status etl-run --db postgresql://u:pw@127.0.0.1:1/x -c :)"
like 'the message warns of a password on the command line' \
    'warning: --db: .*DATABASE_URL' "$(cat err)"
unlike 'the other messages do not show the password' 'pw' \
    "$(grep -v warning err)"

is '-v exits with 0' 0 "$(status etl-run -v --name n -c :)"
like '-v prints a summary of the run' \
    '^etl-run: n: success in [0-9.]+s: no loads \(run [0-9a-f]{8}\)$' \
    "$(cat err)"
rc=0; etl-run -v --name n -c 'echo x' >/dev/full 2>/dev/null || rc=$?
isnt 'a stage that writes to a full disk fails' 0 $rc
rc=0; etl-run -c 'echo x >&2; echo done >ok' 2>/dev/full || rc=$?
is 'a standard error that is full does not fail the run' '0 done' \
    "$rc $(cat ok)"
rc=0; etl-run -c ': >ok2' <&- >&- 2>&- || rc=$?
is 'a run with descriptors 0, 1 and 2 closed exits with 0' 0 $rc
done_testing
