"""Two strangers in real Chromium windows see each other move, whatever lies between them and the server.

Where ICE over TCP gets through, the relay's own TURN does too, and browsers take the one or the other: here it is off
(`test_turn_inside.py`).
"""

from pathlib import Path

import pytest

from tests.kit.browsers import Person
from tests.kit.turn import SECRET
from tests.network.conftest import ENGINE, NO_TURN, Connect, Tell
from tests.network.internet import SERVER, SERVER_V6
from tests.network.people import ann_and_bob, meet, path
from tests.network.processes import Server, serving
from tests.network.turn import NAME, coturn
from tests.network.ways import PLAIN, SECURE, THROUGH_PROXY, proxies, refuses


async def has_path(server: Server, people: tuple[Person, Person], carrier: str, **expected: object) -> None:
    """The browsers' selected pairs are as expected, and the server's statistics say the same."""
    await server.has_paths({carrier: 2})
    for person in people:
        selected = await path(person)
        assert {name: selected[name] for name in expected} == expected, selected


async def test_udp_is_blocked(connect: Connect, tmp_path: Path, tell: Tell) -> None:
    internet = connect(ipv6=False)
    internet.forbid("udp_blocked")
    async with serving(internet, **NO_TURN, **ENGINE) as server, ann_and_bob(internet, PLAIN, tmp_path) as people:
        tell("UDP blocked", await meet(*people))
        await has_path(server, people, "tcp", protocol="tcp", remote=SERVER, port=8080)


async def test_only_tcp_443_is_open(connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell) -> None:
    internet = connect(ipv6=False)
    internet.forbid("only_tcp_443")
    async with (
        serving(internet, port="443", **certificate, **NO_TURN, **ENGINE) as server,
        ann_and_bob(internet, SECURE, tmp_path) as people,
    ):
        tell("Only TCP 443", await meet(*people))
        await has_path(server, people, "tcp", protocol="tcp", remote=SERVER, port=443)


async def test_only_an_http_proxy_is_there(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell
) -> None:
    internet = connect(ipv6=False)
    async with (
        proxies(internet),
        serving(internet, port="443", **certificate, **NO_TURN, **ENGINE) as server,
        ann_and_bob(internet, SECURE, tmp_path, THROUGH_PROXY) as people,
    ):
        tell("Only a CONNECT proxy", await meet(*people))
        await has_path(server, people, "tcp", protocol="tcp", remote=SERVER, port=443)


async def test_the_proxy_insists_on_tls_and_turn_is_outside(
    connect: Connect, certificate: dict[str, str], tmp_path: Path, tell: Tell
) -> None:
    internet = connect(ipv6=False)
    settings = {
        "port": "443",
        "turn_urls": f"turns:{NAME}:443?transport=tcp",
        "turn_secret": SECRET,
        "turn_sni": NAME,
        **certificate,
        **NO_TURN,
        **ENGINE,
    }
    async with (
        proxies(internet, "--tls", f"{NAME}={SERVER}") as through,
        coturn(internet, certificate, tmp_path),
        serving(internet, **settings) as server,
        ann_and_bob(internet, SECURE, tmp_path, THROUGH_PROXY) as people,
    ):
        tell("A CONNECT proxy that insists on TLS, through coturn", await meet(*people))
        await has_path(server, people, "turn_tls", type="relay", relay="tls")
        await refuses(internet, through, "not TLS", "-px", "{proxy}", f"http://{SERVER}:443/")


async def test_there_is_no_ipv4(connect: Connect, tmp_path: Path, tell: Tell) -> None:
    internet = connect(ipv4=False)
    url = f"http://[{SERVER_V6}]:8080/"
    async with serving(internet, **ENGINE) as server, ann_and_bob(internet, url, tmp_path) as people:
        tell("IPv6 only", await meet(*people))
        await has_path(server, people, "udp", protocol="udp", remote=SERVER_V6, port=8080)


@pytest.mark.parametrize("carrier", ["udp", "tcp"])
async def test_the_server_is_behind_a_nat_with_other_ports(
    connect: Connect, tmp_path: Path, tell: Tell, carrier: str
) -> None:
    internet = connect(ipv6=False, server_nat={"tcp:5080": 8080, "udp:5081": 8080})
    if carrier == "tcp":
        internet.forbid("udp_blocked")
    url = f"http://{SERVER}:5080/"
    settings = {"public_address": SERVER, "public_tcp_port": "5080", "public_udp_port": "5081", **NO_TURN, **ENGINE}
    async with (
        serving(internet, **settings) as server,
        ann_and_bob(internet, url, tmp_path) as people,
    ):
        tell(f"Server behind NAT, {carrier}", await meet(*people))
        await has_path(server, people, carrier, protocol=carrier, port=5081 if carrier == "udp" else 5080)
