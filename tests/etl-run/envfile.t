#!/bin/sh
# shellcheck disable=SC2016
# etl-run reads the file of --env-file as data: it executes nothing and expands
# nothing.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"
umask 077

cat >vars <<'S'
# comment
  	# indented comment

A=plain value 
B="quoted # not a comment"
C='it''s'
D=$(touch ran) `touch ran` $HOME ~ * \n
export E=exported
export   F==x=y
G=
H="half
I="
_j9=""
A2='a"b'
S
printf 'CR=dos\r\nLAST=no newline' >>vars
show='for v in "$A" "$B" "$C" "$D" "$E" "$F" "$G" "$H" "$I" "$_j9" "$A2" \
    "$CR" "$LAST"; do printf "[%s]\n" "$v"; done'
is 'a file with every kind of line is accepted' 0 \
    "$(status etl-run --env-file vars -c "$show")"
is 'the script gets the values of the file' '[plain value ]
[quoted # not a comment]
[it'"''"'s]
[$(touch ran) `touch ran` $HOME ~ * \n]
[exported]
[=x=y]
[]
["half]
["]
[]
[a"b]
[dos]
[no newline]' "$(cat out)"
ok 'no command in the file is executed' test ! -e ran

is 'the file wins over the environment' file \
    "$(printf 'X=file\n' >x; X=old etl-run --env-file x -c 'echo $X')"
printf 'DATABASE_URL=sqlite:other.db\nINITIAL_BACKOFF=x\n' >x
is 'an invalid INITIAL_BACKOFF in the file exits with 78' 78 \
    "$(status etl-run --env-file x -c :)"
printf 'DATABASE_URL=sqlite:other.db\nETL_RUN=mine\n' >x
is 'the file sets DATABASE_URL, but not ETL_RUN' "sqlite:$scratch/other.db" \
    "$(etl-run --env-file x -c 'test $ETL_RUN != mine && echo $DATABASE_URL')"

# A file that others can read.
printf 'X=hidden\n' >x
for mode in 644 620 604; do
	chmod $mode x
	is "a file of mode $mode is accepted" 0 \
	    "$(status etl-run --env-file x -c :)"
	like "a file of mode $mode causes a warning" \
	    'etl-run: warning: x: other users may access this file' "$(cat err)"
done
chmod 600 x
is 'a file that only its owner can read is accepted' 0 \
    "$(status etl-run --env-file x -c :)"
unlike 'a file that only its owner can read causes no warning' warning \
    "$(cat err)"

# refuses NAME TEXT LINE: a file with TEXT is refused, with the number LINE.
refuses() {
	printf %b "$2" >bad
	is "$1: etl-run exits with 78" 78 \
	    "$(status etl-run --env-file bad -c 'echo ran')"
	is "$1: the message names the file and line" \
	    "etl-run: bad: line $3: expected NAME=VALUE" \
	    "$(cat err)"
	is "$1: the script is not run" '' "$(cat out)"
}
refuses 'a line without an equals sign' 'A=1\n\nsecret\n' 3
refuses 'a blank before the equals sign' 'A =1\n' 1
refuses 'a blank before the name' ' A=1\n' 1
refuses 'a line without a name' '=1\n' 1
refuses 'a name that starts with a digit' '1A=1\n' 1
refuses 'a name with a dash' 'A-B=1\n' 1
refuses 'a NUL byte' 'A=1\nB=\0000\n' 2
refuses 'export without a value' 'export A\n' 1
refuses 'a shell command' 'A=1\nset -a\n' 2
refuses 'a byte order mark' '\0357\0273\0277A=1\n' 1
is 'a missing file: etl-run exits with 66' 66 \
    "$(status etl-run --env-file none -c 'echo ran')"
like 'a missing file: the message names it' '^etl-run: none: No such file' \
    "$(cat err)"
is 'a folder as --env-file: etl-run exits with 66' 66 \
    "$(status etl-run --env-file . -c 'echo ran')"
is 'an empty file is accepted' 0 "$(status etl-run --env-file /dev/null -c :)"
done_testing
