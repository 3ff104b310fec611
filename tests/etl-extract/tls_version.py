#!/usr/bin/python3
"""usage: tls_version.py PORT_FILE CERT KEY 1|2

An HTTPS server that speaks only TLS 1.1 or only TLS 1.2 and answers each request
with one record.  It writes its port to PORT_FILE.
"""
import os
import socket
import ssl
import sys
import warnings

warnings.simplefilter("ignore")     # Python warns of TLS 1.1
version = {"1": ssl.TLSVersion.TLSv1_1, "2": ssl.TLSVersion.TLSv1_2}[sys.argv[4]]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.set_ciphers("ALL:@SECLEVEL=0")
context.minimum_version = context.maximum_version = version
context.load_cert_chain(sys.argv[2], sys.argv[3])
server = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".part", "w") as f:
    f.write(str(server.getsockname()[1]))
os.rename(sys.argv[1] + ".part", sys.argv[1])
while True:
    peer, _ = server.accept()
    try:
        with context.wrap_socket(peer, server_side=True) as tls:
            tls.recv(65536)
            tls.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[{"a":1}]')
    except OSError:
        pass
