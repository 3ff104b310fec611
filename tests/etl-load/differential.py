#!/usr/bin/env python3
"""differential.py SQLITE_FILE PG_URL ROUNDS SEED: loads random streams.

Each stream is loaded six times: into SQLite and PostgreSQL, with --batch 1, 7
and 10000.  The rows, the bytes of the rejected records and their order must be
the same in all six loads.  The streams have equal keys, absent members, bad
values, values that a second unique index, a foreign key or a CHECK refuses, and
triggers that refuse records.  On PostgreSQL, equal keys are merged in another
way if the table can refuse only a NULL, or if it judges each row for itself.
"""
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from two_databases import Psql, open_sqlite_files

file, url, rounds, seed = sys.argv[1:5]
scratch = os.environ["SCRATCH"]
BATCHES = 1, 7, 10000
STATES = ["P0001", "NEG01", "55000", "39000", "42501", "0A000", "21000",
          "27000", "22012", "23514", "XX000", "P0004"]
ENDS = ["ABORT", "FAIL", "ROLLBACK"]
pg = Psql(url)
lite = open_sqlite_files(file, BATCHES)


def pg_trigger(name, kind, when, body):
    return """CREATE FUNCTION {0}_f() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN {3}; RETURN NEW; END $$;
        CREATE TRIGGER {0}_t {1} OR UPDATE ON {0} FOR EACH ROW {2}
        EXECUTE FUNCTION {0}_f();""".format(
            name, kind, when and "WHEN (%s)" % when, body)


def lite_triggers(name, kind, when, body):
    return "".join(
        "CREATE TRIGGER %s_%s %s ON %s %s BEGIN %s; END;" % (
            name, verb, kind.replace("INSERT", verb), name,
            when and "WHEN " + when, body) for verb in ("INSERT", "UPDATE"))


def triggers(rng, name, is_pg):
    """A trigger that refuses records, or writes each change to a log."""
    what = rng.choice(["", "", "value", "full", "other", "log"])
    end, state = rng.choice(ENDS), rng.choice(STATES)
    make = pg_trigger if is_pg else lite_triggers
    refuse = "RAISE EXCEPTION 'no' USING ERRCODE = '%s'" % state if is_pg \
        else "SELECT RAISE(%s, 'no')" % end
    if what == "value":
        return make(name, "BEFORE INSERT", "NEW.n = 13", refuse)
    if what == "full":
        when = "(SELECT count(*) FROM %s) > 6" % name
    elif what == "other":
        when = "NEW.n < 5 AND NOT EXISTS (SELECT 1 FROM %s AS o " \
            "WHERE o.id = NEW.n)" % name
    elif what == "log":
        return make(name, "AFTER INSERT", "",
                    "INSERT INTO %s_log VALUES (NEW.id, NEW.n, NEW.s)" % name)
    else:
        return ""
    if is_pg:
        return make(name, "AFTER INSERT", "",
                    "IF %s THEN %s; END IF" % (when, refuse))
    return make(name, "AFTER INSERT", when, refuse)


def constraints(rng, name, kind):
    """What follows the types of the columns u, p, n and s."""
    refers = "REFERENCES %s_parents" % name
    deferred = refers + " DEFERRABLE INITIALLY DEFERRED"
    if kind == "nulls":
        return "", "", rng.choice(["", "NOT NULL", "DEFAULT 7"]), ""
    if kind == "rows":
        return ("",) + rng.choice([("", "CHECK (n < 50)"), (refers, ""),
                                   (deferred, "CHECK (n < 50)")]) + ("",)
    return (rng.choice(["", "UNIQUE", "UNIQUE"]),
            rng.choice(["", refers, deferred]),
            rng.choice(["", "CHECK (n < 50)", "NOT NULL", "DEFAULT 7"]),
            rng.choice(["", "NOT NULL DEFAULT 'd'", "DEFAULT 'd'"]))


def table(rng, name, key, is_pg):
    """The statements that make the table and its first rows.  It can refuse
    only a NULL; or rows, but each for its values alone; or anything."""
    kind = rng.choice(["nulls", "rows", "rows", "any", "any", "any"])
    text = """CREATE TABLE {0}_parents (id int PRIMARY KEY);
        INSERT INTO {0}_parents VALUES (1), (2), (3);
        CREATE TABLE {0}_log (id int, n int, s text);
        CREATE TABLE {0} ({1}, u int {2}, p int {3}, n int {4}, s text {5});
        """.format(
            name, "id int NOT NULL PRIMARY KEY" if key else "id int",
            *constraints(rng, name, kind))
    for i in range(rng.choice([0, 3])):
        text += "INSERT INTO %s VALUES (%d, %d, 1, 40, 'old');" % (
            name, i, 5 - i)
    return text + (triggers(rng, name, is_pg) if kind == "any" else "")


