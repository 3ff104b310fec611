#!/usr/bin/env python3
"""attack.py DIR SEED CASES: corrupts valid streams at random and gives them to
every program that reads a stream.  What the program does must be what model.py
computes from the rules of etl-record(5).

For each case that differs, prints one line and saves the stream in DIR/bad.
The last line says how many cases did not differ.  CASE=N runs only case N.
"""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys

import model
from model import Number, Pairs

ODD_VALUES = [None, True, [], Pairs(), "", "x", "\u20ac" * 30, "1", "\0",
         Number("-1"), Number("0"), Number("1"), Number("2"), Number("1.0"),
         Number("1e0"), Number("-0"), Number("9" * 18), Number(str(2**63)),
         Number(str(2**64)), Number(str(2**64 + 1)), Number("1e999"),
         Number("9" * 400), [Number("1")], Pairs([("a", None)])]


def write(v):
    if isinstance(v, Number):
        return str(v)
    if isinstance(v, Pairs):
        return "{%s}" % ",".join(json.dumps(k) + ":" + write(x) for k, x in v)
    if isinstance(v, list):
        return "[%s]" % ",".join(write(x) for x in v)
    return json.dumps(v, ensure_ascii=False)


def line(**members):
    return write(pairs({k.replace("etl", "@etl"): v
                        for k, v in members.items()})).encode()


def pairs(v):
    if isinstance(v, dict):
        return Pairs((k.rstrip("_"), pairs(x)) for k, x in v.items())
    if isinstance(v, list):
        return [pairs(x) for x in v]
    if isinstance(v, int) and not isinstance(v, bool):
        return Number(str(v))
    return v


class Stream:
    """A valid stream, as the stages of a pipeline would write it."""

    def __init__(self, rng, tag, kind):
        self.rng, self.tag, self.lines, self.seq = rng, tag, [], 0
        self.kind = kind
        deep = rng.random()
        n = rng.choice([1, 1, 2, 2, 3, 31, 32, 33] if deep < .1 else [1, 2, 3])
        self.names = ["s%d" % i for i in range(n)]
        self.counts = [dict(stage=s, in_=0, out=0, dropped=0, rejected=0)
                       for s in self.names]
        self.letters = 0

    def begin(self):
        m = {"etl": "begin", "v": 1, "id": "id-" + self.tag}
        if self.kind == "checkpoint":
            m["checkpoint"] = "c"
        if self.kind == "replay":
            m.update(replay=True, stage="s9", pipeline="p")
        if self.rng.random() < .3:
            m["run"] = "r"
        m["stages"] = list(self.names)
        self.lines.append(line(**m))

    def item(self):
        """Adds a record that all stages pass on, or that one stage drops or
        rejects."""
        last = len(self.names) - 1
        ends = self.rng.choice([last] * 4 + list(range(last + 1))[-3:])
        for i in range(ends):
            self.counts[i]["out"] += 1
            self.counts[i + 1]["in_"] += 1
        c = self.counts[ends]
        how = self.rng.random()
        if ends == last and how < .8:
            c["out"] += 1
            self.lines.append(line(id=self.rng.randrange(10**6), title="t"))
        elif how < .4 and ends:
            c["dropped"] += 1
        else:
            c["rejected"] += 1
            if self.kind != "replay" and how > .95:
                c["aside"] = c.get("aside", 0) + 1
                return
            self.letter(self.names[ends])

    def letter(self, stage):
        self.letters += 1
        self.lines.append(line(
            etl="reject", v=1, id="i%d" % self.rng.randrange(4),
            occurrence="%s/%s/%d" % (self.tag, stage, self.letters),
            stage=stage, code="range", message="m", raw="{}"))

    def boundary(self, kind, **m):
        if kind != "end":
            self.seq += self.rng.choice([1, 1, 1, 3])
        if self.seq:
            m["seq"] = self.seq
        m["stages"] = [dict(c) for c in self.counts]
        self.lines.append(line(etl=kind, **m))

    def make(self):
        self.begin()
        segments = self.rng.randrange(4)
        for i in range(segments):
            for _ in range(self.rng.randrange(4)):
                self.item()
            if self.kind == "checkpoint":
                self.boundary("checkpoint", name="c", from_="1", version=1,
                              value=str(2 + i))
            if self.kind == "replay" and i < 2:
                self.boundary("resolve", id="L%d" % i, seen=1, upto=0)
        if self.kind != "replay":
            for _ in range(self.rng.randrange(3)):
                self.item()
        m = {"version": 1} if self.kind == "checkpoint" else {}
        self.boundary("end", **m)
        return self.lines


