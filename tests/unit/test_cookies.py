"""Cookies by the scheme that people come by, and what is made of a header."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from relay.config.settings import Settings
from relay.observe.drops import Drops
from relay.observe.journal import Journal
from relay.observe.refusals import Refusals
from relay.web.cookies import Cookies
from relay.web.guests import Guests
from relay.web.visitor_address import VisitorAddresses

PROXY, STRANGER = "192.0.2.1", "198.51.100.1"
SECURE = {"X-Forwarded-For": STRANGER, "X-Forwarded-Proto": "https"}
PLAIN = {"X-Forwarded-For": STRANGER, "X-Forwarded-Proto": "http"}


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


def cookies() -> Cookies:
    journal = Journal(Refusals())
    guests = Guests(most=1, most_per_address=1, drops=Drops(), journal=journal, report=fail)
    return Cookies(VisitorAddresses(Settings.of(trusted_proxies=(PROXY,)).site, guests, journal))


def request(remote: str = PROXY, **headers: str) -> web.Request:
    return make_mocked_request("GET", "/ws", headers=headers).clone(remote=remote)


def put(**headers: str) -> str:
    response = web.Response()
    cookies().put(request(**headers), response, "relay", "value", 60)
    return response.cookies.output(header="").strip()


def test_on_https_it_is_bound_to_the_host() -> None:
    assert put(**SECURE) == "__Host-relay=value; HttpOnly; Max-Age=60; Path=/; SameSite=Strict; Secure"


@pytest.mark.parametrize("headers", [PLAIN, {}, {"Origin": "http://localhost:8080"}, {"Origin": "null"}])
def test_elsewhere_it_has_the_plain_name(headers: dict[str, str]) -> None:
    assert put(**headers) == "relay=value; HttpOnly; Max-Age=60; Path=/; SameSite=Strict"


def test_behind_a_proxy_that_does_not_tell_the_browsers_own_word_is_taken() -> None:
    assert put(Origin="https://chat.example.org").startswith("__Host-relay=value;")
    assert put(**PLAIN, Origin="https://chat.example.org").startswith("relay=value;")


def test_a_stranger_tells_no_scheme() -> None:
    response = web.Response()
    cookies().put(request(STRANGER, **SECURE), response, "relay", "value", 60)
    assert list(response.cookies) == ["relay"]


def test_dropping_has_the_same_name_and_place() -> None:
    response = web.Response()
    cookies().drop(request(**SECURE), response, "relay")
    assert response.cookies.output(header="").strip() == (
        '__Host-relay=""; HttpOnly; Max-Age=0; Path=/; SameSite=Strict; Secure'
    )


@pytest.mark.parametrize(
    ("scheme", "written", "found"),
    [
        (SECURE, "__Host-relay=a", "a"),
        (SECURE, "relay=a", None),
        (SECURE, "relay=b; __Host-relay=a; x=y", "a"),
        (PLAIN, "relay=a", "a"),
        (PLAIN, "__Host-relay=a", None),
        ({}, "__Host-relay=a; relay=b", "a"),
        ({}, "relay=b", "b"),
        ({}, "relay-staff=b", None),
        ({}, "relay=b; relay=c", None),
        ({}, "relay=b;relay=b", None),
        ({}, "xrelay=b", None),
        ({}, "relay", None),
        ({}, "", None),
        ({}, "; ;=;relay=", ""),
        ({}, 'relay="b"', '"b"'),
    ],
)
def test_what_is_read(scheme: dict[str, str], written: str, found: str | None) -> None:
    assert cookies().read(request(**scheme, Cookie=written), "relay") == found


def test_without_a_header_there_is_none() -> None:
    assert cookies().read(request(), "relay") is None


@given(st.text(max_size=200))
def test_no_header_raises_anything(written: str) -> None:
    found = cookies().read(request(Cookie=written), "relay")
    assert found is None or f"relay={found}" in written
