#!/usr/bin/env python3
"""mirror_model.py URL SEED ROUNDS: compares --mode mirror with a model of it.

Each round creates a table with random rows and loads it four times with random
records: with equal keys, other spellings of keys, records that are rejected,
with a key that can be read and without one.  After each load the exit code, the
rows, the rows that are marked as deleted and the counts must be those of the
model.
"""
import json
import os
import random
import re
import subprocess
import sys

from model_sql import sql

url, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pg = not url.startswith("sqlite:")
FILE = os.environ["SCRATCH"] + "/mirror.ndjson"
KEYS = 12
SPELLINGS = ["%d", "%d", "%d.0", '"%d"', "%de0"]
# Rejected, and the key can be read.
KNOWN = ['{"k":%s,"n":200}', '{"k":%s,"n":"q"}', '{"z":1,"k":%s}',
         '{"k":%s,"n":1,"n":2}', '{"n":[],"k":%s}']
# Rejected, and the key cannot be read.
UNKNOWN = ['{"n":1}', '{"k":null}', '{"k":"x"}', '{"k":1,"k":1}', "{", "[1]",
           '{"k":99999999999999999999}', '{"k":1.5}', '{"k":"1\\u0000"}',
           '{"k":{}}']


def record(rng, bad):
    """A line, its key or None, and the members to store or None."""
    key = rng.randrange(KEYS)
    spelled = rng.choice(SPELLINGS) % key
    if rng.random() < bad:
        if rng.random() < .7:
            return rng.choice(KNOWN) % spelled, key, None
        return rng.choice(UNKNOWN), None, None
    if rng.random() < .2:
        return '{"k":%s}' % spelled, key, {}
    n = rng.randrange(4)
    return '{"n":%d,"k":%s}' % (n, spelled), key, {"n": n}


def model(rows, records, soft, most, despite):
    """The exit code, the rows after the load, and its counts."""
    after = dict(rows)
    counts = {"in": len(records), "inserted": 0, "rejected": 0, "removed": 0}
    for _, key, values in records:
        if values is None:
            counts["rejected"] += 1
            continue
        counts["inserted"] += key not in after
        n, _ = after.get(key, (None, False))
        after[key] = values.get("n", n), False
    came = {key for _, key, _ in records}
    missing = [k for k, (_, gone) in after.items()
               if k not in came and not gone]
    before = sum(not gone for _, gone in rows.values())
    if most[-1] == "%":
        allowed = before * int(most[:-1]) // 100
    else:
        allowed = int(most)
    if len(missing) > allowed:
        return 1, rows, None
    if missing and None in came and not despite:
        return 65, rows, None
    counts["removed"] = len(missing)
    for key in missing:
        if soft:
            after[key] = after[key][0], True
        else:
            del after[key]
    return 0, after, counts


def load(rng, name, rows):
    soft, despite = rng.random() < .5, rng.random() < .3
    if not soft:
        # Such a load does not look at the mark.
        sql(url, "UPDATE %s SET gone = NULL;" % name)
        rows = {k: (n, False) for k, (n, _) in rows.items()}
    most = rng.choice(["50%", "100%", "100%", "30%", "2", "9"])
    records = [record(rng, rng.choice([0, 0, .1, .5]))
               for _ in range(rng.choice([0, 3, 12, 60]))]
    code, after, counts = model(rows, records, soft, most, despite)
    lines = "".join(line + "\n" for line, _, _ in records)
    with open(FILE, "w", encoding="utf-8") as f:
        f.write(lines)
    argv = ["etl-load", "-v", "--db", url, "--table", name, "--mode", "mirror",
            "--key", "k", "--batch", str(rng.choice([1, 2, 7, 10000])),
            "--max-rejects", "100%", "--rejects", "/dev/null",
            "--max-deletes", most] + ["--soft-delete", "gone"] * soft + [
                "--delete-despite-rejects"] * despite
    with open(FILE, encoding="utf-8") as f:
        p = subprocess.run(argv, stdin=f, encoding="utf-8", timeout=60,
                           stderr=subprocess.PIPE, check=False)
    got = {c: int(n) for n, c in re.findall(r"(\d+) (\w+)[,\n]", p.stderr)
           if counts and c in counts}
    have = {}
    for line in sql(url, "SELECT k, n, gone IS NOT NULL FROM %s;" %
                    name).splitlines():
        k, n, gone = line.split("|")
        have[int(k)] = int(n) if n else None, gone in ("t", "1")
    if p.returncode != code or have != after or counts and got != counts:
        sys.exit("%s\n%sbefore %s\nwanted %d %s %s\ngot %d %s %s\n%s" % (
            " ".join(argv), lines, rows, code, after, counts, p.returncode,
            have, got, p.stderr))
    return after


def run(rng, name):
    sql(url, "CREATE TABLE %s (k int PRIMARY KEY, n int CHECK (n < 100), "
        "gone timestamp);" % name)
    rows = {}
    for key in rng.sample(range(KEYS), rng.randrange(KEYS)):
        rows[key] = rng.randrange(4), rng.random() < .2
        sql(url, "INSERT INTO %s VALUES (%d, %d, %s);" % (
            name, key, rows[key][0],
            "current_timestamp" if rows[key][1] else "NULL"))
    for _ in range(4):
        rows = load(rng, name, rows)


for i in range(seed, seed + rounds):
    run(random.Random(i), "mirror%d" % i)
