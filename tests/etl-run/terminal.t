#!/bin/sh
# On a terminal etl-run prints a line about each run, the interrupt key reaches
# the pipeline, and a pipeline that reads from the terminal does not hang.
# shellcheck disable=SC2016
. tests/support/lib.sh
db_new sqlite
DATABASE_URL=$db
export DATABASE_URL
cd "$scratch"

# keys.py NAME COMMAND [KEYS]: runs etl-run in the foreground of a terminal of
# its own, and types KEYS when COMMAND has made the file ready.
cat >keys.py <<'P'
import os, pty, select, sys, time
name, command, keys = sys.argv[1], sys.argv[2], (sys.argv + [""])[3]
pid, fd = pty.fork()
if pid == 0:
    os.execvp("etl-run", ["etl-run", "--name", name, "-c", command])
end = time.monotonic() + 20
while time.monotonic() < end:
    if keys and os.path.exists("ready"):
        os.write(fd, keys.encode())
        keys = ""
    if not select.select([fd], [], [], 0.05)[0]:
        continue
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data.replace(b"\r", b""))
else:
    os.kill(pid, 9)
status = os.waitpid(pid, 0)[1]
print("exit", os.waitstatus_to_exitcode(status))
P
python3 keys.py quiet : >out
like 'a run on a terminal prints a summary' \
    '^etl-run: quiet: success in [0-9.]+s: no loads' "$(cat out)"
like 'a successful run on a terminal exits with 0' '^exit 0$' "$(cat out)"
python3 keys.py reads 'read -r line; echo "read $?"' >out
like 'the script finds its standard input empty' '^read 1$' "$(cat out)"
python3 keys.py asks 'if (: </dev/tty) 2>/dev/null; then echo yes
    else echo no; fi' >out
like 'the script cannot open the terminal' '^no$' "$(cat out)"
rm -f ready
python3 keys.py key ': >ready; exec sleep 36.7' "$(printf '\003')" >out
like 'the interrupt key ends etl-run by SIGINT' '^exit -2$' "$(cat out)"
is 'the interrupt key ends the script' '' "$(pgrep -f 'sleep 36[.]7' || :)"
is 'the row names SIGINT' 'failed|stopped by SIGINT' "$(sql "SELECT status,
    error_message FROM pipeline_runs WHERE pipeline = 'key'")"

# What the stages write to standard error is escaped on a terminal.
cat >says.sh <<'S'
printf 'red \033[31m c1 \302\233 bad \377 e \303\251 tab\there\r\n' >&2
printf 'etl-x: \033]0;title\007\n' >&2
printf 'half \303' >&2; sleep 0.3; printf '\251 then \303' >&2
S
chmod +x says.sh
python3 keys.py says 'sh says.sh' >out
is 'control characters, C1 and bytes that are not UTF-8 are escaped' \
    "$(printf 'says: red \\u001b[31m c1 \\u009b bad \\xff e \303\251 tab\there\\r')" \
    "$(grep red out)"
is 'the lines of etl programs are escaped too' \
    'etl-x: \u001b]0;title\u0007' "$(grep title out)"
is 'a character that comes in two parts stays; a half one is escaped' \
    "$(printf 'says: half \303\251 then \\xc3')" "$(grep half out)"
cat >long.sh <<'S'
head -c 100000 /dev/zero | tr '\0' '\033' >&2
S
python3 keys.py long 'sh long.sh' >out
is 'a long line of control characters is complete' 600000 \
    "$(grep -o '\\u001b' out | tr -d '\n' | wc -c)"
etl-run --name says -c 'sh says.sh' 2>err
is 'in a file standard error stays as it is' 1 \
    "$(grep -c "$(printf 'red \033\\[31m c1 \302\233 bad \377')" err)"
done_testing
