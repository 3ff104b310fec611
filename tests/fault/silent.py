#!/usr/bin/env python3
"""silent.py FOLDER [HOW [N]]: a server that does not answer.

Its port is in FOLDER/port, each connection that it takes is a line of
FOLDER/taken. HOW: silent, it takes all and says nothing (that is the default);
refuse, it has no place for the first one, and nothing to say to others; mute,
it lets them in and hears what they want; full, it takes none, as a host that
drops what comes; nth, only the Nth is left without a word, the others have the
server of PGHOST and PGPORT; after, as nth, but all that come later are, too.
"""
import os
import socket
import sys
import threading
import time

folder = sys.argv[1]
how = sys.argv[2] if len(sys.argv) > 2 else "silent"
nth = int(sys.argv[3]) if len(sys.argv) > 3 else 0
host, port = os.environ.get("PGHOST", "localhost"), os.environ["PGPORT"]
SSL, GSS = b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"
WELCOME = b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I"
WORDS = b"SFATAL\0VFATAL\0C53300\0Mno place\0\0"
REFUSAL = b"E" + (len(WORDS) + 4).to_bytes(4, "big") + WORDS


def upstream():
    if host.startswith("/"):
        one = socket.socket(socket.AF_UNIX)
        one.connect("%s/.s.PGSQL.%s" % (host, port))
        return one
    return socket.create_connection((host, int(port)))


def copy(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    for end in one, other:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def relay(client):
    server = upstream()
    threading.Thread(target=copy, args=(server, client), daemon=True).start()
    copy(client, server)


def answer(client, words):
    try:
        while client.recv(65536)[4:8] in (SSL, GSS):
            client.sendall(b"N")
        client.sendall(words)
        client.recv(65536)
    except OSError:
        pass


def tell(name, text):
    with open(os.path.join(folder, name), "a") as file:
        file.write("%s\n" % text)


os.makedirs(folder, exist_ok=True)
server = socket.create_server(("127.0.0.1", 0),
                              backlog=0 if how == "full" else 50)
address = server.getsockname()
kept = []
if how == "full":
    for _ in range(4):
        kept.append(socket.socket())
        kept[-1].setblocking(False)
        kept[-1].connect_ex(address)
tell("port", address[1])
while how == "full":
    time.sleep(60)
while True:
    kept.append(server.accept()[0])
    if how == "mute":
        answer(kept[-1], WELCOME)
    elif how == "refuse" and len(kept) == 1:
        answer(kept[-1], REFUSAL)
    elif how == "nth" and len(kept) != nth or \
            how == "after" and len(kept) < nth:
        threading.Thread(target=relay, args=(kept[-1],), daemon=True).start()
    tell("taken", len(kept))
