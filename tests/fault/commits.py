#!/usr/bin/env python3
"""commits.py ROUNDS [PART...] SEED: COMMITs whose outcome the client never
hears, of the cases with a PART in their names (default: all).

Behind cutter each stream is loaded ROUNDS times for each mode and outcome: the
line is cut before the server commits, after it has, or the COMMIT is late and
meets the client's next try.  Then everything must be there once, and be
counted once.  Prints what is not, and a line of counts for each.
"""
import json
import os
import random
import subprocess
import sys
import time

from cases import (ENV, PostgreSQL, SCRATCH, checkpoints, dlq, letters, runs,
                   stream)

CUTTER = os.environ["CUTTER"]
ROUNDS, PARTS, SEED = int(sys.argv[1]), sys.argv[2:-1], int(sys.argv[-1])
TABLE = "CREATE TABLE t (id bigint %s, v text NOT NULL)"
RECORDS = [b'{"id":%d,"v":"value %d"}\n' % (i, i) for i in range(1, 13)]
BAD = b'{"id":99,"v":null}\n'
DELAYS = (0, 3, 10, 30, 100, 300)


class Cutter:
    """Runs while one command does; told: did it cut?"""

    def __init__(self, when, nth, delay):
        self.folder = "%s/cut" % SCRATCH
        os.makedirs(self.folder, exist_ok=True)
        if os.path.exists(self.folder + "/.s.PGSQL.1"):
            os.unlink(self.folder + "/.s.PGSQL.1")
        self.process = subprocess.Popen(
            [CUTTER, when, str(nth), str(delay), self.folder],
            stdout=subprocess.PIPE)
        while not os.path.exists(self.folder + "/.s.PGSQL.1"):
            time.sleep(0.001)

    def close(self):
        self.process.kill()
        return self.process.communicate()[0] == b"cut\n"


def through(db, folder):
    return "postgresql:///%s?host=%s&port=1&sslmode=disable" % (db.name,
                                                               folder)


