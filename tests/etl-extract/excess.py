#!/usr/bin/python3
"""usage: excess.py PORT_FILE

An HTTP server that sends more bytes than Content-Length says, on connections that it
keeps open.  GET /MODE?p=N answers with the page [{"p":N}], which is empty from N = 4
on.  The bytes behind it are
  /none    none,
  /same    a whole other answer, an empty page, in the same packet,
  /late    the same, some milliseconds later,
  /stray   some bytes that are no answer, some milliseconds later.
It writes its port to PORT_FILE.
"""
import os
import socket
import sys
import threading
import time

OTHER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
LATER = {"late": OTHER, "stray": b"\r\nbye"}


def answer(mode, page):
    body = b"[]" if page > 3 else b'[{"p":%d}]' % page
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body + (OTHER if mode == "same" else b"")


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


def serve_until_closed(peer):
    try:
        serve(peer)
    except OSError:
        pass


server = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".part", "w") as f:
    f.write(str(server.getsockname()[1]))
os.rename(sys.argv[1] + ".part", sys.argv[1])
while True:
    connection, _ = server.accept()
    threading.Thread(target=serve_until_closed, args=(connection,),
                     daemon=True).start()
