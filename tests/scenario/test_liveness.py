"""Anyone who talks with somebody that is not there any more is told, within ten seconds."""

import asyncio

import aiohttp
import pytest

from relay.app import Relay
from relay.session.presence import GIVEN_UP_AFTER, LOOK_INTERVAL, SILENT_AFTER
from relay.tasks import Tasks
from relay.transport import bindings
from tests.kit.people import MediaVisitor, Visitor, introduce, visit

WITHIN = 10.0
"""Seconds after which a partner knows."""


async def _hear_by_and_by(visitor: Visitor, event: str) -> float:
    """Answer the server until it says so; how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(2 * WITHIN):
        while True:
            frame = await visitor.socket.receive_json()
            if frame["event"] == event:
                return loop.time() - began
            assert frame["event"] == "ping"
            await visitor.say("pong")


async def _say_that_it_runs(visitor: Visitor) -> None:
    """For a page whose messages nobody reads."""
    while True:
        await visitor.say("pong")
        await asyncio.sleep(2)


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


async def test_a_page_that_does_not_run_is_told_of_though_its_browser_answers(relay: Relay) -> None:
    """Its WebSocket stays open, and the pings of that are answered: by the browser, not by the page."""
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        assert await _hear_by_and_by(ann, "partner_reconnecting") < WITHIN
        # When it runs again it finds its connection closed, and comes back.
        async with asyncio.timeout(WITHIN):
            while (message := await bob.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        async with visit(relay.port) as again:
            await again.say("resume", token=bob.token)
            assert (await again.hear("resumed"))["room_id"] == found["room_id"]
            await ann.hear("partner_resumed")


async def test_who_only_reads_is_not_silent(relay: Relay) -> None:
    """`ping` is answered, and nothing else has to be said."""
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        for _ in range(3):
            for _ in range(SILENT_AFTER - 1):
                relay._presence.look_for_silence()
            for visitor in (ann, bob):
                assert await visitor.hear("ping") == {}
                await visitor.say("pong")
            # When this has come the answers before it have, too.
            await ann.say("typing", active=True)
            await bob.hear("typing")
            await bob.say("typing", active=True)
            await ann.hear("typing")


async def test_who_is_in_nobodys_way_is_not_asked(relay: Relay) -> None:
    async with visit(relay.port) as ann:
        for _ in range(2 * SILENT_AFTER):
            relay._presence.look_for_silence()
        await ann.say("find_partner")
        await ann.hear("waiting_for_partner")


@pytest.mark.usefixtures("loopback_candidates")
async def test_media_that_stops_is_told_of_and_so_is_its_return(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """A way for UDP that is gone: the WebSocket does not notice."""
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        media = [MediaVisitor(ann, 60), MediaVisitor(bob, 200)]
        await asyncio.gather(*(one.connect() for one in media))
        await introduce(ann, bob)
        tasks = Tasks("pages", fail)
        tasks.start("bob", _say_that_it_runs(bob))
        transport = media[1].connection.getTransceivers()[0].sender.transport.transport._connection
        held: list[bytes] = []
        sent = {pair: pair.protocol.transport.sendto for pair in transport._nominated.values()}
        for pair in sent:
            monkeypatch.setattr(pair.protocol.transport, "sendto", lambda *datagram: held.append(datagram[0]))
        assert await _hear_by_and_by(ann, "partner_reconnecting") < WITHIN
        assert held
        for pair, sendto in sent.items():
            monkeypatch.setattr(pair.protocol.transport, "sendto", sendto)
        assert await _hear_by_and_by(ann, "partner_resumed") < bindings.QUIET_TIMEOUT
        await tasks.close()
        for one in media:
            await one.close()


async def test_who_can_not_be_reached_is_paired_with_nobody(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        await ann.say("find_partner")
        await ann.hear("waiting_for_partner")
        session = next(iter(relay._directory.sessions()))
        relay._connections._silent.add(session.user)
        relay._presence.media_changed(session.user)
        await bob.say("find_partner")
        await bob.hear("waiting_for_partner")
        relay._connections._silent.discard(session.user)
        relay._presence.media_changed(session.user)
        await asyncio.gather(ann.hear("partner_found"), bob.hear("partner_found"))


async def test_a_page_that_hears_nothing_may_ask_in_any_state(relay: Relay) -> None:
    """Also one who is typing all the time, and is therefore never asked."""
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await ann.say("ping")
        assert await ann.hear("pong") == {}
        await introduce(ann, bob)
        await ann.say("ping")
        assert await ann.hear("pong") == {}


GIVEN_UP_WITHIN = (GIVEN_UP_AFTER + 1) * LOOK_INTERVAL + 0.5
"""Seconds after which nobody waits any more for a partner who never came."""


async def test_nobody_waits_long_for_a_partner_who_never_came(relay: Relay) -> None:
    """Half a minute is for a conversation that there was."""
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        await introduce(ann, bob)
        bob.vanish()
        await ann.hear("partner_reconnecting")
        told = asyncio.get_running_loop().time()
        assert await ann.hear("partner_disconnected") == {"reason": "disconnected", "searching": True}
        assert asyncio.get_running_loop().time() - told < GIVEN_UP_WITHIN
        await ann.hear("waiting_for_partner")
        async with visit(port) as again:
            await again.say("resume", token=bob.token)
            assert (await again.hear("error"))["code"] == "resume_failed"


async def test_whose_network_changes_as_they_are_paired_has_time_to_come_back(relay: Relay) -> None:
    port = relay.port
    async with visit(port) as ann, visit(port) as bob:
        found, _ = await introduce(ann, bob)
        bob.vanish()
        await ann.hear("partner_reconnecting")
        for _ in range(GIVEN_UP_AFTER - 2):
            relay._presence.look_for_ghosts()
        async with visit(port) as again:
            await again.say("resume", token=bob.token)
            assert (await again.hear("resumed"))["room_id"] == found["room_id"]
            await ann.hear("partner_resumed")
            # From now on they were there.
            again.vanish()
            await ann.hear("partner_reconnecting")
            for _ in range(GIVEN_UP_AFTER):
                assert relay._presence.look_for_ghosts() == []


@pytest.mark.parametrize("sign", ["a word", "a picture"])
async def test_for_whom_there_was_their_partner_waits(relay: Relay, sign: str) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        if sign == "a word":
            await bob.say("typing", active=True)
            await ann.hear("typing")
        else:
            await ann.say("first_frame", room_id=found["room_id"], medium="picture", seconds=0.1)
            await ann.say("ping")
            await ann.hear("pong")
        bob.vanish()
        await ann.hear("partner_reconnecting")
        for _ in range(GIVEN_UP_AFTER):
            assert relay._presence.look_for_ghosts() == []


@pytest.mark.usefixtures("loopback_candidates")
async def test_for_whose_media_comes_their_partner_waits(relay: Relay) -> None:
    """Though their camera is off, so that they were neither seen nor heard yet."""
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        media = MediaVisitor(bob, 200)
        await media.connect()
        await introduce(ann, bob)
        bob.vanish()
        await ann.hear("partner_reconnecting")
        for _ in range(GIVEN_UP_AFTER):
            assert relay._presence.look_for_ghosts() == []
        await media.close()


@pytest.mark.usefixtures("loopback_candidates")
async def test_somebody_whose_computer_slept_as_they_were_paired_is_given_up(relay: Relay) -> None:
    """Their connection was made while they waited. Then nothing comes of it, nor of their page."""
    port = relay.port
    loop = asyncio.get_running_loop()
    async with visit(port) as ann, visit(port) as bob:
        media = MediaVisitor(bob, 200)
        await media.connect()
        await bob.say("find_partner")
        await bob.hear("waiting_for_partner")
        transport = media.connection.getTransceivers()[0].sender.transport.transport._connection
        with pytest.MonkeyPatch.context() as asleep:
            for pair in transport._nominated.values():
                asleep.setattr(pair.protocol.transport, "sendto", lambda *datagram: None)
            await ann.say("find_partner")
            await ann.hear("partner_found")
            began = loop.time()
            await _hear_by_and_by(ann, "partner_reconnecting")
            await _hear_by_and_by(ann, "partner_disconnected")
            assert loop.time() - began < WITHIN + GIVEN_UP_WITHIN
        await media.close()


async def test_a_page_that_runs_is_heard_of_before_it_is_given_up(relay: Relay) -> None:
    """Only its media stopped, in the moment in which it was paired: it is asked at once, and answers."""
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await introduce(ann, bob)
        session = relay._directory.sessions()[-1]
        relay._connections._silent.add(session.user)
        relay._presence.media_changed(session.user)
        await ann.hear("partner_reconnecting")
        # Without that it would be in four seconds.
        async with asyncio.timeout(2):
            assert await bob.hear("ping") == {}
        await bob.say("typing", active=True)
        await ann.hear("typing")
        for _ in range(GIVEN_UP_AFTER):
            assert relay._presence.look_for_ghosts() == []
