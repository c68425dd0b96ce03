"""What a stranger writes does not become a line of the log, and no flood of theirs fills it."""

import io
import json
import logging
import sys

import pytest

from relay.app import Relay
from relay.config.settings import EngineChoice, LogFormat, LogLevel, Settings
from relay.observe.logs.logging import configure, get_logger
from tests.kit.people import visit
from tests.kit.servers import on_loopback
from tests.kit.wire import status_of

pytestmark = pytest.mark.usefixtures("logging_as_it_was")

TOKEN = "a token of the operator"
EVIL = "x\r\n2026-01-01 00:00:00 [error] forged line\x1b[2J\x1b]0;title\x07\u2028\u0085\x00end"


@pytest.fixture
def settings(engine: EngineChoice) -> Settings:
    return on_loopback(engine=engine, operator_token=TOKEN)


@pytest.fixture(params=LogFormat)
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The log of a server that was configured as `relay serve` does it."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure(LogLevel.INFO, request.param)
    return stream


def assert_no_line_is_a_strangers(text: str) -> None:
    assert not any(control in text for control in "\x1b\x07\x00\u2028\u0085\r")
    assert not any(line.startswith("2026-01-01") for line in text.splitlines())


def test_control_characters_in_a_field_are_escaped(written: io.StringIO) -> None:
    get_logger("web").warning("request_failed", path=EVIL)
    get_logger("web").warning(EVIL)
    logging.getLogger("aiortc").warning("theirs %s", EVIL)
    text = written.getvalue()
    assert "end" in text
    assert text.count("\n") == 3
    assert_no_line_is_a_strangers(text)


def test_control_characters_in_a_failure_are_escaped(written: io.StringIO) -> None:
    try:
        raise ValueError(EVIL)
    except ValueError as failure:
        get_logger("web").error("request_failed", exc_info=failure)
    assert_no_line_is_a_strangers(written.getvalue())


async def test_strangers_write_no_lines(relay: Relay, written: io.StringIO) -> None:
    port = relay.port
    for _ in range(12):
        request = b"GET /videochat/rooms HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \x1b[31mforged\r\n\r\n"
        assert await status_of(port, request) in (400, 401, 429)
    for path in (b"/%0d%0aforged", b"/%1b[2J", b"/\xff\xfe", b"/assets/%0a"):
        await status_of(port, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await status_of(port, b"GET / HTTP/1.1\r\nX: \x1b[2J\x00\r\n\r\n")
    async with visit(port) as visitor:
        await visitor.socket.send_str(json.dumps({"event": EVIL, "data": {}}))
        await visitor.hear("error")
        await visitor.say("chat_message", text=EVIL, id="1")
        await visitor.hear("error")
        await visitor.say("webrtc_offer", sdp=EVIL, lines={EVIL: "camera"})
        await visitor.hear("error")
    assert_no_line_is_a_strangers(written.getvalue())
    assert "forged" not in written.getvalue()


async def test_a_flood_of_visits_and_errors_is_a_bounded_log(relay: Relay, written: io.StringIO) -> None:
    for _ in range(120):
        async with visit(relay.port) as visitor:
            await visitor.socket.send_str("nonsense")
            await visitor.hear("error")
    # Two kinds of lines for 120 visits: opened and closed, of each the first 50.
    assert written.getvalue().count("\n") <= 101
