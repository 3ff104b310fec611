#!/usr/bin/env python3
"""The peer of the bench: pages as a usual Python script reads them.

session.py URL PAGES SIZE: one requests.Session, one page after the other, each
record as a line of JSON.
"""
import json
import sys

import requests

url, pages, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
session = requests.Session()
for page in range(1, pages + 1):
    answer = session.get(url, params={"_page": page, "_limit": size},
                         timeout=30)
    answer.raise_for_status()
    for record in answer.json():
        sys.stdout.write(json.dumps(record) + "\n")
