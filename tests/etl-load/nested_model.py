#!/usr/bin/env python3
"""nested_model.py DB SEED ROUNDS: loads random records with arrays by --nested
and compares the rows of all tables, the rejects and the counts with those that
this model computes record by record."""
import json
import os
import random
import re
import subprocess
import sys

from model_sql import sql

SCRATCH = os.environ["SCRATCH"]
KEYS = {                # columns of the key; the values that they may have
    "int": ("k int", ["k"], [[1], [2], [3], [-4], ["1"]]),
    "text": ("k text", ["k"], [["a"], ["b"], ["A"], [""]]),
    "numeric": ("k numeric", ["k"], [["1"], ["1.0"], ["2.50"], ["2.5"]]),
    "two": ("k int, m text", ["k", "m"], [[1, "a"], [1, "b"], [2, "a"]]),
}


class Round:
    def __init__(self, db, seed):
        self.db, self.rnd = db, random.Random(seed)
        rnd = self.rnd
        self.types, self.key, self.values = KEYS[rnd.choice(sorted(KEYS))]
        self.linked = rnd.random() < 0.5        # a foreign key names columns
        self.placed = rnd.random() < 0.6        # there is a column _index
        self.several = rnd.random() < 0.3       # --tables
        self.at = rnd.choice(["/items", "/data/items"])
        names = ["of_" + k for k in self.key] if self.linked else [
            "p_" + k for k in self.key]
        self.names = names

    def make_tables(self):
        types = dict(t.split() for t in self.types.split(", "))
        keys = ", ".join("%s %s NOT NULL" % (n, types[k])
                         for n, k in zip(self.names, self.key))
        listed = ", ".join(self.names)
        link = ", FOREIGN KEY (%s) REFERENCES p" % listed
        link = link if self.linked else ""
        place = ", _index int, PRIMARY KEY (%s, _index)" % listed
        sql(self.db, """DROP TABLE IF EXISTS c; DROP TABLE IF EXISTS s;
            DROP TABLE IF EXISTS p; DROP TABLE IF EXISTS q;
            CREATE TABLE p (%s, v text CHECK (v <> 'bad'), PRIMARY KEY (%s));
            CREATE TABLE q (k int PRIMARY KEY);
            CREATE TABLE c (%s, sku text NOT NULL, n int CHECK (n > 0) %s %s);
            CREATE TABLE s (%s, value text %s)""" % (
                self.types, ", ".join(self.key), keys,
                place if self.placed else "", link, keys, link))

    def element(self, key, number):
        """An element and its row, or None if it cannot be a row."""
        rnd, row = self.rnd, {"sku": self.rnd.choice("xyz")}
        good = True
        if rnd.random() < 0.5:
            row["n"] = rnd.randrange(1, 5)
        if rnd.random() < 0.1:
            row[self.names[0]] = key[0]
        if self.placed and rnd.random() < 0.1:
            row["_index"] = number
        out = [row["sku"], row.get("n", "")]
        kind = rnd.random()
        if kind < 0.01:
            row["n"], good = rnd.choice([0, -1, "x", 2.5]), False
        elif kind < 0.02:
            row["more"], good = 1, False
        elif kind < 0.03:
            row.pop("sku")
            good = False
        elif kind < 0.035:
            row[self.names[0]], good = 99, False
        elif kind < 0.04:
            row, good = "text", False
        if self.placed:
            out.append(number)
        return row, out if good else None

    def record(self):
        """A line and what it is: (key, v, items, tags), None: a reject; "q": a
        record of another table."""
        rnd = self.rnd
        if self.several and rnd.random() < 0.1:
            return {"t": "q", "k": rnd.randrange(3)}, "q"
        key = rnd.choice(self.values)
        row = dict(zip(self.key, key))
        good, items, tags = True, [], []
        if self.several:
            row["t"] = "p"
        v = rnd.choice(["one", "two", "bad" if rnd.random() < 0.1 else "one"])
        if rnd.random() < 0.8:
            row["v"] = v
            good = v != "bad"
        if rnd.random() < 0.02:
            row.pop(self.key[0])
            good = False
        if rnd.random() < 0.8:
            pairs = [self.element(key, i) for i in range(rnd.randrange(5))]
            items = [out for _, out in pairs]
            good = good and None not in items
            value = [e for e, _ in pairs]
            if not pairs and rnd.random() < 0.5:
                value = None
            elif rnd.random() < 0.02:
                value, good = rnd.choice(["x", {}, 3, {"a": []}]), False
            row.update({"items": value} if self.at == "/items" else
                       {"data": {"items": value}})
        if rnd.random() < 0.5:
            tags = [rnd.choice(["a", "b", "\u00e9"])
                    for _ in range(rnd.randrange(3))]
            row["tags"] = tags
        members = list(row.items())
        rnd.shuffle(members)
        return dict(members), (key, row.get("v"), items, tags) if good else None

    def same(self, key):
        """A value that is the same for keys that the database calls equal."""
        if self.types == "k int":
            return (int(key[0]),)
        if self.types == "k numeric":
            return (float(key[0]),)
        return tuple(key)

    def expect(self, records):
        rows, rejected, counts = {}, [], [0, 0, 0, 0]
        self.unseen = True
        for number, (_, what) in enumerate(records, 1):
            if what is None:
                rejected.append(number)
            if what in (None, "q"):
                continue
            key, v, items, tags = what
            old = rows.get(self.same(key), (None, [], []))
            counts = [counts[0] + len(items), counts[1] + len(old[1]),
                      counts[2] + len(tags), counts[3] + len(old[2])]
            rows[self.same(key)] = (v if v is not None else old[0], items, tags)
        return rows, rejected, counts

    def argv(self):
        rnd = self.rnd
        argv = ["etl-load", "-v", "--db", self.db, "--mode", "upsert",
                "--batch", str(rnd.choice([1, 7, 100, 10000])),
                "--max-rejects", "100%", "--rejects", SCRATCH + "/rejects"]
        name = ""
        if self.several:
            name = rnd.choice(["p:", '"p":'])
            argv += ["--table-from", "/t", "--tables",
                     "q=q:k,p=p:" + "+".join(self.key)]
        else:
            argv += ["--table", "p", "--key", ",".join(self.key)]
        if rnd.random() < 0.3:
            argv.append("--single-transaction")
        return argv + ["--nested", name + "c=" + self.at,
                       "--nested", name + "s=/tags"]

    def read(self):
        """The rows as the model has them."""
        def split(text):
            return [line.split("|")
                    for line in sql(self.db, text).splitlines()]
        n, rows = len(self.key), {}
        for p in split("SELECT %s, v FROM p" % ", ".join(self.key)):
            rows[self.same(p[:n])] = (p[n], [], [])
        order = "_index" if self.placed else "sku"
        for i, text in ((1, "SELECT %s, sku, n%s FROM c ORDER BY " + order),
                        (2, "SELECT %s, value%s FROM s ORDER BY value")):
            place = ", _index" if i == 1 and self.placed else ""
            for row in split(text % (", ".join(self.names), place)):
                rows[self.same(row[:n])][i].append(row[n:])
        return rows

    def run(self):
        records = [self.record() for _ in range(self.rnd.randrange(90))]
        want, rejected, counts = self.expect(records)
        self.make_tables()
        path = SCRATCH + "/records"
        with open(path, "w") as f:
            f.writelines(json.dumps(r) + "\n" for r, _ in records)
        if os.path.exists(SCRATCH + "/rejects"):
            os.remove(SCRATCH + "/rejects")
        with open(path) as f:
            run = subprocess.run(self.argv(), stdin=f, capture_output=True,
                                 text=True)
        got_rejects = []
        if os.path.exists(SCRATCH + "/rejects"):
            with open(SCRATCH + "/rejects") as f:
                got_rejects = [json.loads(x)["origin"]["line"] for x in f]
        assert run.returncode == 0, run
        assert got_rejects == rejected, (got_rejects, rejected)
        got_counts = [int(n) for line in re.findall(
            r"(\d+) rows of \S+ inserted, (\d+) old rows removed", run.stderr)
            for n in line]
        got, text = self.read(), {
            self.text(k): (v or "", self.sort([[str(x) for x in i]
                                               for i in items]),
                           sorted([t] for t in tags))
            for k, (v, items, tags) in want.items()}
        got = {self.text(k): (v, self.sort(items), tags)
               for k, (v, items, tags) in got.items()}
        assert got == text, (got, text)
        assert got_counts == counts, (got_counts, counts)

    def sort(self, items):
        return items if self.placed else sorted(items)

    @staticmethod
    def text(key):
        return tuple(str(x) for x in key)


def main():
    db, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for i in range(seed, seed + rounds):
        try:
            Round(db, i).run()
        except AssertionError:
            print("# nested_model.py DB %d 1" % i)
            raise


main()
