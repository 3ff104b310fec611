#!/bin/sh
# CSV and TSV files: records, names, types, and the rejects of broken records.
. tests/support/lib.sh

# csv [OPTION...]: reads the CSV text on stdin as a file; the output is in
# $scratch/out, the rejects are in $scratch/r.
csv() {
	cat >"$scratch/in.csv"
	: >"$scratch/r"
	status etl-extract --max-rejects 100 --rejects "$scratch/r" "$@" \
	    "$scratch/in.csv"
}
# gives LABEL TEXT RECORDS [OPTION...]: checks the records of a CSV text, in the
# format of printf(1), and that nothing is rejected.
gives() {
	label=$1 wanted=$3
	# shellcheck disable=SC2059 # the text is a format
	printf "$2" >"$scratch/text"
	shift 3
	is "$label: exit code" 0 "$(csv "$@" <"$scratch/text")"
	is "$label" "$wanted" "$(cat "$scratch/out" "$scratch/r")"
}
# rejects: prints code, line, offset and bytes of each reject.
rejects() {
	jq -c '[.code, .origin.line, .origin.offset, .raw // .raw_base64]' \
	    "$scratch/r"
}

# What RFC 4180 describes, and what files in the wild have.
gives 'a header and rows are records of strings' 'id,n\n1,x\n2,\n' \
    '{"id":"1","n":"x"}
{"id":"2","n":""}'
gives 'a last line without LF is a record' 'a,b\n1,2' '{"a":"1","b":"2"}'
gives 'line ends may be mixed' 'a,b\r\n1,2\n3,4\r\n5,6\r' '{"a":"1","b":"2"}
{"a":"3","b":"4"}
{"a":"5","b":"6"}'
gives 'a field in quotes may have delimiters, quotes and line ends' \
    'a,b\n"x,y","p ""q""\r\nz"\n"""","\n"\n' \
    '{"a":"x,y","b":"p \"q\"\r\nz"}
{"a":"\"","b":"\n"}'
gives 'a quote inside a field without quotes is a character' \
    'a,b\n5" disk,x"y"\n ""\n' '{"a":"5\" disk","b":"x\"y\""}' --comment ' '
gives 'a byte order mark is skipped' '\357\273\277a\n1\n' '{"a":"1"}'
gives 'blank lines are skipped, also before the header' '\n\r\na,b\n\n1,2\n\n' \
    '{"a":"1","b":"2"}'
gives 'a lone pair of quotes is a record of one empty field' 'a\n""\n' \
    '{"a":""}'
gives 'control characters and backslashes are escaped' 'a\n\\\t\001\177\n' \
    '{"a":"\\\t\u0001\u007f"}'
gives 'a carriage return inside a line is a character' 'a,b\nx\ry,z\n' \
    '{"a":"x\ry","b":"z"}'
gives 'a header without rows gives no record' 'a,b\n' ''
gives 'an empty file gives no record' '' ''

# Names.
gives 'a second column of one name gets a number' \
    'a,a,b,a_2,a\n1,2,3,4,5\n' '{"a":"1","a_2":"2","b":"3","a_2_2":"4","a_3":"5"}'
gives 'a blank name becomes the number of its column' 'a,, ,"b ""c"""\n1,2,3,4\n' \
    '{"a":"1","column_2":"2","column_3":"3","b \"c\"":"4"}'
gives '--columns names the columns of a file without a header' '1,2\n3,4\n' \
    '{"a":"1","b,c":"2"}
{"a":"3","b,c":"4"}' --columns 'a,"b,c"'

# Options.
gives '--delimiter separates the fields' 'a;b\n1,5;2\n' '{"a":"1,5","b":"2"}' \
    --delimiter ';'
gives '--delimiter \t is a tab' 'a\tb\n1\t2\n' '{"a":"1","b":"2"}' \
    --delimiter '\t'
gives '--quote is another quote' "a,b\n'x,''y','\"'\n" \
    '{"a":"x,'"'"'y","b":"\""}' --quote "'"
gives 'without a quote character quotes are characters' 'a,b\n"1,2"\n' \
    '{"a":"\"1","b":"2\""}' --quote ''
gives '--null makes a field without quotes null' 'a,b,c\nNA,"NA",NAN\n' \
    '{"a":null,"b":"NA","c":"NAN"}' --null NA
gives '--null with an empty text makes empty fields null' 'a,b\n,""\n' \
    '{"a":null,"b":""}' --null ''
gives '--skip skips lines before the header' '"x\ny\n\na\n1\n' '{"a":"1"}' \
    --skip 3
gives '--comment skips lines that start so' '# x\na\n1\n#2\n"#3"\n #4\n' \
    '{"a":"1"}
{"a":"#3"}
{"a":" #4"}' --comment '#'
gives '--format tsv separates by tabs' 'a\tb\n1,5\t"x\ty"\n' \
    '{"a":"1,5","b":"x\ty"}' --format tsv

