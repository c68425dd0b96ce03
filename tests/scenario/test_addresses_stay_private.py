"""Nothing that one person receives tells where the other one is."""

import asyncio
import socket

import aioice.ice
import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport

from relay.app import Relay
from tests.kit.people import MediaVisitor, brightness, introduce, visit

ANN, BOB = "127.201.83.146", "127.174.39.221"
"""Without zeros: a report of low numbers may well have the bytes of 127.0.0.2."""


async def test_no_message_and_no_packet_carries_the_partners_address(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: dict[int, list[bytes]] = {}
    for name in ("_handle_rtp_data", "_handle_rtcp_data"):
        original = getattr(RTCDtlsTransport, name)

        async def record(
            self: RTCDtlsTransport, data: bytes, *args: object, original: object = original, **kwargs: object
        ) -> None:
            opened.setdefault(id(self), []).append(data)
            await original(self, data, *args, **kwargs)  # type: ignore[operator]

        monkeypatch.setattr(RTCDtlsTransport, name, record)

    async with visit(relay.port) as ann, visit(relay.port) as bob:
        people = []
        for visitor, address, luma in ((ann, ANN, 60), (bob, BOB, 200)):
            monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6, address=address: [address])
            person = MediaVisitor(visitor, luma)
            await person.connect()
            assert address in person.connection.localDescription.sdp
            people.append(person)
        await introduce(ann, bob)
        await asyncio.gather(brightness(people[0], 200), brightness(people[1], 60))
        # A sender report comes within 1.5 s, and with it the CNAME.
        await asyncio.sleep(2)
        for person, partner in zip(people, (BOB, ANN), strict=True):
            transport = person.connection.getTransceivers()[0].receiver.transport
            packets = opened[id(transport)]
            assert len(packets) > 50
            assert any(b"relay" in packet for packet in packets), "no CNAME was seen"
            for received in (*(frame.encode() for frame in person.visitor.frames), *packets):
                assert partner.encode() not in received
                assert socket.inet_aton(partner) not in received
        await asyncio.gather(*(person.close() for person in people))
