#!/bin/sh
# examples/python-stage: what it writes is what etl-transform writes of the
# same stream, whole, broken or cut; and in pipelines with checkpoints, killed
# and replayed, nothing is lost and nothing twice.
. tests/support/lib.sh

example=$top/examples/python-stage
PYTHONPATH=$example
export PYTHONPATH
cat >"$scratch/stage.py" <<'EOP'
from etlstage import Reject, run

def f(r):
    if r.get("n") == 3:
        return None
    if r.get("n") == 4:
        return [r, r]
    if r.get("n") == 5:
        raise Reject("five", "it is five", "/n")
    return r

run("transform", f)
EOP
filter='if .n == 3 then empty elif .n == 4 then ., .
    elif .n == 5 then reject("five"; "it is five"; "/n") else . end'

# Conformance: each file of streams through both.
mkdir "$scratch/streams"
cd "$scratch/streams"
begin() {
	printf '{"@etl":"begin","v":1,"id":"b1"%s,"stages":["extract"]}\n' "${1:-}"
}
boundary() {
	printf '{"@etl":"%s"%s,"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,"rejected":0}]}\n' "$@"
}
checkpoint() {
	boundary checkpoint ",\"name\":\"c\",\"seq\":$1,\"from\":null,\"version\":0,\"value\":\"$1\"" "$2"
}
resolve() {
	boundary resolve ",\"id\":\"$1\",\"seq\":$1,\"seen\":1,\"upto\":0" "$2"
}
gone='{"@etl":"failed","stage":"extract","code":66,"message":"gone"}'
{
	begin ',"checkpoint":"c","run":"r","future":[1.0,1e400],"lookback":true'
	echo '{"n":1,"big":123456789012345678901234567890,"f":1.0,"e":1E400}'
	echo '  {"n":2 , "z":-0,"esc":"a\/bé\u0001" }'
	checkpoint 1 2
	printf '\n \t\r\n'
	echo '{"@etl":"future","x":[1.50]}'
	echo '{"@etl":"reject","v":1,"id":"i","stage":"extract","code":"parse","raw":"{"}'
	for n in 3 4 5 6; do echo "{\"n\":$n}"; done
	checkpoint 4 6
	printf '%s\n' '{"n":' '[1]' '"text"' '{"n":6,"n":7}' '{"a":{"b":1,"b":2}}' \
	    NaN '{"n":01}' '{"n":1}x' "{'n':1}"
	printf '{"a":"\\u0000 \377"}\n{"a":"\037"}\n{"n":6}\r\n'
	for n in 1 2 3 4 5 6 7 8; do echo "{\"n\":2,\"m\":$n}"; done
	boundary end ',"seq":4' 26
} >whole
{ begin; boundary end '' 0; } >empty
cat whole empty whole >three
printf '{"n":2}\n{"n":3}\n{"n":4}' >plain
: >nothing
sed 1d whole >no-begin
sed '$d' whole >short
sed '$d' whole | tr -d '\n' >all-on-one-line
head -c 500 whole >torn
{ cat short; echo "$gone"; } >failed
echo "$gone" >failed-first
{ echo '{"n":1}'; cat whole; } >record-first
{ sed '$d' whole; begin; } >begin-twice
{ cat whole; echo '{"n":1}'; } >record-after
{ cat whole; checkpoint 9 26; } >boundary-after
{ cat whole; echo '{"@etl":"future"}'; } >unknown-after
{ begin; checkpoint 2 0; checkpoint 2 0; boundary end ',"seq":2' 0; } >seq-twice
{ begin; checkpoint 2 0; checkpoint 1 0; boundary end ',"seq":1' 0; } >seq-down
{ begin; checkpoint 2 0; boundary end ',"seq":3' 0; } >seq-lost
{ begin; checkpoint 2 0; boundary end '' 0; } >seq-none
sed 's/"v":1/"v":2/' whole >newer
sed '$s/,"stages".*/}/' whole >no-stages
sed '$s/}$//' whole >half-a-mark
{ echo '{"@etl":"begin"'; } >broken-begin
{
	begin ',"replay":true,"pipeline":"p","stage":"clean"'
	echo '{"n":5}'
	resolve 1 1
	resolve 2 1
	printf '{"n":6}\n{"n":4}\n'
	resolve 3 3
	boundary end ',"seq":3' 3
} >replay
begin | sed 's/"extract"/"extract","transform"/' >name-taken
boundary end '' 0 | sed 's/\]/,{"stage":"transform","in":0,"out":0,"dropped":0,"rejected":0}]/' >>name-taken
{ begin; for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "{\"n\":$n}"
	echo '{"n":5}'; done; boundary end '' 24; } >limit
{ begin; printf '{"n":1,"t":"'; head -c 17000000 /dev/zero | tr '\0' x
	echo '"}'; boundary end '' 1; } >long
