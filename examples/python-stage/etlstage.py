"""A stage of an etl pipeline, as etl-record(5) describes it, in plain Python 3.

    from etlstage import Reject, run

    def keep(record):                   # record is a dict
        if "id" not in record:
            raise Reject("required", "no id", "/id")
        return record                   # None drops it; a list gives several

    run("keep", keep)

run() reads a stream from standard input and writes one to standard output. It
passes records through the function, adds the counts of this stage to the marks,
and writes rejects to the stream or to file descriptor 3. Then it ends the
process with an exit status of etl(7). A number that the function does not
change keeps its digits.
"""
import base64
import datetime
import fcntl
import hashlib
import json
import os
import re
import signal
import stat
import sys
import uuid

MAX_RECORD = 16 << 20
MAX_DEPTH = 256
MAX_STAGES = 32
KEPT = 64 << 10                         # bytes of a too long line in its reject
BOUNDARIES = ("checkpoint", "resolve", "end")
KINDS = BOUNDARIES + ("begin", "reject", "failed")


class Reject(Exception):
    """The record is rejected: a code, a message, a JSON Pointer."""

    def __init__(self, code, message, pointer=None):
        super().__init__(message)
        self.code, self.message, self.pointer = code, message, pointer


class Failed(Exception):
    """The stage must stop with this exit status."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status, self.message = status, message


class Stopped(Failed):
    """A signal ends the stage."""

    def __init__(self, number):
        super().__init__(75, f"stopped by {signal.Signals(number).name}")
        self.number = number


# A number of the input keeps its text (1.0, 1e400, thirty digits) if the
# function does not change it. A computed number is a plain Python number.
class Int(int):
    pass


class Float(float):
    pass


def parse_int(text):
    try:
        value = Int(text)
    except ValueError:                  # more digits than int() accepts
        return parse_float(text)
    value.text = text
    return value


def parse_float(text):
    value = Float(text)
    value.text = text
    return value


def parse_constant(text):
    raise Reject("parse", f"{text} is no JSON")


def parse_object(pairs):
    value = dict(pairs)
    if len(value) < len(pairs):
        raise Reject("duplicate_member", "the same name twice")
    return value


DECODER = json.JSONDecoder(object_pairs_hook=parse_object, parse_int=parse_int,
                           parse_float=parse_float,
                           parse_constant=parse_constant)


def depth(value):
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return 0
    return 1 + max(map(depth, value), default=0)


def loads(raw):
    """Parses a line. Raises Reject with the code that etl programs use."""
    try:
        value = DECODER.decode(raw.decode())
        deep = depth(value) > MAX_DEPTH
    except UnicodeDecodeError as why:
        raise Reject("encoding", f"no UTF-8 at byte {why.start}") from None
    except RecursionError:
        deep = True
    except ValueError as why:
        raise Reject("parse", str(why)) from None
    if deep:
        raise Reject("depth", f"nested deeper than {MAX_DEPTH}")
    return value


def dumps(value):
    if isinstance(value, (Int, Float)):
        return value.text
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{dumps(str(name))}:{dumps(member)}"
                                 for name, member in value.items())
    if isinstance(value, (list, tuple)):
        return "[%s]" % ",".join(map(dumps, value))
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # A lone surrogate is not valid UTF-8, so write it as an escape.
    return re.sub("[\ud800-\udfff]", lambda m: "\\u%04x" % ord(m[0]), text)


def is_mark(value):
    return isinstance(value, dict) and next(iter(value), None) == "@etl"


def takes_rejects(fd):
    """Returns whether rejects may go to fd and whether fd is stdout, too."""
    try:
        what = os.fstat(fd)
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    except OSError:
        return False, False
    if flags & os.O_ACCMODE == os.O_RDONLY:
        return False, False
    device = stat.S_ISCHR(what.st_mode)
    known = (os.makedev(1, 3), os.makedev(1, 7))    # /dev/null, /dev/full
    if device and not (os.isatty(fd) or what.st_rdev in known):
        return False, False
    if not (device or stat.S_ISREG(what.st_mode) or
            stat.S_ISFIFO(what.st_mode)):
        return False, False

    def same(other):
        try:
            return not device and os.path.samestat(what, os.fstat(other))
        except OSError:
            return False
    if same(0):
        return False, False
    if stat.S_ISREG(what.st_mode):
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_APPEND)
    return True, same(1)


class Stage:
    def __init__(self, name, function):
        self.base = self.name = name
        self.function = function
        self.run = os.environ.get("ETL_RUN")
        self.pipeline = self.own_pipeline = os.environ.get("ETL_PIPELINE")
        self.stream = None
        self.process = self.run or str(uuid.uuid4())
        self.tail = uuid.uuid4().hex[:4]
        self.occurrences = 0
        self.aside, self.travels = takes_rejects(3)
        self.state = "start"            # or: plain, open, ended, failed
        self.out = sys.stdout.buffer
        self.marks = False              # the stream has marks
        self.stop = None                # the signal that arrived, if any
        self.reading = False
        self.number = self.offset = 0
        self.reset()

    def reset(self):
        self.count = dict.fromkeys(("in", "out", "dropped", "rejected"), 0)
        self.count["aside"] = 0
        self.passed = 0
        self.seq = None
        self.replay = False

    # Input

    def read(self):
        self.out.flush()                # before this read blocks
        self.reading = True
        try:
            if self.stop:
                raise Stopped(self.stop)
            return os.read(0, 1 << 16)
        finally:
            self.reading = False

    def lines(self):
        """Yields (line without LF, torn, bytes, sha256). Torn: the line has
        no LF. The last two are set if the line is too long: then only its
        first KEPT bytes are in memory."""
        rest, bound = b"", 2 * MAX_RECORD + (1 << 20)
        while chunk := self.read():
            *whole, last = chunk.split(b"\n")
            if whole:
                yield rest + whole[0], False, 0, None
                for line in whole[1:]:
                    yield line, False, 0, None
                rest = last
            else:
                rest += last
            if len(rest) > bound:
                line, rest, more = self.long_line(rest)
                yield line, *more
        if rest:
            yield rest, True, 0, None

    def long_line(self, rest):
        digest, size = hashlib.sha256(rest), len(rest)
        kept = rest[:KEPT]
        while chunk := self.read():
            end, lf, rest = chunk.partition(b"\n")
            digest.update(end)
            size += len(end)
            if lf:
                return kept, rest, (False, size, digest.hexdigest())
        return kept, b"", (True, size, digest.hexdigest())

    # Output

    def put(self, value):
        self.out.write((value if isinstance(value, str) else
                        dumps(value)).encode() + b"\n")

    def emit(self, outputs):
        for text in outputs:
            self.put(text)
        self.count["out"] += len(outputs)
        if outputs:
            self.passed += 1
        else:
            self.count["dropped"] += 1

    def write_reject_line(self, line):
        pipe = stat.S_ISFIFO(os.fstat(3).st_mode)
        if pipe:
            fcntl.lockf(3, fcntl.LOCK_EX)
        try:
            while line:
                line = line[os.write(3, line):]
        finally:
            if pipe:
                fcntl.lockf(3, fcntl.LOCK_UN)

    def reject(self, raw, why, size=0, digest=None):
        self.occurrences += 1
        key = [(self.pipeline or "").encode()]
        key += [self.stream.encode()] if self.stream else []
        key += [self.name.encode(), raw]
        mark = {"@etl": "reject", "v": 1}
        if digest:
            key.append(digest.encode())
        mark["id"] = hashlib.sha256(b"".join(k + b"\0" for k in key)
                                    ).hexdigest()
        mark["occurrence"] = (f"{self.process}/{self.name}.{self.tail}/"
                              f"{self.occurrences}")
        mark |= {"run": self.run} if self.run else {}
        mark |= {"pipeline": self.pipeline} if self.pipeline else {}
        mark |= {"stream": self.stream} if self.stream else {}
        mark |= {"stage": self.name, "code": why.code,
                 "message": re.sub(r"[\0-\x1f\x7f-\x9f]", " ",
                                   why.message)[:500]}
        mark |= {"pointer": why.pointer} if why.pointer is not None else {}
        mark["origin"] = {"kind": "stdin", "line": self.number,
                          "offset": self.offset}
        mark |= as_raw(raw)
        mark |= {"bytes": size, "sha256": digest} if digest else {}
        now = datetime.datetime.now(datetime.timezone.utc)
        mark["at"] = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.put_reject(mark, why)
        self.count["rejected"] += 1
        self.limit()

    def put_reject(self, mark, why):
        if self.aside and not self.travels and not self.replay:
            try:
                self.write_reject_line(dumps(mark).encode() + b"\n")
            except OSError as error:
                raise Failed(74, f"descriptor 3: {error.strerror}") from None
            self.count["aside"] += 1
        elif self.state == "open" or self.travels:
            self.put(mark)
        else:
            raise Failed(65, f"line {self.number}: {why.message} ({why.code})"
                         ", and nowhere to write rejects: wrap the pipeline "
                         "in { ...; } 3>>rejects.ndjson")

    def limit(self, ended=False):
        """Fails if too many records were rejected. A replay has no limit: most
        of its records may be rejected again."""
        settled = (self.passed + self.count["dropped"] +
                   self.count["rejected"])
        if (settled >= (5 if ended else 20) and not self.replay and
                self.count["rejected"] * 2 > settled):
            raise Failed(1, f"{self.count['rejected']} of {settled} records "
                         "rejected, more than 50%")

    # Marks

    def counts(self):
        count = dict(self.count)
        if not count["aside"]:
            del count["aside"]
        return {"stage": self.name, **count}

    def cut(self):
        return Failed(75, "the stream was cut off: no end mark came")

    def broken(self, why):
        return Failed(76, f"line {self.number}: {why}")

    def unique(self, name, names):
        found, number = name, 2
        while found in names:
            found, number = f"{name}.{number}", number + 1
        return found

    def begin(self, mark):
        if self.state not in ("start", "ended"):
            raise self.broken("a begin mark after the stream's start")
        names = mark.get("stages")
        if not isinstance(names, list) or not mark.get("id"):
            raise self.broken("broken begin mark: no stages, or no id")
        if len(names) >= MAX_STAGES:
            raise self.broken(f"more than {MAX_STAGES} stages")
        self.reset()
        self.state = "open"
        self.replay = mark.get("replay") is True
        self.pipeline = (mark.get("pipeline") if self.replay else
                         self.own_pipeline)
        self.stream = mark.get("stream")
        first = self.replay and len(names) == 1 and mark.get("stage")
        self.name = self.unique(first or self.base, names)
        names.append(self.name)
        self.put(mark)

    def boundary(self, kind, mark):
        if self.state != "open":
            raise self.broken("a mark after the end mark"
                              if self.state == "ended" else
                              "a mark without the begin mark before it")
        seq = mark.get("seq")
        if kind == "end" and seq != self.seq:
            raise self.broken("the end mark has another seq than the last "
                              "mark before it: some marks were lost")
        if kind != "end" and (not isinstance(seq, int) or
                              seq <= (self.seq or 0)):
            raise self.broken("seq does not go up")
        if not isinstance(mark.get("stages"), list):
            raise self.broken(f"broken {kind} mark: no stages")
        self.limit(kind == "end")
        mark["stages"].append(self.counts())
        if kind == "end":
            self.state = "ended"
        self.seq = seq
        self.put(mark)
        self.out.flush()

    def mark(self, kind, mark, line):
        self.marks |= kind in KINDS and kind != "reject"
        if self.state == "start" and kind not in ("begin", "failed"):
            self.plain()
        version = mark.get("v", 1 if kind != "begin" else None)
        if kind in KINDS and (not isinstance(version, int) or version < 1):
            raise self.broken(f"broken {kind} mark: v")
        if kind in KINDS and version > 1:
            raise self.broken(f"the stream is of version {version}, newer "
                              "than this program, which reads version 1")
        if kind == "begin":
            return self.begin(mark)
        if kind in BOUNDARIES:
            return self.boundary(kind, mark)
        if kind == "reject" and self.state == "ended":
            raise self.broken("a reject after the end mark")
        if kind == "failed":
            self.state = "failed"
        self.out.write(line + b"\n")
        if kind == "failed":
            raise Failed(mark["code"], f"{mark['stage']}: {mark['message']}")

    # Records

    def plain(self):
        if self.run:
            raise self.broken("inside etl-run a stream starts with a begin "
                              "mark, and this one does not")
        self.state = "plain"

    def outputs(self, value):
        made = self.function(value)
        if made is None:
            return []
        made = [made] if isinstance(made, dict) else list(made)
        for record in made:
            if not isinstance(record, dict):
                raise Reject("type", "an output is no object")
            if is_mark(record):
                raise Reject("reserved", "a record may not begin with the "
                             "member @etl")
        return [dumps(record) for record in made]

    def record(self, line, value, why):
        if self.state == "start":
            self.plain()
        if self.state == "ended":
            raise self.broken("a record after the end mark")
        self.count["in"] += 1
        try:
            if why:
                raise why
            if not isinstance(value, dict):
                raise Reject("type", "the record is no object")
            outputs = self.outputs(value)
        except Reject as reject:
            return self.reject(line, reject)
        except Exception as error:      # raised by the function
            return self.reject(line, Reject("filter", f"{error!r}"))
        self.emit(outputs)

    def line(self, line, torn):
        value = why = None
        try:
            value = loads(line)
        except Reject as reject:
            why = reject
        if torn and self.state in ("start", "open") and not is_mark(value):
            if self.state == "open":
                return False            # a torn line: its writer was killed
            if MARK.match(line):
                raise self.cut()
        if is_mark(value) and isinstance(value["@etl"], str):
            self.mark(value["@etl"], value, line)
        elif is_mark(value) or (why and MARK.match(line)):
            self.marks = True
            raise self.broken("broken mark")
        elif len(line) > MAX_RECORD:
            self.long(line, len(line), hashlib.sha256(line).hexdigest())
        else:
            self.record(line, value, why)
        return True

    def long(self, line, size, digest):
        if MARK.match(line):
            raise self.broken("a mark that is too long")
        if self.state == "start":
            self.plain()
        self.count["in"] += 1
        self.reject(line[:KEPT], Reject("too_long", f"{size} bytes, more than "
                                        f"{MAX_RECORD}"), size, digest)

    def main(self):
        for line, torn, size, digest in self.lines():
            self.number += 1
            if digest:
                self.long(line, size, digest)
            elif line.strip(b" \t\r") and not self.line(line, torn):
                break
            self.offset += (size or len(line)) + 1
        if self.state == "open" or (self.state == "start" and self.run):
            raise self.cut()
        self.limit(True)
        self.out.flush()

    def fail(self, failed):
        """Writes the mark "failed", with which the later stages fail, too."""
        if self.state != "failed" and (self.marks or self.run):
            self.put({"@etl": "failed", "stage": self.name,
                      "code": failed.status, "message": failed.message,
                      "printed": True})
        self.out.flush()

    def signalled(self, number, _frame):
        self.stop = number
        if self.reading:                # not while a line is being written
            raise Stopped(number)


# Matches a line whose first member is "@etl", even if it is not valid JSON.
MARK = re.compile(rb'[ \t\r]*\{[ \t\r]*"(@|\\u0040)(e|\\u0065)(t|\\u0074)'
                  rb'(l|\\u006[cC])"')


def as_raw(raw):
    """Returns the member with the exact bytes: a string if they are UTF-8 and
    the string is not too long for a mark, else base64."""
    try:
        text = raw.decode()
        if len(dumps(text)) <= 2 * len(raw) + KEPT:
            return {"raw": text}
    except UnicodeDecodeError:
        pass
    return {"raw_base64": base64.b64encode(raw).decode()}


def run(name, function):
    """Runs the stage and ends the process."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    stage = Stage(name, function)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stage.signalled)
    try:
        stage.main()
        status = 0
    except Failed as failed:
        stage.fail(failed)
        print(f"{name}: {failed.message}", file=sys.stderr)
        status = failed.status
        if isinstance(failed, Stopped):
            signal.signal(failed.number, signal.SIG_DFL)
            signal.raise_signal(failed.number)
    except OSError as error:
        print(f"{name}: {error.strerror}", file=sys.stderr)
        status = 74
    sys.stderr.flush()
    os._exit(status)                    # skip Python's own flush at exit
