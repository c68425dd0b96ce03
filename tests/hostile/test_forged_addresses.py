"""Somebody who can write another's address as a source: what they can't do, and what they still can."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from OpenSSL import SSL

from relay.app import Relay
from relay.observe.drops import Drop
from relay.protocol.messages import Role
from tests.bench.attack.forger import Forger
from tests.kit.call import address_of, check, credentials_of, live_call, transport_of
from tests.kit.datagrams import CLOSE_NOTIFY_IN_THE_CLEAR, alert, client_hello, forgeries
from tests.kit.people import PATIENCE, MediaVisitor, until, visit

pytestmark = pytest.mark.usefixtures("loopback_candidates")


@pytest.fixture
async def forger(relay: Relay) -> AsyncIterator[Forger]:
    forger = Forger(relay.settings.network.udp_port)
    yield forger
    forger.close()


async def test_a_call_goes_on_whatever_is_sent_in_its_peoples_names(relay: Relay, forger: Forger) -> None:
    async with live_call(relay.port) as call:
        for seed in range(3):
            for person in call.people:
                for datagram in forgeries(credentials_of(person)[0], seed):
                    forger.send(address_of(person), datagram)
            await call.goes_on()
    drops = relay.stats().drops
    for reason in (Drop.EMPTY, Drop.STUN_BAD_INTEGRITY, Drop.DTLS_REFUSED, Drop.SRTP_REJECTED):
        assert drops[reason] >= 50, reason


async def test_handshakes_end_well_whatever_nonsense_comes_in_their_name(relay: Relay, forger: Forger) -> None:
    nonsense = (alert(), CLOSE_NOTIFY_IN_THE_CLEAR, client_hello()[:30], b"\x16\xfe\xfd" + bytes(8) + b"\x00\x05hello")
    async with visit(relay.port) as ann:
        person = MediaVisitor(ann, 60)
        connecting = asyncio.create_task(person.connect())
        await until(lambda: bool(relay._connections._paths) or connecting.done())
        path = next(iter(relay._connections._paths.values()))
        while not connecting.done():
            for datagram in nonsense:
                forger.send((path.remote_host, path.remote_port), datagram)
            await asyncio.sleep(0.001)
        await connecting
        await person.close()
    assert relay.stats().drops[Drop.DTLS_REFUSED] > 0


async def test_a_forged_hello_spoils_one_handshake_at_most(relay: Relay, forger: Forger) -> None:
    """The bound of what remains to who forges a right ClientHello at the right moment."""
    async with live_call(relay.port) as call, visit(relay.port) as visitor:
        person = MediaVisitor(visitor, 100)
        known = set(relay._connections._paths)
        connecting = asyncio.create_task(person.connect())
        await until(lambda: set(relay._connections._paths) > known)
        path = relay._connections._paths[max(relay._connections._paths)]
        forger.send((path.remote_host, path.remote_port), client_hello())
        await asyncio.wait([connecting], timeout=PATIENCE / 5)
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await person.close()
        await call.goes_on()
    async with visit(relay.port) as visitor:
        again = MediaVisitor(visitor, 100)
        await again.connect()
        await again.close()


async def test_a_right_check_of_somebody_else_takes_nobodys_address(relay: Relay, forger: Forger) -> None:
    async with live_call(relay.port) as call, visit(relay.port) as eve:
        mallory = MediaVisitor(eve, 100)
        await mallory.connect()
        credentials = credentials_of(mallory)
        for _ in range(50):
            forger.send(address_of(call.ann), check(*credentials, nominate=True))
        await until(lambda: relay.stats().drops.get(Drop.STUN_ADDRESS_HELD, 0) >= 50)
        await call.goes_on()
        await mallory.close()


@pytest.mark.parametrize("nominate", [False, True])
async def test_a_recorded_check_steals_nothing(relay: Relay, forger: Forger, nominate: bool) -> None:
    async with live_call(relay.port) as call:
        recorded = check(*credentials_of(call.ann), nominate=nominate)
        forger.send(address_of(call.ann), recorded)
        before = dict(relay._connections._paths)
        for port in range(2_000, 2_200):
            forger.send(("127.0.0.1", port), recorded)
        await until(lambda: relay.stats().drops.get(Drop.STUN_REPLAYED, 0) >= 200)
        assert relay._connections._paths == before
        await call.goes_on()


WATCHED = 5.0
"""Seconds that a bystander is watched: a call sends them a hundred datagrams and more, if it sends any."""


async def test_a_bystander_gets_less_than_three_times_what_was_sent_in_their_name(relay: Relay) -> None:
    """A person's own right check, with somebody else's address as its source. To the relay a second socket that asks
    and never answers is the same, and needs no raw one."""
    async with live_call(relay.port) as call:
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as bystander:
            bystander.bind(("127.0.0.77", 0))
            bystander.setblocking(False)
            sent = check(*credentials_of(call.bob), nominate=True)
            bystander.sendto(sent, ("127.0.0.1", relay.settings.network.udp_port))
            received = 0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCHED):
                    while True:
                        received += len(await asyncio.get_running_loop().sock_recv(bystander, 2_048))
            assert 0 < received <= 3 * len(sent)
            await call.goes_on()


async def test_renegotiation_is_refused(relay: Relay) -> None:
    async with live_call(relay.port) as call:
        transport = transport_of(call.ann)
        assert transport._ssl is not None
        transport._ssl.renegotiate()
        for _ in range(20):
            with contextlib.suppress(SSL.Error):
                transport._ssl.do_handshake()
            await transport._write_ssl()
            await asyncio.sleep(0.01)
        await call.goes_on()
        assert call.bob.received(Role.PARTNER_CAMERA).readyState == "live"
