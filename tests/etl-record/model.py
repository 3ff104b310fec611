"""A model of a program that reads a stream, written from etl-record(5) alone.

Reader.run() reads a stream as a stage would.  It returns the exit statuses
that the stage may end with.  Then Reader.passed has the boundaries that the
stage passes on, and Reader.states what a loader may have stored.
"""
import decimal
import json
import re

FIRST = re.compile(rb'[ \t\r]*\{[ \t\r]*"((?:[^"\\]|\\.)*)"')
RECORD_MAX, MARK_MAX, DEPTH_MAX = 16 << 20, 33 << 20, 256
TOP = 1 << 63
TEXTS = ("id", "stream", "run", "pipeline", "traceparent", "stage")


class Number(str):
    """A number as the line spells it."""


class Pairs(list):
    """The members of an object in their order, with duplicates."""

    def get(self, name, default=None):
        return next((v for k, v in self if k == name), default)

    def has(self, name):
        return any(k == name for k, v in self)

    def has_duplicates(self):
        names = [k for k, v in self]
        return len(set(names)) < len(names)


class Fault(Exception):
    """The program stops here and exits with one of these statuses."""

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
    """The JSON value of a line.  Raises ValueError if it is not JSON."""
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
    """Whether a stage that reads members accepts the line as a record."""
    try:
        value = parse(line)
    except ValueError:
        return False
    return len(line) <= RECORD_MAX and isinstance(value, Pairs) \
        and not any(p.has_duplicates() for p in objects(value))


def fits_table(line):
    """Whether the table of the test has a column for each member."""
    return all(name in ("id", "title") for name, _ in parse(line))


def objects(value):
    if isinstance(value, Pairs):
        yield value
        for _, v in value:
            yield from objects(v)
    elif isinstance(value, list):
        for v in value:
            yield from objects(v)


def require(truth):
    """Raises the fault of a broken mark (status 76) if truth is false."""
    if not truth:
        raise Fault(76)


def text(v):
    return isinstance(v, str) and not isinstance(v, Number)


def name_text(v):
    return text(v) and "\0" not in v


def integer(v, least=0):
    require(isinstance(v, Number))
    v = decimal.Decimal(v)
    require(v.adjusted() < 20 and v == v.to_integral_value())
    require(least <= v < TOP)
    return int(v)


def read_mark(line):
    """The kind and the members of a mark.  Raises Fault if it is broken."""
    try:
        value = parse(line)
    except ValueError:
        raise Fault(76) from None
    require(len(line) <= MARK_MAX and not value.has_duplicates())
    kind = value.get("@etl")
    require(text(kind))
    spelled = line[FIRST.match(line).end():].lstrip(b" \t\r:")
    require(spelled.startswith(b'"' + kind.encode() + b'"'))
    known = kind in ("begin", "checkpoint", "resolve", "end", "reject",
                     "failed")
    if known and value.has("v"):
        require(integer(value.get("v"), 1) == 1)
    for name in TEXTS if known else ():
        require(not value.has(name) or name_text(value.get(name)))
    if kind == "begin":
        read_begin(value)
    elif kind == "reject":
        require(name_text(value.get("stage")))
    elif kind == "failed":
        require(name_text(value.get("stage"))
                and name_text(value.get("message")))
        require(1 <= integer(value.get("code")) <= 125)
    elif known:
        read_boundary(kind, value)
    return kind, value


def read_begin(value):
    require(value.has("v"))
    require(name_text(value.get("id")) and value.get("id"))
    names = value.get("stages")
    require(isinstance(names, list) and not isinstance(names, Pairs))
    require(all(name_text(n) and 1 <= len(n.encode()) <= 63 for n in names))
    require(len(names) <= 32 and len(set(names)) == len(names))
    for name in ("replay", "lookback"):
        require(value.get(name, False) in (True, False))
    require(not value.has("checkpoint") or name_text(value.get("checkpoint")))


def storable(value):
    """Whether a reject line can become a dead letter."""
    names = [value.get(n) for n in ("id", "occurrence", "stage")]
    return all(text(n) and 1 <= len(n.encode()) <= 256 for n in names) \
        and (text(value.get("raw")) or text(value.get("raw_base64")))


def read_boundary(kind, value):
    entries = value.get("stages")
    require(isinstance(entries, list) and not isinstance(entries, Pairs))
    for entry in entries:
        require(isinstance(entry, Pairs) and not entry.has_duplicates())
        require(name_text(entry.get("stage")))
        for name in ("in", "out", "dropped", "rejected"):
            integer(entry.get(name))
        if entry.has("aside"):
            integer(entry.get("aside"))
    names = [entry.get("stage") for entry in entries]
    require(len(names) <= 32 and len(set(names)) == len(names))
    if kind != "end" or value.has("seq"):
        integer(value.get("seq"), 1)
    if kind == "checkpoint":
        require(name_text(value.get("name")) and name_text(value.get("value")))
        require(value.get("from") is None or name_text(value.get("from")))
    if kind == "checkpoint" or kind == "end" and value.has("version"):
        integer(value.get("version"))
    if kind == "resolve":
        require(name_text(value.get("id")))
        integer(value.get("seen"))
        integer(value.get("upto"))


