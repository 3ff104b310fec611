#!/bin/sh
# A stream that moves a checkpoint or closes dead letters is read from a pipe, and
# with --marked from a file or a terminal: a file of data that looks like such a
# stream changes nothing.
# shellcheck disable=SC2154 # marked.sh sets $from and $version
. tests/support/lib.sh
. tests/etl-load/marked.sh

# load WHERE OPTION...: loads $scratch/in. WHERE is file, pipe or terminal.
load() {
	where=$1
	shift
	run_"$where" etl-load --db "$db" --table t --key k "$@"
}
run_file() {
	status "$@" <"$scratch/in"
}
run_pipe() {
	# shellcheck disable=SC2002 # the input must be a pipe
	cat "$scratch/in" | status "$@"
}
# The standard input of the program is a terminal, in which $scratch/in is typed.
run_terminal() {
	status python3 -c 'if 1:
	    import os, pty, subprocess, sys
	    typed, terminal = pty.openpty()
	    child = subprocess.Popen(sys.argv[2:], stdin=terminal)
	    os.write(typed, open(sys.argv[1], "rb").read() + b"\4")
	    sys.exit(child.wait())' "$scratch/in" "$@"
}
# state: all that a stream can change in the database.
state() {
	sql 'SELECT * FROM t ORDER BY k'
	checkpoint
	letters
	sql 'SELECT count(*) FROM etl_loads'
	sql 'SELECT count(*) FROM etl_files'
}
# moving ID VERSION: a stream that moves the checkpoint posts to 9.
moving() {
	version=$2
	checkpoint_stream "$1"
	version=$2 from='"5"'
	rec '{"k":"x"}'
	reject bb 1
	checkpoint_mark 9
	end
}
# closing ID: a replay that closes the letter aa.
closing() {
	stream "$1" '"replay":true,"stage":"extract",'
	rec '{"k":"y"}'
	resolve aa 1 0
	end
}
refuses() {
	is "$1: exit code 78" 78 "$2"
	is "$1: says what was found and asks for --marked, in one line" "$3" \
	    "$(cat "$scratch/err")"
}

moves='moves checkpoint posts'
closes='resolves dead letters'
for kind in sqlite postgresql; do
	db_new $kind
	sql 'CREATE TABLE t (k text PRIMARY KEY)'
	stream s0
	rec '{"k":"a"}'
	reject aa 1
	end
	is "$kind: a stream that moves no checkpoint is read from a file" \
	    0 "$(load file)"
	etl-checkpoint set posts 5 --db "$db" >/dev/null
	before=$(state)
	is "$kind: the state before" 'a
