#!/usr/bin/env python3
"""gen.py posts|rows|events N NDJSON [CSV]: writes the same data each time.

posts:  about 319 bytes each; 0.5 % lack a title, 5 % have their id as a
        string, with runs of white space, escapes and UTF-8
rows:   rows of user_activities for etl-load, and the same as CSV
events: a text key, in ascending order, and two more columns
"""
import json
import random
import sys

WORDS = """sunt aut facere repellat provident occaecati excepturi optio
reprehenderit qui est esse ea molestias quasi et iusto sed quo iure voluptatem
eum magnam nesciunt quas odio dolorem eligendi natus nisi ut quia vitae
consequatur temporibus cupiditate na\u00efve caf\u00e9 stra\u00dfe""".split()
STAMP = "2026-11-20T08:34:00.123456Z"


def words(rnd, count):
    return [WORDS[int(rnd.random() * len(WORDS))] for _ in range(count)]


def post(rnd, n):
    gap = "  " if n % 7 == 0 else " "
    body = words(rnd, 30)
    body[5] += "\n"
    body[11] += "\t" if n % 3 == 0 else "\n"
    record = {
        "userId": n // 10 + 1,
        "id": str(n) if n % 20 == 7 else n,
        "title": gap.join(words(rnd, 5)),
        "body": " ".join(body),
        "tags": words(rnd, 3),
    }
    if n % 200 == 150:
        del record["title"]
    if n % 50 == 3:
        record["title"] = " " + record["title"] + '" '
    return record


def row(rnd, n):
    body = words(rnd, 30)
    title = words(rnd, 5)
    return {
        "user_id": n // 10 + 1,
        "post_id": n,
        "activity_type": "post",
        "title": " ".join(title).title(),
        "body": " ".join(body),
        "word_count": len(body),
        "extracted_at": STAMP,
    }


def event(rnd, n):
    return {"id": "evt-%09d" % n, "kind": words(rnd, 1)[0],
            "value": "%d" % (rnd.random() * 1000000)}


def csv(value):
    text = str(value)
    if any(c in text for c in ',"\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text


def main():
    make = {"posts": post, "rows": row, "events": event}[sys.argv[1]]
    table = open(sys.argv[4], "w") if len(sys.argv) > 4 else None
    rnd = random.Random(7)
    dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    with open(sys.argv[3], "w") as lines:
        for n in range(1, int(sys.argv[2]) + 1):
            record = make(rnd, n)
            lines.write(dump(record) + "\n")
            if table:
                table.write(",".join(map(csv, record.values())) + "\n")
    if table:
        table.close()


main()
