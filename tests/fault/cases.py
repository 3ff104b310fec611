"""What programs are run under faults, and what must be there afterwards.

A case has: name, program, start() and stop() (once), reset() (before each
undisturbed or disturbed first run), run(env) -> Result, state() -> what stands
in files and databases, whole(result, state): is it as undisturbed;
kept(result, state): is it what a failed run may leave.
"""
import glob
import gzip
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess

SCRATCH = os.environ["SCRATCH"]
PATIENCE = 20
ENV = dict(os.environ, INITIAL_BACKOFF="1ms", MAX_BACKOFF="5ms", TZ="UTC",
           AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret-of-aws")
RANDOM = [
    (re.compile(rb'"(id|run)":"[0-9a-f-]{36}"'), rb'"\1":"-"'),
    (re.compile(rb'"occurrence":"[^"]*/([0-9]+)"'), rb'"occurrence":"\1"'),
    (re.compile(rb'"at":"[^"]*"'), b'"at":"-"'),
]


def steady(text):
    """The bytes without what is random or a time."""
    for pattern, put in RANDOM:
        text = pattern.sub(put, text)
    return text


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, steady(out), err


def run(argv, given, env):
    """Its exit, output and words; 124 after PATIENCE seconds."""
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=env, cwd=SCRATCH, start_new_session=True)
    try:
        out, err = process.communicate(given, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        out, err = process.communicate()
        return Result(124, out, err + b"it hangs\n")
    return Result(process.returncode, out, err)


class Case:
    """A filter: records in, records out, rejects to a file or in the stream."""

    def __init__(self, name, argv, given=b"", aside=False, then=None):
        self.name, self.argv, self.given = name, argv, given
        self.aside, self.program = aside, argv[0]
        self.file = SCRATCH + "/" + name + ".rejects"

    def start(self):
        pass

    def stop(self):
        pass

    def reset(self):
        if os.path.exists(self.file):
            os.unlink(self.file)

    def run(self, env):
        argv = self.argv
        if self.aside:
            argv = ["sh", "-c", 'exec "$@" 3>>"$0"', self.file] + argv
        return run(argv, self.given, env)

    def state(self):
        if not os.path.exists(self.file):
            return b""
        with open(self.file, "rb") as f:
            return steady(f.read())

    def whole(self, result, state):
        return (result.out, state) == self.wanted

    def output_kept(self, result):
        """Whole lines of the undisturbed output, torn at the end at most,
        never its end; a failed mark may come after them."""
        lines = result.out.split(b"\n")
        while lines and (lines[-1] == b"" or
                         lines[-1].startswith(b'{"@etl":"failed"')):
            lines.pop()
        told = b"\n".join(lines)
        if b'"@etl":"end"' in told or not self.wanted[0].startswith(told):
            return "its output is no part of the undisturbed one"
        return ""

    def kept(self, result, state):
        """What is wrong with the output and the rejects of a failed run."""
        if not self.wanted[1].startswith(state):
            return "its rejects are no part of the undisturbed ones"
        return self.output_kept(result)

    def completed(self, result, before, after):
        """What is wrong after an undisturbed run once more."""
        if before and not before.endswith(b"\n"):
            before += b"\n"
        if result.code == 0 and (result.out, after) == (
                self.wanted[0], before + self.wanted[1]):
            return ""
        return "the next run: exit %d: %s" % (result.code,
                                              result.err.decode())


class RunReports:
    """The file in which a program inside etl-run reports its streams."""

    def __init__(self, name):
        self.path = SCRATCH + "/" + name + ".reports"

    def reset(self):
        with open(self.path, "wb") as f:
            f.write(b'{"run":"r"}\n')

    def read(self):
        """The reports, without what is random or describes the command."""
        told, paths = [], {}
        with open(self.path, "rb") as f:
            for line in f.read().splitlines(True)[1:]:
                if not line.endswith(b"\n"):
                    return told + [["torn"]]
                report = json.loads(line)
                path = report.get("path", paths.get(report["process"], "?"))
                paths[report["process"]] = path
                told.append([report["event"], path] + [report.get(m) for m in (
                    "stream", "rejects_in_pipe", "rejects")])
        return told


class Reports(Case):
    """A stage inside etl-run: it reports the end of a stream only if its
    output has the end mark."""

    def __init__(self, name, argv, given=b""):
        super().__init__(name, argv, given)
        self.reports = RunReports(name)

    def reset(self):
        self.reports.reset()

    def run(self, env):
        return super().run(dict(
            env, ETL_RUN="r", ETL_REPORTS=self.reports.path))

    def state(self):
        return self.reports.read()

    def kept(self, result, state):
        lines = result.out.split(b"\n")
        while lines and (lines[-1] == b"" or
                         lines[-1].startswith(b'{"@etl":"failed"')):
            lines.pop()
        told = b"\n".join(lines)
        if not self.wanted[0].startswith(told):
            return "its output is no part of the undisturbed one"
        if (sum(r[0] == "end" for r in state) >
                sum(l.startswith(b'{"@etl":"end"') for l in lines)):
            return "it reported an end that its output does not have"
        if [r for r in state if r[0] == "failed"] != state[-1:] and \
                state != self.wanted[1][:len(state)]:
            return "its reports: %s" % state
        return ""

    def completed(self, result, before, after):
        told = self.wanted[1]
        if (result.code, result.out, after[-len(told):]) == (
                0, self.wanted[0], told):
            return ""
        return "the next run: exit %d: %s %s" % (
            result.code, result.err.decode(), after)


class Transform(Case):
    """Where memory is out in a worker, its record may be a reject that says
    so; all others are as undisturbed."""

    def lines(self, out, rejects):
        """Records, without the member of --hash, and rejects by their raw
        bytes."""
        told = {}
        for line in rejects.splitlines() + out.splitlines():
            if line.startswith(b'{"@etl":"reject"'):
                told[json.loads(line)["raw"].encode()] = line
        return [re.sub(rb',"_row_hash":"[0-9a-f]{64}"', b"", r)
                for r in out.splitlines() if b"@etl" not in r], told

    def whole(self, result, state):
        if (result.out, state) == self.wanted:
            return True
        records, told = self.lines(result.out, state)
        wanted, _ = self.lines(*self.wanted)
        lost = {raw for raw, line in told.items()
                if b'"timeout"' in line and b"--memory-limit" in line}
        return bool(lost) and records == [r for r in wanted if r not in lost]


class Files(Case):
    """A file that cannot be read does not keep the others from being read, so
    a failed run may lack the records of a file in the middle."""

    def kept(self, result, state):
        records = [r for r in self.wanted[0].splitlines()
                   if not r.startswith(b'{"@etl"')]
        if b'"@etl":"end"' in result.out:
            return "the stream of a failed run has an end"
        for r in result.out.splitlines(True):
            if r.startswith(b'{"@etl"') or not r.endswith(b"\n"):
                continue
            if r.rstrip() not in records:
                return "its output is no part of the undisturbed one"
            del records[:records.index(r.rstrip()) + 1]
        return ""


class Recorded(Case):
    """A recording has whole answers only; an answer that was requested again
    is there twice. A recording of a failed run keeps the next run from writing
    to the same directory."""

    def __init__(self, name, argv):
        self.dir = SCRATCH + "/" + name
        super().__init__(name, argv + ["--record-to", self.dir])

    def reset(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def state(self):
        files = []
        for path in sorted(glob.glob(self.dir + "/*.http")):
            with open(path, "rb") as f:
                text = re.sub(rb"(?m)^Date:.*\n", b"", f.read())
            if text not in files[-1:]:
                files.append(text)
        return files

    def kept(self, result, state):
        if state != self.wanted[1][:len(state)]:
            return "its recording is no part of the undisturbed one"
        return self.output_kept(result)

    def completed(self, result, before, after):
        if result.code == (73 if before else 0):
            return ""
        return "the next run: exit %d: %s" % (result.code,
                                              result.err.decode())


class Replayed(Case):
    """Reads a recording, which an undisturbed run has made, in place of the
    service."""

    def __init__(self, name, argv):
        self.dir = SCRATCH + "/" + name
        self.plain = argv
        super().__init__(name, argv + ["--replay-from", self.dir])

    def start(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        subprocess.run(self.plain + ["--record-to", self.dir], env=ENV,
                       cwd=SCRATCH, stdout=subprocess.DEVNULL, check=True)


class Database:
    """A database that is set back to its start for each point."""
    rows = "SELECT * FROM %s ORDER BY 1, 2"
    queries = (
        "SELECT id, stage, code, raw, attempts, resolved_upto, status"
        " FROM (SELECT reject_id AS id, stage, code, raw, attempts,"
        " resolved_upto, status FROM dead_letters) q ORDER BY 1",
        "SELECT count(*), count(DISTINCT occurrence), count(raw)"
        " FROM dead_letter_attempts",
        "SELECT name, value FROM etl_checkpoints",
        "SELECT stream_id, target, seq, ended, taken, %s FROM etl_loads"
        " ORDER BY 1, 2")
    counts = "counts"       # "0" where a run after another may count anew

    def stop(self):
        pass

    def state(self):
        return repr([self.ask(q.replace("%s", self.counts))
                     for q in self.queries] +
                    [self.ask(self.rows % t) for t in self.tables])


class SQLite(Database):
    def __init__(self, name, wal, tables=(), script=""):
        self.path = "%s/%s.db" % (SCRATCH, name)
        self.first = self.path + ".first"
        self.tables, self.wal, self.script = tables, wal, script
        self.url = "sqlite:" + self.path

    def start(self, prepare):
        db = sqlite3.connect(self.path)
        db.executescript(self.script)
        if self.wal:
            db.execute("PRAGMA journal_mode = WAL")
        db.commit()
        prepare(self.url)
        if self.wal:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        shutil.copy(self.path, self.first)

    def reset(self):
        for end in ("-journal", "-wal", "-shm"):
            if os.path.exists(self.path + end):
                os.unlink(self.path + end)
        shutil.copy(self.first, self.path)

    def ask(self, query):
        db = sqlite3.connect(self.path, timeout=10)
        try:
            return db.execute(query).fetchall()
        except sqlite3.OperationalError as e:
            if "no such table" not in str(e):
                raise
            return []
        finally:
            db.close()

    def sound(self):
        return self.ask("PRAGMA integrity_check") == [("ok",)]


class PostgreSQL(Database):
    made = 0

    def __init__(self, name, tables=(), script=""):
        self.name = "etl_fault_%d_%s" % (os.getpid(), name.replace("-", "_"))
        self.tables, self.script = tables, script
        self.url = "postgresql:///" + self.name

    def start(self, prepare):
        import psycopg2
        import psycopg2.extras
        psycopg2.extras.register_default_json(globally=True, loads=str)
        psycopg2.extras.register_default_jsonb(globally=True, loads=str)
        subprocess.run(["createdb", self.name], check=True)
        self.db = psycopg2.connect(dbname=self.name)
        self.db.autocommit = True
        if self.script:
            self.ask(self.script)
        prepare(self.url)
        self.keep = {t: self.ask("SELECT * FROM " + t) for t in self.filled()}

    def stop(self):
        self.db.close()
        subprocess.run(["dropdb", "--force", self.name])

    def filled(self):
        return [r[0] for r in self.ask(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace"
            " = 'public'::regnamespace AND relname <> 'etl_control'")]

    def reset(self):
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                 "WHERE datname = current_database() "
                 "AND pid <> pg_backend_pid()")
        # Foreign keys are not checked, so the order of the tables is free.
        self.ask("SET session_replication_role = replica")
        for table in self.filled():
            self.ask("DELETE FROM " + table)
            for row in self.keep.get(table, ()):
                self.ask("INSERT INTO %s OVERRIDING SYSTEM VALUE VALUES (%s)"
                         % (table, ", ".join(["%s"] * len(row))), row)
        self.ask("RESET session_replication_role")

    def ask(self, query, values=None):
        """Rows; none of a table that is not there."""
        import psycopg2
        try:
            return self.ask_it(query, values)
        except psycopg2.errors.UndefinedTable:
            return []

    def ask_it(self, query, values):
        with self.db.cursor() as c:
            c.execute(query, values)
            return [tuple(bytes(v) if isinstance(v, memoryview) else v
                          for v in r) for r in c.fetchall()] \
                if c.description else []

    def sound(self):
        return True


class Loads(Case):
    """What ends in a database: a failed run may leave whole batches, a plain
    run after it makes it whole."""

    def __init__(self, name, argv, db, given=b"", prepare=lambda url: None):
        super().__init__(name, argv, given)
        self.db, self.prepare = db, prepare
        self.reports = RunReports(name)

    def start(self):
        self.db.start(self.prepare)

    def stop(self):
        self.db.stop()

    def reset(self):
        self.db.reset()
        self.reports.reset()

    def run(self, env):
        return run(self.argv, self.given, dict(
            env, DATABASE_URL=self.db.url, ETL_REPORTS=self.reports.path))

    def state(self):
        return self.db.state()

    def kept(self, result, state):
        if state != self.wanted[1] and any(
                r[0] == "stored" or r[0] == "end" and r[1].endswith("load")
                for r in self.reports.read()):
            return "it reported what it has not stored"
        return "" if self.db.sound() else "the database is broken"

    def completed(self, result, before, after):
        if result.code == 0 and self.whole(
                Result(0, self.wanted[0], b""), after):
            return ""
        return "the next run: exit %d: %s%s" % (
            result.code, result.err.decode(), after)


TABLE = "CREATE TABLE t (id integer PRIMARY KEY, v text NOT NULL)"
REFERRED = TABLE + """; CREATE TABLE u (id integer REFERENCES t
    ON DELETE CASCADE)"""
HISTORY = """CREATE TABLE t (id integer NOT NULL, v text NOT NULL,
    valid_from date NOT NULL, valid_to date, is_current boolean NOT NULL);
    CREATE UNIQUE INDEX c ON t (id) WHERE is_current"""
STATES = b"".join(
    b'{"id":%d,"v":"value %d","at":"2026-05-%02d"}\n' % (i % 3, i, i * 5 % 9 + 1)
    for i in range(9)) + b'{"id":9,"v":null,"at":"2026-05-30"}\nno record\n'
LINES = b"".join(b'{"id":%d,"v":"value %d"}\n' % (i, i) for i in range(12))
# SQLite inserts up to 64 records by one statement.
GROUPS = b"".join(b'{"id":%d,"v":"a\\tb"}\n' % i for i in range(156))
GROUPS += b'{"id":157,"v":null}\n'
BAD = LINES + b'{"id":12,"v":null}\nno record\n'
# More than etl-load copies into PostgreSQL by the script of a small chunk.
MANY = b"".join(b'{"id":%d,"v":"x"}\n' % i for i in range(12, 1100)) + BAD


# The second batch of 5 has new keys only, and the third has an old one.
NEW_AND_OLD = LINES + b'{"id":3,"v":"again"}\n'
# The third change moves a row, and the last two are rejected.
CHANGES = b"".join(
    b'{"op":"%s","before":{"id":%d},"after":%s}\n' % change for change in [
        (b"c", 1, b'{"id":1,"v":"a"}'), (b"c", 2, b'{"id":2,"v":"b"}'),
        (b"u", 1, b'{"id":3,"v":"c"}'), (b"u", 2, b'{"id":2,"v":"d"}'),
        (b"u", 4, b'{"id":4,"v":"e"}'), (b"d", 2, b"null"),
        (b"d", 9, b"null"), (b"c", 5, b'{"id":5,"v":"f"}'),
        (b"u", 5, b'{"id":5,"v":"g"}'), (b"c", 6, b'{"id":6,"v":"h"}'),
        (b"c", 7, b'{"id":7,"v":null}'), (b"u", 6, b'{"id":3,"v":"i"}'),
    ]) + b"null\n"


def stream(records, rejected=0):
    """As a source writes it."""
    n = records.count(b"\n")
    return (b'{"@etl":"begin","v":1,"id":"5f4e0c7e-0000-4000-8000-'
            b'000000000001","stream":"s","stages":["extract"]}\n' + records +
            b'{"@etl":"end","stages":[{"stage":"extract","in":0,"out":%d,'
            b'"dropped":0,"rejected":%d}]}\n' % (n, rejected))


def write(name, data):
    path = SCRATCH + "/" + name
    with open(path, "wb") as f:
        f.write(data)
    return path


def database(kind, name, *tables):
    name = "%s_%s" % (name, kind)
    if kind == "postgresql":
        return PostgreSQL(name, *tables)
    return SQLite(name, kind == "wal", *tables)


def load(kind, mode, given=None):
    name, old = "load-%s-%s" % (kind, mode), b""
    db = database(kind, name, ["t"],
                  HISTORY if mode.startswith("scd2") else
                  REFERRED if mode == "undo" else TABLE)
    argv = ["etl-load", "--table", "t", "--batch", "5", "--flush", "1h"]
    if mode == "upsert":
        argv += ["--key", "id"]
        db.counts = "0"
    if mode == "group":
        argv[argv.index("5")] = "80"
        argv += ["--key", "id"]
        db.counts = "0"
        old = b'{"id":50,"v":"old"}\n'
        given = stream(GROUPS)
    if mode == "large":
        argv[argv.index("5")] = "2000"
        argv += ["--key", "id"]
        db.counts = "0"
        given = stream(MANY)
    if mode == "new":
        argv += ["--key", "id"]
        db.counts = "0"
        given = stream(NEW_AND_OLD)
    if mode == "unchanged":
        argv += ["--key", "id"]
        db.counts = "0"
        old = LINES
    if mode == "order":
        argv += ["--key", "id"]
        db.counts = "0"
        given = stream(b"".join(reversed(LINES.splitlines(True))))
    if mode == "expect":
        argv += ["--key", "id", "--lock-timeout", "9s", "--expect",
                 "null(v)=0", "--expect", "unique(v)", "--expect", "rows>=0"]
        db.counts = "0"
    if mode in ("keep", "undo"):
        argv += ["--key", "id", "--keep-before"]
        db.counts = "0"
        db.queries += ("SELECT target, key, before, after FROM etl_before "
                       "WHERE run LIKE '5f4e%' ORDER BY key",)
        old = b'{"id":3,"v":"old"}\n{"id":7,"v":"value 7"}\n'
    if mode == "emit":
        argv += ["--key", "id", "--emit", "changes"]
        db.counts = "0"
        old = b'{"id":3,"v":"old"}\n{"id":7,"v":"value 7"}\n'
    if mode == "several":
        argv += ["--key", "id", "--connections", "2"]
        db.counts = "0"
    if mode == "newer":
        argv += ["--key", "id", "--newer-by", "v"]
        db.counts = "0"
    if mode == "scd2":
        argv += ["--mode", mode, "--key", "id", "--as-of", "at"]
        given = given or stream(STATES)
    if mode == "scd2-missing":
        argv += ["--mode", "scd2", "--key", "id", "--missing", "close",
                 "--max-deletes", "100%", "--complete",
                 "--delete-despite-rejects"]
        old = b'{"id":77,"v":"old"}\n'
    if mode == "delete-insert":
        argv += ["--mode", mode, "--scope", "id,v", "--scope-value",
                 '[77,"old"]', "--complete"]
    if mode == "cdc":
        argv += ["--mode", mode]
    if mode == "mirror":
        argv += ["--mode", mode, "--key", "id", "--max-deletes", "100%",
                 "--complete"]
    if mode == "replace":
        argv += ["--mode", mode, "--allow-empty", "--complete"]

    def prepare(url):
        subprocess.run(argv, input=old, check=True, stdout=subprocess.DEVNULL,
                       env=dict(ENV, DATABASE_URL=url))

    if mode == "files":
        db.queries += ("SELECT path, size, status FROM etl_files ORDER BY 1",)
    given = given or stream(CHANGES if mode == "cdc" else BAD)
    return (Emits if mode == "emit" else Loads)(
        name, argv, db, given, prepare)


class Emits(Loads):
    """A failed run writes no change that it has not committed. The next run
    does not write again what was committed before."""

    def kept(self, result, state):
        rows = dict(self.db.ask(self.db.rows % "t"))
        for line in result.out.splitlines():
            change = json.loads(line)
            if "data" in change and change["data"]["v"] != rows.get(
                    change["data"]["id"]):
                return "it wrote what it has not stored"
        self.first = result
        if self.whole(result, state):
            return ""       # it was the report after the end that failed
        return self.output_kept(result) or super().kept(result, state)

    def completed(self, result, before, after):
        written = (self.first.out + result.out).splitlines()
        changes = [line for line in written if b"operation" in line]
        if len(changes) != len(set(changes)) or not set(changes) <= set(
                self.wanted[0].splitlines()):
            return "the two runs wrote a change twice, or a wrong one"
        return super().completed(result, before, after)


class Undoes(Loads):
    """A run after one that was broken off says that the load is undone."""

    def completed(self, result, before, after):
        if result.code in (0, 1) and self.whole(
                Result(0, self.wanted[0], b""), after):
            return ""
        return "the next run: exit %d: %s%s" % (
            result.code, result.err.decode(), after)


def undo(kind):
    loaded = load(kind, "undo")

    def prepare(url):
        loaded.prepare(url)
        subprocess.run(loaded.argv, input=loaded.given, check=True,
                       env=dict(ENV, DATABASE_URL=url))

    return Undoes("undo-" + kind, [
        "etl-load", "--undo", "5f4e0c7e", "--table", "t"], loaded.db, b"",
        prepare)


def mapped(kind):
    """A load in which no column gets the member of its name."""
    table = "id integer PRIMARY KEY, rest text, y BLOB, p text"
    if kind == "postgresql":
        table = table.replace("BLOB", "bytea").replace("p text", "p pair[]")
    db = database(kind, "load-%s-mapped" % kind, ["t"],
                  "CREATE TABLE t (%s)" % table)
    if kind == "postgresql":
        db.script = "CREATE TYPE pair AS (a int, b numeric(6,2));" + db.script
    db.counts = "0"
    argv = ["etl-load", "--table", "t", "--batch", "5", "--flush", "1h",
            "--key", "id", "--map", "id=/r/id", "--map", "y=/r/y",
            "--columns", "p", "--extra", "rest", "--bytes", "base64",
            "--empty-as-null", "--duplicate-members", "last"]
    records = b"".join(
        b'{"r":{"id":%d,"y":"AP\\/+"},"p":[{"a":%d,"b":1.5}],"x":1,"x":[]}\n'
        % (i, i) for i in range(12))

    def prepare(url):
        subprocess.run(argv, input=b"", check=True,
                       env=dict(ENV, DATABASE_URL=url))

    return Loads("load-%s-mapped" % kind, argv, db,
                 stream(records + b'{"r":{"id":"","y":"="}}\n'), prepare)


def several(kind):
    """A load into two tables, of which the second refers to the first."""
    name = "load-%s-tables" % kind
    db = database(kind, name, ["t", "u"], TABLE + """;
        CREATE TABLE u (id integer PRIMARY KEY REFERENCES t, v text NOT NULL)
        """)
    db.counts = "0"
    argv = ["etl-load", "--table-from", "/in", "--tables", "a=t:id,b=u:id",
            "--batch", "5", "--flush", "1h"]
    records = b"".join(b'{"in":"%s","id":%d,"v":"value"}\n' % (
        b"ab"[i % 2:i % 2 + 1], i // 2) for i in range(12))

    def prepare(url):
        subprocess.run(argv, input=b"", check=True,
                       env=dict(ENV, DATABASE_URL=url))

    return Loads(name, argv, db, stream(
        records + b'{"in":"b","id":9,"v":"x"}\n{"in":"c"}\n'), prepare)


def nested(kind, text=False):
    """A load of records with arrays into two tables. With a text key, SQLite
    looks up which spellings of it are equal."""
    name = "load-%s-nested%s" % (kind, "-text" if text else "")
    key = "integer" if not text else \
        "text COLLATE NOCASE" if kind == "sqlite" else "text"
    db = database(kind, name, ["t", "c"], """
        CREATE TABLE t (id %s PRIMARY KEY, v text NOT NULL);
        CREATE TABLE c (t_id %s NOT NULL REFERENCES t, _index integer,
            value text NOT NULL CHECK (value <> 'bad'),
            PRIMARY KEY (t_id, _index))""" % (key, key))
    db.counts = "0"
    argv = ["etl-load", "--table", "t", "--key", "id", "--nested", "c=/a/b",
            "--batch", "5", "--flush", "1h"]
    records = b"".join(
        b'{"id":%s,"v":"value","a":{"b":["x","%s"]}}\n' % (
            (b'"%c%d"' % (b"kK"[i % 2], i // 2)) if text else b"%d" % (i // 2),
            b"bad" if i == 11 else b"y") for i in range(12))

    def prepare(url):
        subprocess.run(argv, input=b"", check=True,
                       env=dict(ENV, DATABASE_URL=url))

    return Loads(name, argv, db, stream(
        records + b'{"id":"9","v":"x","a":{"b":1}}\n'), prepare)


def created(kind):
    """A load that makes its table."""
    name = "load-%s-created" % kind
    db = database(kind, name, ["made"], "SELECT 1")
    argv = ["etl-load", "--table", "made", "--create", "--key", "id",
            "--batch", "5", "--flush", "1h"]
    db.counts = "0"
    reset = db.reset

    def drop_and_reset():
        if kind == "postgresql":
            db.ask("DROP TABLE IF EXISTS made")
        reset()

    def prepare(url):
        subprocess.run(["etl-dlq", "put"], input=b"", check=True,
                       env=dict(ENV, DATABASE_URL=url))

    db.reset = drop_and_reset
    return Loads(name, argv, db, stream(BAD), prepare)


def evolved(kind, planned=False):
    """A load that adds columns and, on PostgreSQL, widens one; or its plan."""
    name = "load-%s-evolved%s" % (kind, "-plan" if planned else "")
    db = database(kind, name, ["made"], "SELECT 1")
    db.counts = "0"
    reset = db.reset
    make = "CREATE TABLE made (id integer PRIMARY KEY, n integer)"

    def make_and_reset():
        if kind == "postgresql":
            db.ask("DROP TABLE IF EXISTS made; " + make)
        reset()

    def prepare(url):
        subprocess.run(["etl-dlq", "put"], input=b"", check=True,
                       env=dict(ENV, DATABASE_URL=url))

    if kind == "sqlite":
        db.script = make
    db.reset = make_and_reset
    argv = ["etl-load", "--table", "made", "--evolve", "--key", "id",
            "--batch", "6", "--flush", "1h"]
    if planned:
        argv.append("--plan")
    return Loads(name, argv, db, stream(
        BAD + b'{"id":20,"n":"x","w":1}\n'), prepare)


def altered():
    """A load whose table loses a column between two batches: the loader reads
    the columns again. Before, it has rejected a record with a known key."""
    db = database("sqlite", "load-altered", ["t"],
                  TABLE.replace(")", ", z)"))
    script = """
        { for id in 1 1 2 4; do echo "{\\"id\\":$id,\\"v\\":\\"x\\"}"; done
        for i in $(seq 50); do
            [ "$(sqlite3 "$1" 'SELECT count(*) FROM t')" -lt 3 ] || break
            sleep .01
        done
        sqlite3 -cmd '.timeout 9000' "$1" 'ALTER TABLE t DROP z' 2>/dev/null
        echo '{"id":3,"v":"x"}'
        } | etl-load --table t --batch 2 --max-rejects 100% 3>>rejects"""
    case = Loads("load-altered", ["sh", "-c", script, "sh", db.path], db)
    case.program = "etl-load"
    return case


def letters(count):
    return b"".join(
        b'{"@etl":"reject","v":1,"id":"%064x","occurrence":"r/t.aaaa/%d",'
        b'"run":"r","pipeline":"p","stage":"transform","code":"filter",'
        b'"message":"no","raw":"{\\"id\\":%d}","at":"2026-11-20T08:00:00Z"}\n'
        % (i, i, i) for i in range(1, count + 1))


def versions():
    """Two rejects of one row with different records, and a reject that has
    their id, but is of another record."""
    ident = hashlib.sha256(b'p\0t\0[1]').hexdigest()
    return b"".join(json.dumps({
        "@etl": "reject", "v": 1, "id": ident, "occurrence": "v/l/%d" % n,
        "pipeline": "p", "stage": "transform", "target": target,
        "code": "constraint", "message": "no", "raw": '{"id":1,"v":%d}' % n,
        "origin": {"key": "[1]"}, "at": "2026-11-20T08:00:00Z"}).encode() +
        b"\n" for n, target in ((1, "t"), (2, "t"), (3, None)))


def dlq(kind, name, argv, given=b"", filled=True, stage=b"transform"):
    name = "dlq-%s-%s" % (kind, name)
    db = database(kind, name)

    def prepare(url):
        put = (letters(4) + versions()).replace(b'"transform"',
                                                b'"%s"' % stage)
        subprocess.run(["etl-dlq", "put"], input=put if filled else b"",
                       check=True,
                       stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL,
                       env=dict(ENV, DATABASE_URL=url))

    return Loads(name, argv, db, given, prepare)


FIRST = 2 ** 53 - 1     # the first item's
EXTRACT = ["etl-extract", "--checkpoint", "s", "--cursor-field", "/seq",
           "--since-param", "since", "--ordered", "--query-param", "by=seq",
           "--paginate", "page", "--into", "query:page", "--size", "limit=5",
           "--total", "/total", "--backoff", "1ms..5ms"]


class Items(Loads):
    """A flow with checkpoints that reads on after a failure: rows, letters
    and checkpoint are as undisturbed, whatever the ledger's names are."""

    def __init__(self, name, program, db):
        api = os.environ["API"] + "/items?strict=1"
        script = "%s '%s' | etl-load --table t --batch 1 --backoff 1ms..5ms" \
            % (" ".join(EXTRACT), api)
        super().__init__(name, ["bash", "-o", "pipefail", "-c", script], db)
        self.program = program

    def start(self):
        super().start()
        self.db.queries = self.db.queries[:3] + (
            "SELECT count(*) FROM etl_loads WHERE taken",)


def items(kind, program):
    name = "items-%s-%s" % (kind, program[4:])
    db = database(kind, name, ["t"], "CREATE TABLE t (id text, seq bigint "
                  "NOT NULL, code text, value numeric, ts text)")
    return Items(name, program, db)


class Rows(Case):
    """A database as the source of an incremental run."""

    def __init__(self, kind):
        name = "extract-sql-" + kind
        self.db = database(kind, name, [], "CREATE TABLE r (id int, x text); "
                           "INSERT INTO r VALUES (3, 'c'), (1, 'a"
                           + "b" * 3000 + "'), (2, NULL), (NULL, 'd')")
        state = write(name + ".json", b'{"c": {"value": "0", "version": 4}}')
        super().__init__(name, [
            "etl-extract", "--checkpoint", "c", "--state", "file:" + state,
            "--cursor-field", "/id", "--table", "r", "--backoff", "1ms..5ms",
            self.db.url])

    def start(self):
        self.db.start(lambda url: None)

    def stop(self):
        self.db.stop()


class SaveFlow(Case):
    """etl-checkpoint save: what is saved has gone out, at least once."""

    def __init__(self):
        super().__init__("save-flow", ["sh"])
        self.program = "etl-checkpoint"
        self.out, self.saved = SCRATCH + "/save.out", SCRATCH + "/save.json"
        self.argv = ["bash", "-o", "pipefail", "-c",
                     "%s --state file:%s '%s/items?strict=1' | "
                     "etl-checkpoint save --state file:%s >>%s" % (
                         " ".join(EXTRACT), self.saved, os.environ["API"],
                         self.saved, self.out)]

    def reset(self):
        for path in self.out, self.saved:
            if os.path.exists(path):
                os.unlink(path)

    def state(self):
        value, lines = None, b""
        if os.path.exists(self.saved):
            with open(self.saved) as f:
                value = json.load(f)["s"]["value"]
        with open(self.out, "rb") as f:
            lines = f.read()
        names = [n for n in os.listdir(SCRATCH) if n.startswith("save.json")]
        return value, sorted(set(r for r in lines.split(b"\n") if r and
                                 b"@etl" not in r)), len(names)

    def kept(self, result, state):
        value, lines, names = state
        if names > 1:
            return "a file is left beside"
        seqs = [json.loads(r)["seq"] for r in lines if r.endswith(b"}")]
        if value is not None and set(range(FIRST, int(value) + 1)) - set(seqs):
            return "saved is what has not gone out"
        return ""

    def completed(self, result, before, after):
        whole = [r for r in after[1] if r.endswith(b"}")]
        if result.code == 0 and (after[0], whole) == self.wanted[1][:2]:
            return ""
        return "the next run: exit %d: %s" % (result.code,
                                              result.err.decode())


class Runs(Loads):
    """etl-run: also a row for each run, none of which stays running."""

    def state(self):
        ended = self.db.ask("SELECT status FROM pipeline_runs ORDER BY id")
        self.statuses = [s for s, in ended]
        return self.db.state()

    def whole(self, result, state):
        return state == self.wanted[1] and self.statuses[-1:] == ["success"] \
            and "running" not in self.statuses


def runs(kind, tolerates=False):
    """With --tolerate, the row of the run also names a load that failed."""
    name = "run-%s%s" % (kind, "-tolerate" if tolerates else "")
    db = database(kind, name, ["t"], TABLE)
    saved = write(name + ".ndjson", stream(LINES))
    text = "etl-load --table t --key id <%s\n" % saved
    argv = ["etl-run", "--name", "p"]
    if tolerates:
        text = "etl-load --table none <%s\n%s" % (saved, text)
        argv.append("--tolerate")
        db.queries += ("SELECT DISTINCT error_message FROM pipeline_runs"
                       " WHERE status = 'success'",)
    script = write(name + ".sh", text.encode())
    argv.append(script)

    def prepare(url):
        subprocess.run(["etl-load", "--table", "t"], input=b"", check=True,
                       env=dict(ENV, DATABASE_URL=url))

    return Runs(name, argv, db, b"", prepare)


class Saves(Case):
    """etl-checkpoint save: its file is not there, or as it should be. Once
    it is, the same stream comes too late."""

    def __init__(self, name, given):
        self.dir = SCRATCH + "/" + name
        super().__init__(name, ["etl-checkpoint", "save", "--state",
                                "file:" + self.dir + "/state.json"], given)

    def reset(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        os.mkdir(self.dir)

    def state(self):
        return repr([(name, open(self.dir + "/" + name).read())
                     for name in sorted(os.listdir(self.dir))])

    def kept(self, result, state):
        if (result.out, state) == self.wanted:
            return ""           # it was the end of input that failed
        if state not in (self.wanted[1], "[]"):
            return "its file: " + state
        return self.output_kept(result)

    def completed(self, result, before, after):
        late = before == self.wanted[1]
        if (result.code, after) == (75 if late else 0, self.wanted[1]):
            return ""
        return "the next run: exit %d: %s" % (result.code,
                                              result.err.decode())


def checkpoints(kind, name, argv, query, fill=None):
    """One of a database: what stands there does not go."""
    name = "%s-%s" % (name, kind)
    db = database(kind, name)
    db.queries = (query,)

    def prepare(url):
        subprocess.run(["etl-checkpoint", "set", "--db", url, "a", "1"],
                       check=True)
        if fill and kind == "postgresql":
            subprocess.run(["psql", "-qc", fill, url], check=True)
        elif fill:
            subprocess.run(["sqlite3", url[7:], fill], check=True)

    return Loads(name, argv, db, b"", prepare)


RUN = ("INSERT INTO pipeline_runs (started_at, completed_at, renewed_at,"
       " status, pipeline, run) VALUES ('2026-05-30T00:00:00Z',"
       " '2026-05-30T00:00:01Z', '2026-05-30T00:00:00Z', 'success', 'p', 'r')")
MARKED = stream(LINES).replace(
    b'"stream"', b'"checkpoint":"c","stream"').replace(
    b'{"@etl":"end"', b'{"@etl":"checkpoint","name":"c","seq":1,"from":null,'
    b'"version":0,"value":"11","files":[{"path":"a","size":1,"mtime":"b"},'
    b'{"path":"c","size":2,"mtime":"d"}],'
    b'"stages":[{"stage":"extract","in":0,"out":12,'
    b'"dropped":0,"rejected":0}]}\n{"@etl":"end","seq":1')


COUNTS = b'"stages":[{"stage":"replay","in":0,"out":%d,"dropped":0,"rejected":0}]}'
REPLAY = b"\n".join((
    b'{"@etl":"begin","v":1,"id":"-","replay":true,"stage":"extract",'
    b'"stages":["replay"]}',
    b'{"@etl":"raw","id":"b","columns":["a","b"],"origin":{"kind":"file",'
    b'"uri":"x.csv","line":3},"raw":"1,\\"x\\ny\\""}',
    b'{"@etl":"resolve","id":"b","seq":1,"seen":1,"upto":0,' + COUNTS % 1,
    b'{"@etl":"raw","id":"c","columns":["a","b"],"raw_base64":"Mg=="}',
    b'{"@etl":"resolve","id":"c","seq":2,"seen":1,"upto":0,' + COUNTS % 2,
    b'{"@etl":"end","seq":2,' + COUNTS % 2, b""))


def files():
    """CSV, plain and in each layer that is between a file and its reader."""
    text = b"id,name\n" + b"".join(
        b'%d,"a ""b""\n\xc3\xbc"\n' % i for i in range(12)) + b"1\n2,x\n"
    csv = ["etl-extract", "--max-rejects", "9", "--source-file", "f"]
    yield Case("extract-csv", csv + ["--types", "auto",
                                     write("in.csv", text)], aside=True)
    yield Case("extract-csv-stdin", csv + ["--format", "csv", "-"],
               given=text, aside=True)
    yield Case("extract-gzip", csv + [write(
        "in.csv.gz", gzip.compress(text, mtime=0))], aside=True)
    yield Case("extract-zstd", csv + [write("in.csv.zst", subprocess.run(
        ["zstd", "-qc"], input=text, stdout=subprocess.PIPE,
        check=True).stdout)], aside=True)
    yield Case("extract-encoding", csv + ["--encoding", "utf-16", write(
        "wide.csv", text.decode().encode("utf-16"))], aside=True)
    os.makedirs(SCRATCH + "/directory", exist_ok=True)
    os.makedirs(SCRATCH + "/files", exist_ok=True)
    write("directory/a.csv", text)
    write("files/a.csv", text)
    yield Case("extract-directory", csv + [
        "--recursive", "--stream", "s", SCRATCH + "/directory"])
    for name in "bc":
        write("files/%s.csv" % name, text.replace(b"name", b"n"))
    yield Files("extract-jobs", csv + [
        "--jobs", "2", "--stream", "s"] + [
            SCRATCH + "/files/%s.csv" % name for name in "abc"])
    state = write("files.json", b'{"c": {"value": "2 files", "version": 4, '
                  b'"files": {"x": {"size": 1, "mtime": "y"}, "%s": {"size": '
                  b'1, "mtime": "y", "status": "failed"}}}}' %
                  (SCRATCH + "/files/a.csv").encode())
    yield Files("extract-new-files", csv + [
        "--checkpoint", "c", "--new-files", "--state", "file:" + state,
        SCRATCH + "/files"])
    first = text[:text.index(b"3,")]
    state = write("tail.json", json.dumps({"c": {
        "value": "1 file", "version": 4, "files": {SCRATCH + "/files/a.csv": {
            "size": len(first), "mtime": "y",
            "sha256": hashlib.sha256(first).hexdigest()}}}}).encode())
    yield Files("extract-tail", csv + [
        "--checkpoint", "c", "--new-files", "--changed", "tail", "--state",
        "file:" + state, SCRATCH + "/files/a.csv"])
    yield Case("extract-replay", ["etl-extract", "--max-rejects", "9",
                                  "--format", "csv", "-"], given=REPLAY)
    records = b",".join(BAD.splitlines())[:-10]
    text = b'{"n":[],"d":{"skipped":"' + b"x" * 300000 + b'","i":[' + \
        records + b', 1,\n{"v":"' + b"y" * 200000 + b'"}]}}'
    yield Case("extract-json", [
        "etl-extract", "--max-rejects", "9", "--max-record", "100KiB",
        "--records", "/d/i", write("in.json", text)], aside=True)
    yield Case("extract-json-stdin", [
        "etl-extract", "--stream", "s", "--format", "json", "-"],
               given=b'{"\\u0061":[1], "b":"' + b"z" * 300000 + b'"}')
    yield Case("extract-glob", csv + [SCRATCH + "/directory/*.csv"], aside=True)
    yield from singer()


def singer():
    """Messages of a tap from a file, and of a tap that is run."""
    message = '{"type": "RECORD", "stream": "%s", "record": {"id": %d}}\n'
    text = "".join(message % ("ab"[i % 2], i) for i in range(12)) + "log\n" + \
        '{"type": "STATE", "value": {"id": 12}}\n'
    path = write("in.singer", text.encode())
    yield Case("extract-singer", [
        "etl-extract", "--max-rejects", "9", "--select", "a", "--select-as",
        "s", "--source-file", "f", path], aside=True)
    yield Case("options", ["etl-extract", "--max-rejects", "9", "--select",
                           "a", "--select", "b", path], aside=True)
    state = write("singer.json",
                  b'{"c": {"value": "{\\"id\\": 0}", "version": 4}}')
    yield Case("extract-tap", [
        "etl-extract", "--max-rejects", "9", "--checkpoint", "c", "--state",
        "file:" + state, "--select-as", "s", "--singer", "sh", "-c",
        'cat "$2" >/dev/null && cat ' + path, "tap"])


BATCH = b"".join(b'{"id":%s}\n' % i for i in (
    b"1", b"2", b"2", b"null", b"3", b"4", b"5", b'"x"'))


def cases():
    source = write("in.ndjson", BAD)
    yield Case("extract", ["etl-extract", source], aside=True)
    yield Case("extract-stream", ["etl-extract", "--stream", "s", source])
    yield Case("extract-stdin", ["etl-extract", "--stream", "s", "-"],
               given=BAD)
    yield from files()
    if "API" in os.environ:
        yield Case("extract-http", [
            "etl-extract", "--stream", "s", "--paginate", "page", "--into",
            "query:_page", "--size", "_limit=4", "--backoff", "1ms..5ms",
            os.environ["API"] + "/posts"])
        paged = ["etl-extract", "--stream", "s", "--backoff", "1ms..5ms"]
        yield Case("extract-cursor", paged + [
            "--paginate", "cursor", "--next", "/paging/after", "--into",
            "body:/after", "--body", '{"a":1}', "--more", "/has_more",
            os.environ["API"] + "/paged?n=12&size=4"])
        yield Case("extract-parallel", paged + [
            "--jobs", "3", "--paginate", "page", "--into", "query:_page",
            "--size", "_limit=3", "--total", "header:x-total-count",
            os.environ["API"] + "/posts"])
        yield Case("extract-parallel-each", [
            "etl-extract", "--jobs", "3", "--backoff", "1ms..5ms", "--each",
            os.environ["API"] + "/posts/{id}/comments", "--count-as", "c"],
            given=b''.join(b'{"id":%d}\n' % n for n in range(1, 8)) +
            b'{"x":1}\n', aside=True)
        yield Case("extract-link", paged + [
            "--paginate", "link", os.environ["API"] + "/paged?n=12&size=4"])
        yield Case("extract-offset", paged + [
            "--paginate", "offset", "--into", "query:offset", "--total",
            "/total", os.environ["API"] + "/paged?n=12&size=4&total=12"])
        # A page that is longer than any buffer.
        yield Case("extract-long-page", paged + [
            "--max-time", "1h",
            os.environ["API"] + "/paged?n=30000&size=30000"])
        yield Case("extract-each", paged[:1] + paged[3:] + [
            "--each", os.environ["API"] + "/posts/{id}", "--as", "post",
            "--max-rejects", "9"], given=stream(
                b'{"id":1}\n{"id":0}\n{"id":2}\n'))
        yield Case("extract-sigv4", paged + [
            "--aws-sigv4", "aws:amz:eu-1:s3", "--paginate", "link",
            os.environ["API"] + "/paged?n=12&size=4"])
        yield Case("extract-secret", paged + [
            "--auth", "header:X-Key", "--secret", "cmd:echo secret",
            os.environ["API"] + "/posts"])
        yield Replayed("extract-recorded", paged + [
            "--paginate", "link", os.environ["API"] + "/paged?n=12&size=4"])
        write("token", b"next")     # the answers have it, too
        secret = ["--auth", "bearer", "--secret", "file:token"]
        yield Case("extract-probe", paged[:1] + paged[3:] + secret + [
            "--probe", os.environ["API"] + "/paged?n=12&size=4"])
        yield Recorded("extract-record", paged + secret + [
            "--paginate", "link", os.environ["API"] + "/paged?n=12&size=4"])
        yield Case("extract-batch", [
            "etl-extract", "--batch-each", "3", "--as", "a", "--many",
            "--count-as", "n", "--missing", "null", "--backoff", "1ms..5ms",
            "--max-rejects", "9", "--each", os.environ["API"] +
            "/listed?ids={ids}&twice=2&lacks=3&bad=5"], given=stream(BATCH))
        yield Case("extract-batch-body", [
            "etl-extract", "--batch-each", "3", "--as", "a", "--backoff",
            "1ms..5ms", "--max-rejects", "9", "--body", '{"ids":[{ids}]}',
            "--each", os.environ["API"] + "/listed?in=json&lacks=3&bad=5"],
            given=stream(BATCH))
        write("client", b"secret")
        yield Case("extract-oauth", paged + [
            "--auth", "oauth2", "--client-id", "me + you", "--secret",
            "file:client", "--token-url", os.environ["API"] + "/token",
            os.environ["API"] + "/oauth/0/posts"])
        state = write("state.json", b'{"c": {"value": "2026-05-01T00:20:00Z",'
                      b' "version": 4}}')
        yield Case("extract-new", [
            "etl-extract", "--checkpoint", "c", "--state", "file:" + state,
            "--cursor-field", "/ts", "--since-param", "since", "--paginate",
            "since", "--size", "limit=30", "--lookback", "5m", "--backoff",
            "1ms..5ms", "--max-rejects", "9", os.environ["API"] + "/items"])
        known = write("known.json", b'{"c": {"value": "9007199254740991", '
                      b'"version": 4, "validators": {"' +
                      os.environ["API"].encode() + b'/items?by=seq&validators'
                      b'=date&limit=30&page=1": {"etag": "x"}}}}')
        yield Case("extract-conditional", [
            "etl-extract", "--checkpoint", "c", "--state", "file:" + known,
            "--cursor-field", "/seq", "--since-param", "since",
            "--conditional", "--paginate", "page", "--into", "query:page",
            "--size", "limit=30", "--backoff", "1ms..5ms", "--max-rejects",
            "9", os.environ["API"] + "/items?by=seq&validators=date"])
    yield Transform("transform", [
        "etl-transform", "if .id > 9 then error(\"no\") elif .id < 3 then "
        "empty else . end"], given=LINES, aside=True)
    half = LINES.index(b"\n", len(LINES) // 2) + 1
    yield Transform("transform-files", [
        "etl-transform", "if .id > 9 then error(\"no\") else . end",
        write("first.ndjson", LINES[:half]),
        write("second.ndjson", LINES[half:])], aside=True)
    yield Transform("transform-jq", [
        "etl-transform", "--engine", "jq", "if .id > 9 then error(\"no\") elif "
        ".id < 3 then empty else . end"], given=LINES, aside=True)
    # Record 5 needs more memory than the first block of the native engine.
    yield Transform("transform-native", [
        "etl-transform", "--engine", "native", "--std",
        "if .id > 9 then reject(\"c\"; \"no\") else . + {t: \"\\(.)\", "
        "l: ([range(if .id == 5 then 9000 else 2 end)] | reverse | "
        "map(tojson) | join(\",\") | split(\",\") | sort | length), "
        "s: (.v | tostring | normalize_text | ascii_upcase)} | del(.v) end"],
        given=LINES, aside=True)
    # libjq is started late: it makes the messages of the last records.
    yield Transform("transform-late", [
        "etl-transform", "if .id > 9 then .v - 1 else . end"],
        given=LINES, aside=True)
    yield Transform("transform-stream", ["etl-transform", "."],
                    given=stream(LINES))
    yield Transform("transform-hash", ["etl-transform", "--hash", "v,id"],
                    given=BAD, aside=True)
    yield Transform("transform-hash-filter", [
        "etl-transform", "--hash", "id", "if .id > 9 then error(\"no\") else "
        ". end"], given=stream(LINES))
    yield Reports("reports-extract", ["etl-extract", source])
    yield Reports("reports-via", ["etl-via", "cat"], given=stream(LINES) * 2)
    yield Saves("save", MARKED)
    yield Case("via", ["etl-via", "cat"], given=stream(LINES))
    if "API" in os.environ:
        yield SaveFlow()
    # The programs turn a rollback journal into a WAL when they open it.
    kinds = ["sqlite"]
    if "PGPORT" in os.environ:
        kinds.append("postgresql")
    for kind in kinds:
        yield Rows(kind)
        yield load(kind, "append")
        yield load(kind, "upsert")
        yield load(kind, "expect")
        yield load(kind, "newer")
        yield load(kind, "keep")
        yield undo(kind)
        yield load(kind, "emit")
        yield load(kind, "delete-insert")
        yield load(kind, "replace")
        yield mapped(kind)
        yield several(kind)
        yield nested(kind)
        yield nested(kind, True)
        yield created(kind)
        yield evolved(kind)
        yield evolved(kind, True)
        yield load(kind, "mirror")
        yield load(kind, "cdc")
        yield load(kind, "scd2")
        yield load(kind, "scd2-missing")
        if kind == "postgresql":
            yield load(kind, "several")
            yield load(kind, "large")
            yield load(kind, "new")
            yield load(kind, "unchanged")
        else:
            yield load(kind, "group")
            yield load(kind, "order")
        yield load(kind, "files", MARKED)
        yield dlq(kind, "put", ["etl-dlq", "put"],
                  stream(letters(3) + versions()), False)
        yield dlq(kind, "list", ["etl-dlq", "list"])
        yield dlq(kind, "replay", ["etl-dlq", "replay", "--target", ""])
        yield dlq(kind, "raw", ["etl-dlq", "replay", "--target", ""],
                  stage=b"extract")
        yield dlq(kind, "versions", ["etl-dlq", "replay", "--target", "t"])
        yield dlq(kind, "export", ["etl-dlq", "export"])
        yield dlq(kind, "discard", ["etl-dlq", "discard", "1", "3"])
        yield dlq(kind, "stats", ["etl-dlq", "stats"])
        yield dlq(kind, "erase", ["etl-dlq", "erase", "2"])
        yield dlq(kind, "purge", ["etl-dlq", "purge", "--open",
                                  "--older-than", "1d"])
        if "API" in os.environ:
            for program in "etl-extract", "etl-load":
                yield items(kind, program)
        yield runs(kind)
        if kind == "sqlite":
            yield runs(kind, True)
            yield altered()
        yield checkpoints(
            kind, "checkpoint-set", ["etl-checkpoint", "set", "c", "1"],
            "SELECT name, value, version > 0 FROM etl_checkpoints ORDER BY 1")
        yield checkpoints(
            kind, "status", ["etl-status", "--run", "1", "--json"],
            "SELECT id, status FROM pipeline_runs", RUN)
        yield checkpoints(
            kind, "status-list", ["etl-status"],
            "SELECT id, status FROM pipeline_runs", RUN)