def plain(rng, tag):
    s = Stream(rng, tag, "none")
    for i in range(rng.randrange(5)):
        s.lines.append(line(id=i, title="t"))
        if rng.random() < .2:
            s.letter("other")
    return s.lines


def valid_stream(rng, tag):
    kind = rng.choice(["checkpoint"] * 4 + ["none"] * 2 + ["replay", "plain"])
    if kind == "plain":
        return plain(rng, tag)
    lines = Stream(rng, tag, kind).make()
    if kind == "none" and rng.random() < .2:
        lines += Stream(rng, tag + "b", kind).make()
    return lines


def random_index(rng, lines, marks=False):
    which = [i for i, x in enumerate(lines)
             if not marks or model.is_mark(x)]
    return rng.choice(which) if which else None


def alter_member(rng, m):
    """Changes one member of a mark, or of an entry of its "stages"."""
    stages = m.get("stages")
    if isinstance(stages, list) and stages and rng.random() < .5:
        i = rng.randrange(len(stages))
        if not isinstance(stages[i], Pairs) or rng.random() < .3:
            how = rng.randrange(4)
            if how == 0:
                del stages[i]
            elif how == 1:
                stages.insert(i, stages[i])
            elif how == 2:
                stages[i] = rng.choice(ODD_VALUES)
            else:
                j = rng.randrange(len(stages))
                stages[i], stages[j] = stages[j], stages[i]
            return
        m = stages[i]
    if not m:
        return
    i = rng.randrange(len(m))
    name, value = m[i]
    how = rng.randrange(8)
    if how == 0:
        del m[i]
    elif how == 1:
        m.insert(rng.randrange(len(m) + 1), (name, value))
    elif how == 2 and isinstance(value, Number):
        m[i] = name, Number(str(int(value) + rng.choice([-1, 1, 2])))
    elif how == 3:
        m[i] = rng.choice(["x", "@etl", "seq", "id", ""]), value
    elif how == 4:
        m.append(m.pop(i))
    elif how == 5:
        m.append(("x", rng.choice(ODD_VALUES)))
    else:
        m[i] = name, rng.choice(ODD_VALUES)


def deep(n):
    return b"[" * n + b"]" * n


def corrupt_mark(rng, lines):
    i = random_index(rng, lines, True)
    if i is None:
        return
    how = rng.randrange(12)
    body = lines[i]
    if how < 6:
        try:
            m = model.parse(body)
        except ValueError:
            return
        if not isinstance(m, Pairs):
            return
        alter_member(rng, m)
        lines[i] = write(m).encode()
    elif how == 6:
        n = rng.choice([10, 200, 254, 255, 256, 257, 5000, 100000])
        lines[i] = body[:-1] + b',"deep":' + deep(n) + b"}"
    elif how == 7:
        n = rng.choice([1 << 20] * 30 + [30 << 20, 34 << 20])
        lines[i] = body[:-1] + b',"long":"' + b"x" * n + b'"}'
    elif how == 8:
        lines[i] = body.replace(b"@etl", rng.choice(
            [b"\\u0040etl", b"@\\u0065tl", b"\\u0040ETL", b"@etl\\u0000"]), 1)
    elif how == 9:
        lines[i] = body.replace(b"end", b"\\u0065nd", 1).replace(
            b"begin", b"b\\u0065gin", 1)
    elif how == 10:
        n = body.find(b":") + 1
        lines[i] = b" \t" + body[:n] + b"  " + body[n:] + b" "
    else:
        lines[i] = rng.choice([
            b'{"@etl":"new","v":7,"x":[1.0,{"a":null}]}', b'{"@etl":7}',
            b'{"@etl":"failed","stage":"x","code":66,"message":"m"}',
            b'{"@etl":"end","stages":[]}', b'{"@etl"}', b'{"@etl":}',
            b'{"@etl":"begin","v":2,"id":"z","stages":["x"]}',
            b'{"@etl":"begin","v":1,"id":"z","stages":[]}'])


def corrupt_line(rng, lines):
    i, j = random_index(rng, lines), random_index(rng, lines)
    if i is None:
        return
    how = rng.randrange(8)
    if how == 0:
        del lines[i]
    elif how == 1:
        lines.insert(j, lines[i])
    elif how == 2:
        lines[i], lines[j] = lines[j], lines[i]
    elif how == 3:
        lines[i] += b"\r"
    elif how == 4:
        lines.insert(i, rng.choice([b"", b" \t\r", b"\r"]))
    else:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice([
            b'{"id":1,"title":"more"}', b'{"id":1,"id":2}', b"[1]", b"{",
            b'{"id":1,"@etl":"end"}', b'"@etl"', b"\xff", b"\0",
            b'{"id":' + deep(300) + b"}", b'{"id":1,"title":"\xc3"}',
            b'{"id":NaN}', b'{"id":01}', b'{"id":1}{"id":2}']))


