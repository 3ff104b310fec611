#!/usr/bin/env python3
"""scd2.py SQLITE_FILE PG_URL ROUNDS SEED: compares --mode scd2 with a model.

Each random stream is loaded into SQLite and PostgreSQL, with --batch 1, 3 and
10000, in one or two loads.  The model applies the records one by one.  In all
loads the rows, the counts and the rejected lines must be those of the model, and
the rows of each key must follow each other without a gap or an overlap, with one
current row.  Without --as-of the times are those of the clock, so only the order
of the rows is compared.

The last load may have --missing close: the current row of each key that did not come
then ends at the time of the clock.  A rejected record whose key can be read counts as
one that came.
"""
import datetime
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from two_databases import Psql, open_sqlite_files

file, url, rounds, seed = sys.argv[1:5]
scratch = os.environ["SCRATCH"]
BATCHES = 1, 3, 10000
KEYS = "k", "l"
VALUES = "v", "w", "d"
COUNTS = "in", "inserted", "updated", "unchanged", "rejected", "removed"
pg = Psql(url)
lite = open_sqlite_files(file, BATCHES)


class Table:
    """What is random about the table."""

    def __init__(self, rng):
        self.days = rng.random() < .2
        self.names = rng.choice([("valid_from", "valid_to", "is_current")] * 3 +
                                [('since "1"', "until.1", "where")])
        self.check = rng.random() < .4      # v <> 9
        self.unique = rng.random() < .2     # v of current rows, where not null
        self.surrogate = rng.random() < .5
        self.trigger = rng.random() < .2
        self.index = rng.random() < .5

    def sql(self, name, is_pg):
        since, until, current = ['"%s"' % n.replace('"', '""')
                                 for n in self.names]
        time = "date" if self.days else "timestamptz"
        text = """CREATE TABLE {0} ({1} k int NOT NULL, l text NOT NULL,
            v int {2}, w text, {3} {6} NOT NULL, d text DEFAULT 'dd',
            {4} {6}, {5} boolean NOT NULL);
            CREATE UNIQUE INDEX {0}_c ON {0} (l, k) WHERE {5};
            CREATE TABLE {0}_log (n int);""".format(
                name, self.surrogate and ("id serial PRIMARY KEY," if is_pg
                                          else "id INTEGER PRIMARY KEY,") or "",
                "CHECK (v <> 9)" if self.check else "",
                since, until, current, time)
        if self.unique:
            text += "CREATE UNIQUE INDEX {0}_v ON {0} (v) WHERE {1};".format(
                name, current)
        if self.index:
            text += "CREATE UNIQUE INDEX {0}_h ON {0} (k, l, {1});".format(
                name, since)
        if self.trigger and is_pg:
            text += """CREATE FUNCTION {0}_f() RETURNS trigger LANGUAGE plpgsql
                AS $$ BEGIN INSERT INTO {0}_log VALUES (1); RETURN NEW; END $$;
                CREATE TRIGGER g AFTER INSERT ON {0} FOR EACH ROW
                EXECUTE FUNCTION {0}_f();""".format(name)
        return text

    def options(self):
        if self.names[0] == "valid_from":
            return []
        return ["--valid-from", self.names[0], "--valid-to", self.names[1],
                "--current", self.names[2]]


NOW = 10 ** 6       # later than the time of any record
START = datetime.datetime(2026, 5, 30)


def time_text(rng, t, days):
    """One of the ways to write the time of number t."""
    if days:
        day = (START + datetime.timedelta(days=t)).date().isoformat()
        return rng.choice([day, day, day + "T00:00:00Z",
                           day + " 02:00:00+02:00"])
    at = START + datetime.timedelta(microseconds=t * 7000001)
    if rng.random() < .3:
        at += datetime.timedelta(hours=2)
        return at.isoformat() + "+02:00"
    return at.isoformat(rng.choice("T ")) + rng.choice(["Z", "", "+00"])


def stored(t, days):
    if t is None:
        return None
    if t == NOW:
        return "now"
    if days:
        return (START + datetime.timedelta(days=t)).date().isoformat()
    at = START + datetime.timedelta(microseconds=t * 7000001)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def record(rng, table, as_of):
    """A line, its values, and its time; None if it must be rejected."""
    if rng.random() < .04:
        return rng.choice(['{"k":1', "[1]", '{"k":1,"l":"a","zz":1}',
                           '{"k":1,"l":null,"at":"2026-05-30"}',
                           '{"k":1,"l":"a","at":"2026-13-30","v":1}',
                           '{"k":1,"l":"a","at":7}',
                           '{"k":1,"l":"a","at":"2026-05-30",%s:true}' %
                           json.dumps(table.names[2])]), None, None
    values = {"k": rng.randrange(3), "l": rng.choice("ab")}
    for name, pool in (("v", [None, 1, 2, 2, 3, 9]), ("w", [None, "x", "y"]),
                       ("d", ["dd", "e"])):
        if rng.random() < .8:
            values[name] = rng.choice(pool)
    t = rng.randrange(8)
    members = dict(values)
    if as_of:
        members["at"] = time_text(rng, t, table.days)
    return json.dumps(members), values, t


