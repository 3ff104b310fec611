#!/usr/bin/env python3
"""cut_commit.py before|after FOLDER: a PostgreSQL server at FOLDER, port 1.

Passes all on to the server of PGHOST and PGPORT, but cuts the connection at
the first COMMIT of all: before the server gets it, or once it has answered.
"""
import os
import socket
import sys
import threading

when, folder = sys.argv[1:]
host, port = os.environ.get("PGHOST", "localhost"), os.environ["PGPORT"]
cut = threading.Event()


def connect():
    if host.startswith("/"):
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect("%s/.s.PGSQL.%s" % (host, port))
        return upstream
    return socket.create_connection((host, int(port)))


def close(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def answers(client, upstream, state):
    while data := upstream.recv(65536):
        if state["cut"]:
            break
        client.sendall(data)
    close(client, upstream)


def serve(client):
    upstream = connect()
    state = {"cut": False}
    threading.Thread(target=answers, args=(client, upstream, state),
                     daemon=True).start()
    try:
        while data := client.recv(65536):
            if b"COMMIT\0" in data and not cut.is_set():
                cut.set()
                state["cut"] = True
                if when == "before":
                    break
            upstream.sendall(data)
    except OSError:
        pass
    if when == "before" or not state["cut"]:
        close(client, upstream)


server = socket.socket(socket.AF_UNIX)
server.bind(folder + "/.s.PGSQL.1")
server.listen(5)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],),
                     daemon=True).start()
