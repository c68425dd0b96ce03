import base64
import hashlib
import hmac

from relay.ids import UserId
from relay.session.turn import Turn

TURN = Turn(("turns:turn.example.org:443?transport=tcp",), "correct horse", lifetime=600)


def test_credentials_are_those_that_coturn_computes_from_the_user_name() -> None:
    (server,) = TURN.servers(UserId("ann"), now=1_000.9)
    assert server.username == "1600:ann"
    expected = hmac.new(b"correct horse", b"1600:ann", hashlib.sha1).digest()
    assert server.credential == base64.b64encode(expected).decode()
    assert server.urls == TURN.urls


def test_everybody_has_credentials_of_their_own() -> None:
    (ann,) = TURN.servers(UserId("ann"), now=0)
    (bob,) = TURN.servers(UserId("bob"), now=0)
    assert ann.credential != bob.credential


def test_without_urls_there_are_no_servers() -> None:
    assert Turn((), "", 600).servers(UserId("ann"), now=0) == ()
