#!/bin/sh
# Marked streams: counts, order, rejects, what is cut or forged.
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
is 'marked' 0 "$(status etl-transform "$filter" <"$scratch/in")"
is 'begin names the stage' '["extract","transform"]' \
    "$(head -n 1 "$scratch/out" | jq -c .stages)"
is 'end has the counts' '["transform",1000,899,100,101,0]' "$(counts)"
is 'rejects are in the stream' 101 "$(grep -c '^{"@etl":"reject"' \
    "$scratch/out")"
is 'records too' 899 "$(grep -c '^{"n"' "$scratch/out")"
jq -c 'if ."@etl" == "reject" then .raw | fromjson else . end |
    select(.n) | .n' "$scratch/out" >"$scratch/order"
is 'all in order' "$(cksum <"$scratch/order")" \
    "$(sort -n "$scratch/order" | cksum)"
is 'aside' 0 "$(status sh -c 'etl-transform "$1" 3>"$2"' - "$filter" \
    "$scratch/3" <"$scratch/in")"
is 'is counted' '["transform",1000,899,100,101,101]' "$(counts)"
is 'and there' 101 "$(wc -l <"$scratch/3")"
is 'two stages' 0 "$(etl-transform . <"$scratch/in" |
    status etl-transform 'select(.n > 10)')"
is 'have two names' '["extract","transform","transform.2"]' \
    "$(tail -n 1 "$scratch/out" | jq -c '[.stages[].stage]')"
is 'sums agree' '[1000,990]' "$(tail -n 1 "$scratch/out" |
    jq -c '[.stages[2] | .in, .out]')"

# Boundaries stand behind what they cover.
{
	echo "$begin"
	echo '{"n":1}'
	echo '{"@etl":"checkpoint","name":"c","seq":1,"from":null,"version":0,"value":"1","stages":[{"stage":"extract","in":0,"out":1,"dropped":0,"rejected":0}]}'
	echo '{"n":2}'
	echo '{"@etl":"future","x":[1]}'
	echo '{"@etl":"checkpoint","name":"c","seq":2,"from":null,"version":0,"value":"2","stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}'
	echo '{"@etl":"end","seq":2,"stages":[{"stage":"extract","in":0,"out":2,"dropped":0,"rejected":0}]}'
} >"$scratch/in"
is 'boundaries' 0 "$(status etl-transform '., .' <"$scratch/in")"
is 'in their places' 'begin 1 1 checkpoint 2 2 future checkpoint end' \
    "$(jq -r '."@etl" // .n' "$scratch/out" | tr '\n' ' ' | sed 's/ $//')"
is 'with counts so far' '[1,2][2,4]' "$(jq -c 'select(."@etl" == "checkpoint") |
    [.stages[1] | .in, .out]' "$scratch/out" | tr -d '\n')"

# Streams that are not whole.
{ echo "$begin"; echo '{"n":1}'; } >"$scratch/in"
is 'cut' 75 "$(status etl-transform . <"$scratch/in")"
is 'is passed on cut or failed' 0 "$(grep -c '"@etl":"end"' "$scratch/out" ||
    :)"
echo '{"@etl":"failed","stage":"extract","code":66,"message":"no such page"}' \
    >>"$scratch/in"
is 'failed' 66 "$(status etl-transform . <"$scratch/in")"
is 'is passed on' "$(tail -n 1 "$scratch/in")" "$(tail -n 1 "$scratch/out")"
{ echo "$begin"; echo '{"n":1}'; end 0 1 0 0; } >"$scratch/in"
is 'a filter that does not compile' 78 "$(status etl-transform '{' \
    <"$scratch/in")"
is 'no filter' 64 "$(status etl-transform <"$scratch/in")"
is 'no filter: failed says so in one line' \
    "no FILTER: give one, such as '.', or -f FILE" \
    "$(tail -n 1 "$scratch/out" | jq -r .message)"
is 'a filter too many reject' 1 "$(status etl-transform --max-rejects 0 error \
    <"$scratch/in")"
is 'says failed in the stream' '["failed","transform",1]' \
    "$(tail -n 1 "$scratch/out" | jq -c '[."@etl", .stage, .code]')"
{ end 0 0 0 0; echo "$begin"; } >"$scratch/in"
is 'end without begin' 76 "$(status etl-transform . <"$scratch/in")"

# --plain: nothing is a mark.
{ echo "$begin"; echo '{"n":1}'; end 0 1 0 0; } >"$scratch/in"
is 'plain' 0 "$(status sh -c 'etl-transform --plain . 3>"$1"' - \
    "$scratch/3" <"$scratch/in")"
is 'records' '{"n":1}' "$(cat "$scratch/out")"
is 'marks are reserved' 'reserved
reserved' "$(jq -r .code "$scratch/3")"
is 'their bytes are kept' "$begin" "$(head -n 1 "$scratch/3" | jq -r .raw)"

# A line too long, in its place.
{
	echo "$begin"
	echo '{"n":1}'
	printf '{"n":"%s"}\n' "$(head -c 1000 /dev/zero | tr '\0' x)"
	echo '{"n":3}'
	end 0 3 0 0
} >"$scratch/in"
is 'too long' 0 "$(status etl-transform --max-record 500 --max-rejects 9 . \
    <"$scratch/in")"
is 'is a reject in its place' 'begin 1 too_long 3 end' "$(jq -r '.code //
    ."@etl" // .n' "$scratch/out" | tr '\n' ' ' | sed 's/ $//')"

# The whole of a large stream, checked by the next stage's own sums.
{
	echo "$begin"
	awk 'BEGIN { for (i = 0; i < 50000; i++) printf "{\"n\":%d,\"t\":\"%s\"}\n",
	    i, sprintf("%*s", i % 300, "") }'
	end 0 50000 0 0
} >"$scratch/in"
is 'large' 0 "$(etl-transform --max-rejects 9 'if .n == 25000 then
    1e300 | todate else . end' <"$scratch/in" 2>"$scratch/err1" |
    status etl-transform 'select(.n % 2 == 1)')"
is 'sums' '[50000,49999,0,1][49999,25000,24999,0]' "$(tail -n 1 \
    "$scratch/out" | jq -c '.stages[1:][] | [.in, .out, .dropped, .rejected]' |
    tr -d '\n')"
done_testing
