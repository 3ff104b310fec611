#!/usr/bin/env python3
"""undo_model.py URL SEED ROUNDS: compares --keep-before and --undo with a model.

Each round makes a table of random rows, changes it by random loads of several
modes with --keep-before, and then undoes these loads in a random order.  The
model looks only at dumps of the table: a load has changed the keys whose rows
differ.  Its undo must be refused with 65 if one of these rows is no longer as
the load has left it.  Else the rows, and no others, must be as they were before
the load, with all digits and bytes.
"""
import json
import os
import random
import re
import sqlite3
import subprocess
import sys

url, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pg = not url.startswith("sqlite:")
FILE = os.environ["SCRATCH"] + "/undo.ndjson"
COLUMNS = ["day", "n", "x", "b", "f", "j", "ts", "a", "c"]
PG_TABLE = """CREATE TABLE %s (k int %s PRIMARY KEY, day text, n numeric,
x text, b bytea, f float8, j json, ts timestamptz, a text[], c char(5),
g int GENERATED ALWAYS AS (k + 1) STORED)"""
LITE_TABLE = """CREATE TABLE %s (k INTEGER PRIMARY KEY, day TEXT, n, x TEXT,
b BLOB, f REAL, j, ts, a, c NUMERIC, g INTEGER GENERATED ALWAYS AS (k + 1))"""
DUMP = "SELECT k, day, n, x, b, f, j, ts, a, c, g FROM %s"
PG_VALUES = {
    "day": ["NULL", "'mo'", "'tu'", "'we'"],
    "n": ["NULL", "0", "1.50", "'NaN'", "123456789012345678901234567890.12"],
    "x": ["NULL", "''", "'null'", r"E'\t\"\\\n{}é\x7f'", "'a'"],
    "b": ["NULL", r"'\x'", r"'\x00ff22'"],
    "f": ["NULL", "0.1", "'-Infinity'", "1e-310", "'NaN'"],
    "j": ["NULL", "'null'", "'\"null\"'", "' { \"a\" : 1 , \"a\": [2.0] }'"],
    "ts": ["NULL", "'infinity'", "'2026-01-01T00:00:00.000001Z'",
           "'0044-03-15 BC'"],
    "a": ["NULL", "'{}'", "'{NULL,\"NULL\",\"a,\\\"b\"}'", "'{{1},{2}}'"],
    "c": ["NULL", "''", "'ab'"],
}
ANY = ["NULL", "0", "-9223372036854775808", "0.1", "1e300", "9e999", "-9e999",
       "''", "'a''\"\\'", "'7'", "x''", "x'00FF'", "CAST(x'FF00' AS TEXT)",
       "'a' || char(0) || 'b'", "1.0", "'null'", "char(127, 10, 233)"]
LITE_VALUES = {c: ANY for c in COLUMNS}
LITE_VALUES["day"] = PG_VALUES["day"]
VALUES = PG_VALUES if pg else LITE_VALUES
KEYS = 30


def sql(text):
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-F",
               "\2", "-R", "\3", "-P", "null=<null>"] if pg \
        else ["sqlite3", "-bail", url[len("sqlite:"):]]
    return subprocess.run(command, input=text, check=True, encoding="utf-8",
                          stdout=subprocess.PIPE).stdout


def dump(name):
    """The rows by key, with all their bytes."""
    if pg:
        text = sql(DUMP % name + ";")
        rows = [r.split("\2") for r in text.strip("\n").split("\3")]
        return {r[0]: tuple(r[1:]) for r in rows if len(r) > 1}
    with sqlite3.connect(url[len("sqlite:"):]) as file:
        file.text_factory = bytes
        rows = list(file.execute(DUMP % name))
        file.rollback()
    return {str(r[0]): tuple(map(repr, r[1:])) for r in rows}


def literal_row(rng, key):
    return "(%d, %s)" % (key, ", ".join(
        rng.choice(VALUES[c]) for c in COLUMNS))


def record(rng, key, always):
    """Members for some columns; with `always`, also for that of the scope."""
    r = {"k": key} if key is not None else {}
    if always or rng.random() < .6:
        r["day"] = rng.choice(["mo", "tu", "we"])
    for column, values in (("n", [1, 2.5]), ("x", ["a", None, "b\"\n"]),
                           ("f", [.5, None])):
        if rng.random() < .6:
            r[column] = rng.choice(values)
    return r


