#!/bin/sh
# shellcheck disable=SC2016
# etl-run passes on the standard error of the stages, with the name of the
# pipeline before the lines of other programs, and stores its end in the row.
. tests/support/lib.sh
cd "$scratch"

db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
is 'a run whose stages print on stderr exits with 3' 3 \
    "$(status etl-run --name p -c '
    { echo "etl-load: t: no"; echo "  1 x parse"; echo "	2 x type"
    echo foreign; echo "  trace"; echo; echo "etl-load: again"; echo
    echo " alone"; echo etl-x; echo etl-: x; echo etl-Load: x; echo "etl-x:y"
    echo "etl-$(printf %0100d 0 | tr 0 a): x"; } >&2; exit 3')"
wanted="etl-load: t: no
  1 x parse
	2 x type
p: foreign
p:   trace

etl-load: again

p:  alone
p: etl-x
p: etl-: x
p: etl-Load: x
p: etl-x:y
p: etl-$(printf %0100d 0 | tr 0 a): x"
is 'lines of other programs begin with the pipeline name' "$wanted" \
    "$(sed '$d' err)"
like 'the line of etl-run comes last' '^etl-run: p: failed in ' \
    "$(tail -n 1 err)"
is 'the row has the same lines' "$wanted" \
    "$(sql 'SELECT log FROM pipeline_runs')"
is 'a run that prints a line in pieces exits with 3' 3 \
    "$(status etl-run --name p -c '{ printf et; sleep 0.1
    printf l-l; sleep 0.1; printf "oad: a"; sleep 0.1; printf " b\nfo"
    sleep 0.1; printf o; } >&2; exit 3')"
is 'the pieces are printed as one line' 'etl-load: a b
p: foo' "$(sed '$d' err)"
like 'a last line without a newline gets one' '^etl-run: p: ' "$(tail -n 1 err)"
is 'a run that prints the start of a program name exits with 3' 3 \
    "$(status etl-run --name p -c 'printf etl-lo >&2; exit 3')"
is 'the start of a program name is printed as a line' 'p: etl-lo' \
    "$(sed '$d' err)"
is 'a run that prints a long line exits with 0' 0 \
    "$(status etl-run --name p -c \
    'head -c 100000 /dev/zero | tr "\0" x >&2')"
is 'a long line is printed whole, with one name' 100004 \
    "$(wc -c <err | tr -d ' ')"
name=$(printf %0200d 7)
is 'a long name with many short lines exits with 0' 0 \
    "$(status etl-run --name "$name" -c \
    'yes | head -n 40000 >&2')"
is 'all 40000 short lines are printed' 40000 "$(grep -cx "$name: y" err)"
is 'a run whose cause has many lines exits with 65' 65 \
    "$(status etl-run --name p -c '
    { echo "etl-load: t: no"; yes "  $(printf %0100d 0)" | head -n 400; } >&2
    exit 65')"
is 'the row has the first line of the long cause' 'etl-load: t: no' \
    "$(sql "SELECT substr(error_message, 1, 15) FROM pipeline_runs
    ORDER BY id DESC LIMIT 1")"

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	is "$kind: a successful run exits with 0" 0 \
	    "$(status etl-run --name p -c 'echo a >&2')"
	is "$kind: the row of a successful run has no log" 1 \
	    "$(sql 'SELECT count(*) FROM pipeline_runs
	    WHERE log IS NULL')"
	is "$kind: a silent run that fails exits with 1" 1 \
	    "$(status etl-run --name p -c 'exit 1')"
	is "$kind: the row of a silent run has no log" 2 \
	    "$(sql 'SELECT count(*) FROM pipeline_runs
	    WHERE log IS NULL')"
	is "$kind: a run that prints 700 kB and fails exits with 1" 1 \
	    "$(status etl-run --name p -c \
	    'seq 100000 199999 >&2; exit 1')"
	sql 'SELECT log FROM pipeline_runs ORDER BY id DESC LIMIT 1' |
	    sed '/^$/d' >log
	n=$(wc -c <log | tr -d ' ')
	ok "$kind: the log has the last 64 KiB ($n bytes)" \
	    test "$n" -le 65536 -a "$n" -gt 65500
	seq 100000 199999 | sed 's/^/p: /' | tail -n "$(wc -l <log)" >wanted
	ok "$kind: the log consists of whole lines" cmp wanted log
	is "$kind: a run that prints arbitrary bytes exits with 1" 1 \
	    "$(status etl-run --name p -c \
	    'printf "a\\0b\\377c\\033[1m\\303\\251\\303\n" >&2; exit 1')"
	is "$kind: the log escapes control characters and invalid UTF-8" \
	    'p: a\u0000b\xffc\u001b[1mé\xc3' \
	    "$(sql 'SELECT log FROM pipeline_runs ORDER BY id DESC LIMIT 1')"
	is "$kind: a run that prints only NUL bytes exits with 1" 1 \
	    "$(status etl-run --name p -c \
	    'head -c 300000 /dev/zero >&2; exit 1')"
	is "$kind: the escaped NUL bytes fit into the log" '65536' \
	    "$(sql 'SELECT length(log) FROM pipeline_runs
	    ORDER BY id DESC LIMIT 1')"
	is "$kind: a run that prints one endless line exits with 1" 1 \
	    "$(status etl-run --name p -c \
	    '{ printf x; yes é | head -n 200000 | tr -d "\n"; } >&2; exit 1')"
	is "$kind: the log of an endless line begins with a whole character" \
	    '32768|éé' "$(sql 'SELECT
	    length(log), substr(log, 1, 2) FROM pipeline_runs
	    ORDER BY id DESC LIMIT 1')"
	is "$kind: a run that times out exits with 75" 75 \
	    "$(status etl-run --name p \
	    --timeout 300ms -c 'echo hello >&2; sleep 9')"
	is "$kind: the log has the lines printed before the time-out" \
	    'p: hello' \
	    "$(sql 'SELECT log FROM pipeline_runs ORDER BY id DESC LIMIT 1')"
done
done_testing
