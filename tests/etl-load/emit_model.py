#!/usr/bin/env python3
"""emit_model.py URL SEED ROUNDS: a copy of a table is kept up to date by
--emit changes.

Each round makes two tables with the same random rows.  Random loads of several
modes (undo_model.py) change the first one; what they emit is loaded into the
second one by --mode cdc.  After each load both tables must have the same rows,
and --emit rows must give the rows that the load has changed.
"""
import json
import random
import subprocess
import sys

import undo_model as m

# Values that JSON and the type of the column hold exactly.
m.PG_VALUES["j"] = ["NULL", "'7'", "'\"null\"'", "'{\"a\":[2.0]}'"]
TEXT = ["NULL", "''", "'null'", "'a''\"\\'", "char(127, 10, 233)", "'7'"]
LITE = {"day": m.PG_VALUES["day"], "n": ["NULL", "0", "7.5"], "x": TEXT,
        "b": ["NULL", "x''", "x'00FF'"], "f": ["NULL", "0.1", "1e300"],
        "j": TEXT, "ts": TEXT, "a": TEXT, "c": ["NULL", "0", "0.5"]}
m.VALUES.update(m.PG_VALUES if m.pg else LITE)


def fail(what, text):
    sys.exit(what + "\n" + text)


def load(rng, name, copy, rows):
    options, lines = m.make_load(rng, False)
    argv = ["etl-load", "--db", m.url, "--table", name, "--batch",
            str(rng.choice([1, 3, 10000])), "--max-rejects", "100%",
            "--rejects", "/dev/null", "--emit",
            "rows" if rows else "changes"] + options
    what = " ".join(argv) + "\n" + "\n".join(lines)
    with open(m.FILE, "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in lines))
    before = m.dump(name)
    with open(m.FILE, encoding="utf-8") as f:
        p = subprocess.run(argv, stdin=f, encoding="utf-8", timeout=60,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           check=False)
    if p.returncode != 0:
        fail(what, "exit code %d: %s" % (p.returncode, p.stderr))
    after = m.dump(name)
    if rows:
        got = {json.loads(line)["k"] for line in p.stdout.splitlines()}
        changed = {int(k) for k in after if after[k] != before.get(k)}
        # A batch may change a row that a later one changes back.
        if not got >= changed or options[1] != "cdc" and "3" not in argv[
                6:7] and argv[6] == "10000" and got != changed:
            fail(what, "rows %s, changed %s" % (got, changed))
        m.sql("DROP TABLE %s;" % copy)
        m.sql(make_copy(name, copy))
        return
    q = subprocess.run(["etl-load", "--db", m.url, "--table", copy, "--mode",
                        "cdc", "--strict"], input=p.stdout, encoding="utf-8",
                       stderr=subprocess.PIPE, check=False, timeout=60)
    if q.returncode != 0 or m.dump(copy) != after:
        other = m.dump(copy)
        fail(what, "%s\ncopy: exit code %d: %s\n%s" % (
            p.stdout, q.returncode, q.stderr, "\n".join(
                "%s wanted %s got %s" % (k, after.get(k), other.get(k))
                for k in set(after) | set(other)
                if after.get(k) != other.get(k))))


def make_copy(name, copy):
    columns = "k, " + ", ".join(m.COLUMNS)
    table = (m.PG_TABLE % (copy, "") if m.pg else m.LITE_TABLE % copy)
    return "%s; INSERT INTO %s (%s) SELECT %s FROM %s;" % (
        table, copy, columns, columns, name)


def run_round(rng, i):
    name, copy = "t%d" % i, "u%d" % i
    m.sql((m.PG_TABLE % (name, "") if m.pg else m.LITE_TABLE % name) + ";")
    m.sql("INSERT INTO %s (k, %s) VALUES %s;" % (
        name, ", ".join(m.COLUMNS), ", ".join(
            m.literal_row(rng, k) for k in rng.sample(range(m.KEYS), 20))))
    m.sql(make_copy(name, copy))
    for _ in range(4):
        load(rng, name, copy, rng.random() < .25)


def main():
    rng = random.Random(m.seed)
    for i in range(m.rounds):
        run_round(rng, i)
    print("%d rounds, seed %d" % (m.rounds, m.seed))


main()
