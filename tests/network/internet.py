"""A small internet in network namespaces: two homes behind NATs, a backbone, and a server.

    ann ── home_ann (NAT) ──┐
                            backbone ── [server_nat ──] server
    bob ── home_bob (NAT) ──┘

Owns the namespaces; `close()` removes them. Addresses are those for documentation (RFC 5737, RFC
3849). IPv6 is routed, not translated, as in the real one.
"""

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILES = Path("/etc/netns")
"""What stands here in a folder with a namespace's name is what programs find in /etc (ip-netns(8))."""

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

SERVER = "203.0.113.10"
SERVER_V6 = "2001:db8:5::10"
NAME = "talk.test"
"""The server's, for those who have name resolution."""
INSIDE = "198.51.100.250"
"""The server's own address when it is behind a NAT of its own."""


@dataclass(frozen=True, slots=True)
class Home:
    """One person's network. The last part of each address tells router and person apart."""

    person: str
    lan: ipaddress.IPv4Network
    wan: ipaddress.IPv4Network
    number: int

    @property
    def router(self) -> str:
        """The NAT's address inside."""
        return str(self.lan[1])


HOMES = (
    Home("ann", ipaddress.IPv4Network("198.51.100.128/28"), ipaddress.IPv4Network("198.51.100.0/29"), 1),
    Home("bob", ipaddress.IPv4Network("198.51.100.144/28"), ipaddress.IPv4Network("198.51.100.8/29"), 2),
)

NAT = """
table ip nat {
  chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade %s; }
}
table inet home {
  chain unsolicited { type filter hook forward priority 0; iifname "wan" ct state new drop; }
  chain itself { type filter hook input priority 0; iifname "wan" ct state new meta l4proto udp drop; }
  chain rules { type filter hook forward priority -10; }
}
"""

SERVER_NAT = """
table ip nat {
 chain in {
  type nat hook prerouting priority dstnat;
%s }
}
"""

MOVES = 12
"""Addresses that a person has one after the other."""

POLICIES = {
    "udp_blocked": ['iifname "lan" meta l4proto udp drop'],
    "only_tcp_443": [
        'iifname "lan" meta l4proto { udp, icmp, ipv6-icmp } drop',
        'iifname "lan" tcp dport != 443 reject with tcp reset',
    ],
    "only_turn_over_udp": [
        "meta l4proto udp @th,64,4 4 accept",
        "meta l4proto udp @th,64,2 0 @th,96,32 0x2112a442 @th,76,4 != 1 accept",
        "meta l4proto udp drop",
        "tcp dport 3478 reject with tcp reset",
    ],
    "only_turn_over_tcp": [
        "meta l4proto udp drop",
        "tcp dport 3478 @ih,48,32 0x2112a442 reject with tcp reset",
    ],
    "nothing": ['iifname "lan" reject'],
    "outage": ["drop"],
    "all": [],
}
"""TURN's messages have two zero bits, the magic cookie and any method but Binding, and its ChannelData begins with 4
(RFC 8656 section 12). ICE over TCP is known by the cookie behind a length (RFC 4571)."""

DIVERSION = """
table ip diversion {
  chain arriving { type nat hook prerouting priority dstnat; iifname "lan" tcp dport %d redirect to :%d; }
}
"""

REBIND = """
table inet binding {
  chain arriving {
    type filter hook prerouting priority raw;
    meta l4proto udp ct zone set %d;
  }
}
"""
"""A new zone of connection tracking knows none of the old mappings. TCP keeps its own."""


