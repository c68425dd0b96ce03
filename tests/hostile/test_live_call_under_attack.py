"""Datagrams from strangers, during set-up and in mid-call: the call goes on, the stranger hears nothing."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from av import VideoFrame

from relay.app import Relay
from relay.observe.drops import Drop
from relay.protocol.messages import Role
from tests.kit.datagrams import Stranger
from tests.kit.people import PATIENCE, MediaVisitor, introduce, until, visit

STEADY = 20
"""Pictures in a row that show that a call goes on."""


@pytest.fixture
async def stranger(relay: Relay) -> AsyncIterator[Stranger]:
    stranger = Stranger(relay.settings.network.udp_port)
    yield stranger
    stranger.close()


async def watch(viewer: MediaVisitor, pictures: int) -> None:
    """Wait until this many more pictures of the partner came."""
    track = viewer.received(Role.PARTNER_CAMERA)
    async with asyncio.timeout(PATIENCE):
        for _ in range(pictures):
            assert isinstance(await track.recv(), VideoFrame)


def ufrag_of(person: MediaVisitor) -> str:
    """The server's ufrag for this person, as an eavesdropper on a check could see it."""
    found = re.search(r"a=ice-ufrag:(\S+)", person.answer)
    assert found
    return found.group(1)


@pytest.mark.usefixtures("loopback_candidates")
async def test_a_call_is_set_up_and_goes_on_under_attack(relay: Relay, stranger: Stranger) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        people = [MediaVisitor(ann, 60), MediaVisitor(bob, 200)]
        for person in people:
            stranger.attack("unknown1")
            connecting = asyncio.create_task(person.connect())
            # Between the answer and the end of the handshake.
            await until(lambda person=person: bool(person.answer))  # type: ignore[misc]
            stranger.attack(ufrag_of(person))
            await connecting
        await introduce(ann, bob)
        await asyncio.gather(*(watch(person, 1) for person in people))
        for seed in range(5):
            for person in people:
                stranger.attack(ufrag_of(person), seed)
            await asyncio.gather(*(watch(person, STEADY) for person in people))
        assert [person.connection.connectionState for person in people] == ["connected", "connected"]
        assert stranger.answers() == []
        await asyncio.gather(*(person.close() for person in people))

    for reason in (
        Drop.EMPTY,
        Drop.OVERSIZED,
        Drop.STUN_MALFORMED,
        Drop.STUN_UNKNOWN_UFRAG,
        Drop.STUN_BAD_INTEGRITY,
        Drop.UNVERIFIED_SOURCE,
    ):
        assert relay.stats().drops[reason] >= 40, reason


@pytest.mark.usefixtures("loopback_candidates")
async def test_an_attack_is_not_logged_per_datagram(
    relay: Relay, stranger: Stranger, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for seed in range(10):
        stranger.attack("unknown1", seed)
    await asyncio.sleep(0)
    async with visit(relay.port):
        pass
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("\n") < 10
