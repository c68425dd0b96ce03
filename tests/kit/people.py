"""A visitor without a browser: speaks the WebSocket protocol, and WebRTC with a stock aiortc peer connection."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import aiohttp
import msgspec
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from av import AudioFrame, VideoFrame
from av.frame import Frame

from relay.protocol.messages import Role

PATIENCE = 10.0
"""Seconds that anything in a scenario may take."""

SECTIONS = (
    ("audio", "sendonly", Role.MICROPHONE),
    ("video", "sendonly", Role.CAMERA),
    ("video", "sendonly", Role.SCREEN),
    ("audio", "recvonly", Role.PARTNER_MICROPHONE),
    ("video", "recvonly", Role.PARTNER_CAMERA),
    ("video", "recvonly", Role.PARTNER_SCREEN),
)


class Visitor:
    """One WebSocket to the server, and what came over it."""

    token = ""
    """The session's, as of the last greeting."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[str] = []

    async def say(self, event: str, **data: Any) -> None:
        """Send one event."""
        await self.socket.send_json({"event": event, "data": data})

    async def hear(self, event: str) -> dict[str, Any]:
        """The data of the next event, which must be this one."""
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = await self.socket.receive_str()
                message = msgspec.json.decode(frame)
                if message["event"] != "ping" or event == "ping":
                    break
                await self.say("pong")
        self.frames.append(frame)
        assert message["event"] == event, frame
        data: dict[str, Any] = message["data"]
        self.token = data.get("session_token", self.token)
        return data

    def vanish(self) -> None:
        """Cut the connection without a word, as a pulled cable does."""
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()

    async def hear_close(self) -> int | None:
        """The code with which the server closes, with nothing said before."""
        async with asyncio.timeout(PATIENCE):
            message = await self.socket.receive()
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED), message
        return self.socket.close_code


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something that the server does by itself has happened."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the server has no event for tests
            await asyncio.sleep(0.01)


@asynccontextmanager
async def visit(port: int, address: str = "127.0.0.1") -> AsyncIterator[Visitor]:
    """Connect from this address, be greeted, and leave at the end."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(address, 0))) as client,
        client.ws_connect(f"http://127.0.0.1:{port}/ws", max_msg_size=0) as socket,
    ):
        visitor = Visitor(socket)
        await visitor.hear("connected")
        yield visitor


async def introduce(one: Visitor, other: Visitor, mode: str = "video") -> tuple[dict[str, Any], dict[str, Any]]:
    """Pair two visitors of a server where nobody waits; what each was told of the other."""
    await one.say("find_partner", mode=mode)
    await one.hear("waiting_for_partner")
    await other.say("find_partner", mode=mode)
    found = await asyncio.gather(one.hear("partner_found"), other.hear("partner_found"))
    assert found[0]["room_id"] == found[1]["room_id"]
    return found[0], found[1]


class Camera(MediaStreamTrack):
    """Plain pictures of one brightness, 320x240, `rate` of them a second."""

    kind = "video"

    def __init__(self, luma: int, rate: int = 15) -> None:
        super().__init__()
        self._luma = luma
        self._rate = rate
        self._count = 0
        self._started = asyncio.get_running_loop().time()

    async def recv(self) -> Frame:
        self._count += 1
        await asyncio.sleep(max(0.0, self._started + self._count / self._rate - asyncio.get_running_loop().time()))
        frame = VideoFrame(320, 240, "yuv420p")
        for plane, value in zip(frame.planes, (self._luma, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts, frame.time_base = self._count * 90_000 // self._rate, Fraction(1, 90_000)
        return frame


class Microphone(MediaStreamTrack):
    """A loud square wave in 20 ms pieces."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._started = asyncio.get_running_loop().time()

    async def recv(self) -> Frame:
        self._count += 1
        await asyncio.sleep(max(0.0, self._started + self._count / 50 - asyncio.get_running_loop().time()))
        frame = AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update((b"\x00\x40" * 48 + b"\x00\xc0" * 48) * 10)
        frame.sample_rate = 48_000
        frame.pts, frame.time_base = self._count * 960, Fraction(1, 48_000)
        return frame


def as_aiortc_reads(answer: str) -> str:
    """Where all sections share a transport it takes the candidates of the last one, and they are in the first (RFC 9143
    section 7.1.3)."""
    return answer + "".join(re.findall(r"a=(?:candidate|end-of-candidates).*\r\n", answer))


class MediaVisitor:
    """A visitor's peer connection: the same six sections that the browser client offers."""

    def __init__(
        self,
        visitor: Visitor,
        luma: int,
        video: str | None = None,
        sources: dict[Role, MediaStreamTrack] | None = None,
        turn: RTCIceServer | None = None,
    ) -> None:
        """A camera of this brightness and a microphone, or these `sources`; `video` is the only codec that the browser
        knows, such as VP8. With `turn` nothing else gets through."""
        self.visitor = visitor
        policy = RTCIceTransportPolicy.RELAY if turn else RTCIceTransportPolicy.ALL
        servers = [turn] if turn else []
        bundled = RTCBundlePolicy.MAX_BUNDLE
        self.connection = RTCPeerConnection(
            RTCConfiguration(iceServers=servers, iceTransportPolicy=policy, bundlePolicy=bundled)
        )
        sources = sources or {Role.MICROPHONE: Microphone(), Role.CAMERA: Camera(luma)}
        self._transceivers = [
            (role, self.connection.addTransceiver(sources.get(role, kind), direction=direction))
            for kind, direction, role in SECTIONS
        ]
        if video is not None:
            known = [codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.name in (video, "rtx")]
            for _, transceiver in self._transceivers:
                if transceiver.kind == "video":
                    transceiver.setCodecPreferences(known)
        self.answer = ""

    async def connect(self) -> None:
        """Offer, take the answer, and wait until the connection is up."""
        connected = asyncio.Event()

        @self.connection.on("connectionstatechange")
        def state_changed() -> None:
            if self.connection.connectionState == "connected":
                connected.set()

        await self.connection.setLocalDescription(await self.connection.createOffer())
        await self.visitor.say(
            "webrtc_offer",
            sdp=self.connection.localDescription.sdp,
            lines={transceiver.mid: role for role, transceiver in self._transceivers},
        )
        self.answer = (await self.visitor.hear("webrtc_answer"))["sdp"]
        await self.connection.setRemoteDescription(RTCSessionDescription(as_aiortc_reads(self.answer), "answer"))
        async with asyncio.timeout(PATIENCE):
            await connected.wait()

    def received(self, role: Role) -> MediaStreamTrack:
        """The track of one of the partner's lines."""
        return next(transceiver.receiver.track for of, transceiver in self._transceivers if of is role)

    async def close(self) -> None:
        await self.connection.close()


async def brightness(viewer: MediaVisitor, expected: int) -> None:
    """Wait until the partner's picture has about this brightness."""
    track = viewer.received(Role.PARTNER_CAMERA)
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = await track.recv()
            assert isinstance(frame, VideoFrame)
            if abs(float(np.mean(frame.to_ndarray(format="gray"))) - expected) < 20:
                return


async def loudness(listener: MediaVisitor) -> None:
    """Wait until the partner's sound is loud."""
    track = listener.received(Role.PARTNER_MICROPHONE)
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            if np.abs(frame.to_ndarray().astype(np.int32)).mean() > 3_000:
                return
