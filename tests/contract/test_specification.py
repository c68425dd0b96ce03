"""The protocol's README, its structs, the client's types and the scenarios say the same."""

import re
from pathlib import Path

import pytest

from relay.checks.probe import REMEDIES
from relay.config.settings import PerAddressSettings, RatesSettings
from relay.errors import HTTP_ONLY, ErrorCode
from relay.ledger.accounts import rates_of
from relay.protocol.messages import RESERVED_EVENTS, ClientMessage, ServerMessage
from relay.protocol.typescript import render
from relay.session.delivery import DELIVERIES
from relay.session.events import ANY, EVENTS, Event
from relay.session.rates import Activity
from relay.web.operator import typescript as console

ROOT = Path(__file__).parents[2]
SPECIFICATION = (ROOT / "relay/protocol/README.md").read_text()
SCENARIOS = "\n".join(path.read_text() for path in sorted((ROOT / "tests/scenario").glob("*.py")))

SAID = sorted({kind.event for kind in ClientMessage.__subclasses__()} | RESERVED_EVENTS)
HEARD = sorted({kind.event for kind in ServerMessage.__subclasses__()})


def test_the_clients_types_are_those_of_the_structs() -> None:
    written = (ROOT / "client/src/core/protocol.ts").read_text()
    assert written == render(), "run `make protocol`"


def test_the_consoles_types_are_those_of_the_structs() -> None:
    written = (ROOT / "client/src/operator/types.ts").read_text()
    assert written == console.render(), "run `make protocol`"


@pytest.mark.parametrize("event", sorted({*SAID, *HEARD}))
def test_every_event_is_specified(event: str) -> None:
    assert f"| `{event}` |" in SPECIFICATION or f"`{event}` from a client is reserved" in SPECIFICATION


@pytest.mark.parametrize("code", sorted(set(ErrorCode) - HTTP_ONLY))
def test_every_error_code_is_specified(code: ErrorCode) -> None:
    assert f"| `{code.value}` |" in SPECIFICATION


def test_what_keeps_a_newcomer_out_has_a_remedy_for_the_page_and_for_the_probe() -> None:
    """The page's words for it are asked for by its types."""
    specified = SPECIFICATION.partition("\nClose codes: ")[2].partition(" 1013 ")[2].partition(", 4000 ")[0]
    codes = set(map(ErrorCode, re.findall(r"`(\w+)`", specified)))
    assert ErrorCode.SERVER_FULL in codes
    assert set(REMEDIES) == codes
    state = (ROOT / "client/src/core/machine/state.ts").read_text()
    assert set(re.findall(r"'(\w+)'", state.partition("REFUSALS = [")[2].partition("]")[0])) == codes


@pytest.mark.parametrize("event", SAID)
def test_every_event_of_a_client_has_a_scenario(event: str) -> None:
    assert re.search(rf'say\(\s*"{event}"|"event": "{event}"|\("{event}", ', SCENARIOS)


@pytest.mark.parametrize("event", HEARD)
def test_every_event_of_the_server_has_a_scenario(event: str) -> None:
    assert re.search(rf'hear\(\s*"{event}"', SCENARIOS)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_error_code_has_a_scenario(code: ErrorCode) -> None:
    assert f'"{code.value}"' in SCENARIOS


def table(chapter: str) -> dict[str, list[str]]:
    """The cells of each event's row, in a chapter of the specification."""
    text = SPECIFICATION.partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]
    rows = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `"))
    return {cells[0].strip("`"): cells for cells in rows}


def test_each_event_has_one_row_in_the_code() -> None:
    assert len({event.kind for event in EVENTS}) == len(EVENTS)
    assert {event.kind for event in EVENTS} == set(ClientMessage.__subclasses__())
    assert set(DELIVERIES) == set(ServerMessage.__subclasses__())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind.event)
def test_states_and_rate_of_an_event_are_as_specified(event: Event) -> None:
    _, _, states, rate, _ = table("From the client")[event.kind.event]
    written = "any" if event.states == ANY else ", ".join(sorted(state.value for state in event.states))
    assert states == written
    assert rate == f"`{event.activity}`"


@pytest.mark.parametrize("activity", list(Activity))
def test_the_events_of_a_rate_are_those_of_its_limit(activity: Activity) -> None:
    (limit,) = re.findall(rf"^\| rate `{activity}`: (.*?) \| (\d+) a minute", SPECIFICATION, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", limit[0])) == {e.kind.event for e in EVENTS if e.activity is activity}
    assert int(limit[1]) == getattr(RatesSettings(), f"rate_{activity}")


def test_what_is_counted_for_the_address_is_as_specified() -> None:
    limits = re.findall(r"^\| (`.*) from one address.*? \| (\d+) a minute", SPECIFICATION, re.MULTILINE)
    specified = {(name, int(often)) for names, often in limits for name in re.findall(r"`(\w+)`", names)}
    rates = rates_of(PerAddressSettings())
    assert specified == {(event.kind.event, rates[event.deed]) for event in EVENTS if event.deed is not None}


@pytest.mark.parametrize("kind", list(DELIVERIES), ids=lambda kind: kind.event)
def test_what_becomes_of_unread_events_is_as_specified(kind: type[ServerMessage]) -> None:
    _, _, unread, _ = table("From the server")[kind.event]
    delivery = DELIVERIES[kind]
    said = [word for word, holds in (("newest", delivery.newest_only), ("kept", delivery.kept)) if holds]
    assert unread == (", ".join(said) or "-")
