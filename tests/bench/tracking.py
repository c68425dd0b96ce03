"""What the firewall's table of connections costs a datagram, and what is left of that with `notrack` (docs/tuning.md).

    python -m tests.bench.tracking

As root, in a network namespace of its own whose firewall tracks connections. One process sends from many ports to one
and back, so its CPU clock has everything that the kernel does on both ways, whatever else runs. Two ports take turns:
datagrams of one are tracked, those of the other are not.
"""

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median, quantiles

INSIDE = "--inside"
TRACKED, EXEMPT = 20_001, 20_002
PEOPLE = 300
TURNS = 200
DATAGRAM = bytes(1_000)

RULES = f"""
table inet tracking {{
  chain incoming {{ type filter hook input priority filter; ct state invalid drop; }}
}}
table inet media {{
  chain incoming {{ type filter hook prerouting priority raw; udp dport {EXEMPT} notrack; udp sport {EXEMPT} notrack; }}
  chain outgoing {{ type filter hook output priority raw; udp sport {EXEMPT} notrack; udp dport {EXEMPT} notrack; }}
}}
"""
"""The first is of every firewall that knows of states: with it the system tracks all there is. The second is that of
docs/tuning.md, both ways, since both ends are in here."""


def there_and_back(server: socket.socket, people: Sequence[socket.socket]) -> float:
    """Microseconds of CPU for one datagram of each person, and one to each, by the datagram."""
    began = time.process_time()
    for person in people:
        person.send(DATAGRAM)
    for _ in people:
        _, sender = server.recvfrom(2_048)
        server.sendto(DATAGRAM, sender)
    for person in people:
        person.recv(2_048)
    return 1e6 * (time.process_time() - began) / (2 * len(people))


def ends(port: int) -> tuple[socket.socket, list[socket.socket]]:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
    server.bind(("127.0.0.1", port))
    people = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(PEOPLE)]
    for person in people:
        person.connect(server.getsockname())
    return server, people


def measure() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
    tracked, exempt = ends(TRACKED), ends(EXEMPT)
    turns = [(there_and_back(*tracked), there_and_back(*exempt)) for _ in range(TURNS)]
    for name, costs in zip(("tracked", "notrack"), zip(*turns, strict=True), strict=True):
        print(f"{name}  {median(costs):5.2f} us for a datagram, sent and received")
    lower, middle, upper = quantiles([more - less for more, less in turns], n=4)
    print(f"tracking costs {middle:.2f} us (middle half {lower:.2f} to {upper:.2f}, {TURNS} turns of {PEOPLE} flows)")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    if parser.parse_args().inside:
        measure()
        return 0
    if os.geteuid() != 0:
        print("Network namespaces are for root alone.", file=sys.stderr)
        return 1
    return subprocess.run(["unshare", "--net", sys.executable, "-m", "tests.bench.tracking", INSIDE]).returncode


if __name__ == "__main__":
    sys.exit(main())