5|1
aa|1|0|open
1
0' "$before"

	moving s1 1
	refuses "$kind: a file that moves a checkpoint" "$(load file)" \
	    "etl-load: line 1: a stream that $moves comes from a file and not from a pipe: give --marked if you know who wrote it"
	refuses "$kind: a terminal with a stream that moves a checkpoint" \
	    "$(load terminal)" \
	    "etl-load: line 1: a stream that $moves comes from a terminal and not from a pipe: give --marked if you know who wrote it"
	is "$kind: --plan of a file, which changes nothing, needs no option" \
	    0 "$(load file --plan)"
	closing s2
	refuses "$kind: a replay in a file" "$(load file)" \
	    "etl-load: line 1: a stream that $closes comes from a file and not from a pipe: give --marked if you know who wrote it"
	refuses "$kind: a replay in a terminal" "$(load terminal)" \
	    "etl-load: line 1: a stream that $closes comes from a terminal and not from a pipe: give --marked if you know who wrote it"
	is "$kind: what was refused changes nothing" "$before" "$(state)"

	# A stream may follow another one that is harmless.
	stream s3
	end
	cp "$scratch/in" "$scratch/first"
	moving s4 1
	{ cat "$scratch/first"; echo; cat "$scratch/in"; } >"$scratch/both"
	mv "$scratch/both" "$scratch/in"
	refuses "$kind: a second stream that moves a checkpoint" \
	    "$(load file)" \
	    "etl-load: line 4: a stream that $moves comes from a file and not from a pipe: give --marked if you know who wrote it"
	is "$kind: only the first stream was loaded" "$(echo "$before" |
	    sed '4s/1/2/')" "$(state)"

	# Without the members of begin that are refused, no later mark acts.
	moving s5 1
	sed -i 's/"checkpoint":"posts",//' "$scratch/in"
	is "$kind: a checkpoint mark alone moves nothing" 76 "$(load file)"
	stream s6
	rec '{"k":"y"}'
	resolve aa 1 0
	end
	is "$kind: a resolve mark alone closes nothing" 76 "$(load file)"
	stream s7
	put '{"@etl":"failed","stage":"extract","code":66,"message":"no","version":1,"files":[{"path":"/p","size":1,"mtime":"2026-05-30T00:00:00Z"}]}'
	is "$kind: a failed mark with files alone ends the load" \
	    66 "$(load file)"
	put_failed=$(tail -n 1 "$scratch/in")
	echo "$put_failed" >"$scratch/in"
	is "$kind: a failed mark without begin ends the load" 66 "$(load file)"
	is "$kind: these marks change no checkpoint, letter or file" \
	    'a|5|1|aa|1|0|open|0' \
	    "$(state | sed 4d | tr '\n' '|' | sed 's/|$//')"

	# What the user asks for, and what a pipe brings, is loaded.
	moving s8 1
	is "$kind: --plain takes the marks for records" 0 \
	    "$(load file --plain --rejects "$scratch/r" --max-rejects 100%)"
	is "$kind: --plain moves no checkpoint" '5|1' "$(checkpoint)"
	is "$kind: --no-checkpoint reads the file" 0 \
	    "$(load file --no-checkpoint)"
	is "$kind: --no-checkpoint moves no checkpoint" '5|1' "$(checkpoint)"
	is "$kind: --again reads the file" 0 "$(load file --again)"
	is "$kind: --again moves no checkpoint" '5|1' "$(checkpoint)"
	closing s9
	is "$kind: --again reads a replay" 0 "$(load file --again)"
	is "$kind: --again closes no letter" 'aa|1|0|open' \
	    "$(letters | head -n 1)"
	moving s10 1
	is "$kind: --marked reads the file" 0 "$(load file --marked)"
	is "$kind: --marked moves the checkpoint" '9|2' "$(checkpoint)"
	closing s11
	is "$kind: --marked reads a replay" 0 "$(load file --marked)"
	is "$kind: --marked closes the letter" 'aa|1|1|resolved' \
	    "$(letters | head -n 1)"
	moving s12 2
	is "$kind: --marked reads a terminal" 0 "$(load terminal --marked)"
	is "$kind: --marked on a terminal moves the checkpoint" \
	    '9|3' "$(checkpoint)"
	moving s13 3
	is "$kind: a pipe needs no option" 0 "$(load pipe)"
	is "$kind: a pipe moves the checkpoint" '9|4' "$(checkpoint)"
	moving s14 4
	is "$kind: --marked changes nothing for a pipe" \
	    0 "$(load pipe --marked)"
done

# Programs that only pass marks on refuse the file too: behind them is a pipe.
db_new sqlite
sql 'CREATE TABLE t (k text PRIMARY KEY)'
for program in 'transform .' 'via cat' 'extract --count-as n --each http://127.0.0.1:1/'; do
	moving p1 0
	# shellcheck disable=SC2086
	set -- etl-$program
	for where in file terminal; do
		refuses "$program, $where" "$(run_$where "$@")" \
		    "$1: line 1: a stream that $moves comes from a $where and not from a pipe: give --marked if you know who wrote it"
		is "$program, $where: the next program learns of it" 78 \
		    "$(jq -c .code "$scratch/out")"
	done
	closing p2
	refuses "$program, replay" "$(run_file "$@")" \
	    "$1: line 1: a stream that $closes comes from a file and not from a pipe: give --marked if you know who wrote it"
	"$@" <"$scratch/in" 2>/dev/null >"$scratch/passed" || :
	mv "$scratch/passed" "$scratch/in"
	is "$program: what it wrote makes etl-load fail" 78 "$(load pipe)"
	is "$program: what it wrote loads nothing" '' "$(sql 'SELECT * FROM t')"
	closing p3
	sed -i '/^{"k"/d; s/"out":1/"out":0/' "$scratch/in"
	is "$program: a pipe needs no option" 0 "$(run_pipe "$@")"
	shift
	is "$program: --marked reads the file" 0 \
	    "$(run_file "etl-${program%% *}" --marked "$@")"