class Model:
    def __init__(self, table, compare):
        self.table, self.compare = table, compare
        self.rows, self.clock = {}, 1000
        self.counts = dict.fromkeys(COUNTS, 0)
        self.rejects = []

    def close(self, came):
        """Ends the current rows of all other keys: NOW stands for the clock."""
        for key, rows in self.rows.items():
            if rows and rows[-1]["to"] is None and key not in came:
                rows[-1]["to"] = NOW
                self.counts["removed"] += 1

    def load(self, records, as_of):
        for line, values, t in records:
            self.counts["in"] += 1
            if not as_of and not self.table.days:
                self.clock += 1
            what = values and self.apply(values, t if as_of else self.clock)
            self.counts[what or "rejected"] += 1
            if not what:
                self.rejects.append(line)

    def apply(self, values, t):
        rows = self.rows.setdefault((values["k"], values["l"]), [])
        row = next((r for r in rows if r["from"] <= t and
                    (r["to"] is None or r["to"] > t)), None)
        if row and all(row[c] == values[c] for c in VALUES
                       if c in values and c in self.compare):
            return "unchanged"
        new = dict(row or {"v": None, "w": None, "d": "dd"}, **values)
        new["from"] = t
        if not row:
            later = [r["from"] for r in rows if r["from"] > t]
            new["to"] = min(later) if later else None
        after = [r for r in rows if not (row is r and r["from"] == t)] + [new]
        if not self.accepts(values, new):
            return None
        if row and row["from"] != t:
            row["to"] = t
        after.sort(key=lambda r: r["from"])
        rows[:] = after
        return "updated" if row or new["to"] is not None else "inserted"

    def accepts(self, values, new):
        """CHECK judges the values that a statement writes, and the unique
        index the other keys' current rows."""
        if self.table.check and new["v"] == 9:
            return False
        return not (self.table.unique and new["to"] is None and
                    new["v"] is not None and any(
                        r["v"] == new["v"] and r["to"] is None
                        for key, rows in self.rows.items() for r in rows
                        if key != (new["k"], new["l"])))

    def found(self, as_of):
        out = []
        for rows in self.rows.values():
            for r in rows:
                times = [stored(r["from"], self.table.days),
                         stored(r["to"], self.table.days)] if as_of else \
                        [None, None]
                out.append([r["k"], r["l"], r["v"], r["w"], r["d"]] + times +
                           [r["to"] is None])
        return sorted(out, key=repr) if as_of else [
            [r[c] for c in KEYS + VALUES] + [r["to"] is None]
            for key in sorted(self.rows) for r in self.rows[key]]


def rows(name, table, is_pg, batch):
    since, until, current = ['"%s"' % n.replace('"', '""')
                             for n in table.names]
    times = [since, until]
    if is_pg and not table.days:
        times = ["to_char(%s, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')" % c
                 for c in times]
    text = "SELECT k, l, v, w, d, %s, %s, %s FROM %s ORDER BY k, l, %s" % (
        *times, current, name, since)
    if not is_pg:
        return [list(r[:7]) + [bool(r[7])]
                for r in lite[batch].execute(text)]
    return json.loads(pg(
        "SELECT coalesce(json_agg(json_build_array(a,b,c,d,e,f,g,h)), '[]') "
        "FROM (%s) AS t(a,b,c,d,e,f,g,h)" % text))


def hide_clock(row, days):
    """Puts "now" for an end that is not the time of a record."""
    known = [stored(t, days) for t in [None, *range(8)]]
    return row[:6] + [row[6] if row[6] in known else "now", row[7]]


def keys_that_came(lines):
    """The keys of all records whose key can be read."""
    for line in lines:
        try:
            r = json.loads(line)
        except ValueError:
            continue
        if isinstance(r, dict) and r["l"] is not None:
            yield r["k"], r["l"]


def faults(found, closes):
    """What is wrong with the rows of the keys, which are in order."""
    for key in {(r[0], r[1]) for r in found}:
        mine = [r for r in found if (r[0], r[1]) == key]
        for a, b in zip(mine, mine[1:]):
            if a[6] != b[5] or not a[5] < a[6] or a[7]:
                return "no chain: %s %s" % (a, b)
        if (mine[-1][6] is None) != mine[-1][7] or not (closes or mine[-1][7]):
            return "no current row: %s" % mine[-1]
    return None


