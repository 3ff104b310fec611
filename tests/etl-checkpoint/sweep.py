"""Runs etl-checkpoint save under strace(1) and kills it before each system
call, or makes one of its calls fail.  Prints each fault found, then "N points".

usage: sweep.py kill | sweep.py fail CALL ERROR STATUS[,STATUS...] ...
"""
import json
import os
import re
import subprocess
import sys

OTHER = {"value": "o", "version": 9}
OLD = {"other": OTHER, "posts": {"value": "old", "version": 1}}
STATE, HERE = "d/state.json", os.getcwd()
SAVE = ["etl-checkpoint", "save", "--marked", "--state", "file:" + STATE]
PATHS = ["in.1", "out", "rejects", STATE, "d/.state.json.etl-new"]


def stream(version):
    """A stream with the values 1 to 3 of an extract that read this version."""
    def counts(out):
        return [{"stage": "extract", "in": 0, "out": out, "dropped": 0,
                 "rejected": 0}]
    yield {"@etl": "begin", "v": 1, "id": "b1", "checkpoint": "posts",
           "stages": ["extract"]}
    for i in 1, 2, 3:
        yield {"n": i}
        yield {"@etl": "checkpoint", "name": "posts", "seq": i, "from": None,
               "version": version, "value": str(i), "stages": counts(i)}
    yield {"@etl": "end", "seq": 3, "stages": counts(3)}


def traced(*options):
    """Resets the state and runs save under strace; returns its exit code."""
    with open(STATE, "w") as f:
        json.dump(OLD, f)
    with open("in.1") as i, open("out", "w") as o, open("err", "w") as e, \
            open("rejects", "w") as r:
        rc = subprocess.run(
            ["sh", "-c", 'exec "$@" 3>&%d' % r.fileno(), "-", "strace", "-o",
             "trace", *options, *SAVE], stdin=i, stdout=o, stderr=e,
            pass_fds=[r.fileno()], timeout=60).returncode
    return rc


def check_files():
    """Returns what is wrong with the files after a fault."""
    with open(STATE) as f:
        try:
            state = json.load(f)
        except ValueError as e:
            return ["torn: %s" % e]
    wrong = []
    value, version = state["posts"]["value"], state["posts"]["version"]
    if state["other"] != OTHER:
        wrong.append("another name: %s" % state)
    if (value, version) not in (("old", 1), ("1", 2), ("3", 2), ("3", 3)):
        return wrong + ["saved: %s %s" % (value, version)]
    if value != "old" and '"value": "%s"' % value not in open("out").read():
        wrong.append("%s is saved and has not gone out" % value)
    with open("in.%d" % version) as i:
        run = subprocess.run(SAVE, stdin=i, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, timeout=60)
    if run.returncode != 0:
        wrong.append("the next run: %s" % run.stderr)
    with open(STATE) as f:
        if json.load(f)["posts"]["value"] != "3":
            wrong.append("the next run did not finish")
    if os.listdir("d") != ["state.json"]:
        wrong.append("left: %s" % os.listdir("d"))
    return wrong


def kill():
    """Kills save before each system call.  when=N of strace counts each call
    name by itself, so give name and number.  Calls before the first flock
    are those of the dynamic linker, so skip them."""
    if traced() != 0:
        yield 0, ["fails without a fault"]
    calls = re.findall(r"^(\w+)\(", open("trace").read(), re.M)
    first, seen = calls.index("flock"), {}
    for k, name in enumerate(calls):
        seen[name] = seen.get(name, 0) + 1
        if k < first or name in ("brk", "mmap", "munmap", "futex"):
            continue
        rc = traced("-e", "trace=" + name, "-e", "inject=%s:signal=KILL:"
                    "when=%d" % (name, seen[name]))
        wrong = check_files() if rc != 0 else ["was not killed"]
        yield 1, ["killed before %s %d: %s" % (name, seen[name], w)
                  for w in wrong]


def fail(call, error, status):
    """Makes each such call on the files of save fail, one after the other."""
    paths = [w for p in PATHS for w in ("-P", os.path.join(HERE, p))]
    paths += ["-P", ".state.json.etl-new", "-P", STATE]
    if call != "close":
        paths += ["-P", HERE + "/d"]
    for n in range(1, 60):
        rc = traced(*paths, "-e", "trace=" + call, "-e",
                    "inject=%s:error=%s:when=%d" % (call, error, n))
        if "(INJECTED)" not in open("trace").read():
            return
        wrong = check_files()
        if str(rc) not in status.split(","):
            wrong.append("exit %d: %s" % (rc, open("err").read()[-200:]))
        yield 1, ["%s %d %s: %s" % (call, n, error, w) for w in wrong]


def main():
    os.makedirs("d", exist_ok=True)
    for version in 1, 2, 3:
        with open("in.%d" % version, "w") as f:
            for line in stream(version):
                f.write(json.dumps(line) + "\n")
    faults, points = [kill()], 0
    if sys.argv[1] == "fail":
        args = sys.argv[2:]
        faults = [fail(*args[i:i + 3]) for i in range(0, len(args), 3)]
    for fault in faults:
        for n, wrong in fault:
            points += n
            for w in wrong:
                print(w)
    print("%d points" % points)


main()
