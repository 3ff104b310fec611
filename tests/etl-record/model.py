"""What etl-record(5) says of a stream: the rules, from the page alone.

judge() reads a stream as a stage would: the exit statuses it may end with,
the boundaries it passes on, and what a loader may have stored by then.
"""
import decimal
import json
import re

FIRST = re.compile(rb'[ \t\r]*\{[ \t\r]*"((?:[^"\\]|\\.)*)"')
RECORD_MAX, MARK_MAX, DEPTH_MAX = 16 << 20, 33 << 20, 256
TOP = 1 << 63
TEXTS = ("id", "stream", "run", "pipeline", "traceparent", "stage")


class Number(str):
    """A number's token."""


class Pairs(list):
    """The members of an object, in their order."""

    def get(self, name, default=None):
        return next((v for k, v in self if k == name), default)

    def has(self, name):
        return any(k == name for k, v in self)

    def twice(self):
        names = [k for k, v in self]
        return len(set(names)) < len(names)


class Fault(Exception):
    """The stream ends here, with one of these statuses."""

    def __init__(self, *codes):
        super().__init__(codes)
        self.codes = set(codes)


def depth_of(line):
    level = most = 0
    if line.count(b"[") + line.count(b"{") <= DEPTH_MAX:
        return 0
    for c in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", line):
        if c in b"[{":
            level += 1
            most = max(most, level)
        elif c in b"]}":
            level -= 1
    return most


def no_number(token):
    raise ValueError(token)


def parse(line):
    """The value of a line; ValueError where it has none."""
    if depth_of(line) > DEPTH_MAX:
        raise ValueError("depth")
    return json.loads(line.decode("utf-8"), object_pairs_hook=Pairs,
                      parse_int=Number, parse_float=Number,
                      parse_constant=no_number)


def is_mark(line):
    found = FIRST.match(line)
    if not found:
        return False
    try:
        return json.loads(b'"' + found[1] + b'"') == "@etl"
    except ValueError:
        return False


def is_record(line):
    """Whether a stage that reads members takes it."""
    try:
        value = parse(line)
    except ValueError:
        return False
    return len(line) <= RECORD_MAX and isinstance(value, Pairs) \
        and not any(p.twice() for p in objects(value))


def fits(line):
    """Whether the test's table has columns for it."""
    return all(name in ("id", "title") for name, _ in parse(line))


def objects(value):
    if isinstance(value, Pairs):
        yield value
        for _, v in value:
            yield from objects(v)
    elif isinstance(value, list):
        for v in value:
            yield from objects(v)


def want(truth):
    if not truth:
        raise Fault(76)


def text(v):
    return isinstance(v, str) and not isinstance(v, Number)


def name_text(v):
    return text(v) and "\0" not in v


def integer(v, least=0):
    want(isinstance(v, Number))
    v = decimal.Decimal(v)
    want(v.adjusted() < 20 and v == v.to_integral_value())
    want(least <= v < TOP)
    return int(v)


def read_mark(line):
    """(kind, members); Fault where it is broken."""
    try:
        value = parse(line)
    except ValueError:
        raise Fault(76) from None
    want(len(line) <= MARK_MAX and not value.twice())
    kind = value.get("@etl")
    want(text(kind))
    spelled = line[FIRST.match(line).end():].lstrip(b" \t\r:")
    want(spelled.startswith(b'"' + kind.encode() + b'"'))
    known = kind in ("begin", "checkpoint", "resolve", "end", "reject",
                     "failed")
    if known and value.has("v"):
        want(integer(value.get("v"), 1) == 1)
    for name in TEXTS if known else ():
        want(not value.has(name) or name_text(value.get(name)))
    if kind == "begin":
        read_begin(value)
    elif kind == "reject":
        want(name_text(value.get("stage")))
    elif kind == "failed":
        want(name_text(value.get("stage")) and name_text(value.get("message")))
        want(1 <= integer(value.get("code")) <= 125)
    elif known:
        read_boundary(kind, value)
    return kind, value


def read_begin(value):
    want(value.has("v"))
    want(name_text(value.get("id")) and value.get("id"))
    names = value.get("stages")
    want(isinstance(names, list) and not isinstance(names, Pairs))
    want(all(name_text(n) and 1 <= len(n.encode()) <= 63 for n in names))
    want(len(names) <= 32 and len(set(names)) == len(names))
    for name in ("replay", "lookback"):
        want(value.get(name, False) in (True, False))
    want(not value.has("checkpoint") or name_text(value.get("checkpoint")))


def storable(value):
    """Whether a reject mark can become a dead letter."""
    names = [value.get(n) for n in ("id", "occurrence", "stage")]
    return all(text(n) and 1 <= len(n.encode()) <= 256 for n in names) \
        and (text(value.get("raw")) or text(value.get("raw_base64")))


def read_boundary(kind, value):
    entries = value.get("stages")
    want(isinstance(entries, list) and not isinstance(entries, Pairs))
    for entry in entries:
        want(isinstance(entry, Pairs) and not entry.twice())
        want(name_text(entry.get("stage")))
        for name in ("in", "out", "dropped", "rejected"):
            integer(entry.get(name))
        if entry.has("aside"):
            integer(entry.get("aside"))
    names = [entry.get("stage") for entry in entries]
    want(len(names) <= 32 and len(set(names)) == len(names))
    if kind != "end" or value.has("seq"):
        integer(value.get("seq"), 1)
    if kind == "checkpoint":
        want(name_text(value.get("name")) and name_text(value.get("value")))
        want(value.get("from") is None or name_text(value.get("from")))
    if kind == "checkpoint" or kind == "end" and value.has("version"):
        integer(value.get("version"))
    if kind == "resolve":
        want(name_text(value.get("id")))
        integer(value.get("seen"))
        integer(value.get("upto"))


