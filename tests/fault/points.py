#!/usr/bin/env python3
"""points.py io|memory SHARE [CASE...]: every SHARE-th fault of each case.
points.py io|memory CASE CALL:N:HOW: this one, with all it says.
points.py cases: their names.

Runs a program once to count its calls, then once for each call and each way
in which it can fail.  Prints what went wrong, with the command that repeats
it; after each case "case NAME: POINTS points, REACHED reached, N failed".
"""
import errno
import os
import re
import sys
import time
import traceback
import zlib

from cases import ENV, SCRATCH, cases

SHIM = os.environ["SHIM"]
STATE = SCRATCH + "/calls"
SHORT = 0
QUIET = ("EINTR", "EAGAIN", "SHORT")    # what nobody may notice

# What can happen to each call.  Left out is what no kernel does: EAGAIN and
# EINTR on regular files and short writes of less than PIPE_BUF to pipes of
# one's own, EIO on any pipe, ENOSPC where nothing is written, an F_GETFL or
# F_UNLCK that fails.
WAYS = {
    "read": {"*": [], "file": ["EIO", "SHORT"],
             "pipe": ["EINTR", "EAGAIN", "SHORT"],
             "socket": ["EIO", "EINTR", "EAGAIN", "ECONNRESET", "SHORT"]},
    "own-read": {"*": ["EINTR"]}, "own-write": {"*": ["EINTR"]},
    # EAGAIN of a write says that the pipe is full: a lie, it would be.
    "loose-read": {"*": ["EINTR", "EAGAIN", "SHORT"]},
    "loose-write": {"*": ["EINTR", "SHORT"]},
    "recv": {"*": ["ECONNRESET", "EINTR", "EAGAIN", "SHORT"]},
    "pread": {"*": ["EIO", "SHORT"]},
    "write": {"*": [], "file": ["EIO", "ENOSPC", "SHORT"],
              "pipe": ["EINTR", "EAGAIN", "SHORT"],
              "socket": ["EIO", "EINTR", "EAGAIN", "ECONNRESET", "SHORT"]},
    "pwrite": {"*": ["EIO", "ENOSPC", "SHORT"]},
    "send": {"*": ["ECONNRESET", "EINTR", "EAGAIN", "SHORT"]},
    "open": {"*": ["EIO", "EMFILE"]},
    "create": {"*": ["EIO", "ENOSPC", "EMFILE"]},
    "close": {"*": ["EIO", "EINTR"]},
    "fsync": {"*": ["EIO", "ENOSPC"]},
    "fdatasync": {"*": ["EIO", "ENOSPC"]},
    "ftruncate": {"*": ["EIO", "EINTR"]},
    "rename": {"*": ["EIO", "ENOSPC"]},
    "renameat": {"*": ["EIO", "ENOSPC"]},
    "link": {"*": ["EIO", "ENOSPC"]},
    "unlink": {"*": ["EIO"]},
    "mkdir": {"*": ["EIO", "ENOSPC"]},
    "lock": {"*": ["EAGAIN", "ENOLCK", "EIO"], "pipe": ["EINTR"]},
    "unlock": {"*": []},
    "dup": {"*": ["EMFILE"]}, "flags": {"*": []},
    "flock": {"*": ["EAGAIN", "ENOLCK"]},
    "poll": {"*": ["EINTR", "ENOMEM"]},
    "ppoll": {"*": ["EINTR", "ENOMEM"]},
    "socket": {"*": ["EMFILE", "ENOBUFS"]},
    "socketpair": {"*": ["EMFILE"]},
    "connect": {"*": ["ECONNREFUSED", "ETIMEDOUT", "EINTR", "EAGAIN"]},
    "getsockopt": {"*": ["ENOBUFS"]},
    "setsockopt": {"*": ["ENOBUFS"]},
    "fstat": {"*": ["EIO"]}, "stat": {"*": ["EIO"]},
    "fstatat": {"*": ["EIO"]},
    "pipe2": {"*": ["EMFILE"]}, "dup2": {"*": ["EBUSY"]},
    "dup3": {"*": ["EMFILE"]},
    "fork": {"*": ["EAGAIN", "ENOMEM"]},
    "waitpid": {"*": ["EINTR"]}, "waitid": {"*": ["EINTR"]},
    "mkostemp": {"*": ["ENOSPC", "EACCES"]},
    "fopen": {"*": ["EIO", "EMFILE"]},
    "memory": {"*": ["ENOMEM", "ENOMEM+"]},
}


class Call:
    """A call that a run made: its name, which one of them, on what, whose."""

    def __init__(self, line):
        self.name, self.n, self.kind, self.module, self.offset = line.split()


class Point:
    def __init__(self, case, call, n, how):
        self.case, self.call, self.n, self.how = case, call, n, how

    def __str__(self):
        return "%s:%s:%s" % (self.call, self.n, self.how)

    def env(self):
        how = self.how.rstrip("+")
        number = SHORT if how == "SHORT" else getattr(errno, how)
        return shim_env(self.case, FAULT_CALL=self.call, FAULT_AT=self.n,
                        FAULT_HOW=number, FAULT_EVER=int(how != self.how))


def shim_env(case, **more):
    with open(STATE, "wb") as f:
        f.truncate(4 << 20)
    env = dict(ENV, LD_PRELOAD=SHIM, FAULT_STATE=STATE,
               FAULT_PROGRAM=case.program)
    env.update((k, str(v)) for k, v in more.items())
    return env


