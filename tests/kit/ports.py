"""Ports that nobody has."""

import os
import random
import socket

PORTS = range(12_000, 32_000)
"""Below those that the system gives to connections that go out, which may take one between the choice and its use."""


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
OURS = PORTS[_WORKER::_WORKERS]
"""Those of this process: where several run tests beside each other, no two of them choose the same."""


def free_port() -> int:
    """A number that is free for TCP and for UDP at every address."""
    for port in random.sample(OURS, 50):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            try:
                tcp.bind(("", port))
                udp.bind(("", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free for both TCP and UDP")
