"""When a path is asked, on the frames engine: the twin of the core's own tests."""

from relay.transport.path_validation import ASKED_AGAIN, RENEWAL_JITTER, RENEWED, KnownPath
from relay.transport.port import Path

HOME = Path("192.0.2.10", 40_000, "198.51.100.1")


def test_who_answered_once_and_no_more_is_asked_each_second_from_then_on() -> None:
    known = KnownPath(HOME, ("ann", "them"), 0.0)
    assert known.ask(0.0)
    known.answered(0.0)
    assert known.ask(RENEWED - 0.01) is None
    asked = RENEWED + RENEWAL_JITTER
    assert known.ask(asked)
    assert known.ask(asked + ASKED_AGAIN - 0.01) is None
    assert known.ask(asked + ASKED_AGAIN)
