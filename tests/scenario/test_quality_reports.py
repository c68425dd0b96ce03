"""What browsers say of their conversations: believed as far as it can be true, kept with the room, summed."""

from typing import Any

import pytest

from relay.app import Relay
from relay.config.settings import Settings
from relay.observe.verdict import Verdict
from tests.kit.people import introduce, until, visit
from tests.kit.servers import on_loopback

GOOD = {
    "seconds": 1.5,
    "frames_per_second": 29.5,
    "freezes": 2,
    "frozen_seconds": 0.6,
    "width": 640,
    "height": 480,
    "loss": 0.02,
    "round_trip": 0.04,
    "path": {"type": "host", "protocol": "udp", "relay_protocol": None},
}


async def test_reports_are_kept_with_the_room_and_summed(relay: Relay) -> None:
    reported = relay.tally.reported
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        await ann.say("first_frame", room_id=found["room_id"], medium="picture", seconds=0.07)
        await ann.say("quality_report", room_id=found["room_id"], **GOOD)
        await until(lambda: reported.verdicts[Verdict.TAKEN] == 2)
        (room,) = relay._rooms.rooms()
        kept = [impression.latest for impression in room.impressions.values()]
        assert [report.frames_per_second for report in kept if report] == [29.5], "one side has spoken"
        await bob.say("leave_room")
        await ann.hear("partner_disconnected")
    assert relay._rooms.rooms() == []
    assert (reported.seconds, reported.freezes, reported.frozen_seconds) == (1.5, 2, 0.6)
    assert (reported.frame_rate.sum, reported.height.sum, reported.loss.sum) == (29.5, 480, 0.02)
    assert reported.first_frame["picture"].sum == 0.07


async def test_a_browser_that_tells_little_is_heard(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        await ann.say("quality_report", room_id=found["room_id"], seconds=1.0)
        await until(lambda: relay.tally.reported.verdicts[Verdict.TAKEN] == 1)
    assert relay.tally.reported.frame_rate.count == 0


async def test_reports_of_another_conversation_are_passed_over_without_a_word(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        await ann.say("quality_report", room_id="nowhere", **GOOD)
        await introduce(ann, bob)
        await ann.say("first_frame", room_id="elsewhere", medium="sound", seconds=0.1)
        await until(lambda: relay.tally.reported.verdicts[Verdict.STALE] == 2)
    assert relay.tally.reported.seconds == 0
    assert relay.tally.refusals.total() == 0


@pytest.mark.parametrize("change", [{"seconds": 60.0}, {"frozen_seconds": 30.0}])
async def test_nobody_is_believed_more_time_than_has_passed(relay: Relay, change: dict[str, float]) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        await ann.say("quality_report", room_id=found["room_id"], **{**GOOD, **change})
        await until(lambda: relay.tally.reported.verdicts[Verdict.IMPLAUSIBLE] == 1)
    assert relay.tally.reported.frozen_seconds == 0


async def test_only_the_first_frame_is_the_first(relay: Relay) -> None:
    async with visit(relay.port) as ann, visit(relay.port) as bob:
        found, _ = await introduce(ann, bob)
        for seconds in (0.2, 0.1):
            await ann.say("first_frame", room_id=found["room_id"], medium="sound", seconds=seconds)
        await until(lambda: relay.tally.reported.verdicts[Verdict.IMPLAUSIBLE] == 1)
    assert relay.tally.reported.first_frame["sound"].sum == 0.2


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": 0},
        {"frames_per_second": 241},
        {"freezes": -1},
        {"freezes": 1.5},
        {"frozen_seconds": 1e9},
        {"width": 20_000},
        {"loss": 1.01},
        {"round_trip": 1e999},
        {"path": {"type": "pigeon", "protocol": "udp"}},
        {"room_id": "r" * 65},
    ],
)
async def test_a_report_out_of_bounds_is_refused(relay: Relay, change: dict[str, Any]) -> None:
    async with visit(relay.port) as ann:
        await ann.say("quality_report", **{"room_id": "r", **GOOD, **change})
        assert (await ann.hear("error"))["code"] == "invalid_message"


class TestOften:
    @pytest.fixture
    def settings(self) -> Settings:
        return on_loopback(rate_report=6)

    async def test_reports_that_come_too_often_are_refused(self, relay: Relay) -> None:
        async with visit(relay.port) as ann:
            for _ in range(3):
                await ann.say("quality_report", room_id="r", seconds=1.0)
            error = await ann.hear("error")
        assert (error["code"], error["refused"]) == ("rate_limited", "quality_report")
        assert relay.tally.limit_hits["report"] == 1
