"""Passkeys: who is believed, and what is not, whatever a browser sends."""

import asyncio
import base64
import json

import pytest

from relay.auth.keys import Keys
from relay.auth.passkeys import LARGEST_ANSWER, PATIENCE, Passkeys, Place
from relay.errors import ErrorCode, RelayError
from relay.store.passkeys import Passkey
from tests.kit.passkeys import PRESENT, Authenticator, PasskeysInMemory

HERE = Place("relay.example", "https://relay.example")
NOW = 1_800_000_000.0


class Desk:
    """Staff's ceremonies, with the time given."""

    def __init__(self, keys: Keys | None = None, kind: str = "staff", kept: PasskeysInMemory | None = None) -> None:
        self.kept = kept or PasskeysInMemory()
        self.passkeys = Passkeys(kind=kind, site="Relay", keys=keys or Keys.temporary(), store=self.kept)

    def enrol(self, device: Authenticator, owner: str = "ada", now: float = NOW) -> Passkey:
        asked = asyncio.run(self.passkeys.begin_registration(HERE, owner, "Ada", now))
        return asyncio.run(self.passkeys.finish_registration(HERE, owner, device.create(asked), now))

    def ask(self, owner: str = "", now: float = NOW + 10, place: Place = HERE) -> bytes:
        return asyncio.run(self.passkeys.begin_sign_in(place, now, owner))

    def finish(self, answer: bytes, owner: str = "", now: float = NOW + 11, place: Place = HERE) -> Passkey:
        return asyncio.run(self.passkeys.finish_sign_in(place, answer, now, owner))

    def refuses(self, answer: bytes, owner: str = "", now: float = NOW + 11, place: Place = HERE) -> None:
        with pytest.raises(RelayError) as refused:
            self.finish(answer, owner, now, place)
        assert refused.value.code is ErrorCode.PASSKEY_REFUSED


def device() -> Authenticator:
    return Authenticator(HERE.origin)


def test_who_made_a_passkey_signs_in_by_it() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    assert desk.finish(hers.get(desk.ask())).owner == "ada"


def test_the_browser_is_asked_for_a_passkey_that_is_found_without_a_name_and_wants_its_person() -> None:
    desk = Desk()
    asked = json.loads(asyncio.run(desk.passkeys.begin_registration(HERE, "ada", "Ada", NOW)))
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert (asked["rp"], asked["attestation"]) == ({"name": "Relay", "id": "relay.example"}, "none")
    signing_in = json.loads(desk.ask())
    assert (signing_in["userVerification"], signing_in["allowCredentials"]) == ("required", [])


def test_an_answer_counts_once() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    answer = hers.get(desk.ask())
    desk.finish(answer)
    desk.refuses(answer)


def test_an_older_challenge_does_not_count_after_a_younger_one() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    older, younger = desk.ask(now=NOW + 1), desk.ask(now=NOW + 2)
    desk.finish(hers.get(younger))
    desk.refuses(hers.get(older))


def test_a_passkey_is_made_once() -> None:
    desk, hers = Desk(), device()
    asked = asyncio.run(desk.passkeys.begin_registration(HERE, "ada", "Ada", NOW))
    answer = hers.create(asked)
    asyncio.run(desk.passkeys.finish_registration(HERE, "ada", answer, NOW))
    with pytest.raises(RelayError):
        asyncio.run(desk.passkeys.finish_registration(HERE, "ada", answer, NOW))


def test_nobody_has_a_passkey_made_by_what_another_was_asked() -> None:
    desk, hers = Desk(), device()
    asked = asyncio.run(desk.passkeys.begin_registration(HERE, "ada", "Ada", NOW))
    with pytest.raises(RelayError):
        asyncio.run(desk.passkeys.finish_registration(HERE, "eve", hers.create(asked), NOW))


def test_an_answer_that_comes_too_late_is_refused() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    asked = desk.ask(now=NOW + 1)
    desk.refuses(hers.get(asked), now=NOW + PATIENCE + 2)
    assert desk.finish(hers.get(asked), now=NOW + PATIENCE).owner == "ada"


def test_a_server_finishes_what_another_with_the_same_keys_began() -> None:
    keys, kept, hers = Keys.temporary(), PasskeysInMemory(), device()
    one, other = Desk(keys, kept=kept), Desk(keys, kept=kept)
    one.enrol(hers)
    assert other.finish(hers.get(one.ask())).owner == "ada"


