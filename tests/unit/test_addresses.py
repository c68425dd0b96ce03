"""Which of the host's addresses browsers are told, and that it is those of now."""

import errno
import ipaddress
import random
from collections.abc import Callable

import pytest
import structlog.testing

from relay import clock
from relay.checks import host
from relay.checks.finding import Verdict
from relay.config.settings import NetworkSettings, Settings
from relay.errors import ConfigurationError
from relay.ledger.addresses import Networks, subscriber
from relay.machine import interfaces
from relay.machine.interfaces import FRESH, MOMENT, Interface, Interfaces, OwnAddress, read_addresses
from relay.observe.logs.pseudonyms import Ours, Pseudonyms
from relay.transport.addresses import LOOK_INTERVAL, MOST_ADVERTISED, Advertised, advertised, turn_relays

Host = list[OwnAddress]

LO, ETH0, DOCKER = Interface("lo"), Interface("eth0"), Interface("docker0", "bridge")
LOOPBACK = OwnAddress(ipaddress.ip_address("127.0.0.1"), LO), OwnAddress(ipaddress.ip_address("::1"), LO)
PUBLIC, PUBLIC_V6, PRIVATE, PRIVATE_V6 = "203.0.113.1", "2001:db8::1", "192.168.1.2", "fd00::1"


def at(address: str, interface: Interface = ETH0, **more: bool) -> OwnAddress:
    return OwnAddress(ipaddress.ip_address(address), interface, **more)