cd "$top"

# Messages, times and the process are each one's own.
plain_of() {
	jq -cS 'if type == "object" then del(.at, .occurrence)
	    | if .["@etl"] == "reject" or .["@etl"] == "failed"
	      then del(.message) else . end else . end' "$1" 2>/dev/null ||
	    cat "$1"
}
cd "$scratch"
# judge STREAM RUN: both of it; inside a run a file would start a stream, and a
# pipe does not.
judge() {
	wanted=0 got=0
	# shellcheck disable=SC2002
	cat "streams/$1" | ETL_RUN=$2 ETL_PIPELINE=${2:+p} \
	    etl-transform --std "$filter" >c.out 2>c.err || wanted=$?
	# shellcheck disable=SC2002
	cat "streams/$1" | ETL_RUN=$2 ETL_PIPELINE=${2:+p} \
	    timeout 30 python3 stage.py >py.out 2>py.err || got=$?
	is "$1${2:+, in a run}: status" $wanted $got
	for out in c py; do
		# After the last boundary of a failure each may have got as
		# far as it did.
		if [ $wanted -eq 0 ]; then
			cat $out.out
		else
			grep -aE '^[{]"@etl":"(checkpoint|resolve|end)' \
			    $out.out || :
			tail -n 1 $out.out | grep '^{"@etl"' || :
		fi >some
		plain_of some >$out.plain
	done
	ok "$1${2:+, in a run}: the same lines" cmp c.plain py.plain
}
for stream in streams/*; do
	judge "${stream#*/}" ''
done
for stream in whole plain nothing no-begin all-on-one-line failed-first; do
	judge $stream run
done
like 'digits stay' '"big":123456789012345678901234567890,"f":1.0,"e":1E400' \
    "$(python3 stage.py <streams/whole)"
is 'descriptor 3' '0 0' "$(rc=0; python3 stage.py <streams/whole 3>three \
    >out || rc=$?; echo $rc "$(grep -c '"stage":"transform","code"' out)")"
is 'descriptor 3: as etl-transform has it' "$(etl-transform --std --marked \
    "$filter" <streams/whole 3>three.c | plain_of /dev/stdin)" "$(plain_of out)"
is 'descriptor 3: the lines' "$(plain_of three.c)" "$(plain_of three)"
is 'descriptor 3, in a replay: in the stream' '0 0' "$(rc=0
    python3 stage.py <streams/replay 3>three >out || rc=$?
    echo $rc "$(wc -c <three)")"
is 'nowhere' 65 "$(echo '{"n":5}' | status python3 stage.py)"
is 'a full disk' 74 "$(rc=0; python3 stage.py <streams/whole >/dev/full \
    2>err || rc=$?; echo $rc)"
rc=0
{ yes '{"n":1}' | { python3 stage.py 2>err || echo $? >rc; }; } | head -n 1 >out
is 'nobody reads' '141 ' "$(cat rc) $(cat err)"
mkfifo fifo
python3 stage.py <fifo >out 2>err &
pid=$!
exec 4>fifo
head -n 3 streams/whole >&4
ok 'it streams' wait_until 20 grep -q '"z":-0' out
kill -TERM $pid
rc=0
wait $pid 2>/dev/null || rc=$?
exec 4>&-
is 'TERM' 143 $rc
like 'TERM: says so' '"failed".*"code":75,.*TERM' "$(tail -n 1 out)"
cd "$top"

