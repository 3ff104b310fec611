#!/usr/bin/env python3
"""A server that checks the AWS Signature Version 4 of each request, as its
documentation describes it, with the key id "AKID" and the secret "sesame/+=key".
It answers with one record that says what it saw, or with status 403.

usage: sigv4.py READY        READY: the file to which it writes its port
"""
import hashlib
import hmac
import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote_plus

SECRET = "sesame/+=key"


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def canonical_query(query):
    pairs = [p.partition("=") for p in query.split("&") if p]
    return "&".join("%s=%s" % p for p in sorted(
        (quote(unquote_plus(name), safe="-_.~"),
         quote(unquote_plus(value), safe="-_.~"))
        for name, _, value in pairs))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def wrong(self, body):
        """What is wrong with the signature; None if nothing is."""
        auth = re.fullmatch(
            "AWS4-HMAC-SHA256 Credential=AKID/([0-9]{8})/([^/]+)/([^/]+)/"
            "aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
            self.headers.get("Authorization", ""))
        if auth is None:
            return "no signature"
        day, region, service, names, signature = auth.groups()
        if hashlib.sha256(body).hexdigest() != \
                self.headers.get("x-amz-content-sha256"):
            return "the hash of the body"
        for name in "host", "x-amz-date", "x-amz-content-sha256":
            if name not in names.split(";"):
                return name + " is not signed"
        if "x-amz-security-token" in self.headers and \
                "x-amz-security-token" not in names.split(";"):
            return "the token is not signed"
        if names.split(";") != sorted(names.split(";")):
            return "the signed headers are not sorted"
        path, _, query = self.path.partition("?")
        request = "\n".join([
            self.command, path, canonical_query(query),
            "".join("%s:%s\n" % (n, " ".join(self.headers[n].split()))
                    for n in names.split(";")),
            names, self.headers["x-amz-content-sha256"]])
        scope = "/".join([day, region, service, "aws4_request"])
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"],
                          scope, hashlib.sha256(
                              request.encode()).hexdigest()])
        key = ("AWS4" + SECRET).encode()
        for part in scope.split("/"):
            key = sign(key, part)
        self.saw = [region, service]
        return None if sign(key, text).hex() == signature else "signature"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        why = self.wrong(body)
        text = json.dumps([{
            "url": self.path, "scope": getattr(self, "saw", None),
            "token": self.headers.get("x-amz-security-token"),
            "accept": self.headers.get_all("accept"),
            "encoding": self.headers.get("accept-encoding")}]
            if why is None else {"message": why}).encode()
        self.send_response(200 if why is None else 403)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with open(sys.argv[1] + ".part", "w") as f:
        f.write("%d\n" % server.server_address[1])
    os.rename(sys.argv[1] + ".part", sys.argv[1])
    server.serve_forever()


main()