def corrupt_bytes(rng, data):
    i = rng.randrange(len(data)) if data else 0
    how = rng.randrange(8)
    if how == 0:
        return b"\xef\xbb\xbf" + data
    if how == 1:
        return data.replace(b"\n", b"\r\n")
    if how == 2:
        return data[:i]
    if how == 3:
        return data.rstrip(b"\n")
    if how == 4:
        return data[:i] + data[i + 1:]
    insert = rng.choice([b"\0", b"\xff", b"\xed\xa0\x80", b"\n", b'"', b",",
                         b"\\", b"}", b"\x1f", b"0"])
    return data[:i] + insert + data[i:]


def make(seed, number):
    rng = random.Random("%s/%s" % (seed, number))
    lines = valid_stream(rng, "n%d" % number)
    for _ in range(rng.choice([0] + [1] * 8 + [2, 3])):
        rng.choice([corrupt_mark, corrupt_mark, corrupt_line])(rng, lines)
    data = b"".join(x + b"\n" for x in lines)
    if rng.random() < .25:
        data = corrupt_bytes(rng, data)
    return data


TABLE = "CREATE TABLE t(id integer, title text)"
STORED = """SELECT (SELECT group_concat(id) FROM (SELECT id FROM t
    ORDER BY rowid)), (SELECT count(*) FROM dead_letter_attempts),
    (SELECT value FROM etl_checkpoints WHERE name = 'c'),
    (SELECT version FROM etl_checkpoints WHERE name = 'c'),
    (SELECT count(*) FROM dead_letters WHERE resolved_upto > 0)"""


