"""One suite for every media port: real sockets on loopback, checks as browsers send them."""

import asyncio

import pytest
from aioice import stun

from relay import native
from relay.config.settings import EngineChoice, MediaSettings
from relay.ids import PeerId
from relay.media.choice import choose
from relay.observe.drops import Drop, Drops
from relay.transport import bindings
from relay.transport.bindings import ANSWERS, CHECKS_PER_SECOND
from relay.transport.port import Path
from tests.contract.media_ports import ADMITTED, ANN, BOB, CLIENT_HELLO, PASSWORD, Subject, check, fail, until
from tests.kit.ports import free_port


async def test_a_right_check_is_answered_with_the_address_it_came_from(subject: Subject) -> None:
    browser = subject.browser()
    answer = await browser.check()
    assert answer.message_class == stun.Class.RESPONSE
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == browser.address
    assert answer.check_message_integrity(PASSWORD.encode())
    await until(lambda: subject.listener.selected)
    assert subject.listener.selected == [(ANN, Path(*browser.address, "127.0.0.1"))]


async def test_who_was_admitted_before_is_answered_at_the_first_check(subject: Subject) -> None:
    """Orders come before datagrams that are sent later, however busy the threads are."""
    for number in range(ADMITTED):
        peer, ufrag = PeerId(100 + number), f"ufrag{number}"
        subject.admit(peer, ufrag)
        await subject.browser().check(ufrag)
        subject.port.release(peer)
    assert subject.dropped(Drop.STUN_UNKNOWN_UFRAG) == 0


async def test_checks_come_over_ipv6_too(subject: Subject) -> None:
    browser = subject.browser("::1")
    assert (await browser.check()).attributes["XOR-MAPPED-ADDRESS"] == browser.address
    await until(lambda: subject.listener.selected)
    assert subject.listener.selected == [(ANN, Path(*browser.address, "::1"))]


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", Drop.EMPTY),
        (bytes([100]) * 20, Drop.UNKNOWN_PROTOCOL),
        (bytes(2_000), Drop.OVERSIZED),
        (check()[:-1], Drop.STUN_MALFORMED),
        (check("eve"), Drop.STUN_UNKNOWN_UFRAG),
        (bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)), Drop.STUN_UNKNOWN_UFRAG),
        (check(password="wrong" * 5), Drop.STUN_BAD_INTEGRITY),
        (CLIENT_HELLO, Drop.UNVERIFIED_SOURCE),
        (b"\x80" + bytes(30), Drop.UNVERIFIED_SOURCE),
    ],
)
async def test_anything_else_from_a_stranger_is_dropped_in_silence_and_counted(
    subject: Subject, datagram: bytes, reason: Drop
) -> None:
    browser = subject.browser()
    browser.send(datagram)
    await until(lambda: subject.dropped(reason))
    assert await browser.hears_nothing()
    assert not subject.listener.selected
    assert not subject.listener.dtls
    # And the port still works.
    await browser.check()


async def test_dtls_passes_both_ways_once_the_address_is_proved(subject: Subject) -> None:
    browser, stranger = subject.browser(), subject.browser()
    await browser.check()
    stranger.send(CLIENT_HELLO)
    browser.send(CLIENT_HELLO)
    await until(lambda: subject.listener.dtls)
    assert subject.listener.dtls == [(ANN, CLIENT_HELLO)]
    subject.port.send_dtls(ANN, b"\x16server")
    assert await browser.receive() == b"\x16server"
    assert await stranger.hears_nothing()


async def test_what_is_sent_to_a_peer_without_a_flow_is_dropped_and_counted(subject: Subject) -> None:
    subject.port.send_dtls(ANN, b"\x16server")
    await until(lambda: subject.dropped(Drop.SEND_FAILED))


async def test_the_flow_moves_only_by_nomination(subject: Subject) -> None:
    home, away = subject.browser(), subject.browser()
    await home.check(nominate=True)
    assert await home.hears_nothing()
    await away.check()
    subject.port.send_dtls(ANN, b"\x16one")
    assert await home.receive() == b"\x16one"
    await away.check(nominate=True)
    assert await away.hears_nothing()
    subject.port.send_dtls(ANN, b"\x16two")
    assert await away.receive() == b"\x16two"
    await until(lambda: len(subject.listener.selected) == 2)
    assert [path.remote_port for _, path in subject.listener.selected] == [home.address[1], away.address[1]]


async def test_after_a_restart_the_old_credentials_hold_until_the_new_ones_nominate(subject: Subject) -> None:
    home, away = subject.browser(), subject.browser()
    await home.check("ann", nominate=True)
    subject.admit(ANN, "again")
    await home.check("ann")
    await away.check("again")
    await home.check("ann")
    await away.check("again", nominate=True)
    home.send(check("ann"))
    await until(lambda: subject.dropped(Drop.STUN_UNKNOWN_UFRAG))
    assert await home.hears_nothing()


async def test_a_released_peer_is_forgotten(subject: Subject) -> None:
    browser = subject.browser()
    await browser.check()
    subject.port.release(ANN)
    subject.port.release(ANN)
    browser.send(CLIENT_HELLO)
    await until(lambda: subject.dropped(Drop.UNVERIFIED_SOURCE))
    browser.send(check())
    await until(lambda: subject.dropped(Drop.STUN_UNKNOWN_UFRAG))
    assert await browser.hears_nothing()