def calls_made():
    with open(STATE, "rb") as f:
        f.seek(8192)
        text = b""
        while b"\0" not in text:
            text += f.read(1 << 16) or b"\0"
    return text.split(b"\0", 1)[0].decode().splitlines()


def undisturbed(case):
    """What it does when nothing is wrong, and the calls that it makes."""
    case.start()
    case.reset()
    first = case.run(ENV)
    case.wanted = first.out, case.state()
    if first.code != 0:
        sys.exit("%s: %d: %s" % (case.name, first.code, first.err.decode()))
    case.reset()
    again = case.run(shim_env(case, FAULT_LOG=1))
    case.calls = [Call(line) for line in calls_made()]
    if not case.whole(again, case.state()):
        sys.exit("%s: is not the same twice\n%s\n%s\n%s" % (
            case.name, case.wanted, again.out, case.state()))


def points(case, what):
    for call in case.calls:
        if (call.name == "memory") != (what == "memory"):
            continue
        ways = WAYS[call.name]
        for how in ways["*"] + ways.get(call.kind, []):
            yield Point(case, call.name, call.n, how), call


def judge(point, call, result):
    """What is wrong with the disturbed run; empty if nothing is."""
    case, state = point.case, point.case.state()
    whole = case.whole(result, state)
    if result.code == 0:
        return "" if whole else "exit 0, but not all is there"
    if result.code < 0 or result.code > 78:
        return "exit %d" % result.code
    words = result.err.decode("utf-8", "replace")
    if point.how in QUIET and quiet(point, call):
        return "exit %d, but nothing may be noticed: %s" % (result.code,
                                                            words)
    if result.code not in right(point):
        return "exit %d: %s" % (result.code, words)
    if not re.search("^%s: ." % case.program, words, re.M):
        return "exit %d without a message: %s" % (result.code, words)
    return case.kept(result, state)


def quiet(point, call):
    """Is it our affair, or the library's, to go on?"""
    return not (point.call in ("lock", "flock", "fork", "connect") or
                call.module.startswith("libsqlite"))


def right(point):
    if point.how.startswith("ENOMEM") and point.call == "memory":
        return (75,)
    if point.call == "fstat":
        return (65, 66, 74, 77)
    return (66, 69, 73, 74, 75, 77)


def try_point(point, call, loud=False):
    """What went wrong at this point, its exit, and whether it was reached."""
    case = point.case
    case.reset()
    result = case.run(point.env())
    hit = [line for line in calls_made() if line.startswith("hit ")]
    wrong = judge(point, call, result)
    left = case.state()
    if not wrong and result.code != 0:
        again = case.run(ENV)
        wrong = case.completed(again, left, case.state())
    if loud:
        print("%s: exit %d, %s\n%s" % (point, result.code, hit,
                                       result.err.decode()))
        print("wanted: %s %s\ngot:    %s %s" % (
            *case.wanted, result.out, left))
    return wrong, result, bool(hit)


def chosen(case, what, share):
    """Every share-th of the points, evenly and always the same ones, at least
    one; of those that talk to a server, which take longer, a third of that."""
    if share > 1 and "postgresql" in case.name:
        share *= 3
    # etl-run waits 13 s for a database that it cannot reach.
    of_case = [(point, call) for point, call in points(case, what)
               if share == 1 or point.how != "ENOMEM+" or
               case.program != "etl-run"]
    first = -zlib.crc32(case.name.encode()) % min(share, len(of_case) or 1)
    return of_case[first::share]


def tally(seconds, case, point, call, result, hit):
    """A line for each point in the file TALLY."""
    with open(os.environ["TALLY"], "a") as f:
        f.write("%.1f %s %s %s %s %s %s %d %s\n" % (
            seconds, case.name, point, call.kind, call.module, call.offset,
            hit, result.code,
            result.err.decode("utf-8", "replace").split("\n")[0]))


def try_case(case, what, share, one):
    """Its points, how many were reached and how many failed."""
    tried = reached = failed = 0
    undisturbed(case)
    for point, call in chosen(case, what, share):
        if one and str(point) != one:
            continue
        begun = time.monotonic()
        wrong, result, hit = try_point(point, call, one)
        tried += 1
        reached += hit
        if "TALLY" in os.environ:
            tally(time.monotonic() - begun, case, point, call, result, hit)
        if wrong:
            failed += 1
            print("%s %s on %s in %s+%s: %s\n  again: sh "
                  "tests/fault/point.sh %s %s %s" % (
                      case.name, point, call.kind, call.module,
                      call.offset, wrong.strip(), what, case.name, point))
    return tried, reached, failed


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "cases":
        print(*(case.name for case in cases()))
        return
    one = rest[1] if len(rest) == 2 and ":" in rest[1] else None
    share, names = (1, rest[:1]) if one else (int(rest[0]), rest[1:])
    all_failed = 0
    for case in cases():
        if names and case.name not in names:
            continue
        try:
            tried, reached, failed = try_case(case, what, share, one)
        except (Exception, SystemExit):
            traceback.print_exc(file=sys.stdout)
            tried, reached, failed = 0, 0, 1
        finally:
            case.stop()
        all_failed += failed
        print("case %s: %d points, %d reached, %d failed" % (
            case.name, tried, reached, failed), flush=True)
    print("all cases were tried")
    sys.exit(all_failed > 0)


main()