done

# The INPUT files of etl-transform.
moving i1 0
input=$scratch/in
refuses 'etl-transform INPUT' "$(status etl-transform . "$input")" \
    "etl-transform: $input: line 1: a stream that $moves comes from a file and not from a pipe: give --marked if you know who wrote it"
is 'etl-transform --marked INPUT' 0 \
    "$(status etl-transform --marked . "$input")"
refuses 'etl-transform -' "$(run_file etl-transform . -)" \
    "etl-transform: line 1: a stream that $moves comes from a file and not from a pipe: give --marked if you know who wrote it"
is 'etl-transform - reads a pipe' 0 "$(run_pipe etl-transform . -)"
mkfifo "$scratch/fifo"
cat "$input" >"$scratch/fifo" &
is 'etl-transform reads an INPUT that is a pipe' 0 \
    "$(status etl-transform . "$scratch/fifo")"
wait $!

# The replay that etl-extract reads.
stream r1 '"replay":true,"stage":"extract",'
put '{"@etl":"raw","id":"aa","raw":"{\"k\":\"z\"}"}'
out=1
resolve aa 1 0
end
refuses 'etl-extract -' "$(run_file etl-extract --format ndjson -)" \
    "etl-extract: line 1: a stream that $closes comes from a file and not from a pipe: give --marked if you know who wrote it"
is 'etl-extract - reads a replay from a pipe' 0 \
    "$(run_pipe etl-extract --format ndjson -)"
is 'etl-extract --marked - reads a replay from a file' 0 \
    "$(run_file etl-extract --marked --format ndjson -)"

# etl-checkpoint save.
moving c1 0
save() {
	where=$1
	shift
	run_"$where" etl-checkpoint save --state "file:$scratch/state" "$@"
}
for where in file terminal; do
	refuses "etl-checkpoint save, $where" "$(save $where)" \
	    "etl-checkpoint: line 1: a stream that $moves comes from a $where and not from a pipe: give --marked if you know who wrote it"
	ok "etl-checkpoint save, $where: no state is saved" \
	    test ! -e "$scratch/state"
done
is 'etl-checkpoint save reads a pipe' 0 "$(save pipe)"
is 'etl-checkpoint save of a pipe saves the value' 9 \
    "$(etl-checkpoint get posts --state "file:$scratch/state")"
rm "$scratch/state"
is 'etl-checkpoint save --marked reads a file' 0 "$(save file --marked)"
is 'etl-checkpoint save --marked saves the value' 9 \
    "$(etl-checkpoint get posts --state "file:$scratch/state")"
is 'etl-checkpoint get takes no --marked' 64 \
    "$(status etl-checkpoint get posts --marked)"

# A name in the message cannot give the terminal commands, nor be endless.
stream n1 '"checkpoint":"a\u001b[2J\u009b'"$(head -c 9000 /dev/zero |
    tr '\0' x)"'",'
is 'a hostile name is refused' 78 "$(run_file etl-transform .)"
is 'a hostile name is shown without control characters' 0 \
    "$(tr -d '\n' <"$scratch/err" | LC_ALL=C grep -c '[[:cntrl:]]' || :)"

# Inside etl-run a file is refused in the same way.
moving e1 0
is 'inside etl-run a file is refused' 78 "$(DATABASE_URL=$db status etl-run \
    --name saved -c "etl-load --table t --key k <$scratch/in")"
is 'inside etl-run --marked loads a file' 0 "$(DATABASE_URL=$db status etl-run \
    --name saved -c "etl-load --marked --table t --key k <$scratch/in")"
is 'inside etl-run --marked moves the checkpoint' '9|1' "$(checkpoint)"
done_testing
