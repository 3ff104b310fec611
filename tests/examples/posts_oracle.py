#!/usr/bin/env python3
"""What the posts pipeline must store, worked out by other means.

usage: posts_oracle.py rows|letters API

rows:    user_id|post_id|activity_type|title|body|word_count, sorted
letters: stage|code|raw, sorted
"""
import json
import re
import sys
import urllib.error

from served import elements, get

WORD = re.compile(r"[\w'’]+")


def normalise(text):
    return " ".join(text.split())


def title_case(text):
    def word(m):
        w = m.group()
        return w[0].upper() + w[1:].lower()
    return WORD.sub(word, text)


def judge(api, line):
    """(rows, letters) of one post as served."""
    post = json.loads(line)
    try:
        comments = json.loads(get(f"{api}/posts/{post['id']}/comments"))
    except urllib.error.HTTPError:
        return [], [("extract.2", "http", line)]
    line = f'{line[:-1]},"comment_count":{len(comments)}}}'
    if any(post.get(k) is None for k in ("id", "userId", "title", "body")):
        return [], [("transform", "required", line)]
    if not re.fullmatch(r"-?\d+", str(post["id"])):
        return [], [("transform", "type", line)]
    title, body = normalise(post["title"]), normalise(post["body"])
    if len(title) < 3:
        return [], [("transform", "range", line)]
    return [(int(post["userId"]), int(post["id"]), "post", title_case(title),
             body, len(body.split()))], []


def main():
    what, api = sys.argv[1:]
    rows, letters = [], []
    for page in range(1, 6):
        for line in elements(get(f"{api}/posts?_page={page}&_limit=20")):
            r, l = judge(api, line)
            rows += r
            letters += l
    for row in sorted(rows if what == "rows" else letters):
        print("|".join(str(c) for c in row))


main()
