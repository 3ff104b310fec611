#!/usr/bin/python3
"""usage: excess.py FOLDER CERT KEY

An HTTP server that sends more bytes than Content-Length says, on connections that it
keeps open.  It listens on a port, on a second one with TLS, and on the Unix socket
FOLDER/socket.  GET /MODE?p=N answers with the page [{"p":N}], which is empty from
N = 4 on.  The bytes behind it are
  /none    none,
  /same    a whole other answer, an empty page, in the same packet,
  /long    the same, behind a page that is longer than a record of TLS,
  /late    the same as /same, some milliseconds later,
  /stray   some bytes that are no answer, some milliseconds later.
When the client's system has all bytes for page N, it creates the file FOLDER/sent.N.
It writes its ports to FOLDER/ports, with a space between them.
"""
import fcntl
import os
import socket
import ssl
import struct
import sys
import termios
import threading
import time

OTHER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
BEHIND = {"same": OTHER, "long": OTHER}
LATER = {"late": OTHER, "stray": b"\r\nbye"}
RECORD = 16384

folder, cert, key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)


def answer(mode, page):
    body = b"[]" if page > 3 else b'[{"p":%d}]' % page
    if mode == "long":
        body += b" " * RECORD
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body + BEHIND.get(mode, b"")


def wait_until_received(peer):
    """Waits until TCP has acknowledged all bytes: it may hold back the last ones until
    the client has acknowledged the others. Bytes in a Unix socket are there at once."""
    while peer.family != socket.AF_UNIX:
        left, = struct.unpack("i", fcntl.ioctl(peer, termios.TIOCOUTQ, b"\0" * 4))
        if left == 0:
            break
        time.sleep(0.001)


def serve(peer):
    lines = peer.makefile("rb")
    while line := lines.readline():
        while lines.readline().strip():
            pass
        mode, page = line.split()[1].decode().strip("/").split("?p=")
        peer.sendall(answer(mode, int(page)))
        if mode in LATER:
            time.sleep(0.02)
            peer.sendall(LATER[mode])
        wait_until_received(peer)
        with open("%s/sent.%s" % (folder, page), "w", encoding="utf-8"):
            pass


def serve_until_closed(peer, has_tls):
    try:
        serve(context.wrap_socket(peer, server_side=True) if has_tls else peer)
    except OSError:
        pass


def accept(server, has_tls):
    while True:
        peer, _ = server.accept()
        threading.Thread(target=serve_until_closed, args=(peer, has_tls),
                         daemon=True).start()


plain = socket.create_server(("127.0.0.1", 0))
tls = socket.create_server(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX)
unix.bind(folder + "/socket")
unix.listen()
for each in (plain, False), (tls, True):
    threading.Thread(target=accept, args=each, daemon=True).start()
with open(folder + "/ports.part", "w", encoding="utf-8") as f:
    print(plain.getsockname()[1], tls.getsockname()[1], file=f)
os.rename(folder + "/ports.part", folder + "/ports")
accept(unix, False)
