"""A visitor's cookie: as we wrote it to the last bit, or nobody's."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.auth.keys import Document, Keys, SigningKey
from relay.auth.visitor import ID_BYTES, LASTS, Visitor, from_cookie, to_cookie

TODAY = 20_788
KEYS = Keys.temporary()
ANN = Visitor(b"0123456789abcdef", "relay-1", 18, TODAY)
COOKIE = to_cookie(ANN, KEYS)

visitors = st.builds(
    Visitor,
    id=st.binary(min_size=ID_BYTES, max_size=ID_BYTES),
    rules=st.from_regex(r"[A-Za-z0-9._-]{1,32}", fullmatch=True),
    age=st.integers(0, 120),
    day=st.integers(TODAY - LASTS, TODAY),
)


@given(visitors)
def test_what_is_written_is_read(visitor: Visitor) -> None:
    written = to_cookie(visitor, KEYS)
    assert from_cookie(written, KEYS, TODAY) == visitor
    assert len(written) < 120
    assert all(character.isalnum() or character in "._-:" for character in written), "nothing has to be quoted"


@given(visitors, st.data())
def test_any_change_of_any_character_is_refused(visitor: Visitor, data: st.DataObject) -> None:
    written = to_cookie(visitor, KEYS)
    place = data.draw(st.integers(0, len(written) - 1))
    other = data.draw(st.characters().filter(lambda each: each != written[place]))
    assert from_cookie(written[:place] + other + written[place + 1 :], KEYS, TODAY) is None


def test_no_bit_is_without_a_meaning() -> None:
    """Base64 has some at the end, and decoders pass over much."""
    for place in range(len(COOKIE)):
        for code in range(1, 256):
            if chr(code) != COOKIE[place]:
                assert from_cookie(COOKIE[:place] + chr(code) + COOKIE[place + 1 :], KEYS, TODAY) is None, (place, code)


@given(st.integers(0, len(COOKIE)), st.text(max_size=8))
def test_nothing_may_be_put_in_or_left_out(place: int, more: str) -> None:
    if more:
        assert from_cookie(COOKIE[:place] + more + COOKIE[place:], KEYS, TODAY) is None
    if place < len(COOKIE):
        assert from_cookie(COOKIE[:place], KEYS, TODAY) is None
        assert from_cookie(COOKIE[:place] + COOKIE[place + 1 :], KEYS, TODAY) is None


@given(st.text(max_size=300))
def test_no_text_raises_anything(text: str) -> None:
    assert from_cookie(text, KEYS, TODAY) is None


@pytest.mark.parametrize("text", ["", ":", "::::", "a" * 100_000, COOKIE * 2, "\udcff" * 22 + ":1:1:1:", "٣" * 22])
def test_nonsense_is_nobody(text: str) -> None:
    assert from_cookie(text, KEYS, TODAY) is None


def test_what_another_server_signed_is_nobody() -> None:
    assert from_cookie(COOKIE, Keys.temporary(), TODAY) is None


def test_what_was_signed_for_something_else_is_nobody() -> None:
    content = COOKIE.rpartition(":")[0]
    tag = KEYS.sign("account", content.encode())
    assert to_cookie(ANN, KEYS) == COOKIE
    assert not KEYS.check("visitor", content.encode(), tag)


def test_a_key_that_no_longer_signs_is_still_believed_and_the_one_before_it_not() -> None:
    document = Document.new(datetime.date(2026, 12, 1))
    keys = Keys(document)
    written = to_cookie(ANN, keys)
    turned = document.turned(datetime.date(2027, 3, 1))
    assert from_cookie(written, Keys(turned), TODAY) == ANN
    assert to_cookie(ANN, Keys(turned)) != written
    assert from_cookie(written, Keys(turned.turned(datetime.date(2027, 6, 1))), TODAY) is None
    assert isinstance(document.signing[0], SigningKey)


@pytest.mark.parametrize(("days", "is_known"), [(0, True), (1, True), (LASTS, True), (LASTS + 1, False), (400, False)])
def test_it_ends_so_many_days_after_the_latest_visit(days: int, is_known: bool) -> None:
    assert (from_cookie(COOKIE, KEYS, TODAY + days) is not None) == is_known


@pytest.mark.parametrize(("days", "is_known"), [(1, True), (2, False)])
def test_one_of_a_later_day_is_believed_as_far_as_clocks_may_be_apart(days: int, is_known: bool) -> None:
    assert (from_cookie(COOKIE, KEYS, TODAY - days) is not None) == is_known


@pytest.mark.parametrize(
    ("rules", "age", "may_meet"),
    [("relay-1", 18, True), ("relay-1", 16, True), ("relay-1", 0, True), ("relay-1", 21, False), ("2", 18, False)],
)
def test_who_agreed_to_other_rules_or_said_to_be_younger_is_asked_anew(rules: str, age: int, may_meet: bool) -> None:
    assert ANN.may_meet(rules, age) is may_meet
