#!/bin/sh
# Marked streams: counts, order and rejects; streams that are cut or failed.
# shellcheck disable=SC2016 # jq's variables
. tests/support/lib.sh

begin='{"@etl":"begin","v":1,"id":"b1","stream":"s","stages":["extract"]}'
# end IN OUT DROPPED REJECTED
end() {
	printf '{"@etl":"end","stages":[{"stage":"extract","in":%d,"out":%d,"dropped":%d,"rejected":%d}]}\n' "$@"
}
counts() {
	tail -n 1 "$scratch/out" | jq -c '.stages[1] |
	    [.stage, .in, .out, .dropped, .rejected, .aside // 0]'
}

{
	echo "$begin"
	seq 1 1000 | sed 's/.*/{"n":&}/'
	end 0 1000 0 0
} >"$scratch/in"
filter='if .n % 10 == 0 then empty elif .n % 10 == 1 then error("one")
    elif .n % 10 == 2 then ., . elif .n == 503 then 1e300 | todate else . end'
is 'a marked stream passes, rejects included' \
    0 "$(status etl-transform "$filter" <"$scratch/in")"
is 'the mark begin names the stage transform' '["extract","transform"]' \
    "$(head -n 1 "$scratch/out" | jq -c .stages)"
is 'the mark end has the counts of the stage transform' \
    '["transform",1000,899,100,101,0]' "$(counts)"
is 'the rejects are in the stream' 101 "$(grep -c '^{"@etl":"reject"' \
    "$scratch/out")"
is 'the records are in the stream' 899 "$(grep -c '^{"n"' "$scratch/out")"
jq -c 'if ."@etl" == "reject" then .raw | fromjson else . end |
    select(.n) | .n' "$scratch/out" >"$scratch/order"
is 'records and rejects stay in the order of the input' \
    "$(cksum <"$scratch/order")" \
    "$(sort -n "$scratch/order" | cksum)"
is 'rejects can go to file descriptor 3' \
    0 "$(status sh -c 'etl-transform "$1" 3>"$2"' - "$filter" \
    "$scratch/3" <"$scratch/in")"
is 'rejects on file descriptor 3 are counted as aside' \
    '["transform",1000,899,100,101,101]' "$(counts)"
is 'file descriptor 3 gets every reject' 101 "$(wc -l <"$scratch/3")"
is 'a pipeline may have two stages transform' \
    0 "$(etl-transform . <"$scratch/in" |
    status etl-transform 'select(.n > 10)')"
is 'the second stage transform is named transform.2' \
    '["extract","transform","transform.2"]' \
    "$(tail -n 1 "$scratch/out" | jq -c '[.stages[].stage]')"
is 'the counts of the second stage agree with those of the first' \
    '[1000,990]' "$(tail -n 1 "$scratch/out" |
    jq -c '[.stages[2] | .in, .out]')"

# A boundary follows the output of every record before it.
{
	echo "$begin"
	echo '{"n":1}'
	echo '{"@etl":"checkpoint","name":"c","seq":1,"from":null,"version":0,"value":"1","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}'
	echo '{"n":2}'
	echo '{"@etl":"future","x":[1]}'
	echo '{"@etl":"checkpoint","name":"c","seq":2,"from":null,"version":0,"value":"2","stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}'
	echo '{"@etl":"end","seq":2,"stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}'
} >"$scratch/in"
is 'a stream with checkpoints passes' \
    0 "$(status etl-transform '., .' <"$scratch/in")"
is 'each mark stays behind the records that it covers' \
    'begin 1 1 checkpoint 2 2 future checkpoint end' \
    "$(jq -r '."@etl" // .n' "$scratch/out" | tr '\n' ' ' | sed 's/ $//')"
is 'each checkpoint has the counts up to its place' \
    '[1,2][2,4]' "$(jq -c 'select(."@etl" == "checkpoint") |
    [.stages[1] | .in, .out]' "$scratch/out" | tr -d '\n')"

