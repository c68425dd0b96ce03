"""Where ports listen, as the settings write it."""

import pytest

from relay.transport.listening import holds, together


@pytest.mark.parametrize(
    ("hosts", "address", "held"),
    [
        ((), "192.0.2.1", True),
        ((), "2001:db8::1", True),
        (("0.0.0.0",), "192.0.2.1", True),
        (("0.0.0.0",), "2001:db8::1", False),
        (("::",), "192.0.2.1", False),
        (("::",), "2001:db8::1", True),
        (("127.0.0.1", "::1"), "::1", True),
        (("127.0.0.1",), "127.0.0.2", False),
        (("127.0.0.1",), "::ffff:127.0.0.1", True),
        (("2001:DB8:0::1",), "2001:db8::1", True),
    ],
)
def test_a_port_is_reached_where_it_listens(hosts: tuple[str, ...], address: str, held: bool) -> None:
    assert holds(hosts, address) is held


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ((), ("127.0.0.1",), ()),
        (("127.0.0.1",), ("127.0.0.1",), ("127.0.0.1",)),
        (("127.0.0.1",), ("192.0.2.1", "::1"), ("127.0.0.1", "192.0.2.1", "::1")),
        (("127.0.0.1",), ("0.0.0.0",), ("0.0.0.0",)),
        (("127.0.0.1", "::1"), ("0.0.0.0",), ("0.0.0.0", "::1")),
        (("::",), ("0.0.0.0",), ("0.0.0.0", "::")),
    ],
)
def test_what_serves_both_listens_nowhere_twice(
    one: tuple[str, ...], other: tuple[str, ...], both: tuple[str, ...]
) -> None:
    assert together(one, other) == both
