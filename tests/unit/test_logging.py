"""What is logged, and what is not."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from relay.config.settings import LogFormat, LogLevel
from relay.observe.logs.folding import BURST, WINDOW, FoldingHandler
from relay.observe.logs.logging import configure, get_logger
from relay.observe.logs.pseudonyms import Pseudonyms
from relay.observe.logs.recent import KINDS, LONGEST, Recent


@pytest.mark.parametrize(
    "address", ["203.0.113.7", "2001:db8::7", "2001:db8:0:1:2:3:4:5", "::ffff:203.0.113.7", "fe80::1"]
)
@pytest.mark.parametrize("around", ["{}", "from {}", "({})", "peer={}, next", '{{"a":"{}"}}', "[{}]:443", "{}."])
def test_an_address_is_hidden_wherever_it_stands(address: str, around: str) -> None:
    hidden = Pseudonyms().hide(around.format(address))
    assert address not in hidden
    assert "203.0.113.7" not in hidden
    assert "address-" in hidden


def test_a_port_stays_and_its_address_goes() -> None:
    hidden = Pseudonyms().hide("udp 203.0.113.7:4711")
    assert hidden.startswith("udp address-")
    assert hidden.endswith(":4711")


def test_an_address_keeps_its_pseudonym_and_shares_it_with_nobody() -> None:
    pseudonyms = Pseudonyms()
    assert pseudonyms.hide("203.0.113.7") == pseudonyms.hide("::ffff:203.0.113.7")
    assert pseudonyms.hide("203.0.113.7") != pseudonyms.hide("203.0.113.8")
    assert pseudonyms.hide("203.0.113.7") != Pseudonyms().hide("203.0.113.7")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:50:12.123456Z",
        "09:50:12",
        "version 0.1.0",
        "127.0.0.1",
        "::",
        "::1",
        "core::port",
        "198.51.100.1",
    ],
)
def test_what_is_nobodys_address_stays(text: str) -> None:
    assert Pseudonyms(own=["198.51.100.1"]).hide(text) == text


class TestFloods:
    @pytest.fixture
    def written(self) -> io.StringIO:
        return io.StringIO()

    @pytest.fixture
    def flood(self, written: io.StringIO) -> Iterator["Flood"]:
        flood = Flood(written)
        yield flood
        flood.logger.removeHandler(flood.handler)

    def test_a_flood_becomes_its_beginning_and_one_line(self, flood: "Flood", written: io.StringIO) -> None:
        for number in range(1_000):
            flood.logger.warning("rubbish from %s", number)
        assert written.getvalue().count("\n") == BURST
        flood.now += WINDOW + 1
        flood.logger.warning("something else")
        lines = written.getvalue().splitlines()
        assert lines[BURST:] == [f"rubbish from %s (repeated {1_000 - BURST} times)", "something else"]

    def test_what_is_rare_is_always_written(self, flood: "Flood", written: io.StringIO) -> None:
        for number in range(200):
            flood.now += WINDOW / BURST * 2
            flood.logger.warning("now and then %s", number)
        assert written.getvalue().count("\n") == 200

    def test_a_flood_hides_nothing_else(self, flood: "Flood", written: io.StringIO) -> None:
        for _ in range(1_000):
            flood.logger.warning("rubbish")
        flood.logger.error("the one that matters")
        assert "the one that matters" in written.getvalue()

    def test_the_end_leaves_nothing_unsaid(self, flood: "Flood", written: io.StringIO) -> None:
        for _ in range(BURST + 3):
            flood.logger.warning("rubbish")
        flood.handler.close()
        assert "rubbish (repeated 3 times)" in written.getvalue()


class Flood:
    """A logger on a clock that the test turns."""

    def __init__(self, written: io.StringIO) -> None:
        self.now = 0.0
        self.handler = FoldingHandler(written, lambda: self.now)
        self.logger = logging.getLogger("test.flood")
        self.logger.addHandler(self.handler)


@pytest.mark.usefixtures("logging_as_it_was")
def test_we_and_the_libraries_write_the_same_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure(LogLevel.INFO, LogFormat.JSON)
    get_logger("room").info("room_ended", room="r1", reason="left", seconds=1.5)
    logging.getLogger("aioice.ice").warning("Connection(%d) %s", 7, "203.0.113.7")
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert {"event", "level", "logger", "timestamp"} <= set(ours) & set(theirs)
    assert (ours["logger"], ours["event"], ours["room"], ours["reason"]) == ("relay.room", "room_ended", "r1", "left")
    assert theirs["logger"] == "aioice.ice"
    assert theirs["event"].startswith("Connection(7) address-")


@pytest.mark.usefixtures("logging_as_it_was")
@pytest.mark.parametrize("form", LogFormat)
def test_a_traceback_tells_no_address(capsys: pytest.CaptureFixture[str], form: LogFormat) -> None:
    configure(LogLevel.INFO, form)
    get_logger("app").error("task_failed", exc_info=OSError("no route to 203.0.113.7"))
    written = capsys.readouterr().err
    assert "no route to address-" in written
    assert "203.0.113.7" not in written


class TestRecent:
    @pytest.fixture
    def recent(self) -> Iterator[Recent]:
        recent = Recent(Pseudonyms())
        recent.listen()
        yield recent
        recent.stop()

    def test_the_latest_trouble_comes_first_and_like_ones_are_counted(self, recent: Recent) -> None:
        logger = logging.getLogger("relay.web")
        for number in range(3):
            logger.warning("slow answer %d", number)
        logger.error("broken", exc_info=ValueError("by 203.0.113.7"))
        logger.info("all is well")
        latest, before = recent.troubles()
        assert (latest.level, latest.source, latest.event, latest.times) == ("error", "web", "broken", 1)
        assert latest.detail.startswith("ValueError: by address-")
        assert (before.event, before.detail, before.times) == ("slow answer %d", "slow answer 2", 3)

    def test_what_is_kept_of_one_is_bounded(self, recent: Recent) -> None:
        logging.getLogger("relay.web").error("x" * (LONGEST + 1), exc_info=ValueError("y" * LONGEST))
        (kept,) = recent.troubles()
        assert kept.event == "x" * LONGEST
        assert kept.detail == ("ValueError: " + "y" * LONGEST)[:LONGEST]

    def test_old_kinds_make_room(self, recent: Recent) -> None:
        logger = logging.getLogger("relay.web")
        for number in range(KINDS + 10):
            logger.warning(f"kind {number}")
        troubles = recent.troubles()
        assert len(troubles) == KINDS
        assert troubles[0].event == f"kind {KINDS + 9}"
