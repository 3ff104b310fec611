#!/usr/bin/env python3
"""power.py CUTS SEED: the power fails while etl-load or etl-checkpoint writes.

A run is traced; at each cut the disk is made up of what was synced and any
part of what was not: writes left out or torn, names made, moved and removed
in order.  A database must then be sound and hold whole batches, a state file
one of its values; after the last cut all that was said to be done is there.
"""
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys

SCRATCH = os.environ["SCRATCH"]
CUTS, SEED = int(sys.argv[1]), int(sys.argv[2])
WORK, DISK = SCRATCH + "/work", SCRATCH + "/cut"
CALLS = "openat,close,write,pwrite64,fsync,fdatasync,rename,renameat," \
    "renameat2,unlink,unlinkat,ftruncate,dup3,fcntl"
LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def decoded(args):
    return [bytes.fromhex(t.replace("\\x", "")) for t in TEXT.findall(args)]


class Inode:
    def __init__(self, content=b""):
        self.synced, self.pending = bytearray(content), []

    def content(self, ops):
        data = bytearray(self.synced)
        for at, p in ops:
            if p is None:
                del data[at:]
                data.extend(b"\0" * (at - len(data)))
            else:
                data.extend(b"\0" * (at - len(data)))
                data[at:at + len(p)] = p
        return bytes(data)


class Disk:
    """Files of WORK as a program's calls make them."""

    def __init__(self):
        self.synced = {n: Inode(open(WORK + "/" + n, "rb").read())
                       for n in os.listdir(WORK)}
        self.names, self.moves = dict(self.synced), []
        self.fds, self.folders = {}, set()

    def of(self, path):
        path = os.path.normpath(path.decode())
        if not path.startswith("/"):
            return path if "/" not in path else None
        return path[len(WORK) + 1:] if path.startswith(WORK + "/") else None

    def name(self, move, *args):
        self.moves.append((move, args))
        self.apply(self.names, move, args)

    @staticmethod
    def apply(names, move, args):
        if move == "make":
            names[args[0]] = args[1]
        elif move == "move":
            names[args[1]] = names.pop(args[0])
        else:
            names.pop(args[0], None)

    def call(self, call, args, result):
        if result < 0:
            return
        fd = int(args.split(",")[0]) if args[:1].isdigit() else -1
        if call == "openat":
            self.opened(decoded(args)[0], args, result)
        elif call == "close":
            self.fds.pop(fd, None)
            self.folders.discard(fd)
        elif call in ("write", "pwrite64") and fd in self.fds:
            inode, at = self.fds[fd]
            if call == "pwrite64":
                at = int(args.rsplit(",", 1)[1])
            else:
                self.fds[fd][1] += result
            inode.pending.append((at, decoded(args)[0][:result]))
        elif call == "ftruncate" and fd in self.fds:
            self.fds[fd][0].pending.append((int(args.split(",")[1]), None))
        elif call in ("fsync", "fdatasync"):
            self.sync(fd)
        elif call.startswith("rename"):
            a, b = (self.of(p) for p in decoded(args))
            if a in self.names and b is not None:
                self.name("move", a, b)
        elif call.startswith("unlink"):
            name = self.of(decoded(args)[0])
            if name in self.names:
                self.name("drop", name)

    def opened(self, path, args, fd):
        if os.path.normpath(path.decode()) in (WORK, "."):
            self.folders.add(fd)
            return
        name = self.of(path)
        if name is None or name.endswith("-shm"):
            return
        if name not in self.names:
            self.name("make", name, Inode())
        inode = self.names[name]
        if "O_TRUNC" in args:
            inode.pending.append((0, None))
        size = len(inode.content(inode.pending))
        self.fds[fd] = [inode, size if "O_APPEND" in args else 0]

    def sync(self, fd):
        """Of a file it keeps its name too, as file systems do."""
        if fd in self.folders or fd in self.fds:
            for move, args in self.moves:
                self.apply(self.synced, move, args)
            self.moves = []
        if fd in self.fds:
            inode = self.fds[fd][0]
            inode.synced = bytearray(inode.content(inode.pending))
            inode.pending = []

    def cut(self, how):
        """Onto DISK: nothing of what is not synced, all of it, or some."""
        shutil.rmtree(DISK, ignore_errors=True)
        os.mkdir(DISK)
        names = dict(self.synced)
        upto = {"none": 0, "all": len(self.moves)}.get(
            how, random.randint(0, len(self.moves)))
        for move, args in self.moves[:upto]:
            self.apply(names, move, args)
        for name, inode in names.items():
            ops = inode.pending if how == "all" else []
            if how == "some":
                ops = [op for op in inode.pending if random.random() < 0.5]
                if ops and ops[-1][1]:
                    at, p = ops[-1]
                    ops[-1] = at, p[:random.randint(0, len(p))]
            with open(DISK + "/" + name, "wb") as f:
                f.write(inode.content(ops))


