"""`relay check` and `relay probe` on set-ups that work and on set-ups that are broken on purpose."""

import datetime
import resource
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice import stun
from cryptography.hazmat.primitives.asymmetric import ec

from relay import cli
from relay.app import Relay
from relay.auth.keys import given, kept
from relay.checks import probe as probing
from relay.checks.finding import Finding, Verdict, exit_code, in_json, in_words, ok
from relay.checks.host import check_host
from relay.checks.probe import probe
from relay.checks.run import check
from relay.checks.turn import INSIDE, check_turn, is_inside
from relay.config.settings import EngineChoice, TlsChoice, TurnChoice
from relay.front.self_signed import self_signed
from relay.protocol.messages import IceServer
from relay.web.cookies import Cookies
from relay.web.visitor_address import VisitorAddresses
from tests.kit.certificates import certificate
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
    seen = ["page", "clock", "WebSocket", "media over UDP", "media over TCP", "TURN over TLS", "TURN inside"]
    assert [item.check for item in found] == seen
    assert told(found, "TURN over TLS").verdict is Verdict.WARNING
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


class TestTurnInside:
    """Of our own it is said whether it is offered over TLS, and why not; and it is tried."""

    @pytest.mark.parametrize(
        ("settings", "verdict", "words"),
        [
            ({"tls": TlsChoice.SELF_SIGNED}, Verdict.OK, "Chromium takes no self-signed certificate there"),
            ({"public_tcp_port": 8_765}, Verdict.WARNING, "without TLS, on TCP port 8765. Networks that let only TLS"),
            ({"turn_inside": TurnChoice.OFF}, Verdict.WARNING, "RELAY_TURN_INSIDE is off. Networks that let only TLS"),
            ({"engine": EngineChoice.FRAMES}, Verdict.WARNING, "The frames engine has none. Networks that let only"),
            (
                {"turn_inside": TurnChoice.OFF, "turn_urls": ("turns:turn.example",), "turn_secret": "a secret"},
                Verdict.OK,
                "RELAY_TURN_INSIDE is off.",
            ),
        ],
    )
    def test_what_is_offered(self, settings: dict[str, object], verdict: Verdict, words: str, tmp_path: Path) -> None:
        finding = told(check_host(on_loopback(state_dir=str(tmp_path), **settings), NOW), "TURN inside")
        assert (finding.verdict, words in finding.sentence) == (verdict, True), finding

    def test_a_certificate_that_the_core_takes(self, tmp_path: Path) -> None:
        flags = certificate(tmp_path)
        settings = on_loopback(**dict(flag.removeprefix("--").replace("-", "_", 1).split("=") for flag in flags))
        finding = told(check_host(settings, NOW), "TURN inside")
        assert finding.verdict is Verdict.OK
        assert finding.sentence.startswith("Browsers are offered turns:NAME:PORT?transport=tcp")

    def test_a_certificate_that_the_core_does_not_take(self, tmp_path: Path) -> None:
        key = ec.generate_private_key(ec.SECP256K1())
        flags = certificate(tmp_path, key=key)
        settings = on_loopback(**dict(flag.removeprefix("--").replace("-", "_", 1).split("=") for flag in flags))
        finding = told(check_host(settings, NOW), "TURN inside")
        assert finding.verdict is Verdict.WARNING
        assert "The core does not take the certificate (" in finding.sentence

    async def test_over_tls_it_is_tried_by_the_name_of_the_page(self, tmp_path: Path) -> None:
        async with running(on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path))) as relay:
            found = await probe(f"https://127.0.0.1:{relay.port}/", insecure=True)
        assert exit_code(found) == 0, in_words(found)
        assert told(found, "TURN inside").sentence == (
            f"turns:127.0.0.1:{relay.port}?transport=tcp takes our credentials, reaches the media port, and refuses"
            " other peers."
        )
        assert "TURN over TLS" not in [finding.check for finding in found]

    async def test_all_kinds_are_tried(self, tmp_path: Path) -> None:
        settings = on_loopback(tls=TlsChoice.SELF_SIGNED, state_dir=str(tmp_path), turn_inside=TurnChoice.ALL)
        async with running(settings) as relay:
            found = await check(relay.settings)
        assert exit_code(found) == 0, in_words(found)
        tried = [finding.sentence.split()[0] for finding in found if finding.check == "TURN inside"]
        place = f"127.0.0.1:{relay.port}"
        urls = [f"turns:{place}?transport=tcp", f"turn:{place}?transport=udp", f"turn:{place}?transport=tcp"]
        assert tried[1:] == urls

    @pytest.mark.parametrize(
        ("own", "verdict", "words"),
        [
            ((), Verdict.FAILURE, "have it pass TLS on unread"),
            (("127.0.0.1",), Verdict.FAILURE, "have it pass TLS on unread"),
            (("192.0.2.9",), Verdict.WARNING, "run `relay probe` on another machine"),
        ],
    )
    async def test_where_nothing_answers_it_is_what_stands_in_front(
        self, own: tuple[str, ...], verdict: Verdict, words: str
    ) -> None:
        server = IceServer(urls=(f"turn:127.0.0.1:{free_port()}?transport=tcp",), username="u", credential="c")
        context = ssl.create_default_context()
        (finding,) = await check_turn(server, [("udp", "127.0.0.1", 9)], no_check, context, INSIDE, own)
        assert (finding.check, finding.verdict) == ("TURN inside", verdict)
        assert words in finding.sentence

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("turns:talk.example:8443?transport=tcp", True),
            ("turn:203.0.113.1:3478?transport=udp", True),
            ("turn:[2001:db8::1]:443?transport=tcp", True),
            ("turns:turn.example:8443?transport=tcp", False),
            ("turn:203.0.113.1:3479", False),
        ],
    )
    def test_it_is_known_by_its_place(self, url: str, expected: bool) -> None:
        candidates = [("udp", "203.0.113.1", 3_478), ("tcp", "2001:db8::1", 443)]
        assert is_inside(IceServer(urls=(url,)), ("talk.example", 8_443), candidates) is expected