class Reader:
    """One stage that reads a stream.

    judges: looks into records; sums: checks counts as a loader does;
    stores: keeps rejects as dead letters. needs: the statuses of a stream
    without checkpoints, for one that saves them.
    """

    def __init__(self, judges, sums=False, stores=False, needs=None):
        self.judges, self.sums, self.stores = judges, sums, stores
        self.needs = needs
        self.begin = None
        self.ended = self.first = True
        self.passed = []        # boundaries passed on: (kind, members)
        self.states = [[]]      # a loader's: after each boundary
        self.now = []           # what came since begin, or since the start
        self.mark_seen = False
        self.late = set()       # a reject that nothing takes: 65, by and by
        self.good = None        # the states before that

    def records(self, line):
        if self.begin and self.ended:
            raise Fault(76)
        if self.first and self.needs:
            raise Fault(*self.needs)
        self.read += 1
        if len(line) > RECORD_MAX or self.judges and not is_record(line) \
                or self.stores and not fits(line):
            self.rejected += 1
            self.now.append(("letter", None))
            if not self.begin:
                self.late = {65}
        else:
            self.now.append(("row", line))

    read = rejected = 0

    def mark(self, line):
        kind, value = read_mark(line)
        if kind != "reject":
            self.mark_seen = True
        if kind == "begin":
            want(self.ended and (self.first or self.begin))
            want(len(value.get("stages")) < 32)
            if self.needs and not value.get("checkpoint"):
                raise Fault(*self.needs)
            self.begin, self.ended, self.seq = value, False, None
            self.version = None
            self.read, self.came, self.aside = 0, {}, 0
            self.now = list(self.states[-1])
        elif kind == "failed":
            raise Fault(integer(value.get("code")))
        elif self.first and self.needs:
            raise Fault(*self.needs)
        elif kind == "reject":
            want(not (self.begin and self.ended))
            if self.stores and not storable(value):
                self.spoilt(65)
            if self.begin:
                stage = value.get("stage")
                self.came[stage] = self.came.get(stage, 0) + 1
            self.now.append(("letter", value.get("occurrence")))
        elif kind in ("checkpoint", "resolve", "end"):
            self.boundary(kind, value)

    def spoilt(self, code):
        """Nothing from here on is stored, and the commit tells."""
        if not self.late:
            self.good = len(self.states)
        self.late.add(code)

    def boundary(self, kind, value):
        want(self.begin and not self.ended)
        seq = value.get("seq")
        seq = seq if seq is None else integer(seq)
        if kind == "end":
            want(seq == self.seq)
            self.ended = True
        else:
            want(self.seq is None or seq > self.seq)
            self.seq = seq
        if kind == "checkpoint":
            want(value.get("name") == self.begin.get("checkpoint"))
        if self.stores and self.begin.has("checkpoint") \
                and value.has("version") and self.version is None:
            self.version = integer(value.get("version"))
            if self.version != 1:       # what the test's database has
                self.spoilt(75)
        if self.sums:
            want(kind != "resolve" or self.begin.get("replay", False))
            names = [e.get("stage") for e in value.get("stages")]
            want(names == self.begin.get("stages"))
            self.check(value.get("stages"))
        self.passed.append((kind, value))
        self.states.append(list(self.now) + [(kind, value)])
        self.now = list(self.states[-1])

    def check(self, entries):
        codes = set()
        rows = [{n: integer(e.get(n, Number("0"))) for n in
                 ("in", "out", "dropped", "rejected", "aside")}
                for e in entries]
        for i, r in enumerate(rows):
            gone = r["dropped"] + r["rejected"]
            if r["in"] and (gone > r["in"] or gone == r["in"] and r["out"]):
                codes.add(70)
            then = rows[i + 1]["in"] if i + 1 < len(rows) else self.read
            if r["out"] != then:
                codes.add(76)
            came = self.came.get(entries[i].get("stage"), 0)
            if r["rejected"] - r["aside"] != came:
                codes.add(76)
        if codes:
            raise Fault(*codes)

    def run(self, data):
        """The statuses it may end with."""
        lines = data.split(b"\n")
        last = lines.pop()
        try:
            for line in lines:
                self.line(line)
            if last.strip(b" \t\r"):
                whole = not self.begin and not is_mark(last)
                if is_mark(last):
                    try:
                        read_mark(last)
                        whole = True
                    except Fault:
                        pass
                if not whole and (self.begin or self.first):
                    raise Fault(75)
                self.line(last)
            if self.begin and not self.ended:
                raise Fault(75)
            if self.first and self.needs:
                raise Fault(75)
        except Fault as f:
            return f.codes | self.late
        return self.late or {0}

    def line(self, line):
        if not line.strip(b" \t\r"):
            return
        if is_mark(line):
            self.mark(line)
        else:
            self.records(line)
        self.first = False
