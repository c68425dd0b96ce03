"""The protocol's README, its structs, the client's types and the scenarios say the same."""

import re
from pathlib import Path
from typing import get_args

import pytest

from relay.errors import HTTP_ONLY, ErrorCode
from relay.protocol.messages import RESERVED_EVENTS, ClientMessage, ServerMessage
from relay.protocol.typescript import render
from relay.web.operator import typescript as console

ROOT = Path(__file__).parents[2]
SPECIFICATION = (ROOT / "relay/protocol/README.md").read_text()
SCENARIOS = "\n".join(path.read_text() for path in sorted((ROOT / "tests/scenario").glob("*.py")))

SAID = sorted({kind.event for kind in get_args(ClientMessage)} | RESERVED_EVENTS)
HEARD = sorted({kind.event for kind in get_args(ServerMessage)})


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


@pytest.mark.parametrize("event", SAID)
def test_every_event_of_a_client_has_a_scenario(event: str) -> None:
    assert re.search(rf'say\(\s*"{event}"|"event": "{event}"|\("{event}", ', SCENARIOS)


@pytest.mark.parametrize("event", HEARD)
def test_every_event_of_the_server_has_a_scenario(event: str) -> None:
    assert re.search(rf'hear\(\s*"{event}"', SCENARIOS)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_error_code_has_a_scenario(code: ErrorCode) -> None:
    assert f'"{code.value}"' in SCENARIOS