def make_load(rng, serial):
    """The options of a load, and its lines."""
    if serial:
        return ["--mode", "append"], [
            json.dumps(record(rng, None, False)) for _ in range(rng.randrange(30))]
    mode = rng.choice(["upsert", "ignore", "append", "mirror", "cdc",
                       "delete-insert"])
    options = ["--mode", mode]
    keys = [rng.randrange(KEYS) for _ in range(rng.randrange(40))]
    lines = []
    for key in keys:
        r = record(rng, key, mode == "delete-insert")
        if mode == "cdc":
            what = rng.choice(["INSERT", "UPDATE", "DELETE", "UPDATE"])
            change = {"operation": what, "data": r}
            if what == "UPDATE" and rng.random() < .3:
                change["before"] = {"k": rng.randrange(KEYS)}
            r = change
        lines.append(json.dumps(r))
    if mode in ("mirror", "delete-insert"):
        options += ["--complete"]
    if mode == "mirror":
        options += ["--max-deletes", "100%", "--delete-despite-rejects"]
    if mode == "delete-insert":
        options += ["--scope", "day", "--delete-despite-rejects",
                    "--allow-empty"]
    if rng.random() < .3:
        lines.append(rng.choice(['{"k":"z"}', "{", '{"zz":1}']))
    return options, lines


def start(argv, lines=None):
    if lines is not None:
        with open(FILE, "w", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in lines))
    with open(FILE if lines is not None else os.devnull,
              encoding="utf-8") as f:
        return subprocess.run(argv, stdin=f, encoding="utf-8", timeout=60,
                              stderr=subprocess.PIPE, check=False)


def load(rng, name, serial):
    options, lines = make_load(rng, serial)
    argv = ["etl-load", "-v", "--db", url, "--table", name, "--keep-before",
            "--batch", str(rng.choice([1, 3, 10000])), "--max-rejects", "100%",
            "--rejects", "/dev/null", "--keep-runs", "99"] + options
    before = dump(name)
    p = start(argv, lines)
    if p.returncode != 0:
        sys.exit("%s\n%s\nexit code %d\n%s" % (
            " ".join(argv), "\n".join(lines), p.returncode, p.stderr))
    run = re.search(r"--undo (\S+)", p.stderr).group(1)
    return {"run": run, "lines": lines, "before": before, "after": dump(name),
            "what": " ".join(argv) + "\n" + "\n".join(lines)}


def undo(name, done):
    old, left, now = done["before"], done["after"], dump(name)
    changed = [k for k in set(old) | set(left) if old.get(k) != left.get(k)]
    refused = any(now.get(k) != left.get(k) for k in changed)
    wanted = dict(now)
    for k in changed:
        if refused:
            continue
        wanted.pop(k, None)
        if k in old:
            wanted[k] = old[k]
    p = start(["etl-load", "--db", url, "--table", name, "--undo",
               done["run"]])
    code = 65 if refused else 0
    got = dump(name)
    if not done["lines"] and p.returncode == 1:
        code = 1                # a load of no records may have no entry
    if p.returncode != code or got != wanted:
        sys.exit("%s\nundo: wanted %d, got %d\n%s\n%s" % (
            done["what"], code, p.returncode, p.stderr, "\n".join(
                "%s before %s after %s then %s wanted %s got %s" % (
                    k, old.get(k), left.get(k), now.get(k), wanted.get(k),
                    got.get(k))
                for k in sorted(set(wanted) | set(got))
                if wanted.get(k) != got.get(k))))
    return not refused


def run_round(rng, name):
    serial = rng.random() < .25
    table = PG_TABLE % (
        name, "GENERATED ALWAYS AS IDENTITY" if serial else "") \
        if pg else LITE_TABLE % name
    keys = rng.sample(range(KEYS), 20)
    sql(table + ";")
    sql("INSERT INTO %s (k, %s) %s VALUES %s;" % (
        name, ", ".join(COLUMNS), "OVERRIDING SYSTEM VALUE" if pg else "",
        ", ".join(literal_row(rng, -k if serial else k) for k in keys)))
    first = dump(name)
    done = [load(rng, name, serial) for _ in range(4)]
    # In a random order some are refused; from the last to the first none is.
    for d in rng.sample(done, 2):
        if undo(name, d):
            done.remove(d)
    refused = [d for d in reversed(done) if not undo(name, d)]
    if not refused and dump(name) != first:
        sys.exit("%s: all loads are undone, but the table differs" % name)


def main():
    rng = random.Random(seed)
    for i in range(rounds):
        run_round(rng, "t%d" % i)
    print("%d rounds, seed %d" % (rounds, seed))


if __name__ == "__main__":
    main()
