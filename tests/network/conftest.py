"""The small internet, a certificate, and a line with figures for each scenario."""

import datetime
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay.front.self_signed import self_signed
from tests.network.internet import SERVER, SERVER_V6, Internet, missing
from tests.network.people import Timings

Connect = Callable[..., Internet]
Tell = Callable[[str, tuple[Timings, Timings]], None]
Report = Callable[[str], None]

ENGINE = {"engine": engine} if (engine := os.environ.get("NETWORK_ENGINE")) else {}
"""Settings of the engine under test; the default one without."""

NO_TURN = {"turn_inside": "off"}
"""Where ICE's own ways, or coturn, are what a test is about."""


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes the internet: `connect(symmetric=True)`. Fails where this machine can't have one."""
    if (lacking := missing()) is not None:
        pytest.fail(lacking)
    made: list[Internet] = []

    def build(**options: object) -> Internet:
        made.append(Internet(**options))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for internet in made:
        internet.close()


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """Settings for a certificate of the server's address."""
    chain, key = self_signed(tmp_path / "state", (SERVER, SERVER_V6), datetime.datetime.now(datetime.UTC))
    return {"tls_cert": str(chain), "tls_key": str(key)}


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Prints a line with figures."""

    def line(words: str) -> None:
        with capsys.disabled():
            print(f"\n{words}")

    return line


@pytest.fixture
def tell(report: Report) -> Tell:
    """Prints how long it took, in milliseconds."""

    def line(scenario: str, timings: tuple[Timings, Timings]) -> None:
        ann, bob = timings
        report(
            f"{scenario}: offer to connected {ann.offer_to_connected:.0f} and {bob.offer_to_connected:.0f} ms,"
            f" partner found to first frame {ann.found_to_frame:.0f} and {bob.found_to_frame:.0f} ms,"
            f" both together {ann.offer_to_frame:.0f} and {bob.offer_to_frame:.0f} ms"
        )

    return line
