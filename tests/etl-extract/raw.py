#!/usr/bin/python3
"""usage: raw.py PORT_FILE FOLDER [ADDRESS]

An HTTP server that sends bytes which no HTTP library would send: it answers
GET /NAME with the bytes of the file FOLDER/NAME and closes the connection; only
after the answer "kept" the connection stays open, and an answer whose name starts
with "endless" goes on until etl-extract closes the connection.  It writes its port to
PORT_FILE, the last request to FOLDER/request and the names to FOLDER/log.
"""
import os
import socket
import sys

address = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
server = socket.create_server((address, 0))
with open(sys.argv[1] + ".part", "w") as f:
    f.write(str(server.getsockname()[1]))
os.rename(sys.argv[1] + ".part", sys.argv[1])
kept = []
while True:
    peer, _ = server.accept()
    request = b""
    while b"\r\n\r\n" not in request:
        more = peer.recv(65536)
        if not more:
            break
        request += more
    with open(os.path.join(sys.argv[2], "request"), "wb") as f:
        f.write(request)
    name = request.split(b" ")[1].lstrip(b"/").split(b"?")[0].decode()
    with open(os.path.join(sys.argv[2], "log"), "a") as f:
        f.write(name + "\n")
    try:
        with open(os.path.join(sys.argv[2], name), "rb") as f:
            peer.sendall(f.read())
        while name.startswith("endless"):
            peer.sendall(b"x" * 1000)
    except OSError:
        pass
    if name == "kept":
        kept.append(peer)
    else:
        peer.close()