# Types.
gives '--types makes numbers, truth values and times' \
    'i,n,b,t,s\n-12,1.50e3,Yes,2026-05-30T00:00:00Z,007\n 7 ,0,f,2026-02-28,\n' \
    '{"i":-12,"n":1.50e3,"b":true,"t":"2026-05-30T00:00:00Z","s":"007"}
{"i":7,"n":0,"b":false,"t":"2026-02-28","s":""}' \
    --types i:int,n:number,b:bool,t:time,s:text
gives 'an empty field of a type is null' 'i,n,b,t\n,"",, \n' \
    '{"i":null,"n":null,"b":null,"t":null}' \
    --types i:int,n:number,b:bool,t:time
printf 'a:b,"c,d"\n1,2\n' >"$scratch/text"
gives '--types takes names with colons and commas' 'a:b,"c,d"\n1,2\n' \
    '{"a:b":1,"c,d":2}' --types 'a:b:int,"c,d:int"'
is 'a value that does not have its type does not fail' 0 "$(printf \
    'a/b,i\nx,1\nx,1.5\nx,007\nx,9223372036854775808\nx,2\n' |
    csv --types i:int,a/b:number)"
is 'values of a wrong type are rejects, the first of a record counts' \
    'type /a~1b 2
type /a~1b 3
type /a~1b 4
type /a~1b 5
type /a~1b 6' "$(jq -r '"\(.code) \(.pointer) \(.origin.line)"' "$scratch/r")"
printf 'i\n007\n1.0\n9223372036854775808\n9223372036854775807\n' |
    csv --types i:int >/dev/null
is 'an int is at most 64 bits long and has no leading zeros' \
    '{"i":9223372036854775807} 3' \
    "$(cat "$scratch/out") $(wc -l <"$scratch/r")"
like 'the message of a wrong type names column, value and type' \
    '^column i: the value "007" does not have the type int$' \
    "$(jq -r .message "$scratch/r")"
printf 't\n2026-02-29\n2024-02-29\n2026-01-01 10:00\n2026-01-01T24:00:00Z\n2026-01-01T10:00:00.5+02:00\n20260101\n' |
    csv --types t:time >/dev/null
is 'a time is a date, or a time with or without seconds and offset' \
    '{"t":"2024-02-29"}
{"t":"2026-01-01 10:00"}
{"t":"2026-01-01T10:00:00.5+02:00"}' "$(cat "$scratch/out")"
gives '--types auto finds the types' \
    'i,n,b,t,z,l,e,m\n1,1,true,2026-01-01,01,1,,1\n-2,2.5,FALSE,2026-01-02,2,99999999999999999999,,x\n' \
    '{"i":1,"n":1,"b":true,"t":"2026-01-01","z":"01","l":"1","e":"","m":"1"}
{"i":-2,"n":2.5,"b":false,"t":"2026-01-02","z":"2","l":"99999999999999999999","e":"","m":"x"}' \
    --types auto
gives '--types auto with a name: the name counts' 'a,b\n1,2\n' \
    '{"a":"1","b":2}' --types auto,a:text
gives '--types auto works with --columns and --skip' 'x\n1,y\n' \
    '{"a":1,"b":"y"}' --types auto --columns a,b --skip 1
{
	echo a,b
	seq 1000 | sed 's/$/,1/'
	echo x,1
	echo 7,1.5
	echo 8,2
} >"$scratch/text"
is '--types auto: a later value of another type does not fail' \
    0 "$(csv --types auto <"$scratch/text")"
is '--types auto decides by the first 1000 rows, later values may be rejects' \
    '1001 {"a":8,"b":2} ["type",1002,["a","b"]]["type",1003,["a","b"]]' \
    "$(wc -l <"$scratch/out") $(tail -n 1 "$scratch/out") $(jq -cj \
    '[.code,.origin.line,.origin.columns]' "$scratch/r")"
printf 'a\n1\n' | csv --types nosuch:int >/dev/null
like 'a name of --types that the header lacks causes a warning' \
    'warning: .*in.csv: --types names the column nosuch' "$(cat "$scratch/err")"

# Rejects.
printf 'a,b\n1\n1,2,3\n"x"y,2\n"1\n2",3\n"p\nq","r"s\n3,\377\n4,\000\n5,6\n7,"u\n8,9\n' >"$scratch/text"
is 'broken records do not fail' 0 "$(csv <"$scratch/text")"
is 'the records between broken records come out' '{"a":"1\n2","b":"3"}
{"a":"5","b":"6"}
{"a":"8","b":"9"}' "$(cat "$scratch/out")"
is 'each broken record is a reject with its line, its offset and its bytes' \
    '["parse",2,4,"1"]
