"""Accept-Encoding, as browsers, proxies and others write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.web.encodings import choose

ALL = ("identity", "gzip", "br")


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, gzip;q=0", "identity"),
        ("br;q=0, *", "gzip"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0.1, gzip;q=0.5", "gzip"),
        ("identity;q=0", "identity"),
        ("GZIP ; Q=1.0", "gzip"),
        ("br;q=yes, gzip", "gzip"),
        ("br;q=2, gzip", "gzip"),
        ("br;q=nan, gzip", "gzip"),
        ("br;level=11", "identity"),
        ("zstd", "identity"),
        ("brotli, xgzip", "identity"),
        (",,;q=1,", "identity"),
        ("", "identity"),
        (None, "identity"),
    ],
)
def test_the_best_of_what_is_accepted_is_sent(accepted: str | None, chosen: str) -> None:
    assert choose(accepted, ALL) == chosen


def test_what_there_is_not_is_not_sent() -> None:
    assert choose("br, gzip;q=0.1", ("identity", "gzip")) == "gzip"
    assert choose("br, gzip", ("identity",)) == "identity"


@given(st.text())
def test_nonsense_is_answered_with_something_that_there_is(accepted: str) -> None:
    assert choose(accepted, ALL) in ALL