def load(name, is_pg, batch, options, stream):
    rejects = os.path.join(scratch, "rejects.%d.%d" % (is_pg, batch))
    open(rejects, "w").close()
    db = url if is_pg else "sqlite:%s.%d" % (file, batch)
    command = ["etl-load", "-v", "--db", db, "--table", name, "--mode", "scd2",
               "--key", "k,l", "--flush", "100s", "--batch", str(batch),
               "--max-rejects", "100%", "--rejects", rejects] + options
    p = subprocess.run(command, stdin=open(stream), stderr=subprocess.PIPE,
                       encoding="utf-8", check=False, timeout=100)
    if p.returncode != 0:
        sys.exit("SEED=%s\n%s\nexit %d: %s" % (
            seed, " ".join(command), p.returncode, p.stderr))
    counts = {"removed": 0}
    counts.update((w.split()[1], int(w.split()[0])) for w in p.stderr.split(
        ": ")[2].split("\n")[0].split(", "))
    with open(rejects, encoding="utf-8") as f:
        return [counts[c] for c in COUNTS], [
            json.loads(line)["raw"] for line in f]


def run(number):
    rng = random.Random(number)
    table = Table(rng)
    as_of = rng.random() < .75
    compare = rng.choice([VALUES] * 3 + [("v",), ("w", "d")])
    options = table.options() + (["--as-of", "at"] if as_of else [])
    if compare != VALUES:
        options += ["--compare", ",".join(compare)]
    parts = [[record(rng, table, as_of)
              for _ in range(rng.choice([1, 5, 20, 60]))]
             for _ in range(rng.choice([1, 2]))]
    if rng.random() < .3:
        options += rng.choice([["--touch", "x"], ["--seen", "x"]])
    model = Model(table, compare)
    loads = [(is_pg, batch) for is_pg in (False, True) for batch in BATCHES]
    names = ["h%d_%d" % (number, batch) for _, batch in loads]
    for name, (is_pg, batch) in zip(names, loads):
        made = table.sql(name, is_pg) + "ALTER TABLE %s ADD x timestamp;" % name
        (pg if is_pg else lite[batch].executescript)(made)
    for part in parts:
        closes = part is parts[-1] and rng.random() < .3
        if closes:
            options += ["--missing", "close", "--max-deletes", "100%",
                        "--delete-despite-rejects"]
        stream = os.path.join(scratch, "stream")
        with open(stream, "w", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line, _, _ in part))
        model.counts = dict.fromkeys(COUNTS, 0)
        model.rejects = []
        model.clock += 0 if table.days else 1000
        model.load(part, as_of)
        if closes:
            model.close(set(keys_that_came(line for line, _, _ in part)))
        results = list(pool.map(lambda n, l: load(n, l[0], l[1], options,
                                                  stream), names, loads))
        want = [model.counts[c] for c in COUNTS], model.rejects
        for name, (is_pg, batch), got in zip(names, loads, results):
            found = rows(name, table, is_pg, batch)
            wrong = faults(found, closes)
            if as_of:
                found = [hide_clock(r, table.days) for r in found]
            got_rows = sorted(found, key=repr) if as_of else [
                r[:5] + [r[7]] for r in found]
            if wrong or got != want or got_rows != model.found(as_of):
                sys.exit("\n".join(
                    ["SEED=%d ROUNDS=1" % number, made, " ".join(options)] +
                    [line for p in parts for line, _, _ in p] +
                    ["wanted:", str(want)] + [str(r) for r in
                                              model.found(as_of)] +
                    ["--batch %d on %s:" % (
                        batch, "PostgreSQL" if is_pg else "SQLite"), str(got)]
                    + [str(r) for r in got_rows] +
                    ["stream %d: %s" % (number, wrong or "not as the model")]))
    for name, (is_pg, batch) in zip(names, loads):
        text = "DROP TABLE {0}; DROP TABLE {0}_log;".format(name)
        if is_pg:
            pg("SET client_min_messages = error; %s "
               "DROP FUNCTION IF EXISTS %s_f()" % (text, name))
        else:
            lite[batch].executescript(text)


pool = ThreadPoolExecutor(len(BATCHES) * 2)
for i in range(int(seed), int(seed) + int(rounds)):
    run(i)
print("%s random streams from SEED=%s: the rows, counts and rejects of --mode "
      "scd2 are those of the model" % (rounds, seed))