["parse",3,6,"1,2,3"]
["parse",4,12,"\"x\"y,2"]
["parse",7,27,"\"p\nq\",\"r\"s"]
["encoding",9,38,"Myz/"]
["encoding",10,42,"4,\u0000"]
["parse",12,50,"7,\"u"]' "$(rejects)"
is 'a reject has the names of the columns' '["a","b"]' \
    "$(jq -c .origin.columns "$scratch/r" | sort -u)"
printf 'a\r\nx,y\r\n' | csv >/dev/null
is 'the bytes of a reject have no CR of the line end' \
    '["parse",2,3,"x,y"]' "$(rejects)"
printf '@etl,b\nbegin,2\n' | csv >/dev/null
is 'records whose first member would be @etl are rejects' \
    '["reserved",2,7,"begin,2"]' "$(rejects)"

# Records that are too long.
long=$(head -c 200000 /dev/zero | tr '\0' x)
printf 'a,b\n1,"%s\n%s"\n2,3\n"%s,\n4,5\n' "$long" "$long" "$long" \
    >"$scratch/text"
is 'records longer than --max-record do not fail' \
    0 "$(csv --max-record 100000 <"$scratch/text")"
is 'the records after a long record and after a long line come out' \
    '{"a":"2","b":"3"}
{"a":"4","b":"5"}' "$(cat "$scratch/out")"
is 'a record whose quote closes beyond --max-record is one reject too_long' \
    "too_long 2 4 400005 65536 $(printf '1,"%s\n%s"' "$long" "$long" |
    sha256sum | cut -d' ' -f1)" "$(head -n 1 "$scratch/r" |
    jq -r '"\(.code) \(.origin.line) \(.origin.offset) \(.bytes
    ) \(.raw | length) \(.sha256)"')"
is 'a quote that never closes: only its line is a reject' \
    "too_long 5 200002 $(printf '"%s,' "$long" | sha256sum |
    cut -d' ' -f1)" "$(tail -n +2 "$scratch/r" |
    jq -r '"\(.code) \(.origin.line) \(.bytes) \(.sha256)"')"
is 'from a pipe, a quote that never closes is one reject up to the end' \
    "1 too_long 5 200007" "$(tail -c +1 "$scratch/text" |
    etl-extract --format csv --max-record 100000 --max-rejects 100 \
    --rejects "$scratch/r2" - | wc -l) $(tail -n +2 "$scratch/r2" |
    jq -r '"\(.code) \(.origin.line) \(.bytes)"')"
{
	printf 'a,b\n"'
	seq 100000
	echo 3,4
} >"$scratch/text"
is 'a short line with a quote that never closes in a long file' \
    '0 100000 ["parse",2,4,"\"1"]' "$(csv --max-record 65536 --max-rejects 999999 <"$scratch/text") $(
    wc -l <"$scratch/r" | tr -d ' ') $(rejects | head -n 1)"
is 'the row after it comes out' '{"a":"3","b":"4"}' "$(cat "$scratch/out")"
gives 'the JSON of a record may be longer than its CSV' \
    'abcdefghij\n1\n' '{"abcdefghij":"1"}' --max-record 20
printf 'abcdefghij\n1\n' | csv --max-record 16 >/dev/null
is 'a record whose JSON is longer than --max-record is a reject' \
    'too_long' "$(jq -r .code "$scratch/r")"
{
	printf 'a,b\n1,"'
	head -c 104857600 /dev/zero | tr '\0' x
	printf '"\n2,3\n'
} >"$scratch/big.csv"
in_memory 'a field of 100 MiB is read in less than 48 MiB' 49152 200000 \
    etl-extract --max-rejects 9 --rejects "$scratch/r" "$scratch/big.csv"
is 'a field of 100 MiB below --max-record comes out whole' \
    "0 104857600 3" "$(status etl-extract --max-record 128MiB "$scratch/big.csv"
    ) $(head -n 1 "$scratch/out" | tr -cd x | wc -c) $(tail -n 1 "$scratch/out" |
    jq -r .b)"
rm "$scratch/big.csv" "$scratch/out"

# Headers that cannot be used.
for text in '"a\n' '"a"b\n' 'a,\377\n' 'a\000\n' 'a\r1\r2\r'; do
	# shellcheck disable=SC2059
	is "the header $text exits with 65" 65 "$(printf "$text" | csv)"
	like "the header $text: the message names file and line" \
	    'in.csv: line 1: the header ' "$(cat "$scratch/err")"
done

# Encodings.
latin() { printf 'n,m\nM\374ller,\200\n'; }
is 'latin1 is converted' '0 {"n":"Müller","m":"\u0080"}' \
    "$(latin | csv --encoding latin1) $(jq -ac . "$scratch/out" |
    sed 's/\\u00fc/ü/')"
