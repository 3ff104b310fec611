#!/usr/bin/python3
"""usage: streamed.py PORT_FILE FOLDER

An HTTP server that answers with the parts of a page one after the other.  GET
/NAME executes FOLDER/NAME, a Python script, once for each request, with send(BYTES),
wait(FILE), which waits until this file exists in FOLDER, and tries, the number of
requests for NAME so far.  FOLDER/log has the names.
"""
import os
import socket
import sys
import threading
import time

folder = sys.argv[2]
server = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".part", "w") as f:
    f.write(str(server.getsockname()[1]))
os.rename(sys.argv[1] + ".part", sys.argv[1])
tries = {}


def wait(name):
    end = time.monotonic() + 20
    while not os.path.exists(os.path.join(folder, name)):
        if time.monotonic() > end:
            raise OSError("nobody has made " + name)
        time.sleep(0.001)


def serve(peer):
    request = b""
    while b"\r\n\r\n" not in request:
        more = peer.recv(65536)
        if not more:
            return
        request += more
    name = request.split(b" ")[1].lstrip(b"/").split(b"?")[0].decode()
    with open(os.path.join(folder, "log"), "a") as f:
        f.write(name + "\n")
    tries[name] = tries.get(name, 0) + 1
    with open(os.path.join(folder, name)) as f:
        script = f.read()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        exec(script, {"send": peer.sendall, "wait": wait,
                      "tries": tries[name], "time": time})
    except OSError:
        pass
    peer.close()


while True:
    threading.Thread(target=serve, args=(server.accept()[0],),
                     daemon=True).start()
