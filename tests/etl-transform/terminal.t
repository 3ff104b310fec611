#!/bin/sh
# What the filter prints with debug and stderr cannot give a terminal commands.
. tests/support/lib.sh
cd "$scratch"

# Runs etl-transform with standard error on a terminal, and prints what the
# terminal gets.
cat >terminal.py <<'P'
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
subprocess.run(["etl-transform", sys.argv[1], "in"], stdout=-3, stderr=theirs,
    check=True)
os.close(theirs)
got = b""
try:
    while part := os.read(ours, 4096):
        got += part
except OSError:
    pass
sys.stdout.buffer.write(got.replace(b"\r", b""))
P
printf '{"a":"esc \\u001b]0;t\\u0007 csi \302\23331m \342\200\256rtl \303\251 \\n"}\n' \
    >in
cat >shown <<'S'
["DEBUG:",{"a":"esc \u001b]0;t\u0007 csi \u009b31m \u202ertl é \n"}]
S
is 'debug: control characters are escaped on a terminal' \
    "$(cat shown)" "$(python3 terminal.py debug)"
like 'stderr: control characters are escaped on a terminal' \
    'csi \\u009b31m \\u202ertl' "$(python3 terminal.py stderr)"
for filter in debug stderr '.a | stderr | {}'; do
	python3 terminal.py "$filter" >got
	ok "$filter: it prints something" test -s got
	is "$filter: no control character reaches a terminal" '' \
	    "$(LC_ALL=C tr -d '\n -~\303\251' <got)"
done
etl-transform debug in >/dev/null 2>err
ok 'debug: a file gets the characters as they are' \
    grep -q "$(printf '\302\23331m')" err
done_testing
