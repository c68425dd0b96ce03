"""What is made of sums by the hour, and how it is written for a spreadsheet."""

import csv
import io
from typing import get_args

import pytest

from relay.ids import PeerId, RoomId, UserId
from relay.observe.browsers import UNKNOWN
from relay.observe.happenings import (
    Happening,
    Matched,
    MediaConnected,
    MediaFailed,
    RoomEnded,
    RoomOpened,
    SessionClosed,
    SessionOpened,
    VisitorCame,
)
from relay.protocol.messages import Mode, PartingReason
from relay.store.analytics import MOST_DAYS, MOST_DAYS_BY_HOUR, SUMS, Period, Step, Window, analytics, window
from relay.store.chronicle import Chronicle
from relay.store.facts import Fact, SumFact
from relay.web.operator.analytics import table

NOW = 20_000 * Step.DAY + 9 * Step.HOUR + 1_234
ANN, BOB, ROOM = UserId("ann"), UserId("bob"), RoomId("room")


@pytest.mark.parametrize(
    ("days", "wanted", "step", "rows"),
    [
        (1, Step.HOUR, Step.HOUR, 24),
        (30, Step.DAY, Step.DAY, 30),
        (MOST_DAYS_BY_HOUR, Step.HOUR, Step.HOUR, 24 * MOST_DAYS_BY_HOUR),
        (MOST_DAYS_BY_HOUR + 1, Step.HOUR, Step.DAY, MOST_DAYS_BY_HOUR + 1),
        (10**6, Step.HOUR, Step.DAY, MOST_DAYS),
        (0, Step.HOUR, Step.HOUR, 24),
    ],
)
def test_a_window_ends_with_the_step_that_goes_on_and_is_bounded(
    days: int, wanted: Step, step: Step, rows: int
) -> None:
    shown = window(days, wanted, NOW)
    assert shown.step is step
    assert (shown.ends - shown.begins) // step == rows
    assert shown.ends - step <= NOW < shown.ends
    assert shown.begins % step == 0


def test_means_are_of_all_that_happened_and_not_of_hours() -> None:
    shown = Window(0, 3 * Step.HOUR, Step.HOUR)
    busy = {"waits": 9.0, "waited_seconds": 9.0, "media_connected": 9.0, "ended_next": 1.0, "room_seconds": 60.0}
    busy |= {"visitors_new": 3.0, "visitors_returned": 1.0}
    quiet = {"waits": 1.0, "waited_seconds": 31.0, "media_failed": 1.0, "ended_left": 2.0, "room_seconds": 0.0}
    told = analytics(shown, {0: busy, 2 * Step.HOUR: quiet})
    assert [period.mean_wait for period in told.periods] == [1.0, None, 31.0]
    assert [period.success for period in told.periods] == [1.0, None, 0.0]
    assert [period.retention for period in told.periods] == [0.25, None, None]
    assert (told.total.mean_wait, told.total.success, told.total.mean_room) == (4.0, 0.9, 20.0)


def test_every_sum_that_is_asked_for_is_one_that_is_kept() -> None:
    noted: list[Fact] = []
    chronicle = Chronicle(noted.append, lambda: NOW)
    happened: list[Happening] = [SessionOpened(user=ANN, source="", browser=UNKNOWN), Matched(waited=(1.0,))]
    happened += [RoomOpened(room=RoomId(mode), mode=mode, users=(ANN, BOB)) for mode in Mode]
    for number, reason in enumerate(PartingReason):
        room = RoomId(f"room {number}")
        happened.append(RoomOpened(room=room, mode=Mode.TEXT, users=(ANN, BOB)))
        happened.append(RoomEnded(room=room, reason=reason, seconds=1.0, users=(ANN, BOB), by=ANN))
    happened.append(MediaConnected(user=ANN, peer=PeerId(1), path="udp", seconds=0.1, browser=UNKNOWN))
    happened.append(MediaFailed(user=ANN, peer=PeerId(1), reason="", path="udp", browser=UNKNOWN, was_connected=False))
    happened += [VisitorCame(has_returned=True), VisitorCame(has_returned=False)]
    happened.append(SessionClosed(user=ANN, reason="left"))
    for happening in happened:
        chronicle.note(happening)
    chronicle.sum_up()
    assert set(SUMS) <= {fact.name for fact in noted if isinstance(fact, SumFact)}


def test_a_table_has_a_line_for_each_period_with_times_of_utc() -> None:
    shown = Window(0, 2 * Step.HOUR, Step.HOUR)
    written = table(analytics(shown, {Step.HOUR: {"sessions": 3.0, "waits": 2.0, "waited_seconds": 5.0}}))
    assert written.endswith("\r\n")
    first, second = csv.DictReader(io.StringIO(written))
    assert (first["begins_utc"], second["begins_utc"]) == ("1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z")
    assert (first["people"], first["mean_wait"]) == ("0", "")
    assert (second["people"], second["mean_wait"]) == ("3", "2.5")


def test_no_cell_of_a_table_can_be_a_formula() -> None:
    """What a stranger chose is never among it: all fields but the time are numbers, and none is below zero."""
    for field in Period.__annotations__.values():
        assert field in (int, float | None), f"{field}: what {get_args(field)} may hold has to be made safe"
    shown = Window(0, Step.HOUR, Step.HOUR)
    for line in csv.reader(io.StringIO(table(analytics(shown, {0: dict.fromkeys(SUMS, 1e6)})))):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line)
