#!/usr/bin/env python3
"""usage: http_file.py READY FOLDER

A server of files with faults.  It writes its port to READY and the headers of
each request to FOLDER/request.  The paths are:
  /NAME              the file FOLDER/NAME
  /cut/N/TIMES/NAME  the first TIMES answers break off after N bytes
  /other/N/NAME      the first answer breaks off after N bytes, the next one has
                     other bytes
  /open/NAME         without a length: the end of the connection is the end
  /chunks/NAME       in chunks;  /nochunk/NAME  without the last chunk
  /encoded/NAME      with the header Content-Encoding: gzip
  /status/N/NAME     with status N
"""
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

times = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0]
        parts = path.strip("/").split("/")
        kind, name = parts[0] if len(parts) > 1 else "", parts[-1]
        times[path] = times.get(path, 0) + 1
        with open(os.path.join(sys.argv[2], "request"), "w") as f:
            f.write(str(self.headers))
        with open(os.path.join(sys.argv[2], name), "rb") as f:
            body = f.read()
        sent, length = body, True
        if kind == "cut" and times[path] <= int(parts[2]):
            sent = body[:int(parts[1])]
        if kind == "other":
            sent = body[:int(parts[1])] if times[path] == 1 else body.upper()
        if kind in ("chunks", "nochunk"):
            length = False
            sent = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (
                body[:7], body[7:]) if p)
            sent += b"0\r\n\r\n" if kind == "chunks" else b""
        self.send_response(int(parts[1]) if kind == "status" else 200)
        if kind in ("chunks", "nochunk"):
            self.send_header("Transfer-Encoding", "chunked")
        elif kind != "open" and length:
            self.send_header("Content-Length", str(len(body)))
        if kind == "encoded":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        try:
            self.wfile.write(sent)
        except OSError:
            pass
        self.close_connection = kind != "" and kind != "chunks"

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".part", "w") as f:
    f.write("%d\n" % server.server_address[1])
os.rename(sys.argv[1] + ".part", sys.argv[1])
server.serve_forever()
