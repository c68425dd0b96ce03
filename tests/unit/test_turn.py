import base64
import hashlib
import hmac

import pytest

from relay.config.settings import TurnChoice
from relay.ids import UserId
from relay.peer.candidates import Reach
from relay.session.turn import InsideTurn, OutsideTurn, Turn, TurnCredentials
from tests.kit.control_side import FakeTurnPort

OUTSIDE = OutsideTurn(("turns:turn.example.org:443?transport=tcp",), "correct horse", lifetime=600)
NOWHERE = OutsideTurn((), "", lifetime=600)
REACH = Reach(("2001:db8::1", "203.0.113.1", "2001:db8::2", "203.0.113.2"), udp_port=3_478, tcp_port=443)
ANN, BOB = UserId("ann"), UserId("bob")
PAGE = "chat.example.org:8443"


class TestOutside:
    def test_credentials_are_those_that_coturn_computes_from_the_user_name(self) -> None:
        (server,) = OUTSIDE.servers(ANN, now=1_000.9)
        assert server.username == "1600:ann"
        expected = hmac.new(b"correct horse", b"1600:ann", hashlib.sha1).digest()
        assert server.credential == base64.b64encode(expected).decode()
        assert server.urls == OUTSIDE.urls

    def test_everybody_has_credentials_of_their_own(self) -> None:
        (ann,) = OUTSIDE.servers(ANN, now=0)
        (bob,) = OUTSIDE.servers(BOB, now=0)
        assert ann.credential != bob.credential

    def test_without_urls_there_are_no_servers(self) -> None:
        assert NOWHERE.servers(ANN, now=0) == ()


def inside(choice: TurnChoice, reach: Reach = REACH, *, takes_tls: bool = True) -> InsideTurn:
    return InsideTurn(choice, lambda: reach, lambda: takes_tls)


TLS = f"turns:{PAGE}?transport=tcp"
OVER_UDP = ("turn:[2001:db8::1]:3478?transport=udp", "turn:203.0.113.1:3478?transport=udp")
OVER_TCP = ("turn:[2001:db8::1]:443?transport=tcp", "turn:203.0.113.1:443?transport=tcp")


class TestUrlsOfOurOwn:
    def test_one_is_offered_by_the_name_and_port_of_the_page(self) -> None:
        assert inside(TurnChoice.TLS).urls(PAGE) == (TLS,)

    @pytest.mark.parametrize(("tls_host", "takes_tls"), [(None, True), (PAGE, False)])
    def test_where_tls_is_not_ours_it_is_the_media_port_over_tcp(self, tls_host: str | None, takes_tls: bool) -> None:
        assert inside(TurnChoice.TLS, takes_tls=takes_tls).urls(tls_host) == OVER_TCP

    def test_all_of_them_are_over_udp_and_tcp_as_well(self) -> None:
        assert inside(TurnChoice.ALL).urls(PAGE) == (TLS, *OVER_UDP, *OVER_TCP)
        assert inside(TurnChoice.ALL).urls(None) == (*OVER_UDP, *OVER_TCP)

    def test_none_is_offered_when_it_is_off(self) -> None:
        assert inside(TurnChoice.OFF).urls(PAGE) == ()
        assert inside(TurnChoice.OFF).urls(None) == ()

    def test_without_media_over_tcp_there_is_none_over_tcp(self) -> None:
        only_udp = Reach(("203.0.113.1",), udp_port=3_478)
        assert inside(TurnChoice.TLS, only_udp).urls(None) == ()
        assert inside(TurnChoice.ALL, only_udp).urls(None) == ("turn:203.0.113.1:3478?transport=udp",)


def test_the_key_is_what_rfc_8489_makes_of_name_realm_and_password() -> None:
    # printf %s ann:relay:secret | md5sum
    assert TurnCredentials("ann", "secret").key.hex() == "0a0922953c246145fbb7cd680387594e"


class TestCredentialsOfOurOwn:
    def test_the_port_knows_the_key_of_who_is_told_the_password(self) -> None:
        port = FakeTurnPort()
        (server,) = Turn(inside=inside(TurnChoice.TLS), outside=NOWHERE, port=port).servers(ANN, PAGE, now=0)
        assert server.username is not None
        assert server.credential is not None
        assert len(server.username) == 12
        assert port.admitted == {server.username: TurnCredentials(server.username, server.credential).key}

    def test_everybody_has_their_own_and_the_same_each_time(self) -> None:
        port = FakeTurnPort()
        turn = Turn(inside=inside(TurnChoice.TLS), outside=NOWHERE, port=port)
        (first,), (other,) = turn.servers(ANN, PAGE, now=0), turn.servers(BOB, PAGE, now=0)
        # By then they are in another network, behind a proxy.
        (later,) = turn.servers(ANN, None, now=5_000)
        assert (later.username, later.credential) == (first.username, first.credential)
        assert later.urls == OVER_TCP
        assert other.username != first.username
        assert other.credential != first.credential
        assert port.orders == ["admit", "admit"]

    def test_they_are_void_with_the_session(self) -> None:
        port = FakeTurnPort()
        turn = Turn(inside=inside(TurnChoice.TLS), outside=NOWHERE, port=port)
        (ann,), _ = turn.servers(ANN, PAGE, now=0), turn.servers(BOB, PAGE, now=0)
        turn.release(ANN)
        turn.release(ANN)
        assert ann.username not in port.admitted
        assert len(port.admitted) == 1
        assert port.orders == ["admit", "admit", "release"]

    def test_nobody_is_admitted_who_is_offered_nothing(self) -> None:
        port = FakeTurnPort()
        turn = Turn(inside=inside(TurnChoice.OFF), outside=OUTSIDE, port=port)
        assert turn.servers(ANN, PAGE, now=0) == OUTSIDE.servers(ANN, now=0)
        turn.release(ANN)
        assert port.orders == []


def test_servers_outside_come_after_our_own_and_are_all_that_is_renewed() -> None:
    turn = Turn(inside=inside(TurnChoice.TLS), outside=OUTSIDE, port=FakeTurnPort())
    own, outside = turn.servers(ANN, PAGE, now=0)
    assert own.urls == (TLS,)
    assert outside.urls == OUTSIDE.urls
    assert turn.renewal == 300
    assert Turn(inside=inside(TurnChoice.TLS), outside=NOWHERE, port=FakeTurnPort()).renewal is None
