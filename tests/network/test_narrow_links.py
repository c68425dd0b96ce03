"""A sender follows the narrowest way to its partner, and is back once that is wide: real Chromium at 1 Mbit/s.

`make measure-narrow` prints the seconds.
"""

from pathlib import Path

import pytest

from tests.bench.bad_links import WIDTH
from tests.bench.narrow_links import RATE, SETTLING, Followed, Where, follow, meet_after_a_thin_partner, rate

MOST_LOST = 0.02
FULL_QUALITY = 500
"""kbit/s."""


def assert_followed(followed: Followed) -> None:
    settled = followed.settled
    assert rate(settled) < RATE / 1_000, settled
    assert sum(second.lost * second.sent for second in settled) / sum(second.sent for second in settled) < MOST_LOST
    assert followed.is_back, followed.after


@pytest.mark.parametrize("where", list(Where))
async def test_a_sender_stays_below_a_link_that_becomes_narrow_and_comes_back(where: Where, tmp_path: Path) -> None:
    assert_followed(await follow(where, tmp_path))


async def test_one_sender_stays_below_a_narrow_link(tmp_path: Path) -> None:
    """The short one, with bounds that hold on a busy machine."""
    followed = await follow(Where.DOWN, tmp_path, 60)
    assert rate(followed.settled) < RATE / 1_000, followed.settled
    assert followed.is_back, followed.after


async def test_who_had_a_thin_partner_meets_the_next_at_full_quality(tmp_path: Path) -> None:
    seconds = await meet_after_a_thin_partner(tmp_path, SETTLING)
    assert seconds[-1].sent > FULL_QUALITY, seconds
    assert seconds[-1].width == WIDTH, seconds
