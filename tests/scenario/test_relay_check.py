"""`relay check` and `relay probe` on set-ups that work and on set-ups that are broken on purpose."""

import datetime
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay import cli
from relay.app import Relay
from relay.checks import probe as probing
from relay.checks.finding import Finding, Verdict, exit_code, in_json, in_words
from relay.checks.host import check_host
from relay.checks.probe import probe
from relay.checks.run import check
from relay.front.self_signed import self_signed
from tests.kit.ports import free_port
from tests.kit.servers import on_loopback, running
from tests.kit.turn import COTURN, RELAY

NOW = datetime.datetime.now(datetime.UTC)


def told(findings: list[Finding], name: str) -> Finding:
    """What was found of one thing, the worst first."""
    order = [Verdict.FAILURE, Verdict.WARNING, Verdict.OK]
    return min((item for item in findings if item.check == name), key=lambda item: order.index(item.verdict))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PATIENCE", 2.0)


@pytest.fixture
async def whole() -> AsyncIterator[Relay]:
    async with running(on_loopback()) as relay:
        yield relay


async def test_a_server_that_works_is_told_to_work(whole: Relay) -> None:
    found = await check(whole.settings)
    assert exit_code(found) == 0, in_words(found)
    for name in ("page", "WebSocket", "media over UDP", "media over TCP", "descriptors"):
        assert told(found, name).verdict is Verdict.OK
    assert whole.stats().media_connections == 0


async def test_the_probe_sees_the_same_from_elsewhere(whole: Relay) -> None:
    found = await probe(f"http://127.0.0.1:{whole.settings.network.port}/")
    assert [item.check for item in found] == ["page", "clock", "WebSocket", "media over UDP", "media over TCP", "TURN"]
    assert exit_code(found) == 0


def test_the_certificate_ends_soon_or_is_not_valid_yet(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path, (), NOW)
    settings = on_loopback(tls_cert=str(chain), tls_key=str(key))

    def at(days: int) -> Verdict:
        moment = NOW + datetime.timedelta(days=days)
        return told(check_host(settings, moment), "certificate").verdict

    assert [at(0), at(795), at(801), at(-3)] == [Verdict.OK, Verdict.WARNING, Verdict.FAILURE, Verdict.FAILURE]


def test_too_few_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 256))
    for people, verdict in ((200, Verdict.FAILURE), (65, Verdict.FAILURE), (64, Verdict.OK)):
        assert told(check_host(on_loopback(max_people=people), NOW), "descriptors").verdict is verdict


def test_the_clock_is_before_the_installation() -> None:
    moment = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    assert told(check_host(on_loopback(), moment), "clock").verdict is Verdict.FAILURE


@pytest.mark.usefixtures("coturn")
@pytest.mark.parametrize(
    ("secret", "verdict", "words"),
    [
        ("correct horse battery staple", Verdict.OK, "refuses other peers"),
        ("something else", Verdict.FAILURE, "RELAY_TURN_SECRET"),
    ],
)
async def test_turn_takes_our_credentials_and_reaches_us_alone(
    coturn: int,
    secret: str,
    verdict: Verdict,
    words: str,
) -> None:
    url = f"turn:{COTURN}:{coturn}?transport=tcp"
    async with running(
        on_loopback(bind=(RELAY,), public_address=(RELAY,), turn_urls=(url,), turn_secret=secret)
    ) as relay:
        found = await check(relay.settings)
    assert told(found, "TURN").verdict is verdict, in_words(found)
    assert words in told(found, "TURN").sentence


def test_the_command_exits_by_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    assert cli.main(["check", "--port", str(port), "--bind", "127.0.0.1", "--json"]) == 1
    assert f'"check":"TCP port {port}","verdict":"ok"' in capsys.readouterr().out
    assert cli.main(["probe", f"http://127.0.0.1:{port}/"]) == 1
    assert capsys.readouterr().out.startswith("FAIL  page  ")


def test_the_report_for_machines_is_json() -> None:
    assert in_json([Finding("x", Verdict.OK, "y")]) == '[{"check":"x","verdict":"ok","sentence":"y"}]'
