"""`relay check` and `relay probe` on set-ups that work and on set-ups that are broken on purpose."""

import datetime
import resource
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from relay import cli
from relay.app import Relay
from relay.checks import probe as probing
from relay.checks.finding import Finding, Verdict, exit_code, in_json, in_words
from relay.checks.host import check_host
from relay.checks.probe import probe
from relay.checks.run import check
from relay.config import Settings
from relay.web.self_signed import self_signed
from tests.conftest import free_port
from tests.scenario.test_coturn import COTURN, RELAY, coturn  # noqa: F401 - a fixture
from tests.scenario.test_one_port import LOOPBACK, serving

NOW = datetime.datetime.now(datetime.UTC)


def local(**settings: object) -> Settings:
    return Settings(port=free_port(), **LOOPBACK, **settings)  # type: ignore[arg-type]


def told(findings: list[Finding], name: str) -> Finding:
    """What was found of one thing, the worst first."""
    order = [Verdict.FAILURE, Verdict.WARNING, Verdict.OK]
    return min((item for item in findings if item.check == name), key=lambda item: order.index(item.verdict))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PATIENCE", 2.0)


@pytest.fixture
async def whole() -> AsyncIterator[Relay]:
    async with serving() as relay:
        yield relay


async def test_a_server_that_works_is_told_to_work(whole: Relay) -> None:
    found = await check(whole.settings)
    assert exit_code(found) == 0, in_words(found)
    for name in ("page", "WebSocket", "media over UDP", "media over TCP", "descriptors"):
        assert told(found, name).verdict is Verdict.OK
    assert whole.stats().media_connections == 0


async def test_the_probe_sees_the_same_from_elsewhere(whole: Relay) -> None:
    found = await probe(f"http://127.0.0.1:{whole.settings.port}/")
    assert [item.check for item in found] == ["page", "clock", "WebSocket", "media over UDP", "media over TCP", "TURN"]
    assert exit_code(found) == 0


async def test_the_server_is_not_running() -> None:
    found = await check(local())
    assert exit_code(found) == 1
    assert "relay serve" in told(found, "server").sentence


async def test_another_program_has_the_udp_port() -> None:
    settings = local()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", settings.port))
        finding = told(await check(settings), f"UDP port {settings.port}")
    assert finding.verdict is Verdict.FAILURE
    assert "another program" in finding.sentence


async def test_a_firewall_or_nat_keeps_udp_out() -> None:
    async with serving(public_udp_port=free_port()) as relay:
        found = await check(relay.settings)
    assert told(found, "media over UDP").verdict is Verdict.FAILURE
    assert f"Open UDP port {relay.settings.public_udp_port}" in told(found, "media over UDP").sentence
    assert told(found, "media over TCP").verdict is Verdict.OK


def expired(folder: Path) -> tuple[str, str]:
    """A certificate that ended yesterday."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - 9 * day).not_valid_after(NOW - day)
    chain, own = folder / "expired.pem", folder / "expired.key"
    chain.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    own.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return str(chain), str(own)


def test_the_certificate_has_ended(tmp_path: Path) -> None:
    chain, key = expired(tmp_path)
    finding = told(check_host(local(tls_cert=chain, tls_key=key), NOW, running=True), "certificate")
    assert finding.verdict is Verdict.FAILURE
    assert "Renew it" in finding.sentence


def test_the_certificate_ends_soon_or_is_not_valid_yet(tmp_path: Path) -> None:
    chain, key = self_signed(tmp_path, (), NOW)
    settings = local(tls_cert=str(chain), tls_key=str(key))

    def at(days: int) -> Verdict:
        moment = NOW + datetime.timedelta(days=days)
        return told(check_host(settings, moment, running=True), "certificate").verdict

    assert [at(0), at(795), at(801), at(-3)] == [Verdict.OK, Verdict.WARNING, Verdict.FAILURE, Verdict.FAILURE]


def test_too_few_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 256))
    finding = told(check_host(local(max_people=200), NOW, running=True), "descriptors")
    assert finding.verdict is Verdict.FAILURE


def test_the_clock_is_before_the_installation() -> None:
    moment = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    assert told(check_host(local(), moment, running=True), "clock").verdict is Verdict.FAILURE


@pytest.mark.usefixtures("coturn")
@pytest.mark.parametrize(
    ("secret", "verdict", "words"),
    [
        ("correct horse battery staple", Verdict.OK, "refuses other peers"),
        ("something else", Verdict.FAILURE, "RELAY_TURN_SECRET"),
    ],
)
async def test_turn_takes_our_credentials_and_reaches_us_alone(
    coturn: int,  # noqa: F811 - the fixture
    secret: str,
    verdict: Verdict,
    words: str,
) -> None:
    url = f"turn:{COTURN}:{coturn}?transport=tcp"
    relay = Relay(
        Settings(port=free_port(), bind=(RELAY,), public_address=(RELAY,), turn_urls=(url,), turn_secret=secret)
    )
    await relay.start()
    found = await check(relay.settings)
    await relay.stop()
    assert told(found, "TURN").verdict is verdict, in_words(found)
    assert words in told(found, "TURN").sentence


async def test_nothing_answers_the_probe() -> None:
    found = await probe(f"http://127.0.0.1:{free_port()}/")
    assert [(item.check, item.verdict) for item in found] == [("page", Verdict.FAILURE)]


def test_the_command_exits_by_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    assert cli.main(["check", "--port", str(port), "--bind", "127.0.0.1", "--json"]) == 1
    assert f'"check":"TCP port {port}","verdict":"ok"' in capsys.readouterr().out
    assert cli.main(["probe", f"http://127.0.0.1:{port}/"]) == 1
    assert capsys.readouterr().out.startswith("FAIL  page  ")


def test_the_report_for_machines_is_json() -> None:
    assert in_json([Finding("x", Verdict.OK, "y")]) == '[{"check":"x","verdict":"ok","sentence":"y"}]'
