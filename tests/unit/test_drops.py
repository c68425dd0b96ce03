"""Why something went no further: the core and Python give it one name, and nobody names what never happens."""

import re
from pathlib import Path

import pytest

from relay.figures.history import LOST_HERE
from relay.observe.drops import Drop
from tests.kit.prometheus import DOCKER

ROOT = Path(__file__).parents[2]
CORE = ROOT / "relay/native/src"
REASONS = dict(re.findall(r'^    (\w+) = "(\w+)",$', (CORE / "counters.rs").read_text(), re.M))
"""What the core names, by the name of its variant."""


def code(root: Path, suffix: str, but: str) -> str:
    """Everything but the file that lists the names, and tests."""
    return "\n".join(
        file.read_text()
        for file in sorted(root.rglob(f"*{suffix}"))
        if file.name != but and not file.stem.endswith("tests")
    )


COUNTED_IN_THE_CORE = set(re.findall(r"\b(?:Reason|Self)::(\w+)", code(CORE, ".rs", "counters.rs")))
COUNTED_IN_PYTHON = set(re.findall(r"\bDrop\.([A-Z_]+)", code(ROOT / "relay", ".py", "drops.py")))


def test_the_reasons_of_the_core_were_read() -> None:
    assert len(REASONS) > 30


@pytest.mark.parametrize(("variant", "name"), REASONS.items())
def test_a_reason_of_the_core_is_a_drop_and_is_counted(variant: str, name: str) -> None:
    assert name in set(Drop)
    assert name.replace("_", "") == variant.lower()
    assert variant in COUNTED_IN_THE_CORE


@pytest.mark.parametrize("drop", Drop)
def test_a_drop_is_a_reason_of_the_core_or_counted_in_python(drop: Drop) -> None:
    assert drop in REASONS.values() or drop.name in COUNTED_IN_PYTHON


def test_the_dashboard_shows_as_lost_here_what_the_console_does() -> None:
    assert f'reason=~\\"{"|".join(LOST_HERE)}\\"' in (DOCKER / "grafana/dashboards/quality.json").read_text()
