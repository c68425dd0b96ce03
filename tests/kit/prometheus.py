"""What Prometheus is given to read: a whole page of figures, the rules, the dashboards."""

import json
import re
from pathlib import Path
from typing import Any

from relay.figures.figures import Figures
from relay.figures.metrics import Metrics
from relay.figures.survey import Survey
from relay.machine.collection import Collection
from relay.machine.pulse import Pulse
from relay.media.engine import EngineStats, Links
from relay.observe.happenings import RequestAnswered
from relay.observe.refusals import Refusals
from relay.observe.tally import Tally
from relay.store.store import StoreFigures, StoreState

DOCKER = Path(__file__).parents[2] / "docker"
RULES = (DOCKER / "prometheus" / "rules.yml").read_text()
RULES_TEST = (DOCKER / "prometheus" / "rules_test.yml").read_text()
ALERTS = re.findall(r"- alert: (\w+)", RULES)


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
        store=StoreFigures(StoreState.OPEN, 1, 1, 1),
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
            collection=Collection(lambda: 0, lambda task, failure: None),
        )
        .render()
        .decode()
    )


DASHBOARDS = sorted((DOCKER / "grafana" / "dashboards").glob("*.json"))


def load(dashboard: Path) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(dashboard.read_text())
    return board
