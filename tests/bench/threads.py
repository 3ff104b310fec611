#!/usr/bin/env python3
"""threads.py DB EVERY FILE...: loads every EVERY-th row of CSV files into the
SQLite table events, as scripts often do: a thread for each file, and a commit
for each row.
"""
import csv
import itertools
import sqlite3
import sys
import threading


def load(path):
    db = sqlite3.connect(sys.argv[1], timeout=600)
    with open(path, newline="", encoding="utf-8") as f:
        rows = itertools.islice(csv.DictReader(f), 0, None, int(sys.argv[2]))
        for row in rows:
            if not row["id"] or not row["timestamp"]:
                continue
            db.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?) ON CONFLICT (id) DO "
                "UPDATE SET ts = excluded.ts, value = excluded.value",
                (row["id"], row["timestamp"], float(row["value"] or 0), path))
            db.commit()


threads = [threading.Thread(target=load, args=(p,)) for p in sys.argv[3:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
