from typing import Any

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from relay.ids import PeerId
from relay.observe.drops import Drop
from relay.transport.bindings import (
    ANSWERS,
    CHECKS_PER_SECOND,
    CHECKS_REMEMBERED,
    CONNECTIONS_PER_PEER,
    CONSENT_TIMEOUT,
    PATH_HELD,
    PATHS_PER_PEER,
    BindingTable,
    Taken,
)
from relay.transport.port import Credentials, Path, Transport

ANN, BOB = PeerId(1), PeerId(2)
HOME = Path("192.0.2.10", 40_000, "198.51.100.1")
AWAY = Path("203.0.113.20", 50_000, "198.51.100.1")
PASSWORD = "p" * 24


def check(ufrag: str = "ann", password: str = PASSWORD, *, nominate: bool = False, **attributes: Any) -> bytes:
    """A connectivity check as a browser sends it."""
    request = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.REQUEST,
        attributes={"USERNAME": f"{ufrag}:them", "PRIORITY": 1, **attributes},
    )
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    return bytes(request)


def admit(table: BindingTable, peer: PeerId, ufrag: str) -> None:
    table.admit(peer, Credentials(ufrag, PASSWORD), Credentials("them", "q" * 24))


@pytest.fixture
def table() -> BindingTable:
    table = BindingTable()
    admit(table, ANN, "ann")
    return table


def accept(table: BindingTable, datagram: bytes, path: Path, now: float = 0.0) -> Taken:
    verdict = table.receive_stun(datagram, path, now)
    assert isinstance(verdict, Taken), verdict
    return verdict


def test_a_right_check_is_answered_with_the_address_it_came_from(table: BindingTable) -> None:
    datagram = check()
    answered = accept(table, datagram, HOME)
    assert answered.response
    response = stun.parse_message(answered.response)
    assert response.transaction_id == stun.parse_message(datagram).transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.10", 40_000)
    assert response.check_message_integrity(PASSWORD.encode())


def test_the_first_proved_address_is_selected_before_it_is_nominated(table: BindingTable) -> None:
    assert accept(table, check(), HOME).moved
    assert table.selected(ANN) == HOME
    assert table.owner(HOME) == ANN


def test_another_address_is_selected_only_by_nomination(table: BindingTable) -> None:
    accept(table, check(nominate=True), HOME)
    assert not accept(table, check(), AWAY).moved
    assert table.selected(ANN) == HOME
    assert accept(table, check(nominate=True), AWAY).moved
    assert table.selected(ANN) == AWAY


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (check(ufrag="eve"), Drop.STUN_UNKNOWN_UFRAG),
        (check(password="q" * 24), Drop.STUN_BAD_INTEGRITY),
        (check()[:-1], Drop.STUN_MALFORMED),
        (b"\x00\x01\x00\x00", Drop.STUN_MALFORMED),
        (bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)), Drop.STUN_UNKNOWN_UFRAG),
        (bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)), Drop.STUN_UNASKED),
        (bytes(stun.Message(stun.Method.BINDING, stun.Class.ERROR)), Drop.STUN_MALFORMED),
        (bytes(stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST)), Drop.STUN_MALFORMED),
    ],
)
def test_what_is_not_authentic_changes_nothing(table: BindingTable, datagram: bytes, reason: Drop) -> None:
    assert table.receive_stun(datagram, HOME, 0.0) is reason
    assert table.owner(HOME) is None
    assert table.selected(ANN) is None


def test_integrity_is_required(table: BindingTable) -> None:
    bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": "ann:them"})
    assert table.receive_stun(bytes(bare), HOME, 0.0) is Drop.STUN_BAD_INTEGRITY


def test_old_credentials_stay_valid_until_the_new_ones_nominate(table: BindingTable) -> None:
    accept(table, check(nominate=True), HOME)
    admit(table, ANN, "ann2")
    accept(table, check(), HOME)
    accept(table, check("ann2"), AWAY)
    accept(table, check(), HOME)
    accept(table, check("ann2", nominate=True), AWAY)
    assert table.selected(ANN) == AWAY
    assert table.receive_stun(check(), HOME, 0.0) is Drop.STUN_UNKNOWN_UFRAG


def test_a_restart_replaces_a_restart_that_never_nominated(table: BindingTable) -> None:
    admit(table, ANN, "ann2")
    admit(table, ANN, "ann3")
    assert table.receive_stun(check("ann2"), HOME, 0.0) is Drop.STUN_UNKNOWN_UFRAG
    accept(table, check("ann"), HOME)
    accept(table, check("ann3"), HOME)


def test_consent_lasts_as_long_as_rfc_7675_has_it() -> None:
    """Section 5.1: longer, and a server could be made to send to somebody who said no."""
    assert CONSENT_TIMEOUT == 30.0


