#!/usr/bin/env python3
"""cut_commit.py WHEN FOLDER [N [dead]]: a proxy of the PostgreSQL server.

It listens on port 1 in FOLDER and passes all bytes on to the server of PGHOST
and PGPORT. It cuts the client's connection at the Nth COMMIT (default: the
first). WHEN is "before": the server never gets the COMMIT; "after": the server
executes the COMMIT, but its answer is lost; or "late": the server gets the
COMMIT half a second after the client lost the connection. "fatal": at a
prepared statement the client gets the error that PgBouncer sends when it has
lost the server, and the connection is closed half a second later. With "dead",
the proxy closes every connection that comes after the cut. If the environment
variable CUT_AT is set, the proxy cuts at this word and not at COMMIT.
"""
import os
import socket
import sys
import threading
import time

when, folder = sys.argv[1:3]
nth = int(sys.argv[3]) if len(sys.argv) > 3 else 1
dead = len(sys.argv) > 4
word = os.environ.get("CUT_AT", "").encode() or \
    (b"\0etl_1\0" if when == "fatal" else b"COMMIT\0")
lost = b"SFATAL\0C08P01\0Mserver conn crashed?\0\0"
host, port = os.environ.get("PGHOST", "localhost"), os.environ["PGPORT"]
cut = threading.Event()
seen = []


def connect():
    if host.startswith("/"):
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect("%s/.s.PGSQL.%s" % (host, port))
        return upstream
    return socket.create_connection((host, int(port)))


def close(*sockets):
    for connection in sockets:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def pass_answers_on(client, upstream, state):
    while data := upstream.recv(65536):
        if state["cut"]:
            break
        client.sendall(data)
    close(client, upstream)


def is_nth():
    seen.append(1)
    return len(seen) == nth


def serve(client):
    upstream = connect()
    state = {"cut": False}
    threading.Thread(target=pass_answers_on, args=(client, upstream, state),
                     daemon=True).start()
    try:
        while data := client.recv(65536):
            if word in data and not cut.is_set() and is_nth():
                cut.set()
                state["cut"] = True
                if when == "fatal":
                    client.sendall(b"E" + (len(lost) + 4).to_bytes(4, "big") +
                                   lost)
                    time.sleep(0.5)
                if when in ("before", "fatal"):
                    break
                if when == "late":
                    close(client)
                    time.sleep(0.5)
            upstream.sendall(data)
    except OSError:
        pass
    if when in ("before", "fatal") or not state["cut"]:
        close(client, upstream)


server = socket.socket(socket.AF_UNIX)
server.bind(folder + "/.s.PGSQL.1")
server.listen(5)
while True:
    accepted = server.accept()[0]
    if dead and cut.is_set():
        accepted.close()
    else:
        threading.Thread(target=serve, args=(accepted,), daemon=True).start()
