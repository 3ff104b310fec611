#!/usr/bin/env python3
"""changes_model.py SQLITE_FILE PG_URL ROUNDS SEED: a model of --mode cdc.

Each round makes a random table and loads a random stream of changes into it on
SQLite and PostgreSQL, with --batch 1, 7 and 10000.  The rows, the rejected
records and all counts must be those of the model, which applies the changes one
by one.  A table can refuse values by NOT NULL, CHECK, a second unique index or a
foreign key, or have a trigger: PostgreSQL applies the changes in another way if
the order of changes of different rows matters.
"""
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

file, url, rounds, seed = sys.argv[1:5]
scratch = os.environ["SCRATCH"]
BATCHES = 1, 7, 10000
COUNTS = ["inserted", "updated", "unchanged", "superseded", "skipped",
          "deleted", "missed", "rejected"]
COLUMNS = ["id", "k", "u", "n", "s"]
DEFAULTS = {"n": 7, "s": "d"}
WORDS = {"I": ["INSERT", "insert", "c", "r"], "U": ["UPDATE", "Update", "u"],
         "D": ["DELETE", "delete", "d"]}


class Refused(Exception):
    """The table or the loader refuses the record."""


class Table:
    """What the table can refuse, its rows, and the load's options."""

    def __init__(self, rng):
        self.unique = rng.random() < .3
        self.check = rng.random() < .3
        self.required = rng.random() < .3
        self.default = rng.random() < .6
        self.child = rng.random() < .2
        self.trigger = rng.random() < .2
        self.soft = rng.random() < .3
        self.strict = rng.random() < .2
        self.compare = rng.choice([None, None, None, "n", "u,s"])
        self.rows = {(i, "a"): {"id": i, "k": "a", "u": 90 + i, "n": 1,
                                "s": "old", "gone": False} for i in (0, 1)}

    def make(self, name, is_pg):
        text = "CREATE TABLE %s (id int, k text, u int %s, n int %s %s %s, " \
            "s text DEFAULT 'd', gone boolean NOT NULL DEFAULT false, " \
            "PRIMARY KEY (id, k));" % (
                name, "UNIQUE" if self.unique else "",
                "NOT NULL" if self.required else "",
                "DEFAULT 7" if self.default else "",
                "CHECK (n < 50)" if self.check else "")
        for row in self.rows.values():
            text += "INSERT INTO %s VALUES (%d, 'a', %d, 1, 'old', false);" % (
                name, row["id"], row["u"])
        if self.child:
            text += "CREATE TABLE %s_c (id int, k text, FOREIGN KEY (id, k) " \
                "REFERENCES %s (id, k)); INSERT INTO %s_c VALUES (0, 'a');" % (
                    name, name, name)
        if self.trigger and is_pg:
            text += "CREATE FUNCTION %s_f() RETURNS trigger LANGUAGE plpgsql " \
                "AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER t AFTER INSERT " \
                "ON %s FOR EACH ROW EXECUTE FUNCTION %s_f();" % (
                    name, name, name)
        return text

    def fits(self, row):
        if self.required and row["n"] is None or \
                self.check and row["n"] is not None and row["n"] >= 50:
            raise Refused

    def unique_but(self, row, key):
        if self.unique and row["u"] is not None and any(
                r["u"] == row["u"] for k, r in self.rows.items() if k != key):
            raise Refused

    def referred(self, key):
        return self.child and key == (0, "a")

    def insert(self, key, values):
        row = dict.fromkeys(COLUMNS)
        row.update(s="d", n=7 if self.default else None, gone=False)
        row.update(values)
        if key in self.rows:
            return self.change(key, values)
        self.fits(row)
        self.unique_but(row, None)
        self.rows[key] = row
        return "inserted"

    def change(self, key, values):
        row = self.rows[key]
        compared = self.compare.split(",") if self.compare else COLUMNS
        if all(row[c] == v for c, v in values.items() if c in compared) and \
                not (self.soft and row["gone"]):
            return "unchanged"
        new = dict(row, **values)
        if self.soft:
            new["gone"] = False
        self.fits(new)
        self.unique_but(new, key)
        self.rows[key] = new
        return "updated"

    def move(self, old, key, values):
        new = dict(self.rows[old], **values)
        if self.soft:
            new["gone"] = False
        self.fits(new)
        self.unique_but(new, old)
        if key in self.rows or self.referred(old):
            raise Refused
        del self.rows[old]
        self.rows[key] = new
        return "updated"

    def apply(self, operation, values, old):
        key = values["id"], values["k"]
        if operation == "D":
            row = self.rows.get(key)
            if row is None or self.soft and row["gone"]:
                return self.missing("missed")
            if self.soft:
                row["gone"] = True
                return "deleted"
            if self.referred(key):
                raise Refused
            del self.rows[key]
            return "deleted"
        if operation == "U" and old is not None and old != key:
            if old in self.rows:
                return self.move(old, key, values)
            self.missing("")
        if operation == "U" and key in self.rows:
            return self.change(key, values)
        if operation == "U":
            self.missing("")
        return self.insert(key, values)

    def missing(self, outcome):
        if self.strict:
            raise Refused
        return outcome


def random_values(rng, often):
    values = {}
    if rng.random() < often:
        values["u"] = rng.choice([None] + list(range(8)))
    if rng.random() < often:
        values["n"] = rng.choice([None, 1, 4, 20, 20, 20, 77])
    if rng.random() < often:
        values["s"] = rng.choice([None, "a", "b", "c"])
    return values


