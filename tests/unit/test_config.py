import re
from pathlib import Path
from typing import ClassVar

import pytest

from relay import config
from relay.errors import ConfigurationError


def test_later_sources_win(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text('port = 9001\nmedia_port = 9002\nmax_people = 10\npublic_address = ["192.0.2.7"]\n')
    loaded = config.load(
        {"RELAY_PORT": "9003", "RELAY_MAX_PEOPLE": "20", "PATH": "/bin"}, {"max_people": "30"}, str(file)
    )
    assert loaded.settings.network.media_port == 9002
    assert loaded.settings.network.port == 9003
    assert loaded.settings.capacity.max_people == 30
    assert loaded.settings.network.public_address == ("192.0.2.7",)
    assert loaded.origins["media_port"] == f"file {file}"
    assert loaded.origins["port"] == "environment"
    assert loaded.origins["max_people"] == "flag"
    assert loaded.origins["engine"] == "default"


def test_an_empty_variable_is_as_good_as_none() -> None:
    loaded = config.load({"RELAY_TLS": "", "RELAY_TLS_CERT": "", "RELAY_PORT": ""})
    assert loaded.settings == config.load({}).settings
    assert loaded.origins["tls"] == "default"


def test_a_list_is_written_with_commas() -> None:
    loaded = config.load({"RELAY_PUBLIC_ADDRESS": "192.0.2.1, 2001:db8::1"})
    assert loaded.settings.network.public_address == ("192.0.2.1", "2001:db8::1")


def test_media_shares_the_number_of_the_http_port_unless_told_otherwise() -> None:
    assert config.load({"RELAY_PORT": "9000"}).settings.network.udp_port == 9000
    assert config.load({"RELAY_PORT": "9000", "RELAY_MEDIA_PORT": "9001"}).settings.network.udp_port == 9001


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"RELAY_PRT": "1"}, "RELAY_PRT"),
        ({"RELAY_NAME": "Chat"}, "RELAY_NAME"),
        ({"RELAY_PUBLIC_ADDRESS": "203.0.113.256"}, "neither an IP address nor a host name"),
        ({"RELAY_PUBLIC_ADDRESS": "https://chat.example"}, "neither an IP address nor a host name"),
        ({"RELAY_STUN": "stun.example:port"}, "not host:port"),
        ({"RELAY_STUN": "stun.example", "RELAY_PUBLIC_ADDRESS": "9.9.9.9"}, "exclude each other"),
        ({"RELAY_PRT": "1"}, "Did you mean RELAY_PORT?"),
        ({"RELAY_PUBLIC_ADRESS": "1"}, "Did you mean RELAY_PUBLIC_ADDRESS?"),
        ({"RELAY_TAPS": "2"}, "RELAY_TAPS is called RELAY_TRANSCODERS now"),
        ({"RELAY_TLS": "selfsigned"}, "RELAY_TLS is 'selfsigned', and can be: self-signed."),
        ({"RELAY_ENGINE": "warp"}, "packets, frames"),
        ({"RELAY_MEDIA_THREADS": "all"}, "can be: auto, a number"),
        ({"RELAY_LOG_LEVEL": "loud"}, "debug, info, warning, error"),
        ({"RELAY_TRUSTED_PROXIES": "10.0.0.1/8"}, "write 10.0.0.0/8 for all of it"),
        ({"RELAY_METRICS_ALLOW": "the office"}, "not an IP address or network"),
        # Nobody would miss it
        ({"RELAY_NAME_OF_THE_ROSE": "1"}, "RELAY_NAME_OF_THE_ROSE is not a setting"),
        ({"RELAY_PORT": "eighty"}, "RELAY_PORT"),
        ({"RELAY_PORT": "0"}, "RELAY_PORT"),
        ({"RELAY_PORT": "65536"}, "RELAY_PORT"),
        ({"RELAY_ENGINE": "warp"}, "RELAY_ENGINE"),
        ({"RELAY_BIND": "localhost"}, "localhost"),
        ({"RELAY_CONFIG": "/nonexistent.toml"}, "/nonexistent.toml"),
        ({"RELAY_BASE_PATH": "chat"}, "base_path"),
        ({"RELAY_BASE_PATH": "/chat/../"}, "base_path"),
        ({"RELAY_BASE_PATH": "//chat/"}, "base_path"),
        ({"RELAY_BASE_PATH": "/videochat"}, "base_path"),
        ({"RELAY_BASE_PATH": "https://site.example/chat/"}, "base_path"),
        ({"RELAY_TLS_CERT": "a.pem"}, "tls_key"),
        ({"RELAY_TLS_KEY": "a.key"}, "tls_cert"),
        ({"RELAY_TLS": "self-signed", "RELAY_TLS_CERT": "a.pem", "RELAY_TLS_KEY": "a.key"}, "exclude each other"),
        ({"RELAY_TLS": "please"}, "RELAY_TLS"),
        ({"RELAY_TURN_URLS": "turn:turn.example.org"}, "turn_secret"),
        ({"RELAY_TURN_SECRET": "correct horse"}, "turn_urls"),
        (
            {"RELAY_TURN_URLS": "http://turn.example.org", "RELAY_TURN_SECRET": "correct horse"},
            "http://turn.example.org",
        ),
        ({"RELAY_TURN_SNI": "turn.example.org"}, "turn_sni"),
        ({"RELAY_TURN_BACKEND": "localhost"}, "turn_backend"),
        ({"RELAY_HOSTS": "https://chat.example.org"}, "https://chat.example.org"),
        ({"RELAY_HOSTS": "chat.example.org:443"}, "chat.example.org:443"),
        ({"RELAY_FORWARDED_HEADER": "x-real-ip"}, "RELAY_FORWARDED_HEADER"),
        # Chromium would ignore the candidate
        ({"RELAY_PUBLIC_ADDRESS": "9.9.9.9", "RELAY_PUBLIC_TCP_PORT": "444"}, "444"),
        ({"RELAY_PUBLIC_ADDRESS": "192.168.1.2", "RELAY_PORT": "443"}, "192.168.1.2"),
        ({"RELAY_PUBLIC_ADDRESS": "9.9.9.9", "RELAY_PORT": "1000"}, "1000"),
    ],
)
def test_what_is_wrong_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(named)):
        config.load(environment)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RELAY_PORT", "tcp://10.96.0.17:8080"),
        ("RELAY_MEDIA_PORT", "udp://10.96.0.18:8080"),
        ("RELAY_SERVICE_HOST", "10.96.0.17"),
        ("RELAY_SERVICE_PORT", "8080"),
        ("RELAY_SERVICE_PORT_HTTP", "8080"),
        ("RELAY_PORT_8080_TCP", "tcp://10.96.0.17:8080"),
        ("RELAY_PORT_8080_TCP_PROTO", "tcp"),
        ("RELAY_PORT_8080_UDP_PORT", "8080"),
        ("RELAY_PORT_8080_TCP_ADDR", "10.96.0.17"),
        ("RELAY_TURN_SERVICE_HOST", "10.96.0.19"),
        ("RELAY_TURN_PORT_3478_UDP", "udp://10.96.0.19:3478"),
        ("RELAY_NAME", "/web/relay"),
        ("RELAY_ENV_PATH", "/bin"),
    ],
)
def test_what_an_orchestrator_puts_there_is_no_setting_and_told(variable: str, value: str) -> None:
    loaded = config.load({variable: value, "RELAY_MAX_PEOPLE": "7"})
    assert loaded.settings == config.load({"RELAY_MAX_PEOPLE": "7"}).settings
    assert loaded.ignored == (variable,)