is 'windows-1252 is converted' '0 {"n":"Müller","m":"€"}' \
    "$(latin | csv --encoding windows-1252) $(cat "$scratch/out")"
for order in LE BE; do
	is "UTF-16$order with a byte order mark is converted" '0 {"ä":"ü,\n"}' \
	    "$(printf '\357\273\277ä\r\n"ü,\n"\r\n' |
	    iconv -f UTF-8 -t UTF-16$order | csv --encoding utf-16) $(cat \
	    "$scratch/out")"
done
is 'UTF-16 without --encoding exits with 65' 65 \
    "$(printf 'a\n1\n' | iconv -t UTF-16 | csv)"
like 'UTF-16 without --encoding: the message names --encoding utf-16' \
    '--encoding, for example latin1 or utf-16' "$(cat "$scratch/err")"
is 'a compressed file without the suffix .gz exits with 65' 65 \
    "$(printf 'a\n1\n' | gzip -c | csv)"
like 'a compressed file: the message says how to read it' \
    'is compressed: decompress it with gzip -dc' "$(cat "$scratch/err")"
for d in ';' '|' ','; do
	is "one column because of another delimiter, $d: exit code 0" 0 \
	    "$(printf 'a%sb\n1%s2\n' "$d" "$d" | csv --delimiter '\t')"
	like "one column because of another delimiter, $d: a warning names it" \
	    "only one column, \"a[$d]b\": .* give --delimiter '[$d]'" \
	    "$(cat "$scratch/err")"
done
csv >/dev/null <<'EOF'
a	b
1	2
EOF
like 'one column because of another delimiter, a tab: a warning names it' \
    'if \\t separates the columns' "$(cat "$scratch/err")"
for f in 1 2 3; do
	printf 'a;b\n%s;2\n' $f >"$scratch/semicolon.$f.csv"
done
is 'several files that are read ahead: each gives one warning, and all records' \
    '0 3 3' "$(status etl-extract "$scratch"/semicolon.*.csv) $(grep -c \
    'give --delimiter' "$scratch/err") $(grep -c . "$scratch/out")"
printf '"a;b"\n1\n' | csv >/dev/null
is 'one column with a name in quotes: there is no warning' '' \
    "$(cat "$scratch/err")"
printf 'a,b\nx\201,y\n\374\n\374,1\n' | csv --encoding windows-1252 >/dev/null
is 'with --encoding the records that are text come out' \
    '{"a":"ü","b":"1"}' "$(cat "$scratch/out")"
is 'with --encoding the rejects have the bytes of the file' \
    'encoding 2 null 78812c79
parse 3 null fc' "$(jq -r '"\(.code) \(.origin.line) \(.origin.offset) \(
    .raw_base64)"' "$scratch/r" | while read -r code line offset raw; do
    echo "$code $line $offset $(echo "$raw" | base64 -d | od -An -tx1 |
    tr -d ' ')"; done)"
is 'an unknown encoding exits with 64' 64 \
    "$(printf 'a\n' | csv --encoding nosuch)"

# Options that cannot work.
while read -r options; do
	# shellcheck disable=SC2086
	is "$options exits with 64" 64 "$(printf 'a\n1\n' | csv $options)"
done <<'EOF'
--delimiter ab
--delimiter é
--delimiter "
--quote ""
--types x
--types a:integer
--types :int
--types a:int,
--types a:int,a:text
--types a:int,a:int
--columns a,"b
EOF
like 'two types for one column: the message names the column' \
    '--types: the column a has two types' "$(printf 'a\n1\n' |
    csv --types a:int,a:text; cat "$scratch/err")"
echo '{}' >"$scratch/in.ndjson"
is 'an option for CSV without a CSV file exits with 64' 64 \
    "$(status etl-extract --delimiter ';' "$scratch/in.ndjson")"
like 'an option for CSV without a CSV file: the message says so' \
    '--delimiter can be used only for CSV and TSV files' "$(cat "$scratch/err")"

# Pipes.
mkfifo "$scratch/fifo"
etl-extract --format csv - <"$scratch/fifo" >"$scratch/streamed" &
pid=$!
exec 4>"$scratch/fifo"
printf 'a\n1\n' >&4
ok 'a record comes out before the next one goes in' \
    wait_until 30 test -s "$scratch/streamed"
exec 4>&-
wait $pid
in_memory 'a file of 30 MB is read in less than 16 MiB' 16384 100000 sh -c '
    { echo a,b,c; seq 2000000 | sed "s/$/,x,y/"; } |
    etl-extract --format csv - >/dev/null'
trial tests/etl-extract/csv_random.py
done_testing
