"""Asks the advisory databases about everything that is locked: `make audit`.

Three ends are told apart: clean, vulnerable, and not reached. A database that answers for nothing is not one that knows
of nothing. Ends with 1 if anything is vulnerable, with 2 if anything could not be asked.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).parents[2]
CRATES = ("relay/native", "relay/native/fuzz", "tests/load")
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock", "requirements-node.lock")


class Outcome(Enum):
    """How one question ended."""

    CLEAN = "clean"
    VULNERABLE = "VULNERABLE"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it, and the words for it."""

    outcome: Outcome
    words: str


def judge_pip(output: str) -> Answer:
    """Of `pip-audit --format json`: {"dependencies": [{"name", "version", "vulns"} or {"name", "skip_reason"}]}."""
    dependencies = json.loads(output)["dependencies"]
    found = [
        f"{each['name']} {each['version']}: {known['id']}" for each in dependencies for known in each.get("vulns", ())
    ]
    unknown = [each["name"] for each in dependencies if "skip_reason" in each]
    if found:
        return Answer(Outcome.VULNERABLE, "; ".join(found))
    if unknown or not dependencies:
        return Answer(Outcome.NOT_REACHED, f"no answer for {len(unknown)} of {len(dependencies)} packages")
    return Answer(Outcome.CLEAN, f"{len(dependencies)} packages")


def judge_npm(output: str) -> Answer:
    """Of `npm audit --json`: {"vulnerabilities": {name: {"severity"}}, "metadata"}, or {"error" or "message"}."""
    report = json.loads(output)
    if "vulnerabilities" not in report:
        error = report.get("error", {})
        return Answer(Outcome.NOT_REACHED, str(error.get("summary") or report.get("message") or "no report")[:200])
    if report["vulnerabilities"]:
        found = (f"{name} ({known['severity']})" for name, known in report["vulnerabilities"].items())
        return Answer(Outcome.VULNERABLE, "; ".join(found))
    return Answer(Outcome.CLEAN, f"{report['metadata']['dependencies']['total']} packages")


def judge_cargo(output: str) -> Answer:
    """Of `cargo audit --json`: {"lockfile", "vulnerabilities": {"list": [{"advisory", "package"}]}}."""
    report = json.loads(output)
    known = report["vulnerabilities"]["list"]
    if known:
        found = (f"{each['package']['name']} {each['package']['version']}: {each['advisory']['id']}" for each in known)
        return Answer(Outcome.VULNERABLE, "; ".join(found))
    return Answer(Outcome.CLEAN, f"{report['lockfile']['dependency-count']} crates")


def ask(command: Sequence[str], folder: Path, judge: Callable[[str], Answer]) -> Answer:
    """Run one auditor. Without a report that can be read nobody was asked."""
    if shutil.which(command[0]) is None:
        return Answer(Outcome.NOT_REACHED, f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        return judge(done.stdout)
    except (ValueError, KeyError, TypeError):
        complaint = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return Answer(Outcome.NOT_REACHED, complaint[-1][:200] if complaint else "it said nothing")


def exit_code(answers: Mapping[str, Answer]) -> int:
    """0 if all is clean, 1 if anything is vulnerable, else 2."""
    outcomes = {answer.outcome for answer in answers.values()}
    return 1 if Outcome.VULNERABLE in outcomes else 2 if Outcome.NOT_REACHED in outcomes else 0


def main() -> int:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pip-audit"]
    subprocess.run(pip, check=False)
    audit = [sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    answers = {lock: ask([*audit, "--requirement", lock], ROOT, judge_pip) for lock in LOCKS}
    answers["client"] = ask(["npm", "audit", "--json"], ROOT / "client", judge_npm)
    for crate in CRATES:
        answers[crate] = ask(["cargo-audit", "audit", "--json"], ROOT / crate, judge_cargo)
    for name, answer in answers.items():
        print(f"{name:24} {answer.outcome.value:12} {answer.words}")
    return exit_code(answers)


if __name__ == "__main__":
    sys.exit(main())
