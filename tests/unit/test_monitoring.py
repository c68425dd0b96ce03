"""Alerts and dashboards ask for figures that exist, and every alert says what to do."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay.observe.figures import Figures
from relay.observe.metrics import Metrics
from relay.observe.pulse import Pulse
from relay.observe.tally import Tally

DOCKER = Path(__file__).parents[2] / "docker"
RULES = (DOCKER / "prometheus" / "rules.yml").read_text()
RULES_TEST = (DOCKER / "prometheus" / "rules_test.yml").read_text()
RUNBOOK = (DOCKER / "prometheus" / "runbook.md").read_text()

ALERTS = re.findall(r"- alert: (\w+)", RULES)
RECORDED = set(re.findall(r"- record: ([\w:]+)", RULES))
NAME = re.compile(r"\b(?:relay|process|python)[_:][a-z0-9_:]+")


def exposed() -> set[str]:
    """The names on the page of a server to which everything has happened once."""
    tally = Tally()
    tally.request("GET", "/", 200, 0.1)
    tally.departures["left"] = tally.rooms_ended["left"] = tally.messages["typing"] = tally.limit_hits["chat"] = 1
    figures = Figures(
        version="1",
        engine="packets",
        ready=True,
        people=2,
        capacity=4,
        waiting=0,
        rooms=1,
        media_connections=2,
        paths={},
        packets_received=1,
        packets_sent=1,
        bytes_received=1,
        bytes_sent=1,
        drops={},
    )
    page = Metrics(lambda: figures, tally, Pulse(lambda task, failure: None)).render().decode()
    return {sample.name for family in text_string_to_metric_families(page) for sample in family.samples}


EXPOSED = exposed()


def asked_for(text: str) -> set[str]:
    """Names of metrics in what Prometheus is asked."""
    without_labels = re.sub(r'"[^"]*"', '""', text)
    return set(NAME.findall(without_labels))


def test_the_page_has_what_it_should() -> None:
    assert {"relay_people", "relay_wait_seconds_bucket", "relay_build_info", "process_cpu_seconds_total"} <= EXPOSED


def test_rules_ask_for_figures_that_exist() -> None:
    expressions = re.findall(r"expr: (.*?)\n\s+(?:- |for:|labels:|#)", RULES + "\n  - ", re.DOTALL)
    assert len(expressions) == RULES.count("expr:")
    names = asked_for("\n".join(expressions))
    assert names - EXPOSED - RECORDED == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_page_in_the_runbook(alert: str) -> None:
    assert f"\n## {alert}\n" in RUNBOOK
    assert f"docker/prometheus/runbook.md#{alert.lower()}\n" in RULES


def test_the_runbook_knows_no_alert_that_is_gone() -> None:
    assert sorted(re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)) == sorted(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_fired_once_and_stays_quiet_once(alert: str) -> None:
    names = re.findall(rf"- name: {alert} (\w+)", RULES_TEST)
    assert {"fires", "stays"} <= set(names)
