#!/bin/sh
# shellcheck disable=SC2016
# A script, -c and -: how it is run, what it gets, what its end means.
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
is 'a script that is not executable' 0 "$(status etl-run plain.sh 'a b' c)"
is 'is run by sh, with its arguments' "./plain.sh
2
a b
c" "$(cat out)"
is 'silence on success' '' "$(cat err)"
is 'named after the file' 'success|1|-' "$(row plain)"

{ echo '#!/bin/bash'; echo 'a=(x y); echo "${a[1]}"'; } >shebang.x.sh
chmod +x shebang.x.sh
is 'an executable script' 0 "$(status etl-run "$scratch/shebang.x.sh")"
is 'is executed' y "$(cat out)"
is 'only the last suffix is left out' 'success|1|-' "$(row shebang.x)"

echo 'echo "no shebang: $1"' >bare
chmod +x bare
is 'an executable file without #!' 0 "$(status etl-run bare arg)"
is 'is run by sh' 'no shebang: arg' "$(cat out)"
echo 'echo dash' >./-x.sh
is 'a name with a dash' 0 "$(status etl-run -- -x.sh)"
is 'is no option of sh' dash "$(cat out)"

is '-c' 0 "$(status etl-run -c 'echo "$1-$2"' one two)"
is '-c: its arguments' one-two "$(cat out)"
is '--command is the same' 0 "$(status etl-run --command 'echo x | cat')"
is '-c: the same text has one name' 2 "$(etl-run -c : && etl-run -c : &&
    sql "SELECT count(*) FROM pipeline_runs WHERE pipeline = (SELECT
    pipeline FROM pipeline_runs ORDER BY id DESC LIMIT 1)")"

rc=0
echo 'echo "$1"; cat' | etl-run --name dash - arg >out 2>err || rc=$?
is '- reads the script' 0 $rc
is '- leaves nothing of stdin for it' arg "$(cat out)"
rc=0
printf 'echo a\0b' | etl-run - >out 2>err || rc=$?
is '- with NUL' 65 $rc
rc=0
yes | head -c 200000 | etl-run - >out 2>err || rc=$?
is '- too long' 65 $rc
like '- too long: says so' 'script on stdin: longer than' "$(cat err)"

rc=0
echo data | etl-run -c cat >out 2>err || rc=$?
is 'stdin goes to the pipeline' data "$(cat out)"
echo data | etl-run --retries 1 -c cat >out 2>err
is 'not where it could be wanted twice' '' "$(cat out)"
is 'of which a script that reads none hears nothing' '' "$(cat err)"
echo '{"id":1}' >in.ndjson
sql 'CREATE TABLE t (id int)'
is 'records that no run is given' 0 "$(status etl-run --retries 1 \
    -c 'etl-load --table t' <in.ndjson)"
like 'are told' 'warning: sh-.*: standard input was not read, because another attempt' \
    "$(cat err)"
is 'none' 0 "$(status etl-run --retries 1 -c 'etl-load --table t' </dev/null)"
is 'of which nothing is told' '' "$(cat err)"
is 'those of a file' 0 "$(status etl-run --retries 1 \
    -c 'etl-load --table t <in.ndjson' <in.ndjson)"
is 'neither' '' "$(cat err)"

# What the stages get.
cat >env.sh <<'S'
cd /
echo "$ETL_RUN $ETL_PIPELINE $ETL_ATTEMPT $DATABASE_URL"
echo "$TRACEPARENT"
if { true >&3; } 2>/dev/null; then echo 3 open; else echo 3 closed; fi
S
rc=0
(DATABASE_URL=sqlite:rel.db etl-run env.sh 3>three >out 2>err) || rc=$?
run=$(sqlite3 rel.db 'SELECT run FROM pipeline_runs')
is 'environment of the stages' \
    "$run env 1 sqlite:$scratch/rel.db" "$(head -n 1 out)"
like 'a trace is made' '^00-[0-9a-f]{32}-[0-9a-f]{16}-01$' \
    "$(sed -n 2p out)"
is 'descriptor 3 is closed' '3 closed' "$(tail -n 1 out)"
trace=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
is 'a trace is passed on' $trace \
    "$(TRACEPARENT=$trace etl-run -c 'echo $TRACEPARENT')"
isnt 'a broken one is not' 00-0 \
    "$(TRACEPARENT=00-0 etl-run -c 'echo $TRACEPARENT')"
is 'and stands in the row' $trace \
    "$(sql "SELECT traceparent FROM pipeline_runs WHERE traceparent LIKE
    '00-0af7651916cd%'")"
