"""TCP connections that say nothing, little, or what is no protocol of ours."""

import asyncio
import contextlib
import socket
import time

import pytest

from relay import app
from relay.app import Relay
from relay.front import mux
from relay.observe.drops import Drop
from tests.kit.call import live_call
from tests.kit.hellos import client_hello
from tests.kit.people import visit
from tests.kit.servers import on_loopback, running
from tests.kit.wire import Wire, wire

pytestmark = pytest.mark.usefixtures("loopback_candidates")

TLS_JUNK = b"\x16\x03\x01\xff\xff" + bytes(9_000)
ENDLESS_HELLO = b"\x16\x03\x01\x20\x00\x01\x00\x1f\xfc\x03\x03" + bytes(8_000)
TLS_WITH_A_LYING_NAME = (
    b"\x16\x03\x01\x00\x48\x01\x00\x00\x44\x03\x03" + bytes(32) + b"\x00\x00\x02\x13\x01\x01\x00\x00\x19"
    b"\x00\x00\x00\x15\x00\xff\x00\x00\x10" + b"turn.example.org" + b"\x00\x00\x00\x00"
)


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x00" * 500,
        b"\xff\xff" + bytes(2_000),
        b"\x00\x14\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12) + b"\xff\xff" + bytes(3_000),
        b"\x05\xdc\x00\x01\x05\xc8\x21\x12\xa4\x42" + bytes(1_490),
        TLS_JUNK,
        TLS_WITH_A_LYING_NAME,
        b"\x16\x03\x01\x00\x00" * 100,
        b"\x80" * 100,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x05\x01\x00",
    ],
)
async def test_what_is_no_protocol_of_ours_is_closed(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(mux, "PATIENCE", 0.3)
    async with wire(relay.port) as raw:
        await raw.send(content)
        answer = await raw.rest(12)
    assert len(answer) < 1_000
    async with visit(relay.port):
        pass


async def test_who_says_nothing_or_next_to_nothing_is_not_waited_for(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mux, "PATIENCE", 0.4)
    async with wire(relay.port) as silent, wire(relay.port) as slow:

        async def trickle() -> None:
            for byte in ENDLESS_HELLO[:30]:
                await slow.send(bytes([byte]))
                await asyncio.sleep(0.03)

        began = time.monotonic()
        await asyncio.gather(silent.rest(), slow.rest(), trickle())
        assert time.monotonic() - began < 5
    assert relay.drops[Drop.TCP_SILENT] == 2


async def test_of_the_silent_one_address_has_only_so_many(relay: Relay) -> None:
    async with contextlib.AsyncExitStack() as stack:
        crowd: list[Wire] = [await stack.enter_async_context(wire(relay.port)) for _ in range(200)]
        open_ones = await asyncio.gather(*(raw.is_open(0.5) for raw in crowd))
        assert sum(open_ones) == mux.MOST_SILENT_PER_ADDRESS
        assert relay.drops[Drop.TCP_CROWDED] == 200 - mux.MOST_SILENT_PER_ADDRESS


async def test_a_call_goes_on_while_thousands_connect(relay: Relay) -> None:
    async with live_call(relay.port) as call:

        async def knock(rounds: int) -> None:
            for _ in range(rounds):
                with contextlib.suppress(OSError):
                    async with wire(relay.port):
                        pass

        await asyncio.gather(call.goes_on(), *(knock(100) for _ in range(20)))
    assert relay.tally.task_failures == 0


async def test_one_address_takes_only_its_share_of_the_ways_to_the_turn_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "SPLICES_PER_PERSON", 3)
    hello = client_hello("turn.test")

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        backend = await asyncio.start_server(wait, sock=listener)
        turn: dict[str, object] = {
            "turn_urls": ("turns:turn.test:443?transport=tcp",),
            "turn_secret": "correct horse",
            "turn_sni": "turn.test",
            "turn_backend": f"127.0.0.1:{listener.getsockname()[1]}",
            "max_per_address": 1,
        }
        async with backend, running(on_loopback(**turn)) as relay, contextlib.AsyncExitStack() as stack:
            crowd: list[Wire] = [await stack.enter_async_context(wire(relay.port)) for _ in range(8)]
            for raw in crowd:
                await raw.send(hello)
            assert sum(await asyncio.gather(*(raw.is_open(0.5) for raw in crowd))) == 3
            assert relay.drops[Drop.TCP_CROWDED] == 5
