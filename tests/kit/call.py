"""A live call between two aiortc visitors, and who watches it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aioice import stun
from aiortc import RTCDtlsTransport
from av import VideoFrame

from relay.protocol.messages import Role
from relay.tasks import Tasks
from tests.kit.people import PATIENCE, MediaVisitor, Visitor, introduce, visit

PASSWORD = "p" * 24
"""Of browsers that offer `tests.kit.offers.offer()`."""

STAYING = 3.0
"""Seconds between signs of life."""

STEADY = 15
"""Pictures in a row that show that a call goes on."""


@dataclass(frozen=True, slots=True)
class Call:
    """Ann and Bob, who see each other."""

    ann: MediaVisitor
    bob: MediaVisitor

    @property
    def people(self) -> tuple[MediaVisitor, MediaVisitor]:
        return self.ann, self.bob

    async def goes_on(self) -> None:
        """Both still get pictures, and neither was told of any trouble."""
        await asyncio.gather(*(watch(person, STEADY) for person in self.people))
        assert [person.connection.connectionState for person in self.people] == ["connected", "connected"]


@asynccontextmanager
async def live_call(port: int) -> AsyncIterator[Call]:
    """Connect two people and wait until both see the other."""
    async with visit(port) as first, visit(port) as second:
        call = Call(MediaVisitor(first, 60), MediaVisitor(second, 200))
        await asyncio.gather(*(person.connect() for person in call.people))
        await introduce(first, second)
        await asyncio.gather(*(watch(person, 1) for person in call.people))
        tasks = Tasks("call", _fail)
        for visitor in (first, second):
            tasks.start("stay", _stay(visitor))
        try:
            yield call
        finally:
            await tasks.close()
            await asyncio.gather(*(person.close() for person in call.people))


async def _stay(visitor: Visitor) -> None:
    """One who is not heard of is given up; nobody reads what the server asks meanwhile."""
    with suppress(ConnectionError):
        while True:
            await asyncio.sleep(STAYING)
            await visitor.say("pong")


def _fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


async def watch(viewer: MediaVisitor, pictures: int) -> None:
    """Wait until this many more pictures of the partner came."""
    track = viewer.received(Role.PARTNER_CAMERA)
    async with asyncio.timeout(PATIENCE):
        for _ in range(pictures):
            assert isinstance(await track.recv(), VideoFrame)


def credentials_of(person: MediaVisitor) -> tuple[str, str]:
    """The server's ufrag and password for this person."""
    found = [re.search(rf"a=ice-{name}:(\S+)", person.answer) for name in ("ufrag", "pwd")]
    assert found[0]
    assert found[1]
    return found[0].group(1), found[1].group(1)


def transport_of(person: MediaVisitor) -> RTCDtlsTransport:
    """The one DTLS transport of a connection: it seals what it is given."""
    transport: RTCDtlsTransport = person.connection.getTransceivers()[0].sender.transport
    return transport


def address_of(person: MediaVisitor) -> tuple[str, int]:
    """Where the person sends from."""
    pair = next(iter(transport_of(person).transport._connection._nominated.values()))
    host, port = pair.local_addr
    return host, port


def check(ufrag: str, password: str, *, nominate: bool = False) -> bytes:
    """A right connectivity check."""
    request = stun.Message(
        stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": f"{ufrag}:them", "PRIORITY": 1}
    )
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    request.add_fingerprint()
    return bytes(request)


def question_in(datagram: bytes) -> stun.Message | None:
    """A check of the server's own, which asks whether somebody there receives."""
    if datagram[:1] != b"\0":
        return None
    message = stun.parse_message(datagram)
    return message if message.message_class is stun.Class.REQUEST else None


def answer_to(question: stun.Message, password: str = PASSWORD) -> bytes:
    """What a browser says to it."""
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, question.transaction_id)
    answer.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", 1)
    answer.add_message_integrity(password.encode())
    answer.add_fingerprint()
    return bytes(answer)