class Load:
    """Three batches into SQLite, in one stream with checkpoints."""
    name = "etl-load"
    argv = ["etl-load", "--db", "sqlite:" + WORK + "/x.db", "--table", "t",
            "--batch", "4"]

    def prepare(self):
        db = sqlite3.connect(WORK + "/x.db")
        db.execute("CREATE TABLE t (id integer)")
        db.close()
        counts = '"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,' \
            '"rejected":0}]}\n'
        lines = ['{"@etl":"begin","v":1,"id":"b","checkpoint":"c","stages":'
                 '["extract"]}\n']
        for n in range(1, 13):
            lines.append('{"id":%d}\n' % n)
            if n % 4 == 0:
                lines.append('{"@etl":"checkpoint","name":"c","seq":%d,"from":'
                             'null,"version":0,"value":"%d",' % (n // 4, n) +
                             counts % n)
        lines.append('{"@etl":"end","seq":3,' + counts % 12)
        return "".join(lines).encode()

    def wrong(self, done):
        try:
            return self.wrong_in(done)
        except sqlite3.DatabaseError as e:
            return "the database is broken: %s" % e

    def wrong_in(self, done):
        db = sqlite3.connect(DISK + "/x.db")
        try:
            if db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                return "the database is broken"
            rows = [r for r, in db.execute("SELECT id FROM t ORDER BY 1")]
            try:
                value = db.execute("SELECT value FROM etl_checkpoints"
                                   ).fetchone()
            except sqlite3.OperationalError:
                value = None
        finally:
            db.close()
        upto = int(value[0]) if value else 0
        if rows != list(range(1, upto + 1)):
            return "rows %s, checkpoint %s" % (rows, upto)
        return "it said 12, %d are there" % upto if done and upto != 12 else ""


class Save(Load):
    """The state file, over an older one."""
    name = "etl-checkpoint save"
    argv = ["etl-checkpoint", "save", "--state", "file:" + WORK + "/s.json"]

    def prepare(self):
        with open(WORK + "/s.json", "w") as f:
            f.write('{"c":{"value":"0","version":1}}\n')
        return super().prepare().replace(
            b'"from":null,"version":0', b'"from":"0","version":1')

    def wrong(self, done):
        try:
            with open(DISK + "/s.json") as f:
                value = json.load(f)["c"]["value"]
        except (OSError, ValueError, KeyError) as e:
            return "the state file is broken: %s" % e
        if value not in ("0", "4", "8", "12"):
            return "value %s" % value
        return "it said 12, %s is there" % value if done and value != "12" \
            else ""


def traced(case):
    shutil.rmtree(WORK, ignore_errors=True)
    os.mkdir(WORK)
    given = case.prepare()
    disk, log = Disk(), SCRATCH + "/trace"
    done = subprocess.run(
        ["strace", "-xx", "-s", "1000000", "-o", log, "-e", "trace=" + CALLS]
        + case.argv, input=given, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, cwd=WORK)
    if done.returncode != 0:
        sys.exit("%s: %s" % (case.name, done.stderr.decode()))
    calls = []
    with open(log) as f:
        for line in f:
            m = LINE.match(line)
            if m:
                calls.append((m[1], m[2], int(m[3], 0)))
    return disk, calls


def main():
    random.seed(SEED)
    failed = cuts = 0
    for case in Load(), Save():
        disk, calls = traced(case)
        calls.append(("the end", "", 0))
        some = max(1, CUTS // 2 // len(calls))
        for i, (call, args, result) in enumerate(calls):
            last = i == len(calls) - 1
            for how in ["none", "all"] + ["some"] * some:
                disk.cut(how)
                cuts += 1
                wrong = case.wrong(last)
                if wrong:
                    failed += 1
                    print("%s, cut %d before %s, %s of what is not synced: %s"
                          % (case.name, i, call, how, wrong))
            disk.call(call, args, result)
        print("%s: %d calls" % (case.name, len(calls)))
    print("%d cuts, %d failed, seed %d" % (cuts, failed, SEED))
    sys.exit(failed > 0)


main()
