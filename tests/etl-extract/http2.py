#!/usr/bin/env python3
"""A server that speaks HTTP/2 with TLS, and nothing else.

usage: http2.py READY CERT KEY

Once it listens, it writes its port to the file READY. The path of a request
says what it answers:

  /file/PATH               the file PATH
  /pages?page=N            one of three pages, which the header link connects
  /etag                    a page with an ETag; 304 if the request has it
  /header/NAME/VALUE       a page with this header
  /status/S/NAME/VALUE     the same with status S, at the first request only
  /reset/HOW/AT/PATH       the file PATH; at the first request, the stream ends
                           after AT bytes, or, if AT is -1, before its headers.
                           HOW is refused, internal, cancel, goaway (of the
                           connection) or close (without words)
  /connections             how many connections there were
"""
import os
import socket
import ssl
import sys
import threading
from urllib.parse import unquote

import h2.config
import h2.connection
import h2.errors
import h2.events

RESETS = {"refused": h2.errors.ErrorCodes.REFUSED_STREAM,
          "internal": h2.errors.ErrorCodes.INTERNAL_ERROR,
          "cancel": h2.errors.ErrorCodes.CANCEL}
seen = set()
connections = 0


def is_first(path):
    first = path not in seen
    seen.add(path)
    return first


def answer(path, headers):
    """Status, headers, body, and where and how the stream ends early."""
    place, _, query = path[1:].partition("?")
    kind, _, rest = place.partition("/")
    if kind == "file":
        with open("/" + unquote(rest), "rb") as f:
            return 200, [], f.read(), None
    if kind == "etag":
        same = headers.get("if-none-match") == '"v1"'
        return (304, [("etag", '"v1"')], b"", None) if same else (
            200, [("etag", '"v1"')], b'[{"n":1,"ts":1}]', None)
    if kind == "header":
        name, _, value = rest.partition("/")
        return 200, [(name, unquote(value))], b'[{"n":1}]', None
    if kind == "status":
        status, name, value = rest.split("/", 2)
        if is_first(path):
            return int(status), [(name, unquote(value))], b"{}", None
        return 200, [], b'[{"n":1}]', None
    if kind == "reset":
        how, at, name = rest.split("/", 2)
        with open("/" + unquote(name), "rb") as f:
            body = f.read()
        return 200, [], body, (int(at), how) if is_first(path) else None
    if kind == "connections":
        return 200, [], b'[{"n":%d}]' % connections, None
    page = int(query.partition("page=")[2])
    link = [("link", '</pages?page=%d>; rel="next"' % (page + 1))]
    return 200, link if page < 3 else [], b'[{"page":%d}]' % page, None


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False))
        self.left = {}          # of each stream: the bytes to send, the end

    def serve(self):
        self.h2.initiate_connection()
        while self.flush():
            data = self.sock.recv(65536)
            if not data:
                return
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.begin(event)
                elif isinstance(event, h2.events.StreamReset):
                    self.left.pop(event.stream_id, None)
                elif isinstance(event, h2.events.ConnectionTerminated):
                    return

    def begin(self, event):
        headers = {k.decode(): v.decode() for k, v in event.headers}
        status, more, body, end = answer(headers[":path"], headers)
        if end is not None:
            body = body[:max(end[0], 0)]
        if end is None or end[0] >= 0:
            self.h2.send_headers(event.stream_id, [
                (":status", str(status)),
                ("content-type", "application/json")] + more)
        self.left[event.stream_id] = [memoryview(body), end and end[1]]

    def flush(self):
        """Sends what the windows of the client allow; False: it is closed."""
        for stream in list(self.left):
            body, how = self.left[stream]
            while body:
                n = min(self.h2.local_flow_control_window(stream),
                        self.h2.max_outbound_frame_size, len(body))
                if n == 0:
                    break
                self.h2.send_data(stream, bytes(body[:n]))
                body = body[n:]
            self.left[stream][0] = body
            if not body:
                del self.left[stream]
                if not self.end(stream, how):
                    return False
        self.sock.sendall(self.h2.data_to_send())
        return True

    def end(self, stream, how):
        if how is None:
            self.h2.end_stream(stream)
        elif how in RESETS:
            self.h2.reset_stream(stream, RESETS[how])
        elif how == "goaway":
            self.h2.close_connection(h2.errors.ErrorCodes.INTERNAL_ERROR)
        self.sock.sendall(self.h2.data_to_send())
        return how not in ("goaway", "close")


def serve(sock):
    try:
        Connection(sock).serve()
    except (OSError, h2.exceptions.ProtocolError):
        pass
    finally:
        sock.close()


def main():
    global connections
    ready, cert, key = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0))
    with open(ready + ".part", "w") as f:
        f.write("%d\n" % listener.getsockname()[1])
    os.rename(ready + ".part", ready)
    while True:
        sock, _ = listener.accept()
        connections += 1
        try:
            sock = context.wrap_socket(sock, server_side=True)
        except OSError:
            continue
        if sock.selected_alpn_protocol() != "h2":
            sock.close()
            continue
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


main()
