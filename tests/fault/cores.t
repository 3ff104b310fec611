#!/bin/sh
# A program that crashes writes no core file, because its memory holds passwords.
# The commands that etl-run and etl-via execute keep their limit of core files.
. tests/support/lib.sh
db_new sqlite
cd "$scratch"

# crash URL COMMAND...: starts COMMAND with a standard input that never ends and
# URL as DATABASE_URL, waits until COMMAND sleeps, and kills it with SIGABRT.
# Prints whether the kernel has written a core file.
crash() {
	/usr/bin/python3 - "$@" <<'PY'
import os, resource, signal, subprocess, sys, time
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
p = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=-3,
                     stderr=-3, env={**os.environ, 'DATABASE_URL': sys.argv[1]})
name = os.path.basename(sys.argv[2])[:15]
asleep = 0
while asleep < 5 and p.poll() is None:
    time.sleep(0.05)
    stat = open(f'/proc/{p.pid}/stat').read()
    ready = f'({name}) S' in stat
    asleep = asleep + 1 if ready else 0
if p.poll() is not None:
    sys.exit(f'{name} has exited with {p.returncode}')
os.kill(p.pid, signal.SIGABRT)
status = os.waitpid(p.pid, 0)[1]
print('core file' if os.WCOREDUMP(status) else 'no core file')
PY
}
# A server that never answers keeps the programs that read no standard input.
mkfifo port
/usr/bin/python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 0), backlog=50)
open("port", "w").write(str(s.getsockname()[1]))
time.sleep(600)' &
server=$!
at_exit "kill $server 2>/dev/null; wait $server 2>/dev/null"
mute=postgresql://127.0.0.1:$(cat port)/x

[ "$(crash "$mute" sleep 60)" = 'core file' ] ||
	diag 'this machine writes no core files: this test shows little'
rm -f core*
crashed() {
	is "a crash of $1 leaves no core file" 'no core file' \
	    "$(shift; crash "$@")"
}
sqlite3 "${db#sqlite:}" 'CREATE TABLE t (id int)'
crashed etl-extract "$db" etl-extract -
crashed etl-transform "$db" etl-transform .
crashed etl-via "$db" etl-via cat
crashed etl-load "$db" etl-load --table t
crashed 'etl-dlq put' "$db" etl-dlq put -
crashed 'etl-checkpoint save' "$db" etl-checkpoint save --state file:state
crashed etl-status "$mute" etl-status
crashed 'etl-dlq list' "$mute" etl-dlq list
crashed etl-run "$db" etl-run -c 'sleep 5'
is 'no core file is in the folder of the programs' '' \
    "$(find . -name 'core*')"

# AddressSanitizer sets the limit to 0 unless it is told not to.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}disable_coredump=0
export ASAN_OPTIONS
limits='ulimit -c; ulimit -H -c'
# shellcheck disable=SC3045
ulimit -c "$(ulimit -H -c)"
is 'a script of etl-run has the limit of core files of the user' \
    "$(sh -c "$limits")" "$(etl-run --db "$db" -c "$limits")"
is 'a command of etl-via has the limit of core files of the user' \
    "$(sh -c "$limits")" \
    "$(etl-via sh -c "cat; { $limits; } >&2" 2>&1 </dev/null)"
done_testing
