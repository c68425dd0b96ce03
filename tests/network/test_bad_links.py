"""Pictures stay smooth where packets get lost, in real Chromium at 640x360 and 20 frames a second.

The bounds are those that people notice; `make measure-loss` prints what they leave.
"""

from pathlib import Path
from statistics import median

import pytest

from tests.network.bad_links import KINDS, SEEDS, Seen, talk_over


@pytest.mark.parametrize(("kind", "fps", "frozen"), [("5 % lost", 19.0, 0.5), ("10 % lost", 17.0, 1.5)])
async def test_pictures_stay_smooth_while_packets_get_lost(
    kind: str, fps: float, frozen: float, tmp_path: Path
) -> None:
    """Median over the seeds of what the worse off of the two sees."""
    seen: list[tuple[Seen, Seen]] = [await talk_over(KINDS[kind], seed, tmp_path) for seed in SEEDS]
    assert median(min(of.fps for of in both) for both in seen) >= fps, seen
    assert median(max(of.frozen for of in both) for both in seen) <= frozen, seen
    assert median(min(of.kbps for of in both) for both in seen) >= 300, seen


async def test_ten_packets_lost_in_a_row_each_second_are_not_seen(tmp_path: Path) -> None:
    for seen in await talk_over(KINDS["10 in a row lost each second"], 1, tmp_path):
        assert seen.mended > 100, seen
        assert seen.longest_gap <= 0.3, seen


async def test_one_call_over_lossy_links_stays_smooth(tmp_path: Path) -> None:
    """The short one, with bounds that hold on a busy machine."""
    for seen in await talk_over(KINDS["5 % lost"], 1, tmp_path):
        assert seen.mended > 100, seen
        assert seen.fps >= 15, seen
        assert seen.frozen <= 3, seen