mkdir sub
(cd sub && ETL_ATTEMPT=7 DATABASE_URL='' etl-run -c 'echo $ETL_ATTEMPT') >out
is 'the attempt is its own' 1 "$(cat out)"
ok 'the default database' test -s sub/etl.db
ok 'a symbolic link is the same database' sh -c 'ln -s 1.db l.db &&
    etl-run --db sqlite:l.db -c "test \$DATABASE_URL = $0"' "$db"

# Endings.
is 'exit of the script' 5 "$(status etl-run --name n -c 'exit 5')"
is 'its row' 'failed|1|the script exited with 5' "$(row n)"
is 'one line about it' 1 "$(wc -l <err | tr -d ' ')"
like 'with the name, the cause, the run' \
    '^etl-run: n: failed in [0-9.]+s: the script exited with 5; see: etl-status --run [0-9a-f]{8}$' "$(cat err)"
is 'the last line where no program of ours spoke' \
    'failed|1|the script exited with 5: why' \
    "$(etl-run --name n -c 'echo x >&2; echo why >&2; exit 5' 2>err || :
    row n)"
is 'stderr is passed on, with who said it' 'n: x
n: why' "$(head -n 2 err)"
is 'the first line of ours is the cause' 'failed|1|etl-extract: a: b
  more
\tstill' "$(etl-run --name n -c 'printf "%s\n" "etl-load: warning: w" "cat: no" \
    "etl-extract: a: b" "  more" "	still" "etl-load: c: d" "  e" >&2
    exit 66' 2>err || :; row n)"
is 'and its code' 66 "$(status etl-run -c \
    'echo "etl-extract: a: b" >&2; exit 66')"
is 'the stage that others repeat is the cause' \
    'failed|1|etl-extract: a: b' "$(etl-run --name n -c 'printf "%s\n" \
    "etl-load: extract: a: b" "etl-transform: extract: a: b" \
    "etl-extract: a: b" >&2; exit 66' 2>err || :; row n)"
is 'also the second of a name' \
    'failed|1|etl-extract: a: b' "$(etl-run --name n -c 'printf "%s\n" \
    "etl-load: nothing loaded: extract.2: a: b" "etl-extract: a: b" >&2; exit 66' 2>err ||
    :; row n)"
is 'not one of another name' \
    'failed|1|etl-load: trans: a' "$(etl-run --name n -c 'printf "%s\n" \
    "etl-load: trans: a" "etl-transform: b" >&2; exit 66' 2>err || :; row n)"
is 'what a load says of its success is not' \
    'failed|1|etl-load: d: e' "$(etl-run --name n -c 'printf "%s\n" \
    "etl-load: t in sqlite:x: 9 in, 9 inserted" "etl-load: d: e" >&2
    exit 66' 2>err || :; row n)"
printf 'printf "etl-load: \\033[31m \\377 \\302\\205 x" >&2; exit 1' >esc.sh
rc=0; etl-run esc.sh 2>err || rc=$?
is 'control characters are escaped in the row' \
    'failed|1|etl-load: \u001b[31m \xff \u0085 x' "$(row esc)"
is 'no such command' 78 "$(status etl-run --name n -c no-such-program)"
like 'its message' 'exited with 127: .*no-such-program' "$(row n)"
is 'a command that may not be executed' 77 \
    "$(status etl-run -c "$scratch/plain.sh")"
# Of the middle of a pipe sh tells no status.
echo '{"a":1}' >a.ndjson
for shell in dash bash; do
	for command in no-such-program /no/such/program; do
		{
			echo "#!/usr/bin/env $shell"
			echo "etl-extract a.ndjson | $command -x |"
			echo 'etl-transform . >/dev/null'
		} >middle
		chmod +x middle
		is "$shell: $command in the middle" 78 "$(status etl-run \
		    --retries 2 --backoff 1ms..1ms middle)"
		like "$shell: its message" "$command: " "$(row middle)"
	done
done
is 'it was not tried again' 4 "$(sql "SELECT count(*) FROM pipeline_runs
    WHERE pipeline = 'middle'")"
is 'what only says so, and is there, is' '75|2' "$(status etl-run --name says \
    --retries 1 --backoff 1ms..1ms -c 'etl-extract a.ndjson |
    { echo "x: 1: cat: not found" >&2; exit 127; } |
    etl-transform . >/dev/null')|$(sql "SELECT count(*) FROM
    pipeline_runs WHERE pipeline = 'says'")"
