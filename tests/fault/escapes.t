#!/bin/sh
# Names with control characters, in arguments, files, headers and tables: no
# message of any program gives them to the terminal.  Other text stays readable.
# shellcheck disable=SC2016 # $1 is of the inner shell
. tests/support/lib.sh
cd "$scratch"

# The word and the end of each name are readable.  Between them: ESC, BEL, CR, DEL,
# C1, U+2028, U+202E, U+2066, and a line that looks like a
# message.
name=$(printf 'dür\033[31m\007\r\177\302\233\302\205\342\200\250\342\200\256')
name=$(printf '%s\342\201\246\netl-load: all is well x' "$name")
cat >safe.py <<'P'
import re
import sys
# A line begins a message, or belongs to the one before it.
for line in sys.stdin.buffer.read().split(b"\n")[:-1]:
    text = line.decode("utf-8")
    if re.search("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e"
                 "\u2066-\u2069\ufeff]", text):
        print("control character:", ascii(text))
    if not re.match("(etl-[a-z]+|sh|timeout): |  ", text):
        print("not the line of a message:", ascii(text))
    if text.startswith("etl-load: all is well"):
        print("a forged message:", ascii(text))
P
# safe LABEL COMMAND...: COMMAND prints something with the name, which is safe.
safe() {
	label=$1
	shift
	status "$@" </dev/null >/dev/null
	is "$label: no control character" '' "$(python3 safe.py <err)"
	like "$label: the rest can be read" 'dür.*' "$(cat err)"
}
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL

# Warnings and notes of etl-extract.
printf '%s;b\n1;2\n' "$(printf '%s' "$name" | tr '\n\r' '  ')" >header.csv
safe 'a header' etl-extract header.csv
printf 'a\n1\n' >"$name.csv"
safe 'a column of --types' etl-extract --types "$name:int" "$name.csv"
safe 'two missing files' etl-extract "$name.1.csv" "$name.2.csv"
safe 'one missing file' etl-extract "$name.1.csv"
safe 'a name that is not UTF-8' etl-extract "$(printf 'dür\233\033').csv"
printf '{"@etl":"begin","v":1,"id":"x","stages":["a"]}\n' >"$name.ndjson"
safe 'a marked stream as a source' etl-extract --rejects r "$name.ndjson"
etl-extract --new-files --changed tail --checkpoint c --state file:s \
    "$name.csv" | etl-checkpoint save --state file:s >out
sed -i 's/1/2/' "$name.csv"
safe '--changed tail of another content' etl-extract --new-files \
    --changed tail --checkpoint c --state file:s "$name.csv"
safe '--encoding' etl-extract --encoding "$name" header.csv

# The summaries of etl-load, and names in a database.
sqlite3 "${db#sqlite:}" "CREATE TABLE \"$name\" (id int PRIMARY KEY, v text)"
echo '{"id":1}' >one.ndjson
safe 'the summary of a load' sh -c \
    'etl-load -v --table "$1" <one.ndjson' - "\"$name\""
safe 'the summary of a load with --keep-before' sh -c 'etl-extract --stream s \
    one.ndjson | etl-load -v --keep-before --key id --table "$1"' - "\"$name\""
safe 'a load of a row that exists' sh -c \
    'etl-load --rejects r --table "$1" <one.ndjson' - "\"$name\""
safe 'a missing table' sh -c 'etl-load --table "$1" <one.ndjson' - "$name"

# The name as an argument of each program.
for program in etl-checkpoint etl-dlq etl-extract etl-load etl-run etl-status \
    etl-transform etl-via; do
	safe "$program, an unknown option" $program "--$name"
done
safe 'etl-transform, a file' etl-transform -f "$name"
safe 'etl-transform, a filter' etl-transform "$name"
safe 'etl-transform, --explain' etl-transform --explain ".[\"$name\"] | ltrimstr(\"$name\") | $name"
safe 'etl-via, a command' etl-via "./$name"
safe 'etl-run, a script' etl-run "./$name"
safe 'etl-run, an --env-file' etl-run --env-file "$name" -c true
safe 'etl-run, a script that fails' etl-run -c "etl-extract '$name.1.csv'"
safe 'etl-status, a run' etl-status --run "$name"
safe 'etl-status, a database' etl-status --db "sqlite:$name.db"
safe 'etl-dlq, a letter' etl-dlq show "$name"
safe 'etl-dlq, a file' etl-dlq put "$name"
safe 'etl-checkpoint, a state file' etl-checkpoint get --state "file:$name/x" y
done_testing
