#!/usr/bin/env python3
"""model.py URL SEED ROUNDS: compares etl-load with a model of it.

Each round creates a table and loads it three times with random records, by
append or upsert.  The third load repeats the records of the second one.  After
each load the rows and all counts must be those of the model.  For each JSON
value the model knows the text of the column: a text, None for NULL, or BAD if
etl-load must reject the value.  A record that the table refuses (NOT NULL,
CHECK) is a reject too: as an update if its key has a row, else as a new row.
The rows are those of records that are loaded one by
one.  Of the records with one key in a batch one is counted with the outcome of
all of them, and the others as superseded.
"""
import json
import random
import re
import subprocess
import sys

from model_sql import sql

url, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pg = not url.startswith("sqlite:")
BAD = object()
TRUE, FALSE = ("true", "false") if pg else ("1", "0")
KEY = ["k1", "k2"]
COLUMNS = KEY + ["a", "b", "n", "d", "f"]
DEFAULTS = {"a": "7", "b": "dd"}
COUNTS = ["inserted", "updated", "unchanged", "skipped", "superseded",
          "rejected"]

INTS = [("1", "1"), ("5.0", "5"), ("5", "5"), ('"12"', "12"), ("1e1", "10"),
        ("-0", "0"), ("-3", "-3"), ("100", "100"), ("null", None),
        ("1.5", BAD), ('"x"', BAD), ("99999999999999999999", BAD),
        ("true", BAD), ("[1]", BAD), ('""', BAD)]
TEXTS = [(json.dumps(t, ensure_ascii=False), t) for t in
         ["x", "X", "é", "a\tb", "c\\d", "l\nm", "", "😀", "o'x", '"q"',
          "NULL", "\\N", "\\."]] + [
    ("3", "3"), ('"3"', "3"), ("true", "true"), ("1.50", "1.50"),
    ('{"a": 1}', '{"a":1}'), ("[1, 2]", "[1,2]"), ('"\\u00e9"', "é"),
    ('"\\ud83d\\ude00"', "😀"), ("null", None), ('"a\\u0000b"', BAD),
    ('"\\ud800"', BAD), ('"\\udc00x"', BAD)]
POOLS = {
    "k1": [(str(i), str(i)) for i in range(6)] + [
        ("2.0", "2"), ('"3"', "3"), ("1e0", "1"), ("null", None),
        ('"q"', BAD)],
    "k2": [v for v in TEXTS if v[1] in ("x", "X", "é", "3", "😀", None, BAD)],
    "a": INTS, "b": TEXTS, "n": INTS,
    "d": [('"2026-01-02"', "2026-01-02"), ('"2024-02-29"', "2024-02-29"),
          ("null", None), ('"2026-02-29"', BAD), ('"zz"', BAD)],
    "f": [("true", TRUE), ("false", FALSE), ('"t"', TRUE), ('"no"', FALSE),
          ("null", None), ("3", BAD)],
}


def record(rng, upsert):
    """A line and its values by column, or None if etl-load must reject it."""
    if rng.random() < .03:
        return rng.choice(['{"k1":1', "[1]", '{"k1":1,"k1":2}',
                           '{"k1":1,"k2":"x","zz":1}']), None
    names = [c for c in COLUMNS if rng.random() <
             {"k1": .99, "k2": .99, "n": .97}.get(c, .7)]
    if rng.random() < .3:
        rng.shuffle(names)
    values, parts = {}, []
    for name in names:
        pool = POOLS[name]
        if rng.random() < .95:
            pool = [v for v in pool if v[1] is not BAD and v[1] is not None]
        token, values[name] = rng.choice(pool)
        parts.append('"%s": %s' % (name, token))
    refused = BAD in values.values() or upsert and any(
        values.get(k) is None for k in KEY)
    return "{" + ", ".join(parts) + "}", None if refused else values


def fits(row):
    return row["n"] is not None and row["b"] is not None \
        and (row["a"] is None or int(row["a"]) < 100)


def new_row(values):
    return {c: values.get(c, DEFAULTS.get(c)) for c in COLUMNS}


