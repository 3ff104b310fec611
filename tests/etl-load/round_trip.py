#!/usr/bin/python3
"""Checks that each value comes back from the table as the list says.

round_trip.py records LIST               writes a record for each line of the list
round_trip.py compare LIST ROWS REJECTS  prints what differs

A line of LIST is COLUMN INPUT, with a tab between them: the value that goes in
also comes out. A third part is the value that comes out in its place, or ! and
the code of the reject.
"""
import decimal
import json
import sys


def parse(text):
    """Numbers keep all their digits, and 1.50 equals 1.5."""
    return json.loads(text, parse_float=decimal.Decimal)


def same(a, b):
    """Python takes true for 1, JSON does not."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and \
            all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and \
            all(map(same, a, b))
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def lines(path):
    with open(path, encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            column, value, *out = line.rstrip("\n").split("\t")
            yield n, column, value, out[0] if out else value


def write_records(path):
    for n, column, value, _ in lines(path):
        print('{"id":%d,"%s":%s}' % (n, column, value))


def compare(path, rows, rejects):
    with open(rows, encoding="utf-8") as f:
        stored = {r["id"]: r for r in map(parse, f)}
    with open(rejects, encoding="utf-8") as f:
        refused = {parse(r["raw"])["id"]: r for r in map(json.loads, f)}
    for n, column, value, out in lines(path):
        if n in refused:
            got = "!" + refused[n]["code"]
            pointer = refused[n].get("pointer")
            if got != out or pointer != "/" + column:
                print(column, value, "gives", got, refused[n]["message"])
        elif n not in stored:
            print(column, value, "is lost")
        elif out[0] == "!" or not same(stored[n][column], parse(out)):
            print(column, value, "gives", stored[n][column])


if sys.argv[1] == "records":
    write_records(sys.argv[2])
else:
    compare(*sys.argv[2:])
