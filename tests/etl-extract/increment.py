"""Is every mark of a stream on stdin true?  Prints what is not.

usage: increment.py FIELD ordered|unordered

At each checkpoint: the highest value of the records before it is its value;
where the data is ordered, all records after it are above.  Seq counts up, from
and version are the same in all, the value goes up, counts are right.
"""
import datetime
import json
import sys


def value(text):
    try:
        return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return text


def key(x):
    return value(x) if not isinstance(x, int) else x


def typed(text, like):
    return int(text) if isinstance(like, int) else value(text)


def main():
    field, ordered = sys.argv[1], sys.argv[2] == "ordered"
    seen, out, rejected, marks, ended = [], 0, 0, [], False
    for line in sys.stdin:
        record = json.loads(line)
        kind = record.get("@etl")
        if kind is None:
            out += 1
            seen.append(key(record[field]))
        elif kind == "reject":
            rejected += 1
        elif kind in ("checkpoint", "end"):
            counts = record["stages"][0]
            here = counts["rejected"] - counts.get("aside", 0)
            if (counts["out"], here) != (out, rejected):
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
        v = typed(mark["value"], seen[0])
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
