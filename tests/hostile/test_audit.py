"""What an auditor's answer means: silence is not a clean bill."""

import json
from pathlib import Path

import pytest

from tests.hostile.audit import Answer, Outcome, ask, exit_code, judge_cargo, judge_npm, judge_pip

KNOWN = {"name": "aiohttp", "version": "1.0", "vulns": [{"id": "GHSA-1"}]}
FINE = {"name": "attrs", "version": "1.0", "vulns": []}
UNASKED = {"name": "yarl", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("dependencies", "outcome"),
    [
        ([FINE], Outcome.CLEAN),
        ([FINE, UNASKED], Outcome.NOT_REACHED),
        ([], Outcome.NOT_REACHED),
        ([KNOWN, UNASKED], Outcome.VULNERABLE),
    ],
)
def test_packages_that_nobody_knew_of_are_not_clean(dependencies: list[dict[str, object]], outcome: Outcome) -> None:
    assert judge_pip(json.dumps({"dependencies": dependencies})).outcome is outcome


def test_npm_and_cargo_are_understood() -> None:
    total = {"metadata": {"dependencies": {"total": 7}}}
    assert judge_npm(json.dumps({"vulnerabilities": {}, **total})) == Answer(Outcome.CLEAN, "7 packages")
    found = {"vulnerabilities": {"vite": {"severity": "high"}}, **total}
    assert judge_npm(json.dumps(found)) == Answer(Outcome.VULNERABLE, "vite (high)")
    refused = {"message": "405 Method Not Allowed"}
    assert judge_npm(json.dumps(refused)) == Answer(Outcome.NOT_REACHED, "405 Method Not Allowed")
    crates = {"lockfile": {"dependency-count": 3}, "vulnerabilities": {"list": []}}
    assert judge_cargo(json.dumps(crates)) == Answer(Outcome.CLEAN, "3 crates")


def test_an_auditor_that_is_missing_or_fails_reached_nothing(tmp_path: Path) -> None:
    assert ask(["no-such-auditor"], tmp_path, judge_pip).outcome is Outcome.NOT_REACHED
    assert ask(["sh", "-c", "echo no network >&2; false"], tmp_path, judge_pip).words == "no network"


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ((Outcome.CLEAN,), 0),
        ((Outcome.CLEAN, Outcome.NOT_REACHED), 2),
        ((Outcome.NOT_REACHED, Outcome.VULNERABLE), 1),
    ],
)
def test_the_worst_answer_is_the_one_that_counts(outcomes: tuple[Outcome, ...], code: int) -> None:
    assert exit_code({str(number): Answer(outcome, "") for number, outcome in enumerate(outcomes)}) == code