def record(rng, keys, often, moves):
    """A line, and what the model applies: None for a tombstone, or a tuple of
    operation, values and old key; "bad" if the loader must reject it."""
    if rng.random() < .04:
        return rng.choice([
            ("null", None), ('{"payload":null}', None), ("[1]", "bad"),
            ('{"op":"t"}', "bad"), ('{"op":"c","after":{"id":1}}', "bad"),
            ('{"op":"u","after":{"id":"x","k":"a"}}', "bad"),
            ('{"op":"u","after":{"id":1,"k":"a","zz":1}}', "bad"),
            ('{"op":"d","before":{"id":null,"k":"a"}}', "bad")])
    operation = rng.choice("IUUUD")
    key = {"id": rng.randrange(keys), "k": rng.choice("aab")}
    values, old = random_values(rng, often), None
    word = rng.choice(WORDS[operation])
    change = {"op" if len(word) == 1 else "operation": word}
    after = "after" if len(word) == 1 else "data"
    if operation == "D":
        change[rng.choice(["before", after])] = dict(key, **values)
    else:
        change[after] = dict(key, **values)
    if operation == "U" and rng.random() < moves:
        before = {"id": rng.randrange(keys), "k": rng.choice("ab")}
        old = before["id"], before["k"]
        if rng.random() < .3:
            del before["k"]
            old = before["id"], key["k"]
        change["before"] = before
    elif operation == "U" and rng.random() < .3:
        change["before"] = dict(key, n=5)
        if rng.random() < .3:
            del change[after]["k"]
    if rng.random() < .2:
        change = {"schema": None, "payload": change}
    return json.dumps(change), (operation, dict(key, **values), old)


def model(table, records):
    counts, rejected = dict.fromkeys(COUNTS, 0), []
    for line, change in records:
        try:
            if change == "bad":
                raise Refused
            counts["skipped" if change is None else table.apply(*change)] += 1
        except Refused:
            counts["rejected"] += 1
            rejected.append(line)
    return counts, rejected


def run_sql(is_pg, batch, text, split="\n"):
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url] if is_pg \
        else ["sqlite3", "-bail", "%s.%d" % (file, batch)]
    return subprocess.run(command, input=text, check=True, encoding="utf-8",
                          stdout=subprocess.PIPE).stdout.split(split)


def load(table, name, is_pg, batch):
    rejects = os.path.join(scratch, "rejects.%d.%d" % (is_pg, batch))
    open(rejects, "w").close()
    db = url if is_pg else "sqlite:%s.%d" % (file, batch)
    command = ["etl-load", "-v", "--db", db, "--table", name, "--mode", "cdc",
               "--flush", "100s", "--batch", str(batch), "--max-rejects",
               "100%", "--rejects", rejects]
    command += ["--strict"] * table.strict
    command += ["--soft-delete", "gone"] if table.soft else []
    command += ["--compare", table.compare] if table.compare else []
    run_sql(is_pg, batch, table.make(name, is_pg))
    p = subprocess.run(command, stdin=open(os.path.join(scratch, "stream")),
                       stderr=subprocess.PIPE, encoding="utf-8", check=False,
                       timeout=100)
    if p.returncode != 0:
        return "%s\nexit %d: %s" % (" ".join(command), p.returncode, p.stderr)
    got = dict.fromkeys(COUNTS, 0)
    got.update((c, int(n)) for n, c in re.findall(r"(\d+) (\w+)[,\n]", p.stderr)
               if c in COUNTS)
    columns = ", ".join("coalesce(CAST(%s AS text), '-')" % c for c in COLUMNS)
    text = "SELECT %s || '|' || CASE WHEN gone THEN 'True' ELSE 'False' END " \
        "FROM %s ORDER BY id, k;" % (columns.replace(", co", " || '|' || co"),
                                     name)
    rows = [r for r in run_sql(is_pg, batch, text) if r]
    drop = "DROP TABLE %s_c;" % name if table.child else ""
    run_sql(is_pg, batch, drop + "DROP TABLE %s;" % name)
    with open(rejects, encoding="utf-8") as f:
        return got, rows, [json.loads(line)["raw"] for line in f]


def run(number):
    rng = random.Random(number)
    keys, often = rng.choice([2, 6, 40]), rng.choice([.5, 1, 1])
    moves = rng.choice([0, 0, .1, .5])
    records = [record(rng, keys, often, moves)
               for _ in range(rng.choice([2, 12, 40, 200]))]
    with open(os.path.join(scratch, "stream"), "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line, _ in records))
    shape = rng.random()
    table = Table(random.Random(shape))
    loads = [(is_pg, batch) for is_pg in (False, True) for batch in BATCHES]
    results = list(pool.map(lambda l: load(
        Table(random.Random(shape)), "c%d_%d" % (number, l[1]), *l), loads))
    counts, rejected = model(table, records)
    rows = ["|".join("-" if r[c] is None else str(r[c])
                     for c in COLUMNS + ["gone"])
            for _, r in sorted(table.rows.items())]
    for (is_pg, batch), got in zip(loads, results):
        if got != (counts, rows, rejected):
            sys.exit("\n".join(
                ["SEED=%d ROUNDS=1" % number, str(vars(table))] +
                [line for line, _ in records] + [
                    "wanted:", str((counts, rows, rejected)),
                    "--batch %d on %s:" % (
                        batch, "PostgreSQL" if is_pg else "SQLite"),
                    str(got), "stream %d: the load differs" % number]))


# Each batch size has a file of its own, so that no loader waits for another.
for size in BATCHES:
    lite = sqlite3.connect("%s.%d" % (file, size))
    lite.execute("PRAGMA journal_mode = WAL")
    lite.close()
pool = ThreadPoolExecutor(3)
for i in range(int(seed), int(seed) + int(rounds)):
    run(i)
print("%s random streams of changes from SEED=%s: rows, rejects and counts are "
      "those of the model, whatever --batch and the database are"
      % (rounds, seed))
