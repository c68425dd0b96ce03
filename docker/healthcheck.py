"""Exits with 0 while the server in this container answers. With TLS, its way to HTTPS is an answer as well."""

import http.client
import os
import sys

ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one asks who listens everywhere

written = os.environ.get("RELAY_HTTP_BIND") or os.environ.get("RELAY_BIND") or "127.0.0.1"
bind = written.partition(",")[0].strip()
host, port = ANY.get(bind, bind), int(os.environ.get("RELAY_PORT") or 8080)
connection = http.client.HTTPConnection(host, port, timeout=4)
try:
    connection.request("GET", "/videochat/health/live")
    status = connection.getresponse().status
except OSError as failure:
    sys.exit(f"no answer from {host} on port {port}: {failure}")
sys.exit(0 if status in (200, 308) else f"status {status}")
