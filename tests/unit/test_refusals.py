"""What the operator is told of who was kept out."""

import pytest

from relay.observe.happenings import KeptOut
from relay.observe.reasons import Reason
from relay.observe.refusals import AGAIN_AFTER, LONGEST_CAUSE, MOST_CAUSES, REMEDIES, Refusals


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_reason_has_a_remedy() -> None:
    assert set(REMEDIES) == set(Reason)


def test_a_cause_is_logged_once_an_hour_and_counted_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    refused = Refusals(clock)
    for _ in range(3):
        refused.note(KeptOut(reason=Reason.ORIGIN, cause="https://a.example", fields={"origin": "https://a.example"}))
    refused.note(KeptOut(reason=Reason.ORIGIN, cause="https://b.example"))
    assert capsys.readouterr().out.count("origin_refused") == 2
    clock.now = AGAIN_AFTER
    refused.note(KeptOut(reason=Reason.ORIGIN, cause="https://a.example", fields={"origin": "https://a.example"}))
    written = capsys.readouterr().out
    assert written.count("origin_refused") == 1
    assert "times=5" in written
    assert "RELAY_ALLOWED_ORIGINS" in written
    assert refused.times(Reason.ORIGIN) == 5


def test_strangers_who_vary_what_they_say_do_not_fill_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    refused = Refusals(Clock())
    for number in range(10 * MOST_CAUSES):
        refused.note(KeptOut(reason=Reason.HOST, cause=f"{number}.example", fields={"host": f"{number}{'x' * 1_000}"}))
    written = capsys.readouterr().out
    assert written.count("host_refused") == MOST_CAUSES
    assert "x" * LONGEST_CAUSE not in written
    refused.note(KeptOut(reason=Reason.ORIGIN, cause="https://a.example"))
    assert "origin_refused" in capsys.readouterr().out, "one reason does not silence another"


def test_the_latest_comes_first_with_what_it_concerned(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Refusals(Clock())
    for at, reason in enumerate((Reason.ORIGIN, Reason.HOST, Reason.ORIGIN)):
        monkeypatch.setattr("relay.clock.unix", lambda at=at: float(at))
        refused.note(KeptOut(reason=reason, cause=f"cause {at}"))
    latest = [(seen.reason, seen.times, seen.at, seen.cause) for seen in refused.latest()]
    assert latest == [(Reason.ORIGIN, 2, 2.0, "cause 2"), (Reason.HOST, 1, 1.0, "cause 1")]
