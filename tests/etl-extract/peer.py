#!/usr/bin/env python3
"""A server that answers each request with one record that says what it saw: the
URL, whether the request had a password for a proxy, and the name in the client's
certificate.

usage: peer.py READY unix PATH | tcp | tls CERT KEY CA

Once it listens, it writes its port, or PATH, to the file READY.
"""
import json
import os
import socketserver
import ssl
import sys
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        client = None
        if isinstance(self.connection, ssl.SSLSocket):
            subject = self.connection.getpeercert()["subject"]
            client = dict(pair[0] for pair in subject)["commonName"]
        body = json.dumps([{
            "url": self.path, "client": client,
            "password": "Proxy-Authorization" in self.headers}]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

    def address_string(self):
        return "-"


def main():
    ready, kind = sys.argv[1:3]
    if kind == "unix":
        server = socketserver.ThreadingUnixStreamServer(sys.argv[3], Handler)
        place = sys.argv[3]
    else:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        place = server.server_address[1]
    if kind == "tls":
        cert, key, authority = sys.argv[3:6]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    with open(ready + ".part", "w") as f:
        f.write("%s\n" % place)
    os.rename(ready + ".part", ready)
    server.serve_forever()


main()