# The pipeline, stream and stage of the letters in the test's database.
LETTERS_OF = ("p", "", "s9")


class Reader:
    """One stage that reads a stream.

    reads_members: the stage looks into records, so it rejects bad ones.
    checks_counts: it checks the counts of the marks, as a loader does.
    stores_rejects: it stores rejects as dead letters.
    no_checkpoint_codes: the stage saves checkpoints, and these are its exit
    statuses for a stream without checkpoints.
    """

    def __init__(self, reads_members, checks_counts=False,
                 stores_rejects=False, no_checkpoint_codes=None):
        self.reads_members = reads_members
        self.checks_counts = checks_counts
        self.stores_rejects = stores_rejects
        self.no_checkpoint_codes = no_checkpoint_codes
        self.begin = None
        self.ended = self.first = True
        # The boundaries that the stage passes on: (kind, members).
        self.passed = []
        # What a loader may have stored after each boundary.
        self.states = [[]]
        # What came since the mark begin, or since the start of plain input.
        self.now = []
        self.mark_seen = False
        # The statuses of faults that stop the storing but that the program
        # reports only later, for example 65 for a reject without a place.
        self.late_codes = set()
        # The number of states before the first of these faults.
        self.stored_until = None

    def records(self, line):
        if self.begin and self.ended:
            raise Fault(76)
        if self.first and self.no_checkpoint_codes:
            raise Fault(*self.no_checkpoint_codes)
        self.read += 1
        if len(line) > RECORD_MAX \
                or self.reads_members and not is_record(line) \
                or self.stores_rejects and not fits_table(line):
            self.rejected += 1
            self.now.append(("letter", None))
            if not self.begin:
                self.late_codes = {65}
        else:
            self.now.append(("row", line))

    read = rejected = 0

    def mark(self, line):
        kind, value = read_mark(line)
        if kind != "reject":
            self.mark_seen = True
        if kind == "begin":
            require(self.ended and (self.first or self.begin))
            require(len(value.get("stages")) < 32)
            if self.no_checkpoint_codes and not value.get("checkpoint"):
                raise Fault(*self.no_checkpoint_codes)
            self.begin, self.ended, self.seq = value, False, None
            self.version = None
            self.read, self.came, self.aside = 0, {}, 0
            self.now = list(self.states[-1])
        elif kind == "failed":
            raise Fault(integer(value.get("code")))
        elif self.first and self.no_checkpoint_codes:
            raise Fault(*self.no_checkpoint_codes)
        elif kind == "reject":
            require(not (self.begin and self.ended))
            if self.stores_rejects and not storable(value):
                self.stop_storing(65)
            if self.begin:
                stage = value.get("stage")
                self.came[stage] = self.came.get(stage, 0) + 1
            self.now.append(("letter", value.get("occurrence")))
        elif kind in ("checkpoint", "resolve", "end"):
            self.boundary(kind, value)

    def stop_storing(self, code):
        """Nothing from here on is stored.  The program reports the fault when
        it commits."""
        if not self.late_codes:
            self.stored_until = len(self.states)
        self.late_codes.add(code)

    def boundary(self, kind, value):
        require(self.begin and not self.ended)
        seq = value.get("seq")
        seq = seq if seq is None else integer(seq)
        if kind == "end":
            require(seq == self.seq)
            self.ended = True
        else:
            require(self.seq is None or seq > self.seq)
            self.seq = seq
        if kind == "checkpoint":
            require(value.get("name") == self.begin.get("checkpoint"))
        if self.stores_rejects and self.begin.has("checkpoint") \
                and value.has("version") and self.version is None:
            self.version = integer(value.get("version"))
            if self.version != 1:       # the version in the test's database
                self.stop_storing(75)
        if self.checks_counts:
            require(kind != "resolve" or self.begin.get("replay", False))
            names = [e.get("stage") for e in value.get("stages")]
            require(names == self.begin.get("stages"))
            self.check(value.get("stages"))
        if kind == "resolve" and self.stores_rejects and LETTERS_OF != tuple(
                self.begin.get(n) or "" for n in
                ("pipeline", "stream", "stage")):
            self.stop_storing(75)
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
        """Reads the stream.  Returns the statuses it may exit with."""
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
            if self.first and self.no_checkpoint_codes:
                raise Fault(75)
        except Fault as f:
            return f.codes | self.late_codes
        return self.late_codes or {0}

    def line(self, line):
        if not line.strip(b" \t\r"):
            return
        if is_mark(line):
            self.mark(line)
        else:
            self.records(line)
        self.first = False