is 'no such interpreter' 78 "$(printf '#!/no/where\n' >i; chmod +x i
    status etl-run i)"
like 'is told from no such script' '^etl-run: ./i: the interpreter in its first line does not exist' \
    "$(cat err)"
is 'a foreign program that dies has the last words' \
    "failed|1|etl-transform: the stream was cut off: it has no end mark: the program before this one was killed, or is not an etl program: then put etl-via before it; another program printed before that: KeyError: 'x'" \
    "$(etl-run --name n -c 'printf "%s\n" "hello" "KeyError: '"'x'"'" >&2
    echo "etl-load: warning: w" >&2; head -c 0 </dev/null |
    etl-transform .' >out 2>err || :; row n)"
is 'a long name of a file' 64 "$(n=$(printf %0220d 1).sh; echo : >"$n"
    status etl-run "$n")"
is 'at the limit' 0 "$(n=$(printf %0200d 1).sh; echo : >"$n"
    status etl-run "$n")"
is 'is whole' 200 "$(sql "SELECT length(pipeline) FROM pipeline_runs
    ORDER BY id DESC LIMIT 1")"
is 'a script killed' 75 "$(status etl-run --name n -c 'kill -9 $$')"
is 'its message' 'failed|1|killed by SIGKILL' "$(row n)"
is 'the last stage killed' 75 \
    "$(status etl-run --name n -c 'true | sh -c "kill -9 \$\$"')"
is 'its message does not say it twice' 'failed|1|killed by SIGKILL' "$(row n)"
is 'a crash' 70 "$(status etl-run --name n -c 'kill -SEGV $$')"
is 'a reader that went' 74 "$(status etl-run --name n -c 'kill -PIPE $$')"

# What it does not even start.
before=$(sql 'SELECT count(*) FROM pipeline_runs')
is 'no script' 66 "$(status etl-run none.sh)"
like 'no script: says so' '^etl-run: none.sh: No such file' "$(cat err)"
is 'a folder' 66 "$(status etl-run "$scratch")"
is 'nothing to run' 64 "$(status etl-run)"
is 'an empty name' 64 "$(status etl-run --name '' -c :)"
is 'a name with an escape' 64 \
    "$(status etl-run --name "$(printf '\033')" -c :)"
is 'a bad duration' 64 "$(status etl-run --timeout soon -c :)"
is 'an endless duration' 64 \
    "$(status etl-run --timeout 106751991167d -c :)"
is 'a bad backoff' 64 "$(status etl-run --backoff 5 -c :)"
is 'a bad backoff in the environment' 78 \
    "$(INITIAL_BACKOFF=x status etl-run -c :)"
is 'an unknown option' 64 "$(status etl-run --nope -c :)"
is 'no such folder of the database' 73 \
    "$(status etl-run --db sqlite:/no/where/x.db -c :)"
is 'a database in memory' 78 "$(status etl-run --db sqlite::memory: -c :)"
is 'a file on a host' 78 "$(status etl-run --db sqlite://x.db -c :)"
is 'an unknown kind' 78 "$(status etl-run --db mysql://x -c 'echo no')"
is 'a server that is not there' 75 \
    "$(status etl-run --db postgresql://127.0.0.1:1/x -c 'echo no')"
is 'nothing was run' '' "$(cat out)"
is 'no row of these' "$before" "$(sql 'SELECT count(*) FROM pipeline_runs')"
is 'a password in an argument' 75 \
    "$(status etl-run --db postgresql://u:pw@127.0.0.1:1/x -c :)"
like 'is warned of' 'warning: --db: .*DATABASE_URL' "$(cat err)"
unlike 'and not shown' 'pw' "$(grep -v warning err)"

is '-v' 0 "$(status etl-run -v --name n -c :)"
like '-v: the summary' \
    '^etl-run: n: success in [0-9.]+s: no loads \(run [0-9a-f]{8}\)$' \
    "$(cat err)"
rc=0; etl-run -v --name n -c 'echo x' >/dev/full 2>/dev/null || rc=$?
isnt 'a full disk is the failure of the stage' 0 $rc
rc=0; etl-run -c 'echo x >&2; echo done >ok' 2>/dev/full || rc=$?
is 'stderr that takes nothing is no failure' '0 done' "$rc $(cat ok)"
rc=0; etl-run -c ': >ok2' <&- >&- 2>&- || rc=$?
is 'closed 0, 1 and 2' 0 $rc
done_testing