def test_an_address_changes_hands_only_when_its_owner_is_silent(table: BindingTable) -> None:
    admit(table, BOB, "bob")
    accept(table, check(nominate=True), HOME)
    assert table.receive_stun(check("bob", nominate=True), HOME, PATH_HELD) is Drop.STUN_ADDRESS_HELD
    assert table.owner(HOME) == ANN
    accept(table, check("bob", nominate=True), HOME, now=PATH_HELD + 0.1)
    assert table.owner(HOME) == BOB
    assert table.selected(ANN) is None


def test_a_check_from_elsewhere_is_known_again_for_as_long_as_it_is_remembered(table: BindingTable) -> None:
    recorded = check(nominate=True)
    accept(table, recorded, HOME)
    assert table.receive_stun(recorded, AWAY, 1.0) is Drop.STUN_REPLAYED
    for second in range(1, CHECKS_REMEMBERED):
        accept(table, check(nominate=True), HOME, second)
    assert table.receive_stun(recorded, AWAY, CHECKS_REMEMBERED) is Drop.STUN_REPLAYED
    assert table.selected(ANN) == HOME
    # Then it is forgotten: memory has a bound. The owner's next check takes the flow back.
    accept(table, check(nominate=True), HOME, CHECKS_REMEMBERED)
    assert accept(table, recorded, AWAY, CHECKS_REMEMBERED).moved
    assert accept(table, check(nominate=True), HOME, CHECKS_REMEMBERED).moved


def test_a_check_that_comes_again_is_answered_seven_times_and_changes_nothing(table: BindingTable) -> None:
    repeated = check(nominate=True)
    accept(table, repeated, AWAY)
    accept(table, check(nominate=True), HOME)
    for _ in range(ANSWERS - 1):
        again = accept(table, repeated, AWAY)
        assert again.response
        assert not again.moved
    assert table.receive_stun(repeated, AWAY, 0.0) is Drop.STUN_REPLAYED
    assert table.selected(ANN) == HOME
    # Nor is it answered where nobody is known any more.
    repeated = check()
    accept(table, repeated, HOME)
    table.expire(CONSENT_TIMEOUT + 0.1)
    assert table.receive_stun(repeated, HOME, CONSENT_TIMEOUT + 0.2) is Drop.STUN_REPLAYED


def test_who_checks_in_a_storm_is_heard_again_in_the_next_second(table: BindingTable) -> None:
    recorded = check()
    accept(table, recorded, HOME, 10.0)
    # What somebody plays again in her name takes no checks from her.
    for _ in range(2 * CHECKS_PER_SECOND):
        table.receive_stun(recorded, HOME, 10.0)
    verdicts = [table.receive_stun(check(), HOME, 10.5) for _ in range(2 * CHECKS_PER_SECOND)]
    assert sum(isinstance(verdict, Taken) for verdict in verdicts) == CHECKS_PER_SECOND - 1
    assert verdicts[-1] is Drop.FLOODED
    assert accept(table, check(nominate=True), AWAY, 11.0).moved


def test_of_many_connections_those_go_that_were_checked_longest_ago_and_no_other_path(table: BindingTable) -> None:
    connections = [
        Path("203.0.113.20", port, "198.51.100.1", Transport.TCP) for port in range(CONNECTIONS_PER_PEER + 3)
    ]
    accept(table, check(), HOME)
    accept(table, check(nominate=True), connections[0])
    for connection in connections[1:]:
        accept(table, check(), connection)
    assert [path for path in connections if table.owner(path) is None] == connections[1:4]
    assert table.owner(HOME) == ANN


def test_a_released_peer_leaves_nothing_behind(table: BindingTable) -> None:
    accept(table, check(nominate=True), HOME)
    table.release(ANN)
    table.release(ANN)
    assert len(table) == 0
    assert table.owner(HOME) is None
    assert table.selected(ANN) is None
    assert table.receive_stun(check(), HOME, 0.0) is Drop.STUN_UNKNOWN_UFRAG


def test_consent_expires_once_and_comes_back_with_the_next_check(table: BindingTable) -> None:
    accept(table, check(nominate=True), HOME, now=100.0)
    assert table.expire(100.0 + CONSENT_TIMEOUT) == []
    assert table.expire(100.1 + CONSENT_TIMEOUT) == [ANN]
    assert table.expire(100.1 + CONSENT_TIMEOUT) == []
    assert table.owner(HOME) is None
    assert accept(table, check(nominate=True), HOME, now=140.0).moved


def test_a_peer_that_shows_many_addresses_keeps_the_selected_one(table: BindingTable) -> None:
    accept(table, check(nominate=True), HOME)
    for port in range(1, 3 * PATHS_PER_PEER):
        accept(table, check(), Path("203.0.113.20", port, "198.51.100.1"))
    assert table.owner(HOME) == ANN
    assert sum(table.owner(Path("203.0.113.20", port, "198.51.100.1")) == ANN for port in range(1, 100)) == 15


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: check()[:60] + tail))
def test_no_datagram_makes_the_table_raise(datagram: bytes) -> None:
    table = BindingTable()
    admit(table, ANN, "ann")
    table.receive_stun(datagram, HOME, 0.0)