async def test_an_address_that_its_owner_still_proves_is_nobody_elses(subject: Subject) -> None:
    subject.admit(BOB, "bob")
    browser = subject.browser()
    await browser.check("ann")
    browser.send(check("bob", nominate=True))
    await until(lambda: subject.dropped(Drop.STUN_ADDRESS_HELD))
    browser.send(CLIENT_HELLO)
    await until(lambda: subject.listener.dtls)
    assert subject.listener.dtls == [(ANN, CLIENT_HELLO)]
    subject.port.release(ANN)
    await browser.check("bob")
    browser.send(CLIENT_HELLO)
    await until(lambda: len(subject.listener.dtls) == 2)
    assert subject.listener.dtls[1] == (BOB, CLIENT_HELLO)


@pytest.mark.parametrize("nominate", [False, True])
async def test_a_check_that_is_played_again_from_elsewhere_moves_nothing(subject: Subject, nominate: bool) -> None:
    home, thief = subject.browser(), subject.browser()
    recorded = check(nominate=nominate)
    for _ in range(2):  # the browser itself may repeat it
        home.send(recorded)
        await home.receive()
    thief.send(recorded)
    await until(lambda: subject.dropped(Drop.STUN_REPLAYED))
    assert await thief.hears_nothing()
    subject.port.send_dtls(ANN, b"\x16one")
    assert await home.receive() == b"\x16one"
    thief.send(CLIENT_HELLO)
    await until(lambda: subject.dropped(Drop.UNVERIFIED_SOURCE))
    assert subject.listener.dtls == []


async def test_a_check_that_comes_again_moves_nothing(subject: Subject) -> None:
    home, away = subject.browser(), subject.browser()
    nomination = check(nominate=True)
    away.send(nomination)
    await away.receive()
    await home.check(nominate=True)
    assert await home.hears_nothing()
    for _ in range(ANSWERS - 1):
        away.send(nomination)
        await away.receive()
    away.send(nomination)
    await until(lambda: subject.dropped(Drop.STUN_REPLAYED))
    assert await away.hears_nothing()
    subject.port.send_dtls(ANN, b"\x16one")
    assert await home.receive() == b"\x16one"


async def test_who_checks_in_a_storm_is_answered_and_moves_only_so_often(subject: Subject) -> None:
    home, away = subject.browser(), subject.browser()
    for browser in (home, away):
        await browser.check(nominate=True)
        assert await browser.hears_nothing()
    storm = [check(nominate=True) for _ in range(3 * CHECKS_PER_SECOND)]
    began = asyncio.get_running_loop().time()
    for number, datagram in enumerate(storm):
        (home, away)[number % 2].send(datagram)
        await asyncio.sleep(0)
    # The core counts at once, and tells of moves a little later.
    await until(lambda: subject.dropped(Drop.FLOODED) and len(subject.listener.selected) > CHECKS_PER_SECOND / 2)
    # Each second that has begun has its own.
    most = CHECKS_PER_SECOND * (asyncio.get_running_loop().time() - began + 2)
    assert len(subject.listener.selected) <= most
    await asyncio.sleep(1)
    while not await home.hears_nothing():
        pass
    await home.check()


async def test_a_peer_that_stops_checking_loses_its_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "CONSENT_TIMEOUT", 0.05)
    for choice in EngineChoice:
        if choice is EngineChoice.PACKETS and not native.BUILT:
            continue
        number = free_port()
        subject = Subject(
            choose(MediaSettings(engine=choice), people=2, cache=1 << 20, drops=Drops(), report=fail), number
        )
        subject.open()
        subject.admit(ANN, "ann")
        browser = subject.browser()
        await browser.check()
        await until(lambda listener=subject.listener: listener.lost == [ANN])  # type: ignore[misc]
        # It stays admitted, so it can come back.
        await browser.check()
        await until(lambda listener=subject.listener: len(listener.selected) == 2)  # type: ignore[misc]
        await subject.close()


@pytest.mark.parametrize("sign", [check(), CLIENT_HELLO, b"\x80" + bytes(30)])
async def test_a_silent_peer_is_told_of_and_so_is_its_next_sign(
    engine: EngineChoice, monkeypatch: pytest.MonkeyPatch, sign: bytes
) -> None:
    monkeypatch.setattr(bindings, "QUIET_TIMEOUT", 0.05)
    number = free_port()
    subject = Subject(choose(MediaSettings(engine=engine), people=2, cache=1 << 20, drops=Drops(), report=fail), number)
    subject.open()
    subject.admit(ANN, "ann")
    browser = subject.browser()
    await browser.check()
    await until(lambda: subject.listener.silences == [(ANN, True)])
    # Nothing of a stranger's is a sign of hers.
    subject.browser().send(CLIENT_HELLO)
    await until(lambda: subject.dropped(Drop.UNVERIFIED_SOURCE))
    assert len(subject.listener.silences) == 1
    browser.send(sign)
    await until(lambda: len(subject.listener.silences) >= 2)
    assert subject.listener.silences[1] == (ANN, False)
    assert not subject.listener.lost
    await subject.close()


async def test_closing_twice_is_harmless(subject: Subject) -> None:
    await subject.port.close()
    await subject.port.close()