def no_check() -> stun.Message:
    raise AssertionError("it is not asked for before there is an allocation")


def test_the_command_exits_by_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    assert cli.main(["check", "--port", str(port), "--bind", "127.0.0.1", "--json"]) == 1
    assert f'"check":"TCP port {port}","verdict":"ok"' in capsys.readouterr().out
    assert cli.main(["probe", f"http://127.0.0.1:{port}/"]) == 1
    assert capsys.readouterr().out.startswith("FAIL  page  ")


def test_the_report_for_machines_is_json() -> None:
    assert in_json([Finding("x", Verdict.OK, "y")]) == '[{"check":"x","verdict":"ok","sentence":"y"}]'


async def test_who_probes_agrees_as_people_do(tmp_path: Path) -> None:
    async with running(on_loopback(consent="required", state_dir=str(tmp_path))) as relay:
        found = await probe(f"http://127.0.0.1:{relay.port}/")
        assert told(found, "consent") == ok("consent", "Who agrees to the rules (version relay-1) is known.")
        assert exit_code(found) == 0, in_words(found)


async def test_a_proxy_that_keeps_the_cookie_to_itself_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cookies, "put", lambda *_: None)
    async with running(on_loopback(consent="required", state_dir=str(tmp_path))) as relay:
        found = await probe(f"http://127.0.0.1:{relay.port}/")
        assert "the cookie does not come back" in told(found, "consent").sentence


async def test_a_proxy_that_tells_another_host_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VisitorAddresses, "host", lambda *_: "backend:8080")
    async with running(on_loopback(consent="required", state_dir=str(tmp_path))) as relay:
        found = await probe(f"http://127.0.0.1:{relay.port}/")
        assert "It is refused (HTTP 403)" in told(found, "consent").sentence


def test_rules_and_keys_that_can_not_be_used_are_told(tmp_path: Path) -> None:
    rules = tmp_path / "rules.md"
    settings = on_loopback(consent="required", state_dir=str(tmp_path), rules_file=str(rules))
    found = check_host(settings, NOW)
    assert told(found, "rules").verdict is Verdict.FAILURE
    assert told(found, "keys") == ok("keys", f"{tmp_path}/keys.json is made at the first start.")
    rules.write_text("version: 7\n\nBe kind.")
    kept(tmp_path, NOW.date())
    found = check_host(settings, NOW)
    assert told(found, "rules") == ok("rules", f"Version 7, of {rules}.")
    assert told(found, "keys") == ok("keys", f"{tmp_path}/keys.json is whole; its key signs since {NOW.date()}.")
    (tmp_path / "keys.json").chmod(0o640)
    assert told(check_host(settings, NOW), "keys").verdict is Verdict.WARNING
    (tmp_path / "keys.json").write_text("{")
    assert told(check_host(settings, NOW), "keys").verdict is Verdict.FAILURE
    several = settings.but(database="postgresql://relay@db/relay", keys_file=None)
    (tmp_path / "keys.json").unlink()
    kept(tmp_path, NOW.date())
    assert "RELAY_KEYS_FILE" in told(check_host(several, NOW), "keys").sentence


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_in_which_keys_can_not_be_kept_is_told(tmp_path: Path, made: bool) -> None:
    place = tmp_path / "state"
    place.touch()
    settings = on_loopback(consent="required", state_dir=str(place if made else place / "deeper"))
    found = told(check_host(settings, NOW), "keys")
    assert (found.verdict, "RELAY_STATE_DIR" in found.sentence) == (Verdict.WARNING, True)


def test_where_nobody_is_asked_and_nothing_kept_there_is_nothing_to_say_of_rules_and_keys() -> None:
    assert not {"rules", "keys"} & {item.check for item in check_host(on_loopback(), NOW)}


def test_keys_for_several_servers_are_made_and_turned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.json"
    assert cli.main(["keys", "turn", str(file)]) == 2
    assert cli.main(["keys", "make", str(file)]) == 0
    first = given(file).sign("visitor", b"")
    assert cli.main(["keys", "make", str(file)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert cli.main(["keys", "turn", str(file)]) == 0
    assert given(file).sign("visitor", b"") != first
    assert given(file).check("visitor", b"", first)
