#!/bin/sh
# shellcheck disable=SC2016
# What the stages say on stderr: who said it, and its end in the run's row.
. tests/support/lib.sh
cd "$scratch"

db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
is 'a failure' 3 "$(status etl-run --name p -c '
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
is 'each line says whose it is' "$wanted" "$(sed '$d' err)"
like 'then comes the end' '^etl-run: p: failed in ' "$(tail -n 1 err)"
is 'the row has the same' "$wanted" "$(sql 'SELECT log FROM pipeline_runs')"
is 'pieces of a line' 3 "$(status etl-run --name p -c '{ printf et; sleep 0.1
    printf l-l; sleep 0.1; printf "oad: a"; sleep 0.1; printf " b\nfo"
    sleep 0.1; printf o; } >&2; exit 3')"
is 'are one' 'etl-load: a b
p: foo' "$(sed '$d' err)"
like 'a last line without its end gets one' '^etl-run: p: ' "$(tail -n 1 err)"
is 'the start of a line of ours' 3 \
    "$(status etl-run --name p -c 'printf etl-lo >&2; exit 3')"
is 'is shown at the end' 'p: etl-lo' "$(sed '$d' err)"
is 'a long line' 0 "$(status etl-run --name p -c \
    'head -c 100000 /dev/zero | tr "\0" x >&2')"
is 'is shown whole, with one name' 100004 "$(wc -c <err | tr -d ' ')"
name=$(printf %0200d 7)
is 'many short lines of a long name' 0 "$(status etl-run --name "$name" -c \
    'yes | head -n 40000 >&2')"
is 'are shown all' 40000 "$(grep -cx "$name: y" err)"
is 'a cause with more below it than is kept' 65 "$(status etl-run --name p -c '
    { echo "etl-load: t: no"; yes "  $(printf %0100d 0)" | head -n 400; } >&2
    exit 65')"
is 'is the cause all the same' 'etl-load: t: no' \
    "$(sql "SELECT substr(error_message, 1, 15) FROM pipeline_runs
    ORDER BY id DESC LIMIT 1")"

for kind in sqlite postgresql; do
	db_new $kind
	DATABASE_URL=$db
	is "$kind: a success" 0 "$(status etl-run --name p -c 'echo a >&2')"
	is "$kind: keeps none" 1 "$(sql 'SELECT count(*) FROM pipeline_runs
	    WHERE log IS NULL')"
	is "$kind: silence" 1 "$(status etl-run --name p -c 'exit 1')"
	is "$kind: is none either" 2 "$(sql 'SELECT count(*) FROM pipeline_runs
	    WHERE log IS NULL')"
	is "$kind: much" 1 "$(status etl-run --name p -c \
	    'seq 100000 199999 >&2; exit 1')"
	sql 'SELECT log FROM pipeline_runs ORDER BY id DESC LIMIT 1' |
	    sed '/^$/d' >log
	n=$(wc -c <log | tr -d ' ')
	ok "$kind: the end of it ($n bytes)" \
	    test "$n" -le 65536 -a "$n" -gt 65500
	seq 100000 199999 | sed 's/^/p: /' | tail -n "$(wc -l <log)" >wanted
	ok "$kind: in whole lines" cmp wanted log
	is "$kind: any bytes" 1 "$(status etl-run --name p -c \
	    'printf "a\\0b\\377c\\033[1m\\303\\251\\303\n" >&2; exit 1')"
	is "$kind: without harm" 'p: a\u0000b\xffc\u001b[1mé\xc3' \
	    "$(sql 'SELECT log FROM pipeline_runs ORDER BY id DESC LIMIT 1')"
	is "$kind: NUL alone" 1 "$(status etl-run --name p -c \
	    'head -c 300000 /dev/zero >&2; exit 1')"
	is "$kind: fits" '65536' "$(sql 'SELECT length(log) FROM pipeline_runs
	    ORDER BY id DESC LIMIT 1')"
	is "$kind: one endless line" 1 "$(status etl-run --name p -c \
	    '{ printf x; yes é | head -n 200000 | tr -d "\n"; } >&2; exit 1')"
	is "$kind: its end, from a character on" '32768|éé' "$(sql 'SELECT
	    length(log), substr(log, 1, 2) FROM pipeline_runs
	    ORDER BY id DESC LIMIT 1')"
	is "$kind: stopped by its time" 75 "$(status etl-run --name p \
	    --timeout 300ms -c 'echo hello >&2; sleep 9')"
	is "$kind: keeps what it said" 'p: hello' \
	    "$(sql 'SELECT log FROM pipeline_runs ORDER BY id DESC LIMIT 1')"
done
done_testing
