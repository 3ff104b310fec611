#!/bin/sh
# What README.md shows of make demo is what it prints; its crontab line runs.
. tests/support/lib.sh

# Times, ports, ids and folders differ from run to run, and so does the order
# of what two stages reject in the same moment.
alike() {
	sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g' \
	    -e 's/127\.0\.0\.1:[0-9]+/HOST/g' -e 's/run [0-9a-f]{8}/run ID/' \
	    -e 's/in [0-9.]+m?s:/in SECONDS:/' -e 's,/[^ ]*/posts.db,DB,' \
	    -e 's/-{5,}/-----/g' -e 's/ +/ /g' -e 's/ $//' \
	    -e 's/^ [0-9]+ (1 open)/ \1/' | sort
}
block() {
	sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" README.md | sed '1d;$d'
}
is 'what make demo prints' "$(block text | alike)" \
    "$(sh tests/support/demo.sh 2>&1 | alike)"

api_start --posts 100
mkdir "$scratch/posts"
cp examples/posts/*.jq examples/posts/*.s* "$scratch/posts"
printf 'API_BASE_URL=%s\n' "$api" >"$scratch/posts/.env"
chmod 600 "$scratch/posts/.env"
cron=$(block cron | grep '^[*0]')
like 'cron finds the programs where make install puts them' \
    "^PATH=$(sed -n 's/^PREFIX *?*= *//p' Makefile)/bin:" \
    "$(block cron | head -n 1)"
is 'two jobs, with five fields before the command' 2 \
    "$(echo "$cron" | grep -cE '^([^ ]+ ){5}cd ')"
# job N: the command of that line, as cron runs it.
job() {
	# shellcheck disable=SC2046
	status env -i $(block cron | grep '^[A-Z_]*=' |
	    sed "s,/srv/posts,$scratch/posts,") PATH="$PATH" HOME=/ /bin/sh -c "$(echo "$cron" |
	    sed -n "$1p" | cut -d' ' -f6- | sed "s,/srv/posts,$scratch/posts,")"
}
is 'the run' 0 "$(job 1)"
is 'and cron has nothing to mail' '' "$(cat "$scratch/out" "$scratch/err")"
is 'its rows' 92 "$(sqlite3 "$scratch/posts/etl.db" \
    'SELECT count(*) FROM user_activities')"
is 'causes after it' 0 "$(job 2)"
like 'are mailed' "^ +3 +3 +3  transform range: Title too short: 'ok' " \
    "$(cat "$scratch/out")"

for script in posts/pipeline items-api/items python-stage/pipeline; do
	is "$script.sh without the API: fails, not to be tried again" 2 \
	    "$(unset API_BASE_URL; status etl-run --name "none-${script%%/*}" \
	    --db "sqlite:$scratch/none.db" --retries 1 \
	    "examples/$script.sh")"
	is "$script.sh without the API: why" 1 \
	    "$(grep -c '^none-.*: .*API_BASE_URL: is not set$' "$scratch/err")"
done
done_testing