# In the pipeline of the example, beside the same oracle.
API_TOKEN=secret
export API_TOKEN
api_start --items 1
grow() {
	curl -s "$api/control/items/$1" >/dev/null
}
run_once() {
	API_BASE_URL=$api/auth DATABASE_URL=$db timeout -k 5 60 \
	    etl-run --name items "${1:-$example/pipeline.sh}" \
	    >"$scratch/out" 2>"$scratch/err"
}
text_of() {
	case $db in
	sqlite:*) echo 'CAST(raw AS TEXT)' ;;
	*) echo "convert_from(raw, 'UTF8')" ;;
	esac
}
all_right() {
	case $db in
	sqlite:*) number="printf('%!.17g', value), printf('%!.17g', value_scaled)" ;;
	*) number='value, value_scaled' ;;
	esac
	sql "SELECT id, ts, $number, source FROM items" >"$scratch/rows"
	sql "SELECT stage, code, $(text_of) FROM dead_letters" |
	    sed 's/^items|/transform|/' >"$scratch/letters"
	is "$kind: $1: rows, dead letters, checkpoint" '' \
	    "$(python3 tests/examples/items_oracle.py all "$api/auth" \
	    "$scratch/rows" "$scratch/letters" "$(sql "SELECT value
	    FROM etl_checkpoints WHERE name = 'items'")" 2>&1 | head -n 20)"
	is "$kind: $1: each letter once" 0 "$(sql "SELECT count(*)
	    FROM dead_letters WHERE attempts <> 1")"
}
# The example, with a stage that is killed after so many lines.
killed=$scratch/killed
mkdir -p "$killed/python-stage" "$killed/items-api"
cp "$top"/examples/items-api/items.* "$killed/items-api"
cp "$example"/*.py "$example"/*.sh "$killed/python-stage"
cat >"$killed/python-stage/items.py" <<'EOP'
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.argv[0] = "items.py"
left = int(os.environ["LEFT"])
import etlstage
real = etlstage.Stage.emit
def emit(self, outputs):
    global left
    left -= 1
    if left == 0:
        self.out.flush()
        os.kill(os.getpid(), 9)
    real(self, outputs)
etlstage.Stage.emit = emit
exec(open(os.environ["STAGE"]).read())
EOP
for kind in sqlite postgresql; do
	db_new $kind
	grow 250
	ok "$kind: first run" run_once
	all_right 'first run'
	grow 600
	for left in 1 300; do
		rc=0
		LEFT=$left STAGE=$example/items.py \
		    run_once "$killed/python-stage/pipeline.sh" || rc=$?
		isnt "$kind: killed at record $left: status" 0 $rc
	done
	ok "$kind: after the kills" run_once
	all_right 'after the kills'
	is "$kind: the run row has its counts" items "$(sql 'SELECT stages
	    FROM pipeline_runs ORDER BY id DESC LIMIT 1' | jq -r '.[1].stage')"

	# Its letters again, as a stage of a replay: mended, or not.
	open=$(sql "SELECT count(*) FROM dead_letters WHERE stage = 'items'")
	null=$(sql "SELECT count(*) FROM dead_letters WHERE stage = 'items'
	    AND code = 'type'")
	isnt "$kind: letters to replay" 0 "$open"
	isnt "$kind: of two causes" "$open" "$null"
	rc=0
	DATABASE_URL=$db sh -c "etl-dlq replay --pipeline items --stage items \
	    --code type | etl-via jq -c '.value = 7' |
	    python3 '$example/items.py' |
	    etl-load --table items --key id" 2>"$scratch/err" || rc=$?
	is "$kind: replay, mended: status" 0 $rc
	is "$kind: replay, mended: resolved" "$null" "$(sql "SELECT count(*)
	    FROM dead_letters WHERE status = 'resolved'")"
	rc=0
	DATABASE_URL=$db sh -c "etl-dlq replay --pipeline items --stage items |
	    python3 '$example/items.py' | etl-load --table items --key id \
	    --max-rejects 100%" 2>"$scratch/err" || rc=$?
	is "$kind: replay, not mended: status" 0 $rc
	is "$kind: replay, not mended: the same letters, open again" \
	    "$((open - null))|2|2" "$(sql "SELECT count(*), min(attempts),
	    max(attempts) FROM dead_letters WHERE stage = 'items' AND
	    status = 'open'")"
done
done_testing
