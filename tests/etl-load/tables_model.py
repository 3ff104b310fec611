#!/usr/bin/env python3
"""tables_model.py DB SEED ROUNDS: loads random streams of records of several
tables and compares rows, rejects and counts with those that this model computes
record by record."""
import json
import os
import random
import re
import subprocess
import sys

from model_sql import sql

SCRATCH = os.environ["SCRATCH"]
NAMES = ["a", "b", "c,d", "e\"f", "\u00e9"]     # of the tables t0, t1, ...


def record(rnd, mode, used):
    """A line and what it is: (name, key, value), or None for a bad record."""
    kind = rnd.random()
    name, key = rnd.choice(NAMES[:used]), rnd.randrange(12)
    value = rnd.choice(["x", "y", "z"])
    if kind < 0.03:
        return rnd.choice(["{", "[]", '"a"', '{"k":1}', '{"t":null,"k":1}',
                           '{"t":"A","k":1}', '{"t":["a"],"k":1}']), None
    if kind < 0.06:
        key = "no"
    row = {"t": name, "k": key, "v": value}
    if rnd.random() < 0.2:
        row.pop("v")
    if kind > 0.97:
        row["extra"] = 1
    items = list(row.items())
    rnd.shuffle(items)
    line = json.dumps(dict(items), ensure_ascii=rnd.random() < 0.5)
    if mode == "cdc":
        line = '{"op":"%s","after":%s}' % (rnd.choice("cu"), line)
        if rnd.random() < 0.2:
            line = '{"op":"d","before":{"k":%s},"x":{"t":%s}}' % (
                json.dumps(key), json.dumps(name))
            line = line.replace('"before":{', '"before":{"t":%s,' %
                                json.dumps(name))
    bad = key == "no" or ("extra" in row and '"d"' not in line[:9])
    return line, None if bad else (name, key, row.get("v", 0), line)


def expect(lines, mode, used):
    """Applies the records one by one. 0 as a value: the member is absent."""
    tables = {name: {} for name in NAMES[:used]}
    rejected, counts = [], dict.fromkeys(
        ["in", "inserted", "skipped", "deleted", "missed"], 0)
    for number, (line, what) in enumerate(lines, 1):
        counts["in"] += 1
        if what is None:
            rejected.append(number)
            continue
        name, key, value, text = what
        rows = tables[name]
        if mode == "cdc" and text.startswith('{"op":"d"'):
            counts["deleted" if key in rows else "missed"] += 1
            rows.pop(key, None)
        elif key not in rows:
            rows[key] = None if value == 0 else value
            counts["inserted"] += 1
        elif mode == "append":
            rejected.append(number)
        elif mode == "ignore":
            counts["skipped"] += 1
        elif value != 0:
            rows[key] = value
    counts["rejected"] = len(rejected)
    return tables, rejected, counts


def load(db, path, mode, used, rnd):
    key = "" if mode == "append" else ":k"
    entries = ['"%s"=t%d%s' % (NAMES[i].replace('"', '""'), i, key)
               for i in range(used)]
    rnd.shuffle(entries)
    cut = rnd.randrange(1, used) if used > 1 else 1
    argv = ["etl-load", "-v", "--db", db, "--mode", mode,
            "--batch", str(rnd.choice([1, 7, 100, 10000])),
            "--max-rejects", "100%", "--rejects", SCRATCH + "/rejects",
            "--table-from", {"cdc": "/x/t"}.get(mode, "/t")]
    for part in entries[:cut], entries[cut:]:
        if part:
            argv += ["--tables", ",".join(part)]
    if rnd.random() < 0.3:
        argv.append("--single-transaction")
    return argv


def one_round(db, seed):
    rnd = random.Random(seed)
    mode = rnd.choice(["append", "upsert", "ignore", "cdc"])
    used = rnd.randrange(1, len(NAMES) + 1)
    for i in range(used):
        sql(db, "DROP TABLE IF EXISTS t%d; CREATE TABLE t%d "
            "(k int PRIMARY KEY, v text)" % (i, i))
    lines = [record(rnd, mode, used) for _ in range(rnd.randrange(200))]
    if mode == "cdc":       # the name is beside the row
        lines = [(move_name(line), what) for line, what in lines]
    tables, rejected, counts = expect(lines, mode, used)
    path = SCRATCH + "/records"
    with open(path, "w") as f:
        f.writelines(line + "\n" for line, _ in lines)
    if os.path.exists(SCRATCH + "/rejects"):
        os.remove(SCRATCH + "/rejects")
    with open(path) as f:
        run = subprocess.run(load(db, path, mode, used, rnd), stdin=f,
                             capture_output=True, text=True)
    got_rejects = []
    if os.path.exists(SCRATCH + "/rejects"):
        with open(SCRATCH + "/rejects") as f:
            got_rejects = [json.loads(x)["origin"]["line"] for x in f]
    got = {NAMES[i]: sorted(sql(db, "SELECT k, v FROM t%d" % i).splitlines())
           for i in range(used)}
    want = {name: sorted("%d|%s" % (k, v or "") for k, v in rows.items())
            for name, rows in tables.items()}
    total = [x for x in run.stderr.splitlines() if re.search(r" tables? in ", x)]
    got_counts = {w: int(n) for n, w in re.findall(
        r"(\d+) (\w+)", total[0].split(": ", 2)[2])} if total else {}
    names = [n for n in counts if n in got_counts or counts[n]]
    if mode == "upsert":    # equal keys of a batch count as superseded
        names = [n for n in names if n != "inserted"]
    assert run.returncode == 0, run
    assert got == want, (seed, mode, got, want)
    assert got_rejects == rejected, (seed, mode, got_rejects, rejected)
    assert {n: counts[n] for n in names} == {
        n: got_counts[n] for n in names}, (seed, mode, counts, total)


def move_name(line):
    """Moves the member t of the row to the member x of the change."""
    try:
        change = json.loads(line)
        row = change.get("after") or change.get("before")
        name = row.pop("t")
    except (ValueError, AttributeError, KeyError, TypeError):
        return line
    change["x"] = {"t": name}
    return json.dumps(change)


def main():
    db, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for i in range(seed, seed + rounds):
        try:
            one_round(db, i)
        except AssertionError:
            print("# tables_model.py DB %d 1" % i)
            raise


main()