def told(*own: OwnAddress, **settings: object) -> tuple[str, ...]:
    return advertised(Settings.of(**settings).network, (*LOOPBACK, *own))


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Host:
    """The host's addresses, to be changed."""
    there: Host = list(LOOPBACK)
    monkeypatch.setattr(interfaces, "read_addresses", lambda: tuple(there))
    return there


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets seconds pass."""
    now = [1_000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])

    def seconds(amount: float) -> None:
        now[0] += amount

    return seconds


def refuse() -> tuple[OwnAddress, ...]:
    raise OSError(errno.EAFNOSUPPORT, "no netlink")


def fail(task: str, failure: BaseException) -> None:
    raise AssertionError(task) from failure


def test_only_addresses_where_media_is_taken_are_advertised() -> None:
    there = at("198.51.100.1"), at("198.51.100.2"), at("2001:db8::1")
    assert told(*there, bind=("127.0.0.1",)) == ("127.0.0.1",)
    assert told(*there, bind=("127.0.0.1",), media_bind=("198.51.100.2",)) == ("198.51.100.2",)
    assert set(told(*there, http_bind=("127.0.0.1",))) == {"198.51.100.1", "198.51.100.2", "2001:db8::1"}
    assert told(*there, bind=("::",)) == ("2001:db8::1",)


def test_an_address_where_nobody_listens_stops_the_start() -> None:
    there = at("198.51.100.1")
    with pytest.raises(ConfigurationError, match=r"198\.51\.100\.1, which is this host's and where nobody listens"):
        told(there, bind=("127.0.0.1",), public_address=("198.51.100.1",))
    # A NAT's is not ours, and what it passes on may come to any of ours.
    assert told(there, bind=("198.51.100.1",), public_address=("203.0.113.1",)) == ("203.0.113.1",)


def test_what_is_configured_is_advertised_ipv6_first() -> None:
    configured = ("203.0.113.9", "203.0.113.5", "2001:db8::9")
    assert told(at("198.51.100.1"), public_address=configured) == ("2001:db8::9", "203.0.113.9", "203.0.113.5")


def test_loopback_is_advertised_only_by_a_host_without_another_address() -> None:
    assert told(at("198.51.100.1")) == ("198.51.100.1",)
    assert told() == advertised(NetworkSettings(), ()) == ("127.0.0.1", "::1")


def test_public_addresses_come_before_private_ones_and_those_before_bridges_and_tunnels() -> None:
    tunnel, bridge = Interface("wg0", "wireguard"), Interface("br0", "bridge")
    line = Interface("ppp0", is_point_to_point=True)
    there = [
        at("10.8.0.1", tunnel),
        at("100.64.0.1", line),
        at("10.0.0.1", bridge),
        at(PRIVATE),
        at(PRIVATE_V6),
        at(PUBLIC, line),
        at(PUBLIC_V6, bridge),
    ]
    random.Random(1).shuffle(there)
    ordered = told(*there)
    assert ordered[:4] == (PUBLIC_V6, PUBLIC, PRIVATE_V6, PRIVATE)
    assert set(ordered[4:]) == {"10.8.0.1", "100.64.0.1", "10.0.0.1"}


def test_at_the_same_distance_the_two_families_take_turns() -> None:
    there = [at(f"203.0.113.{number}") for number in (1, 2, 3)] + [at(f"2001:db8::{number}") for number in (1, 2)]
    assert told(*there) == ("2001:db8::1", "203.0.113.1", "2001:db8::2", "203.0.113.2", "203.0.113.3")


def test_what_this_host_itself_sends_from_comes_first_of_its_kind() -> None:
    dead = [at(f"203.0.113.{number}", Interface(f"dummy{number}")) for number in range(1, 5)]
    assert told(*dead, at("203.0.113.77", is_source=True))[0] == "203.0.113.77"
    assert told(at("192.168.7.1"), at("192.168.8.1", Interface("br0", "bridge"), is_source=True))[0] == "192.168.8.1"
    # Behind a tunnel that everything goes through nobody finds us.
    assert told(at("10.8.0.2", Interface("tun0", "tun"), is_source=True), at(PRIVATE))[0] == PRIVATE


def test_what_was_added_to_an_interface_or_is_temporary_comes_later() -> None:
    assert told(at("2001:db8::a", is_secondary=True), at("2001:db8::b")) == ("2001:db8::b", "2001:db8::a")


@pytest.mark.parametrize(
    "name",
    ["docker0", "docker_gwbridge", "br-1a2b3c4d5e6f", "veth12ab", "virbr0", "vnet3", "cni0", "cni-podman0", "lxcbr0"],
)
def test_what_leads_to_containers_and_virtual_machines_is_left_out(name: str) -> None:
    assert told(at("172.17.0.1", Interface(name, "bridge")), at(PRIVATE)) == (PRIVATE,)
    assert told(at("172.17.0.1", Interface(name, "bridge"))) == ("127.0.0.1", "::1")


def test_a_name_like_that_of_containers_is_no_reason_where_the_internet_is_reached_by_it() -> None:
    assert told(at(PRIVATE, Interface("br-lan", "bridge"), is_source=True)) == (PRIVATE,)


def test_what_is_down_or_given_up_is_left_out() -> None:
    down = at("203.0.113.2", Interface("eth1", is_up=False))
    assert told(down, at("2001:db8::2", is_usable=False), at(PUBLIC)) == (PUBLIC,)


def test_two_hundred_addresses_are_a_few_in_the_answer() -> None:
    there = [at(f"10.0.{number}.1", Interface(f"eth{number}")) for number in range(200)]
    assert len(told(*there)) == MOST_ADVERTISED
    assert told(*there, at(PUBLIC))[0] == PUBLIC


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        (("0.0.0.0",), (PUBLIC, PRIVATE)),
        (("::",), (PUBLIC_V6,)),
        ((PRIVATE,), (PRIVATE,)),
        (("127.0.0.1",), ("127.0.0.1",)),
        (("0.0.0.0", PUBLIC_V6), (PUBLIC_V6, PUBLIC, PRIVATE)),
        (("172.17.0.1",), ("172.17.0.1",)),
        (("203.0.113.200",), ("203.0.113.200",)),
        (("2001:DB8:0::1",), (PUBLIC_V6,)),
    ],
)
def test_only_what_is_listened_on_is_advertised(bind: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert told(at(PUBLIC), at(PUBLIC_V6), at(PRIVATE), at("172.17.0.1", DOCKER), bind=bind) == expected


def test_private_addresses_are_left_out_where_browsers_would_ignore_them() -> None:
    there = [at(address) for address in (PRIVATE, PUBLIC, PRIVATE_V6, PUBLIC_V6)]
    assert told(*there, port=443) == (PUBLIC_V6, PUBLIC)
    assert told(*there, port=8080) == (PUBLIC_V6, PUBLIC, PRIVATE_V6, PRIVATE)


def test_a_host_with_private_addresses_only_is_told_that_443_is_of_no_use() -> None:
    with pytest.raises(ConfigurationError, match=r"192\.168\.1\.2.*443"):
        told(at(PRIVATE), port=443)
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1.*443"):
        told(bind=("127.0.0.1",), port=443)


async def test_a_network_that_comes_up_later_is_told_of(own: Host, wait: Callable[[float], None]) -> None:
    with structlog.testing.capture_logs() as lines:
        now = Advertised(NetworkSettings(port=443), Interfaces(), fail)
        now.start()
        assert now.addresses() == ("127.0.0.1", "::1")
        own.append(at(PUBLIC))
        assert now.addresses() == ("127.0.0.1", "::1")
        wait(FRESH)
        assert now.addresses() == (PUBLIC,)
        assert now.addresses(just_changed=True) == (PUBLIC,)
        own[-1] = at("203.0.113.77")
        wait(MOMENT)
        assert now.addresses() == (PUBLIC,)
        assert now.addresses(just_changed=True) == ("203.0.113.77",)
        own.pop()
        wait(FRESH)
        assert now.addresses() == ("127.0.0.1", "::1")
        await now.close()
    events = [(line["event"], line["log_level"], line["advertised"]) for line in lines]
    assert events == [
        ("only_loopback", "warning", "127.0.0.1, ::1"),
        ("addresses_changed", "info", PUBLIC),
        ("addresses_changed", "info", "203.0.113.77"),
        ("addresses_changed", "info", "127.0.0.1, ::1"),
    ]


async def test_addresses_that_browsers_do_not_use_are_warned_of_once(own: Host, wait: Callable[[float], None]) -> None:
    now = Advertised(NetworkSettings(port=443), Interfaces(), fail)
    with structlog.testing.capture_logs() as lines:
        for address in (PRIVATE, "192.168.1.3", PUBLIC, PRIVATE):
            own[2:] = [at(address)]
            wait(LOOK_INTERVAL)
            assert now.addresses() == (address,)
    await now.close()
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["addresses_unusable"]


@pytest.mark.usefixtures("own")
async def test_nothing_is_warned_of_where_loopback_is_meant() -> None:
    with structlog.testing.capture_logs() as lines:
        for settings in (Settings.of(bind=("127.0.0.1",)), Settings.of(public_address=("127.0.0.1",))):
            now = Advertised(settings.network, Interfaces(), fail)
            now.start()
            await now.close()
    assert lines == []


async def test_a_kernel_that_does_not_tell_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "read_addresses", refuse)
    now = Advertised(NetworkSettings(), Interfaces(), fail)
    with structlog.testing.capture_logs() as lines:
        now.start()
    await now.close()
    assert [line["event"] for line in lines] == ["addresses_unknown"]


@pytest.mark.usefixtures("own")
def test_what_was_known_is_kept_where_it_can_not_be_read(
    wait: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Interfaces()
    assert len(known.addresses()) == 2
    monkeypatch.setattr(interfaces, "read_addresses", refuse)
    wait(FRESH)
    assert len(known.addresses()) == 2
    assert known.failure is not None


async def test_turn_servers_beside_us_are_known_by_the_addresses_of_now(
    own: Host, wait: Callable[[float], None]
) -> None:
    known = Interfaces()
    relays = await turn_relays(("turn:192.0.2.99",), (), known)
    assert "192.0.2.99" in relays
    assert PUBLIC not in relays
    own.append(at(PUBLIC))
    wait(FRESH)
    assert PUBLIC in relays
    assert PUBLIC not in await turn_relays((), (), known)


@pytest.mark.usefixtures("wait")
def test_an_address_that_just_came_is_no_persons(own: Host, wait: Callable[[float], None]) -> None:
    pseudonyms = Pseudonyms(Ours(Interfaces(), (PUBLIC_V6,)))
    assert pseudonyms.hide(f"{PUBLIC} and {PUBLIC_V6}").endswith(f" and {PUBLIC_V6}")
    own.append(at(PUBLIC))
    wait(MOMENT)
    assert pseudonyms.hide(PUBLIC) == PUBLIC


def test_an_address_that_was_found_is_no_persons_from_then_on() -> None:
    ours = Ours(Interfaces(), ())
    pseudonyms = Pseudonyms(ours)
    assert PUBLIC_V6 not in pseudonyms.hide(PUBLIC_V6)
    ours.add((PUBLIC_V6,))
    assert pseudonyms.hide(PUBLIC_V6) == PUBLIC_V6


def test_the_check_says_that_there_is_no_network(own: Host) -> None:
    (found,) = host._addresses(Settings())
    assert (found.check, found.verdict) == ("address", Verdict.FAILURE)
    assert "network up" in found.sentence
    own.append(at(PUBLIC))
    (found,) = host._addresses(Settings())
    assert (found.verdict, found.sentence) == (Verdict.OK, f"Browsers are told {PUBLIC}.")


def test_this_hosts_own_addresses_are_read() -> None:
    found = {str(each.address): each for each in read_addresses()}
    assert found["127.0.0.1"].interface == Interface("lo")
    assert all(not each.address.is_link_local for each in found.values())
    assert "127.0.0.1" in Interfaces()
    assert PUBLIC not in Interfaces()


def test_an_ipv4_address_is_the_same_over_an_ipv6_socket() -> None:
    assert subscriber("::ffff:192.0.2.1") == "192.0.2.1"
    assert Networks(["192.0.2.0/24"]).hold("::ffff:192.0.2.1")
    assert not Networks(["192.0.2.0/24"]).hold("198.51.100.1")
