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

is 'a source fails' 75 "$(status etl-run --name p -c \
    "etl-extract --retries 0 http://127.0.0.1:1/x | etl-transform . | $load")"
like 'only the source prints why' \
    '^etl-extract: http://127.0.0.1:1/x: .*connect' "$(sed -n 1p err)"
like 'then etl-run prints how the run ended' \
    "^etl-run: p: failed in [0-9.]+s: the script exited with 75$see" \
    "$(sed -n 2p err)"
is 'and nothing else is printed' 2 "$(wc -l <err | tr -d ' ')"
command=$(sed -n 's/.*; see: //p' err)
like 'the command shows the run, with the cause' \
    '^message +etl-extract: http://127.0.0.1:1/x: ' "$($command)"

is 'an option is wrong' 64 "$(status etl-run --name p -c \
    "etl-extract --nope x | $load")"
is 'only that program prints it' 'etl-extract: unknown option --nope
etl-extract: see etl-extract --help' "$(sed '$d' err)"
is 'a filter fails' 78 "$(status etl-run --name p -c \
    "echo '{\"id\":1}' | etl-transform --plain . | etl-transform '{' | $load")"
is 'only the filter prints it' 1 "$(grep -c '^etl-' err | tr -d ' ' |
    xargs -I{} expr {} - 1)"

is 'with --db' 1 "$(status etl-run --db sqlite:y.db --name p -c 'exit 1')"
command=$(sed -n 's/.*; see: //p' err)
like 'the command names the database' "^etl-status --db sqlite:/.*/y\.db --run " \
    "$command"
like 'and shows the run' '^pipeline +p$' "$($command)"
mkdir 'a b'
is 'a database whose name has a blank' 1 \
    "$(status etl-run --db 'sqlite:a b/y.db' --name p -c 'exit 1')"
command=$(sed -n 's/.*; see: //p' err)
like 'is quoted' "^etl-status --db 'sqlite:/.*/a b/y\.db' --run " "$command"
like 'so that the shell can execute the command' '^pipeline +p$' \
    "$(eval "$command")"
echo "DATABASE_URL=sqlite:$scratch/env.db" >env.txt
is 'a database of --env-file' 1 \
    "$(status env -u DATABASE_URL etl-run --env-file env.txt --name p -c 'exit 1')"
like 'is named too' "; see: etl-status --db sqlite:/.*/env\.db --run " \
    "$(cat err)"

# A stage of another program writes the mark, and may have printed nothing.
cat >mine.sh <<'S'
printf '{"@etl":"begin","v":1,"id":"0","stream":"s","run":"%s","stages":["mine"]}\n' "$ETL_RUN"
echo '{"@etl":"failed","stage":"mine","code":66,"message":"all gone"}'
S
is 'a program that is not of this toolkit fails' 66 \
    "$(status etl-run --name p -c "sh mine.sh | $load")"
is 'the loader prints its message' 'etl-load: mine: all gone' "$(sed -n 1p err)"

# The failure of a stream that an earlier run has saved.
etl-run --name save -c 'etl-extract --retries 0 http://127.0.0.1:1/x >saved' \
    2>/dev/null || :
is 'a saved stream that failed is loaded' 75 \
    "$(status etl-run --name p -c "$load <saved")"
like 'the loader prints why it failed' \
    '^etl-load: extract: http://127.0.0.1:1/x: ' "$(sed -n 1p err)"
is 'outside a run the loader prints it too' 75 "$(status sh -c "$load <saved")"
like 'with the stage that failed' '^etl-load: extract: http' "$(cat err)"
printf '%s\n' '{"@etl":"failed","stage":"extract","code":64,"message":"bad"}' \
    >usage
is 'a wrong option of a stage before' 64 "$(status sh -c "$load <usage")"
is 'sends nobody to the help of the loader' 'etl-load: extract: bad' \
    "$(cat err)"
done_testing
