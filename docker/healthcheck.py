"""Exits with 0 while the server in this container answers. With TLS, its way to HTTPS is an answer as well."""

import http.client
import os
import sys

port = int(os.environ.get("RELAY_PORT") or 8080)
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
try:
    connection.request("GET", "/videochat/health/live")
    status = connection.getresponse().status
except OSError as failure:
    sys.exit(f"no answer on port {port}: {failure}")
sys.exit(0 if status in (200, 308) else f"status {status}")