def test_the_file_of_a_secret_is_for_the_environment_alone(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text("operator_token_file = '/run/secrets/token'\n")
    with pytest.raises(ConfigurationError, match=r"for the environment alone: RELAY_OPERATOR_TOKEN_FILE\."):
        config.load({}, None, str(file))
    assert "RELAY_TURN_SECRET_FILE" in config.near("turn_secret_file", "flag")


def test_a_misspelt_key_in_a_file_is_told_as_it_is_written_there(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text("prot = 9001\n")
    with pytest.raises(ConfigurationError, match=r"Did you mean `port`\?"):
        config.load({}, None, str(file))


def test_a_default_that_follows_from_another_setting_says_so() -> None:
    assert config.load({"RELAY_TLS": "self-signed"}).origins["port"] == "default with tls = self-signed"


def test_port_443_is_fine_on_a_public_address() -> None:
    assert config.load({"RELAY_PUBLIC_ADDRESS": "9.9.9.9", "RELAY_PORT": "443"}).settings.network.udp_port == 443


def test_a_self_signed_certificate_is_served_on_8443_unless_told_otherwise() -> None:
    assert config.load({"RELAY_TLS": "self-signed"}).settings.network.port == 8443
    assert config.load({"RELAY_TLS": "self-signed", "RELAY_PORT": "9000"}).settings.network.port == 9000


def test_browsers_are_told_the_outside_ports() -> None:
    settings = config.load({"RELAY_PUBLIC_UDP_PORT": "5001", "RELAY_PUBLIC_TCP_PORT": "5002"}).settings
    assert (settings.network.udp_port, settings.network.outside_udp_port) == (8080, 5001)
    assert (settings.network.tcp_port, settings.network.outside_tcp_port) == (8080, 5002)


def test_secrets_are_not_printed() -> None:
    environment = {"RELAY_TURN_SECRET": "correct horse", "RELAY_TURN_URLS": "turn:[2001:db8::1]:3478?transport=udp"}
    assert "correct horse" not in str(config.display(config.load(environment)))


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text("port: 9001")
    with pytest.raises(ConfigurationError, match=re.escape(str(file))):
        config.load({}, None, str(file))


def test_every_setting_says_what_it_means() -> None:
    for name in config.names():
        assert config.describe(name).endswith("."), name


def test_the_readme_lists_every_setting_with_its_default_and_meaning() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    defaults = {name: value for name, value, _ in config.display(config.load({}))}
    for name in config.names():
        row = (
            f"| `RELAY_{name.upper()}` | {f'`{defaults[name]}`' if defaults[name] else '-'} | {config.describe(name)} |"
        )
        assert row in readme, row


@pytest.mark.parametrize("name", config.names())
@pytest.mark.parametrize("value", ["4096", "203.0.113.7", "off", "a-secret-of-some-length"])
def test_whatever_is_written_is_taken_or_refused_by_name(name: str, value: str) -> None:
    try:
        config.load({f"RELAY_{name.upper()}": value})
    except ConfigurationError as refusal:
        written = str(refusal).lower()
        assert name in written or any(other in written for other in config.names())


@pytest.mark.parametrize("name", sorted(config.SECRETS - {"database"}))
def test_a_secret_is_taken_unless_it_is_short(name: str) -> None:
    secret = "a-secret-of-some-length"
    others = {"RELAY_TURN_URLS": "turn:turn.example.org"} if name == "turn_secret" else {}
    assert dict(config.load({f"RELAY_{name.upper()}": secret, **others}).settings.items())[name] == secret
    with pytest.raises(ConfigurationError, match=f"RELAY_{name.upper()}"):
        config.load({f"RELAY_{name.upper()}": "short", **others})


class TestSecretsInFiles:
    OTHERS: ClassVar = {"turn_secret": {"RELAY_TURN_URLS": "turn:turn.example.org"}}

    @pytest.mark.parametrize("name", sorted(config.SECRETS))
    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_a_secret_may_be_in_a_file(self, tmp_path: Path, name: str, end: str) -> None:
        file = tmp_path / name
        file.write_bytes(b"a secret of some length" + end.encode())
        loaded = config.load({f"RELAY_{name.upper()}_FILE": str(file), **self.OTHERS.get(name, {})})
        assert dict(loaded.settings.items())[name] == "a secret of some length"
        assert loaded.origins[name] == "environment"
        assert "a secret" not in str(config.display(loaded))

    @pytest.mark.parametrize("name", sorted(config.SECRETS))
    def test_both_are_too_many(self, tmp_path: Path, name: str) -> None:
        variable = f"RELAY_{name.upper()}"
        with pytest.raises(ConfigurationError, match=f"{variable} and {variable}_FILE exclude each other"):
            config.load({variable: "a secret of some length", f"{variable}_FILE": str(tmp_path)})

    @pytest.mark.parametrize(
        ("content", "named"),
        [
            (None, "can't be read: No such file"),
            (b"", "is empty"),
            (b"\n", "is empty"),
            (b"\xff\xfe secret", "can't be read: it is not text"),
            (b"a secret of\nseveral lines", "is not one line"),
            (b"x" * 5_000, "is not one line"),
            (b"short", "RELAY_OPERATOR_TOKEN needs at least 16 characters"),
        ],
    )
    def test_a_file_that_is_not_right_is_named_and_not_what_it_holds(
        self, tmp_path: Path, content: bytes | None, named: str
    ) -> None:
        file = tmp_path / "token"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConfigurationError, match=named) as refusal:
            config.load({"RELAY_OPERATOR_TOKEN_FILE": str(file)})
        assert not content or content.strip().decode(errors="replace") not in str(refusal.value) or not content.strip()

    def test_an_empty_variable_names_no_file(self) -> None:
        assert config.load({"RELAY_OPERATOR_TOKEN_FILE": ""}).settings.operator.operator_token is None

    def test_what_is_no_secret_has_no_file(self) -> None:
        with pytest.raises(ConfigurationError, match="RELAY_PORT_FILE is not a setting"):
            config.load({"RELAY_PORT_FILE": "/etc/port"})


def test_the_token_for_metrics_is_another_than_the_operators() -> None:
    tokens = {"RELAY_OPERATOR_TOKEN": "a token of some length", "RELAY_METRICS_TOKEN": "a token of some length"}
    with pytest.raises(ConfigurationError, match="metrics_token"):
        config.load(tokens)
