"""How far what a browser says of a conversation is believed."""

import pytest

from relay.observe.verdict import Verdict
from relay.protocol.messages import FirstFrame, FirstSign, QualityReport
from relay.room.impression import SLACK, Impression


def report(seconds: float, frozen: float | None = None) -> QualityReport:
    return QualityReport(room_id="r", seconds=seconds, frozen_seconds=frozen)


def test_reports_are_believed_while_together_they_fit_into_the_conversation() -> None:
    impression = Impression()
    assert impression.note(report(10), 10.1) is Verdict.TAKEN
    assert impression.note(report(10), 20.2) is Verdict.TAKEN
    assert impression.note(report(10), 21.0) is Verdict.IMPLAUSIBLE
    assert impression.note(report(10), 30.0) is Verdict.TAKEN, "what was not believed does not count"


def test_a_freeze_may_be_longer_than_the_report_in_which_it_ends() -> None:
    impression = Impression()
    assert impression.note(report(10, 0), 10) is Verdict.TAKEN
    assert impression.note(report(10, 14), 20) is Verdict.TAKEN
    assert impression.note(report(10, 18 + SLACK), 30) is Verdict.IMPLAUSIBLE


@pytest.mark.parametrize(("seconds", "verdict"), [(5, Verdict.TAKEN), (5 + 2 * SLACK, Verdict.IMPLAUSIBLE)])
def test_a_first_frame_comes_after_the_pairing(seconds: float, verdict: Verdict) -> None:
    assert Impression().note(FirstFrame("r", FirstSign.PICTURE, seconds), 5) is verdict
