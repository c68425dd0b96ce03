"""Prometheus's own tool fires every alert and leaves it quiet: what `rules_test.yml` promises is there for each.

Whether a promise is kept is found by breaking the rule: one that never fires, and one that always does, must each
fail a test of that alert's name. Needs promtool: `make test-monitoring`.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tests.kit.prometheus import ALERTS, RULES, RULES_TEST

EXPRESSION = r"(- alert: {alert}\n +expr:)(.*?)(?=\n +(?:for|labels):)"
"""What an alert asks, on one line or several."""
NEVER = "vector(0) > 1"
ALWAYS = "vector(1)"


def complaints(alert: str, rules: str, folder: Path) -> str:
    """What promtool says of this alert's tests with these rules; empty if all is well."""
    head, *tests = re.split(r"(?=^  - name: )", RULES_TEST, flags=re.MULTILINE)
    (folder / "rules.yml").write_text(rules)
    (folder / "rules_test.yml").write_text(head + "".join(test for test in tests if f"- name: {alert} " in test))
    tested = subprocess.run(
        ["promtool", "test", "rules", "rules_test.yml"], cwd=folder, capture_output=True, text=True, check=False
    )
    return "" if tested.returncode == 0 else tested.stdout + tested.stderr


def asking(alert: str, expression: str) -> str:
    """The rules with another condition for this alert, and no waiting for it."""
    rules, replaced = re.subn(EXPRESSION.format(alert=alert), rf"\1 {expression}", RULES, flags=re.DOTALL)
    assert replaced == 1
    return re.sub(rf"(- alert: {alert}\n +expr: [^\n]*\n) +for: [^\n]*\n", r"\1", rules)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_that_would_never_fire_is_found_out(alert: str, tmp_path: Path) -> None:
    found = complaints(alert, asking(alert, NEVER), tmp_path)
    assert re.search(rf"name: {alert} fires .*\n +alertname: {alert},", found), found


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_that_would_always_fire_is_found_out(alert: str, tmp_path: Path) -> None:
    found = complaints(alert, asking(alert, ALWAYS), tmp_path)
    assert re.search(rf"name: {alert} stays .*\n +alertname: {alert},", found), found
