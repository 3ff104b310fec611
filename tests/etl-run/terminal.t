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
done_testing