def test_a_challenge_of_somebody_elses_making_is_refused() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    desk.refuses(hers.get(Desk().ask()))


def test_what_accounts_were_asked_is_worth_nothing_for_staff() -> None:
    keys, kept, hers = Keys.temporary(), PasskeysInMemory(), device()
    staff, accounts = Desk(keys, kept=kept), Desk(keys, kept=kept, kind="account")
    staff.enrol(hers)
    staff.refuses(hers.get(accounts.ask()))


def test_what_was_asked_for_making_one_is_worth_nothing_for_signing_in() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    making = json.loads(asyncio.run(desk.passkeys.begin_registration(HERE, "ada", "Ada", NOW + 5)))
    desk.refuses(hers.get(json.dumps({"challenge": making["challenge"], "rpId": HERE.host}).encode()))


@pytest.mark.parametrize("origin", ["https://evil.example", "http://relay.example", "https://relay.example:8443"])
def test_a_page_elsewhere_signs_nobody_in(origin: str) -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    hers.origin = origin
    desk.refuses(hers.get(desk.ask()))


def test_a_passkey_of_another_host_signs_nobody_in() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    hers.host = "evil.example"
    desk.refuses(hers.get(desk.ask()))


def test_a_passkey_is_not_made_on_a_page_elsewhere() -> None:
    with pytest.raises(RelayError):
        Desk().enrol(Authenticator("https://evil.example"))


def test_who_did_not_show_that_it_is_them_is_refused() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    hers.flags = PRESENT
    desk.refuses(hers.get(desk.ask()))
    with pytest.raises(RelayError):
        desk.enrol(Authenticator(HERE.origin, flags=PRESENT))


def test_a_counter_that_goes_back_is_a_copied_passkey() -> None:
    desk, hers = Desk(), device()
    hers.counter = 7
    desk.enrol(hers)
    desk.finish(hers.get(desk.ask()))
    hers.counter = 3
    desk.refuses(hers.get(desk.ask(now=NOW + 20)), now=NOW + 21)


def test_another_key_under_a_known_name_is_refused() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    desk.refuses(Authenticator(HERE.origin, id=hers.id).get(desk.ask()))


def test_an_unknown_passkey_is_refused_as_a_wrong_one_is() -> None:
    desk = Desk()
    desk.refuses(device().get(desk.ask()))


def test_who_is_asked_whether_it_is_still_them_can_not_have_another_answer() -> None:
    desk, hers, his = Desk(), device(), device()
    desk.enrol(hers)
    desk.enrol(his, owner="bob")
    asked = desk.ask(owner="ada")
    assert [known["id"] for known in json.loads(asked)["allowCredentials"]] == [
        base64.urlsafe_b64encode(hers.id).rstrip(b"=").decode()
    ]
    desk.refuses(his.get(asked), owner="ada")
    desk.refuses(hers.get(desk.ask()), owner="ada")
    assert desk.finish(hers.get(asked), owner="ada").owner == "ada"


DAMAGE: tuple[object, ...] = (None, 7, "", "!", "\u00e9", "AAAA", {}, [])


def _damaged() -> list[bytes]:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    whole = json.loads(hers.get(desk.ask()))
    without = [{key: value for key, value in whole.items() if key != name} for name in whole]
    nested = [
        {**whole, "response": {**whole["response"], name: damage}} for name in whole["response"] for damage in DAMAGE
    ]
    flat = [{**whole, name: damage} for name in whole for damage in DAMAGE]
    odd = [b"", b"null", b"[]", b"{", b"\xff", b'"a"', b"x" * (LARGEST_ANSWER + 1)]
    return [*odd, *(json.dumps(said).encode() for said in (*without, *nested, *flat))]


def test_whatever_strangers_send_is_refused_in_one_way() -> None:
    desk, hers = Desk(), device()
    desk.enrol(hers)
    answer = json.loads(hers.get(desk.ask()))
    for damaged in _damaged():
        desk.refuses(damaged)
    for name in answer["response"]:
        if name == "userHandle":
            continue
        damaged_answer = {**answer, "response": {**answer["response"], name: "AAAA"}}
        desk.refuses(json.dumps(damaged_answer).encode())
