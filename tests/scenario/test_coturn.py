"""The coturn configuration that the project ships, run by the real coturn: it relays to us and to nobody else."""

import asyncio
import contextlib
import datetime
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice import stun, turn
from cryptography import x509

from relay.config.settings import Settings
from relay.front.self_signed import CERTIFICATE, KEY, self_signed
from relay.ids import UserId
from relay.session.turn import OutsideTurn
from tests.kit.ports import free_port
from tests.kit.turn import CONFIGURATION, COTURN, PATIENCE, RELAY, SECRET

RUN = CONFIGURATION.with_name("run.sh")

MOST_ALLOCATIONS = 8
STRANGER = "127.0.0.3"
QUOTA_REACHED = 486
"""RFC 8656 section 7.2."""


class Echo(asyncio.DatagramProtocol):
    """A peer that says back what it hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait(data)
        assert self.transport is not None
        self.transport.sendto(data, addr)


class Listener(asyncio.DatagramProtocol):
    """Somebody behind TURN."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait(data)


def credentials(secret: str = SECRET, now: float | None = None, user: str = "ann") -> tuple[str, str]:
    settings = Settings.of(turn_urls=("turn:turn.test",), turn_secret=secret, turn_lifetime=60)
    moment = datetime.datetime.now(datetime.UTC).timestamp() if now is None else now
    (server,) = OutsideTurn.configured(settings.turn).servers(UserId(user), moment)
    assert server.username is not None
    assert server.credential is not None
    return server.username, server.credential


async def through(port: int, peer: str, name: tuple[str, str]) -> bytes:
    """What a peer says back through the TURN server."""
    loop = asyncio.get_running_loop()
    there, _ = await loop.create_datagram_endpoint(Echo, local_addr=(peer, 0))
    address = there.get_extra_info("sockname")
    here = Listener()
    transport = None
    try:
        transport, _ = await turn.create_turn_endpoint(
            lambda: here, server_addr=(COTURN, port), username=name[0], password=name[1], transport="tcp"
        )
        transport.sendto(b"hello", address)
        async with asyncio.timeout(PATIENCE):
            return await here.heard.get()
    finally:
        there.close()
        if transport is not None:
            transport.close()


async def test_media_passes_to_the_relay_with_our_credentials(coturn: int) -> None:
    assert await through(coturn, RELAY, credentials()) == b"hello"


async def test_no_other_peer_is_reached(coturn: int, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises((stun.TransactionFailed, TimeoutError)):
        await through(coturn, STRANGER, credentials())


@pytest.mark.parametrize("name", [credentials(secret="another secret"), credentials(now=1_000.0)])
async def test_wrong_and_outdated_credentials_are_refused(coturn: int, name: tuple[str, str]) -> None:
    with pytest.raises(stun.TransactionFailed) as refused:
        await through(coturn, RELAY, name)
    assert refused.value.response.attributes["ERROR-CODE"][0] == 401


async def test_one_person_gets_eight_allocations_and_leaves_room_for_the_next(coturn: int) -> None:
    earlier = credentials(now=datetime.datetime.now(datetime.UTC).timestamp() - 1)
    async with contextlib.AsyncExitStack() as allocations:

        async def allocate(name: tuple[str, str]) -> None:
            transport, _ = await turn.create_turn_endpoint(
                asyncio.DatagramProtocol,
                server_addr=(COTURN, coturn),
                username=name[0],
                password=name[1],
                transport="tcp",
            )
            allocations.callback(transport.close)

        for _ in range(MOST_ALLOCATIONS):
            await allocate(credentials())
        for name in (credentials(), earlier):
            with pytest.raises(stun.TransactionFailed) as refused:
                await allocate(name)
            assert refused.value.response.attributes["ERROR-CODE"][0] == QUOTA_REACHED
        await allocate(credentials(user="bob"))


async def serial(port: int) -> int:
    """Of the certificate that is shown to those who connect now."""
    text = await asyncio.to_thread(ssl.get_server_certificate, (COTURN, port))
    return x509.load_pem_x509_certificate(text.encode()).serial_number


@pytest.fixture
async def shipped(tmp_path: Path) -> AsyncIterator[int]:
    """Its port for TLS, started as the service is in compose.yaml. Certificates are looked at more often."""
    self_signed(tmp_path, (), datetime.datetime.now(datetime.UTC))
    hand_over(tmp_path)
    port = free_port()
    text = RUN.read_text()
    for old, new in (
        ("/etc/coturn/turnserver.conf", str(CONFIGURATION)),
        ("/var/tmp/turnserver.conf", str(tmp_path / "turnserver.conf")),  # noqa: S108 - the container's own
        ("/certificates/", f"{tmp_path}/"),
        ("sleep 60", "sleep 0.2"),
    ):
        assert old in text
        text = text.replace(old, new)
    options = [f"--listening-ip={COTURN}", f"--relay-ip={COTURN}", f"--pidfile={tmp_path}/pid", f"--db={tmp_path}/db"]
    options += [f"--listening-port={free_port()}", f"--tls-listening-port={port}", "--allow-loopback-peers"]
    environment = {"PATH": os.environ["PATH"], "TURN_SECRET": SECRET, "DOMAIN": "turn.test", "PUBLIC_ADDRESS": RELAY}
    environment["WATCHED_AT"] = COTURN
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", text, "run.sh", *options),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await serial(port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                break
    yield port
    process.terminate()
    await process.wait()


def hand_over(folder: Path) -> None:
    """The certificate that is there, under the names by which coturn has it."""
    for made, name in ((CERTIFICATE, "fullchain.pem"), (KEY, "privkey.pem")):
        (folder / name).write_bytes((folder / made).read_bytes())


async def test_a_renewed_certificate_is_shown_to_the_next_and_who_talks_goes_on(shipped: int, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    there, _ = await loop.create_datagram_endpoint(Echo, local_addr=(RELAY, 0))
    here = Listener()
    any_certificate = ssl.create_default_context()
    any_certificate.check_hostname, any_certificate.verify_mode = False, ssl.CERT_NONE
    username, password = credentials()
    talking, _ = await turn.create_turn_endpoint(
        lambda: here,
        server_addr=(COTURN, shipped),
        username=username,
        password=password,
        transport="tcp",
        ssl=any_certificate,
    )
    first = await serial(shipped)
    async with asyncio.timeout(3 * PATIENCE):
        talking.sendto(b"before", there.get_extra_info("sockname"))
        assert await here.heard.get() == b"before"
        (tmp_path / KEY).unlink()
        self_signed(tmp_path, (), datetime.datetime.now(datetime.UTC))
        hand_over(tmp_path)
        while await serial(shipped) == first:  # noqa: ASYNC110 - coturn tells nobody
            await asyncio.sleep(0.1)
        talking.sendto(b"after", there.get_extra_info("sockname"))
        assert await here.heard.get() == b"after"
    talking.close()
    there.close()
