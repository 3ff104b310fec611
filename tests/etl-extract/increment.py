"""Checks the marks of an incremental stream on stdin; prints each mark that is
wrong, with the cause.

usage: increment.py FIELD ordered|unordered

The value of each checkpoint must be the highest cursor before it.  If the data
is ordered, all cursors after it must be higher.  From checkpoint to checkpoint
the value and seq go up, seq by one; from and version stay the same.  The counts
of each mark must be those of the lines before it.
"""
import datetime
import json
import sys


def parse_time(text):
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return text


def comparable(x):
    return parse_time(x) if not isinstance(x, int) else x


def of_type_of(text, like):
    return int(text) if isinstance(like, int) else parse_time(text)


def main():
    field, ordered = sys.argv[1], sys.argv[2] == "ordered"
    seen, out, rejected, marks, ended = [], 0, 0, [], False
    for line in sys.stdin:
        record = json.loads(line)
        kind = record.get("@etl")
        if kind is None:
            out += 1
            seen.append(comparable(record[field]))
        elif kind == "reject":
            rejected += 1
        elif kind in ("checkpoint", "end"):
            counts = record["stages"][0]
            in_stream = counts["rejected"] - counts.get("aside", 0)
            if (counts["out"], in_stream) != (out, rejected):
                print("counts", line)
            if kind == "checkpoint":
                marks.append((len(seen), record))
            elif record.get("seq") != (marks[-1][1]["seq"] if marks else None):
                print("seq of end", line)
            ended = kind == "end"
    if not ended:
        print("no end")
    last = None
    for n, (at, mark) in enumerate(marks):
        v = of_type_of(mark["value"], seen[0])
        if mark["seq"] != n + 1:
            print("seq", mark)
        if (mark["from"], mark["version"]) != (marks[0][1]["from"],
                                               marks[0][1]["version"]):
            print("from, version", mark)
        if max(seen[:at]) != v:
            print("value", mark, max(seen[:at]))
        if ordered and at < len(seen) and min(seen[at:]) <= v:
            print("not complete", mark, min(seen[at:]))
        if last is not None and v <= last:
            print("goes back", mark)
        last = v


main()
