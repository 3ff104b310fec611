#!/usr/bin/env python3
"""changes.py N PART OUT: writes N changes of N / 10 rows in two forms.

OUT.ndjson has them in Debezium's envelope, and OUT.sql has one statement for each.
One change of ten deletes its row.  PART is the name of both files until they are
complete.
"""
import json
import os
import random
import sys

COLUMNS = ["id", "name", "title", "views", "at", "active", "score"]
dump = json.JSONEncoder(separators=(",", ":")).encode


def values(rnd, n, key):
    return [key, "user-%d" % rnd.randrange(10**6), "title of change %d" % n,
            rnd.randrange(10**9), "2026-05-%02dT12:00:00Z" % (n % 28 + 1),
            n % 2 == 0, n / 8]


def sql(value):
    return "'%s'" % value if isinstance(value, str) else str(value)


def statement(row, is_new):
    if is_new:
        return "INSERT INTO changed VALUES (%s);\n" % ", ".join(map(sql, row))
    return "UPDATE changed SET %s WHERE id = %d;\n" % (
        ", ".join("%s = %s" % (c, sql(v))
                  for c, v in zip(COLUMNS[1:], row[1:])), row[0])


def main():
    total, part, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    rnd, there = random.Random(7), set()
    with open(part + ".ndjson", "w") as lines, open(part + ".sql", "w") as text:
        for n in range(total):
            key = rnd.randrange(total // 10)
            change = {"before": None, "after": None, "op": "d", "ts_ms": n}
            if key in there and rnd.random() < .1:
                there.remove(key)
                change["before"] = {"id": key}
                text.write("DELETE FROM changed WHERE id = %d;\n" % key)
            else:
                row = values(rnd, n, key)
                change["op"] = "u" if key in there else "c"
                change["after"] = dict(zip(COLUMNS, row))
                text.write(statement(row, key not in there))
                there.add(key)
            lines.write(dump(change) + "\n")
    os.rename(part + ".sql", out + ".sql")
    os.rename(part + ".ndjson", out + ".ndjson")


main()
