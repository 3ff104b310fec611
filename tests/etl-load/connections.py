"""Compares a load over several connections with a load over one.

connections.py DB TRIALS SEED: makes random streams with equal keys, several
spellings of one key and bad records.  Loads each stream into a table twice, the
second time with --connections.  Rows, rejects and counts must be equal."""
import json
import os
import random
import subprocess
import sys

TABLES = [
    ("id bigint PRIMARY KEY, n int, v varchar(5) NOT NULL, "
     "CHECK (n <> 13)", "id"),
    ("id varchar(3) PRIMARY KEY, n int, v text", "id"),
    ("id uuid PRIMARY KEY, n int, v text", "id"),
    ("id int, at timestamptz, n int, v text, PRIMARY KEY (id, at)", "at,id"),
    ("id int, z numeric(4,1), n int, v text, PRIMARY KEY (id, z)", "id,z"),
    # The order of different keys matters in the other tables.
    ("id int PRIMARY KEY, n int UNIQUE, v text", "id"),
    ("id int PRIMARY KEY, n int REFERENCES r (id), v text", "id"),
    ("id int PRIMARY KEY, n int, v text, EXCLUDE (n WITH =)", "id"),
]
INTS = ["{}", "{}.0", "{}e0", '"{}"', '"0{}"', '" {}"', '"+{}"', "{}0e-1"]
UUID = "00000000-0000-4000-8000-0000000000{:02x}"
UUIDS = [lambda u: u, str.upper, lambda u: "{" + u + "}",
         lambda u: u.replace("-", "")]
BAD = ["zz", "{}", '{"id":null,"n":1,"v":"a"}', '{"id":[],"n":1}', "[]",
       '{"id":1,"id":2}', '{"id":"x\\u0000","n":1}', '{"id":true,"n":"x"}',
       '{"n":1,"v":"a"}', '{"id":1,"extra":1}']


def key(random, ddl, values):
    k = random.randrange(values)
    if "uuid" in ddl:
        return json.dumps(random.choice(UUIDS)(UUID.format(k)))
    if "id varchar" in ddl:
        return random.choice(['"{}"', '"{} "', '"{}  "', "{}"]).format(k % 99)
    return random.choice(INTS if random.random() < .02 else INTS[:4]).format(k)


def record(random, ddl, values, bad):
    if random.random() < bad:
        return random.choice(BAD)
    members = {"id": key(random, ddl, values)}
    if "id int PRIMARY KEY" in ddl:
        members["n"] = str(random.randrange(values))
    else:
        members["n"] = random.choice(["1", "2", "13", "null", '"x"']
                                     if random.random() < .1 else ["1", "2"])
    members["v"] = json.dumps("abcdefg"[:random.choice([1, 2, 2, 3, 7])])
    if "at timestamptz" in ddl:
        members["at"] = random.choice(
            ['"2026-05-01T12:00:00Z"', '"2026-05-01 13:00+01"'])
    if "z numeric" in ddl:
        members["z"] = random.choice(["1", "1.0", '"1.0"', "2"])
    if random.random() < .1:
        del members["v"]
    items = list(members.items())
    if random.random() < .1:
        random.shuffle(items)
    return "{" + ",".join('"%s":%s' % i for i in items) + "}"


def sql(db, text):
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", db,
                           "-c", text], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def load(db, table, stream, options):
    rejects = os.path.join(os.environ["SCRATCH"], table + ".rejects")
    if os.path.exists(rejects):
        os.remove(rejects)
    done = subprocess.run(
        ["etl-load", "-v", "--db", db, "--table", table, "--rejects", rejects,
         "--max-rejects", "100%", "--flush", "1h"] + options,
        input=stream, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = []
    if os.path.exists(rejects):
        for line in open(rejects):
            r = json.loads(line)
            lines.append([r.get(m) for m in (
                "code", "pointer", "sqlstate", "raw", "origin")]
                + [r["message"]])
    counts = [line.split(":", 1)[1] for line in
              done.stderr.decode(errors="replace").splitlines()
              if "inserted" in line]
    rows = sql(db, "SELECT * FROM %s AS t ORDER BY t::text" % table)
    return done.returncode, rows, lines, [c.split(" in ")[0] for c in counts]


def trial(db, r, number):
    ddl, keys = r.choice(TABLES)
    options = ["--key", keys, "--batch", str(r.choice([3, 20, 100]))]
    options += r.choice([[], [], ["--mode", "ignore"]])
    values = r.choice([2, 10, 90])
    bad = r.choice([0, 0, .1, .1, 1])
    stream = "".join(record(r, ddl, values, bad) + "\n"
                     for i in range(r.choice([10, 200]))).encode()
    several = ["--connections", str(r.choice([2, 3, 8]))]
    got = []
    for more in [], several:
        sql(db, "SET client_min_messages = error; "
            "DROP TABLE IF EXISTS r; CREATE TABLE r (%s)" % ddl)
        got.append(load(db, "r", stream, options + more))
    if got[0] == got[1]:
        return
    print("trial %d: %s %s %s" % (number, ddl, options, several))
    print(stream.decode())
    for one, other in zip(*got):
        if one != other:
            print("one connection:", one, "several:", other, sep="\n")
    print("several connections give what one gives")
    sys.exit(1)


def main():
    db, trials, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    r = random.Random(seed)
    print("seed", seed)
    for i in range(trials):
        trial(db, r, i)
    print("several connections give the rows, rejects and counts of one "
          "(%d random streams)" % trials)


main()