class Internet:
    """The namespaces. Give `symmetric` to have NATs that use another port for each destination."""

    def __init__(
        self,
        *,
        symmetric: bool = False,
        ipv4: bool = True,
        ipv6: bool = True,
        server_nat: Mapping[str, int] | None = None,
        names: bool = True,
    ) -> None:
        """`server_nat` puts the server behind a 1:1 NAT: from `udp:PORT` outside to the port inside. Without `names`
        people have no name resolution of their own, as where everything goes through a proxy."""
        self._prefix = f"rvc{os.getpid() % 10_000}"
        self._names: list[str] = []
        self._bindings = 0
        self._moves = 0
        self._nameless = () if names else tuple(home.person for home in HOMES)
        self._versions = ([4] if ipv4 else []) + ([6] if ipv6 else [])
        try:
            self._build("fully-random" if symmetric else "", server_nat)
        except BaseException:
            self.close()
            raise

    def inside(self, name: str, *command: str) -> list[str]:
        """The command, to be run in this namespace."""
        return ["ip", "netns", "exec", self._name(name), *command]

    def forbid(self, policy: str, *people: str) -> None:
        """The routers of these people, or of both, follow this policy from now on."""
        for home in HOMES:
            if people and home.person not in people:
                continue
            rules = "\n".join(f"add rule inet home rules {rule}" for rule in POLICIES[policy])
            self._nft(f"home_{home.person}", f"flush chain inet home rules\n{rules}\n")

    def divert(self, port: int, to: int) -> None:
        """Lead connections to this TCP port, wherever they go, to port `to` of the home's own router."""
        for home in HOMES:
            self._nft(f"home_{home.person}", DIVERSION % (port, to))

    def rebind(self, person: str) -> None:
        """Their NAT forgets its mappings of UDP; a symmetric one takes other ports now. Nobody is told."""
        self._bindings += 1
        remove = "add table inet binding\ndelete table inet binding\n"
        self._nft(f"home_{person}", remove + REBIND % self._bindings)

    def move(self, person: str) -> None:
        """They lose their address and get another one, as on the way from one access point to the next."""
        home = next(home for home in HOMES if home.person == person)
        old, new = (f"{home.lan[2 + number % MOVES]}/28" for number in (self._moves, self._moves + 1))
        self._moves += 1
        self.order(
            person, f"addr del {old} dev eth0", f"addr add {new} dev eth0", f"route add default via {home.router}"
        )

    def order(self, name: str, *orders: str) -> None:
        """Orders for ip(8) in this namespace."""
        subprocess.run([*self.inside(name, "ip"), "-batch", "-"], input="\n".join(orders) + "\n", text=True, check=True)

    def wrapper(self, name: str, program: str, folder: Path) -> Path:
        """An executable that runs the program in this namespace."""
        path = folder / f"{Path(program).name}-{name}"
        path.write_text(f'#!/bin/sh\nexec {" ".join(self.inside(name, program))} "$@"\n')
        path.chmod(0o755)
        return path

    def shrink_receive_buffers(self, name: str) -> None:
        """New TCP connections of this namespace take 16 KiB ahead of their reader."""
        self._run(*self.inside(name, "sysctl", "-qw", "net.ipv4.tcp_rmem=4096 16384 16384"))

    def processes(self, name: str) -> list[int]:
        """Those that run in this namespace."""
        listed = subprocess.run(["ip", "netns", "pids", self._name(name)], capture_output=True, text=True, check=True)
        return [int(line) for line in listed.stdout.split()]

    def close(self) -> None:
        """Idempotent."""
        while self._names:
            name = self._names.pop()
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
            shutil.rmtree(FILES / name, ignore_errors=True)

    def _name(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _build(self, translation: str, server_nat: Mapping[str, int] | None) -> None:
        self._add("server")
        self._add("backbone", forwards=True)
        if server_nat is None:
            self._join("server", "eth0", f"{SERVER}/24", f"{SERVER_V6}/64", "backbone", "srv")
        else:
            self._build_server_nat(server_nat)
        for home in HOMES:
            router, number = f"home_{home.person}", home.number
            self._add(router, forwards=True)
            self._add(home.person)
            self._join(router, "wan", f"{home.wan[2]}/29", f"2001:db8:{number}::2/64", "backbone", f"h{number}")
            self._join(home.person, "eth0", f"{home.lan[2]}/28", f"2001:db8:{number}0::2/64", router, "lan")
            if 6 in self._versions:
                route = ["route", "add", f"2001:db8:{number}0::/64", "via", f"2001:db8:{number}::2"]
                self._ip("-n", self._name("backbone"), "-6", *route)
            self._nft(router, NAT % translation)

    def _build_server_nat(self, ports: Mapping[str, int]) -> None:
        self._add("server_nat", forwards=True)
        self._join("server_nat", "wan", f"{SERVER}/24", f"{SERVER_V6}/64", "backbone", "srv")
        self._join("server", "eth0", f"{INSIDE}/29", "2001:db8:6::10/64", "server_nat", "lan")
        rules = "".join(
            f"  {protocol} dport {outside} dnat to {INSIDE}:{inside};\n"
            for mapped, inside in ports.items()
            for protocol, outside in [mapped.split(":")]
        )
        self._nft("server_nat", SERVER_NAT % rules)

    def _add(self, name: str, *, forwards: bool = False) -> None:
        full = self._name(name)
        self._ip("netns", "add", full)
        self._names.append(full)
        (FILES / full).mkdir(parents=True, exist_ok=True)
        known = "" if name in self._nameless else f"{SERVER} {NAME}\n"
        (FILES / full / "hosts").write_text(f"127.0.0.1 localhost\n{known}")
        # Where nobody listens, so that what is not known is known at once.
        (FILES / full / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        self._ip("-n", full, "link", "set", "lo", "up")
        switches = [f"net.ipv4.ip_forward={int(forwards)}", f"net.ipv6.conf.all.forwarding={int(forwards)}"]
        # Who refuses does so each time: Linux would answer six times and then swallow all but one a second, and a
        # name that a browser looks up is waited for as long as its resolver has patience.
        switches.append("net.ipv4.icmp_ratelimit=0")
        # An address that is tried out for a second first is a change of network to a browser that loads a page.
        switches.extend(f"net.ipv6.conf.{devices}.accept_dad=0" for devices in ("all", "default"))
        self._run(*self.inside(name, "sysctl", "-qw", *switches))

    def _join(self, name: str, device: str, v4: str, v6: str, router: str, router_device: str) -> None:
        """A link to `router`, which has the first address of the network and becomes the default route."""
        inside, outside = self._name(name), self._name(router)
        self._ip(
            "link", "add", device, "netns", inside, "type", "veth", "peer", "name", router_device, "netns", outside
        )
        for interface in self._interfaces(v4, v6):
            gateway = f"{interface.network[1]}/{interface.network.prefixlen}"
            more = ["nodad"] if interface.version == 6 else []
            self._ip("-n", inside, "addr", "add", str(interface), "dev", device, *more)
            self._ip("-n", outside, "addr", "add", gateway, "dev", router_device, *more)
        self._ip("-n", inside, "link", "set", device, "up")
        self._ip("-n", outside, "link", "set", router_device, "up")
        for interface in self._interfaces(v4, v6):
            network = interface.network
            self._ip("-n", inside, f"-{network.version}", "route", "add", "default", "via", str(network[1]))

    def _interfaces(self, *addresses: str) -> list[Interface]:
        return [own for own in map(ipaddress.ip_interface, addresses) if own.version in self._versions]

    def _nft(self, name: str, rules: str) -> None:
        subprocess.run(self.inside(name, "nft", "-f", "-"), input=rules, text=True, check=True)

    def _ip(self, *arguments: str) -> None:
        self._run("ip", *arguments)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


def missing() -> str | None:
    """What this machine lacks for an internet of its own, if anything."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    absent = [program for program in ("ip", "nft", "sysctl") if shutil.which(program) is None]
    return f"{', '.join(absent)} is not installed: 'make network' installs it" if absent else None