def load_batch(rows, batch, upsert, compare, newer_by, counts):
    outcomes = {}
    for n, values in enumerate(batch):
        outcome = None
        if values is not None and not (
                newer_by and values.get(newer_by) is None):
            key = tuple(values[k] for k in KEY) if upsert else (n, len(rows))
            outcome = store(rows, key, values, compare, newer_by)
        if outcome is None:
            counts["rejected"] += 1
            continue
        if key in outcomes:
            counts["superseded"] += 1
            counts[outcomes[key]] -= 1
            outcome = min(outcome, outcomes[key], key=COUNTS.index)
        outcomes[key] = outcome
        counts[outcome] += 1


def age(value):
    return int(value) if value.lstrip("-").isdigit() else value


def store(rows, key, values, compare, newer_by):
    """Returns the outcome of the record, or None if the table refuses it."""
    if key not in rows:
        if not fits(new_row(values)):
            return None
        rows[key] = new_row(values)
        return "inserted"
    if newer_by and rows[key][newer_by] is not None and \
            age(rows[key][newer_by]) > age(values[newer_by]):
        return "skipped"
    if all(rows[key][c] == v for c, v in values.items() if c in compare):
        return "unchanged"
    if not fits(dict(rows[key], **values)):
        return None
    rows[key].update(values)
    return "updated"


def run(rng, name):
    upsert = rng.random() < .75
    n, batch = rng.choice([5, 40, 300]), rng.choice([1, 2, 7, 10000])
    if n == 300:
        batch = rng.choice([7, 50, 10000])
    compare, newer_by = COLUMNS[2:], None
    arguments = ["etl-load", "-v", "--db", url, "--table", name, "--flush",
                 "100s", "--batch", str(batch), "--max-rejects", "100%",
                 "--rejects", "/dev/null"]
    if upsert:
        arguments += ["--key", ",".join(rng.sample(KEY, 2))]
        if rng.random() < .3:
            compare = rng.sample(compare, 2)
            arguments += ["--compare", ",".join(compare)]
        if rng.random() < .4:
            newer_by = rng.choice(["a", "d", "n"])
            compare.append(newer_by)
            arguments += ["--newer-by", newer_by]
    for option in (["--touch", "at"], ["--seen", "seen"],
                   ["--single-transaction"]):
        if rng.random() < .2:
            arguments += option
    sql(url, "CREATE TABLE %s (a int DEFAULT 7 CHECK (a < 100), k1 int, "
        "b text NOT NULL DEFAULT 'dd', n int NOT NULL, k2 text, d date, f boolean, "
        "at timestamptz, seen timestamptz%s);"
        % (name, ", UNIQUE (k1, k2)" if upsert else ""))
    rows, records = {}, []
    for again in range(3):
        if again < 2:
            records = [record(rng, upsert) for _ in range(n)]
        want = dict.fromkeys(COUNTS, 0)
        for at in range(0, n, batch):
            load_batch(rows, [v for _, v in records[at:at + batch]], upsert,
                       compare, newer_by, want)
            if not upsert:
                rows = {(None, i): r for i, r in enumerate(rows.values())}
        check(arguments, records, want, rows, name)


def check(arguments, records, want, rows, name):
    lines = "".join(line + "\n" for line, _ in records)
    p = subprocess.run(arguments, input=lines, encoding="utf-8", timeout=60,
                       stderr=subprocess.PIPE, check=False)
    got = {c: int(n) for n, c in re.findall(r"(\d+) (\w+)[,\n]", p.stderr)
           if c in COUNTS}
    got.setdefault("skipped", 0)
    made = "%s(%s)" % ("json_build_array" if pg else "json_array",
                       ", ".join("CAST(%s AS text)" % c for c in COLUMNS))
    have = json.loads(sql(url, "SELECT coalesce(%s(%s), '[]') FROM %s;" % (
        "json_agg" if pg else "json_group_array", made, name)))
    expected = [[r[c] for c in COLUMNS] for r in rows.values()]
    if p.returncode != 0 or got != want or \
            sorted(have, key=repr) != sorted(expected, key=repr):
        sys.exit("%s\n%s\nstatus %d %s\nwanted %s\ngot %s\nmissing %s\n"
                 "too many %s" % (" ".join(arguments), lines, p.returncode,
                                  p.stderr, want, got,
                                  [r for r in expected if r not in have],
                                  [r for r in have if r not in expected]))


for i in range(seed, seed + rounds):
    run(random.Random(i), "random%d" % i)
