"""The chain of the audit log: whatever is done to it by somebody without the key is found."""

import hashlib
import hmac
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.auth.printed import entry_of, line_of
from relay.store.chain import BEGINNING, EXPIRED, Deed, Entry, Expired, Verifier, expired, sealed

KEY = b"the server's"


def sign(signed: bytes) -> bytes:
    return hmac.digest(KEY, signed, hashlib.sha256)


def check(signed: bytes, signature: bytes) -> bool:
    return hmac.compare_digest(sign(signed), signature)


def add(chain: list[Entry], *deeds: Deed) -> list[Entry]:
    for deed in deeds:
        chain.append(sealed(deed, after=chain[-1] if chain else None, at=1_000 + len(chain), sign=sign))
    return chain


def verdict(chain: Sequence[Entry]) -> str | None:
    verifier = Verifier(check)
    for entry in chain:
        if wrong := verifier.take(entry):
            return f"{entry.n}: {wrong}"
    return verifier.end()


def deed(subject: str = "") -> Deed:
    return Deed(who="ann", what="room_ended", subject=subject, detail="{}")


deeds = st.builds(Deed, who=st.text(max_size=8), what=st.text(max_size=8), subject=st.text(), detail=st.just('{"a":1}'))
chains = st.lists(deeds, min_size=2, max_size=8).map(lambda done: add([], *done))


@given(chains)
def test_a_chain_that_nobody_touched_is_whole(chain: list[Entry]) -> None:
    assert verdict(chain) is None
    assert [entry.n for entry in chain] == list(range(1, len(chain) + 1))


@given(chains, st.data())
def test_any_change_of_an_entry_is_found(chain: list[Entry], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from(Entry.__struct_fields__))
    before = getattr(chain[place], name)
    if isinstance(before, int):
        after: int | str | bytes = before + data.draw(st.integers(-5, 5).filter(bool))
    elif isinstance(before, str):
        after = data.draw(st.text().filter(lambda text: text != before))
    else:
        at = data.draw(st.integers(0, len(before) - 1))
        after = before[:at] + bytes([before[at] ^ data.draw(st.integers(1, 255))]) + before[at + 1 :]
    chain[place] = msgspec.structs.replace(chain[place], **{name: after})
    assert verdict(chain) is not None


@given(chains, st.data())
def test_any_removal_but_of_the_latest_is_found(chain: list[Entry], data: st.DataObject) -> None:
    del chain[data.draw(st.integers(0, len(chain) - 2))]
    assert verdict(chain) is not None


@given(chains, st.data())
def test_any_swap_is_found(chain: list[Entry], data: st.DataObject) -> None:
    one, other = data.draw(st.lists(st.integers(0, len(chain) - 1), min_size=2, max_size=2, unique=True))
    chain[one], chain[other] = chain[other], chain[one]
    assert verdict(chain) is not None


@given(chains, deeds, st.data())
def test_what_somebody_without_the_key_adds_or_writes_anew_is_found(
    chain: list[Entry], another: Deed, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(chain)))
    forged = chain[:place]
    later = [
        Deed(who=each.who, what=each.what, subject=each.subject, detail=each.detail)
        for each in chain[data.draw(st.sampled_from([place, place + 1])) :]
    ]
    for each in (another, *later):
        # Everything after it is written anew too, as well as can be without the key.
        after = forged[-1] if forged else None
        forged.append(sealed(each, after=after, at=1, sign=lambda signed: hmac.digest(b"another", signed, "sha256")))
    assert (verdict(forged) or "").startswith(f"{place + 1}: It was not signed")


@given(st.integers(1, 9), st.integers(0, 3))
def test_a_chain_whose_old_entries_went_is_whole(gone: int, later: int) -> None:
    chain = add([], *(deed(str(number)) for number in range(9)))
    add(chain, expired(chain[gone - 1]), *(deed() for _ in range(later)))
    assert verdict(chain[gone:]) is None
    assert verdict(chain[:]) is None, "said, and not yet done"


@given(st.integers(1, 8), st.integers(1, 8))
def test_more_may_not_go_than_was_said(said: int, gone: int) -> None:
    chain = add([], *(deed(str(number)) for number in range(9)))
    add(chain, expired(chain[said - 1]))
    found = verdict(chain[gone:])
    assert (found is None) == (gone == said), found


def test_who_forges_that_entries_went_is_found() -> None:
    chain = add([], *(deed(str(number)) for number in range(9)))
    forged = Expired(through=4, hash=chain[3].hash.hex())
    said = Deed(who="server", what=EXPIRED, subject="4", detail=msgspec.json.encode(forged).decode())
    chain.append(sealed(said, after=chain[-1], at=1, sign=lambda signed: b"made up"))
    assert "10: It was not signed" in (verdict(chain[4:]) or "")


def test_old_entries_go_again_and_again() -> None:
    chain = add([], deed(), deed(), deed())
    for _ in range(5):
        add(chain, expired(chain[1]))
        del chain[:2]
        assert verdict(chain) is None
        add(chain, deed())


@given(chains)
def test_a_line_is_an_entry_to_the_last_bit(chain: list[Entry]) -> None:
    for entry in chain:
        assert entry_of(msgspec.json.encode(line_of(entry))) == entry


@pytest.mark.parametrize("line", [b"", b"{}", b"not JSON", b'{"n": 1}', b'{"n": "one"}'])
def test_what_is_no_entry_is_none(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        entry_of(line)


def test_the_first_entry_follows_nothing() -> None:
    (first,) = add([], deed())
    assert (first.n, first.previous) == (1, BEGINNING)
