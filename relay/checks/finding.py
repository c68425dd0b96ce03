"""What a check found, and how it is told: in plain words or as JSON."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """People may be kept out; it depends on who they are."""
    FAILURE = "failure"


class Finding(msgspec.Struct, frozen=True):
    """One line of the report."""

    check: str
    verdict: Verdict
    sentence: str


def ok(check: str, sentence: str) -> Finding:
    return Finding(check, Verdict.OK, sentence)


def warning(check: str, sentence: str) -> Finding:
    return Finding(check, Verdict.WARNING, sentence)


def failure(check: str, sentence: str) -> Finding:
    return Finding(check, Verdict.FAILURE, sentence)


_SIGNS = {Verdict.OK: "ok  ", Verdict.WARNING: "warn", Verdict.FAILURE: "FAIL"}


def in_words(findings: Sequence[Finding]) -> str:
    """For people."""
    width = max(len(finding.check) for finding in findings)
    return "\n".join(f"{_SIGNS[finding.verdict]}  {finding.check:<{width}}  {finding.sentence}" for finding in findings)


def in_json(findings: Sequence[Finding]) -> str:
    """For machines."""
    return msgspec.json.encode(findings).decode()


def exit_code(findings: Sequence[Finding]) -> int:
    """1 if something failed."""
    return int(any(finding.verdict is Verdict.FAILURE for finding in findings))
