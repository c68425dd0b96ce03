"""Which names are served, where loopback can't show it: by whom and where a connection came in."""

from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import HttpVersion, HttpVersion10, HttpVersion11, web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from relay.config.settings import Settings
from relay.observe.drops import Drops
from relay.observe.journal import Journal
from relay.observe.once import Once
from relay.web.authority import Authority, Origin, authority, origin
from relay.web.guests import Guests
from relay.web.hosts import Hosts, served_hosts
from relay.web.visitor_address import VisitorAddresses

POD, PROBE, ELSEWHERE = "10.1.2.3", "10.1.0.1", "198.51.100.1"
NAME = "chat.example"


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


def served(host: str | None, *, own: str, peer: str, version: HttpVersion = HttpVersion11, **settings: Any) -> bool:
    transport = Mock()
    transport.get_extra_info = {"sockname": (own, 8080), "peername": (peer, 4_711)}.get
    headers = CIMultiDict({} if host is None else {"Host": host})
    request: web.Request = make_mocked_request("GET", "/", headers=headers, version=version, transport=transport)
    chosen = Settings.of(**settings)
    journal = Journal()
    addresses = VisitorAddresses(
        chosen.site,
        Guests(most=1, most_per_address=1, drops=Drops(), journal=journal, report=fail),
        journal,
    )
    return Hosts(served_hosts(chosen.site, chosen.network), addresses, journal).serve(request.clone(remote=peer))


def test_an_orchestrator_asks_by_the_address_of_the_connection() -> None:
    assert served(f"{POD}:8080", own=POD, peer=PROBE, hosts=(NAME,))
    assert not served("10.1.2.4:8080", own=POD, peer=PROBE, hosts=(NAME,))
    assert served("[fd00::7]:8080", own="fd00::7", peer="fd00::1", hosts=(NAME,))
    assert served(POD, own=f"::ffff:{POD}", peer=PROBE, hosts=(NAME,))


def test_the_public_address_is_ours_as_well() -> None:
    for public, host in (("203.0.113.7", "203.0.113.7"), ("2001:db8::7", "[2001:db8::7]:443")):
        assert served(host, own=POD, peer=ELSEWHERE, hosts=(NAME,), public_address=(public,))


def test_without_a_list_any_name_is_served_that_does_not_come_over_loopback() -> None:
    assert served(NAME, own=POD, peer=ELSEWHERE)
    assert served(NAME, own=POD, peer="127.0.0.1")
    assert not served(NAME, own="127.0.0.1", peer="127.0.0.1")
    assert not served(NAME, own="::1", peer="::1")
    assert served("[::1]:8080", own="::1", peer="::1")


def test_elsewhere_the_names_of_loopback_are_like_any() -> None:
    assert not served("localhost", own=POD, peer=ELSEWHERE, hosts=(NAME,))
    assert not served("127.0.0.1", own=POD, peer=ELSEWHERE, hosts=(NAME,))


def test_only_programs_older_than_browsers_may_name_no_host() -> None:
    assert served(None, own="127.0.0.1", peer="127.0.0.1", version=HttpVersion10, hosts=(NAME,))
    assert not served(None, own=POD, peer=ELSEWHERE)
    assert not served("", own=POD, peer=ELSEWHERE, version=HttpVersion10)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Chat.Example.", Authority("chat.example", None)),
        ("chat.example:443", Authority("chat.example", 443)),
        ("[2001:DB8:0::1]:1", Authority("2001:db8::1", 1)),
        ("192.0.2.1", Authority("192.0.2.1", None)),
        *[
            (nonsense, None)
            for nonsense in ("", ".", "a b", "a:", "a:0", "a:65536", "a:1:2", "2001:db8::1", "[::1", "a/b")
        ],
        *[(nonsense, None) for nonsense in ("u@a", "a?b", "a#b", "a\\b", "[fe80::1%1]", "ä.example", "a" * 301)],
    ],
)
def test_a_host_is_a_name_or_an_address_with_at_most_a_port(written: str, read: Authority | None) -> None:
    assert authority(written) == read


def test_origins_have_the_default_ports_of_their_schemes() -> None:
    assert origin("https://A.example") == origin("HTTPS://a.example:443") == Origin("https", "a.example", 443)
    assert origin("http://[::1]") == Origin("http", "::1", 80)
    assert [origin(each) for each in ("null", "ws://a", "https:a", "https://a/", "https://u@a", "data:x")] == [None] * 6


def test_what_was_said_is_forgotten_for_what_is_new() -> None:
    once = Once(most=2)
    assert [once.is_new(key) for key in "abacaba"] == [True, True, False, True, True, True, False]