def marked():
    """Three boundaries; the last segment has the bad record."""
    lines = [b'{"@etl":"begin","v":1,"id":"ID","checkpoint":"c","stages":'
             b'["extract"]}\n']
    counts = b'"stages":[{"stage":"extract","in":0,"out":%d,"dropped":0,' \
        b'"rejected":0}]}\n'
    out = 0
    for n in 4, 8, 12:
        lines += RECORDS[n - 4:n] + ([BAD] if n == 12 else [])
        out += 4 + (n == 12)
        lines.append(b'{"@etl":"checkpoint","name":"c","seq":%d,"from":null,'
                     b'"version":0,"value":"%d",' % (n // 4, n) +
                     counts % out)
    return b"".join(lines) + b'{"@etl":"end","seq":3,' + counts % out


STREAMS = {
    "plain": b"".join(RECORDS) + BAD,
    "ended": stream(b"".join(RECORDS) + BAD),
    "checkpoints": marked(),
    "replay": None,
}


class Load:
    """etl-load of one stream in one mode."""

    def __init__(self, kind, mode):
        self.name, self.kind, self.mode = "%s, %s" % (kind, mode), kind, mode
        self.keyed = mode in ("upsert", "ignore", "mirror", "several")
        self.once = mode in ("delete-insert", "replace", "mirror")
        self.db = PostgreSQL("commit_%s_%s" % (kind, mode), ["t"],
                             TABLE % ("PRIMARY KEY" if self.keyed else ""))
        self.argv = ["etl-load", "-v", "--table", "t", "--batch", "4",
                     "--flush", "1h", "--max-rejects", "100%",
                     "--backoff", "1ms..20ms", "--retries", "9"]
        if mode == "several":
            # The loader asks for the outcome of each connection's COMMIT
            # before it goes on: longer than the longest of DELAYS.
            self.argv += ["--connections", "2", "--retries", "99"]
        else:
            self.argv += ["--mode", mode]
        if self.keyed:
            self.argv += ["--key", "id"]
        if self.once:
            self.argv += ["--complete"]
        if mode == "delete-insert":
            self.argv += ["--scope", "id"]
        self.given = STREAMS[kind]
        self.env = dict(ENV)
        if kind == "replay":
            self.env["ETL_PIPELINE"] = "p"

    def start(self):
        def prepare(url):
            given = letters(5) if self.kind == "replay" else letters(1)
            subprocess.run(["etl-dlq", "put"], input=given, check=True,
                           stdout=subprocess.DEVNULL,
                           env=dict(ENV, DATABASE_URL=url))
        self.db.start(prepare)

    def run(self, url):
        """Its exit and words."""
        given = self.given
        if given is None:
            given = subprocess.run(
                ["etl-dlq", "replay", "--stage", "transform"], check=True,
                stdout=subprocess.PIPE,
                env=dict(ENV, DATABASE_URL=self.db.url)).stdout
            given = given.replace(b'{"id":3}', b'{"id":3,"v":null}')
            for n in 1, 2, 4, 5:
                given = given.replace(b'{"id":%d}' % n, RECORDS[n - 1][:-1])
        else:
            given = given.replace(b'"id":"ID"', b'"id":"%d"' %
                                  random.getrandbits(60))
        done = subprocess.run(
            ["sh", "-c", 'exec "$@" 3>>"$0"', SCRATCH + "/rejects"] +
            self.argv, input=given, capture_output=True, timeout=60,
            env=dict(self.env, DATABASE_URL=url))
        return done.returncode, done.stderr.decode()

    def found(self):
        ask = self.db.ask
        return [
            ask("SELECT id, v FROM t ORDER BY id"),
            ask("SELECT stage, convert_from(raw, 'UTF8'), attempts, "
                "resolved_upto, status FROM dead_letters ORDER BY 2, 1"),
            ask("SELECT count(*), count(DISTINCT occurrence) "
                "FROM dead_letter_attempts"),
            ask("SELECT name, value FROM etl_checkpoints"),
            ask("SELECT seq, ended, taken FROM etl_loads"),
        ]

    def counted(self):
        """What the ledger says of the loader's own; None without one."""
        for counts, in self.db.ask("SELECT counts::text FROM etl_loads"):
            return {k: v for k, v in json.loads(counts)[-1].items()
                    if k not in ("stage", "in")}
        return None

    def wrong(self, rc, words, late):
        """The guarantee of plain append ends where a COMMIT is in flight for
        good: 75 says that nobody knows, and nothing is there twice."""
        if rc == 75 and late and self.kind == "plain" and not self.keyed:
            rows = self.db.ask("SELECT id FROM t")
            return "" if len(rows) == len(set(rows)) else "rows twice"
        if rc != 0:
            return "exit %d: %s" % (rc, words)
        got = self.found()
        if got != self.want:
            return "wanted %s\n  got    %s" % (self.want, got)
        counts = self.counted()
        if counts != self.counts and not (late and self.keyed and
                                          self.kind in ("plain", "ended")):
            return "counts: wanted %s, got %s" % (self.counts, counts)
        return ""

    def undisturbed(self):
        self.start()
        self.db.reset()
        rc, words = self.run(self.db.url)
        self.want, self.counts = self.found(), self.counted()
        if rc != 0:
            sys.exit("%s: %d: %s" % (self.name, rc, words))

    def round(self, when):
        """Whether the line was cut, and what is wrong."""
        self.db.reset()
        nth, delay = random.randint(1, self.most), random.choice(DELAYS)
        cutter = Cutter(when, nth, delay)
        try:
            rc, words = self.run(through(self.db, cutter.folder))
        except subprocess.TimeoutExpired:
            rc, words = 124, "it hangs"
        if when == "late":
            time.sleep(0.005 + delay / 1000 if rc else 0.005)
        cut = cutter.close()
        wrong = self.wrong(rc, words, when == "late")
        return cut, wrong and "COMMIT %d, %s %d ms: %s" % (nth, when, delay,
                                                           wrong)

    @property
    def most(self):
        """Its COMMITs: four batches of four, three boundaries and an end,
        one at the end, one for each letter's mark and the end."""
        if self.once or self.kind == "ended" and not self.keyed:
            return 1
        if self.mode == "several":
            return 9        # two shares and the state of each batch
        return {"plain": 3, "ended": 3, "checkpoints": 3, "replay": 4}[
            self.kind]


class Other:
    """A program that commits by itself: done, or done by one more run."""

    def __init__(self, case, most):
        self.case, self.name, self.most = case, case.name, most

    def undisturbed(self):
        case = self.case
        case.start()
        case.reset()
        first = case.run(ENV)
        case.wanted = first.out, case.state()
        if first.code != 0:
            sys.exit("%s: %d: %s" % (case.name, first.code, first.err))

    def round(self, when):
        case, straight = self.case, self.case.db.url
        case.reset()
        nth, delay = random.randint(1, self.most), random.choice(DELAYS)
        cutter = Cutter(when, nth, delay)
        case.db.url = through(case.db, cutter.folder)
        result = case.run(ENV)
        time.sleep(0.005 + (delay / 1000 if when == "late" else 0))
        cut = cutter.close()
        case.db.url = straight
        state, wrong = case.state(), ""
        if result.code not in (0, 75):
            wrong = "exit %d" % result.code
        elif result.code == 75:
            wrong = case.completed(case.run(ENV), state, case.state())
        elif not case.whole(result, state) and \
                case.completed(result, state, state):
            wrong = "exit 0, but not all is there: %s" % state
        return cut, wrong and "COMMIT %d, %s %d ms: %s %s" % (
            nth, when, delay, wrong, result.err.decode())


def every():
    for kind in STREAMS:
        for mode in "append", "upsert", "ignore", "several":
            yield Load(kind, mode)
        if kind != "replay":
            yield Load(kind, "delete-insert")
            yield Load(kind, "replace")
            yield Load(kind, "mirror")
    yield Other(dlq("postgresql", "put", ["etl-dlq", "put"], letters(3),
                    False), 1)
    yield Other(dlq("postgresql", "discard", ["etl-dlq", "discard", "1"]), 1)
    yield Other(checkpoints(
        "postgresql", "checkpoint-set", ["etl-checkpoint", "set", "c", "1"],
        "SELECT name, value FROM etl_checkpoints ORDER BY 1"), 1)
    yield Other(runs("postgresql"), 2)


def main():
    random.seed(SEED)
    failed = tried = cuts = 0
    for case in every():
        if PARTS and not any(part in case.name for part in PARTS):
            continue
        case.undisturbed()
        for when in "before", "after", "late":
            hits = bad = 0
            for _ in range(ROUNDS):
                cut, wrong = case.round(when)
                hits += cut
                bad += bool(wrong)
                if wrong:
                    print("%s: %s" % (case.name, wrong), flush=True)
            print("%s, %s: %d rounds, %d cut, %d wrong" % (
                case.name, when, ROUNDS, hits, bad), flush=True)
            tried, cuts, failed = tried + ROUNDS, cuts + hits, failed + bad
    print("%d rounds, %d cut, %d failed, seed %d" % (tried, cuts, failed,
                                                    SEED))
    sys.exit(failed > 0)


main()