# Streams that are cut or failed, and failures of etl-transform itself.
{ echo "$begin"; echo '{"n":1}'; } >"$scratch/in"
is 'a cut stream exits with 75' 75 "$(status etl-transform . <"$scratch/in")"
is 'a cut stream gets no mark end' 0 "$(grep -c '"@etl":"end"' "$scratch/out" ||
    :)"
echo '{"@etl":"failed","stage":"extract","code":66,"message":"no such page"}' \
    >>"$scratch/in"
is 'a stream that an earlier stage failed exits with its code, 66' \
    66 "$(status etl-transform . <"$scratch/in")"
is 'the failed mark of the earlier stage passes unchanged' \
    "$(tail -n 1 "$scratch/in")" "$(tail -n 1 "$scratch/out")"
{ echo "$begin"; echo '{"n":1}'; end 0 1 0 0; } >"$scratch/in"
is 'a filter that does not compile exits with 78' \
    78 "$(status etl-transform '{' \
    <"$scratch/in")"
is 'a command line without FILTER exits with 64' \
    64 "$(status etl-transform <"$scratch/in")"
is 'without FILTER the failed mark says what to give, in one line' \
    "no FILTER: give one, such as '.', or -f FILE" \
    "$(tail -n 1 "$scratch/out" | jq -r .message)"
is 'more rejects than --max-rejects exit with 1' \
    1 "$(status etl-transform --max-rejects 0 error \
    <"$scratch/in")"
is '--max-rejects exceeded: a failed mark of transform ends the stream' \
    '["failed","transform",1]' \
    "$(tail -n 1 "$scratch/out" | jq -c '[."@etl", .stage, .code]')"
{ end 0 0 0 0; echo "$begin"; } >"$scratch/in"
is 'a mark end without a begin exits with 76' \
    76 "$(status etl-transform . <"$scratch/in")"

# With --plain no line is a mark.
{ echo "$begin"; echo '{"n":1}'; end 0 1 0 0; } >"$scratch/in"
is '--plain accepts a marked stream' \
    0 "$(status sh -c 'etl-transform --plain . 3>"$1"' - \
    "$scratch/3" <"$scratch/in")"
is '--plain passes the records' '{"n":1}' "$(cat "$scratch/out")"
is '--plain makes a reject (reserved) of each mark' 'reserved
reserved' "$(jq -r .code "$scratch/3")"
is 'the reject of a mark keeps its bytes' \
    "$begin" "$(head -n 1 "$scratch/3" | jq -r .raw)"

# A line that is too long becomes a reject in its place.
{
	echo "$begin"
	echo '{"n":1}'
	printf '{"n":"%s"}\n' "$(head -c 1000 /dev/zero | tr '\0' x)"
	echo '{"n":3}'
	end 0 3 0 0
} >"$scratch/in"
is 'a line longer than --max-record does not end the stream' \
    0 "$(status etl-transform --max-record 500 --max-rejects 9 . \
    <"$scratch/in")"
is 'a line that is too long becomes a reject in its place' \
    'begin 1 too_long 3 end' "$(jq -r '.code //
    ."@etl" // .n' "$scratch/out" | tr '\n' ' ' | sed 's/ $//')"

# A large stream: the second stage checks the counts of the first.
{
	echo "$begin"
	awk 'BEGIN { for (i = 0; i < 50000; i++) printf "{\"n\":%d,\"t\":\"%s\"}\n",
	    i, sprintf("%*s", i % 300, "") }'
	end 0 50000 0 0
} >"$scratch/in"
is 'a stream of 50,000 records passes two stages' \
    0 "$(etl-transform --max-rejects 9 'if .n == 25000 then
    1e300 | todate else . end' <"$scratch/in" 2>"$scratch/err1" |
    status etl-transform 'select(.n % 2 == 1)')"
is 'both stages count every record of a large stream' \
    '[50000,49999,0,1][49999,25000,24999,0]' "$(tail -n 1 \
    "$scratch/out" | jq -c '.stages[1:][] | [.in, .out, .dropped, .rejected]' |
    tr -d '\n')"
done_testing