def record(rng, keys, often, bad):
    """A line; `often` is how likely the record has each of the members, and
    `bad` tells whether a foreign key or a CHECK may refuse it."""
    members = {"id": rng.choice([rng.randrange(keys)] * 30 + [None, "x"])}
    if rng.random() < .03:
        return rng.choice(["[1]", '{"id":1', '{"id":1,"zz":2}', "{}"])
    if rng.random() < often:
        members["u"] = rng.choice([None] + list(range(8)))
    if rng.random() < often:
        members["p"] = rng.choice([None, 1, 2, 3, 3] + [9] * bad)
    if rng.random() < often:
        members["n"] = rng.choice([None, 1, 4, 13, 20, 20, 20, "y"] +
                                  [77] * bad)
    if rng.random() < often:
        members["s"] = rng.choice([None, "a", "b", "c"])
    return json.dumps(members, separators=(",", ":"))


def load(name, is_pg, mode, options, batch):
    """Runs one loader; returns the rejected lines, or a text if it fails."""
    rejects = os.path.join(scratch, "rejects.%d.%d" % (is_pg, batch))
    open(rejects, "w").close()
    db = url if is_pg else "sqlite:%s.%d" % (file, batch)
    command = ["etl-load", "--db", db, "--table", name, "--mode", mode,
               "--flush", "100s", "--batch", str(batch), "--max-rejects",
               "100%", "--rejects", rejects] + options
    p = subprocess.run(command, stdin=open(os.path.join(scratch, "stream")),
                       stderr=subprocess.PIPE, encoding="utf-8", check=False,
                       timeout=100)
    if p.returncode != 0:
        return "%s\nexit %d: %s" % (" ".join(command), p.returncode, p.stderr)
    with open(rejects, encoding="utf-8") as f:
        return [json.loads(line)["raw"] for line in f]


def rows(name, is_pg, batch):
    log = name.endswith("_log")
    text = "SELECT * FROM " + name
    if not is_pg:
        found = [list(r) for r in lite[batch].execute(text + (
            " ORDER BY rowid" if log else ""))]
    else:
        found = json.loads(pg("SELECT coalesce(json_agg(json_build_array(%s))"
                              ", '[]') FROM (%s) AS t" % (
                                  "id, n, s" if log else "id, u, p, n, s",
                                  text + (" ORDER BY ctid" if log else ""))))
    return found if log else sorted(found, key=repr)


def run(number):
    rng = random.Random(number)
    mode = rng.choice(["upsert", "upsert", "upsert", "ignore", "append",
                       "replace"])
    shape = rng.random()            # the same table in all loads
    key = mode != "append" or rng.random() < .5
    options = ["--compare", rng.choice(["n", "u,s"])] \
        if mode == "upsert" and rng.random() < .2 else []
    if mode == "upsert" and rng.random() < .3:
        options += ["--newer-by", rng.choice(["n", "u", "p"])]
    often, bad = rng.choice([.5, 1, 1]), rng.randrange(2)
    records = [record(rng, rng.choice([4, 12]), often, bad)
               for _ in range(rng.choice([2, 12, 30, 60]))]
    with open(os.path.join(scratch, "stream"), "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in records))
    loads = [(is_pg, batch) for is_pg in (False, True) for batch in BATCHES]
    names = ["d%d_%d" % (number, batch) for _, batch in loads]
    for name, (is_pg, batch) in zip(names, loads):
        made = table(random.Random(shape), name, key, is_pg)
        run_script(made, is_pg, batch)
    if mode == "replace":
        options += ["--allow-empty"]
        if " FROM " + name in made:
            # A trigger reads the table by its name: not the new table.
            options += ["--replace-by", "delete"]
    rejected = list(pool.map(
        lambda n, l: load(n, l[0], mode, options, l[1]), names, loads))
    first = None
    for name, (is_pg, batch), lines in zip(names, loads, rejected):
        got = rows(name, is_pg, batch), rows(name + "_log", is_pg, batch), lines
        first = first or got
        if got != first or isinstance(lines, str):
            sys.exit("\n".join(
                ["SEED=%d ROUNDS=1" % number, made] + records +
                ["%s --batch 1 on SQLite:" % mode, str(first),
                 "--batch %d on %s:" % (
                     batch, "PostgreSQL" if is_pg else "SQLite"),
                 str(got), "stream %d: the loads differ" % number]))
        drop(name, is_pg, batch)


def run_script(text, is_pg, batch):
    if is_pg:
        pg(text)
    else:
        lite[batch].executescript(text)


def drop(name, is_pg, batch):
    text = "DROP TABLE {0}; DROP TABLE {0}_log; DROP TABLE {0}_parents;" \
        .format(name)
    if is_pg:
        text = "SET client_min_messages = error; %s " \
            "DROP FUNCTION IF EXISTS %s_f()" % (text, name)
    run_script(text, is_pg, batch)


pool = ThreadPoolExecutor(len(BATCHES) * 2)
for i in range(int(seed), int(seed) + int(rounds)):
    run(i)
print("%s random streams from SEED=%s: --batch and the database change neither "
      "rows nor rejects" % (rounds, seed))
