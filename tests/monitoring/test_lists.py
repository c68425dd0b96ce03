"""What `docs/` lists is what the code has."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.monitoring import listed


@pytest.mark.parametrize(("name", "write"), [("metrics.md", listed.figures), ("log-events.md", listed.events)])
def test_lists_are_as_the_code_is(name: str, write: Callable[[], str]) -> None:
    assert (listed.DOCS / name).read_text() == write(), "`make lists` writes it anew"


def test_an_event_that_nobody_explained_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(listed.MEANINGS, "stopped")
    with pytest.raises(ValueError, match="stopped"):
        listed.events()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("log.info('one', user=1)", "one"),
        ("log.info('one' if x else 'other')", "other"),
        ("log.info(NAMED)", "named"),
        ("log.info(event)", "said"),
    ],
)
def test_events_are_found_however_they_are_written(line: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "part.py"
    head = "log = get_logger('part')\nNAMED = 'named'\nclass Part:\n    def other(self): self.say('said')\n"
    file.write_text(f"{head}    def say(self, event):\n        {line}\n")
    found = list(listed.events_in(file))
    assert name in {event.name for event in found}
    assert {(event.level, event.logger) for event in found} == {("info", "relay.part")}


def test_an_event_that_can_not_be_told_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "part.py"
    file.write_text("log = get_logger('part')\ndef say(x, y):\n    log.info(x + y)\n")
    with pytest.raises(ValueError, match=r"x \+ y"):
        list(listed.events_in(file))
