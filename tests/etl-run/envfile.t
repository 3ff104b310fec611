#!/bin/sh
# shellcheck disable=SC2016
# --env-file is data: never run, never expanded.
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"

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
is 'a file of all forms' 0 "$(status etl-run --env-file vars -c "$show")"
is 'its values' '[plain value ]
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
ok 'nothing was run' test ! -e ran

is 'it wins over the environment' file \
    "$(printf 'X=file\n' >x; X=old etl-run --env-file x -c 'echo $X')"
printf 'DATABASE_URL=sqlite:other.db\nINITIAL_BACKOFF=x\n' >x
is 'what etl-run reads itself counts too' 78 \
    "$(status etl-run --env-file x -c :)"
printf 'DATABASE_URL=sqlite:other.db\nETL_RUN=mine\n' >x
is 'the database from the file' "sqlite:$scratch/other.db" \
    "$(etl-run --env-file x -c 'test $ETL_RUN != mine && echo $DATABASE_URL')"

bad() {
	printf %b "$2" >bad
	is "$1" 78 "$(status etl-run --env-file bad -c 'echo ran')"
	is "$1: says where" "etl-run: bad: line $3: expected NAME=VALUE" \
	    "$(cat err)"
	is "$1: nothing was run" '' "$(cat out)"
}
bad 'no equals sign' 'A=1\n\nsecret\n' 3
bad 'a blank before the sign' 'A =1\n' 1
bad 'a blank before the name' ' A=1\n' 1
bad 'no name' '=1\n' 1
bad 'a digit first' '1A=1\n' 1
bad 'a dash in the name' 'A-B=1\n' 1
bad 'a NUL' 'A=1\nB=\0000\n' 2
bad 'export alone' 'export A\n' 1
bad 'a command' 'A=1\nset -a\n' 2
bad 'a byte order mark' '\0357\0273\0277A=1\n' 1
is 'no such file' 66 "$(status etl-run --env-file none -c 'echo ran')"
like 'no such file: says so' '^etl-run: none: No such file' "$(cat err)"
is 'a folder' 66 "$(status etl-run --env-file . -c 'echo ran')"
is 'an empty file' 0 "$(status etl-run --env-file /dev/null -c :)"
done_testing