class Attack:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder + "/bad", exist_ok=True)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("ETL_") and k != "DATABASE_URL"}
        self.clean = folder + "/clean.db"
        self.db = folder + "/t.db"
        self.state = folder + "/state.json"
        self.stream = folder + "/stream"
        self.wrong = []
        if not os.path.exists(self.clean):
            self.setup()

    def setup(self):
        sqlite3.connect(self.clean).execute(TABLE).connection.close()
        first = [line(etl="begin", v=1, id="first", checkpoint="c",
                      stages=["s0"])]
        for i in range(2):
            first.append(line(etl="reject", id="L%d" % i, stage="s9",
                              pipeline="p", code="range",
                              occurrence="L/%d" % i, raw="{}"))
        first.append(line(etl="checkpoint", name="c", seq=1, from_=None,
                          version=0, value="1", stages=[
                              dict(stage="s0", in_=0, out=0, dropped=0,
                                   rejected=0)]))
        first.append(line(etl="end", seq=1, version=0, stages=[
            dict(stage="s0", in_=0, out=0, dropped=0, rejected=0)]))
        p = subprocess.run(["etl-load", "--db", "sqlite:" + self.clean,
                            "--table", "t"], input=b"\n".join(first) + b"\n",
                           env=self.env, check=True)
        assert p.returncode == 0

    def start(self, *command):
        with open(self.stream, "rb") as f:
            p = subprocess.Popen(["timeout", "-k", "1", "60", *command],
                                 stdin=subprocess.PIPE, env=self.env,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            out, err = p.communicate(f.read())
        if b"Sanitizer" in err or b"runtime error" in err:
            self.report(command[0], "sanitizer", err.decode(errors="replace"))
        return p.returncode, out, err

    def report(self, program, what, more):
        self.wrong.append("%s: %s: %s" % (program, what, more))

    def status(self, program, codes, got):
        rc, _, err = got
        if rc not in codes:
            self.report(program, "status %s, wanted %s" % (rc, sorted(codes)),
                     err.decode(errors="replace")[:200].strip())
        elif rc and program.encode() + b": " not in err:
            self.report(program, "says nothing", repr(err[:200]))
        return rc in codes

    def filter(self, program, reads_members, *command):
        m = model.Reader(reads_members)
        codes = m.run(self.data)
        got = self.start(program, *command)
        if not self.status(program, codes, got):
            return
        rc, out, _ = got
        lines = [x for x in out.split(b"\n") if x]
        kinds = [model.parse(x).get("@etl") if model.is_mark(x) else ""
                 for x in lines]
        if rc not in (0, 65) and m.mark_seen and kinds[-1:] != ["failed"]:
            self.report(program, "no failed mark last", "")
        n = sum(k in ("checkpoint", "resolve", "end") for k in kinds)
        if n > len(m.passed) or command == (".",) and n < len(m.passed):
            self.report(program, "%d boundaries, wanted %d"
                        % (n, len(m.passed)), "")

    def load(self):
        shutil.copy(self.clean, self.db)
        m = model.Reader(True, checks_counts=True, stores_rejects=True)
        codes = m.run(self.data)
        states = self.states(m)
        got = self.start("etl-load", "--db", "sqlite:" + self.db, "--table",
                         "t", "--max-rejects", "100%")
        if not self.status("etl-load", codes, got):
            return
        db = sqlite3.connect(self.db)
        now = db.execute(STORED).fetchone()
        db.close()
        if got[0] == 0:
            states = states[-1:]
        # The loader may commit several marks in one transaction. Then the
        # version of the checkpoint is smaller than the number of marks.
        if not any(now[:3] + now[4:] == s[:3] + s[4:]
                   and (now[3] > 1) == (s[3] > 1) and now[3] <= s[3]
                   for s in states):
            self.report("etl-load", "stored", "%s, wanted one of %s"
                     % (now, states))

    def states(self, m):
        """What the loader may have stored after each boundary."""
        found = [self.state_of(m.states[0], m)]
        if not m.begin:
            return [self.state_of(m.now[:i], m)
                    for i in range(len(m.now) + 1)]
        for s in m.states[1:m.stored_until]:
            found.append(self.state_of(s, m))
        return found

    def state_of(self, items, m):
        ids, letters, value, moved, resolved = [], {"L/0", "L/1"}, "1", 0, 0
        own = 0
        for kind, v in items:
            if kind == "row":
                ids.append(str(model.parse(v).get("id")))
            elif kind == "letter":
                own += v is None
                letters |= {v} - {None}
            elif kind == "checkpoint":
                value, moved = v.get("value"), moved + 1
            elif kind == "resolve":
                resolved += 1
        return (",".join(ids) or None, len(letters) + own, value, 1 + moved,
                resolved)

    def save(self):
        with open(self.state, "w") as f:
            f.write('{"c":{"value":"1","version":1}}')
        m = model.Reader(False, checks_counts=True,
                         no_checkpoint_codes=(76, 78))
        codes = m.run(self.data)
        got = self.start("etl-checkpoint", "save", "--state",
                         "file:" + self.state)
        if not self.status("etl-checkpoint", codes, got):
            return
        with open(self.state) as f:
            now = json.load(f)["c"]["value"]
        values = ["1"] + [v.get("value") for k, v in m.passed
                          if k == "checkpoint"]
        if now not in values or got[0] == 0 and now != values[-1]:
            self.report("etl-checkpoint", "saved", "%s, wanted one of %s"
                     % (now, values))

    def put(self):
        shutil.copy(self.clean, self.db)
        bad, letters = False, {"L/0", "L/1"}
        for x in self.data.split(b"\n"):
            if not x.strip(b" \t\r"):
                continue
            try:
                if not model.is_mark(x):
                    model.parse(x)
                    continue
                kind, v = model.read_mark(x)
                if kind == "reject":
                    model.require(model.storable(v))
                    letters.add(v.get("occurrence"))
            except (model.Fault, ValueError):
                bad = True
        got = self.start("etl-dlq", "put", "--db", "sqlite:" + self.db)
        if not self.status("etl-dlq", {65 if bad else 0}, got):
            return
        db = sqlite3.connect(self.db)
        now = {r[0] for r in
               db.execute("SELECT occurrence FROM dead_letter_attempts")}
        db.close()
        if now != letters:
            self.report("etl-dlq", "stored", "%s, wanted %s" % (now, letters))

    def case(self, seed, number):
        self.data, self.wrong = make(seed, number), []
        with open(self.stream, "wb") as f:
            f.write(self.data)
        self.filter("etl-transform", True, ".")
        self.filter("etl-via", False, "cat")
        self.load()
        self.save()
        self.put()
        if self.wrong:
            shutil.copy(self.stream, "%s/bad/%s" % (self.folder, number))
        for w in self.wrong:
            print("case %s: %s" % (number, w), flush=True)
        return not self.wrong


def main():
    folder, seed, cases = sys.argv[1:4]
    a = Attack(folder)
    only = os.environ.get("CASE")
    numbers = [int(only)] if only else range(int(cases))
    good = sum([a.case(seed, n) for n in numbers])
    print("seed %s: %d of %d cases as etl-record(5) says"
          % (seed, good, len(numbers)))
    sys.exit(good != len(numbers))


if __name__ == "__main__":
    main()
