#!/usr/bin/env python3
"""The peer of the bench: the posts pipeline as a usual Python script.

requests -> plain functions -> psycopg2 execute_values in pages of 100.
It does not sleep and does not request comments, and neither does ours.
seed.py BASE_URL DATABASE_URL [load|pages FILE]: with "load" it only loads
NDJSON, and with "pages" it also commits each page.
"""
import json
import logging
import re
import sys
from datetime import datetime, timezone

import psycopg2
import requests
from psycopg2.extras import execute_values

logging.basicConfig(level=logging.INFO, stream=sys.stderr)
log = logging.getLogger("seed")
PAGE_SIZE = 20          # records a request, as in examples/posts


def extract(base_url):
    posts, page = [], 1
    while True:
        response = requests.get(
            base_url + "/posts",
            params={"_page": page, "_limit": PAGE_SIZE}, timeout=30)
        response.raise_for_status()
        data = response.json()
        if not data:
            break
        posts.extend(data)
        if len(posts) >= int(response.headers["x-total-count"]):
            break
        page += 1
    return posts


def normalize(text):
    return re.sub(r"\s+", " ", text.strip())


def transform(post):
    for field in ("id", "userId", "title", "body"):
        if post.get(field) is None:
            raise ValueError("Missing required field: " + field)
    title = normalize(post["title"])
    body = normalize(post["body"])
    if len(title) < 3:
        raise ValueError("Title too short: '%s'" % title)
    return {
        "user_id": int(post["userId"]),
        "post_id": int(post["id"]),
        "activity_type": "post",
        "title": title.title(),
        "body": body,
        "word_count": len(body.split()),
        "extracted_at": datetime.now(timezone.utc).isoformat(),
    }


def transform_all(posts):
    rows, errors = [], 0
    for post in posts:
        try:
            rows.append(transform(post))
        except (ValueError, TypeError):
            errors += 1
    log.info("transformed %d, rejected %d", len(rows), errors)
    return rows


def load(cursor, rows):
    values = [(
        row["user_id"], row["post_id"], row["activity_type"], row["title"],
        row["body"], row["word_count"], row["extracted_at"],
    ) for row in rows]
    execute_values(cursor, """
        INSERT INTO user_activities (user_id, post_id, activity_type, title,
            body, word_count, extracted_at, loaded_at)
        VALUES %s
        ON CONFLICT (user_id, post_id, activity_type) DO UPDATE SET
            title = EXCLUDED.title, body = EXCLUDED.body,
            word_count = EXCLUDED.word_count,
            extracted_at = EXCLUDED.extracted_at, loaded_at = now()
        """, values, template="(%s, %s, %s, %s, %s, %s, %s, now())",
        page_size=100)


def load_file(cursor, path, batch):
    rows = []
    with open(path) as lines:
        for line in lines:
            rows.append(json.loads(line))
            if len(rows) == batch:
                load(cursor, rows)
                rows = []
                if batch == 100:
                    cursor.connection.commit()
    load(cursor, rows)


def main():
    connection = psycopg2.connect(sys.argv[2])
    cursor = connection.cursor()
    if len(sys.argv) > 3:
        load_file(cursor, sys.argv[4],
                  100 if sys.argv[3] == "pages" else 10000)
    else:
        load(cursor, transform_all(extract(sys.argv[1])))
    connection.commit()
    connection.close()


main()
