"""Alerts and dashboards ask for figures that exist, and every alert says what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay.figures.figures import Figures
from relay.figures.metrics import Metrics
from relay.figures.survey import Survey
from relay.machine.pulse import Pulse
from relay.media.engine import EngineStats, Links
from relay.observe.happenings import RequestAnswered
from relay.observe.refusals import Refusals
from relay.observe.tally import Tally

DOCKER = Path(__file__).parents[2] / "docker"
RULES = (DOCKER / "prometheus" / "rules.yml").read_text()
RULES_TEST = (DOCKER / "prometheus" / "rules_test.yml").read_text()
RUNBOOK = (DOCKER / "prometheus" / "runbook.md").read_text()

ALERTS = re.findall(r"- alert: (\w+)", RULES)
RECORDED = set(re.findall(r"- record: ([\w:]+)", RULES))
NAME = re.compile(r"\b(?:relay|process|python)[_:][a-z0-9_:]+")


LINKS = Links(
    loss_in=[0.1], loss_out=[0.1], jitter_in=[0.01], jitter_out=[0.01], round_trips=[0.1], estimates=[1e6], caps=[1e6]
)


def page() -> str:
    """What a server shows to which everything has happened once."""
    tally = Tally()
    tally.note(RequestAnswered(method="GET", route="/", status=200, seconds=0.1))
    tally.departures["left"] = tally.rooms_ended["left"] = tally.messages["typing"] = tally.limit_hits["chat"] = 1
    figures = Figures(
        version="1",
        engine="packets",
        ready=True,
        people=2,
        capacity=4,
        certificate_ends=1.0,
        used=0.5,
        shares={"people": 0.5},
        waiting=0,
        rooms=1,
        talking=2,
        bound="setting",
        media_connections=2,
        web_connections=2,
        held_back=0,
        paths={},
        media=EngineStats(packets_received=1, packets_sent=1, bytes_received=1, bytes_sent=1),
    )
    survey = Survey(lambda: LINKS, lambda task, failure: None)
    survey.take(LINKS)
    return (
        Metrics(
            read=lambda: figures,
            survey=survey,
            tally=tally,
            refusals=Refusals(),
            pulse=Pulse(lambda task, failure: None),
        )
        .render()
        .decode()
    )


def exposed() -> dict[str, set[str]]:
    """The names on it, with their labels."""
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page()):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


EXPOSED = exposed()


def asked_for(text: str) -> set[str]:
    """Names of metrics in what Prometheus is asked."""
    without_labels = re.sub(r'"[^"]*"', '""', text)
    return set(NAME.findall(without_labels))


def test_the_page_has_what_it_should() -> None:
    assert {"relay_people", "relay_wait_seconds_bucket", "relay_build_info", "process_cpu_seconds_total"} <= set(
        EXPOSED
    )


def test_rules_ask_for_figures_that_exist() -> None:
    expressions = re.findall(r"expr: (.*?)\n\s+(?:- |for:|labels:|#)", RULES + "\n  - ", re.DOTALL)
    assert len(expressions) == RULES.count("expr:")
    names = asked_for("\n".join(expressions))
    assert names - set(EXPOSED) - RECORDED == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_page_in_the_runbook(alert: str) -> None:
    assert f"\n## {alert}\n" in RUNBOOK
    assert f'runbook_url: "{{{{ $externalLabels.runbooks }}}}#{alert.lower()}"\n' in RULES


def test_the_runbook_knows_no_alert_that_is_gone() -> None:
    assert sorted(re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)) == sorted(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_fired_once_and_stays_quiet_once(alert: str) -> None:
    names = re.findall(rf"- name: {alert} (\w+)", RULES_TEST)
    assert {"fires", "stays"} <= set(names)


DASHBOARDS = sorted((DOCKER / "grafana" / "dashboards").glob("*.json"))
ADDED_BY_PROMETHEUS = {"job", "instance"}


def load(dashboard: Path) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(dashboard.read_text())
    return board


def test_there_is_a_dashboard_for_each_question() -> None:
    names = [dashboard.stem for dashboard in DASHBOARDS]
    assert names == ["capacity", "errors", "quality", "system-health", "user-activity"]
    assert len({load(dashboard)["uid"] for dashboard in DASHBOARDS}) == len(DASHBOARDS)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_ask_for_figures_and_labels_that_exist(dashboard: Path) -> None:
    for panel in load(dashboard)["panels"]:
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            query = target["expr"]
            names = asked_for(query)
            assert names or "up{" in query, query
            assert names - set(EXPOSED) - RECORDED == set(), query
            labels = set().union(*(EXPOSED.get(name, set()) for name in names)) | ADDED_BY_PROMETHEUS
            selected = re.findall(r"(\w+)\s*(?:=~|=|!=)\s*\"", query)
            grouped = [label.strip() for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")]
            shown = re.findall(r"{{(\w+)}}", target["legendFormat"])
            assert {*selected, *grouped, *shown} <= labels, query


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_have_a_place_of_their_own(dashboard: Path) -> None:
    taken: set[tuple[int, int]] = set()
    panels = load(dashboard)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + column, place["y"] + row) for column in range(place["w"]) for row in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_dashboards_use_the_data_source_that_is_provisioned() -> None:
    provisioned = (DOCKER / "grafana" / "provisioning" / "datasources" / "prometheus.yaml").read_text()
    (uid,) = re.findall(r"uid: (\w+)", provisioned)
    for dashboard in DASHBOARDS:
        for panel in load(dashboard)["panels"]:
            assert panel["datasource"] == {"type": "prometheus", "uid": uid}
