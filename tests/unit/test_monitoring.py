"""Alerts and dashboards ask for figures that exist, and every alert says what to do."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.prometheus import ALERTS, DASHBOARDS, DOCKER, RULES, RULES_TEST, load, page

RUNBOOK = (DOCKER / "prometheus" / "runbook.md").read_text()

RECORDED = set(re.findall(r"- record: ([\w:]+)", RULES))
NAME = re.compile(r"\b(?:relay|process|python)[_:][a-z0-9_:]+")


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


ADDED_BY_PROMETHEUS = {"job", "instance"}


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
