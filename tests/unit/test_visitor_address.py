from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from relay.web.visitor_address import VisitorAddresses


def request(remote: str, forwarded: str | None = None) -> web.Request:
    made = make_mocked_request("GET", "/ws", headers={} if forwarded is None else {"X-Forwarded-For": forwarded})
    return made.clone(remote=remote)


def admitted(addresses: VisitorAddresses, *requests: web.Request) -> list[bool]:
    return [addresses.enter(each) is not None for each in requests]


def test_an_address_has_so_many_connections_and_gets_one_back_when_one_ends() -> None:
    addresses = VisitorAddresses((), most=2)
    home = request("192.0.2.1")
    assert admitted(addresses, home, home, home) == [True, True, False]
    assert admitted(addresses, request("192.0.2.2")) == [True]
    addresses.leave("192.0.2.1")
    assert admitted(addresses, home) == [True]


def test_an_ipv6_subscriber_is_one_address() -> None:
    addresses = VisitorAddresses((), most=1)
    assert admitted(
        addresses, request("2001:db8:1:2::1"), request("2001:db8:1:2:ffff::9"), request("2001:db8:1:3::1")
    ) == [True, False, True]


def test_ipv4_over_an_ipv6_socket_is_ipv4() -> None:
    addresses = VisitorAddresses((), most=1)
    assert admitted(addresses, request("::ffff:192.0.2.1"), request("::ffff:192.0.2.2")) == [True, True]
    assert admitted(addresses, request("192.0.2.1")) == [False]


def test_a_stranger_is_not_believed_about_whom_they_speak_for() -> None:
    addresses = VisitorAddresses((), most=1)
    assert admitted(addresses, request("192.0.2.1", "198.51.100.1"), request("192.0.2.1", "198.51.100.2")) == [
        True,
        False,
    ]


def test_a_trusted_proxy_is_believed_up_to_the_first_stranger() -> None:
    addresses = VisitorAddresses(("192.0.2.0/24",), most=1)
    # The visitor wrote the first entry themselves.
    lie = request("192.0.2.1", "203.0.113.9, 198.51.100.1, 192.0.2.7")
    assert admitted(addresses, lie, lie, request("192.0.2.1", "198.51.100.2")) == [True, False, True]


def test_a_trusted_proxy_that_speaks_for_nobody_is_not_limited() -> None:
    addresses = VisitorAddresses(("192.0.2.1",), most=1)
    assert admitted(addresses, *[request("192.0.2.1")] * 3, request("192.0.2.1", "nonsense")) == [True] * 4
