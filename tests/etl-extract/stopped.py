#!/usr/bin/python3
"""usage: stopped.py BYTES OUT COMMAND...

Runs COMMAND, reads BYTES of its output, sends TERM and writes all its output to
OUT.  Prints the exit code and "prefix" if the output is whole lines, the records
are the first ones of an undisturbed run (their number is in OUT.records), and
the mark failed comes last; else what is wrong.
"""
import subprocess
import sys


def split(out):
    """Returns the records and the marks of an output."""
    lines = out.splitlines(True)
    marks = [x for x in lines if x.startswith(b'{"@etl"')]
    return [x for x in lines if not x.startswith(b'{"@etl"')], marks


def judge(out, whole):
    """Returns what is wrong with the output of a run that was stopped."""
    records, marks = split(out)
    wanted, _ = split(whole)
    if not out.endswith(b"\n"):
        return "a line is torn: %r" % out[-80:]
    if marks[-1].startswith(b'{"@etl":"end"'):
        return "the run was not stopped: the mark end came"
    if not marks[-1].startswith(b'{"@etl":"failed"') or \
            not out.endswith(marks[-1]):
        return "the last mark is %r" % marks[-1]
    if records != wanted[:len(records)]:
        return "the records are not those of an undisturbed run"
    return "prefix"


def main():
    size, path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    given = None if sys.stdin.isatty() else sys.stdin.buffer.read()
    whole = subprocess.run(command, input=given, stdout=subprocess.PIPE,
                           check=True).stdout
    with open(path + ".in", "wb") as f:
        f.write(given or b"")
    with open(path + ".in", "rb") as f:
        process = subprocess.Popen(command, stdin=f, stdout=subprocess.PIPE)
    out = process.stdout.read(size)
    process.terminate()
    out += process.stdout.read()
    code = process.wait()
    with open(path, "wb") as f:
        f.write(out)
    with open(path + ".records", "w") as f:
        f.write("%d\n" % len(split(whole)[0]))
    print(code if code >= 0 else 128 - code, judge(out, whole))


main()
