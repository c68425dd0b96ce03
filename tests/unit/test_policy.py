"""The content security policy, whatever a request says of its host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.web.authority import authority
from relay.web.policy import policy

GENERAL = policy()


def connections(host: str, scheme: str | None = None) -> list[str]:
    """What may be connected to."""
    rules = dict(rule.split(" ", 1) for rule in policy(authority(host), scheme).split("; "))
    return rules["connect-src"].split(" ")


@pytest.mark.parametrize(
    ("host", "scheme", "allowed"),
    [
        ("chat.example.org", "https", ["'self'", "wss://chat.example.org"]),
        ("chat.example.org:8443", "https", ["'self'", "wss://chat.example.org:8443"]),
        ("Chat.Example", "http", ["'self'", "wss://chat.example", "ws://chat.example"]),
        ("192.0.2.1:8080", None, ["'self'", "wss://192.0.2.1:8080", "ws://192.0.2.1:8080"]),
        ("localhost:8080", None, ["'self'", "wss://localhost:8080", "ws://localhost:8080"]),
    ],
)
def test_a_page_may_open_its_own_websocket(host: str, scheme: str | None, allowed: list[str]) -> None:
    assert connections(host, scheme) == allowed


@pytest.mark.parametrize(
    "host",
    [
        "[2001:db8::1]:8080",
        "under_score.example",
        "a..b",
        "",
        "*",
        "*.example",
        "a b",
        "a;script-src *",
        "a' 'unsafe-inline",
        "a\r\nX: y",
    ],
)
def test_what_is_no_host_for_a_policy_is_left_out(host: str) -> None:
    assert policy(authority(host), "https") == GENERAL


@given(st.text() | st.text("abc.-:;'* ,\r\n0123456789"), st.sampled_from(["https", "http", None]))
def test_no_host_adds_anything_but_websockets(host: str, scheme: str | None) -> None:
    written = policy(authority(host), scheme)
    assert written.startswith(GENERAL)
    for added in written.removeprefix(GENERAL).split():
        assert added.startswith(("wss://", "ws://"))
        assert not set(added) & set("*;,'\r\n")
