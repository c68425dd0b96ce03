"""Whom trusted proxies speak for, and who may not."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.config.settings import ForwardedHeader, Settings
from relay.ledger.addresses import parse
from relay.observe.drops import Drops
from relay.observe.journal import Journal
from relay.observe.refusals import Refusals
from relay.web.forwarded import MOST_HOPS, hops_of_elements, hops_of_list, node
from relay.web.guests import Guests
from relay.web.visitor_address import UNKNOWN, VisitorAddresses

PROXY, OUTER, VISITOR = "192.0.2.1", "192.0.2.7", "198.51.100.1"
TRUSTED = ("192.0.2.0/24", "2001:db8:1::/48")
LIES = ["203.0.113.9", "unknown", '"', "for=203.0.113.9", "192.0.2.9", "a" * 5_000, "", ",,,", '\\"', "[::1"]
"""What visitors write to be taken for somebody else."""


def request(remote: str | None, *lines: str, name: str = "X-Forwarded-For", **headers: str) -> web.Request:
    given = CIMultiDict([(name, line) for line in lines])
    given.extend({key.replace("_", "-"): value for key, value in headers.items()})
    return make_mocked_request("GET", "/ws", headers=given).clone(remote=remote or "")


def addresses(trusted: tuple[str, ...] = TRUSTED, header: str = "x-forwarded-for") -> VisitorAddresses:
    settings = Settings.of(trusted_proxies=trusted, forwarded_header=ForwardedHeader(header))
    journal = Journal(Refusals())
    guests = Guests(most=1, most_per_address=1, drops=Drops(), journal=journal, report=fail)
    return VisitorAddresses(settings.site, guests, journal)


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


def test_ipv4_over_an_ipv6_socket_is_ipv4() -> None:
    assert addresses().of(request("::ffff:198.51.100.1")) == VISITOR
    assert addresses().of(request("::ffff:192.0.2.1", VISITOR)) == VISITOR


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
def test_a_stranger_is_not_believed_about_whom_they_speak_for(name: str) -> None:
    for lie in LIES:
        assert addresses().of(request(VISITOR, lie, name=name)) == VISITOR


@pytest.mark.parametrize("lie", LIES)
def test_what_a_visitor_wrote_before_the_proxy_is_not_believed(lie: str) -> None:
    for lines in ((f"{lie}, {VISITOR}",), (lie, VISITOR), (lie, f"{VISITOR}, {OUTER}"), (lie, VISITOR, OUTER)):
        assert addresses().of(request(PROXY, *lines)) == VISITOR


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("element", [f"for={VISITOR}", f'proto=https;for="{VISITOR}:4711"', f"For={VISITOR};by=_x"])
def test_the_same_holds_for_forwarded(lie: str, element: str) -> None:
    seen = addresses(header="forwarded")
    for lines in ((f"{lie}, {element}",), (lie, element), (lie, f"{element}, for={OUTER}"), (f'for="{lie}', element)):
        assert seen.of(request(PROXY, *lines, name="Forwarded")) == VISITOR


def test_two_lies_are_the_same_visitor() -> None:
    lies = [request(PROXY, f"203.0.113.{number}, {VISITOR}, {OUTER}") for number in (1, 2)]
    assert [addresses().of(lie) for lie in lies] == [VISITOR, VISITOR]


@pytest.mark.parametrize(("chosen", "other"), [("X-Forwarded-For", "Forwarded"), ("Forwarded", "X-Forwarded-For")])
def test_the_header_that_the_proxy_does_not_write_is_ignored(chosen: str, other: str) -> None:
    seen = addresses(header=chosen.lower())
    written = {"X-Forwarded-For": VISITOR, "Forwarded": f"for={VISITOR}"}
    lie = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    both = make_mocked_request("GET", "/", headers=CIMultiDict({other: lie[other], chosen: written[chosen]}))
    assert seen.of(both.clone(remote=PROXY)) == VISITOR
    alone = make_mocked_request("GET", "/", headers=CIMultiDict({other: lie[other]}))
    assert seen.of(alone.clone(remote=PROXY)) == PROXY


@pytest.mark.parametrize(
    "lines", [(), ("",), ("unknown",), ("nonsense",), ("_hidden",), (f"{VISITOR}, unknown",), (f"{VISITOR},",)]
)
def test_a_proxy_that_names_nobody_is_one_visitor(lines: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    seen = addresses()
    assert [seen.of(request(PROXY, *lines)) for _ in range(3)] == [PROXY] * 3
    assert capsys.readouterr().out.count("proxy_names_nobody") == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/metrics", {}), ("/videochat/health", {}), ("/videochat/overview", {"Authorization": "Bearer a"})],
)
def test_who_asks_from_the_proxys_own_host_for_themselves_is_no_fault_of_the_proxy(
    path: str, headers: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = make_mocked_request("GET", path, headers=CIMultiDict(headers)).clone(remote=PROXY)
    assert addresses().of(asked) == PROXY
    assert "proxy_names_nobody" not in capsys.readouterr().out


def test_a_proxy_that_writes_the_other_header_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    addresses().of(request(PROXY, "for=203.0.113.9", name="Forwarded"))
    assert "RELAY_FORWARDED_HEADER=forwarded" in capsys.readouterr().out


def test_an_inner_proxy_that_names_nobody_stands_for_its_visitors() -> None:
    assert addresses().of(request(PROXY, "203.0.113.9, unknown, 192.0.2.7")) == OUTER


def test_where_all_are_trusted_it_is_the_farthest() -> None:
    assert addresses().of(request(PROXY, "192.0.2.9, 192.0.2.8, 192.0.2.7")) == "192.0.2.9"


def test_a_stranger_who_sends_such_headers_is_warned_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    seen = addresses(())
    for _ in range(3):
        seen.of(request(PROXY, VISITOR))
        seen.of(request("203.0.113.1", f"for={VISITOR}", name="Forwarded"))
        seen.of(request("203.0.113.2"))
    written = capsys.readouterr().out
    assert written.count("proxy_not_trusted") == 2
    assert "RELAY_TRUSTED_PROXIES" in written


def test_a_connection_without_an_address_has_one_all_the_same() -> None:
    assert addresses().of(request(None)) == UNKNOWN
    assert addresses().of(request("@unix")) == UNKNOWN


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9:5000 ", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:DB8::1]:5000", "2001:db8::1"),
        ('"[2001:db8::1]:4711"', "2001:db8::1"),
        ("[2001:db8::1]:_port", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:1", "203.0.113.9"),
        *[(nonsense, None) for nonsense in ("", "unknown", "_gazonk", "203.0.113.9:", "203.0.113.9:123456", "1.2.3")],
        *[(nonsense, None) for nonsense in ("[203.0.113.9]", "[2001:db8::1", "[2001:db8::1]5000", "fe80::1%eth0")],
        *[(nonsense, None) for nonsense in ("203.0.113.009", "0x7f.1", "203.0.113.9 1", "1" * 100)],
    ],
)
def test_ports_and_brackets_are_understood(written: str, address: str | None) -> None:
    assert node(written) == address


def test_forwarded_is_read_as_rfc_7239_writes_it() -> None:
    lines = [
        'for="_gazonk"',
        'For="[2001:db8:cafe::17]:4711"',
        "for=192.0.2.60;proto=http;by=203.0.113.43",
        'for=192.0.2.43, for="198.51.100.17";host="a,b;c\\"d";proto=HTTPS',
    ]
    assert [hop.address for hop in hops_of_elements(lines)] == [
        "198.51.100.17",
        "192.0.2.43",
        "192.0.2.60",
        "2001:db8:cafe::17",
        None,
    ]
    first = next(hops_of_elements(lines))
    assert (first.scheme, first.host) == ("HTTPS", 'a,b;c"d')


@pytest.mark.parametrize(
    "element", ["for", "for=1.2.3.4;for=1.2.3.5", "for=1.2.3.4 x", "=1.2.3.4", 'for="1.2.3.4', ";"]
)
def test_an_element_that_is_not_wholly_understood_names_nobody(element: str) -> None:
    assert [hop.address for hop in hops_of_elements([element])] == [None]


def test_so_many_hops_are_read_and_no_more() -> None:
    many = [", ".join(["192.0.2.7"] * 1_000)] * 100
    assert len(list(hops_of_list(many))) == MOST_HOPS
    assert len(list(hops_of_elements([line.replace("192", "for=192") for line in many]))) == MOST_HOPS
    assert addresses().of(request(PROXY, *many)) == OUTER


@given(st.lists(st.text(max_size=60), max_size=4))
def test_whatever_is_written_it_is_an_address(lines: list[str]) -> None:
    for header in ForwardedHeader:
        made = request(PROXY, *lines, name=header.value)
        parse(addresses(header=header.value).of(made))


class TestSchemeAndHost:
    def test_a_trusted_proxy_says_them(self) -> None:
        made = request(PROXY, VISITOR, Host="inner:8080", X_Forwarded_Proto="https", X_Forwarded_Host="chat.example")
        assert (addresses().scheme(made), addresses().host(made)) == ("https", "chat.example")

    def test_of_several_the_nearest_proxys_counts(self) -> None:
        made = request(PROXY, VISITOR, X_Forwarded_Proto="https, HTTP", X_Forwarded_Host="evil.example, chat.example")
        assert (addresses().scheme(made), addresses().host(made)) == ("http", "chat.example")

    def test_a_stranger_does_not(self) -> None:
        made = request(VISITOR, Host="chat.example", X_Forwarded_Proto="https", X_Forwarded_Host="evil.example")
        assert (addresses().scheme(made), addresses().host(made)) == (None, "chat.example")

    def test_nonsense_and_silence_leave_the_scheme_unknown(self) -> None:
        assert addresses().scheme(request(PROXY, VISITOR, X_Forwarded_Proto="gopher")) is None
        assert addresses().scheme(request(PROXY, VISITOR)) is None

    def test_forwarded_says_them_where_it_names_the_visitor(self) -> None:
        line = f'for={VISITOR};proto=https;host="chat.example:8443", for=192.0.2.7;proto=http;host=inner'
        made = request(PROXY, "for=203.0.113.9;proto=http;host=evil.example", line, name="Forwarded", Host="inner")
        seen = addresses(header="forwarded")
        assert (seen.scheme(made), seen.host(made)) == ("https", "chat.example:8443")
