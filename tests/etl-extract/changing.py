#!/usr/bin/env python3
"""A service whose records change while etl-extract --jobs reads their pages.

changing.py PORT_FILE: GET /CHANGE/...?page=N has 10 records a page and "total".
CHANGE is grow, fall or none: with page 5, it happens at the moment when page 8
has been answered; page 5 waits for that. So the answers to pages 6 to 8 were
made before the change, that to page 5 after it. Behind page 8 all see it.
With the CHANGE back, only page 4 shows more records, and page 5 is answered with
status 503 at first.
"""
import http.server
import json
import os
import sys
import threading
from urllib.parse import parse_qs, urlparse

SIZE = 10
TOTALS = {"none": 150, "grow": 165, "fall": 120, "back": 100}
answered = {}
condition = threading.Condition()


def status(change, run, page):
    """200, or 503 for the first request of page 5 of the change back."""
    key = "503" + run
    with condition:
        fails = change == "back" and page == 5 and key not in answered
        if fails:
            answered[key] = page
    return 503 if fails else 200


def total(change, run, page):
    """How many records there are when this page is answered."""
    key = change + run
    if change == "back" and page == 4:
        return 115
    with condition:
        if page == 5 and change != "back":
            condition.wait_for(lambda: answered.get(key, 0) >= 8, 2)
        answered[key] = max(answered.get(key, 0), page)
        condition.notify_all()
    late = page == 5 or page > 8 or change == "back"
    return TOTALS[change] if late else TOTALS["none"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlparse(self.path)
        query = parse_qs(url.query)
        page = int(query["page"][0])
        change, run = url.path[1:], query["run"][0]
        n = total(change, run, page)
        ids = range((page - 1) * SIZE + 1, min(page * SIZE, n) + 1)
        body = json.dumps({"total": n, "data": [
            {"id": i, "ts": "2026-01-01T00:00:%02dZ" % (i % 60)}
            for i in ids]}).encode()
        self.send_response(status(change, run, page))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """The client may end a request of which it needs no answer."""


server = Server(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".part", "w") as f:
    f.write("%d\n" % server.server_port)
os.rename(sys.argv[1] + ".part", sys.argv[1])
server.serve_forever()
