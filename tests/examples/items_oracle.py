#!/usr/bin/env python3
"""Is what the items pipeline stored what it must have?  Prints what is not.

usage: items_oracle.py all|passed API ROWS LETTERS CHECKPOINT

ROWS:       a file of id|ts|value|value_scaled|source
LETTERS:    of stage|code|raw
CHECKPOINT: its value
all:    everything that the API has is stored, and nothing else
passed: everything before the checkpoint is stored, and no row twice
"""
import datetime
import json
import os
import re
import sys
import urllib.request

from served import elements, get

TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)")


def when(text):
    """The instant of an RFC 3339 time, None where it is none."""
    if not isinstance(text, str) or not TIME.fullmatch(text):
        return None
    if text[-3] in "+-":
        text += ":00"
    text = re.sub(r"\.(\d+)", lambda m: "." + m[1].ljust(6, "0"), text)
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).astimezone(datetime.timezone.utc)


def items(api):
    """Each item as it stands in the answer, on one line."""
    request = urllib.request.Request(
        f"{api}/items?limit=100000",
        headers={"Authorization": "Bearer " + os.environ["API_TOKEN"]})
    return elements(get(request))


def row(ident, ts, value, scaled, source):
    return f"{ident}|{when(ts).isoformat()}|{float(value)!r}|" \
        f"{float(scaled)!r}|{source}"


def judge(line):
    """(row or None, letter or None) of an item as served."""
    item = json.loads(line)
    ident, ts, value = (item.get(k) for k in ("id", "ts", "value"))
    if ts is None:
        return None, f"extract|required|{line}"
    if when(ts) is None:
        return None, f"extract|type|{line}"
    if ident is None or value is None:
        return None, f"transform|required|{line}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None, f"transform|type|{line}"
    return row(ident, ts, value, value * 100, "external_api"), None


def differ(what, wanted, got):
    for line in sorted(wanted - got):
        print(what, "missing:", line)
    for line in sorted(got - wanted):
        print(what, "not wanted:", line)


def main():
    mode, api, rows, letters, checkpoint = sys.argv[1:]
    lines = list(items(api))
    times = [when(json.loads(line).get("ts")) for line in lines]
    pairs = [judge(line) for line in lines]
    wanted = [row for row, _ in pairs if row is not None]
    with open(rows, encoding="utf-8") as f:
        stored = [row(*line.rstrip("\n").split("|")) for line in f]
    if len(set(stored)) != len(stored):
        print("a row twice")
    if mode == "passed":
        to = when(checkpoint)
        passed = {r for r in wanted
                  if to and when(r.split("|")[1].replace("+00:00", "Z")) < to}
        differ("row", passed, passed & set(stored))
        return
    differ("row", set(wanted), set(stored))
    with open(letters, encoding="utf-8") as f:
        differ("letter", {l for _, l in pairs if l is not None},
               set(f.read().splitlines()))
    if when(checkpoint) != max(t for t in times if t is not None):
        print("checkpoint", checkpoint)


main()
