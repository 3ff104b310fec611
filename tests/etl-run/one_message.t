#!/bin/sh
# If a stage of a run fails, the stage prints why, once; then etl-run prints the
# run's line, which ends with the command that shows more.
. tests/support/lib.sh
cd "$scratch"

DATABASE_URL=sqlite:$scratch/x.db
export DATABASE_URL
etl-run --name make -c 'echo "{\"id\":1}" | etl-transform --plain . |
    etl-load --ddl t.sql --table t --key id' 2>/dev/null || :
printf 'CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY);\n' >t.sql
see='; see: etl-status --run [0-9a-f]{8}$'
load='etl-load --ddl t.sql --table t --key id'

is 'a run whose source fails exits with 75' 75 "$(status etl-run --name p -c \
    "etl-extract --retries 0 http://127.0.0.1:1/x | etl-transform . | $load")"
like 'the source prints why it failed' \
    '^etl-extract: http://127.0.0.1:1/x: .*connect' "$(sed -n 1p err)"
like 'etl-run prints how the run ended' \
    "^etl-run: p: failed in [0-9.]+s: the script exited with 75$see" \
    "$(sed -n 2p err)"
is 'nothing else is printed about the failed source' 2 \
    "$(wc -l <err | tr -d ' ')"
command=$(sed -n 's/.*; see: //p' err)
like 'the printed command shows the run and the cause' \
    '^message +etl-extract: http://127.0.0.1:1/x: ' "$($command)"

is 'a run with an unknown option of a stage exits with 64' 64 \
    "$(status etl-run --name p -c \
    "etl-extract --xyzzy x | $load")"
is 'only the stage with the unknown option prints it' \
    'etl-extract: unknown option --xyzzy
etl-extract: see etl-extract --help' "$(sed '$d' err)"
is 'a run with an invalid filter exits with 78' 78 \
    "$(status etl-run --name p -c \
    "echo '{\"id\":1}' | etl-transform --plain . | etl-transform '{' | $load")"
is 'only the stage with the invalid filter prints it' 1 \
    "$(grep -c '^etl-' err | tr -d ' ' |
    xargs -I{} expr {} - 1)"

is 'a failed run with --db exits with 1' 1 \
    "$(status etl-run --db sqlite:y.db --name p -c 'exit 1')"
command=$(sed -n 's/.*; see: //p' err)
like 'the printed command names the database of --db' \
    "^etl-status --db sqlite:/.*/y\.db --run " \
    "$command"
like 'the printed command shows the run in that database' '^pipeline +p$' \
    "$($command)"
mkdir 'a b'
is 'a failed run in a database with a blank exits with 1' 1 \
    "$(status etl-run --db 'sqlite:a b/y.db' --name p -c 'exit 1')"
command=$(sed -n 's/.*; see: //p' err)
like 'the printed command quotes the name with a blank' \
    "^etl-status --db 'sqlite:/.*/a b/y\.db' --run " "$command"
like 'the shell can execute the quoted command' '^pipeline +p$' \
    "$(eval "$command")"
echo "DATABASE_URL=sqlite:$scratch/env.db" >env.txt
is 'a failed run with a database of --env-file exits with 1' 1 \
    "$(status env -u DATABASE_URL etl-run --env-file env.txt --name p -c 'exit 1')"
like 'the printed command names the database of --env-file' \
    "; see: etl-status --db sqlite:/.*/env\.db --run " \
    "$(cat err)"

# An option of the URL decides which database is used, but is not printed: it may
# be a secret.
db_new postgresql
is 'a failed run whose URL has an option exits with 1' 1 \
    "$(status etl-run --db "$db?options=-cwork_mem%3D8MB" --name p -c 'exit 1')"
like 'the printed command leaves out a URL that it may not print whole' \
    '; see, with its URL in DATABASE_URL: etl-status --run ' "$(cat err)"

# A foreign program writes a failed mark and may print nothing, so the loader
# prints the message of the mark.
cat >mine.sh <<'S'
printf '{"@etl":"begin","v":1,"id":"0","stream":"s","run":"%s","stages":["mine"]}\n' "$ETL_RUN"
echo '{"@etl":"failed","stage":"mine","code":66,"message":"all gone"}'
S
is 'etl-run exits with the code of a foreign failed mark' 66 \
    "$(status etl-run --name p -c "sh mine.sh | $load")"
is 'the loader prints the message of a foreign failed mark' \
    'etl-load: mine: all gone' "$(sed -n 1p err)"

sed -i 's/all gone"/&,"printed":true/' mine.sh
is 'the loader does not repeat a message that a foreign program has printed' \
    'etl-run: p: failed in' "$(etl-run --name p -c "sh mine.sh | $load" 2>&1 |
    sed -n '1s/\(failed in\).*/\1/p')"
is 'the loader does not repeat the message of a stage with a --stage name' 1 \
    "$(etl-run --name p -c "echo '{}' | etl-extract - |
    etl-transform --stage clean --max-rejects 0 'error(\"no\")' |
    $load" 2>&1 | grep -c '1 of 1 records were rejected')"

# An earlier run saved a stream that failed. No stage of this run has printed
# the cause, so the loader prints it.
etl-run --name save -c 'etl-extract --retries 0 http://127.0.0.1:1/x >saved' \
    2>/dev/null || :
is 'a load of a saved stream that failed exits with 75' 75 \
    "$(status etl-run --name p -c "$load <saved")"
like 'the loader prints why the saved stream failed' \
    '^etl-load: extract: http://127.0.0.1:1/x: ' "$(sed -n 1p err)"
is 'outside a run the same load exits with 75' 75 \
    "$(status sh -c "$load <saved")"
like 'outside a run the message names the stage that failed' \
    '^etl-load: extract: http' "$(cat err)"
printf '%s\n' '{"@etl":"failed","stage":"extract","code":64,"message":"bad"}' \
    >usage
is 'a failed mark with code 64 makes the loader exit with 64' 64 \
    "$(status sh -c "$load <usage")"
is 'the loader does not point to its own --help' 'etl-load: extract: bad' \
    "$(cat err)"
done_testing
